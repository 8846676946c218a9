//! Reads one TOML table key by key and notes what is not as it should be. Knows TOML and the words of a key, not their meaning.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use ferry_sdk::suggest::nearest;

use crate::mistake::Mistakes;

/// The words that a key takes, and what they stand for.
pub(crate) type Words<T> = &'static [(&'static str, T)];

/// A value of the configuration and its place.
pub(crate) type Node<'t> = &'t Spanned<DeValue<'t>>;

/// One table of the configuration, its place, and where to note mistakes.
#[derive(Clone)]
pub(crate) struct Table<'t> {
    pub(crate) table: &'t DeTable<'t>,
    pub(crate) span: Range<usize>,
    pub(crate) path: String,
    pub(crate) mistakes: &'t Mistakes,
}

impl<'t> Table<'t> {
    /// Notes every key that nobody knows.
    pub(crate) fn only(&self, known: &[&'static str]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let hint = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the keys here are {}", quoted(known.iter().copied())),
            };
            self.mistakes.note(key.span(), &self.at(name), format!("there is no key `{name}`"), hint);
        }
    }

    pub(crate) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Node<'t>> {
        self.table.get(key)
    }

    /// Where the key itself stands, for mistakes about its being there.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// A mistake about the value of a key.
    pub(crate) fn wrong(&self, key: &str, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let span = self.table.get(key).map_or(self.span.clone(), Spanned::span);
        self.mistakes.note(span, &self.at(key), message, hint);
    }

    /// A mistake about a key's being there.
    pub(crate) fn misplaced(&self, key: &str, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.mistakes.note(self.key_span(key), &self.at(key), message, hint);
    }

    /// A mistake about the table as a whole.
    pub(crate) fn lacks(&self, message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.mistakes.note(self.span.clone(), &self.path, message, hint);
    }

    fn expected(&self, key: &str, what: &str, node: Node<'t>) {
        let message = format!("`{key}` must be {what}, not {}", type_name(node.get_ref()));
        self.mistakes.note(node.span(), &self.at(key), message, None);
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'t str> {
        let node = self.get(key)?;
        let text = node.get_ref().as_str();
        if text.is_none() {
            self.expected(key, "text in quotes", node);
        }
        text
    }

    /// A text that says something.
    pub(crate) fn filled(&self, key: &str) -> Option<&'t str> {
        let text = self.text(key)?;
        if text.is_empty() {
            self.wrong(key, format!("`{key}` is empty"), None);
            return None;
        }
        Some(text)
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        let flag = node.get_ref().as_bool();
        if flag.is_none() {
            self.expected(key, "true or false, without quotes", node);
        }
        flag
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&self, key: &str, least: i64, most: i64) -> Option<i64> {
        let node = self.get(key)?;
        let Some(number) = node.get_ref().as_integer() else {
            self.expected(key, "a whole number", node);
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(key, format!("`{key}` must be from {least} to {most}"), None);
        }
        number
    }

    /// A number as it is written, because a binary fraction would not be exact.
    pub(crate) fn number(&self, key: &str) -> Option<&'t str> {
        let node = self.get(key)?;
        match node.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            DeValue::Float(number) => Some(number.as_str()),
            _ => {
                self.expected(key, "a number", node);
                None
            }
        }
    }

    /// One text, or a list of texts. Empty when the key is missing or wrong.
    pub(crate) fn texts(&self, key: &str) -> Vec<&'t str> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        match node.get_ref() {
            DeValue::String(text) => vec![text],
            DeValue::Array(items) => {
                if items.is_empty() {
                    self.wrong(key, format!("`{key}` is empty"), None);
                }
                items.iter().enumerate().filter_map(|(at, item)| self.item_text(key, at, item)).collect()
            }
            _ => {
                self.expected(key, "text or a list of texts", node);
                Vec::new()
            }
        }
    }

    fn item_text(&self, key: &str, at: usize, item: Node<'t>) -> Option<&'t str> {
        let text = item.get_ref().as_str();
        if text.is_none() {
            self.expected(&format!("{key}[{at}]"), "text in quotes", item);
        }
        text
    }

    /// One word of a fixed set.
    pub(crate) fn word<T: Copy>(&self, key: &str, words: Words<T>) -> Option<T> {
        let text = self.text(key)?;
        self.chosen(key, text, words)
    }

    /// Words of a fixed set: one, or a list.
    pub(crate) fn words<T: Copy>(&self, key: &str, words: Words<T>) -> Vec<T> {
        self.texts(key).into_iter().filter_map(|text| self.chosen(key, text, words)).collect()
    }

    fn chosen<T: Copy>(&self, key: &str, text: &str, words: Words<T>) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let names = || words.iter().map(|(word, _)| *word);
            let hint = match nearest(text, names()) {
                Some(meant) => format!("did you mean `{meant}`? There are {}", quoted(names())),
                None => format!("there are {}", quoted(names())),
            };
            self.wrong(key, format!("`{key}` knows no `{text}`"), hint);
        }
        found
    }

    /// A table below this one.
    pub(crate) fn table(&self, key: &str) -> Option<Table<'t>> {
        let node = self.get(key)?;
        match node.get_ref() {
            DeValue::Table(table) => {
                Some(Table { table, span: self.key_span(key), path: self.at(key), mistakes: self.mistakes })
            }
            _ => {
                self.expected(key, "a table", node);
                None
            }
        }
    }

    /// Tables of a list, each with its path. Noted if something else is in there.
    pub(crate) fn tables(&self, key: &str, hint: &str) -> Vec<Table<'t>> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = node.get_ref() else {
            self.misplaced(key, format!("`{key}` must be a list of tables"), Some(hint.to_owned()));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let place = format!("{key}[{at}]");
            match item.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Table { table, span: item.span(), path: self.at(&place), mistakes: self.mistakes });
                }
                _ => self.expected(&place, "a table", item),
            }
        }
        tables
    }

    /// A table of texts, in the order in which they are written.
    pub(crate) fn pairs(&self, key: &str) -> Vec<(&'t str, &'t str)> {
        let Some(table) = self.table(key) else {
            return Vec::new();
        };
        if table.table.is_empty() {
            self.wrong(key, format!("`{key}` is empty"), None);
        }
        in_order(table.table).filter_map(|(name, _)| Some((name, table.text(name)?))).collect()
    }
}

/// Keys and values as they are written: the parser sorts them by name.
pub(crate) fn in_order<'t>(table: &'t DeTable<'t>) -> impl Iterator<Item = (&'t str, Node<'t>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter().map(|(key, value)| (&**key.get_ref(), value))
}

/// A path with one more key, quoted where TOML would need it.
fn join(path: &str, key: &str) -> String {
    let bare = key.split('[').next().unwrap_or(key);
    let plain = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if plain { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

pub(crate) fn quoted<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
