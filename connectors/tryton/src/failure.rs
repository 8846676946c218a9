//! What Tryton's refusals mean, as advice to the host. They come with status 200, as `["UserError", [message, ..]]` or as whatever an
//! exception says. Messages name records and repeat values, so of them only a field's label is passed on.

use ferry_sdk::connector::{Failure, Outcome, Problem};
use ferry_sdk::http::Response;
use serde::Deserialize;
use serde_json::Value as Json;

/// The error of an answer: what kind, then what it says.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal(Vec<Json>);

/// What a refusal of a whole call means, by its status.
pub(crate) fn of_status(response: &Response, subject: &str) -> Failure {
    match response.status {
        401 => Failure::Unauthorized("Tryton no longer accepts the session".into()),
        403 => Failure::Forbidden(vec![format!("calling {subject} in Tryton")]),
        404 => Failure::Permanent(
            "there is no Tryton database at this address: it is the server's, and ends with the name of the database"
                .into(),
        ),
        429 => Failure::RateLimited(response.header("retry-after").and_then(|text| text.trim().parse().ok()).map(ms)),
        status @ (408 | 500..=599) => Failure::Temporary(format!("Tryton answered with status {status}")),
        status => Failure::Permanent(format!("Tryton answered with status {status}")),
    }
}

fn ms(seconds: u32) -> u32 {
    seconds.saturating_mul(1_000)
}

impl Refusal {
    /// The name of one of Tryton's own errors, or what another exception says.
    fn kind(&self) -> &str {
        self.0.first().and_then(Json::as_str).unwrap_or_default()
    }

    /// What a user of Tryton would read, in English.
    fn message(&self) -> &str {
        let said = self.0.get(1);
        said.and_then(|said| said.as_str().or_else(|| said.get(0)?.as_str())).unwrap_or_default()
    }

    fn is_lack_of_access(&self) -> bool {
        // The user's groups may not; the same words begin the refusal of a single field, which says `to modify the field`.
        self.kind() == "UserError"
            && ["You are not allowed to access", "You are not allowed to search"]
                .iter()
                .any(|words| self.message().starts_with(words))
    }

    /// For calls that only read.
    pub(crate) fn of_a_read(&self, subject: &str) -> Failure {
        if self.is_lack_of_access() {
            return Failure::Forbidden(vec![format!("reading {subject} in Tryton")]);
        }
        match self.kind() {
            // A key that a dictionary of models or fields does not have.
            kind if kind.starts_with('\'') => Failure::Missing(subject.to_owned()),
            kind if kind.starts_with("Missing search function") => {
                Failure::Unsupported("Tryton can't search by one of these fields".into())
            }
            kind if is_busy(kind) => Failure::Temporary("Tryton's database is busy".into()),
            kind => Failure::Permanent(format!("Tryton failed on {subject}{}; its log says why", named(kind))),
        }
    }

    /// What became of one write; an error where it is the whole call's trouble. Nothing of it has taken effect: Tryton takes back
    /// the transaction of a call that fails.
    pub(crate) fn of_a_write(&self, object: &str) -> Result<Outcome, Failure> {
        if self.is_lack_of_access() {
            return Err(Failure::Forbidden(vec![format!("writing {object} in Tryton")]));
        }
        Ok(match self.kind() {
            "ConcurrencyException" => Outcome::Conflict,
            "UserError" => Outcome::Rejected(vec![self.problem()]),
            "UserWarning" => Outcome::Rejected(vec![Problem::general(
                "Tryton asks its users to confirm this, so it can only be done by one of them",
            )]),
            kind if is_busy(kind) => Outcome::Later(None),
            kind => Outcome::Rejected(vec![Problem::general(format!(
                "Tryton failed on this record{}; its log says why",
                named(kind)
            ))]),
        })
    }

    fn problem(&self) -> Problem {
        let message = self.message();
        if message.contains("that don't exist") {
            return Problem::general("Tryton has no record of this id");
        }
        let field = message.split_once("field \"").and_then(|(_, rest)| rest.split_once('"')).map(|(label, _)| label);
        let why = [
            ("is required", "a value is required"),
            ("must be unique", "another record has this value"),
            ("not one of the allowed options", "it is not one of the choices"),
            ("not allowed to modify", "it can't be changed"),
            ("too long", "it is too long"),
            ("exceeds", "it is too large"),
        ];
        let why = why.iter().find(|(words, _)| message.contains(words)).map_or("its rules say no", |(_, why)| why);
        match field.filter(|label| label.len() <= 64) {
            Some(label) => Problem::general(format!("Tryton refuses the field \"{label}\": {why}")),
            None => Problem::general(format!("Tryton refuses the record: {why}")),
        }
    }
}

/// SQLite has one writer, and PostgreSQL takes back one of two that would block each other.
fn is_busy(kind: &str) -> bool {
    ["database is locked", "could not obtain lock", "could not serialize", "deadlock detected"]
        .iter()
        .any(|words| kind.contains(words))
}

/// A class of exceptions may be named; what an exception says may hold values.
fn named(kind: &str) -> String {
    let is_name = !kind.is_empty() && kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_name { format!(" ({kind})") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> Refusal {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn refusals_of_a_server_of_8_2_are_advice_and_repeat_no_value() {
        let access = r#"["UserError",["You are not allowed to access \"Party Address\".","Within groups: ",null]]"#;
        assert_eq!(refusal(access).of_a_read("x"), Failure::Forbidden(vec!["reading x in Tryton".into()]));
        assert_eq!(refusal(access).of_a_write("x"), Err(Failure::Forbidden(vec!["writing x in Tryton".into()])));
        assert_eq!(refusal(r#"["'nope'",""]"#).of_a_read("nope"), Failure::Missing("nope".into()));
        let problem = |json: &str| match refusal(json).of_a_write("x").unwrap() {
            Outcome::Rejected(problems) => problems[0].message.clone(),
            other => panic!("{other:?}"),
        };
        for (json, expected) in [
            (
                r#"["UserError",["The value \"xx\" for field \"Type\" in record \"Ada\" of \"Y\" is not one of the allowed options.","",null]]"#,
                "Tryton refuses the field \"Type\": it is not one of the choices",
            ),
            (
                r#"["UserError",["The code on party must be unique.","",null]]"#,
                "Tryton refuses the record: another record has this value",
            ),
            (
                r#"["UserError",["You are trying to write to records \"9999\" of \"Party\" that don't exist.","",null]]"#,
                "Tryton has no record of this id",
            ),
            (r#"["invalid literal for int(): 'Ada'",""]"#, "Tryton failed on this record; its log says why"),
        ] {
            assert_eq!(problem(json), expected);
        }
        let stale = r#"["ConcurrencyException","Records were modified in the meanwhile"]"#;
        assert_eq!(refusal(stale).of_a_write("x"), Ok(Outcome::Conflict));
        assert_eq!(refusal(r#"["database is locked",""]"#).of_a_write("x"), Ok(Outcome::Later(None)));
    }
}
