//! Words of administration: sensors, organisations, people, the audit tree.

use crate::words;

words! {
    /// Sensors.
    Sensors {
        title: "感測器", "Sensors";
        one: "感測器", "Sensor";
        name: "名稱", "Name";
        kind: "種類", "Kind";
        org: "組織", "Organisation";
        state: "狀態", "State";
        st_silent: "沉默", "Silent";
        st_never: "尚未回報", "Never reported";
        st_revoked: "已撤回", "Revoked";
        heard: "最後回報", "Last heard";
        version: "版本", "Version";
        address: "位址", "Address";
        listeners: "監聽", "Listening";
        spool: "待送事件", "Spooled";
        dropped: "遺失事件", "Lost";
        self_probe: "自我檢測", "Self-probe";
        probe_ok: "正常", "Passed";
        probe_bad: "異常", "Failed";
        skew: "時鐘偏移", "Clock offset";
        enrolled: "註冊於", "Enrolled";
        enrol: "新增感測器", "Add a sensor";
        enrol_lead: "註冊碼只能使用一次。在誘捕主機貼上這一行即可。", "The code works once. Paste this line on the honeypot host.";
        enrol_make: "建立註冊碼", "Make an enrolment code";
        enrol_code: "註冊碼", "Enrolment code";
        enrol_until: "有效至", "Valid until";
        enrol_command: "貼上這一行", "Paste this line";
        revoke: "撤回憑證", "Revoke the certificate";
        revoke_lead: "此主機將無法再回報；需要重新註冊。", "The host can no longer report; it has to enrol again.";
        health: "健康狀況", "Health";
        recent: "最近的攻擊連線", "Latest sessions";
        none: "還沒有感測器。", "There is no sensor yet.";
        none_do: "管理者在此建立註冊碼，並在誘捕主機貼上一行指令；或以 lianfang demo 先看展示資料。", "An administrator makes an enrolment code here and pastes one line on the honeypot host; or look around with lianfang demo.";
    }
}

words! {
    /// Organisations.
    Orgs {
        title: "組織", "Organisations";
        one: "組織", "Organisation";
        tree: "組織樹", "Tree";
        name: "名稱", "Name";
        tier: "層級", "Tier";
        parent: "上級組織", "Parent";
        top: "（最上層）", "(top)";
        level: "責任等級", "Responsibility level";
        critical: "重要性", "Criticality";
        code: "機關代碼", "Code";
        sector: "領域", "Sector";
        networks: "網段", "Networks";
        network: "網段", "Network";
        domains: "網域名稱", "Domains";
        domain: "網域名稱", "Domain";
        asns: "AS 號碼", "AS numbers";
        asn: "AS 號碼", "AS number";
        circuits: "線路", "Circuits";
        circuit: "線路", "Circuit";
        contacts: "聯絡人", "Contacts";
        contact: "聯絡人", "Contact";
        mail: "電子郵件", "Mail";
        phone: "電話", "Telephone";
        duty: "職務", "Duty";
        from: "生效自", "From";
        until: "至", "Until";
        scope: "位址範圍", "Scope";
        members: "下級組織", "Organisations below";
        add: "新增組織", "Add an organisation";
        add_network: "新增網段", "Add a network";
        add_domain: "新增網域名稱", "Add a domain";
        add_asn: "新增 AS 號碼", "Add an AS number";
        add_contact: "新增聯絡人", "Add a contact";
        end: "停用", "End";
        ended: "已停用。", "Ended.";
        saved: "已儲存。", "Saved.";
        whose: "這是誰的位址？", "Whose address is this?";
        whose_lead: "輸入位址或網域名稱；依當日有效的登記回答。", "Enter an address or a domain; the answer is what is registered on that day.";
        whose_none: "沒有任何組織登記這個值。", "No organisation has registered this value.";
        whose_none_do: "若您知道歸屬，請管理者在該組織頁面登記網段。", "If you know the owner, an administrator registers the network on that organisation's page.";
        protected: "受保護，不會被封鎖", "Protected: never blocked";
        match_by: "依據", "Because of";
        none: "還沒有組織。", "There is no organisation yet.";
        none_do: "管理者先建立自己的組織，再加入會員。", "An administrator first adds the own organisation, then members.";
        none_part: "尚未登記。", "Nothing registered.";
        since: "登記於", "Registered";
    }
}

