//! `ferry vault`

use std::path::PathBuf;

use serde_json::json;

use super::context::Context;
use super::failure::CliError;

/// Look after the key that seals credentials
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Rotate(Rotate),
}

/// Seal every credential of every workspace with a new key
///
/// All of them or none. The new key takes the place of the old one in its file; where the key was given as FERRY_KEY, name a
/// file for the new one.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// Take the key in this file, or make it there, instead of changing the file that is used now
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    let Command::Rotate(args) = command;
    let rotated = context.app()?.rotate_key(args.new_key_file.as_deref())?;
    let file = rotated.key_file.display();
    context.output.note(&format!("{} credentials are sealed with the new key in {file}", rotated.credentials));
    if rotated.to_be_given {
        context.output.note(&format!("from now on give it: --key-file {file}, or what is in it as FERRY_KEY"));
    }
    if context.output.json {
        return context.output.document(&json!({
            "credentials": rotated.credentials, "key_file": rotated.key_file, "to_be_given": rotated.to_be_given,
        }));
    }
    Ok(())
}
