//! Whether a value is a secret or only stands for one.

use super::KNOWLEDGE;

/// The marks with which programs begin what they have encrypted or hashed, between braces or dollars:
/// `{AES}…`, `$6$…`.
const MARK_LENGTH: std::ops::RangeInclusive<usize> = 1..=12;

/// Whether a value says nothing: empty, a stand-in, or a variable that is filled in elsewhere.
#[must_use]
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    if is_marked(value) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let variable = [
        "$", "%", "&", "{{", "{", "@", "<", "[", "#{", "env:", "env(", "file:", "vault:",
    ]
    .iter()
    .any(|mark| lower.starts_with(mark));
    let advice = [
        "your", "my-", "my_", "replace", "insert", "enter", "change", "put_your", "example", "some",
    ];
    value.len() < 3
        || variable
        || value.starts_with('/')
        || value.bytes().all(|b| b"xX*.-?_#".contains(&b))
        || value.starts_with("__") && value.ends_with("__")
        || advice.iter().any(|word| lower.starts_with(word)) && !is_strong(value)
        || KNOWLEDGE.placeholders.contains(&lower)
}

/// Whether a value begins with the mark of what has encrypted or hashed it.
pub(super) fn is_marked(value: &str) -> bool {
    let marked = |open: char, close: char| {
        let rest = value.strip_prefix(open)?;
        let (mark, rest) = rest.split_once(close)?;
        let is_mark = MARK_LENGTH.contains(&mark.len())
            && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_word = rest.len() >= 4 && !rest.contains(|c: char| c.is_whitespace() || c == '{');
        Some(is_mark && is_word)
    };
    // crypt(5) numbers its methods, or names them in a few small letters.
    let is_crypt = value.strip_prefix('$').is_some_and(|rest| {
        rest.split('$').next().is_some_and(|mark| {
            mark.len() <= 5 && mark.bytes().any(|b| b.is_ascii_digit()) || mark == "y"
        })
    });
    marked('{', '}') == Some(true)
        || is_crypt && marked('$', '$') == Some(true)
        || value.starts_with("ENC(") && value.ends_with(')') && value.len() > 8
}

/// Whether a value is no word that somebody would write in another sense: digits, capitals and signs
/// among small letters, as passwords and keys have them and words have not.
#[must_use]
pub fn is_strong(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    if value.len() < 8 || value.contains(char::is_whitespace) || value.contains("://") {
        return false;
    }
    let has = |fits: fn(&u8) -> bool| value.as_bytes().iter().any(fits);
    let (small, capital) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let sign = value.bytes().any(|b| b"!#%^*+=~?".contains(&b));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    // A name of a host or a file, a version, a date.
    let is_name = value.contains('.') && !sign && !capital;
    let letters = usize::from(small) + usize::from(capital);
    !is_name
        && (digits > 1 && letters > 0 && (letters > 1 || digits > 2 || sign) || sign && letters > 1)
}

/// Whether the value of a key for secrets is one: it stands for nothing else, and is neither a text for
/// people nor a call of something.
#[must_use]
pub fn is_value(key: &str, value: &str) -> bool {
    let value = value.trim();
    let bare = value.trim_matches(['"', '\'']);
    let is_call = bare.contains('(') && !bare.starts_with("ENC(") && bare.ends_with([')', '(']);
    let mut words = bare.split_whitespace();
    let is_text = words.clone().count() > 1;
    // `pass:softfail:neutral`: names in a list.
    let mut parts = bare.split(':');
    let is_list = bare.matches(':').count() > 1
        && parts.all(|part| part.len() > 2 && part.bytes().all(|b| b.is_ascii_lowercase()));
    !is_placeholder(bare)
        && !is_list
        && !bare.eq_ignore_ascii_case(key)
        && !bare.contains("://")
        && !["./", "../", "~/", "-----"]
            .iter()
            .any(|start| bare.starts_with(start))
        && !is_call
        && !is_label(bare)
        && (!is_text || value.starts_with(['"', '\'']) && words.next().is_some_and(is_strong))
}

/// Whether a value is what something is called, not what it is: `User-Password`, `db_token`, `PIN/Password`.
fn is_label(value: &str) -> bool {
    let is_sign = |c: char| c == '-' || c == '_' || c == '/';
    value.matches(is_sign).count() == 1
        && value.chars().all(|c| c.is_ascii_alphabetic() || is_sign(c))
        && super::secret_key(value).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_no_secrets() {
        for value in [
            "",
            "changeme",
            "${DB_PASSWORD}",
            "%(pw)s",
            "********",
            "<secret>",
            "/etc/app/pw",
            "none",
            "{{ db_password }}",
            "#{password}",
            "__PASSWORD__",
            "your-token-here",
            "$pass",
            "{0}",
            "$1",
            "[password]",
            "insert-key",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [
            "s3cr3t-w0rd",
            "{AES}Kx82hshw",
            "$6$salt$hash",
            "{xor}Lz4sLCgwLTs=",
            "ENC(abcdefgh)",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn words_are_told_from_keys() {
        for value in [
            "Vq7Made9Up",
            "aB3$efgh!",
            "base64:Zm9vYmFy12",
            "0a1b2c3d4e5f",
        ] {
            assert!(is_strong(value), "{value}");
        }
        for value in [
            "password",
            "access_token",
            "db.example.org",
            "PasswordField",
            "2024.01.02",
            "short1A",
        ] {
            assert!(!is_strong(value), "{value}");
        }
        assert!(is_value("password", "tiger"));
        assert!(is_value("password", "\"Vq7Made9Up and more\""));
        for value in [
            "\"Enter your password\"",
            "required pam_unix.so",
            "getpass()",
            "password",
            "User-Password",
            "./pw",
        ] {
            assert!(!is_value("password", value), "{value}");
        }
    }
}
