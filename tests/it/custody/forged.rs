//! Envelopes and claims made by hand, as somebody may who has a group's key, or none: what they say
//! counts only when it is understood, signed by the right key, and said of this very image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seaworthy::custody::Envelope;
use serde_json::{Value, json};

use super::*;

const IN_TOTO: &str = "application/vnd.in-toto+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// Puts other bytes in the place of those of envelopes (`att`) or claims (`sig`), everywhere in the
/// layout; an annotation comes with them.
fn replace(chain: &Chain, shelf: &str, change: impl Fn(&[u8], &str) -> Option<(Vec<u8>, String)>) {
    let layout = chain.layout();
    let ending = format!(".{shelf}");
    chain.edit(|index| {
        for entry in &mut index.manifests {
            let name = entry.annotation(REF_NAME).unwrap_or_default();
            if !name.ends_with(&ending) {
                continue;
            }
            let mut manifest = layout.manifest(entry).unwrap();
            for blob in &mut manifest.layers {
                let bytes = layout.read(blob, 1 << 20).unwrap();
                let signature = blob.annotation(SIGNATURE).unwrap().to_owned();
                let Some((bytes, signature)) = change(&bytes, &signature) else {
                    continue;
                };
                let mut new = layout.put(&blob.media_type, &bytes).unwrap();
                new.annotations.insert(SIGNATURE.into(), signature);
                *blob = new;
            }
            let bytes = serde_json::to_vec(&manifest).unwrap();
            let annotations = entry.annotations.clone();
            *entry = layout.put(MANIFEST, &bytes).unwrap();
            entry.annotations = annotations;
        }
    });
}

/// Changes the stamp of a role's hand-over.
fn restamp(chain: &Chain, role: &str, change: impl Fn(Value) -> Vec<u8>) {
    replace(chain, "att", |bytes, signature| {
        let said = payload(bytes);
        is_stamp(&said, role).then(|| (change(said), signature.to_owned()))
    });
}

fn payload(envelope: &[u8]) -> Value {
    serde_json::from_slice(&Envelope::read(envelope).unwrap().payload).unwrap()
}

fn is_stamp(said: &Value, role: &str) -> bool {
    said["predicateType"] == "urn:seaworthy:stamp:1" && said["predicate"]["role"] == role
}

/// An envelope, made here and not by the program under test.
fn seal(by: &str, kind: &str, said: &Value) -> Vec<u8> {
    let text = said.to_string();
    let signed = format!("DSSEv1 {} {kind} {} {text}", kind.len(), text.len());
    let sig = STANDARD.encode(key(by).sign(signed.as_bytes()));
    json!({
        "payload": STANDARD.encode(text),
        "payloadType": kind,
        "signatures": [{ "keyid": key(by).public().python_id(), "sig": sig }],
    })
    .to_string()
    .into_bytes()
}

/// That a group's stamp is missing, beside a link that is there.
fn assert_unstated(chain: &Chain, role: &str) {
    let words = "signed a link of these layers, and no statement";
    let custody = chain.verify();
    assert_broken(&custody, ProblemKind::Unstamped, &format!("{role}'s key"));
    assert_broken(&custody, ProblemKind::Unstamped, words);
}

#[test]
fn the_same_stamp_sealed_by_hand_counts() {
    for role in ROLES {
        let chain = Chain::honest();
        restamp(&chain, role, |said| seal(role, IN_TOTO, &said));
        assert_holds(&chain.verify());
    }
}

#[test]
fn a_stamp_taken_away_from_its_link() {
    for role in ROLES {
        let chain = Chain::honest();
        restamp(&chain, role, |_| b"{}".to_vec());
        assert_unstated(&chain, role);
    }
}

#[test]
fn a_stamp_signed_by_another_group() {
    for by in ["application", "stranger"] {
        let chain = Chain::honest();
        restamp(&chain, "core", |said| seal(by, IN_TOTO, &said));
        assert_unstated(&chain, "core");
    }
}

#[test]
fn a_stamp_with_a_member_that_is_not_known() {
    let chain = Chain::honest();
    restamp(&chain, "core", |mut said| {
        said["predicate"]["until"] = "2020-01-01".into();
        seal("core", IN_TOTO, &said)
    });
    assert_unstated(&chain, "core");
}

