//! What a long-running host does by itself, over the application: keeps the schedules, forgets what is no longer kept.

mod retention;
mod schedules;

pub use retention::keep_retention;
pub use schedules::keep_schedules;
