//! What groups sign, and whom a policy trusts: the first byte chooses the document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::custody::{Envelope, ImageClaim, Link, Policy, PrivateKey, PublicKey};

fuzz_target!(|data: &[u8]| {
    let Some((&first, document)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(document);
    match first % 6 {
        0 => drop(Envelope::read(document)),
        1 => drop(Link::read(document)),
        2 => drop(ImageClaim::read(document)),
        3 => drop(PublicKey::read(&text)),
        4 => drop(PrivateKey::read(&text, None)),
        _ => drop(Policy::read("trust.toml", &text, &mut |_| Err(String::new()))),
    }
});
