//! Where HubSpot's things are, and how to ask for them. Knows paths and settings; never what a record means.

use ferry_sdk::connector::{Call, Failure};
use ferry_sdk::http::{Http, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure;

/// The rate bucket of `plugin.toml` that searches draw from: five a second, whatever the account has paid for.
pub(crate) const SEARCH_BUCKET: &str = "search";

/// The most inputs that HubSpot takes in one batch of records.
pub(crate) const BATCH_MOST: usize = 100;

/// Which of HubSpot's two spellings of its addresses to use. They lead to the same things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PathStyle {
    /// `/crm/v3/objects/contacts`.
    #[default]
    Classic,
    /// `/crm/objects/2026-09/contacts`.
    Dated,
}

/// The admin's settings, as `settings.schema.json` describes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) path_style: PathStyle,
    pub(crate) dated_version: String,
    /// The property that keeps the host's key of an activity.
    pub(crate) unique_call_property: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path_style: PathStyle::Classic,
            dated_version: "2026-09".to_owned(),
            unique_call_property: "ferry_key".to_owned(),
        }
    }
}

impl Settings {
    fn checked(self) -> Result<Self, Failure> {
        if !is_name(&self.dated_version) {
            return Err(Failure::invalid("dated_version", "is not a version of HubSpot's API, as in `2026-09`"));
        }
        if !is_name(&self.unique_call_property) {
            return Err(Failure::invalid(
                "unique_call_property",
                "is not a name of a HubSpot property: lower-case letters, digits and `_`",
            ));
        }
        Ok(self)
    }
}

/// What may stand in a path as it is: HubSpot's names and ids have no other characters.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// One account's API for the time of one call.
pub(crate) struct Api<'a> {
    pub(crate) settings: Settings,
    http: &'a dyn Http,
}

impl<'a> Api<'a> {
    pub(crate) fn open(call: &Call<'a>) -> Result<Self, Failure> {
        let settings = call.settings::<Settings>()?.checked()?;
        Ok(Self { settings, http: call.http })
    }

    /// As the CRM answered, whatever the status.
    pub(crate) fn try_send(&self, request: Request) -> Result<Response, ferry_sdk::http::Error> {
        self.http.send(request)
    }

    pub(crate) fn try_send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, ferry_sdk::http::Error>> {
        self.http.send_all(requests)
    }

    /// A read. `subject` is what is missing if HubSpot answers 404.
    pub(crate) fn send(&self, request: Request, subject: &str) -> Result<Response, Failure> {
        failure::checked(self.http.send(request)?, subject)
    }

    /// Reads side by side; the first failure stands for all of them.
    pub(crate) fn send_all(&self, requests: Vec<Request>, subject: &str) -> Result<Vec<Response>, Failure> {
        let answers = self.http.send_all(requests);
        answers.into_iter().map(|answer| failure::checked(answer?, subject)).collect()
    }

    /// A read of JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: Request, subject: &str) -> Result<T, Failure> {
        self.send(request, subject)?.json()
    }

    fn dated(&self) -> Option<&str> {
        (self.settings.path_style == PathStyle::Dated).then_some(self.settings.dated_version.as_str())
    }

    /// `/crm/v3/objects/{object}{rest}`.
    pub(crate) fn objects(&self, object: &str, rest: &str) -> String {
        match self.dated() {
            None => format!("/crm/v3/objects/{object}{rest}"),
            Some(version) => format!("/crm/objects/{version}/{object}{rest}"),
        }
    }

    /// `/crm/v3/properties/{object}`.
    pub(crate) fn properties(&self, object: &str) -> String {
        match self.dated() {
            None => format!("/crm/v3/properties/{object}"),
            Some(version) => format!("/crm/properties/{version}/{object}"),
        }
    }

    /// `/crm/v3/lists{rest}`.
    pub(crate) fn lists(&self, rest: &str) -> String {
        match self.dated() {
            None => format!("/crm/v3/lists{rest}"),
            Some(version) => format!("/crm/lists/{version}{rest}"),
        }
    }

    /// `/crm/v4/associations/{from}/{to}{rest}`.
    pub(crate) fn associations(&self, from: &str, to: &str, rest: &str) -> String {
        match self.dated() {
            None => format!("/crm/v4/associations/{from}/{to}{rest}"),
            Some(version) => format!("/crm/associations/{version}/{from}/{to}{rest}"),
        }
    }

    /// The definitions of the account's own objects.
    pub(crate) fn schemas(&self) -> String {
        match self.dated() {
            None => "/crm/v3/schemas".to_owned(),
            Some(version) => format!("/crm-object-schemas/{version}/schemas"),
        }
    }

    pub(crate) fn owners(&self) -> String {
        match self.dated() {
            None => "/crm/v3/owners".to_owned(),
            Some(version) => format!("/crm/owners/{version}"),
        }
    }

    pub(crate) fn account(&self) -> String {
        format!("/account-info/{}/details", self.dated().unwrap_or("v3"))
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call};

    use super::*;

    fn paths(settings: &str) -> Vec<String> {
        let (http, signature) = (FakeHttp::new(), FakeSignature::default());
        let api = Api::open(&call(settings, 0, &http, &signature)).unwrap();
        vec![
            api.objects("contacts", "/search"),
            api.properties("contacts"),
            api.lists("/search"),
            api.associations("calls", "contacts", "/labels"),
            api.schemas(),
            api.owners(),
            api.account(),
        ]
    }

    #[test]
    fn classic_paths_are_the_default() {
        let expected = [
            "/crm/v3/objects/contacts/search",
            "/crm/v3/properties/contacts",
            "/crm/v3/lists/search",
            "/crm/v4/associations/calls/contacts/labels",
            "/crm/v3/schemas",
            "/crm/v3/owners",
            "/account-info/v3/details",
        ];
        assert_eq!(paths("{}"), expected);
    }

    #[test]
    fn dated_paths_carry_the_version_of_the_settings() {
        let expected = [
            "/crm/objects/2027-03/contacts/search",
            "/crm/properties/2027-03/contacts",
            "/crm/lists/2027-03/search",
            "/crm/associations/2027-03/calls/contacts/labels",
            "/crm-object-schemas/2027-03/schemas",
            "/crm/owners/2027-03",
            "/account-info/2027-03/details",
        ];
        assert_eq!(paths(r#"{"path_style":"dated","dated_version":"2027-03"}"#), expected);
    }

    #[test]
    fn settings_that_would_bend_a_path_are_refused() {
        let (http, signature) = (FakeHttp::new(), FakeSignature::default());
        let open = |settings| Api::open(&call(settings, 0, &http, &signature)).map(|_| ()).unwrap_err();
        let failure = open(r#"{"dated_version":"../x"}"#);
        let expected = Failure::invalid("dated_version", "is not a version of HubSpot's API, as in `2026-09`");
        assert_eq!(failure, expected);
        assert!(matches!(open(r#"{"unique_call_property":"a b"}"#), Failure::Invalid(_)));
        assert!(matches!(open(r#"{"path_style":"v9"}"#), Failure::Invalid(_)));
    }
}
