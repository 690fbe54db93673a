//! The loader's search against records of what real loaders did. The records are made outside, by
//! `tests/runtime/loader-cases.sh`; the same rules are held without them in `loader`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seaworthy::fact::LibraryStatus;
use seaworthy::link::loader::{Asked, Loader, Needed, Outcome, Request, Start, Verdict};
use seaworthy::path::escape;
use seaworthy::tree::{Root, Who};
use serde_json::Value;

/// Names the directory that holds `truth.json`.
const VARIABLE: &str = "SEAWORTHY_LOADER_CASES";

#[test]
fn agrees_with_recorded_loaders() {
    let Some(dir) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        eprintln!("skipped: {VARIABLE} names no directory of records");
        return;
    };
    let records = records(&dir);
    assert!(!records.is_empty(), "no records in {}", dir.display());
    let mut wrong = Vec::new();
    let mut roots: Vec<&str> = records.iter().map(|record| text(record, "root")).collect();
    roots.dedup();
    let open = |root: &str| Root::open(Path::new(root)).unwrap();
    let roots: Vec<(&str, Root)> = roots.iter().map(|root| (*root, open(root))).collect();
    let loaders: BTreeMap<&str, Loader> = roots
        .iter()
        .map(|(path, root)| (*path, Loader::new(root)))
        .collect();
    for record in &records {
        let got = run(&loaders[text(record, "root")], record);
        let (mut verdict, libraries) = expected(record);
        let ours = lines(record, &got);
        // An auxiliary object that is not there is listed and does no harm.
        let harmless = |row: &Needed| row.optional || row.status == LibraryStatus::Resolved;
        if verdict == Verdict::Missing && got.libraries.iter().all(harmless) && ours == libraries {
            verdict = Verdict::Starts;
        }
        // The loader says so of a library that needs nothing, too.
        if verdict == Verdict::Static && got.verdict == Verdict::Starts && ours.is_empty() {
            verdict = Verdict::Starts;
        }
        if got.verdict != verdict || (verdict != Verdict::Aborts && ours != libraries) {
            wrong.push(format!(
                "{} {}: wanted {verdict:?} {libraries:?}, got {:?} {ours:?} {:?}",
                text(record, "case"),
                text(record, "label"),
                got.verdict,
                got.problems,
            ));
        }
    }
    eprintln!("{} of {} agree", records.len() - wrong.len(), records.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Python writes a byte that is not UTF-8 as half of a surrogate pair, which no other reader of
/// JSON takes: it becomes the escape that paths have here.
fn records(dir: &Path) -> Vec<Value> {
    let raw = std::fs::read_to_string(dir.join("truth.json")).unwrap();
    let plain = raw.replace("\\udc", "\\\\x");
    serde_json::from_str(&plain).unwrap()
}

fn text<'v>(record: &'v Value, key: &str) -> &'v str {
    record[key].as_str().unwrap_or_default()
}

fn run(loader: &Loader<'_>, record: &Value) -> Outcome {
    let mut request = Request::new(text(record, "main"));
    request.cwd = text(record, "cwd").into();
    request.start = match text(record, "mode") {
        "exec" => Start::Kernel,
        _ => Start::Loader,
    };
    for (name, value) in record["env"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        request.env.insert(name.as_str().into(), value.into());
    }
    let uid = u32::try_from(record["uid"].as_u64().unwrap()).unwrap();
    request.who = Some(Who {
        uid,
        groups: vec![uid],
    });
    loader.run(&request)
}

/// The loader itself and the system's C library are not in the records.
fn is_recorded(record: &Value, name: &str, path: Option<&str>) -> bool {
    let is_loader = |text: &str| text.contains("ld-linux") || text.contains("/ld-musl");
    if record["whole"] == true {
        return !is_loader(name) && !name.starts_with("linux-vdso");
    }
    !is_loader(name)
        && !path.is_some_and(is_loader)
        && (name != "libc.so.6" || path.is_none_or(|path| path.contains("/app/")))
}

fn lines(record: &Value, outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for needed in &outcome.libraries {
        let name = escape(&needed.name).into_owned();
        let found = needed.status == LibraryStatus::Resolved;
        let path = needed.path.as_ref().filter(|_| found);
        let path = path.map(|path| escape(path).into_owned());
        if !is_recorded(record, &name, path.as_deref()) {
            continue;
        }
        match path {
            Some(path) if path == name && text(record, "mode") != "musl" => lines.push(name),
            Some(path) => lines.push(format!("{name} => {path}")),
            // An unfit auxiliary object is passed over without a word.
            None if needed.optional && needed.status == LibraryStatus::Aborts => {}
            // musl names what is missing on the other channel; a preloaded object that is missing
            // is not named among the libraries.
            None if text(record, "mode") == "musl" => {}
            None if needed.optional && !matches!(needed.asked, Asked::Object(_)) => {}
            None => lines.push(format!("{name} => not found")),
        }
    }
    lines
}

fn expected(record: &Value) -> (Verdict, Vec<String>) {
    let strings = |key: &str| -> Vec<String> {
        let list = record["truth"][key].as_array().unwrap();
        list.iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect()
    };
    let libraries = strings("libs");
    let errors = strings("err").join("\n");
    let code = record["truth"]["rc"].as_i64().unwrap();
    let is_static = |line: &String| line == "statically linked";
    let verdict = if libraries.iter().any(is_static) || code == -11 {
        Verdict::Static
    } else if code == -1 {
        Verdict::NoInterpreter
    } else if libraries.iter().any(|line| line.ends_with("not found"))
        || errors.contains("No such file")
        || errors.contains("No error information")
        || errors.contains("Symbolic link loop")
    {
        Verdict::Missing
    } else if code != 0 || errors.contains("version `") {
        Verdict::Aborts
    } else {
        Verdict::Starts
    };
    let libraries = libraries.into_iter().filter(|line| {
        let (name, path) = line.split_once(" => ").unwrap_or((line, line));
        !is_static(line) && is_recorded(record, name, Some(path).filter(|p| *p != "not found"))
    });
    (verdict, libraries.collect())
}
