//! Stores of keys in binary form: whether they hold a private key, or only certificates.

use crate::parse::read::ReadAt;

/// The most entries of a Java key store that are looked at.
const MAX_ENTRIES: u32 = 2000;

/// How much of a PKCS#12 file is searched for a key.
const PKCS12_LIMIT: usize = 1 << 20;

/// `pkcs-7 data` (1.2.840.113549.1.7.1), with which the content of a PKCS#12 file begins (RFC 7292,
/// section 4).
const PKCS7_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";

/// The bags that hold a key: `keyBag` and `pkcs8ShroudedKeyBag` (RFC 7292, appendix D) differ in
/// the last byte, 1 or 2. They are usually outside of what is encrypted.
const KEY_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01";

/// `rsaEncryption`, `id-ecPublicKey` and Ed25519 in a PKCS#8 key (RFC 5208, RFC 8410).
const ALGORITHMS: [&[u8]; 3] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
    b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x06\x03\x2b\x65\x70",
];

/// What a binary file of keys holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// At least one private or secret key.
    Keys,
    /// Certificates of others only.
    Certificates,
    /// One private key without a password.
    PrivateKey,
    /// Kerberos keys of a service.
    Keytab,
    /// Kerberos tickets of a user.
    Tickets,
}

/// Recognises a store by its first bytes, name and content.
#[must_use]
pub fn recognise(name: &[u8], head: &[u8], source: &dyn ReadAt) -> Option<Store> {
    // JDK, sun.security.provider.JavaKeyStore and com.sun.crypto.provider.JceKeyStore.
    if head.starts_with(b"\xfe\xed\xfe\xed") || head.starts_with(b"\xce\xce\xce\xce") {
        return java(source);
    }
    if head.first() == Some(&0x30) {
        return der(name, head, source);
    }
    // Bouncy Castle's own forms have a version and a salt, but no magic.
    let named = |ends: &[&[u8]]| {
        ends.iter()
            .any(|end| name.to_ascii_lowercase().ends_with(end))
    };
    if named(&[b".bks", b".ubr"]) && matches!(head, [0, 0, 0, 1 | 2, ..]) {
        return Some(Store::Keys);
    }
    kerberos(head, source.len())
}

/// A key store of Java: version, count, then entries that begin with 1 (private key), 2 (trusted
/// certificate) or 3 (secret key). Certificates are stepped over until a key is met.
fn java(source: &dyn ReadAt) -> Option<Store> {
    let number = |at: u64| {
        let bytes = source.bytes_at(at, 4).ok()?;
        Some(u32::from_be_bytes(*bytes.first_chunk()?))
    };
    let text = |at: u64| {
        let bytes = source.bytes_at(at, 2).ok()?;
        Some(2 + u64::from(u16::from_be_bytes(*bytes.first_chunk()?)))
    };
    let version = number(4).filter(|version| (1..=2).contains(version))?;
    let count = number(8)?;
    let mut at: u64 = 12;
    for _ in 0..count.min(MAX_ENTRIES) {
        match number(at) {
            Some(2) => {}
            Some(1 | 3) => return Some(Store::Keys),
            _ => break,
        }
        at += 4;
        at += text(at)? + 8;
        if version == 2 {
            at += text(at)?;
        }
        at += 4 + u64::from(number(at)?);
    }
    Some(Store::Certificates)
}

/// DER: PKCS#12, a bare private key, or Bouncy Castle's FIPS store.
fn der(name: &[u8], head: &[u8], source: &dyn ReadAt) -> Option<Store> {
    let (length, body) = header(head)?;
    // PFX ::= SEQUENCE { version INTEGER (3), authSafe ContentInfo … }
    if body.starts_with(b"\x02\x01\x03\x30") {
        let start = body.get(..body.len().min(40))?;
        memchr::memmem::find(start, PKCS7_DATA)?;
        let content = source.bytes_at(0, PKCS12_LIMIT).ok()?;
        let has_key = memchr::memmem::find_iter(&content, KEY_BAG)
            .any(|at| matches!(content.get(at + KEY_BAG.len()), Some(1 | 2)));
        return Some(if has_key {
            Store::Keys
        } else {
            Store::Certificates
        });
    }
    // The file is one value, and nothing follows it.
    let whole = (head.len() - body.len()) as u64 + length == source.len();
    if whole && body.starts_with(b"\x02\x01\x00") {
        let rest = &body[3..];
        // RSAPrivateKey: the modulus. PrivateKeyInfo: the algorithm.
        let rsa = rest.starts_with(b"\x02\x82") || rest.starts_with(b"\x02\x81");
        let pkcs8 = rest.first() == Some(&0x30)
            && ALGORITHMS
                .iter()
                .any(|id| rest.get(2..).is_some_and(|rest| rest.starts_with(id)));
        return (rsa || pkcs8).then_some(Store::PrivateKey);
    }
    name.to_ascii_lowercase()
        .ends_with(b".bcfks")
        .then_some(Store::Keys)
}

