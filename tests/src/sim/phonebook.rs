//! The Phonebook CRM of the SDKs' examples: people page by page. Small, and strict about what it is sent.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};

use super::server::{Reply, Request, Server};

/// The key that it accepts.
pub const KEY: &str = "phonebook-key";

/// The most people that a page has.
const PAGE: usize = 100;

/// A running Phonebook. Serves until it is dropped.
pub struct Phonebook {
    base_url: String,
    _server: Server,
}

impl Phonebook {
    /// Serves so many people on a free port of 127.0.0.1.
    pub fn start(people: usize) -> io::Result<Self> {
        let server = Server::start(vec![(0, Arc::new(move |request| answer(people, &request)))])?;
        let base_url = format!("http://{}", server.addresses()[0]);
        Ok(Self { base_url, _server: server })
    }

    /// Its address, without a path.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

fn answer(people: usize, request: &Request) -> Reply {
    if request.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return Reply::empty(401);
    }
    let path = request.segments();
    match (request.method.as_str(), path.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
        ("GET", ["me"]) => Reply::json(200, &json!({"id": "acme", "company": "Acme"})),
        ("GET", ["people"]) => page(people, request),
        _ => Reply::empty(404),
    }
}

fn page(people: usize, request: &Request) -> Reply {
    let limit = request.query("limit").and_then(|limit| limit.parse::<usize>().ok());
    let after = request.query("after").map_or(Some(0), |after| after.parse::<usize>().ok());
    let (Some(limit @ 1..=PAGE), Some(after)) = (limit, after) else { return Reply::empty(400) };
    let end = people.min(after + limit);
    let rows: Vec<Value> = (after + 1..=end).map(person).collect();
    let next = (end < people).then(|| end.to_string());
    Reply::json(200, &json!({"people": rows, "next": next}))
}

/// The person of this number, from 1. Every tenth has no e-mail address.
fn person(number: usize) -> Value {
    let email = (!number.is_multiple_of(10)).then(|| format!("person{number}@example.com"));
    json!({"id": number.to_string(), "name": format!("Zoë {number} Müller"), "email": email, "phone": null})
}
