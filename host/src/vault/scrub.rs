//! Takes secrets out of what goes to a plugin or to people.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;

use super::secret::Secret;

/// What stands in a secret's place.
const REMOVED: &str = "[credential removed]";

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
    fn a_clean_body_is_not_copied() {
        let body = Bytes::from(vec![b'x'; 1_000]);
        assert_eq!(bytes(&[Secret::from("first-secret")], body.clone()).as_ptr(), body.as_ptr());
    }
}
