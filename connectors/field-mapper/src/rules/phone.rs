//! Phone numbers to E.164, by the numbering plans of all countries (libphonenumber's metadata).

use std::sync::{Arc, LazyLock};

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, PhoneNumberUtil, Region};

use crate::config::table::{Table, Words};
use crate::refusal::Refusal;

/// Reading the numbering plans takes milliseconds, so only a mapping that meets a phone number pays for it.
static PLANS: LazyLock<Option<PhoneNumberUtil>> = LazyLock::new(|| PhoneNumberUtil::new().ok());

/// No number with all its blanks and an extension is longer; a longer text costs time for nothing.
const MOST_TEXT: usize = 250;

/// The regions that have a numbering plan. Listed here because asking the plans would cost every mapping the time of reading them.
const REGIONS: &str = "\
    AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG \
    EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR \
    LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF \
    NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD \
    SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW \
    TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// How much of a number's plausibility is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// The country has given out numbers that begin so.
    Valid,
    /// Only the length.
    Possible,
}

pub(crate) const CHECKS: Words<Check> = &[("valid", Check::Valid), ("possible", Check::Possible)];
pub(crate) const EXTENSIONS: Words<bool> = &[("refuse", false), ("drop", true)];

/// Names of countries, in lower case, and their regions; sorted by name.
pub(crate) type Regions = Arc<[(Box<str>, Region)]>;

/// The phone keys of one field.
#[derive(Debug, Clone)]
pub(crate) struct Phone {
    region: Option<Region>,
    names: Regions,
    drop_extension: bool,
    check: Check,
}

impl Phone {
    pub(crate) fn read(table: &Table<'_>, region: Option<Region>, names: &Regions) -> Self {
        Self {
            region: read_region(table, "region").or(region),
            names: names.clone(),
            drop_extension: table.word("extension", EXTENSIONS).unwrap_or(false),
            check: table.word("check", CHECKS).unwrap_or(Check::Valid),
        }
    }

    /// The number in E.164. `country` is what the column of `region_from` holds, if it holds something.
    pub(crate) fn number(&self, text: &str, country: Option<(&str, &str)>) -> Result<String, Refusal> {
        let text = text.trim();
        let plans = PLANS.as_ref().ok_or(Refusal::NOT_PHONE)?;
        if text.len() > MOST_TEXT {
            return Err(Refusal::NOT_PHONE);
        }
        let number = match self.parse(plans, text, country)? {
            number if number.extension().is_empty() || self.drop_extension => number,
            _ => return Err(Refusal::Extension),
        };
        let good = match self.check {
            Check::Valid => plans.is_valid_number(&number),
            Check::Possible => plans.is_possible_number(&number),
        };
        if !good {
            return Err(Refusal::NOT_PHONE);
        }
        Ok(plans.format(&number, PhoneNumberFormat::E164).into_owned())
    }

    fn parse(
        &self,
        plans: &PhoneNumberUtil,
        text: &str,
        country: Option<(&str, &str)>,
    ) -> Result<PhoneNumber, Refusal> {
        // A number with a country code needs no country, so a bad one there does no harm.
        if text.starts_with(['+', '\u{ff0b}']) {
            return plans.parse(text, None).map_err(|_| Refusal::NOT_PHONE);
        }
        let region = match country {
            Some((column, name)) => {
                Some(self.region_of(name).ok_or_else(|| Refusal::UnknownRegion { column: column.into() })?)
            }
            None => self.region,
        };
        let region = region.ok_or(Refusal::NoRegion)?;
        plans.parse(text, Some(region)).map_err(|_| Refusal::NOT_PHONE)
    }

    fn region_of(&self, name: &str) -> Option<Region> {
        let name = name.trim();
        if let Some(region) = region(name) {
            return Some(region);
        }
        let name = name.to_lowercase();
        let at = self.names.binary_search_by(|(known, _)| (**known).cmp(&name)).ok()?;
        Some(self.names[at].1)
    }
}

/// A region by its two letters, in either case.
fn region(code: &str) -> Option<Region> {
    let code = <[u8; 2]>::try_from(code.as_bytes()).ok()?.map(|b| b.to_ascii_uppercase());
    // The library takes any two letters for a region.
    let known = REGIONS.as_bytes().chunks(3).any(|known| known.starts_with(&code));
    let code = std::str::from_utf8(&code).ok().filter(|_| known)?;
    Region::from_code(code).ok()
}

/// A region code in the configuration, with a mistake noted where it is none.
pub(crate) fn read_region(table: &Table<'_>, key: &str) -> Option<Region> {
    let code = table.text(key)?;
    let found = region(code).filter(|_| code.bytes().all(|b| b.is_ascii_uppercase()));
    if found.is_none() {
        let hint = match region(code) {
            Some(_) => format!("write it in capitals: `{}`", code.to_ascii_uppercase()),
            None => "use a two-letter code of ISO 3166, as in `DE`, `GB` (not `UK`), `US`".to_owned(),
        };
        table.wrong(key, format!("there is no region `{code}`"), hint);
    }
    found
}

/// The names in `[regions]`.
pub(crate) fn read_regions(table: &Table<'_>) -> Regions {
    let Some(names) = table.table("regions") else {
        return Arc::new([]);
    };
    let keys = names.table.keys().map(|key| key.get_ref());
    let mut regions: Vec<(Box<str>, Region)> =
        keys.filter_map(|name| Some((name.trim().to_lowercase().into(), read_region(&names, name)?))).collect();
    regions.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    regions.into()
}

#[cfg(test)]
mod tests;
