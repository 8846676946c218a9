//! `ferry plugin lock`

use std::path::PathBuf;

use ferry::app::error::AppError;
use ferry::app::plugins::lock::LockFile;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Write down the installed plugins to the byte, for `ferry plugin install --locked`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Instead compare what is installed with this lock file
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let lock = context.tenant()?.lock()?;
    if let Some(path) = &args.check {
        LockFile::parse(&context.output.text_of(path)?)?.compare(&lock).map_err(AppError::from)?;
        context.output.note("the installed plugins are those of the lock file");
        return if context.output.json { context.output.document(lock.plugins()) } else { Ok(()) };
    }
    if context.output.json { context.output.document(lock.plugins()) } else { context.output.text(&lock.to_text()?) }
}
