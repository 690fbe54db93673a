//! Private keys under a passphrase: PBES2 (RFC 8018), and cosign's JSON with scrypt (RFC 7914) and
//! NaCl's secretbox. What a file asks for in time and memory is bounded before it is given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::der::{Decode as _, Reader as _};
use pkcs8::pkcs5::pbes2::{AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID, Kdf, PBES2_OID};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfo, ObjectIdentifier, PrivateKeyInfo, SecretDocument};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::KeyFault;
use super::private::damaged;

/// The most rounds of PBKDF2: what RFC 8018, 4.2, names for especially critical keys.
const MOST_ROUNDS: u32 = 10_000_000;
/// The most memory that scrypt takes, in bytes; it takes time by the same measure. cosign's keys
/// take 64 MiB.
const MOST_MEMORY: u64 = 256 << 20;

/// Ciphers of old.
const OTHERS: &[(ObjectIdentifier, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), "3DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.2"), "RC2"),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.7"), "DES"),
];

/// Opens PKCS#8.
///
/// # Errors
/// When the passphrase is missing or wrong, or the encryption is one that is not read.
pub(super) fn pkcs8(der: &[u8], passphrase: Option<&[u8]>) -> Result<SecretDocument, KeyFault> {
    let info = EncryptedPrivateKeyInfo::try_from(der).map_err(|_| unread(der))?;
    let scheme = info
        .encryption_algorithm
        .pbes2()
        .ok_or_else(|| unread(der))?;
    match &scheme.kdf {
        Kdf::Pbkdf2(with) if with.iteration_count > MOST_ROUNDS => {
            return Err(dear(&format!("{} rounds of PBKDF2", with.iteration_count)));
        }
        Kdf::Pbkdf2(_) => {}
        Kdf::Scrypt(with) => {
            let (r, p) = (with.block_size.into(), with.parallelization.into());
            scrypt_params(with.cost_parameter, r, p)?;
        }
        _ => return Err(unread(der)),
    }
    if let Some(length) = scheme.kdf.key_length()
        && usize::from(length) != scheme.encryption.key_size()
    {
        return Err(damaged());
    }
    let passphrase = passphrase.ok_or(KeyFault::Locked)?;
    let opened = info
        .decrypt(passphrase)
        .map_err(|_| KeyFault::WrongPassphrase)?;
    // One wrong passphrase in 256 leaves what looks like sound padding, and noise before it.
    if PrivateKeyInfo::try_from(opened.as_bytes()).is_err() {
        return Err(KeyFault::WrongPassphrase);
    }
    Ok(opened)
}

/// What stands in cosign's PEM.
#[derive(Deserialize)]
struct Cosign {
    kdf: CosignKdf,
    cipher: CosignCipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct CosignKdf {
    name: String,
    params: CosignCost,
    salt: String,
}

#[derive(Deserialize)]
struct CosignCost {
    #[serde(rename = "N")]
    cost: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct CosignCipher {
    name: String,
    nonce: String,
}

/// Opens cosign's form; what it holds is PKCS#8.
///
/// # Errors
/// As [`pkcs8()`].
pub(super) fn cosign(
    json: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let file: Cosign = serde_json::from_slice(json).map_err(|_| damaged())?;
    if file.kdf.name != "scrypt" || file.cipher.name != "nacl/secretbox" {
        return Err(KeyFault::Unfit(
            "it is a key of cosign in a form that is not read: make one with cosign \
             generate-key-pair or seaworthy keys new"
                .to_owned(),
        ));
    }
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    let salt = bytes(&file.kdf.salt)?;
    let nonce: [u8; 24] = bytes(&file.cipher.nonce)?
        .try_into()
        .map_err(|_| damaged())?;
    let ciphertext = bytes(&file.ciphertext)?;
    let cost = &file.kdf.params;
    let with = scrypt_params(cost.cost, cost.r, cost.p)?;
    let passphrase = passphrase.ok_or(KeyFault::Locked)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase, &salt, &with, &mut *key).map_err(|_| damaged())?;
    XSalsa20Poly1305::new((&*key).into())
        .decrypt((&nonce).into(), &*ciphertext)
        .map(Zeroizing::new)
        .map_err(|_| KeyFault::WrongPassphrase)
}

/// What scrypt is asked for, when it is sound and can be paid.
fn scrypt_params(cost: u64, r: u32, p: u32) -> Result<scrypt::Params, KeyFault> {
    if cost < 2 || !cost.is_power_of_two() || r == 0 || p == 0 {
        return Err(damaged());
    }
    let memory = u128::from(cost) * u128::from(r) * u128::from(p) * 128;
    if memory > u128::from(MOST_MEMORY) {
        return Err(dear(&format!("scrypt with N = {cost}, r = {r}, p = {p}")));
    }
    let log = u8::try_from(cost.trailing_zeros()).map_err(|_| damaged())?;
    scrypt::Params::new(log, r, p, scrypt::Params::RECOMMENDED_LEN).map_err(|_| damaged())
}

fn dear(what: &str) -> KeyFault {
    KeyFault::Unfit(format!(
        "it takes too long to open ({what}): encrypt it anew with openssl pkcs8 -topk8 -v2 \
         aes-256-cbc -in OLD -out NEW"
    ))
}

/// Why a key in PKCS#8 cannot be opened at all.
fn unread(der: &[u8]) -> KeyFault {
    let Some(cipher) = cipher(der) else {
        return damaged();
    };
    let what = match OTHERS.iter().find(|(known, _)| *known == cipher) {
        Some((_, name)) => (*name).to_owned(),
        None if [AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID].contains(&cipher) => {
            "AES and a rare kind of passphrase".to_owned()
        }
        None => format!("the cipher {cipher}"),
    };
    KeyFault::Unfit(format!(
        "it is encrypted with {what}, which is not read: encrypt it anew with openssl pkcs8 -topk8 \
         -v2 aes-256-cbc -in OLD -out NEW"
    ))
}

/// The cipher that a key in PKCS#8 names; the whole scheme where that is older than PBES2.
fn cipher(der: &[u8]) -> Option<ObjectIdentifier> {
    let scheme = AnyRef::from_der(der).ok()?.sequence(|reader| {
        let scheme = AlgorithmIdentifierRef::decode(reader)?;
        reader.decode::<OctetStringRef<'_>>()?;
        Ok(scheme)
    });
    let scheme = scheme.ok()?;
    if scheme.oid != PBES2_OID {
        return Some(scheme.oid);
    }
    let cipher = scheme.parameters?.sequence(|reader| {
        AnyRef::decode(reader)?;
        AlgorithmIdentifierRef::decode(reader)
    });
    cipher.ok().map(|cipher| cipher.oid)
}
