//! What a seeded org has: users, accounts, contacts, leads, opportunities, campaigns and their members. Values are those that
//! orgs collect in years: missing, malformed, in all scripts.

use super::cell::Cell;
use super::id::Id;
use super::org::{INTEGRATION_USER, LEAD_QUEUE_USER, ORG, Org, SALES_USER};
use super::standard::{INDUSTRIES, LEAD_SOURCES, LEAD_STATUSES, RATINGS, STAGES};
use super::table::Record;
use crate::sim::mix;
use crate::sim::names::{self, Place};

const DAY_MS: i64 = 86_400_000;

/// So many contacts share one account, and one opportunity.
const CONTACTS_PER_ACCOUNT: u64 = 50;
/// One lead for so many contacts.
const CONTACTS_PER_LEAD: u64 = 4;
/// So many records share one system stamp: equal stamps are the rule after imports, not the exception.
const STAMP_GROUP: u64 = 4;

/// The campaigns that every org has.
const CAMPAIGNS: [&str; 3] = ["Newsletter", "Trade Show Köln", "Win back"];

struct Filler<'a> {
    org: &'a mut Org,
    seed: u64,
}

/// Fills a new org; without contacts it has users only.
pub(crate) fn fill(org: &mut Org, seed: u64, contacts: u64) {
    let mut filler = Filler { org, seed };
    filler.people_who_work_here();
    if contacts == 0 {
        return;
    }
    let accounts: Vec<Id> = (0..contacts.div_ceil(CONTACTS_PER_ACCOUNT)).map(|at| filler.account(at)).collect();
    let people: Vec<Id> = (0..contacts).map(|at| filler.contact(at, contacts, &accounts)).collect();
    let leads: Vec<Id> = (0..contacts / CONTACTS_PER_LEAD).map(|at| filler.lead(at, contacts)).collect();
    for (at, account) in accounts.iter().enumerate() {
        filler.opportunity(u64::try_from(at).unwrap_or(0), *account);
    }
    filler.campaigns(&people, &leads);
}

fn text(value: Option<impl Into<Box<str>>>) -> Cell {
    value.map_or(Cell::Null, Cell::text)
}

