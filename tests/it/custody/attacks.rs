//! Attacks on the chain: each is refused for what it is, and its honest twin is in `honest`.

use super::*;

#[test]
fn a_changed_layer() {
    let chain = Chain::honest();
    let digest = chain.layers[1].0.digest;
    let mut bytes = std::fs::read(chain.blob(&digest)).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(chain.blob(&digest), bytes).unwrap();
    let custody = chain.verify();
    assert_eq!(custody.verdict, CustodyVerdict::Broken);
    assert_eq!(custody.problems[0].layer, Some(1));
    assert!(!custody.layers[1].is_sound && custody.layers[0].is_sound);
}

#[test]
fn a_changed_layer_with_every_digest_made_anew() {
    let mut chain = Chain::honest();
    let mut tar = Tar::new();
    tar.dir("/opt");
    tar.dir("/opt/runtime");
    tar.file("/opt/runtime/java", "evil");
    let tar = tar.finish();
    let mut layer = chain.layout().put(LAYER_GZIP, &gzip(&tar)).unwrap();
    layer.annotations = chain.layers[1].0.annotations.clone();
    chain.layers[1] = (layer, Digest::of(&tar));
    chain.make("application", |_| ());
    let custody = chain.verify();
    assert_broken(&custody, ProblemKind::OtherLayers, "middleware");
    assert_broken(&custody, ProblemKind::OtherLayers, "application");
    // Even when the last group puts its own name to it.
    assert!(chain.sign("application", "application").is_err());
}

#[test]
fn layers_in_another_order() {
    let mut chain = Chain::honest();
    chain.layers.swap(0, 1);
    chain.make("application", |_| ());
    assert_broken(
        &chain.verify(),
        ProblemKind::Order,
        "above one of a later role",
    );
}

fn without_envelopes(chain: &Chain, keep: impl Fn(&serde_json::Value) -> bool) {
    let layout = chain.layout();
    chain.edit(|index| {
        for entry in &mut index.manifests {
            if !entry
                .annotation(REF_NAME)
                .unwrap_or_default()
                .ends_with(".att")
            {
                continue;
            }
            let mut manifest = layout.manifest(entry).unwrap();
            manifest.layers.retain(|blob| {
                let bytes = layout.read(blob, 1 << 20).unwrap();
                let envelope = seaworthy::custody::Envelope::read(&bytes).unwrap();
                keep(&serde_json::from_slice(&envelope.payload).unwrap())
            });
            let bytes = serde_json::to_vec(&manifest).unwrap();
            let annotations = entry.annotations.clone();
            *entry = layout.put(MANIFEST, &bytes).unwrap();
            entry.annotations = annotations;
        }
    });
}

#[test]
fn a_removed_stamp() {
    let chain = Chain::honest();
    without_envelopes(&chain, |payload| payload["name"] != "middleware");
    let custody = chain.verify();
    assert_broken(
        &custody,
        ProblemKind::Unstamped,
        "middleware has not stamped it",
    );
    assert!(!custody.handovers[1].is_stamped);
}

#[test]
fn no_stamp_and_no_signature_at_all() {
    let chain = Chain::honest();
    chain.edit(|index| {
        index
            .manifests
            .retain(|entry| entry.annotation(HANDOVER).is_some());
    });
    let custody = chain.verify();
    assert_broken(&custody, ProblemKind::Unstamped, "core");
    assert_broken(
        &custody,
        ProblemKind::Signature,
        "application has not signed",
    );
}

#[test]
fn a_stamp_by_the_wrong_group() {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    // Without a policy nobody knows whose key it is: the stamp is made, and verified by nobody.
    chain.sign("core", "application").unwrap();
    chain.put("middleware", &tar_of("middleware"));
    let error = chain.sign("middleware", "middleware").unwrap_err();
    assert!(error.contains("signed by application"), "{error}");
    assert_broken(
        &chain.verify(),
        ProblemKind::WrongKey,
        "signed by application",
    );
}

#[test]
fn a_stamp_by_a_stranger() {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    chain.sign("core", "stranger").unwrap();
    assert_broken(&chain.verify(), ProblemKind::WrongKey, "does not know");
}

/// Stamps application's layer by a policy that lets it do what it likes.
fn force(chain: &Chain) {
    let mut own = policy();
    let all = policy().roles[0].may_add.clone();
    for role in &mut own.roles {
        role.may_change = all.clone();
        role.never.clear();
    }
    chain
        .sign_by("application", "application", false, Some(&own))
        .unwrap();
}

#[test]
fn a_group_that_edits_what_is_anothers() {
    let mut chain = Chain::empty();
    for role in ["core", "middleware"] {
        chain.put(role, &tar_of(role));
        chain.sign(role, role).unwrap();
    }
    let mut tar = Tar::new();
    tar.dir("/opt");
    tar.dir("/opt/runtime");
    tar.file("/opt/runtime/java", "patched");
    tar.add("/lib/libc.so.6", 0, Content::Whiteout);
    chain.put("application", &tar.finish());
    let error = chain.sign("application", "application").unwrap_err();
    assert!(error.contains("may not change it"), "{error}");
    // With a policy of its own making it signs everything as it should be.
    force(&chain);
    let custody = chain.verify();
    assert_broken(
        &custody,
        ProblemKind::Trespass,
        "/opt/runtime/java: it is middleware's",
    );
    assert_broken(
        &custody,
        ProblemKind::Trespass,
        "/lib/libc.so.6: it is core's",
    );
    assert!(
        custody
            .problems
            .iter()
            .all(|p| p.kind == ProblemKind::Trespass)
    );
}

