//! Searches: the only way to HubSpot's records by filter or by stamp.
//!
//! Pages go by id, each asking for the records behind the last one, and not by HubSpot's offset: an offset ends at 10,000, and
//! it skips a record whenever one before it leaves the result, as every record does that is changed while a window is read.

use ferry_sdk::connector::{Comparison, Condition, Failure, Page, Window};
use ferry_sdk::http::Request;
use ferry_sdk::value::Value;
use serde_json::{Value as Json, json};

use super::Pull;
use crate::api::{Api, SEARCH_BUCKET};
use crate::associations;
use crate::objects;
use crate::records::Records;
use crate::token::Token;
use crate::values::{Reading, write_for_search};

/// The most records of a page of the search.
const PAGE_MOST: usize = 200;

/// HubSpot's end of a search: a window with more is better read as several smaller ones, each with its own checkpoint.
const WINDOW_MOST: u64 = 10_000;

/// HubSpot refuses a search whose body has more characters.
const BODY_MOST: usize = 3_000;

/// HubSpot takes six filters; two are for the window and the place.
const CONDITIONS_MOST: usize = 4;

const ID: &str = "hs_object_id";

/// A window in HubSpot's milliseconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Between {
    first_ms: i64,
    last_ms: i64,
}

impl Between {
    /// None for a window that holds no whole millisecond: HubSpot's stamps are none finer.
    pub(crate) fn of(window: Window) -> Option<Self> {
        let whole_ms = |instant: i64| -(-instant).div_euclid(1_000);
        let (first_ms, last_ms) = (whole_ms(window.since), whole_ms(window.before) - 1);
        (first_ms <= last_ms).then_some(Self { first_ms, last_ms })
    }

    pub(crate) fn filter(self, stamp: &str) -> Json {
        json!({
            "propertyName": stamp,
            "operator": "BETWEEN",
            "value": self.first_ms.to_string(),
            "highValue": self.last_ms.to_string(),
        })
    }
}

/// What is searched for, sorted by id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Search {
    filters: Vec<Json>,
}

impl Search {
    pub(crate) fn new(filters: Vec<Json>) -> Self {
        Self { filters }
    }

    /// The pull's filter within a window; none where nothing can satisfy it.
    pub(super) fn of(pull: &Pull<'_>, between: Option<Between>) -> Result<Option<Self>, Failure> {
        let conditions = &pull.request.filter;
        if conditions.len() > CONDITIONS_MOST {
            let message =
                format!("HubSpot's search takes {CONDITIONS_MOST} conditions, these are {}", conditions.len());
            return Err(Failure::invalid("filter", message));
        }
        let stamp = objects::stamp(pull.object());
        let mut filters: Vec<Json> = between.map(|between| between.filter(stamp)).into_iter().collect();
        for (condition, reading) in conditions.iter().zip(&pull.filter_readings) {
            match filter(condition, *reading)? {
                Term::Filter(filter) => filters.push(filter),
                Term::Always => {}
                Term::Never => return Ok(None),
            }
        }
        Ok(Some(Self { filters }))
    }

    pub(crate) fn behind(mut self, id: u64) -> Self {
        self.filters.push(json!({"propertyName": ID, "operator": "GT", "value": id.to_string()}));
        self
    }

    pub(crate) fn among(mut self, ids: &[String]) -> Self {
        self.filters.push(json!({"propertyName": ID, "operator": "IN", "values": ids}));
        self
    }

    fn body(&self, properties: &[&str], limit: usize) -> Json {
        // Without any filter there would be no order to rely on: every record has an id.
        let everything = vec![json!({"propertyName": ID, "operator": "HAS_PROPERTY"})];
        let filters = if self.filters.is_empty() { &everything } else { &self.filters };
        json!({
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": ID, "direction": "ASCENDING"}],
            "properties": properties,
            "limit": limit,
        })
    }

    /// What to send; none where it is too long for HubSpot.
    pub(crate) fn request(&self, api: &Api<'_>, object: &str, properties: &[&str], limit: usize) -> Option<Request> {
        let body = self.body(properties, limit);
        let request = Request::post(api.objects(object, "/search")).json(&body).repeatable().bucket(SEARCH_BUCKET);
        let fits = request.body.as_ref().is_some_and(|body| body.len() <= BODY_MOST);
        fits.then_some(request)
    }

