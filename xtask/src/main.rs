//! The project's own commands: `cargo xtask components | test | demo | bench`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "these commands are for a terminal")]

mod bench;
mod browser;
mod cargo;
mod components;
mod demo;
mod simulator;
mod test;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, tests, shows and measures Ferry")]
enum Command {
    /// Build and pack every plugin into target/components.
    Components,
    /// Build the components and run every test.
    Test(test::Options),
    /// Carry contacts from a simulated HubSpot and outcomes back, showing every command.
    Demo(demo::Options),
    /// Measure, and print the table of ratios.
    Bench(bench::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Components => components::build(cargo::Profile::Dev).map(|_| ()),
        Command::Test(options) => test::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Bench(options) => bench::run(&options),
    }
}
