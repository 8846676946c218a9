//! Account details, API usage and call outcomes.

use serde_json::{Value, json};

use super::account::{Account, PORTAL_ID};
use super::errors::Outcome;
use super::limits::PER_DAY;
use crate::sim::server::Reply;
use crate::sim::stamp;

const DAY_MS: i64 = 86_400_000;

/// HubSpot's call outcomes and one that the account added itself.
const DISPOSITIONS: [(&str, &str); 7] = [
    ("9d9162e7-6cf3-4944-bf63-4dff82258764", "Busy"),
    ("f240bbac-87c9-4f6e-bf70-924b57d47db7", "Connected"),
    ("a4c4c377-d246-4b32-a13b-75a56a4cd0ff", "Left live message"),
    ("b2cf5968-551e-4856-9783-52b3da59a7d0", "Left voicemail"),
    ("73a0d17f-1163-4015-bdd5-ec830791da20", "No answer"),
    ("17b47fee-58de-441e-a44c-c6300d46f273", "Wrong number"),
    ("5f3c1d0a-7a0e-4c62-9d4d-2f0b6d1f9c11", "Qualified by phone"),
];

pub(crate) fn details() -> Reply {
    Reply::json(
        200,
        &json!({"portalId": PORTAL_ID, "accountType": "DEVELOPER_TEST", "timeZone": "Europe/Berlin",
        "companyCurrency": "EUR", "additionalCurrencies": [], "utcOffset": "+01:00", "utcOffsetMilliseconds": 3_600_000,
        "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1"}),
    )
}

pub(crate) fn usage(account: &Account) -> Outcome {
    let now_ms = account.now_ms();
    let resets_ms = (now_ms.div_euclid(DAY_MS) + 1) * DAY_MS;
    let usage = json!({"name": "Daily API usage", "usageLimit": PER_DAY, "currentUsage": account.limits.used_today,
        "collectedAt": stamp::iso(now_ms), "fetchStatus": "SUCCESS", "resetsAt": stamp::iso(resets_ms)});
    Ok(Reply::json(200, &json!({ "results": [usage] })))
}

pub(crate) fn dispositions() -> Reply {
    let one = |(id, label): &(&str, &str)| json!({"id": id, "label": label, "deleted": false});
    Reply::json(200, &DISPOSITIONS.iter().map(one).collect::<Vec<Value>>())
}
