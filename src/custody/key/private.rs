//! Private keys.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};

use super::{KeyFault, PublicKey};

/// A private key.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str, _passphrase: Option<&[u8]>) -> Result<Self, KeyFault> {
        let key = SigningKey::from_pkcs8_pem(text).map_err(|e| KeyFault::Unfit(e.to_string()))?;
        let public = PublicKey::of(*key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// DER of an ECDSA signature over SHA-256 of the message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }

    /// Its public key.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// PKCS#8.
    pub fn to_pem(&self) -> String {
        self.key
            .to_pkcs8_pem(LineEnding::LF)
            .map(|p| p.to_string())
            .unwrap_or_default()
    }
}
