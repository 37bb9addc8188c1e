//! What can go wrong when people and machines show who they are.

use base::{Coded, Problem};
use store::StoreError;

use crate::passkey::wire::Flaw;
use crate::password::Weakness;
use crate::permit::Refusal;

base::codes! {
    /// Nobody is signed in.
    pub SIGN_IN = "LF-ACC-0001", 401,
        en "Please sign in, or send a valid token.", zh "請先登入，或提供有效的權杖。",
        act_en "Sign in at /sign-in; for the API send `Authorization: Bearer lft_...`.", act_zh "請至 /sign-in 登入；使用 API 請帶 `Authorization: Bearer lft_...`。";
    /// Outside the clearance, or absent: the same answer.
    pub NOT_THERE = "LF-ACC-0002", 404,
        en "There is no such thing, or you may not see it.", zh "沒有這個項目，或您無權檢視。",
        act_en "Check the address; ask your administrator if you expected it.", act_zh "請確認網址；若應可檢視，請洽管理者。";
    /// No role allows it here.
    pub FORBIDDEN = "LF-ACC-0003", 403,
        en "None of your roles allows this here.", zh "您的角色不允許在此執行這項操作。",
        act_en "Ask somebody with the role, or an administrator for it.", act_zh "請由具備該角色的人員執行，或向管理者申請角色。";
    /// A token lacks the scope.
    pub SCOPE = "LF-ACC-0004", 403,
        en "The token does not have this scope.", zh "此權杖沒有這項權限範圍。",
        act_en "Create a token with the scope: `lianfang token create --scope ...`.", act_zh "請建立具備該權限範圍的權杖：`lianfang token create --scope ...`。";
    /// Author and approver are the same.
    pub FOUR_EYES = "LF-ACC-0005", 403,
        en "Whoever wrote this cannot approve it.", zh "撰寫者不得核准自己的內容。",
        act_en "Ask another officer; at night with one officer the night-shift setting applies.", act_zh "請由另一位人員核准；夜間僅一人值勤時適用夜班設定。";
    /// A person has to decide.
    pub NEEDS_PERSON = "LF-ACC-0006", 403,
        en "Only a person can decide this.", zh "這項決定必須由人員作成。",
        act_en "Sign in to the portal or with `lianfang sign-in` and decide there.", act_zh "請登入入口網站，或以 `lianfang sign-in` 登入後作成決定。";
    /// The second factor is missing.
    pub SECOND_FACTOR_DUE = "LF-ACC-0007", 403,
        en "Your role needs a second factor before anything else.", zh "您的角色必須先完成第二因子驗證。",
        act_en "Enter the code of your authenticator, or set one up in your profile.", act_zh "請輸入驗證器的驗證碼，或先在個人設定完成註冊。";
    /// The password is too old.
    pub PASSWORD_DUE = "LF-ACC-0008", 403,
        en "Your password has reached the age limit of this centre.", zh "您的密碼已達本中心的使用期限。",
        act_en "Choose a new password in your profile.", act_zh "請在個人設定更換密碼。";
    /// Name, password or account state: one answer for all.
    pub BAD_CREDENTIALS = "LF-ACC-0009", 401,
        en "The name or the password is not right.", zh "帳號或密碼不正確。",
        act_en "Check both; after several failures wait, or ask an administrator for a recovery link.", act_zh "請確認後再試；多次失敗後請稍候，或請管理者提供復原連結。";
    /// Too many failures.
    pub THROTTLED = "LF-ACC-0010", 429,
        en "Too many failed attempts.", zh "失敗次數過多。",
        act_en "Wait for the time shown, or use a device you have signed in with before.", act_zh "請等候顯示的時間，或改用曾經登入過的裝置。";
    /// The one-time code is wrong or was used.
    pub BAD_CODE = "LF-ACC-0011", 401,
        en "The code is not right or was used already.", zh "驗證碼不正確或已使用過。",
        act_en "Wait for the next code; check the clock of your device; or use a recovery code.", act_zh "請等待下一組驗證碼並確認裝置時間，或使用復原碼。";
    /// A one-time link is spent.
    pub LINK_SPENT = "LF-ACC-0012", 410,
        en "This link was used, has expired or never existed.", zh "此連結已使用、已過期或不存在。",
        act_en "Ask for a new one: an administrator can invite again, `lianfang user recover NAME` works on the host.", act_zh "請索取新連結：管理者可重新邀請，或在主機執行 `lianfang user recover NAME`。";
    /// A password is refused by the policy.
    pub WEAK_PASSWORD = "LF-ACC-0013", 422,
        en "The password does not meet the policy.", zh "密碼不符合密碼原則。",
        act_en "Choose a longer one that is not common; several unrelated words work well.", act_zh "請選用更長且不常見的密碼；數個不相關的字詞即可。";
    /// A field of an account is not acceptable.
    pub BAD_FIELD = "LF-ACC-0014", 422,
        en "A field of the account is not acceptable.", zh "帳號資料的欄位不符規定。",
        act_en "Correct the field named in the message.", act_zh "請修正訊息指出的欄位。";
    /// The name is taken.
    pub NAME_TAKEN = "LF-ACC-0015", 409,
        en "The sign-in name is taken.", zh "此登入名稱已有人使用。",
        act_en "Choose another name.", act_zh "請改用其他名稱。";
    /// The last administrator would go.
    pub LAST_ADMINISTRATOR = "LF-ACC-0016", 409,
        en "This would leave the centre without an administrator.", zh "這會使中心沒有任何管理者。",
        act_en "Give another person the role first.", act_zh "請先將角色授予另一人。";
    /// Nobody changes their own roles.
    pub OWN_ROLES = "LF-ACC-0017", 403,
        en "Nobody changes their own roles or disables themselves.", zh "不得變更自己的角色或停用自己。",
        act_en "Ask another administrator.", act_zh "請洽另一位管理者。";
    /// The key file cannot be used.
    pub KEY = "LF-ACC-0018", 500,
        en "The key file of the data folder cannot be used.", zh "資料夾的金鑰檔無法使用。",
        act_en "Restore the folder keys from the backup; without it second factors must be set up again.", act_zh "請由備份還原 keys 資料夾；若遺失，第二因子須重新註冊。";
    /// An enrolment code is spent.
    pub ENROL_SPENT = "LF-ACC-0019", 403,
        en "The enrolment code was used, has expired or never existed.", zh "註冊碼已使用、已過期或不存在。",
        act_en "Create a new one: `lianfang sensor enrol` or `lianfang edge enrol`.", act_zh "請建立新的註冊碼：`lianfang sensor enrol` 或 `lianfang edge enrol`。";
    /// No such action.
    pub BAD_ACTION = "LF-ACC-0020", 400,
        en "There is no such scope.", zh "沒有這個權限範圍。",
        act_en "Use one of the names that `lianfang token scopes` lists.", act_zh "請使用 `lianfang token scopes` 列出的名稱。";
    /// One-time sign-in links are off.
    pub LINKS_OFF = "LF-ACC-0021", 403,
        en "One-time sign-in links exist only in the demo.", zh "一次性登入連結僅適用於展示環境。",
        act_en "Invite the person instead.", act_zh "請改為邀請該人員。";
    /// The row changed meanwhile.
    pub CHANGED = "LF-ACC-0022", 409,
        en "Somebody else changed this in the meantime.", zh "在此期間已有其他人變更此資料。",
        act_en "Load it again and repeat your change.", act_zh "請重新載入後再變更一次。";
    /// Second factor already set up.
    pub ENROLLED = "LF-ACC-0023", 409,
        en "A second factor is set up already.", zh "第二因子已完成註冊。",
        act_en "Enter its code to replace it, or ask an administrator for a recovery link.", act_zh "請輸入其驗證碼後更換，或請管理者提供復原連結。";
    /// A passkey's answer was refused.
    pub BAD_PASSKEY = "LF-ACC-0040", 401,
        en "The passkey was not accepted.", zh "通行金鑰未獲接受。",
        act_en "Try again with a passkey registered for this address, or use your authenticator or a recovery code.", act_zh "請改用在此網址註冊的通行金鑰重試，或改用驗證器或復原碼。";
    /// The address has no passkeys.
    pub NO_PASSKEYS_HERE = "LF-ACC-0041", 409,
        en "Passkeys are not offered at this address.", zh "此網址不提供通行金鑰。",
        act_en "Open the centre by one of its names (an IP address cannot have passkeys), or use the authenticator.", act_zh "請以中心的主機名稱開啟（IP 位址無法使用通行金鑰），或改用驗證器。";
    /// The last factor of a role that needs one.
    pub LAST_FACTOR = "LF-ACC-0042", 409,
        en "This is your last second factor, and your role needs one.", zh "這是您最後一項第二因子，而您的角色必須具備。",
        act_en "Set up another passkey or an authenticator first.", act_zh "請先設定另一把通行金鑰或驗證器。";
    /// The password is asked for once more.
    pub PROOF_DUE = "LF-ACC-0043", 403,
        en "Please enter your password once more for this change.", zh "變更前請再次輸入密碼。",
        act_en "Enter it in the form, or sign in again.", act_zh "請在表單輸入密碼，或重新登入。";
}

