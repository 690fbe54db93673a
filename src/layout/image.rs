//! One image of a layout: its manifest and configuration, read and compared.

use super::store::document;
use super::{CONFIG, Config, Descriptor, INDEX, Index, Layout, LayoutError, MANIFEST, Manifest};
use super::{REF_NAME, layer};

/// The largest manifest that is read: registries take no larger one.
const MANIFEST_LIMIT: usize = 4 << 20;

/// The largest configuration that is read.
const CONFIG_LIMIT: usize = 8 << 20;

/// The media types of Docker, which mean the same.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// An image of a layout. Its documents are what their digests say; its layers are not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its entry in the index.
    pub descriptor: Descriptor,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its configuration.
    pub config: Config,
}

/// For what an image is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform<'a> {
    /// The processor, in Go's words: `amd64`.
    pub architecture: &'a str,
}

impl Layout {
    /// The image of a name; without one, the only image that has layers of files.
    ///
    /// # Errors
    /// When there is none, or more than one to choose from, or it cannot be read.
    pub fn image(
        &self,
        name: Option<&str>,
        platform: Option<Platform<'_>>,
    ) -> Result<Image, LayoutError> {
        let index = self.index()?;
        let mut images = Vec::new();
        for entry in &index.manifests {
            let entry_name = entry.annotation(REF_NAME);
            if name.is_some_and(|name| entry_name != Some(name)) {
                continue;
            }
            images.extend(self.variants(entry, platform)?);
        }
        let shown = || name.map_or_else(String::new, |name| format!(" of the name {name}"));
        match images.as_slice() {
            [image] => Ok(image.clone()),
            [] => Err(LayoutError::NoImage(format!(
                "{} has no image{}; it has {}",
                self.dir().display(),
                shown(),
                names(&index)
            ))),
            _ => Err(LayoutError::NoImage(format!(
                "{} has {} images{} to choose from: name one of {}",
                self.dir().display(),
                images.len(),
                shown(),
                names(&index)
            ))),
        }
    }

    /// The images that an entry of an index stands for: itself, or the variants of the index that
    /// it names. Entries that are no images of files, such as signatures, are passed over.
    fn variants(
        &self,
        entry: &Descriptor,
        platform: Option<Platform<'_>>,
    ) -> Result<Vec<Image>, LayoutError> {
        match entry.media_type.as_str() {
            MANIFEST | DOCKER_MANIFEST => {
                Ok(self.open_image(entry)?.into_iter().collect::<Vec<_>>())
            }
            INDEX | DOCKER_LIST => {
                let bytes = self.read(entry, MANIFEST_LIMIT)?;
                let inner: Index = parse(&entry.digest.to_string(), &bytes)?;
                let mut images = Vec::new();
                for entry in &inner.manifests {
                    let own = entry.other.get("platform");
                    let word = own.and_then(|own| own.get("architecture")?.as_str());
                    let fits = platform.is_none_or(|want| Some(want.architecture) == word);
                    let is_manifest =
                        matches!(entry.media_type.as_str(), MANIFEST | DOCKER_MANIFEST);
                    if fits && is_manifest {
                        images.extend(self.open_image(entry)?);
                    }
                }
                Ok(images)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Reads the manifest of a descriptor, whatever it is a manifest of.
    ///
    /// # Errors
    /// When it is not there, lies, or is no manifest.
    pub fn manifest(&self, entry: &Descriptor) -> Result<Manifest, LayoutError> {
        let what = format!("manifest {}", entry.digest);
        let bytes = self.read(entry, MANIFEST_LIMIT)?;
        let manifest: Manifest = parse(&what, &bytes)?;
        if manifest.schema_version != 2 {
            return Err(LayoutError::malformed(what, "its schemaVersion is not 2"));
        }
        Ok(manifest)
    }

    /// Reads the image of a descriptor; None where it is a manifest of something else than layers
    /// of files.
    ///
    /// # Errors
    /// When a document of it is not there, lies, or contradicts another.
    pub fn open_image(&self, entry: &Descriptor) -> Result<Option<Image>, LayoutError> {
        let manifest = self.manifest(entry)?;
        let is_image = manifest.artifact_type.is_none()
            && manifest
                .layers
                .iter()
                .all(|layer| layer::compression(&layer.media_type).is_some());
        if !is_image {
            return Ok(None);
        }
        let what = format!("configuration {}", manifest.config.digest);
        let bytes = self.read(&manifest.config, CONFIG_LIMIT)?;
        let config: Config = parse(&what, &bytes)?;
        if config.rootfs.diff_ids.len() != manifest.layers.len() {
            return Err(LayoutError::malformed(
                what,
                format!(
                    "it has {} diff_ids, and the manifest {} layers",
                    config.rootfs.diff_ids.len(),
                    manifest.layers.len()
                ),
            ));
        }
        Ok(Some(Image {
            descriptor: entry.clone(),
            manifest,
            config,
        }))
    }

    /// Writes configuration and manifest of an image whose layers are there, and returns its
    /// descriptor.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put_image(
        &self,
        config: &Config,
        manifest: &mut Manifest,
    ) -> Result<Descriptor, LayoutError> {
        manifest.config = self.put(CONFIG, &document(config))?;
        self.put(MANIFEST, &document(manifest))
    }
}

fn parse<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, LayoutError> {
    serde_json::from_slice(bytes).map_err(|error| LayoutError::malformed(what, error))
}

fn names(index: &Index) -> String {
    let names: Vec<&str> = index
        .manifests
        .iter()
        .filter_map(|entry| entry.annotation(REF_NAME))
        .collect();
    if names.is_empty() {
        return "none with a name".to_owned();
    }
    names.join(", ")
}