#[test]
fn a_group_that_tells_the_loader_what_to_load() {
    let mut chain = Chain::empty();
    for role in ["core", "middleware"] {
        chain.put(role, &tar_of(role));
        chain.sign(role, role).unwrap();
    }
    let mut tar = Tar::new();
    tar.dir("/etc");
    tar.file("/etc/ld.so.preload", "/opt/app/hook.so");
    chain.put("application", &tar.finish());
    force(&chain);
    assert_broken(&chain.verify(), ProblemKind::Trespass, "/etc/ld.so.preload");
}

#[test]
fn a_smuggled_layer() {
    let mut chain = Chain::honest();
    let mut tar = Tar::new();
    tar.file("/opt/app/backdoor", "x");
    chain.put("application", &tar.finish());
    let custody = chain.verify();
    assert_broken(&custody, ProblemKind::OtherLayers, "application");
    // Nor one of nobody.
    let mut chain = Chain::honest();
    let mut tar = Tar::new();
    tar.file("/opt/app/backdoor", "x");
    chain.put("", &tar.finish());
    assert_broken(&chain.verify(), ProblemKind::Order, "nobody");
}

#[test]
fn a_removed_layer() {
    let mut chain = Chain::honest();
    chain.layers.remove(1);
    chain.make("application", |_| ());
    let custody = chain.verify();
    assert_broken(
        &custody,
        ProblemKind::Unstamped,
        "no layer is of middleware",
    );
    assert_broken(&custody, ProblemKind::OtherLayers, "application");
}

#[test]
fn stamps_of_another_image() {
    let victim = Chain::honest();
    let mut chain = Chain::empty();
    for role in ROLES {
        let mut tar = Tar::new();
        tar.file(&format!("/opt/{role}-other"), "other");
        chain.put(role, &tar.finish());
    }
    // Everything that was signed of the victim is put beside the other image, by the names that
    // it needs there.
    let (from, to) = (victim.layout(), chain.layout());
    let image = to.image(Some("1"), None).unwrap().descriptor.digest;
    for entry in from.index().unwrap().manifests {
        let name = entry.annotation(REF_NAME).unwrap().to_owned();
        let Some((_, kind)) = name.split_once('.') else {
            continue;
        };
        let manifest = from.manifest(&entry).unwrap();
        for blob in manifest.layers.iter().chain([&manifest.config, &entry]) {
            to.take(&from, blob).unwrap();
        }
        let name = format!("sha256-{}.{kind}", image.hex());
        chain.edit(|index| {
            let mut entry = entry.clone();
            entry.annotations.insert(REF_NAME.into(), name.clone());
            index.manifests.push(entry);
        });
    }
    let custody = chain.verify();
    for role in ROLES {
        assert_broken(&custody, ProblemKind::OtherLayers, role);
    }
    assert_broken(
        &custody,
        ProblemKind::Signature,
        "application has not signed the finished image: it signed the image",
    );
}

#[test]
fn the_stamps_of_the_same_layers_started_otherwise() {
    // The layers are the same, so that every link holds; what is started is another program.
    let chain = Chain::honest();
    let layout = chain.layout();
    let honest = layout.image(Some("1"), None).unwrap().descriptor.digest;
    let forged = chain.make("application", |config| {
        config.config = Some(seaworthy::layout::Run {
            entrypoint: Some(vec!["/opt/runtime/java".into(), "evil".into()]),
            ..Default::default()
        });
    });
    chain.edit(|index| {
        for entry in &mut index.manifests {
            let name = entry.annotation(REF_NAME).unwrap_or_default();
            let name = name.replace(&honest.hex(), &forged.digest.hex());
            entry.annotations.insert(REF_NAME.into(), name);
            entry.annotations.remove("kind");
        }
    });
    let custody = chain.verify();
    assert_broken(
        &custody,
        ProblemKind::Signature,
        "application has not stamped the finished",
    );
    assert_broken(
        &custody,
        ProblemKind::Signature,
        "application has not signed the finished image: it signed the image sha256:",
    );
}

#[test]
fn a_signature_of_another_name() {
    let chain = Chain::honest();
    let policy = policy_with("", "2099-12-31");
    let other = Policy {
        image: Some("registry.example/team/other:1".into()),
        ..policy
    };
    assert_broken(
        &chain.verify_by(&other),
        ProblemKind::Signature,
        "signed the name",
    );
}

#[test]
fn an_expired_policy() {
    let chain = Chain::honest();
    let custody = chain.verify_by(&policy_with("", "2025-12-31"));
    assert_broken(&custody, ProblemKind::Expired, "2025-12-31");
    // Its last day counts.
    assert_holds(&chain.verify_by(&policy_with("", "2026-01-01")));
}

