//! How large the operator is as it is shipped: the release build, whose profile strips it.

use std::{env, fs};

use super::{memory::mebibytes, row};

pub(super) fn measure() {
    println!("Size of the stripped operator, in MiB:");
    // Beside the directory of this program, cargo puts the release build of all.
    let release = env::current_exe().ok().and_then(|demo| {
        let target = demo.parent()?.parent()?;
        fs::metadata(target.join("release/operator")).ok()
    });
    match release {
        Some(file) => row("release build", &mebibytes(file.len()), "below 25"),
        None => row("release build", "not there", "cargo build --release makes it"),
    }
}
