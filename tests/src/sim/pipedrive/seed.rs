//! Seeded persons and organizations: each value is computed from (seed, index) alone.

use serde_json::{Map, Value, json};

use super::fields::{BUDGET, CUSTOMER_NUMBER, LEAD_SOURCE};
use crate::sim::mix;

const FIRST: [&str; 12] =
    ["Jürgen", "Anna", "Zoë", "O'Neil", "李雷", "Дмитрий", "Siobhán", "Ayşe", "Emma", "Łukasz", "Noël", "Mary"];
const LAST: [&str; 12] = [
    "Müller",
    "von der Heide",
    "Groß",
    "O’Connor",
    "王",
    "Иванова",
    "McDonald",
    "Nguyễn",
    "Şahin",
    "García Márquez",
    "D'Angelo",
    "Smith",
];
const TOWNS: [&str; 6] = ["Köln", "Berlin", "New York", "San José", "London", "Görlitz"];

fn pick(words: &[&'static str], hash: u64) -> &'static str {
    words[usize::try_from(hash % u64::try_from(words.len()).unwrap_or(1)).unwrap_or(0)]
}

/// How many persons belong to one seeded organization.
pub(crate) const PER_ORGANIZATION: u64 = 20;

/// The person at an index; `organizations` is the id of the first one.
pub(crate) fn person(seed: u64, index: u64, organizations: u64) -> Map<String, Value> {
    let own = mix(seed, index);
    let dice = |salt: u64| mix(own, salt);
    let (first, last) = (pick(&FIRST, dice(1)), pick(&LAST, dice(2)));
    let mut person = Map::new();
    let mut put = |name: &str, value: Value| drop(person.insert(name.to_owned(), value));
    put("name", json!(format!("{first} {last}")));
    put("first_name", json!(first));
    put("last_name", json!(last));
    put("emails", emails(index, dice(3)));
    put("phones", phones(dice(4)));
    if dice(5) % 3 == 0 {
        put("org_id", json!(organizations + index / PER_ORGANIZATION));
    }
    if dice(6) % 2 == 0 {
        let town = pick(&TOWNS, dice(7));
        put("postal_address", json!({"value": format!("Main 1, {town}"), "locality": town, "country": "Germany"}));
    }
    put("job_title", if dice(8) % 2 == 0 { json!("Buyer") } else { Value::Null });
    let mut own_fields = Map::new();
    if dice(9) % 4 != 0 {
        own_fields.insert(LEAD_SOURCE.to_owned(), json!(11 + dice(10) % 3));
    }
    if dice(11) % 5 == 0 {
        own_fields.insert(BUDGET.to_owned(), json!({"value": dice(12) % 100_000, "currency": "EUR"}));
    }
    own_fields.insert(CUSTOMER_NUMBER.to_owned(), json!(format!("C-{index}")));
    put("custom_fields", own_fields.into());
    person
}

/// One in twenty-five has none, one in ten a second one, one in a hundred a broken one.
fn emails(index: u64, hash: u64) -> Value {
    let entry = |value: String, primary: bool| json!({"value": value, "primary": primary, "label": "work"});
    match hash % 100 {
        0..=3 => json!([]),
        4 => json!([entry(format!("broken {index}@"), true)]),
        5..=14 => json!([
            entry(format!("second.{index}@example.org"), false),
            entry(format!("PERSON.{index}@Example.com"), true)
        ]),
        _ => json!([entry(format!("person.{index}@example.com"), true)]),
    }
}

fn phones(hash: u64) -> Value {
    let number = 20_000_000 + hash % 70_000_000;
    let value = match hash >> 32 & 7 {
        0 => return json!([]),
        1 => "call me".to_owned(),
        2 => format!("+49 (0)151 {number}"),
        3 => format!("0049151{number}"),
        _ => format!("+49151{number}"),
    };
    json!([{"value": value, "primary": true, "label": "mobile"}])
}

/// How many persons there are for each seeded lead.
pub(crate) const PER_LEAD: u64 = 4;

/// The lead at an index, about a person or, one in ten, about an organization; the ids are those of the first ones.
pub(crate) fn lead(seed: u64, index: u64, organizations: u64, persons: u64) -> Map<String, Value> {
    let dice = |salt: u64| mix(mix(seed ^ 11, index), salt);
    let person = index * PER_LEAD;
    let (person_id, organization_id) = if dice(1) % 10 == 0 {
        (Value::Null, json!(organizations + person / PER_ORGANIZATION))
    } else {
        (json!(persons + person), Value::Null)
    };
    let value = json!({"amount": dice(2) % 100_000, "currency": "EUR"});
    let lead = json!({"title": format!("Lead {index}"), "person_id": person_id, "organization_id": organization_id,
        "source_name": pick(&["Manually created", "API", "Live Chat"], dice(3)), "origin": "ManuallyCreated",
        "value": if dice(4) % 3 == 0 { value } else { Value::Null }, "label_ids": [], "owner_id": 1, "is_archived": false,
        "was_seen": dice(5) % 2 == 0});
    lead.as_object().cloned().unwrap_or_default()
}

pub(crate) fn organization(seed: u64, index: u64) -> Map<String, Value> {
    let town = pick(&TOWNS, mix(seed ^ 7, index));
    let mut organization = Map::new();
    organization.insert("name".to_owned(), json!(format!("Company {index} {town}")));
    organization.insert("address".to_owned(), json!({"value": town, "locality": town}));
    organization
}
