//! TOML, by the crate that the product's own files are read with: it gives places, goes on after a
//! fault, and bounds its recursion.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lines::commented;
use super::{Separator, Sink};

/// Reads a TOML document.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let starts = line_starts(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    table_of(table.get_ref(), &starts, sink);
    for error in errors.iter().take(4) {
        let line = error.span().map_or(0, |span| line_at(&starts, span.start));
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        sink.fault(line, false, "not valid TOML; what could be read was");
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(comment) = line.trim().strip_prefix('#')
            && let Some((key, value, Separator::Equals)) = commented(comment, Separator::Equals)
        {
            sink.add_commented(number + 1, &[&key], &value, Separator::Equals);
        }
    }
    sink.parsed.settings.sort_by_key(|setting| setting.line);
}

/// Offsets at which lines begin.
pub(super) fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1))
        .collect()
}

/// The line, from 1, in which the byte at `offset` lies.
pub(super) fn line_at(starts: &[usize], offset: usize) -> usize {
    starts.partition_point(|&start| start <= offset)
}

fn table_of(table: &DeTable<'_>, starts: &[usize], sink: &mut Sink) {
    for (key, value) in table {
        let line = line_at(starts, key.span().start);
        match value.get_ref() {
            DeValue::Table(_) | DeValue::Array(_) => {
                sink.open(key.get_ref());
                inner(value, line, starts, sink);
                sink.close();
            }
            other => sink.add(line, &[key.get_ref()], &scalar(other), Separator::Equals),
        }
    }
}

fn inner(value: &Spanned<DeValue<'_>>, line: usize, starts: &[usize], sink: &mut Sink) {
    match value.get_ref() {
        DeValue::Table(table) => table_of(table, starts, sink),
        DeValue::Array(array) => {
            for item in array.iter() {
                let line = line_at(starts, item.span().start).max(line);
                if matches!(item.get_ref(), DeValue::Table(_) | DeValue::Array(_)) {
                    sink.open_item();
                    inner(item, line, starts, sink);
                    sink.close();
                } else {
                    sink.add(line, &[], &scalar(item.get_ref()), Separator::Equals);
                }
            }
        }
        _ => {}
    }
}

fn scalar(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, parse};

    #[test]
    fn tables_arrays_and_comments() {
        let text = "top = '/a'\n# log_dir = \"/b\"\n[s]\nlist = [\"/c\", \"/d\"]\n[[s.t]]\nx = 1\n[[s.t]]\nx = 2\n";
        assert_eq!(
            live(Form::Toml, text),
            ["top=/a", "s.list=/c", "s.list=/d", "s.t.x=1", "s.t.x=2"]
        );
        let parsed = parse(Form::Toml, text.as_bytes());
        assert!(
            parsed
                .settings
                .iter()
                .any(|s| s.commented && s.line == 2 && s.value == "/b")
        );
    }

    #[test]
    fn a_fault_costs_its_place_only() {
        let parsed = parse(Form::Toml, b"a = \"/x\"\nb = = 2\nc = \"/y\"\n");
        assert_eq!(parsed.faults[0].line, 2);
        assert!(parsed.settings.iter().any(|s| s.value == "/x"));
    }
}
