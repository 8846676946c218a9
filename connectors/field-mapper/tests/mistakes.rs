//! What a configuration with mistakes gets: all of them, each with its line, its place and a way out.

#[expect(dead_code, reason = "each test file needs some of it")]
mod common;

use common::{columns, open};
use ferry_field_mapper::{Plan, reads};
use ferry_sdk::mapper::{Direction, Kind, Mistake};

/// As `line path: message (hint)`.
fn lines(mistakes: Vec<Mistake>) -> Vec<String> {
    let line = |Mistake { line, path, message, hint }| {
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{} {path}: {message}{hint}", line.unwrap_or_default())
    };
    mistakes.into_iter().map(line).collect()
}

fn mistakes(mapping: &str, input: &[(&str, Kind)]) -> Vec<String> {
    lines(open(mapping, input).expect_err("a mistake"))
}

#[test]
fn all_mistakes_come_at_once_with_lines_and_hints() {
    let mapping = r#"regoin = "DE"
time_zone = "Europe/Berlni"

[fields.first_name]
from = "firstnam"
transform = ["trim", "titel"]

[fields.email]
form = "email"

[fields.Phone]
from = ["mobilephone", "fon"]
type = "phone"
region = "uk"

[fields.note]
template = "{firstname} {summary"

[[skip]]
when = [{ field = "emial", is = "empty" }]
"#;
    let input = [("firstname", Kind::Text), ("email", Kind::Email), ("mobilephone", Kind::Phone)];
    let found = mistakes(mapping, &input);
    let expected = [
        "1 regoin: there is no key `regoin` (did you mean `region`?)",
        "2 time_zone: there is no time zone `Europe/Berlni` (did you mean `Europe/Berlin`?)",
        "5 fields.first_name.from: there is no field `firstnam` (did you mean `firstname`?)",
        "6 fields.first_name.transform: `transform` knows no `titel` (did you mean `title`? There are `trim`, `lower`, `upper`, `title`, `collapse`, `digits`)",
        "8 fields.email: the field has no source (say `from = \"<column>\"`, or `template`, `concat` or `constant`)",
        "9 fields.email.form: there is no key `form` (did you mean `from`?)",
        "11 fields.Phone: `Phone` can't be the name of an attribute (use lower-case letters, digits and `_`, as in `first_name`; the CRM's name goes into `from`)",
        "12 fields.Phone.from[1]: there is no field `fon` (list the fields to see their names; it may have been renamed or removed)",
        "14 fields.Phone.region: there is no region `uk` (use a two-letter code of ISO 3166, as in `DE`, `GB` (not `UK`), `US`)",
        "17 fields.note.template: a `{` has no `}` after it (write columns as `{column}`, and a brace itself twice)",
        "20 skip[0].when[0].field: there is no field `emial` (did you mean `email`?)",
        "20 skip[0].when[0].is: `is` knows no `empty` (there are `absent`, `present`, `equals`, `not-equals`, `one-of`, `none-of`, `contains`, `starts-with`, `ends-with`, `below`, `above`)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn types_that_cannot_be_are_mistakes_when_the_mapping_is_opened() {
    let mapping = r#"[fields.a]
from = "flag"
type = "instant"
[fields.b]
from = "list"
type = "text"
[fields.c]
from = "created"
type = "date"
[fields.d]
from = "count"
type = "instant"
[fields.e]
from = ["flag", "count"]
[fields.f]
from = "count"
type = "integer"
region = "DE"
[fields.g]
from = "flag"
type = "boolean"
default = "perhaps"
[fields.h]
from = "day"
type = "instant"
format = "DD.MM.YYYY"
[fields.i]
from = "flag"
default = true
required = true
"#;
    let input = [
        ("flag", Kind::Boolean),
        ("list", Kind::Choices),
        ("created", Kind::Instant),
        ("count", Kind::Integer),
        ("day", Kind::Text),
    ];
    let found = mistakes(mapping, &input);
    let expected = [
        "3 fields.a.type: a column of the type `boolean` can't become `instant`",
        "6 fields.b.type: a column of the type `choices` can't become `text` (set `join` to make one text of the list)",
        "9 fields.c.type: a column of the type `instant` can't become `date` (set `time_zone`, because it depends on the place what day it is)",
        "12 fields.d.type: a column of the type `integer` can't become `instant` (say what the number counts: `format = \"milliseconds\"` or `\"seconds\"`)",
        "13 fields.e: the columns have different types, so the field's type is not clear (set `type`, as in `type = \"text\"`)",
        "18 fields.f.region: `region` has no effect on the type `integer` (`region` goes with `phone`)",
        "22 fields.g.default: `default` is not a word for yes or no; correct it at the source, or name its words in `yes` and `no`",
        "26 fields.h.format: times in this format are local, and no zone is set (set `time_zone`, as in \"Europe/Berlin\", or read the offset with `Z`)",
        "30 fields.i.required: a field with a `default` is never missing (keep `required` to refuse such rows, or `default` to fill them)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    for (mapping, line) in [("[fields.a]\nfrom = b\n", 2), ("[fields.a]\nfrom = \"b\"\n[fields.a]\nfrom = \"c\"\n", 3)]
    {
        let found = reads(mapping, Direction::Inbound).expect_err("a mistake");
        assert_eq!(found[0].line, Some(line), "{found:?}");
    }
}

#[test]
fn a_mapping_is_used_in_its_own_direction_only() {
    let mapping = "direction = \"outbound\"\n[fields]\n\"Lead Source\" = \"lead_source\"\n";
    let wrong = lines(reads(mapping, Direction::Inbound).expect_err("a mistake"));
    assert!(wrong[0].starts_with("1 direction: this mapping is outbound, and it is used inbound"), "{wrong:?}");
    let input = columns(&[("lead_source", Kind::Choice)]);
    assert!(Plan::open(mapping, Direction::Outbound, &input).is_ok());
}

#[test]
fn reads_names_each_column_once_in_the_order_of_the_text() {
    let mapping = r#"
        [fields.z]
        template = "{b} {a} {b}"
        [fields.a]
        from = ["c", "a"]
        [fields.p]
        from = "d"
        type = "phone"
        region_from = "e"
        [fields.k]
        constant = 1
        [[skip]]
        when = [{ field = "f", is = "absent" }, { field = "a", is = "absent" }]
    "#;
    let found = reads(mapping, Direction::Inbound);
    assert_eq!(found, Ok(["b", "a", "c", "d", "e", "f"].map(str::to_owned).to_vec()));
}

#[test]
fn a_configuration_of_any_text_gives_mistakes_and_never_a_panic() {
    for mapping in [
        "",
        "=",
        "fields = 1",
        "fields = []",
        "[fields]",
        "[fields]\na = 1",
        "\u{0}",
        "[[fields]]",
        "skip = [1]\n[fields]\na='b'",
    ] {
        assert!(open(mapping, &[]).is_err(), "{mapping:?}");
    }
    let large = format!("# {}\n", "x".repeat(2 * 1024 * 1024));
    assert_eq!(
        lines(open(&large, &[]).expect_err("a mistake")),
        ["1 : the configuration is larger than 1048576 bytes"]
    );
}
