//! What a client meets: lists, batches, search, merges, associations, sign-in.

use serde_json::{Value, json};

use super::{HubSpot, Options, Switches};
use crate::sim::clock::DEFAULT_START_MS;
use crate::sim::server::Request;

pub(super) fn start(contacts: u64) -> HubSpot {
    HubSpot::start(Options { contacts, ..Options::default() }).unwrap()
}

pub(super) fn ask(hubspot: &HubSpot, method: &str, target: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let reply = hubspot.ask(Request::new(method, target, body));
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

fn ids(page: &Value) -> Vec<u64> {
    page["results"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap().parse().unwrap()).collect()
}

fn create(hubspot: &HubSpot, properties: Value) -> u64 {
    let (status, record) = ask(hubspot, "POST", "/crm/v3/objects/contacts", json!({ "properties": properties }));
    assert_eq!(status, 201, "{record}");
    record["id"].as_str().unwrap().parse().unwrap()
}

fn search(hubspot: &HubSpot, body: Value) -> (u16, Value) {
    ask(hubspot, "POST", "/crm/v3/objects/contacts/search", body)
}

#[test]
fn paging_over_a_list_shows_each_record_once() {
    let hubspot = start(237);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) =
            ask(&hubspot, "GET", &format!("/crm/objects/2026-09/contacts?limit=100{after}"), Value::Null);
        assert_eq!(status, 200);
        seen.extend(ids(&page));
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 237);
    assert!(seen.is_sorted());
    for limit in ["0", "101", "x"] {
        assert_eq!(ask(&hubspot, "GET", &format!("/crm/v3/objects/contacts?limit={limit}"), Value::Null).0, 400);
    }
}

#[test]
fn unknown_properties_are_absent_and_missing_values_null() {
    let hubspot = start(0);
    let id = create(&hubspot, json!({"firstname": "Zoë"}));
    let (_, record) =
        ask(&hubspot, "GET", &format!("/crm/v3/objects/contacts/{id}?properties=phone,nope,firstname"), Value::Null);
    let now = "2026-03-02T09:00:00Z";
    let expected = json!({"createdate": now, "firstname": "Zoë", "hs_object_id": id.to_string(), "lastmodifieddate": now, "phone": null});
    assert_eq!(record["properties"], expected);
}

#[test]
fn a_batch_without_trace_ids_is_all_or_nothing() {
    let hubspot = start(0);
    let inputs = json!({"inputs": [{"properties": {"email": "a@example.com"}}, {"properties": {"email": "broken"}}]});
    let (status, body) = ask(&hubspot, "POST", "/crm/v3/objects/contacts/batch/create", inputs);
    assert_eq!((status, body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    let twice =
        json!({"inputs": [{"properties": {"email": "a@example.com"}}, {"properties": {"email": "A@example.com"}}]});
    assert_eq!(ask(&hubspot, "POST", "/crm/v3/objects/contacts/batch/create", twice).0, 409);
    assert_eq!(hubspot.journal(), []);
}

#[test]
fn a_batch_with_trace_ids_says_which_input_failed() {
    let hubspot = start(0);
    let inputs = json!({"inputs": [
        {"objectWriteTraceId": "one", "properties": {"email": "a@example.com"}},
        {"objectWriteTraceId": "two", "properties": {"email": "broken"}},
        {"objectWriteTraceId": "three", "properties": {"email": "a@example.com"}},
    ]});
    let (status, body) = ask(&hubspot, "POST", "/crm/v3/objects/contacts/batch/create", inputs);
    let failed: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (&error["context"]["objectWriteTraceId"][0], &error["category"]))
        .collect();
    assert_eq!(
        (status, body["numErrors"].as_u64(), body["results"][0]["objectWriteTraceId"].as_str()),
        (207, Some(2), Some("one"))
    );
    assert_eq!(failed, [(&json!("two"), &json!("VALIDATION_ERROR")), (&json!("three"), &json!("CONFLICT"))]);
    let traces: Vec<_> = hubspot.journal().into_iter().map(|entry| (entry.operation, entry.trace_id)).collect();
    assert_eq!(traces, [("create".to_owned(), Some("one".to_owned()))]);
}

#[test]
fn an_upsert_by_a_unique_property_creates_once_and_then_updates() {
    let hubspot = start(0);
    let property = json!({"name": "x_call_id", "label": "Call id", "type": "string", "fieldType": "text",
        "groupName": "callinformation", "hasUniqueValue": true});
    assert_eq!(ask(&hubspot, "POST", "/crm/v3/properties/calls", property).0, 201);
    let upsert = |title: &str| {
        let input = json!({"id": "call-1", "idProperty": "x_call_id", "objectWriteTraceId": "t",
            "properties": {"hs_timestamp": "1772442000000", "hs_call_title": title}});
        let (status, body) = ask(&hubspot, "POST", "/crm/v3/objects/calls/batch/upsert", json!({"inputs": [input]}));
        assert_eq!(status, 200, "{body}");
        (body["results"][0]["new"].clone(), body["results"][0]["id"].clone())
    };
    let (new, id) = upsert("first");
    assert_eq!((new, upsert("second")), (json!(true), (json!(false), id)));
    let calls = hubspot.records("calls", 0, 10).unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].properties["hs_call_title"].as_str(), calls[0].properties["hs_timestamp"].as_str()),
        ("second", "2026-03-02T09:00:00Z")
    );
    let by_email = json!({"inputs": [{"id": "x@example.com", "idProperty": "email", "objectWriteTraceId": "a", "properties": {}},
        {"id": "y@example.com", "idProperty": "email", "objectWriteTraceId": "b", "properties": {"vip": "maybe"}}]});
    assert_eq!(ask(&hubspot, "POST", "/crm/v3/objects/contacts/batch/upsert", by_email).0, 400);
}

