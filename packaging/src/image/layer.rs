//! One layer: the tar of the files, and the same compressed.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::{
    Digest, ImageError,
    tree::{Content, Tree},
};

/// The files as a runtime gets them.
pub(super) struct Layer {
    /// The tar, compressed with gzip.
    pub(super) compressed: Vec<u8>,
    /// The digest of the tar itself, which OCI calls `diff_id`.
    pub(super) unpacked: Digest,
    /// The length of the tar itself in bytes.
    pub(super) unpacked_size: usize,
}

impl Layer {
    /// Packs the files; each of them gets `time` (seconds since 1970).
    pub(super) fn pack(tree: &Tree<'_>, time: u64) -> Result<Self, ImageError> {
        let unpacked = tar(tree, time)?;
        Ok(Self { compressed: gzip(&unpacked)?, unpacked: Digest::of(&unpacked), unpacked_size: unpacked.len() })
    }
}

/// A tar of the files with all fixed that could differ between two machines: order, owner and time.
pub(super) fn tar(tree: &Tree<'_>, time: u64) -> Result<Vec<u8>, ImageError> {
    let mut builder = Builder::new(Vec::new());
    for (path, entry) in tree.entries() {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(time);
        header.set_size(0);
        match entry.content {
            Content::File(bytes) => {
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, path, bytes.as_slice())?;
            }
            Content::Directory => {
                header.set_entry_type(EntryType::Directory);
                builder.append_data(&mut header, format!("{path}/"), &[][..])?;
            }
            Content::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                builder.append_link(&mut header, path, target)?;
            }
        }
    }
    Ok(builder.into_inner()?)
}

/// Without a time, a name or the system in the header.
fn gzip(content: &[u8]) -> Result<Vec<u8>, ImageError> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let mut encoder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
