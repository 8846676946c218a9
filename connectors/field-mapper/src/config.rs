//! The configuration as an admin writes it, read without knowing the columns that will come in.

pub(crate) mod field;
pub(crate) mod literal;
pub(crate) mod skip;
pub(crate) mod source;
pub(crate) mod table;

use ferry_sdk::mapper::Direction;
use jiff::tz::TimeZone;
use rlibphonenumber::Region;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::field::Field;
use self::skip::Skip;
use self::table::{Table, Words, in_order};
use crate::mistake::Mistakes;
use crate::rules::number::{PLAIN, STYLES, Style};
use crate::rules::phone::{Regions, read_region, read_regions};
use crate::rules::time::read_zone;

/// A mapping of a thousand fields has a tenth of this; more would only slow the host down.
const MOST_BYTES: usize = 1024 * 1024;

/// Far above what CRMs hold per object, so that an answer stays within its limit.
const MOST_FIELDS: usize = 2_000;

/// The keys at the top of a configuration.
pub(crate) const TOP_KEYS: &[&str] =
    &["name", "direction", "region", "regions", "time_zone", "numbers", "fields", "skip"];

pub(crate) const DIRECTIONS: Words<Direction> = &[("inbound", Direction::Inbound), ("outbound", Direction::Outbound)];

/// What holds for all fields that don't say otherwise.
pub(crate) struct Defaults {
    pub(crate) region: Option<Region>,
    pub(crate) regions: Regions,
    pub(crate) zone: Option<TimeZone>,
    pub(crate) style: Style,
}

/// A configuration as far as it could be read; what could not stands among the mistakes.
pub(crate) struct Config<'t> {
    pub(crate) fields: Vec<Field<'t>>,
    pub(crate) skips: Vec<Skip<'t>>,
}

/// The document as TOML, with syntax errors noted.
pub(crate) fn parse<'t>(text: &'t str, mistakes: &Mistakes) -> Option<Spanned<DeTable<'t>>> {
    if text.len() > MOST_BYTES {
        mistakes.note(0..0, "", format!("the configuration is larger than {MOST_BYTES} bytes"), None);
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        mistakes.note(error.span().unwrap_or(0..0), "", format!("this is not TOML: {}", error.message()), None);
    }
    Some(table)
}

impl<'t> Config<'t> {
    pub(crate) fn read(document: &'t Spanned<DeTable<'t>>, direction: Direction, mistakes: &'t Mistakes) -> Self {
        let top = Table { table: document.get_ref(), span: 0..0, path: String::new(), mistakes };
        top.only(TOP_KEYS);
        top.text("name");
        check_direction(&top, direction);
        let defaults = Defaults {
            region: read_region(&top, "region"),
            regions: read_regions(&top),
            zone: read_zone(&top),
            style: top.word("numbers", STYLES).unwrap_or(PLAIN),
        };
        Self { fields: read_fields(&top, direction, &defaults), skips: skip::read(&top, &defaults) }
    }

    /// The input columns, each once, in the order in which they are first named.
    pub(crate) fn columns(&self) -> Vec<String> {
        let skips = self.skips.iter().flat_map(Skip::columns);
        let fields = self.fields.iter().flat_map(Field::columns);
        let mut seen = std::collections::HashSet::new();
        fields.chain(skips).filter(|name| seen.insert(*name)).map(str::to_owned).collect()
    }
}

fn check_direction(top: &Table<'_>, direction: Direction) {
    if let Some(wanted) = top.word("direction", DIRECTIONS)
        && wanted != direction
    {
        let (is, used) = match wanted {
            Direction::Inbound => ("inbound", "outbound"),
            Direction::Outbound => ("outbound", "inbound"),
        };
        let message = format!("this mapping is {is}, and it is used {used}");
        top.wrong("direction", message, Some(format!("choose an {used} mapping for this way of the sync")));
    }
}

fn read_fields<'t>(top: &Table<'t>, direction: Direction, defaults: &Defaults) -> Vec<Field<'t>> {
    let hint = "describe at least one field, as in `[fields.email]` with `from = \"email\"`";
    // What could not be read may hold them.
    if !top.has("fields") && top.mistakes.is_empty() {
        top.lacks("the mapping has no `fields`", Some(hint.to_owned()));
    }
    let Some(fields) = top.table("fields") else {
        return Vec::new();
    };
    if fields.table.is_empty() {
        top.misplaced("fields", "the mapping has no fields", Some(hint.to_owned()));
    }
    if fields.table.len() > MOST_FIELDS {
        top.misplaced("fields", format!("the mapping has more than {MOST_FIELDS} fields"), None);
        return Vec::new();
    }
    let all = in_order(fields.table).map(|(name, node)| match node.get_ref() {
        DeValue::Table(_) => fields.table(name).map(|table| Field::read(name, table, direction, defaults)),
        // `email = "mail"` is short for `email = { from = "mail" }`.
        DeValue::String(from) => Some(Field::renamed(name, from, &fields, direction, defaults)),
        _ => {
            let message = format!("`{name}` must be a table, or the name of the column that it is taken from");
            fields.wrong(name, message, None);
            None
        }
    });
    all.flatten().collect()
}
