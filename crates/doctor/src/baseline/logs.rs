//! 事件日誌與可歸責性: measures 15 to 27.

use super::Level::{Basic, High, Medium};
use super::Who::{Operator, Product};
use super::{Given, Row, Status, Verdict, gap, met, operator, verdict};
use crate::say::say;

/// Six months at their longest (July to December, March to August).
const SIX_MONTHS: u32 = 184;

/// The shortest life of any row of attack history, days; nothing when all are kept for ever.
fn shortest(given: &Given<'_>) -> Option<u32> {
    let retention = given.at.sensor.retention;
    let days = [retention.events, retention.sessions];
    days.iter().flat_map(|days| [days.clear, days.green, days.amber, days.red]).filter(|days| *days > 0).min()
}

fn kept(given: &Given<'_>) -> Verdict {
    let days = shortest(given);
    let told = if days.is_none_or(|days| days >= SIX_MONTHS) {
        met(
            "稽核樹從不刪除；攻擊紀錄的留存期不短於六個月。程式的執行日誌由主機的 journald 留存。",
            "The audit tree is never shortened, and attack history is kept for six months or longer. The program's running log is kept by the host's journald.",
        )
    } else {
        operator(
            "稽核樹從不刪除，但攻擊紀錄的留存期短於六個月（184 天）：請調高 sensor.retention。",
            "The audit tree is never shortened, but attack history is kept for less than six months (184 days): raise sensor.retention.",
        )
    };
    let shown = days.map_or_else(|| "0".to_owned(), |days| days.to_string());
    told.set("sensor.retention (shortest)", shown).by(&[
        "store::it::audit::integrates_signs_and_proves_every_leaf",
        "sensor::it::retention::events_then_sessions_go_and_digests_and_counts_stay",
    ])
}

fn clock(given: &Given<'_>) -> Verdict {
    let mut told = operator(
        "機關應設定主機的校時來源；請執行 `lianfang doctor` 檢視。",
        "Give the host a source of time; `lianfang doctor` shows what it sees.",
    );
    if let Some(seen) = given.seen("host.clock") {
        let (zh, en) = (seen.pick(text::Lang::ZhTw), seen.pick(text::Lang::En));
        told = Verdict {
            evidence: say!("機關應設定主機的校時來源。檢視所見：{zh}", "Give the host a source of time. Seen: {en}"),
            ..verdict(Status::Operator, "", "")
        };
    }
    told.by(&["lianfang::it::doctor::an_installation_is_examined_without_a_change"])
}

