//! `ferry sync apply` and `ferry sync rollback`

use std::path::PathBuf;

use ferry::app::mappings::{Agreed, Applied};
use ferry::model::id::SyncId;
use ferry::model::sync::MappingSpec;
use ferry::sync::{Stopper, SyncError};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::told;

/// Give a sync another mapping, and take it to every contact at once
///
/// See `sync plan` for what that would do. The version before is kept: `sync rollback` returns to it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sync
    name: SyncId,

    /// The mapping
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,

    #[command(flatten)]
    agreed: Agreement,
}

/// Go back to the mapping that was there before the last `sync apply`, for every contact
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    /// The sync
    name: SyncId,

    #[command(flatten)]
    agreed: Agreement,
}

#[derive(Debug, clap::Args)]
struct Agreement {
    /// Agree that contacts get another e-mail or phone, by which they are found
    #[arg(long)]
    agree: bool,

    /// Agree that the next run reads every record anew, because the mapping reads what was not read before
    #[arg(long)]
    reread: bool,
}

impl Agreement {
    fn agreed(&self) -> Agreed {
        Agreed { rekeys: self.agree, reread: self.reread }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let configuration = context.output.text_of(&args.mapping)?;
    let mapping = MappingSpec { mapper: tenant.sync(&args.name)?.mapping.mapper, configuration };
    let applied = context.block_on(async {
        let (progress, stopper) = (context.output.progress(), Stopper::default());
        let _watching = context.output.console.stop_on_interrupt(stopper.clone());
        settled(tenant.apply_mapping(&args.name, mapping, args.agreed.agreed(), &progress, &stopper).await)
    })?;
    tell(&args.name, &applied, context)
}

pub(crate) fn roll_back(args: &RollbackArgs, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let applied = context.block_on(async {
        let (progress, stopper) = (context.output.progress(), Stopper::default());
        let _watching = context.output.console.stop_on_interrupt(stopper.clone());
        settled(tenant.roll_back_mapping(&args.name, args.agreed.agreed(), &progress, &stopper).await)
    })?;
    tell(&args.name, &applied, context)
}

fn settled(result: Result<Applied, ferry::app::error::AppError>) -> Result<Applied, CliError> {
    match result {
        Err(ferry::app::error::AppError::Sync(SyncError::Stopped)) => Err(CliError::Stopped),
        other => Ok(other?),
    }
}

fn tell(sync: &SyncId, applied: &Applied, context: &Context) -> Result<(), CliError> {
    if context.output.json {
        let run = applied.run.as_ref().map(documents::Run::from);
        return context.output.document(&json!({ "sync": sync, "mapping_version": applied.version, "run": run }));
    }
    context.output.note(&match &applied.run {
        Some(run) => format!("`{sync}` has mapping v{}: {}", applied.version, told(&run.counts)),
        None => format!("`{sync}` has mapping v{}; `ferry sync run {sync}` reads every record anew", applied.version),
    });
    Ok(())
}
