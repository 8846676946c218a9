//! What Salesforce's refusals mean, as advice to the host. Only codes and names of fields are taken from them: messages repeat
//! the customer's values, so none of them is passed on.

use ferry_sdk::connector::{Failure, Outcome, Problem};
use ferry_sdk::http::Response;
use serde::Deserialize;

use crate::api::is_name;

/// A lock is held for the time of somebody's transaction: a few seconds.
const LOCKED_MS: u32 = 2_000;

/// The most problems that one record's refusal lists: beyond, nobody reads on.
const PROBLEMS_MOST: usize = 50;

/// One error: an entry of a refusal's list, or of a record's `errors` in a collection, where the code has another name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CrmError {
    #[serde(alias = "statusCode")]
    error_code: String,
    message: String,
    fields: Vec<String>,
}

impl CrmError {
    /// Empty where the body is none of Salesforce's: a proxy's page, for one.
    pub(crate) fn all_of(response: &Response) -> Vec<Self> {
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// As a bulk job's results have it: `CODE:message:Field,Field --`.
    pub(crate) fn of_job(text: &str) -> Self {
        let text = text.strip_suffix("--").unwrap_or(text).trim_end();
        let (error_code, rest) = text.split_once(':').unwrap_or((text, ""));
        let (message, fields) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let fields = fields.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self { error_code: error_code.to_owned(), message: message.to_owned(), fields }
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.error_code == code
    }

    /// The code, if it is one that may be shown.
    fn tag(&self) -> &str {
        Some(self.error_code.as_str()).filter(|code| is_code(code)).unwrap_or("no code")
    }

    /// `No such column 'Foo__c' on entity ..`, `sObject type 'Foo__c' is not supported`: the name between the quotes.
    fn named(&self) -> Option<&str> {
        self.message.split('\'').skip(1).step_by(2).find(|name| is_name(name))
    }

    fn problems(&self) -> impl Iterator<Item = Problem> + '_ {
        let message = self.sentence();
        let fields: Vec<&String> = self.fields.iter().filter(|name| is_name(name)).collect();
        let general = fields.is_empty().then(|| Problem::general(message.clone()));
        fields.into_iter().map(move |name| Problem::of(name, message.clone())).chain(general)
    }

    fn sentence(&self) -> String {
        let known = match self.error_code.as_str() {
            "REQUIRED_FIELD_MISSING" => "Salesforce requires this field, and it is empty",
            "STRING_TOO_LONG" => "is longer than the field in Salesforce",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => "is none of the values that Salesforce has for this picklist",
            "FIELD_CUSTOM_VALIDATION_EXCEPTION" => "one of the org's validation rules refuses the record",
            "DUPLICATES_DETECTED" => {
                "one of the org's duplicate rules takes the record for a duplicate (the setting `allow_duplicates` can \
                 overrule a warning)"
            }
            "DUPLICATE_VALUE" => "another record has this unique value already",
            "DUPLICATE_EXTERNAL_ID" => "several records have this value, so it does not say which one is meant",
            "INVALID_EMAIL_ADDRESS" => "Salesforce does not take this as an e-mail address",
            "INVALID_CROSS_REFERENCE_KEY" | "ENTITY_IS_DELETED" | "NOT_FOUND" => {
                "Salesforce has no record of this id: it was deleted or merged, or the sign-in may not see it"
            }
            "INVALID_FIELD_FOR_INSERT_UPDATE" => "Salesforce does not let this field be written here",
            "INVALID_FIELD" => "Salesforce has no such field on this object, or the sign-in may not see it",
            "CANNOT_UPDATE_CONVERTED_LEAD" => "the lead was converted and can't be changed any more",
            "INSUFFICIENT_ACCESS_OR_READONLY" | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => {
                "the sign-in may not change this record"
            }
            _ => return format!("Salesforce refuses the record ({})", self.tag()),
        };
        known.to_owned()
    }

    /// Whether the same write may succeed by itself.
    fn passes(&self) -> Option<Option<u32>> {
        match self.error_code.as_str() {
            "UNABLE_TO_LOCK_ROW" => Some(Some(LOCKED_MS)),
            "SERVER_UNAVAILABLE" | "REQUEST_RUNNING_TOO_LONG" | "QUERY_TIMEOUT" | "TXN_SECURITY_METERING_ERROR" => {
                Some(None)
            }
            _ => None,
        }
    }
}

/// What became of one record that these errors are about.
pub(crate) fn outcome(errors: &[CrmError]) -> Outcome {
    if let Some(wait) = errors.iter().find_map(CrmError::passes) {
        return Outcome::Later(wait);
    }
    let mut problems: Vec<Problem> = errors.iter().flat_map(CrmError::problems).take(PROBLEMS_MOST).collect();
    if problems.is_empty() {
        problems.push(Problem::general("Salesforce refuses the record and does not say why"));
    }
    Outcome::Rejected(problems)
}

