//! Words of the duty desk and of findings.

use crate::words;

words! {
    /// The duty dashboard.
    Duty {
        title: "值勤總覽", "Duty overview";
        needs_me: "需要我處理", "What needs me";
        needs_none: "目前沒有待您處理的工作。", "Nothing waits for you right now.";
        oldest: "各佇列最久的一件", "Oldest of each queue";
        oldest_age: "已等候", "Age";
        queue: "佇列", "Queue";
        first_item: "最久的一件", "The oldest";
        waiting: "件數", "Count";
        queue_empty: "已清空", "Empty";
        q_findings: "未認領的告警", "Findings nobody took";
        q_mine: "我認領的告警", "Findings I took";
        q_review: "待審核的入侵指標", "Indicators waiting for review";
        silent: "沉默的來源", "Silent sources";
        silent_none: "所有感測器都在回報。", "Every sensor is reporting.";
        silent_since: "最後回報", "Last heard";
        drift: "執行落差", "Enforcement drift";
        drift_none: "每個執行點都與應有狀態一致。", "Every point enforces what it should.";
        differs: "落差", "Differs";
        lately: "最近的攻擊", "Latest attacks";
        lately_none: "過去 24 小時沒有攻擊紀錄。", "No attack in the last 24 hours.";
        blocks: "最近的封鎖", "Latest blocks";
        blocks_none: "還沒有封鎖紀錄。", "No block yet.";
        go: "前往處理", "Go there";
        member_title: "與貴組織有關", "What concerns your organisation";
        state_title: "整體狀況", "State of the whole";
        counts: "目前數字", "Numbers now";
        c_sessions: "24 小時內的攻擊連線", "Attack sessions in 24 hours";
        c_sources: "攻擊來源", "Attack sources";
        c_published: "生效中的入侵指標", "Indicators in force";
        no_sensor: "還沒有感測器。", "There is no sensor yet.";
        no_sensor_do: "請管理者建立註冊碼，並在誘捕主機上執行一行指令。", "An administrator makes an enrolment code and runs one line on the honeypot host.";
        no_point: "還沒有執行點。", "There is no enforcement point yet.";
        no_point_do: "請管理者建立註冊碼，並在防火牆主機上執行一行指令。", "An administrator makes an enrolment code and runs one line on the firewall host.";
    }
}

words! {
    /// Findings.
    Work {
        title: "告警", "Findings";
        lead: "預設顯示未結案、未認領或由我認領的告警。", "Open findings that nobody or you took.";
        one: "告警", "Finding";
        groups: "依規則分組", "By rule";
        group_all: "全部規則", "All rules";
        select: "選一則告警即可在此預覽。", "Select a finding to preview it here.";
        queue: "告警佇列", "Queue of findings";
        preview: "預覽", "Preview";
        severity: "嚴重度", "Severity";
        state: "狀態", "State";
        rule: "規則", "Rule";
        subject: "對象", "Subject";
        what: "發生什麼事", "What happened";
        why: "為何觸發", "Why it fired";
        confidence: "把握程度", "How sure";
        count: "次數", "Times";
        first: "首次", "First";
        last: "最近", "Last";
        age: "已經過", "Age";
        owner: "承辦人", "Taken by";
        nobody: "尚無人認領", "Nobody yet";
        org: "所屬組織", "Organisation";
        before: "過去紀錄", "Seen before";
        before_none: "沒有過去紀錄。", "Never seen before.";
        evidence: "證據", "Evidence";
        take: "認領", "Take";
        resolve: "結案", "Resolve";
        outcome: "結論", "Outcome";
        resolve_reason: "結案理由", "Reason";
        resolve_hint: "一句話說明判斷依據。", "One sentence: what the judgement rests on.";
        silence: "靜音", "Silence";
        silence_lead: "在期限前不再提示同一規則與同一對象的告警；事件仍會保留。", "Until it ends, findings of this rule and subject stay quiet; events are kept.";
        silence_until: "靜音至", "Silence until";
        silence_1h: "1 小時", "1 hour";
        silence_8h: "8 小時", "8 hours";
        silence_7d: "7 天", "7 days";
        silence_30d: "30 天", "30 days";
        reopen: "重新開啟", "Reopen";
        f_open: "未結案", "Open";
        f_mine: "我認領的", "Mine";
        f_resolved: "已結案", "Resolved";
        f_silenced: "已靜音", "Silenced";
        empty: "佇列已清空。", "The queue is empty.";
        empty_do: "新的告警會自動出現。沒有感測器時，這裡會一直是空的。", "New findings appear by themselves. Without a sensor this stays empty.";
        taken: "已認領。", "Taken.";
        resolved: "已結案。", "Resolved.";
        silenced: "已靜音。", "Silenced.";
        reopened: "已重新開啟。", "Reopened.";
        next: "下一則", "Next one";
    }
}
