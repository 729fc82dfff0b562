//! What a program needs to run: its machine, and whether it asks for a loader. Only as much of ELF as tells that.

use std::{fmt, fs, path::Path};

use super::ImageError;

/// The machine that an image runs on, named as OCI does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// x86_64.
    Amd64,
    /// aarch64.
    Arm64,
}

impl Architecture {
    /// The machine that this program was built for.
    pub fn of_this_machine() -> Result<Self, ImageError> {
        Self::named(std::env::consts::ARCH)
    }

    /// By OCI's name (`amd64`) or by that of compilers (`x86_64`), also with what follows in a target (`x86_64-unknown-…`).
    pub fn named(name: &str) -> Result<Self, ImageError> {
        match name.split('-').next() {
            Some("amd64" | "x86_64") => Ok(Self::Amd64),
            Some("arm64" | "aarch64") => Ok(Self::Arm64),
            _ => Err(ImageError::Architecture(name.to_owned())),
        }
    }

    /// OCI's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The machine in an ELF header.
    const fn machine(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A program that needs nothing but the kernel: it runs in an image that holds no libraries.
#[derive(Debug, Clone)]
pub struct Program(Vec<u8>);

impl Program {
    /// Reads a program and checks that it is static and made for `architecture`.
    pub fn read(path: &Path, architecture: Architecture) -> Result<Self, ImageError> {
        let bytes = fs::read(path).map_err(ImageError::file("read", path))?;
        match flaw(&bytes, architecture) {
            None => Ok(Self(bytes)),
            Some(reason) => Err(ImageError::Program { path: path.to_owned(), reason }),
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Program> for Vec<u8> {
    fn from(program: Program) -> Self {
        program.0
    }
}

/// Why this is no static program for `architecture`.
fn flaw(bytes: &[u8], architecture: Architecture) -> Option<String> {
    /// ELF, 64 bits, little endian.
    const START: &[u8] = b"\x7fELF\x02\x01";
    /// The kind of a program header that names a loader.
    const LOADER: u32 = 3;
    if !bytes.starts_with(START) {
        return Some("it is no ELF program of 64 bits, little endian".to_owned());
    }
    let half = |at: usize| bytes.get(at..at + 2).map(|part| u16::from_le_bytes([part[0], part[1]]));
    let word = |at: usize| bytes.get(at..at + 4).map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]]));
    let headers = || {
        // The table of program headers: where it starts, the size of one and how many there are.
        let start = usize::try_from(word(32)?).ok()?;
        let (size, count) = (usize::from(half(54)?), usize::from(half(56)?));
        (0..count).map(|index| word(start + index * size)).collect::<Option<Vec<_>>>()
    };
    match (half(18), headers()) {
        (Some(machine), _) if machine != architecture.machine() => {
            Some(format!("it is made for machine {machine}, and {architecture} is {}", architecture.machine()))
        }
        (Some(_), Some(kinds)) if kinds.contains(&LOADER) => {
            Some("it needs shared libraries, and the image has none; build it static".to_owned())
        }
        (Some(_), Some(_)) => None,
        _ => Some("it is cut off".to_owned()),
    }
}
