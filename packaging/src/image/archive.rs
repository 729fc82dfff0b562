//! An image, from the list of its files to the archive.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;

use super::{
    Architecture, Digest, ImageError,
    layer::{Layer, tar},
    manifest::{
        CONFIGURATION, Configuration, Descriptor, Execution, ForDocker, History, INDEX, Index, LAYER, MANIFEST,
        Manifest, Platform, RootFilesystem,
    },
    tree::{Content, Tree},
};

/// An image of one layer, whose files all belong to root.
///
/// Mistakes in what is put together are told by [`Image::write`], so that an image reads as a list.
///
/// ```
/// use cicdcontext_packaging::image::{Architecture, Image};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let image = Image::new("localhost/tests/pause:1", Architecture::Amd64)
///     .file("/pause", b"a static program".to_vec(), 0o755)
///     .directory("/tmp", 0o1777)
///     .link("/bin/pause", "/pause")
///     .entrypoint(["/pause"])
///     .user("65532:65532")
///     .label("org.opencontainers.image.title", "pause");
/// let written = image.write(&folder.path().join("pause.tar"))?;
/// assert_eq!(written.digest, image.write(&folder.path().join("again.tar"))?.digest);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Image {
    reference: String,
    architecture: Architecture,
    time: u64,
    /// Path, content and mode of each entry, unchecked.
    entries: Vec<(String, Content, u32)>,
    execution: Execution,
}

/// What was written; sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The digest of the manifest: what `image@sha256:…` names, and what a runtime shows.
    pub digest: Digest,
    /// The digest of the archive itself.
    pub archive: Digest,
    /// The length of the archive in bytes.
    pub size: usize,
    /// The length of the unpacked layer in bytes.
    pub unpacked_size: usize,
}

impl Image {
    /// An image without files, called `reference` once it is loaded: registry, repository and tag.
    pub fn new(reference: impl Into<String>, architecture: Architecture) -> Self {
        Self {
            reference: reference.into(),
            architecture,
            time: 0,
            entries: Vec::new(),
            execution: Execution::default(),
        }
    }

    /// The time of the image and of its files, in seconds since 1970; without it, 1970.
    pub fn time(mut self, seconds: u64) -> Self {
        self.time = seconds;
        self
    }

    /// A file; the directories above it are made with mode 755.
    pub fn file(self, path: impl AsRef<str>, bytes: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.add(path.as_ref(), Content::File(bytes.into()), mode)
    }

    /// A directory with its mode.
    pub fn directory(self, path: impl AsRef<str>, mode: u32) -> Self {
        self.add(path.as_ref(), Content::Directory, mode)
    }

    /// A symbolic link at `path` to `target`.
    pub fn link(self, path: impl AsRef<str>, target: impl Into<String>) -> Self {
        self.add(path.as_ref(), Content::Link(target.into()), 0o777)
    }

