//! What Pipedrive's refusals mean, as advice to the host. Its messages may repeat a customer's values, so of them only the code
//! and the names of fields are passed on.

use ferry_sdk::connector::{Failure, Outcome, Problem};
use ferry_sdk::http::Response;
use serde::Deserialize;

/// The burst limit looks back over two seconds.
const BURST_MS: u32 = 2_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: Option<String>,
    error: Option<String>,
}

/// An answer that is a success.
///
/// # Errors
/// What the refusal means; `missing` names `subject`.
pub(crate) fn checked(response: Response, subject: &str) -> Result<Response, Failure> {
    if response.is_success() { Ok(response) } else { Err(failure(&response, subject)) }
}

/// What a refusal of a whole call means.
pub(crate) fn failure(response: &Response, subject: &str) -> Failure {
    match response.status {
        401 => Failure::Unauthorized("Pipedrive no longer accepts the sign-in".into()),
        402 => Failure::Permanent("Pipedrive asks for a payment: the account's plan has ended or lacks this".into()),
        403 => Failure::Forbidden(vec![format!("reading or writing {subject} in Pipedrive")]),
        // A feature that the account's plan lacks, or a record, object or filter that is no longer there.
        404 | 410 => Failure::Missing(subject.to_owned()),
        429 => Failure::RateLimited(Some(wait_ms(response))),
        400 | 422 => Failure::Invalid(vec![problem(response)]),
        status @ (408 | 500..=599) => Failure::Temporary(format!("Pipedrive answered with status {status}")),
        status => Failure::Permanent(format!("Pipedrive answered with status {status}")),
    }
}

fn wait_ms(response: &Response) -> u32 {
    // The header counts seconds until the burst's window is new.
    let seconds = |name| response.header(name).and_then(|text| text.trim().parse::<u32>().ok());
    seconds("retry-after")
        .or_else(|| seconds("x-ratelimit-reset"))
        .map_or(BURST_MS, |seconds| seconds.saturating_mul(1_000))
}

/// What became of one write that was refused; none where it is the whole call's trouble.
pub(crate) fn outcome(response: &Response) -> Option<Outcome> {
    match response.status {
        400 | 409 | 413 | 415 | 422 => Some(Outcome::Rejected(vec![problem(response)])),
        404 | 410 => Some(Outcome::Rejected(vec![Problem::general(
            "Pipedrive has no record of this id: it was deleted or merged",
        )])),
        423 => Some(Outcome::Later(Some(BURST_MS))),
        _ => None,
    }
}

/// In words of our own: the field, where the refusal begins with its name as in `Validation failed: emails.0.value: ..`.
fn problem(response: &Response) -> Problem {
    let refusal: Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let field = refusal.error.as_deref().and_then(|text| text.strip_prefix("Validation failed: ")).and_then(named);
    let code = refusal.code.filter(|code| is_code(code));
    let message = match code {
        Some(code) => format!("Pipedrive refuses the value or the record ({code})"),
        None => format!("Pipedrive refuses it with status {} and does not say why", response.status),
    };
    Problem { field, message }
}

fn named(text: &str) -> Option<String> {
    let path = text.split_once(':')?.0.trim();
    let name = path.strip_prefix("custom_fields.").unwrap_or(path).split('.').next()?;
    let is_name = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| name.to_owned())
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{answer, json};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_status_is_the_right_advice() {
        let advice = |status| failure(&answer(status, &[], "<html>"), "persons");
        assert!(matches!(advice(401), Failure::Unauthorized(_)));
        assert!(matches!(advice(402), Failure::Permanent(_)));
        assert_eq!(advice(403), Failure::Forbidden(vec!["reading or writing persons in Pipedrive".into()]));
        assert_eq!(advice(404), Failure::Missing("persons".into()));
        assert_eq!(advice(410), Failure::Missing("persons".into()));
        assert_eq!(advice(429), Failure::RateLimited(Some(2_000)));
        assert_eq!(advice(502), Failure::Temporary("Pipedrive answered with status 502".into()));
        assert_eq!(advice(302), Failure::Permanent("Pipedrive answered with status 302".into()));
        let told = answer(429, &[("x-ratelimit-reset", "1")], "");
        assert_eq!(failure(&told, "persons"), Failure::RateLimited(Some(1_000)));
    }

    #[test]
    fn a_refusal_names_the_field_and_never_the_value() {
        let body = json!({"success": false, "code": "ERR_SCHEMA_VALIDATION_FAILED",
            "error": "Validation failed: emails.0.value: ada@@example.com is no address"});
        let Some(Outcome::Rejected(problems)) = outcome(&json(400, &body)) else { panic!("it is the write's fault") };
        let expected =
            Problem::of("emails", "Pipedrive refuses the value or the record (ERR_SCHEMA_VALIDATION_FAILED)");
        assert_eq!(problems, [expected]);
        let body = json!({"success": false, "error": "ada@example.com exists: no"});
        let Some(Outcome::Rejected(problems)) = outcome(&json(400, &body)) else { panic!("it is the write's fault") };
        assert_eq!(problems, [Problem::general("Pipedrive refuses it with status 400 and does not say why")]);
    }
}
