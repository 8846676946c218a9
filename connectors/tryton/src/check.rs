//! Which database this is, and what its user may not do.

use std::collections::BTreeMap;

use ferry_sdk::connector::{Account, Failure};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, context, request, search_read};
use crate::objects;
use crate::values;

#[derive(Deserialize)]
struct Module {
    create_date: Json,
}

#[derive(Deserialize)]
struct Preferences {
    /// 1 or 0.
    #[serde(default)]
    administrator: Json,
}

#[derive(Deserialize)]
struct Access {
    /// True or false, 1 or 0.
    read: Json,
    write: Json,
    create: Json,
}

pub(crate) fn check(api: &Api<'_>) -> Result<Account, Failure> {
    // First and alone: where the sign-in is not accepted at all, one refusal is enough.
    let question = search_read("ir.module", &json!([["name", "=", "ir"]]), 1, &["create_date"], context());
    let modules: Vec<Module> = api.ask(question, "ir.module")?;
    // A database has no id of its own, but nothing in it is older than its first module, to the microsecond.
    let made = modules.first().and_then(|module| values::instant(&module.create_date));
    let made = made.ok_or_else(|| Failure::malformed("the database does not say when it was made"))?;
    let preferences: Preferences =
        api.ask(request("res.user", "get_preferences", vec![json!(true)], context()), "res.user")?;
    let present: Vec<String> = objects::list(api)?.into_iter().map(|object| object.name).collect();
    let question = request("ir.model.access", "get_access", vec![json!(present)], context());
    let access: BTreeMap<String, Access> = api.ask(question, "ir.model.access")?;
    Ok(Account {
        id: made.to_string(),
        name: format!("Tryton of {}", ferry_sdk::time::write_instant(made, 0)),
        time_zone: None,
        lacking: lacking(&access, is_true(&preferences.administrator)),
    })
}

fn is_true(json: &Json) -> bool {
    json.as_bool().or_else(|| json.as_i64().map(|number| number != 0)).unwrap_or(false)
}

fn lacking(access: &BTreeMap<String, Access>, is_administrator: bool) -> Vec<String> {
    let mut lacking = Vec::new();
    for (model, Access { read, write, create }) in access {
        for (verb, may) in [("reading", read), ("writing", write), ("creating", create)] {
            if !is_true(may) {
                lacking.push(format!("{verb} {model}"));
            }
        }
    }
    if !is_administrator {
        // Tryton lets only its administrators search the log of what was deleted; archived records are seen without it.
        lacking.push("seeing which records were deleted, which only administrators may".to_owned());
    }
    lacking
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as answer};

    use super::*;

    #[test]
    fn the_account_is_the_database_and_what_the_user_may_not_is_named() {
        let http = FakeHttp::answering(|request| {
            let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
            let result = match body["method"].as_str()? {
                "model.ir.module.search_read" => {
                    json!([{"id": 1, "create_date": {"__class__": "datetime", "year": 1970,
                    "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 1, "microsecond": 5}}])
                }
                "model.res.user.get_preferences" => json!({"administrator": 0}),
                "model.ir.model.search_read" => json!([{"id": 1, "name": "party.party", "string": "Party"}]),
                "model.ir.model.access.get_access" => {
                    json!({"party.party": {"read": true, "write": 0, "create": 1, "delete": 0}})
                }
                _ => return None,
            };
            Some(Ok(answer(200, &json!({"id": 0, "result": result}))))
        });
        let signature = FakeSignature::default();
        let account = check(&Api::open(&call("{}", 0, &http, &signature)).unwrap()).unwrap();
        let lacking = ["writing party.party", "seeing which records were deleted, which only administrators may"];
        let expected = Account {
            id: "1000005".into(),
            name: "Tryton of 1970-01-01T00:00:01Z".into(),
            time_zone: None,
            lacking: lacking.map(str::to_owned).to_vec(),
        };
        assert_eq!(account, expected);
    }
}
