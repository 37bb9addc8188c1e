//! Words of the door: signing in, first run, invitations, the own profile, passkeys.

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
        other_way: "改用其他方式", "Use another way";
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
        second_on: "已啟用", "In use";
        totp: "驗證器", "Authenticator";
        totp_off: "未設定", "Not set up";
        second_off: "尚未設定第二因子", "No second factor yet";
        second_new: "重新設定驗證器", "Set up a new authenticator";
        second_set: "設定驗證器", "Set up an authenticator";
        recovery_left: "剩餘復原碼", "Recovery codes left";
        recovery_new: "產生新的復原碼", "Make new recovery codes";
        password: "變更密碼", "Change password";
        password_old: "目前密碼", "Current password";
        roles: "我的角色", "My roles";
        saved: "已儲存。", "Saved.";
    }
}

words! {
    /// Passkeys: registering, showing, the list in the profile.
    Passkey {
        title: "通行金鑰", "Passkeys";
        lead: "通行金鑰（passkey）以指紋、臉部或 PIN 在您的裝置上驗證，不會被釣魚網站騙走；可作為密碼之後的第二因子。", "A passkey checks finger, face or PIN on your own device and cannot be phished; it serves as the second factor after the password.";
        help: "建議設定兩把，並把復原碼收好：遺失裝置時仍能登入。", "Set up two and keep the recovery codes: a lost device then locks nobody out.";
        none: "尚未註冊通行金鑰", "No passkey yet";
        none_do: "新增一把，登入時就不必輸入驗證碼。", "Add one, and no code has to be typed at sign-in.";
        add: "新增通行金鑰", "Add a passkey";
        add_lead: "為它取一個日後認得的名稱，例如「辦公室筆電」。", "Give it a name you will recognise, such as “office laptop”.";
        name: "名稱", "Name";
        proof: "您的密碼", "Your password";
        proof_why: "距離上次驗證第二因子已超過五分鐘，請再次輸入密碼。", "Your second factor was shown more than five minutes ago; enter the password once more.";
        confirm: "在您的裝置上確認", "Confirm on your device";
        confirm_add: "瀏覽器會請您以指紋、臉部、PIN 或安全金鑰確認，並建立通行金鑰。", "Your browser asks for finger, face, PIN or security key and makes the passkey.";
        confirm_show: "瀏覽器會請您以指紋、臉部、PIN 或安全金鑰確認。", "Your browser asks for finger, face, PIN or security key.";
        start: "開始確認", "Start";
        use_it: "使用通行金鑰", "Use a passkey";
        or_code: "或輸入驗證碼", "Or enter a code";
        only: "此帳號以通行金鑰作為第二因子。", "This account has passkeys as its second factor.";
        instead: "改用通行金鑰", "Use a passkey instead";
        unscripted: "未啟用指令碼（JavaScript）時，瀏覽器無法使用通行金鑰；請改用驗證器或復原碼。", "Without script a browser cannot use passkeys; use the authenticator or a recovery code.";
        not_here: "通行金鑰只能用於主機名稱，不能用於 IP 位址。請改由下列網址開啟，或使用驗證器：", "Passkeys belong to a host name, never to an IP address. Open one of these addresses, or use the authenticator:";
        elsewhere: "您的通行金鑰是在本中心的另一個網址註冊的。請由下列網址登入，或改用其他方式：", "Your passkeys were registered at another address of this centre. Sign in there, or use another way:";
        unsupported: "這個瀏覽器不支援通行金鑰，請改用驗證器或復原碼。", "This browser has no passkeys; use the authenticator or a recovery code.";
        refused: "未完成。可能已取消或逾時；若沒有出現提示，表示瀏覽器尚未信任本中心的憑證，請洽管理者安裝，或改用驗證器。", "Not completed. It was cancelled or took too long; if nothing appeared, the browser does not trust this centre’s certificate: ask an administrator to install it, or use the authenticator.";
        known: "這個裝置已經註冊過。", "This device is registered already.";
        site: "適用網址", "Works at";
        kept: "存放方式", "Kept";
        synced: "可同步至其他裝置", "May sync to other devices";
        bound: "僅在此裝置", "On one device only";
        created: "註冊時間", "Registered";
        used: "最近使用", "Last used";
        unused: "尚未使用", "Not used yet";
        cloned: "疑似遭複製，已停用", "Perhaps copied, disabled";
        remove: "移除", "Remove";
        remove_lead: "移除後無法再用它登入。", "It will not sign you in any more.";
    }
}
