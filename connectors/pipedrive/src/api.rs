//! Where Pipedrive's things are, and how to ask for them. Knows paths and settings; never what a record means.

use ferry_sdk::connector::{Call, Failure};
use ferry_sdk::http::{Error, Http, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure;
use crate::objects::Standard;

/// The most records of a page.
pub(crate) const PAGE_MOST: usize = 500;

/// The most records that can be asked for by their ids at once.
pub(crate) const IDS_MOST: usize = 100;

/// The admin's settings, as `settings.schema.json` describes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Beside each address and number that is written.
    pub(crate) label: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { label: "work".to_owned() }
    }
}

/// A list, as both versions give it.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Option<Vec<T>>,
    #[serde(default)]
    pub(crate) additional_data: Option<Additional>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Additional {
    /// Of version 2.
    #[serde(default)]
    pub(crate) next_cursor: Option<String>,
    /// Of version 1.
    #[serde(default)]
    pub(crate) pagination: Option<Pagination>,
    /// Of version 1's recent changes.
    #[serde(default)]
    pub(crate) last_timestamp_on_page: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Pagination {
    #[serde(default)]
    more_items_in_collection: bool,
}

impl Additional {
    /// Whether a list of version 1 goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.pagination.as_ref().is_some_and(|pagination| pagination.more_items_in_collection)
    }
}

/// One account's API for the time of one call.
pub(crate) struct Api<'a> {
    pub(crate) settings: Settings,
    http: &'a dyn Http,
}

impl<'a> Api<'a> {
    pub(crate) fn open(call: &Call<'a>) -> Result<Self, Failure> {
        Ok(Self { settings: call.settings()?, http: call.http })
    }

    /// A read. `subject` is what is missing if Pipedrive answers 404.
    pub(crate) fn send(&self, request: Request, subject: &str) -> Result<Response, Failure> {
        failure::checked(self.http.send(request)?, subject)
    }

    /// Reads side by side; the first failure stands for all of them.
    pub(crate) fn send_all(&self, requests: Vec<Request>, subject: &str) -> Result<Vec<Response>, Failure> {
        let answers = self.http.send_all(requests);
        answers.into_iter().map(|answer| failure::checked(answer?, subject)).collect()
    }

    /// As the CRM answered, whatever the status.
    pub(crate) fn try_send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        self.http.send_all(requests)
    }

    /// A read of JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: Request, subject: &str) -> Result<T, Failure> {
        self.send(request, subject)?.json()
    }
}

/// The records of an object.
pub(crate) fn records(object: &Standard) -> String {
    format!("/api/{}/{}", object.version, object.name)
}

/// One record.
pub(crate) fn record(object: &Standard, id: &str) -> String {
    format!("/api/{}/{}/{id}", object.version, object.name)
}

/// The fields of an object.
pub(crate) fn fields(object: &Standard) -> String {
    format!("/api/v2/{}", object.fields)
}

/// What only version 1 has.
pub(crate) fn first(path: &str) -> String {
    format!("/api/v1/{path}")
}

/// A lead's id has the form of a UUID: nothing else may stand in a path.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// All other ids of Pipedrive's are numbers: nothing else may stand in a path or a list of ids.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit())
}
