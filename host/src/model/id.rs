//! Ids as types, so that no two kinds of them can be mixed up. Names are shared texts, because every link carries some.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a name is not accepted as an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {what}: use 1 to 40 of a-z, 0-9 and `-`, beginning with a letter or a digit")]
pub struct InvalidName {
    pub what: &'static str,
    pub given: String,
}

/// The longest name: keys in the store stay short, and tables fit a terminal.
const MAX_NAME: usize = 40;

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_NAME
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself, to be shared rather than copied.
            pub fn shared(&self) -> &Arc<str> {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::try_from(Arc::from(text))
            }
        }

        impl TryFrom<Arc<str>> for $name {
            type Error = InvalidName;

            fn try_from(text: Arc<str>) -> Result<Self, InvalidName> {
                if is_name(&text) { Ok(Self(text)) } else { Err(InvalidName { what: $what, given: text.to_string() }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::try_from(Arc::from(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
    )+};
}

names! {
    /// A tenant. Every key in the store begins with it.
    WorkspaceId, "workspace name";
    /// A plugin, as its manifest names it.
    PluginId, "plugin id";
    /// A connection, as the admin named it; unique in its workspace.
    ConnectionId, "connection name";
    /// A sync, as the admin named it; unique in its workspace.
    SyncId, "sync name";
    /// A token for the API, as the admin named it; unique in its workspace.
    TokenId, "token name";
    /// An audience, as the admin named it; unique in its workspace.
    AudienceId, "audience name";
    /// An address that events are posted to, as the admin named it; unique in its workspace.
    HookId, "hook name";
}

/// Numbers given out by the store, shown with a letter in front.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident, $letter:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidNumber;

            fn from_str(text: &str) -> Result<Self, InvalidNumber> {
                text.strip_prefix($letter)
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or_else(|| InvalidNumber { letter: $letter, given: text.to_owned() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidNumber;

            fn try_from(text: String) -> Result<Self, InvalidNumber> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )+};
}

/// Why a text is not accepted as a numbered id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an id: expected `{letter}` and a number, as in `{letter}17`")]
pub struct InvalidNumber {
    pub letter: &'static str,
    pub given: String,
}

numbers! {
    /// A contact of a workspace, numbered in the order of arrival.
    ContactId, "c";
    /// One execution of a sync, numbered in order.
    RunId, "r";
    /// One write waiting for, or refused by, a CRM.
    OutboxId, "o";
    /// A contact's entering or leaving of an audience, numbered in order.
    EventId, "e";
    /// An entry of the audit log, numbered in order.
    AuditId, "a";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_lower_case_and_dashed() {
        for good in ["a", "main", "hubspot-eu-2", "0x"] {
            assert_eq!(good.parse::<SyncId>().map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "A", "a b", "a/b", "ä", &"x".repeat(41)] {
            assert_eq!(bad.parse::<SyncId>(), Err(InvalidName { what: "sync name", given: bad.to_owned() }));
        }
    }

    #[test]
    fn a_numbered_id_reads_as_it_is_shown() {
        assert_eq!(ContactId(17).to_string(), "c17");
        assert_eq!("c17".parse(), Ok(ContactId(17)));
        assert!("17".parse::<ContactId>().is_err());
        assert!("r17".parse::<ContactId>().is_err());
    }
}
