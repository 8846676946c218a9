//! Ferry.
