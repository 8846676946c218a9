//! Page tokens: the place in a slice, and the types of its columns, so that only the first page has to ask for them.

use ferry_sdk::connector::Failure;
use ferry_sdk::token;
use serde::{Deserialize, Serialize};

use crate::segments::View;

/// Where the next page starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// The readings of the columns, a letter each; none only before the first page.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<String>,
    /// The readings of the filter's fields.
    #[serde(rename = "f", default, skip_serializing_if = "String::is_empty")]
    pub(crate) filter: String,
    /// The last record's `SystemModstamp`, microseconds since 1970, where pages go by it.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) stamp: Option<i64>,
    /// The last record's id; the next page is behind it.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Ids behind this one are another partition's.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<String>,
    /// The bulk job that the partition goes by.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<Job>,
    /// What the list view says that the pull is of.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) view: Option<View>,
    /// How many of the given ids are done.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) done: Option<usize>,
}

/// How far a bulk job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Job {
    /// To be made.
    New,
    /// Made, and looked at so often.
    Made { id: String, looks: u32 },
    /// Done; the next page of its results is behind this locator.
    Done { id: String, locator: String },
}

impl Job {
    fn is_good(&self) -> bool {
        match self {
            Self::New => true,
            Self::Made { id, .. } | Self::Done { id, .. } => crate::api::is_id(id),
        }
    }
}

impl Token {
    /// # Errors
    /// `token-expired` for what no version like this one has written.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let token: Self = token::read(text)?;
        let ids = token.id.iter().chain(&token.end);
        let is_good = ids.into_iter().all(|id| crate::api::is_id(id)) && token.job.as_ref().is_none_or(Job::is_good);
        if is_good { Ok(token) } else { Err(Failure::TokenExpired) }
    }

    pub(crate) fn write(&self) -> String {
        token::write(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        let token = Token {
            columns: Some("t".into()),
            stamp: Some(7),
            id: Some("003000000000001AAA".into()),
            ..Token::default()
        };
        assert_eq!(Token::read(&token.write()), Ok(token));
        let job = Job::Done { id: "750000000000001AAA".into(), locator: "MTAw".into() };
        for job in [Job::New, Job::Made { id: "750000000000001AAA".into(), looks: 3 }, job] {
            let token = Token { job: Some(job), ..Token::default() };
            assert_eq!(Token::read(&token.write()), Ok(token));
        }
        for text in [
            "",
            "7",
            "{\"x\":1}",
            "{\"i\":\"' OR Id != '\"}",
            "{\"b\":{\"made\":{\"id\":\"../x\",\"looks\":1}}}",
            &" ".repeat(9_000),
        ] {
            assert_eq!(Token::read(text), Err(Failure::TokenExpired), "{text}");
        }
    }
}
