//! Keys of other programs (tests/keys/README.md says how they were made), and our own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KeyFault, PrivateKey, PublicKey};

macro_rules! kept {
    ($name:literal) => {
        include_str!(concat!("../../../tests/keys/", $name))
    };
}

/// What it is, the private key, the public one, the passphrase.
const SOUND: &[(&str, &str, &str, Option<&str>)] = &[
    ("PKCS#8", kept!("pkcs8.key"), kept!("pkcs8.pub"), None),
    ("CRLF", kept!("pkcs8-crlf.key"), kept!("pkcs8.pub"), None),
    ("SEC1", kept!("sec1.key"), kept!("sec1.pub"), None),
    (
        "SEC1 behind parameters",
        kept!("sec1-with-params.key"),
        kept!("sec1-with-params.pub"),
        None,
    ),
    (
        "PBKDF2 with SHA-256",
        kept!("pkcs8-pbes2-default.key"),
        kept!("pkcs8-pbes2-default.pub"),
        Some("correct-horse"),
    ),
    (
        "PBKDF2 with SHA-1",
        kept!("pkcs8-pbes2-aes128-sha1.key"),
        kept!("pkcs8-pbes2-aes128-sha1.pub"),
        Some("correct-horse"),
    ),
    (
        "scrypt",
        kept!("pkcs8-pbes2-scrypt.key"),
        kept!("pkcs8-pbes2-scrypt.pub"),
        Some("correct-horse"),
    ),
    (
        "cosign",
        kept!("cosign-pass.key"),
        kept!("cosign-pass.pub"),
        Some("tr0ub4dor & 3"),
    ),
    (
        "cosign, no passphrase to speak of",
        kept!("cosign-empty.key"),
        kept!("cosign-empty.pub"),
        Some(""),
    ),
];

/// Words of the fault, the key.
const UNFIT: &[(&[&str], &str)] = &[
    (&["3DES", "-v2 aes-256-cbc"], kept!("pkcs8-pbes2-des3.key")),
    (
        &["Proc-Type", "openssl pkcs8 -topk8"],
        kept!("sec1-encrypted-legacy.key"),
    ),
    (
        &["spells its curve out", "-param_enc named_curve"],
        kept!("sec1-explicit-params.key"),
    ),
    (&["P-384", "keys new"], kept!("p384-sec1.key")),
    (&["Ed25519", "keys new"], kept!("ed25519.key")),
    (&["RSA", "keys new"], kept!("rsa.key")),
    (&["public key", "private one"], kept!("pkcs8.pub")),
    (
        &["OpenSSH", "ssh-keygen"],
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    ),
    (
        &["damaged"],
        "-----BEGIN PRIVATE KEY-----\n%%%\n-----END PRIVATE KEY-----\n",
    ),
    (
        &["damaged"],
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    ),
    (
        &["damaged"],
        "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n",
    ),
    (&["no end"], "-----BEGIN PRIVATE KEY-----\nMAA=\n"),
];

#[test]
fn keys_of_openssl_and_cosign_are_read() {
    for (what, key, public, passphrase) in SOUND {
        let passphrase = passphrase.map(str::as_bytes);
        let key =
            PrivateKey::read(key, passphrase).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!(*key.public(), PublicKey::read(public).unwrap(), "{what}");
        let signature = key.sign(b"a layer");
        assert!(key.public().verifies(b"a layer", &signature), "{what}");
        assert!(!key.public().verifies(b"another", &signature), "{what}");
        assert_eq!(signature, key.sign(b"a layer"), "{what}");
    }
}

#[test]
fn a_passphrase_that_is_missing_or_wrong_is_told_apart() {
    for (what, key, _, passphrase) in SOUND {
        if passphrase.is_some() {
            let wrong = PrivateKey::read(key, Some(b"wrong")).err();
            assert_eq!(wrong, Some(KeyFault::WrongPassphrase), "{what}");
            let missing = PrivateKey::read(key, None).err();
            assert_eq!(missing, Some(KeyFault::Locked), "{what}");
        } else {
            assert!(PrivateKey::read(key, Some(b"not needed")).is_ok(), "{what}");
        }
    }
}

/// One wrong passphrase in 256 leaves sound padding, as this one does, and no key before it.
#[test]
fn a_wrong_passphrase_that_leaves_sound_padding_is_wrong() {
    let key = kept!("pkcs8-pbes2-aes128-sha1.key");
    let fault = PrivateKey::read(key, Some(b"wrong 54")).unwrap_err();
    assert_eq!(fault, KeyFault::WrongPassphrase);
}

#[test]
fn a_key_that_does_not_fit_is_told_what_it_is_and_what_to_do() {
    for (words, key) in UNFIT {
        let told = PrivateKey::read(key, Some(b"correct-horse"))
            .unwrap_err()
            .to_string();
        for word in *words {
            assert!(told.contains(word), "{word}: {told}");
        }
    }
    let none = PrivateKey::read("nothing", None).unwrap_err();
    assert_eq!(none, KeyFault::NoPem("PRIVATE KEY"));
    let two = [kept!("pkcs8.key"), kept!("sec1.key")].concat();
    let told = PrivateKey::read(&two, None).unwrap_err().to_string();
    assert!(told.contains("several"), "{told}");
}

