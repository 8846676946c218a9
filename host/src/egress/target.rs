//! From what a plugin wrote to the address that is meant. Pure; whether it may be reached is the grant's business.

use url::Url;

use crate::model::http::HttpError;

/// The longest address: servers commonly refuse more than 8 KiB, and no CRM needs more than this.
const MAX_ADDRESS_BYTES: usize = 16 * 1024;

/// The address of a request: a path below `base`, or an absolute `http` or `https` address; the query is added to it.
///
/// # Errors
/// `Denied`, with the reason, for whatever two readers could understand in two ways.
pub(crate) fn address(base: &Url, target: &str, query: &[(String, String)]) -> Result<Url, HttpError> {
    if target.len() > MAX_ADDRESS_BYTES {
        return Err(denied(target, &format!("is longer than {MAX_ADDRESS_BYTES} bytes")));
    }
    plain(target)?;
    let mut url = if is_absolute(target) { absolute(target)? } else { below(base, target)? };
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    if url.as_str().len() > MAX_ADDRESS_BYTES {
        return Err(denied(
            target,
            &format!("makes, with its query, an address of more than {MAX_ADDRESS_BYTES} bytes"),
        ));
    }
    Ok(url)
}

fn denied(target: &str, why: &str) -> HttpError {
    HttpError::Denied(format!("target `{}` {why}", shown(target)))
}

/// The beginning of a target, without control characters: an error text must not carry what was refused.
fn shown(target: &str) -> String {
    const SHOWN: usize = 120;
    let mut text: String = target.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if target.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// Nothing in it that parsers of addresses drop, turn into something else or read as another part of the address.
fn plain(target: &str) -> Result<(), HttpError> {
    let why = if target.chars().any(|c| c.is_control() || c.is_whitespace()) {
        "holds white space or a control character: percent-encode it"
    } else if target.contains('\\') {
        "holds a backslash, which some servers read as a slash"
    } else if target.contains('#') {
        "holds a fragment, which is never sent"
    } else if target.contains('?') {
        "holds a query: put it into `query`, which the host encodes"
    } else if climbs(target) {
        "holds a `.` or `..` step, plain or encoded"
    } else {
        return Ok(());
    };
    Err(denied(target, why))
}

/// Whether a segment is a step after decoding once, the way that servers and proxies read paths.
fn climbs(target: &str) -> bool {
    let decoded = decode(target);
    decoded.split(|b| matches!(b, b'/' | b'\\')).any(|segment| matches!(segment, b"." | b".."))
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match pair.filter(|_| byte == b'%').and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// A scheme in front: `name:`, before any slash.
fn is_absolute(target: &str) -> bool {
    let first = target.split('/').next().unwrap_or_default();
    first.contains(':')
}

fn absolute(target: &str) -> Result<Url, HttpError> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let head = target.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &target[scheme.len()..])
    });
    let authority = match rest {
        Some(rest) => rest.split('/').next().unwrap_or_default(),
        None => return Err(denied(target, "is neither a path nor an `https://` or `http://` address")),
    };
    if authority.is_empty() {
        return Err(denied(target, "names no host"));
    }
    if authority.contains('@') {
        return Err(denied(target, "holds a user name; the host signs requests in"));
    }
    Url::parse(target).map_err(|error| denied(target, &format!("is not an address ({error})")))
}

