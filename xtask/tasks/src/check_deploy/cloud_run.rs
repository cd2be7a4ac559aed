//! Cloud Run's manifests: a subset of Knative's format with annotations of its own, as listed in Google's
//! description of the API.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::broken_rules;

/// The path of the description in the package.
const DESCRIPTION: &str = "googleapiclient/discovery_cache/documents/run.v1.json";

/// Returns the problems of a service's manifest.
pub fn problems(wheel: &Path, document: &Value) -> Result<Vec<String>> {
    let path = wheel.join(DESCRIPTION);
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let api: Value = serde_json::from_slice(&text)?;
    let schema = json!({ "$ref": "#/definitions/Service", "definitions": schema(&api["schemas"]) });
    let mut problems = broken_rules(&jsonschema::draft7::new(&schema)?, document);
    problems.extend(unknown_annotations(&api, document)?);
    Ok(problems)
}

/// Converts Google's dialect to JSON Schema: references by path, and no unlisted fields.
fn schema(google: &Value) -> Value {
    let Value::Object(fields) = google else {
        return google.clone();
    };
    let mut standard = Map::new();
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("$ref", Value::String(name)) => {
                standard.insert(key.clone(), format!("#/definitions/{name}").into());
            }
            ("properties", Value::Object(properties)) => {
                let properties = properties
                    .iter()
                    .map(|(name, value)| (name.clone(), schema(value)));
                standard.insert(key.clone(), Value::Object(properties.collect()));
                standard.insert("additionalProperties".into(), false.into());
            }
            ("type", Value::String(any)) if any == "any" => {}
            ("type" | "enum" | "pattern", _) => {
                standard.insert(key.clone(), value.clone());
            }
            (_, Value::Object(_)) => {
                standard.insert(key.clone(), schema(value));
            }
            _ => {}
        }
    }
    Value::Object(standard)
}

/// Returns the annotations that are not in the description, which Cloud Run rejects.
fn unknown_annotations(api: &Value, document: &Value) -> Result<Vec<String>> {
    let known = &api["schemas"]["ObjectMeta"]["properties"]["annotations"]["description"];
    let known = known.as_str().context("annotations are not described")?;
    let given = [
        "/metadata/annotations",
        "/spec/template/metadata/annotations",
    ];
    let given = given
        .iter()
        .filter_map(|place| document.pointer(place)?.as_object());
    let unknown = given
        .flat_map(Map::keys)
        .filter(|name| !known.contains(&format!("`{name}`")));
    Ok(unknown
        .map(|name| format!("Cloud Run knows no annotation {name}"))
        .collect())
}
