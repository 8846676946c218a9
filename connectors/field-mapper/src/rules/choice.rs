//! Maps of values and sets of allowed ones, as picklists need them.

use toml::de::DeValue;

use super::text::trimmed;
use crate::config::table::{Table, Words};
use crate::refusal::Refusal;

/// What becomes of a value that the map doesn't know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Otherwise {
    Refuse,
    Keep,
    Null,
    Value(Box<str>),
}

/// Words of `otherwise`; a value of its own is written as `{ value = ".." }`, so that it can't be mistaken for a word.
pub(crate) const OTHERWISE: Words<&Otherwise> =
    &[("refuse", &Otherwise::Refuse), ("keep", &Otherwise::Keep), ("null", &Otherwise::Null)];

/// `values`, `otherwise` and `ignore_case`.
#[derive(Debug, Clone)]
pub(crate) struct ValueMap {
    /// Sorted by the key, which is in lower case where case is ignored.
    pairs: Vec<(Box<str>, Box<str>)>,
    otherwise: Otherwise,
    ignore_case: bool,
}

impl ValueMap {
    pub(crate) fn read(table: &Table<'_>) -> Option<Self> {
        for key in ["otherwise", "ignore_case"] {
            if table.has(key) && !table.has("values") {
                table.misplaced(key, format!("`{key}` needs `values`"), None);
            }
        }
        let ignore_case = table.flag("ignore_case").unwrap_or(false);
        let otherwise = read_otherwise(table).unwrap_or(Otherwise::Refuse);
        let pairs = table.pairs("values");
        let mut pairs: Vec<(Box<str>, Box<str>)> =
            pairs.into_iter().map(|(from, to)| (folded(from.trim(), ignore_case).into(), to.into())).collect();
        pairs.sort_unstable();
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            table.wrong("values", "two keys of `values` are the same but for case or blanks", None);
        }
        table.has("values").then_some(Self { pairs, otherwise, ignore_case })
    }

    /// The value that stands for this one; none where it is to be left empty.
    pub(crate) fn apply(&self, text: String) -> Result<Option<String>, Refusal> {
        match (self.find(text.trim()), &self.otherwise) {
            (Some(value), _) => Ok(Some(value.to_owned())),
            (None, Otherwise::Value(value)) => Ok(Some(value.to_string())),
            (None, Otherwise::Keep) => Ok(Some(text)),
            (None, Otherwise::Null) => Ok(None),
            (None, Otherwise::Refuse) => Err(Refusal::UnknownChoice),
        }
    }

    fn find(&self, text: &str) -> Option<&str> {
        let find = |text: &str| self.pairs.binary_search_by(|(from, _)| (**from).cmp(text)).ok();
        let at = if self.ignore_case { find(&text.to_lowercase()) } else { find(text) };
        Some(&*self.pairs[at?].1)
    }
}

fn folded(text: &str, ignore_case: bool) -> String {
    if ignore_case { text.to_lowercase() } else { text.to_owned() }
}

fn read_otherwise(table: &Table<'_>) -> Option<Otherwise> {
    if !matches!(table.get("otherwise")?.get_ref(), DeValue::Table(_)) {
        return table.word("otherwise", OTHERWISE).cloned();
    }
    let inner = table.table("otherwise")?;
    inner.only(&["value"]);
    if !inner.has("value") {
        inner.lacks("`otherwise` as a table needs `value`", Some("write `otherwise = { value = \"..\" }`".to_owned()));
    }
    inner.text("value").map(|value| Otherwise::Value(value.into()))
}

/// The choices that may come out; any, if none are named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed(Vec<Box<str>>);

/// Up to so many, comparing with each is quicker than hashing.
const FEW: usize = 16;

impl Allowed {
    pub(crate) fn read(table: &Table<'_>) -> Self {
        let mut allowed: Vec<Box<str>> = table.texts("allowed").into_iter().map(Into::into).collect();
        allowed.sort_unstable();
        Self(allowed)
    }

    pub(crate) fn one(&self, text: String) -> Result<String, Refusal> {
        let text = trimmed(text);
        let allowed = self.0.is_empty() || self.0.binary_search_by(|known| (**known).cmp(&text)).is_ok();
        if allowed { Ok(text) } else { Err(Refusal::NotAllowed) }
    }

    /// Each once, in the order in which they come, without empty ones.
    pub(crate) fn many(&self, texts: Vec<String>) -> Result<Vec<String>, Refusal> {
        let mut chosen: Vec<String> = Vec::with_capacity(texts.len());
        let mut seen = std::collections::HashSet::new();
        for text in texts {
            let text = self.one_of_many(text)?;
            let Some(text) = text else { continue };
            let known = if chosen.len() < FEW {
                chosen.contains(&text)
            } else {
                if seen.is_empty() {
                    seen.extend(chosen.iter().cloned());
                }
                !seen.insert(text.clone())
            };
            if !known {
                chosen.push(text);
            }
        }
        Ok(chosen)
    }

    fn one_of_many(&self, text: String) -> Result<Option<String>, Refusal> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        self.one(text).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(otherwise: Otherwise, ignore_case: bool) -> ValueMap {
        ValueMap {
            pairs: vec![("event".into(), "fair".into()), ("web".into(), "online".into())],
            otherwise,
            ignore_case,
        }
    }

    #[test]
    fn an_unknown_value_goes_where_otherwise_says() {
        let mapped = |otherwise, text: &str| map(otherwise, false).apply(text.to_owned());
        assert_eq!(mapped(Otherwise::Refuse, " web "), Ok(Some("online".to_owned())));
        assert_eq!(mapped(Otherwise::Refuse, "WEB"), Err(Refusal::UnknownChoice));
        assert_eq!(mapped(Otherwise::Keep, "WEB"), Ok(Some("WEB".to_owned())));
        assert_eq!(mapped(Otherwise::Null, "WEB"), Ok(None));
        assert_eq!(mapped(Otherwise::Value("other".into()), "WEB"), Ok(Some("other".to_owned())));
        assert_eq!(map(Otherwise::Refuse, true).apply("WEB".to_owned()), Ok(Some("online".to_owned())));
    }

    #[test]
    fn many_choices_come_once_each_however_many_there_are() {
        let texts = |count: usize| (0..count).map(|n| format!("c{}", n % 40)).collect::<Vec<_>>();
        let chosen = Allowed::default().many(texts(200)).expect("all are allowed");
        assert_eq!(chosen, texts(40));
        let chosen = Allowed::default().many(vec![" a ".into(), String::new(), "a".into(), "b".into()]);
        assert_eq!(chosen, Ok(vec!["a".to_owned(), "b".to_owned()]));
        let strict = Allowed(vec!["a".into()]);
        assert_eq!(strict.many(vec!["a".into(), "b".into()]), Err(Refusal::NotAllowed));
    }
}
