//! Yes or no, in the words of whoever wrote it.

use ferry_sdk::mapper::Value;

use crate::config::table::Table;
use crate::refusal::Refusal;

const YES: &[&str] = &["true", "yes", "y", "1", "on"];
const NO: &[&str] = &["false", "no", "n", "0", "off"];

/// The mapping's own words, beside the usual ones. In lower case.
#[derive(Debug, Clone)]
pub(crate) struct Boolean {
    yes: Vec<String>,
    no: Vec<String>,
}

impl Boolean {
    pub(crate) fn read(table: &Table<'_>) -> Self {
        let words = |key| table.texts(key).into_iter().map(|word| word.trim().to_lowercase()).collect::<Vec<_>>();
        let (yes, no) = (words("yes"), words("no"));
        if yes.iter().any(|word| no.contains(word)) {
            table.wrong("no", "a word stands both in `yes` and in `no`", None);
        }
        Self { yes, no }
    }

    /// From a boolean, or a word in any case. The mapping's own words win over the usual ones.
    pub(crate) fn convert(&self, value: Value) -> Result<Value, Refusal> {
        let text = match value {
            Value::Boolean(_) => return Ok(value),
            Value::Integer(number) => number.to_string(),
            Value::Text(text) | Value::Decimal(text) => text,
            _ => return Err(Refusal::NOT_BOOLEAN),
        };
        let word = text.trim();
        let found = self.own(word).or_else(|| usual(word));
        found.map(Value::Boolean).ok_or(Refusal::NOT_BOOLEAN)
    }

    fn own(&self, word: &str) -> Option<bool> {
        if self.yes.is_empty() && self.no.is_empty() {
            return None;
        }
        let word = word.to_lowercase();
        if self.yes.contains(&word) {
            return Some(true);
        }
        self.no.contains(&word).then_some(false)
    }
}

fn usual(word: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(YES) { Some(true) } else { is(NO).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_words_come_before_the_usual_ones() {
        let rule = Boolean { yes: vec!["ja".into(), "0".into(), "größer".into()], no: vec!["nein".into()] };
        let read = |text: &str| rule.convert(Value::Text(text.to_owned()));
        for (text, meant) in
            [(" Ja ", true), ("NEIN", false), ("0", true), ("1", true), ("off", false), ("GRÖSSER", false)]
        {
            let expected = if text == "GRÖSSER" { Err(Refusal::NOT_BOOLEAN) } else { Ok(Value::Boolean(meant)) };
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("Größer"), Ok(Value::Boolean(true)));
        assert_eq!(read("perhaps"), Err(Refusal::NOT_BOOLEAN));
    }

    #[test]
    fn numbers_count_as_words_and_lists_do_not() {
        let rule = Boolean { yes: Vec::new(), no: Vec::new() };
        assert_eq!(rule.convert(Value::Integer(1)), Ok(Value::Boolean(true)));
        assert_eq!(rule.convert(Value::Integer(2)), Err(Refusal::NOT_BOOLEAN));
        assert_eq!(rule.convert(Value::Texts(vec!["yes".into()])), Err(Refusal::NOT_BOOLEAN));
    }
}
