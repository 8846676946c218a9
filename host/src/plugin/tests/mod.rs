//! The sandbox against guests that do one thing each.

mod connector;
mod fuzz;
mod guests;
mod loading;
mod mapper;
mod packages;
mod signatures;
