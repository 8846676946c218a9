//! `POST …/search`: its limits, its order and its index. A plain window over stamps or ids is read from the index, whatever
//! else from a scan.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::account::{Account, At};
use super::body;
use super::errors::{ApiError, Outcome};
use super::filter::{Comparable, Group, sort_key};
use super::record::View;
use super::show::{Selection, Shown};
use crate::sim::server::{Reply, Request};

const GROUPS_MAX: usize = 5;
const FILTERS_PER_GROUP_MAX: usize = 6;
const FILTERS_MAX: usize = 18;
const BODY_MAX_CHARS: usize = 3_000;
const PAGE_MAX: usize = 200;
/// No search reaches beyond its first ten thousand results.
const RESULTS_MAX: usize = 10_000;

#[derive(Debug)]
struct Search {
    /// Never empty; one group that matches all when none was given.
    groups: Vec<Group>,
    sort: Option<Sort>,
    /// Words that must all begin a word of a searchable property.
    words: Vec<String>,
    offset: usize,
    limit: usize,
}

#[derive(Debug, PartialEq)]
struct Sort {
    name: String,
    descending: bool,
}

/// The ids on the asked page, in order, and how many records match in all.
struct Found {
    total: u64,
    ids: Vec<u64>,
}

#[derive(Serialize)]
struct Answer<'a> {
    total: u64,
    results: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paging: Option<Value>,
}

pub(crate) fn answer(account: &Account, request: &Request, at: At) -> Outcome {
    if request.body.len() > BODY_MAX_CHARS && String::from_utf8_lossy(&request.body).chars().count() > BODY_MAX_CHARS {
        return Err(ApiError::invalid(format!("The request body may have at most {BODY_MAX_CHARS} characters")));
    }
    let body = body::object(request)?;
    let search = Search::parse(account, at, &body)?;
    let object = &account.objects[at];
    let selection = Selection::new(&object.table.kind, &object.catalog, &body::texts(&body, "properties")?, &[]);
    // What the index has not seen yet is shown as it was.
    let lagging = object.table.lagging(account.now_ms());
    let found = search.run(account, at, &lagging);
    let view = |id: &u64| match lagging.get(id) {
        Some(before) => *before,
        None => object.table.shown_view(*id),
    };
    let results = found.ids.iter().filter_map(view).map(|view| Shown::new(view, &selection)).collect();
    let end = search.offset + search.limit;
    let paging = (found.total > end as u64)
        .then(|| json!({"next": {"after": end.to_string(), "link": format!("?after={end}")}}));
    Ok(Reply::json(200, &Answer { total: found.total, results, paging }))
}

impl Search {
    fn parse(account: &Account, at: At, body: &Value) -> Result<Self, ApiError> {
        let limit = number(body, "limit")?.unwrap_or(10);
        let limit = super::page::check_limit(limit, PAGE_MAX)?;
        let offset = number(body, "after")?.unwrap_or(0);
        if offset + limit > RESULTS_MAX {
            let message = format!("The sum of `after` and `limit` may not be greater than {RESULTS_MAX}");
            return Err(ApiError::invalid(message));
        }
        let query = body["query"].as_str().unwrap_or("");
        Ok(Self {
            groups: groups(account, at, body)?,
            sort: sort(account, at, body)?,
            words: query.split_whitespace().map(str::to_lowercase).collect(),
            offset,
            limit,
        })
    }

    fn run(&self, account: &Account, at: At, lagging: &BTreeMap<u64, Option<View<'_>>>) -> Found {
        if lagging.is_empty()
            && self.words.is_empty()
            && let [group] = self.groups.as_slice()
            && let Some(found) = self.look_up(account, at, group)
        {
            return found;
        }
        self.scan(account, at, lagging)
    }

    /// Answers a plain group in the order of the index it is bounded by, without reading a record.
    fn look_up(&self, account: &Account, at: At, group: &Group) -> Option<Found> {
        let table = account.table(at);
        let by = match &self.sort {
            None => "hs_object_id",
            Some(sort) if sort.descending => return None,
            Some(sort) => sort.name.as_str(),
        };
        let all_stamps = group.window == (i64::MIN..=i64::MAX);
        let all_ids = group.ids == (0..=u64::MAX);
        if !group.plain {
            return None;
        }
        if by == "hs_object_id" && all_stamps {
            let end = *group.ids.end();
            let ids = table.walk(*group.ids.start()).map(|view| view.id()).take_while(|id| *id <= end);
            let ids = ids.skip(self.offset).take(self.limit).collect();
            return Some(Found { total: table.count_by_id(&group.ids), ids });
        }
        if by == table.kind.modified_property && all_ids {
            let ids = table.by_stamp(&group.window).map(|(_, id)| id).skip(self.offset).take(self.limit).collect();
            return Some(Found { total: table.count_by_stamp(&group.window), ids });
        }
        None
    }

