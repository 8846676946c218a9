//! Conditions as Tryton's domains: lists of `[field, operator, value]` that must all hold.

use ferry_sdk::connector::{Comparison, Condition, Failure, Window};
use ferry_sdk::time;
use ferry_sdk::value::Value;
use serde_json::{Value as Json, json};

use crate::mechanisms;
use crate::objects::{OPPORTUNITY, PARTY};
use crate::values::{self, Reading};

/// One condition on a field that is read so.
///
/// # Errors
/// `invalid` where it does not have as many values as its comparison asks, or values of another type than the field.
pub(crate) fn condition(model: &str, condition: &Condition, reading: Reading) -> Result<Json, Failure> {
    let wrong = |why: &str| Failure::invalid(&condition.field, why);
    let values: Vec<Json> = condition
        .values
        .iter()
        .map(|value| searched(reading, value).map_err(|why| wrong(&format!("the condition's value {why}"))))
        .collect::<Result<_, _>>()?;
    condition.counted()?;
    if let Some(behind) = mechanisms::behind(model, &condition.field) {
        return reached(behind, condition.comparison, values).ok_or_else(|| wrong("can't be compared so"));
    }
    let field = &condition.field;
    let is_text = reading == Reading::Text;
    let one = || values.first().cloned().unwrap_or_default();
    Ok(match condition.comparison {
        Comparison::Equal => json!([field, "=", one()]),
        Comparison::NotEqual => json!([field, "!=", one()]),
        Comparison::Less => json!([field, "<", one()]),
        Comparison::LessOrEqual => json!([field, "<=", one()]),
        Comparison::Greater => json!([field, ">", one()]),
        Comparison::GreaterOrEqual => json!([field, ">=", one()]),
        Comparison::OneOf => json!([field, "in", values]),
        Comparison::NoneOf => json!([field, "not in", values]),
        Comparison::Contains if is_text => json!([field, "ilike", containing(&one())]),
        Comparison::Contains => json!([field, "=", one()]),
        Comparison::Present if is_text => json!([[field, "!=", null], [field, "!=", ""]]),
        Comparison::Present => json!([field, "!=", null]),
        Comparison::Absent => absent(field, is_text),
    })
}

/// A field without a value. Behind a relation that leads nowhere Tryton finds none, so the relation is asked for too.
fn absent(field: &str, is_text: bool) -> Json {
    let relations = field.match_indices('.').map(|(at, _)| json!([field.split_at(at).0, "=", null]));
    let empty = is_text.then(|| json!([field, "=", ""]));
    let mut clauses: Vec<Json> = relations.chain([json!([field, "=", null])]).chain(empty).collect();
    if clauses.len() > 1 {
        clauses.insert(0, json!("OR"));
        return clauses.into();
    }
    clauses.remove(0)
}

/// Of a field with several values one is searched for. An admin writes a flag, a date or a time as text.
fn searched(reading: Reading, value: &Value) -> Result<Json, &'static str> {
    match (reading, value) {
        (Reading::Boolean, Value::Text(text)) => text.parse::<bool>().map(Json::from).map_err(|_| "is no flag"),
        (Reading::Instant, Value::Text(text)) => {
            reading.write(&Value::Instant(time::instant(text).ok_or("is no point in time")?))
        }
        (Reading::Date, Value::Text(text)) => reading.write(&Value::Date(time::date(text).ok_or("is no date")?)),
        (Reading::Texts, Value::Text(text)) => Ok(crate::api::id(text).map_or_else(|| json!(text), |id| json!(id))),
        _ => reading.write(value),
    }
}