words! {
    /// People, invitations, tokens.
    People {
        title: "人員", "People";
        one: "人員", "Person";
        login: "帳號", "Account name";
        name: "姓名", "Name";
        roles: "角色", "Roles";
        role: "角色", "Role";
        role_at: "於組織", "In";
        org: "組織", "Organisation";
        state: "狀態", "State";
        second: "第二因子", "Second factor";
        second_none: "未設定", "Not set";
        seen: "最近使用", "Last seen";
        created: "建立", "Created";
        lock: "停用帳號", "Lock the account";
        unlock: "啟用帳號", "Unlock the account";
        grant: "授予角色", "Give a role";
        invite: "邀請人員", "Invite a person";
        invite_lead: "產生一條一次性連結；請以您信任的管道交給對方。", "Makes a one-time link; hand it over by a way you trust.";
        invite_link: "邀請連結", "Invitation link";
        invite_once: "只顯示這一次。", "Shown only this once.";
        until: "有效至", "Valid until";
        tokens: "API 權杖", "API tokens";
        token: "API 權杖", "API token";
        token_lead: "給程式使用；只在建立時顯示一次。", "For programs; shown once, when made.";
        token_make: "建立權杖", "Make a token";
        token_secret: "權杖內容", "The token";
        scopes: "權限範圍", "Scopes";
        scope: "權限範圍", "Scope";
        revoke: "撤回", "Revoke";
        used: "最近使用", "Last used";
        never: "從未", "Never";
        none: "還沒有其他人員。", "Nobody else yet.";
        none_do: "以「邀請人員」產生連結。", "Use \u{201c}Invite a person\u{201d} to make a link.";
        token_days: "天數（空白為 365 天）", "Days (365 when left empty)";
        bootstrap: "起始權杖", "Bootstrap token";
        bootstrap_lives: "起始權杖（或以它建立的權杖）仍有效：它不屬於任何人，起始權杖並能管理整個中心。請由人員登入為程式建立權杖，再撤回它；以它建立的權杖會一併失效。", "The bootstrap token, or one made with it, still works: it belongs to no person, and the bootstrap token administers the whole centre. Sign in to make tokens for programs, then revoke it; what was made with it ends too.";
        none_tokens: "還沒有 API 權杖。", "No API token yet.";
        saved: "已儲存。", "Saved.";
    }
}

words! {
    /// The audit tree.
    Audit {
        title: "稽核", "Audit";
        lead: "每個動作、拒絕與限閱資料的讀取都是稽核樹的一片葉；樹根由中心簽章。", "Every act, refusal and restricted read is a leaf of the tree; its root is signed by the centre.";
        tree_size: "樹的大小", "Tree size";
        root: "樹根", "Root";
        signed: "簽章時間", "Signed";
        leaf: "葉序", "Leaf";
        at: "時間", "Time";
        actor: "何人", "Who";
        action: "動作", "Action";
        subject: "對象", "Subject";
        outcome: "結果", "Outcome";
        included: "已納入樹根", "Included in the root";
        pending: "等待納入", "Waiting for inclusion";
        hash: "葉雜湊值", "Leaf hash";
        path: "納入證明（由葉至根）與簽章", "Proof of inclusion (leaf to root) and signature";
        export: "匯出稽核樹", "Export the tree";
        verify: "離線驗證：lianfang audit verify 檔案", "Verify offline: lianfang audit verify FILE";
        none: "沒有符合條件的稽核紀錄。", "No audit record matches.";
        detail: "詳細", "Detail";
        a_system: "系統", "The centre";
        a_stranger: "未登入者", "A stranger";
        a_machine: "機器", "Machine";
    }
}

words! {
    /// Words the administration pages share.
    Admin {
        once: "此內容只顯示這一次。", "Shown only this once.";
        details: "基本資料", "Details";
        certificate: "憑證", "Certificate";
    }
}