    /// What runs; a Pod's `command` replaces it, its `args` are appended.
    pub fn entrypoint<T: Into<String>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.execution.entrypoint = words.into_iter().map(Into::into).collect();
        self
    }

    /// The arguments of the entry point where a Pod gives none.
    pub fn arguments<T: Into<String>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.execution.cmd = words.into_iter().map(Into::into).collect();
        self
    }

    /// Who runs it: numbers, so that `runAsNonRoot` can be checked. `65532` or `65532:65532`.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.execution.user = user.into();
        self
    }

    /// A variable of the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.execution.env.push(format!("{name}={value}"));
        self
    }

    /// The directory in which it starts.
    pub fn working_directory(mut self, path: impl Into<String>) -> Self {
        self.execution.working_dir = path.into();
        self
    }

    /// A label of the image, which is also an annotation of its manifest.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.execution.labels.insert(name.into(), value.into());
        self
    }

    /// Writes the archive at `path`; what is there is replaced once the new one is whole.
    pub fn write(&self, path: &Path) -> Result<Written, ImageError> {
        let (archive, written) = self.pack()?;
        let partial = path.with_added_extension("partial");
        fs::write(&partial, archive).map_err(ImageError::file("write", &partial))?;
        fs::rename(&partial, path).map_err(ImageError::file("write", path))?;
        Ok(written)
    }

    /// The archive in memory.
    pub fn pack(&self) -> Result<(Vec<u8>, Written), ImageError> {
        let tag = tag(&self.reference)?;
        let created = created(self.time)?;
        let mut tree = Tree::default();
        for (path, content, mode) in &self.entries {
            tree.add(path, content, *mode)?;
        }
        let layer = Layer::pack(&tree, self.time)?;
        let platform = || Platform { architecture: self.architecture.name(), os: "linux" };
        let configuration = serde_json::to_vec(&Configuration {
            created: &created,
            platform: platform(),
            config: &self.execution,
            rootfs: RootFilesystem { kind: "layers", diff_ids: [layer.unpacked] },
            history: vec![History { created: &created, created_by: "cicdcontext-packaging" }],
        })?;
        let manifest = serde_json::to_vec(&Manifest {
            schema_version: 2,
            media_type: MANIFEST,
            config: Descriptor::of(CONFIGURATION, &configuration),
            layers: vec![Descriptor::of(LAYER, &layer.compressed)],
            annotations: &self.execution.labels,
        })?;
        let mut descriptor = Descriptor::of(MANIFEST, &manifest);
        let digest = descriptor.digest;
        descriptor.platform = Some(platform());
        // containerd and what builds on it go by the first, skopeo by the second.
        descriptor.annotations = BTreeMap::from([
            ("io.containerd.image.name", self.reference.clone()),
            ("org.opencontainers.image.ref.name", tag.to_owned()),
        ]);
        let index = serde_json::to_vec(&Index { schema_version: 2, media_type: INDEX, manifests: vec![descriptor] })?;

        let blobs = [configuration, manifest, layer.compressed];
        let docker = serde_json::to_vec(&[ForDocker {
            config: blob(&blobs[0]),
            repo_tags: [&self.reference],
            layers: [blob(&blobs[2])],
        }])?;
        let mut files: BTreeMap<_, _> =
            blobs.into_iter().map(|content| (format!("/{}", blob(&content)), Content::File(content))).collect();
        files.insert("/index.json".to_owned(), Content::File(index));
        files.insert("/manifest.json".to_owned(), Content::File(docker));
        files.insert("/oci-layout".to_owned(), Content::File(br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
        let mut tree = Tree::default();
        for (path, content) in &files {
            tree.add(path, content, 0o644)?;
        }
        let archive = tar(&tree, self.time)?;
        let (whole, size) = (Digest::of(&archive), archive.len());
        Ok((archive, Written { digest, archive: whole, size, unpacked_size: layer.unpacked_size }))
    }

    fn add(mut self, path: &str, content: Content, mode: u32) -> Self {
        self.entries.push((path.to_owned(), content, mode));
        self
    }
}

/// Where a blob stands in the archive.
fn blob(content: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::of(content).hex())
}

/// The time as documents of an image write it.
fn created(seconds: u64) -> Result<String, ImageError> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(|time| time.to_string())
        .ok_or(ImageError::Time(seconds))
}

/// The tag of a full name. A name without registry or tag is completed by each tool in its own way, so it is refused.
fn tag(reference: &str) -> Result<&str, ImageError> {
    let parts = || {
        let (name, tag) = reference.rsplit_once(':')?;
        let (registry, repository) = name.split_once('/')?;
        let registry_good =
            !registry.is_empty() && registry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        let repository_good = repository.split('/').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphanumeric())
                && part.ends_with(|last: char| last.is_ascii_alphanumeric())
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
        });
        let tag_good = (1..=128).contains(&tag.len())
            && !tag.starts_with(['.', '-'])
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        (registry_good && repository_good && tag_good).then_some(tag)
    };
    parts().ok_or_else(|| ImageError::Reference(reference.to_owned()))
}

#[cfg(test)]
mod tests;
