use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{LEAD_SOURCE, TOPICS};
use super::*;
use crate::sim::server::{Reply, Request};

fn crm(contacts: u64) -> Pipedrive {
    Pipedrive::start(Options { contacts, ..Options::default() }).unwrap()
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn get(crm: &Pipedrive, target: &str) -> Value {
    let reply = crm.ask(Request::new("GET", target, ""));
    assert_eq!(reply.status, 200, "{target}: {}", body(&reply));
    body(&reply)
}

fn status(crm: &Pipedrive, method: &str, target: &str, sent: &Value) -> u16 {
    crm.ask(Request::new(method, target, sent.to_string())).status
}

fn all(crm: &Pipedrive, question: &str) -> Vec<u64> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(crm, &format!("/api/v2/persons?{question}{cursor}"));
        ids.extend(page["data"].as_array().unwrap().iter().map(|record| record["id"].as_u64().unwrap()));
        match page["additional_data"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[test]
fn every_order_pages_through_everything_once_also_where_stamps_are_equal() {
    let crm = crm(60);
    for question in ["limit=7", "limit=7&sort_by=update_time", "limit=7&sort_by=add_time&sort_direction=desc"] {
        let ids = all(&crm, question);
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (60, 60), "{question}");
    }
}

#[test]
fn a_cursor_belongs_to_its_question() {
    let crm = crm(20);
    let page = get(&crm, "/api/v2/persons?limit=5");
    let cursor = page["additional_data"]["next_cursor"].as_str().unwrap();
    assert_eq!(status(&crm, "GET", &format!("/api/v2/persons?limit=6&cursor={cursor}"), &Value::Null), 400);
    for wrong in ["limit=501", "limit=0", "sort_by=name", "updated_since=yesterday", "ids=x", "nope=1", "cursor=x"] {
        assert_eq!(status(&crm, "GET", &format!("/api/v2/persons?{wrong}"), &Value::Null), 400, "{wrong}");
    }
}

#[test]
fn windows_have_their_first_second_and_not_their_last() {
    let crm = crm(0);
    let id = crm.create("persons", &json!({"name": "Ada"}));
    let at = "2026-03-02T09:00:00Z";
    assert_eq!(all(&crm, &format!("updated_since={at}")), [id]);
    assert_eq!(all(&crm, &format!("updated_until={at}")), [0; 0]);
}

#[test]
fn writes_are_checked_field_by_field() {
    let crm = crm(20);
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x", "first_name": "y"}),
        json!({"name": "x", "emails": [{"value": "a@x", "primary": true}, {"value": "b@x", "primary": true}]}),
        json!({"name": "x", "org_id": 99_999}),
        json!({"name": "x", "org_id": "101"}),
        json!({"name": "x", "custom_fields": {"nope": 1}}),
        json!({"name": "x", "custom_fields": {LEAD_SOURCE: 99}}),
        json!({"name": "x", "custom_fields": {TOPICS: []}}),
    ] {
        assert_eq!(status(&crm, "POST", "/api/v2/persons", &wrong), 400, "{wrong}");
    }
    let right = json!({"name": "Ada Lovelace", "org_id": 101, "custom_fields": {LEAD_SOURCE: 11}});
    let reply = crm.ask(Request::new("POST", "/api/v2/persons", right.to_string()));
    let data = body(&reply)["data"].clone();
    assert_eq!(
        (reply.status, &data["last_name"], &data["custom_fields"][LEAD_SOURCE]),
        (201, &json!("Lovelace"), &json!(11))
    );
    let target = format!("/api/v2/persons/{}", data["id"]);
    assert_eq!(status(&crm, "DELETE", &target, &Value::Null), 200);
    assert_eq!(status(&crm, "DELETE", &target, &Value::Null), 404);
}

