//! The bare client that a sync is measured against: one task that pages HubSpot's contacts, parses them into a struct, maps
//! them by the same mapping compiled natively, and writes each to sled, one key a contact, flushed as often as a run does. No
//! sandbox, no matching, no checkpoint.
//!
//! `bare_client BASE_URL TOKEN DIR` prints how many contacts it wrote.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

use std::borrow::Cow;

use anyhow::{Context, Result};
use ferry_field_mapper::Plan;
use ferry_sdk::mapper::{Column, Direction, Kind, Mapped, Value};
use serde::Deserialize;

const MAPPING: &str = include_str!("../../xtask/demo/contacts.toml");

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

impl<'a> Properties<'a> {
    /// The values in the order of `PROPERTIES`.
    fn row(&self) -> Vec<Value> {
        let Self { firstname, lastname, email, phone, mobilephone, lead_source, .. } = self;
        let Self { lifecyclestage, company, city, country, jobtitle, lead_score, .. } = self;
        let texts: [&Text<'a>; 12] = [
            firstname,
            lastname,
            email,
            phone,
            mobilephone,
            lead_source,
            lifecyclestage,
            company,
            city,
            country,
            jobtitle,
            lead_score,
        ];
        texts.map(|text| text.as_deref().map_or(Value::Null, |text| Value::Text(text.to_owned()))).to_vec()
    }
}

/// A mapped value as it is kept.
#[derive(serde::Serialize)]
enum Kept<'a> {
    Nothing,
    Integer(i64),
    Text(&'a str),
}

fn kept(value: &Value) -> Kept<'_> {
    match value {
        Value::Integer(number) => Kept::Integer(*number),
        Value::Text(text) => Kept::Text(text),
        _ => Kept::Nothing,
    }
}

/// The mapping of the bench without the column that this client does not ask for.
fn mapping() -> Result<Plan> {
    let text = MAPPING.replace("[fields.vip]\nfrom = \"vip\"\n", "");
    let columns: Vec<Column> =
        PROPERTIES.split(',').map(|name| Column { name: name.into(), kind: Kind::Text }).collect();
    Plan::open(&text, Direction::Inbound, &columns).map_err(|mistakes| anyhow::anyhow!("the mapping: {mistakes:?}"))
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
    let plan = mapping()?;
    let (mut after, mut contacts, mut pages) = (None::<String>, 0, 0);
    loop {
        let mut address = format!("{base}/crm/v3/objects/contacts?limit=100&properties={PROPERTIES}");
        if let Some(after) = &after {
            address += &format!("&after={after}");
        }
        let body = client.get(address).bearer_auth(&token).send().await?.error_for_status()?.bytes().await?;
        let page: Page<'_> = serde_json::from_slice(&body)?;
        let mut batch = sled::Batch::default();
        let rows = page.results.iter().map(|record| record.properties.row()).collect();
        for (record, mapped) in page.results.iter().zip(plan.rows(rows)) {
            // A row that can't be mapped is left out; a run keeps it with its reason.
            let Mapped::Values(values) = mapped else { continue };
            batch.insert(record.id, postcard::to_allocvec(&values.iter().map(kept).collect::<Vec<_>>())?);
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
