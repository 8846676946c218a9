//! Rows of every kind of value, also of the wrong shape, for mappers: always the same ones.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::model::mapping::{Column, Kind};
use crate::model::time::Instant;
use crate::model::value::Value;

/// Rows that are generated for each configuration.
const ROWS: usize = 200;

/// Texts that have broken mappers: empty, blank, long, with everything that Unicode allows, and near to what is expected.
const TEXTS: [&str; 22] = [
    "",
    " ",
    "0",
    "-0",
    "1e9",
    "007",
    "true",
    "NaN",
    "null",
    "Zo\u{eb}",
    "\u{1f9d1}\u{200d}\u{1f692}",
    "\u{202e}abc",
    "a\0b",
    "line\nbreak",
    "ada@example.com",
    "ada@",
    "+49 30 123456",
    "+",
    "https://example.com/?q=1",
    "2026-02-30",
    "2026-02-28T25:61:00Z",
    "a;b;;c",
];

pub(super) struct Generated {
    /// One value for each column, of its type or null.
    pub(super) fitting: Vec<Vec<Value>>,
    /// Too few values, too many, or of other types.
    pub(super) misshapen: Vec<Vec<Value>>,
}

pub(super) fn generate(seed: u64, columns: &[Column]) -> Generated {
    let mut random = SmallRng::seed_from_u64(seed);
    let fitting = (0..ROWS).map(|_| columns.iter().map(|column| of_kind(column.kind, &mut random)).collect()).collect();
    let any = |length: usize, random: &mut SmallRng| (0..length).map(|_| any(random)).collect::<Vec<_>>();
    let mut misshapen = vec![Vec::new(), any(columns.len() + 1, &mut random)];
    misshapen.extend((0..ROWS).map(|_| any(columns.len(), &mut random)));
    misshapen.push(any(columns.len().saturating_sub(1), &mut random));
    Generated { fitting, misshapen }
}

fn text(random: &mut SmallRng) -> String {
    match random.random_range(0..TEXTS.len() + 2) {
        at if at < TEXTS.len() => TEXTS[at].to_owned(),
        at if at == TEXTS.len() => "x".repeat(10_000),
        _ => (0..random.random_range(1..20)).map(|_| random.random::<char>()).collect(),
    }
}

fn decimal(random: &mut SmallRng) -> String {
    match random.random_range(0..4) {
        0 => format!("{}.{}", random.random::<i64>(), random.random::<u32>()),
        1 => format!("{}{}", random.random::<i64>(), "0".repeat(40)),
        2 => format!("0.{}1", "0".repeat(40)),
        _ => random.random_range(-1_000..1_000).to_string(),
    }
}

fn integer(random: &mut SmallRng) -> i64 {
    match random.random_range(0..4) {
        0 => i64::MIN,
        1 => i64::MAX,
        _ => random.random_range(-1_000..1_000),
    }
}

fn of_kind(kind: Kind, random: &mut SmallRng) -> Value {
    if random.random_range(0..5) == 0 {
        return Value::Null;
    }
    match kind {
        Kind::Boolean => Value::Boolean(random.random()),
        Kind::Integer => Value::Integer(integer(random)),
        Kind::Decimal => Value::Decimal(decimal(random)),
        Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Choice => Value::Text(text(random)),
        Kind::Choices => Value::Texts((0..random.random_range(0..4)).map(|_| text(random)).collect()),
        Kind::Instant => Value::Instant(Instant(integer(random))),
        Kind::Date => Value::Date(random.random()),
        Kind::Opaque => any(random),
    }
}

fn any(random: &mut SmallRng) -> Value {
    const KINDS: [Kind; 7] =
        [Kind::Boolean, Kind::Integer, Kind::Decimal, Kind::Text, Kind::Choices, Kind::Instant, Kind::Date];
    of_kind(KINDS[random.random_range(0..KINDS.len())], random)
}
