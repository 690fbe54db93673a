//! Reads logs one after the other: which form each has, which are parts of one run, and in which
//! order these are to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use super::audit::Audit;
use super::feed::Lines;
use super::strace::Strace;
use super::template::Names;
use super::{Form, Ground, Log, Notes, Tally, Trace, forked, line, recognise};

/// A log to read.
pub struct Source<'a> {
    /// The name by which a report calls it; of a file its last component.
    pub name: String,
    /// Begins reading. The parts of `strace -ff` are read twice.
    pub open: &'a dyn Fn() -> io::Result<Box<dyn Read>>,
}

/// Why a log was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read the trace: {0}")]
    Unreadable(#[from] io::Error),
    /// Nothing is in it.
    #[error("the trace is empty: make one with `strace -f -y -o FILE -p PID`")]
    Empty,
    /// It is compressed.
    #[error("the trace is compressed: unpack it first")]
    Compressed,
    /// No line has a known form.
    #[error(
        "neither a log of strace nor of the audit system: make one with \
         `strace -f -y -o FILE -p PID`, or take /var/log/audit/audit.log or the output of \
         `ausearch -i`"
    )]
    Unrecognised,
}

/// How much of a log tells its form.
const HEAD: usize = 64 << 10;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// A log whose form is known.
struct Known {
    form: Form,
    /// The run, by the name without the number, and the process of a part of `strace -ff`.
    part: Option<(String, u32)>,
}

/// Reads all logs.
///
/// # Errors
/// The place of the first that cannot be read, or is no log, with the reason.
pub fn read(sources: &[Source<'_>], ground: &Ground) -> Result<Trace, (usize, ReadError)> {
    let mut known = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        known.push(look(source).map_err(|error| (at, error))?);
    }
    let mut trace = Trace::default();
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    for run in runs(sources, &known)? {
        let mut strace = Strace::default();
        let mut names = Names::default();
        for at in run {
            let mut tally = Tally::default();
            let mut notes = Notes {
                ground,
                store: &mut trace.store,
                tally: &mut tally,
                names: &mut names,
            };
            let result = match known[at].form {
                Form::Strace => {
                    let process = known[at].part.as_ref().map_or(0, |(_, process)| *process);
                    part(&sources[at], process, &mut strace, &mut notes)
                }
                Form::Audit => audit(&sources[at], &mut notes),
            };
            result.map_err(|error| (at, ReadError::Unreadable(error)))?;
            tallies.insert(at, tally);
        }
    }
    for (at, tally) in tallies {
        trace.logs.push(Log {
            name: sources[at].name.clone(),
            form: known[at].form,
            tally,
        });
    }
    Ok(trace)
}

fn part(
    source: &Source<'_>,
    process: u32,
    strace: &mut Strace,
    notes: &mut Notes<'_>,
) -> io::Result<()> {
    strace.part_of(process);
    let before = strace.seen();
    each_line(source, &mut |text| {
        notes.tally.lines += 1;
        strace.line(text, notes);
    })?;
    strace.settle(notes.tally, before);
    Ok(())
}

fn audit(source: &Source<'_>, notes: &mut Notes<'_>) -> io::Result<()> {
    let mut audit = Audit::default();
    each_line(source, &mut |text| {
        notes.tally.lines += 1;
        audit.line(text, notes);
    })?;
    audit.finish(notes);
    audit.count(notes.tally);
    Ok(())
}

fn each_line(source: &Source<'_>, line: &mut impl FnMut(&[u8])) -> io::Result<()> {
    let mut from = (source.open)()?;
    let mut chunk = vec![0; CHUNK];
    let mut lines = Lines::default();
    loop {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => lines.feed(&chunk[..read], line),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    lines.finish(line);
    Ok(())
}

fn look(source: &Source<'_>) -> Result<Known, ReadError> {
    let mut head = Vec::new();
    (source.open)()?.take(HEAD as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    // The first bytes of gzip, xz, zstd and bzip2.
    let packed: [&[u8]; 4] = [b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh"];
    if packed.iter().any(|magic| head.starts_with(magic)) {
        return Err(ReadError::Compressed);
    }
    let form = recognise(&head).ok_or(ReadError::Unrecognised)?;
    let names = head.split(|&b| b == b'\n').any(line::names_process);
    let part = (form == Form::Strace && !names).then(|| numbered(&source.name));
    Ok(Known {
        form,
        part: part.flatten(),
    })
}

/// `strace -ff -o NAME` gives each process a file `NAME.12`.
fn numbered(name: &str) -> Option<(String, u32)> {
    let (stem, number) = name.rsplit_once('.')?;
    Some((stem.to_owned(), line::pid(number.as_bytes())?))
}

/// The logs of each run, those of a parent before those of its children.
fn runs(sources: &[Source<'_>], known: &[Known]) -> Result<Vec<Vec<usize>>, (usize, ReadError)> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut parts: BTreeMap<&str, BTreeMap<u32, usize>> = BTreeMap::new();
    for (at, log) in known.iter().enumerate() {
        match &log.part {
            Some((stem, process)) => {
                let before = parts.entry(stem).or_default().insert(*process, at);
                // The same name from two directories: two runs.
                runs.extend(before.map(|before| vec![before]));
            }
            None => runs.push(vec![at]),
        }
    }
    for run in parts.into_values() {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut born: BTreeSet<u32> = BTreeSet::new();
        for (&process, &at) in run.iter().filter(|_| run.len() > 1) {
            let made = children.entry(process).or_default();
            let told = each_line(&sources[at], &mut |text| {
                let child = forked(text).filter(|child| run.contains_key(child));
                if let Some(child) = child.filter(|child| born.insert(*child)) {
                    made.push(child);
                }
            });
            told.map_err(|error| (at, ReadError::Unreadable(error)))?;
        }
        runs.push(in_order(&run, &children, &born));
    }
    Ok(runs)
}

fn in_order(
    run: &BTreeMap<u32, usize>,
    children: &BTreeMap<u32, Vec<u32>>,
    born: &BTreeSet<u32>,
) -> Vec<usize> {
    let roots = run.keys().filter(|process| !born.contains(process));
    let mut todo: Vec<u32> = roots.rev().copied().collect();
    let mut done: BTreeSet<u32> = BTreeSet::new();
    let mut order = Vec::new();
    // Two that made each other, as numbers are given anew, come last.
    let mut left = run.keys();
    while let Some(process) = todo.pop().or_else(|| left.next().copied()) {
        if !done.insert(process) {
            continue;
        }
        order.extend(run.get(&process));
        let made = children.get(&process).into_iter().flatten();
        todo.extend(made.rev().copied());
    }
    order
}
