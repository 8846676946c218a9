//! One request for a token or a session: through egress, under the connection's grant, judged by its status.

use std::time::Duration;

use serde_json::Value as Json;

use super::place::{Place, TokenError};
use super::scrub;
use super::secret::Secret;
use crate::egress::{Egress, Terms};
use crate::model::http::{HttpError, Lane, Request, Response};

/// A token is there within this, or signing in is tried again later.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The largest answer of a token endpoint: real ones have 1 to 4 KiB.
const ANSWER_BYTES: u64 = 64 * 1024;
/// What is repeated of a CRM's own words, in characters.
pub(super) const QUOTED: usize = 200;

/// The answer, whatever its status.
pub(super) async fn send(egress: &Egress, place: &Place, request: Request) -> Result<Response, TokenError> {
    let trouble = |error: HttpError| TokenError::Trouble(error.to_string());
    let prepared = match egress.prepare(&place.grant, &place.base, request, None) {
        Err(HttpError::Denied(why)) => return Err(TokenError::Manifest(why)),
        other => other.map_err(trouble)?,
    };
    let ends = egress.clock().now().plus(ANSWER_WITHIN);
    let terms = Terms { governor: None, lane: Lane::Outcome, waits_until: ends, ends, body_limit: ANSWER_BYTES };
    egress.send(&prepared, None, &terms).await.map_err(trouble)
}

/// The code and the words of a refusal, without the secrets: `error` and `error_description` of RFC 6749, or HubSpot's
/// `status` and `message`.
pub(super) fn quoted(secrets: &[Secret], answer: &Response) -> String {
    let json: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| json.get(name)?.as_str());
    let status = answer.status;
    let words = match (text(["error", "status"]), text(["error_description", "message"])) {
        (Some(code), Some(words)) => format!("{status}: {code}: {words}"),
        (Some(words), None) | (None, Some(words)) => format!("{status}: {words}"),
        (None, None) => format!("status {status}"),
    };
    // Before it is cut, or the beginning of a secret could stay.
    let words = scrub::text(&scrub::in_every_form(secrets.to_vec()), &words);
    words.chars().filter(|c| !c.is_control()).take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_quoted_in_the_crms_words() {
        let quoted = |body: String| quoted(&[], &Response { status: 400, headers: Vec::new(), body: body.into() });
        for (body, words) in [
            (
                r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#,
                "400: BAD_REFRESH_TOKEN: missing or invalid refresh token",
            ),
            (r#"{"error":"invalid_grant"}"#, "400: invalid_grant"),
            (r#"{"error":"a","error_description":"b\nc"}"#, "400: a: bc"),
            ("<html>", "status 400"),
            ("", "status 400"),
            ("[1]", "status 400"),
        ] {
            assert_eq!(quoted(body.to_owned()), words);
        }
        assert_eq!(quoted(format!(r#"{{"error":"{}"}}"#, "x".repeat(5_000))).len(), QUOTED);
    }
}
