//! `ferry contacts import`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::app::imports::NewImport;
use ferry::app::sheet::Sheet;
use ferry::model::id::{PluginId, SyncId};
use ferry::model::policy::Policy;
use ferry::model::sync::{MappingSpec, MatchKey, Run};
use ferry::sync::{Stopper, SyncError};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::{Output, told};
use crate::cli::sync::{match_key, policy, run_table, trial};

/// The most of a file, which is held in memory: a million people with half a kilobyte each.
const MOST_MIB: u64 = 512;

/// Import the rows of a CSV file: mapped, checked and matched as a CRM's records are
///
/// The first line names the columns. Commas, semicolons or tabs stand between values; the text is UTF-8. A file that can't be
/// read to its end, or in which two rows are the same record, is refused before anything is written. Importing a file again
/// changes what has changed; rows that are no longer in it stay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; `-` is stdin
    file: PathBuf,

    /// The mapping of the columns to attributes
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,

    /// The mapper that reads the mapping
    #[arg(long, value_name = "PLUGIN", default_value = "field-mapper")]
    mapper: PluginId,

    /// What to call it; files of one name hold the same records. The file's name without its ending unless told
    #[arg(long, value_name = "NAME")]
    name: Option<SyncId>,

    /// The column that tells the records apart, as a customer number or the e-mail address; `id` unless told
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,

    /// How contacts are found for rows that are new, in this order
    #[arg(long = "match", value_name = "KEYS", value_delimiter = ',', value_parser = match_key, default_value = "email,phone")]
    match_keys: Vec<MatchKey>,

    /// Whose value stands when it was changed here and in the file; see `sync policy`
    #[arg(long = "policy", value_name = "ATTRIBUTE=POLICY", value_parser = policy)]
    policies: Vec<(String, Policy)>,

    /// Only show what would become of the first rows; writes nothing
    #[arg(long)]
    preview: bool,

    /// How many rows a preview shows
    #[arg(long, default_value_t = 20, value_name = "N", requires = "preview", value_parser = clap::value_parser!(u32).range(1..=2000))]
    sample: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let new = NewImport {
        id: name(args)?,
        mapping: MappingSpec { mapper: args.mapper.clone(), configuration: context.output.text_of(&args.mapping)? },
        match_keys: args.match_keys.clone(),
        policies: args.policies.iter().cloned().collect(),
    };
    let file = Sheet::open(bytes(args, &context.output)?, args.id.as_deref()).map_err(AppError::from)?;
    if args.preview {
        let report = context.block_on(async { Ok(tenant.preview_import(new, file, args.sample).await?) })?;
        return trial(&report, context);
    }
    let name = new.id.clone();
    let run = context.block_on(watched(new, file, &tenant, context))?;
    context.output.answer(&documents::Run::from(&run), || run_table([&run]))?;
    context.output.note(&told(&run.counts));
    if run.counts.refused > 0 {
        context.output.note(&format!("`ferry contacts list --sync {name} --refused` says why rows were refused"));
    }
    Ok(())
}

fn bytes(args: &Args, output: &Output) -> Result<Vec<u8>, CliError> {
    let (most, mut bytes) = (MOST_MIB << 20, Vec::new());
    let read = output.open(&args.file)?.take(most + 1).read_to_end(&mut bytes);
    let count = read.map_err(|source| CliError::Read { path: args.file.clone(), source })?;
    if count as u64 > most {
        let what = format!("`{}` has more than {MOST_MIB} MiB", args.file.display());
        return Err(CliError::content(what, "import it in parts, under one name: give each the same --name"));
    }
    Ok(bytes)
}

async fn watched(new: NewImport, file: Sheet, tenant: &Tenant, context: &Context) -> Result<Run, CliError> {
    let progress = context.output.progress();
    let stopper = Stopper::default();
    let _watching = context.output.console.stop_on_interrupt(stopper.clone());
    let result = tenant.import(new, file, &progress, &stopper).await;
    drop(progress);
    match result {
        Err(AppError::Sync(SyncError::Stopped)) => Err(CliError::Stopped),
        other => Ok(other?),
    }
}

fn name(args: &Args) -> Result<SyncId, CliError> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    stem.parse().map_err(|_| {
        let what = format!("`{}` does not make a name for the import", Path::new(&args.file).display());
        CliError::usage(what, "say what to call it with --name")
    })
}
