//! `image`: packs the built programs into the two images. `make image` builds them first.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use cicdcontext_packaging::{
    image::{Architecture, Image, Program, Written},
    images::{Edition, busybox::Busybox},
};
use clap::Parser;

/// An image that is larger is refused: every node has to load it.
const LIMIT: usize = 30 * 1024 * 1024;

/// Pack the built programs into two images, as OCI archives
#[derive(Debug, Parser)]
#[command(name = "image")]
struct Arguments {
    /// The static operator
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// The static cicdctl
    #[arg(long, value_name = "FILE")]
    cicdctl: PathBuf,
    /// Where the archives go
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// What the programs were built for [default: this machine]
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// A static busybox [default: the machine's, else that of Debian's package busybox-static, which is downloaded]
    #[arg(long, value_name = "FILE", env = "BUSYBOX")]
    busybox: Option<PathBuf>,
    /// The time of all files, in seconds since 1970
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH", default_value_t = 0)]
    time: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let architecture = match &arguments.target {
        Some(target) => Architecture::named(target)?,
        None => Architecture::of_this_machine()?,
    };
    let edition = Edition {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        architecture,
        revision: revision(),
        time: arguments.time,
    };
    fs::create_dir_all(&arguments.into).map_err(|error| format!("make {}: {error}", arguments.into.display()))?;
    let operator = Program::read(&arguments.operator, architecture)?;
    let cicdctl = Program::read(&arguments.cicdctl, architecture)?;
    let shell = Busybox::find(arguments.busybox.as_deref(), architecture, &arguments.into)?;

    let images = [("operator", edition.operator(operator)), ("cicdctl", edition.cicdctl(cicdctl, shell))];
    let mut sums = Vec::new();
    for (name, image) in &images {
        let archive = edition.archive(name);
        let written = write(image, &arguments.into.join(&archive))?;
        sums.push(format!("{}  {archive}\n", written.archive.hex()));
        let (kib, unpacked) = (written.size.div_ceil(1024), written.unpacked_size.div_ceil(1024));
        println!("{}@{}", edition.reference(name), written.digest);
        println!("  {} ({kib} KiB; {unpacked} KiB unpacked)", arguments.into.join(&archive).display());
    }
    let sums_path = arguments.into.join(format!("sha256sums-{}-{architecture}.txt", edition.version));
    fs::write(&sums_path, sums.concat()).map_err(|error| format!("write {}: {error}", sums_path.display()))?;
    println!("{}", sums_path.display());
    Ok(())
}

/// Writes the archive unless it is too large.
fn write(image: &Image, path: &Path) -> Result<Written, Box<dyn Error>> {
    let written = image.write(path)?;
    if written.size > LIMIT {
        fs::remove_file(path).map_err(|error| format!("remove {}: {error}", path.display()))?;
        return Err(
            format!("refuse {}: {} bytes, and at most {LIMIT} are allowed", path.display(), written.size).into()
        );
    }
    Ok(written)
}

/// The commit, if the checkout holds just that. Without git there is none.
fn revision() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changes = git(&["status", "--porcelain"])?;
    changes.is_empty().then(|| git(&["rev-parse", "HEAD"])).flatten()
}
