//! `ferry token revoke`

use ferry::model::id::TokenId;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Take a token out of use, at once and for good
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The token
    name: TokenId,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    context.tenant()?.revoke_token(&args.name)?;
    context.output.removed("token", args.name.as_str())
}
