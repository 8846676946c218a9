//! Which headers a plugin may send, and which of an answer it may see.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::model::http::HttpError;

/// A request's headers, at most: no CRM's API needs more than a handful.
const MAX_HEADERS: usize = 64;
/// Names and values of a request's headers together, at most: servers commonly stop at 8 to 16 KiB.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The host's own: sign-in, the connection, the framing of the body, and what it can decompress.
const OWN: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-host",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
];

/// What proxies tell the servers behind them: some believe it, and take the request for another host's or another caller's.
const OWN_PREFIXES: &[&str] = &["proxy-", "x-forwarded-"];

/// Headers of an answer that carry credentials or speak of the connection.
const HIDDEN: &[&str] = &[
    "alt-svc",
    "authentication-info",
    "authorization",
    "connection",
    "keep-alive",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// The headers as they are sent. `sign_in` is the header that the connection signs in with, refused like the others.
///
/// # Errors
/// `Denied`, naming the header, where it is the host's own or malformed.
pub(crate) fn outgoing(given: &[(String, String)], sign_in: Option<&HeaderName>) -> Result<HeaderMap, HttpError> {
    if given.len() > MAX_HEADERS {
        return Err(HttpError::Denied(format!(
            "{} headers are more than the {MAX_HEADERS} that a request may have",
            given.len()
        )));
    }
    let size: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_HEADER_BYTES {
        return Err(HttpError::Denied(format!(
            "headers of {size} bytes are more than the {MAX_HEADER_BYTES} that a request may have"
        )));
    }
    let mut headers = HeaderMap::with_capacity(given.len() + 4);
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HttpError::Denied(format!("`{}` is not a header name", name.escape_debug())))?;
        let is_own = OWN.contains(&parsed.as_str()) || OWN_PREFIXES.iter().any(|it| parsed.as_str().starts_with(it));
        if is_own || Some(&parsed) == sign_in {
            return Err(HttpError::Denied(format!("the header `{parsed}` is the host's own")));
        }
        // The value stays out of the text: it may be personal.
        let value = HeaderValue::from_str(value)
            .map_err(|_| HttpError::Denied(format!("the value of the header `{parsed}` holds a control character")))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// The headers that a plugin sees, in the order of arrival; names are in lower case. Bytes that are not UTF-8 are
/// replaced.
pub(crate) fn incoming(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !HIDDEN.contains(&name.as_str()) && !name.as_str().starts_with("proxy-"))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// What the headers of an answer take, as they were on the wire or would have been.
pub(crate) fn size(headers: &HeaderMap) -> usize {
    // Colon, space and line end.
    const AROUND: usize = 4;
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + AROUND).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn refusal(name: &str, value: &str) -> Option<String> {
        match outgoing(&[pair(name, value)], Some(&HeaderName::from_static("x-api-token"))) {
            Err(HttpError::Denied(text)) => Some(text),
            Err(other) => panic!("{other:?}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn the_hosts_own_headers_are_refused_by_name() {
        for name in [
            "Authorization",
            "COOKIE",
            "host",
            "Proxy-Authorization",
            "proxy-anything",
            "Connection",
            "Transfer-Encoding",
            "Content-Length",
            "TE",
            "Upgrade",
            "Keep-Alive",
            "Expect",
            "User-Agent",
            "Accept-Encoding",
            "Forwarded",
            "X-Forwarded-Host",
            "X-Forwarded-For",
            "X-Original-URL",
            "X-Rewrite-Url",
            "X-Host",
            "X-Api-Token",
        ] {
            let text = format!("the header `{}` is the host's own", name.to_ascii_lowercase());
            assert_eq!(refusal(name, "x"), Some(text));
        }
    }

    #[test]
    fn malformed_headers_are_refused_by_name() {
        assert_eq!(refusal("x y", "1").as_deref(), Some("`x y` is not a header name"));
        assert_eq!(refusal("", "1").as_deref(), Some("`` is not a header name"));
        assert_eq!(refusal("x\r\nhost", "1").as_deref(), Some("`x\\r\\nhost` is not a header name"));
        let text = "the value of the header `x-a` holds a control character";
        assert_eq!(refusal("X-A", "1\r\nhost: evil").as_deref(), Some(text));
        assert_eq!(refusal("x-a", "1\0").as_deref(), Some(text));
    }

    #[test]
    fn other_headers_are_sent_as_they_are() {
        let sent =
            outgoing(&[pair("Content-Type", "application/json"), pair("X-A", "1"), pair("x-a", "zwei")], None).unwrap();
        let shown: Vec<(&str, &str)> = sent.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(shown, [("content-type", "application/json"), ("x-a", "1"), ("x-a", "zwei")]);
    }

    #[test]
    fn headers_have_a_number_and_a_size() {
        let many: Vec<_> = (0..=MAX_HEADERS).map(|n| pair(&format!("x-{n}"), "1")).collect();
        assert!(outgoing(&many[1..], None).is_ok());
        assert!(outgoing(&many, None).is_err());
        assert!(outgoing(&[pair("x", &"y".repeat(MAX_HEADER_BYTES))], None).is_err());
    }

    #[test]
    fn cookies_and_challenges_are_not_shown() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("set-cookie", "a=b"),
            ("www-authenticate", "Bearer"),
            ("proxy-authenticate", "Basic"),
            ("transfer-encoding", "chunked"),
            ("x-rate", "7"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        headers.append("x-raw", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(
            incoming(&headers),
            [pair("content-type", "text/plain"), pair("x-rate", "7"), pair("x-raw", "\u{fffd}")],
        );
    }
}
