//! Takes secrets out of what goes to a plugin or to people.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;

use super::disguise;
use super::secret::Secret;

/// What stands in a secret's place.
const REMOVED: &str = "[credential removed]";

/// The secrets, and how a server may give them back. A form that looks the same as another is not added.
pub(super) fn in_every_form(secrets: Vec<Secret>) -> Vec<Secret> {
    let mut needles: Vec<Secret> = Vec::with_capacity(secrets.len() * 4);
    let forms = secrets.iter().flat_map(|secret| std::iter::once(secret.clone()).chain(disguise::of(secret.expose())));
    for form in forms {
        if !needles.contains(&form) {
            needles.push(form);
        }
    }
    needles
}

/// The bytes without any of the secrets; the same bytes, not copied, where there is none.
pub(super) fn bytes(needles: &[Secret], given: Bytes) -> Bytes {
    let mut out = given;
    for needle in needles {
        let needle = needle.expose().as_bytes();
        if memmem::find(&out, needle).is_some() {
            out = replaced(&out, needle).into();
        }
    }
    out
}

pub(super) fn text<'a>(needles: &[Secret], given: &'a str) -> Cow<'a, str> {
    let mut out = Cow::Borrowed(given);
    for needle in needles {
        if out.contains(needle.expose()) {
            out = Cow::Owned(out.replace(needle.expose(), REMOVED));
        }
    }
    out
}

fn replaced(haystack: &[u8], needle: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(haystack.len() + REMOVED.len());
    let mut from = 0;
    for at in memmem::find_iter(haystack, needle) {
        out.extend_from_slice(haystack.get(from..at).unwrap_or_default());
        out.extend_from_slice(REMOVED.as_bytes());
        from = at + needle.len();
    }
    out.extend_from_slice(haystack.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_are() {
        let needles = [Secret::from("first-secret"), Secret::from("second")];
        for (given, left) in [
            ("", ""),
            ("nothing", "nothing"),
            ("first-secret", "[credential removed]"),
            (
                "a first-secret b second c first-secret",
                "a [credential removed] b [credential removed] c [credential removed]",
            ),
            ("secondsecond", "[credential removed][credential removed]"),
        ] {
            assert_eq!(bytes(&needles, Bytes::from(given)), left);
            assert_eq!(text(&needles, given), left);
        }
    }

    #[test]
    fn a_secret_in_other_clothes_is_taken_out_too() {
        let needles = in_every_form(vec![Secret::from("pä\"ss/word+1 *"), Secret::from("plain-token")]);
        for given in [
            // As browsers, forms and servers encode what stands in an address, in upper and in lower case.
            "/cb?token=p%C3%A4%22ss%2Fword%2B1+*&x=1",
            "/cb?token=p%c3%a4%22ss%2fword%2b1+*",
            "/cb?token=p%C3%A4%22ss%2Fword%2B1%20%2A",
            "/cb?token=p%C3%A4%22ss%2Fword%2B1%20*",
            // As JSON is written plainly, by PHP, Python, Go and .NET.
            r#"{"echo":"pä\"ss/word+1 *"}"#,
            r#"{"echo":"p\u00e4\"ss\/word+1 *"}"#,
            r#"{"echo":"p\u00e4\"ss/word+1 *"}"#,
            r#"{"echo":"p\u00E4\u0022ss/word\u002B1 *"}"#,
            "cGxhaW4tdG9rZW4",
            // `Bearer plain-token`, `a: plain-token;`, `abplain-token, x` and `{"t":"plain-token"}`.
            "QmVhcmVyIHBsYWluLXRva2Vu",
            "YTogcGxhaW4tdG9rZW47",
            "YWJwbGFpbi10b2tlbiwgeA==",
            "eyJ0IjoicGxhaW4tdG9rZW4ifQ==",
        ] {
            let left = text(&needles, given);
            assert!(left.contains(REMOVED), "{given}: {left}");
        }
    }

    #[test]
    fn an_everyday_token_makes_few_needles() {
        // Itself, and in base64 behind none, one and two other bytes: each is a pass over every answer.
        assert_eq!(in_every_form(vec![Secret::from("plain-token"), Secret::from("plain-token")]).len(), 4);
    }

    #[test]
    fn a_clean_body_is_not_copied() {
        let body = Bytes::from(vec![b'x'; 1_000]);
        assert_eq!(bytes(&[Secret::from("first-secret")], body.clone()).as_ptr(), body.as_ptr());
    }
}