impl Filler<'_> {
    fn add(&mut self, object: &str, number: Option<u64>, stamp_ms: i64, values: Vec<(&str, Cell)>) -> Id {
        let Some(at) = self.org.object(object) else { return ORG };
        let number = number.unwrap_or_else(|| self.org.objects[at].table.new_number());
        let stamp_ms = stamp_ms - stamp_ms.rem_euclid(1_000);
        let kind = &self.org.objects[at].kind;
        let mut record = Record::new(number, stamp_ms, INTEGRATION_USER);
        record.created_ms = stamp_ms - 30 * DAY_MS;
        for (place, field) in kind.fields.iter().enumerate() {
            let value = match (&field.default, field.kind, field.name.as_str()) {
                (Cell::Null, super::schema::FieldType::Boolean, _) => Cell::Bool(false),
                (Cell::Null, _, "OwnerId") => Cell::Id(SALES_USER),
                (default, ..) => default.clone(),
            };
            record.set(place, value);
        }
        for (name, value) in values {
            if let Some(place) = kind.place(name) {
                record.set(place, value);
            }
        }
        self.org.objects[at].table.insert(record);
        self.org.id(at, number)
    }

    fn people_who_work_here(&mut self) {
        let ms = self.org.started_ms - 800 * DAY_MS;
        let people = [
            (INTEGRATION_USER, "Ferry", "Integration", super::sign_in::USERNAME),
            (LEAD_QUEUE_USER, "Lena", "Verteilerin", "lena@ferry.example"),
            (SALES_USER, "Jörg", "Verkäufer", "joerg@ferry.example"),
        ];
        for (id, first, last, username) in people {
            let values = vec![
                ("FirstName", Cell::text(first)),
                ("LastName", Cell::text(last)),
                ("Username", Cell::text(username)),
                ("Alias", Cell::text(last.to_lowercase().chars().take(8).collect::<String>())),
                ("Email", Cell::text(username)),
                ("IsActive", Cell::Bool(true)),
                ("TimeZoneSidKey", Cell::text("Europe/Berlin")),
                ("UserType", Cell::text("Standard")),
                ("LanguageLocaleKey", Cell::text("en_US")),
            ];
            self.add("User", Some(id.number), ms, values);
        }
        let values = vec![
            ("Name", Cell::text("Simulated & Söhne GmbH")),
            ("OrganizationType", Cell::text("Enterprise Edition")),
            ("TimeZoneSidKey", Cell::text("Europe/Berlin")),
            ("InstanceName", Cell::text("SIM1")),
            ("LanguageLocaleKey", Cell::text("en_US")),
        ];
        self.add("Organization", Some(ORG.number), ms, values);
    }

    /// Stamps are spread over 90 days, in another order than the ids, in groups that are equal.
    fn stamp_ms(&self, at: u64, of: u64) -> i64 {
        let groups = (of / STAMP_GROUP).max(1);
        let group = mix(self.seed ^ 0x57a, at) % groups;
        let step = 90 * DAY_MS / i64::try_from(groups).unwrap_or(i64::MAX).max(1);
        self.org.started_ms - 91 * DAY_MS + i64::try_from(group).unwrap_or(0) * step
    }

    fn account(&mut self, at: u64) -> Id {
        let dice = mix(self.seed ^ 0xacc, at);
        let values = vec![
            ("Name", Cell::text(names::company(at))),
            ("Industry", Cell::text(names::pick(&INDUSTRIES, dice))),
            ("NumberOfEmployees", Cell::Int(i64::try_from(10 + dice % 5_000).unwrap_or(0))),
            ("Website", Cell::text(format!("https://company{at}.example"))),
            ("BillingCountry", Cell::text("Germany")),
        ];
        let ms = self.stamp_ms(at, 1_000);
        self.add("Account", None, ms, values)
    }

    /// What contacts and leads have in common.
    fn person(&self, own: u64, at: u64) -> Vec<(&'static str, Cell)> {
        let dice = |salt: u64| mix(own, salt);
        let place = Place::of(dice(1));
        vec![
            ("FirstName", text(names::first(place, dice(2)).map(String::from))),
            ("LastName", Cell::text(names::last(place, dice(3)))),
            ("Email", text(names::email(place, own, at).map(String::from))),
            ("Phone", text(names::phone(place, dice(5)).map(String::from))),
            ("MobilePhone", text(names::phone(place, dice(7)).filter(|_| dice(6) % 4 == 0).map(String::from))),
            ("Title", text((dice(10) % 2 == 0).then(|| names::pick(&names::JOBS, dice(11))))),
            // About one person in seventy has no lead source.
            ("LeadSource", text((dice(19) % 70 != 0).then(|| names::pick(&LEAD_SOURCES, dice(20))))),
            ("HasOptedOutOfEmail", Cell::Bool(dice(32) % 40 == 0)),
            ("DoNotCall", Cell::Bool(dice(33) % 50 == 0)),
            ("MailingCity", Cell::text(names::city(place, dice(12)))),
            ("MailingCountry", Cell::text(place.country())),
            ("City", Cell::text(names::city(place, dice(12)))),
            ("Country", Cell::text(place.country())),
            ("Language__c", Cell::text(place.language())),
        ]
    }

    fn contact(&mut self, at: u64, of: u64, accounts: &[Id]) -> Id {
        let own = mix(self.seed ^ 0x5eed, at);
        let dice = |salt: u64| mix(own, salt);
        let account = accounts.get(usize::try_from(at / CONTACTS_PER_ACCOUNT).unwrap_or(0));
        let mut values = self.person(own, at);
        values.extend([
            ("AccountId", account.filter(|_| at.is_multiple_of(3)).map_or(Cell::Null, |id| Cell::Id(*id))),
            ("Score__c", if dice(21) % 3 == 0 { Cell::Number((dice(22) % 1_010) as f64 / 10.0) } else { Cell::Null }),
            ("VIP__c", Cell::Bool(dice(25) % 8 == 0)),
            ("Interests__c", text((dice(27) % 5 == 0).then(|| names::pick(&names::INTERESTS, dice(28))))),
            ("Customer_Number__c", text((dice(29) % 2 == 0).then(|| format!("C-{at}")))),
            (
                "Birthdate",
                if dice(23) % 4 == 0 {
                    Cell::Date(i64::try_from(dice(24) % 18_000).unwrap_or(0) - 5_000)
                } else {
                    Cell::Null
                },
            ),
        ]);
        let ms = self.stamp_ms(at, of);
        self.add("Contact", None, ms, values)
    }

    fn lead(&mut self, at: u64, of: u64) -> Id {
        let own = mix(self.seed ^ 0x1ead, at);
        let mut values = self.person(own, at);
        values.extend([
            ("Company", Cell::text(names::company(mix(own, 9) % 400))),
            ("Status", Cell::text(LEAD_STATUSES[usize::from(mix(own, 15).is_multiple_of(3))])),
            ("Rating", text(mix(own, 16).is_multiple_of(2).then(|| names::pick(&RATINGS, mix(own, 17))))),
        ]);
        let ms = self.stamp_ms(at ^ 0xff_0000, of);
        self.add("Lead", None, ms, values)
    }

    fn opportunity(&mut self, at: u64, account: Id) {
        let today = self.org.started_ms / DAY_MS;
        let values = vec![
            ("Name", Cell::text(format!("Deal {at}: {}", names::company(at)))),
            ("AccountId", Cell::Id(account)),
            ("StageName", Cell::text(names::pick(&STAGES, at))),
            ("Amount", Cell::Number(500.5 + (mix(at, 4) % 90_000) as f64)),
            ("CloseDate", Cell::Date(today + i64::try_from(at % 60).unwrap_or(0))),
        ];
        let ms = self.stamp_ms(at, 1_000);
        self.add("Opportunity", None, ms, values);
    }

    fn campaigns(&mut self, people: &[Id], leads: &[Id]) {
        let ms = self.org.started_ms - 5 * DAY_MS;
        for (place, name) in CAMPAIGNS.iter().enumerate() {
            let values = vec![("Name", Cell::text(*name)), ("IsActive", Cell::Bool(true))];
            let campaign = Cell::Id(self.add("Campaign", None, ms, values));
            let member = |id: &&Id| mix(u64::try_from(place).unwrap_or(0), id.number).is_multiple_of(10);
            for (field, ids) in [("ContactId", people), ("LeadId", leads)] {
                for id in ids.iter().filter(member) {
                    self.add(
                        "CampaignMember",
                        None,
                        ms,
                        vec![("CampaignId", campaign.clone()), (field, Cell::Id(*id))],
                    );
                }
            }
        }
    }
}
