//! Search filters: parsed and checked against the catalog once, then matched against records.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::account::{Account, At};
use super::errors::ApiError;
use super::record::View;
use crate::sim::stamp;

/// What a property's values are compared as.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Number,
    Time,
    Text,
    /// Compared letter by letter, case included.
    Choice,
    /// The pseudo-property `associations.{type}`.
    Link(At),
}

/// A value ready to be compared.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Comparable {
    Number(f64),
    Time(i64),
    Text(String),
}

#[derive(Debug, Clone)]
enum Test {
    Eq(Comparable),
    Neq(Comparable),
    Lt(Comparable),
    Lte(Comparable),
    Gt(Comparable),
    Gte(Comparable),
    Between(Comparable, Comparable),
    In(Vec<Comparable>),
    NotIn(Vec<Comparable>),
    Has,
    HasNot,
    Token(String),
    NotToken(String),
}

/// One filter.
#[derive(Debug, Clone)]
struct Filter {
    name: String,
    order: Order,
    test: Test,
}

/// Filters that must all match, with the bounds they set on modified stamp and id.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    filters: Vec<Filter>,
    /// No record outside this window of modified stamps matches.
    pub(crate) window: RangeInclusive<i64>,
    /// No record outside this range of ids matches.
    pub(crate) ids: RangeInclusive<u64>,
    /// Window and ids say it all: within them every record matches.
    pub(crate) plain: bool,
    /// A unique property and the one value that matches.
    pub(crate) unique: Option<(String, String)>,
}

impl Group {
    /// The group that every record matches.
    pub(crate) fn all() -> Self {
        Self { filters: Vec::new(), window: i64::MIN..=i64::MAX, ids: 0..=u64::MAX, plain: true, unique: None }
    }

    /// Checks the `filters` of one group.
    pub(crate) fn parse(account: &Account, at: At, filters: &[Value]) -> Result<Self, ApiError> {
        let mut group = Self::all();
        for filter in filters {
            let filter = Filter::parse(account, at, filter)?;
            group.bound(account, at, &filter);
            group.filters.push(filter);
        }
        Ok(group)
    }

    fn bound(&mut self, account: &Account, at: At, filter: &Filter) {
        let kind = account.kind(at);
        if filter.name == kind.modified_property {
            match filter.test.times() {
                Some(range) => self.window = intersect(&self.window, &range),
                None => self.plain = false,
            }
        } else if filter.name == "hs_object_id" {
            match filter.test.ids() {
                Some(range) => self.ids = intersect(&self.ids, &range),
                None => self.plain = false,
            }
        } else {
            self.plain = false;
            if let Test::Eq(Comparable::Text(value)) = &filter.test
                && account.table(at).unique_names.contains(&filter.name)
            {
                self.unique = Some((filter.name.clone(), value.clone()));
            }
        }
    }

    /// Whether a record matches.
    pub(crate) fn matches(&self, account: &Account, at: At, view: &View<'_>) -> bool {
        let bounded = self.window.contains(&view.updated_ms()) && self.ids.contains(&view.id());
        bounded && (self.plain || self.filters.iter().all(|filter| filter.matches(account, at, view)))
    }
}

fn intersect<T: Ord + Copy>(one: &RangeInclusive<T>, other: &RangeInclusive<T>) -> RangeInclusive<T> {
    *one.start().max(other.start())..=*one.end().min(other.end())
}

impl Test {
    /// The stamps that pass, where they are one range.
    fn times(&self) -> Option<RangeInclusive<i64>> {
        let time = |value: &Comparable| if let Comparable::Time(ms) = value { Some(*ms) } else { None };
        Some(match self {
            Self::Eq(value) => time(value)?..=time(value)?,
            Self::Lt(value) => i64::MIN..=time(value)?.saturating_sub(1),
            Self::Lte(value) => i64::MIN..=time(value)?,
            Self::Gt(value) => time(value)?.saturating_add(1)..=i64::MAX,
            Self::Gte(value) => time(value)?..=i64::MAX,
            Self::Between(low, high) => time(low)?..=time(high)?,
            _ => return None,
        })
    }

    /// The ids that pass, where they are one range.
    fn ids(&self) -> Option<RangeInclusive<u64>> {
        let floor = |value: &Comparable| match value {
            Comparable::Number(number) if number.fract() == 0.0 && *number >= 0.0 => Some(*number as u64),
            _ => None,
        };
        Some(match self {
            Self::Eq(value) => floor(value)?..=floor(value)?,
            Self::Lt(value) => 0..=floor(value)?.checked_sub(1)?,
            Self::Lte(value) => 0..=floor(value)?,
            Self::Gt(value) => floor(value)?.saturating_add(1)..=u64::MAX,
            Self::Gte(value) => floor(value)?..=u64::MAX,
            Self::Between(low, high) => floor(low)?..=floor(high)?,
            _ => return None,
        })
    }

    fn passes(&self, value: Option<&Comparable>, text: &str) -> bool {
        let is = |wanted: fn(&Comparable, &Comparable) -> bool, than: &Comparable| {
            value.is_some_and(|value| wanted(value, than))
        };
        match self {
            Self::Eq(than) => is(|value, than| value == than, than),
            Self::Neq(than) => !is(|value, than| value == than, than),
            Self::Lt(than) => is(|value, than| value < than, than),
            Self::Lte(than) => is(|value, than| value <= than, than),
            Self::Gt(than) => is(|value, than| value > than, than),
            Self::Gte(than) => is(|value, than| value >= than, than),
            Self::Between(low, high) => value.is_some_and(|value| value >= low && value <= high),
            Self::In(values) => value.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => !value.is_some_and(|value| values.contains(value)),
            Self::Has => value.is_some(),
            Self::HasNot => value.is_none(),
            Self::Token(pattern) => has_token(text, pattern),
            Self::NotToken(pattern) => !has_token(text, pattern),
        }
    }
}