#[test]
fn one_signature_in_the_place_of_two() {
    let chain = Chain::honest();
    let mut text = format!("schema = 1\nexpires = 2099-12-31\nimage = \"{NAME}\"\n");
    for role in ROLES {
        let keys = if role == "core" {
            "\"core.pub\", \"stranger.pub\""
        } else {
            &format!("\"{role}.pub\"")
        };
        text += &format!("[[role]]\nname = \"{role}\"\nkeys = [{keys}]\n");
        text += if role == "core" {
            "threshold = 2\n"
        } else {
            ""
        };
    }
    let mut open =
        |file: &str| std::fs::read_to_string(key_file(file)).map_err(|error| error.to_string());
    let policy = Policy::read("trust.toml", &text, &mut open).unwrap();
    // Its envelope has the same signature twice, under both names of the key.
    let custody = chain.verify_by(&policy);
    assert_broken(&custody, ProblemKind::Unstamped, "1 of the 2 keys of core");
    chain.sign("core", "stranger").unwrap();
    let custody = chain.verify_by(&policy);
    let core = &custody.handovers[0];
    assert!(core.is_stamped && core.keys.len() == 2, "{custody:#?}");
}

#[test]
fn a_truncated_blob() {
    let chain = Chain::honest();
    for digest in [chain.layers[0].0.digest, chain.layers[2].0.digest] {
        let chain = Chain::honest();
        let bytes = std::fs::read(chain.blob(&digest)).unwrap();
        std::fs::write(chain.blob(&digest), &bytes[..bytes.len() - 4]).unwrap();
        assert_broken(&chain.verify(), ProblemKind::Blob, "bytes long");
    }
    std::fs::remove_file(chain.blob(&chain.layers[1].0.digest)).unwrap();
    assert_broken(&chain.verify(), ProblemKind::Blob, "not there");
}

#[test]
fn a_manifest_that_lies() {
    let chain = Chain::honest();
    let layout = chain.layout();
    let image = layout.image(Some("1"), None).unwrap();
    let path = chain.blob(&image.descriptor.digest);
    let text = std::fs::read_to_string(&path).unwrap();
    let forged = text.replace("core", "xore");
    assert_eq!(forged.len(), text.len());
    std::fs::write(path, forged).unwrap();
    assert_broken(&chain.verify(), ProblemKind::Blob, "have the digest");
}

#[test]
fn a_diff_id_that_lies() {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    chain.layers[0].1 = Digest::of(b"something else");
    chain.make("core", |_| ());
    // The group itself may not put its name to it by mistake.
    let error = chain.sign("core", "core").unwrap_err();
    assert!(error.contains("uncompressed it is"), "{error}");
    assert_broken(
        &chain.verify(),
        ProblemKind::Document,
        "the configuration says",
    );
}

#[test]
fn a_name_that_stands_for_two_images() {
    let chain = Chain::honest();
    chain.edit(|index| {
        let mut other = index.manifests[0].clone();
        let core = index
            .manifests
            .iter()
            .find(|e| e.annotation(HANDOVER) == Some("core"));
        other.digest = core.unwrap().digest;
        other.size = core.unwrap().size;
        index.manifests.push(other);
    });
    let verified = verify(
        &chain.layout(),
        "1",
        &policy(),
        day("2026-01-01"),
        Stage::Finished,
    );
    assert!(verified.is_err() || verified.unwrap().verdict == CustodyVerdict::Broken);
}

#[test]
fn an_index_with_two_faces() {
    // Cosign takes the image that is marked, other programs the one that has the name.
    let chain = Chain::honest();
    chain.edit(|index| {
        for entry in &mut index.manifests {
            if entry.annotations.remove("kind").is_some() && entry.annotation(HANDOVER).is_none() {
                entry
                    .annotations
                    .insert("kind".into(), "dev.cosignproject.cosign/sigs".into());
            }
            if entry.annotation(HANDOVER) == Some("core") {
                let kind = "dev.cosignproject.cosign/image";
                entry.annotations.insert("kind".into(), kind.into());
            }
        }
    });
    assert_broken(
        &chain.verify(),
        ProblemKind::Document,
        "shows cosign another image",
    );
}

#[test]
fn an_earlier_hand_over_of_other_layers() {
    let chain = Chain::honest();
    let mut other = Chain::empty();
    other.put("core", &tar_of("middleware"));
    let (from, to) = (other.layout(), chain.layout());
    let image = from.image(Some("1"), None).unwrap();
    for blob in [
        &image.descriptor,
        &image.manifest.config,
        &image.manifest.layers[0],
    ] {
        to.take(&from, blob).unwrap();
    }
    chain.edit(|index| {
        let core = index
            .manifests
            .iter_mut()
            .find(|e| e.annotation(HANDOVER) == Some("core"));
        let core = core.unwrap();
        core.digest = image.descriptor.digest;
        core.size = image.descriptor.size;
    });
    assert_broken(&chain.verify(), ProblemKind::Document, "core handed over");
}
