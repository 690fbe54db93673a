//! Settings that stand one on a line: `[section]` files, `key = value`, `key: value`, and
//! directives followed by words, with or without `<Section>` blocks.
//!
//! Which of these a file is follows from its own lines, not from its name: the same ending, and
//! often the same file, is used for all.

use super::text::{before_comment, is_key, unquote};
use super::{Separator, Sink};

/// Reads a file of settings on lines.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let style = vote(text);
    // The first section may come long after the first lines, which decided the form.
    let tags = style == Separator::Space && text.contains("\n</");
    Reader::new(style, tags, sink).run(text);
}

/// Reads directives, or assignments as Perl's Config::General has them, within `<Section argument>`
/// blocks.
pub(super) fn read_sections(text: &str, sink: &mut Sink) {
    let style = match vote(text) {
        Separator::Equals => Separator::Equals,
        _ => Separator::Space,
    };
    Reader::new(style, true, sink).run(text);
}

/// A setting that stands in a comment, `text` being what follows the comment mark; used by the
/// readers of other forms too.
pub(super) fn commented(text: &str, style: Separator) -> Option<(String, String, Separator)> {
    // Prose begins with a blank and goes on for many words; a setting that was switched off does
    // not.
    let text = text
        .trim_start_matches(['#', ';', ' ', '\t', '!'])
        .trim_end();
    if text.len() > 400 {
        return None;
    }
    let (key, value, separator) = split(text, style)?;
    let value = before_comment(value, &['#'])
        .trim_end_matches(';')
        .trim_end();
    let several = if separator == Separator::Space { 4 } else { 8 };
    let few = value.split_ascii_whitespace().count() <= several;
    let single = key.split_ascii_whitespace().count() <= 2;
    (few && single && !value.is_empty()).then(|| (key.to_owned(), unquote(value), separator))
}

struct Reader<'s> {
    style: Separator,
    /// Whether `<Name …>` lines are sections.
    tags: bool,
    sink: &'s mut Sink,
    /// Indentations of the sections that were opened by indentation.
    nests: Vec<usize>,
    /// Sections that brackets opened; the ones by indentation lie inside.
    brackets: usize,
    last: Option<Last>,
}

/// The setting before, which an indented line may continue.
struct Last {
    index: usize,
    indent: usize,
}

impl<'s> Reader<'s> {
    fn new(style: Separator, tags: bool, sink: &'s mut Sink) -> Self {
        Self {
            style,
            tags,
            sink,
            nests: Vec::new(),
            brackets: 0,
            last: None,
        }
    }

    fn run(mut self, text: &str) {
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let mut whole = String::new();
            let mut part = line;
            // A backslash at the end joins the next line.
            while let Some(head) = part.strip_suffix('\\')
                && !line.trim_start().starts_with(['#', ';'])
            {
                whole.push_str(head);
                let Some((_, next)) = lines.next() else {
                    part = "";
                    break;
                };
                part = next;
            }
            if whole.is_empty() {
                self.line(number + 1, part);
            } else {
                whole.push(' ');
                whole.push_str(part.trim());
                self.line(number + 1, &whole);
            }
        }
    }

    fn line(&mut self, number: usize, raw: &str) {
        let line = raw.trim();
        let indent = raw.len() - raw.trim_start().len();
        if line.is_empty() {
            return;
        }
        if line.starts_with(['#', ';']) || line.starts_with("//") || line.starts_with("!!") {
            self.comment(number, line);
        } else if line.starts_with('[') && self.heading(number, line) {
            self.last = None;
        } else if self.tags && line.starts_with('<') {
            self.tag(number, line);
        } else {
            self.setting(number, line, indent);
        }
    }

    fn comment(&mut self, number: usize, line: &str) {
        let text = line.trim_start_matches('/');
        if let Some((key, value, separator)) = commented(text, self.style) {
            self.sink.add_commented(number, &[&key], &value, separator);
        }
    }

    /// `[name]`, `[name "argument"]`, and `[[name]]` for one inside the other.
    fn heading(&mut self, number: usize, line: &str) -> bool {
        let line = before_comment(line, &['#', ';']);
        let depth = line.bytes().take_while(|&b| b == b'[').count();
        let Some(end) = line.rfind(']') else {
            return false;
        };
        let name = line
            .get(depth..end)
            .map_or("", |inner| inner.trim_end_matches(']').trim());
        if !line[end + 1..].trim().is_empty() || name.len() > 200 {
            return false;
        }
        self.nests.clear();
        self.sink.close_to((depth - 1).min(self.brackets));
        if name.contains("://") {
            self.sink.add(number, &["stanza"], name, Separator::Header);
        }
        self.sink.open(&name.replace(['"', '\''], ""));
        self.brackets = self.sink.depth();
        true
    }

    fn tag(&mut self, number: usize, line: &str) {
        self.last = None;
        let inner = line.trim_start_matches('<').trim_end_matches('>').trim();
        if inner.starts_with('/') {
            self.sink.close();
            return;
        }
        let (name, argument) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let begin = name.get(..2).unwrap_or("");
        if begin.eq_ignore_ascii_case("if") || name.eq_ignore_ascii_case("else") {
            // `<IfModule !name>` holds without it.
            let module = name
                .eq_ignore_ascii_case("ifmodule")
                .then(|| argument.trim())
                .filter(|module| !module.is_empty() && !module.starts_with('!'));
            self.sink.open_condition(module);
            return;
        }
        if !argument.is_empty() {
            self.sink
                .add(number, &[name], &unquote(argument), Separator::Header);
        }
        self.sink.open(name);
    }

    fn setting(&mut self, number: usize, line: &str, indent: usize) {
        let before = self.sink.parsed.settings.len();
        let Some((key, value, separator)) = split(line, self.style) else {
            self.go_on(line, indent);
            return;
        };
        if separator != self.style && self.goes_on(indent) {
            self.go_on(line, indent);
            return;
        }
        if !self.tags {
            self.leave_nests(indent);
        }
        let marks: &[char] = if self.style == Separator::Equals {
            &['#', ';']
        } else {
            &['#']
        };
        let mut value = before_comment(value, marks);
        if separator == Separator::Equals {
            value = value.trim_end_matches(';').trim_end();
        }
        if separator == Separator::Colon && value.is_empty() {
            self.nests.push(indent);
            self.sink.open(key);
            self.last = None;
            return;
        }
        let key = key.trim_matches(['"', '\'']);
        self.sink.add(number, &[key], &unquote(value), separator);
        if self.sink.parsed.settings.len() > before {
            self.last = Some(Last {
                index: before,
                indent,
            });
        }
    }

    /// Whether a line at `indent` can belong to the setting before it.
    fn goes_on(&self, indent: usize) -> bool {
        self.last.as_ref().is_some_and(|last| indent > last.indent)
    }

    fn go_on(&mut self, line: &str, indent: usize) {
        if !self.goes_on(indent) {
            return;
        }
        let Some(last) = &self.last else { return };
        if let Some(setting) = self.sink.parsed.settings.get_mut(last.index)
            && setting.value.len() + line.len() < super::MAX_VALUE
        {
            setting.value.push('\n');
            setting.value.push_str(before_comment(line, &['#']));
        }
    }

    /// Ends the sections that were begun at `indent` or further in.
    fn leave_nests(&mut self, indent: usize) {
        while self.nests.last().is_some_and(|&at| indent <= at) {
            self.nests.pop();
            self.sink.close();
        }
    }
}

