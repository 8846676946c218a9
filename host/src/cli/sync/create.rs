//! `ferry sync create`

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ferry::app::Tenant;
use ferry::app::suggest::nearest;
use ferry::app::syncs::{NewOutbound, NewSync};
use ferry::model::connector::Condition;
use ferry::model::id::{ConnectionId, PluginId, SyncId};
use ferry::model::outcome::OutcomeKind;
use ferry::model::policy::Policy;
use ferry::model::schedule;
use ferry::model::sync::{MappingSpec, MatchKey};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::Output;
use ferry::model::filter;

/// Before the name of a preset, where a file could stand too.
const PRESET: &str = "preset/";

/// Create a sync: what to read, how to map it, where outcomes go
///
/// Asks the CRM for the object and its fields and opens the mappings against them, so that whatever would keep the sync
/// from running is said now. Nothing is read yet: see `sync test` and `sync run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to call it
    name: SyncId,

    /// The connection to the CRM account
    #[arg(long)]
    connection: ConnectionId,

    /// The object to read, as `ferry objects` names it
    #[arg(long)]
    object: String,

    /// Only the members of this list or saved view; `ferry segments` shows the ids
    #[arg(long, value_name = "ID")]
    segment: Option<String>,

    /// Only records for which this holds, as in `lifecyclestage = customer`; all must hold
    ///
    /// FIELD OP VALUE with one of = != < <= > >= contains; FIELD in A, B; FIELD not-in A, B; FIELD present; FIELD absent
    #[arg(long, value_name = "CONDITION", value_parser = filter::parse)]
    filter: Vec<Condition>,

    /// The mapping of the object's fields to attributes
    #[arg(long, value_name = "FILE", required_unless_present = "preset", conflicts_with = "preset")]
    mapping: Option<PathBuf>,

    /// A mapping that the connector brings along; `ferry plugin presets` names them
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,

    /// The mapper that reads the mappings
    #[arg(long, value_name = "PLUGIN", default_value = "field-mapper")]
    mapper: PluginId,

    /// How contacts are found for records that are new, in this order
    #[arg(long = "match", value_name = "KEYS", value_delimiter = ',', value_parser = match_key, default_value = "email,phone")]
    match_keys: Vec<MatchKey>,

    /// Whose value stands when both sides have changed an attribute; see `sync policy`
    #[arg(long = "policy", value_name = "ATTRIBUTE=POLICY", value_parser = super::policy::policy)]
    policies: Vec<(String, Policy)>,

    /// Send outcomes of a kind (call, qualification, appointment, note, task, change) to an object of the CRM
    #[arg(long, value_name = "KIND=OBJECT:FILE or KIND=OBJECT:preset/NAME")]
    outbound: Vec<Outbound>,

    /// Leave outcomes of a kind to a person when they have waited for longer, as in `call=7d`; without it they never expire
    #[arg(long, value_name = "KIND=SPAN", value_parser = expiry)]
    expire: Vec<(OutcomeKind, u64)>,
}

fn expiry(text: &str) -> Result<(OutcomeKind, u64), String> {
    let (kind, span) = text.split_once('=').ok_or("write it as in `call=7d`")?;
    let span = schedule::span(span).map_err(|error| format!("{error}; {}", error.remedy()))?;
    Ok((kind.parse()?, span.as_secs()))
}

pub(in crate::cli) fn match_key(text: &str) -> Result<MatchKey, String> {
    let known = MatchKey::ALL.into_iter().find(|key| key.attribute() == text);
    known.ok_or_else(|| format!("`{text}` is no match key: use email, phone, or both as in `email,phone`"))
}

/// Where outcomes of one kind go, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outbound {
    kind: OutcomeKind,
    object: String,
    mapping: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Preset(String),
}

impl FromStr for Outbound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write it as in `call=calls:preset/call-out` or `call=calls:call-out.toml`";
        let (kind, rest) = text.split_once('=').ok_or(form)?;
        let (object, mapping) = rest.split_once(':').ok_or(form)?;
        if object.is_empty() || mapping.is_empty() {
            return Err(form.to_owned());
        }
        let mapping = match mapping.strip_prefix(PRESET) {
            Some(name) => Source::Preset(name.to_owned()),
            None => Source::File(PathBuf::from(mapping)),
        };
        Ok(Self { kind: kind.parse()?, object: object.to_owned(), mapping })
    }
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let new = new_sync(&tenant, args, &context.output)?;
    let sync = context.block_on(async { Ok(tenant.create_sync(new).await?) })?;
    if context.output.json {
        return context.output.document(&documents::sync(&sync));
    }
    context.output.note(&format!("created sync `{0}`; try it with `ferry sync test {0}`", sync.id));
    Ok(())
}

