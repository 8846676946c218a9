//! Seeded contacts: each value is computed from (seed, index) when it is read, so a million of them cost no memory. Says
//! which id, stamp and values the contact at an index has; knows nothing of tables.

use std::borrow::Cow;

use super::catalog::{LEAD_SOURCES, LEAD_STATUSES, LIFECYCLE};
use crate::sim::names::{self, Place};
use crate::sim::{mix, stamp};

const DAY_MS: i64 = 86_400_000;

/// Ids of seeded contacts lie about this far apart, as in real accounts, so nobody can count on dense ids.
const ID_STEP: u64 = 50;

/// The id below which no seeded contact lies.
const ID_BASE: u64 = 10_000;

/// So many contacts share one modified stamp: equal stamps are the rule after imports, not the exception.
pub(crate) const STAMP_GROUP: u64 = 4;

/// The contacts of one seeded account.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    seed: u64,
    count: u64,
    start_ms: i64,
    /// rank = index * factor mod count: a shuffle that can be undone, so that ids and stamps are unrelated.
    factor: u64,
    inverse: u64,
    step_ms: i64,
    /// Set by a bulk edit: all contacts have this modified stamp.
    pub(crate) bulk_stamp_ms: Option<i64>,
}

impl Seed {
    /// `count` contacts; the newest was modified an hour before `start_ms`.
    pub(crate) fn new(seed: u64, count: u64, start_ms: i64) -> Self {
        let (factor, inverse) = shuffle_of(seed, count);
        let groups = i64::try_from(count / STAMP_GROUP + 1).unwrap_or(i64::MAX);
        let step_ms = (90 * DAY_MS / groups).max(1);
        Self { seed, count, start_ms, factor, inverse, step_ms, bulk_stamp_ms: None }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The id of the contact at `index`.
    pub(crate) fn id(&self, index: u64) -> u64 {
        ID_BASE + index * ID_STEP + mix(self.seed, index) % ID_STEP
    }

    /// The index of the contact with `id`.
    pub(crate) fn index(&self, id: u64) -> Option<u64> {
        let index = id.checked_sub(ID_BASE)? / ID_STEP;
        (index < self.count && self.id(index) == id).then_some(index)
    }

    /// The first index whose id is at least `id`.
    pub(crate) fn index_from(&self, id: u64) -> u64 {
        let index = (id.saturating_sub(ID_BASE) / ID_STEP).min(self.count);
        if index < self.count && self.id(index) < id { index + 1 } else { index }
    }

    /// The first id after those of all seeded contacts.
    pub(crate) fn end_id(&self) -> u64 {
        ID_BASE + self.count * ID_STEP
    }

    /// The place of a contact in the order of modified stamps.
    pub(crate) fn rank(&self, index: u64) -> u64 {
        index * self.factor % self.count
    }

    /// The contact at a place in the order of modified stamps.
    pub(crate) fn index_at_rank(&self, rank: u64) -> u64 {
        rank * self.inverse % self.count
    }

    fn first_stamp_ms(&self) -> i64 {
        self.start_ms - 91 * DAY_MS
    }

    /// The modified stamp at a rank, milliseconds since 1970.
    pub(crate) fn stamp_at_rank(&self, rank: u64) -> i64 {
        let group = i64::try_from(rank / STAMP_GROUP).unwrap_or(i64::MAX);
        self.bulk_stamp_ms.unwrap_or_else(|| self.first_stamp_ms() + group * self.step_ms)
    }

    /// The first rank whose stamp is at least `ms`.
    pub(crate) fn rank_from(&self, ms: i64) -> u64 {
        if let Some(bulk) = self.bulk_stamp_ms {
            return if ms <= bulk { 0 } else { self.count };
        }
        let past_ms = ms.saturating_sub(self.first_stamp_ms());
        if past_ms <= 0 {
            return 0;
        }
        let group = u64::try_from(past_ms).unwrap_or(0).div_ceil(self.step_ms.unsigned_abs());
        group.saturating_mul(STAMP_GROUP).min(self.count)
    }

    /// When the contact was created: in the order of ids, over the two years before the modified stamps begin.
    pub(crate) fn created_ms(&self, index: u64) -> i64 {
        let share = i64::try_from(index * 1_000_000 / self.count.max(1)).unwrap_or(0);
        self.first_stamp_ms() - 730 * DAY_MS + share * (729 * DAY_MS / 1_000_000)
    }

    /// When the contact was last modified.
    pub(crate) fn updated_ms(&self, index: u64) -> i64 {
        self.stamp_at_rank(self.rank(index))
    }

    /// Finds the contact that has this e-mail; every seeded address carries its contact's index.
    pub(crate) fn index_of_email(&self, email: &str) -> Option<u64> {
        let local = email.split('@').next()?;
        let digits = local.rsplit(|letter: char| !letter.is_ascii_digit()).next()?;
        let index = digits.parse().ok().filter(|index| *index < self.count)?;
        (self.value(index, "email")?.eq_ignore_ascii_case(email)).then_some(index)
    }

    /// Finds the contact with this customer number.
    pub(crate) fn index_of_customer_number(&self, number: &str) -> Option<u64> {
        let index = number.strip_prefix("C-")?.parse().ok().filter(|index| *index < self.count)?;
        (self.value(index, "customer_number")?.as_ref() == number).then_some(index)
    }

    /// The value of a property, none where the contact has none. Ids and stamps are not properties here.
    pub(crate) fn value(&self, index: u64, property: &str) -> Option<Cow<'static, str>> {
        let own = mix(self.seed ^ 0x5eed, index);
        let dice = |salt: u64| mix(own, salt);
        let place = Place::of(dice(1));
        Some(match property {
            "firstname" => return names::first(place, dice(2)),
            "lastname" => names::last(place, dice(3)).into(),
            "email" => return names::email(place, own, index),
            "phone" => return names::phone(place, dice(5)),
            "mobilephone" if dice(6) % 4 == 0 => return names::phone(place, dice(7)),
            "company" if dice(8) % 3 == 0 => names::company(dice(9) % 400).into(),
            "jobtitle" if dice(10) % 2 == 0 => names::pick(&names::JOBS, dice(11)).into(),
            "city" => names::city(place, dice(12)).into(),
            "country" => place.country().into(),
            "zip" if dice(13) % 5 != 0 => format!("{:05}", dice(14) % 100_000).into(),
            "hs_language" => place.language().into(),
            "lifecyclestage" if dice(15) % 20 != 0 => LIFECYCLE[weighted(dice(16)) % LIFECYCLE.len()].into(),
            "hs_lead_status" if dice(17) % 3 != 0 => names::pick(&LEAD_STATUSES, dice(18)).into(),
            // About one contact in seventy has no lead source.
            "lead_source" if dice(19) % 70 != 0 => names::pick(&LEAD_SOURCES, dice(20)).into(),
            "lead_score" if dice(21) % 3 == 0 => (dice(22) % 101).to_string().into(),
            "date_of_birth_custom" if dice(23) % 4 == 0 => birthday(dice(24)).into(),
            "vip" if dice(25) % 8 == 0 => (if dice(26) % 2 == 0 { "true" } else { "false" }).into(),
            "interests" if dice(27) % 5 == 0 => names::pick(&names::INTERESTS, dice(28)).into(),
            "customer_number" if dice(29) % 2 == 0 => format!("C-{index}").into(),
            "hubspot_owner_id" if dice(30) % 3 != 0 => super::owners::id_at(dice(31)).to_string().into(),
            "hs_email_optout" if dice(32) % 40 == 0 => "true".into(),
            _ => return None,
        })
    }

