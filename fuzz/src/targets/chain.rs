//! The chain of custody: images, and what groups sign.

use std::io::{Cursor, Read};

use seaworthy::custody::{Envelope, ImageClaim, Link, Policy, PrivateKey, PublicKey, Statement};
use seaworthy::layout::layer::{Compression, Limits, TarWriter, read, rewrite};
use seaworthy::layout::{Config, Index, Manifest, unambiguous};

use super::{Target, from};

pub(super) const LAYER: Target = Target {
    name: "layer",
    reads: "layers: the first byte chooses the compression",
    from: &[],
    words: &[
        b"ustar\x0000",
        b"ustar  \0",
        b"path=",
        b"linkpath=",
        b"size=",
        b"SCHILY.xattr.",
        b"GNU.sparse.",
        b".wh.",
        b"././@LongLink",
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"0000644\0",
    ],
    run: layer,
};

fn compression(byte: u8) -> Compression {
    match byte % 3 {
        0 => Compression::None,
        1 => Compression::Gzip,
        _ => Compression::Zstd,
    }
}

fn layer(data: &[u8]) {
    let Some((&first, archive)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        bytes: 16 << 20,
        entries: 10_000,
    };
    let _ = read(archive, compression(first), limits, &mut |_| ());
}

pub(super) const PLAIN: Target = Target {
    name: "plain",
    reads: "layers that are written anew: the first byte chooses the compression",
    from: &[from("fuzz/seeds/layer", "", b"")],
    words: &[
        b"ustar\x0000",
        b"ustar  \0",
        b"tar\0",
        b"path=",
        b"GNU.sparse.map=0,1",
        b"GNU.sparse.major=1",
        b".wh.",
        b"././@LongLink",
        b"0000644\0",
    ],
    run: plain,
};

/// What is written anew is what the strict reader takes.
fn plain(data: &[u8]) {
    let Some((&first, archive)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        bytes: 4 << 20,
        entries: 10_000,
    };
    let bytes = archive.to_vec();
    let mut open = || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Read>);
    let mut out = TarWriter::new(Vec::new(), "");
    if rewrite(&mut open, compression(first), limits, &mut out).is_ok() {
        let written = out.finish().expect("memory takes what is written");
        let limits = Limits::of(written.len() as u64);
        let strict = read(written.as_slice(), Compression::None, limits, &mut |_| ());
        if let Err(fault) = strict {
            assert!(written.len() == 1024, "{fault}");
        }
    }
}

pub(super) const OCI: Target = Target {
    name: "oci",
    reads: "the documents of an image: index, manifest, configuration",
    from: &[],
    words: &[
        b"\"schemaVersion\": 2",
        b"\"mediaType\": \"application/vnd.oci.image.manifest.v1+json\"",
        b"\"manifests\": [",
        b"\"digest\": \"sha256:",
        b"\"size\": 1",
        b"\"config\": {",
        b"\"layers\": [",
        b"\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [",
        b"\"annotations\": {",
        b"\"MANIFESTS\"",
        b"\\u0000",
        b"1e0",
        b"}",
        b"]",
    ],
    run: oci,
};

/// What is accepted is the same after it was written and read again.
fn oci(data: &[u8]) {
    if let Ok(index) = Index::read("it", data) {
        let text = serde_json::to_vec(&index).expect("a document is written");
        assert_eq!(Index::read("it", &text).expect("what was accepted"), index);
    }
    if let Ok(manifest) = Manifest::read("it", data) {
        let text = serde_json::to_vec(&manifest).expect("a document is written");
        assert_eq!(
            Manifest::read("it", &text).expect("what was accepted"),
            manifest
        );
    }
    if let Ok(config) = Config::read("it", data) {
        let text = serde_json::to_vec(&config).expect("a document is written");
        assert_eq!(
            Config::read("it", &text).expect("what was accepted"),
            config
        );
    }
    let _ = unambiguous::<serde_json::Value>(data);
}

