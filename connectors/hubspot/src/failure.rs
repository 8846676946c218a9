//! What HubSpot's refusals mean, as advice to the host. Texts from the CRM are read for codes and names only: its messages
//! repeat the customer's values, so none of them is passed on.

use ferry_sdk::connector::{Failure, Outcome, Problem};
use ferry_sdk::http::Response;
use serde::Deserialize;

/// How long the rolling limit looks back, where the answer does not say.
const ROLLING_MS: u32 = 10_000;

/// The search's own limit is counted by the second.
const SECOND_MS: u32 = 1_000;

/// HubSpot asks to leave a locked record alone for at least this long.
const LOCKED_MS: u32 = 2_000;

/// The most problems that one record's refusal lists: beyond, nobody reads on.
const PROBLEMS_MOST: usize = 50;

/// HubSpot's error: the body of a refusal, or one entry of `errors` in a 207.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CrmError {
    category: Option<String>,
    message: Option<String>,
    policy_name: Option<String>,
    pub(crate) context: Option<Context>,
    errors: Option<Vec<Detail>>,
}

/// Which inputs an error of a 207 is about, and which permissions a 403 misses.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Context {
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) object_write_trace_id: Option<Vec<String>>,
    required_granular_scopes: Option<Vec<String>>,
    required_scopes: Option<Vec<String>>,
    property_name: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    code: Option<String>,
    context: Option<Context>,
}

/// An entry of the list inside `Property values were not valid: [..]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PropertyError {
    error: Option<String>,
    name: Option<String>,
}

impl CrmError {
    /// Empty where the body is none of HubSpot's: a proxy's page, for one.
    pub(crate) fn of(response: &Response) -> Self {
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// The errors of a 207, one for each input or several that it leaves out.
    ///
    /// # Errors
    /// `temporary` where they can't be read: then nothing is known about the inputs.
    pub(crate) fn all_of(response: &Response) -> Result<Vec<Self>, Failure> {
        #[derive(Deserialize)]
        struct Partial {
            #[serde(default)]
            errors: Vec<CrmError>,
        }
        response.json::<Partial>().map(|partial| partial.errors)
    }

    pub(crate) fn category(&self) -> &str {
        self.category.as_deref().unwrap_or_default()
    }

    /// Whether it says that this property is not there.
    pub(crate) fn misses_property(&self, name: &str) -> bool {
        let listed = self.property_errors().iter().any(|error| {
            error.name.as_deref() == Some(name) && error.error.as_deref() == Some("PROPERTY_DOESNT_EXIST")
        });
        listed || self.message.as_deref().is_some_and(|message| quotes(message, name) && message.contains("exist"))
    }

    /// The category, if it is one that may be shown.
    pub(crate) fn tag(&self) -> &str {
        Some(self.category()).filter(|category| is_code(category)).unwrap_or("no category")
    }

    pub(crate) fn scopes(&self) -> Vec<String> {
        let details = self.errors.iter().flatten().filter_map(|detail| detail.context.as_ref());
        let mut scopes: Vec<String> = details
            .chain(&self.context)
            .flat_map(|context| [&context.required_granular_scopes, &context.required_scopes])
            .flatten()
            .flatten()
            .filter(|scope| scope.len() <= 100)
            .cloned()
            .collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }

    fn property_errors(&self) -> Vec<PropertyError> {
        let list = self.message.as_deref().and_then(|message| Some(&message[message.find("[{")?..]));
        let mut read = list.into_iter().flat_map(|list| {
            // Only the first value counts: there may be more text behind the list.
            serde_json::Deserializer::from_str(list).into_iter::<Vec<PropertyError>>().take(1)
        });
        read.next().and_then(Result::ok).unwrap_or_default()
    }

    /// What is wrong with a record, in words of our own.
    fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .property_errors()
            .into_iter()
            .map(|error| Problem { field: error.name.filter(|name| is_property(name)), message: reason(error.error) })
            .collect();
        for detail in self.errors.iter().flatten() {
            let named = detail.context.as_ref().and_then(|context| context.property_name.as_ref());
            let field = named.and_then(|names| names.first()).filter(|name| is_property(name)).cloned();
            if detail.code.is_some() || field.is_some() {
                problems.push(Problem { field, message: reason(detail.code.clone()) });
            }
        }
        if problems.is_empty() {
            problems.push(Problem::general(self.sentence()));
        }
        problems.truncate(PROBLEMS_MOST);
        problems
    }

    fn sentence(&self) -> String {
        let message = self.message.as_deref().unwrap_or_default();
        match self.category() {
            "CONFLICT" => match existing_id(message) {
                Some(id) => format!("HubSpot already has this record: its id is {id}"),
                None => "HubSpot already has a record with this unique value".to_owned(),
            },
            "OBJECT_NOT_FOUND" => "HubSpot has no record of this id: it was deleted, archived or merged".to_owned(),
            "VALIDATION_ERROR" if message.contains("required properties were not set") => {
                "a property that HubSpot requires is empty".to_owned()
            }
            "MISSING_SCOPES" => format!("this sign-in lacks a permission in HubSpot: {}", self.scopes().join(", ")),
            category if is_code(category) => format!("HubSpot refuses the record ({category})"),
            _ => "HubSpot refuses the record and does not say why".to_owned(),
        }
    }