    /// The names that [`Seed::value`] knows.
    pub(crate) const PROPERTIES: [&'static str; 20] = [
        "firstname",
        "lastname",
        "email",
        "phone",
        "mobilephone",
        "company",
        "jobtitle",
        "city",
        "country",
        "zip",
        "hs_language",
        "lifecyclestage",
        "hs_lead_status",
        "lead_source",
        "lead_score",
        "date_of_birth_custom",
        "vip",
        "interests",
        "customer_number",
        "hubspot_owner_id",
    ];

    /// The company that a contact belongs to, as the place of that company: one contact in three has one.
    pub(crate) fn company_of(&self, index: u64) -> Option<u64> {
        index.is_multiple_of(3).then_some(index / CONTACTS_PER_COMPANY)
    }

    /// The contacts of the company at a place.
    pub(crate) fn contacts_of(&self, company: u64) -> impl Iterator<Item = u64> + use<> {
        let first = company * CONTACTS_PER_COMPANY;
        let end = (first + CONTACTS_PER_COMPANY).min(self.count);
        (first..end).filter(|index| index.is_multiple_of(3))
    }

    /// How many companies the seeded contacts belong to.
    pub(crate) fn companies(&self) -> u64 {
        self.count.div_ceil(CONTACTS_PER_COMPANY)
    }
}

