//! What the author of a Ferry plugin writes against.
//!
//! A connector implements [`connector::Connector`] and names it to [`connector!`]; a mapper implements [`mapper::Mapper`] and
//! names it to [`mapper!`]. Everything else is a plain library: the same code runs in the sandbox and, with
//! [`testing::FakeHttp`], in a native test.

#[doc(hidden)]
pub mod bindings;
pub mod connector;
pub mod failure;
pub mod http;
pub mod log;
pub mod mapper;
#[cfg(any(test, all(target_arch = "wasm32", feature = "allocator")))]
mod memory;
pub mod push;
#[doc(hidden)]
pub mod stamp;
pub mod suggest;
mod table;
pub mod testing;
pub mod time;
pub mod token;
pub mod value;

/// The version of the contract that a plugin built with this SDK speaks.
pub const CONTRACT: &str = "0.1.0";
