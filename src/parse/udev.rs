//! udev rules, by udev(7): matches and assignments.

use super::line::{joined, text};

/// One `KEY{attribute} operator "value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `KERNEL`, `SUBSYSTEM`, `RUN`, ….
    pub key: String,
    /// What stands in braces after the key.
    pub attribute: Option<String>,
    /// `==`, `!=`, `=`, `+=`, `-=` or `:=`.
    pub operator: String,
    /// The value without quotes.
    pub value: Vec<u8>,
}

impl Term {
    /// Whether the term tests rather than sets.
    #[must_use]
    pub fn is_match(&self) -> bool {
        self.operator == "==" || self.operator == "!="
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its first line, from 1.
    pub line: u32,
    /// Its terms in order.
    pub terms: Vec<Term>,
}

/// The rules of a file, and the lines of those read in part or not at all.
#[must_use]
pub fn parse(file: &[u8]) -> (Vec<Rule>, Vec<u32>) {
    let mut rules = Vec::new();
    let mut odd = Vec::new();
    for (line, entry) in joined(file) {
        let mut terms = Vec::new();
        let mut rest = entry.as_slice();
        while let Some((term, after)) = term(rest) {
            terms.push(term);
            rest = after;
        }
        if !rest.is_empty() || terms.is_empty() {
            odd.push(line);
        }
        if !terms.is_empty() {
            rules.push(Rule { line, terms });
        }
    }
    (rules, odd)
}

fn term(text_in: &[u8]) -> Option<(Term, &[u8])> {
    let open = text_in.iter().position(|&b| b == b'"')?;
    let (left, quoted) = (text_in[..open].trim_ascii(), &text_in[open + 1..]);
    // e"…": a value with C escapes.
    let left = left
        .strip_suffix(b"e")
        .filter(|l| l.ends_with(b"="))
        .unwrap_or(left);
    let close = quoted.iter().position(|&b| b == b'"')?;
    let at = left
        .iter()
        .rposition(|b| !b"=!+-:".contains(b))
        .map(|at| at + 1)?;
    let (key, operator) = left.split_at(at);
    if operator.is_empty() {
        return None;
    }
    let key = text(key.trim_ascii());
    let (name, attribute) = match key.split_once('{') {
        Some((name, attribute)) => (
            name.to_owned(),
            Some(attribute.trim_end_matches('}').to_owned()),
        ),
        None => (key, None),
    };
    let after = quoted[close + 1..].trim_ascii_start();
    let after = after.strip_prefix(b",").unwrap_or(after).trim_ascii_start();
    let term = Term {
        key: name,
        attribute,
        operator: text(operator),
        value: quoted[..close].to_vec(),
    };
    Some((term, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_of_a_rule() {
        let (rules, odd) = parse(
            b"# c\nSUBSYSTEM==\"usb\", ATTRS{idVendor}==\"0529\", MODE=\"0664\", \\\n  RUN+=\"/usr/sbin/x %k\"\nLABEL=\"end\"\nnonsense\n",
        );
        assert_eq!(odd, [5]);
        assert_eq!(rules[0].line, 2);
        let terms = &rules[0].terms;
        assert_eq!(terms[1].attribute.as_deref(), Some("idVendor"));
        assert!(terms[1].is_match() && !terms[2].is_match());
        assert_eq!(terms[3].operator, "+=");
        assert_eq!(terms[3].value, b"/usr/sbin/x %k");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>, text in r#"[A-Z{}="+,\\ \n]{0,60}"#) {
            let _ = parse(&file);
            let _ = parse(text.as_bytes());
        }
    }
}
