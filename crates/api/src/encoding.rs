//! Bodies as they arrive: plain, gzip or zstd, never more than the door allows, before or after decompression.

use std::io::Read;

use base::limits::{self, Bounded, Limit};
use bytes::Bytes;
use http::{HeaderMap, header};

use crate::problem::{Answer, BAD_ENCODING, TOO_LARGE};

/// The plain bytes of an ingest body.
///
/// # Errors
/// `LF-API-0008` for an unknown or broken encoding, `LF-API-0007` when more comes out than [`limits::INGEST_PLAIN`].
pub fn plain(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Answer> {
    plain_within(headers, body, limits::INGEST_PLAIN)
}

fn plain_within(headers: &HeaderMap, body: Bytes, limit: Limit) -> Result<Bytes, Answer> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok("identity"), |value| value.to_str());
    let encoding = encoding.map_err(|_| Answer::of(&BAD_ENCODING, "the header is not text"))?;
    let reader: Box<dyn Read + '_> = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => Box::new(flate2::read::MultiGzDecoder::new(body.as_ref())),
        "zstd" => Box::new(zstd_reader(&body)?),
        other => return Err(Answer::of(&BAD_ENCODING, base::code::excerpt(other))),
    };
    let mut out = Vec::new();
    Bounded::new(reader, limit).read_to_end(&mut out).map_err(|error| {
        if error.kind() == std::io::ErrorKind::FileTooLarge {
            Answer::of(&TOO_LARGE, format!("more than {} {} after decompression", limit.most, limit.unit))
        } else {
            Answer::of(&BAD_ENCODING, "the compressed data is broken")
        }
    })?;
    Ok(out.into())
}

fn zstd_reader(body: &Bytes) -> Result<zstd::Decoder<'static, std::io::BufReader<std::io::Cursor<Bytes>>>, Answer> {
    let mut decoder = zstd::Decoder::new(std::io::Cursor::new(body.clone()))
        .map_err(|_| Answer::of(&BAD_ENCODING, "the compressed data is broken"))?;
    // A frame may ask for a window of gigabytes; 8 MiB is what senders need.
    decoder.window_log_max(23).map_err(|_| Answer::of(&BAD_ENCODING, "the compressed data is broken"))?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use std::io::Write;

    fn headers(encoding: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        headers
    }

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn all_three_forms_give_the_same_bytes() {
        let text = b"{\"a\":1}\n".repeat(1000);
        assert_eq!(plain(&HeaderMap::new(), Bytes::from(text.clone())).unwrap(), text);
        assert_eq!(plain(&headers("gzip"), gzip(&text)).unwrap(), text);
        let squeezed = zstd::bulk::compress(&text, 3).unwrap();
        assert_eq!(plain(&headers("zstd"), squeezed.into()).unwrap(), text);
    }

    #[test]
    fn bombs_and_broken_data_are_refused() {
        let limit = Limit { what: "test", most: 1 << 20, unit: "bytes" };
        let zeros = vec![0_u8; 8 << 20];
        for (encoding, bomb) in [("gzip", gzip(&zeros)), ("zstd", zstd::bulk::compress(&zeros, 3).unwrap().into())] {
            let refused = plain_within(&headers(encoding), bomb, limit).unwrap_err();
            assert_eq!(refused.problem().code.id, "LF-API-0007", "{encoding}");
        }
        for encoding in ["gzip", "zstd", "br", "identity, gzip"] {
            let refused = plain(&headers(encoding), Bytes::from_static(b"\x28\xb5\x2f\xfdjunk")).unwrap_err();
            assert_eq!(refused.problem().code.id, "LF-API-0008", "{encoding}");
        }
    }
}