/// Key, value and what stands between; nothing when the line is no setting.
fn split(line: &str, style: Separator) -> Option<(&str, &str, Separator)> {
    match style {
        Separator::Equals => by_equals(line, 5)
            .or_else(|| by_colon(line, 1))
            .or_else(|| by_space(line)),
        Separator::Colon => by_colon(line, 3)
            .or_else(|| by_equals(line, 1))
            .or_else(|| by_space(line)),
        _ => by_space(line),
    }
}

fn by_equals(line: &str, most_words: usize) -> Option<(&str, &str, Separator)> {
    let at = line.find('=')?;
    // `set logfile /x` and `key value=with-equals` have no equals sign after the key.
    let key = line[..at].trim_end_matches(['+', ':', '?', '.']).trim();
    let value = line[at + 1..].trim_start_matches(['=', '>']).trim();
    is_key(key.trim_matches(['"', '\'']), most_words).then_some((key, value, Separator::Equals))
}

fn by_colon(line: &str, most_words: usize) -> Option<(&str, &str, Separator)> {
    let line = line.strip_prefix("- ").unwrap_or(line);
    let at = line
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|&at| line[at + 1..].starts_with([' ', '\t']) || at + 1 == line.len())?;
    let key = &line[..at];
    let bare = key.trim_matches(['"', '\'']);
    let value = line[at + 1..].trim();
    (is_key(bare, most_words) && !key.contains('/')).then_some((key, value, Separator::Colon))
}

fn by_space(line: &str) -> Option<(&str, &str, Separator)> {
    let at = line.find(char::is_whitespace).unwrap_or(line.len());
    let (key, rest) = line.split_at(at);
    let rest = rest.trim();
    // A selector of syslog.conf(5) is a key: `auth,authpriv.*`.
    let selector = key.contains('.') && key.ends_with(|c: char| c.is_alphanumeric() || c == '*');
    if let Some(value) = rest.strip_prefix('=').filter(|_| is_key(key, 1)) {
        return Some((key, value.trim(), Separator::Equals));
    }
    if let Some((name, value)) = key.split_once('=')
        && is_key(name, 1)
    {
        let value_at = name.len() + 1;
        debug_assert!(line[value_at..].starts_with(value));
        return Some((name, line[value_at..].trim(), Separator::Equals));
    }
    let bare = key.strip_suffix(':').unwrap_or(key);
    if !is_key(bare, 1) && !selector {
        return None;
    }
    let separator = if bare.len() < key.len() {
        Separator::Colon
    } else {
        Separator::Space
    };
    (separator == Separator::Space || !rest.is_empty()).then_some((bare, rest, separator))
}

