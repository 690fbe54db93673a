//! Kubernetes, laid out for kustomize: a StatefulSet where something must survive, else a
//! Deployment, with its claims, settings, secrets and services.

mod config;
mod migrate;
mod pod;
mod seed;

use super::port::is_public;
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::yaml::{Node, texts};
use super::{Out, Target};
use crate::fact::Class;
use config::Settings;

/// Kubernetes.
pub(super) const TARGET: Target = Target {
    name: "k8s",
    about: "Kubernetes objects in a kustomize layout",
    write,
};

/// The claim that holds single files.
const FILES: &str = "files";

/// How a volume is kept in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A claim of its own.
    Claim,
    /// A file in the claim for files.
    File,
    /// An `emptyDir`.
    Empty,
    /// Settings or secrets, as objects.
    Object,
    /// The same, copied into an `emptyDir` before the processes start.
    Copied,
}

/// The form of each volume that a cluster can mount.
struct Volumes<'s> {
    list: Vec<(&'s Volume, Form)>,
    /// Whether a StatefulSet makes the claims. It calls its pod after itself, whatever host name the
    /// template has (stateful_set_utils.go, `initIdentity`), so that state which bears a host name
    /// is that of a Deployment.
    is_set: bool,
}

impl<'s> Volumes<'s> {
    fn new(service: &'s Service<'_>, settings: &Settings, out: &mut Out) -> Self {
        let mut list = Vec::new();
        for volume in &service.volumes {
            // Kubernetes API, VolumeMount.mountPath: "Must not contain ':'".
            if volume.path.contains(':') {
                out.limit(
                    &volume.path,
                    "a mount path of Kubernetes holds no colon",
                    "left out: move it to a path without one",
                );
                continue;
            }
            list.push((volume, form(volume, settings)));
        }
        let mut volumes = Self {
            list,
            is_set: false,
        };
        volumes.is_set = volumes.is_kept() && service.hostname.is_none();
        volumes
    }

    /// Names and sizes of the claims.
    fn claims(&self) -> impl Iterator<Item = (String, u64)> {
        let own = self.of(Form::Claim);
        let mut claims: Vec<_> = own.map(|v| (v.name.clone(), v.size)).collect();
        if self.of(Form::File).next().is_some() {
            let size = self.of(Form::File).map(|volume| volume.size).sum();
            claims.push((FILES.to_owned(), size));
        }
        claims.into_iter()
    }

    fn of(&self, wanted: Form) -> impl Iterator<Item = &'s Volume> + '_ {
        self.list
            .iter()
            .filter(move |(_, form)| *form == wanted)
            .map(|(volume, _)| *volume)
    }

    /// Whether something must survive a new pod.
    fn is_kept(&self) -> bool {
        self.of(Form::Claim).next().is_some() || self.of(Form::File).next().is_some()
    }
}

/// Where the content of a volume lies below what has the claims: those of single files are one, and what fits
/// into an object has none and keeps its name.
pub(super) fn in_claims(volume: &Volume) -> String {
    let is_claimed = volume.keeps == Keeps::State || volume.size > config::MOST as u64;
    match volume.is_file && is_claimed {
        true => format!("{FILES}/{}", volume.name),
        false => volume.name.clone(),
    }
}

fn form(volume: &Volume, settings: &Settings) -> Form {
    match volume.keeps {
        Keeps::Scratch => Form::Empty,
        Keeps::State if volume.is_file => Form::File,
        // What can be lost and is made again needs no claim.
        Keeps::State if volume.class == Class::Cache => Form::Empty,
        Keeps::State => Form::Claim,
        Keeps::Config | Keeps::Secret if settings.is_too_large(volume) && volume.is_file => {
            Form::File
        }
        Keeps::Config | Keeps::Secret if settings.is_too_large(volume) => Form::Claim,
        Keeps::Config | Keeps::Secret if settings.is_strict(volume) => Form::Copied,
        Keeps::Config | Keeps::Secret => Form::Object,
    }
}

