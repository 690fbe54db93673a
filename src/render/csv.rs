//! Tables for a spreadsheet (RFC 4180): the paths, and the libraries and modules, one in a line.

use super::words::{evidence, place, visible};
use super::{Format, Style};
use crate::fact::name_of;
use crate::path::AppPath;
use crate::report::Report;

pub(super) const PATHS: Format = Format {
    name: "csv-paths",
    ending: "paths.csv",
    about: "every path and its class, for a spreadsheet",
    render: paths,
};

pub(super) const LIBRARIES: Format = Format {
    name: "csv-libraries",
    ending: "libraries.csv",
    about: "every library and owner, for a spreadsheet",
    render: libraries,
};

fn paths(report: &Report, _: &Style) -> String {
    let mut text = String::new();
    let head =
        "path,class,access,certainty,mount,kind,uid,gid,mode,size_bytes,files,facts,evidence";
    row(&mut text, head.split(',').map(str::to_owned));
    for entry in &report.paths {
        let disk = entry.on_disk.as_ref();
        let number = |value: Option<u64>| value.map(|n| n.to_string()).unwrap_or_default();
        let because: Vec<String> = entry.because.iter().map(evidence).collect();
        let cells = [
            entry.path.to_string(),
            name_of(entry.class),
            name_of(entry.access),
            name_of(entry.certainty),
            path(entry.mount.as_ref()),
            disk.map(|disk| name_of(disk.kind)).unwrap_or_default(),
            number(disk.map(|disk| disk.uid.into())),
            number(disk.map(|disk| disk.gid.into())),
            disk.map(|disk| disk.mode.clone()).unwrap_or_default(),
            number(disk.map(|disk| disk.size_bytes)),
            number(disk.map(|disk| disk.files)),
            (entry.because.len() as u64)
                .saturating_add(entry.more)
                .to_string(),
            because.join("\n"),
        ];
        row(&mut text, cells);
    }
    text
}

fn libraries(report: &Report, _: &Style) -> String {
    let mut text = String::new();
    let head = "name,opened,priority,status,owner,package,path,real_path,how,needed_by,shadows,\
                lacks,at,certainty";
    row(&mut text, head.split(',').map(str::to_owned));
    for library in &report.libraries {
        let shadows = library.shadows.as_ref();
        let cells = [
            library.name.clone(),
            "at-start".to_owned(),
            "required".to_owned(),
            name_of(library.status),
            name_of(library.owner),
            library.package.clone().unwrap_or_default(),
            path(library.path.as_ref()),
            path(library.real_path.as_ref()),
            library.how.clone(),
            users(&library.needed_by, library.needed_by_more),
            path(shadows.map(|shadow| &shadow.system)),
            String::new(),
            String::new(),
            String::new(),
        ];
        row(&mut text, cells);
    }
    for module in &report.modules {
        let cells = [
            module.name.clone(),
            name_of(module.kind),
            name_of(module.priority),
            name_of(module.status),
            name_of(module.owner),
            module.package.clone().unwrap_or_default(),
            path(module.path.as_ref()),
            path(module.real_path.as_ref()),
            module.how.clone(),
            users(&module.opened_by, module.opened_by_more),
            String::new(),
            module.lacks.join("\n"),
            place(&module.at),
            name_of(module.certainty),
        ];
        row(&mut text, cells);
    }
    text
}

fn path(path: Option<&AppPath>) -> String {
    path.map(ToString::to_string).unwrap_or_default()
}

/// The files that need something, and how many more there are.
fn users(files: &[AppPath], more: u64) -> String {
    let mut cell = joined(files);
    if more > 0 {
        cell.push_str(&format!("\nand {more} more"));
    }
    cell
}

fn joined(paths: &[AppPath]) -> String {
    let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
    paths.join("\n")
}

/// A line of the table, ended as RFC 4180 asks.
fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for (at, value) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&cell(&value));
    }
    text.push_str("\r\n");
}

/// A spreadsheet takes a cell that begins with one of these for a formula, and runs it; an
/// apostrophe before it makes it text.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

fn cell(value: &str) -> String {
    let shown = |c: char| {
        if c == '\n' {
            "\n".to_owned()
        } else {
            visible(c)
        }
    };
    let value: String = value.chars().map(shown).collect();
    let guarded = if value.starts_with(FORMULA) {
        format!("'{value}")
    } else {
        value
    };
    if guarded.contains([',', '"', '\n', '\'']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_its_place_and_runs_nothing() {
        for (value, want) in [
            ("/plain path", "/plain path"),
            ("/a,b", "\"/a,b\""),
            ("/say \"x\"", "\"/say \"\"x\"\"\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("@x", "\"'@x\""),
            ("a\nb", "\"a\nb\""),
            ("\t=1\u{1b}", "\\x09=1\\x1b"),
        ] {
            assert_eq!(cell(value), want);
        }
    }
}
