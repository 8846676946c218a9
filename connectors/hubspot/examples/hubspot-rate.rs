//! How long a page of 100 records with 12 properties takes from HubSpot's answer to rows, natively:
//! `cargo run --profile component -p ferry-hubspot --example hubspot-rate`.

use std::io::Write;
use std::time::Instant;

use ferry_hubspot::HubSpot;
use ferry_sdk::connector::{Connector, PullRequest, Slice};
use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call};

const RECORDS: u32 = 100;
const PAGES: u32 = 500;

/// Property, letter of its reading in a page token, value.
const PROPERTIES: [(&str, char, &str); 12] = [
    ("address", 'w', "12 Analytical Way"),
    ("annualrevenue", 'n', "1234567.89"),
    ("city", 'w', "Hamburg"),
    ("company", 'w', "Difference Engines Ltd"),
    ("createdate", 's', "2025-11-22T10:00:00.123Z"),
    ("email", 'w', "ada.lovelace@example.com"),
    ("firstname", 'w', "Ada"),
    ("hs_is_unworked", 'b', "true"),
    ("interests", 'l', "engines;poetry"),
    ("lastname", 'w', "Lovelace"),
    ("lifecyclestage", 't', "lead"),
    ("phone", 'w', "+49 40 1234567"),
];

fn page() -> String {
    let properties: Vec<String> = PROPERTIES.iter().map(|(name, _, value)| format!(r#""{name}":"{value}""#)).collect();
    let records: Vec<String> = (1..=RECORDS)
        .map(|id| {
            format!(
                r#"{{"id":"{id}","properties":{{{},"hs_object_id":"{id}","lastmodifieddate":"2025-11-22T10:00:00.123Z"}},"createdAt":"2025-11-22T10:00:00.123Z","updatedAt":"2025-11-22T10:00:00.123Z","archived":false}}"#,
                properties.join(",")
            )
        })
        .collect();
    format!(r#"{{"results":[{}]}}"#, records.join(","))
}

fn main() -> std::io::Result<()> {
    let body = page();
    let bytes = body.len();
    let http = FakeHttp::answering(move |_| Some(Ok(answer(200, &[], body.clone()))));
    let signature = FakeSignature::default();
    let letters: String = PROPERTIES.iter().map(|(_, letter, _)| *letter).collect();
    let request = PullRequest {
        object: "contacts".to_owned(),
        columns: PROPERTIES.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        filter: Vec::new(),
        segment: None,
        slice: Slice::All,
        token: Some(format!(r#"{{"c":"{letters}"}}"#)),
        limit: RECORDS,
    };
    let mut rows = 0;
    let start = Instant::now();
    for _ in 0..PAGES {
        let page = HubSpot::pull(&call("{}", 0, &http, &signature), request.clone());
        rows += page.map_err(|failure| std::io::Error::other(format!("{failure:?}")))?.rows.len();
    }
    let micros = start.elapsed().as_secs_f64() * 1e6;
    writeln!(
        std::io::stdout(),
        "{rows} records of {bytes} bytes a page: {:.2} microseconds a record",
        micros / f64::from(RECORDS * PAGES)
    )
}