    /// What became of one input that this error is about.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.category() {
            "RATE_LIMIT" | "RATE_LIMITS" => Outcome::Later(Some(ROLLING_MS)),
            "LOCKED" => Outcome::Later(Some(LOCKED_MS)),
            "INTERNAL_ERROR" | "SERVICE_UNAVAILABLE" | "TIMEOUT" => Outcome::Later(None),
            _ => Outcome::Rejected(self.problems()),
        }
    }
}

fn quotes(message: &str, name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    message.match_indices(name).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| message.as_bytes().get(at)).copied();
        let after = message.as_bytes().get(at + name.len()).copied();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// `Contact already exists. Existing ID: 6001`: the id is HubSpot's own and is worth keeping.
fn existing_id(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("xisting ID: ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits).filter(|id| !id.is_empty())
}

fn is_property(name: &str) -> bool {
    name.len() <= 100 && crate::api::is_name(name)
}

fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn reason(code: Option<String>) -> String {
    match code.as_deref() {
        Some("PROPERTY_DOESNT_EXIST") => "HubSpot has no such property on this object".to_owned(),
        Some("INVALID_EMAIL") => "HubSpot does not take this as an e-mail address".to_owned(),
        Some("INVALID_OPTION") => "is none of the options that HubSpot has for this property".to_owned(),
        Some("READ_ONLY_VALUE") => "HubSpot sets this property itself: it can't be written".to_owned(),
        Some(code) if is_code(code) => format!("HubSpot refuses the value ({code})"),
        _ => "HubSpot refuses the value".to_owned(),
    }
}

/// The answer, if it is a success; otherwise advice. `subject` is what a 404 misses.
pub(crate) fn checked(response: Response, subject: &str) -> Result<Response, Failure> {
    if response.is_success() { Ok(response) } else { Err(failure(&response, subject)) }
}

/// How many inputs of a batch HubSpot leaves out because there is nothing there.
///
/// # Errors
/// `temporary` where one is left out for another reason: HubSpot `failed` in so many words, and nothing is known about it.
pub(crate) fn absent(response: &Response, failed: &str) -> Result<usize, Failure> {
    if response.status != 207 {
        return Ok(0);
    }
    let errors = CrmError::all_of(response)?;
    match errors.iter().find(|error| error.category() != "OBJECT_NOT_FOUND") {
        Some(error) => Err(Failure::Temporary(format!("HubSpot {failed} ({})", error.tag()))),
        None => Ok(errors.len()),
    }
}

/// What to do about a refusal.
pub(crate) fn failure(response: &Response, subject: &str) -> Failure {
    let error = CrmError::of(response);
    match response.status {
        401 => Failure::Unauthorized(format!("HubSpot does not accept the sign-in ({})", error.tag())),
        // HubSpot's edge answers this before any API sees the request.
        530 => Failure::Unauthorized("HubSpot can't read the access token".to_owned()),
        403 => forbidden(&error),
        404 => Failure::Missing(subject.to_owned()),
        414 => {
            Failure::Permanent("HubSpot finds the address of this request too long: ask for fewer columns".to_owned())
        }
        423 => Failure::RateLimited(Some(retry_after(response).unwrap_or(LOCKED_MS))),
        429 => throttled(response, &error),
        // The account is being moved to another data centre, for up to a day.
        477 => match retry_after(response) {
            Some(wait) => Failure::RateLimited(Some(wait)),
            None => Failure::Temporary("HubSpot is moving this account to another data centre".to_owned()),
        },
        // HubSpot takes an object that it doesn't know for a malformed address.
        400 if error.message.as_deref().is_some_and(|message| message.contains("infer object type")) => {
            Failure::Missing(subject.to_owned())
        }
        400 | 409 | 422 => Failure::Invalid(error.problems()),
        status @ (408 | 500..) => Failure::Temporary(format!("HubSpot answered with status {status}")),
        status => Failure::Permanent(format!("HubSpot answered with status {status} ({})", error.tag())),
    }
}

fn forbidden(error: &CrmError) -> Failure {
    match error.scopes() {
        scopes if scopes.is_empty() => {
            Failure::Permanent(format!("HubSpot does not allow this for the account ({})", error.tag()))
        }
        scopes => Failure::Forbidden(scopes),
    }
}

fn throttled(response: &Response, error: &CrmError) -> Failure {
    let asked = retry_after(response);
    match error.policy_name.as_deref() {
        // It ends at midnight in the account's time zone, which a refusal does not tell.
        Some("DAILY") => Failure::QuotaExhausted(None),
        Some("SECONDLY") => Failure::RateLimited(asked.or(Some(SECOND_MS))),
        _ => {
            let interval = header_number(response, "x-hubspot-ratelimit-interval-milliseconds");
            Failure::RateLimited(asked.or(interval).or(Some(ROLLING_MS)))
        }
    }
}

fn retry_after(response: &Response) -> Option<u32> {
    header_number(response, "retry-after").map(|seconds| seconds.saturating_mul(1_000))
}

fn header_number(response: &Response, name: &str) -> Option<u32> {
    response.header(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{answer, json};
    use serde_json::json;

    use super::*;

    fn of(status: u16, body: serde_json::Value) -> Failure {
        failure(&json(status, &body), "contacts")
    }

    #[test]
    fn each_status_has_its_advice() {
        let auth = json!({"category": "EXPIRED_AUTHENTICATION", "message": "The OAuth token expired 5 second(s) ago."});
        let scopes = json!({"category": "MISSING_SCOPES", "errors": [
            {"context": {"requiredGranularScopes": ["crm.lists.read", "crm.objects.contacts.read"]}}]});
        let cases = [
            (401, auth, Failure::Unauthorized("HubSpot does not accept the sign-in (EXPIRED_AUTHENTICATION)".into())),
            (403, scopes, Failure::Forbidden(vec!["crm.lists.read".into(), "crm.objects.contacts.read".into()])),
            (403, json!({}), Failure::Permanent("HubSpot does not allow this for the account (no category)".into())),
            (404, json!({}), Failure::Missing("contacts".into())),
            (400, json!({"message": "Unable to infer object type from: cars"}), Failure::Missing("contacts".into())),
            (423, json!({}), Failure::RateLimited(Some(2_000))),
            (429, json!({"policyName": "TEN_SECONDLY_ROLLING"}), Failure::RateLimited(Some(10_000))),
            (429, json!({"policyName": "SECONDLY"}), Failure::RateLimited(Some(1_000))),
            (429, json!({"policyName": "DAILY"}), Failure::QuotaExhausted(None)),
            (477, json!({}), Failure::Temporary("HubSpot is moving this account to another data centre".into())),
            (502, json!({}), Failure::Temporary("HubSpot answered with status 502".into())),
            (530, json!({}), Failure::Unauthorized("HubSpot can't read the access token".into())),
        ];
        for (status, body, expected) in cases {
            assert_eq!(of(status, body), expected, "{status}");
        }
    }

    #[test]
    fn a_wait_that_hubspot_names_is_kept() {
        for status in [423, 429, 477] {
            let failure = failure(&answer(status, &[("retry-after", "7")], "{}"), "contacts");
            assert_eq!(failure, Failure::RateLimited(Some(7_000)));
        }
        let interval = answer(429, &[("x-hubspot-ratelimit-interval-milliseconds", "4000")], "");
        assert_eq!(failure(&interval, "contacts"), Failure::RateLimited(Some(4_000)));
    }

    #[test]
    fn a_proxys_page_is_temporary_and_is_not_quoted() {
        let page = answer(503, &[], "<html>secret</html>");
        assert_eq!(failure(&page, "contacts"), Failure::Temporary("HubSpot answered with status 503".into()));
    }

    #[test]
    fn a_refused_value_is_named_by_property_and_never_repeated() {
        let message = r#"Property values were not valid: [{"isValid":false,"message":"Email address ada@@example is invalid","error":"INVALID_EMAIL","name":"email","localizedErrorMessage":"x"},{"isValid":false,"message":"7 Hill Rd was not one of the allowed options","error":"INVALID_OPTION","name":"lead_source"}] see docs"#;
        let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": message});
        let error: CrmError = serde_json::from_value(body).unwrap();
        let expected = Outcome::Rejected(vec![
            Problem::of("email", "HubSpot does not take this as an e-mail address"),
            Problem::of("lead_source", "is none of the options that HubSpot has for this property"),
        ]);
        assert_eq!(error.outcome(), expected);
    }

    #[test]
    fn a_conflict_keeps_the_id_and_drops_the_rest() {
        let conflict = |message: &str| {
            let body = json!({"category": "CONFLICT", "message": message});
            serde_json::from_value::<CrmError>(body).unwrap().outcome()
        };
        let named = conflict("Contact already exists. Existing ID: 6001");
        let expected = "HubSpot already has this record: its id is 6001";
        assert_eq!(named, Outcome::Rejected(vec![Problem::general(expected)]));
        let unnamed = conflict("ada@example.com already exists");
        let expected = "HubSpot already has a record with this unique value";
        assert_eq!(unnamed, Outcome::Rejected(vec![Problem::general(expected)]));
    }

    #[test]
    fn a_missing_property_is_recognised_in_either_wording() {
        let error = |message: &str| serde_json::from_value::<CrmError>(json!({"message": message})).unwrap();
        let listed = r#"Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"ferry_key"}]"#;
        assert!(error(listed).misses_property("ferry_key"));
        assert!(error("Property \"ferry_key\" does not exist").misses_property("ferry_key"));
        assert!(!error("Property \"ferry_key_2\" does not exist").misses_property("ferry_key"));
        assert!(!error("ferry_key is read-only").misses_property("ferry_key"));
    }
}
