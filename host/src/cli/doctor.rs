//! `ferry doctor`

use ferry::app::doctor::{Extent, Finding, Health, examine, unopened};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::CliError;
use super::table::clean;

/// The longest line of a finding.
const LONGEST_LINE: usize = 1_000;

/// Check everything: state, disk, plugins, connections, syncs; says what is wrong, whose it is and what to do
///
/// Is the connection alive, are the required fields there, do the types match, is there an API limit or a missing
/// permission, has the sign-in expired? The exit code is that of the first failure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Do not ask the CRMs
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let extent = Extent { online: !args.offline };
    let state_dir = context.state_dir()?;
    let findings = match context.tenant() {
        Ok(tenant) => context.block_on(async { Ok(examine(&tenant, extent).await) })?,
        Err(CliError::App(error)) => unopened(&state_dir, &error),
        Err(error) => return Err(error),
    };
    if context.output.json {
        context.output.document(&findings.iter().map(document).collect::<Vec<_>>())?;
    } else {
        context.output.text(&findings.iter().map(lines).collect::<String>())?;
    }
    let failed = findings.iter().find(|finding| finding.health == Health::Fail);
    match failed.and_then(|finding| finding.advice.as_ref()) {
        Some(advice) => Err(CliError::Diagnosed(advice.class)),
        None => Ok(()),
    }
}

fn document(finding: &Finding) -> Value {
    let advice = finding.advice.as_ref();
    json!({
        "subject": finding.subject, "health": finding.health.as_str(), "what": finding.what,
        "code": advice.map(|advice| advice.code), "whose": advice.map(|advice| advice.whose.as_str()),
        "remedy": advice.map(|advice| &advice.remedy),
    })
}

fn lines(finding: &Finding) -> String {
    let what = clean(&finding.what, LONGEST_LINE);
    let mut text = format!("{:<4}  {}: {what}\n", finding.health.as_str(), finding.subject);
    if let Some(advice) = &finding.advice {
        text.push_str(&format!("      whose: {}\n      try: {}\n", advice.whose, clean(&advice.remedy, LONGEST_LINE)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry::app::advice::{Advice, Class, Whose};

    #[test]
    fn a_finding_says_what_whose_and_what_to_do() {
        let ok = Finding { subject: "disk".into(), health: Health::Ok, what: "9 MiB free".into(), advice: None };
        assert_eq!(lines(&ok), "ok    disk: 9 MiB free\n");
        let advice = Advice::new("signed-out", Whose::Crm, Class::SignIn, "sign in again");
        let fail = Finding { health: Health::Fail, advice: Some(advice), subject: "connection hub".into(), ..ok };
        assert_eq!(lines(&fail), "fail  connection hub: 9 MiB free\n      whose: the CRM\n      try: sign in again\n");
        assert_eq!(
            document(&fail),
            json!({ "subject": "connection hub", "health": "fail", "what": "9 MiB free", "code": "signed-out",
                "whose": "crm", "remedy": "sign in again" })
        );
    }
}
