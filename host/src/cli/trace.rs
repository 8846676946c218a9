//! `ferry trace`

use std::path::{Path, PathBuf};

use ferry::app::words::counted;
use ferry::model::connector::{Condition, PullRequest, Slice, Window, Write as CrmWrite};
use ferry::model::id::ConnectionId;
use ferry::model::time::Instant;
use ferry::trace::{Call, Ending, Trace};
use serde_json::json;

use super::context::Context;
use super::failure::CliError;
use ferry::model::filter;

/// Make one call of a connection and save everything that crossed the boundary
///
/// `ferry plugin replay` runs the file again anywhere. Credentials never reach a plugin and are not in it; customers' records
/// are, so look at whom you send it to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection
    connection: ConnectionId,

    #[command(subcommand)]
    verb: Verb,

    /// Where to save it; the file must not be there yet. With --all-pages, a number is put before the ending
    #[arg(long, global = true, value_name = "FILE", default_value = "trace.json")]
    save: PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Who the account is
    Check,
    /// What can be synced
    Objects,
    /// The fields of an object
    Fields {
        /// The object
        object: String,
    },
    /// Lists and saved views of an object
    Segments {
        /// The object
        object: String,
    },
    /// A page of records
    Pull(Box<Pull>),
    /// Records that are gone
    Gone {
        /// The object
        object: String,
        /// RFC 3339
        #[arg(long, value_parser = instant)]
        since: Instant,
        /// RFC 3339
        #[arg(long, value_parser = instant)]
        before: Instant,
    },
    /// Write records: this changes the CRM
    Push {
        /// The object
        object: String,
        /// A file with a list of writes as JSON, as they stand in a trace
        writes: PathBuf,
    },
    /// What became of writes
    Resolve {
        /// The object
        object: String,
        /// A file with a list of writes as JSON, as they stand in a trace
        writes: PathBuf,
    },
    /// From how many writes on a set serves better
    Least {
        /// The object
        object: String,
    },
    /// Open a set for writes; nothing of it takes effect
    Open {
        /// The object
        object: String,
        /// A file with a list of writes as JSON, as they stand in a trace
        writes: PathBuf,
    },
    /// Hand a set over: this changes the CRM
    Submit {
        /// The object
        object: String,
        /// What the set is called
        name: String,
        /// A file with a list of writes as JSON, as they stand in a trace
        writes: PathBuf,
    },
    /// What became of a set; one that was not handed over is closed
    Collect {
        /// The object
        object: String,
        /// What the set is called
        name: String,
        /// A file with a list of writes as JSON, as they stand in a trace
        writes: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Pull {
    /// The object
    object: String,
    /// The fields to read
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    columns: Vec<String>,
    /// Only records for which this holds
    #[arg(long, value_name = "CONDITION", value_parser = filter::parse)]
    filter: Vec<Condition>,
    /// Only members of this segment
    #[arg(long, value_name = "ID")]
    segment: Option<String>,
    /// Only records of these ids
    #[arg(long, value_delimiter = ',', value_name = "IDS", conflicts_with = "since")]
    ids: Vec<String>,
    /// Only what changed at or after this, RFC 3339
    #[arg(long, value_parser = instant, requires = "before")]
    since: Option<Instant>,
    /// Only what changed before this, RFC 3339
    #[arg(long, value_parser = instant, requires = "since")]
    before: Option<Instant>,
    /// Where the page starts, as the page before it said
    #[arg(long)]
    token: Option<String>,
    /// The most rows of a page
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2000))]
    limit: u32,
    /// Follow the pages to their end, one file each
    #[arg(long)]
    all_pages: bool,
}

fn instant(text: &str) -> Result<Instant, String> {
    text.parse().map_err(|_| "write it as in 2026-01-31T00:00:00Z".to_owned())
}

/// Files of one walk: nobody reads more.
const MOST_PAGES: usize = 100;

pub(super) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let all_pages = matches!(&args.verb, Verb::Pull(pull) if pull.all_pages);
    let mut call = call(args.verb, context)?;
    for number in 1..=MOST_PAGES {
        let path = if all_pages { numbered(&args.save, number) } else { args.save.clone() };
        let trace = context.block_on(async { Ok(tenant.trace(&args.connection, call.clone()).await?) })?;
        context.output.new_file(&path, trace.to_text().as_bytes())?;
        tell(&path, &trace, context)?;
        let next = match &trace.ending {
            Ending::Answer(answer) => answer.get("next").and_then(|next| next.as_str()).map(str::to_owned),
            _ => None,
        };
        match (&mut call, next.filter(|_| all_pages)) {
            (Call::Pull(request), Some(next)) => request.token = Some(next),
            _ => break,
        }
    }
    Ok(())
}

fn call(verb: Verb, context: &Context) -> Result<Call, CliError> {
    Ok(match verb {
        Verb::Check => Call::Check,
        Verb::Objects => Call::Objects,
        Verb::Fields { object } => Call::Fields { object },
        Verb::Segments { object } => Call::Segments { object },
        Verb::Pull(pull) => Call::Pull(request(*pull)),
        Verb::Gone { object, since, before } => Call::Gone { object, window: Window { since, before }, token: None },
        Verb::Push { object, writes } => Call::Push { object, writes: read_writes(&writes, context)? },
        Verb::Resolve { object, writes } => Call::Resolve { object, writes: read_writes(&writes, context)? },
        Verb::Least { object } => Call::Least { object },
        Verb::Open { object, writes } => Call::Open { object, writes: read_writes(&writes, context)? },
        Verb::Submit { object, name, writes } => Call::Submit { object, name, writes: read_writes(&writes, context)? },
        Verb::Collect { object, name, writes } => {
            Call::Collect { object, name, writes: read_writes(&writes, context)? }
        }
    })
}

fn request(pull: Pull) -> PullRequest {
    let Pull { object, columns, filter, segment, ids, since, before, token, limit, .. } = pull;
    let slice = match (since, before) {
        (Some(since), Some(before)) => Slice::Window(Window { since, before }),
        _ if !ids.is_empty() => Slice::Ids(ids),
        _ => Slice::All,
    };
    PullRequest { object, columns, filter, segment, slice, token, limit }
}

fn read_writes(path: &Path, context: &Context) -> Result<Vec<CrmWrite>, CliError> {
    let text = context.output.text_of(path)?;
    serde_json::from_str(&text).map_err(|error| {
        CliError::content(
            format!("`{}` is no list of writes: {error}", path.display()),
            "see wit/cassettes.md for the form",
        )
    })
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    path.with_extension(format!("{number:03}{ending}"))
}

fn tell(path: &Path, trace: &Trace, context: &Context) -> Result<(), CliError> {
    let (exchanges, removed) = (trace.exchanges().count(), trace.removed.len());
    if context.output.json {
        return context.output.json_line(&json!({
            "file": path, "verb": trace.call.verb(), "exchanges": exchanges, "removed": trace.removed,
        }));
    }
    let ended = match &trace.ending {
        Ending::Answer(_) => "it answered".to_owned(),
        Ending::Failure(failure) => failure.to_string(),
        Ending::Fault { message, .. } => message.clone(),
    };
    context.output.note(&format!(
        "{}: {} with {}, {} removed; {ended}",
        path.display(),
        trace.call.verb(),
        counted(exchanges, "exchange"),
        counted(removed, "credential")
    ));
    Ok(())
}
