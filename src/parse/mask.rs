//! The mask of new files' rights, as umask(1) takes it.

/// The mask in four octal digits, from octal digits or from the rights that it leaves: `022`, `0o27`,
/// `u=rwx,g=rx,o=`.
#[must_use]
pub fn mask(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let digits = text.strip_prefix("0o").unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        let bare = digits.trim_start_matches('0');
        return (bare.len() <= 3).then(|| format!("{bare:0>4}"));
    }
    let mut left = [None; 3];
    for part in text.split(',') {
        let (who, rights) = part.split_once('=')?;
        let rights = rights.chars().try_fold(0_u32, |sum, right| {
            Some(
                sum | match right {
                    'r' => 4,
                    'w' => 2,
                    'x' => 1,
                    _ => return None,
                },
            )
        })?;
        for who in who.chars() {
            match who {
                'u' => left[0] = Some(rights),
                'g' => left[1] = Some(rights),
                'o' => left[2] = Some(rights),
                'a' => left = [Some(rights); 3],
                _ => return None,
            }
        }
    }
    let [user, group, other] = left;
    Some(format!("0{}{}{}", 7 - user?, 7 - group?, 7 - other?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_octal_or_what_it_leaves() {
        for (text, want) in [
            ("022", Some("0022")),
            ("0", Some("0000")),
            ("0o27", Some("0027")),
            ("0077", Some("0077")),
            ("u=rwx,g=rx,o=", Some("0027")),
            ("u=rwx,go=rx", Some("0022")),
            ("a=rx", Some("0222")),
            ("u=rwx", None),
            ("+r", None),
            ("999", None),
            ("12345", None),
            ("-S", None),
            ("", None),
        ] {
            assert_eq!(mask(text.as_bytes()).as_deref(), want, "{text}");
        }
    }
}
