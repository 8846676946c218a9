//! How Tryton is asked: JSON-RPC, every call a `POST` to one address. Knows settings and calls; never what a record means.

use ferry_sdk::connector::{Call, Failure};
use ferry_sdk::http::{Error, Http, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::failure::{self, Refusal};

/// The most records of a page, and the most ids of one question: Tryton's own clients ask for a thousand.
pub(crate) const PAGE_MOST: usize = 1_000;

/// The admin's settings, as `settings.schema.json` describes them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Models to offer beside the standard ones.
    pub(crate) models: Vec<String>,
}

/// An answer of JSON-RPC: an error comes with status 200 too.
#[derive(Deserialize)]
pub(crate) struct Reply<T> {
    pub(crate) result: Option<T>,
    pub(crate) error: Option<Refusal>,
}

/// One database for the time of one call.
pub(crate) struct Api<'a> {
    pub(crate) settings: Settings,
    http: &'a dyn Http,
}

/// One call of a model's method.
pub(crate) fn request(model: &str, method: &str, mut params: Vec<Json>, context: Json) -> Request {
    params.push(context);
    Request::post("/rpc/").json(&json!({"id": 0, "method": format!("model.{model}.{method}"), "params": params}))
}

/// What every call says beside its parameters: the language of labels and refusals.
pub(crate) fn context() -> Json {
    json!({"language": "en"})
}

/// As [`context`], and archived records are among those found.
pub(crate) fn with_archived() -> Json {
    json!({"language": "en", "active_test": false})
}

/// A question for records in the order of their ids.
pub(crate) fn search_read(model: &str, domain: &Json, limit: usize, fields: &[&str], context: Json) -> Request {
    let params = vec![domain.clone(), json!(0), json!(limit), json!([["id", "ASC"]]), json!(fields)];
    request(model, "search_read", params, context)
}

/// A question for ids, in their order.
pub(crate) fn search(model: &str, domain: &Json, limit: usize, context: Json) -> Request {
    request(model, "search", vec![domain.clone(), json!(0), json!(limit), json!([["id", "ASC"]])], context)
}

impl<'a> Api<'a> {
    pub(crate) fn open(call: &Call<'a>) -> Result<Self, Failure> {
        Ok(Self { settings: call.settings()?, http: call.http })
    }

    /// A read. `subject` is what it is about, for a refusal.
    pub(crate) fn ask<T: DeserializeOwned>(&self, request: Request, subject: &str) -> Result<T, Failure> {
        read(self.http.send(request.repeatable())?, subject)
    }

    /// Reads side by side; the first failure stands for all of them.
    pub(crate) fn ask_all<T: DeserializeOwned>(
        &self,
        requests: Vec<Request>,
        subject: &str,
    ) -> Result<Vec<T>, Failure> {
        let requests = requests.into_iter().map(Request::repeatable).collect();
        self.http.send_all(requests).into_iter().map(|answer| read(answer?, subject)).collect()
    }

    /// Writes side by side, as the CRM answered.
    pub(crate) fn write_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        self.http.send_all(requests)
    }
}

fn read<T: DeserializeOwned>(response: Response, subject: &str) -> Result<T, Failure> {
    if !response.is_success() {
        return Err(failure::of_status(&response, subject));
    }
    match response.json::<Reply<T>>()? {
        Reply { error: Some(refusal), .. } => Err(refusal.of_a_read(subject)),
        Reply { result: Some(result), .. } => Ok(result),
        Reply { result: None, .. } => Err(Failure::malformed("it holds no result")),
    }
}

/// Tryton's ids are numbers; those below zero are records of a client that were never saved.
pub(crate) fn id(text: &str) -> Option<i64> {
    let is_id = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| text.parse().ok()).flatten()
}
