//! Conditions that Pipedrive's lists can't carry are held against the rows here: its own filters are the admin's, made in Pipedrive
//! and offered as segments.

use ferry_sdk::connector::{Comparison, Condition};
use ferry_sdk::value::Value;

/// Whether all conditions hold for the values of their fields, in the same order.
pub(crate) fn holds(conditions: &[Condition], values: &[Value]) -> bool {
    conditions.iter().zip(values).all(|(condition, value)| one(condition, value))
}

fn one(condition: &Condition, held: &Value) -> bool {
    let first = condition.values.first();
    let ordered =
        |wanted: fn(std::cmp::Ordering) -> bool| first.and_then(|value| order(held, value)).is_some_and(wanted);
    match condition.comparison {
        Comparison::Present => *held != Value::Null,
        Comparison::Absent => *held == Value::Null,
        Comparison::Equal => first.is_some_and(|value| same(held, value)),
        Comparison::NotEqual => !first.is_some_and(|value| same(held, value)),
        Comparison::OneOf => condition.values.iter().any(|value| same(held, value)),
        Comparison::NoneOf => !condition.values.iter().any(|value| same(held, value)),
        Comparison::Contains => first.is_some_and(|value| contains(held, value)),
        Comparison::Less => ordered(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        Comparison::Greater => ordered(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
    }
}

/// Texts without regard to case, as Pipedrive's own filters compare; numbers by what they are worth.
fn same(held: &Value, wanted: &Value) -> bool {
    match (held, wanted) {
        (Value::Texts(texts), Value::Text(text)) => texts.iter().any(|held| held.to_lowercase() == text.to_lowercase()),
        (Value::Text(held), Value::Text(wanted)) => held.to_lowercase() == wanted.to_lowercase(),
        _ => held == wanted || order(held, wanted) == Some(std::cmp::Ordering::Equal),
    }
}

fn contains(held: &Value, wanted: &Value) -> bool {
    match (held, wanted) {
        (Value::Text(held), Value::Text(wanted)) => held.to_lowercase().contains(&wanted.to_lowercase()),
        (Value::Texts(_), _) => same(held, wanted),
        _ => false,
    }
}

/// None where the two can't be compared.
fn order(held: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    match (held, wanted) {
        (Value::Integer(held), Value::Integer(wanted)) => Some(held.cmp(wanted)),
        (Value::Date(held), Value::Date(wanted)) => Some(held.cmp(wanted)),
        (Value::Instant(held), Value::Instant(wanted)) => Some(held.cmp(wanted)),
        (Value::Text(held), Value::Text(wanted)) => Some(held.to_lowercase().cmp(&wanted.to_lowercase())),
        _ => number(held)?.partial_cmp(&number(wanted)?),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        // Compared, not calculated with: fifteen digits are enough.
        Value::Integer(number) => number.to_string().parse().ok(),
        Value::Decimal(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(comparison: Comparison, values: &[Value]) -> Condition {
        Condition { field: "f".into(), comparison, values: values.to_vec() }
    }

    #[test]
    fn conditions_hold_by_what_the_values_mean() {
        let list = Value::Texts(vec!["A".into(), "b".into()]);
        for (held, comparison, values, expected) in [
            ("Ada".into(), Comparison::Equal, vec!["ADA".into()], true),
            (Value::Null, Comparison::NotEqual, vec!["x".into()], true),
            (Value::Null, Comparison::Less, vec![Value::Integer(1)], false),
            (Value::Integer(2), Comparison::Greater, vec![Value::Decimal("1.5".into())], true),
            (Value::Decimal("2.0".into()), Comparison::Equal, vec![Value::Integer(2)], true),
            (list.clone(), Comparison::Contains, vec!["a".into()], true),
            (list, Comparison::NoneOf, vec!["b".into()], false),
            (Value::Instant(5), Comparison::GreaterOrEqual, vec![Value::Instant(5)], true),
            (Value::Null, Comparison::Absent, vec![], true),
            (Value::Boolean(false), Comparison::Present, vec![], true),
            ("x".into(), Comparison::OneOf, vec![], false),
        ] {
            let condition = condition(comparison, &values);
            assert_eq!(
                holds(std::slice::from_ref(&condition), std::slice::from_ref(&held)),
                expected,
                "{condition:?} {held:?}"
            );
        }
        assert!(condition(Comparison::Equal, &[]).counted().is_err());
        assert!(condition(Comparison::Present, &[]).counted().is_ok());
    }
}
