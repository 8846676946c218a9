//! What the keys of a field mean, one module a noun. Each reads its own keys and does what they say; none knows of columns or rows.

pub(crate) mod address;
pub(crate) mod boolean;
pub(crate) mod choice;
pub(crate) mod decimal;
pub(crate) mod number;
pub(crate) mod pattern;
pub(crate) mod phone;
pub(crate) mod text;
pub(crate) mod time;
