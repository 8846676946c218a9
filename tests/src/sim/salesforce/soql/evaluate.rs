//! Runs a query: by ids, by key, by system stamp or by a walk over all records; then sorts and cuts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::RangeInclusive;

use super::bind::{Bound, Column, Test};
use super::literals::Value;
use super::parse::Op;
use crate::sim::salesforce::cell::Cell;
use crate::sim::salesforce::errors::ApiError;
use crate::sim::salesforce::org::{At, Org};
use crate::sim::salesforce::table::Record;

const DAY_MS: i64 = 86_400_000;

/// The numbers of the records that a query finds, in its order.
pub(crate) fn find(org: &Org, query: &Bound) -> Vec<u64> {
    let fits =
        |record: &&Record| (query.all_rows || record.deleted_ms.is_none()) && holds(org, query.at, record, &query.test);
    let end = query.limit.saturating_add(query.offset);
    let by_stamp = is_by(query, &["SystemModstamp", "Id"]);
    if by_stamp || is_by(query, &["SystemModstamp"]) || query.order.is_empty() || is_by(query, &["Id"]) {
        // These orders are those of an index, so that a limit ends the walk.
        let in_order = by_stamp || is_by(query, &["SystemModstamp"]);
        let found = candidates(org, query, in_order).filter(fits).take(end).skip(query.offset);
        return found.map(|record| record.number).collect();
    }
    let mut found: Vec<&Record> = candidates(org, query, false).filter(fits).collect();
    found.sort_by(|one, other| compare(org, query, one, other));
    found.into_iter().take(end).skip(query.offset).map(|record| record.number).collect()
}

fn is_by(query: &Bound, names: &[&str]) -> bool {
    let plain = |(column, descending, _): &(Column, bool, bool), name: &&str| {
        column.place.is_some() && column.name == *name && !descending
    };
    query.order.len() == names.len() && query.order.iter().zip(names).all(|(key, name)| plain(key, name))
}

fn candidates<'a>(org: &'a Org, query: &'a Bound, by_stamp: bool) -> Box<dyn Iterator<Item = &'a Record> + 'a> {
    let table = org.table(query.at);
    if let Some(numbers) = keyed(org, query) {
        let mut records: Vec<&Record> = numbers.into_iter().filter_map(|number| table.get(number)).collect();
        records.sort_by_key(|record| if by_stamp { (record.stamp_ms, record.number) } else { (0, record.number) });
        records.dedup_by_key(|record| record.number);
        return Box::new(records.into_iter());
    }
    let stamps = stamp_hull(&query.test);
    if by_stamp {
        return Box::new(table.by_stamp(stamps));
    }
    if stamps != (i64::MIN..=i64::MAX) {
        let mut records: Vec<&Record> = table.by_stamp(stamps).collect();
        records.sort_by_key(|record| record.number);
        return Box::new(records.into_iter());
    }
    let ids = id_hull(&query.test);
    Box::new(table.walk(ids))
}

