//! Keys: ECDSA on the curve P-256, which every program that verifies images takes.

mod locked;
mod pem;
mod private;
mod public;
#[cfg(test)]
mod tests;

pub use private::PrivateKey;
pub use public::PublicKey;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The text holds no key.
    #[error("no key in PEM form: expected a line -----BEGIN {0}-----")]
    NoPem(&'static str),
    /// It is a key, but none that can be used here.
    #[error("{0}")]
    Unfit(String),
    /// It is encrypted and no passphrase was given.
    #[error("the key is encrypted: give its passphrase")]
    Locked,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    NoRandom(String),
}
