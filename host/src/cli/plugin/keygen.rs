//! `ferry plugin keygen`

use std::path::PathBuf;

use ferry::app::plugins;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::secrets;

/// Make a publisher's key to sign plugins with, and print its public half
///
/// The private key goes into a file that only you can read: keep a copy in a safe place, for whoever has it can publish in
/// your name. The public half, `ed25519:…`, is what admins trust.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the private key goes; must not be there yet
    file: PathBuf,

    /// Make none: print the public half of the key in FILE
    #[arg(long)]
    public: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let key = if args.public {
        plugins::public_half(secrets::contents(&args.file, &context.output)?.as_str())?
    } else {
        let (pem, key) = plugins::new_signing_key()?;
        context.output.new_file(&args.file, pem.as_bytes())?;
        context.output.note(&format!("the private key is in {}; admins trust this:", args.file.display()));
        key
    };
    if context.output.json {
        return context.output.document(&json!({ "file": args.file, "key": key }));
    }
    context.output.line(&key.to_string())
}
