//! A connection's settings against the schema in the plugin's manifest: defaults filled in, problems named.

use jsonschema::PatternOptions;
use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::{Map, Value};

use super::error::AppError;
use super::suggest::nearest;
use crate::model::manifest::Manifest;
use crate::model::value::Problem;

/// More problems than these are not read by anyone.
const MOST_PROBLEMS: usize = 20;

/// What one pattern may take when it is compiled: as it was when the package was read.
const PATTERN_BYTES: usize = 1 << 20;

/// A schema comes with a plugin: nesting deeper than this is not filled with defaults.
const MOST_DEPTH: u32 = 16;

/// The settings with the schema's defaults, as JSON; or every problem they have.
///
/// # Errors
/// [`AppError::Settings`] names what is wrong, [`AppError::SettingsSchema`] blames the plugin.
pub fn complete(manifest: &Manifest, given: Value) -> Result<String, AppError> {
    let plugin = &manifest.plugin.id;
    let Some(settings) = &manifest.settings else { return without_schema(manifest, given) };
    let broken = |message: String| AppError::SettingsSchema { plugin: plugin.clone(), message };
    let schema: Value = serde_json::from_str(&settings.schema).map_err(|error| broken(error.to_string()))?;
    // A pattern of a plugin must not be able to backtrack for minutes.
    let validator = jsonschema::options()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .build(&schema)
        .map_err(|error| broken(error.to_string()))?;
    let mut filled = given;
    fill(&schema, &mut filled, MOST_DEPTH);
    let problems: Vec<Problem> =
        validator.iter_errors(&filled).take(MOST_PROBLEMS).map(|error| problem(&error, &schema)).collect();
    if problems.is_empty() {
        Ok(filled.to_string())
    } else {
        Err(AppError::Settings { plugin: plugin.clone(), problems })
    }
}

fn without_schema(manifest: &Manifest, given: Value) -> Result<String, AppError> {
    if given.as_object().is_some_and(Map::is_empty) {
        return Ok(given.to_string());
    }
    let problems = vec![Problem { field: None, message: "this plugin has no settings".to_owned() }];
    Err(AppError::Settings { plugin: manifest.plugin.id.clone(), problems })
}

/// Puts in what the schema's `default`s say, where nothing was given.
fn fill(schema: &Value, value: &mut Value, depth: u32) {
    let (Some(properties), Some(object), Some(deeper)) =
        (schema.get("properties").and_then(Value::as_object), value.as_object_mut(), depth.checked_sub(1))
    else {
        return;
    };
    for (name, schema) in properties {
        if let Some(default) = schema.get("default") {
            object.entry(name.clone()).or_insert_with(|| default.clone());
        }
        if let Some(inner) = object.get_mut(name) {
            fill(schema, inner, deeper);
        }
    }
}

fn problem(error: &ValidationError<'_>, schema: &Value) -> Problem {
    let place = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
    match error.kind() {
        ValidationErrorKind::Required { property } => Problem {
            field: Some(joined(&place, property.as_str().unwrap_or_default())),
            message: "it is required and was not given".to_owned(),
        },
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let name = unexpected.first().map_or("", String::as_str);
            let known = schema.get("properties").and_then(Value::as_object);
            let near = known.and_then(|known| nearest(name, known.keys().map(String::as_str)));
            let message = match near {
                Some(near) => format!("there is no such setting; did you mean `{near}`?"),
                None => "there is no such setting".to_owned(),
            };
            Problem { field: Some(joined(&place, name)), message }
        }
        _ => Problem {
            field: (!place.is_empty()).then_some(place),
            // A setting may be something that is not for everyone's eyes: the value is not repeated.
            message: error.masked_with("the value").to_string(),
        },
    }
}

fn joined(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(schema: Option<Value>) -> Manifest {
        let mut manifest = json!({
            "plugin": { "id": "demo", "name": "Demo", "version": "1.0.0", "kind": "connector", "contract": "0.1.0",
                "publisher": "P", "description": "D", "license": "MIT" }
        });
        if let Some(schema) = schema {
            manifest["settings"] = json!({ "schema": schema.to_string() });
        }
        serde_json::from_value(manifest).unwrap()
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["region"],
            "properties": {
                "region": { "type": "string" },
                "path_style": { "enum": ["classic", "dated"], "default": "classic" },
                "paging": { "type": "object", "default": {}, "properties": { "size": { "type": "integer", "default": 100 } } }
            }
        })
    }

    fn problems(given: Value) -> Vec<(Option<String>, String)> {
        match complete(&manifest(Some(schema())), given) {
            Err(AppError::Settings { problems, .. }) => problems.into_iter().map(|p| (p.field, p.message)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_are_filled_in_at_every_depth() {
        let text = complete(&manifest(Some(schema())), json!({ "region": "eu" })).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!({ "region": "eu", "path_style": "classic", "paging": { "size": 100 } }));
    }

    #[test]
    fn every_problem_is_named_with_its_place() {
        assert_eq!(
            problems(json!({ "path_stile": "classic", "paging": { "size": "many" } })),
            [
                (Some("paging.size".to_owned()), "the value is not of type \"integer\"".to_owned()),
                (Some("path_stile".to_owned()), "there is no such setting; did you mean `path_style`?".to_owned()),
                (Some("region".to_owned()), "it is required and was not given".to_owned()),
            ]
        );
    }

    #[test]
    fn a_wrong_value_is_not_repeated() {
        let found = problems(json!({ "region": "eu", "path_style": "s3cret" }));
        assert_eq!(found[0].0.as_deref(), Some("path_style"));
        assert!(!found[0].1.contains("s3cret"), "{found:?}");
    }

    #[test]
    fn a_plugin_without_a_schema_takes_no_settings() {
        assert_eq!(complete(&manifest(None), json!({})).unwrap(), "{}");
        assert!(complete(&manifest(None), json!({ "a": 1 })).is_err());
    }

    #[test]
    fn a_broken_schema_is_the_plugins_fault() {
        let error = complete(&manifest(Some(json!({ "type": 7 }))), json!({})).unwrap_err();
        assert_eq!(error.code(), "plugin-settings-schema");
    }
}
