//! The custody of an image: what is known of who added each layer, who stamped it, and whether each
//! group verified what it received.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The custody of an image, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Custody {
    /// The image's name in its layout.
    pub image: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The answer in one word.
    pub verdict: CustodyVerdict,
    /// Its layers, the lowest first.
    pub layers: Vec<CustodyLayer>,
    /// The hand-overs, the first one first.
    pub handovers: Vec<Handover>,
    /// The signatures on the finished image.
    pub signatures: Vec<ImageSignature>,
    /// What else was bound to the image.
    pub attested: Vec<Attested>,
    /// Everything that is wrong.
    pub problems: Vec<CustodyProblem>,
    /// What could not be looked at, and is no fault by itself.
    pub remarks: Vec<String>,
}

/// The answer in one word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CustodyVerdict {
    /// Every layer is what its group stamped, and every group verified what it received.
    Holds,
    /// Something is not as it should be.
    Broken,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyLayer {
    /// The role that it says it is of; empty where it says none.
    pub role: String,
    /// Its digest as it is stored.
    pub digest: String,
    /// Its digest uncompressed.
    pub diff_id: String,
    /// Bytes as stored.
    pub size: u64,
    /// Bytes uncompressed; 0 where it could not be read.
    pub unpacked: u64,
    /// Its entries.
    pub entries: u64,
    /// Its packages, by its ledger.
    pub packages: u64,
    /// Whether its bytes are what its digests say and nothing in it leads astray.
    pub is_sound: bool,
    /// Whether its ledger tells exactly what is in it; None where it has none.
    #[serde(default)]
    pub ledger_agrees: Option<bool>,
}

/// A hand-over: what a group stamped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handover {
    /// The role.
    pub role: String,
    /// How many layers the image has by then.
    pub layers: usize,
    /// The digest of the image that was handed over, where its stamp tells it.
    #[serde(default)]
    pub image: Option<String>,
    /// The keys that stamped it, by the first eight digits of their names.
    pub keys: Vec<String>,
    /// Whether as many keys of the role stamped it as the policy asks for.
    pub is_stamped: bool,
    /// Whether the group says that it verified what it received, and that was what the group before
    /// it had stamped; None for the first.
    #[serde(default)]
    pub received_verified: Option<bool>,
}

/// A signature on the finished image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ImageSignature {
    /// The role of its key.
    pub role: String,
    /// The key.
    pub key: String,
    /// The name of the image that it names.
    pub reference: String,
}

/// A document that was bound to the image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Attested {
    /// `report` or `plan`.
    pub kind: String,
    /// Its digest.
    pub digest: String,
    /// The role that bound it.
    pub role: String,
    /// What it says in a few words.
    pub says: String,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CustodyProblem {
    /// The number of the layer, from 0; None where it is of the whole image.
    #[serde(default)]
    pub layer: Option<usize>,
    /// What kind of thing.
    pub kind: ProblemKind,
    /// What exactly, in a sentence.
    pub message: String,
}

/// What kind of thing is wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// A blob is missing, cut off, or not what its digest says.
    Blob,
    /// A layer's archive is none, or holds what leads programs astray.
    Archive,
    /// The image's documents contradict each other.
    Document,
    /// A layer is of no role, or the roles are in another order than the policy's.
    Order,
    /// A stamp is missing.
    Unstamped,
    /// A stamp is there, of a key that may not give it.
    WrongKey,
    /// A stamp is of other layers than the image's.
    OtherLayers,
    /// A group did not verify what it received, or received something else than was stamped.
    Chain,
    /// A layer touches what its role may not touch.
    Trespass,
    /// A ledger does not tell what is in its layer.
    Ledger,
    /// The finished image lacks a signature, or has one of another image or name.
    Signature,
    /// The policy has expired.
    Expired,
}
