use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as answer};

use super::*;
use crate::objects::PARTY;

const WINDOW: Window = Window { since: 0, before: 10_000_000 };

fn stamp(second: i64) -> Json {
    values::write_instant(second * 1_000_000)
}

/// A log of deletions by line, strict about what everybody is told of it: never the record.
fn tryton(log: &'static [(i64, &'static str)], is_administrator: bool) -> FakeHttp {
    FakeHttp::answering(move |request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let domain = &body["params"][0];
        let holds = |clause: &Json, line: &(i64, &str)| match (clause[0].as_str(), clause[1].as_str()) {
            (Some("resource"), Some("like")) => {
                let pattern = clause[2].as_str().unwrap_or_default().trim_end_matches('%');
                line.1.len() >= pattern.len()
                    && pattern.chars().zip(line.1.chars()).all(|(one, other)| one == '_' || one == other)
            }
            (Some("resource"), _) => clause[2].as_array().is_some_and(|all| all.contains(&json!(line.1))),
            (Some("id"), Some("in")) => clause[2].as_array().is_some_and(|all| all.contains(&json!(line.0))),
            (Some("id"), _) => Some(line.0) > clause[2].as_i64(),
            _ => true,
        };
        let found =
            || log.iter().filter(|line| domain.as_array().is_some_and(|all| all.iter().all(|one| holds(one, line))));
        let result = match body["method"].as_str()? {
            "model.party.party.fields_get" => {
                json!({"active": {"type": "boolean"}, "replaced_by": {"type": "many2one"}})
            }
            "model.party.party.search_read" => json!([
                {"id": 3, "last_modified_at": stamp(1), "replaced_by": null},
                {"id": 5, "last_modified_at": stamp(2), "replaced_by": 6},
            ]),
            _ if !is_administrator => {
                let refusal = ["You are not allowed to search on the \"ir.model.log\" resource.", ""];
                return Some(Ok(answer(200, &json!({"id": 0, "error": ["UserError", refusal]}))));
            }
            "model.ir.model.log.search_read" => {
                found().map(|line| json!({"id": line.0, "create_date": stamp(line.0)})).collect()
            }
            "model.ir.model.log.search" => found().map(|line| line.0).collect(),
            _ => return None,
        };
        Some(Ok(answer(200, &json!({"id": 0, "result": result}))))
    })
}

fn all(http: &FakeHttp) -> Vec<Tombstone> {
    let signature = FakeSignature::default();
    let call = call("{}", 0, http, &signature);
    let api = Api::open(&call).unwrap();
    let (mut gone, mut token) = (Vec::new(), None);
    loop {
        let page = super::gone(&api, PARTY, WINDOW, token.as_deref()).unwrap();
        gone.extend(page.gone);
        token = page.next;
        if token.is_none() {
            return gone;
        }
    }
}

#[test]
fn archived_replaced_and_deleted_records_are_gone_with_the_ids_that_the_log_keeps_to_itself() {
    const LOG: &[(i64, &str)] =
        &[(4, "party.party,2"), (5, "party.party,1049"), (8, "party.party,10"), (9, "party_party,7")];
    let gone = |id: &str, second: i64, into: Option<&str>| {
        let into = into.map(|id| Successor { object: PARTY.to_owned(), id: id.to_owned() });
        Tombstone { id: id.to_owned(), at: Some(second * 1_000_000), into }
    };
    let expected =
        [gone("3", 1, None), gone("5", 2, Some("6")), gone("2", 4, None), gone("1049", 5, None), gone("10", 8, None)];
    assert_eq!(all(&tryton(LOG, true)), expected);
}

#[test]
fn who_may_not_see_the_log_sees_what_was_archived() {
    assert_eq!(all(&tryton(&[(4, "party.party,2")], false)).len(), 2);
}

#[test]
fn strange_tokens_have_expired() {
    for token in ["", "deleted", "deleted>x", "nothing>1"] {
        assert!(matches!(Place::read(Some(token)), Err(Failure::TokenExpired)), "{token}");
    }
}
