//! Where a field's value comes from: columns, a template, a list of columns put together, or the configuration itself.

use std::ops::Range;

use ferry_sdk::mapper::Value;
use toml::de::DeValue;

use super::literal;
use super::table::Table;

/// An input column as the configuration names it, and where.
#[derive(Debug, Clone)]
pub(crate) struct Name<'t> {
    pub(crate) column: &'t str,
    pub(crate) span: Range<usize>,
    pub(crate) path: String,
}

/// A piece of a template: text, or the value of a column.
#[derive(Debug, Clone)]
pub(crate) enum Part<C> {
    Text(String),
    Column(C),
}

impl<C> Part<C> {
    pub(crate) fn column(&self) -> Option<&C> {
        match self {
            Self::Column(column) => Some(column),
            Self::Text(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Source<'t> {
    /// The first of these that is filled.
    Columns(Vec<Name<'t>>),
    /// Pieces in sections, each of which goes where all of its columns are empty.
    Template(Vec<Vec<Part<Name<'t>>>>),
    Concat {
        names: Vec<Name<'t>>,
        separator: &'t str,
    },
    Constant(Value),
}

/// The keys of which a field has exactly one.
pub(crate) const SOURCE_KEYS: &[&str] = &["from", "template", "concat", "constant"];

impl<'t> Source<'t> {
    pub(crate) fn read(table: &Table<'t>) -> Option<Self> {
        let mut given = SOURCE_KEYS.iter().filter(|key| table.has(key));
        let Some(key) = given.next() else {
            let hint = "say `from = \"<column>\"`, or `template`, `concat` or `constant`";
            table.lacks("the field has no source", Some(hint.to_owned()));
            return None;
        };
        if let Some(second) = given.next() {
            table.misplaced(
                second,
                format!("the field has two sources, `{key}` and `{second}`"),
                Some("keep one".to_owned()),
            );
        }
        if table.has("separator") && *key != "concat" {
            table.misplaced("separator", "`separator` needs `concat`", None);
        }
        match *key {
            "from" => some_names(names(table, "from")).map(Self::Columns),
            "template" => template(table).map(Self::Template),
            "concat" => {
                let separator = table.text("separator").unwrap_or(" ");
                some_names(names(table, "concat")).map(|names| Self::Concat { names, separator })
            }
            _ => literal::read(table, "constant").map(Self::Constant),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name<'t>> {
        let (list, sections): (&[Name<'t>], &[Vec<Part<Name<'t>>>]) = match self {
            Self::Columns(names) | Self::Concat { names, .. } => (names, &[]),
            Self::Template(sections) => (&[], sections),
            Self::Constant(_) => (&[], &[]),
        };
        list.iter().chain(sections.iter().flatten().filter_map(Part::column))
    }
}

fn some_names(names: Vec<Name<'_>>) -> Option<Vec<Name<'_>>> {
    Some(names).filter(|names| !names.is_empty())
}

/// One column or a list of them.
fn names<'t>(table: &Table<'t>, key: &str) -> Vec<Name<'t>> {
    let texts = table.texts(key);
    let places: Vec<(Range<usize>, String)> = match table.get(key).map(|node| (node.span(), node.get_ref())) {
        Some((_, DeValue::Array(items))) => {
            let place =
                |(at, item): (usize, &toml::Spanned<DeValue<'t>>)| (item.span(), table.at(&format!("{key}[{at}]")));
            items.iter().enumerate().filter(|(_, item)| item.get_ref().is_str()).map(place).collect()
        }
        Some((span, _)) => vec![(span, table.at(key))],
        None => Vec::new(),
    };
    texts.into_iter().zip(places).map(|(column, (span, path))| Name { column, span, path }).collect()
}

/// A key that names exactly one column.
pub(crate) fn name<'t>(table: &Table<'t>, key: &str) -> Option<Name<'t>> {
    let column = table.filled(key)?;
    let span = table.get(key).map_or(table.span.clone(), toml::Spanned::span);
    Some(Name { column, span, path: table.at(key) })
}

/// One text or several.
fn template<'t>(table: &Table<'t>) -> Option<Vec<Vec<Part<Name<'t>>>>> {
    let texts = some_names(names(table, "template"))?;
    if texts.iter().any(|text| text.column.is_empty()) {
        table.wrong("template", "`template` is empty", None);
        return None;
    }
    let sections: Result<Vec<_>, _> = texts.into_iter().map(section).collect();
    let sections = match sections {
        Ok(sections) => sections,
        Err(reason) => {
            table.wrong("template", reason, Some("write columns as `{column}`, and a brace itself twice".to_owned()));
            return None;
        }
    };
    if !sections.iter().flatten().any(|part| part.column().is_some()) {
        let hint = "write columns as `{column}`, or use `constant`";
        table.wrong("template", "the template names no column", Some(hint.to_owned()));
        return None;
    }
    Some(sections)
}

/// Reads `{column}` and text; `{{` and `}}` stand for the braces themselves.
fn section(text: Name<'_>) -> Result<Vec<Part<Name<'_>>>, &'static str> {
    let placed = template_parts(text.column)?.into_iter().map(|part| match part {
        Part::Text(text) => Part::Text(text),
        Part::Column(column) => Part::Column(Name { column, ..text.clone() }),
    });
    Ok(placed.collect())
}

fn template_parts(text: &str) -> Result<Vec<Part<&str>>, &'static str> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let doubled = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
        if doubled {
            literal.push_str(&rest[at..=at]);
            rest = &rest[at + 2..];
            continue;
        }
        let inner = rest[at..].strip_prefix('{').ok_or("a `}` has no `{` before it")?;
        let (column, after) = inner.split_once('}').ok_or("a `{` has no `}` after it")?;
        if column.trim().is_empty() || column.contains('{') {
            return Err("between `{` and `}` there must be the name of a column");
        }
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(Part::Column(column.trim()));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}
