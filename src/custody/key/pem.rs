//! Blocks of PEM (RFC 7468) in a text that may hold other things beside: openssl writes the
//! parameters of a curve in front of a key, and people add remarks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

use super::public::KEY_LIMIT;

/// A block. It may be of a private key, so it cannot be shown, and is wiped when it goes.
pub(super) struct Pem {
    /// What stands behind BEGIN.
    pub(super) label: String,
    /// The whole block with plain line ends.
    pub(super) text: String,
}

impl Pem {
    /// What stands between the lines around it; None when it is no base64.
    pub(super) fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let lines = self.text.lines().filter(|line| !line.starts_with("-----"));
        let mut inside = Zeroizing::new(String::with_capacity(self.text.len()));
        lines.for_each(|line| inside.push_str(line));
        STANDARD.decode(&*inside).ok().map(Zeroizing::new)
    }
}

impl Drop for Pem {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

/// The blocks of a text.
pub(super) fn blocks(text: &str) -> Vec<Pem> {
    let text = text.get(..text.len().min(KEY_LIMIT)).unwrap_or_default();
    let mut found = Vec::new();
    let mut open: Option<Pem> = None;
    for line in text.lines().map(str::trim_end) {
        if let Some(rest) = line.trim_start().strip_prefix("-----BEGIN ") {
            let label = rest.strip_suffix("-----").unwrap_or(rest).to_owned();
            let text = format!("-----BEGIN {label}-----\n");
            open = Some(Pem { label, text });
        } else if let Some(pem) = &mut open {
            let end = format!("-----END {}-----", pem.label);
            pem.text += line.trim_start();
            pem.text.push('\n');
            if line.trim_start() == end {
                found.extend(open.take());
            }
        }
    }
    found
}

/// The only block of one of these labels; None where there is none, or more than one: which of
/// them counts would be a guess.
pub(super) fn only(text: &str, labels: &[&str]) -> Option<Pem> {
    let mut fits = blocks(text)
        .into_iter()
        .filter(|pem| labels.contains(&pem.label.as_str()));
    let one = fits.next()?;
    fits.next().is_none().then_some(one)
}
