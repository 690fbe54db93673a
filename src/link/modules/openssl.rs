//! Providers and engines that OpenSSL loads by its configuration (config(5ssl)).

use std::sync::Arc;

use super::{Asked, Member, Sight, strings};
use crate::fact::{Certainty, Locus, ModuleKind, Priority};
use crate::parse::openssl_conf;
use crate::path::AppPath;

/// Providers that are part of libcrypto (OSSL_PROVIDER-default(7) and others).
const BUILT_IN: [&str; 3] = ["base", "default", "null"];

/// What a libcrypto was built with, as `openssl version -a` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Built {
    /// Where its configuration lies.
    dir: String,
    engines: String,
    modules: String,
}

impl Built {
    fn read(content: &[u8]) -> Self {
        let value = |key: &str| {
            let key = format!("{key}: \"");
            let at = memchr::memmem::find(content, key.as_bytes())?;
            let rest = content.get(at + key.len()..)?;
            let end = memchr::memchr2(b'"', 0, rest.get(..4096).unwrap_or(rest))?;
            String::from_utf8(rest.get(..end)?.to_vec()).ok()
        };
        let text = |key| value(key).unwrap_or_default();
        Self {
            dir: text("OPENSSLDIR"),
            engines: text("ENGINESDIR"),
            modules: text("MODULESDIR"),
        }
    }
}

/// What the configuration of each libcrypto in the process loads.
pub(super) fn asked(sight: &Sight<'_, '_>, members: &[Member<'_>]) -> Vec<Asked> {
    let is_crypto = |member: &&Member<'_>| member.name.starts_with(b"libcrypto.so.");
    let mut asked = Vec::new();
    for member in members.iter().filter(is_crypto) {
        let built = built(sight, member);
        if built.dir.is_empty() {
            continue;
        }
        let file = format!("{}/openssl.cnf", built.dir);
        let Some(text) = sight.text(&file) else {
            continue;
        };
        let file = AppPath::new(&file);
        for loaded in openssl_conf::read(&text) {
            let dir = if loaded.engine {
                &built.engines
            } else {
                &built.modules
            };
            let path = match &loaded.path {
                Some(path) if path.contains('/') => path.clone(),
                Some(path) => format!("{dir}/{path}"),
                None => format!("{dir}/{}.so", loaded.name),
            };
            let kind = if loaded.engine {
                ModuleKind::OpensslEngine
            } else {
                ModuleKind::OpensslProvider
            };
            let inside = !loaded.engine && BUILT_IN.contains(&loaded.name.as_str());
            asked.push(Asked {
                kind,
                by: member.path.to_vec(),
                names: vec![if inside { loaded.name } else { path }.into_bytes()],
                at: Locus::line(&file, loaded.line),
                priority: Priority::Recommended,
                certainty: Certainty::Declared,
                built_in: inside,
            });
        }
    }
    // What is built in is worth no line.
    asked.retain(|asked| !asked.built_in);
    asked
}

fn built(sight: &Sight<'_, '_>, member: &Member<'_>) -> Arc<Built> {
    let read = || Arc::new(Built::read(&strings(sight.root, member.real)));
    sight.openssl.get(member.real, read)
}