pub(super) static ROWS: &[Row] = &[
    Row { id: 15, level: Basic, who: Product, measure: "日誌留存至少六個月", verdict: kept },
    Row {
        id: 16,
        level: Basic,
        who: Operator,
        measure: "決定並記錄特定事件",
        verdict: |_| {
            operator(
                "每個命令與每次拒絕都與資料同一交易寫入稽核樹；讀取 TLP:RED、他人資料與匯出檔案亦留稽核；是否足夠由機關決定（RED 以下的一般讀取不記錄）。",
                "Each command and each refusal is a leaf of the same transaction as its row; reading TLP:RED, other people's details and taking files leave one too. Whether that is enough is the agency's decision (other reads leave none).",
            )
            .by(&[
                "store::it::disk::after_a_kill_row_event_and_leaf_are_all_there_or_none",
                "api::context::tests::a_loop_of_refusals_is_one_leaf_a_minute",
            ])
        },
    },
    Row {
        id: 17,
        level: Basic,
        who: Product,
        measure: "記錄管理者執行的各項功能",
        verdict: |_| {
            met(
                "管理者的命令、被拒絕的命令、讀取受限資料與匯出檔案皆留稽核。",
                "What administrators change, what they are refused, what they read of restricted rows and the files they take are leaves.",
            )
            .by(&[
                "lianfang::it::verbs::every_verb_works_and_says_why_not",
                "lianfang::it::audit::reading_people_leaves_one_leaf_and_the_bootstrap_token_is_told_apart",
                "portal::it::audit::every_file_leaves_who_what_and_how_many",
                "access::it::reading::one_answer_is_one_leaf_and_what_was_just_read_is_not_noted_again",
            ])
        },
    },
    Row {
        id: 18,
        level: Medium,
        who: Operator,
        measure: "定期審查日誌",
        verdict: |_| {
            operator(
                "機關定期以稽核頁面或 `lianfang audit search` 審查並留下紀錄；程式沒有審查的待辦事項。",
                "Review regularly on the audit page or with `lianfang audit search`, and keep a record of it; the program keeps no task for it.",
            )
            .by(&["store::it::audit::search_through_a_clearance_and_strangers_in_sum"])
        },
    },
    Row {
        id: 19,
        level: Basic,
        who: Product,
        measure: "日誌含類型、時間、位置、身分，格式一致",
        verdict: |_| {
            gap(
                "每筆稽核含動作、時間、對象、結果與身分，格式一致；缺：來源位址（目前在工作階段的資料列，結束 30 天後移除）。",
                "Each leaf has action, time, subject, outcome and who, in one form; missing: where it came from (the address stands in the session's row, which goes 30 days after its end).",
            )
        },
    },
    Row {
        id: 20,
        level: Basic,
        who: Operator,
        measure: "配置日誌所需容量",
        verdict: |given| {
            operator(
                "機關應依收件量配置磁碟；`lianfang doctor` 以下列上限檢查可用空間，程式不會預估成長。",
                "Size the disk by what comes in; `lianfang doctor` measures free space against these limits, nothing forecasts growth.",
            )
            .set("journal.max_megabytes", given.at.journal_most >> 20)
            .set("journal.keep_free_megabytes", given.at.keep_free >> 20)
        },
    },
    Row {
        id: 21,
        level: Basic,
        who: Product,
        measure: "日誌處理失效時採取行動",
        verdict: |_| {
            met(
                "寫不進稽核就不執行命令；同步失敗後不再確認任何寫入並結束，重新啟動時重播；磁碟滿則拒絕並於有空間後自行恢復。",
                "No leaf, no command; after a failed sync nothing is acknowledged any more and the centre ends, to replay at its start; a full disk is refused and goes on by itself.",
            )
            .by(&[
                "store::it::disk::after_a_failed_sync_nothing_is_acknowledged",
                "store::it::port::a_full_disk_is_refused_and_goes_on_later",
                "store::it::audit::what_was_altered_in_the_store_is_not_signed",
            ])
        },
    },
    Row {
        id: 22,
        level: High,
        who: Product,
        measure: "日誌失效於時限內通知特定人員",
        verdict: |_| {
            gap(
                "缺：通知管道；目前僅寫入主機日誌、健康檢查與指標。",
                "Missing: a way to notify; today it stands in the host's log, in health and metrics only.",
            )
        },
    },
    Row {
        id: 23,
        level: Basic,
        who: Product,
        measure: "以內部時鐘產生可對應 UTC 的時戳",
        verdict: |_| {
            met(
                "時間以 UTC 微秒儲存，時區僅用於顯示。",
                "Times are stored in UTC, microseconds; zones are for showing only.",
            )
            .by(&["base::time::tests::shows_the_zone_and_the_republic_year", "store::it::port::every_value_comes_back"])
        },
    },
    Row { id: 24, level: Basic, who: Operator, measure: "系統時鐘與基準時間同步", verdict: clock },
    Row {
        id: 25,
        level: Basic,
        who: Product,
        measure: "日誌僅供有權者存取",
        verdict: |_| {
            met(
                "查閱需稽核權限（稽核人員、管理者），範圍外的項次僅見雜湊。",
                "Reading needs a right of its own (auditors, administrators); what is outside one's sight is a hash alone.",
            )
            .by(&[
                "store::it::audit::search_through_a_clearance_and_strangers_in_sum",
                "lianfang::it::audit::a_members_export_withholds_what_is_not_theirs_and_verifies",
            ])
        },
    },
    Row {
        id: 26,
        level: Medium,
        who: Product,
        measure: "日誌完整性以雜湊確保",
        verdict: |_| {
            met(
                "RFC 6962 雜湊樹與簽章檢查點，可離線驗證並指出被更動處。",
                "A tree of hashes (RFC 6962) with signed checkpoints; it is verified offline, and what was altered is named.",
            )
            .by(&[
                "store::it::audit::no_byte_of_an_export_changes_unseen",
                "store::it::audit::what_was_altered_in_the_store_is_not_signed",
                "lianfang::it::contract::audit_export_verifies_and_names_an_altered_entry",
            ])
        },
    },
    Row {
        id: 27,
        level: High,
        who: Operator,
        measure: "日誌定期備份至其他實體系統",
        verdict: |_| {
            operator(
                "請於另一部主機定期執行 `lianfang audit export`，並以 `audit verify --earlier` 與前次比對；程式本身沒有排程，也沒有見證者。",
                "Run `lianfang audit export` on another host by its timer, and `audit verify --earlier` against the last one; the program has no schedule of its own and no witnesses.",
            )
            .by(&["lianfang::it::contract::audit_export_verifies_and_names_an_altered_entry"])
        },
    },
];
