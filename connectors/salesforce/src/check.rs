//! Who the org is, and what the sign-in may not do there.

use ferry_sdk::connector::{Account, Failure};
use ferry_sdk::http::Request;
use serde::Deserialize;

use crate::api::Api;
use crate::objects::{self, STANDARD};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    id: String,
    name: String,
    #[serde(default)]
    time_zone_sid_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Limits {
    daily_api_requests: Option<Allowance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Allowance {
    remaining: i64,
}

/// # Errors
/// `quota-exhausted` where the org's allowance is used up: then nothing else would work either.
pub(crate) fn check(api: &Api<'_>) -> Result<Account, Failure> {
    let soql = "SELECT Id, Name, TimeZoneSidKey FROM Organization";
    let organization = api.rows::<Organization>(soql, "Organization")?.into_iter().next();
    let organization = organization.ok_or_else(|| Failure::Forbidden(vec!["Organization: read".to_owned()]))?;
    let limits: Limits = api.json(Request::get(api.path("/limits")), "limits")?;
    if limits.daily_api_requests.is_some_and(|allowance| allowance.remaining <= 0) {
        return Err(Failure::QuotaExhausted(None));
    }
    let known = objects::all(api)?;
    let mut lacking = Vec::new();
    for name in STANDARD {
        match known.iter().find(|object| object.name == name) {
            None => lacking.push(format!("{name}: read")),
            Some(object) => lacking.extend(object.lacks().map(|right| format!("{name}: {right}"))),
        }
    }
    Ok(Account { id: organization.id, name: organization.name, time_zone: organization.time_zone_sid_key, lacking })
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::json;

    use super::*;

    fn run(remaining: i64) -> Result<Account, Failure> {
        let organization = json!({"totalSize": 1, "done": true, "records": [
            {"attributes": {}, "Id": "00D000000000001EAA", "Name": "Acme", "TimeZoneSidKey": "Europe/Berlin"}]});
        let limits = json!({"DailyApiRequests": {"Max": 15_000, "Remaining": remaining}});
        let object = |name: &str, createable: bool| {
            json!({"name": name, "label": name, "custom": false, "queryable": true,
            "createable": createable, "updateable": true, "deletable": true})
        };
        let objects = json!({"sobjects": [object("Contact", true), object("Lead", true), object("Account", true),
            object("Opportunity", true), object("Task", false)]});
        let mut http = FakeHttp::new()
            .expect(Method::Get, "/services/data/v67.0/query", Ok(json(200, &organization)))
            .expect(Method::Get, "/services/data/v67.0/limits", Ok(json(200, &limits)));
        if remaining > 0 {
            http = http.expect(Method::Get, "/services/data/v67.0/sobjects", Ok(json(200, &objects)));
        }
        let signature = FakeSignature::default();
        let account = check(&Api::open(&call("{}", 0, &http, &signature)).unwrap());
        http.done();
        account
    }

    #[test]
    fn the_org_is_the_account_and_missing_rights_are_named() {
        let expected = Account {
            id: "00D000000000001EAA".into(),
            name: "Acme".into(),
            time_zone: Some("Europe/Berlin".into()),
            lacking: vec!["Task: create".into(), "Event: read".into()],
        };
        assert_eq!(run(7), Ok(expected));
        assert_eq!(run(0), Err(Failure::QuotaExhausted(None)));
    }
}
