//! Words of acts with a page of their own: silences, taking a block back, second looks, the automatic path, acts on
//! several rows at once.

use crate::words;

words! {
    /// Silences and their preview.
    Quiet {
        title: "靜音", "Silences";
        lead: "靜音期間的告警仍會記錄與計數，只是不再提示；期限一到自動恢復。", "What a silence hides is still kept and counted; it comes back when the silence ends.";
        list: "生效中的靜音", "Silences in force";
        none: "目前沒有靜音。", "Nothing is silenced.";
        none_do: "在告警頁按「靜音」，先預覽再儲存。", "Choose \u{201c}Silence\u{201d} on a finding: preview first, then save.";
        scope: "範圍", "What it hides";
        everything: "此規則的所有對象", "Every subject of this rule";
        subject_only: "僅此對象", "Only this subject";
        until: "到期", "Ends";
        by: "建立者", "Made by";
        hidden: "目前隱藏", "Hides now";
        end: "提前結束", "End it now";
        ended: "靜音已結束，隱藏的告警已恢復。", "The silence ended; what it hid is back.";
        preview: "預覽：過去七天", "Preview: the last seven days";
        preview_none: "過去七天沒有符合的告警；此靜音不會隱藏任何既有告警。", "Nothing in seven days matches: it would have hidden nothing.";
        findings: "符合的告警", "Findings it covers";
        firings: "合計觸發", "Firings in all";
        open_now: "儲存後立即隱藏", "Hidden at once";
        new_title: "靜音前先預覽", "Preview the silence";
        save: "儲存靜音", "Save the silence";
        to_list: "查看生效中的靜音", "See the silences in force";
        taken_stay: "已認領的告警不受影響。", "What somebody took stays visible.";
        rows: "會被隱藏的告警", "What it would have hidden";
    }
}

words! {
    /// Taking a block back.
    Back {
        act: "收回封鎖", "Withdraw the block";
        act_allow: "收回放行", "Withdraw the exception";
        title: "封鎖指令", "Directive";
        opens: "收回後會開放", "Withdrawing opens";
        opens_nothing: "目前沒有執行點實際執行，收回後不會改變現況。", "No point enforces it now; withdrawing changes nothing.";
        kept: "仍會被其他指令封鎖，收回後不會開放。", "Another directive still blocks it; withdrawing opens nothing.";
        kept_by: "仍在封鎖的指令", "What still blocks it";
        confirm: "我確認要收回此指令", "I confirm withdrawing this directive";
        done: "已收回；各執行點會立即解除。", "Withdrawn; every point lets go of it at once.";
        indicator_stays: "入侵指標仍然有效；有新證據時可能再次封鎖。要永久解除請撤回入侵指標。", "The indicator stays in force, and new evidence may block it again. Revoke the indicator to end it for good.";
        ended_at: "結束", "Ended";
        end_reason: "結束原因", "Why it ended";
        approver: "核准者", "Approved by";
        author: "提出者", "Asked by";
        nobody: "由中心自動", "The centre itself";
        where_now: "目前執行情形", "Where it is enforced";
        same: "同一入侵指標的封鎖", "Blocks of this indicator";
    }
}

words! {
    /// Second looks at what was approved alone at night.
    Night {
        title: "夜間核准覆核", "Second looks";
        lead: "夜間由一位值勤官單獨核准者，須由另一人於期限前覆核。", "What one officer approved alone at night is looked at by another person in time.";
        queue: "夜間核准待覆核", "Night approvals to confirm";
        none: "沒有待覆核的夜間核准。", "No night approval waits.";
        what: "核准內容", "What was approved";
        who: "核准者", "Approved by";
        at: "核准時間", "Approved";
        due: "覆核期限", "Due";
        overdue: "已逾期", "Overdue";
        agree: "同意", "Agree";
        undo: "不同意並撤回", "Object and undo";
        undo_lead: "立即撤回當時核准的內容，並記錄理由。", "Takes back what was approved at once, with the reason.";
        own: "由您核准，須由他人覆核", "You approved it; somebody else confirms";
        done_agreed: "已同意。", "Agreed.";
        done_undone: "已撤回並記錄。", "Taken back and recorded.";
    }
}

