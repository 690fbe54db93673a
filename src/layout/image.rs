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
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

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
            // What is named is one image and nothing beside it; what is not named may be anything.
            if name.is_some() && platform.is_none() {
                images.push(self.only(entry)?);
            } else {
                images.extend(self.variants(entry, platform)?);
            }
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

    /// The one image that an entry stands for, whatever program looks: itself, or the only entry of
    /// the index that it names.
    fn only(&self, entry: &Descriptor) -> Result<Image, LayoutError> {
        let named = format!(
            "the entry {}",
            entry.annotation(REF_NAME).unwrap_or_default()
        );
        let wrong = |why: &str| LayoutError::malformed(&named, why);
        let inner;
        let entry = match entry.media_type.as_str() {
            INDEX | DOCKER_LIST => {
                inner = self.inner(entry)?;
                match inner.manifests.as_slice() {
                    [only] => only,
                    _ => {
                        return Err(wrong(
                            "it is an index of several images, of which programs take one by what \
                             they run on",
                        ));
                    }
                }
            }
            _ => entry,
        };
        if !matches!(entry.media_type.as_str(), MANIFEST | DOCKER_MANIFEST) {
            return Err(wrong(&format!(
                "it is of the form {}, which is not read here and may be elsewhere",
                crate::path::escape(entry.media_type.as_bytes())
            )));
        }
        let image = self.open_image(entry)?;
        let image = image.ok_or_else(|| wrong("it is no image of layers of files"))?;
        let platform = entry.other.get("platform");
        let word = platform.map(|own| own.get("architecture").and_then(|word| word.as_str()));
        if word.is_some_and(|word| word != Some(image.config.architecture.as_str())) {
            return Err(wrong(
                "its entry and its configuration tell different processors",
            ));
        }
        Ok(image)
    }

    /// The index that an entry of an index names.
    fn inner(&self, entry: &Descriptor) -> Result<Index, LayoutError> {
        let what = format!("index {}", entry.digest);
        let bytes = self.read(entry, MANIFEST_LIMIT)?;
        let inner = Index::read(&what, &bytes)?;
        is_form(&what, entry, inner.media_type.as_deref())?;
        Ok(inner)
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
                let mut images = Vec::new();
                for entry in &self.inner(entry)?.manifests {
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
        let manifest = Manifest::read(&what, &bytes)?;
        is_form(&what, entry, manifest.media_type.as_deref())?;
        Ok(manifest)
    }

    /// Reads the image of a descriptor; None where it is a manifest of something else than layers
    /// of files.
    ///
    /// # Errors
    /// When a document of it is not there, lies, or contradicts another.
    pub fn open_image(&self, entry: &Descriptor) -> Result<Option<Image>, LayoutError> {
        let manifest = self.manifest(entry)?;
        let is_config = matches!(manifest.config.media_type.as_str(), CONFIG | DOCKER_CONFIG);
        let is_image = is_config
            && manifest.artifact_type.is_none()
            && manifest
                .layers
                .iter()
                .all(|layer| layer::compression(&layer.media_type).is_some());
        if !is_image {
            return Ok(None);
        }
        let what = format!("configuration {}", manifest.config.digest);
        let bytes = self.read(&manifest.config, CONFIG_LIMIT)?;
        let config = Config::read(&what, &bytes)?;
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

/// Whether a document is of the form that its descriptor says; Docker's must say it themselves.
fn is_form(what: &str, entry: &Descriptor, own: Option<&str>) -> Result<(), LayoutError> {
    let is_docker = matches!(entry.media_type.as_str(), DOCKER_MANIFEST | DOCKER_LIST);
    if own == Some(entry.media_type.as_str()) || (own.is_none() && !is_docker) {
        return Ok(());
    }
    let own = crate::path::escape(own.unwrap_or("nothing").as_bytes()).into_owned();
    let message = format!(
        "it says to be {own}, and its descriptor {}",
        entry.media_type
    );
    Err(LayoutError::malformed(what, message))
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
