//! Options of a Java machine, one on a line: `-Dname=value`, `-XX:Name=value`, `-Xloggc:FILE` (java(1),
//! and the files that launchers hand to it).

use super::text::unquote;
use super::{Separator, Sink};

/// Reads the options that have a value.
pub(super) fn read(text: &str, sink: &mut Sink) {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        // `8-13:-XX:…` is for some versions only.
        let line = match line.split_once(":-") {
            Some((versions, _)) if versions.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                &line[versions.len() + 1..]
            }
            _ => line,
        };
        let setting = if let Some(property) = line.strip_prefix("-D") {
            property.split_once('=')
        } else if let Some(flag) = line.strip_prefix("-XX:") {
            flag.split_once('=')
        } else {
            let option = line
                .strip_prefix("-X")
                .or_else(|| line.strip_prefix("-java"));
            option.and_then(|option| option.split_once(':'))
        };
        if let Some((name, value)) = setting {
            let parts: Vec<&str> = name.split('.').collect();
            sink.add(number + 1, &parts, &unquote(value), Separator::Equals);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::super::tests::live;

    #[test]
    fn options_with_a_value_are_settings() {
        let text = "-Xms2g\n-Dapp.data=../work\n# no\n-XX:LogFile=logs/jvm.log\n8-13:-Xloggc:/var/log/gc.log\n";
        assert_eq!(
            live(Form::Options, text),
            [
                "app.data=../work",
                "LogFile=logs/jvm.log",
                "loggc=/var/log/gc.log"
            ]
        );
    }
}
