//! `ferry audit verify`

use ferry::app::words::counted;
use ferry::model::audit::Flaw;
use ferry::model::id::AuditId;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Prove that no entry of the log was changed or taken out
///
/// Every entry has the hash of the one before. Note the last one, which this command shows, where nobody who can write in the
/// state can write: with --noted it proves later that nothing before it was changed, and that nothing was cut off behind it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An entry as this command has shown it before, as in a17:3f5a..
    #[arg(long, value_name = "ID:HASH", value_parser = noted)]
    noted: Option<(AuditId, String)>,
}

fn noted(text: &str) -> Result<(AuditId, String), String> {
    let (id, hash) = text.split_once(':').ok_or("write it as ID:HASH, as this command has shown it")?;
    Ok((id.parse().map_err(|error: ferry::model::id::InvalidNumber| error.to_string())?, hash.to_owned()))
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let proof = context.tenant()?.prove_log(args.noted.as_ref())?;
    let what = match proof.flaw {
        None => None,
        Some(Flaw::Gap(id)) => Some(format!("entries before {id} are missing from the audit log")),
        Some(Flaw::Changed(id)) => {
            Some(format!("entry {id} of the audit log was changed, or one before it is missing"))
        }
        Some(Flaw::NotAsNoted(id)) => Some(format!("entry {id} of the audit log is not the one that was noted")),
    };
    if let Some(what) = what {
        return Err(CliError::AuditLog(what));
    }
    let end = proof.end.map(|(id, hash)| format!("{id}:{hash}"));
    if context.output.json {
        return context.output.document(&json!({ "entries": proof.entries, "end": end }));
    }
    context.output.line(&match end {
        Some(end) => format!("{}, whole; it ends with {end}", counted(proof.entries, "entry")),
        None => "nothing was changed yet".to_owned(),
    })
}
