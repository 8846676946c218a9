//! Dies on purpose, for the tests that show that a crash at any commit loses nothing. Not in release builds.

use std::sync::atomic::{AtomicI64, Ordering};

/// Points that may still be passed; negative where nobody wants a crash.
static LEFT: AtomicI64 = AtomicI64::new(-1);

/// From now on the process dies, without any farewell, at the point after this many. Each commit has two points: before it
/// and after it.
pub fn crash_after(points: u32) {
    LEFT.store(i64::from(points), Ordering::SeqCst);
}

pub(super) fn point() {
    if LEFT.load(Ordering::SeqCst) >= 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 0 {
        std::process::abort();
    }
}
