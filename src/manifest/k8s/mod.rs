//! Kubernetes, laid out for kustomize: a StatefulSet where something must survive, else a
//! Deployment, with its claims, settings, secrets and services.

mod config;
mod migrate;
mod pod;

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
}

/// The form of each volume that a cluster can mount.
struct Volumes<'s> {
    list: Vec<(&'s Volume, Form)>,
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
        Self { list }
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
        ("workload.yaml", vec![workload]),
    ];
    if volumes.is_kept() {
        let script = migrate::script(service, &volumes);
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
    if !volumes.is_kept() {
        let spec = spec.with("template", template);
        return object(service, "apps/v1", "Deployment", &service.name).with("spec", spec);
    }
    let mut claims: Vec<Node> = volumes
        .of(Form::Claim)
        .map(|volume| claim(&volume.name, volume.size))
        .collect();
    if volumes.of(Form::File).next().is_some() {
        let size = volumes.of(Form::File).map(|volume| volume.size).sum();
        claims.push(claim(FILES, size));
    }
    let spec = spec
        .with("serviceName", peers(service))
        .with("template", template)
        .with("volumeClaimTemplates", claims);
    object(service, "apps/v1", "StatefulSet", &service.name).with("spec", spec)
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
    if !service.ports.is_empty() {
        let ports = service.ports.iter().map(|port| {
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
    if volumes.is_kept() {
        let spec = Node::map()
            .with("clusterIP", "None")
            .with("selector", selector);
        nodes.push(object(service, "v1", "Service", &peers(service)).with("spec", spec));
    }
    nodes
}
