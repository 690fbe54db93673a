//! The image-to-be as CycloneDX 1.6 (ECMA-424): its parts with who answers for each, and which needs
//! which.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bom::{self, Kind, Part, parts, remarks};
use super::words::is_found;
use super::{Format, Style};
use crate::fact::name_of;
use crate::report::Report;

pub(super) const FORMAT: Format = Format {
    name: "cyclonedx",
    ending: "cdx.json",
    about: "CycloneDX 1.6: the parts of the image",
    render,
};

/// What stands for the application in the references.
const ROOT: &str = "application";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: [Composition; 1],
}

#[derive(Serialize)]
struct Metadata {
    tools: Tools,
    component: Component,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Tools {
    components: [Tool; 1],
}

#[derive(Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

#[derive(Serialize)]
struct Evidence {
    occurrences: [Occurrence; 1],
}

#[derive(Serialize)]
struct Occurrence {
    location: String,
}

#[derive(Serialize)]
struct Property {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
    assemblies: [&'static str; 1],
}

fn render(report: &Report, _: &Style) -> String {
    let parts = parts(report);
    let bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!("urn:uuid:{}", bom::uuid(report)),
        version: 1,
        metadata: metadata(report),
        components: parts.iter().enumerate().map(component).collect(),
        dependencies: dependencies(&parts),
        compositions: [Composition {
            aggregate: aggregate(report, &parts),
            assemblies: [ROOT],
        }],
    };
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&bom).unwrap_or_default();
    text.push('\n');
    text
}

/// Whether these are all parts: never, by a report alone, but it is known when some are not there.
fn aggregate(report: &Report, parts: &[Part<'_>]) -> &'static str {
    let lost = |part: &Part<'_>| part.status.is_some_and(|status| !is_found(status));
    if report.coverage.counts.is_empty() && !parts.iter().any(lost) {
        "unknown"
    } else {
        "incomplete"
    }
}

fn metadata(report: &Report) -> Metadata {
    let target = &report.target;
    let mut properties = vec![property("answer", name_of(report.verdict.answer))];
    properties.extend(target.system.clone().map(|name| property("system", name)));
    for path in &target.scope {
        properties.push(property("scope", path.to_string()));
    }
    for base in &report.bases {
        let value = format!("{}: {}", base.image, name_of(base.verdict));
        properties.push(property("base-image", value));
    }
    for (kind, number) in &report.coverage.counts {
        properties.push(property("not-seen", format!("{kind}: {number}")));
    }
    Metadata {
        tools: Tools {
            components: [Tool {
                kind: "application",
                name: report.tool.name.clone(),
                version: report.tool.version.clone(),
            }],
        },
        component: Component {
            kind: "application",
            reference: ROOT.to_owned(),
            name: bom::name(report),
            version: None,
            scope: None,
            purl: None,
            properties: Vec::new(),
            evidence: None,
        },
        properties,
    }
}

fn property(name: &str, value: String) -> Property {
    Property {
        name: format!("seaworthy:{name}"),
        value,
    }
}

fn component((at, part): (usize, &Part<'_>)) -> Component {
    Component {
        kind: match part.kind {
            // A package of a distribution is no kind of its own there.
            Kind::Package | Kind::Library | Kind::Module => "library",
            Kind::File => "file",
        },
        reference: reference(at),
        name: part.name.clone(),
        version: part.version().map(str::to_owned),
        scope: Some(if part.required {
            "required"
        } else {
            "optional"
        }),
        purl: part.purl().map(str::to_owned),
        properties: remarks(part)
            .into_iter()
            .map(|(name, value)| property(name, value))
            .collect(),
        evidence: part.path.as_ref().map(|path| Evidence {
            occurrences: [Occurrence {
                location: path.to_string(),
            }],
        }),
    }
}

fn reference(at: usize) -> String {
    format!("part-{at}")
}

/// For each part what it needs, the application first.
fn dependencies(parts: &[Part<'_>]) -> Vec<Dependency> {
    let mut needs: BTreeMap<Option<usize>, Vec<String>> = BTreeMap::new();
    needs.insert(None, Vec::new());
    for (at, part) in parts.iter().enumerate() {
        needs.entry(Some(at)).or_default();
        for by in &part.needed_by {
            needs.entry(*by).or_default().push(reference(at));
        }
        // What is from a package is not there without it.
        let package = part.package.and_then(|package| package.part);
        if let Some(package) = package.filter(|package| *package != at) {
            needs.entry(Some(at)).or_default().push(reference(package));
        }
    }
    needs
        .into_iter()
        .map(|(by, depends_on)| Dependency {
            reference: by.map_or_else(|| ROOT.to_owned(), reference),
            depends_on,
        })
        .collect()
}
