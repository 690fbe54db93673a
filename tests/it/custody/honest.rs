//! What holds of an image that nobody touched.

use super::*;

#[test]
fn an_honest_chain_holds() {
    let custody = Chain::honest().verify();
    assert_holds(&custody);
    let told: Vec<_> = custody
        .handovers
        .iter()
        .map(|h| (h.role.as_str(), h.layers, h.is_stamped, h.received_verified))
        .collect();
    assert_eq!(
        told,
        [
            ("core", 1, true, None),
            ("middleware", 2, true, Some(true)),
            ("application", 3, true, Some(true)),
        ]
    );
    assert!(custody.layers.iter().all(|layer| layer.is_sound));
    assert_eq!(custody.signatures.len(), 1);
    assert_eq!(custody.signatures[0].role, "application");
}

#[test]
fn the_same_keys_and_layers_are_the_same_bytes() {
    let blobs = |chain: &Chain| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(chain.path().join("blobs/sha256"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let (one, two) = (Chain::honest(), Chain::honest());
    assert_eq!(blobs(&one), blobs(&two));
    // Who stamps again replaces the stamp, and changes nothing else.
    let before = one.layout().index().unwrap();
    one.sign("application", "application").unwrap();
    assert_eq!(one.layout().index().unwrap(), before);
}

#[test]
fn every_group_may_sign_the_finished_image() {
    let chain = Chain::honest();
    let policy = policy_with("countersigned = true", "2099-12-31");
    let custody = chain.verify_by(&policy);
    assert_broken(
        &custody,
        ProblemKind::Signature,
        "core has not signed the finished image",
    );
    for role in ["core", "middleware"] {
        chain.sign_as(role, role, true).unwrap();
    }
    let custody = chain.verify_by(&policy);
    assert_holds(&custody);
    assert_eq!(custody.signatures.len(), 3);
    // The hand-overs are still what they were.
    assert_holds(&chain.verify());
}

#[test]
fn groups_may_stamp_after_all_was_packed() {
    let mut chain = Chain::empty();
    for role in ROLES {
        chain.put(role, &tar_of(role));
    }
    for role in ROLES {
        chain.sign(role, role).unwrap();
    }
    assert_holds(&chain.verify());
}

#[test]
fn a_stamp_says_that_what_was_received_was_verified() {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    chain.put("middleware", &tar_of("middleware"));
    let error = chain.sign("middleware", "middleware").unwrap_err();
    assert!(error.contains("core has not stamped it"), "{error}");
    chain.sign("core", "core").unwrap();
    let blob = chain.blob(&chain.layers[0].0.digest);
    let whole = std::fs::read(&blob).unwrap();
    std::fs::write(&blob, &whole[..whole.len() - 1]).unwrap();
    let error = chain.sign("middleware", "middleware").unwrap_err();
    assert!(error.contains("bytes long"), "{error}");
    std::fs::write(&blob, whole).unwrap();
    // A key of another group is none of middleware's.
    let error = chain.sign("middleware", "application").unwrap_err();
    assert!(error.contains("none of those"), "{error}");
    chain.sign("middleware", "middleware").unwrap();
}

#[test]
fn documents_are_bound_to_the_image() {
    let chain = Chain::honest();
    let (key, policy) = (key("application"), policy());
    let signing = Signing {
        tag: "1",
        role: "application",
        key: &key,
        reference: NAME,
        policy: Some(&policy),
        today: day("2026-01-01"),
        documents: vec![("report", b"{}".to_vec(), "floats".into())],
        countersign: false,
        version: None,
    };
    sign(&chain.layout(), &signing).unwrap();
    let custody = chain.verify();
    assert_holds(&custody);
    let bound = &custody.attested[0];
    assert_eq!(
        (bound.kind.as_str(), bound.says.as_str()),
        ("report", "floats")
    );
    assert_eq!(bound.digest, Digest::of(b"{}").to_string());
}

#[test]
fn nobody_signs_a_finished_image_that_does_not_hold() {
    let mut chain = Chain::honest();
    chain.sign_as("core", "core", true).unwrap();
    let mut tar = Tar::new();
    tar.file("/opt/app/late", "x");
    chain.put("application", &tar.finish());
    let error = chain.sign_as("core", "core", true).unwrap_err();
    assert!(error.contains("of other layers"), "{error}");
}

#[test]
fn a_role_becomes_the_name_of_a_file_only_when_it_is_plain() {
    let mut chain = Chain::empty();
    chain.put("../../etc/cron.d/x", &tar_of("core"));
    let layer = &chain
        .layout()
        .image(Some("1"), None)
        .unwrap()
        .manifest
        .layers[0];
    let name = seaworthy::custody::artifact(0, layer);
    assert_eq!(name, "layers/00-nobody.tar.gz");
}