#[test]
fn a_stamp_that_is_about_something_else() {
    let other = Digest::of(b"other");
    let changes: [fn(&mut Value, &Digest); 4] = [
        |said, other| {
            said["subject"] = json!([{ "name": "x", "digest": { "sha256": other.hex() } }])
        },
        |said, other| said["predicate"]["diffIds"][0] = other.to_string().into(),
        |said, _| said["predicate"]["role"] = "middleware".into(),
        |said, _| said["predicate"]["countersigns"] = true.into(),
    ];
    for change in changes {
        let chain = Chain::honest();
        restamp(&chain, "core", |mut said| {
            change(&mut said, &other);
            seal("core", IN_TOTO, &said)
        });
        assert_unstated(&chain, "core");
    }
}

/// The type is signed, too; and one that was signed so is no statement.
#[test]
fn an_envelope_of_another_type() {
    let kind = "application/json";
    let chain = Chain::honest();
    restamp(&chain, "core", |said| {
        let honest = seal("core", IN_TOTO, &said);
        let mut envelope: Value = serde_json::from_slice(&honest).unwrap();
        envelope["payloadType"] = kind.into();
        envelope.to_string().into_bytes()
    });
    assert_unstated(&chain, "core");
    let chain = Chain::honest();
    restamp(&chain, "core", |said| seal("core", kind, &said));
    assert_unstated(&chain, "core");
}

/// Of each ECDSA signature anybody can make another one that verifies, with n-s for s.
fn twin(der: &[u8]) -> Vec<u8> {
    let signature = p256::ecdsa::Signature::from_der(der).unwrap();
    let (r, s) = signature.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
    other.to_der().as_bytes().to_vec()
}

#[test]
fn a_signature_made_of_another_one_is_no_second_one() {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    chain.sign("core", "core").unwrap();
    let text = format!(
        "schema = 1\nexpires = 2099-12-31\n[[role]]\nname = \"core\"\nthreshold = 2\nkeys = [{:?}, {:?}]",
        key("core").public().to_pem(),
        key("stranger").public().to_pem()
    );
    let policy = Policy::read("trust.toml", &text, &mut |_| Err(String::new())).unwrap();
    let forged = |text: &str| STANDARD.encode(twin(&STANDARD.decode(text).unwrap()));
    replace(&chain, "att", |bytes, signature| {
        let mut envelope: Value = serde_json::from_slice(bytes).unwrap();
        let first = envelope["signatures"][0]["sig"].as_str().unwrap();
        let name = key("stranger").public().python_id();
        envelope["signatures"][1] = json!({ "keyid": name, "sig": forged(first) });
        Some((envelope.to_string().into_bytes(), signature.to_owned()))
    });
    let custody = chain.verify_by(&policy);
    assert_broken(&custody, ProblemKind::Unstamped, "1 of the 2 keys of core");
    // The other one is as good as the first, but of the same key.
    replace(&chain, "sig", |bytes, signature| {
        Some((bytes.to_vec(), forged(signature)))
    });
    let custody = chain.verify_by(&policy);
    assert_eq!(custody.signatures.len(), 1);
    assert_broken(&custody, ProblemKind::Signature, "core has not signed");
}

#[test]
fn a_claim_with_a_member_that_is_not_known() {
    for (from, to) in [
        ("{\"critical\":{", "{\"critical\":{\"until\":\"2020\","),
        ("\"identity\":{", "\"identity\":{\"until\":\"2020\","),
        ("{\"critical\":{", "{\"until\":\"2020\",\"critical\":{"),
        ("cosign container image", "atomic container"),
    ] {
        let chain = Chain::honest();
        let by = key("application");
        replace(&chain, "sig", |bytes, _| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let text = text.replacen(from, to, 1);
            let signature = STANDARD.encode(by.sign(text.as_bytes()));
            Some((text.into_bytes(), signature))
        });
        let custody = chain.verify();
        assert_broken(
            &custody,
            ProblemKind::Signature,
            "application has not signed",
        );
    }
}

