//! Leaves rows out on purpose. Looks at input values only, before any field is mapped.

use std::borrow::Cow;

use ferry_sdk::mapper::Value;

use crate::config::skip::{Bound, Is};
use crate::convert::{is_absent, push_plain};
use crate::rules::decimal::Decimal;
use crate::rules::time::Time;

/// One `[[skip]]`.
#[derive(Debug)]
pub(crate) struct SkipRule {
    pub(crate) reason: String,
    pub(crate) tests: Vec<Test>,
    pub(crate) time: Time,
}

/// One condition.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) index: usize,
    pub(crate) is: Is,
    pub(crate) values: Vec<String>,
    pub(crate) bound: Option<Bound>,
    pub(crate) ignore_case: bool,
}

impl SkipRule {
    pub(crate) fn holds(&self, row: &[Value]) -> bool {
        self.tests.iter().all(|test| test.holds(&row[test.index], &self.time))
    }
}

impl Test {
    /// An empty value equals nothing, so only `absent`, `not-equals` and `none-of` hold for it. Of a list, any entry may hold, and
    /// for `not-equals` and `none-of` all must.
    fn holds(&self, value: &Value, time: &Time) -> bool {
        let absent = is_absent(value);
        match self.is {
            Is::Absent => absent,
            Is::Present => !absent,
            Is::NotEquals | Is::NoneOf => absent || !self.any(value, time, |text, known| text == known),
            _ if absent => false,
            Is::Equals | Is::OneOf => self.any(value, time, |text, known| text == known),
            Is::Contains => self.any(value, time, |text, known| text.contains(known)),
            Is::StartsWith => self.any(value, time, |text, known| text.starts_with(known)),
            Is::EndsWith => self.any(value, time, |text, known| text.ends_with(known)),
            Is::Below => self.compare(value, time).is_some_and(std::cmp::Ordering::is_lt),
            Is::Above => self.compare(value, time).is_some_and(std::cmp::Ordering::is_gt),
        }
    }

    fn any(&self, value: &Value, time: &Time, compare: impl Fn(&str, &str) -> bool) -> bool {
        let holds = |text: &str| {
            let text = if self.ignore_case { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
            self.values.iter().any(|known| compare(text.trim(), known))
        };
        match value {
            Value::Text(text) => holds(text),
            Value::Texts(texts) => texts.iter().any(|text| holds(text)),
            other => {
                let mut text = String::new();
                push_plain(other, time, &mut text);
                holds(&text)
            }
        }
    }

    /// None where the two can't be compared, as a name and a number.
    fn compare(&self, value: &Value, time: &Time) -> Option<std::cmp::Ordering> {
        match self.bound.as_ref()? {
            Bound::Number(bound) => {
                let number = match value {
                    Value::Integer(number) => Decimal::from(*number),
                    Value::Decimal(text) | Value::Text(text) => Decimal::parse(text.trim())?,
                    _ => return None,
                };
                Some(number.compare(*bound))
            }
            Bound::Instant(bound) => match time.instant(value.clone()).ok()? {
                Value::Instant(micros) => Some(micros.cmp(bound)),
                _ => None,
            },
            Bound::Date(bound) => match time.date(value.clone()).ok()? {
                Value::Date(days) => Some(days.cmp(bound)),
                _ => None,
            },
        }
    }
}
