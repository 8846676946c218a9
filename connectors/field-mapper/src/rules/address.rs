//! E-mail and web addresses: what counts as one, and the form in which they are kept.

use super::text::{lower, trimmed};
use crate::refusal::Refusal;

/// RFC 5321 4.5.3.1.
const MOST_LOCAL: usize = 64;
/// RFC 5321 4.5.3.1, less the angle brackets (erratum 1690 of RFC 3696).
const MOST_EMAIL: usize = 254;
/// RFC 1035 2.3.4.
const MOST_LABEL: usize = 63;

/// The address in lower case. International names are allowed (RFC 6531); quoted local parts, comments and address literals are
/// not: a CRM that holds one holds a slip.
pub(crate) fn email(text: String) -> Result<String, Refusal> {
    let text = trimmed(text);
    let valid = text.len() <= MOST_EMAIL
        && text.split_once('@').is_some_and(|(local, domain)| is_local(local) && is_domain(domain, 2));
    if valid { Ok(lower(text)) } else { Err(Refusal::NOT_EMAIL) }
}

fn is_local(local: &str) -> bool {
    (1..=MOST_LOCAL).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_letter))
}

/// RFC 5322 3.2.3 `atext`, with RFC 6531's letters beyond ASCII.
fn is_atom_letter(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric() || is_mark(c)
    }
}

/// Vowel signs and accents that stand as characters of their own in many scripts; blanks and invisible characters don't.
fn is_mark(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

/// Names between dots, at least so many of them, and not all digits at the end.
fn is_domain(domain: &str, labels: usize) -> bool {
    let mut count = 0;
    for label in domain.split('.') {
        count += 1;
        let inside = label.chars().all(|c| {
            c == '-' || if c.is_ascii() { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() || is_mark(c) }
        });
        if label.is_empty() || label.len() > MOST_LABEL || !inside || label.starts_with('-') || label.ends_with('-') {
            return false;
        }
    }
    let last = domain.rsplit('.').next().unwrap_or_default();
    count >= labels && !last.bytes().all(|b| b.is_ascii_digit())
}

/// An absolute http or https address as it was written; `scheme` goes before an address that has none.
pub(crate) fn url(text: String, scheme: Option<&str>) -> Result<String, Refusal> {
    let mut text = trimmed(text);
    if let Some(scheme) = scheme
        && !text.contains("://")
    {
        text.insert_str(0, scheme.trim_end_matches("://"));
        text.insert_str(scheme.len(), "://");
    }
    if is_url(&text) { Ok(text) } else { Err(Refusal::NOT_URL) }
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\' | '`'));
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    known && clean && is_authority(authority)
}

/// A host and perhaps a port. A name and a password before the host are refused: addresses with them are for machines or for fraud.
fn is_authority(authority: &str) -> bool {
    if let Some(literal) = authority.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else {
            return false;
        };
        return address.parse::<std::net::Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port.strip_prefix(':')));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let named = is_domain(host, 1) || host.parse::<std::net::Ipv4Addr>().is_ok();
    named && (port.is_none() || is_port(port))
}

fn is_port(port: Option<&str>) -> bool {
    port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case_or_refused() {
        for (text, kept) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("a.b+tag@sub.example.co.uk", "a.b+tag@sub.example.co.uk"),
            ("jörg@exämple.de", "jörg@exämple.de"),
            ("o'neill@example.ie", "o'neill@example.ie"),
            ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ] {
            assert_eq!(email(text.to_owned()), Ok(kept.to_owned()), "{text}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a@b@c.de",
            "ada @example.com",
            "ada@exa mple.com",
            ".ada@example.com",
            "a..b@example.com",
            "ada@-example.com",
            "ada@example..com",
            "ada@example.com.",
            "ada@127.0.0.1",
            "Ada <ada@example.com>",
            "ada@example.com, b@example.com",
            "ada\u{200b}@example.com",
            long.as_str(),
        ] {
            assert_eq!(email(text.to_owned()), Err(Refusal::NOT_EMAIL), "{text}");
        }
    }

    #[test]
    fn a_web_address_is_absolute() {
        for text in [
            "https://example.com",
            "http://example.com:8080/a?b=c#d",
            "HTTPS://Example.com/",
            "https://exämple.de/ä",
            "http://localhost",
            "http://127.0.0.1/",
            "http://[::1]:80/",
        ] {
            assert_eq!(url(text.to_owned(), None), Ok(text.to_owned()), "{text}");
        }
        for text in [
            "example.com",
            "ftp://example.com",
            "https://",
            "https://ex ample.com",
            "https:///path",
            "javascript:alert(1)",
            "https://user:secret@example.com",
            "https://example.com:99999",
            "https://example.com/\"",
            "http://[::1",
            "mailto:a@b.de",
        ] {
            assert_eq!(url(text.to_owned(), None), Err(Refusal::NOT_URL), "{text}");
        }
    }

    #[test]
    fn a_scheme_is_added_only_where_there_is_none() {
        let with = |text: &str| url(text.to_owned(), Some("https"));
        assert_eq!(with(" example.com/a "), Ok("https://example.com/a".to_owned()));
        assert_eq!(with("http://example.com"), Ok("http://example.com".to_owned()));
        assert_eq!(with("not an address"), Err(Refusal::NOT_URL));
    }
}
