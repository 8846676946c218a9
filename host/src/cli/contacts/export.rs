//! `ferry contacts export`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ferry::app::Tenant;
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
    let count = to_file(path, |to| write(args, &tenant, to))?;
    context.output.note(&format!("wrote {count} contacts to {}", path.display()));
    Ok(())
}

/// Lets `write` fill the file at `path`, which is there whole or not at all. What is no file, as a device or a pipe, is
/// written into and never replaced.
fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<u64, CliError>) -> Result<u64, CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    let of_file = |error| match error {
        CliError::Output(source) => failed(source),
        other => other,
    };
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        let mut device = File::options().write(true).open(path).map_err(failed)?;
        return write(&mut device).map_err(of_file);
    }
    // Behind a link lies the file that is meant.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let draft = draft_of(&path);
    let file = File::create(&draft).map_err(failed)?;
    let written = write(&mut BufWriter::new(&file)).and_then(|count| {
        file.sync_all().and_then(|()| std::fs::rename(&draft, &path)).map_err(failed)?;
        Ok(count)
    });
    written.map_err(|error| {
        // Half a file is worse than none.
        let _ = std::fs::remove_file(&draft);
        of_file(error)
    })
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
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
        let document = documents::contact(&contact?);
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

    fn say(text: &'static [u8]) -> impl FnOnce(&mut dyn Write) -> Result<u64, CliError> {
        move |to| {
            to.write_all(text).and_then(|()| to.flush()).map_err(CliError::Output)?;
            Ok(1)
        }
    }

    #[test]
    fn a_file_is_replaced_only_by_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out.csv"), folder.path().join("link.csv"));
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let broken = |_: &mut dyn Write| Err(CliError::Stopped);
        assert!(to_file(&path, broken).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        to_file(&link, say(b"new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_pipe_or_a_device_is_written_into_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        to_file(&pipe, say(b"rows")).unwrap();
        assert_eq!(reader.join().unwrap(), b"rows");
        assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }

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
            "{\"attributes\":{\"note\":\"=HYPERLINK(\\\"x\\\")\",\"phone\":\"+4930123456\"},\
             \"changed\":\"1970-01-01T00:00:00Z\",\"created\":\"1970-01-01T00:00:00Z\",\"id\":\"c1\",\"links\":[]}\n"
        );
    }
}
