//! One field of the configuration: all its keys, and which of them go with which type.

use std::sync::LazyLock;

use ferry_sdk::mapper::{Direction, Kind, Value};
use toml::de::DeTable;

use super::source::{Name, SOURCE_KEYS, Source, name as name_at};
use super::table::{Table, Words, quoted};
use super::{Defaults, literal};
use crate::convert::Rule;

/// What a value that can't be used makes of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalid {
    Refuse,
    Null,
    Default,
}

pub(crate) const INVALIDS: Words<Invalid> =
    &[("refuse", Invalid::Refuse), ("null", Invalid::Null), ("default", Invalid::Default)];

pub(crate) const KINDS: Words<Kind> = &[
    ("boolean", Kind::Boolean),
    ("integer", Kind::Integer),
    ("decimal", Kind::Decimal),
    ("text", Kind::Text),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("url", Kind::Url),
    ("choice", Kind::Choice),
    ("choices", Kind::Choices),
    ("instant", Kind::Instant),
    ("date", Kind::Date),
];

/// Keys that every field may have, beside its source.
const COMMON_KEYS: &[&str] = &[
    "separator",
    "type",
    "transform",
    "replace",
    "split",
    "part",
    "missing_part",
    "join",
    "values",
    "otherwise",
    "ignore_case",
    "default",
    "required",
    "invalid",
];

/// Keys that only some types have.
const TYPED_KEYS: &[(&str, &[Kind])] = &[
    ("numbers", &[Kind::Integer, Kind::Decimal, Kind::Text]),
    ("scale", &[Kind::Integer, Kind::Decimal]),
    ("places", &[Kind::Integer, Kind::Decimal]),
    ("round", &[Kind::Integer, Kind::Decimal]),
    ("min", &[Kind::Integer, Kind::Decimal]),
    ("max", &[Kind::Integer, Kind::Decimal]),
    ("format", &[Kind::Instant, Kind::Date, Kind::Text]),
    ("time_zone", &[Kind::Instant, Kind::Date, Kind::Text]),
    ("ambiguous", &[Kind::Instant, Kind::Date]),
    ("time", &[Kind::Instant]),
    ("region", &[Kind::Phone]),
    ("region_from", &[Kind::Phone]),
    ("extension", &[Kind::Phone]),
    ("check", &[Kind::Phone]),
    ("yes", &[Kind::Boolean]),
    ("no", &[Kind::Boolean]),
    ("scheme", &[Kind::Url]),
    ("allowed", &[Kind::Choice, Kind::Choices]),
    ("escape", &[Kind::Text]),
    ("max_length", &[Kind::Text, Kind::Email, Kind::Url]),
    ("too_long", &[Kind::Text, Kind::Email, Kind::Url]),
];

/// All keys of a field.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    let typed = TYPED_KEYS.iter().map(|(key, _)| *key);
    SOURCE_KEYS.iter().chain(COMMON_KEYS).copied().chain(typed)
}

static NO_KEYS: LazyLock<DeTable<'static>> = LazyLock::new(DeTable::new);

/// One output column, before the input columns are known.
pub(crate) struct Field<'t> {
    pub(crate) name: &'t str,
    pub(crate) table: Table<'t>,
    pub(crate) source: Option<Source<'t>>,
    pub(crate) kind: Option<Kind>,
    pub(crate) rule: Rule,
    pub(crate) region_from: Option<Name<'t>>,
    pub(crate) default: Option<Value>,
    pub(crate) required: bool,
    pub(crate) invalid: Invalid,
}

impl<'t> Field<'t> {
    pub(crate) fn read(name: &'t str, table: Table<'t>, direction: Direction, defaults: &Defaults) -> Self {
        table.only(&keys().collect::<Vec<_>>());
        check_name(name, &table, direction);
        let field = Self {
            name,
            source: Source::read(&table),
            kind: table.word("type", KINDS),
            rule: Rule::read(&table, defaults),
            region_from: name_at(&table, "region_from"),
            default: literal::read(&table, "default"),
            required: table.flag("required").unwrap_or(false),
            invalid: table.word("invalid", INVALIDS).unwrap_or(Invalid::Refuse),
            table,
        };
        field.check_absence();
        field
    }

    /// The short form: `email = "mail"`.
    pub(crate) fn renamed(
        name: &'t str,
        from: &'t str,
        fields: &Table<'t>,
        direction: Direction,
        defaults: &Defaults,
    ) -> Self {
        let span = fields.get(name).map_or(fields.span.clone(), toml::Spanned::span);
        let table = Table { table: &NO_KEYS, span: span.clone(), path: fields.at(name), mistakes: fields.mistakes };
        check_name(name, &table, direction);
        let path = table.path.clone();
        let source = Source::Columns(vec![Name { column: from, span, path }]);
        Self {
            name,
            source: Some(source),
            kind: None,
            rule: Rule::read(&table, defaults),
            region_from: None,
            default: None,
            required: false,
            invalid: Invalid::Refuse,
            table,
        }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &'t str> {
        let source = self.source.iter().flat_map(Source::names);
        source.chain(&self.region_from).map(|name| name.column)
    }

    fn check_absence(&self) {
        if self.required && self.default.is_some() {
            let hint = "keep `required` to refuse such rows, or `default` to fill them";
            self.table.misplaced("required", "a field with a `default` is never missing", Some(hint.to_owned()));
        }
        if self.invalid == Invalid::Default && self.default.is_none() {
            self.table.wrong("invalid", "`invalid = \"default\"` needs a `default`", None);
        }
        if matches!(self.source, Some(Source::Constant(_))) {
            for key in ["default", "required", "invalid"] {
                if self.table.has(key) {
                    self.table.misplaced(key, format!("`{key}` has no effect on a constant"), None);
                }
            }
        }
    }

    /// Notes the keys that have no effect on the type that comes out.
    pub(crate) fn check_keys(&self, kind: Kind) {
        for (key, kinds) in TYPED_KEYS {
            if self.table.has(key) && !kinds.contains(&kind) && kind != Kind::Opaque {
                let types = quoted(kinds.iter().map(|kind| word_of(*kind)));
                let message = format!("`{key}` has no effect on the type `{}`", word_of(kind));
                let hint = if self.kind.is_none() {
                    format!("set `type`; `{key}` goes with {types}")
                } else {
                    format!("`{key}` goes with {types}")
                };
                self.table.misplaced(key, message, hint);
            }
        }
    }
}

/// What the configuration calls a type.
pub(crate) fn word_of(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("opaque", |(word, _)| word)
}

/// Our attributes have plain names, because other parts of the platform use them as such; a CRM names its fields as it likes.
fn check_name(name: &str, table: &Table<'_>, direction: Direction) {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if direction == Direction::Inbound && !plain {
        let hint = "use lower-case letters, digits and `_`, as in `first_name`; the CRM's name goes into `from`";
        table.lacks(format!("`{name}` can't be the name of an attribute"), Some(hint.to_owned()));
    } else if name.trim().is_empty() {
        table.lacks("a field needs a name", None);
    }
}
