//! The simulator is judged by what is known of Odoo, not by what the connector wants.

use serde_json::{Value, json};

use super::{Odoo, Options};
use crate::sim::server::{Reply, Request};

fn odoo() -> Odoo {
    Odoo::start(Options { contacts: 30, ..Options::default() }).unwrap()
}

fn reply(odoo: &Odoo, target: &str, body: &Value) -> Reply {
    odoo.ask(Request::new("POST", &format!("/json/2/{target}"), body.to_string()))
}

fn ok(odoo: &Odoo, target: &str, body: &Value) -> Value {
    let reply = reply(odoo, target, body);
    assert_eq!(reply.status, 200, "{target}: {reply:?}");
    serde_json::from_slice(&reply.body).unwrap()
}

/// The status and the class of the exception.
fn refused(odoo: &Odoo, target: &str, body: &Value) -> (u16, String) {
    let reply = reply(odoo, target, body);
    let refusal: Value = serde_json::from_slice(&reply.body).unwrap();
    for key in ["message", "arguments", "context", "debug"] {
        assert!(refusal.get(key).is_some(), "{refusal:#}");
    }
    (reply.status, refusal["name"].as_str().unwrap().to_owned())
}

#[test]
fn refusals_have_the_status_that_odoo_gives_them() {
    let odoo = odoo();
    let search = |domain: Value| json!({"domain": domain});
    for (target, body, status, name) in [
        ("nope/search", json!({}), 404, "werkzeug.exceptions.NotFound"),
        ("res.partner/nope", json!({}), 404, "werkzeug.exceptions.NotFound"),
        ("res.partner/search_read", json!({"fields": ["nope"]}), 500, "builtins.ValueError"),
        ("res.partner/search", search(json!([["nope", "=", 1]])), 500, "builtins.ValueError"),
        ("res.partner/search", search(json!([["display_name", "=", "x"]])), 500, "builtins.ValueError"),
        ("res.partner/search", json!({"where": []}), 500, "builtins.TypeError"),
        ("res.partner/write", json!({"ids": [9_999], "vals": {}}), 404, "odoo.exceptions.MissingError"),
        ("res.partner/create", json!({"vals_list": [{"email": "x"}]}), 422, "odoo.exceptions.ValidationError"),
        ("res.partner/create", json!({"vals_list": [{"name": "x", "nope": 1}]}), 500, "builtins.ValueError"),
    ] {
        assert_eq!(refused(&odoo, target, &body), (status, name.to_owned()), "{target} {body}");
    }
    let mut broken = Request::new("POST", "/json/2/res.partner/search", "{");
    assert_eq!(odoo.ask(broken.clone()).status, 400);
    broken.headers.insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(odoo.ask(broken.clone()).status, 415);
    broken.headers.insert("authorization", "Bearer wrong".parse().unwrap());
    assert_eq!(odoo.ask(broken).status, 401);
    odoo.switch(|switches| switches.closed.extend(["res.partner".to_owned()]));
    let access = (403, "odoo.exceptions.AccessError".to_owned());
    assert_eq!(refused(&odoo, "res.partner/search", &json!({})), access);
}

#[test]
fn what_was_archived_is_hidden_and_what_was_deleted_is_answered_for() {
    let odoo = odoo();
    let all = ok(&odoo, "res.partner/search", &json!({"order": "id"}));
    let (first, second) = (all[0].as_i64().unwrap(), all[1].as_i64().unwrap());
    odoo.update("res.partner", first, &json!({"active": false}));
    odoo.delete("res.partner", second);
    let count = |context: Value| ok(&odoo, "res.partner/search_count", &json!({"domain": [], "context": context}));
    let total = all.as_array().unwrap().len();
    assert_eq!((count(json!({})), count(json!({"active_test": false}))), (json!(total - 2), json!(total - 1)));
    let by_name = json!({"domain": [["active", "=", false]], "fields": ["name"]});
    assert_eq!(ok(&odoo, "res.partner/search_read", &by_name)[0]["id"], first);
    assert_eq!(ok(&odoo, "res.partner/read", &json!({"ids": [second], "fields": ["name"]})), json!([]));
    assert_eq!(ok(&odoo, "res.partner/read", &json!({"ids": [second], "fields": ["id"]})), json!([{"id": second}]));
}

#[test]
fn the_same_external_id_is_the_same_record_and_one_bad_row_refuses_all() {
    let odoo = odoo();
    let row = |id: &str, name: &str, country: &str| json!([id, name, country]);
    let load = |rows: Value| json!({"fields": ["id", "name", "country_id/.id"], "data": rows});
    let first = ok(&odoo, "res.partner/load", &load(json!([row("__import__.a", "Ada", "1")])));
    let again = ok(&odoo, "res.partner/load", &load(json!([row("__import__.a", "Ada", "2")])));
    assert_eq!(first["ids"], again["ids"]);
    let id = first["ids"][0].as_i64().unwrap();
    let country = ok(&odoo, "res.partner/read", &json!({"ids": [id], "fields": ["country_id"]}));
    assert_eq!(country, json!([{"id": id, "country_id": [2, "France"]}]));
    let count = || odoo.records("res.partner").len();
    let before = count();
    let rows = json!([row("__import__.b", "Bob", "1"), row("__import__.c", "Cy", "nowhere")]);
    let refused = ok(&odoo, "res.partner/load", &load(rows));
    assert_eq!((&refused["ids"], &refused["messages"][0]["record"]), (&json!(false), &json!(1)));
    assert_eq!(count(), before);
    let known = json!({"domain": [["name", "=", "a"], ["module", "=", "__import__"]], "fields": ["res_id"]});
    assert_eq!(ok(&odoo, "ir.model.data/search_read", &known)[0]["res_id"], id);
}

#[test]
fn domains_join_and_compare_as_they_do_in_odoo() {
    let odoo = odoo();
    let make = |name: &str, email: Value| {
        ok(&odoo, "res.partner/create", &json!({"vals_list": [{"name": name, "email": email, "country_id": 1}]}))
    };
    make("A_b", json!("a@x.com"));
    make("Axb", json!(false));
    let names = |domain: Value| -> Vec<String> {
        let mut clauses = vec![json!(["name", "ilike", "a"]), json!(["city", "=", false])];
        clauses.extend(domain.as_array().unwrap().clone());
        let found =
            ok(&odoo, "res.partner/search_read", &json!({"domain": clauses, "fields": ["name"], "order": "name"}));
        let found = found.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        found.filter(|name| name.len() == 3).collect()
    };
    assert_eq!(names(json!([["name", "=ilike", "a\\_B"]])), ["A_b"]);
    assert_eq!(names(json!([["name", "=ilike", "a_b"]])), ["A_b", "Axb"]);
    assert_eq!(names(json!([["email", "=", false]])), ["Axb"]);
    assert_eq!(names(json!(["|", ["email", "=", false], ["email", "=", "a@x.com"]])), ["A_b", "Axb"]);
    assert_eq!(names(json!(["!", ["email", "=", false], ["country_id.code", "=", "DE"]])), ["A_b"]);
    assert_eq!(names(json!([["country_id", "in", [2, 3]]])), Vec::<String>::new());
    let stamps = json!({"domain": [["write_date", ">=", "2026-03-02 09:00:00"]], "order": "write_date asc, id asc"});
    assert_eq!(ok(&odoo, "res.partner/search", &stamps).as_array().unwrap().len(), 2);
}
