//! Domains: clauses `[field, operator, value]` that must all hold, with `&`, `|` and `!` in front of those that they join.

use serde_json::{Map, Value, json};

use super::database::Database;
use super::errors::ApiError;
use super::models::{Kind, Model};
use super::values;

/// Whether a record is found. Every clause is looked at, so that a mistake in one is one whatever the others say.
pub(crate) fn holds(
    database: &Database,
    model: &Model,
    domain: &Value,
    id: i64,
    record: &Map<String, Value>,
) -> Result<bool, ApiError> {
    let clauses = domain.as_array().ok_or_else(|| ApiError::value("Invalid domain"))?;
    let mut stack: Vec<bool> = Vec::new();
    let pop = |stack: &mut Vec<bool>| {
        stack.pop().ok_or_else(|| ApiError::value("Invalid domain: an operator lacks its clause"))
    };
    for clause in clauses.iter().rev() {
        let held = match clause {
            Value::String(operator) => match operator.as_str() {
                "!" => !pop(&mut stack)?,
                "&" | "|" => {
                    let (one, other) = (pop(&mut stack)?, pop(&mut stack)?);
                    if operator == "&" { one && other } else { one || other }
                }
                other => return Err(ApiError::value(format!("Invalid domain operator {other}"))),
            },
            Value::Array(clause) => leaf(database, model, clause, id, record)?,
            other => return Err(ApiError::value(format!("Invalid domain term {other}"))),
        };
        stack.push(held);
    }
    Ok(stack.into_iter().all(|held| held))
}

fn leaf(
    database: &Database,
    model: &Model,
    clause: &[Value],
    id: i64,
    record: &Map<String, Value>,
) -> Result<bool, ApiError> {
    let [Value::String(path), Value::String(operator), wanted] = clause else {
        return Err(ApiError::value("Invalid domain term: it has no three parts"));
    };
    let unknown = || ApiError::value(format!("Invalid field {}.{path} in condition", model.name));
    let (name, rest) = path.split_once('.').map_or((path.as_str(), None), |(name, rest)| (name, Some(rest)));
    let field = model.field(name).filter(|field| field.store).ok_or_else(unknown)?;
    if let Some(rest) = rest {
        let Kind::Many2one(relation) = field.kind else { return Err(unknown()) };
        let related = Model::of(relation).ok_or_else(unknown)?;
        let clause = [json!(rest), json!(operator), wanted.clone()];
        let other = record.get(name).and_then(Value::as_i64);
        let found = other.and_then(|other| database.table(relation).get(&other).map(|record| (other, record)));
        let (empty, nobody) = (Map::new(), 0);
        let (other, record) = found.unwrap_or((nobody, &empty));
        return leaf(database, related, &clause, other, record);
    }
    let held = match values::shown(database, model, field, id, record) {
        Value::Array(pair) if matches!(field.kind, Kind::Many2one(_)) => pair[0].clone(),
        held => held,
    };
    compare(&held, operator, wanted).ok_or_else(|| ApiError::value(format!("Invalid operator {operator} for {path}")))
}

/// None where the two can't be compared so.
fn compare(held: &Value, operator: &str, wanted: &Value) -> Option<bool> {
    let is = |held: &Value, wanted: &Value| match held {
        Value::Array(ids) => ids.contains(wanted),
        _ => held == wanted || *wanted == json!(false) && (*held == "" || *held == json!(0)),
    };
    let text = |value: &Value| value.as_str().map(str::to_lowercase);
    Some(match operator {
        "=" | "!=" if wanted.is_array() => return None,
        "=" => is(held, wanted),
        "!=" => !is(held, wanted),
        "in" => wanted.as_array()?.iter().any(|wanted| is(held, wanted)),
        "not in" => !wanted.as_array()?.iter().any(|wanted| is(held, wanted)),
        "<" | "<=" | ">" | ">=" => {
            if *held == json!(false) {
                return Some(false);
            }
            let order = match (held.as_f64(), wanted.as_f64()) {
                (Some(held), Some(wanted)) => held.partial_cmp(&wanted)?,
                _ => held.as_str()?.cmp(wanted.as_str()?),
            };
            match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }
        }
        "ilike" => text(held).is_some_and(|held| like(&held, &format!("%{}%", text(wanted).unwrap_or_default()))),
        "=ilike" => text(held).is_some_and(|held| like(&held, &text(wanted).unwrap_or_default())),
        _ => return None,
    })
}

/// SQL's `LIKE`, with `\` in front of what stands for itself.
fn like(held: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => held.is_empty(),
        Some('%') => {
            held.char_indices().map(|(at, _)| at).chain([held.len()]).any(|at| like(&held[at..], rest.as_str()))
        }
        Some(one) => {
            let wanted = if one == '\\' { rest.next().unwrap_or('\\') } else { one };
            let any = one == '_';
            let mut held = held.chars();
            held.next().is_some_and(|first| any || first == wanted) && like(held.as_str(), rest.as_str())
        }
    }
}
