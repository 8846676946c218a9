//! What mappings make of rows, told by whole rows.

mod common;

use common::{map, map_towards, open, problems, text, texts};
use ferry_sdk::mapper::{Column, Direction, Kind, Mapped, Value};

const CONTACTS: &str = r#"
region = "DE"
time_zone = "Europe/Berlin"
[fields.first_name]
from = "firstname"
transform = ["trim", "title"]
[fields.email]
from = "email"
type = "email"
[fields.phone]
from = ["mobilephone", "phone"]
type = "phone"
required = true
[fields.full_name]
template = "{firstname} {lastname}"
[fields.lead_source]
from = "source"
values = { "WEB" = "web", "TRADE_SHOW" = "event" }
[fields.origin]
constant = "hubspot"
[[skip]]
reason = "nobody to talk to"
when = [{ field = "email", is = "absent" }, { field = "phone", is = "absent" }]
"#;

fn contact(first: Value, email: Value, mobile: Value, phone: Value, source: Value) -> Mapped {
    map(
        CONTACTS,
        &[
            ("firstname", Kind::Text, first),
            ("lastname", Kind::Text, text("Lovelace")),
            ("email", Kind::Email, email),
            ("mobilephone", Kind::Phone, mobile),
            ("phone", Kind::Phone, phone),
            ("source", Kind::Choice, source),
        ],
    )
}

#[test]
fn a_contact_is_renamed_cleaned_and_combined() {
    let mapped = contact(text(" ADA "), text("Ada@Example.com"), Value::Null, text("0171 1234567"), text("WEB"));
    assert_eq!(
        mapped,
        Mapped::Values(vec![
            text("Ada"),
            text("ada@example.com"),
            text("+491711234567"),
            text("ADA Lovelace"),
            text("web"),
            text("hubspot"),
        ])
    );
}

#[test]
fn everything_that_is_wrong_with_a_row_is_told_at_once_and_never_the_value() {
    let mapped = contact(text("Ada"), text("ada at example"), Value::Null, text("12"), text("FAX"));
    assert_eq!(
        problems(mapped),
        [
            "email: `email` is not an e-mail address; correct it at the source, or set `invalid = \"null\"` to leave it empty",
            "phone: `phone` is not a phone number that can exist in its country; correct it at the source, or set `invalid = \"null\"` to leave it empty",
            "lead_source: `source` is none of the values that the mapping knows; add it to `values`, or set `otherwise`",
        ]
    );
    let mapped = contact(Value::Null, text("ada@example.com"), text(" "), Value::Null, Value::Null);
    assert_eq!(
        problems(mapped),
        [
            "phone: each of `mobilephone`, `phone` is empty, and the mapping requires it; fill it in at the source, or give a `default`",
        ]
    );
}

#[test]
fn a_row_without_a_way_to_reach_the_person_is_left_out() {
    let mapped = contact(text("Ada"), text(" "), text("0171 1234567"), Value::Null, Value::Null);
    assert_eq!(mapped, Mapped::Skipped("nobody to talk to".to_owned()));
}

#[test]
fn texts_of_a_template_go_where_all_of_their_columns_are_empty() {
    let mapping = r#"
        [fields.note]
        template = ["<p>Call", ": {disposition}", ", {duration_s} s", "</p>", "<p>{summary}</p>"]
        escape = "html"
    "#;
    let note = |disposition: Value, duration: Value, summary: Value| {
        let input = [
            ("disposition", Kind::Text, disposition),
            ("duration_s", Kind::Integer, duration),
            ("summary", Kind::Text, summary),
        ];
        map_towards(Direction::Outbound, mapping, &input)
    };
    let noted = |said: &str| Mapped::Values(vec![text(said)]);
    let all = note(text("reached"), Value::Integer(95), text("a < b"));
    assert_eq!(all, noted("<p>Call: reached, 95 s</p><p>a &lt; b</p>"));
    assert_eq!(note(text("busy"), Value::Null, text(" ")), noted("<p>Call: busy</p>"));
    assert_eq!(note(Value::Null, Value::Null, text("x")), noted("<p>Call</p><p>x</p>"));
    assert_eq!(note(Value::Null, Value::Null, Value::Null), Mapped::Values(vec![Value::Null]));
}

#[test]
fn a_call_outcome_becomes_a_hubspot_call() {
    let mapping = r#"
        direction = "outbound"
        [fields.hs_timestamp]
        from = "started_at"
        type = "instant"
        [fields.hs_call_duration]
        from = "duration_s"
        type = "integer"
        scale = 1000
        [fields.hs_call_disposition]
        from = "disposition"
        values = { reached = "f240bbac-87c9-4f6e-bf70-924b57d47db7" }
        [fields.hs_call_body]
        template = "<b>Summary</b><br>{summary}"
        escape = "html"
        [fields.hs_call_direction]
        from = "inbound"
        values = { "true" = "INBOUND", "false" = "OUTBOUND" }
        [fields."Custom Field"]
        concat = ["disposition", "started_at"]
        separator = " on "
        format = "DD.MM.YYYY"
    "#;
    let mapped = map_towards(
        Direction::Outbound,
        mapping,
        &[
            ("started_at", Kind::Instant, Value::Instant(1_767_225_600_000_000)),
            ("duration_s", Kind::Integer, Value::Integer(95)),
            ("disposition", Kind::Choice, text("reached")),
            ("summary", Kind::Text, text("wants < 5 & \"soon\"\nbye")),
            ("inbound", Kind::Boolean, Value::Boolean(false)),
        ],
    );
    assert_eq!(
        mapped,
        Mapped::Values(vec![
            Value::Instant(1_767_225_600_000_000),
            Value::Integer(95_000),
            text("f240bbac-87c9-4f6e-bf70-924b57d47db7"),
            text("<b>Summary</b><br>wants &lt; 5 &amp; &quot;soon&quot;<br>bye"),
            text("OUTBOUND"),
            text("reached on 01.01.2026"),
        ])
    );
}