#[test]
fn batches_refuse_no_inputs_too_many_and_the_same_twice() {
    let hubspot = start(0);
    let batch =
        |inputs: Value| ask(&hubspot, "POST", "/crm/v3/objects/contacts/batch/update", json!({ "inputs": inputs }));
    let (status, body) = batch(json!([]));
    assert_eq!(
        (status, body["message"].as_str()),
        (400, Some("Batch input provided should have at least one object."))
    );
    let many: Vec<Value> = (0..101).map(|id| json!({"id": id.to_string(), "properties": {}})).collect();
    assert_eq!(batch(json!(many)).0, 400);
    assert_eq!(batch(json!([{"id": "5", "properties": {}}, {"id": "5", "properties": {}}])).0, 400);
    let (status, body) = batch(json!([{"id": "5", "properties": {"firstname": "x"}}]));
    assert_eq!((status, &body["errors"][0]["context"]["ids"]), (207, &json!(["5"])));
}

#[test]
fn a_merge_gives_a_new_id_to_which_the_old_ones_lead() {
    let hubspot = start(0);
    let (one, other) =
        (create(&hubspot, json!({"email": "a@example.com"})), create(&hubspot, json!({"phone": "+4930123456"})));
    let (status, merged) = ask(
        &hubspot,
        "POST",
        "/crm/v3/objects/contacts/merge",
        json!({"primaryObjectId": one.to_string(), "objectIdToMerge": other.to_string()}),
    );
    assert_eq!(status, 200);
    let id: u64 = merged["id"].as_str().unwrap().parse().unwrap();
    assert!(id > other);
    for old in [one, other] {
        let target = format!("/crm/v3/objects/contacts/{old}?properties=email,phone,hs_merged_object_ids");
        let (_, record) = ask(&hubspot, "GET", &target, Value::Null);
        let shown = ["email", "phone", "hs_merged_object_ids"].map(|name| record["properties"][name].clone());
        assert_eq!(record["id"], id.to_string());
        assert_eq!(shown, [json!("a@example.com"), json!("+4930123456"), json!(format!("{one};{other}"))]);
    }
    let update = json!({"inputs": [{"id": one.to_string(), "properties": {"firstname": "x"}}]});
    assert_eq!(ask(&hubspot, "POST", "/crm/v3/objects/contacts/batch/update", update).0, 207);
    let (_, page) = ask(&hubspot, "GET", "/crm/v3/objects/contacts", Value::Null);
    assert_eq!(ids(&page), [id]);
}

#[test]
fn archiving_hides_a_record_from_search_without_moving_its_stamp() {
    let hubspot = start(20);
    let id = hubspot.nth("contacts", 4).unwrap();
    let before = hubspot.records("contacts", id, 1).unwrap().remove(0);
    hubspot.archive("contacts", id).unwrap();
    let (_, found) = search(&hubspot, json!({"limit": 100}));
    let (_, archived) = ask(&hubspot, "GET", "/crm/v3/objects/contacts?archived=true", Value::Null);
    assert_eq!((found["total"].as_u64(), ids(&archived)), (Some(19), vec![id]));
    assert_eq!(archived["results"][0]["updatedAt"], before.properties["lastmodifieddate"]);
    assert_eq!(ask(&hubspot, "GET", &format!("/crm/v3/objects/contacts/{id}"), Value::Null).0, 404);
    hubspot.restore("contacts", id).unwrap();
    assert_eq!(search(&hubspot, json!({})).1["total"], 20);
}

