//! Public keys, and the names that programs give them.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};

use super::KeyFault;
use crate::layout::Digest;

/// The longest text that is looked at for a key, in bytes.
pub(super) const KEY_LIMIT: usize = 64 << 10;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    pem: String,
}

impl PublicKey {
    /// Reads a key in the form that openssl and cosign write: SubjectPublicKeyInfo in PEM.
    ///
    /// # Errors
    /// When it is none, or of another kind than P-256.
    pub fn read(text: &str) -> Result<Self, KeyFault> {
        const BEGIN: &str = "PUBLIC KEY";
        let pem = super::pem::only(text, &[BEGIN]).ok_or(KeyFault::NoPem(BEGIN))?;
        let key = VerifyingKey::from_public_key_pem(&pem.text).map_err(|_| {
            KeyFault::Unfit(
                "it is no public key of ECDSA on P-256, the only kind that is used: make one with \
                 seaworthy keys new"
                    .to_owned(),
            )
        })?;
        Self::of(key)
    }

    pub(super) fn of(key: VerifyingKey) -> Result<Self, KeyFault> {
        let pem = key
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| KeyFault::Unfit(error.to_string()))?;
        Ok(Self { key, pem })
    }

    /// SubjectPublicKeyInfo in PEM, with a line end after it: the same text for the same key.
    #[must_use]
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The name that securesystemslib and in-toto for Python give it: the digest of its canonical
    /// JSON.
    #[must_use]
    pub fn python_id(&self) -> String {
        // The members in the order of their names, nothing between them (OLPC canonical JSON).
        let text = format!(
            "{{\"keytype\":\"ecdsa\",\"keyval\":{{\"public\":\"{}\"}},\
             \"scheme\":\"ecdsa-sha2-nistp256\"}}",
            self.pem
        );
        Digest::of(text.as_bytes()).hex()
    }

    /// The name that in-toto for Go gives it.
    #[must_use]
    pub fn go_id(&self) -> String {
        let text = format!(
            "{{\"keyid_hash_algorithms\":[\"sha256\",\"sha512\"],\"keytype\":\"ecdsa\",\
             \"keyval\":{{\"public\":\"{}\"}},\"scheme\":\"ecdsa-sha2-nistp256\"}}",
            self.pem.trim_end()
        );
        Digest::of(text.as_bytes()).hex()
    }

    /// How people tell it: the beginning of its name.
    #[must_use]
    pub fn short(&self) -> String {
        self.python_id().chars().take(8).collect()
    }

    /// Whether `signature`, ASN.1 in DER (RFC 3279, 2.2.3), is of this key over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature)
            .is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.short())
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.pem.cmp(&other.pem)
    }
}
