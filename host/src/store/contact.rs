//! Contacts as bytes: one compact document per contact with its links, because keys are dear and bytes are cheap.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::names::{Names, Numbers};
use crate::model::contact::{AttributeName, Contact, Link, Source};
use crate::model::id::{ConnectionId, ContactId, SyncId};
use crate::model::time::Instant;
use crate::model::value::Value;

/// The first byte of every document, to be raised when the form changes.
const FORM: u8 = 2;

/// The form before: its links did not say whether they had left.
const FORMER: u8 = 1;

/// `T` is a text and `V` a value, borrowed when written, owned when read.
#[derive(Serialize, Deserialize)]
struct Stored<V, L> {
    created: Instant,
    changed: Instant,
    attributes: Vec<(u32, V)>,
    links: Vec<L>,
}

#[derive(Serialize, Deserialize)]
struct LeavingLink<T, V> {
    link: StoredLink<T, V>,
    left: Option<Instant>,
}

#[derive(Serialize, Deserialize)]
struct StoredLink<T, V> {
    sync: u32,
    connection: u32,
    object: u32,
    record: T,
    fingerprint: u64,
    modified: Option<Instant>,
    gone: Option<Instant>,
    base: Vec<(u32, V)>,
}

pub(super) fn encode(contact: &Contact, names: &mut Numbers<'_>) -> Result<Vec<u8>, StoreError> {
    let attributes = numbered(&contact.attributes, names)?;
    let mut links = Vec::with_capacity(contact.links.len());
    for link in &contact.links {
        let stored = StoredLink {
            sync: names.number(link.sync.shared())?,
            connection: names.number(link.source.connection.shared())?,
            object: names.number(&link.source.object)?,
            record: link.record.as_str(),
            fingerprint: link.fingerprint,
            modified: link.modified,
            gone: link.gone,
            base: numbered(&link.base, names)?,
        };
        links.push(LeavingLink { link: stored, left: link.left });
    }
    let stored = Stored { created: contact.created, changed: contact.changed, attributes, links };
    let mut bytes = Vec::with_capacity(256);
    bytes.push(FORM);
    postcard::to_extend(&stored, bytes).map_err(|error| StoreError::Encode(error.into()))
}

fn numbered<'a>(
    values: &'a [(AttributeName, Value)],
    names: &mut Numbers<'_>,
) -> Result<Vec<(u32, &'a Value)>, StoreError> {
    values.iter().map(|(name, value)| Ok((names.number(name)?, value))).collect()
}

pub(super) fn decode(id: ContactId, bytes: &[u8], names: &Names) -> Result<Contact, StoreError> {
    const BROKEN: StoreError = StoreError::Corrupt { what: "a contact" };
    let stored: Stored<Value, LeavingLink<String, Value>> = match bytes.split_first() {
        Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(|_| BROKEN)?,
        Some((&FORMER, rest)) => {
            let Stored { created, changed, attributes, links } = postcard::from_bytes(rest).map_err(|_| BROKEN)?;
            let links: Vec<StoredLink<String, Value>> = links;
            let links = links.into_iter().map(|link| LeavingLink { link, left: None }).collect();
            Stored { created, changed, attributes, links }
        }
        _ => return Err(BROKEN),
    };
    let mut links = Vec::with_capacity(stored.links.len());
    for LeavingLink { link, left } in stored.links {
        let sync = SyncId::try_from(names.name(link.sync)?).map_err(|_| BROKEN)?;
        let connection = ConnectionId::try_from(names.name(link.connection)?).map_err(|_| BROKEN)?;
        links.push(Link {
            sync,
            source: Source { connection, object: names.name(link.object)? },
            record: link.record,
            fingerprint: link.fingerprint,
            modified: link.modified,
            gone: link.gone,
            left,
            base: named(link.base, names)?,
        });
    }
    let attributes = named(stored.attributes, names)?;
    Ok(Contact { id, created: stored.created, changed: stored.changed, attributes, links })
}

fn named(values: Vec<(u32, Value)>, names: &Names) -> Result<Vec<(AttributeName, Value)>, StoreError> {
    values.into_iter().map(|(number, value)| Ok((names.name(number)?, value))).collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::Store;

    /// As the version before wrote it, byte for byte: the form; when made and changed; one attribute, by its name's number; one
    /// link, by the numbers of its names, with its record, fingerprint, stamp, end and base.
    const FORMER_BYTES: [u8; 36] = [
        1, 10, 14, // made at 5, changed at 7
        1, 0, 4, 7, b'a', b'@', b'b', b'.', b'o', b'r', b'g', // name 0 is a text of seven bytes
        1, 1, 2, 3, // one link: names 1, 2 and 3
        2, b'4', b'2', // its record
        172, 2, // 300 is its fingerprint
        1, 18, // stamped at 9
        1, 22, // gone at 11
        1, 0, 4, 5, b'b', b'@', b'b', b'.', b'd', // last agreed: another text under name 0
    ];

    #[test]
    fn a_contact_of_the_form_before_is_read_and_leaves_in_this_one() {
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path(), "a test").unwrap();
        let workspace = store.workspace(&"main".parse().unwrap()).unwrap();
        let names = &workspace.names;
        for (number, name) in (0..).zip(["email", "people", "crm", "contacts"]) {
            assert_eq!(names.number(name).unwrap(), number);
        }
        let text = |text: &str| Value::Text(text.to_owned());
        let contact = Contact {
            id: ContactId(3),
            created: Instant(5),
            changed: Instant(7),
            attributes: vec![("email".into(), text("a@b.org"))],
            links: vec![Link {
                sync: "people".parse().unwrap(),
                source: Source { connection: "crm".parse().unwrap(), object: "contacts".into() },
                record: "42".into(),
                fingerprint: 300,
                modified: Some(Instant(9)),
                gone: Some(Instant(11)),
                left: None,
                base: vec![("email".into(), text("b@b.d"))],
            }],
        };
        assert_eq!(decode(ContactId(3), &FORMER_BYTES, names).unwrap(), contact);
        let bytes = encode(&contact, &mut Numbers::of(names)).unwrap();
        assert_eq!((bytes[0], &bytes[1..bytes.len() - 1], bytes.last()), (FORM, &FORMER_BYTES[1..], Some(&0)));
        assert_eq!(decode(ContactId(3), &bytes, names).unwrap(), contact);
        for broken in [&[][..], &[3, 10], &FORMER_BYTES[..20]] {
            assert!(matches!(decode(ContactId(3), broken, names), Err(StoreError::Corrupt { .. })), "{broken:?}");
        }
    }
}
