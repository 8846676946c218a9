//! Seeded companies and people: each value is computed from (seed, index) alone.

use serde_json::{Map, Value, json};

use super::database::Database;
use super::models::{self, Model};
use crate::sim::mix;
use crate::sim::names::{self, Place};

const DAY_MS: i64 = 86_400_000;

/// So many seeded records share one stamp: equal stamps are the rule after imports.
const STAMP_GROUP: u64 = 4;

/// So many people belong to one company.
const PER_COMPANY: u64 = 20;

const COUNTRIES: [(&str, &str); 4] = [("Germany", "DE"), ("France", "FR"), ("United States", "US"), ("Japan", "JP")];
const STAGES: [&str; 3] = ["New", "Qualified", "Won"];

fn put(database: &mut Database, model: &str, record: Value, at_ms: i64) -> i64 {
    let model = Model::of(model).expect("a model of the simulator");
    database.insert(model, record.as_object().cloned().unwrap_or_default(), at_ms)
}

pub(crate) fn fill(database: &mut Database, seed: u64, people: u64) {
    let start_ms = database.clock.now_ms() - 91 * DAY_MS;
    for model in &models::ALL {
        put(database, "ir.model", json!({"name": model.label, "model": model.name}), start_ms);
    }
    put(database, "res.company", json!({"name": "Simulated Company"}), start_ms);
    for (name, code) in COUNTRIES {
        put(database, "res.country", json!({"name": name, "code": code}), start_ms);
    }
    for name in STAGES {
        put(database, "crm.stage", json!({"name": name}), start_ms);
    }
    let note = put(database, "mail.message.subtype", json!({"name": "Note"}), start_ms);
    let known = json!({"module": "mail", "name": "mt_note", "model": "mail.message.subtype", "res_id": note});
    put(database, "ir.model.data", known, start_ms);
    let companies: Vec<i64> = (0..people.div_ceil(PER_COMPANY))
        .map(|index| put(database, "res.partner", json!({"name": names::company(index), "is_company": true}), start_ms))
        .collect();
    let step_ms = 90 * DAY_MS / i64::try_from(people / STAMP_GROUP + 1).unwrap_or(i64::MAX);
    for index in 0..people {
        // The order of ids and the order of stamps have nothing to do with each other.
        let group = i64::try_from(mix(seed, index) % people / STAMP_GROUP).unwrap_or_default();
        let company = companies[usize::try_from(index / PER_COMPANY).unwrap_or_default()];
        put(database, "res.partner", person(seed, index, company).into(), start_ms + group * step_ms);
    }
}

fn person(seed: u64, index: u64, company: i64) -> Map<String, Value> {
    let own = mix(seed, index);
    let dice = |salt: u64| mix(own, salt);
    let place = Place::of(dice(1));
    let filled = |text: Option<std::borrow::Cow<'static, str>>| {
        text.filter(|text| !text.is_empty()).map_or(json!(false), |text| json!(text))
    };
    let name = format!("{} {}", names::first(place, dice(2)).unwrap_or_default(), names::last(place, dice(3)));
    let mut person = Map::new();
    let mut put = |name: &str, value: Value| drop(person.insert(name.to_owned(), value));
    put("name", json!(name));
    put("email", filled(names::email(place, dice(4), index)));
    put("phone", filled(names::phone(place, dice(5))));
    put("city", json!(names::city(place, dice(6))));
    put("country_id", json!(1 + dice(7) % 4));
    if dice(8) % 2 == 0 {
        put("parent_id", json!(company));
        put("function", json!(names::pick(&names::JOBS, dice(9))));
    }
    if dice(10) % 3 == 0 {
        put("x_source", json!(if dice(11) % 2 == 0 { "fair" } else { "web" }));
    }
    person
}
