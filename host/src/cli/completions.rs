//! `ferry completions`

use clap::CommandFactory;

use super::Cli;
use super::context::Context;
use super::failure::CliError;

/// Print the completions of a shell, to be put where it looks for them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ferry", &mut script);
    context.output.text(&String::from_utf8_lossy(&script))
}
