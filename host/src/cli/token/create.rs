//! `ferry token create`

use ferry::model::id::TokenId;
use ferry::model::token::Scope;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Make a token for this workspace; its text is shown now and never again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to call it, as after the program that uses it
    name: TokenId,

    /// What it may do: read, or write (which reads too)
    #[arg(long, default_value = "read")]
    scope: Scope,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let (token, text) = context.tenant()?.create_token(&args.name, args.scope)?;
    if context.output.json {
        return context.output.document(&json!({ "name": token.id, "scope": token.scope, "token": text.expose() }));
    }
    context.output.note("keep it where only its program can read it: it is not shown again");
    context.output.line(text.expose())
}
