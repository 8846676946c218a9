//! Finds the contact that a record stands for. Never guesses: what is ambiguous is held for a person.

use crate::model::contact::{AttributeName, Contact, Source};
use crate::model::id::SyncId;
use crate::model::sync::MatchKey;
use crate::model::value::Value;
use crate::store::{LookupHash, LookupKey, StoreError, Workspace};

use super::overlay::Overlay;

/// Contacts that are looked at per key. A value that more of them share, as a switchboard's number or `info@`, tells nobody
/// apart, and reading them all for each row is dearer than everything else that is done for it.
const MOST_SHARING: usize = 10;

/// What is known of a record before it has a contact.
pub(super) struct Candidate<'a> {
    pub(super) sync: &'a SyncId,
    pub(super) source: &'a Source,
    pub(super) record: &'a str,
    pub(super) values: &'a [(AttributeName, Value)],
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// Nobody: a new contact.
    New,
    One(Box<Contact>),
    /// More than one, or one that another record of the same object stands for already.
    Ambiguous {
        by: MatchKey,
        contacts: Vec<Contact>,
    },
}

/// By the match keys, in their order. The contact that has the record's link is found before this is asked.
///
/// A contact that agrees in a later key but differs in an earlier one is somebody else: people share a switchboard's
/// number, not an e-mail address. Of a value that very many share, an earlier key decides alone; where there is none, the
/// record is held.
pub(super) fn find(overlay: &Overlay<'_>, keys: &[MatchKey], candidate: &Candidate<'_>) -> Result<Match, StoreError> {
    for (place, key) in keys.iter().enumerate() {
        let Some(text) = candidate.text(*key) else { continue };
        let wanted = lookup(*key, text);
        let meant = overlay.meant(wanted)?;
        if meant.len() > MOST_SHARING {
            if keys[..place].iter().any(|earlier| candidate.text(*earlier).is_some()) {
                continue;
            }
            let contacts = overlay.those_with(wanted, &meant[..MOST_SHARING])?;
            return Ok(Match::Ambiguous { by: *key, contacts });
        }
        let mut contacts = overlay.those_with(wanted, &meant)?;
        contacts.retain(|contact| !keys[..place].iter().any(|earlier| candidate.differs(*earlier, contact)));
        match contacts.len() {
            0 => {}
            1 if !candidate.is_taken(&contacts[0]) => return Ok(Match::One(Box::new(contacts.remove(0)))),
            _ => return Ok(Match::Ambiguous { by: *key, contacts }),
        }
    }
    Ok(Match::New)
}

pub(super) fn lookup(key: MatchKey, text: &str) -> LookupKey<'_> {
    match key {
        MatchKey::Email => LookupKey::Email(text),
        MatchKey::Phone => LookupKey::Phone(text),
    }
}

/// What a contact can be found by of these keys.
pub(super) fn hashes(
    workspace: &Workspace,
    contact: &Contact,
    wanted: impl Fn(&MatchKey) -> bool,
) -> impl Iterator<Item = LookupHash> {
    let keys = MatchKey::ALL.into_iter().filter(wanted);
    keys.filter_map(|key| Some(workspace.hash(lookup(key, contact.text(key.attribute())?))))
}

impl Candidate<'_> {
    fn text(&self, key: MatchKey) -> Option<&str> {
        self.values.iter().find_map(|(name, value)| match value {
            Value::Text(text) if &**name == key.attribute() => Some(text.as_str()),
            _ => None,
        })
    }

    fn differs(&self, key: MatchKey, contact: &Contact) -> bool {
        matches!((self.text(key), contact.text(key.attribute())), (Some(ours), Some(theirs)) if ours != theirs)
    }

    /// Whether another living record of the same object stands for this contact.
    fn is_taken(&self, contact: &Contact) -> bool {
        contact.links.iter().any(|link| {
            link.gone.is_none()
                && link.record != self.record
                && (&link.sync == self.sync || &link.source == self.source)
        })
    }
}
