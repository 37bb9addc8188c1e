//! Names of stored things: roles, classes, kinds, states, severities, markings, factors, actions.

use base::{Role, Tlp};

use crate::lang::Lang;

macro_rules! names {
    ($(#[$doc:meta])* $fun:ident { $($word:literal: $zh:literal, $en:literal;)* }) => {
        $(#[$doc])*
        #[must_use]
        pub fn $fun(lang: Lang, word: &str) -> Option<&'static str> {
            match word {
                $($word => Some(lang.pick($zh, $en)),)*
                _ => None,
            }
        }
    };
}

names! {
    /// A role by its stable name.
    role_word {
        "administrator": "管理者", "Administrator";
        "duty_officer": "值勤官", "Duty officer";
        "tier1": "一線分析員", "Tier-1 analyst";
        "tier2": "二線分析員", "Tier-2 analyst";
        "intelligence_officer": "情資官", "Intelligence officer";
        "public_editor": "公開網站編輯", "Public editor";
        "leadership": "主管", "Leadership";
        "wall": "電視牆", "TV wall";
        "member": "會員單位", "Member";
        "isp_handler": "電信業者窗口", "ISP handler";
        "platform_engineer": "平臺工程師", "Platform engineer";
        "auditor": "稽核員", "Auditor";
        "sensor": "感測器", "Sensor";
        "edge": "執行代理", "Enforcement agent";
    }
}

/// The name of a role.
#[must_use]
pub fn role(lang: Lang, role: Role) -> &'static str {
    role_word(lang, role.word()).unwrap_or(role.word())
}

names! {
    /// A class of attack by its stable name.
    class {
        "ics_control": "工控操作", "ICS control";
        "download": "下載惡意檔案", "Download";
        "exploit_attempt": "弱點利用", "Exploit attempt";
        "command_execution": "執行指令", "Command execution";
        "proxy_abuse": "跳板濫用", "Proxy abuse";
        "credential_guessing": "針對性猜測帳密", "Credential guessing";
        "credential_spray": "大量試帳密", "Credential spray";
        "flood": "連線洪流", "Flood";
        "banner_grab": "探查版本", "Banner grab";
        "scan": "掃描", "Scan";
        "udp_probe": "UDP 探測", "UDP probe";
    }
}

names! {
    /// A kind of value by its stable name.
    value_kind {
        "ipv4": "IPv4 位址", "IPv4 address";
        "ipv6": "IPv6 位址", "IPv6 address";
        "domain": "網域名稱", "Domain";
        "url": "網址", "URL";
        "sha256": "檔案雜湊值", "File hash";
        "ssh_key": "SSH 金鑰", "SSH key";
    }
}

names! {
    /// A state of an indicator by its stable name.
    indicator_state {
        "draft": "草稿", "Draft";
        "in_review": "審核中", "In review";
        "approved": "已核准", "Approved";
        "published": "生效中", "Published";
        "revoked": "已撤回", "Revoked";
        "expired": "已到期", "Expired";
        "rejected": "已退回", "Rejected";
    }
}

names! {
    /// A state of a finding by its stable name.
    finding_state {
        "open": "未認領", "Open";
        "new": "未認領", "Open";
        "taken": "處理中", "Taken";
        "resolved": "已結案", "Resolved";
        "silenced": "已靜音", "Silenced";
    }
}

names! {
    /// A rule that is no class of attack, by its stable name.
    rule {
        "sensor.silent": "感測器沉默", "Sensor fell silent";
        "sensor.went_silent": "感測器沉默", "Sensor fell silent";
        "edge.drift": "執行點有落差", "Enforcement point differs";
        "edge.silent": "執行點失聯", "Enforcement point fell silent";
        "edge.killed": "緊急停止已啟動", "Kill switch was used";
    }
}

names! {
    /// An outcome of a finding by its stable name.
    outcome {
        "true_positive": "確實事件", "True positive";
        "false_positive": "誤判", "False positive";
        "benign": "無害", "Benign";
        "duplicate": "重複", "Duplicate";
    }
}

/// A severity, 1 to 4.
#[must_use]
pub const fn severity(lang: Lang, level: u8) -> &'static str {
    match level {
        0 | 1 => lang.pick("低", "Low"),
        2 => lang.pick("中", "Medium"),
        3 => lang.pick("高", "High"),
        _ => lang.pick("危急", "Critical"),
    }
}

