//! `ferry token list`

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// List the tokens of this workspace, without their texts
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<(), CliError> {
    let tokens = context.tenant()?.tokens()?;
    let document: Vec<_> = tokens.iter().map(documents::Token::from).collect();
    context.output.answer(&document, || {
        let mut table = Table::new(&["name", "scope", "created"], "no tokens yet: `ferry token create NAME`");
        for token in &tokens {
            table.row(vec![token.id.to_string(), token.scope.as_str().to_owned(), token.created.to_string()]);
        }
        table
    })
}
