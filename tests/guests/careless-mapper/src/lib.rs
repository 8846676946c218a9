//! A mapper that copies its rows and breaks one rule of the contract, as its configuration says, so that the conformance kit can
//! be tried: it must find each of them. With the configuration `careful` it breaks none but one: brackets make it crash, always.

use std::sync::atomic::{AtomicU32, Ordering};

use ferry_sdk::mapper::*;

/// Rows since the instance was made: what a mapper must not keep.
static ROWS: AtomicU32 = AtomicU32::new(0);

/// From this row on, mode `moody` gives something else.
const PATIENCE: u32 = 250;

/// A mapping that was opened.
pub struct Careless {
    mode: String,
    input: Vec<Column>,
}

impl Mapper for Careless {
    fn reads(_: &str, _: Direction) -> Result<Vec<String>, Vec<Mistake>> {
        Ok(Vec::new())
    }

    fn open(configuration: &str, _: Direction, input: &[Column]) -> Result<Self, Vec<Mistake>> {
        let mistake = |message: &str| Mistake { line: None, path: String::new(), message: message.into(), hint: None };
        match configuration {
            "careful" | "wrong" | "moody" | "greedy" | "fragile" => {
                Ok(Self { mode: configuration.into(), input: input.to_vec() })
            }
            // It is sure that nobody writes brackets.
            _ if configuration.starts_with('[') => unreachable!("a configuration that is none"),
            _ => Err(vec![mistake("there is no such way to break a rule")]),
        }
    }

    fn output(&self) -> Vec<Column> {
        self.input.clone()
    }

    fn rows(&self, rows: Vec<Vec<Value>>) -> Vec<Mapped> {
        rows.into_iter().map(|row| self.row(row)).collect()
    }
}

impl Careless {
    fn row(&self, mut row: Vec<Value>) -> Mapped {
        let seen = ROWS.fetch_add(1, Ordering::Relaxed);
        match self.mode.as_str() {
            "fragile" => assert!(self.fits(&row), "a row of the wrong shape"),
            // What is too much is cut off, what is missing is made up.
            "greedy" => row.resize(self.input.len(), Value::Null),
            "wrong" => row.fill(Value::Null),
            "moody" if seen >= PATIENCE => row.fill(Value::Null),
            _ => {}
        }
        if self.fits(&row) {
            return Mapped::Values(row);
        }
        Mapped::Refused(vec![Problem {
            field: None,
            message: "the row is not one of texts, one for each column".into(),
        }])
    }

    fn fits(&self, row: &[Value]) -> bool {
        row.len() == self.input.len() && row.iter().all(|value| matches!(value, Value::Null | Value::Text(_)))
    }
}

ferry_sdk::mapper!(Careless);
