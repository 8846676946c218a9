//! Takes secrets out of what goes to a plugin or to people.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use memchr::memmem;
use zeroize::Zeroizing;

use super::secret::Secret;

/// What stands in a secret's place.
const REMOVED: &str = "[credential removed]";

/// The secrets, and how a server may give them back: as part of an address, within JSON, in base64. A form that looks the same
/// is not added.
pub(super) fn in_every_form(secrets: Vec<Secret>) -> Vec<Secret> {
    let forms = |secret: &Secret| {
        let plain = secret.expose();
        let encoded: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
        let quoted = Zeroizing::new(serde_json::Value::from(plain).to_string());
        let quoted = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
        let mut forms = vec![encoded, quoted, STANDARD_NO_PAD.encode(plain)];
        forms.retain(|form| form != plain);
        forms.into_iter().map(Secret::new).collect::<Vec<_>>()
    };
    let others: Vec<Secret> = secrets.iter().flat_map(forms).collect();
    secrets.into_iter().chain(others).collect()
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
        let needles = in_every_form(vec![Secret::from("pä\"ss/word+1"), Secret::from("plain-token")]);
        // What looks the same in an address and in JSON is looked for once.
        assert_eq!(needles.len(), 2 + 3 + 1);
        for given in [
            "/cb?token=p%C3%A4%22ss%2Fword%2B1&x=1",
            r#"{"echo":"pä\"ss/word+1"}"#,
            "Basic cMOkInNzL3dvcmQrMQ==",
            "cGxhaW4tdG9rZW4",
        ] {
            let left = text(&needles, given);
            assert!(left.contains(REMOVED), "{given}: {left}");
        }
    }

    #[test]
    fn a_clean_body_is_not_copied() {
        let body = Bytes::from(vec![b'x'; 1_000]);
        assert_eq!(bytes(&[Secret::from("first-secret")], body.clone()).as_ptr(), body.as_ptr());
    }
}
