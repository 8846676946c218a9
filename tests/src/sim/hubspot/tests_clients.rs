//! What HubSpot's own clients rely on beside the plain answers; each of these was once found by one of them.

use serde_json::{Value, json};

use super::tests::{ask, start};
use crate::sim::server::Request;

#[test]
fn flags_are_understood_in_any_case() {
    let hubspot = start(3);
    hubspot.archive("contacts", hubspot.nth("contacts", 0).unwrap()).unwrap();
    let count = |flag: &str| {
        let (status, page) = ask(&hubspot, "GET", &format!("/crm/v3/objects/contacts?archived={flag}"), Value::Null);
        (status, page["results"].as_array().map(Vec::len))
    };
    for flag in ["True", "true", "TRUE"] {
        assert_eq!(count(flag), (200, Some(1)), "{flag}");
    }
    assert_eq!(count("False"), (200, Some(2)));
    assert_eq!(count("yes"), (400, None));
}

#[test]
fn a_token_tells_whose_it_is_until_it_ends() {
    let hubspot = start(0);
    let credentials = hubspot.credentials().clone();
    let tell = |method: &str, path: String| {
        let reply = hubspot.ask(Request::new(method, &path, ""));
        (reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap_or(Value::Null))
    };
    let access = format!("/oauth/v1/access-tokens/{}", credentials.access_token);
    let refresh = format!("/oauth/v1/refresh-tokens/{}", credentials.refresh_token);
    let known = |info: &Value| ["token", "token_type", "hub_id"].map(|name| info[name].clone());
    let (status, info) = tell("GET", access.clone());
    assert_eq!(
        (status, known(&info)),
        (200, [json!(credentials.access_token), json!("access"), json!(credentials.portal_id)])
    );
    assert_eq!((&info["app_id"], &info["expires_in"]), (&json!(credentials.app_id), &json!(1_800)));
    let (status, info) = tell("GET", refresh.clone());
    assert_eq!(
        (status, known(&info)),
        (200, [json!(credentials.refresh_token), json!("refresh"), json!(credentials.portal_id)])
    );
    assert_eq!(info["client_id"], credentials.client_id);
    hubspot.expire_tokens();
    assert_eq!(tell("GET", access).0, 404);
    assert_eq!((tell("DELETE", refresh.clone()).0, tell("GET", refresh).0), (204, 404));
}

#[test]
fn a_record_names_the_lists_it_is_in() {
    let hubspot = start(20);
    let id = hubspot.create("contacts", &[("lifecyclestage", "customer")]).unwrap();
    let lists = || {
        let (status, body) = ask(&hubspot, "GET", &format!("/crm/v3/lists/records/0-1/{id}/memberships"), Value::Null);
        assert_eq!((status, &body["total"]), (200, &json!(body["results"].as_array().unwrap().len())));
        body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|list| list["listId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lists(), ["4"]);
    hubspot.change_list(1, &[id], &[]).unwrap();
    assert_eq!(lists(), ["1", "4"]);
    hubspot.archive("contacts", id).unwrap();
    assert_eq!(lists(), Vec::<String>::new());
}

#[test]
fn every_error_of_a_207_has_the_members_that_the_specification_requires() {
    let hubspot = start(1);
    let id = hubspot.nth("contacts", 0).unwrap().to_string();
    let pair = json!({"from": {"id": id}, "to": {"id": "1"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]});
    let partial = [
        ("/crm/v4/associations/contacts/deals/batch/read", json!({"inputs": [{"id": id}]})),
        ("/crm/v4/associations/contacts/companies/batch/create", json!({"inputs": [pair]})),
        ("/crm/v3/objects/contacts/batch/read", json!({"inputs": [{"id": "1"}]})),
        ("/crm/v3/objects/contacts/batch/update", json!({"inputs": [{"id": "1", "properties": {}}]})),
        (
            "/crm/v3/objects/contacts/batch/create",
            json!({"inputs": [{"objectWriteTraceId": "t", "properties": {"email": "x"}}]}),
        ),
    ];
    for (path, inputs) in partial {
        let (status, body) = ask(&hubspot, "POST", path, inputs);
        assert_eq!((status, &body["numErrors"]), (207, &json!(1)), "{path}: {body}");
        for name in ["status", "category", "message", "context", "errors", "links"] {
            assert!(!body["errors"][0][name].is_null(), "{path} lacks {name}: {body}");
        }
    }
}