fn write(service: &Service<'_>, out: &mut Out) {
    let settings = Settings::new(service, out);
    let volumes = Volumes::new(service, &settings, out);
    let workload = workload(service, &volumes, &settings, out);
    let mut resources = Vec::new();
    let mut documents: Vec<(&str, Vec<Node>)> = vec![
        ("configmap.yaml", settings.config_maps()),
        ("secret.yaml", settings.secrets(service, out)),
        ("service.yaml", services(service, &volumes)),
        ("claims.yaml", claims(service, &volumes)),
        ("workload.yaml", vec![workload]),
    ];
    if volumes.is_kept() {
        let mut script = migrate::script(service, &volumes);
        if !volumes.is_set {
            let pods = format!("pod --selector app.kubernetes.io/name={}", service.name);
            script = script
                .replace("scale statefulset", "scale deployment")
                .replace(&format!("pod/{}-0", service.name), &pods);
        }
        out.file("migrate.sh", script, 0o755);
    }
    // The head of the workload lists all limits, so it is written last.
    documents.sort_by_key(|(name, _)| *name == "workload.yaml");
    for (name, nodes) in documents {
        if nodes.is_empty() {
            continue;
        }
        resources.push(name);
        let mut text = if name == "workload.yaml" {
            out.head("#", &format!("{} over a read-only root.", service.name))
        } else {
            String::new()
        };
        let nodes: Vec<String> = nodes.iter().map(Node::text).collect();
        text += &nodes.join("---\n");
        out.file(name, text, 0o644);
    }
    let kustomization = Node::map()
        .with("apiVersion", "kustomize.config.k8s.io/v1beta1")
        .with("kind", "Kustomization")
        .with("resources", texts(resources));
    out.file("kustomization.yaml", kustomization.text(), 0o644);
}

/// The head of an object.
fn object(service: &Service<'_>, version: &str, kind: &str, name: &str) -> Node {
    Node::map()
        .with("apiVersion", version)
        .with("kind", kind)
        .with(
            "metadata",
            Node::map()
                .with("name", name)
                .with("labels", labels(service)),
        )
}

fn labels(service: &Service<'_>) -> Node {
    Node::map().with("app.kubernetes.io/name", service.name.as_str())
}

fn workload(
    service: &Service<'_>,
    volumes: &Volumes<'_>,
    settings: &Settings,
    out: &mut Out,
) -> Node {
    let template = Node::map()
        .with("metadata", Node::map().with("labels", labels(service)))
        .with("spec", pod::spec(service, volumes, settings, out));
    let spec = Node::map()
        .with("replicas", 1_u32)
        .with("selector", Node::map().with("matchLabels", labels(service)));
    if !volumes.is_set {
        // Two pods never write at the same time.
        let strategy = Node::map().with("type", "Recreate");
        let spec = spec.with_some("strategy", volumes.is_kept().then_some(strategy));
        let spec = spec.with("template", template);
        return object(service, "apps/v1", "Deployment", &service.name).with("spec", spec);
    }
    let claims: Vec<Node> = volumes
        .claims()
        .map(|(name, size)| claim(&name, size))
        .collect();
    let spec = spec
        .with("serviceName", peers(service))
        .with("template", template)
        .with("volumeClaimTemplates", claims);
    object(service, "apps/v1", "StatefulSet", &service.name).with("spec", spec)
}

/// The claims of a Deployment, called as a StatefulSet would call those of its first pod.
fn claims(service: &Service<'_>, volumes: &Volumes<'_>) -> Vec<Node> {
    if volumes.is_set {
        return Vec::new();
    }
    let claims = volumes.claims().map(|(name, size)| {
        let claim = claim(&claim_name(service, &name), size);
        Node::map()
            .with("apiVersion", "v1")
            .with("kind", "PersistentVolumeClaim")
            .also(claim)
    });
    claims.collect()
}

/// What a StatefulSet calls the claim of its first pod.
fn claim_name(service: &Service<'_>, volume: &str) -> String {
    format!("{volume}-{}-0", service.name)
}

/// A claim for twice what is there today, in whole gibibytes.
fn claim(name: &str, size: u64) -> Node {
    let gibibytes = size.saturating_mul(2).div_ceil(1 << 30).max(1);
    let requests = Node::map().with("storage", format!("{gibibytes}Gi"));
    let spec = Node::map()
        .with("accessModes", texts(["ReadWriteOnce"]))
        .with("resources", Node::map().with("requests", requests));
    Node::map()
        .with("metadata", Node::map().with("name", name))
        .with("spec", spec)
}

/// The headless service that a StatefulSet asks for.
fn peers(service: &Service<'_>) -> String {
    format!("{}-peers", service.name)
}

fn services(service: &Service<'_>, volumes: &Volumes<'_>) -> Vec<Node> {
    let selector = labels(service);
    let mut nodes = Vec::new();
    let public = || service.ports.iter().filter(|port| is_public(port));
    if public().next().is_some() {
        let ports = public().map(|port| {
            Node::map()
                .with("name", pod::port_name(port))
                .with("port", port.port)
                .with("targetPort", port.port)
                .with("protocol", port.transport.to_uppercase())
        });
        let spec = Node::map()
            .with("selector", selector.clone())
            .with("ports", Node::List(ports.collect()));
        nodes.push(object(service, "v1", "Service", &service.name).with("spec", spec));
    }
    if volumes.is_set {
        let spec = Node::map()
            .with("clusterIP", "None")
            .with("selector", selector);
        nodes.push(object(service, "v1", "Service", &peers(service)).with("spec", spec));
    }
    nodes
}
