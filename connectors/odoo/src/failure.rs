//! What Odoo's refusals mean, as advice to the host: `{name, message, arguments, context, debug}` with a status. Messages repeat values
//! and `debug` holds a traceback, so of them only the kind is passed on.

use ferry_sdk::connector::{Failure, Problem};
use ferry_sdk::http::Response;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    /// The class of the exception, as in `odoo.exceptions.AccessError`.
    name: String,
}

/// The class of the exception without its module, where it is one.
fn kind(response: &Response) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let kind = refusal.name.rsplit('.').next().unwrap_or_default().to_owned();
    let is_name = !kind.is_empty() && kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some(kind)
}

/// What a refusal of a whole call means.
pub(crate) fn of(response: &Response, subject: &str) -> Failure {
    let kind = kind(response);
    let named = kind.as_deref().map(|kind| format!(" ({kind})")).unwrap_or_default();
    match response.status {
        401 => Failure::Unauthorized("Odoo no longer accepts the API key".into()),
        403 => Failure::Forbidden(vec![format!("{subject} in Odoo")]),
        404 => Failure::Missing(subject.to_owned()),
        429 => {
            let seconds = response.header("retry-after").and_then(|text| text.trim().parse::<u32>().ok());
            Failure::RateLimited(seconds.map(|seconds| seconds.saturating_mul(1_000)))
        }
        400 | 415 | 422 => Failure::Permanent(format!("Odoo refuses the call{named}")),
        // An exception in Odoo's code, as for a field that it does not know: it would be the same again.
        500 if kind.is_some() => Failure::Permanent(format!("Odoo failed on {subject}{named}; its log says why")),
        status @ (408 | 500..=599) => Failure::Temporary(format!("Odoo answered with status {status}")),
        status => Failure::Permanent(format!("Odoo answered with status {status}")),
    }
}

/// What is wrong with one write; none where it is the whole call's trouble. Odoo takes back the transaction of a call that fails.
pub(crate) fn problem(response: &Response) -> Option<Problem> {
    let named = kind(response).map(|kind| format!(" ({kind})")).unwrap_or_default();
    match response.status {
        400 | 409 | 422 => Some(Problem::general(format!("Odoo's rules refuse the record{named}"))),
        404 => Some(Problem::general("Odoo has no record of this id")),
        500 if !named.is_empty() => {
            Some(Problem::general(format!("Odoo failed on this record{named}; its log says why")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::answer;

    use super::*;

    fn refusal(status: u16, name: &str) -> Response {
        answer(status, &[], format!(r#"{{"name": "{name}", "message": "jane@example.com", "debug": "Traceback"}}"#))
    }

    #[test]
    fn refusals_are_advice_and_repeat_nothing() {
        for (status, name, expected) in [
            (
                401,
                "werkzeug.exceptions.Unauthorized",
                Failure::Unauthorized("Odoo no longer accepts the API key".into()),
            ),
            (403, "odoo.exceptions.AccessError", Failure::Forbidden(vec!["res.partner in Odoo".into()])),
            (404, "werkzeug.exceptions.NotFound", Failure::Missing("res.partner".into())),
            (
                500,
                "builtins.ValueError",
                Failure::Permanent("Odoo failed on res.partner (ValueError); its log says why".into()),
            ),
        ] {
            assert_eq!(of(&refusal(status, name), "res.partner"), expected);
        }
        // What stands before Odoo answers with a page.
        assert!(matches!(of(&answer(500, &[], "<html>"), "x"), Failure::Temporary(_)));
        assert!(matches!(of(&answer(502, &[], ""), "x"), Failure::Temporary(_)));
        let text = problem(&refusal(422, "odoo.exceptions.ValidationError")).unwrap().message;
        assert_eq!(text, "Odoo's rules refuse the record (ValidationError)");
        assert_eq!(problem(&answer(502, &[], "")), None);
    }
}