#[test]
fn recent_changes_tell_deletes_and_merges() {
    let crm = crm(0);
    let [one, two, three] = ["A", "B", "C"].map(|name| crm.create("persons", &json!({"name": name})));
    crm.clock().advance(1_000);
    crm.delete("persons", one);
    crm.merge("persons", two, three);
    let recents = get(&crm, "/api/v1/recents?since_timestamp=2026-03-02%2009:00:01&items=person");
    let told: Vec<_> = recents["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["id"].as_u64().unwrap(),
                change["data"]["active_flag"] == true,
                change["data"]["merge_what_id"].as_u64(),
            )
        })
        .collect();
    assert_eq!(told, [(one, false, None), (two, true, Some(three)), (three, false, None)]);
}

#[test]
fn a_burst_and_a_day_have_an_end() {
    let crm = crm(0);
    crm.switch(|switches| switches.limits = true);
    let ask = || crm.ask(Request::new("GET", "/api/v2/persons", ""));
    let statuses: Vec<u16> = (0..21).map(|_| ask().status).collect();
    assert_eq!((statuses[19], statuses[20]), (200, 429));
    crm.clock().advance(2_000);
    crm.leave_budget(15);
    let last = ask();
    let header = |name: &str| last.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((last.status, header("x-daily-ratelimit-token-remaining"), ask().status), (200, Some("5"), 429));
}

#[test]
fn tokens_end_and_scopes_are_asked_for() {
    let crm = crm(0);
    let bearer = |target: &str| {
        let mut request = Request::new("GET", target, "");
        let value = format!("Bearer {}", crm.credentials().access_token);
        request.headers.insert("authorization", value.parse().unwrap());
        crm.ask(request).status
    };
    assert_eq!(bearer("/api/v2/deals"), 200);
    crm.remove_scope("deals:full");
    assert_eq!((bearer("/api/v2/deals"), bearer("/api/v2/persons")), (403, 200));
    crm.clock().advance(3_600_000);
    assert_eq!(bearer("/api/v2/persons"), 401);
}

#[test]
fn leads_are_in_version_1_by_offset_and_archived_ones_apart() {
    let crm = crm(60);
    crm.update("leads", number(&crm, 0), &json!({"is_archived": true}));
    crm.delete("leads", number(&crm, 1));
    let ids = |target: &str| -> Vec<String> {
        let page = get(&crm, target);
        page["data"].as_array().into_iter().flatten().map(|lead| lead["id"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (ids("/api/v1/leads?limit=9"), ids("/api/v1/leads?limit=9&start=9"));
    let distinct: BTreeSet<&String> = first.iter().chain(&second).collect();
    assert_eq!((first.len(), second.len(), distinct.len()), (9, 4, 13));
    let archived = ids("/api/v1/leads/archived");
    assert_eq!(archived.len(), 1);
    assert_eq!(get(&crm, &format!("/api/v1/leads/{}", archived[0]))["data"]["is_archived"], true);
    let about = ids("/api/v1/leads?filter_id=11");
    assert!(!about.is_empty() && about.len() < 13, "{about:?}");
    assert!(ids("/api/v1/leads?updated_since=2100-01-01T00:00:00Z").is_empty());
    for (target, expected) in [
        ("/api/v1/leads?sort=label_ids", 400),
        ("/api/v1/leads?ids=1", 400),
        ("/api/v1/leads/00000000-0000-4000-8000-000000000000", 404),
        ("/api/v2/leads", 404),
    ] {
        assert_eq!(status(&crm, "GET", target, &Value::Null), expected, "{target}");
    }
}

#[test]
fn an_activity_is_about_a_lead_that_is_there() {
    let crm = crm(40);
    let lead = crm.records("leads")[0]["id"].clone();
    let sent = |lead: &Value| status(&crm, "POST", "/api/v2/activities", &json!({"subject": "Call", "lead_id": lead}));
    assert_eq!((sent(&lead), sent(&json!(1)), sent(&json!("00000000-0000-4000-8000-000000000000"))), (201, 400, 400));
    assert_eq!(crm.records("activities")[0]["lead_id"], lead);
}

/// What the lead at an index is to those who work in the CRM.
fn number(crm: &Pipedrive, index: usize) -> u64 {
    super::leads::number(crm.records("leads")[index]["id"].as_str().unwrap()).unwrap()
}
