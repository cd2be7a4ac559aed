//! The SBOM in CycloneDX.

use anyhow::{Context, Result, ensure};
use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::bom::Bom;
use cyclonedx_bom::models::component::{Classification, Component, Components, Cpe};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{License, LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::validation::Validate;
use serde_json::Value;

use super::Part;
use crate::project;

/// The references of the image's two files in the SBOM.
const PROGRAM: &str = "python-executor";
const PYTHON: &str = "python.cwasm";

/// Returns the SBOM of `parts` as JSON.
pub fn to_json(parts: &[Part]) -> Result<Vec<u8>> {
    let mut components = vec![python()?];
    for part in parts {
        components.push(component(part)?);
    }
    let bom = Bom {
        // Neither a serial number nor a time: the same sources make the same SBOM.
        serial_number: None,
        metadata: Some(Metadata {
            component: Some(program()),
            ..Metadata::default()
        }),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies(parts)?)),
        ..Bom::default()
    };
    let validation = bom.validate();
    ensure!(validation.passed(), "the SBOM is not valid: {validation:?}");
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json)?;
    json.push(b'\n');
    Ok(json)
}

fn program() -> Component {
    let version = env!("CARGO_PKG_VERSION");
    let mut program = Component::new(
        Classification::Application,
        PROGRAM,
        version,
        Some(PROGRAM.into()),
    );
    program.licenses = Some(licenses("MIT"));
    program
}

/// Returns the interpreter's machine code, as described by `wasm/python.manifest.json`.
fn python() -> Result<Component> {
    let manifest = std::fs::read(project::wasm().join("python.manifest.json"))
        .context("reading wasm/python.manifest.json")?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .context("wasm/python.manifest.json is incomplete")
    };
    let version = text(&manifest["python"])?;
    let mut file = Component::new(Classification::File, PYTHON, &version, Some(PYTHON.into()));
    file.hashes = Some(Hashes(vec![Hash {
        alg: HashAlgorithm::SHA_256,
        content: HashValue(text(&manifest["outputs"][PYTHON])?),
    }]));
    Ok(file)
}

/// Returns the package URL of a part, which is also its reference in the SBOM.
fn purl(kind: &str, name: &str, version: &str) -> Result<Purl> {
    Purl::new(kind, name, version).with_context(|| format!("{name} {version} has no package URL"))
}

fn component(part: &Part) -> Result<Component> {
    let purl = purl(part.kind, &part.name, &part.version)?;
    let mut component = Component::new(
        Classification::Library,
        &part.name,
        &part.version,
        Some(purl.to_string()),
    );
    component.purl = Some(purl);
    component.cpe = part.cpe.as_deref().map(Cpe::new);
    component.licenses = Some(licenses(&part.license));
    Ok(component)
}

fn licenses(license: &str) -> Licenses {
    let expression = spdx::Expression::canonicalize(license).ok().flatten();
    let expression = expression.unwrap_or_else(|| license.to_owned());
    let choice = match spdx::Expression::parse(&expression) {
        Ok(_) => LicenseChoice::expression(&expression),
        Err(_) => LicenseChoice::License(License::named_license(license)),
    };
    Licenses(vec![choice])
}

fn dependencies(parts: &[Part]) -> Result<Vec<Dependency>> {
    let mut dependencies = Vec::new();
    for (file, in_python) in [(PROGRAM, false), (PYTHON, true)] {
        let inside = parts.iter().filter(|part| part.in_python == in_python);
        let inside = inside.map(|part| purl(part.kind, &part.name, &part.version));
        dependencies.push(dependency(file.into(), inside)?);
    }
    for part in parts {
        let needs = part
            .needs
            .iter()
            .map(|(name, version)| purl(part.kind, name, version));
        let part = purl(part.kind, &part.name, &part.version)?;
        dependencies.push(dependency(part.to_string(), needs)?);
    }
    Ok(dependencies)
}

fn dependency(of: String, on: impl Iterator<Item = Result<Purl>>) -> Result<Dependency> {
    Ok(Dependency {
        dependency_ref: of,
        dependencies: on
            .map(|purl| Ok(purl?.to_string()))
            .collect::<Result<_>>()?,
    })
}
