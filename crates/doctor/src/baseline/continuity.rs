//! 營運持續計畫: measures 28 to 35.

use super::Level::{Basic, High, Medium};
use super::Who::{Operator, Product};
use super::{Row, gap, operator};

pub(super) static ROWS: &[Row] = &[
    Row {
        id: 28,
        level: Basic,
        who: Operator,
        measure: "訂定可容忍的資料損失時間",
        verdict: |_| {
            operator(
                "機關應訂定；程式沒有此設定，也不量測。",
                "Lay it down; the program has no setting for it and measures nothing.",
            )
        },
    },
    Row {
        id: 29,
        level: Basic,
        who: Operator,
        measure: "資料備份",
        verdict: |_| {
            operator(
                "請定期執行 `lianfang backup`，中心不必停止；PostgreSQL 以其工具備份。測試：lianfang::it::backup::a_centre_at_work_is_backed_up_rehearsed_and_restored",
                "Run `lianfang backup` regularly, the centre works meanwhile; PostgreSQL by its own tools. Test: lianfang::it::backup::a_centre_at_work_is_backed_up_rehearsed_and_restored",
            )
        },
    },
    Row {
        id: 30,
        level: Medium,
        who: Product,
        measure: "定期測試備份可用且完整",
        verdict: |_| {
            operator(
                "請定期執行 `lianfang restore --rehearse`，逐位元組、稽核樹與日誌皆會核對；程式不會自行排程。",
                "Run `lianfang restore --rehearse` regularly: it checks every byte, the audit tree and the journal; the program does not schedule it.",
            )
        },
    },
    Row {
        id: 31,
        level: High,
        who: Product,
        measure: "將備份還原納入演練",
        verdict: |_| {
            operator(
                "請將 `lianfang restore --rehearse` 與在另一主機還原納入演練。",
                "Make `lianfang restore --rehearse`, and restoring on another host, a part of your exercises.",
            )
        },
    },
    Row {
        id: 32,
        level: High,
        who: Product,
        measure: "異地備份",
        verdict: |_| gap("缺：加密、可送往異地的備份。", "Missing: encrypted backups that may go to another place."),
    },
    Row {
        id: 33,
        level: Basic,
        who: Operator,
        measure: "訂定可容忍的中斷時間",
        verdict: |_| {
            operator(
                "機關應訂定；程式沒有此設定，也不量測還原時間。",
                "Lay it down; the program has no setting for it and does not measure restoring.",
            )
        },
    },
    Row {
        id: 34,
        level: Medium,
        who: Product,
        measure: "定期測試備援於時限內接手",
        verdict: |_| {
            gap("缺：備援節點；同一資料庫僅允許一個中心。", "Missing: a standby; one database allows one centre.")
                .by(&["store::it::nodes::a_second_centre_is_refused_and_comes_in_when_the_first_is_gone"])
        },
    },
    Row {
        id: 35,
        level: High,
        who: Product,
        measure: "將備援啟動納入演練",
        verdict: |_| gap("缺：備援節點（第 34 項）。", "Missing: the standby of measure 34."),
    },
];
