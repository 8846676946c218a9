//! Runs a simulated CRM by itself: prints one JSON line when it is ready and serves until it is told to stop.

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ferry_tests::sim::clock::{DEFAULT_START_MS, Start};
use ferry_tests::sim::{hubspot, odoo, pipedrive, salesforce};

/// Simulated CRMs for demos, tests and benches.
#[derive(Debug, Parser)]
#[command(name = "crm-sim", version)]
struct Cli {
    #[command(subcommand)]
    crm: Crm,
}

#[derive(Debug, Subcommand)]
enum Crm {
    /// HubSpot: prints base_url, control_url, access_token, refresh_token, client_id and client_secret.
    Hubspot(SearchedArgs),
    /// Odoo: prints base_url and api_key.
    Odoo(SimulatorArgs),
    /// Pipedrive: prints base_url, control_url, access_token, refresh_token, api_token, client_id and client_secret.
    Pipedrive(CommonArgs),
    /// Salesforce: prints base_url, control_url, instance_url, access_token, refresh_token, client_id, client_secret,
    /// username, password, security_token and jwt_key_file.
    Salesforce(SearchedArgs),
}

/// What those take whose searches or queries can lag behind.
#[derive(Debug, Args)]
struct SearchedArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How long searches and queries lag behind writes.
    #[arg(long, default_value_t = 0)]
    search_lag_ms: i64,
}

/// What every simulator takes; all that Odoo's does, which has no limits of rate, and keys that are good until they are taken away.
#[derive(Debug, Args)]
struct SimulatorArgs {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seeded contacts, with what belongs to them.
    #[arg(long, default_value_t = 0)]
    contacts: u64,
    /// Seed of contacts and tokens.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long every answer is held back.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Where the clock starts: the machine's time and running, or a fixed instant and standing.
    #[arg(long, value_enum, default_value_t = ClockArg::Now)]
    clock: ClockArg,
    /// Stop when the standard input ends, so that no simulator outlives the program that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

/// What those take that sign in by OAuth, and count requests.
#[derive(Debug, Args)]
struct CommonArgs {
    #[command(flatten)]
    simulator: SimulatorArgs,
    /// Whether the rate limits are kept.
    #[arg(long, value_enum, default_value_t = LimitsArg::Off)]
    limits: LimitsArg,
    /// Each refresh gives a new refresh token and ends the old one.
    #[arg(long)]
    rotate_refresh_tokens: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LimitsArg {
    Real,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockArg {
    Now,
    Fixed,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let unable = "the simulator can't listen on 127.0.0.1";
    match Cli::parse().crm {
        Crm::Hubspot(args) => {
            let until_stdin_closes = args.common.simulator.until_stdin_closes;
            let simulator = hubspot::HubSpot::start(hubspot_options(args)).context(unable)?;
            ready(simulator.credentials())?;
            told_to_stop(until_stdin_closes).await
        }
        Crm::Odoo(args) => {
            let until_stdin_closes = args.until_stdin_closes;
            let simulator = odoo::Odoo::start(odoo_options(args)).context(unable)?;
            ready(simulator.credentials())?;
            told_to_stop(until_stdin_closes).await
        }
        Crm::Pipedrive(args) => {
            let until_stdin_closes = args.simulator.until_stdin_closes;
            let simulator = pipedrive::Pipedrive::start(pipedrive_options(args)).context(unable)?;
            ready(simulator.credentials())?;
            told_to_stop(until_stdin_closes).await
        }
        Crm::Salesforce(args) => {
            let until_stdin_closes = args.common.simulator.until_stdin_closes;
            let simulator = salesforce::Salesforce::start(salesforce_options(args)).context(unable)?;
            ready(simulator.credentials())?;
            told_to_stop(until_stdin_closes).await
        }
    }
}

/// One line of JSON.
fn ready(credentials: &impl serde::Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, credentials)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

impl ClockArg {
    fn start(self) -> Start {
        if self == Self::Now { Start::Now } else { Start::Stopped(DEFAULT_START_MS) }
    }
}

fn odoo_options(args: SimulatorArgs) -> odoo::Options {
    let switches = odoo::Switches { latency_ms: args.latency_ms, ..odoo::Switches::default() };
    odoo::Options { port: args.port, contacts: args.contacts, seed: args.seed, clock: args.clock.start(), switches }
}

fn hubspot_options(SearchedArgs { common: args, search_lag_ms }: SearchedArgs) -> hubspot::Options {
    let switches = hubspot::Switches {
        rotate_refresh_tokens: args.rotate_refresh_tokens,
        search_lag_ms,
        limits: args.limits == LimitsArg::Real,
        latency_ms: args.simulator.latency_ms,
        ..hubspot::Switches::default()
    };
    let clock = args.simulator.clock.start();
    hubspot::Options {
        port: args.simulator.port,
        contacts: args.simulator.contacts,
        seed: args.simulator.seed,
        clock,
        switches,
    }
}

fn pipedrive_options(args: CommonArgs) -> pipedrive::Options {
    let switches = pipedrive::Switches {
        rotate_refresh_tokens: args.rotate_refresh_tokens,
        limits: args.limits == LimitsArg::Real,
        latency_ms: args.simulator.latency_ms,
        ..pipedrive::Switches::default()
    };
    let clock = args.simulator.clock.start();
    pipedrive::Options {
        port: args.simulator.port,
        contacts: args.simulator.contacts,
        seed: args.simulator.seed,
        clock,
        switches,
    }
}

fn salesforce_options(SearchedArgs { common: args, search_lag_ms }: SearchedArgs) -> salesforce::Options {
    let switches = salesforce::Switches {
        rotate_refresh_tokens: args.rotate_refresh_tokens,
        search_lag_ms,
        limits: args.limits == LimitsArg::Real,
        latency_ms: args.simulator.latency_ms,
        ..salesforce::Switches::default()
    };
    let clock = args.simulator.clock.start();
    salesforce::Options {
        port: args.simulator.port,
        contacts: args.simulator.contacts,
        seed: args.simulator.seed,
        clock,
        switches,
    }
}

async fn told_to_stop(until_stdin_closes: bool) -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = stdin_closed(), if until_stdin_closes => {}
    }
    Ok(())
}

async fn stdin_closed() {
    let (closed, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let (mut stdin, mut ignored) = (std::io::stdin().lock(), [0_u8; 256]);
        // Whatever is typed is ignored; an error ends it like the end of the input.
        while stdin.read(&mut ignored).is_ok_and(|read| read > 0) {}
        // The receiver is gone only when the program ends anyway.
        let _ = closed.send(());
    });
    // The thread cannot end without sending, so an error means the same.
    let _ = told.await;
}
