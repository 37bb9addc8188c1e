//! Words of attacks: timeline, sources, sessions, campaigns.

use crate::words;

words! {
    /// Attacks, sessions, campaigns.
    Attack {
        title: "攻擊", "Attacks";
        timeline: "攻擊時間軸", "Attack timeline";
        timeline_lead: "每格依類別堆疊；點選類別即可篩選。", "Stacked by class; choose a class to filter.";
        timeline_table: "以表格顯示", "Show as a table";
        r_15m: "15 分鐘", "15 min";
        r_1h: "1 小時", "1 h";
        r_6h: "6 小時", "6 h";
        r_24h: "24 小時", "24 h";
        r_7d: "7 天", "7 d";
        r_30d: "30 天", "30 d";
        earlier: "往前", "Earlier";
        later: "往後", "Later";
        from: "自", "From";
        to: "至", "To";
        sources: "攻擊來源", "Attack sources";
        source: "來源", "Source";
        class: "類別", "Class";
        classes: "類別", "Classes";
        sessions: "攻擊連線", "Sessions";
        session: "攻擊連線", "Session";
        session_lead: "一次攻擊連線從頭到尾的紀錄。", "One attack session from its first to its last event.";
        sensors: "感測器", "Sensors";
        sensor: "感測器", "Sensor";
        first: "首次", "First";
        last: "最近", "Last";
        start: "開始", "Started";
        end: "結束", "Ended";
        still_open: "仍在進行", "Still open";
        duration: "歷時", "Lasted";
        protocol: "協定", "Protocol";
        target: "目標", "Target";
        client: "用戶端指紋", "Client fingerprint";
        version: "用戶端版本", "Client version";
        campaign: "攻擊行動", "Campaign";
        campaigns: "攻擊行動", "Campaigns";
        campaign_lead: "因共用帳密清單、指令或用戶端指紋而歸為同一行動的攻擊連線。", "Sessions that share credential lists, commands or client fingerprints.";
        reason: "歸為一組的依據", "Why they belong together";
        name: "名稱", "Name";
        credentials: "帳密嘗試", "Credentials tried";
        user: "帳號", "User";
        password: "密碼", "Password";
        commands: "指令", "Commands";
        files: "檔案與下載", "Files and downloads";
        events: "事件", "Events";
        transcript: "逐筆紀錄", "Transcript";
        event: "事件", "Event";
        what: "內容", "What";
        at: "時間", "Time";
        success: "登入成功", "Let in";
        failure: "登入失敗", "Refused";
        score: "分數", "Score";
        removed: "事件已過保留期限，移除時間", "Events removed at the end of their retention";
        digest: "原始事件的 SHA-256", "SHA-256 of the events";
        aim: "針對性判定", "Aim";
        aim_why: "判定依據", "What the aim is told from";
        weight: "權重", "Weight";
        no_signs: "沒有足以判定的依據。", "Nothing tells one way or the other.";
        benign: "已知善意掃描來源", "Known benign scanner";
        observables: "可觀測值", "Observables";
        kind: "種類", "Kind";
        value: "值", "Value";
        indicator: "入侵指標", "Indicator";
        none: "這段時間沒有攻擊。", "No attack in this time.";
        none_do: "放寬時間範圍，或確認感測器正在回報。", "Widen the range, or check that the sensors report.";
        no_campaign: "尚未辨識出攻擊行動。", "No campaign recognised yet.";
        no_campaign_do: "至少需要兩條共用帳密清單、指令或指紋的攻擊連線。", "It takes two sessions that share credentials, commands or fingerprints.";
    }
}