/// The records that a condition names by id or by a text that is looked up; none where it names none.
fn keyed(org: &Org, query: &Bound) -> Option<Vec<u64>> {
    let own = |column: &Column| column.place.filter(|_| column.steps.is_empty());
    let table = org.table(query.at);
    let parts = match &query.test {
        Test::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    parts.iter().find_map(|part| match part {
        Test::Ids(column, false, ids) if column.name == "Id" && column.steps.is_empty() => {
            let prefix = org.kind(query.at).prefix;
            Some(ids.iter().filter(|id| id.prefix == prefix).map(|id| id.number).collect())
        }
        Test::Compare(column, Op::Equal, Value::One(Cell::Id(id)))
            if column.name == "Id" && column.steps.is_empty() =>
        {
            Some((id.prefix == org.kind(query.at).prefix).then_some(id.number).into_iter().collect())
        }
        // Deleted records are not looked up by texts.
        Test::Compare(column, Op::Equal, Value::One(Cell::Text(text))) if !query.all_rows => {
            let place = own(column).filter(|place| table.looks_up(*place))?;
            Some(table.find(place, text).to_vec())
        }
        Test::In(column, false, cells) if !query.all_rows => {
            let place = own(column).filter(|place| table.looks_up(*place))?;
            let texts = cells.iter().map(Cell::as_text).collect::<Option<Vec<_>>>()?;
            Some(texts.into_iter().flat_map(|text| table.find(place, text)).copied().collect())
        }
        _ => None,
    })
}

const ALL_STAMPS: RangeInclusive<i64> = i64::MIN..=i64::MAX;

/// The system stamps that a condition can hold for, or more.
fn stamp_hull(test: &Test) -> RangeInclusive<i64> {
    match test {
        Test::And(parts) => parts
            .iter()
            .map(stamp_hull)
            .fold(ALL_STAMPS, |one, other| (*one.start()).max(*other.start())..=(*one.end()).min(*other.end())),
        Test::Or(parts) => {
            let hulls = parts.iter().map(stamp_hull);
            let joined = hulls.reduce(|one, other| (*one.start()).min(*other.start())..=(*one.end()).max(*other.end()));
            joined.unwrap_or(ALL_STAMPS)
        }
        Test::Compare(column, op, Value::One(Cell::Instant(ms)))
            if column.name == "SystemModstamp" && column.steps.is_empty() =>
        {
            match op {
                Op::Equal => *ms..=*ms,
                Op::Less => i64::MIN..=ms - 1,
                Op::LessOrEqual => i64::MIN..=*ms,
                Op::Greater => ms + 1..=i64::MAX,
                Op::GreaterOrEqual => *ms..=i64::MAX,
                Op::NotEqual | Op::Like => ALL_STAMPS,
            }
        }
        _ => ALL_STAMPS,
    }
}

/// The numbers that a condition on the id can hold for, or more.
fn id_hull(test: &Test) -> RangeInclusive<u64> {
    match test {
        Test::And(parts) => parts
            .iter()
            .map(id_hull)
            .fold(0..=u64::MAX, |one, other| (*one.start()).max(*other.start())..=(*one.end()).min(*other.end())),
        Test::Compare(column, op, Value::One(Cell::Id(id))) if column.name == "Id" && column.steps.is_empty() => {
            match op {
                Op::Greater | Op::GreaterOrEqual => id.number..=u64::MAX,
                Op::Less | Op::LessOrEqual => 0..=id.number,
                _ => 0..=u64::MAX,
            }
        }
        _ => 0..=u64::MAX,
    }
}

fn compare(org: &Org, query: &Bound, one: &Record, other: &Record) -> Ordering {
    let keys = query.order.iter().map(|(column, descending, nulls_last)| {
        let (one, other) = (cell(org, query.at, one, column), cell(org, query.at, other, column));
        match (one.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (false, false) if *descending => other.order(&one),
            (false, false) => one.order(&other),
            (one_is_null, _) => {
                if one_is_null == *nulls_last {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
        }
    });
    let mut keys = keys.filter(|order| *order != Ordering::Equal);
    keys.next().unwrap_or_else(|| one.number.cmp(&other.number))
}

/// The value of a column, through the relations that it follows.
pub(crate) fn cell<'a>(org: &'a Org, at: At, record: &'a Record, column: &Column) -> Cow<'a, Cell> {
    if let Some(place) = column.place {
        return org.cell(at, record, place);
    }
    match target(org, at, record, column) {
        Some((at, record, place)) => org.cell(at, record, place),
        None => Cow::Owned(Cell::Null),
    }
}

fn target<'a>(org: &'a Org, at: At, record: &'a Record, column: &Column) -> Option<(At, &'a Record, usize)> {
    let (mut here, mut record) = (at, record);
    for (step, _) in &column.steps {
        // By name, since a polymorphic reference leads to objects of more than one kind.
        let place = org.kind(here).relation(step)?;
        let id = org.cell(here, record, place).as_id()?;
        (here, record) = org.record(id).filter(|(_, record)| record.deleted_ms.is_none())?;
    }
    Some((here, record, org.place(here, &column.name)?))
}

/// Whether a condition holds for a record.
fn holds(org: &Org, at: At, record: &Record, test: &Test) -> bool {
    match test {
        Test::Always => true,
        Test::And(parts) => parts.iter().all(|part| holds(org, at, record, part)),
        Test::Or(parts) => parts.iter().any(|part| holds(org, at, record, part)),
        Test::Not(inner) => !holds(org, at, record, inner),
        Test::Compare(column, op, value) => compares(&cell(org, at, record, column), *op, value),
        Test::Like(column, pattern) => {
            cell(org, at, record, column).as_text().is_some_and(|text| is_like(&text.to_lowercase(), pattern))
        }
        Test::In(column, negated, cells) => {
            let cell = cell(org, at, record, column);
            cells.iter().any(|other| equals(&cell, other)) != *negated
        }
        Test::Ids(column, negated, ids) => {
            cell(org, at, record, column).as_id().is_some_and(|id| ids.contains(&id)) != *negated
        }
        Test::Includes(column, negated, sets) => {
            let cell = cell(org, at, record, column);
            let own = cell.as_text().unwrap_or("").to_lowercase();
            let own: Vec<&str> = own.split(';').collect();
            sets.iter().any(|set| set.iter().all(|wanted| own.contains(&wanted.as_str()))) != *negated
        }
    }
}

fn equals(cell: &Cell, other: &Cell) -> bool {
    match (cell.is_null(), other.is_null()) {
        (false, false) => cell.compare(other) == Some(Ordering::Equal),
        (one, other) => one && other,
    }
}

fn compares(cell: &Cell, op: Op, value: &Value) -> bool {
    let ordering = match value {
        Value::One(other) if op == Op::Equal => return equals(cell, other),
        Value::One(other) if op == Op::NotEqual => return !equals(cell, other),
        Value::One(other) => cell.compare(other),
        Value::Range(from, until) => {
            let ms = match cell {
                Cell::Instant(ms) => *ms,
                Cell::Date(days) => days * DAY_MS,
                _ => return op == Op::NotEqual,
            };
            Some(if ms < *from {
                Ordering::Less
            } else if ms < *until {
                Ordering::Equal
            } else {
                Ordering::Greater
            })
        }
    };
    ordering.is_some_and(|ordering| match op {
        Op::Equal => ordering.is_eq(),
        Op::NotEqual => ordering.is_ne(),
        Op::Less => ordering.is_lt(),
        Op::LessOrEqual => ordering.is_le(),
        Op::Greater => ordering.is_gt(),
        Op::GreaterOrEqual => ordering.is_ge(),
        Op::Like => false,
    })
}

/// `%` stands for any text, `_` for one character; both texts are in lower case.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut place, mut retry) = (0, 0, None);
    while at < text.len() {
        match pattern.get(place) {
            Some('%') => {
                retry = Some((place, at));
                place += 1;
            }
            Some(letter) if *letter == '_' || *letter == text[at] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                (place, at) = (star + 1, from + 1);
            }
        }
    }
    pattern[place..].iter().all(|letter| *letter == '%')
}

/// The values of the one column of an inner query.
pub(crate) fn column_of(org: &Org, query: &Bound) -> Result<Vec<Cell>, ApiError> {
    let [column] = query.columns.as_slice() else {
        return Err(ApiError::malformed_query("a nested query selects exactly one field"));
    };
    let table = org.table(query.at);
    let records = find(org, query).into_iter().filter_map(|number| table.get(number));
    let cells = records.map(|record| cell(org, query.at, record, column).into_owned());
    Ok(cells.filter(|cell| !cell.is_null()).collect())
}
