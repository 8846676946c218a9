//! Settles what the names of a query mean in an org: fields that the user may see, relations, types of literals.

use std::collections::HashSet;

use super::literals::{self, Value};
use super::parse::{Expr, Item, Literal, Op, Query};
use crate::sim::salesforce::cell::Cell;
use crate::sim::salesforce::errors::ApiError;
use crate::sim::salesforce::id::Id;
use crate::sim::salesforce::org::{At, INTEGRATION_USER, Org};
use crate::sim::salesforce::schema::{Field, FieldType};

/// Relations that one path may follow.
const STEPS_MAX: usize = 5;
/// `FIELDS(ALL)` and its like want a limit of at most this.
const FIELDS_LIMIT_MAX: usize = 200;

/// A field of the object or of one that it leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// The relations as written, and the places of their references.
    pub(crate) steps: Vec<(String, usize)>,
    /// The last field's name as describe spells it.
    pub(crate) name: String,
    /// Its place, where it is of the object that is queried.
    pub(crate) place: Option<usize>,
}

/// An aggregate over all that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) function: String,
    pub(crate) column: Column,
    pub(crate) alias: String,
}

/// A query that is ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) at: At,
    pub(crate) columns: Vec<Column>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) count_only: bool,
    pub(crate) test: Test,
    pub(crate) order: Vec<(Column, bool, bool)>,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    /// Deleted records too.
    pub(crate) all_rows: bool,
}

/// A condition that is ready to be tried.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Always,
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare(Column, Op, Value),
    /// The pattern in lower case.
    Like(Column, String),
    In(Column, bool, Vec<Cell>),
    Ids(Column, bool, HashSet<Id>),
    Includes(Column, bool, Vec<Vec<String>>),
}

/// Settles a query; `all_rows` shows deleted records too.
pub(crate) fn bind(org: &Org, query: &Query, all_rows: bool) -> Result<Bound, ApiError> {
    let unsupported = || ApiError::bad("INVALID_TYPE", format!("sObject type '{}' is not supported.", query.object));
    let at = org.object(&query.object).ok_or_else(unsupported)?;
    let mut bound = Bound {
        at,
        columns: Vec::new(),
        aggregates: Vec::new(),
        count_only: query.select == [Item::Count],
        test: Test::Always,
        order: Vec::new(),
        limit: query.limit.unwrap_or(usize::MAX),
        offset: query.offset,
        all_rows,
    };
    for item in &query.select {
        select(org, query, item, &mut bound)?;
    }
    if !bound.aggregates.is_empty() && !bound.columns.is_empty() {
        return Err(ApiError::malformed_query("Field must be grouped or aggregated"));
    }
    if let Some(filter) = &query.filter {
        bound.test = test(org, at, filter, all_rows)?;
    }
    if query.mine {
        let owner = column(org, at, "OwnerId")?.0;
        let own = Test::Compare(owner, Op::Equal, Value::One(Cell::Id(INTEGRATION_USER)));
        bound.test = Test::And(vec![own, bound.test]);
    }
    for key in &query.order {
        let (column, field) = column(org, at, &key.field)?;
        if !field.is_filterable() {
            return Err(ApiError::malformed_query(format!("field '{}' can not be sorted in a query call", field.name)));
        }
        bound.order.push((column, key.descending, key.nulls_last));
    }
    Ok(bound)
}

fn select(org: &Org, query: &Query, item: &Item, bound: &mut Bound) -> Result<(), ApiError> {
    match item {
        Item::Field(name) => bound.columns.push(column(org, bound.at, name)?.0),
        Item::Count if query.select.len() == 1 => {}
        Item::Count => return Err(ApiError::malformed_query("COUNT() must be the only element in the SELECT list")),
        Item::Aggregate(function, name, alias) => {
            let alias = alias.clone().unwrap_or_else(|| format!("expr{}", bound.aggregates.len()));
            let column = column(org, bound.at, name)?.0;
            bound.aggregates.push(Aggregate { function: function.clone(), column, alias });
        }
        Item::Fields(which) => {
            if query.limit.is_none_or(|limit| limit > FIELDS_LIMIT_MAX) {
                return Err(ApiError::malformed_query("The SOQL FIELDS function must have a LIMIT of at most 200"));
            }
            let kind = org.kind(bound.at);
            for (place, field) in kind.fields.iter().enumerate().filter(|(place, _)| org.is_visible(bound.at, *place)) {
                let wanted = match which.as_str() {
                    "ALL" => true,
                    "STANDARD" => !field.is_custom(),
                    "CUSTOM" => field.is_custom(),
                    _ => return Err(ApiError::malformed_query("FIELDS takes ALL, STANDARD or CUSTOM")),
                };
                if wanted {
                    bound.columns.push(Column { steps: Vec::new(), name: field.name.clone(), place: Some(place) });
                }
            }
        }
    }
    Ok(())
}

