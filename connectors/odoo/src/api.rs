//! How Odoo is asked: `POST /json/2/<model>/<method>` with named arguments. Knows settings and calls; never what a record means.
//! Facts: <https://www.odoo.com/documentation/19.0/developer/reference/external_api.html>.

use ferry_sdk::connector::{Call, Failure};
use ferry_sdk::http::{Error, Http, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::failure;

/// The most records of a page, and the most ids of one question.
pub(crate) const PAGE_MOST: usize = 1_000;

/// The admin's settings, as `settings.schema.json` describes them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Where the server has several.
    pub(crate) database: Option<String>,
    /// Models to offer beside the standard ones.
    pub(crate) models: Vec<String>,
}

/// One database for the time of one call.
pub(crate) struct Api<'a> {
    pub(crate) settings: Settings,
    http: &'a dyn Http,
}

impl<'a> Api<'a> {
    pub(crate) fn open(call: &Call<'a>) -> Result<Self, Failure> {
        Ok(Self { settings: call.settings()?, http: call.http })
    }

    /// One call of a model's method. Times are in UTC and labels in English, whatever the key's user prefers.
    pub(crate) fn request(&self, model: &str, method: &str, mut arguments: Json) -> Request {
        for (name, value) in [("lang", json!("en_US")), ("tz", json!("UTC"))] {
            arguments["context"][name] = value;
        }
        let request = Request::post(format!("/json/2/{model}/{method}")).json(&arguments);
        match &self.settings.database {
            Some(database) => request.header("x-odoo-database", database),
            None => request,
        }
    }

    /// A question for records in the order of their ids.
    pub(crate) fn search_read(&self, model: &str, domain: &Json, limit: usize, fields: &[&str]) -> Request {
        let arguments = json!({"domain": domain, "fields": fields, "limit": limit, "order": "id"});
        self.request(model, "search_read", arguments)
    }

    /// As [`Api::search_read`], and archived records are among those found.
    pub(crate) fn search_archived(&self, model: &str, domain: &Json, limit: usize, fields: &[&str]) -> Request {
        let context = json!({"active_test": false});
        let arguments = json!({"domain": domain, "fields": fields, "limit": limit, "order": "id", "context": context});
        self.request(model, "search_read", arguments)
    }

    /// A read. `subject` is what it is about, for a refusal.
    pub(crate) fn ask<T: DeserializeOwned>(&self, request: Request, subject: &str) -> Result<T, Failure> {
        let response = self.http.send(request.repeatable())?;
        if response.is_success() { response.json() } else { Err(failure::of(&response, subject)) }
    }

    /// Requests side by side, as the CRM answered.
    pub(crate) fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        self.http.send_all(requests)
    }
}

/// Odoo's ids are numbers above zero.
pub(crate) fn id(text: &str) -> Option<i64> {
    let is_id = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| text.parse().ok()).flatten().filter(|id| *id > 0)
}
