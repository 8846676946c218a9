//! What the org has: objects and fields as the user may see them.

use serde_json::{Value, json};

use super::org::{At, Org};
use super::schema::{Field, FieldType};

/// An object without its fields; `base` is `/services/data/vXX.0`.
pub(crate) fn summary(org: &Org, at: At, base: &str) -> Value {
    let kind = org.kind(at);
    let path = format!("{base}/sobjects/{}", kind.name);
    json!({
        "name": kind.name, "label": kind.label, "labelPlural": kind.plural, "custom": kind.is_custom(),
        "keyPrefix": String::from_utf8_lossy(&kind.prefix), "createable": kind.writable, "updateable": kind.writable,
        "deletable": kind.writable, "undeletable": kind.writable, "mergeable": kind.mergeable, "queryable": true,
        "retrieveable": true, "replicateable": true, "searchable": true, "triggerable": kind.writable, "layoutable": true,
        "activateable": false, "customSetting": false, "deprecatedAndHidden": false, "feedEnabled": false,
        "hasSubtypes": false, "isSubtype": false, "mruEnabled": true,
        "urls": {"sobject": path, "describe": format!("{path}/describe"), "rowTemplate": format!("{path}/{{ID}}")},
    })
}

/// An object with its fields, those hidden by field-level security left out.
pub(crate) fn object(org: &Org, at: At, base: &str) -> Value {
    let kind = org.kind(at);
    let fields = kind.fields.iter().enumerate().filter(|(place, _)| org.is_visible(at, *place));
    let fields: Vec<Value> = fields.map(|(place, one)| field(org, at, place, one)).collect();
    let mut body = summary(org, at, base);
    body["fields"] = fields.into();
    body["childRelationships"] = children(org, at).into();
    body["recordTypeInfos"] = json!([{"active": true, "available": true, "defaultRecordTypeMapping": true, "master": true,
        "name": "Master", "developerName": "Master", "recordTypeId": "012000000000000AAA", "urls": {}}]);
    body["actionOverrides"] = json!([]);
    body["namedLayoutInfos"] = json!([]);
    body["supportedScopes"] = json!([{"label": format!("All {}", kind.plural), "name": "everything"}]);
    body
}

fn field(org: &Org, at: At, place: usize, field: &Field) -> Value {
    let editable = org.is_editable(at, place);
    let choices = field.choices.iter().map(|choice| {
        let default = field.default.as_text() == Some(choice);
        json!({"active": true, "defaultValue": default, "label": choice, "validFor": null, "value": choice})
    });
    let numeric = matches!(field.kind, FieldType::Double | FieldType::Currency | FieldType::Percent);
    let mut body = json!({
        "name": field.name, "label": field.label, "type": field.kind.name(), "soapType": field.kind.soap_name(),
        "length": field.length, "byteLength": field.length * 3, "digits": if field.kind == FieldType::Int { 8 } else { 0 },
        "precision": if numeric { 18 } else { 0 }, "scale": if numeric { 2 } else { 0 },
        "nillable": field.nillable, "defaultedOnCreate": field.has_default(), "createable": field.createable && editable,
        "updateable": field.updateable && editable, "filterable": field.is_filterable(), "sortable": field.is_filterable(),
        "groupable": field.is_filterable(), "aggregatable": true, "unique": field.unique, "externalId": field.external_id,
        "idLookup": field.is_key() || (field.kind == FieldType::Email && field.name == "Email"), "calculated": field.is_formula(),
        "calculatedFormula": if field.is_formula() { json!("TEXT(Account.Industry)") } else { Value::Null },
        "autoNumber": false, "custom": field.is_custom(), "picklistValues": choices.collect::<Vec<_>>(),
        "restrictedPicklist": field.restricted, "dependentPicklist": false, "controllerName": null, "referenceTo": field.reference_to,
        "relationshipName": field.relationship, "relationshipOrder": null, "polymorphicForeignKey": field.reference_to.len() > 1,
        "compoundFieldName": field.compound, "encrypted": false, "caseSensitive": false, "nameField": field.name == "Name",
        "namePointing": field.reference_to.len() > 1, "htmlFormatted": false, "permissionable": field.nillable,
        "defaultValue": field.default,
    });
    if let (Some(body), Value::Object(rest)) = (body.as_object_mut(), unused()) {
        body.extend(rest);
    }
    body
}

/// Members of a field that say the same of all fields here.
fn unused() -> Value {
    json!({
        "deprecatedAndHidden": false, "defaultValueFormula": null, "inlineHelpText": null,
        "extraTypeInfo": null, "mask": null, "maskType": null, "cascadeDelete": false, "restrictedDelete": false,
        "displayLocationInDecimal": false, "highScaleNumber": false, "queryByDistance": false, "searchPrefilterable": false,
        "writeRequiresMasterRead": false, "formulaTreatNullNumberAsZero": false, "aiPredictionField": false,
    })
}

fn children(org: &Org, at: At) -> Vec<Value> {
    let own = &org.kind(at).name;
    let of = |child: At| {
        let kind = org.kind(child);
        let fields = kind.fields.iter().filter(move |field| field.reference_to.contains(own));
        fields.map(move |field| {
            json!({"childSObject": kind.name, "field": field.name, "relationshipName": null, "cascadeDelete": false,
                "restrictedDelete": false, "deprecatedAndHidden": false, "junctionIdListNames": [], "junctionReferenceTo": []})
        })
    };
    (0..org.objects.len()).flat_map(of).collect()
}
