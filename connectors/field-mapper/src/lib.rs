//! field-mapper.