fn below(base: &Url, target: &str) -> Result<Url, HttpError> {
    if target.starts_with("//") {
        return Err(denied(target, "begins with two slashes, which some readers take for a host"));
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = format!("{}/{}", base.path().trim_end_matches('/'), target.trim_start_matches('/'));
    url.set_path(&path);
    if url.origin() != base.origin() {
        return Err(denied(target, "leads away from the connection's base address"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(base: &str, target: &str, query: &[(&str, &str)]) -> Result<String, HttpError> {
        let query: Vec<(String, String)> = query.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        address(&Url::parse(base).unwrap(), target, &query).map(String::from)
    }

    #[test]
    fn a_path_goes_below_the_base_address() {
        for (base, target, meant) in [
            ("https://api.example.com", "/crm/v3/objects", "https://api.example.com/crm/v3/objects"),
            ("https://api.example.com", "crm/v3/objects", "https://api.example.com/crm/v3/objects"),
            ("https://api.example.com/", "", "https://api.example.com/"),
            ("http://127.0.0.1:9/proxy", "/crm", "http://127.0.0.1:9/proxy/crm"),
            ("http://127.0.0.1:9/proxy/", "crm/", "http://127.0.0.1:9/proxy/crm/"),
            ("https://a.example", "/x/a%2Fb", "https://a.example/x/a%2Fb"),
            ("https://a.example", "/x/zoë@b.c", "https://a.example/x/zo%C3%AB@b.c"),
            ("https://a.example", "/x:batch", "https://a.example/x:batch"),
            ("https://a.example", "/a...b/..c", "https://a.example/a...b/..c"),
            ("https://a.example", "https://b.example:8443/y", "https://b.example:8443/y"),
            ("https://a.example", "HTTPS://B.example", "https://b.example/"),
        ] {
            assert_eq!(at(base, target, &[]).as_deref(), Ok(meant), "{base} {target}");
        }
    }

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(
            at("https://a.example", "/x", &[("q", "a b&c=d#?"), ("ü", "")]).as_deref(),
            Ok("https://a.example/x?q=a+b%26c%3Dd%23%3F&%C3%BC="),
        );
    }

    #[test]
    fn whatever_can_be_misread_is_denied() {
        for (target, why) in [
            ("//evil.example/x", "begins with two slashes"),
            ("/\\evil.example", "backslash"),
            ("/a\r\nhost: evil", "control character"),
            ("/a b", "white space"),
            ("\thttps://evil.example", "control character"),
            ("/a\u{0}", "control character"),
            ("/a#b", "fragment"),
            ("/a?b=c", "put it into `query`"),
            ("/..", "step"),
            ("/a/../../b", "step"),
            ("/a/./b", "step"),
            ("/a/%2e%2E/b", "step"),
            ("/a/.%2e", "step"),
            ("/a%2f..%2fb", "step"),
            ("/a%5c..%5cb", "step"),
            ("https:/evil.example", "neither a path"),
            ("https:evil.example", "neither a path"),
            ("https:///evil.example", "names no host"),
            ("ftp://evil.example/", "neither a path"),
            ("file:///etc/passwd", "neither a path"),
            ("data:text/plain,x", "neither a path"),
            ("javascript:x", "neither a path"),
            ("https://user@evil.example/", "user name"),
            ("https://api.example.com:x@evil.example/", "user name"),
            ("https://api.example.com:99999/", "not an address"),
            ("https://[::1/", "not an address"),
            ("https://a.example/../x", "step"),
        ] {
            match at("https://api.example.com/base", target, &[]) {
                Err(HttpError::Denied(text)) => assert!(text.contains(why), "{target:?}: {text}"),
                other => panic!("{target:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn an_address_has_an_end() {
        assert!(at("https://a.example", &"x".repeat(MAX_ADDRESS_BYTES + 1), &[]).is_err());
        assert!(at("https://a.example", "/x", &[("q", &"y".repeat(MAX_ADDRESS_BYTES))]).is_err());
    }

    proptest! {
        #[test]
        fn no_relative_target_leaves_the_base(target in "[ -~\u{80}-\u{2ff}]{0,60}") {
            let base = Url::parse("https://api.example.com/base").unwrap();
            if let Ok(url) = address(&base, &target, &[]) && !is_absolute(&target) {
                prop_assert_eq!(url.origin(), base.origin());
                prop_assert!(url.path().starts_with("/base/"), "{}", url);
            }
        }
    }
}