/// Nobody is before the first role, and it is held to the rules all the same.
#[test]
fn the_first_role_does_not_stamp_what_leads_astray() {
    let mut chain = Chain::empty();
    let mut tar = Tar::new();
    tar.add("/opt", 0o777, Content::Link(b"/etc"));
    tar.file("/opt/passwd", "root");
    chain.put("core", &tar.finish());
    let error = chain.sign("core", "core").unwrap_err();
    assert!(error.contains("which is a symbolic link"), "{error}");
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    let mut own = policy();
    own.roles[0].never = own.roles[0].may_add.clone();
    let error = chain
        .sign_by("core", "core", false, Some(&own))
        .unwrap_err();
    assert!(error.contains("core never touches it"), "{error}");
    let blob = chain.blob(&chain.layers[0].0.digest);
    let whole = std::fs::read(&blob).unwrap();
    std::fs::write(&blob, &whole[..whole.len() - 1]).unwrap();
    let error = chain.sign("core", "core").unwrap_err();
    assert!(error.contains("bytes long"), "{error}");
}

/// Runs `verify` on a chain by a policy.
fn run(chain: &Chain, policy: &str, more: &[&str]) -> (Option<i32>, String) {
    let file = chain.dir.path().join("trust.toml");
    std::fs::write(&file, policy).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .arg("verify")
        .arg(chain.path())
        .arg("--policy")
        .arg(&file)
        .args(more)
        .current_dir(chain.dir.path())
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

fn policy_text() -> String {
    let role = |role: &str| {
        let pem = key(role).public().to_pem().to_owned();
        format!("[[role]]\nname = {role:?}\nkeys = [{pem:?}]\n")
    };
    let head = "schema = 1\nexpires = 2099-12-31\n".to_owned();
    head + &ROLES.map(role).concat()
}

/// A group looks at what it received before it adds its layer, when the image is not finished.
#[test]
fn what_was_received_is_verified_before_anything_is_added() {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    chain.sign("core", "core").unwrap();
    let received = ["--received-by", "middleware"];
    let (code, told) = run(&chain, &policy_text(), &received);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        run(&chain, &policy_text(), &[]).0,
        Some(1),
        "it is not finished"
    );
    restamp(&chain, "core", |said| seal("stranger", IN_TOTO, &said));
    let (code, told) = run(&chain, &policy_text(), &received);
    assert_eq!(code, Some(1), "{told}");
    let (code, told) = run(&chain, &policy_text(), &["--received-by", "nobody"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("the policy has no such role"), "{told}");
}

/// An environment that makes builds repeatable does not make trust last longer.
#[test]
fn an_expired_policy_holds_by_no_epoch() {
    let chain = Chain::honest();
    let expired = policy_text().replace("2099-12-31", "2026-01-31");
    let text = |more: &[&str]| {
        let file = chain.dir.path().join("trust.toml");
        std::fs::write(&file, &expired).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .arg("verify")
            .arg(chain.path())
            .arg("--policy")
            .arg(&file)
            .args(["--format", "json"])
            .args(more)
            // 2026-01-15
            .env("SOURCE_DATE_EPOCH", "1768435200")
            .output()
            .unwrap();
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["schema"], 1);
        (output.status.code(), told["problems"].to_string())
    };
    let (code, problems) = text(&[]);
    assert_eq!(code, Some(1), "{problems}");
    assert!(problems.contains("expired"), "{problems}");
    let (code, problems) = text(&["--today", "2026-01-15"]);
    assert_eq!((code, problems.as_str()), (Some(0), "[]"));
}

/// Who signs the finished image answers for all of it, also for what came after its own layer.
#[test]
fn nobody_countersigns_what_does_not_hold() {
    let chain = Chain::honest();
    chain.sign_as("core", "core", true).unwrap();
    let chain = Chain::honest();
    restamp(&chain, "application", |said| {
        seal("stranger", IN_TOTO, &said)
    });
    for role in ["core", "middleware"] {
        let error = chain.sign_as(role, role, true).unwrap_err();
        assert!(error.contains("application's key"), "{error}");
    }
    let error = chain.sign_by("core", "core", true, None).unwrap_err();
    assert!(error.contains("give --policy"), "{error}");
}
