//! Where Salesforce's things are, and how to ask for them. Knows paths, headers and settings; never what a record means.

use ferry_sdk::connector::{Call, Failure};
use ferry_sdk::http::{Error, Http, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure;

/// The most records of one request to the collections.
pub(crate) const COLLECTION_MOST: usize = 200;

/// An address of more bytes is refused by Salesforce, and by the host.
const ADDRESS_MOST: usize = 15_000;

/// The name under which changes are made: the org's change events tell it, so that echoes can be known.
const CLIENT: &str = "client=ferry";

/// The admin's settings, as `settings.schema.json` describes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) api_version: String,
    /// The external id field that keeps the host's key of an activity.
    pub(crate) key_field: String,
    pub(crate) allow_duplicates: bool,
    /// Backfills of at least so many records go by Bulk API; 0 for none.
    pub(crate) bulk_from: u64,
    /// Writes of at least so many go by Bulk API; 0 for none.
    pub(crate) bulk_writes_from: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_version: "67.0".to_owned(),
            key_field: "Ferry_Id__c".to_owned(),
            allow_duplicates: false,
            bulk_from: 50_000,
            bulk_writes_from: 2_000,
        }
    }
}

/// What may stand in a path or a query as it is: names of objects and fields.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=80).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A record's id, of 15 or 18 characters.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// One org's API for the time of one call.
pub(crate) struct Api<'a> {
    pub(crate) settings: Settings,
    http: &'a dyn Http,
}

impl<'a> Api<'a> {
    pub(crate) fn open(call: &Call<'a>) -> Result<Self, Failure> {
        let settings: Settings = call.settings()?;
        let is_version = settings.api_version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !is_version || settings.api_version.is_empty() {
            return Err(Failure::invalid("api_version", "is not a version of Salesforce's API, as in `67.0`"));
        }
        if !is_name(&settings.key_field) {
            return Err(Failure::invalid("key_field", "is not a name of a Salesforce field"));
        }
        Ok(Self { settings, http: call.http })
    }

    /// `/services/data/v67.0{rest}`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/services/data/v{}{rest}", self.settings.api_version)
    }

    /// `/services/data/v67.0/sobjects/{object}{rest}`.
    pub(crate) fn object(&self, object: &str, rest: &str) -> String {
        self.path(&format!("/sobjects/{object}{rest}"))
    }

    /// As the CRM answered, whatever the status.
    pub(crate) fn try_send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        self.http.send_all(requests)
    }

    /// One request as the CRM answered it, whatever the status.
    pub(crate) fn ask(&self, request: Request) -> Result<Response, Error> {
        self.http.send(request)
    }

    /// A request that says who we are.
    pub(crate) fn named(&self, request: Request) -> Request {
        request.header("sforce-call-options", CLIENT)
    }

    /// A read. `subject` is what is missing if Salesforce does not know it.
    pub(crate) fn send(&self, request: Request, subject: &str) -> Result<Response, Failure> {
        failure::checked(self.http.send(request)?, subject)
    }

    /// A read of JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: Request, subject: &str) -> Result<T, Failure> {
        self.send(request, subject)?.json()
    }

    /// The request for a query; `deleted` asks for what is in the recycle bin too.
    ///
    /// # Errors
    /// `invalid` where it is longer than an address may be.
    pub(crate) fn query(&self, soql: &str, deleted: bool) -> Result<Request, Failure> {
        // What is not a letter or a digit takes three bytes in an address.
        let length: usize = soql.bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum();
        if length > ADDRESS_MOST {
            return Err(Failure::invalid("columns", "are more than one query of Salesforce can name: ask for fewer"));
        }
        let verb = if deleted { "/queryAll" } else { "/query" };
        Ok(self.named(Request::get(self.path(verb)).query("q", soql)))
    }

    /// A query's answer as a known shape.
    pub(crate) fn rows<T: DeserializeOwned>(&self, soql: &str, subject: &str) -> Result<Vec<T>, Failure> {
        #[derive(Deserialize)]
        struct Answer<T> {
            records: Vec<T>,
        }
        Ok(self.json::<Answer<T>>(self.query(soql, false)?, subject)?.records)
    }

    /// The headers of every write: who we are, no change of owners by assignment rules, and what becomes of duplicates.
    pub(crate) fn write(&self, request: Request) -> Request {
        let request = self.named(request).header("sforce-auto-assign", "FALSE");
        let allowed = format!("allowSave={}", self.settings.allow_duplicates);
        request.header("sforce-duplicate-rule-header", allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_told_from_anything_else() {
        for good in ["Contact", "Ferry_Id__c", "ns__Car__c"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1x", "a-b", "a b", "x'", "a.b", &"a".repeat(81)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_id("003000000000001") && is_id("003000000000001AAA"));
        assert!(!is_id("") && !is_id("0030000000000'1") && !is_id("00300000000000001"));
    }
}
