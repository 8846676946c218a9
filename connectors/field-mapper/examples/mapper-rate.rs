//! How fast a mapping of 12 fields is in a native build: nanoseconds per row, and what opening costs.

use std::time::Instant;

use ferry_field_mapper::Plan;
use ferry_sdk::mapper::{Column, Direction, Kind, Value};

const ROWS_A_BATCH: usize = 100;
const BATCHES: usize = 1_000;

const PLAIN: &str = r#"
time_zone = "Europe/Berlin"
[fields]
first_name = { from = "c0", transform = ["trim", "title"] }
last_name = { from = "c1", transform = "trim" }
email = { from = "c2", type = "email" }
company = "c4"
city = { from = "c5", transform = "collapse" }
lead_source = { from = "c6", type = "choice", values = { WEB = "web", EVENT = "event" }, otherwise = "keep" }
stage = { from = "c7", type = "choice" }
budget = { from = "c8", type = "decimal" }
employees = { from = "c9", type = "integer" }
created_at = { from = "c10", type = "instant" }
newsletter = { from = "c11", type = "boolean" }
"#;

const PHONE: &str = "phone = { from = \"c3\", type = \"phone\", region = \"DE\" }\n";
const PHONE_AS_TEXT: &str = "phone = { from = \"c3\", transform = \"trim\" }\n";

fn row(number: usize) -> Vec<Value> {
    let text = |text: String| Value::Text(text);
    vec![
        text(format!("ada{number}")),
        text("Lovelace".to_owned()),
        text(format!("Ada.{number}@Example.com")),
        text(format!("0171 {:07}", 1_000_000 + number % 8_000_000)),
        text("Analytical Engines".to_owned()),
        text("London".to_owned()),
        text("WEB".to_owned()),
        text("customer".to_owned()),
        text(format!("{}.50", number % 10_000)),
        text(format!("{}", number % 500)),
        text("2026-01-31T09:05:00.000Z".to_owned()),
        text("true".to_owned()),
    ]
}

fn measure(name: &str, mapping: &str) -> Result<(), String> {
    let input: Vec<_> = (0..12).map(|n| Column { name: format!("c{n}"), kind: Kind::Opaque }).collect();
    let open = || Plan::open(mapping, Direction::Inbound, &input).map_err(|mistakes| format!("{mistakes:?}"));
    let start = Instant::now();
    let plan = open()?;
    let first = start.elapsed();
    let start = Instant::now();
    let plan_again = open()?;
    let again = start.elapsed();
    drop(plan_again);
    let start = Instant::now();
    let mapped = plan.rows(vec![row(0)]);
    let first_row = start.elapsed();
    if !matches!(mapped[0], ferry_sdk::mapper::Mapped::Values(_)) {
        return Err(format!("{mapped:?}"));
    }
    let mut batches = Vec::with_capacity(BATCHES);
    for batch in 0..BATCHES {
        let rows: Vec<_> = (0..ROWS_A_BATCH).map(|n| row(batch * ROWS_A_BATCH + n)).collect();
        let start = Instant::now();
        let mapped = plan.rows(rows);
        batches.push(start.elapsed().as_nanos());
        drop(mapped);
    }
    // The median, because other work on the machine falls into some batches.
    batches.sort_unstable();
    let each = batches[BATCHES / 2] / ROWS_A_BATCH as u128;
    show(&format!("{name}: {each} ns a row; open {first:?}, again {again:?}; first row {first_row:?}"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of an example goes to its output")]
fn show(line: &str) {
    println!("{line}");
}

fn main() -> Result<(), String> {
    measure("12 fields, without phone", &format!("{PLAIN}{PHONE_AS_TEXT}"))?;
    measure("12 fields, with phone", &format!("{PLAIN}{PHONE}"))
}