#[test]
fn a_search_keeps_to_its_limits() {
    let hubspot = start(5);
    let filter = json!({"propertyName": "firstname", "operator": "HAS_PROPERTY"});
    let group = |filters: usize| json!({"filters": vec![filter.clone(); filters]});
    let refused = [
        json!({"limit": 201}),
        json!({"limit": 100, "after": "9901"}),
        json!({"filterGroups": vec![group(1); 6]}),
        json!({"filterGroups": [group(7)]}),
        json!({"filterGroups": vec![group(5); 4]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ", "value": "1"}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GT", "value": "2026-03-02T09:00:00Z"}]}]}),
        json!({"sorts": ["firstname", "lastname"]}),
        json!({"query": "x".repeat(3_000)}),
    ];
    for body in refused {
        assert_eq!(search(&hubspot, body.clone()).0, 400, "{body}");
    }
    assert_eq!(
        search(&hubspot, json!({"limit": 100, "after": "9900", "filterGroups": [group(6), group(6), group(6)]})).0,
        200
    );
}

#[test]
fn every_operator_selects_as_documented() {
    let hubspot = start(0);
    let people = [("Anna Lee", "1", "web"), ("Bert", "2", "referral"), ("anna", "30", "web")];
    let made: Vec<u64> = people
        .iter()
        .map(|(name, score, source)| {
            create(&hubspot, json!({"firstname": name, "lead_score": score, "lead_source": source}))
        })
        .collect();
    let none = create(&hubspot, json!({"lastname": "None"}));
    let all = |places: &[usize]| places.iter().map(|place| made[*place]).collect::<Vec<_>>();
    let with_none = |places: &[usize]| all(places).into_iter().chain([none]).collect::<Vec<_>>();
    let cases = [
        (json!({"propertyName": "firstname", "operator": "EQ", "value": "ANNA"}), all(&[2])),
        (json!({"propertyName": "firstname", "operator": "NEQ", "value": "Bert"}), with_none(&[0, 2])),
        (json!({"propertyName": "lead_score", "operator": "GT", "value": "2"}), all(&[2])),
        (json!({"propertyName": "lead_score", "operator": "LTE", "value": "2"}), all(&[0, 1])),
        (json!({"propertyName": "lead_score", "operator": "BETWEEN", "value": "2", "highValue": "30"}), all(&[1, 2])),
        (json!({"propertyName": "lead_source", "operator": "IN", "values": ["web", "partner"]}), all(&[0, 2])),
        (json!({"propertyName": "lead_source", "operator": "NOT_IN", "values": ["web"]}), with_none(&[1])),
        // The values of IN are compared as they are with lower-case text.
        (json!({"propertyName": "firstname", "operator": "IN", "values": ["Bert", "anna"]}), all(&[2])),
        (json!({"propertyName": "firstname", "operator": "HAS_PROPERTY"}), all(&[0, 1, 2])),
        (json!({"propertyName": "firstname", "operator": "NOT_HAS_PROPERTY"}), vec![none]),
        (json!({"propertyName": "firstname", "operator": "CONTAINS_TOKEN", "value": "an*"}), all(&[0, 2])),
        (json!({"propertyName": "firstname", "operator": "NOT_CONTAINS_TOKEN", "value": "anna"}), with_none(&[1])),
        (json!({"propertyName": "hs_object_id", "operator": "GTE", "value": made[2].to_string()}), with_none(&[2])),
    ];
    for (filter, expected) in cases {
        let (_, found) = search(&hubspot, json!({"filterGroups": [{"filters": [filter]}]}));
        assert_eq!(ids(&found), expected, "{filter}");
        assert_eq!(found["total"], expected.len());
    }
}

