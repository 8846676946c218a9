//! Whose value stands when a record and its contact no longer agree on an attribute.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a sync does with one attribute. A value that the record has not changed since it was last agreed never replaces ours,
/// whatever the policy: a policy decides about what the CRM has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// What the CRM has changed stands.
    #[default]
    Crm,
    /// The same, unless ours was changed too: then ours stands.
    Ours,
    /// Where both were changed, the later change stands.
    Newest,
    /// The CRM fills what is empty and changes nothing else.
    FillIfEmpty,
    /// Where both were changed, a person decides; until then ours stands.
    Ask,
}

impl Policy {
    pub const ALL: [Self; 5] = [Self::Crm, Self::Ours, Self::Newest, Self::FillIfEmpty, Self::Ask];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Ours => "ours",
            Self::Newest => "newest",
            Self::FillIfEmpty => "fill-if-empty",
            Self::Ask => "ask",
        }
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|policy| policy.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is no policy: use crm, ours, newest, fill-if-empty or ask"))
    }
}
