//! Who the account is, and what this sign-in may not do. Pipedrive tells nobody a token's scopes, so they are tried out by reading.

use ferry_sdk::connector::{Account, Failure};
use ferry_sdk::http::Request;
use serde::Deserialize;

use crate::api::{self, Api};
use crate::failure;
use crate::objects;

#[derive(Deserialize)]
struct Me {
    data: User,
}

#[derive(Deserialize)]
struct User {
    company_id: u64,
    #[serde(default)]
    company_name: Option<String>,
    #[serde(default)]
    timezone_name: Option<String>,
}

pub(crate) fn check(api: &Api<'_>) -> Result<Account, Failure> {
    // First and alone: where the sign-in is not accepted at all, one refusal is enough.
    let me: Me = api.json(Request::get(api::first("users/me")), "account")?;
    let trials = objects::ALL.iter().map(|object| Request::get(api::records(object)).query("limit", 1)).collect();
    let mut lacking = Vec::new();
    for (object, answer) in objects::ALL.iter().zip(api.try_send_all(trials)) {
        match failure::checked(answer?, object.name) {
            Ok(_) => {}
            Err(Failure::Forbidden(_)) => lacking.push(format!("{}:read", object.scope)),
            Err(other) => return Err(other),
        }
    }
    lacking.dedup();
    let User { company_id, company_name, timezone_name } = me.data;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let name = filled(company_name).unwrap_or_else(|| format!("Pipedrive {company_id}"));
    Ok(Account { id: company_id.to_string(), name, time_zone: filled(timezone_name), lacking })
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_account_is_the_company_and_missing_scopes_are_named() {
        let me = json!({"success": true, "data": {"company_id": 7, "company_name": "Acme", "timezone_name": "Europe/Berlin"}});
        let fine = || Ok(json(200, &json!({"success": true, "data": []})));
        let http = FakeHttp::new()
            .expect(Method::Get, "/api/v1/users/me", Ok(json(200, &me)))
            .expect(Method::Get, "/api/v2/persons", fine())
            .expect(Method::Get, "/api/v2/organizations", fine())
            .expect(Method::Get, "/api/v1/leads", fine())
            .expect(Method::Get, "/api/v2/deals", Ok(answer(403, &[], "{}")))
            .expect(Method::Get, "/api/v2/activities", fine());
        let signature = FakeSignature::default();
        let account = check(&Api::open(&call("{}", 0, &http, &signature)).unwrap()).unwrap();
        let expected = Account {
            id: "7".into(),
            name: "Acme".into(),
            time_zone: Some("Europe/Berlin".into()),
            lacking: vec!["deals:read".into()],
        };
        assert_eq!(account, expected);
        http.done();
    }
}