#[test]
fn lists_are_split_mapped_picked_and_joined() {
    let mapping = r#"
        [fields.interests]
        from = "text"
        split = ";"
        values = { sun = "Sun", sea = "Sea" }
        otherwise = "null"
        [fields.first]
        from = "text"
        split = ";"
        part = 1
        [fields.last]
        from = "list"
        split = ";"
        part = -1
        [fields.joined]
        from = "list"
        transform = "upper"
        join = " / "
        [fields.list]
        from = "list"
        [fields.one]
        from = "text"
        type = "choices"
        [fields.in_text]
        template = "likes {list}"
    "#;
    let row =
        [("text", Kind::Text, text("sun; sea ;;sand;sun")), ("list", Kind::Choices, texts(&["a", " ", "b", "a"]))];
    assert_eq!(
        map(mapping, &row),
        Mapped::Values(vec![
            texts(&["Sun", "Sea"]),
            text("sun"),
            text("a"),
            text("A / B / A"),
            texts(&["a", "b"]),
            texts(&["sun; sea ;;sand;sun"]),
            text("likes a, b, a"),
        ])
    );
}

#[test]
fn an_unusable_value_goes_where_the_mapping_says() {
    let field = |keys: &str| {
        let mapping = format!("[fields.n]\nfrom = \"n\"\ntype = \"integer\"\n{keys}");
        map(&mapping, &[("n", Kind::Text, text("x"))])
    };
    assert_eq!(field("invalid = \"null\""), Mapped::Values(vec![Value::Null]));
    assert_eq!(field("invalid = \"default\"\ndefault = 7"), Mapped::Values(vec![Value::Integer(7)]));
    assert_eq!(problems(field("")).len(), 1);
    assert_eq!(problems(field("invalid = \"null\"\nrequired = true")).len(), 1);
}

#[test]
fn defaults_and_constants_have_the_type_of_the_field_and_are_not_scaled() {
    let mapping = r#"
        time_zone = "Europe/Berlin"
        [fields.duration_ms]
        from = "empty"
        type = "integer"
        scale = 1000
        default = 5
        [fields.day]
        constant = 2026-01-31
        [fields.at]
        constant = 2026-07-01T12:00:00
        type = "instant"
        [fields.rate]
        constant = 1.50
        [fields.tags]
        constant = ["a", "b"]
        [fields.nothing]
        constant = ""
        [fields.phone]
        from = "empty"
        type = "phone"
        default = "+49 171 1234567"
    "#;
    assert_eq!(
        map(mapping, &[("empty", Kind::Text, text(" "))]),
        Mapped::Values(vec![
            Value::Integer(5),
            Value::Date(20_484),
            Value::Instant(1_782_900_000_000_000),
            Value::Decimal("1.50".to_owned()),
            texts(&["a", "b"]),
            Value::Null,
            text("+491711234567"),
        ])
    );
}

#[test]
fn a_column_that_several_fields_read_reaches_all_of_them() {
    let mapping = r#"
        [fields]
        a = "name"
        b = "name"
        [fields.c]
        from = ["other", "name", "name"]
        [fields.d]
        template = "<{name}>"
        [fields.e]
        from = ["name", "other"]
        [fields.f]
        from = "phone"
        type = "phone"
        region_from = "country"
        [fields.g]
        from = "country"
    "#;
    let row = [
        ("name", Kind::Text, text("Ada")),
        ("other", Kind::Text, Value::Null),
        ("phone", Kind::Text, text("020 7946 0958")),
        ("country", Kind::Text, text("GB")),
    ];
    let ada = || text("Ada");
    let expected = vec![ada(), ada(), ada(), text("<Ada>"), ada(), text("+442079460958"), text("GB")];
    assert_eq!(map(mapping, &row), Mapped::Values(expected));
}

#[test]
fn types_follow_the_input_where_the_mapping_does_not_say() {
    let mapping = r#"
        [fields]
        a = "count"
        b = "odd"
        c = "mail"
        [fields.d]
        from = "source"
        values = { x = "y" }
        [fields.e]
        from = "source"
        split = ";"
        [fields.f]
        from = "count"
        transform = "trim"
    "#;
    let input = [("count", Kind::Integer), ("odd", Kind::Opaque), ("mail", Kind::Email), ("source", Kind::Choice)];
    let plan = open(mapping, &input).expect("a mapping");
    let kinds: Vec<_> = plan.output().iter().map(|Column { name, kind }| (name.as_str(), *kind)).collect();
    let expected = [Kind::Integer, Kind::Opaque, Kind::Email, Kind::Choice, Kind::Choices, Kind::Text];
    assert_eq!(kinds, ["a", "b", "c", "d", "e", "f"].into_iter().zip(expected).collect::<Vec<_>>());
    // The type holds for the values too: a CRM's wrongly typed value is refused, not passed on.
    let row = [("count", Kind::Integer, text("123;456"))];
    assert_eq!(problems(map("[fields]\na = \"count\"", &row)).len(), 1);
}

#[test]
fn a_row_of_another_length_is_refused_and_the_others_are_mapped() {
    let plan = open("[fields]\na = \"x\"", &[("x", Kind::Text)]).expect("a mapping");
    let mapped = plan.rows(vec![vec![], vec![text("1")], vec![text("1"), text("2")]]);
    let refused = mapped.iter().map(|row| matches!(row, Mapped::Refused(_))).collect::<Vec<_>>();
    assert_eq!((refused, &mapped[1]), (vec![true, false, true], &Mapped::Values(vec![text("1")])));
}
