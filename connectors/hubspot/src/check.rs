//! Who the account is, and what this sign-in may not do. HubSpot tells nobody a token's permissions without the app's secret,
//! so they are tried out: by reading one record, and by writing a batch without any.

use ferry_sdk::connector::{Account, Call, Failure};
use ferry_sdk::http::Request;
use serde::Deserialize;
use serde_json::json;

use crate::api::Api;
use crate::failure;

/// Objects whose permissions are of their own; activities go by those of contacts.
const TRIED: [&str; 3] = ["contacts", "companies", "deals"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    portal_id: u64,
    #[serde(default)]
    account_type: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
}

impl Details {
    fn account(self, lacking: Vec<String>) -> Account {
        // HubSpot's API does not know the account's name.
        let kind =
            self.account_type.filter(|kind| kind != "STANDARD").map(|kind| kind.to_lowercase().replace('_', " "));
        let name = match kind {
            Some(kind) => format!("HubSpot {} ({kind})", self.portal_id),
            None => format!("HubSpot {}", self.portal_id),
        };
        let time_zone = self.time_zone.filter(|zone| !zone.is_empty());
        Account { id: self.portal_id.to_string(), name, time_zone, lacking }
    }
}

pub(crate) fn check(call: &Call<'_>) -> Result<Account, Failure> {
    let api = Api::open(call)?;
    // First and alone: where the sign-in is not accepted at all, one refusal is enough.
    let details: Details = api.json(Request::get(api.account()), "account")?;
    let mut lacking = Vec::new();
    for answer in api.try_send_all(trials(&api)) {
        let refusal = match failure::checked(answer?, "trial") {
            Ok(_) => continue,
            Err(refusal) => refusal,
        };
        match refusal {
            Failure::Forbidden(scopes) => lacking.extend(scopes),
            // A batch without inputs is refused where writing is allowed; some plans lack some addresses.
            Failure::Invalid(_) | Failure::Missing(_) | Failure::Permanent(_) => {}
            other => return Err(other),
        }
    }
    lacking.sort();
    lacking.dedup();
    Ok(details.account(lacking))
}

fn trials(api: &Api<'_>) -> Vec<Request> {
    let reads = TRIED.iter().map(|object| Request::get(api.objects(object, "")).query("limit", 1));
    let nothing = json!({"inputs": []});
    let writes =
        TRIED.iter().map(|object| Request::post(api.objects(object, "/batch/update")).json(&nothing).repeatable());
    let lists = Request::post(api.lists("/search")).json(&json!({"query": "", "count": 1})).repeatable();
    let others = [lists, Request::get(api.schemas()), Request::get(api.owners()).query("limit", 1)];
    reads.chain(writes).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as respond};

    use super::*;

    fn run(http: &FakeHttp) -> Result<Account, Failure> {
        let signature = FakeSignature::default();
        check(&call("{}", 0, http, &signature))
    }

    fn lacks(scope: &str) -> ferry_sdk::http::Response {
        let errors = json!([{"context": {"requiredGranularScopes": [scope]}}]);
        respond(403, &json!({"category": "MISSING_SCOPES", "errors": errors}))
    }

    #[test]
    fn an_account_has_its_id_and_the_permissions_that_it_lacks() {
        let http = FakeHttp::answering(|request| {
            Some(Ok(match (request.method, request.target.as_str()) {
                (Method::Get, "/account-info/v3/details") => {
                    let details = json!({"portalId": 42, "accountType": "DEVELOPER_TEST", "timeZone": "Europe/Berlin"});
                    respond(200, &details)
                }
                (Method::Get, "/crm/v3/objects/deals") => lacks("crm.objects.deals.read"),
                (Method::Post, "/crm/v3/objects/deals/batch/update") => lacks("crm.objects.deals.write"),
                (Method::Post, "/crm/v3/lists/search") => lacks("crm.lists.read"),
                (Method::Post, target) if target.ends_with("/batch/update") => {
                    respond(400, &json!({"category": "VALIDATION_ERROR"}))
                }
                _ => respond(200, &json!({"results": []})),
            }))
        });
        let lacking =
            ["crm.lists.read", "crm.objects.deals.read", "crm.objects.deals.write"].map(str::to_owned).to_vec();
        let name = "HubSpot 42 (developer test)".to_owned();
        let expected = Account { id: "42".into(), name, time_zone: Some("Europe/Berlin".into()), lacking };
        assert_eq!(run(&http), Ok(expected));
        let bodies = http.sent_json();
        assert!(bodies.iter().all(|body| body.get("inputs").is_none_or(|inputs| *inputs == json!([]))));
    }

    #[test]
    fn a_dead_sign_in_is_told_after_one_request() {
        let http = FakeHttp::answering(|_| Some(Ok(answer(401, &[], r#"{"category":"INVALID_AUTHENTICATION"}"#))));
        let expected = "HubSpot does not accept the sign-in (INVALID_AUTHENTICATION)";
        assert_eq!(run(&http), Err(Failure::Unauthorized(expected.into())));
        assert_eq!(http.sent().len(), 1);
    }

    #[test]
    fn an_outage_is_not_taken_for_a_permission() {
        let http = FakeHttp::answering(|request| {
            let is_account = request.target.starts_with("/account-info");
            Some(Ok(if is_account { respond(200, &json!({"portalId": 1})) } else { answer(503, &[], "") }))
        });
        assert_eq!(run(&http), Err(Failure::Temporary("HubSpot answered with status 503".into())));
    }
}