words! {
    /// The automatic path.
    Auto {
        title: "自動路徑", "Automatic path";
        lead: "感測器實證且達門檻的類別，可不經人員直接發布與封鎖。每次變更都記入稽核。", "Classes that sensors prove beyond the thresholds are published and blocked without a person. Each change is audited.";
        classes: "各類別", "Per class";
        state: "狀態", "State";
        on: "開啟", "On";
        off: "關閉", "Off";
        min_score: "分數至少", "Score at least";
        min_sensors: "感測器至少", "Sensors at least";
        ttl: "效期（小時）", "In force for (hours)";
        change: "調整", "Change";
        never: "可偽造來源的類別永遠不走自動路徑。", "Classes whose source can be forged are never automatic.";
        lately: "最近自動發布", "Published automatically of late";
        lately_none: "最近沒有自動發布。", "Nothing was published automatically of late.";
        changes: "設定變更紀錄", "Who changed it";
        changes_none: "尚未變更過；目前為初始設定。", "Never changed: the initial settings hold.";
        now: "改為", "Changed to";
        only_admin: "只有管理者可以調整。", "Only an administrator may change it.";
    }
}

words! {
    /// Lines that could not be used.
    Waste {
        title: "隔離的資料行", "Quarantined lines";
        lead: "無法解讀而未收下的資料行。每行保留前 1,024 位元組，供查明來源。", "Lines that could not be read and were not taken; the first 1,024 bytes of each are kept to find the cause.";
        none: "沒有被隔離的資料行。", "No line is quarantined.";
        line: "資料行", "Line";
        format: "格式", "Format";
        detail: "原因", "Why";
        times: "次數", "Times";
        again: "修正來源後重新送出即可；相同的行只會收下一次。", "Mend the source and send it again: a line is taken once.";
    }
}

words! {
    /// Long work.
    Jobs {
        title: "背景工作", "Background work";
        lead: "需要時間的工作：進度、結果，以及如何停止。", "Work that takes time: how far it is, how it ended, and how to stop it.";
        none: "沒有背景工作。", "No work is waiting, running or remembered.";
        kind: "工作", "Work";
        retention: "依保留期限清除攻擊紀錄", "Removing attack history that is past its time";
        step: "進度", "Progress";
        begins: "不早於", "Not before";
        ended: "結束", "Ended";
        tries: "次數", "Tries";
        why: "原因", "Why";
        waiting: "等待中", "Waiting";
        running: "進行中", "Running";
        stopping: "停止中", "Stopping";
        done: "完成", "Done";
        failed: "失敗", "Failed";
        cancelled: "已停止", "Stopped";
        stop: "停止", "Stop";
        stopped: "已要求停止；進行中的步驟結束後生效。", "Asked to stop; it ends with the step it is in.";
    }
}

words! {
    /// Acts on several rows at once.
    Bulk {
        pick: "選取", "Select";
        pick_all: "全選本頁", "Select this page";
        act: "對選取的列…", "With the selected…";
        apply: "套用", "Apply";
        reason: "理由（結案、退回、駁回必填）", "Reason (to resolve, send back, reject)";
        none: "沒有選取任何一列。", "Nothing was selected.";
        none_do: "返回清單，勾選後再套用。", "Go back, tick rows, then apply.";
        result: "逐列結果", "Row by row";
        done: "完成", "Done";
        refused: "未執行", "Not done";
        back: "返回清單", "Back to the list";
    }
}

words! {
    /// Saved searches.
    Saved {
        title: "已存查詢", "Saved searches";
        lead: "您自己的查詢，以及同組織分享的查詢。", "Your own, and what your organisation shares.";
        none: "還沒有已存查詢。", "No search is saved.";
        none_do: "在任一清單輸入查詢後，按「儲存此查詢」。", "Type a query in a list and choose \u{201c}Save this search\u{201d}.";
        save: "儲存此查詢", "Save this search";
        name: "名稱", "Name";
        list: "清單", "List";
        query: "查詢", "Query";
        share: "分享給同組織的人", "Share with my organisation";
        shared: "已分享", "Shared";
        mine: "僅自己", "Only me";
        by: "建立者", "Made by";
        forget: "刪除", "Delete";
        done: "查詢已儲存。", "The search is saved.";
        gone: "查詢已刪除。", "The search is deleted.";
    }
}

words! {
    /// Counts per value: the grammar's `| by`.
    Count {
        by: "依欄位統計", "Counts by field";
        value: "值", "Value";
        rows: "筆數", "Rows";
        part: "占比", "Part";
        empty: "（空白）", "(empty)";
        partial: "只統計了最前面的資料；請縮小條件。", "Only the first rows were counted; narrow the query.";
        hint: "統計：查詢後加上 | by 欄位", "Counts: add | by FIELD to the query";
    }
}
