//! `ferry plugin replay`

use std::path::PathBuf;

use ferry::app::advice::Class;
use ferry::app::kit;
use ferry::trace::{Ending, Event, Replayed};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Run a recorded call again, and say where it goes another way
///
/// The plugin may be another build than the one that was recorded. The exit code is 0 where everything is the same, byte for
/// byte, and 6 where it is not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin
    file: PathBuf,

    /// What `ferry trace` saved
    trace: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let trying = context.trying()?;
    let (trace, replayed) = context.block_on(async { Ok(kit::replay(trying, &args.file, &args.trace).await?) })?;
    let divergence =
        replayed.divergence.as_ref().map(|it| json!({ "place": it.place, "recorded": it.recorded, "now": it.now }));
    let document = json!({
        "verb": trace.call.verb(), "same": divergence.is_none(), "divergence": divergence,
        "events": replayed.events, "ending": replayed.ending,
    });
    context.output.answer(&document, || log(&replayed))?;
    match &replayed.divergence {
        None => {
            context.output.note("the same as recorded, byte for byte");
            Ok(())
        }
        Some(it) => {
            let text =
                format!("it goes another way at {}\n  recorded: {}\n  now:      {}", it.place, it.recorded, it.now);
            context.output.note(&text);
            Err(CliError::Diagnosed(Class::Plugin))
        }
    }
}

fn log(replayed: &Replayed) -> Table {
    let mut table = Table::new(&["event", "what"], "nothing crossed the boundary");
    for event in &replayed.events {
        let (name, what) = match event {
            Event::Exchange(exchange) => {
                ("request", format!("{} -> {}", exchange.request.line(), exchange.answer.line()))
            }
            Event::Signature { holds, .. } => ("signature", if *holds { "holds" } else { "does not hold" }.to_owned()),
            Event::Log { level, text } => ("log", format!("{level} {text}")),
        };
        table.row(vec![name.to_owned(), what]);
    }
    let (name, what) = match &replayed.ending {
        Ending::Answer(answer) => ("answer", answer.to_string()),
        Ending::Failure(failure) => ("failure", failure.to_string()),
        Ending::Fault { message, .. } => ("fault", message.clone()),
    };
    table.row(vec![name.to_owned(), what]);
    table
}
