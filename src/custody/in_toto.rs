//! The same custody for in-toto's own verifiers: a policy as a root layout, and the links and layers
//! as files (<https://github.com/in-toto/docs>, in-toto-spec.md, 4.3).
//!
//! MATCH passes when an artifact is not there, and CREATE with a pattern lets a second layer through:
//! every layer is therefore required and named as it is.

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::stamp::{Link, artifact};
use super::{Envelope, IN_TOTO, Policy, PrivateKey, PublicKey};
use crate::layout::{Descriptor, OWNER};

/// The root layout of a policy for images with these layers, signed by whoever owns the policy.
///
/// # Errors
/// When the policy has no last day, or a role of it no layer.
pub fn root_layout(
    policy: &Policy,
    layers: &[Descriptor],
    owner: &PrivateKey,
) -> Result<Envelope, String> {
    let expires = policy
        .expires
        .ok_or("the policy has no last day, and a root layout must have one")?;
    let keys = policy.roles.iter().flat_map(|role| &role.keys);
    let keys: serde_json::Map<String, Value> =
        keys.map(|key| (key.python_id(), public(key))).collect();
    let names: Vec<(String, &str)> = layers
        .iter()
        .enumerate()
        .map(|(at, layer)| {
            (
                artifact(at, layer),
                layer.annotation(OWNER).unwrap_or_default(),
            )
        })
        .collect();
    let mut steps = Vec::new();
    let mut received = 0;
    for (at, role) in policy.roles.iter().enumerate() {
        let own = names.iter().skip(received);
        let count = own.take_while(|(_, owner)| *owner == role.name).count();
        if count == 0 {
            return Err(format!("the image has no layer of {}", role.name));
        }
        let before = at
            .checked_sub(1)
            .and_then(|before| policy.roles.get(before));
        let mut materials = Vec::new();
        for (name, _) in names.iter().take(received) {
            materials.push(json!(["REQUIRE", name]));
            if let Some(before) = before {
                let from = ["MATCH", name, "WITH", "PRODUCTS", "FROM", &before.name];
                materials.push(json!(from));
            }
        }
        let mut products = materials.clone();
        for (name, _) in names.iter().skip(received).take(count) {
            products.push(json!(["REQUIRE", name]));
            products.push(json!(["CREATE", name]));
        }
        for rules in [&mut materials, &mut products] {
            rules.push(json!(["DISALLOW", "*"]));
        }
        let ids: Vec<String> = role.keys.iter().map(PublicKey::python_id).collect();
        steps.push(json!({
            "_type": "step",
            "name": role.name,
            "threshold": role.threshold,
            "pubkeys": ids,
            "expected_command": [],
            "expected_materials": materials,
            "expected_products": products,
        }));
        received += count;
    }
    let last = policy.roles.last().map_or("", |role| role.name.as_str());
    let mut found: Vec<Value> = names
        .iter()
        .map(|(name, _)| json!(["REQUIRE", name]))
        .collect();
    found.push(json!([
        "MATCH", "layers/*", "WITH", "PRODUCTS", "FROM", last
    ]));
    found.push(json!(["DISALLOW", "layers/*"]));
    found.push(json!(["ALLOW", "*"]));
    let layout = json!({
        "_type": "layout",
        "readme": "",
        // The policy holds to the end of its last day.
        "expires": format!("{expires}T23:59:59Z"),
        "keys": keys,
        "steps": steps,
        "inspect": [{
            "_type": "inspection",
            "name": "image",
            "run": ["true"],
            "expected_materials": [],
            "expected_products": found,
        }],
    });
    Ok(Envelope::sign(
        IN_TOTO,
        layout.to_string().as_bytes(),
        owner,
    ))
}

fn public(key: &PublicKey) -> Value {
    json!({
        "keyid": key.python_id(),
        "keytype": "ecdsa",
        "scheme": "ecdsa-sha2-nistp256",
        "keyval": {"public": key.to_pem()},
    })
}

/// The links of a policy's roles as in-toto looks for them: `ROLE.KEYID8.link` and its content.
#[must_use]
pub fn links(policy: &Policy, evidence: &Evidence) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for envelope in &evidence.envelopes {
        let Some(link) = Link::read(&envelope.payload) else {
            continue;
        };
        let Some(role) = policy.role(&link.name) else {
            continue;
        };
        for key in envelope.signers(&role.keys) {
            let name = format!("{}.{}.link", role.name, key.short());
            files.push((name, envelope.as_bytes().to_vec()));
        }
    }
    files
}