/// The length of a SEQUENCE's content, and what of it is there (X.690, 8.1.3).
fn header(der: &[u8]) -> Option<(u64, &[u8])> {
    let first = *der.get(1)?;
    if first < 0x80 {
        return Some((u64::from(first), der.get(2..)?));
    }
    let bytes = usize::from(first & 0x7f);
    if bytes == 0 || bytes > 4 {
        return None;
    }
    let length = der.get(2..2 + bytes)?;
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some((length, der.get(2 + bytes..)?))
}

/// MIT Kerberos, "Keytab file format": 5, then the version (1 or 2); the first record's length is a
/// number in big-endian order, and a principal has few components. A credential cache begins with
/// 5 and 1 to 4; versions 3 and 4 cannot be a keytab.
fn kerberos(head: &[u8], size: u64) -> Option<Store> {
    match head.first_chunk::<2>()? {
        [5, 2] => {
            let length = u64::from(u32::from_be_bytes(*head.get(2..)?.first_chunk()?));
            let components = u16::from_be_bytes(*head.get(6..)?.first_chunk()?);
            let fits = length > 8 && length + 6 <= size && (1..=8).contains(&components);
            fits.then_some(Store::Keytab)
        }
        // Version 4 has a header of tags: its length, then tag 1 (time offset) of 8 bytes.
        [5, 4] => matches!(head.get(2..8), Some([0, 12, 0, 1, 0, 8])).then_some(Store::Tickets),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, bytes: &[u8]) -> Option<Store> {
        recognise(name.as_bytes(), bytes, &bytes.to_vec())
    }

    fn jks(tags: &[u32]) -> Vec<u8> {
        let mut out = b"\xfe\xed\xfe\xed\0\0\0\x02".to_vec();
        out.extend(u32::try_from(tags.len()).unwrap().to_be_bytes());
        for tag in tags {
            out.extend(tag.to_be_bytes());
            out.extend(b"\0\x02ca\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x03abc");
        }
        out
    }

    #[test]
    fn a_java_store_of_certificates_is_no_secret() {
        assert_eq!(of("cacerts", &jks(&[2, 2, 2])), Some(Store::Certificates));
        assert_eq!(of("server.jks", &jks(&[2, 1])), Some(Store::Keys));
        assert_eq!(of("x", &jks(&[3])), Some(Store::Keys));
    }

    #[test]
    fn a_java_store_may_end_anywhere() {
        let whole = jks(&[2, 2]);
        for end in 0..whole.len() {
            let _ = of("x", &whole[..end]);
        }
        let mut huge = jks(&[2]);
        let end = huge.len();
        huge[8..12].fill(0xff);
        huge[end - 7..end - 3].fill(0xff);
        assert_eq!(of("x", &huge), Some(Store::Certificates));
    }

    #[test]
    fn a_pkcs12_file_shows_whether_it_has_a_key() {
        let mut file = b"\x30\x82\x04\x00\x02\x01\x03\x30\x82\x03\xf0".to_vec();
        file.extend(PKCS7_DATA);
        file.resize(1028, 0);
        assert_eq!(of("trust.p12", &file), Some(Store::Certificates));
        file.splice(500..500, [KEY_BAG, &[2]].concat());
        assert_eq!(of("server.p12", &file), Some(Store::Keys));
    }

    #[test]
    fn a_bare_key_is_one_value() {
        let mut key = b"\x30\x82\x00\x20\x02\x01\x00\x02\x82".to_vec();
        key.resize(36, 7);
        assert_eq!(of("k.der", &key), Some(Store::PrivateKey));
        key.push(0);
        assert_eq!(of("k.der", &key), None);
    }

    #[test]
    fn a_keytab_has_a_record() {
        let mut tab = b"\x05\x02\0\0\0\x20\0\x02\0\x0bEXAMPLE.ORG".to_vec();
        tab.resize(60, 0);
        assert_eq!(of("krb5.keytab", &tab), Some(Store::Keytab));
        assert_eq!(of("x", b"\x05\x02\xff\xff\xff\xff\0\x02"), None);
    }
}
