//! `ferry openapi`

use super::context::Context;
use super::failure::CliError;

/// Print the OpenAPI document of the API that `ferry serve --listen` serves
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    context.output.document(&ferry::server::description())
}
