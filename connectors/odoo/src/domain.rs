//! Conditions as Odoo's domains: a list of clauses `[field, operator, value]` that must all hold, with operators in front where they
//! need not.

use ferry_sdk::connector::{Comparison, Condition, Failure};
use ferry_sdk::value::Value;
use serde_json::{Value as Json, json};

use crate::values::Reading;

/// One condition on a field that is read so.
///
/// # Errors
/// `invalid` where it does not have as many values as its comparison asks, or values of another type than the field.
pub(crate) fn condition(condition: &Condition, reading: Reading) -> Result<Json, Failure> {
    let wrong = |why: &str| Failure::invalid(&condition.field, why);
    let values: Vec<Json> = condition
        .values
        .iter()
        .map(|value| searched(reading, value).map_err(|why| wrong(&format!("the condition's value {why}"))))
        .collect::<Result<_, _>>()?;
    condition.counted()?;
    let (field, one) = (&condition.field, values.first().cloned().unwrap_or_default());
    let is_text = matches!(reading, Reading::Text | Reading::Name);
    Ok(match condition.comparison {
        // The equality of texts is `=ilike`, which knows no case, with what stands for any character standing for itself.
        Comparison::Equal if is_text => json!([field, "=ilike", itself(&one)]),
        Comparison::Equal => json!([field, "=", one]),
        Comparison::NotEqual => json!([field, "!=", one]),
        Comparison::Less => json!([field, "<", one]),
        Comparison::LessOrEqual => json!([field, "<=", one]),
        Comparison::Greater => json!([field, ">", one]),
        Comparison::GreaterOrEqual => json!([field, ">=", one]),
        Comparison::OneOf => json!([field, "in", values]),
        Comparison::NoneOf => json!([field, "not in", values]),
        Comparison::Contains if is_text => json!([field, "ilike", itself(&one)]),
        Comparison::Contains => json!([field, "in", [one]]),
        Comparison::Present => json!([field, "!=", false]),
        Comparison::Absent => json!([field, "=", false]),
    })
}

/// Of a field with several ids one is searched for. An admin writes a number or a flag as text.
fn searched(reading: Reading, value: &Value) -> Result<Json, &'static str> {
    match (reading, value) {
        (Reading::Ids, _) => Reading::Reference.json(value),
        (Reading::Name, _) => Reading::Text.json(value),
        (Reading::Boolean, Value::Text(text)) => text.parse::<bool>().map(Json::from).map_err(|_| "is no flag"),
        (Reading::Integer, Value::Text(text)) => text.parse::<i64>().map(Json::from).map_err(|_| "is no whole number"),
        _ => reading.json(value),
    }
}

fn itself(text: &Json) -> String {
    text.as_str().unwrap_or_default().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_clauses() {
        let domain = |reading, comparison, values: &[Value]| {
            condition(&Condition { field: "f".into(), comparison, values: values.to_vec() }, reading)
        };
        for (reading, comparison, values, expected) in [
            (Reading::Text, Comparison::Equal, vec!["a_b".into()], json!(["f", "=ilike", "a\\_b"])),
            (Reading::Text, Comparison::Present, vec![], json!(["f", "!=", false])),
            (Reading::Ids, Comparison::Contains, vec!["7".into()], json!(["f", "in", [7]])),
            (Reading::Instant, Comparison::Less, vec![Value::Instant(0)], json!(["f", "<", "1970-01-01 00:00:00"])),
            (Reading::Integer, Comparison::NoneOf, vec![], json!(["f", "not in", []])),
            (Reading::Integer, Comparison::Equal, vec!["7".into()], json!(["f", "=", 7])),
            (Reading::Boolean, Comparison::Equal, vec!["false".into()], json!(["f", "=", false])),
        ] {
            assert_eq!(domain(reading, comparison, &values), Ok(expected));
        }
        assert!(matches!(domain(Reading::Integer, Comparison::Equal, &["x".into()]), Err(Failure::Invalid(_))));
        assert!(matches!(domain(Reading::Text, Comparison::Equal, &[]), Err(Failure::Invalid(_))));
    }
}
