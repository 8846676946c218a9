//! What the author of a Ferry plugin writes against.

#[doc(hidden)]
pub mod bindings;
pub mod mapper;