/// The column that a path names, and its last field.
fn column<'a>(org: &'a Org, at: At, path: &str) -> Result<(Column, &'a Field), ApiError> {
    let mut parts: Vec<&str> = path.split('.').collect();
    // `Contact.Name` on contacts is their own name.
    if parts.len() > 1 && parts[0].eq_ignore_ascii_case(&org.kind(at).name) && org.kind(at).relation(parts[0]).is_none()
    {
        parts.remove(0);
    }
    let leaf = parts.pop().unwrap_or_default();
    if parts.len() > STEPS_MAX {
        return Err(ApiError::malformed_query("a relationship path is longer than 5 steps"));
    }
    let (mut steps, mut here) = (Vec::new(), at);
    for part in parts {
        let place = org.kind(here).relation(part).filter(|place| org.is_visible(here, *place));
        let unknown = || {
            ApiError::invalid_field(format!(
                "Didn't understand relationship '{part}' in field path. If you are attempting to use a custom relationship, be \
                 sure to append the '__r' after the custom relationship name."
            ))
        };
        let place = place.ok_or_else(unknown)?;
        let field = &org.kind(here).fields[place];
        steps.push((field.relationship.clone().unwrap_or_default(), place));
        here = field.reference_to.first().and_then(|name| org.object(name)).ok_or_else(unknown)?;
    }
    let place = org.place(here, leaf).ok_or_else(|| no_column(leaf, &org.kind(here).name))?;
    let field = &org.kind(here).fields[place];
    let place = steps.is_empty().then_some(place);
    Ok((Column { steps, name: field.name.clone(), place }, field))
}

fn no_column(name: &str, object: &str) -> ApiError {
    ApiError::invalid_field(format!(
        "No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be sure to append the '__c' \
         after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
    ))
}

fn test(org: &Org, at: At, expr: &Expr, all_rows: bool) -> Result<Test, ApiError> {
    let all = |parts: &[Expr]| parts.iter().map(|part| test(org, at, part, all_rows)).collect::<Result<Vec<_>, _>>();
    let filtered = |path: &str| {
        let (column, field) = column(org, at, path)?;
        if field.is_filterable() {
            return Ok((column, field));
        }
        Err(ApiError::invalid_field(format!("field '{}' can not be filtered in a query call", field.name)))
    };
    let now_ms = org.now_ms();
    Ok(match expr {
        Expr::And(parts) => Test::And(all(parts)?),
        Expr::Or(parts) => Test::Or(all(parts)?),
        Expr::Not(inner) => Test::Not(Box::new(test(org, at, inner, all_rows)?)),
        Expr::Compare(path, Op::Like, literal) => {
            let (column, field) = filtered(path)?;
            match literal {
                Literal::Text(pattern) if field.kind.is_text() => Test::Like(column, pattern.to_lowercase()),
                _ => {
                    return Err(ApiError::bad("INVALID_QUERY_FILTER_OPERATOR", "invalid operator on this field: LIKE"));
                }
            }
        }
        Expr::Compare(path, op, literal) => {
            let (column, field) = filtered(path)?;
            let value = literals::value(field, literal, now_ms)?;
            let ordered = !matches!(op, Op::Equal | Op::NotEqual);
            if ordered && (field.kind == FieldType::Boolean || value == Value::One(Cell::Null)) {
                return Err(ApiError::bad("INVALID_QUERY_FILTER_OPERATOR", "invalid operator on this field"));
            }
            Test::Compare(column, *op, value)
        }
        Expr::In(path, negated, literals) => {
            let (column, field) = filtered(path)?;
            let cells = literals.iter().map(|literal| match literals::value(field, literal, now_ms)? {
                Value::One(cell) => Ok(cell),
                Value::Range(..) => Err(ApiError::malformed_query("IN takes no date literals")),
            });
            members(column, field, *negated, cells.collect::<Result<_, _>>()?)
        }
        Expr::Semi(path, negated, query) => {
            let (column, field) = filtered(path)?;
            let inner = bind(org, query, all_rows)?;
            let cells = super::evaluate::column_of(org, &inner)?;
            members(column, field, *negated, cells)
        }
        Expr::Includes(path, negated, literals) => {
            let (column, field) = filtered(path)?;
            if field.kind != FieldType::MultiPicklist {
                return Err(ApiError::bad("INVALID_QUERY_FILTER_OPERATOR", "INCLUDES is for multi-select picklists"));
            }
            let set = |literal: &Literal| match literal {
                Literal::Text(text) => text.to_lowercase().split(';').map(str::to_owned).collect(),
                Literal::Bare(text) => vec![text.to_lowercase()],
            };
            Test::Includes(column, *negated, literals.iter().map(set).collect())
        }
    })
}

fn members(column: Column, field: &Field, negated: bool, cells: Vec<Cell>) -> Test {
    if matches!(field.kind, FieldType::Id | FieldType::Reference) {
        return Test::Ids(column, negated, cells.iter().filter_map(Cell::as_id).collect());
    }
    Test::In(column, negated, cells)
}
