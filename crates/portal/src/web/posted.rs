//! Forms: read once, with the token checked before any handler sees a field.

use std::str::FromStr;

use axum::extract::{Form, FromRequest, Request};
use base::{Problem, code};

use crate::error::{BAD_FORM, FORM_TOKEN, Fail};
use crate::web::Guest;

/// The fields of a form whose token is the visitor's. Every handler that changes something takes one.
#[derive(Debug)]
pub(crate) struct Posted(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Fail;
    async fn from_request(request: Request, state: &S) -> Result<Self, Fail> {
        let (mut parts, body) = request.into_parts();
        let Guest(visit) = <Guest as axum::extract::FromRequestParts<S>>::from_request_parts(&mut parts, state).await?;
        let Form(pairs) = Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|error| Problem::new(&BAD_FORM, code::excerpt(&error.body_text())))?;
        let posted = Self(pairs);
        if visit.owns(posted.get("csrf")) { Ok(posted) } else { Err(Problem::new(&FORM_TOKEN, "").into()) }
    }
}

impl Posted {
    /// A field, trimmed; empty when it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field as it was typed: passwords.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim()).collect()
    }

    /// Whether a box was ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// `LF-POR-0003` naming the field.
    pub(crate) fn need(&self, name: &'static str) -> Result<&str, Fail> {
        match self.get(name) {
            "" => Err(Problem::new(&BAD_FORM, "must not be empty").at(name).into()),
            value => Ok(value),
        }
    }

    /// A field of another type.
    ///
    /// # Errors
    /// `LF-POR-0003` naming the field.
    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, Fail> {
        let text = self.need(name)?;
        text.parse().map_err(|_| Problem::new(&BAD_FORM, code::excerpt(text)).at(name).into())
    }

    /// A field of another type that may be empty.
    ///
    /// # Errors
    /// `LF-POR-0003` naming the field.
    pub(crate) fn optional<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Fail> {
        if self.get(name).is_empty() { Ok(None) } else { self.parsed(name).map(Some) }
    }

    /// Where to go afterwards: a path of this site, or the given page.
    pub(crate) fn back(&self, or: &str) -> String {
        local(self.get("return")).unwrap_or(or).to_owned()
    }
}

/// The text when it is a path of this site (`/x`, never `//x` or `/\x`, which browsers take elsewhere).
pub(crate) fn local(path: &str) -> Option<&str> {
    let mut chars = path.chars();
    let first = chars.next() == Some('/');
    let second = !matches!(chars.next(), Some('/' | '\\'));
    (first && second && !path.chars().any(char::is_control)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_followed() {
        assert_eq!(local("/findings?x=1"), Some("/findings?x=1"));
        for bad in ["", "findings", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb"] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }
}
