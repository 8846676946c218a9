pub mod advice;
pub mod error;
pub mod settings;
pub mod suggest;
