//! Whole and decimal numbers: how they are written, scaled, rounded and bounded.

use ferry_sdk::mapper::Value;

use super::decimal::{Decimal, Round};
use crate::config::table::{Table, Words};
use crate::refusal::Refusal;

/// How numbers are written: the decimal mark and the mark between groups of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    decimal: char,
    group: Option<char>,
    /// Groups of two digits but for the last, as in India.
    lakh: bool,
}

pub(crate) const PLAIN: Style = Style { decimal: '.', group: None, lakh: false };

/// Named by an example, because an example can't be misread.
pub(crate) const STYLES: Words<Style> = &[
    ("1234.56", PLAIN),
    ("1234,56", Style { decimal: ',', group: None, lakh: false }),
    ("1,234.56", Style { decimal: '.', group: Some(','), lakh: false }),
    ("1.234,56", Style { decimal: ',', group: Some('.'), lakh: false }),
    ("1 234,56", Style { decimal: ',', group: Some(' '), lakh: false }),
    ("1'234.56", Style { decimal: '.', group: Some('\''), lakh: false }),
    ("1,23,456.78", Style { decimal: '.', group: Some(','), lakh: true }),
];

impl Style {
    /// The number in plain digits, if it is written in this style. Groups may be left out, but not be uneven: `1.23` in the
    /// style `1.234,56` is no number, as it was hardly meant as 123.
    pub(crate) fn plain(self, text: &str) -> Option<String> {
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let (sign, whole) = match whole.strip_prefix(['-', '\u{2212}']) {
            Some(whole) => ("-", whole),
            None => ("", whole.strip_prefix('+').unwrap_or(whole)),
        };
        let mut out = String::with_capacity(text.len());
        out.push_str(sign);
        self.push_whole(whole, &mut out)?;
        if let Some(fraction) = fraction {
            all_digits(fraction)?;
            out.push('.');
            out.push_str(fraction);
        }
        Some(out)
    }

    fn push_whole(self, whole: &str, out: &mut String) -> Option<()> {
        let mut groups =
            whole.split(|c| Some(plain_blank(c)) == self.group || (c == '\u{2019}' && self.group == Some('\'')));
        let first = groups.next()?;
        // A mark of another style is no digit: `1.234` in the style `1234,56` must not pass for a fraction.
        all_digits(first)?;
        out.push_str(first);
        let mut groups = groups.peekable();
        let most = if self.lakh { 2 } else { 3 };
        if groups.peek().is_some() && !(1..=most).contains(&first.len()) {
            return None;
        }
        while let Some(group) = groups.next() {
            let size = if self.lakh && groups.peek().is_some() { 2 } else { 3 };
            if group.len() != size {
                return None;
            }
            all_digits(group)?;
            out.push_str(group);
        }
        Some(())
    }

    /// Writes plain digits in this style.
    pub(crate) fn push(self, plain: &str, out: &mut String) {
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        out.push_str(sign);
        for (at, digit) in whole.char_indices() {
            let left = whole.len() - at;
            let border = if self.lakh && left > 3 { left % 2 == 1 } else { left % 3 == 0 };
            if let Some(group) = self.group.filter(|_| at > 0 && border) {
                out.push(group);
            }
            out.push(digit);
        }
        if !fraction.is_empty() {
            out.push(self.decimal);
            out.push_str(fraction);
        }
    }
}

fn all_digits(text: &str) -> Option<()> {
    text.bytes().all(|b| b.is_ascii_digit()).then_some(())
}

/// Typesetters group with spaces that don't break; they count as spaces.
fn plain_blank(c: char) -> char {
    if matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}') { ' ' } else { c }
}

pub(crate) const ROUNDS: Words<Option<Round>> = &[
    ("refuse", None),
    ("half-up", Some(Round::HalfUp)),
    ("half-even", Some(Round::HalfEven)),
    ("down", Some(Round::Down)),
    ("up", Some(Round::Up)),
];

/// More decimal places than money, rates and coordinates have.
const MOST_PLACES: i64 = 18;

/// The number keys of one field.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    style: Style,
    scale: Option<Decimal>,
    places: Option<u32>,
    round: Option<Round>,
    least: Option<Decimal>,
    most: Option<Decimal>,
}

