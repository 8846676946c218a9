//! `ferry conflicts decide`

use ferry::app::decisions::Choice;
use ferry::model::id::SyncId;

use crate::cli::contacts::{find, tell_decided};
use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Decide a conflict; what the CRM does not have goes to it, where the sync sends changes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An id as in c17, an e-mail address, or a phone number as in +4930123456
    contact: String,

    /// What the conflict is about
    attribute: String,

    #[command(flatten)]
    which: Which,

    /// Which sync's conflict, where there are several
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The CRM's value stands
    #[arg(long)]
    theirs: bool,

    /// Our value stands
    #[arg(long)]
    ours: bool,

    /// This value stands; empty takes the value away
    #[arg(long)]
    value: Option<String>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let contact = find(&tenant, &args.contact)?.id;
    let choice = match args.which {
        Which { value: Some(value), .. } => Choice::Value(value),
        Which { theirs: true, .. } => Choice::Theirs,
        _ => Choice::Ours,
    };
    let decide = tenant.decide(contact, &args.attribute, args.sync.as_ref(), choice);
    let decided = context.block_on(async { Ok(decide.await?) })?;
    tell_decided(&decided, context)
}
