//! The image-to-be as SPDX 2.3: a package for the application and one for each of its parts, with who
//! answers for it, and which needs which.

use serde::Serialize;

use super::bom::{self, Kind, Part, parts, remarks};
use super::{Format, Style};
use crate::fact::name_of;
use crate::report::Report;

pub(super) const FORMAT: Format = Format {
    name: "spdx",
    ending: "spdx.json",
    about: "SPDX 2.3: the parts of the image",
    render,
};

/// A report has no clock, so that the same report gives the same bytes; the field is mandatory
/// (SPDX 2.3, section 6.9).
const NO_CLOCK: &str = "1970-01-01T00:00:00Z";

/// What stands for the application in the relationships.
const ROOT: &str = "SPDXRef-application";

/// What nobody has looked into (SPDX 2.3, section 7.7).
const NOASSERTION: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    comment: String,
    creation_info: Creation,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct Creation {
    created: &'static str,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    download_location: &'static str,
    files_analyzed: bool,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<Reference>,
    #[serde(skip_serializing_if = "String::is_empty")]
    comment: String,
}

/// What a package is called elsewhere (annex F.3, `purl`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

fn render(report: &Report, _: &Style) -> String {
    let parts = parts(report);
    let mut packages = vec![application(report)];
    packages.extend(parts.iter().enumerate().map(package));
    let document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: "SPDXRef-DOCUMENT",
        name: bom::name(report),
        document_namespace: format!("urn:uuid:{}", bom::uuid(report)),
        comment: comment(report),
        creation_info: Creation {
            created: NO_CLOCK,
            creators: [format!(
                "Tool: {}-{}",
                report.tool.name, report.tool.version
            )],
        },
        packages,
        relationships: relationships(&parts),
    };
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// What else the report says of the whole, and what it does not know.
fn comment(report: &Report) -> String {
    let mut lines = vec![format!(
        "The image as it would be; {}: {}",
        name_of(report.verdict.answer),
        report.verdict.reason
    )];
    for base in &report.bases {
        lines.push(format!(
            "base-image: {}: {}",
            base.image,
            name_of(base.verdict)
        ));
    }
    for (kind, number) in &report.coverage.counts {
        lines.push(format!("not-seen: {kind}: {number}"));
    }
    lines.join("\n")
}

fn application(report: &Report) -> Package {
    let scope: Vec<String> = report
        .target
        .scope
        .iter()
        .map(ToString::to_string)
        .collect();
    Package {
        id: ROOT.to_owned(),
        name: bom::name(report),
        version_info: None,
        package_file_name: None,
        download_location: NOASSERTION,
        files_analyzed: false,
        primary_package_purpose: "APPLICATION",
        external_refs: Vec::new(),
        comment: scope.join("\n"),
    }
}

fn package((at, part): (usize, &Part<'_>)) -> Package {
    let remarks: Vec<String> = remarks(part)
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    Package {
        id: reference(at),
        name: part.name.clone(),
        version_info: part.version().map(str::to_owned),
        package_file_name: part.path.as_ref().map(ToString::to_string),
        download_location: NOASSERTION,
        files_analyzed: false,
        primary_package_purpose: match part.kind {
            Kind::Package => "INSTALL",
            Kind::Library | Kind::Module => "LIBRARY",
            Kind::File => "FILE",
        },
        external_refs: part.purl().map(purl).into_iter().collect(),
        comment: remarks.join("\n"),
    }
}

fn purl(purl: &str) -> Reference {
    Reference {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl",
        reference_locator: purl.to_owned(),
    }
}

fn reference(at: usize) -> String {
    format!("SPDXRef-part-{at}")
}

fn relationships(parts: &[Part<'_>]) -> Vec<Relationship> {
    let relation = |from: &str, kind: &'static str, to: String| Relationship {
        spdx_element_id: from.to_owned(),
        relationship_type: kind,
        related_spdx_element: to,
    };
    let mut found = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", ROOT.to_owned())];
    for (at, part) in parts.iter().enumerate() {
        found.push(relation(ROOT, "CONTAINS", reference(at)));
        for by in part.needed_by.iter().flatten() {
            found.push(relation(&reference(*by), "DEPENDS_ON", reference(at)));
        }
        let package = part.package.and_then(|package| package.part);
        if let Some(package) = package.filter(|package| *package != at) {
            found.push(relation(&reference(package), "CONTAINS", reference(at)));
        }
    }
    found
}