    /// The first records behind the id `last`, and the id that the next ones are behind.
    pub(crate) fn run(&self, pull: &Pull<'_>, limit: usize, last: u64) -> Result<(Records, Option<u64>), Failure> {
        let request = |properties: &[&str]| self.request(&pull.api, pull.object(), properties, limit);
        let (request, fits) = match request(&pull.columns.properties()) {
            Some(request) => (request, true),
            None => {
                let message = "is too long for HubSpot's search: use fewer or shorter values";
                (request(&[ID]).ok_or_else(|| Failure::invalid("filter", message))?, false)
            }
        };
        let mut records = pull.columns.read(&pull.api.send(request, pull.object())?)?;
        let next = behind(&records, last)?;
        if !fits && !records.rows.is_empty() {
            let ids: Vec<String> = records.rows.into_iter().map(|row| row.id).collect();
            records.rows = pull.read_batch(&ids)?;
        }
        Ok((records, next))
    }
}

pub(super) fn page(pull: &Pull<'_>, between: Option<Between>) -> Result<Page, Failure> {
    let last = pull.token.number()?;
    let Some(search) = Search::of(pull, between)? else { return Ok(Page::of(Vec::new(), None)) };
    let is_first = pull.token.after.is_none();
    let search = if is_first { search } else { search.behind(last) };
    let (records, next) = search.run(pull, pull.limit(PAGE_MOST), last)?;
    if let (true, Some(between), Some(total)) = (is_first, between, records.total)
        && total > WINDOW_MOST
        && between.first_ms < between.last_ms
    {
        // A single millisecond can't be halved: that one is read to its end.
        return Err(Failure::WindowTooLarge(Some(total)));
    }
    let next = next.map(|id| pull.next(Token::after(id.to_string())).write());
    Ok(Page { total: records.total.filter(|_| is_first), ..Page::of(records.rows, next) })
}

/// The id that the next page starts behind.
///
/// # Errors
/// `temporary` where the ids don't ascend from `last`: going on would lose records or never end.
pub(crate) fn behind(records: &Records, last: u64) -> Result<Option<u64>, Failure> {
    if records.after.is_none() {
        return Ok(None);
    }
    let mut greatest = last;
    for row in &records.rows {
        match row.id.parse::<u64>() {
            Ok(id) if id > greatest => greatest = id,
            _ => return Err(Failure::malformed("the search is not in the order of the ids")),
        }
    }
    if greatest == last {
        return Err(Failure::malformed("the search has a next page, but nothing on this one"));
    }
    Ok(Some(greatest))
}

enum Term {
    Filter(Json),
    Always,
    Never,
}

fn filter(condition: &Condition, reading: Reading) -> Result<Term, Failure> {
    if reading == Reading::Links {
        return linked_with(condition);
    }
    let name = condition.field.as_str();
    let one = |operator: &str| match condition.values.as_slice() {
        [Value::Null] => Err(Failure::invalid(name, "is compared with nothing: use `present` or `absent`")),
        [value] => {
            let value = write_for_search(value);
            Ok(Term::Filter(json!({"propertyName": name, "operator": operator, "value": value})))
        }
        _ => Err(Failure::invalid(name, "is to be compared with exactly one value")),
    };
    let none = |operator: &str| Ok(Term::Filter(json!({"propertyName": name, "operator": operator})));
    let many = |operator: &str, empty: Term| {
        if condition.values.is_empty() {
            return Ok(empty);
        }
        // HubSpot compares texts in lists in lower case, options as they are.
        let written = condition.values.iter().map(write_for_search);
        let values: Vec<String> = match reading {
            Reading::Word => written.map(|text| text.to_lowercase()).collect(),
            _ => written.collect(),
        };
        Ok(Term::Filter(json!({"propertyName": name, "operator": operator, "values": values})))
    };
    match condition.comparison {
        Comparison::Equal => one("EQ"),
        Comparison::NotEqual => one("NEQ"),
        Comparison::Less => one("LT"),
        Comparison::LessOrEqual => one("LTE"),
        Comparison::Greater => one("GT"),
        Comparison::GreaterOrEqual => one("GTE"),
        Comparison::OneOf => many("IN", Term::Never),
        Comparison::NoneOf => many("NOT_IN", Term::Always),
        Comparison::Contains => contains(condition, reading, one),
        Comparison::Present => none("HAS_PROPERTY"),
        Comparison::Absent => none("NOT_HAS_PROPERTY"),
    }
}

