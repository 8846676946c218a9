//! The mapping that admins use every day: a TOML configuration says where each field comes from and what is done to it.
//!
//! A plugin of the world `mapper-plugin`, and a plain library: [`reads`] tells which columns a configuration wants, [`Plan::open`]
//! reads it against them, [`Plan::rows`] maps. Nothing here has a clock, randomness, files or state: the same rows give the same
//! rows. The configuration is described in `README.md` and `mapping.schema.json`.

mod config;
mod convert;
mod kinds;
mod mistake;
mod open;
mod plan;
mod refusal;
mod rules;
#[cfg(test)]
mod schema_tests;
mod skip;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

use ferry_sdk::mapper::{Column, Direction, Mapped, Mapper, Mistake, Value};

pub use open::reads;
pub use plan::Plan;

impl Mapper for Plan {
    fn reads(configuration: &str, direction: Direction) -> Result<Vec<String>, Vec<Mistake>> {
        reads(configuration, direction)
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
