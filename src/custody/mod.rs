//! The chain of custody of an image: which group added which layer, what each of them may touch,
//! and the stamp that each puts on what it hands over.
//!
//! Everything that is signed is signed in a form that other programs verify: in-toto links and
//! statements in DSSE envelopes, and cosign's payloads on manifests. What is read comes from others
//! and is believed in nothing but what a key of the policy has signed.

mod envelope;
mod evidence;
mod in_toto;
mod key;
mod ledger;
mod merged;
mod policy;
mod shadow;
mod sign;
mod stamp;
#[cfg(test)]
mod tests;
mod verify;

pub use envelope::{Envelope, IN_TOTO};
pub use evidence::{CLAIM, ENVELOPE, Evidence, SignedClaim};
pub use in_toto::{links, root_layout};
pub use key::{KeyFault, PrivateKey, PublicKey};
pub use ledger::{Ledger, LedgerCheck, LedgerFile, LedgerKind, LedgerPackage};
pub use merged::{Applied, Held, Merged, Shape, Touch, Touched, Trick};
pub use policy::{Policy, Role, Trespass, schema as policy_schema, template as policy_template};
pub use sign::{SignError, Signed, Signing, sign};
pub use stamp::{ImageClaim, Link, Stamp, Statement, Subject, artifact};
pub use verify::{Stage, verify};

/// The media type of a ledger.
pub const LEDGER: &str = "application/vnd.seaworthy.ledger.v1+json";
/// The artifact type of the manifest that gathers the ledgers of an image.
pub const LEDGERS: &str = "application/vnd.seaworthy.ledgers.v1";
/// The media type of the empty configuration of a manifest that is no image (manifest.md, Guidelines
/// for Artifact Usage).
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// What lies beside an image in its layout, by the ends of the names: signatures, envelopes, ledgers, and
/// what Sigstore's programs look for.
const SHELVES: [&str; 4] = ["sig", "att", "ledger", "bundle"];

/// The name in a layout of what belongs to an image: `sha256-HEX.` and `what`, as cosign names its
/// signatures.
#[must_use]
pub fn beside(image: &crate::layout::Digest, what: &str) -> String {
    format!("sha256-{}.{what}", image.hex())
}
