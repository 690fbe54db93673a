//! Private keys: made here, or read in the forms in which openssl and cosign keep them.

use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use pkcs8::der::asn1::{AnyRef, ContextSpecific, OctetStringRef};
use pkcs8::der::{Decode as _, Reader as _, Tag, TagNumber, Tagged as _};
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncodePrivateKey as _, LineEnding, ObjectIdentifier, PrivateKeyInfo};
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

use super::pem::{self, Pem};
use super::{KeyFault, PublicKey, locked};

/// PKCS#8 (RFC 7468, 10).
const PLAIN: &str = "PRIVATE KEY";
/// The same, encrypted (RFC 7468, 11).
const LOCKED: &str = "ENCRYPTED PRIVATE KEY";
/// The older form of keys on elliptic curves (RFC 5915).
const SEC1: &str = "EC PRIVATE KEY";
/// cosign's own form, under its name of today and the one before.
const COSIGN: [&str; 2] = [
    "ENCRYPTED SIGSTORE PRIVATE KEY",
    "ENCRYPTED COSIGN PRIVATE KEY",
];

/// Keys on elliptic curves (RFC 5480).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// P-256.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// Algorithms and curves that keys are of, too.
const OTHERS: &[(ObjectIdentifier, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"), "RSA"),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"),
        "RSA-PSS",
    ),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "X25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), "Ed25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "Ed448"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), "secp256k1"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), "P-224"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521"),
];

/// How often a passphrase is hashed: what OWASP's Password Storage Cheat Sheet asks of PBKDF2 with
/// SHA-256. scrypt would be the better lock, but not every openssl opens it.
const ROUNDS: u32 = 600_000;

/// A private key. It is wiped from memory when it goes.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key of random bytes of the system.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn new() -> Result<Self, KeyFault> {
        /// One in 2^32 is too large for the curve, and another is taken.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let mut bytes = Zeroizing::new([0; 32]);
            fill(&mut *bytes)?;
            if let Ok(key) = SecretKey::from_slice(&*bytes) {
                return Self::of(&key);
            }
        }
        Err(KeyFault::NoRandom("none of them is a key".to_owned()))
    }

    /// Reads a key in PEM: PKCS#8, as it is or encrypted by PBES2 (RFC 8018); SEC1 (RFC 5915);
    /// cosign's own form. A passphrase that is not needed is not looked at.
    ///
    /// # Errors
    /// When there is no key, or one of a kind that is not used here; when it is encrypted and the
    /// passphrase is missing or wrong.
    pub fn read(text: &str, passphrase: Option<&[u8]>) -> Result<Self, KeyFault> {
        let pem = only_private(text)?;
        if pem.text.contains("Proc-Type:") {
            return Err(KeyFault::Unfit(
                "it is encrypted in openssl's old form (Proc-Type), which guards badly: convert it \
                 with openssl pkcs8 -topk8 -in OLD -out NEW"
                    .to_owned(),
            ));
        }
        let label = pem.label.as_str();
        let unfit = match label {
            PLAIN | LOCKED | SEC1 => None,
            _ if COSIGN.contains(&label) => None,
            "RSA PRIVATE KEY" => Some(other("RSA")),
            "DSA PRIVATE KEY" => Some(other("DSA")),
            "OPENSSH PRIVATE KEY" => Some(KeyFault::Unfit(
                "it is in the form of OpenSSH: convert a copy of it with ssh-keygen -p -m PKCS8 -f \
                 COPY, or make a key with seaworthy keys new"
                    .to_owned(),
            )),
            _ => Some(KeyFault::Unfit(
                "it is in a form that is not read: convert it with openssl pkcs8 -topk8 -in OLD \
                 -out NEW"
                    .to_owned(),
            )),
        };
        if let Some(fault) = unfit {
            return Err(fault);
        }
        let bytes = pem.bytes().ok_or_else(damaged)?;
        match label {
            PLAIN => Self::of_pkcs8(&bytes),
            SEC1 => Self::of_sec1(&bytes),
            LOCKED => Self::of_pkcs8(locked::pkcs8(&bytes, passphrase)?.as_bytes()),
            _ => Self::of_pkcs8(&locked::cosign(&bytes, passphrase)?),
        }
    }

    /// The key as PKCS#8 in PEM; encrypted when a passphrase is given, in a form that openssl reads.
    ///
    /// # Errors
    /// When the system gives no random bytes for the encryption.
    pub fn to_pem(&self, passphrase: Option<&[u8]>) -> Result<Zeroizing<String>, KeyFault> {
        let unfit = |error: &dyn std::fmt::Display| KeyFault::Unfit(error.to_string());
        let plain = self.key.to_pkcs8_der().map_err(|error| unfit(&error))?;
        let Some(passphrase) = passphrase else {
            let pem = plain.to_pem(PLAIN, LineEnding::LF);
            return pem.map_err(|error| unfit(&error));
        };
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        fill(&mut salt)?;
        fill(&mut iv)?;
        let with = pbes2::Parameters::pbkdf2_sha256_aes256cbc(ROUNDS, &salt, &iv)
            .map_err(|error| unfit(&error))?;
        PrivateKeyInfo::try_from(plain.as_bytes())
            .and_then(|info| info.encrypt_with_params(with, passphrase))
            .map_err(|error| unfit(&error))?
            .to_pem(LOCKED, LineEnding::LF)
            .map_err(|error| unfit(&error))
    }

    /// The signature over `message`: ASN.1 in DER (RFC 3279, 2.2.3), and the same for the same
    /// message (RFC 6979).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    fn of(key: &SecretKey) -> Result<Self, KeyFault> {
        let key = SigningKey::from(key);
        let public = PublicKey::of(*key.verifying_key())?;
        Ok(Self { key, public })
    }

    fn of_pkcs8(der: &[u8]) -> Result<Self, KeyFault> {
        let info = PrivateKeyInfo::try_from(der).map_err(|_| damaged())?;
        let algorithm = &info.algorithm;
        if algorithm.oid != EC {
            return Err(other_of(algorithm.oid));
        }
        check_curve(algorithm.parameters.ok_or_else(damaged)?)?;
        let key = SecretKey::from_sec1_der(info.private_key).map_err(|_| damaged())?;
        Self::of(&key)
    }

    fn of_sec1(der: &[u8]) -> Result<Self, KeyFault> {
        if let Some(curve) = sec1_curve(der).ok_or_else(damaged)? {
            check_curve(curve)?;
        }
        let key = SecretKey::from_sec1_der(der).map_err(|_| damaged())?;
        Self::of(&key)
    }
}

