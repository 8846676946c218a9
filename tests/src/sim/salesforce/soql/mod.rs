//! SOQL: words, grammar, meaning, evaluation. What is left out is refused, never guessed.

mod bind;
mod evaluate;
mod lex;
mod literals;
mod parse;
#[cfg(test)]
mod tests;

pub(crate) use bind::{Bound, Column, bind};
pub(crate) use evaluate::{cell, find};
pub(crate) use parse::parse;
