//! `ferry outcome import`

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::app::outcomes::NewOutcome;
use ferry::app::words::counted;
use ferry::model::time::Instant;
use serde_json::{Map, Value as Json, json};

use super::record::contact;
use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// The longest line of JSON: a call's summary has some KiB.
const LONGEST_LINE: u64 = 1024 * 1024;

/// Lines that are recorded in one commit.
const AT_ONCE: usize = 500;

/// Refused lines that are told one by one; the rest are counted.
const MOST_TOLD: usize = 100;

/// Record many outcomes from a file
///
/// Columns of CSV, or keys of each JSON line: kind; contact, email or phone; id and at if you like; and what the kind can
/// tell, as in disposition and duration_s. A line that can't be recorded is told with its number, and the others are
/// recorded: give ids, and the mended file can be imported again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; `-` is stdin
    file: PathBuf,

    /// The format [default: by the file's ending, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

/// A line's number and its names with values, or why it can't be read.
type Line = (u64, Result<Vec<(String, String)>, String>);

#[derive(Default)]
struct Report {
    recorded: u64,
    already: u64,
    refused: u64,
    /// The first of them.
    told: Vec<(u64, String)>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let input = context.output.open(&args.file)?;
    let report = match args.format.unwrap_or_else(|| format_of(&args.file)) {
        Format::Csv => record_all(&tenant, csv_lines(input)?)?,
        Format::Jsonl => record_all(&tenant, json_lines(input))?,
    };
    tell(&report, context)?;
    if report.refused == 0 {
        return Ok(());
    }
    let what = format!("{} of the lines could not be recorded", report.refused);
    Err(CliError::content(what, "mend them and import the file again: ids keep the others from being recorded twice"))
}

fn format_of(path: &Path) -> Format {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson" | "json") => Format::Jsonl,
        _ => Format::Csv,
    }
}

/// Nothing is told before the end: until then a crash leaves the whole file to be imported again.
fn record_all(tenant: &Tenant, lines: impl Iterator<Item = Line>) -> Result<Report, CliError> {
    let mut report = Report::default();
    let mut lines = lines.peekable();
    while lines.peek().is_some() {
        let (mut numbers, mut outcomes) = (Vec::new(), Vec::new());
        for (number, line) in lines.by_ref().take(AT_ONCE) {
            match line.and_then(|pairs| outcome(tenant, pairs)) {
                Ok(outcome) => {
                    numbers.push(number);
                    outcomes.push(outcome);
                }
                Err(why) => report.refuse(number, why),
            }
        }
        for (number, recorded) in numbers.into_iter().zip(tenant.record_outcomes(outcomes)?) {
            match recorded {
                Ok(recorded) if recorded.already => report.already += 1,
                Ok(_) => report.recorded += 1,
                Err(error) => report.refuse(number, told(&error)),
            }
        }
    }
    tenant.outcomes_are_recorded()?;
    report.told.sort_by_key(|(number, _)| *number);
    Ok(report)
}

fn told(error: &AppError) -> String {
    let causes = error.causes();
    if causes.is_empty() { error.to_string() } else { format!("{error}: {}", causes.join("; ")) }
}

impl Report {
    fn refuse(&mut self, number: u64, why: String) {
        self.refused += 1;
        if self.told.len() < MOST_TOLD {
            self.told.push((number, why));
        }
    }
}

fn outcome(tenant: &Tenant, pairs: Vec<(String, String)>) -> Result<NewOutcome, String> {
    let mut values = pairs;
    // An empty cell says nothing.
    values.retain(|(_, value)| !value.is_empty());
    let mut take = |name: &str| {
        let at = values.iter().position(|(key, _)| key == name)?;
        Some(values.remove(at).1)
    };
    let kind = take("kind").ok_or("`kind` is missing")?.parse()?;
    let id = take("id");
    let at = take("at");
    let at = at.map(|text| text.trim().parse::<Instant>()).transpose().map_err(|error| format!("`at` {error}"))?;
    let named = take("contact").map(|text| text.parse()).transpose().map_err(|error| format!("`contact`: {error}"))?;
    let (email, phone) = (take("email"), take("phone"));
    let contact = contact(tenant, named, email.as_deref(), phone.as_deref()).map_err(|error| error.to_string())?;
    let contact = contact.ok_or("`contact`, `email` and `phone` are all missing")?;
    Ok(NewOutcome { id, contact, kind, at, values })
}

