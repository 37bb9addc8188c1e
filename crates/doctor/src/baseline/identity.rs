//! 識別與鑑別: measures 36 to 47.

use access::settings::PasswordProfile;

use super::Level::{Basic, High, Medium};
use super::Who::{Operator, Product};
use super::{Given, Row, Verdict, gap, met, operator};

/// Failed sign-ins after which the baseline wants an account held.
const FAILURES: u32 = 5;
/// Minutes for which it wants it held; the program raises less to this.
const MINUTES: u32 = 15;

fn held(given: &Given<'_>) -> Verdict {
    let (failures, minutes) = (given.at.access.lockout_failures, given.at.access.lockout_minutes);
    let told = if failures <= FAILURES {
        met(
            "失敗達次數即鎖定帳號至少十五分鐘（設定較短時以十五分鐘計）。",
            "After so many failures an account is held for fifteen minutes or longer (a shorter setting counts as fifteen).",
        )
    } else {
        operator("允許的失敗次數多於五次：請調降。", "More than five failures are allowed: lower it.")
    };
    told.set("access.lockout_failures", failures).set("access.lockout_minutes", minutes.max(MINUTES)).by(&[
        "access::it::sign_in::five_failures_hold_the_account_for_fifteen_minutes",
        "access::it::sign_in::many_at_once_are_no_more_than_five",
    ])
}

/// What the profile `tw-gov` does, else that it is to be switched on.
fn profile(given: &Given<'_>, zh: &str, en: &str) -> Verdict {
    match given.at.access.password_profile {
        PasswordProfile::TwGov => met(zh, en).set("access.password_profile", "tw-gov"),
        PasswordProfile::Modern => operator(
            "目前設定僅要求長度與常見密碼檢查：請設 access.password_profile = \"tw-gov\"。",
            "The setting asks for length and against common passwords only: set access.password_profile = \"tw-gov\".",
        )
        .set("access.password_profile", "modern"),
    }
}

pub(super) static ROWS: &[Row] = &[
    Row {
        id: 36,
        level: Basic,
        who: Product,
        measure: "識別個別使用者，禁用共用帳號",
        verdict: |_| {
            met(
                "帳號只屬於一人：一次性邀請連結僅一人能用，驗證碼僅能用一次；自動化使用各自的權杖。",
                "An account is one person's: of two who hold the invitation one gets in, a code works once; programs have tokens of their own.",
            )
            .by(&[
                "access::it::people::of_two_who_hold_the_link_one_gets_in",
                "access::it::sign_in::two_sessions_cannot_share_one_code",
            ])
        },
    },
    Row {
        id: 37,
        level: High,
        who: Product,
        measure: "多因子鑑別",
        verdict: |_| {
            gap(
                "能發布、阻擋或管理的角色必須設定第二因子（驗證碼或 passkey）；缺：其他角色（例如 tier1、auditor、member、leadership）也必須設定的選項。",
                "Roles that publish, block or administer must have a second factor (codes or passkeys); missing: a setting that asks it of the others too (tier1, auditor, member, leadership).",
            )
            .by(&[
                "access::account::tests::no_role_that_decides_is_full_without_its_second_factor",
                "access::it::passkey::the_last_factor_of_a_role_that_needs_one_stays",
            ])
        },
    },
    Row {
        id: 38,
        level: Basic,
        who: Product,
        measure: "預設密碼首次登入即變更",
        verdict: |_| {
            met(
                "沒有預設密碼：首次使用以一次性連結由本人設定。",
                "There is no default password: people set their own by a link that works once.",
            )
            .by(&[
                "access::it::setup::the_setup_link_makes_one_administrator_and_dies",
                "access::it::people::an_invitation_is_good_once_for_its_hours",
            ])
        },
    },
    Row {
        id: 39,
        level: Basic,
        who: Product,
        measure: "鑑別資訊不以明文傳輸",
        verdict: |_| {
            met(
                "登入只經 TLS；未加密的連線得不到任何回應。",
                "Signing in is by TLS only; a connection in the clear gets no answer.",
            )
            .by(&["lianfang::it::doctor::nothing_is_answered_in_the_clear"])
        },
    },
    Row { id: 40, level: Basic, who: Product, measure: "登入失敗五次鎖定十五分鐘", verdict: held },
    Row {
        id: 41,
        level: Basic,
        who: Product,
        measure: "密碼複雜度與效期",
        verdict: |given| {
            profile(
                given,
                "至少 12 字元、四類取三，逾期必須變更。",
                "Twelve characters or more, three of four classes, and a new one when its days are over.",
            )
            .set("access.password_days", given.at.access.password_days)
            .by(&[
                "access::password::tests::tw_gov_wants_three_classes",
                "access::account::tests::old_passwords_are_due_only_under_tw_gov_and_after_the_second_factor",
            ])
        },
    },
    Row {
        id: 42,
        level: Basic,
        who: Product,
        measure: "不重複前三次密碼",
        verdict: |given| {
            profile(given, "新密碼不得與前三次相同。", "A new password is none of the three before.")
                .by(&["access::it::sign_in::tw_gov_remembers_three_passwords_and_their_age"])
        },
    },
    Row {
        id: 43,
        level: Basic,
        who: Operator,
        measure: "外部使用者的鎖定與密碼規範",
        verdict: |_| {
            operator(
                "機關可自行規範；程式對所有人採相同規則。",
                "The agency may lay down its own; the program has the same rules for everybody.",
            )
        },
    },
    Row {
        id: 44,
        level: Medium,
        who: Product,
        measure: "防範自動化登入與更換密碼",
        verdict: |_| {
            met(
                "依帳號與來源位址限速，等待時間逐次加倍；並行嘗試不增加次數。",
                "Slowed by account and by address, twice as long each time; tries at the same moment gain nothing.",
            )
            .by(&[
                "access::it::sign_in::an_address_waits_twice_as_long_each_time",
                "access::it::sign_in::many_at_once_are_no_more_than_five",
                "access::throttle::tests::an_ipv6_host_cannot_hop_within_its_network",
            ])
        },
    },
    Row {
        id: 45,
        level: Medium,
        who: Product,
        measure: "密碼重設使用一次性限時符記",
        verdict: |_| {
            met(
                "管理者確認身分後產生的連結僅能用一次且有期限；使用後結束所有工作階段。",
                "After an administrator has made sure who it is: a link that works once and ends by itself; its use ends every session.",
            )
            .by(&[
                "access::it::people::an_invitation_is_good_once_for_its_hours",
                "access::it::sign_in::recovery_on_the_host_starts_the_account_over",
            ])
        },
    },
    Row {
        id: 46,
        level: Basic,
        who: Product,
        measure: "遮蔽鑑別過程的資訊",
        verdict: |_| {
            met(
                "輸入的密碼不顯示也不寫入日誌；所有失敗的回應相同。",
                "A typed password is neither shown nor logged; every failure is answered alike.",
            )
            .by(&[
                "access::it::sign_in::every_wrong_way_in_gets_the_same_answer",
                "api::routes::session::tests::what_a_person_types_is_never_printed",
                "lianfang::it::verbs::every_verb_works_and_says_why_not",
            ])
        },
    },
    Row {
        id: 47,
        level: Medium,
        who: Product,
        measure: "密碼經雜湊儲存",
        verdict: |_| {
            met("Argon2id，各自加鹽。", "Argon2id, each with a salt of its own.")
                .by(&["access::password::tests::hashes_are_argon2id_of_record_and_verify"])
        },
    },
];
