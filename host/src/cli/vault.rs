//! `ferry vault`

use std::path::PathBuf;

use serde_json::json;

use super::context::Context;
use super::failure::CliError;

/// Look after the key that seals credentials
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Rotate(Rotate),
    Keep(Keep),
}

/// Seal every credential of every workspace with a new key
///
/// All of them or none. The new key takes the place of the old one in its file; where the key came as FERRY_KEY or from the
/// keyring, name a file for the new one.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// Take the key in this file, or make it there, instead of changing the file that is used now
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
}

/// Put the key into the kernel's keyring of this user, until the machine restarts
///
/// The key is taken from where it is now: --key-file FILE, or FERRY_KEY. From then on `--keyring NAME` uses it, and the file can
/// lie where this machine does not reach it.
#[derive(Debug, clap::Args)]
pub(super) struct Keep {
    /// What it is called there
    #[arg(default_value = "ferry")]
    name: String,
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Rotate(args) => rotate(&args, context),
        Command::Keep(args) => keep(&args, context),
    }
}

fn keep(args: &Keep, context: &Context) -> Result<(), CliError> {
    let name = &args.name;
    context.app()?.keep_key(name)?;
    context.output.note(&format!("the key is in the kernel's keyring as `{name}`: --keyring {name} uses it"));
    if context.output.json { context.output.document(&json!({ "keyring": name })) } else { Ok(()) }
}

fn rotate(args: &Rotate, context: &Context) -> Result<(), CliError> {
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
