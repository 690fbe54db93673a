//! What the strict readers make of inputs, for other programs to compare with (`tests/runtime/one-reading.py`):
//! on standard input each input with its length in front, four bytes, the lowest first; on standard
//! output a line of JSON for each: what was read, or why nothing was.

use std::io::{self, Read as _, Write as _};

use seaworthy::layout::Layout;
use seaworthy::layout::layer::{Body, Compression, Entry, Limits, read};
use seaworthy::path::escape;
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let what = std::env::args().nth(1).unwrap_or_default();
    let dir = std::env::args().nth(2).unwrap_or_default();
    let mut input = io::stdin().lock();
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut length = [0; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut bytes)?;
        let told = match what.as_str() {
            "tar" => archive(&bytes),
            _ => index(&dir, &bytes)?,
        };
        writeln!(output, "{told}")?;
    }
    output.flush()
}

/// The entries of an archive.
fn archive(bytes: &[u8]) -> Value {
    let mut entries = Vec::new();
    let limits = Limits::of(bytes.len() as u64);
    let done = read(bytes, Compression::None, limits, &mut |entry| {
        entries.push(row(&entry))
    });
    match done {
        Ok(_) => json!({ "entries": entries }),
        Err(fault) => json!({ "refused": fault.to_string() }),
    }
}

fn row(entry: &Entry) -> Value {
    let (kind, link, size) = match &entry.body {
        Body::Dir => ("dir", String::new(), 0),
        Body::File { size, .. } => ("file", String::new(), *size),
        Body::Link(text) => ("link", escape(text).into_owned(), 0),
        Body::HardLink(path) => ("hard", path.to_text().into_owned(), 0),
        Body::Fifo => ("fifo", String::new(), 0),
        Body::Device => ("device", String::new(), 0),
        Body::Whiteout => ("whiteout", String::new(), 0),
        Body::Opaque => ("opaque", String::new(), 0),
    };
    let meta = &entry.meta;
    let xattrs: Vec<String> = meta
        .xattrs
        .keys()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    json!([
        entry.path.to_text(),
        kind,
        link,
        size,
        meta.mode,
        meta.uid,
        meta.gid,
        meta.mtime,
        xattrs
    ])
}

/// The images of an index, in the layout `dir`.
fn index(dir: &str, bytes: &[u8]) -> io::Result<Value> {
    std::fs::write(format!("{dir}/index.json"), bytes)?;
    let index = Layout::open(dir.as_ref()).and_then(|layout| layout.index());
    Ok(match index {
        Ok(index) => {
            let rows = index.manifests.iter().map(|entry| {
                json!([
                    entry.media_type,
                    entry.digest,
                    entry.size,
                    entry.annotations
                ])
            });
            json!({ "entries": rows.collect::<Vec<_>>() })
        }
        Err(error) => json!({ "refused": error.to_string() }),
    })
}