/// Whether a word of `text` is the pattern; a `*` at either end stands for any letters.
fn has_token(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    let core = pattern.trim_matches('*');
    let fits = |word: &str| match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => word.contains(core),
        (true, false) => word.ends_with(core),
        (false, true) => word.starts_with(core),
        (false, false) => word == core,
    };
    fits(&text) || text.split(|letter: char| !letter.is_alphanumeric()).any(fits)
}

/// Turns the value of a filter or a record into what is compared.
fn comparable(order: Order, value: &str) -> Option<Comparable> {
    match order {
        Order::Number | Order::Link(_) => value.parse().ok().map(Comparable::Number),
        Order::Time => stamp::parse(value).map(Comparable::Time),
        Order::Text => Some(Comparable::Text(value.to_lowercase())),
        Order::Choice => Some(Comparable::Text(value.to_owned())),
    }
}

/// What a record's property is sorted by; none when it has no value.
pub(crate) fn sort_key(account: &Account, at: At, name: &str, view: &View<'_>) -> Option<Comparable> {
    let order = order_of(account, at, name).ok()?;
    comparable(order, &view.get(name)?)
}

fn order_of(account: &Account, at: At, name: &str) -> Result<Order, ApiError> {
    if let Some(to) = name.strip_prefix("associations.") {
        return account.at(to).map(Order::Link);
    }
    let property = account.objects[at].catalog.get(name).filter(|property| !property.archived);
    let property = property.ok_or_else(|| {
        let message = format!("There was a problem with the request. Property \"{name}\" does not exist");
        ApiError::invalid(message)
    })?;
    Ok(match property.kind.as_str() {
        "number" => Order::Number,
        "date" | "datetime" => Order::Time,
        "enumeration" | "bool" => Order::Choice,
        _ => Order::Text,
    })
}

impl Filter {
    fn parse(account: &Account, at: At, filter: &Value) -> Result<Self, ApiError> {
        let name = super::body::text(filter, "propertyName")?.to_owned();
        let order = order_of(account, at, &name)?;
        let one = |member: &str| {
            let text = filter[member].as_str();
            let text =
                text.ok_or_else(|| ApiError::invalid(format!("operator needs `{member}` as a string for {name}")))?;
            operand(order, &name, text)
        };
        let many = || {
            let values = super::body::texts(filter, "values")?;
            if values.is_empty() {
                return Err(ApiError::invalid(format!("operator needs `values` for {name}")));
            }
            // HubSpot compares lower-case text with the values as they are, so these are not lowered here.
            let raw = |text: &String| match order {
                Order::Text => Ok(Comparable::Text(text.clone())),
                _ => operand(order, &name, text),
            };
            values.iter().map(raw).collect::<Result<Vec<_>, _>>()
        };
        let token = || super::body::text(filter, "value").map(str::to_lowercase);
        let operator = super::body::text(filter, "operator")?;
        let test = match operator {
            "EQ" => Test::Eq(one("value")?),
            "NEQ" => Test::Neq(one("value")?),
            "LT" => Test::Lt(one("value")?),
            "LTE" => Test::Lte(one("value")?),
            "GT" => Test::Gt(one("value")?),
            "GTE" => Test::Gte(one("value")?),
            "BETWEEN" => Test::Between(one("value")?, one("highValue")?),
            "IN" => Test::In(many()?),
            "NOT_IN" => Test::NotIn(many()?),
            "HAS_PROPERTY" => Test::Has,
            "NOT_HAS_PROPERTY" => Test::HasNot,
            "CONTAINS_TOKEN" => Test::Token(token()?),
            "NOT_CONTAINS_TOKEN" => Test::NotToken(token()?),
            _ => return Err(ApiError::invalid(format!("Invalid input JSON: {operator} is no operator"))),
        };
        Ok(Self { name, order, test })
    }

    fn matches(&self, account: &Account, at: At, view: &View<'_>) -> bool {
        if let Order::Link(to) = self.order {
            let ends: Vec<u64> = account.links_of(at, view.id(), to).into_keys().collect();
            let any = |test: &Test| ends.iter().any(|id| test.passes(Some(&Comparable::Number(*id as f64)), ""));
            return match &self.test {
                Test::HasNot => ends.is_empty(),
                Test::Neq(value) => !any(&Test::Eq(value.clone())),
                Test::NotIn(values) => !any(&Test::In(values.clone())),
                test => any(test),
            };
        }
        if self.name == view.kind().modified_property {
            return self.test.passes(Some(&Comparable::Time(view.updated_ms())), "");
        }
        let value = view.get(&self.name);
        let text = value.as_deref().unwrap_or("");
        self.test.passes(value.as_deref().and_then(|value| comparable(self.order, value)).as_ref(), text)
    }
}

/// A filter's value. Times are milliseconds; days may also be written as `YYYY-MM-DD`.
fn operand(order: Order, name: &str, text: &str) -> Result<Comparable, ApiError> {
    let value = match order {
        Order::Time => text.parse().ok().or_else(|| stamp::parse_date(text)).map(Comparable::Time),
        _ => comparable(order, text),
    };
    value
        .ok_or_else(|| ApiError::invalid(format!("There was a problem with the request. {text} is no value of {name}")))
}