/// Tells which key it is, and nothing of it.
impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey(of {})", self.public.short())
    }
}

/// The private key in a text. Which one of several counts would be a guess.
fn only_private(text: &str) -> Result<Pem, KeyFault> {
    let unfit = |why: &str| Err(KeyFault::Unfit(why.to_owned()));
    let blocks = pem::blocks(text);
    let is_public = blocks.iter().any(|pem| pem.label == "PUBLIC KEY");
    let mut keys = blocks
        .into_iter()
        .filter(|pem| pem.label.ends_with("PRIVATE KEY"));
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => unfit("it holds several private keys: leave one in the file"),
        (None, _) if is_public => unfit("it is a public key, where the private one is needed"),
        (None, _) if text.contains("PRIVATE KEY-----") => {
            unfit("the key has no end: a line -----END …----- as its first line says is missing")
        }
        (None, _) => Err(KeyFault::NoPem(PLAIN)),
    }
}

/// The curve that a key in SEC1 is on, where it says so. None when it is no such key.
fn sec1_curve(der: &[u8]) -> Option<Option<AnyRef<'_>>> {
    let key = AnyRef::from_der(der).ok()?;
    let curve = key.sequence(|reader| {
        reader.decode::<u8>()?;
        reader.decode::<OctetStringRef<'_>>()?;
        let curve = ContextSpecific::<AnyRef<'_>>::decode_explicit(reader, TagNumber::N0)?;
        reader.read_slice(reader.remaining_len())?;
        Ok(curve.map(|curve| curve.value))
    });
    curve.ok()
}

fn check_curve(curve: AnyRef<'_>) -> Result<(), KeyFault> {
    if curve.tag() == Tag::Sequence {
        return Err(KeyFault::Unfit(
            "it spells its curve out instead of naming it: convert it with openssl ec -in OLD \
             -param_enc named_curve -out NEW"
                .to_owned(),
        ));
    }
    let curve = curve.decode_as().map_err(|_| damaged())?;
    if curve == P256 {
        Ok(())
    } else {
        Err(other_of(curve))
    }
}

/// It is a sound key, but not of the kind that everybody takes.
fn other_of(oid: ObjectIdentifier) -> KeyFault {
    match OTHERS.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => other(name),
        None => other(&format!("of the kind {oid}")),
    }
}

fn other(kind: &str) -> KeyFault {
    KeyFault::Unfit(format!(
        "it is {kind}, and only ECDSA on P-256 is used: make a key with seaworthy keys new"
    ))
}

/// What is no key inside, although the lines around it say so.
pub(super) fn damaged() -> KeyFault {
    KeyFault::Unfit("it is damaged: take the file from where it was made".to_owned())
}

fn fill(bytes: &mut [u8]) -> Result<(), KeyFault> {
    OsRng
        .try_fill_bytes(bytes)
        .map_err(|error| KeyFault::NoRandom(error.to_string()))
}