/// Who may read something of this marking, in a sentence.
#[must_use]
pub const fn tlp_means(lang: Lang, tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => lang.pick("可公開", "May be told to anyone"),
        Tlp::Green => lang.pick("限聯防社群", "Within the community"),
        Tlp::Amber => lang.pick("限本組織與需要知悉的服務對象", "Within the organisation and clients who need to know"),
        Tlp::AmberStrict => lang.pick("限本組織", "Within the organisation only"),
        Tlp::Red => lang.pick("限收件人本人", "For the eyes of the recipients only"),
    }
}

names! {
    /// A factor of a score by its stable name.
    factor {
        "class": "攻擊類別", "Class of attack";
        "recency": "距今時數", "Hours since";
        "repetition": "重複次數（攻擊連線）", "Repetition (sessions)";
        "sensors": "看過的感測器數", "Sensors that saw it";
        "organisations": "受影響組織數", "Organisations hit";
        "noise": "背景雜訊", "Background noise";
        "benign": "已知的善意掃描", "Known benign scanner";
    }
}

names! {
    /// Whom an attack is meant for, by its stable name.
    aim {
        "noise": "背景雜訊", "Background noise";
        "targeted": "針對性攻擊", "Targeted";
        "undecided": "尚無法判定", "Undecided";
    }
}

names! {
    /// A sign of noise or of an attack on somebody, by its stable name.
    sign {
        "breadth": "一日內擊中的感測器數", "Sensors hit within a day";
        "sectors": "擊中的領域數", "Sectors hit";
        "shared": "使用同一份清單或指令的來源數", "Sources that share its lists or commands";
        "focus": "集中度 T", "Focus T";
        "names": "用到該組織名稱的攻擊連線", "Sessions that used the organisation's name";
        "pace": "人工輸入的攻擊連線", "Sessions typed by hand";
        "benign": "已知善意掃描來源", "Known benign scanner";
    }
}

names! {
    /// A kind of attack event by its name on the wire.
    event_kind {
        "conn.open": "建立連線", "Connection opened";
        "conn.close": "結束連線", "Connection closed";
        "proto.fingerprint": "用戶端識別", "Client identified";
        "auth.attempt": "嘗試登入", "Login attempt";
        "cmd.input": "輸入指令", "Command";
        "req": "送出請求", "Request";
        "file.in": "上傳檔案", "File received";
        "file.ref": "要求下載", "File wanted";
        "forward.request": "要求轉連", "Forward wanted";
        "ics.control": "工控操作", "Control function";
        "udp.probe": "UDP 封包", "Datagram";
    }
}

names! {
    /// A kind of organisation by its stable name.
    org_kind {
        "national": "國家", "National";
        "sector": "領域", "Sector";
        "operator": "營運者", "Operator";
        "isp": "電信業者", "ISP";
        "public": "公眾", "Public";
        "centre": "聯防中心", "Joint centre";
    }
}

names! {
    /// How much depends on an organisation, by its stable name.
    criticality {
        "none": "一般", "Ordinary";
        "important": "重要", "Important";
        "critical": "關鍵基礎設施", "Critical infrastructure";
    }
}

names! {
    /// What a contact is for, by its stable name.
    contact_role {
        "security": "資安", "Security";
        "network": "網路", "Network";
        "duty": "值勤", "Duty";
        "management": "管理", "Management";
    }
}

names! {
    /// How a sensor is doing, by its stable name.
    sensor_state {
        "revoked": "憑證已撤回", "Revoked";
        "enrolled": "尚未回報", "Never reported";
        "missing": "失聯", "Missing";
        "silent": "沉默", "Silent";
        "impaired": "有異常", "Impaired";
        "healthy": "正常", "Healthy";
    }
}

names! {
    /// What a sensor is, by its stable name.
    sensor_kind {
        "native": "聯防感測器", "Lianfang sensor";
        "cowrie": "Cowrie 匯入", "Cowrie import";
        "opencanary": "OpenCanary 匯入", "OpenCanary import";
    }
}

names! {
    /// How a point compares with what it should enforce, by its stable name.
    standing {
        "killed": "緊急停止中", "Kill switch on";
        "frozen": "已凍結", "Frozen";
        "differs": "與應有狀態不符", "Differs";
        "unproved": "實測未通過", "Probe failed";
        "drifted": "有落差未修復", "Drifted";
        "refused": "部分被防護規則拒絕", "Partly refused";
        "proved": "經封包實測", "Proved by packet";
        "read_back": "讀回相符", "Read back";
    }
}

