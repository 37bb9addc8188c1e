//! What can go wrong in the registry.

use access::Refusal;
use base::{AddrSpec, Coded, OrgId, Problem};
use store::StoreError;

base::codes! {
    /// The code is taken.
    pub CODE_TAKEN = "LF-REG-0010", 409,
        en "An organisation with this code exists already.", zh "已有使用此代碼的機關。",
        act_en "Choose another code or use the existing organisation.", act_zh "請改用其他代碼，或使用現有機關。";
    /// There is no such organisation.
    pub UNKNOWN_ORG = "LF-REG-0011", 404,
        en "There is no such organisation, or you may not see it.", zh "沒有這個機關，或您無權檢視。",
        act_en "Check the code with `lianfang org list`; ingest never creates an organisation.", act_zh "請以 `lianfang org list` 確認代碼；匯入資料不會建立機關。";
    /// A move would make a cycle.
    pub CYCLE = "LF-REG-0012", 409,
        en "An organisation cannot stand below itself.", zh "機關不得隸屬於自己或其下級。",
        act_en "Choose a parent outside its own branch.", act_zh "請選擇不在其分支內的上級機關。";
    /// Organisations below are still active.
    pub HAS_CHILDREN = "LF-REG-0013", 409,
        en "Active organisations stand below this one.", zh "此機關仍有生效中的下級機關。",
        act_en "Move or end them first.", act_zh "請先移動或終止下級機關。";
    /// The centre's own organisation stays.
    pub OWN_STAYS = "LF-REG-0014", 409,
        en "The centre's own organisation cannot be ended.", zh "本中心的機關不得終止。",
        act_en "Rename it instead.", act_zh "請改為變更名稱。";
    /// The network overlaps one of another organisation.
    pub OVERLAP = "LF-REG-0015", 409,
        en "The network overlaps one that another organisation has registered.", zh "此網段與另一機關已登錄的網段重疊。",
        act_en "Agree on the border, end the other registration first, or use the organisation's internal scope.", act_zh "請協調網段範圍、先終止另一筆登錄，或改用機關內部範圍。";
    /// The organisation has this already.
    pub REPEATED = "LF-REG-0016", 409,
        en "The organisation has registered exactly this already.", zh "此機關已登錄相同項目。",
        act_en "Nothing to do.", act_zh "無須再登錄。";
    /// A domain or AS number belongs to another organisation.
    pub TAKEN = "LF-REG-0017", 409,
        en "Another organisation has registered this.", zh "另一機關已登錄此項目。",
        act_en "End the other registration first.", act_zh "請先終止另一筆登錄。";
    /// The row changed or ended meanwhile.
    pub CHANGED = "LF-REG-0018", 409,
        en "Somebody else changed this in the meantime.", zh "在此期間已有其他人變更此資料。",
        act_en "Load it again and repeat your change.", act_zh "請重新載入後再變更一次。";
    /// A field is not acceptable.
    pub BAD_FIELD = "LF-REG-0019", 422,
        en "A field is not acceptable.", zh "欄位內容不符規定。",
        act_en "Correct the field named in the message.", act_zh "請修正訊息指出的欄位。";
    /// The organisation has ended.
    pub ENDED = "LF-REG-0020", 409,
        en "The organisation has ended.", zh "此機關已終止。",
        act_en "Register under the organisation that took its place.", act_zh "請登錄於承接的機關。";
    /// Too wide a network.
    pub TOO_WIDE = "LF-REG-0021", 422,
        en "The network is wider than one organisation can hold.", zh "網段範圍過大，不可能屬於單一機關。",
        act_en "Register /8 or longer for IPv4, /16 or longer for IPv6.", act_zh "IPv4 請登錄 /8 或更長的前綴，IPv6 請登錄 /16 或更長的前綴。";
    /// There is no such item.
    pub UNKNOWN_ITEM = "LF-REG-0022", 404,
        en "There is no such item, or you may not see it.", zh "沒有這個項目，或您無權檢視。",
        act_en "Load the organisation again.", act_zh "請重新載入該機關。";
}

/// What can go wrong in this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Text from a door was not what it should be.
    #[error(transparent)]
    Text(#[from] Problem),
    /// The code is taken.
    #[error("the code is taken")]
    CodeTaken,
    /// There is no such organisation.
    #[error("there is no such organisation")]
    UnknownOrg,
    /// There is no such item.
    #[error("there is no such item")]
    UnknownItem,
    /// A move would make a cycle.
    #[error("an organisation cannot stand below itself")]
    Cycle,
    /// Organisations below are still active.
    #[error("active organisations stand below")]
    HasChildren,
    /// The centre's own organisation stays.
    #[error("the centre's own organisation stays")]
    OwnStays,
    /// The organisation has ended.
    #[error("the organisation has ended")]
    Ended,
    /// The network overlaps another organisation's; which one, where the caller may see it.
    #[error("the network overlaps another organisation's")]
    Overlap(Option<(OrgId, AddrSpec)>),
    /// Another organisation has the domain or AS number.
    #[error("another organisation has this")]
    Taken,
    /// The organisation has exactly this already.
    #[error("registered already")]
    Repeated,
    /// Too wide a network.
    #[error("too wide")]
    TooWide,
    /// The row changed or ended meanwhile.
    #[error("the row changed meanwhile")]
    Changed,
    /// A field is not acceptable: its name and why.
    #[error("{0}: {1}")]
    BadField(&'static str, &'static str),
}

impl Coded for RegistryError {
    fn problem(&self) -> Problem {
        match self {
            Self::Store(error) => error.problem(),
            Self::Refused(refusal) => refusal.problem(),
            Self::Text(problem) => problem.clone(),
            Self::CodeTaken => Problem::new(&CODE_TAKEN, "").at("code"),
            Self::UnknownOrg => Problem::new(&UNKNOWN_ORG, ""),
            Self::UnknownItem => Problem::new(&UNKNOWN_ITEM, ""),
            Self::Cycle => Problem::new(&CYCLE, "").at("parent"),
            Self::HasChildren => Problem::new(&HAS_CHILDREN, ""),
            Self::OwnStays => Problem::new(&OWN_STAYS, ""),
            Self::Ended => Problem::new(&ENDED, ""),
            Self::Overlap(Some((_, net))) => Problem::new(&OVERLAP, format!("overlaps {net}")).at("net"),
            Self::Overlap(None) => Problem::new(&OVERLAP, "").at("net"),
            Self::Taken => Problem::new(&TAKEN, ""),
            Self::Repeated => Problem::new(&REPEATED, ""),
            Self::TooWide => Problem::new(&TOO_WIDE, "").at("net"),
            Self::Changed => Problem::new(&CHANGED, ""),
            Self::BadField(field, why) => Problem::new(&BAD_FIELD, *why).at(*field),
        }
    }
}
