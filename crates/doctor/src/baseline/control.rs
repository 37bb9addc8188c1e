//! 存取控制: measures 1 to 14.

use super::Level::{Basic, High, Medium};
use super::Who::{Operator, Product};
use super::{Row, gap, met, operator};

/// Our own yardstick for what an agency would allow: longer is for it to decide in writing.
const IDLE_MINUTES: u32 = 60;
const SESSION_HOURS: u32 = 24;
const IDLE_DAYS: u32 = 365;

pub(super) static ROWS: &[Row] = &[
    Row {
        id: 1,
        level: Basic,
        who: Product,
        measure: "帳號自申請至刪除的管理機制",
        verdict: |_| {
            gap(
                "已有邀請、角色調整、停用、重新啟用，均留稽核；缺：線上申請與核可、刪除帳號（目前僅停用）。",
                "There are invitations, change of roles, disabling and enabling, all with a leaf; missing: a request with approval, and deletion (accounts are disabled only).",
            )
            .by(&["access::it::people::disabling_ends_sessions_and_enabling_starts_over"])
        },
    },
    Row {
        id: 2,
        level: Basic,
        who: Product,
        measure: "逾期的臨時帳號失效",
        verdict: |_| {
            met(
                "帳號與角色可設終止時間，到期即無法登入，每小時停用一次。",
                "Accounts and roles may have an end; then nobody signs in, and an hourly round disables them.",
            )
            .by(&[
                "access::account::tests::an_account_ends_by_itself",
                "access::it::sessions::an_ended_account_is_out",
                "access::it::people::deputies_hold_a_role_for_a_time",
            ])
        },
    },
    Row {
        id: 3,
        level: Basic,
        who: Product,
        measure: "閒置帳號停用",
        verdict: |given| {
            let days = given.at.access.idle_days;
            let told = if days <= IDLE_DAYS {
                met("久未使用的帳號自動停用。", "Accounts that nobody uses are disabled by themselves.")
            } else {
                operator(
                    "停用期限超過一年：請機關核定或調降。",
                    "The limit is beyond a year: let the agency decide on it, or lower it.",
                )
            };
            told.set("access.idle_days", days)
                .by(&["access::it::sessions::an_unused_account_is_disabled_but_never_the_last_administrator"])
        },
    },
    Row {
        id: 4,
        level: Basic,
        who: Operator,
        measure: "定期審核帳號異動",
        verdict: |_| {
            operator(
                "機關定期以 `lianfang user list`、`user sessions` 與 `audit search` 審核並簽核；程式沒有審核的待辦事項。",
                "Review regularly with `lianfang user list`, `user sessions` and `audit search`, and sign it; the program keeps no task for it.",
            )
            .by(&["lianfang::it::verbs::every_verb_works_and_says_why_not"])
        },
    },
    Row {
        id: 5,
        level: Medium,
        who: Operator,
        measure: "明訂閒置時間、使用期限與使用條件",
        verdict: |given| {
            operator(
                "機關應書面訂定；程式執行下列數值。",
                "Lay them down in writing; the program enforces these values.",
            )
            .set("access.idle_minutes", given.at.access.idle_minutes)
            .set("access.session_hours", given.at.access.session_hours)
            .set("access.idle_days", given.at.access.idle_days)
        },
    },
    Row {
        id: 6,
        level: Medium,
        who: Product,
        measure: "逾時自動登出",
        verdict: |given| {
            let settings = given.at.access;
            let told = if settings.idle_minutes <= IDLE_MINUTES && settings.session_hours <= SESSION_HOURS {
                met("伺服器端執行閒置與絕對期限。", "Idle and absolute limits, on the server.")
            } else {
                operator(
                    "期限長於 60 分鐘或 24 小時：請機關核定或調降。",
                    "A limit is beyond 60 minutes or 24 hours: let the agency decide on it, or lower it.",
                )
            };
            told.set("access.idle_minutes", settings.idle_minutes)
                .set("access.session_hours", settings.session_hours)
                .by(&["access::it::sessions::idle_and_absolute_limits"])
        },
    },
    Row {
        id: 7,
        level: High,
        who: Product,
        measure: "依規定的情況與條件使用系統",
        verdict: |_| {
            gap(
                "缺：依時段、網路、裝置限制人員登入（權杖可限制位址）。",
                "Missing: hours, networks and devices as conditions of a person's sign-in (tokens may be bound to addresses).",
            )
            .by(&["access::it::tokens::a_token_may_end_and_be_bound_to_addresses"])
        },
    },
    Row {
        id: 8,
        level: High,
        who: Product,
        measure: "監控帳號異常使用並回報管理者",
        verdict: |_| {
            gap(
                "登入失敗會被限速、鎖定並留稽核；缺：由異常使用產生發現並通知管理者。",
                "Failed sign-ins are slowed, held and recorded; missing: a finding of unusual use, and a notice to an administrator.",
            )
            .by(&["access::it::sign_in::an_address_waits_twice_as_long_each_time"])
        },
    },
    Row {
        id: 9,
        level: Basic,
        who: Product,
        measure: "最小權限",
        verdict: |_| {
            met(
                "角色、組織範圍與標示決定可見與可為；權杖不強於其製作者；服務單元無特權。",
                "Roles, organisation and marking decide what is seen and done; a token is no stronger than its maker; the service holds no right of root.",
            )
            .by(&[
                "access::it::policy::a_permit_needs_sight_a_grant_there_and_four_eyes",
                "access::it::policy::nobody_sees_beyond_their_branch_but_what_is_shared",
                "access::it::tokens::a_token_is_never_stronger_than_its_maker",
                "xtask::dist::package::tests::units_are_confined",
            ])
        },
    },
    Row {
        id: 10,
        level: Basic,
        who: Operator,
        measure: "遠端存取先授權並書面規範",
        verdict: |given| {
            operator(
                "每部機器以一次性代碼註冊，每個權杖有範圍；機關應書面列出允許的遠端存取類型。",
                "Each machine enrols with a one-time code and each token has scopes; write down which kinds of remote access are allowed.",
            )
            .set("listen", given.at.listen)
            .set("listen_machines", given.at.listen_machines)
            .by(&["access::it::enrolment::a_code_is_good_once_for_its_kind_and_a_day"])
        },
    },
    Row {
        id: 11,
        level: Basic,
        who: Product,
        measure: "權限檢查在伺服器端",
        verdict: |_| {
            met(
                "每條路由與每次讀寫都在伺服器端檢查；頁面不含判斷。",
                "Each route, read and write is checked on the server; pages decide nothing.",
            )
            .by(&[
                "lianfang::it::contract::ready_within_a_second_and_routes_keep_their_rules",
                "lianfang::it::verbs::every_verb_works_and_says_why_not",
                "portal::it::desk::a_member_sees_and_does_only_what_is_theirs",
            ])
        },
    },
    Row {
        id: 12,
        level: Basic,
        who: Operator,
        measure: "監控遠端與後臺連線",
        verdict: |_| {
            operator(
                "登入留稽核，開啟中的工作階段連同位址、裝置與最後使用時間列於人員頁面與 `lianfang user sessions`；機關應派人檢視，程式不會主動告警。",
                "Sign-ins are leaves; open sessions stand with address, device and last use on the page of people and in `lianfang user sessions`; somebody must look, the program raises no alarm.",
            )
            .by(&["access::it::sessions::sessions_are_listed_and_revoked_and_every_node_sees_it_within_a_second"])
        },
    },
    Row {
        id: 13,
        level: Basic,
        who: Product,
        measure: "遠端存取加密",
        verdict: |given| {
            if given.at.store.contains("sslmode=disable") {
                return operator(
                    "設定使資料庫連線不加密：請改用 sslrootcert。",
                    "By its setting the connection to the database is in the clear: use sslrootcert.",
                )
                .set("store.url", "sslmode=disable");
            }
            met(
                "所有連線皆為 TLS 1.2 以上；機器另以憑證雙向驗證；他機的 PostgreSQL 必須驗證憑證。",
                "Every door speaks TLS 1.2 or later only, machines with certificates on both sides; PostgreSQL on another host must show its certificate.",
            )
            .by(&[
                "lianfang::it::doctor::nothing_is_answered_in_the_clear",
                "agent::it::hostile::another_authority_s_centre_is_not_spoken_to",
                "store::postgres::tls::tests::another_machine_needs_roots",
            ])
        },
    },
    Row {
        id: 14,
        level: Basic,
        who: Product,
        measure: "遠端存取來源為預先定義的控制點",
        verdict: |_| {
            gap(
                "權杖可限制來源位址；缺：依角色與監聽位址限制來源網路（在此之前請以防火牆限制）。",
                "Tokens may be bound to addresses; missing: allowed networks per role and door (until then, a firewall).",
            )
            .by(&["access::it::tokens::a_token_may_end_and_be_bound_to_addresses"])
        },
    },
];
