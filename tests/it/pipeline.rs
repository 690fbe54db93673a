//! What holds of every report: the same on any number of threads, equal to itself after JSON and
//! back, true to its schema, within 80 columns.

use seaworthy::render::json::schema;
use seaworthy::render::{Style, by_name};
use seaworthy::report::Report;

use crate::samples::{SAMPLES, report};

fn json(report: &Report) -> String {
    (by_name("json").unwrap().render)(report, &Style::default())
}

#[test]
fn the_same_input_gives_the_same_bytes_on_1_2_and_8_threads() {
    for sample in SAMPLES {
        let texts: Vec<String> = [1, 2, 8]
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                json(&pool.install(|| report(sample)))
            })
            .to_vec();
        assert!(
            texts.windows(2).all(|pair| pair[0] == pair[1]),
            "{} differs",
            sample.name
        );
    }
}

#[test]
fn a_report_equals_itself_after_json_and_back() {
    for sample in SAMPLES {
        let report = report(sample);
        let back: Report = serde_json::from_str(&json(&report)).unwrap();
        assert_eq!(back, report, "{}", sample.name);
    }
}

#[test]
fn the_published_schema_is_the_one_of_this_version() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report-1.json");
    if std::env::var_os("SEAWORTHY_BLESS").is_some() {
        std::fs::write(file, schema()).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == schema(),
        "schema/report-1.json is not what `seaworthy generate schema` says (SEAWORTHY_BLESS=1 rewrites it)"
    );
}

#[test]
fn every_report_holds_against_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for sample in SAMPLES {
        let mut value: serde_json::Value = serde_json::from_str(&json(&report(sample))).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", sample.name);
        value["verdict"]["answer"] = "swims".into();
        assert!(
            !validator.is_valid(&value),
            "the schema lets any answer pass"
        );
    }
}

#[test]
fn the_terminal_report_fits_80_columns() {
    for sample in SAMPLES {
        let text = (by_name("terminal").unwrap().render)(&report(sample), &Style::default());
        for line in text.lines() {
            let long = line.chars().count() > 80 && line.trim().contains(' ');
            assert!(!long, "{}: {line}", sample.name);
        }
        assert!(!text.contains('\x1b'), "colour without a terminal");
    }
}

/// The samples' passwords and keys are this one word; a report may say where they are, never what.
#[test]
fn no_report_holds_a_secret() {
    let mut told = 0;
    for sample in SAMPLES {
        let report = report(sample);
        told += json(&report).matches("\"fact\": \"secret\"").count();
        for format in seaworthy::render::FORMATS {
            let text = (format.render)(
                &report,
                &Style {
                    all: true,
                    ..Style::default()
                },
            );
            assert!(
                !text.contains("sample-only-not-a-password"),
                "{} in {}",
                sample.name,
                format.name
            );
        }
    }
    assert!(told > 2, "the samples' secrets were not found");
}

/// Summing up each directory for each entry once took minutes here.
#[test]
fn a_deep_tree_and_a_socket_end_in_a_report_that_tells_of_them() {
    let root = tempfile::tempdir().unwrap();
    let app = root.path().join("opt/app");
    std::fs::create_dir_all(app.join("d/".repeat(1_900))).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(app.join("sock")).unwrap();
    let request = seaworthy::Request {
        root: root.path().to_owned(),
        paths: vec![seaworthy::path::AppPath::new("/opt/app")],
        ..seaworthy::Request::default()
    };
    let report = seaworthy::audit(&request, &seaworthy::tree::Progress::default()).unwrap();
    assert!(report.coverage.entries > 1_900);
    assert_eq!(report.coverage.counts.get("special-file"), Some(&1));
}
