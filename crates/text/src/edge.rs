//! Words of enforcement: what is really blocked, where and since when.

use crate::words;

words! {
    /// Enforcement points.
    Edge {
        title: "執行點", "Enforcement points";
        one: "執行點", "Enforcement point";
        name: "名稱", "Name";
        driver: "引擎", "Engine";
        org: "組織", "Organisation";
        state: "狀態", "State";
        st_behind: "同步中", "Catching up";
        st_drift: "有落差", "Differs";
        st_silent: "失聯", "Silent";
        st_never: "尚未連線", "Never connected";
        st_frozen: "已凍結", "Frozen";
        st_revoked: "已撤回", "Revoked";
        should: "應執行", "Should enforce";
        really: "實際執行", "Really enforces";
        differs: "落差", "Differs";
        sequence: "序號", "Sequence";
        heard: "最後回報", "Last heard";
        since: "自何時起", "Since";
        proof: "驗證方式", "Proof";
        probed: "封包實測", "Probed by packet";
        read_back: "讀回比對", "Read back";
        unverified: "未驗證", "Not verified";
        verified_at: "最近驗證", "Last verified";
        elements: "生效中的位址", "Elements in force";
        elements_lead: "此執行點回報實際生效的封鎖與放行。", "What the point says it really blocks and allows.";
        elements_none: "目前沒有生效的位址。", "Nothing is in force.";
        value: "值", "Value";
        intent: "動作", "Intent";
        deny: "封鎖", "Block";
        allow: "放行", "Allow";
        expires: "到期", "Expires";
        indicator: "入侵指標", "Indicator";
        receipts: "回條", "Receipts";
        receipts_lead: "每次套用後，執行點讀回並實測的結果。", "What the point read back and probed after each change.";
        receipts_none: "還沒有回條。", "No receipt yet.";
        at: "時間", "Time";
        ok: "相符", "Agreed";
        not_ok: "不符", "Did not agree";
        drift: "落差紀錄", "Drift";
        drift_none: "沒有落差紀錄。", "No drift recorded.";
        missing: "遺漏", "Missing";
        extra: "多出", "Extra";
        repaired: "已修復", "Repaired";
        not_repaired: "未修復", "Not repaired";
        kill: "緊急停止", "Kill switch";
        kill_lead: "此執行點立即停止所有封鎖，直到解除。", "This point stops every block at once, until released.";
        kill_all: "全部緊急停止", "Kill switch for every point";
        kill_all_lead: "所有執行點立即停止所有封鎖。只在封鎖本身造成傷害時使用。", "Every point stops every block at once. Only when the blocks themselves do harm.";
        kill_on: "停止封鎖", "Stop blocking";
        kill_off: "恢復封鎖", "Resume blocking";
        kill_is_on: "緊急停止已啟動：目前不封鎖任何位址。", "The kill switch is on: nothing is blocked.";
        kill_type: "輸入名稱以確認", "Type the name to confirm";
        kill_done_on: "已停止封鎖。", "Blocking stopped.";
        kill_done_off: "已恢復封鎖。", "Blocking resumed.";
        none: "還沒有執行點。", "There is no enforcement point yet.";
        none_do: "管理者在此建立註冊碼，並在防火牆主機貼上一行指令。", "An administrator makes an enrolment code here and pastes one line on the firewall host.";
        enrol: "新增執行點", "Add an enforcement point";
        enrol_lead: "註冊碼只能使用一次。在防火牆主機貼上這一行。", "The code works once. Paste this line on the firewall host.";
        held: "待第二人核准的封鎖", "Blocks that wait for a second person";
        held_lead: "範圍較大的封鎖需要另一位值勤官同意。", "A wide block needs another duty officer.";
        agree: "同意封鎖", "Agree";
        decline: "不同意", "Decline";
        directives: "封鎖指令", "Directives";
        refused: "被防護規則拒絕", "Refused by a guard";
        driver_nft: "nftables", "nftables";
        driver_file: "清單檔", "List file";
    }
}
