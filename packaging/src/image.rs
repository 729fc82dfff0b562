//! Images as OCI archives, byte for byte the same from the same files.
//!
//! An archive is a tar of an [OCI layout](https://github.com/opencontainers/image-spec): what containerd, podman, Docker
//! from version 25, skopeo and kind load. No Docker and no root are needed to make one. Times, owners, order and compression
//! are fixed; the libraries that decide the bytes are pinned by `Cargo.lock`. This module must not know what is in an image.

mod archive;
mod digest;
mod elf;
mod layer;
mod manifest;
mod tree;

use std::{io, path::PathBuf};

pub use archive::{Image, Written};
pub use digest::Digest;
pub use elf::{Architecture, Program};

/// Why an image cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A path that would leave the image, or that means something else to a container runtime.
    #[error("refuse {path:?} as a path in an image: {reason}; it must be like \"/usr/bin/program\"")]
    Path {
        /// As it was given.
        path: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Two entries with one path, or one below another that is no directory.
    #[error("refuse {path:?} in an image: {other:?} is there already and is {kind}")]
    Conflict {
        /// The entry that was added.
        path: String,
        /// The entry that was there.
        other: String,
        /// What the other one is.
        kind: &'static str,
    },
    /// More than the bits of permissions.
    #[error("refuse mode {mode:o} of {path:?}: at most 7777 (octal)")]
    Mode {
        /// The entry.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// A name of an image without a tag, or with characters that no registry takes.
    #[error("refuse {0:?} as the name of an image: it must be like \"localhost/team/program:1.0\"")]
    Reference(String),
    /// A time of creation that no calendar holds.
    #[error("refuse {0} as the time of an image: it must be seconds since 1970 that a tar header holds")]
    Time(u64),
    /// A file that should be a program is none, or needs what is not in the image.
    #[error("refuse {} as a program of an image: {reason}", path.display())]
    Program {
        /// The file.
        path: PathBuf,
        /// What it is, and what it should be.
        reason: String,
    },
    /// No archives are defined for this architecture.
    #[error("refuse architecture {0:?}: it must be amd64 (x86_64) or arm64 (aarch64)")]
    Architecture(String),
    /// A file that cannot be read or written.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Packing failed; as it happens in memory, only for want of it.
    #[error("pack the image: {0}")]
    Pack(#[from] io::Error),
    /// A document of the image could not be written as JSON.
    #[error("write the image's documents: {0}")]
    Json(#[from] serde_json::Error),
}

impl ImageError {
    /// The mistake at a file.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
