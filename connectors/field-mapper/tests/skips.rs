//! Which rows conditions leave out.

#[expect(dead_code, reason = "each test file needs some of it")]
mod common;

use common::{map, text, texts};
use ferry_sdk::mapper::{Kind, Mapped, Value};

#[test]
fn conditions_hold_as_documented() {
    let holds = |condition: &str, kind: Kind, value: Value| {
        let mapping = format!("[fields]\na = \"x\"\n[[skip]]\nwhen = [{{ field = \"x\", {condition} }}]");
        matches!(map(&mapping, &[("x", kind, value)]), Mapped::Skipped(_))
    };
    for (condition, value, expected) in [
        (r#"is = "equals", value = "b""#, text(" b "), true),
        (r#"is = "equals", value = "B""#, text("b"), false),
        (r#"is = "equals", value = "B", ignore_case = true"#, text("b"), true),
        (r#"is = "equals", value = "b""#, texts(&["a", "b"]), true),
        (r#"is = "equals", value = true"#, Value::Boolean(true), true),
        (r#"is = "equals", value = 5"#, Value::Integer(5), true),
        (r#"is = "equals", value = 2026-01-31"#, Value::Date(20_484), true),
        (r#"is = "not-equals", value = "b""#, Value::Null, true),
        (r#"is = "none-of", values = ["a", "b"]"#, texts(&["c", "b"]), false),
        (r#"is = "one-of", values = ["a", "b"]"#, text("b"), true),
        (r#"is = "contains", value = "es""#, text("test"), true),
        (r#"is = "starts-with", value = "te""#, text("test"), true),
        (r#"is = "ends-with", value = "te""#, text("test"), false),
        (r#"is = "below", value = 10"#, text("9.99"), true),
        (r#"is = "below", value = 10"#, text("nine"), false),
        (r#"is = "above", value = 9.5"#, Value::Integer(10), true),
        (r#"is = "above", value = 2026-01-01T00:00:00Z"#, text("2026-01-01T00:00:01Z"), true),
        (r#"is = "below", value = 2026-02-01"#, Value::Date(20_484), true),
        (r#"is = "absent""#, texts(&[" "]), true),
        (r#"is = "present""#, Value::Boolean(false), true),
        (r#"is = "contains", value = "a""#, Value::Null, false),
    ] {
        assert_eq!(holds(condition, Kind::Opaque, value.clone()), expected, "{condition} {value:?}");
    }
}
