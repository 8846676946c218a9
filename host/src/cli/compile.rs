//! `ferry compile-plugin`: what the program does in the process in which a plugin is compiled. Not for people.

use super::context::Context;
use super::failure::CliError;
use ferry::plugin::compiler;

/// Compile the component on stdin, in a process of its own
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The machine has little address space
    #[arg(long)]
    scarce: bool,
}

pub(super) fn run(args: &Args, _: &Context) -> Result<(), CliError> {
    compiler::serve(args.scarce, std::io::stdin().lock(), std::io::stdout().lock())
        .map_err(|why| CliError::content(why, "report it to the plugin's publisher"))
}