impl Number {
    pub(crate) fn read(table: &Table<'_>, default: Style) -> Self {
        let exact = |key: &str| {
            let number = Decimal::parse(&table.number(key)?.replace('_', ""));
            if number.is_none() {
                table.wrong(key, format!("`{key}` is not a number that can be reckoned with"), None);
            }
            number
        };
        let rule = Self {
            style: table.word("numbers", STYLES).unwrap_or(default),
            scale: exact("scale"),
            places: table.whole("places", 0, MOST_PLACES).and_then(|places| u32::try_from(places).ok()),
            round: table.word("round", ROUNDS).flatten(),
            least: exact("min"),
            most: exact("max"),
        };
        if let (Some(least), Some(most)) = (rule.least, rule.most)
            && least.compare(most).is_gt()
        {
            table.wrong("max", "`max` is less than `min`", None);
        }
        rule
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// The rule for what the configuration itself gives, as in `default`: written plainly, and not scaled.
    pub(crate) fn for_literals(&self) -> Self {
        Self { style: PLAIN, scale: None, ..self.clone() }
    }

    fn reckons(&self) -> bool {
        self.scale.is_some() || self.places.is_some() || self.least.is_some() || self.most.is_some()
    }

    pub(crate) fn integer(&self, value: Value) -> Result<Value, Refusal> {
        match value {
            Value::Integer(number) if !self.reckons() => return Ok(Value::Integer(number)),
            Value::Text(ref text) if !self.reckons() => {
                if let Some(number) = plain_integer(text.trim()) {
                    return Ok(Value::Integer(number));
                }
            }
            _ => {}
        }
        let mut number = self.reckoned(self.number(&value)?)?;
        if !number.is_whole() {
            number = number.rounded(0, self.round.ok_or(Refusal::Fraction)?);
        }
        self.bounded(number)?.whole().map(Value::Integer).ok_or(Refusal::TooLarge)
    }

    pub(crate) fn decimal(&self, value: Value) -> Result<Value, Refusal> {
        if !self.reckons() {
            match value {
                Value::Decimal(text) if is_canonical(&text) => return Ok(Value::Decimal(text)),
                Value::Text(text) if self.style == PLAIN && is_canonical(&text) => {
                    return Ok(Value::Decimal(text));
                }
                Value::Integer(number) => return Ok(Value::Decimal(number.to_string())),
                other => return Ok(Value::Decimal(self.number(&other)?.to_string())),
            }
        }
        let number = self.bounded(self.reckoned(self.number(&value)?)?)?;
        Ok(Value::Decimal(number.to_string()))
    }

    fn number(&self, value: &Value) -> Result<Decimal, Refusal> {
        let parsed = match value {
            Value::Integer(number) => return Ok(Decimal::from(*number)),
            Value::Decimal(text) => Decimal::parse(text),
            Value::Text(text) if self.style == PLAIN => Decimal::parse(text.trim()),
            Value::Text(text) => self.style.plain(text.trim()).and_then(|plain| Decimal::parse(&plain)),
            _ => None,
        };
        parsed.ok_or(Refusal::NOT_NUMBER)
    }

    fn reckoned(&self, number: Decimal) -> Result<Decimal, Refusal> {
        let scaled = match self.scale {
            Some(scale) => number.times(scale).ok_or(Refusal::TooLarge)?,
            None => number,
        };
        match (self.places, self.round) {
            (Some(places), Some(round)) => Ok(scaled.rounded(places, round)),
            (Some(places), None) if scaled.trimmed().places() > places => Err(Refusal::Places { places }),
            _ => Ok(scaled),
        }
    }

    fn bounded(&self, number: Decimal) -> Result<Decimal, Refusal> {
        let low = self.least.is_some_and(|least| number.compare(least).is_lt());
        let high = self.most.is_some_and(|most| number.compare(most).is_gt());
        if low || high { Err(Refusal::Bounds) } else { Ok(number) }
    }
}

fn plain_integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Whether the text has the contract's shape without a sign or zeros that say nothing, so that it can stay as it is.
fn is_canonical(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let lean = whole == "0" || !whole.starts_with('0');
    let zero = text.starts_with('-') && digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    all_digits(whole) && all_digits(fraction) && lean && !zero
}

#[cfg(test)]
mod tests;
