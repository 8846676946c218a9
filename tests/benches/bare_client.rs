//! The bare client that a sync is measured against: one task that pages HubSpot's contacts, parses them into a struct, maps
//! them and writes each to sled, one key a contact, flushed as often as a run does. No sandbox, no matching, no checkpoint.
//!
//! `bare_client BASE_URL TOKEN DIR` prints how many contacts it wrote.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

use std::borrow::Cow;

use anyhow::{Context, Result};
use serde::Deserialize;

/// The same twelve properties as the mapping of the bench.
const PROPERTIES: &str =
    "firstname,lastname,email,phone,mobilephone,lead_source,lifecyclestage,company,city,country,jobtitle,lead_score";

/// Pages between two flushes, as in a run.
const FLUSH_EVERY: u64 = 32;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    results: Vec<Record<'a>>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

#[derive(Deserialize)]
struct Record<'a> {
    id: &'a str,
    #[serde(borrow)]
    properties: Properties<'a>,
}

type Text<'a> = Option<Cow<'a, str>>;

#[derive(Deserialize)]
struct Properties<'a> {
    #[serde(borrow)]
    firstname: Text<'a>,
    #[serde(borrow)]
    lastname: Text<'a>,
    #[serde(borrow)]
    email: Text<'a>,
    #[serde(borrow)]
    phone: Text<'a>,
    #[serde(borrow)]
    mobilephone: Text<'a>,
    #[serde(borrow)]
    lead_source: Text<'a>,
    #[serde(borrow)]
    lifecyclestage: Text<'a>,
    #[serde(borrow)]
    company: Text<'a>,
    #[serde(borrow)]
    city: Text<'a>,
    #[serde(borrow)]
    country: Text<'a>,
    #[serde(borrow)]
    jobtitle: Text<'a>,
    #[serde(borrow)]
    lead_score: Text<'a>,
}

/// What it keeps of a contact.
#[derive(serde::Serialize)]
struct Contact<'a> {
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    email: Option<String>,
    phone: Option<&'a str>,
    lead_source: Option<&'a str>,
    lifecycle_stage: Option<&'a str>,
    company: Option<&'a str>,
    city: Option<&'a str>,
    country: Option<&'a str>,
    job_title: Option<&'a str>,
    lead_score: Option<i64>,
}

fn map<'a>(from: &'a Properties<'a>) -> Contact<'a> {
    let text = |value: &'a Text<'a>| value.as_deref().map(str::trim).filter(|text| !text.is_empty());
    Contact {
        first_name: text(&from.firstname),
        last_name: text(&from.lastname),
        email: text(&from.email).map(str::to_lowercase),
        phone: text(&from.mobilephone).or(text(&from.phone)),
        lead_source: text(&from.lead_source),
        lifecycle_stage: text(&from.lifecyclestage),
        company: text(&from.company),
        city: text(&from.city),
        country: text(&from.country),
        job_title: text(&from.jobtitle),
        lead_score: text(&from.lead_score).and_then(|text| text.parse().ok()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut next = || arguments.next().context("usage: bare_client BASE_URL TOKEN DIR");
    let (base, token, dir) = (next()?, next()?, next()?);
    // Another part of the program may have chosen the provider before: either is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let db = sled::Config::new().path(dir).cache_capacity(24 << 20).flush_every_ms(None).open()?;
    let (mut after, mut contacts, mut pages) = (None::<String>, 0, 0);
    loop {
        let mut address = format!("{base}/crm/v3/objects/contacts?limit=100&properties={PROPERTIES}");
        if let Some(after) = &after {
            address += &format!("&after={after}");
        }
        let body = client.get(address).bearer_auth(&token).send().await?.error_for_status()?.bytes().await?;
        let page: Page<'_> = serde_json::from_slice(&body)?;
        let mut batch = sled::Batch::default();
        for record in &page.results {
            batch.insert(record.id, postcard::to_allocvec(&map(&record.properties))?);
        }
        db.apply_batch(batch)?;
        contacts += page.results.len();
        pages += 1;
        if pages % FLUSH_EVERY == 0 {
            db.flush()?;
        }
        after = page.paging.and_then(|paging| paging.next).map(|next| next.after);
        if after.is_none() {
            break;
        }
    }
    db.flush()?;
    println!("{contacts}");
    Ok(())
}
