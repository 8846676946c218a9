//! What a client meets: queries, records, collections, sign-in.

use serde_json::{Value, json};

use super::{Options, Salesforce};
use crate::sim::faults::{Fault, Rule};
use crate::sim::server::{Reply, Request};

pub(super) const DATA: &str = "/services/data/v60.0";

pub(super) fn start(contacts: u64) -> Salesforce {
    Salesforce::start(Options { contacts, ..Options::default() }).unwrap()
}

pub(super) fn ask(salesforce: &Salesforce, method: &str, target: &str, body: Value) -> (u16, Value) {
    let reply = ask_with(salesforce, method, target, body, &[]);
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

fn ask_with(
    salesforce: &Salesforce,
    method: &str,
    target: &str,
    body: Value,
    headers: &[(&'static str, &str)],
) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = Request::new(method, target, body);
    for (name, value) in headers {
        request.headers.insert(*name, value.parse().unwrap());
    }
    salesforce.ask(request)
}

fn soql(salesforce: &Salesforce, soql: &str) -> (u16, Value) {
    let query: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
    ask(salesforce, "GET", &format!("{DATA}/query?q={query}"), Value::Null)
}

fn create(salesforce: &Salesforce, object: &str, fields: Value) -> String {
    let (status, body) = ask(salesforce, "POST", &format!("{DATA}/sobjects/{object}"), fields);
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

#[test]
fn pages_show_each_record_once_and_a_locator_expires() {
    let salesforce = start(450);
    let query = "SELECT Id, Name, Account.Name FROM Contact ORDER BY SystemModstamp, Id";
    let text: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let hint = [("sforce-query-options", "batchSize=200")];
    let reply = ask_with(&salesforce, "GET", &format!("{DATA}/query?q={text}"), Value::Null, &hint);
    let mut page: Value = serde_json::from_slice(&reply.body).unwrap();
    let (mut ids, mut sizes) = (std::collections::BTreeSet::new(), Vec::new());
    let first_next = page["nextRecordsUrl"].as_str().unwrap().to_owned();
    loop {
        let records = page["records"].as_array().unwrap();
        sizes.push(records.len());
        ids.extend(records.iter().map(|record| record["Id"].as_str().unwrap().to_owned()));
        assert_eq!(page["totalSize"], 450);
        match page["nextRecordsUrl"].as_str() {
            Some(next) => page = ask(&salesforce, "GET", next, Value::Null).1,
            None => break,
        }
    }
    assert_eq!((ids.len(), sizes), (450, vec![200, 200, 50]));
    salesforce.switch(|switches| switches.session_ms = i64::MAX / 4);
    salesforce.clock().advance(60_000);
    assert_eq!(ask(&salesforce, "GET", &first_next, Value::Null).0, 200);
    salesforce.clock().advance(2 * 86_400_000);
    let (status, body) = ask(&salesforce, "GET", &first_next, Value::Null);
    assert_eq!((status, &body[0]["errorCode"]), (400, &json!("INVALID_QUERY_LOCATOR")));
}

#[test]
fn a_keyset_walk_over_equal_stamps_finds_every_record() {
    let salesforce = start(300);
    salesforce.stamp_all("Contact", 1_772_000_000_000).unwrap();
    let (mut last, mut seen) = (None::<String>, 0);
    loop {
        let condition = last.as_ref().map_or(String::new(), |id| {
            format!(
                "WHERE (SystemModstamp = 2026-02-25T06:13:20Z AND Id > '{id}') OR SystemModstamp > 2026-02-25T06:13:20Z"
            )
        });
        let (status, page) =
            soql(&salesforce, &format!("SELECT Id FROM Contact {condition} ORDER BY SystemModstamp, Id LIMIT 70"));
        assert_eq!(status, 200, "{page}");
        let records = page["records"].as_array().unwrap();
        seen += records.len();
        match records.last() {
            Some(record) => last = Some(record["Id"].as_str().unwrap().to_owned()),
            None => break,
        }
    }
    assert_eq!(seen, 300);
}

#[test]
fn an_upsert_by_external_id_creates_once_and_then_updates() {
    let salesforce = start(0);
    let path = format!("{DATA}/sobjects/Task/Ferry_Id__c/call-1");
    let upsert = |subject: &str| ask(&salesforce, "PATCH", &path, json!({"Subject": subject, "Status": "Completed"}));
    let (status, body) = upsert("first");
    assert_eq!((status, &body["created"], &body["success"]), (201, &json!(true), &json!(true)));
    let (status, again) = upsert("second");
    assert_eq!((status, &again["created"], &again["id"]), (200, &json!(false), &body["id"]));
    let (_, task) = ask(&salesforce, "GET", &path, Value::Null);
    assert_eq!((&task["Subject"], &task["IsClosed"]), (&json!("second"), &json!(true)));
    let operations: Vec<_> = salesforce.journal().into_iter().map(|entry| (entry.operation, entry.trace_id)).collect();
    let key = Some("call-1".to_owned());
    assert_eq!(operations, [("create".to_owned(), key.clone()), ("update".to_owned(), key)]);
    salesforce.fault(Rule::times(Fault::Ambiguous, 1));
    assert_eq!(upsert("third").0, 300);
}

#[test]
fn a_collection_says_for_each_record_what_became_of_it() {
    let salesforce = start(0);
    let contact =
        |name: Value, email: &str| json!({"attributes": {"type": "Contact"}, "LastName": name, "Email": email});
    let records =
        json!([contact(json!("A"), "a@x.example"), contact(Value::Null, "b@x.example"), contact(json!("C"), "no")]);
    let path = format!("{DATA}/composite/sobjects");
    let (status, results) = ask(&salesforce, "POST", &path, json!({"allOrNone": false, "records": records}));
    let codes: Vec<_> =
        results.as_array().unwrap().iter().map(|result| result["errors"][0]["statusCode"].clone()).collect();
    let (missing, invalid) = (json!("REQUIRED_FIELD_MISSING"), json!("INVALID_EMAIL_ADDRESS"));
    assert_eq!((status, codes), (200, vec![Value::Null, missing.clone(), invalid.clone()]));
    let (_, results) = ask(&salesforce, "POST", &path, json!({"allOrNone": true, "records": records}));
    let codes: Vec<_> =
        results.as_array().unwrap().iter().map(|result| result["errors"][0]["statusCode"].clone()).collect();
    assert_eq!(codes, vec![json!("ALL_OR_NONE_OPERATION_ROLLED_BACK"), missing, invalid]);
    assert_eq!(soql(&salesforce, "SELECT count() FROM Contact").1["totalSize"], 1);
    assert_eq!((salesforce.journal().len(), salesforce.changes().len()), (1, 1));
}

#[test]
fn a_write_on_a_condition_is_refused_when_the_record_has_moved() {
    let salesforce = start(0);
    let id = create(&salesforce, "Contact", json!({"LastName": "A"}));
    let path = format!("{DATA}/sobjects/Contact/{id}");
    let patch = |since: &str| {
        ask_with(&salesforce, "PATCH", &path, json!({"FirstName": "B"}), &[("if-unmodified-since", since)]).status
    };
    assert_eq!(patch("Mon, 02 Mar 2026 08:59:59 GMT"), 412);
    assert_eq!(patch("Mon, 02 Mar 2026 09:00:00 GMT"), 204);
}

#[test]
fn hidden_fields_are_omitted_and_unknown() {
    let salesforce = start(1);
    salesforce.switch(|switches| switches.hidden_fields = ["Contact.Phone".to_owned()].into());
    let (_, described) = ask(&salesforce, "GET", &format!("{DATA}/sobjects/Contact/describe"), Value::Null);
    assert!(described["fields"].as_array().unwrap().iter().all(|field| field["name"] != "Phone"));
    let (status, body) = soql(&salesforce, "SELECT Phone FROM Contact");
    assert_eq!((status, &body[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
}

#[test]
fn deletes_merges_and_conversions_leave_their_traces() {
    let salesforce = start(0);
    let (kept, lost) = (
        create(&salesforce, "Contact", json!({"LastName": "A"})),
        create(&salesforce, "Contact", json!({"LastName": "B", "Phone": "+49 30 1"})),
    );
    let task = create(&salesforce, "Task", json!({"Subject": "Call", "WhoId": lost}));
    salesforce.merge(&kept, &lost).unwrap();
    let target = format!("{DATA}/queryAll?q=SELECT+Id,MasterRecordId+FROM+Contact+WHERE+IsDeleted=true");
    let (_, gone) = ask(&salesforce, "GET", &target, Value::Null);
    assert_eq!((&gone["records"][0]["Id"], &gone["records"][0]["MasterRecordId"]), (&json!(lost), &json!(kept)));
    let (_, moved) = ask(&salesforce, "GET", &format!("{DATA}/sobjects/Task/{task}"), Value::Null);
    assert_eq!(moved["WhoId"], json!(kept));
    let (status, body) = ask(&salesforce, "GET", &format!("{DATA}/sobjects/Contact/{lost}"), Value::Null);
    assert_eq!((status, &body[0]["errorCode"]), (404, &json!("ENTITY_IS_DELETED")));
    let lead = create(&salesforce, "Lead", json!({"LastName": "L", "Company": "C"}));
    let [_, contact] = salesforce.convert(&lead).unwrap();
    let path = format!("{DATA}/sobjects/Lead/{lead}");
    let (_, converted) = ask(&salesforce, "GET", &path, Value::Null);
    assert_eq!((&converted["IsConverted"], &converted["ConvertedContactId"]), (&json!(true), &json!(contact)));
    let (status, body) = ask(&salesforce, "PATCH", &path, json!({"Company": "D"}));
    assert_eq!((status, &body[0]["errorCode"]), (400, &json!("CANNOT_UPDATE_CONVERTED_LEAD")));
}

#[test]
fn a_call_is_told_from_a_person_by_its_origin_and_leads_are_given_away_unless_told_not_to() {
    let salesforce = start(0);
    let path = format!("{DATA}/sobjects/Lead");
    let lead = json!({"LastName": "L", "Company": "C"});
    let headers = [("sforce-call-options", "client=ferry"), ("sforce-auto-assign", "FALSE")];
    assert_eq!(ask_with(&salesforce, "POST", &path, lead.clone(), &headers).status, 201);
    assert_eq!(ask(&salesforce, "POST", &path, lead.clone()).0, 201);
    salesforce.create("Lead", &lead, None).unwrap();
    let origins: Vec<_> = salesforce.changes().into_iter().map(|event| event.change_origin).collect();
    assert_eq!(origins, ["com/salesforce/api/rest/60.0;client=ferry", "com/salesforce/api/rest/60.0", ""]);
    let (_, owners) = soql(&salesforce, "SELECT Owner.Name FROM Lead ORDER BY Id");
    let owners: Vec<_> =
        owners["records"].as_array().unwrap().iter().map(|lead| lead["Owner"]["Name"].clone()).collect();
    assert_eq!(owners, ["Ferry Integration", "Lena Verteilerin", "Jörg Verkäufer"]);
}

#[test]
fn a_session_ends_unless_it_is_used_and_a_rotated_refresh_token_is_good_once() {
    let salesforce = start(0);
    salesforce.switch(|switches| switches.rotate_refresh_tokens = true);
    let own = salesforce.credentials().clone();
    let refresh = |token: &str| {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "refresh_token"), ("refresh_token", token)])
            .extend_pairs([("client_id", &own.client_id), ("client_secret", &own.client_secret)])
            .finish();
        let mut request = Request::new("POST", "/services/oauth2/token", body);
        request.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let reply = salesforce.ask(request);
        (reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap())
    };
    salesforce.clock().advance(7_199_000);
    assert_eq!(ask(&salesforce, "GET", &format!("{DATA}/limits"), Value::Null).0, 200);
    salesforce.clock().advance(7_200_000);
    let (status, body) = ask(&salesforce, "GET", &format!("{DATA}/limits"), Value::Null);
    assert_eq!((status, &body[0]["errorCode"]), (401, &json!("INVALID_SESSION_ID")));
    let (status, tokens) = refresh(&own.refresh_token);
    assert_eq!((status, &tokens["instance_url"], &tokens["expires_in"]), (200, &json!(own.instance_url), &Value::Null));
    let (status, refused) = refresh(&own.refresh_token);
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(tokens["refresh_token"].as_str().unwrap()).0, 200);
}

#[test]
fn faults_strike_single_records_of_a_collection() {
    let salesforce = start(0);
    salesforce.fault(Rule { skip: 1, ..Rule::times(Fault::LockedRow, 1) });
    let record = |name: &str| json!({"attributes": {"type": "Contact"}, "LastName": name});
    let records = json!([record("A"), record("B"), record("C")]);
    let (_, results) = ask(&salesforce, "POST", &format!("{DATA}/composite/sobjects"), json!({"records": records}));
    let done: Vec<_> = results.as_array().unwrap().iter().map(|result| result["success"].clone()).collect();
    assert_eq!(done, [json!(true), json!(false), json!(true)]);
    assert_eq!(results[1]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
}

#[test]
fn queries_that_lag_show_the_old_state_until_the_time_is_over_and_reads_by_id_do_not() {
    let salesforce = start(0);
    let [old, gone] = ["Old", "Gone"].map(|name| create(&salesforce, "Contact", json!({"LastName": name})));
    salesforce.switch(|switches| switches.search_lag_ms = 5_000);
    salesforce.update(&old, &json!({"LastName": "New"}), None).unwrap();
    salesforce.delete(&gone).unwrap();
    let fresh = create(&salesforce, "Contact", json!({"LastName": "Fresh"}));
    let names = || {
        let (_, page) = soql(&salesforce, "SELECT LastName FROM Contact ORDER BY Id");
        let records = page["records"].as_array().unwrap();
        records.iter().map(|record| record["LastName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["Old", "Gone"]);
    let by_id = |id: &str| ask(&salesforce, "GET", &format!("{DATA}/sobjects/Contact/{id}"), Value::Null).1;
    assert_eq!((&by_id(&old)["LastName"], &by_id(&fresh)["LastName"]), (&json!("New"), &json!("Fresh")));
    salesforce.clock().advance(5_000);
    assert_eq!(names(), ["New", "Fresh"]);
}
