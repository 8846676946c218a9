//! Mappings that admins write in JavaScript: what the field mapper's words can't say, in a language that they know.
//!
//! A plugin of the world `mapper-plugin` that holds an engine. The configuration is the script. Its language is JavaScript without
//! time, chance and memory (`prelude.js`), so the same rows give the same rows; what a row may do is bounded (`engine.rs`), and what
//! it throws refuses that row. `README.md` is for those who write scripts.

mod engine;
mod mistake;
mod plan;
#[cfg(test)]
mod tests;
mod value;

use ferry_sdk::mapper::{Column, Direction, Mapped, Mapper, Mistake, Value};

pub use plan::{Plan, reads};

impl Mapper for Plan {
    fn reads(configuration: &str, _: Direction) -> Result<Vec<String>, Vec<Mistake>> {
        reads(configuration)
    }

    fn open(configuration: &str, direction: Direction, input: &[Column]) -> Result<Self, Vec<Mistake>> {
        Self::open(configuration, direction, input)
    }

    fn output(&self) -> Vec<Column> {
        self.output().to_vec()
    }

    fn rows(&self, rows: Vec<Vec<Value>>) -> Vec<Mapped> {
        self.rows(rows)
    }
}

ferry_sdk::mapper!(Plan);