    fn scan(&self, account: &Account, at: At, lagging: &BTreeMap<u64, Option<View<'_>>>) -> Found {
        let mut found = Vec::new();
        let mut look = |view: View<'_>| {
            if self.matches(account, at, &view) {
                let key = self.sort.as_ref().and_then(|sort| sort_key(account, at, &sort.name, &view));
                found.push((key, view.id()));
            }
        };
        self.candidates(account, at).filter(|view| !lagging.contains_key(&view.id())).for_each(&mut look);
        lagging.values().flatten().copied().for_each(&mut look);
        let total = found.len() as u64;
        let descending = self.sort.as_ref().is_some_and(|sort| sort.descending);
        found.sort_by(|one, other| order(one, other, descending));
        Found { total, ids: found.into_iter().skip(self.offset).take(self.limit).map(|(_, id)| id).collect() }
    }

    /// All records that may match: by a unique value or within the bounds of the groups, where there are any.
    fn candidates<'a>(&self, account: &'a Account, at: At) -> Box<dyn Iterator<Item = View<'a>> + 'a> {
        let table = account.table(at);
        if let [Group { unique: Some((name, value)), .. }] = self.groups.as_slice() {
            let found = table.find_unique(name, value);
            return Box::new(found.and_then(|id| table.shown_view(id)).into_iter());
        }
        let (first, last) = self
            .groups
            .iter()
            .fold((u64::MAX, 0), |(first, last), group| (first.min(*group.ids.start()), last.max(*group.ids.end())));
        let (start, end) = self.groups.iter().fold((i64::MAX, i64::MIN), |(start, end), group| {
            (start.min(*group.window.start()), end.max(*group.window.end()))
        });
        if (start, end) != (i64::MIN, i64::MAX) {
            let window = start..=end;
            return Box::new(table.by_stamp(&window).filter_map(|(_, id)| table.shown_view(id)));
        }
        Box::new(table.walk(first).take_while(move |view| view.id() <= last))
    }

    fn matches(&self, account: &Account, at: At, view: &View<'_>) -> bool {
        self.groups.iter().any(|group| group.matches(account, at, view)) && self.says(view)
    }

    fn says(&self, view: &View<'_>) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let searchable = view.kind().searchable.iter().filter_map(|name| view.get(name));
        let text = searchable.map(|value| value.to_lowercase()).collect::<Vec<_>>().join(" ");
        let begins = |word: &String| text.contains(word.as_str());
        self.words.iter().all(begins)
    }
}

/// Records without a value come last, equal ones in the order of ids.
fn order(one: &(Option<Comparable>, u64), other: &(Option<Comparable>, u64), descending: bool) -> Ordering {
    let by_key = match (&one.0, &other.0) {
        (Some(one), Some(other)) => {
            let plain = one.partial_cmp(other).unwrap_or(Ordering::Equal);
            if descending { plain.reverse() } else { plain }
        }
        (one, other) => other.is_some().cmp(&one.is_some()),
    };
    by_key.then(one.1.cmp(&other.1))
}

fn number(body: &Value, name: &str) -> Result<Option<usize>, ApiError> {
    let wrong = || ApiError::invalid(format!("Invalid input JSON: `{name}` must be an integer"));
    let parse = |number: u64| usize::try_from(number).map(Some).map_err(|_| wrong());
    match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        value => parse(body::id(value).ok_or_else(wrong)?),
    }
}

fn groups(account: &Account, at: At, body: &Value) -> Result<Vec<Group>, ApiError> {
    let Some(groups) = body["filterGroups"].as_array().filter(|groups| !groups.is_empty()) else {
        return if body["filterGroups"].is_null() || body["filterGroups"].is_array() {
            Ok(vec![Group::all()])
        } else {
            Err(ApiError::invalid("Invalid input JSON: filterGroups must be a list"))
        };
    };
    if groups.len() > GROUPS_MAX {
        return Err(ApiError::invalid(format!("Too many filter groups: {} of at most {GROUPS_MAX}", groups.len())));
    }
    let mut total = 0;
    let parse = |group: &Value| {
        let filters = group["filters"].as_array().filter(|filters| !filters.is_empty());
        let filters = filters.ok_or_else(|| ApiError::invalid("Each filter group needs filters"))?;
        total += filters.len();
        if filters.len() > FILTERS_PER_GROUP_MAX || total > FILTERS_MAX {
            let message =
                format!("Too many filters: at most {FILTERS_PER_GROUP_MAX} in a group and {FILTERS_MAX} in all");
            return Err(ApiError::invalid(message));
        }
        Group::parse(account, at, filters)
    };
    groups.iter().map(parse).collect()
}

fn sort(account: &Account, at: At, body: &Value) -> Result<Option<Sort>, ApiError> {
    let sorts = match &body["sorts"] {
        Value::Null => return Ok(None),
        Value::Array(sorts) => sorts,
        _ => return Err(ApiError::invalid("Invalid input JSON: sorts must be a list")),
    };
    let sort = match sorts.as_slice() {
        [] => return Ok(None),
        // The official clients send plain names; a minus sorts downwards.
        [Value::String(name)] => {
            Sort { name: name.trim_start_matches('-').to_owned(), descending: name.starts_with('-') }
        }
        [sort] => {
            let descending = match sort["direction"].as_str() {
                None | Some("ASCENDING") => false,
                Some("DESCENDING") => true,
                Some(other) => return Err(ApiError::invalid(format!("{other} is no sort direction"))),
            };
            Sort { name: body::text(sort, "propertyName")?.to_owned(), descending }
        }
        _ => return Err(ApiError::invalid("Only one sort is supported")),
    };
    if !account.objects[at].catalog.contains_key(&sort.name) {
        return Err(ApiError::invalid(format!("Property \"{}\" does not exist", sort.name)));
    }
    Ok(Some(sort))
}
