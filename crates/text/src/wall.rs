//! Words of the TV wall: big, few, none of them about one organisation or person.

use crate::words;

words! {
    /// The TV wall.
    Wall {
        title: "聯防態勢", "Joint defence now";
        level: "目前狀況", "State";
        calm: "平靜", "Calm";
        watch: "注意", "Watch";
        serious: "嚴重", "Serious";
        critical: "危急", "Critical";
        because_calm: "沒有待認領的告警，感測器與執行點都正常。", "No finding waits, every sensor and point is well.";
        because_kill: "緊急停止已啟動，目前不封鎖。", "The kill switch is on: nothing is blocked.";
        because_findings: "有未認領的告警。", "Findings wait that nobody took.";
        because_late: "有工作已逾時。", "Work is late.";
        because_points: "有執行點失聯或有落差。", "An enforcement point is silent or differs.";
        because_sensors: "有感測器沉默。", "A sensor is silent.";
        hour: "過去一小時", "The last hour";
        hour_none: "過去一小時沒有攻擊。", "No attack in the last hour.";
        hour_before: "前一小時", "The hour before";
        findings: "未認領的告警", "Untaken findings";
        late: "已逾時", "Late";
        late_none: "沒有逾時的工作。", "Nothing is late.";
        late_more: "另有", "And more:";
        late_blocks: "待第二人核准的封鎖", "Blocks waiting for a second person";
        late_night: "夜間核准待覆核", "Night approvals to confirm";
        points: "執行點", "Enforcement";
        points_ok: "符合應有狀態", "as they should be";
        blocks: "生效中的封鎖", "Blocks in force";
        sensors: "感測器", "Sensors";
        sensors_ok: "正在回報", "reporting";
        none_yet: "尚未設置", "none yet";
        as_of: "資料時間", "Data as of";
        stale: "資料已過時", "STALE";
        only_totals: "僅含彙總數字，不含組織、位址與個人資料。", "Totals only: no organisation, address or person.";
    }
}
