//! What a seeded account has beside its contacts: companies, deals, lists. Few enough to be stored at once.

use super::account::{Account, COMPANIES, CONTACTS};
use super::record::Record;
use crate::sim::{mix, names, stamp};

/// One deal for so many contacts.
const CONTACTS_PER_DEAL: u64 = 100;

const DAY_MS: i64 = 86_400_000;

/// Fills a new account; without seeded contacts it stays empty.
pub(crate) fn fill(account: &mut Account) {
    let Some(seed) = account.table(CONTACTS).seed().cloned() else { return };
    for place in 0..seed.companies() {
        let name = names::company(place);
        let domain = format!("company{place}.example");
        let size = (10 + mix(place, 3) % 5_000).to_string();
        let values =
            [("name", name.as_str()), ("domain", &domain), ("numberofemployees", &size), ("country", "Germany")];
        let id = add(account, COMPANIES, place, seed.companies(), &values);
        account.links.companies.push(id);
    }
    let deals = seed.count() / CONTACTS_PER_DEAL;
    for place in 0..deals {
        let name = format!("Deal {place}: {}", names::company(place));
        let amount = format!("{}.50", 500 + mix(place, 4) % 90_000);
        let close = stamp::iso(account.started_ms + i64::try_from(place % 60).unwrap_or(0) * DAY_MS);
        let stage = ["appointmentscheduled", "qualifiedtobuy", "closedwon", "closedlost"]
            [usize::try_from(place % 4).unwrap_or(0)];
        let values = [
            ("dealname", name.as_str()),
            ("amount", &amount),
            ("closedate", &close),
            ("dealstage", stage),
            ("pipeline", "default"),
        ];
        add(account, 2, place, deals, &values);
    }
    super::lists::seed(account, &seed);
}

fn add(account: &mut Account, at: usize, place: u64, of: u64, values: &[(&str, &str)]) -> u64 {
    let share = i64::try_from(place * 1_000 / of.max(1)).unwrap_or(0);
    let created_ms = account.started_ms - 700 * DAY_MS + share * 600 * DAY_MS / 1_000;
    let table = &mut account.objects[at].table;
    let id = table.new_id();
    let mut record = Record::new(id, created_ms);
    for (name, value) in values {
        record.set(name, value, created_ms, "IMPORT");
    }
    table.insert(record, 0);
    id
}
