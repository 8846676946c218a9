//! The people who own records.

use serde_json::{Value, json};

use super::errors::{ApiError, Outcome};
use crate::sim::server::{Reply, Request};
use crate::sim::stamp;

/// Owner ids in HubSpot share no pattern with record ids.
const FIRST_ID: u64 = 77_000_101;

const OWNERS: [(&str, &str); 8] = [
    ("Grace", "Hopper"),
    ("Jörg", "Müller"),
    ("Ada", "Lovelace"),
    ("Ines", "Peña"),
    ("Tom", "O'Hara"),
    ("Mei", "Chen"),
    ("Kofi", "Annan"),
    ("Old", "Colleague"),
];

/// The last of them has left: archived, yet still on records.
const LEFT: usize = OWNERS.len() - 1;

/// The id of some owner.
pub(crate) fn id_at(hash: u64) -> u64 {
    FIRST_ID + hash % OWNERS.len() as u64
}

/// Whether an owner has this id.
pub(crate) fn exists(id: &str) -> bool {
    id.parse::<u64>().is_ok_and(|id| (FIRST_ID..FIRST_ID + OWNERS.len() as u64).contains(&id))
}

fn owner(at: usize, created_ms: i64) -> Value {
    let (first, last) = OWNERS[at];
    json!({"id": (FIRST_ID + at as u64).to_string(), "email": format!("owner{at}@example.com"), "type": "PERSON",
        "firstName": first, "lastName": last, "userId": if at == LEFT { Value::Null } else { json!(500 + at) },
        "userIdIncludingInactive": 500 + at, "createdAt": stamp::iso(created_ms), "updatedAt": stamp::iso(created_ms),
        "archived": at == LEFT, "teams": []})
}

/// `GET /crm/v3/owners` with `email`, `after`, `limit`, `archived`.
pub(crate) fn list(request: &Request, created_ms: i64) -> Outcome {
    let limit = super::page::limit(request, 100, 500)?;
    let archived = super::page::flag(request, "archived")?;
    let after = request.query("after").map_or(Ok(0), str::parse::<usize>);
    let after = after.map_err(|_| ApiError::invalid("Invalid paging token"))?;
    let matching: Vec<Value> = (0..OWNERS.len())
        .filter(|at| (*at == LEFT) == archived)
        .map(|at| owner(at, created_ms))
        .filter(|owner| request.query("email").is_none_or(|email| owner["email"] == email))
        .collect();
    let next = (after + limit < matching.len()).then(|| after + limit);
    let results: Vec<Value> = matching.into_iter().skip(after).take(limit).collect();
    let mut body = json!({ "results": results });
    if let Some(next) = next {
        body["paging"] = json!({"next": {"after": next.to_string(), "link": format!("?after={next}")}});
    }
    Ok(Reply::json(200, &body))
}

/// `GET /crm/v3/owners/{id}` with `idProperty=id|userId`.
pub(crate) fn get(request: &Request, id: &str, created_ms: i64) -> Outcome {
    let by_user = request.query("idProperty") == Some("userId");
    let archived = super::page::flag(request, "archived")?;
    let found = (0..OWNERS.len()).map(|at| owner(at, created_ms)).find(|owner| {
        let own = if by_user {
            owner["userIdIncludingInactive"].to_string()
        } else {
            owner["id"].as_str().unwrap_or("").to_owned()
        };
        own == id && owner["archived"] == archived
    });
    let found = found.ok_or_else(|| ApiError::not_found(format!("Could not find owner with id {id}")))?;
    Ok(Reply::json(200, &found))
}
