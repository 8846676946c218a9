//! `ferry plugin`

mod cassette;
mod consent;
mod dev;
mod inspect;
mod install;
mod keygen;
mod list;
mod lock;
mod new;
mod pack;
mod presets;
mod registry;
mod remove;
mod replay;
mod sign;
mod test;
mod trust;
mod upgrade;
mod verify;
mod versions;

use super::context::Context;
use super::failure::CliError;

/// Install plugins, look into them; make, pack and test your own
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Install(install::Args),
    List(list::Args),
    Upgrade(upgrade::Args),
    Approve(versions::Approve),
    Rollback(versions::Rollback),
    Versions(versions::Versions),
    Pin(versions::Pin),
    Unpin(versions::Unpin),
    Release(versions::Release),
    Inspect(inspect::Args),
    Remove(remove::Args),
    New(new::Args),
    Dev(dev::Args),
    Pack(pack::Args),
    Keygen(keygen::Args),
    Sign(sign::Args),
    Verify(verify::Args),
    #[command(subcommand)]
    Trust(trust::Command),
    Lock(lock::Args),
    Presets(presets::Args),
    Test(test::Args),
    Replay(replay::Args),
    Cassette(cassette::Args),
}

impl Command {
    /// Whether it is about what is installed, and not only about files.
    pub(super) fn needs_state(&self) -> bool {
        match self {
            Self::New(_) | Self::Dev(_) | Self::Pack(_) | Self::Test(_) | Self::Replay(_) | Self::Cassette(_) => false,
            Self::Keygen(_) | Self::Sign(_) | Self::Verify(_) => false,
            Self::Inspect(args) => args.installed(),
            _ => true,
        }
    }
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Install(args) => install::run(&args, context),
        Command::List(args) => list::run(&args, context),
        Command::Upgrade(args) => upgrade::run(&args, context),
        Command::Approve(args) => versions::approve(&args, context),
        Command::Rollback(args) => versions::rollback(&args, context),
        Command::Versions(args) => versions::versions(&args, context),
        Command::Pin(args) => versions::pin(&args, context),
        Command::Unpin(args) => versions::unpin(&args, context),
        Command::Release(args) => versions::release(&args, context),
        Command::Inspect(args) => inspect::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
        Command::New(args) => new::run(args, context),
        Command::Dev(args) => dev::run(&args, context),
        Command::Pack(args) => pack::run(&args, context),
        Command::Keygen(args) => keygen::run(&args, context),
        Command::Sign(args) => sign::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Trust(command) => trust::run(command, context),
        Command::Lock(args) => lock::run(&args, context),
        Command::Presets(args) => presets::run(&args, context),
        Command::Test(args) => test::run(&args, context),
        Command::Replay(args) => replay::run(&args, context),
        Command::Cassette(args) => cassette::run(&args, context),
    }
}