fn csv_lines(input: impl Read) -> Result<impl Iterator<Item = Line>, CliError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).trim(csv::Trim::All).from_reader(input);
    let headers = reader.headers().cloned().unwrap_or_default();
    if !headers.iter().any(|name| name == "kind") {
        let remedy = "begin the file with a line of names, as in `kind,contact,id,disposition,duration_s`";
        return Err(CliError::content("the first line of the file has no column `kind`", remedy));
    }
    Ok(reader.into_records().map(move |record| match record {
        Ok(record) => {
            let pairs = headers.iter().zip(record.iter()).map(|(name, value)| (name.to_owned(), value.to_owned()));
            (record.position().map_or(0, csv::Position::line), Ok(pairs.collect()))
        }
        Err(error) => (error.position().map_or(0, csv::Position::line), Err(csv_trouble(&error))),
    }))
}

fn csv_trouble(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {} where the first line has {expected_len}", counted(*len, "cell"))
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn json_lines(input: impl Read) -> impl Iterator<Item = Line> {
    let mut reader = BufReader::new(input);
    let mut number = 0;
    std::iter::from_fn(move || {
        number += 1;
        let mut line = Vec::new();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some((number, json_line(&line))),
            Err(error) => Some((number, Err(error.to_string()))),
        }
    })
    .filter(|(_, line)| line.as_ref().map_or(true, |pairs| !pairs.is_empty()))
}

fn json_line(line: &[u8]) -> Result<Vec<(String, String)>, String> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let object: Map<String, Json> =
        serde_json::from_slice(line).map_err(|error| format!("is no JSON object: {}", json_trouble(&error)))?;
    let text = |value: Json| match value {
        Json::String(text) => text,
        Json::Null => String::new(),
        other => other.to_string(),
    };
    Ok(object.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Where in the line; the number of the line is told beside it.
fn json_trouble(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early".to_owned(),
        serde_json::error::Category::Data => "it is another kind of value".to_owned(),
        _ => format!("it can't be read from character {} on", error.column()),
    }
}

fn tell(report: &Report, context: &Context) -> Result<(), CliError> {
    if context.output.json {
        let refused: Vec<Json> =
            report.told.iter().map(|(line, why)| json!({ "line": line, "message": why })).collect();
        return context.output.document(&json!({
            "recorded": report.recorded, "already": report.already, "refused": report.refused, "refusals": refused,
        }));
    }
    for (line, why) in &report.told {
        context.output.note(&format!("line {line}: {why}"));
    }
    context
        .output
        .note(&format!("{} recorded, {} recorded before, {} refused", report.recorded, report.already, report.refused));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_broken_line_of_csv_is_told_with_its_number_and_the_others_are_read() {
        let text = "kind,contact,disposition\ncall,c1,connected\ncall,c2\ncall,c3,\"no\nanswer\"\n";
        let lines: Vec<Line> = csv_lines(text.as_bytes()).unwrap().collect();
        assert_eq!(
            lines,
            [
                (2, pairs(&[("kind", "call"), ("contact", "c1"), ("disposition", "connected")])),
                (3, Err("has 2 cells where the first line has 3".to_owned())),
                (4, pairs(&[("kind", "call"), ("contact", "c3"), ("disposition", "no\nanswer")])),
            ]
        );
    }

    #[test]
    fn a_broken_line_of_json_is_told_with_its_number_and_the_others_are_read() {
        let text = "{\"kind\":\"call\",\"duration_s\":83,\"summary\":null}\n\n{broken\n{\"kind\":\"note\"}";
        let mut lines: Vec<Line> = json_lines(text.as_bytes()).collect();
        assert!(lines[1].1.as_ref().is_err_and(|why| why.starts_with("is no JSON object")), "{lines:?}");
        let _told = lines.remove(1);
        assert_eq!(
            lines,
            [(1, pairs(&[("duration_s", "83"), ("kind", "call"), ("summary", "")])), (4, pairs(&[("kind", "note")])),]
        );
    }
}
