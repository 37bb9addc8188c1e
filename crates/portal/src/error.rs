//! What the portal itself refuses, and how every room's error becomes a page.

use axum::response::{IntoResponse, Redirect, Response};
use base::{Coded, Problem};

base::codes! {
    /// A form came without its token, or from elsewhere.
    pub FORM_TOKEN = "LF-POR-0001", 403,
        en "This form is no longer valid or came from another site.", zh "此表單已失效，或來自其他網站。",
        act_en "Load the page again and repeat what you did.", act_zh "請重新載入頁面後再操作一次。";
    /// There is no such page.
    pub NO_PAGE = "LF-POR-0002", 404,
        en "There is no such page, or you may not see it.", zh "沒有這個頁面，或您無權檢視。",
        act_en "Go back, or search for what you are looking for.", act_zh "請返回上一頁，或改用搜尋。";
    /// A form's field is missing or cannot be read.
    pub BAD_FORM = "LF-POR-0003", 400,
        en "A field of the form is missing or cannot be read.", zh "表單欄位缺漏或無法辨識。",
        act_en "Fill in the field named in the message.", act_zh "請填寫訊息指出的欄位。";
    /// A confirmation does not match.
    pub NOT_CONFIRMED = "LF-POR-0004", 422,
        en "The name typed to confirm does not match.", zh "輸入的確認名稱不符。",
        act_en "Type the name exactly as shown.", act_zh "請完全依照顯示的名稱輸入。";
    /// The box that names the consequence is not ticked.
    pub NOT_TICKED = "LF-POR-0006", 422,
        en "The box that names what happens is not ticked.", zh "尚未勾選確認後果。",
        act_en "Read what it names, tick the box, and send the form again.", act_zh "請閱讀其內容並勾選後再送出。";
    /// A page could not be drawn.
    pub BROKEN = "LF-POR-0005", 500,
        en "The page could not be drawn.", zh "無法產生頁面。",
        act_en "Try again; if it stays, keep the code and the time and tell your administrator.",
        act_zh "請再試一次；若持續發生，請將代碼與時間告知管理者。";
}

/// Why a handler has no page: a coded problem, or somewhere else to go first.
#[derive(Debug)]
pub(crate) enum Fail {
    Problem(Box<Problem>),
    Elsewhere(String),
}

impl<E: Coded> From<E> for Fail {
    fn from(error: E) -> Self {
        Self::Problem(Box::new(error.problem()))
    }
}

impl Fail {
    /// There is nothing here.
    pub(crate) fn no_page() -> Self {
        Problem::new(&NO_PAGE, "").into()
    }
}

/// A problem on its way to the frame that draws it.
#[derive(Debug, Clone)]
pub(crate) struct Carried(pub(crate) Problem);

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        match self {
            Self::Elsewhere(to) => Redirect::to(&to).into_response(),
            Self::Problem(problem) => {
                let status =
                    http::StatusCode::from_u16(problem.code.http).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = status.into_response();
                response.extensions_mut().insert(Carried(*problem));
                response
            }
        }
    }
}

/// What a handler gives back.
pub(crate) type Answer = Result<Response, Fail>;
