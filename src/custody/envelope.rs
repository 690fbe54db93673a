//! DSSE envelopes: a document with the signatures of those who vouch for it
//! (<https://github.com/secure-systems-lab/dsse>, envelope.md and protocol.md).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::{PrivateKey, PublicKey};
use crate::layout::Digest;

/// The payload type of in-toto's links and statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The most signatures of one envelope that are tried: nobody needs more, and each costs time.
const SIGNATURES: usize = 64;

/// A document with signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The document.
    pub payload: Vec<u8>,
    signatures: Vec<Signature>,
    /// The envelope as it is stored.
    bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    keyid: String,
    sig: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Serialize, Deserialize)]
struct WrittenSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs a document. The signature stands under both names that verifiers know the key by:
    /// that of in-toto for Python, and that for Go.
    #[must_use]
    pub fn sign(payload_type: &str, payload: &[u8], key: &PrivateKey) -> Self {
        let sig = key.sign(&encoded(payload_type, payload));
        let public = key.public();
        let signatures: Vec<Signature> = [public.python_id(), public.go_id()]
            .map(|keyid| Signature {
                keyid,
                sig: sig.clone(),
            })
            .into();
        let written = Written {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: signatures
                .iter()
                .map(|signature| WrittenSignature {
                    keyid: signature.keyid.clone(),
                    sig: STANDARD.encode(&signature.sig),
                })
                .collect(),
        };
        Self {
            payload_type: payload_type.to_owned(),
            payload: payload.to_vec(),
            signatures,
            // Texts in a known form are always written.
            bytes: serde_json::to_vec(&written).unwrap_or_default(),
        }
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let written: Written =
            crate::layout::unambiguous(bytes).map_err(|error| error.to_string())?;
        Self::understood(written, bytes.to_vec())
    }

    fn understood(written: Written, bytes: Vec<u8>) -> Result<Self, String> {
        let mut signatures = Vec::new();
        for signature in written.signatures.into_iter().take(SIGNATURES) {
            signatures.push(Signature {
                keyid: signature.keyid,
                sig: decoded(&signature.sig)?,
            });
        }
        Ok(Self {
            payload: decoded(&written.payload)?,
            payload_type: written.payload_type,
            signatures,
            bytes,
        })
    }

    /// The envelope as it is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of the envelope as it is stored.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// The keys among `keys` that have signed it, each once. What an envelope says of whose a
    /// signature is counts for nothing.
    pub fn signers<'a>(&self, keys: impl IntoIterator<Item = &'a PublicKey>) -> Vec<&'a PublicKey> {
        let message = encoded(&self.payload_type, &self.payload);
        let signed = |key: &&PublicKey| {
            let mut signatures = self.signatures.iter();
            signatures.any(|signature| key.verifies(&message, &signature.sig))
        };
        let mut found: Vec<&PublicKey> = keys.into_iter().filter(signed).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The envelope as a bundle of Sigstore, version 0.3, which has exactly one signature and no
    /// entry of a log (<https://github.com/sigstore/protobuf-specs>, sigstore_bundle.proto); None
    /// where it has none.
    #[must_use]
    pub fn bundle(&self) -> Option<Vec<u8>> {
        let first = self.signatures.first()?;
        let bundle = serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": first.keyid}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": STANDARD.encode(&self.payload),
                "payloadType": self.payload_type,
                "signatures": [{"sig": STANDARD.encode(&first.sig)}],
            },
        });
        Some(bundle.to_string().into_bytes())
    }
}

/// What is signed: payload and its type, each with its length in front (protocol.md, PAE).
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    message.extend_from_slice(payload);
    message
}

/// Either alphabet of base64 is allowed (envelope.md).
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|error| format!("base64: {error}"))
}
