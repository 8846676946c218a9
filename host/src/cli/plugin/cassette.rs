//! `ferry plugin cassette`

use std::path::PathBuf;

use ferry::app::kit;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Make a cassette for `ferry plugin test` of traces
///
/// Pages that follow one another become one walk. A trace holds what the CRM answered, so make it with an account that holds
/// nobody's data.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `ferry trace` saved, in order
    #[arg(required = true)]
    traces: Vec<PathBuf>,

    /// What the cassette shows
    #[arg(long)]
    title: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    context.output.text(&kit::cassette(&args.title, &args.traces)?)
}
