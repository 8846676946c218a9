//! `ferry plugin dev`

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ferry::app::advice::Class;
use ferry::app::error::AppError;
use ferry::app::plugins;
use ferry::app::project::{Stamp, build, stamp};
use ferry::sync::Stopper;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// How often the sources are looked at: soon enough for a person, and a hundred files cost a millisecond.
const LOOK: Duration = Duration::from_millis(400);

/// Build a plugin's project, pack it and try it, again after every change, until Ctrl-C
///
/// It is tried on the cassettes in its folder `cassettes`, as by `ferry plugin test`. With a call, it is installed instead and
/// the call is made, as by `ferry trace`: its requests, its log and its answer are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the project, as `ferry plugin new` makes it
    folder: PathBuf,

    /// Build and try it once; the exit code is that of the trial
    #[arg(long)]
    once: bool,

    /// With a call: grant what the plugin asks for without asking
    #[arg(long, short)]
    yes: bool,

    /// With a call: let the plugin reach this origin on this machine, as in http://127.0.0.1:8080
    #[arg(long, value_name = "ORIGIN")]
    allow_loopback: Vec<String>,

    /// The call, as `ferry trace` takes it: `-- CONNECTION pull people --columns name`
    #[arg(last = true, value_name = "CALL")]
    call: Vec<OsString>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    if args.once {
        return round(args, context);
    }
    context.block_on(async {
        let stopper = Stopper::default();
        let _watching = context.output.console.stop_on_interrupt(stopper.clone());
        let stop = stopper.signal();
        while !stop.is_raised() {
            let seen = stamp(&args.folder).map_err(AppError::from)?;
            match round(args, context) {
                Ok(()) | Err(CliError::Diagnosed(_)) => {}
                // It may have been ended together with us.
                Err(_) if stop.is_raised() => break,
                Err(error) => error.report(&context.output),
            }
            context.output.note(&format!("watching {}; Ctrl-C ends it", args.folder.display()));
            tokio::select! {
                () = stop.raised() => {}
                changed = change(&args.folder, seen) => changed?,
            }
        }
        Ok(())
    })
}

/// Returns when the sources are other than they were, and at rest: editors write several files.
async fn change(folder: &Path, seen: Stamp) -> Result<(), CliError> {
    let mut last = seen;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = stamp(folder).map_err(AppError::from)?;
        if now != seen && now == last {
            return Ok(());
        }
        last = now;
    }
}

/// Builds, packs, tries.
fn round(args: &Args, context: &Context) -> Result<(), CliError> {
    let built = build(&args.folder).map_err(AppError::from)?;
    let packed = args.folder.join(format!("{}.wasm", built.id));
    let (package, packed) = plugins::pack(&built.component, &built.manifest, Some(&packed))?;
    context.output.note(&format!("packed {} into {}", package.manifest.plugin.id, packed.display()));
    if args.call.is_empty() { on_cassettes(args, &packed, context) } else { on_connection(args, &packed, context) }
}

fn on_cassettes(args: &Args, packed: &Path, context: &Context) -> Result<(), CliError> {
    let cassettes = args.folder.join("cassettes");
    let mut words: Vec<OsString> = vec!["plugin".into(), "test".into(), packed.into()];
    if cassettes.is_dir() {
        words.push("--cassettes".into());
        words.push(cassettes.into());
    }
    ferry(words, context)
}

fn on_connection(args: &Args, packed: &Path, context: &Context) -> Result<(), CliError> {
    // Every build is another plugin under the version of the one before.
    let mut install: Vec<OsString> = vec!["plugin".into(), "install".into(), packed.into(), "--allow-downgrade".into()];
    install.extend(args.yes.then(|| OsString::from("--yes")));
    for origin in &args.allow_loopback {
        install.push("--allow-loopback".into());
        install.push(origin.into());
    }
    ferry(install, context)?;
    let folder = tempfile::tempdir().map_err(CliError::Start)?;
    let trace = folder.path().join("trace.json");
    let mut words: Vec<OsString> = vec!["trace".into()];
    words.extend(args.call.iter().cloned().chain(["--save".into(), trace.clone().into()]));
    ferry(words, context)?;
    ferry(vec!["plugin".into(), "replay".into(), packed.into(), trace.into()], context)
}

/// Runs a command of this program as a user would: it finds the state, or the server that has it open, by itself.
fn ferry(words: Vec<OsString>, context: &Context) -> Result<(), CliError> {
    let program = std::env::current_exe().map_err(CliError::Start)?;
    let ended = Command::new(program).args(words).args(context.global().words()).status().map_err(CliError::Start)?;
    // It has told what is wrong.
    if ended.success() { Ok(()) } else { Err(CliError::Diagnosed(Class::Plugin)) }
}
