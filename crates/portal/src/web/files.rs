//! Style sheet, scripts, pictures: named by their content, cached for ever.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode, Uri};

/// `GET /assets/{name}`.
pub(crate) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    let Some(asset) = assets::at(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let heads = [
        (CONTENT_TYPE, asset.media),
        (ETAG, asset.etag),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let known = headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == asset.etag)) {
        return (StatusCode::NOT_MODIFIED, heads).into_response();
    }
    (heads, asset.bytes).into_response()
}
