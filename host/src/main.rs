//! The program `ferry`: the command line over the library.

mod cli;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // A picture of this process on disk would hold every key that it has in memory. The kernel lets everybody ask for less.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    // A machine that hands pictures to a program asks no limit, but asks this. It also keeps other processes of the user out of
    // this one's memory and environment.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    #[cfg(debug_assertions)]
    if let Some(points) = std::env::var("FERRY_CRASH_AFTER").ok().and_then(|text| text.parse().ok()) {
        ferry::store::crash_after(points);
    }
    cli::main()
}