/// What most lines have between key and value.
fn vote(text: &str) -> Separator {
    let (mut equals, mut colons, mut spaces) = (0, 0, 0);
    for line in text.lines().take(4000) {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix(['#', ';']) {
            // Comments count a little, for the file whose settings are all switched off.
            line = rest.trim();
            let one = !line.contains(' ') || line.contains(" = ");
            equals += usize::from(one && by_equals(line, 1).is_some());
            continue;
        }
        if line.is_empty() || line.starts_with(['[', '<', '/']) {
            continue;
        }
        if by_equals(line, 5).is_some() {
            equals += 4;
        } else if by_colon(line, 1).is_some() {
            colons += 4;
        } else if by_space(line).is_some() {
            spaces += 4;
        }
    }
    if equals >= colons && equals >= spaces && equals > 0 {
        Separator::Equals
    } else if colons >= spaces && colons > 0 {
        Separator::Colon
    } else {
        Separator::Space
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, parse};

    #[test]
    fn sections_nest_and_keys_may_have_blanks() {
        let text = "top = 1\n[global]\n  lock directory = /run/app ; why\n[[inner]]\nx = 'y z'\n\
                    [git \"sub\"]\n\tpath = \"/a;b\"\n";
        assert_eq!(
            live(Form::Lines, text),
            [
                "top=1",
                "global.lock directory=/run/app",
                "global.inner.x=y z",
                "git sub.path=/a;b"
            ]
        );
    }

    #[test]
    fn an_indented_line_continues_a_value() {
        let text = "smtpd_restrictions =\n    permit_mynetworks,\n    reject\nalias = hash:/etc/aliases\n\
                    one = /a \\\n  /b\n";
        assert_eq!(
            live(Form::Lines, text),
            [
                "smtpd_restrictions=\npermit_mynetworks,\nreject",
                "alias=hash:/etc/aliases",
                "one=/a  /b"
            ]
        );
    }

    #[test]
    fn words_after_a_directive_are_its_value() {
        let text = "Port 22\nHostKey /etc/app/key\nsave 900 1\nlogfile \"\"\nSubsystem sftp /usr/lib/x\n\
                    auth,authpriv.*  /var/log/auth.log\n*.*;auth.none -/var/log/syslog\n";
        assert_eq!(
            live(Form::Lines, text),
            [
                "Port=22",
                "HostKey=/etc/app/key",
                "save=900 1",
                "logfile=",
                "Subsystem=sftp /usr/lib/x",
                "auth,authpriv.*=/var/log/auth.log",
                "*.*;auth.none=-/var/log/syslog"
            ]
        );
    }

    #[test]
    fn colons_nest_by_indentation() {
        let text = "server:\n    directory: \"/etc/app\"\n    pidfile: /run/app.pid # here\nremote:\n  port: 8953\n";
        assert_eq!(
            live(Form::Lines, text),
            [
                "server.directory=/etc/app",
                "server.pidfile=/run/app.pid",
                "remote.port=8953"
            ]
        );
    }

    #[test]
    fn tagged_sections_have_arguments_and_conditions_do_not_count() {
        let text = "ServerRoot \"/etc/httpd\"\n<VirtualHost *:80>\n <IfModule log>\n  CustomLog \"/var/log/x y\" combined\n\
                    </IfModule>\n <Directory \"/var/www\">\n  Require all\n </Directory>\n</VirtualHost>\nListen 80\n";
        assert_eq!(
            live(Form::Sections, text),
            [
                "ServerRoot=/etc/httpd",
                "VirtualHost=*:80",
                "VirtualHost.CustomLog=\"/var/log/x y\" combined",
                "VirtualHost.Directory=/var/www",
                "VirtualHost.Directory.Require=all",
                "Listen=80"
            ]
        );
    }

    #[test]
    fn assignments_may_stand_in_tagged_sections() {
        let text = "log = /var/log/x\nformat = %b %e\n<names>\n\t/var/spool/other = queues\n</names>\n\
                    <httpd>\n\tport = 8077\n</httpd>\n";
        assert_eq!(
            live(Form::Sections, text),
            [
                "log=/var/log/x",
                "format=%b %e",
                "names./var/spool/other=queues",
                "httpd.port=8077"
            ]
        );
    }

    #[test]
    fn a_setting_in_a_comment_is_told_from_prose() {
        let text = "# This is where the pid goes, which = nothing much to say about the whole of it all\n\
                    #pid-file = /run/app.pid\n; data = /srv\nport = 1\n";
        let parsed = parse(Form::Lines, text.as_bytes());
        let off: Vec<_> = parsed
            .settings
            .iter()
            .filter(|s| s.commented)
            .map(|s| (s.name(), s.value.as_str(), s.line))
            .collect();
        assert_eq!(off, [("pid-file", "/run/app.pid", 2), ("data", "/srv", 3)]);
    }

    #[test]
    fn settings_of_one_section_share_a_block() {
        let parsed = parse(Form::Lines, b"[a]\nuser=x\n[b]\nuser=y\ngroup=z\n");
        let blocks: Vec<_> = parsed.settings.iter().map(|s| s.block).collect();
        assert_eq!(blocks, [1, 2, 2]);
    }
}
