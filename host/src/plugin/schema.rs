//! Whether a settings schema can be used without harm: it comes with a package, and one that refers to itself, unfolds without
//! end or holds monstrous patterns would keep the host busy for ever.

use jsonschema::PatternOptions;
use serde_json::Value as Json;

/// How deep it may nest, what it refers to included. Settings are a form, and forms have a bottom.
const MOST_DEPTH: u32 = 64;

/// Places that it may have once everything that it refers to is written out. The field mapper's has 1,100.
const MOST_PLACES: u32 = 20_000;

/// Patterns that it may hold, and what one of them may take when it is compiled.
const MOST_PATTERNS: u32 = 64;
const PATTERN_BYTES: usize = 1 << 20;

/// The drafts whose words for references are those that are looked at here.
const DRAFTS: [&str; 4] = ["draft-06", "draft-07", "2019-09", "2020-12"];

/// Whether the text is a schema that ends; an error says what it is instead.
pub(super) fn check(text: &str) -> Result<(), String> {
    let schema: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !schema.is_object() {
        return Err("it is not a JSON object".to_owned());
    }
    if let Some(draft) = schema.get("$schema").and_then(Json::as_str)
        && !DRAFTS.iter().any(|known| draft.contains(known))
    {
        return Err(format!("it is of another draft than {}", DRAFTS.join(", ")));
    }
    Unfolding { root: &schema, places: 0, patterns: 0 }.walk(&schema, MOST_DEPTH)?;
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES);
    let built = jsonschema::options().with_pattern_options(patterns).build(&schema);
    built.map(|_| ()).map_err(|error| error.to_string())
}

struct Unfolding<'a> {
    root: &'a Json,
    places: u32,
    patterns: u32,
}

impl<'a> Unfolding<'a> {
    fn walk(&mut self, node: &'a Json, depth: u32) -> Result<(), String> {
        let Some(below) = depth.checked_sub(1) else {
            return Err(format!("it nests more than {MOST_DEPTH} deep, or refers to itself"));
        };
        self.places += 1;
        if self.places > MOST_PLACES {
            return Err(format!("written out, it has more than {MOST_PLACES} places"));
        }
        match node {
            Json::Object(words) => words.iter().try_for_each(|(word, value)| self.word(node, word, value, below)),
            Json::Array(items) => items.iter().try_for_each(|item| self.walk(item, below)),
            _ => Ok(()),
        }
    }

    fn word(&mut self, node: &'a Json, word: &str, value: &'a Json, below: u32) -> Result<(), String> {
        match (word, value) {
            ("$ref", Json::String(place)) => {
                let target = self.target(place)?;
                self.walk(target, below)
            }
            ("$dynamicRef" | "$recursiveRef", Json::String(_)) => Err(format!("it uses `{word}`")),
            // A name of its own would give references below it another meaning.
            ("$id", Json::String(_)) if !std::ptr::eq(node, self.root) => Err("a part of it has an `$id`".to_owned()),
            ("pattern", Json::String(_)) => self.patterns(1),
            ("patternProperties", Json::Object(patterns)) => {
                self.patterns(u32::try_from(patterns.len()).unwrap_or(u32::MAX))?;
                self.walk(value, below)
            }
            _ => self.walk(value, below),
        }
    }

    /// What a reference within the schema leads to.
    fn target(&self, place: &str) -> Result<&'a Json, String> {
        let pointer = place.strip_prefix('#').filter(|pointer| !pointer.contains('%'));
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        target.ok_or_else(|| "it refers to something that is not in it by `#` or `#/..`".to_owned())
    }

    fn patterns(&mut self, more: u32) -> Result<(), String> {
        self.patterns = self.patterns.saturating_add(more);
        if self.patterns > MOST_PATTERNS {
            return Err(format!("written out, it has more than {MOST_PATTERNS} patterns"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_of_forms_are_taken() {
        for good in [
            json!({}),
            json!({ "$id": "https://x.example/s", "type": "object", "properties": { "a": { "type": "string" } } }),
            json!({ "properties": { "a": { "$ref": "#/$defs/t" }, "b": { "$ref": "#/$defs/t" } }, "$defs": { "t": {} } }),
            json!({ "properties": { "$ref": { "type": "string", "pattern": "^[a-z]{1,20}$" } } }),
        ] {
            assert_eq!(check(&good.to_string()), Ok(()), "{good}");
        }
    }

    #[test]
    fn whatever_would_not_end_is_refused() {
        let mut laughs = json!({ "allOf": [{ "$ref": "#/$defs/t0" }], "$defs": {} });
        for number in 0..18 {
            let next = json!({ "$ref": format!("#/$defs/t{}", number + 1) });
            laughs["$defs"][format!("t{number}")] = json!({ "allOf": [next, next] });
        }
        laughs["$defs"]["t18"] = json!({});
        let many: serde_json::Map<String, Json> =
            (0..100).map(|number| (format!("p{number}"), json!({ "pattern": "^a$" }))).collect();
        for (bad, why) in [
            (json!({ "$ref": "#" }), "refers to itself"),
            (json!({ "allOf": [{ "$ref": "#" }] }), "refers to itself"),
            (json!({ "properties": { "a": { "items": { "$ref": "#" } } } }), "refers to itself"),
            (
                json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "not": { "$ref": "#/$defs/a" } } } }),
                "refers to itself",
            ),
            (laughs, "places"),
            (json!({ "$dynamicRef": "#x" }), "`$dynamicRef`"),
            (json!({ "properties": { "a": { "$id": "b", "$ref": "#/c" } } }), "`$id`"),
            (json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" }), "not in it"),
            (json!({ "$ref": "file:///etc/passwd" }), "not in it"),
            (json!({ "$ref": "#anchor", "$defs": { "a": { "$anchor": "anchor" } } }), "not in it"),
            (json!({ "$schema": "http://json-schema.org/draft-04/schema#" }), "draft"),
            (json!({ "properties": many }), "patterns"),
            (json!({ "pattern": "(((a{100}){100}){100}){100}" }), "not a \"regex\""),
        ] {
            let told = check(&bad.to_string()).unwrap_err();
            assert!(told.contains(why), "{bad}: {told}");
        }
    }
}
