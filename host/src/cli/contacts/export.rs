//! `ferry contacts export`

use std::io::{self, Write};
use std::path::PathBuf;

use ferry::app::Tenant;
use ferry::app::words::counted;
use ferry::model::contact::Contact;
use ferry::model::id::{ContactId, SyncId};

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::safe_csv::SafeCsv;

/// Write all contacts as CSV or JSON lines
///
/// In CSV, a cell that a spreadsheet would run as a formula gets a `'` in front; numbers and phone numbers stay as they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,

    /// Where to write; stdout without it. The file is there whole or not at all
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Only contacts that this sync has linked
    #[arg(long, value_name = "NAME")]
    sync: Option<SyncId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    if let Some(sync) = &args.sync {
        tenant.sync(sync)?;
    }
    let Some(path) = &args.out else {
        write(args, &tenant, context.output.raw())?;
        return Ok(());
    };
    let failed = |source| CliError::Write { path: path.clone(), source };
    let mut draft = context.output.console.write(path).map_err(failed)?;
    let count = write(args, &tenant, &mut draft).map_err(|error| match error {
        CliError::Output(source) => failed(source),
        other => other,
    })?;
    draft.keep().map_err(failed)?;
    context.output.note(&format!("wrote {} to {}", counted(count, "contact"), path.display()));
    Ok(())
}

/// One contact after the other; memory does not grow with their number.
fn write(args: &Args, tenant: &Tenant, to: impl Write) -> Result<u64, CliError> {
    let wanted = |contact: &Contact| args.sync.as_ref().is_none_or(|sync| contact.link(sync).is_some());
    let contacts = tenant.contacts(ContactId(1)).filter(|contact| contact.as_ref().map_or(true, wanted));
    let contacts = contacts.map(|contact| contact.map_err(CliError::from));
    match args.format {
        Format::Csv => {
            let names: Vec<String> = tenant.attributes()?.into_iter().map(|attribute| attribute.name).collect();
            csv(&names, contacts, to)
        }
        Format::Jsonl => jsonl(contacts, to),
    }
}

fn csv(
    names: &[String],
    contacts: impl Iterator<Item = Result<Contact, CliError>>,
    to: impl Write,
) -> Result<u64, CliError> {
    let mut csv = SafeCsv::new(to);
    csv.row(["id", "created", "changed"].into_iter().chain(names.iter().map(String::as_str)))?;
    let mut count = 0;
    for contact in contacts {
        let contact = contact?;
        let mut cells = vec![contact.id.to_string(), contact.created.to_string(), contact.changed.to_string()];
        cells.extend(names.iter().map(|name| contact.get(name).map(|value| value.to_cell()).unwrap_or_default()));
        csv.row(cells.iter().map(String::as_str))?;
        count += 1;
    }
    csv.finish()?;
    Ok(count)
}

fn jsonl(contacts: impl Iterator<Item = Result<Contact, CliError>>, mut to: impl Write) -> Result<u64, CliError> {
    let mut count = 0;
    for contact in contacts {
        let document = documents::Contact::from(&contact?);
        serde_json::to_writer(&mut to, &document).map_err(|error| CliError::Output(io::Error::from(error)))?;
        to.write_all(b"\n").map_err(CliError::Output)?;
        count += 1;
    }
    to.flush().map_err(CliError::Output)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry::model::time::Instant;
    use ferry::model::value::Value;

    #[test]
    fn contacts_are_exported_whole_in_both_formats() {
        let contacts = || {
            let attributes = vec![
                ("phone".into(), Value::Text("+4930123456".into())),
                ("note".into(), Value::Text("=HYPERLINK(\"x\")".into())),
            ];
            [Ok(Contact { id: ContactId(1), created: Instant(0), changed: Instant(0), attributes, links: vec![] })]
        };
        let mut bytes = Vec::new();
        let names = ["note".to_owned(), "phone".to_owned(), "stage".to_owned()];
        assert_eq!(csv(&names, contacts().into_iter(), &mut bytes).unwrap(), 1);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "id,created,changed,note,phone,stage\n\
             c1,1970-01-01T00:00:00Z,1970-01-01T00:00:00Z,\"'=HYPERLINK(\"\"x\"\")\",+4930123456,\n"
        );
        let mut bytes = Vec::new();
        assert_eq!(jsonl(contacts().into_iter(), &mut bytes).unwrap(), 1);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"id\":\"c1\",\"created\":\"1970-01-01T00:00:00Z\",\"changed\":\"1970-01-01T00:00:00Z\",\
             \"attributes\":{\"note\":\"=HYPERLINK(\\\"x\\\")\",\"phone\":\"+4930123456\"},\"links\":[]}\n"
        );
    }
}
