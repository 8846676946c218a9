//! The command line: reads arguments and the environment, calls the library, shows what it says. Decides nothing.

mod ask;
mod audience;
mod audit;
mod compile;
mod completions;
mod conflicts;
mod connection;
mod console;
mod contacts;
mod context;
mod control;
mod doctor;
mod documents;
mod events;
mod failure;
mod fields;
mod history;
mod hook;
mod objects;
mod openapi;
mod outbox;
mod outcome;
mod output;
mod plugin;
mod redirect;
mod retention;
mod safe_csv;
mod secrets;
mod segments;
mod serve;
mod suppress;
mod sync;
mod table;
mod token;
mod trace;
mod vault;
mod why;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, PoisonError};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use ferry::app::Tenant;
use ferry::model::id::WorkspaceId;
use ferry::plugin::compiler;
use tracing_subscriber::EnvFilter;

use context::Context;
use control::host::{Ran, Telling};
use failure::CliError;
use output::Output;

/// Carries customer records between CRMs and your platform, both ways, through sandboxed plugins.
///
/// Install a connector and a mapper, connect an account, create a sync, try it with `sync test`, run it with `sync run`.
/// Data goes to stdout, everything else to stderr.
#[derive(Debug, Parser)]
#[command(name = "ferry", version, after_help = failure::EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The workspace (tenant) to work in
    #[arg(long, global = true, env = "FERRY_WORKSPACE", default_value = "default", value_name = "NAME")]
    workspace: WorkspaceId,

    /// Where the state lies [default: `ferry` in your data directory]
    #[arg(long, global = true, env = "FERRY_STATE", value_name = "DIR")]
    state: Option<PathBuf>,

    /// The file with the key that seals credentials; made at first use [default: `sealing.key` beside the state]
    #[arg(long, global = true, env = "FERRY_KEY_FILE", value_name = "FILE", hide_short_help = true)]
    key_file: Option<PathBuf>,

    /// The key's name in the kernel's keyring of this user, where `ferry vault keep` has put it
    #[arg(long, global = true, env = "FERRY_KEYRING", value_name = "NAME", hide_short_help = true)]
    keyring: Option<String>,

    /// Answer in JSON: one document, or one per line for streams; errors too, on stderr
    #[arg(long, global = true)]
    json: bool,

    /// Say more on stderr; twice for everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Global {
    /// As words, for another process of this program.
    fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--workspace".into(), self.workspace.as_str().into()];
        let paths = [("--state", &self.state), ("--key-file", &self.key_file)];
        for (name, path) in paths.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
            words.push(name.into());
            words.push(path.into());
        }
        words.extend(self.keyring.iter().flat_map(|name| ["--keyring".into(), name.into()]));
        words.extend(self.json.then(|| OsString::from("--json")));
        words.extend((0..self.verbose).map(|_| OsString::from("--verbose")));
        words
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(subcommand)]
    Plugin(plugin::Command),
    #[command(subcommand)]
    Connection(connection::Command),
    #[command(flatten)]
    Ask(ask::Question),
    Trace(trace::Args),
    #[command(subcommand)]
    Sync(sync::Command),
    #[command(subcommand)]
    Contacts(contacts::Command),
    Why(why::Args),
    History(history::Args),
    Retention(retention::Args),
    #[command(subcommand)]
    Conflicts(conflicts::Command),
    #[command(subcommand)]
    Outcome(outcome::Command),
    #[command(subcommand)]
    Outbox(outbox::Command),
    #[command(subcommand)]
    Vault(vault::Command),
    #[command(subcommand)]
    Token(token::Command),
    #[command(subcommand)]
    Audience(audience::Command),
    #[command(subcommand)]
    Events(events::Command),
    #[command(subcommand)]
    Hook(hook::Command),
    #[command(subcommand)]
    Suppress(suppress::Command),
    #[command(subcommand)]
    Audit(audit::Command),
    Serve(serve::Args),
    Openapi(openapi::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    #[command(name = compiler::COMMAND, hide = true)]
    CompilePlugin(compile::Args),
}

pub(crate) fn main() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refuse(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let output = Output::local(cli.global.json);
    log_to_stderr(cli.global.verbose);
    let context = Context::own(cli.global, output, spoken(&matches));
    match dispatch(cli.command, &context) {
        Ok(code) => code,
        Err(error) => ExitCode::from(end(Err(error), &context.output)),
    }
}

/// To the server that has the state open, if there is one; else it is done here.
fn dispatch(command: Command, context: &Context) -> Result<ExitCode, CliError> {
    let server = || Ok::<_, CliError>(control::caller::find(&context.state_dir()?));
    let needs_state = command.needs_state();
    if needs_state && let Some(server) = server()? {
        return server.run(context.global());
    }
    let result = run(command, context);
    // A server that was beginning holds the state a moment before it can be reached.
    if needs_state
        && result.as_ref().is_err_and(CliError::is_held)
        && let Some(server) = server()?
    {
        return server.run(context.global());
    }
    Ok(ExitCode::from(end(result, &context.output)))
}

