//! People, places and phone numbers for the seeded contacts of every simulator: mostly sound, some in odd national formats, few broken, as in
//! accounts that grew for years.

use std::borrow::Cow;

/// Where a contact lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Germany,
    States,
    Britain,
}

impl Place {
    pub(crate) fn of(hash: u64) -> Self {
        match hash % 10 {
            0..=4 => Self::Germany,
            5..=7 => Self::States,
            _ => Self::Britain,
        }
    }

    pub(crate) fn country(self) -> &'static str {
        match self {
            Self::Germany => "Germany",
            Self::States => "United States",
            Self::Britain => "United Kingdom",
        }
    }

    pub(crate) fn language(self) -> &'static str {
        if self == Self::Germany { "de" } else { "en" }
    }
}

const FIRST_DE: [&str; 16] = [
    "Jürgen",
    "Anna",
    "Zoë",
    "Björn",
    "Käthe",
    "Lukas",
    "Mia",
    "François",
    "Søren",
    "Łukasz",
    "Ayşe",
    "Heinz-Peter",
    "Ásdís",
    "Noël",
    "Dörte",
    "Emil",
];
const FIRST_EN: [&str; 16] = [
    "James",
    "Mary",
    "O'Neil",
    "Chloé",
    "José",
    "李雷",
    "さくら",
    "Дмитрий",
    "Siobhán",
    "Emma",
    "Noah",
    "Olivia",
    "محمد",
    "Ava",
    "Renée",
    "William",
];
const LAST_DE: [&str; 16] = [
    "Müller",
    "Schmidt",
    "Groß",
    "von der Heide",
    "Öztürk",
    "Jäger",
    "Weiß",
    "Nowak",
    "Şahin",
    "Böhm",
    "Meyer-Landrut",
    "Krüger",
    "Straßburger",
    "Dvořák",
    "Köhler",
    "Fuchs",
];
const LAST_EN: [&str; 16] = [
    "Smith",
    "O’Connor",
    "García Márquez",
    "王",
    "田中",
    "Иванова",
    "McDonald",
    "Nguyễn",
    "Brown",
    "de la Cruz",
    "Taylor",
    "Evans",
    "Åkesson",
    "Wilson",
    "D'Angelo",
    "Clark",
];
const CITY_DE: [&str; 6] = ["Köln", "Berlin", "München", "Düsseldorf", "Hamburg", "Görlitz"];
const CITY_US: [&str; 6] = ["New York", "San José", "Chicago", "Austin", "Cañon City", "Boston"];
const CITY_GB: [&str; 6] = ["London", "Leeds", "Glasgow", "Ynys Môn", "Bristol", "Belfast"];
pub(crate) const JOBS: [&str; 8] = [
    "Head of Sales",
    "Geschäftsführerin",
    "Buyer",
    "CTO",
    "Office Manager",
    "Einkäufer",
    "VP, Operations \"EMEA\"",
    "Owner",
];
pub(crate) const INTERESTS: [&str; 4] = ["garden", "garden;sports", "travel;music", "music"];
const COMPANY_FIRST: [&str; 20] = [
    "Nord", "Süd", "Alpen", "River", "Blue", "Acme", "Globex", "Öko", "Hafen", "Granite", "Cedar", "Pixel", "Atlas",
    "Kaiser", "Lumen", "Orbit", "Quartz", "Rhein", "Stern", "Vista",
];
const COMPANY_LAST: [&str; 20] = [
    "Technik GmbH",
    "Logistics Ltd",
    "Foods Inc",
    "Bau AG",
    "Software GmbH & Co. KG",
    "Partners LLP",
    "Media",
    "Energy",
    "Textiles",
    "Health",
    "Robotics",
    "Print",
    "Glass",
    "Tools",
    "Optics",
    "Travel",
    "Garden",
    "Metals",
    "Audio",
    "Finance",
];

pub(crate) fn pick(words: &[&'static str], hash: u64) -> &'static str {
    let at = hash % u64::try_from(words.len().max(1)).unwrap_or(1);
    words.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or_default()
}

/// One first name in two hundred is missing, one in fifty has blanks around it.
pub(crate) fn first(place: Place, hash: u64) -> Option<Cow<'static, str>> {
    let name = pick(if place == Place::Germany { &FIRST_DE } else { &FIRST_EN }, hash >> 16);
    match hash % 200 {
        0 => None,
        1..=2 => Some(format!("  {name} ").into()),
        3 => Some(format!("{name}\u{a0}").into()),
        _ => Some(name.into()),
    }
}

pub(crate) fn last(place: Place, hash: u64) -> &'static str {
    pick(if place == Place::Germany { &LAST_DE } else { &LAST_EN }, hash >> 16)
}