/// What can go wrong in this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Text from a door was not what it should be.
    #[error(transparent)]
    Text(#[from] Problem),
    /// Nobody is signed in: the cookie or token is missing, spent, expired or revoked.
    #[error("nobody is signed in")]
    SignIn,
    /// Name, password or account state.
    #[error("the name or the password is not right")]
    BadCredentials,
    /// Too many failures; try again after so many seconds.
    #[error("too many failed attempts, try again in {0} s")]
    Throttled(u32),
    /// A one-time code is wrong or was used.
    #[error("the code is not right")]
    BadCode,
    /// A one-time link is spent.
    #[error("the link is spent")]
    LinkSpent,
    /// The password is refused.
    #[error("the password is refused: {0}")]
    WeakPassword(Weakness),
    /// A field is not acceptable: its name and why.
    #[error("{0}: {1}")]
    BadField(&'static str, &'static str),
    /// The sign-in name is taken.
    #[error("the name is taken")]
    NameTaken,
    /// The last administrator would go.
    #[error("the last administrator")]
    LastAdministrator,
    /// Nobody changes their own roles.
    #[error("own roles")]
    OwnRoles,
    /// The key file cannot be used.
    #[error("the key file cannot be used: {0}")]
    Key(String),
    /// An enrolment code is spent.
    #[error("the enrolment code is spent")]
    EnrolSpent,
    /// One-time sign-in links are off.
    #[error("one-time sign-in links are off")]
    LinksOff,
    /// The row changed meanwhile.
    #[error("the row changed meanwhile")]
    Changed,
    /// A second factor is set up already.
    #[error("a second factor is set up already")]
    Enrolled,
    /// A passkey's answer was refused.
    #[error("the passkey was refused: {0}")]
    BadPasskey(Flaw),
    /// The address has no passkeys.
    #[error("no passkeys at this address")]
    NoPasskeysHere,
    /// The last factor of a role that needs one.
    #[error("the last second factor")]
    LastFactor,
    /// The password is asked for once more.
    #[error("the password is asked for once more")]
    ProofDue,
}

