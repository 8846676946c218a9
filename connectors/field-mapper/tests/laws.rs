//! What holds for every mapping and every row.

#[expect(dead_code, reason = "each test file needs some of it")]
mod common;

use common::open;
use ferry_field_mapper::Plan;
use ferry_sdk::mapper::{Kind, Mapped, Value};
use proptest::prelude::*;

const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];

/// Every key and every type, each reading columns that other fields read too.
const EVERYTHING: &str = r#"
region = "DE"
time_zone = "America/New_York"
regions = { germany = "DE" }
[fields]
o = "a"
[fields.t]
from = ["a", "b"]
type = "text"
transform = ["trim", "collapse", "title", "upper", "lower"]
replace = { a = "bb", "  " = " " }
join = ";"
max_length = 5
too_long = "cut"
[fields.html]
template = ["<p>{a}{{}} {b}", " {c}", "</p>"]
escape = "html"
format = "DD.MM.YYYY HH:mm:ss.SSS Z"
numbers = "1.234,56"
max_length = 9
too_long = "cut"
[fields.concat]
concat = ["a", "b", "c", "d"]
separator = "; "
format = "MMMM D YYYY h:mm A"
[fields.email]
from = "a"
type = "email"
[fields.phone]
from = "b"
type = "phone"
region_from = "c"
extension = "drop"
[fields.url]
from = "c"
type = "url"
scheme = "https"
[fields.boolean]
from = "d"
type = "boolean"
yes = "x"
[fields.integer]
from = "a"
type = "integer"
numbers = "1,23,456.78"
scale = 0.001
round = "half-even"
[fields.decimal]
from = "b"
type = "decimal"
numbers = "1.234,56"
places = 2
round = "up"
min = -1000
[fields.instant]
from = "c"
type = "instant"
format = ["iso", "milliseconds", "D.M.YY h:mm A"]
time = "09:00"
ambiguous = "later"
[fields.date]
from = "d"
type = "date"
format = ["seconds", "MMM D, YYYY", "iso"]
[fields.choice]
from = "a"
values = { x = "y" }
otherwise = "keep"
ignore_case = true
type = "choice"
join = ","
[fields.choices]
from = "b"
type = "choices"
split = ";"
[fields.part]
from = "c"
split = "ab"
part = -2
missing_part = "null"
[[skip]]
when = [{ field = "a", is = "below", value = 3 }, { field = "b", is = "above", value = 2026-01-01 }, { field = "c", is = "contains", value = "x", ignore_case = true }]
"#;

fn value() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        "\\PC{0,12}",
        "[ \\t\\n\u{a0}\u{200b}]{0,3}",
        "[+-]?[0-9]{0,20}[.,][0-9]{0,20}(e-?[0-9]{1,9})?",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
        "\\+?[0-9 ()/-]{3,16}( ext\\. [0-9])?",
        "[a-z]{1,5}@[a-z]{1,5}\\.[a-z]{2,3}",
        "(https?://)?[a-z.:/@\\[\\]]{1,12}",
        "(true|no|x|X|GERMANY|de|ab+ab)",
    ];
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Boolean),
        2 => any::<i64>().prop_map(Value::Integer),
        1 => (-3_000_000_000_000_i64..3_000_000_000_000).prop_map(Value::Integer),
        2 => odd.clone().prop_map(Value::Decimal),
        6 => odd.clone().prop_map(Value::Text),
        1 => any::<i64>().prop_map(Value::Instant),
        1 => (-300_000_000_000_000_000_i64..300_000_000_000_000_000).prop_map(Value::Instant),
        1 => any::<i32>().prop_map(Value::Date),
        1 => (-4_000_000_i32..4_000_000).prop_map(Value::Date),
        1 => prop::collection::vec(odd, 0..4).prop_map(Value::Texts),
    ]
}

fn plan(kind: Kind) -> Plan {
    let input = COLUMNS.map(|name| (name, kind));
    open(EVERYTHING, &input).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// Whether a value is what the contract says of its column's type.
fn is_of(kind: Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Opaque, _) | (_, Value::Null) => true,
        (Kind::Boolean, Value::Boolean(_)) | (Kind::Integer, Value::Integer(_)) => true,
        (Kind::Instant, Value::Instant(_)) | (Kind::Date, Value::Date(_)) => true,
        (Kind::Decimal, Value::Decimal(text)) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        }
        (Kind::Phone, Value::Text(text)) => {
            let digits = text.strip_prefix('+').unwrap_or_default();
            (4..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        }
        (Kind::Email, Value::Text(text)) => text.contains('@') && *text == text.to_lowercase(),
        (Kind::Url, Value::Text(text)) => text.to_ascii_lowercase().starts_with("http"),
        (Kind::Text | Kind::Choice, Value::Text(text)) => !text.trim().is_empty(),
        (Kind::Choices, Value::Texts(texts)) => !texts.is_empty(),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn every_row_gets_an_answer_and_always_the_same_one(
        row in prop::collection::vec(value(), 0..6),
        texts in any::<bool>(),
    ) {
        let kind = if texts { Kind::Text } else { Kind::Opaque };
        let first = plan(kind).rows(vec![row.clone(), row.clone()]);
        prop_assert_eq!(&first[0], &first[1]);
        let again = plan(kind);
        let second = again.rows(vec![row.clone()]);
        prop_assert_eq!(&first[0], &second[0]);
        match &first[0] {
            Mapped::Values(values) => {
                prop_assert_eq!(values.len(), again.output().len());
                for (value, column) in values.iter().zip(again.output()) {
                    prop_assert!(is_of(column.kind, value), "{:?} is no {:?}", value, column);
                }
            }
            Mapped::Refused(problems) => prop_assert!(!problems.is_empty()),
            Mapped::Skipped(_) => {}
        }
    }

    #[test]
    fn each_field_by_itself_gives_its_type_or_a_problem(row in prop::collection::vec(value(), 4..=4)) {
        for field in ["email", "phone", "url", "boolean", "integer", "decimal", "instant", "date", "choice", "choices", "t", "html"] {
            let start = EVERYTHING.find(&format!("[fields.{field}]")).expect("a field");
            let end = EVERYTHING[start + 1..].find("\n[").map_or(EVERYTHING.len(), |end| start + 1 + end);
            let mapping = format!("region = \"DE\"\ntime_zone = \"Europe/Berlin\"\n{}", &EVERYTHING[start..end]);
            let plan = open(&mapping, &COLUMNS.map(|name| (name, Kind::Opaque))).expect("a mapping");
            match &plan.rows(vec![row.clone()])[0] {
                Mapped::Values(values) => {
                    prop_assert!(is_of(plan.output()[0].kind, &values[0]), "{}: {:?}", field, values)
                }
                Mapped::Refused(problems) => {
                    for text in row.iter().filter_map(|value| match value {
                        Value::Text(text) if text.trim().len() > 7 => Some(text),
                        _ => None,
                    }) {
                        prop_assert!(!problems[0].message.contains(text.as_str()), "the value is told");
                    }
                }
                Mapped::Skipped(_) => prop_assert!(false, "nothing is left out"),
            }
        }
    }

    #[test]
    fn any_text_is_a_configuration_or_has_mistakes(text in "(\\PC|\n|\\[fields\\.a\\]\n|from = \"a\"\n|type = \"[a-z]{4,7}\"\n){0,12}") {
        let _ = open(&text, &[("a", Kind::Text)]);
    }
}