pub(super) const ENVELOPE: Target = Target {
    name: "envelope",
    reads: "envelopes (DSSE)",
    from: &[],
    words: &[
        b"{\"payload\":\"",
        b"\",\"payloadType\":\"application/vnd.in-toto+json\"",
        b",\"signatures\":[{\"keyid\":\"",
        b"\",\"sig\":\"",
        b"\"}]}",
        b"AAAA",
    ],
    run: envelope,
};

fn envelope(data: &[u8]) {
    if let Ok(envelope) = Envelope::read(data) {
        assert_eq!(envelope.as_bytes(), data);
        let _ = envelope.bundle();
        assert!(envelope.signers([]).is_empty());
    }
}

pub(super) const IN_TOTO: Target = Target {
    name: "in_toto",
    reads: "links and statements of in-toto",
    from: &[],
    words: &[
        b"{\"_type\":\"link\"",
        b",\"name\":\"",
        b",\"materials\":{",
        b",\"products\":{",
        b",\"byproducts\":{}",
        b",\"environment\":{}",
        b"{\"sha256\":\"",
        b"\"predicateType\":",
        b"\"subject\":[",
        b"}",
    ],
    run: in_toto,
};

fn in_toto(data: &[u8]) {
    if let Some(link) = Link::read(data) {
        let _ = link.previous();
    }
    let _ = Statement::<serde_json::Value>::read(data, "https://in-toto.io/attestation/link/v0.3");
}

pub(super) const CLAIM: Target = Target {
    name: "claim",
    reads: "claims of cosign (simple signing)",
    from: &[],
    words: &[
        b"{\"critical\":{\"identity\":{\"docker-reference\":\"",
        b"\"image\":{\"docker-manifest-digest\":\"sha256:",
        b"\"type\":\"cosign container image signature\"",
        b"\"optional\":null",
        b"}",
    ],
    run: claim,
};

fn claim(data: &[u8]) {
    if let Ok(claim) = ImageClaim::read(data) {
        let _ = (claim.reference(), claim.image());
    }
}

pub(super) const KEYS: Target = Target {
    name: "keys",
    reads: "keys in PEM form",
    from: &[
        from("tests/keys", ".key", b""),
        from("tests/keys", ".pub", b""),
    ],
    words: &[
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----END PRIVATE KEY-----\n",
        b"-----BEGIN EC PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\n",
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        b"Proc-Type: 4,ENCRYPTED\n",
        b"\"N\":32768",
        b"MHcCAQEE",
    ],
    run: keys,
};

/// What the DER inside says is reached by changes of the base64 around it; a passphrase is given, so
/// that what an encrypted key asks for is looked at.
fn keys(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(key) = PublicKey::read(&text) {
        assert_eq!(
            PublicKey::read(key.to_pem()).expect("a key that was written"),
            key
        );
    }
    if let Ok(key) = PrivateKey::read(&text, None) {
        let signature = key.sign(b"message");
        assert!(key.public().verifies(b"message", &signature));
    }
    let _ = PrivateKey::read(&text, Some(b""));
}

pub(super) const TRUST: Target = Target {
    name: "trust",
    reads: "policies of signing",
    from: &[from("docs", ".toml", b"")],
    words: &[
        b"[[role]]\n",
        b"name = \"core\"\n",
        b"keys = [\"a.pub\"]\n",
        b"may = [\"/usr/**\"]\n",
        b"expires = 2030-01-01\n",
        b"image = \"a\"\n",
        b"threshold = 2\n",
        b"not-before = 2030-01-01\n",
        b"min-version = 3\n",
        b"may-set = [\"Env\"]\n",
        b"[policy]\n",
    ],
    run: trust,
};

fn trust(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let key = include_str!("../../../tests/keys/core.pub");
    let _ = Policy::read("trust.toml", &text, &mut |name| match name {
        "a.pub" => Ok(key.to_owned()),
        _ => Err("is not there".to_owned()),
    });
}