#[test]
fn a_window_of_stamps_is_the_same_from_the_index_and_from_a_scan() {
    let hubspot = start(400);
    hubspot.update("contacts", hubspot.nth("contacts", 7).unwrap(), &[("firstname", "New")]).unwrap();
    let from = DEFAULT_START_MS - 60 * 86_400_000;
    let window = json!({"propertyName": "lastmodifieddate", "operator": "GTE", "value": from.to_string()});
    // A filter that every record passes takes the search off the index.
    let slow = json!({"propertyName": "createdate", "operator": "HAS_PROPERTY"});
    let sorts = json!([{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]);
    let run = |filters: Value| {
        search(&hubspot, json!({"filterGroups": [{"filters": filters}], "sorts": sorts, "limit": 200, "after": 50})).1
    };
    let (fast, scanned) = (run(json!([window])), run(json!([window, slow])));
    assert_eq!((ids(&fast), &fast["total"]), (ids(&scanned), &scanned["total"]));
    assert_eq!(ids(&fast).len(), 200);
}

#[test]
fn a_lagging_index_shows_the_old_state_until_the_time_is_over() {
    let hubspot = start(0);
    let id = create(&hubspot, json!({"firstname": "Old"}));
    hubspot.switch(|switches| switches.search_lag_ms = 5_000);
    hubspot.update("contacts", id, &[("firstname", "New")]).unwrap();
    create(&hubspot, json!({"firstname": "Fresh"}));
    let names = || {
        let (_, found) = search(&hubspot, json!({"properties": ["firstname"]}));
        found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["properties"]["firstname"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["Old"]);
    hubspot.clock().advance(5_000);
    assert_eq!(names(), ["New", "Fresh"]);
}

#[test]
fn logging_a_call_moves_the_contacts_stamp_and_linking_a_company_does_not() {
    let hubspot = start(0);
    let id = create(&hubspot, json!({"firstname": "Zoë"}));
    let (_, company) = ask(&hubspot, "POST", "/crm/v3/objects/companies", json!({"properties": {"name": "Acme"}}));
    let stamp = || hubspot.records("contacts", id, 1).unwrap()[0].properties["lastmodifieddate"].clone();
    let created = stamp();
    hubspot.clock().advance(60_000);
    let link = format!(
        "/crm/objects/2026-09/contacts/{id}/associations/default/companies/{}",
        company["id"].as_str().unwrap()
    );
    assert_eq!((ask(&hubspot, "PUT", &link, Value::Null).0, stamp()), (200, created));
    let call = json!({"properties": {"hs_timestamp": "1772442000000"}, "associations": [{"to": {"id": id.to_string()},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}]}]});
    assert_eq!(ask(&hubspot, "POST", "/crm/v3/objects/calls", call).0, 201);
    assert_eq!(stamp(), "2026-03-02T09:01:00Z");
}

#[test]
fn a_list_change_moves_no_stamp_and_dynamic_lists_follow_their_rule() {
    let hubspot = start(70);
    let (first, second) = (hubspot.nth("contacts", 0).unwrap(), hubspot.nth("contacts", 1).unwrap());
    let before = hubspot.records("contacts", 0, 100).unwrap();
    let (_, changed) =
        ask(&hubspot, "PUT", "/crm/v3/lists/1/memberships/add", json!([first.to_string(), second.to_string(), "4"]));
    assert_eq!(
        changed,
        json!({"recordsIdsAdded": [second.to_string()], "recordIdsRemoved": [], "recordIdsMissing": ["4"]})
    );
    assert_eq!(hubspot.records("contacts", 0, 100).unwrap(), before);
    let size =
        |id: u32| ask(&hubspot, "GET", &format!("/crm/v3/lists/{id}"), Value::Null).1["list"]["size"].as_u64().unwrap();
    let (manual, customers) = (size(1), size(4));
    assert_eq!(manual, 11);
    create(&hubspot, json!({"lifecyclestage": "customer"}));
    assert_eq!(size(4), customers + 1);
    assert_eq!(ask(&hubspot, "PUT", "/crm/v3/lists/4/memberships/add", json!([first.to_string()])).0, 400);
}

#[test]
fn a_custom_object_is_made_and_used_like_any_other() {
    let hubspot = start(0);
    let schema = json!({"name": "car", "labels": {"singular": "Car", "plural": "Cars"}, "requiredProperties": ["vin"],
        "primaryDisplayProperty": "vin", "associatedObjects": ["CONTACT"],
        "properties": [{"name": "vin", "label": "VIN", "type": "string", "fieldType": "text", "hasUniqueValue": true}]});
    let (status, made) = ask(&hubspot, "POST", "/crm-object-schemas/2026-09/schemas", schema);
    assert_eq!(status, 201, "{made}");
    let target = format!("/crm/v3/objects/{}", made["objectTypeId"].as_str().unwrap());
    assert_eq!(ask(&hubspot, "POST", &target, json!({"properties": {}})).0, 400);
    assert_eq!(ask(&hubspot, "POST", &target, json!({"properties": {"vin": "W1"}})).0, 201);
    let (_, found) = ask(&hubspot, "GET", "/crm/v3/objects/p62515_car/W1?idProperty=vin", Value::Null);
    assert_eq!(found["properties"]["vin"], "W1");
}

#[test]
fn about_three_contacts_in_a_hundred_are_broken_in_phone_or_email() {
    let hubspot =
        HubSpot::start(Options { contacts: 4_000, switches: Switches::default(), ..Options::default() }).unwrap();
    let broken = hubspot.records("contacts", 0, 4_000).unwrap().into_iter().filter(|record| {
        let digits = record.properties.get("phone").map(|phone| phone.chars().filter(char::is_ascii_digit).count());
        let email = record.properties.get("email").is_some_and(|email| !super::values::is_email(email));
        digits.is_some_and(|digits| digits < 9) || email
    });
    let count = broken.count();
    assert!((60..200).contains(&count), "{count} of 4000");
}
