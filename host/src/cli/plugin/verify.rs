//! `ferry plugin verify`

use std::path::PathBuf;

use ferry::app::error::AppError;
use ferry::app::plugins::error::InstallError;
use ferry::app::plugins::unpack;
use ferry::model::publisher::PublisherKey;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Check a packed plugin's signature, and show what it covers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin
    file: PathBuf,

    /// Who must have signed it, as in ed25519:…
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let refused = |error: InstallError| CliError::from(AppError::from(error));
    let wanted = args.key.as_deref().map(str::parse::<PublisherKey>).transpose();
    let wanted = wanted.map_err(|error| refused(error.into()))?;
    let package = unpack(context.output.bytes_of(&args.file)?)?;
    let signed = package.signed.ok_or_else(|| refused(InstallError::NotSigned))?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != signed.key) {
        return Err(refused(InstallError::NotSignedBy { wanted, found: signed.key }));
    }
    context.output.answer(&signed, || {
        let statement = &signed.statement;
        let mut rows = vec![
            ("signed by".to_owned(), signed.key.to_string()),
            ("plugin".to_owned(), format!("{} {}", statement.plugin, statement.version)),
        ];
        rows.extend(statement.parts.iter().map(|(part, digest)| (part.clone(), digest.to_string())));
        let mut table = Table::new(&["part", "digest"], "");
        rows.into_iter().for_each(|(part, digest)| table.row(vec![part, digest]));
        table
    })
}
