//! `ferry suppress`

mod add;
mod list;
mod remove;

use ferry::model::id::ContactId;
use ferry::model::suppression::Suppressed;

use super::context::Context;
use super::failure::CliError;

/// Look after the suppression list: who is on it belongs to no audience, and nothing of theirs is sent
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Add(args) => add::run(args, context),
        Command::List(args) => list::run(&args, context),
        Command::Remove(args) => remove::run(args, context),
    }
}

/// Who is meant: a contact of ours, or whoever has an address or a number, now or later.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// A contact, as in c17
    #[arg(long, value_name = "ID")]
    contact: Option<ContactId>,

    /// Whoever has this e-mail address, also contacts to come
    #[arg(long, value_parser = email)]
    email: Option<Suppressed>,

    /// Whoever has this phone number, as in +4930123456, also contacts to come
    #[arg(long, value_parser = phone)]
    phone: Option<Suppressed>,
}

fn email(text: &str) -> Result<Suppressed, String> {
    Suppressed::email(text).ok_or_else(|| format!("`{text}` is no e-mail address"))
}

fn phone(text: &str) -> Result<Suppressed, String> {
    Suppressed::phone(text)
        .ok_or_else(|| format!("`{text}` is no phone number with its country code, as in +4930123456"))
}

impl Who {
    fn named(self) -> Result<Suppressed, CliError> {
        let named = self.contact.map(Suppressed::Contact).or(self.email).or(self.phone);
        named.ok_or_else(|| CliError::usage("nobody is named", "give --contact, --email or --phone"))
    }
}