impl AccessError {
    /// Seconds after which the caller may try again (the `Retry-After` header).
    #[must_use]
    pub const fn retry_after(&self) -> Option<u32> {
        if let Self::Throttled(seconds) = self { Some(*seconds) } else { None }
    }
}

impl Coded for AccessError {
    fn problem(&self) -> Problem {
        match self {
            Self::Store(error) => error.problem(),
            Self::Refused(refusal) => refusal.problem(),
            Self::Text(problem) => problem.clone(),
            Self::SignIn => Problem::new(&SIGN_IN, ""),
            Self::BadCredentials => Problem::new(&BAD_CREDENTIALS, ""),
            Self::Throttled(seconds) => Problem::new(&THROTTLED, format!("try again in {seconds} s")),
            Self::BadCode => Problem::new(&BAD_CODE, ""),
            Self::LinkSpent => Problem::new(&LINK_SPENT, ""),
            Self::WeakPassword(why) => Problem::new(&WEAK_PASSWORD, why.to_string()).at("password"),
            Self::BadField(field, why) => Problem::new(&BAD_FIELD, *why).at(*field),
            Self::NameTaken => Problem::new(&NAME_TAKEN, "").at("login"),
            Self::LastAdministrator => Problem::new(&LAST_ADMINISTRATOR, ""),
            Self::OwnRoles => Problem::new(&OWN_ROLES, ""),
            Self::Key(_) => Problem::new(&KEY, ""),
            Self::EnrolSpent => Problem::new(&ENROL_SPENT, ""),
            Self::LinksOff => Problem::new(&LINKS_OFF, ""),
            Self::Changed => Problem::new(&CHANGED, ""),
            Self::Enrolled => Problem::new(&ENROLLED, ""),
            Self::BadPasskey(flaw) => Problem::new(&BAD_PASSKEY, flaw.to_string()),
            Self::NoPasskeysHere => Problem::new(&NO_PASSKEYS_HERE, ""),
            Self::LastFactor => Problem::new(&LAST_FACTOR, ""),
            Self::ProofDue => Problem::new(&PROOF_DUE, ""),
        }
    }
}
