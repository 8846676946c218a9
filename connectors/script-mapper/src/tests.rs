//! What scripts give, and what they can't do.

use ferry_sdk::mapper::{Column, Direction, Kind, Mapped, Problem, Value};

use crate::{Plan, reads};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// Opens a script whose row has the text field `a`.
fn plan(script: &str) -> Plan {
    let input = [Column { name: "a".into(), kind: Kind::Text }];
    Plan::open(script, Direction::Inbound, &input).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// What the body of `map` makes of some texts in `a`, as the text `x`.
fn mapped(body: &str, rows: &[&str]) -> Vec<Mapped> {
    let script = format!("const reads = ['a'];\nconst gives = {{ x: 'text' }};\nfunction map(row) {{\n{body}\n}}\n");
    plan(&script).rows(rows.iter().map(|it| vec![text(it)]).collect())
}

fn refused(line: u32, message: &str) -> Mapped {
    Mapped::Refused(vec![Problem::general(format!("line {line} of the script: {message}"))])
}

/// Line, path and message of each mistake.
fn mistakes(script: &str) -> Vec<(Option<u32>, String, String)> {
    let input = [Column { name: "firstname".into(), kind: Kind::Text }];
    let found = Plan::open(script, Direction::Inbound, &input).err().unwrap_or_default();
    found.into_iter().map(|it| (it.line, it.path, it.message)).collect()
}

#[test]
fn a_script_maps_rows_with_values_of_every_type() {
    let kinds = [
        ("yes", Kind::Boolean, Value::Boolean(true)),
        ("count", Kind::Integer, Value::Integer(-7)),
        ("id", Kind::Integer, Value::Integer(i64::MAX)),
        ("amount", Kind::Decimal, Value::Decimal("12345678901234567890.50".into())),
        ("name", Kind::Text, text("Zoë 🐧")),
        ("mail", Kind::Email, text("ada@example.com")),
        ("phone", Kind::Phone, text("+4930123456")),
        ("web", Kind::Url, text("https://example.com/a")),
        ("stage", Kind::Choice, text("lead")),
        ("tags", Kind::Choices, Value::Texts(vec!["a".into(), "b".into()])),
        ("at", Kind::Instant, Value::Instant(1_700_000_000_123_456)),
        ("day", Kind::Date, Value::Date(-1)),
        ("none", Kind::Text, Value::Null),
    ];
    let names: Vec<String> = kinds.iter().map(|(name, ..)| format!("'{name}'")).collect();
    let types: Vec<String> = kinds
        .iter()
        .map(|(name, kind, _)| {
            let word = crate::value::KINDS.iter().find(|(_, known)| known == kind).unwrap().0;
            format!("{name}: '{word}'")
        })
        .collect();
    let script =
        format!("const reads = [{}], gives = {{ {} }};\nconst map = (row) => row;", names.join(", "), types.join(", "));
    let input: Vec<Column> = kinds.iter().map(|(name, kind, _)| Column { name: (*name).into(), kind: *kind }).collect();
    let plan = Plan::open(&script, Direction::Outbound, &input).unwrap_or_else(|found| panic!("{found:#?}"));
    let row: Vec<Value> = kinds.iter().map(|(.., value)| value.clone()).collect();
    assert_eq!((plan.output(), plan.rows(vec![row.clone()])), (&input[..], vec![Mapped::Values(row)]));
}

#[test]
fn what_a_script_throws_refuses_its_row_with_line_and_message() {
    assert_eq!(
        mapped(
            "if (row.a === 'bad') {\n  throw new Error('no such thing');\n}\nreturn { x: row.a };",
            &["bad", "good"]
        ),
        [refused(5, "Error: no such thing"), Mapped::Values(vec![text("good")])],
    );
    assert_eq!(
        mapped("return { x: row.a.b.c };", &["a"]),
        [refused(4, "TypeError: cannot convert 'null' or 'undefined' to object")],
    );
    assert_eq!(mapped("\nreturn { x: tirm(row.a) };", &["a"]), [refused(5, "ReferenceError: tirm is not defined")]);
    assert_eq!(mapped("throw 'words';", &["a"]), [refused(4, "threw \"words\"")]);
    assert_eq!(mapped("throw { a: row.a };", &["secret"]), [refused(4, "threw something that is no error")]);
    assert_eq!(
        mapped("return { x: row.b };", &["a"]),
        [refused(4, "TypeError: the row has no field `b`; name it in `reads`")]
    );
}

#[test]
fn skip_and_refuse_decide_a_row_whatever_comes_after_them() {
    assert_eq!(mapped("skip('nobody to call');", &["a"]), [Mapped::Skipped("nobody to call".into())]);
    assert_eq!(
        mapped("try { refuse('x', 'is too old'); } catch { }\nreturn { x: row.a };", &["a"]),
        [Mapped::Refused(vec![Problem::of("x", "is too old")])],
    );
    let answer = mapped("skip();", &["a"]);
    assert_eq!(answer, [refused(4, "TypeError: `skip` needs a reason, `refuse` a field and a message")]);
}

#[test]
fn time_and_chance_refuse_a_row_even_where_the_script_catches_everything() {
    let denied =
        |what: &str| format!("asks for {what}, which a mapping does not have: the same row must always give the same");
    for ask in
        ["new Date()", "Date.now()", "Date()", "new (Date.prototype.constructor)()", "Reflect.construct(Date, [])"]
    {
        assert_eq!(
            mapped(&format!("return {{ x: String({ask}) }};"), &["a"]),
            [refused(4, &denied("the time of day"))],
            "{ask}"
        );
    }
    assert_eq!(mapped("return { x: String(Math.random()) };", &["a"]), [refused(4, &denied("a random number"))]);
    let caught = mapped("try { Math.random(); } catch { }\nreturn { x: row.a };", &["a"]);
    assert_eq!(caught, [Mapped::Refused(vec![Problem::general(denied("a random number"))])]);
    let dates = mapped("return { x: new Date(Date.UTC(2026, 10, 22)).toISOString() };", &["a"]);
    assert_eq!(dates, [Mapped::Values(vec![text("2026-11-22T00:00:00.000Z")])]);
    let local = mapped("return { x: String(new Date(2026, 6, 1).getTimezoneOffset()) };", &["a"]);
    assert_eq!(local, [Mapped::Values(vec![text("0")])]);
}

#[test]
fn nothing_that_a_row_leaves_is_there_for_the_next() {
    let script = "const reads = ['a'];\nconst gives = { x: 'text' };\nlet count = 0;\nconst seen = new Map();\n\
                  const next = (() => { let n = 0; return () => (n += 1); })();\nconst re = /a/g;\n\
                  function map(row) {\n  count += 1;\n  seen.set(count, row);\n  \
                  return { x: [count, seen.size, next(), re.test('aa'), re.lastIndex].join(' ') };\n}";
    let row = || vec![text("a")];
    let same = Mapped::Values(vec![text("1 1 1 true 1")]);
    assert_eq!(plan(script).rows(vec![row(), row(), row()]), vec![same; 3]);
    for way in [
        "globalThis.kept = 1",
        "Object.prototype.kept = 1",
        "Array.prototype.push = null",
        "Math.kept = 1",
        "map.constructor.kept = 1",
        "Object.getPrototypeOf(function* () {}).kept = 1",
        "Object.getPrototypeOf([][Symbol.iterator]()).kept = 1",
        "Object.getPrototypeOf(async () => {}).kept = 1",
        "skip.kept = 1",
        "Date.kept = 1",
        "Date.prototype.kept = 1",
        "Object.getPrototypeOf(row).kept = 1",
        // A private name can be put on any object that a constructor returns, unless that can't be changed at all.
        "class Any { constructor(it) { return it; } }\nclass Kept extends Any { #it = 1; }\nnew Kept(Math)",
        "class Any { constructor(it) { return it; } }\nclass Kept extends Any { #it() {} }\nnew Kept(Array.prototype)",
        "class Any { constructor(it) { return it; } }\nclass Kept extends Any { #it = 1; }\nnew Kept(((texts) => texts)`a`)",
    ] {
        let answer = mapped(&format!("{way};\nreturn {{ x: row.a }};"), &["a"]);
        assert!(matches!(&answer[..], [Mapped::Refused(_)]), "{way}: {answer:?}");
    }
}

#[test]
fn code_is_not_made_out_of_text() {
    for way in ["eval('1')", "new Function('return 1')()", "map.constructor('return 1')()"] {
        assert_eq!(
            mapped(&format!("return {{ x: String({way}) }};"), &["a"]),
            [refused(4, "EvalError: a mapping can't make code out of text")],
            "{way}",
        );
    }
}

#[test]
fn a_row_that_does_not_end_is_refused_and_the_others_are_not() {
    let answer =
        mapped("if (row.a === 'bad') for (;;) { try { continue; } catch { } }\nreturn { x: row.a };", &["bad", "good"]);
    assert_eq!(
        answer,
        [
            refused(3, "turns more than 100000 times in a loop, or repeats a text as often, here or below"),
            Mapped::Values(vec![text("good")])
        ]
    );
    let answer = mapped("const f = () => f() + 1;\nreturn { x: row.a === 'bad' ? f() : row.a };", &["bad", "good"]);
    assert_eq!(
        answer,
        [refused(4, "calls functions within functions without end"), Mapped::Values(vec![text("good")])]
    );
    let answer = mapped("[1].map(() => { while (true); });", &["bad"]);
    assert_eq!(
        answer,
        [refused(4, "turns more than 100000 times in a loop, or repeats a text as often, here or below")]
    );
}

#[test]
fn what_is_given_is_what_was_promised() {
    let wrong = |message: &str| [Mapped::Refused(vec![Problem::of("x", message)])];
    assert_eq!(mapped("return { x: 1 };", &["a"]), wrong("must be a text; `String(..)` makes one of anything"));
    assert_eq!(mapped("return { x: '\\ud800' };", &["a"]), wrong("must be a text; `String(..)` makes one of anything"));
    assert_eq!(
        mapped("return { get x() { throw new Error('no'); } };", &["a"]),
        wrong("line 4 of the script: Error: no")
    );
    let general = |message: &str| [Mapped::Refused(vec![Problem::general(message)])];
    assert_eq!(mapped("return { x: 'a', y: 'b' };", &["a"]), general("`map` gave `y`, which is not in `gives`"));
    let none = "`map` gave no object; give one with the fields of `gives`, or call `skip` or `refuse`";
    for body in ["return null;", "", "return [];", "return (async () => ({ x: 'a' }))();", "return map;"] {
        assert_eq!(mapped(body, &["a"]), general(none), "{body}");
    }
    assert_eq!(mapped("return {};", &["a"]), [Mapped::Values(vec![Value::Null])]);
    let misshapen = plan("const reads = [], gives = { x: 'text' }; function map() {}").rows(vec![vec![]]);
    assert_eq!(misshapen, general("the row has 0 values for 1 columns"));
}

#[test]
fn values_that_only_look_right_are_refused() {
    for (kind, good, bad) in [
        ("boolean", "true", "'true'"),
        ("integer", "2 ** 53 - 1", "2 ** 53"),
        ("integer", "9223372036854775807n", "9223372036854775808n"),
        ("integer", "-3", "1.5"),
        ("decimal", "0.1", "NaN"),
        ("decimal", "'-12.50'", "'1e5'"),
        ("email", "' Ada@Example.com '", "'ada@example'"),
        ("phone", "'+4930123456'", "'030 123456'"),
        ("url", "'https://example.com'", "'javascript:alert(1)'"),
        ("choices", "['a']", "['a', 1]"),
        ("instant", "'2026-11-22T10:00:00+01:00'", "'2026-11-22T10:00:00'"),
        ("instant", "new Date(0)", "new Date(NaN)"),
        ("date", "'2024-02-29'", "'2026-02-29'"),
    ] {
        for (answer, fits) in [(good, true), (bad, false)] {
            let script = format!(
                "const reads = ['a'], gives = {{ x: '{kind}' }}; function map() {{ return {{ x: {answer} }}; }}"
            );
            let given = plan(&script).rows(vec![vec![Value::Null]]);
            assert_eq!(matches!(given[..], [Mapped::Values(_)]), fits, "{kind} {answer}: {given:?}");
        }
    }
}

#[test]
fn a_script_that_cant_be_read_is_named_with_its_line() {
    let cases = [
        (
            "const reads = [];\nconst gives = {\n",
            2,
            "ends in the middle of something; a bracket or a quotation mark is missing",
        ),
        ("\nconst a = 'abc\n", 2, "unterminated string literal"),
        ("\n\n}) ()", 3, "has `}` where it can't stand: primary expression"),
        ("const a = 1;\nconst a = 2;", 0, "lexical name declared multiple times"),
        ("\nwith (a) {}", 2, "with statement not allowed in strict mode"),
    ];
    let got: Vec<_> = cases.iter().map(|(script, ..)| mistakes(script)).collect();
    let wanted: Vec<_> = cases
        .iter()
        .map(|(_, line, message)| vec![((*line > 0).then_some(*line), String::new(), (*message).to_owned())])
        .collect();
    assert_eq!(got, wanted);
}

#[test]
fn what_is_wrong_with_an_interface_is_told_all_at_once() {
    let twice = "const reads = ['firstname'];\nconst gives = {\n  firstname: 'txet' };\nconst map = (row) => row;";
    let told = "the type of `firstname` is none of the types".to_owned();
    assert_eq!(mistakes(twice), [(Some(3), "gives.firstname".into(), told)]);
    let script =
        "const reads = ['first_name'];\nconst gives = {\n  Name: 'text',\n  mail: 'e-mail',\n};\nconst map = 1;";
    assert_eq!(
        mistakes(script),
        [
            (Some(1), "reads".into(), "there is no field `first_name`".into()),
            (Some(3), "gives.Name".into(), "`Name` can't be the name of an attribute".into()),
            (Some(4), "gives.mail".into(), "the type of `mail` is none of the types".into()),
            (Some(6), "map".into(), "there is no function `map`".into()),
        ],
    );
    assert_eq!(
        mistakes("const gives = [];"),
        [
            (None, "reads".into(), "`reads` must be an array with the names of fields".into()),
            (Some(1), "gives".into(), "`gives` must be an object with the type of each field".into()),
            (None, "map".into(), "there is no function `map`".into()),
        ],
    );
    assert_eq!(mistakes("\nthrow new Error('no');"), [(Some(2), String::new(), "Error: no".into())]);
    let asks = vec![(None, String::new(), "asks for a random number, which a mapping does not have".to_owned())];
    assert_eq!(mistakes("const salt = Math.random();"), asks);
    assert_eq!(reads("const reads = ['b', 'a'];"), Ok(vec!["b".into(), "a".into()]));
    assert!(reads(&" ".repeat(300 << 10)).is_err());
}