/// HubSpot's search knows a name of its own for links, and whether one leads to a given record.
fn linked_with(condition: &Condition) -> Result<Term, Failure> {
    let name = condition.field.as_str();
    match (condition.comparison, condition.values.as_slice(), associations::search_name(name)) {
        (Comparison::Contains, [id], Some(name)) if *id != Value::Null => {
            Ok(Term::Filter(json!({"propertyName": name, "operator": "EQ", "value": write_for_search(id)})))
        }
        _ => Err(Failure::invalid(name, "can only be asked whether it `contains` one id")),
    }
}

/// One of several choices is a token by itself; within a text it may stand anywhere.
fn contains(
    condition: &Condition,
    reading: Reading,
    one: impl Fn(&str) -> Result<Term, Failure>,
) -> Result<Term, Failure> {
    let anywhere = match (reading, condition.values.as_slice()) {
        (Reading::Text | Reading::Word, [Value::Text(text)]) if !text.contains('*') => format!("*{text}*"),
        _ => return one("CONTAINS_TOKEN"),
    };
    let name = condition.field.as_str();
    Ok(Term::Filter(json!({"propertyName": name, "operator": "CONTAINS_TOKEN", "value": anywhere})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_first_instant_and_not_its_end() {
        let between = |since, before| Between::of(Window { since, before }).map(|it| (it.first_ms, it.last_ms));
        assert_eq!(between(1_000_000, 2_000_000), Some((1_000, 1_999)));
        assert_eq!(between(1_000_001, 1_002_001), Some((1_001, 1_002)));
        assert_eq!(between(1_000_000, 1_001_000), Some((1_000, 1_000)));
        assert_eq!(between(1_000_001, 1_000_999), None);
        assert_eq!(between(5, 5), None);
        assert_eq!(between(-1_500, 0), Some((-1, -1)));
    }

    fn json_of(comparison: Comparison, values: &[Value], reading: Reading) -> Json {
        let condition = Condition { field: "f".into(), comparison, values: values.to_vec() };
        match filter(&condition, reading) {
            Ok(Term::Filter(filter)) => filter,
            Ok(Term::Always) => json!(true),
            Ok(Term::Never) => json!(false),
            Err(failure) => json!(format!("{failure:?}")),
        }
    }

    #[test]
    fn conditions_become_filters() {
        let ada = [Value::from("Ada"), Value::from("Bo")];
        let of =
            |operator: &str, key: &str, value: Json| json!({"propertyName": "f", "operator": operator, key: value});
        let cases = [
            (json_of(Comparison::Equal, &ada[..1], Reading::Word), of("EQ", "value", json!("Ada"))),
            (json_of(Comparison::OneOf, &ada, Reading::Word), of("IN", "values", json!(["ada", "bo"]))),
            (json_of(Comparison::OneOf, &ada, Reading::Text), of("IN", "values", json!(["Ada", "Bo"]))),
            (json_of(Comparison::Contains, &ada[..1], Reading::Word), of("CONTAINS_TOKEN", "value", json!("*Ada*"))),
            (json_of(Comparison::Contains, &ada[..1], Reading::Texts), of("CONTAINS_TOKEN", "value", json!("Ada"))),
            (
                json_of(Comparison::Greater, &[Value::Instant(2_000_500)], Reading::Instant),
                of("GT", "value", json!("2000")),
            ),
            (json_of(Comparison::Less, &[Value::Date(1)], Reading::Date), of("LT", "value", json!("86400000"))),
            (
                json_of(Comparison::Absent, &[], Reading::Text),
                json!({"propertyName": "f", "operator": "NOT_HAS_PROPERTY"}),
            ),
            (json_of(Comparison::OneOf, &[], Reading::Text), json!(false)),
            (json_of(Comparison::NoneOf, &[], Reading::Text), json!(true)),
        ];
        for (got, expected) in cases {
            assert_eq!(got, expected);
        }
        for values in [&[][..], &ada, &[Value::Null]] {
            assert!(json_of(Comparison::Equal, values, Reading::Text).as_str().unwrap().contains("Invalid"));
        }
    }
}
