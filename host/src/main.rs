//! The program `ferry`: the command line over the library.

mod cli;

fn main() -> std::process::ExitCode {
    #[cfg(debug_assertions)]
    if let Some(points) = std::env::var("FERRY_CRASH_AFTER").ok().and_then(|text| text.parse().ok()) {
        ferry::store::crash_after(points);
    }
    cli::main()
}