#[test]
fn what_would_take_too_long_is_not_begun() {
    let dear = [
        r#"{"N":1073741824,"r":8,"p":1}"#,
        r#"{"N":65536,"r":4294967295,"p":4294967295}"#,
        r#"{"N":18446744073709551615,"r":8,"p":1}"#,
        r#"{"N":9223372036854775808,"r":1,"p":1}"#,
        r#"{"N":65536,"r":0,"p":1}"#,
        r#"{"N":0,"r":8,"p":1}"#,
        r#"{"N":65536,"r":8,"p":1e99}"#,
    ];
    for cost in dear {
        let told = PrivateKey::read(&of_cosign(cost), Some(b"x"))
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("too long") || told.contains("damaged"),
            "{cost}: {told}"
        );
    }
    // The rounds of PBKDF2 stand as 2048 in two bytes, and as more than the most in four.
    let der = der(kept!("pkcs8-pbes2-aes128-sha1.key"));
    let at = der.windows(4).position(|w| w == [2, 2, 8, 0]).unwrap();
    let mut more = der.clone();
    more.splice(at..at + 4, [2, 4, 0x7f, 0xff, 0xff, 0xff]);
    // What holds it grows by two, too: the whole, the scheme, its parameters, those of PBKDF2.
    for length in [2, 4, 17, 19, 32] {
        more[length] += 2;
    }
    let told = PrivateKey::read(&pem("ENCRYPTED PRIVATE KEY", &more), Some(b"x"))
        .unwrap_err()
        .to_string();
    assert!(told.contains("2147483647 rounds"), "{told}");
}

/// Each byte of each form changed, and each form cut anywhere: nothing but faults.
#[test]
fn a_damaged_key_is_a_fault_and_no_more() {
    for (what, key, public, passphrase) in SOUND {
        if passphrase.is_some() {
            continue;
        }
        let label = if key.contains("EC PRIVATE") {
            "EC PRIVATE KEY"
        } else {
            "PRIVATE KEY"
        };
        let der = der(key);
        for at in 0..der.len() {
            let cut = PrivateKey::read(&pem(label, &der[..at]), None);
            assert!(cut.is_err(), "{what} cut at {at}");
            let mut bent = der.clone();
            bent[at] ^= 0x41;
            if let Ok(read) = PrivateKey::read(&pem(label, &bent), None) {
                // Only what does not count may change.
                assert_eq!(
                    *read.public(),
                    PublicKey::read(public).unwrap(),
                    "{what} {at}"
                );
            }
        }
    }
    let der = der(kept!("pkcs8-pbes2-scrypt.key"));
    for at in 0..der.len() {
        let cut = PrivateKey::read(&pem("ENCRYPTED PRIVATE KEY", &der[..at]), None);
        assert!(cut.is_err(), "cut at {at}");
        let mut bent = der.clone();
        bent[at] ^= 0x41;
        // Without a passphrase nothing is hashed, and everything before that is tried.
        let bent = PrivateKey::read(&pem("ENCRYPTED PRIVATE KEY", &bent), None);
        assert!(bent.is_err(), "changed at {at}");
    }
}

#[test]
fn a_new_key_is_read_back_and_is_no_other() {
    let key = PrivateKey::new().unwrap();
    assert_ne!(key.public(), PrivateKey::new().unwrap().public());
    let plain = key.to_pem(None).unwrap();
    let read = PrivateKey::read(&plain, None).unwrap();
    assert_eq!(read.public(), key.public());
    assert_eq!(read.sign(b"x"), key.sign(b"x"));
    let locked = key.to_pem(Some(b"a passphrase")).unwrap();
    assert_ne!(locked, key.to_pem(Some(b"a passphrase")).unwrap());
    assert_eq!(
        PrivateKey::read(&locked, None).unwrap_err(),
        KeyFault::Locked
    );
    let read = PrivateKey::read(&locked, Some(b"a passphrase")).unwrap();
    assert_eq!(read.public(), key.public());
}

/// RFC 6979, A.2.5: the key, and the signature of "sample" with SHA-256.
#[test]
fn signatures_are_those_of_the_standard() {
    let scalar = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
    let sec1 = [bytes("302502010104 20"), bytes(scalar)].concat();
    let key = PrivateKey::read(&pem("EC PRIVATE KEY", &sec1), None).unwrap();
    let r = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716";
    let s = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
    let der = ["3046022100", r, "022100", s].concat();
    assert_eq!(key.sign(b"sample"), bytes(&der));
}

#[test]
fn what_is_shown_of_a_key_is_not_the_key() {
    let key = PrivateKey::read(kept!("pkcs8.key"), None).unwrap();
    let shown = format!("{key:?} {key:#?}");
    let one = format!("PrivateKey(of {})", key.public().short());
    assert_eq!(shown, format!("{one} {one}"));
}

fn der(pem: &str) -> Vec<u8> {
    let block = super::pem::blocks(pem).pop().unwrap();
    block.bytes().unwrap().to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    let inside = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{inside}\n-----END {label}-----\n")
}

/// A key of cosign that asks for this much of scrypt.
fn of_cosign(cost: &str) -> String {
    let (salt, nonce) = (STANDARD.encode([0; 32]), STANDARD.encode([0; 24]));
    let json = format!(
        r#"{{"kdf":{{"name":"scrypt","params":{cost},"salt":"{salt}"}},"cipher":{{"name":"nacl/secretbox","nonce":"{nonce}"}},"ciphertext":""}}"#
    );
    pem("ENCRYPTED SIGSTORE PRIVATE KEY", json.as_bytes())
}

fn bytes(hex: &str) -> Vec<u8> {
    let hex: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.chunks(2).map(byte).collect()
}
