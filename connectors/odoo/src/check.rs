//! Which database this is, and what its user may not read.

use ferry_sdk::connector::{Account, Failure};
use ferry_sdk::time;
use serde::Deserialize;
use serde_json::json;

use crate::api::Api;
use crate::objects::{self, Access};

#[derive(Deserialize)]
struct Company {
    id: i64,
    name: String,
    create_date: String,
}

pub(crate) fn check(api: &Api<'_>) -> Result<Account, Failure> {
    // First and alone: where the sign-in is not accepted at all, one refusal is enough.
    let question = api.search_read("res.company", &json!([]), 1, &["name", "create_date"]);
    let companies: Vec<Company> = api.ask(question, "res.company")?;
    let Company { id, name, create_date } =
        companies.into_iter().next().ok_or_else(|| Failure::malformed("there is no company"))?;
    // A database has no id that a user may read, but its first company is as old as it is.
    let made = time::instant(&create_date).ok_or_else(|| Failure::malformed("a company without a date"))?;
    let closed = objects::present(api)?.into_iter().filter(|(.., access)| matches!(access, Access::Closed));
    let lacking = closed.map(|(model, ..)| format!("reading {model}")).collect();
    Ok(Account { id: format!("{id}-{}", made / time::SECOND), name, time_zone: None, lacking })
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as answered};

    use super::*;

    #[test]
    fn the_account_is_the_database_and_models_are_there_missing_or_closed() {
        let http = FakeHttp::answering(|request| {
            Some(Ok(match request.target.split('/').nth(3)? {
                "res.company" => {
                    answered(200, &json!([{"id": 1, "name": "Acme", "create_date": "1970-01-01 00:01:00"}]))
                }
                "crm.lead" => answer(404, &[], "{}"),
                "mail.message" => answer(403, &[], "{}"),
                _ => answered(200, &json!([])),
            }))
        });
        let signature = FakeSignature::default();
        let call = call(r#"{"models": ["x_thing"], "database": "acme"}"#, 0, &http, &signature);
        let api = Api::open(&call).unwrap();
        let lacking = vec!["reading mail.message".to_owned()];
        let expected = Account { id: "1-60".into(), name: "Acme".into(), time_zone: None, lacking };
        assert_eq!(check(&api), Ok(expected));
        let names: Vec<String> = objects::list(&api).unwrap().into_iter().map(|object| object.name).collect();
        assert_eq!(names, ["res.partner", "calendar.event", "mail.activity", "mail.message", "x_thing"]);
        let database = ("x-odoo-database".to_owned(), "acme".to_owned());
        assert!(http.sent().iter().all(|request| request.headers.contains(&database)));
    }
}