fn is_code(code: &str) -> bool {
    (1..=80).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The answer, if it is a success; otherwise advice. `subject` is what a 404 misses.
pub(crate) fn checked(response: Response, subject: &str) -> Result<Response, Failure> {
    if response.is_success() { Ok(response) } else { Err(failure(&response, subject)) }
}

/// Whether the session has ended: some parts of the API tell it with another status than 401.
pub(crate) fn is_session_over(response: &Response) -> bool {
    CrmError::all_of(response).iter().any(|error| error.is("INVALID_SESSION_ID"))
}

/// What to do about a refusal.
pub(crate) fn failure(response: &Response, subject: &str) -> Failure {
    let errors = CrmError::all_of(response);
    let error = errors.first().cloned().unwrap_or_default();
    match (response.status, error.error_code.as_str()) {
        (401, _) | (_, "INVALID_SESSION_ID") => {
            Failure::Unauthorized(format!("Salesforce does not accept the sign-in ({})", error.tag()))
        }
        // It rolls over 24 hours, and no answer tells when there is room again.
        (_, "REQUEST_LIMIT_EXCEEDED") => Failure::QuotaExhausted(None),
        (_, "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED") => Failure::Forbidden(vec!["API Enabled".to_owned()]),
        (_, "INSUFFICIENT_ACCESS" | "INSUFFICIENT_ACCESS_OR_READONLY") => Failure::Forbidden(vec![subject.to_owned()]),
        (_, "INVALID_FIELD") => Failure::Missing(error.named().unwrap_or(subject).to_owned()),
        (_, "INVALID_TYPE" | "NOT_FOUND" | "ENTITY_IS_DELETED") | (404, _) => Failure::Missing(subject.to_owned()),
        (_, "INVALID_QUERY_LOCATOR") => Failure::TokenExpired,
        (_, "QUERY_TIMEOUT" | "OPERATION_TOO_LARGE") => Failure::WindowTooLarge(None),
        (_, "UNABLE_TO_LOCK_ROW") => Failure::RateLimited(Some(LOCKED_MS)),
        (403, _) => Failure::Permanent(format!("Salesforce does not allow this ({})", error.tag())),
        (300, _) => Failure::Invalid(vec![Problem::general("several records have this value of an external id")]),
        (400 | 409 | 412 | 422, _) => Failure::Invalid(errors.iter().flat_map(CrmError::problems).collect()),
        (414 | 431, _) => {
            Failure::Permanent("Salesforce finds this request too long: ask for fewer columns".to_owned())
        }
        // 406 and 420 are answered while an instance is moved or overloaded.
        (status @ (406 | 408 | 420 | 429 | 500..), _) => {
            Failure::Temporary(format!("Salesforce answered with status {status} ({})", error.tag()))
        }
        (status, _) => Failure::Permanent(format!("Salesforce answered with status {status} ({})", error.tag())),
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{answer, json};
    use serde_json::json;

    use super::*;

    fn of(status: u16, code: &str, message: &str) -> Failure {
        failure(&json(status, &json!([{"errorCode": code, "message": message, "fields": []}])), "Contact")
    }

    #[test]
    fn each_refusal_has_its_advice() {
        let cases = [
            (
                401,
                "INVALID_SESSION_ID",
                "Session expired or invalid",
                Failure::Unauthorized("Salesforce does not accept the sign-in (INVALID_SESSION_ID)".into()),
            ),
            (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Failure::QuotaExhausted(None)),
            (403, "API_DISABLED_FOR_ORG", "API is not enabled", Failure::Forbidden(vec!["API Enabled".into()])),
            (400, "INVALID_FIELD", "No such column 'Foo__c' on entity 'Contact'.", Failure::Missing("Foo__c".into())),
            (400, "INVALID_TYPE", "sObject type 'Foo' is not supported.", Failure::Missing("Contact".into())),
            (404, "NOT_FOUND", "The requested resource does not exist", Failure::Missing("Contact".into())),
            (400, "INVALID_QUERY_LOCATOR", "invalid query locator", Failure::TokenExpired),
            (400, "QUERY_TIMEOUT", "Your query request was running for too long.", Failure::WindowTooLarge(None)),
            (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Failure::RateLimited(Some(2_000))),
            (
                503,
                "SERVER_UNAVAILABLE",
                "busy",
                Failure::Temporary("Salesforce answered with status 503 (SERVER_UNAVAILABLE)".into()),
            ),
            (
                400,
                "MALFORMED_QUERY",
                "unexpected token: 'ada@example.com'",
                Failure::Invalid(vec![Problem::general("Salesforce refuses the record (MALFORMED_QUERY)")]),
            ),
        ];
        for (status, code, message, expected) in cases {
            assert_eq!(of(status, code, message), expected, "{code}");
        }
        let ambiguous = Failure::Invalid(vec![Problem::general("several records have this value of an external id")]);
        assert_eq!(failure(&json(300, &json!(["/a", "/b"])), "Contact"), ambiguous);
        let page = answer(502, &[], "<html>secret</html>");
        assert_eq!(
            failure(&page, "Contact"),
            Failure::Temporary("Salesforce answered with status 502 (no code)".into())
        );
    }

    #[test]
    fn a_records_errors_name_fields_and_never_values() {
        let errors = |json| serde_json::from_value::<Vec<CrmError>>(json).unwrap();
        let refused = outcome(&errors(json!([
            {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid email address: ada@@x", "fields": ["Email"]},
            {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No 7 Hill Rd", "fields": []}])));
        let expected = vec![
            Problem::of("Email", "Salesforce does not take this as an e-mail address"),
            Problem::general("one of the org's validation rules refuses the record"),
        ];
        assert_eq!(refused, Outcome::Rejected(expected));
        let locked = outcome(&errors(json!([{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "x", "fields": []}])));
        assert_eq!(locked, Outcome::Later(Some(2_000)));
    }
}