names! {
    /// Why a directive is over, by its stable name.
    end_reason {
        "revoked": "入侵指標已撤回", "Its indicator was revoked";
        "withdrawn": "由人員收回", "Withdrawn by a person";
        "expired": "到期", "Expired";
        "guard": "網段受保護", "The network became protected";
        "declined": "第二人不同意", "Declined by the second person";
    }
}

names! {
    /// Where a directive stands, by its stable name.
    directive_state {
        "held": "待第二人核准", "Waits for a second person";
        "active": "生效中", "In force";
        "ended": "已結束", "Ended";
    }
}

names! {
    /// Where an account stands, by its stable name.
    person_state {
        "invited": "已邀請", "Invited";
        "active": "使用中", "Active";
        "disabled": "已停用", "Disabled";
    }
}

names! {
    /// Who began an indicator, by its stable name.
    origin {
        "person": "人員", "A person";
        "token": "程式", "A program";
        "sensors": "感測器", "Sensors";
    }
}

names! {
    /// A step of an indicator or finding, by its stable name.
    step {
        "drafted": "建立草稿", "Drafted";
        "proposed": "感測器提出", "Proposed by sensors";
        "edited": "修改", "Edited";
        "submitted": "送審", "Submitted";
        "withdrawn": "撤下", "Withdrawn";
        "accepted": "審核通過", "Accepted";
        "returned": "退回補正", "Sent back";
        "rejected": "駁回", "Rejected";
        "published": "發布", "Published";
        "renewed": "新證據延長", "Renewed";
        "revoked": "撤回", "Revoked";
        "expired": "到期", "Expired";
        "taken": "認領", "Taken";
        "resolved": "結案", "Resolved";
        "undone": "復原", "Undone";
    }
}

names! {
    /// What was observed about a finding, by its stable name.
    fact {
        "sessions": "攻擊連線", "Sessions";
        "sensors": "感測器", "Sensors";
        "class": "攻擊類別", "Class";
        "first": "首例", "First one";
        "last": "最近", "Last";
        "events": "事件", "Events";
        "function": "功能", "Function";
        "files": "檔案", "Files";
        "urls": "下載網址", "Download addresses";
        "technique": "手法", "Technique";
        "commands": "指令", "Commands";
        "targets": "轉連目標", "Forward targets";
        "requests": "請求", "Requests";
        "client": "用戶端", "Client";
        "users": "帳號數", "User names";
        "passwords": "密碼數", "Passwords";
        "attempts": "嘗試次數", "Attempts";
        "score": "分數", "Score";
        "missing": "遺漏", "Missing";
        "extra": "多出", "Extra";
        "last_heard": "最後回報", "Last heard";
        "first_at": "首次看到", "First seen";
        "last_at": "最近看到", "Last seen";
        "aim": "針對性判定", "Aim";
        "campaign": "攻擊行動", "Campaign";
    }
}

names! {
    /// Why sessions form a campaign, by its stable name.
    link {
        "credentials": "共用帳密清單", "Shared credential list";
        "commands": "相似的指令", "Similar commands";
        "client": "相同用戶端指紋", "Same client fingerprint";
        "file": "相同檔案", "Same file";
        "host": "相同下載主機", "Same download host";
        "key": "相同 SSH 金鑰", "Same SSH key";
    }
}

names! {
    /// Why a directive ended, by its stable name.
    directive_end {
        "revoked": "指標已撤回", "Indicator revoked";
        "withdrawn": "已收回", "Withdrawn";
        "expired": "已到期", "Expired";
        "guard": "網段成為受保護", "The network became protected";
        "declined": "第二人不同意", "Declined by the second person";
    }
}

names! {
    /// How an audited action ended, by its stable name.
    audit_outcome {
        "done": "完成", "Done";
        "refused": "拒絕", "Refused";
        "read": "讀取", "Read";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_word_has_a_name() {
        for lang in Lang::ALL {
            for item in Role::ALL {
                assert_ne!(role(lang, *item), item.word());
            }
            assert_eq!(class(lang, "nonsense"), None);
        }
        assert_ne!(severity(Lang::En, 1), severity(Lang::En, 4));
        for tlp in Tlp::ALL {
            assert!(!tlp_means(Lang::ZhTw, tlp).is_empty());
        }
    }

    #[test]
    fn names_are_taiwanese() {
        let source = include_str!("names.rs");
        let text: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        assert_eq!(crate::lint::mainland(&text), []);
        assert_eq!(crate::lint::mainland(include_str!("say.rs")), []);
    }
}
