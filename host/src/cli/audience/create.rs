//! `ferry audience create`

use ferry::app::audiences::NewAudience;
use ferry::model::id::{AudienceId, SyncId};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Make an audience of the contacts that a rule fits
///
/// A rule has conditions parted by `and`, and alternatives parted by `or`, as in
/// 'country in DE, AT and score >= 10 or stage = "hot lead"'. A condition is ATTRIBUTE OP VALUE with one of = != < <= > >=
/// contains, ATTRIBUTE in A, B, ATTRIBUTE not-in A, B, ATTRIBUTE present, ATTRIBUTE absent. Texts are compared without regard
/// to case. Only contacts with a living record in a CRM, and none on the suppression list, belong to an audience. Who enters
/// or leaves later gives an event; those who belong from the beginning give none.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to call it
    name: AudienceId,

    /// The rule
    #[arg(long = "where", value_name = "RULE")]
    rule: String,

    /// Only contacts that this sync has linked, as with a list of the CRM that it follows
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let Args { name: id, rule, sync } = args;
    let audience = context.block_on(async { Ok(tenant.create_audience(NewAudience { id, rule, sync }).await?) })?;
    context.output.answer(&documents::Audience::from(&audience), || super::sheet(&audience))
}