/// One company for so many contacts, a third of whom belong to it.
const CONTACTS_PER_COMPANY: u64 = 50;

/// Early stages are far more common than late ones.
fn weighted(hash: u64) -> usize {
    [0, 1, 1, 1, 1, 2, 2, 3, 4, 5, 5, 7][usize::try_from(hash % 12).unwrap_or(0)]
}

fn birthday(hash: u64) -> String {
    stamp::iso_date(i64::try_from(hash % 18_000).unwrap_or(0) * DAY_MS - 5_000 * DAY_MS)
}

/// A factor that shares no divisor with `count`, and its inverse.
fn shuffle_of(seed: u64, count: u64) -> (u64, u64) {
    let count = count.max(1);
    let mut factor = mix(seed, 77) % count;
    loop {
        if let Some(inverse) = inverse_of(factor, count) {
            return (factor, inverse);
        }
        factor = (factor + 1) % count;
    }
}

/// The inverse by the extended Euclidean algorithm, where there is one.
fn inverse_of(factor: u64, modulus: u64) -> Option<u64> {
    let signed = |value: u64| i128::from(value);
    let (mut old, mut rest) = (signed(factor), signed(modulus));
    let (mut old_x, mut x) = (1_i128, 0_i128);
    while rest != 0 {
        let quotient = old / rest;
        (old, rest) = (rest, old - quotient * rest);
        (old_x, x) = (x, old_x - quotient * x);
    }
    (old == 1).then(|| u64::try_from(old_x.rem_euclid(signed(modulus))).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_ranks_lead_back_to_their_contact() {
        for count in [1, 2, 7, 1_000, 2_000] {
            let seed = Seed::new(3, count, 1_772_442_000_000);
            let mut ranks: Vec<u64> = (0..count).map(|index| seed.rank(index)).collect();
            assert!((0..count).all(|index| seed.index(seed.id(index)) == Some(index)));
            assert!((0..count).all(|index| seed.index_at_rank(seed.rank(index)) == index));
            ranks.sort_unstable();
            assert!(ranks.iter().copied().eq(0..count));
        }
    }

    #[test]
    fn a_stamp_leads_to_the_first_rank_that_has_it() {
        let seed = Seed::new(3, 1_000, 1_772_442_000_000);
        for rank in (0..1_000).step_by(37) {
            let ms = seed.stamp_at_rank(rank);
            assert_eq!(seed.rank_from(ms), rank / STAMP_GROUP * STAMP_GROUP);
            assert_eq!(seed.rank_from(ms + 1), ((rank / STAMP_GROUP + 1) * STAMP_GROUP).min(1_000));
        }
    }

    #[test]
    fn equal_seeds_make_equal_contacts_and_an_email_finds_its_contact() {
        let (one, other) = (Seed::new(7, 500, 0), Seed::new(7, 500, 0));
        for index in 0..500 {
            for property in Seed::PROPERTIES {
                assert_eq!(one.value(index, property), other.value(index, property));
            }
            if let Some(email) = one.value(index, "email") {
                assert_eq!(one.index_of_email(&email), Some(index), "{email}");
            }
        }
    }
}
