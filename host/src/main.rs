//! The program `ferry`: the command line over the library.

mod cli;

use rustix::process::{Resource, Rlimit, setrlimit};

fn main() -> std::process::ExitCode {
    // A picture of this process on disk would hold every key that it has in memory. The kernel lets everybody ask for less.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(debug_assertions)]
    if let Some(points) = std::env::var("FERRY_CRASH_AFTER").ok().and_then(|text| text.parse().ok()) {
        ferry::store::crash_after(points);
    }
    cli::main()
}
