//! 系統與資訊完整性: measures 72 to 80.

use super::Level::{Basic, High, Medium};
use super::Who::{Maker, Product};
use super::{Row, gap, met};

pub(super) static ROWS: &[Row] = &[
    Row {
        id: 72,
        level: Basic,
        who: Maker,
        measure: "漏洞修復經測試並定期更新",
        verdict: |_| {
            gap(
                "每項安全修復附測試（SECURITY.md）；缺：定期的發行。",
                "Each security fix comes with a test (SECURITY.md); missing: regular releases.",
            )
            .by(&["store::sqlite::tests::refuses_a_library_with_the_wal_reset_bug"])
        },
    },
    Row {
        id: 73,
        level: Medium,
        who: Product,
        measure: "定期確認漏洞修復狀態",
        verdict: |_| {
            gap(
                "缺：將自身物料清單與弱點資料比對並追蹤。",
                "Missing: comparing the bill of materials with known weaknesses, and following them up.",
            )
        },
    },
    Row {
        id: 74,
        level: Basic,
        who: Product,
        measure: "發現入侵跡象時通報特定人員",
        verdict: |_| {
            gap(
                "感測器的發現列入佇列並顯示於看板；缺：中心自身的入侵跡象與通知管道。",
                "What sensors find stands in the queue and on the wall; missing: signs of intrusion into the centre itself, and a way to notify.",
            )
            .by(&["procedures::it::observables::an_attacker_becomes_a_finding_and_a_proposal"])
        },
    },
    Row {
        id: 75,
        level: Medium,
        who: Product,
        measure: "監控系統以偵測攻擊與未授權使用",
        verdict: |_| {
            gap(
                "拒絕與限速會計數並留稽核；缺：以規則監看中心自身。",
                "Refusals and slowed senders are counted and recorded; missing: rules over the centre itself.",
            )
            .by(&["api::context::tests::a_loop_of_refusals_is_one_leaf_a_minute"])
        },
    },
    Row {
        id: 76,
        level: High,
        who: Product,
        measure: "自動監控進出流量並分析異常",
        verdict: |_| gap("缺：流量紀錄與分析。", "Missing: flows and their analysis."),
    },
    Row {
        id: 77,
        level: Basic,
        who: Product,
        measure: "輸入檢查在伺服器端",
        verdict: |_| {
            met(
                "每個入口在伺服器端解析成型別並限制大小；剖析器以任意輸入測試。",
                "Every door parses into types on the server, within limits; parsers are tested with any bytes.",
            )
            .by(&[
                "api::reply::tests::bodies_are_strict_and_bounded",
                "api::encoding::tests::bombs_and_broken_data_are_refused",
                "lianfang::it::hostile::bodies_are_bounded_and_refused_with_a_code",
                "portal::query::tests::any_text_is_a_query_or_a_coded_error",
            ])
        },
    },
    Row {
        id: 78,
        level: Medium,
        who: Product,
        measure: "以工具偵測軟體與資訊遭竄改",
        verdict: |_| {
            gap(
                "`lianfang audit verify` 指出被更動的稽核內容；缺：程式檔案的比對，以及資料列與稽核樹的比對。",
                "`lianfang audit verify` names altered entries; missing: a comparison of the program's file, and of rows with the tree.",
            )
            .by(&["lianfang::it::contract::audit_export_verifies_and_names_an_altered_entry"])
        },
    },
    Row {
        id: 79,
        level: Medium,
        who: Product,
        measure: "完整性遭破壞時的保護措施",
        verdict: |_| {
            gap(
                "被更動的稽核樹不再簽章，損壞的紀錄會略過並指明；缺：機關指定的措施（唯讀、通知）。",
                "An altered tree is signed no more, damaged records are passed over and named; missing: measures an agency may choose (read-only, a notice).",
            )
            .by(&[
                "store::it::audit::what_was_altered_in_the_store_is_not_signed",
                "journal::tests::a_flipped_bit_costs_one_record",
            ])
        },
    },
    Row {
        id: 80,
        level: High,
        who: Product,
        measure: "定期檢查軟體與資訊完整性",
        verdict: |_| {
            gap(
                "不正常結束後會檢查資料庫；缺：定期的完整檢查與報告。",
                "After an unclean end the database is checked; missing: a regular check of everything, with a report.",
            )
        },
    },
];
