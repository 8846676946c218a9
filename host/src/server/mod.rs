//! What a long-running host does by itself, over the application: keeps the schedules.

mod schedules;

pub use schedules::keep_schedules;
