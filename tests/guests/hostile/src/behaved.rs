//! A small CRM whose records follow from their numbers.

use ferry_sdk::connector::*;

pub(crate) fn object() -> Object {
    Object {
        name: "contacts".into(),
        label: "Contacts".into(),
        custom: false,
        abilities: Abilities::PULL | Abilities::CREATE,
        lateness: 0,
    }
}

pub(crate) fn fields() -> Vec<Field> {
    ["first_name", "email"].into_iter().map(field).collect()
}

fn field(name: &str) -> Field {
    Field {
        name: name.into(),
        label: name.into(),
        kind: Kind::Text,
        choices: Vec::new(),
        refers_to: Vec::new(),
        required: false,
        writable: true,
        unique: false,
        custom: false,
        derived: false,
        length: None,
    }
}

/// The page from the number in the token on.
pub(crate) fn pull(rows: u64, page: u64, request: &PullRequest) -> Result<Page, Failure> {
    let from = match &request.token {
        Some(token) => token.parse().map_err(|_| Failure::TokenExpired)?,
        None => 0,
    };
    let until = rows.min(from + page.clamp(1, request.limit.into()));
    let next = (until < rows).then(|| until.to_string());
    Ok(Page {
        total: Some(rows),
        ..Page::of((from..until).map(|number| row(number, &request.columns)).collect(), next)
    })
}

fn row(number: u64, columns: &[String]) -> Row {
    let value = |column: &String| match column.as_str() {
        "first_name" => Value::from(format!("Person {number}")),
        "email" => Value::from(format!("person{number}@example.com")),
        _ => Value::Null,
    };
    let values = columns.iter().map(value).collect();
    Row { id: number.to_string(), modified: Some(1_700_000_000_000_000), version: None, values }
}
