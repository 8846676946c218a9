//! Rules that leave rows out on purpose, as they stand in the configuration.

use ferry_sdk::mapper::Value;
use toml::de::DeValue;

use super::Defaults;
use super::literal::{self, value_of};
use super::source::{Name, name as name_at};
use super::table::{Table, Words};
use crate::rules::decimal::Decimal;
use crate::rules::time::Time;

pub(crate) const SKIP_KEYS: &[&str] = &["reason", "when"];
pub(crate) const CONDITION_KEYS: &[&str] = &["field", "is", "value", "values", "ignore_case"];

/// The words of `is`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    Absent,
    Present,
    Equals,
    NotEquals,
    OneOf,
    NoneOf,
    Contains,
    StartsWith,
    EndsWith,
    Below,
    Above,
}

pub(crate) const IS: Words<Is> = &[
    ("absent", Is::Absent),
    ("present", Is::Present),
    ("equals", Is::Equals),
    ("not-equals", Is::NotEquals),
    ("one-of", Is::OneOf),
    ("none-of", Is::NoneOf),
    ("contains", Is::Contains),
    ("starts-with", Is::StartsWith),
    ("ends-with", Is::EndsWith),
    ("below", Is::Below),
    ("above", Is::Above),
];

/// What `below` and `above` compare with.
#[derive(Debug, Clone)]
pub(crate) enum Bound {
    Number(Decimal),
    Instant(i64),
    Date(i32),
}

/// One condition; the values are as text, in lower case where case is ignored.
#[derive(Debug, Clone)]
pub(crate) struct Condition<'t> {
    pub(crate) name: Name<'t>,
    pub(crate) is: Is,
    pub(crate) values: Vec<String>,
    pub(crate) bound: Option<Bound>,
    pub(crate) ignore_case: bool,
}

/// All conditions must hold for a row to be left out.
pub(crate) struct Skip<'t> {
    pub(crate) reason: Option<&'t str>,
    pub(crate) conditions: Vec<Condition<'t>>,
    /// How instants and dates are read and written in conditions.
    pub(crate) time: Time,
}

impl<'t> Skip<'t> {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'t str> {
        self.conditions.iter().map(|condition| condition.name.column)
    }
}

pub(crate) fn read<'t>(top: &Table<'t>, defaults: &Defaults) -> Vec<Skip<'t>> {
    let rules = top.tables("skip", "begin each rule with `[[skip]]`, in double brackets");
    let read = |rule: Table<'t>| {
        rule.only(SKIP_KEYS);
        let conditions = rule.tables("when", "write `when = [{ field = \"..\", is = \"absent\" }]`");
        if conditions.is_empty() {
            let hint = "name at least one, as in `when = [{ field = \"email\", is = \"absent\" }]`";
            rule.lacks("the rule has no conditions", Some(hint.to_owned()));
        }
        let conditions = conditions.iter().filter_map(condition).collect();
        Skip { reason: rule.text("reason"), conditions, time: Time::plain(defaults.zone.as_ref()) }
    };
    rules.into_iter().map(read).collect()
}

fn condition<'t>(table: &Table<'t>) -> Option<Condition<'t>> {
    table.only(CONDITION_KEYS);
    let name = name_at(table, "field");
    if name.is_none() && !table.has("field") {
        table.lacks("the condition has no `field`", Some("name the input column that it looks at".to_owned()));
    }
    if !table.has("is") {
        table.lacks("the condition has no `is`", Some("say `is = \"absent\"`, or `equals` with a `value`".to_owned()));
    }
    let is = table.word("is", IS);
    let ignore_case = table.flag("ignore_case").unwrap_or(false);
    let values = is.and_then(|is| compared(table, is)).unwrap_or_default();
    let bound = match (is, &values[..]) {
        (Some(Is::Below | Is::Above), [value]) => bound(table, value),
        _ => None,
    };
    let text = |value: Value| {
        let text = plain_text(value);
        if ignore_case { text.to_lowercase() } else { text }
    };
    let values = values.into_iter().map(text).collect();
    // What could not be read has its mistake; the rest goes on, so that the column is looked up too.
    Some(Condition { name: name?, is: is.unwrap_or(Is::Absent), values, bound, ignore_case })
}

/// The values to compare with: none, one in `value`, or many in `values`, as the word wants it.
fn compared(table: &Table<'_>, is: Is) -> Option<Vec<Value>> {
    let (wanted, unwanted) = match is {
        Is::Absent | Is::Present => (None, &["value", "values"][..]),
        Is::OneOf | Is::NoneOf => (Some("values"), &["value"][..]),
        _ => (Some("value"), &["values"][..]),
    };
    for key in unwanted.iter().filter(|key| table.has(key)) {
        let hint = wanted.map(|wanted| format!("it takes `{wanted}`"));
        table.misplaced(key, format!("this condition takes no `{key}`"), hint);
    }
    let Some(wanted) = wanted else {
        return Some(Vec::new());
    };
    if !table.has(wanted) {
        table.lacks(format!("the condition has no `{wanted}`"), None);
    }
    if wanted == "value" {
        let value = literal::read(table, "value")?;
        if matches!(value, Value::Texts(_)) {
            table.wrong("value", "`value` takes one value", Some("use `one-of` and `values`".to_owned()));
            return None;
        }
        return Some(vec![value]);
    }
    let DeValue::Array(items) = table.get("values")?.get_ref() else {
        table.wrong("values", "`values` must be a list", None);
        return None;
    };
    let values: Option<Vec<_>> = items.iter().map(value_of).collect();
    let values = values.filter(|values| !values.is_empty() && !values.iter().any(|v| matches!(v, Value::Texts(_))));
    if values.is_none() {
        table.wrong("values", "`values` must be a list of texts, numbers, dates, or true and false", None);
    }
    values
}

fn bound(table: &Table<'_>, value: &Value) -> Option<Bound> {
    let bound = match value {
        Value::Integer(number) => Some(Bound::Number(Decimal::from(*number))),
        Value::Decimal(text) => Decimal::parse(text).map(Bound::Number),
        Value::Instant(micros) => Some(Bound::Instant(*micros)),
        Value::Date(days) => Some(Bound::Date(*days)),
        _ => None,
    };
    if bound.is_none() {
        let hint = "write numbers and dates without quotes, and times with an offset, as in `2026-01-31T12:00:00Z`";
        table.wrong("value", "`below` and `above` compare with a number, a date or an instant", Some(hint.to_owned()));
    }
    bound
}

/// Literals as the text that a column's value is compared with.
fn plain_text(value: Value) -> String {
    let mut out = String::new();
    crate::convert::push_plain(&value, &Time::plain(None), &mut out);
    out
}
