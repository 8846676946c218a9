//! Contacts that want nothing of us: no outreach starts with them, and nothing of theirs is sent.

use serde::{Deserialize, Serialize};

use super::id::ContactId;
use super::time::Instant;

/// How a suppressed contact is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "value")]
pub enum Suppressed {
    Contact(ContactId),
    /// In lower case.
    Email(String),
    /// In E.164.
    Phone(String),
}

impl Suppressed {
    /// Reads an e-mail address as it is compared.
    pub fn email(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@')?;
        let good =
            !local.is_empty() && domain.contains('.') && text.len() <= 254 && !text.contains(char::is_whitespace);
        good.then_some(Self::Email(text))
    }

    /// Reads a phone number with its country code, however it is spaced.
    pub fn phone(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && !"-()./".contains(*c)).collect();
        let digits = text.strip_prefix('+')?;
        let good = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (good && !digits.starts_with('0')).then_some(Self::Phone(text))
    }

    /// What kind of thing it is known by, and by which.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Contact(id) => ("contact", id.to_string()),
            Self::Email(email) => ("email", email.clone()),
            Self::Phone(phone) => ("phone", phone.clone()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    pub who: Suppressed,
    /// Why, in the words of whoever added it.
    pub reason: Option<String>,
    pub at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_read_as_contacts_carry_them() {
        assert_eq!(Suppressed::email(" Ada@Example.COM "), Some(Suppressed::Email("ada@example.com".into())));
        assert_eq!(Suppressed::phone("+49 (30) 123-456"), Some(Suppressed::Phone("+4930123456".into())));
        for bad in ["ada", "@example.com", "a b@example.com", "ada@host"] {
            assert_eq!(Suppressed::email(bad), None, "{bad}");
        }
        for bad in ["030 123456", "+0301234567", "+49", "+49abc1234567", "+1234567890123456"] {
            assert_eq!(Suppressed::phone(bad), None, "{bad}");
        }
    }
}
