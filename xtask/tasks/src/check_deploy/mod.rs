//! Validation of `deploy/` against the schemas of the platforms, in which a misspelt field is an error, and of
//! the Dockerfile with a linter.

mod cloud_run;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;

use crate::project;
use crate::python::{Wheel, install_wheel};

/// Checks all manifests and the Dockerfile.
pub fn run() -> Result<()> {
    let pins: BTreeMap<String, Wheel> = toml::from_str(include_str!("pins.toml"))?;
    let mut wheels = BTreeMap::new();
    for (name, pin) in &pins {
        wheels.insert(name.as_str(), install_wheel(pin)?);
    }
    let manifests = manifests()?;
    let mut problems = Vec::new();
    for path in &manifests {
        let text = fs::read_to_string(path)?;
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).with_context(|| format!("in {}", path.display()))?;
        for document in documents {
            let found = check(path, &document, &wheels)
                .with_context(|| format!("in {}", path.display()))?;
            problems.extend(
                found
                    .iter()
                    .map(|problem| format!("{}: {problem}", path.display())),
            );
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    lint_dockerfile(&wheels["dockerfile"])?;
    println!(
        "{} manifests and the Dockerfile are well-formed.",
        manifests.len()
    );
    Ok(())
}

fn manifests() -> Result<Vec<PathBuf>> {
    let pattern = project::root().join("deploy/**/*.yaml");
    let found: Vec<_> = glob::glob(&pattern.to_string_lossy())?.collect::<Result<_, _>>()?;
    ensure!(!found.is_empty(), "there is nothing in deploy/");
    Ok(found)
}

/// Returns the problems of one document in the file at `path`.
fn check(path: &Path, document: &Value, wheels: &BTreeMap<&str, PathBuf>) -> Result<Vec<String>> {
    let text = |key: &str| document[key].as_str();
    if path.file_name().is_some_and(|name| name == "compose.yaml") {
        let schemas = wheels["compose"].join("check_jsonschema/builtin_schemas/vendor");
        return problems(&schemas.join("compose-spec.json"), document);
    }
    match (text("apiVersion"), text("kind")) {
        (Some("serving.knative.dev/v1"), Some("Service")) => {
            cloud_run::problems(&wheels["cloud_run"], document)
        }
        (Some(version), Some(kind)) => {
            let schemas = wheels["kubernetes"].join("kubernetes_validate/kubernetes-json-schema");
            problems(
                &schemas
                    .join("v1.37.0-local-strict")
                    .join(schema_name(version, kind)),
                document,
            )
        }
        _ => bail!("it has neither an apiVersion nor a kind, and is not called compose.yaml"),
    }
}

/// Returns the name of the schema of a Kubernetes kind: `apps/v1`, `Deployment` is `deployment-apps-v1.json`.
fn schema_name(api_version: &str, kind: &str) -> String {
    let kind = kind.to_lowercase();
    match api_version.split_once('/') {
        Some((group, version)) => {
            let group = group.split('.').next().unwrap_or(group);
            format!("{kind}-{group}-{version}.json")
        }
        None => format!("{kind}-{api_version}.json"),
    }
}

fn problems(schema: &Path, document: &Value) -> Result<Vec<String>> {
    let beside = Beside(
        schema
            .parent()
            .context("a file has a directory")?
            .to_owned(),
    );
    let schema = read(schema)?;
    let validator = jsonschema::options()
        .with_retriever(beside)
        .build(&schema)?;
    Ok(broken_rules(&validator, document))
}

/// Resolves references between schemas to files in one directory, whatever their address is.
struct Beside(PathBuf);

impl Retrieve for Beside {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let (_, name) = uri.path().as_str().rsplit_once('/').ok_or("no path")?;
        Ok(read(&self.0.join(name))?)
    }
}

fn read(schema: &Path) -> Result<Value> {
    let text =
        fs::read(schema).with_context(|| format!("there is no schema {}", schema.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

fn broken_rules(validator: &Validator, document: &Value) -> Vec<String> {
    let errors = validator.iter_errors(document);
    errors
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect()
}

fn lint_dockerfile(wheel: &Path) -> Result<()> {
    let status = Command::new(wheel.join("bin/hadolint"))
        .arg("Dockerfile")
        .current_dir(project::root())
        .status()
        .context("starting hadolint")?;
    ensure!(
        status.success(),
        "hadolint found problems in the Dockerfile"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_found_by_version_and_kind() {
        let cases = [
            ("v1", "Service", "service-v1.json"),
            ("apps/v1", "Deployment", "deployment-apps-v1.json"),
            (
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "networkpolicy-networking-v1.json",
            ),
        ];
        for (version, kind, file) in cases {
            assert_eq!(schema_name(version, kind), file);
        }
    }
}
