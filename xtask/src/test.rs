//! Runs every test, with the components that some of them need.

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Profile};
use crate::components;

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the crossings with real servers, which come from PyPI.
    #[arg(long, conflicts_with = "filter")]
    live: bool,

    /// Run only tests whose name holds this.
    filter: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let packed = components::build(Profile::Dev)?;
    if !options.live {
        components::test_apart(options.filter.as_deref())?;
    }
    let mut command = cargo::cargo();
    // One failure must not hide the others: a run takes minutes.
    command.args(["test", "--workspace", "--no-fail-fast"]).args(&options.filter);
    if options.live {
        command.args(["--test", "it", "live_"]);
    }
    command.env("FERRY_COMPONENTS", packed).env("FERRY_BIN", cargo::binary(Profile::Dev, "ferry"));
    cargo::run(command.env("CRM_SIM_BIN", cargo::binary(Profile::Dev, "crm-sim")))
}
