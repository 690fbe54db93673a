//! Text for XML and HTML: what must be escaped, and what neither may hold at all.

use super::words::visible;

/// `text` as character data. A character that XML 1.0 has no form for (section 2.2) is written
/// `\xNN` or `\u{NNNN}`, so that it still shows.
#[must_use]
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            _ => out.push_str(&visible(c)),
        }
    }
    out
}

/// `text` as the value of an attribute in double quotes. A reader makes a blank of a bare line end
/// there (section 3.3.3).
#[must_use]
pub(super) fn attribute(text: &str) -> String {
    escape(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_what_xml_cannot_hold_stay_text() {
        assert_eq!(
            attribute("<a b=\"c\">&'\u{0}\u{1b}\n\u{202e}\u{ffff}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\\x00\\x1b&#10;\\u{202e}\\u{ffff}"
        );
    }
}
