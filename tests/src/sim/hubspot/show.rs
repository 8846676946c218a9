//! Records as JSON, written straight from the record: a list page of a hundred is made in well under a millisecond.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::kinds::Kind;
use super::record::View;
use crate::sim::stamp;

/// Which properties are shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    names: Vec<String>,
    history: Vec<String>,
    /// A deleted or merged id was asked: shown under its new one.
    pub(crate) url: bool,
}

impl Selection {
    /// The asked properties that exist, or the kind's default ones; the id and both stamps always.
    pub(crate) fn new(kind: &Kind, catalog: &Catalog, asked: &[String], history: &[String]) -> Self {
        let mut names =
            vec!["hs_object_id".to_owned(), kind.created_property.to_owned(), kind.modified_property.to_owned()];
        if asked.is_empty() {
            names.extend(kind.default_properties.iter().cloned());
        }
        let exists = |name: &&String| catalog.get(*name).is_some_and(|property| !property.archived);
        names.extend(asked.iter().chain(history).filter(exists).cloned());
        names.sort_unstable();
        names.dedup();
        Self { names, history: history.iter().filter(exists).cloned().collect(), url: true }
    }
}

/// A record on its way out.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) view: View<'a>,
    pub(crate) selection: &'a Selection,
    pub(crate) associations: Option<Map<String, Value>>,
    /// Of an upsert: whether the record was created.
    pub(crate) new: Option<bool>,
    pub(crate) trace_id: Option<String>,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(view: View<'a>, selection: &'a Selection) -> Self {
        Self { view, selection, associations: None, new: None, trace_id: None }
    }
}

struct Properties<'a>(View<'a>, &'a Selection);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.names.len()))?;
        for name in &self.1.names {
            map.serialize_entry(name, &self.0.get(name))?;
        }
        map.end()
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (view, archived_ms) = (self.view, self.view.archived_ms());
        let mut body = serializer.serialize_struct("Record", 9)?;
        body.serialize_field("id", &view.id().to_string())?;
        body.serialize_field("properties", &Properties(view, self.selection))?;
        if !self.selection.history.is_empty() {
            body.serialize_field("propertiesWithHistory", &history(view, &self.selection.history))?;
        }
        body.serialize_field("createdAt", &stamp::iso(view.created_ms()))?;
        body.serialize_field("updatedAt", &stamp::iso(view.updated_ms()))?;
        body.serialize_field("archived", &archived_ms.is_some())?;
        if let Some(ms) = archived_ms {
            body.serialize_field("archivedAt", &stamp::iso(ms))?;
        }
        if self.selection.url {
            body.serialize_field("url", &url(view))?;
        }
        if let Some(associations) = &self.associations {
            body.serialize_field("associations", associations)?;
        }
        if let Some(new) = self.new {
            body.serialize_field("new", &new)?;
        }
        if let Some(trace_id) = &self.trace_id {
            body.serialize_field("objectWriteTraceId", trace_id)?;
        }
        body.end()
    }
}

fn url(view: View<'_>) -> String {
    format!(
        "https://app.hubspot.com/contacts/{}/record/{}/{}",
        super::account::PORTAL_ID,
        view.kind().type_id,
        view.id()
    )
}

fn history(view: View<'_>, names: &[String]) -> Map<String, Value> {
    let versions = |name: &String| {
        let versions = view.history(name).into_iter();
        versions
            .map(|version| {
                json!({"value": version.value, "timestamp": stamp::iso(version.at_ms), "sourceType": version.source,
                    "sourceId": "62515", "sourceLabel": version.source, "updatedByUserId": 500})
            })
            .collect()
    };
    names.iter().map(|name| (name.clone(), versions(name))).collect()
}
