//! Association types: the numbers by which HubSpot says how two records are linked.

/// A type of association. User-defined ones are labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkType {
    pub(crate) user_defined: bool,
    pub(crate) id: u32,
}

impl LinkType {
    pub(crate) fn hubspot(id: u32) -> Self {
        Self { user_defined: false, id }
    }

    pub(crate) fn category(self) -> &'static str {
        if self.user_defined { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
    }
}

/// from, to, type, inverse type; the unlabelled types that a plain link has.
const DEFAULTS: [(&str, &str, u32, u32); 24] = [
    ("0-1", "0-2", 279, 280),
    ("0-3", "0-1", 3, 4),
    ("0-3", "0-2", 341, 342),
    ("0-5", "0-1", 16, 15),
    ("0-5", "0-2", 339, 340),
    ("0-5", "0-3", 28, 27),
    ("0-48", "0-1", 194, 193),
    ("0-48", "0-2", 182, 181),
    ("0-48", "0-3", 206, 205),
    ("0-48", "0-5", 220, 219),
    ("0-47", "0-1", 200, 199),
    ("0-47", "0-2", 188, 187),
    ("0-47", "0-3", 212, 211),
    ("0-47", "0-5", 226, 225),
    ("0-46", "0-1", 202, 201),
    ("0-46", "0-2", 190, 189),
    ("0-46", "0-3", 214, 213),
    ("0-46", "0-5", 228, 227),
    ("0-27", "0-1", 204, 203),
    ("0-27", "0-2", 192, 191),
    ("0-27", "0-3", 216, 215),
    ("0-27", "0-5", 230, 229),
    ("0-1", "0-1", 449, 449),
    ("0-2", "0-2", 450, 450),
];

/// The types that mark the one primary company.
const PRIMARIES: [(&str, &str, u32, u32); 3] = [("0-1", "0-2", 1, 2), ("0-3", "0-2", 5, 6), ("0-5", "0-2", 26, 25)];

fn find(types: &[(&str, &str, u32, u32)], from: &str, to: &str) -> Option<(u32, u32)> {
    types.iter().find_map(|(one, other, id, inverse)| match (from, to) {
        _ if (*one, *other) == (from, to) => Some((*id, *inverse)),
        _ if (*other, *one) == (from, to) => Some((*inverse, *id)),
        _ => None,
    })
}

/// The type of a plain link and its inverse, by object type ids. Links with custom objects get numbers of their own.
pub(crate) fn plain(from: &str, to: &str) -> (LinkType, LinkType) {
    if let Some((id, inverse)) = find(&DEFAULTS, from, to) {
        return (LinkType::hubspot(id), LinkType::hubspot(inverse));
    }
    let number = |one: &str, other: &str| {
        let hash = one.bytes().chain(other.bytes()).fold(0_u64, |hash, byte| crate::sim::mix(hash, u64::from(byte)));
        LinkType { user_defined: true, id: 10_000 + u32::try_from(hash % 80_000).unwrap_or(0) }
    };
    (number(from, to), number(to, from))
}

/// The type of a primary link and its inverse, where the two objects know one.
pub(crate) fn primary(from: &str, to: &str) -> Option<(LinkType, LinkType)> {
    find(&PRIMARIES, from, to).map(|(id, inverse)| (LinkType::hubspot(id), LinkType::hubspot(inverse)))
}