fn new_sync(tenant: &Tenant, args: Args, output: &Output) -> Result<NewSync, CliError> {
    let (mapper, connection) = (&args.mapper, &args.connection);
    let spec = |source: &Source, write: &str| {
        let configuration = match source {
            Source::File(path) => output.text_of(path).map_err(|error| meant(tenant, connection, write, error))?,
            Source::Preset(name) => tenant.preset(&tenant.connection(connection)?.plugin, name)?,
        };
        Ok::<_, CliError>(MappingSpec { mapper: mapper.clone(), configuration })
    };
    let inbound = match (args.mapping, args.preset) {
        (Some(path), _) => Source::File(path),
        // Its name may be written as where a file could stand too.
        (None, Some(name)) => Source::Preset(name.strip_prefix(PRESET).map(str::to_owned).unwrap_or(name)),
        (None, None) => return Err(CliError::usage("a sync needs a mapping", "give --mapping FILE or --preset NAME")),
    };
    let mapping = spec(&inbound, "--preset ")?;
    let mut outbound = BTreeMap::new();
    for Outbound { kind, object, mapping } in &args.outbound {
        let write = format!("--outbound {}={object}:{PRESET}", kind.as_str());
        let new = NewOutbound { object: object.clone(), mapping: spec(mapping, &write)?, expires_s: None };
        if outbound.insert(*kind, new).is_some() {
            let what = format!("outcomes of kind `{}` are sent to two objects", kind.as_str());
            return Err(CliError::usage(what, "name each kind once"));
        }
    }
    for (kind, seconds) in &args.expire {
        let Some(outbound) = outbound.get_mut(kind) else {
            let what = format!("outcomes of kind `{}` are to expire, and are sent nowhere", kind.as_str());
            return Err(CliError::usage(what, "name their object and mapping with --outbound"));
        };
        outbound.expires_s = Some(*seconds);
    }
    Ok(NewSync {
        id: args.name,
        connection: args.connection,
        object: args.object,
        segment: args.segment,
        filter: args.filter,
        mapping,
        match_keys: args.match_keys,
        policies: args.policies.into_iter().collect(),
        outbound,
    })
}

/// Why the file of a mapping can't be read, with the preset that was probably meant by its name; `write` is what stands before a
/// preset's name.
fn meant(tenant: &Tenant, connection: &ConnectionId, write: &str, error: CliError) -> CliError {
    let CliError::Read { path, source } = error else { return error };
    let absent = source.kind() == ErrorKind::NotFound;
    // Whatever keeps the presets from being read is told where they are needed.
    let presets = || tenant.presets(&tenant.connection(connection).ok()?.plugin).ok();
    let near = |presets: BTreeMap<String, String>| preset_meant(&path, presets.keys()).map(str::to_owned);
    match presets().filter(|_| absent).and_then(near) {
        Some(preset) => {
            let remedy = format!("name a file that is there; or did you mean the preset, `{write}{preset}`?");
            CliError::MeantPreset { path, remedy }
        }
        None => CliError::Read { path, source },
    }
}

fn preset_meant<'a>(path: &Path, presets: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let name = path.file_stem()?.to_str()?;
    nearest(name, presets.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_outcomes_go_is_read_as_it_is_documented() {
        let outbound = |kind, object: &str, mapping| Ok(Outbound { kind, object: object.to_owned(), mapping });
        assert_eq!(
            "call=calls:preset/call-out".parse(),
            outbound(OutcomeKind::Call, "calls", Source::Preset("call-out".to_owned()))
        );
        assert_eq!(
            "note=notes:./n:1.toml".parse(),
            outbound(OutcomeKind::Note, "notes", Source::File(PathBuf::from("./n:1.toml")))
        );
        for bad in ["", "call", "call=calls", "call=:x", "call=calls:", "talk=calls:x.toml"] {
            assert!(bad.parse::<Outbound>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_preset_is_known_by_its_name_without_more() {
        let presets = ["call-out", "contacts-in", "leads-in"].map(str::to_owned);
        for (path, meant) in [
            ("call-out", Some("call-out")),
            ("call-ot", Some("call-out")),
            ("preset/contacts-in", Some("contacts-in")),
            ("presets/leads-in.toml", Some("leads-in")),
            ("mine.toml", None),
            ("..", None),
        ] {
            assert_eq!(preset_meant(Path::new(path), presets.iter()), meant, "{path}");
        }
    }
}
