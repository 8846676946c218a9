use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as answer};

use super::*;

#[test]
fn fields_have_the_kinds_that_tryton_says_and_what_a_create_needs_is_required() {
    let http = FakeHttp::answering(|request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let result = match body["method"].as_str()? {
            "model.party.party.fields_get" if body["params"][0] != json!([]) => {
                assert_eq!(body["params"][0], json!(["addresses", "lang"]));
                json!({"lang": {"type": "many2one", "relation": "ir.lang"}})
            }
            "model.party.party.fields_get" => json!({
                "active": {"type": "boolean", "string": "Active", "required": true},
                "code": {"type": "char", "string": "Code", "required": true},
                "email": {"type": "char", "string": "Email"},
                "lang": {"type": "many2one", "string": "Language", "relation": "ir.lang"},
                "logo": {"type": "binary", "string": "Logo"},
                "name": {"type": "char", "string": "Name", "required": true},
                "write_date": {"type": "timestamp", "string": "Edited at", "readonly": true, "required": true},
                "size": {"type": "selection", "string": "Size", "selection": [["", ""], ["s", "Small"]]},
                "kind": {"type": "selection", "string": "Kind", "selection": "get_kinds"},
            }),
            "model.ir.lang.fields_get" => json!({"code": {"type": "char", "string": "Code"}}),
            "model.party.party.default_get" => {
                assert_eq!(body["params"][0], json!(["active", "code", "name", "write_date"]));
                json!({"active": true, "name": null})
            }
            _ => return None,
        };
        Some(Ok(answer(200, &json!({"id": 0, "result": result}))))
    });
    let signature = FakeSignature::default();
    let fields = fields(&Api::open(&call("{}", 0, &http, &signature)).unwrap(), PARTY).unwrap();
    let shown: Vec<(&str, Kind, bool, bool)> =
        fields.iter().map(|field| (field.name.as_str(), field.kind, field.required, field.writable)).collect();
    let expected = [
        ("active", Kind::Boolean, false, true),
        ("code", Kind::Text, false, true),
        ("email", Kind::Email, false, true),
        ("kind", Kind::Choice, false, true),
        ("lang", Kind::Reference, false, true),
        ("lang.rec_name", Kind::Text, false, false),
        ("name", Kind::Text, true, true),
        ("size", Kind::Choice, false, true),
        ("write_date", Kind::Instant, false, false),
        ("lang.code", Kind::Text, false, false),
    ];
    assert_eq!(shown, expected);
    let size = fields.iter().find(|field| field.name == "size").unwrap();
    assert_eq!(size.choices, [Choice { value: "s".into(), label: "Small".into(), hidden: false }]);
}

#[test]
fn an_opportunity_has_columns_of_its_party() {
    let http = FakeHttp::answering(|request| {
        let body: Json = serde_json::from_slice(request.body.as_deref()?).ok()?;
        let result = match body["method"].as_str()? {
            "model.sale.opportunity.fields_get" => json!({
                "party": {"type": "many2one", "string": "Party", "relation": "party.party"},
                "state": {"type": "selection", "string": "State", "selection": [["lead", "Lead"]], "readonly": true},
            }),
            "model.party.party.fields_get" => json!({
                "name": {"type": "char"}, "email": {"type": "char"}, "mobile": {"type": "char"},
                "addresses": {"type": "one2many", "relation": "party.address"},
            }),
            "model.party.address.fields_get" => json!({"city": {"type": "char"}}),
            _ => return None,
        };
        Some(Ok(answer(200, &json!({"id": 0, "result": result}))))
    });
    let signature = FakeSignature::default();
    let fields = fields(&Api::open(&call("{}", 0, &http, &signature)).unwrap(), OPPORTUNITY).unwrap();
    let shown: Vec<(&str, Kind, bool)> =
        fields.iter().map(|field| (field.name.as_str(), field.kind, field.derived)).collect();
    let expected = [
        ("party", Kind::Reference, false),
        ("party.rec_name", Kind::Text, true),
        ("state", Kind::Choice, false),
        ("party.name", Kind::Text, true),
        ("party.email", Kind::Email, true),
        ("party.mobile", Kind::Phone, true),
        ("party.addresses.city", Kind::Text, true),
    ];
    assert_eq!(shown, expected, "and none that this database does not have");
}
