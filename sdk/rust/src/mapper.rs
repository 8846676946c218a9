//! World `mapper-plugin`: rows in, rows out, nothing else. An author implements [`Mapper`] and names it to [`mapper!`](crate::mapper!).

use std::marker::PhantomData;

use crate::bindings::mapper::exports::ferry::crm::mapper as exports;

pub use crate::bindings::connector::ferry::crm::types::{Problem, Value};
pub use crate::bindings::mapper::exports::ferry::crm::mapper::{Column, Direction, Kind, Mapped, Mistake};

/// A mapping that was opened, and how to open one. The same configuration and the same rows must always give the same answers.
pub trait Mapper: Sized + 'static {
    /// The input columns that a configuration reads, each once: what to ask the CRM for.
    ///
    /// # Errors
    /// All mistakes of the configuration that show without the input columns.
    fn reads(configuration: &str, direction: Direction) -> Result<Vec<String>, Vec<Mistake>>;

    /// Reads a configuration against the columns that will come in.
    ///
    /// # Errors
    /// All mistakes of the configuration.
    fn open(configuration: &str, direction: Direction, input: &[Column]) -> Result<Self, Vec<Mistake>>;

    /// What `rows` gives. The same for the life of the mapping.
    fn output(&self) -> Vec<Column>;

    /// One answer per row, in order. A row that is not of the input's shape is refused, never a panic.
    fn rows(&self, rows: Vec<Vec<Value>>) -> Vec<Mapped>;
}

/// What [`mapper!`](crate::mapper!) exports for a mapper.
#[doc(hidden)]
pub struct Export<M>(PhantomData<M>);

/// A mapping that the host holds.
#[doc(hidden)]
pub struct Opened<M>(M);

impl<M: Mapper> exports::Guest for Export<M> {
    type Mapping = Opened<M>;

    fn reads(configuration: String, direction: Direction) -> Result<Vec<String>, Vec<Mistake>> {
        M::reads(&configuration, direction)
    }
}

impl<M: Mapper> exports::GuestMapping for Opened<M> {
    fn open(configuration: String, direction: Direction, input: Vec<Column>) -> Result<exports::Mapping, Vec<Mistake>> {
        M::open(&configuration, direction, &input).map(|mapper| exports::Mapping::new(Self(mapper)))
    }

    fn output(&self) -> Vec<Column> {
        self.0.output()
    }

    fn rows(&self, rows: exports::Table) -> Vec<Mapped> {
        let number = rows.widths.len();
        match crate::table::rows(rows) {
            Some(rows) => self.0.rows(rows),
            None => {
                vec![Mapped::Refused(vec![Problem::general("the host gave rows that do not hold together")]); number]
            }
        }
    }
}

/// Makes the component's exports of a [`Mapper`](crate::mapper::Mapper). Does nothing in a native build, so that tests link.
#[macro_export]
macro_rules! mapper {
    ($mapper:ty) => {
        $crate::stamp!();

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::mapper::Export<$mapper>;
    $crate::bindings::mapper::export_mapper!(Exported with_types_in $crate::bindings::mapper);
        };
    };
}