/// A text anywhere inside; what stands for any character stands for itself.
fn containing(text: &Json) -> String {
    let text = text.as_str().unwrap_or_default();
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Any of a party's mechanisms of this type counts, not only the first.
fn reached((records, kind): (&str, &str), comparison: Comparison, values: Vec<Json>) -> Option<Json> {
    let is = json!(["type", "=", kind]);
    let one = || values.first().cloned().unwrap_or_default();
    let (word, value) = match comparison {
        Comparison::Equal => ("where", Some(json!(["value", "=", one()]))),
        Comparison::NotEqual => ("not where", Some(json!(["value", "=", one()]))),
        Comparison::OneOf => ("where", Some(json!(["value", "in", values]))),
        Comparison::NoneOf => ("not where", Some(json!(["value", "in", values]))),
        Comparison::Contains => ("where", Some(json!(["value", "ilike", containing(&one())]))),
        Comparison::Present => ("where", None),
        Comparison::Absent => ("not where", None),
        _ => return None,
    };
    let inner: Vec<Json> = std::iter::once(is).chain(value).collect();
    Some(json!([records, word, inner]))
}

/// Records that were changed in a window. A party's addresses and ways to reach it have stamps of their own, and a change of theirs
/// is one of the party's; and one of the party is one of the opportunities that are about it.
pub(crate) fn changed(model: &str, window: Window) -> Json {
    let within = |field: &str| {
        let field = format!("{field}last_modified_at");
        json!([[field, ">=", values::write_instant(window.since)], [field, "<", values::write_instant(window.before)]])
    };
    let inside = |relation: &str| json!([relation, "where", within("")]);
    match model {
        PARTY => json!(["OR", within(""), inside("contact_mechanisms"), inside("addresses")]),
        OPPORTUNITY => json!(["OR", within(""), ["party", "where", changed(PARTY, window)]]),
        _ => within(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(field: &str, comparison: Comparison, values: &[Value]) -> Result<Json, Failure> {
        domain_of(PARTY, field, comparison, values)
    }

    fn domain_of(model: &str, field: &str, comparison: Comparison, values: &[Value]) -> Result<Json, Failure> {
        let given = Condition { field: field.into(), comparison, values: values.to_vec() };
        let reading = match field {
            "color" => Reading::Integer,
            "active" => Reading::Boolean,
            _ => Reading::Text,
        };
        condition(model, &given, reading)
    }

    #[test]
    fn conditions_are_domains() {
        for (field, comparison, values, expected) in [
            ("name", Comparison::Equal, vec!["Ada".into()], json!(["name", "=", "Ada"])),
            ("name", Comparison::Contains, vec!["a_b".into()], json!(["name", "ilike", "%a\\_b%"])),
            ("name", Comparison::Absent, vec![], json!(["OR", ["name", "=", null], ["name", "=", ""]])),
            ("color", Comparison::GreaterOrEqual, vec![Value::Integer(3)], json!(["color", ">=", 3])),
            ("color", Comparison::NoneOf, vec![], json!(["color", "not in", []])),
            ("active", Comparison::Equal, vec!["false".into()], json!(["active", "=", false])),
            (
                "email",
                Comparison::NotEqual,
                vec!["a@x".into()],
                json!(["contact_mechanisms", "not where", [["type", "=", "email"], ["value", "=", "a@x"]]]),
            ),
            ("phone", Comparison::Present, vec![], json!(["contact_mechanisms", "where", [["type", "=", "phone"]]])),
        ] {
            assert_eq!(domain(field, comparison, &values), Ok(expected));
        }
        assert_eq!(domain("color", Comparison::Absent, &[]), Ok(json!(["color", "=", null])));
        assert!(matches!(domain("name", Comparison::Equal, &[]), Err(Failure::Invalid(_))));
        assert!(matches!(domain("color", Comparison::Less, &["red".into()]), Err(Failure::Invalid(_))));
        assert!(matches!(domain("email", Comparison::Less, &["a".into()]), Err(Failure::Invalid(_))));
    }

    #[test]
    fn an_opportunity_is_reached_and_changed_by_its_party() {
        let value = ["a@x".into()];
        let expected = json!(["party.contact_mechanisms", "where", [["type", "=", "email"], ["value", "=", "a@x"]]]);
        assert_eq!(domain_of(OPPORTUNITY, "party.email", Comparison::Equal, &value), Ok(expected));
        let expected = json!([
            "OR",
            ["party", "=", null],
            ["party.addresses", "=", null],
            ["party.addresses.city", "=", null],
            ["party.addresses.city", "=", ""]
        ]);
        assert_eq!(domain_of(OPPORTUNITY, "party.addresses.city", Comparison::Absent, &[]), Ok(expected));
        let window = Window { since: 0, before: 1_000_000 };
        let of_the_party = changed(PARTY, window);
        assert_eq!(of_the_party[2][0], "contact_mechanisms");
        let expected = json!(["OR", changed("x", window), ["party", "where", of_the_party]]);
        assert_eq!(changed(OPPORTUNITY, window), expected);
    }
}
