//! Manifests: every sample's go through the types of other projects and lose nothing, and names
//! made to break them come back as they were or are refused with the reason.

mod back;
mod carried;
mod containers;
mod hostile;
mod judge;
mod kinds;
mod settings;
mod start;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use seaworthy::manifest::{self, Input, Manifests, TARGETS};
use seaworthy::report::Report;

use crate::samples::{SAMPLES, report};

pub(crate) fn made(report: &Report) -> Manifests {
    let input = Input {
        report,
        image: None,
        start: None,
        content: None,
        secrets: false,
        parts: None,
        storage: manifest::Storage::default(),
    };
    manifest::make(&input, &TARGETS.iter().collect::<Vec<_>>())
}

pub(crate) fn text<'a>(made: &'a Manifests, name: &str) -> &'a str {
    let file = made.files.get(name).unwrap_or_else(|| panic!("no {name}"));
    std::str::from_utf8(&file.bytes).unwrap()
}

/// The documents of a YAML file.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What `kept` has lost of `given`: the places of keys and values that are not the same.
fn lost(given: &Value, kept: &Value, at: &str, found: &mut Vec<String>) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (key, value) in given {
                match kept.get(key) {
                    Some(kept) => lost(value, kept, &format!("{at}.{key}"), found),
                    // An empty value is the same as none.
                    None if value.as_object().is_some_and(serde_json::Map::is_empty) => {}
                    None if value.as_array().is_some_and(Vec::is_empty) => {}
                    None => found.push(format!("{at}.{key}")),
                }
            }
        }
        // The types keep capabilities as a set.
        (Value::Array(given), Value::Array(kept)) if at.contains(".capabilities") => {
            let names = |list: &[Value]| -> BTreeSet<String> {
                list.iter().map(Value::to_string).collect()
            };
            assert_eq!(names(given), names(kept), "{at}");
        }
        (Value::Array(given), Value::Array(kept)) if given.len() == kept.len() => {
            for (number, (given, kept)) in given.iter().zip(kept).enumerate() {
                lost(given, kept, &format!("{at}[{number}]"), found);
            }
        }
        (given, kept) if given == kept => {}
        _ => found.push(format!("{at}: {given} became {kept}")),
    }
}

fn through<T: serde::Serialize + serde::de::DeserializeOwned>(given: &Value, what: &str) {
    let typed: T =
        serde_json::from_value(given.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let kept = serde_json::to_value(&typed).unwrap();
    let mut found = Vec::new();
    lost(given, &kept, "", &mut found);
    assert!(found.is_empty(), "{what} loses {found:#?}");
}

/// The types know no `selinux` of a bind, which the specification has, and lose the rest with it.
fn without_bind(document: &mut Value) {
    let wanted = serde_json::json!({"create_host_path": false, "selinux": "z"});
    for service in document["services"].as_object_mut().unwrap().values_mut() {
        for volume in service["volumes"].as_array_mut().into_iter().flatten() {
            let is_bind = volume["type"] == "bind";
            let removed = volume.as_object_mut().unwrap().remove("bind");
            assert_eq!(removed, is_bind.then(|| wanted.clone()));
        }
    }
}

fn through_kind(given: &Value, what: &str) {
    use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
    use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
    match given["kind"].as_str().unwrap() {
        "StatefulSet" => through::<StatefulSet>(given, what),
        "Deployment" => through::<Deployment>(given, what),
        "ConfigMap" => through::<ConfigMap>(given, what),
        "Secret" => through::<Secret>(given, what),
        "Service" => through::<Service>(given, what),
        kind => panic!("{what}: no type for {kind}"),
    }
}

#[test]
fn what_every_sample_s_manifests_say_survives_the_types_of_others() {
    for sample in SAMPLES {
        let report = report(sample);
        let made = made(&report);
        let mut kinds = BTreeSet::new();
        for (name, _) in made.files.iter() {
            let what = format!("{} {name}", sample.name);
            if name == "compose/compose.yaml" {
                let mut document = documents(text(&made, name)).remove(0);
                without_bind(&mut document);
                through::<docker_compose_types::Compose>(&document, &what);
                kinds.insert("compose");
            } else if name == "oci/config.json" {
                let value: Value = serde_json::from_str(text(&made, name)).unwrap();
                through::<oci_spec::runtime::Spec>(&value, &what);
                kinds.insert("oci");
            } else if name.starts_with("k8s/") && name.ends_with(".yaml") {
                for document in documents(text(&made, name)) {
                    if document["kind"] != "Kustomization" {
                        through_kind(&document, &what);
                        kinds.insert("k8s");
                    }
                }
            }
        }
        assert_eq!(kinds.len(), 3, "{}: {kinds:?}", sample.name);
    }
}

#[test]
fn a_type_of_others_tells_of_a_key_it_does_not_know() {
    let given = serde_json::json!({"kind": "Service", "spec": {"prots": [1]}});
    let typed: k8s_openapi::api::core::v1::Service = serde_json::from_value(
        serde_json::json!({"apiVersion": "v1", "kind": "Service", "spec": {"prots": [1]}}),
    )
    .unwrap();
    let mut found = Vec::new();
    lost(
        &given,
        &serde_json::to_value(typed).unwrap(),
        "",
        &mut found,
    );
    assert_eq!(found, [".spec.prots"]);
}

#[test]
fn every_target_has_its_row_and_its_files_a_directory_of_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest");
    let mut stems = BTreeSet::new();
    for entry in walkdir::WalkDir::new(&folder) {
        let path = entry.unwrap().into_path();
        let is_target = path.is_file()
            && std::fs::read_to_string(&path)
                .unwrap()
                .contains("const TARGET: Target");
        if is_target {
            let stem = path.strip_prefix(&folder).unwrap();
            let stem = stem.to_str().unwrap().trim_end_matches(".rs");
            stems.insert(stem.trim_end_matches("/mod").to_owned());
        }
    }
    let names: BTreeSet<String> = TARGETS.iter().map(|t| t.name.to_owned()).collect();
    assert_eq!(stems, names);
    let report = report(&SAMPLES[0]);
    let made = made(&report);
    for target in &made.summary.targets {
        assert!(!target.files.is_empty(), "{}", target.target);
        for file in &target.files {
            assert!(file.starts_with(&format!("{}/", target.target)), "{file}");
        }
    }
}

#[test]
fn manifests_of_a_report_are_those_of_the_report_read_back() {
    let report = report(&SAMPLES[1]);
    let again: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(made(&report).files, made(&again).files);
}

#[test]
fn every_mount_of_a_sample_is_in_every_target_or_told() {
    for sample in SAMPLES {
        let report = report(sample);
        let made = made(&report);
        for mount in &report.plan.mounts {
            let path = mount.path.to_text();
            for target in &made.summary.targets {
                let is_told = target.limits.iter().any(|limit| limit.about == path);
                let is_there = target
                    .files
                    .iter()
                    .any(|file| text(&made, file).contains(path.trim_start_matches('/')));
                assert!(
                    is_there || is_told,
                    "{}: {path} in {}",
                    sample.name,
                    target.target
                );
            }
        }
    }
}