/// Tells how a command ended; gives the exit code.
fn end(result: Result<(), CliError>, output: &Output) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) if error.is_closed_pipe() => 0,
        Err(error) => {
            error.report(output);
            error.exit_code()
        }
    }
}

impl Command {
    /// Whether it is about what lies in the state directory: then whoever has that open has to run it.
    fn needs_state(&self) -> bool {
        match self {
            Self::Plugin(command) => command.needs_state(),
            Self::Serve(_) | Self::Openapi(_) | Self::Completions(_) | Self::CompilePlugin(_) => false,
            _ => true,
        }
    }
}

/// Runs a command line that came to a server from another process.
fn run_served(words: Vec<Vec<u8>>, workspace: &str, output: &Output, served: &context::Served) -> Ran {
    let words = words.into_iter().map(OsString::from_vec);
    let parsed = parse(words).map_err(|error| CliError::usage(error.to_string(), "see `ferry --help`"));
    let begun = parsed.and_then(|mut cli| {
        cli.global.workspace = workspace.parse().map_err(ferry::app::error::AppError::from)?;
        let context = Context::served(cli.global, output.clone(), served.clone());
        match cli.command {
            Command::Ask(question) => Ok(asked(question, context.tenant()?, output.clone())),
            command => run(command, &context).map(|()| Ran::Ended(0)),
        }
    });
    begun.unwrap_or_else(|error| Ran::Ended(end(Err(error), output)))
}

fn asked(question: ask::Question, tenant: Tenant, output: Output) -> Ran {
    Ran::Waits(Box::pin(async move {
        let answer = question.ask(&tenant).await;
        let tell = move || end(answer.and_then(|answer| answer.show(&output)), &output);
        Box::new(tell) as Telling
    }))
}

/// As [`Cli::try_parse_from`], with one description of all commands for all callers: to make one costs more than most commands.
fn parse(words: impl Iterator<Item = OsString>) -> clap::error::Result<Cli> {
    static KNOWN: LazyLock<Mutex<clap::Command>> = LazyLock::new(|| Mutex::new(Cli::command()));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let matches = known.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches)
}

fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Plugin(command) => plugin::run(command, context),
        Command::Connection(command) => connection::run(command, context),
        Command::Ask(question) => {
            let tenant = context.tenant()?;
            context.block_on(question.ask(&tenant))?.show(&context.output)
        }
        Command::Trace(args) => trace::run(args, context),
        Command::Sync(command) => sync::run(command, context),
        Command::Contacts(command) => contacts::run(command, context),
        Command::Why(args) => why::run(&args, context),
        Command::History(args) => history::run(&args, context),
        Command::Retention(args) => retention::run(&args, context),
        Command::Conflicts(command) => conflicts::run(command, context),
        Command::Outcome(command) => outcome::run(command, context),
        Command::Outbox(command) => outbox::run(command, context),
        Command::Vault(command) => vault::run(command, context),
        Command::Token(command) => token::run(command, context),
        Command::Audience(command) => audience::run(command, context),
        Command::Events(command) => events::run(command, context),
        Command::Hook(command) => hook::run(command, context),
        Command::Suppress(command) => suppress::run(command, context),
        Command::Audit(command) => audit::run(command, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Openapi(args) => openapi::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::CompilePlugin(args) => compile::run(&args, context),
    }
}

/// Help and version as clap shows them; mistakes as clap explains them, or as a document where one was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let text = error.render().to_string();
        // What is wrong ends where the advice on how to call it begins.
        let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let what = lines.join(" ").trim_start_matches("error: ").to_owned();
        CliError::usage(what, "see `ferry --help`").report(&Output::local(true));
    } else {
        // Nobody is left to tell if this can't be printed.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The subcommands that were called, without what was given to them: that may be about people.
fn spoken(matches: &ArgMatches) -> String {
    let mut words = vec!["ferry"];
    let mut matches = matches;
    while let Some((word, inner)) = matches.subcommand() {
        words.push(word);
        matches = inner;
    }
    words.join(" ")
}

fn log_to_stderr(verbose: u8) {
    let usual = match verbose {
        0 => "ferry=warn",
        1 => "ferry=info",
        _ => "ferry=debug",
    };
    let filter = EnvFilter::try_from_env("FERRY_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_argument_has_a_help_text() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(visit);
        }
        visit(&Cli::command());
    }

    #[test]
    fn what_is_noted_of_a_command_names_nobody() {
        let words = ["ferry", "contacts", "show", "ada@example.com"];
        let matches = Cli::command().try_get_matches_from(words).unwrap();
        assert_eq!(spoken(&matches), "ferry contacts show");
    }
}