pub(crate) fn city(place: Place, hash: u64) -> &'static str {
    match place {
        Place::Germany => pick(&CITY_DE, hash),
        Place::States => pick(&CITY_US, hash),
        Place::Britain => pick(&CITY_GB, hash),
    }
}

/// The name of the company at a place.
pub(crate) fn company(at: u64) -> String {
    format!("{} {}", pick(&COMPANY_FIRST, at), pick(&COMPANY_LAST, at / 20))
}

/// An address that carries the contact's index. One contact in twenty-five has none; one in a hundred has one that
/// CRMs took long ago and would refuse today.
pub(crate) fn email(place: Place, own: u64, index: u64) -> Option<Cow<'static, str>> {
    let hash = crate::sim::mix(own, 4);
    let user = ascii(last(place, crate::sim::mix(own, 3)));
    let host = ["example.com", "example.org", "mail.example.net", "firma.example"]
        [usize::try_from(hash >> 32).unwrap_or(0) % 4];
    Some(match hash % 100 {
        0..=3 => return None,
        4 if hash >> 40 & 1 == 0 => format!("{user}.{index}@").into(),
        4 => format!("{user} {index}@{host}").into(),
        5..=7 => format!("{}.{index}@{host}", user.to_uppercase()).into(),
        _ => format!("{user}.{index}@{host}").into(),
    })
}

/// The letters a to z of a name; `contact` where it has none.
fn ascii(name: &str) -> String {
    let spelt = [("ü", "ue"), ("ö", "oe"), ("ä", "ae"), ("ß", "ss"), ("Ö", "Oe")];
    let name = spelt.iter().fold(name.to_owned(), |name, (letter, spelling)| name.replace(letter, spelling));
    let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    if letters.is_empty() { "contact".to_owned() } else { letters.to_lowercase() }
}

/// A phone number: most are sound, in one of the ways people write them; one in sixty is broken, one in twelve missing. One
/// in eight comes from a small pool, so that contacts share numbers.
pub(crate) fn phone(place: Place, hash: u64) -> Option<Cow<'static, str>> {
    let shared = hash.is_multiple_of(8);
    let digits = if shared { crate::sim::mix(99, hash >> 8 & 0x3f) } else { crate::sim::mix(hash, 1) };
    let style = hash >> 20;
    match (hash >> 4) % 60 {
        0 => Some(broken(style).into()),
        1..=5 => None,
        _ => Some(sound(place, digits, style).into()),
    }
}

fn broken(style: u64) -> String {
    match style % 5 {
        0 => format!("call {} first", 100 + style % 900),
        1 => format!("+49 {}", style % 90),
        2 => "n/a".to_owned(),
        3 => format!("00{}", style % 1_000),
        _ => format!("+1 (555) {:03}-{:02}", style % 1_000, style % 100),
    }
}

fn sound(place: Place, digits: u64, style: u64) -> String {
    match place {
        Place::Germany => german(digits, style),
        Place::States => american(digits, style),
        Place::Britain => british(digits, style),
    }
}

fn german(digits: u64, style: u64) -> String {
    // Mobile prefix 151 with eight digits, or Berlin (30) with eight.
    let subscriber = 20_000_000 + digits % 70_000_000;
    let area = if digits >> 40 & 1 == 0 { "151" } else { "30" };
    let (head, tail) = (subscriber / 10_000, subscriber % 10_000);
    match style % 6 {
        0 => format!("+49 {area} {head:04}{tail:04}"),
        1 => format!("0{area} {head:04} {tail:04}"),
        2 => format!("0{area}/{head:04}{tail:04}"),
        3 => format!("+49 (0){area} {head:04}-{tail:04}"),
        4 => format!("0049{area}{head:04}{tail:04}"),
        _ => format!("+49{area}{head:04}{tail:04}"),
    }
}

fn american(digits: u64, style: u64) -> String {
    let area = pick(&["212", "312", "415", "512", "617", "206"], digits >> 32);
    let (exchange, line) = (200 + digits % 700, digits >> 16 & 0x1fff);
    // N11 exchanges are service codes, never part of a subscriber's number.
    let exchange = if exchange % 100 == 11 { exchange + 1 } else { exchange };
    match style % 4 {
        0 => format!("+1{area}{exchange}{line:04}"),
        1 => format!("+1 ({area}) {exchange}-{line:04}"),
        2 => format!("+1 {area}.{exchange}.{line:04}"),
        _ => format!("+1-{area}-{exchange}-{line:04}"),
    }
}

fn british(digits: u64, style: u64) -> String {
    let (head, tail) = (digits % 900 + 100, digits >> 20 & 0x1fff);
    match style % 4 {
        0 => format!("+44 7700 90{:04}", tail % 1_000),
        1 => format!("+44 (0)20 7946 0{head}"),
        2 => format!("0044 20 7946 0{head}"),
        _ => format!("+442079460{head}"),
    }
}
