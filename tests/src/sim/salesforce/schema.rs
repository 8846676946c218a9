//! What an object and a field are: names, types, limits, and where a field's value comes from. Which ones there are stands
//! in `standard.rs`.

use std::collections::HashMap;

use super::cell::Cell;

/// The types of fields, as describe names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    Id,
    Text,
    TextArea,
    Email,
    Phone,
    Url,
    Picklist,
    MultiPicklist,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Reference,
    Address,
}

impl FieldType {
    /// The name in describe.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Reference => "reference",
            Self::Address => "address",
        }
    }

    /// The XML Schema type in describe.
    pub(crate) fn soap_name(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Address => "urn:address",
            _ => "xsd:string",
        }
    }

    /// Whether its values are texts.
    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text | Self::TextArea | Self::Email | Self::Phone | Self::Url | Self::Picklist | Self::MultiPicklist
        )
    }
}

/// Where a field's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The record's own values, at the field's place.
    Stored,
    Id,
    IsDeleted,
    Master,
    Created,
    CreatedBy,
    Modified,
    ModifiedBy,
    Stamp,
    /// First and last name, joined.
    FullName,
    /// The fields that begin with the same word: street, city, state, postal code, country.
    Address,
    /// Whether the status or stage is a closed one.
    Closed,
    /// Whether the stage is `Closed Won`.
    Won,
    /// A formula: the industry of the record's account. Changes when the account does; no stamp moves.
    AccountIndustry,
    /// How many members of a campaign this field of theirs names a record for; no stamp moves.
    Members(&'static str),
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: FieldType,
    pub(crate) source: Source,
    pub(crate) length: usize,
    pub(crate) nillable: bool,
    pub(crate) createable: bool,
    pub(crate) updateable: bool,
    pub(crate) unique: bool,
    pub(crate) external_id: bool,
    /// The picklist's values.
    pub(crate) choices: Vec<String>,
    /// Whether the picklist takes its own values only.
    pub(crate) restricted: bool,
    /// What a new record has where nothing is said.
    pub(crate) default: Cell,
    /// A default that is not a value: the user who writes, for owners.
    pub(crate) defaulted: bool,
    pub(crate) reference_to: Vec<String>,
    pub(crate) relationship: Option<String>,
    /// The compound field that this is a part of.
    pub(crate) compound: Option<String>,
}

impl Field {
    /// A field of a type that may be empty, written and updated.
    pub(crate) fn new(name: &str, label: &str, kind: FieldType) -> Self {
        let length = match kind {
            FieldType::Id | FieldType::Reference => 18,
            FieldType::Email => 80,
            FieldType::Phone => 40,
            FieldType::Text | FieldType::Url | FieldType::Picklist => 255,
            FieldType::MultiPicklist => 4_099,
            FieldType::TextArea => 32_000,
            _ => 0,
        };
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            source: Source::Stored,
            length,
            nillable: true,
            createable: true,
            updateable: true,
            unique: false,
            external_id: false,
            choices: Vec::new(),
            restricted: false,
            default: Cell::Null,
            defaulted: false,
            reference_to: Vec::new(),
            relationship: None,
            compound: None,
        }
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Whether the value comes from elsewhere than the record's own values.
    pub(crate) fn is_formula(&self) -> bool {
        matches!(self.source, Source::AccountIndustry)
    }

    /// Whether a new record must be given a value.
    pub(crate) fn is_required(&self) -> bool {
        self.createable && !self.nillable && !self.has_default()
    }

    /// `defaultedOnCreate`.
    pub(crate) fn has_default(&self) -> bool {
        self.defaulted || !self.default.is_null() || self.kind == FieldType::Boolean
    }

    /// Long texts and compound values stand in no condition and no order.
    pub(crate) fn is_filterable(&self) -> bool {
        !matches!(self.kind, FieldType::TextArea | FieldType::Address) || self.length.clamp(1, 255) == self.length
    }

    /// Whether `/sobjects/X/{field}/{value}` takes it.
    pub(crate) fn is_key(&self) -> bool {
        self.external_id || self.source == Source::Id
    }

    #[must_use]
    pub(crate) fn length(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    #[must_use]
    pub(crate) fn required(mut self) -> Self {
        self.nillable = false;
        self
    }

    #[must_use]
    pub(crate) fn from(mut self, source: Source) -> Self {
        self.source = source;
        self.read_only()
    }

    #[must_use]
    pub(crate) fn read_only(mut self) -> Self {
        self.createable = false;
        self.updateable = false;
        self
    }

    #[must_use]
    pub(crate) fn create_only(mut self) -> Self {
        self.updateable = false;
        self
    }

    /// An external id: unique, and searched by it.
    #[must_use]
    pub(crate) fn external(mut self) -> Self {
        self.external_id = true;
        self.unique = true;
        self.length(64)
    }

    #[must_use]
    pub(crate) fn choices(mut self, choices: &[&str]) -> Self {
        self.choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        self
    }

    #[must_use]
    pub(crate) fn restricted(mut self) -> Self {
        self.restricted = true;
        self
    }

    #[must_use]
    pub(crate) fn default(mut self, default: Cell) -> Self {
        self.default = default;
        self
    }

    /// The user who writes stands here unless told otherwise.
    #[must_use]
    pub(crate) fn by_writer(mut self) -> Self {
        self.defaulted = true;
        self.required()
    }

    #[must_use]
    pub(crate) fn to(mut self, objects: &[&str], relationship: &str) -> Self {
        self.reference_to = objects.iter().map(|object| (*object).to_owned()).collect();
        self.relationship = Some(relationship.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn part_of(mut self, compound: &str) -> Self {
        self.compound = Some(compound.to_owned());
        self
    }
}

/// An object: its names, its fields, and what may be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) plural: String,
    pub(crate) prefix: [u8; 3],
    pub(crate) fields: Vec<Field>,
    /// Places of the fields by name in lower case.
    places: HashMap<String, usize>,
    pub(crate) writable: bool,
    pub(crate) mergeable: bool,
    /// When the describe last changed, milliseconds since 1970.
    pub(crate) changed_ms: i64,
}

impl Kind {
    pub(crate) fn new(name: &str, label: &str, plural: &str, prefix: &[u8; 3], fields: Vec<Field>) -> Self {
        let mut kind = Self {
            name: name.to_owned(),
            label: label.to_owned(),
            plural: plural.to_owned(),
            prefix: *prefix,
            fields: Vec::new(),
            places: HashMap::new(),
            writable: true,
            mergeable: matches!(name, "Lead" | "Contact" | "Account"),
            changed_ms: 0,
        };
        fields.into_iter().for_each(|field| kind.add(field));
        kind
    }

    /// Adds a field at the end.
    pub(crate) fn add(&mut self, field: Field) {
        self.places.insert(field.name.to_lowercase(), self.fields.len());
        self.fields.push(field);
    }

    /// The place of a field; names are not case-sensitive.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).or_else(|| self.places.get(&name.to_lowercase())).copied()
    }

    /// The place of the reference that a relationship (`Account`, `Who`) stands for.
    pub(crate) fn relation(&self, name: &str) -> Option<usize> {
        let is = |field: &Field| field.relationship.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        self.fields.iter().position(is)
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }
}
