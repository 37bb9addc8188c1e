//! Words of the door: signing in, first run, invitations, the own profile.

use crate::words;

words! {
    /// Signing in, invitations, one-time links.
    Door {
        sign_in: "登入", "Sign in";
        sign_in_lead: "請使用您的帳號登入。", "Use your account to sign in.";
        login: "帳號", "Account name";
        password: "密碼", "Password";
        next: "下一步", "Continue";
        second: "第二因子", "Second factor";
        second_lead: "請輸入驗證器應用程式顯示的六位數字。", "Enter the six digits your authenticator shows.";
        code: "驗證碼", "Code";
        use_recovery: "改用復原碼", "Use a recovery code instead";
        recovery: "復原碼", "Recovery code";
        recovery_lead: "每一組復原碼只能使用一次；用過即失效。", "Each recovery code works once.";
        use_totp: "改用驗證器", "Use the authenticator instead";
        lost: "無法登入？請聯絡貴組織的管理者，或由主機執行 lianfang user recover。", "Cannot sign in? Ask your administrator, or run lianfang user recover on the host.";
        again: "重新登入", "Start again";
        invite: "接受邀請", "Accept the invitation";
        invite_lead: "設定密碼與第二因子後即可使用。", "Set a password and a second factor, then you are in.";
        roles: "角色", "Roles";
        org: "組織", "Organisation";
        display_name: "姓名", "Name";
        password_new: "新密碼", "New password";
        password_again: "再次輸入新密碼", "New password again";
        password_rule: "至少 12 個字元；長句比符號更安全。", "At least 12 characters; a long sentence beats symbols.";
        password_differs: "兩次輸入的密碼不同。", "The two passwords differ.";
        totp_scan: "用驗證器掃描此圖", "Scan this with your authenticator";
        totp_type: "無法掃描時，手動輸入此金鑰", "Or type this key by hand";
        totp_qr: "驗證器設定圖碼", "Picture code for the authenticator";
        recovery_new: "您的復原碼", "Your recovery codes";
        recovery_keep: "只顯示這一次。請列印或抄下，並與手機分開存放。", "Shown once. Print or copy them and keep them apart from your phone.";
        recovery_kept: "我已妥善保管，繼續", "I have kept them, continue";
        link: "一次性登入連結", "One-time sign-in link";
        link_lead: "此連結只能使用一次。", "This link works once.";
        link_use: "登入", "Sign in";
    }
}

words! {
    /// First run.
    Setup {
        title: "初次設定", "First run";
        step: "步驟", "Step";
        skip: "略過，稍後再設定", "Skip, do it later";
        finish: "完成並開始使用", "Finish and start";
        admin: "管理者", "Administrator";
        admin_lead: "建立第一位管理者。系統沒有預設密碼。", "Make the first administrator. There is no default password.";
        link: "設定碼（印在啟動畫面）", "Setup code (printed at start)";
        who: "我們是誰", "Who we are";
        who_lead: "這座中心所屬的組織，以及它在聯防體系中的層級。", "The organisation this centre belongs to and its tier.";
        org_name: "組織名稱", "Name of the organisation";
        org_name_en: "英文名稱", "Name in English";
        place: "語言、時區與網址", "Language, zone and address";
        place_lead: "已依您的瀏覽器預先填入。", "Filled in from your browser.";
        base: "中心網址", "Address of this centre";
        source: "第一個資料來源", "First source";
        source_lead: "在另一台主機貼上這一行，就會有一個感測器回報攻擊。", "Paste this line on another host: a sensor starts reporting attacks.";
        waiting: "尚未收到第一筆事件", "No event yet";
        received: "已收到第一筆事件", "The first event has arrived";
        zone: "時區", "Time zone";
    }
}

words! {
    /// The own profile.
    Me {
        title: "我的資料", "My profile";
        lead: "語言、時區與外觀只影響您自己。", "Language, zone and appearance change only what you see.";
        look: "顯示方式", "How things look";
        zone: "時區", "Time zone";
        sessions: "登入中的裝置", "Where you are signed in";
        sessions_lead: "不認得的裝置請立即登出。", "Sign out any device you do not know.";
        session_this: "此裝置", "This device";
        session_since: "登入時間", "Signed in";
        session_seen: "最近使用", "Last used";
        session_from: "來源位址", "From";
        session_agent: "瀏覽器", "Browser";
        session_end: "登出此裝置", "Sign out there";
        second: "第二因子", "Second factor";
        second_on: "驗證器已啟用", "Authenticator in use";
        second_off: "尚未設定第二因子", "No second factor yet";
        second_new: "重新設定驗證器", "Set up a new authenticator";
        recovery_left: "剩餘復原碼", "Recovery codes left";
        recovery_new: "產生新的復原碼", "Make new recovery codes";
        password: "變更密碼", "Change password";
        password_old: "目前密碼", "Current password";
        roles: "我的角色", "My roles";
        saved: "已儲存。", "Saved.";
    }
}
