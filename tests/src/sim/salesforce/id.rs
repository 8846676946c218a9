//! Record ids as Salesforce prints them: 15 case-sensitive characters, or 18 with a checksum of the capital letters. The
//! order of ids is the order of their texts.

use std::fmt;

use serde::{Serialize, Serializer};

/// In the order of their codes, so that numbers and texts sort alike.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The checksum's letters, one for five characters each.
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The server that gave the id: characters four to six.
const INSTANCE: &[u8; 3] = b"5g0";

/// What an id is of (`003` is a contact) and its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub(crate) prefix: [u8; 3],
    pub(crate) number: u64,
}

impl Id {
    pub(crate) fn new(prefix: [u8; 3], number: u64) -> Self {
        Self { prefix, number }
    }

    /// Reads 15 characters, or 18 whose checksum holds.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (core, check) = match bytes.len() {
            15 => (bytes, None),
            18 => (&bytes[..15], Some(&bytes[15..])),
            _ => return None,
        };
        if check.is_some_and(|check| check.to_ascii_uppercase() != checksum(core)) || &core[3..6] != INSTANCE {
            return None;
        }
        let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte).and_then(|at| u64::try_from(at).ok());
        let number = core[6..].iter().try_fold(0_u64, |number, byte| Some(number * 62 + digit(byte)?))?;
        let prefix: [u8; 3] = core[..3].try_into().ok()?;
        prefix.iter().all(u8::is_ascii_alphanumeric).then_some(Self { prefix, number })
    }

    fn text(self) -> [u8; 18] {
        let mut text = [b'0'; 18];
        text[..3].copy_from_slice(&self.prefix);
        text[3..6].copy_from_slice(INSTANCE);
        let mut rest = self.number;
        for place in text[6..15].iter_mut().rev() {
            *place = DIGITS[usize::try_from(rest % 62).unwrap_or(0)];
            rest /= 62;
        }
        let check = checksum(&text[..15]);
        text[15..].copy_from_slice(&check);
        text
    }
}

/// Each of the three letters says which of five characters are capitals.
fn checksum(core: &[u8]) -> [u8; 3] {
    let letter = |part: usize| {
        let bits = (0..5).filter(|at| core[part * 5 + at].is_ascii_uppercase()).fold(0, |bits, at| bits | 1 << at);
        CHECK[bits]
    };
    [letter(0), letter(1), letter(2)]
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lengths_name_the_same_record_and_a_wrong_checksum_none() {
        let id = Id::new(*b"003", 5_000_000_123);
        let long = id.to_string();
        assert_eq!((long.len(), Id::parse(&long), Id::parse(&long[..15])), (18, Some(id), Some(id)));
        let wrong = format!("{}{}", &long[..15], if long.ends_with("AAA") { "BBB" } else { "AAA" });
        assert_eq!(Id::parse(&wrong), None);
        for text in ["", "003", "0035g00000000000", "003xx0000000001", "0035g0000000-01"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_checksum_is_the_documented_one() {
        // Letter by letter from the documented algorithm: bit n is set when character n of a group of five is a capital.
        assert_eq!(checksum(b"0000000000aBCDE"), *b"AA4");
        assert_eq!(checksum(b"ABCDEabcdeA0000"), *b"5AB");
    }

    #[test]
    fn ids_sort_as_their_texts_do() {
        let ids: Vec<Id> = [1, 61, 62, 3_843, 1_000_000].map(|number| Id::new(*b"003", number)).into();
        let texts: Vec<String> = ids.iter().map(Id::to_string).collect();
        assert!(ids.is_sorted() && texts.is_sorted());
    }
}
