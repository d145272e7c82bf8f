//! Building the targets, and libFuzzer under them.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::shell;
use crate::workspace::Workspace;

/// The manifest of the targets' workspace.
const MANIFEST: &str = "fuzz/Cargo.toml";

/// The compiler for our own crates has these flags besides, so that libFuzzer sees which way was taken and what was
/// compared; what `cargo fuzz --sanitizer none` asks for, and the stable compiler has it. Other people's crates and build
/// scripts are built as always: to count in them, too, doubles the time of the build.
const COMPILER: &str = r#"#!/bin/sh
case "$*" in
    *"$STAITHE_FUZZ_ROOT/crates/"* | *"--crate-name fuzz "*)
        exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares ;;
    *) exec "$@" ;;
esac
"#;

/// Parts of libFuzzer for other systems.
const FOREIGN: [&str; 3] = ["Windows", "Darwin", "Fuchsia"];
/// It declares what the C library declares otherwise.
const APART: &str = "FuzzerInterceptors.cpp";
/// Has a function of the same name as another file.
const FORK: &str = "FuzzerFork.cpp";

/// Builds the program of all targets; gives its path.
pub(super) fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.target()?.join("fuzz");
    let library = library(workspace, &folder)?;
    let compiler = folder.join("compiler.sh");
    write_program(&compiler, COMPILER)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--manifest-path", MANIFEST, "--release", "--locked", "--target-dir"]).arg(&folder);
    cargo.env("RUSTC_WRAPPER", &compiler).env("STAITHE_FUZZ_ROOT", &workspace.root);
    cargo.env("CUSTOM_LIBFUZZER_PATH", &library);
    anyhow::ensure!(shell::passes(&mut cargo)?, "the targets do not build");
    Ok(folder.join("release/fuzz"))
}

fn write_program(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

/// libFuzzer as a library, compiled in two pieces instead of twenty: that takes a quarter of the time.
fn library(workspace: &Workspace, folder: &Path) -> anyhow::Result<PathBuf> {
    let (version, sources) = sources(workspace)?;
    let folder = folder.join(format!("libfuzzer-{version}"));
    let library = folder.join("libstaithefuzzer.a");
    if library.is_file() {
        return Ok(library);
    }
    std::fs::create_dir_all(&folder)?;
    let whole = folder.join("whole.cpp");
    std::fs::write(&whole, in_one_piece(&sources)?)?;
    let objects = [folder.join("whole.o"), folder.join("interceptors.o")];
    for (source, object) in [whole, sources.join(APART)].iter().zip(&objects) {
        let mut compiler = Command::new("g++");
        compiler
            .args(["-std=c++17", "-O1", "-w", "-fno-omit-frame-pointer", "-c"])
            .arg(source)
            .arg("-o")
            .arg(object);
        anyhow::ensure!(shell::passes(&mut compiler)?, "libFuzzer does not compile");
    }
    let unfinished = folder.join("unfinished.a");
    let packed = shell::passes(Command::new("ar").arg("rcs").arg(&unfinished).args(&objects))?;
    anyhow::ensure!(packed, "libFuzzer cannot be packed");
    std::fs::rename(&unfinished, &library)?;
    Ok(library)
}

/// The version of libFuzzer that the lock file names, and where its sources are.
fn sources(workspace: &Workspace) -> anyhow::Result<(String, PathBuf)> {
    let mut cargo = workspace.cargo();
    cargo.args(["metadata", "--format-version", "1", "--manifest-path", MANIFEST]);
    let output = cargo.output().context("failed to run cargo metadata")?;
    let told = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "cargo metadata failed: {told}");
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let found = packages.iter().find(|package| package["name"] == "libfuzzer-sys");
    let found = found.context("the targets do not depend on libfuzzer-sys")?;
    let manifest = found["manifest_path"].as_str().map(Path::new).context("libfuzzer-sys lies nowhere")?;
    let version = found["version"].as_str().unwrap_or("unknown").to_owned();
    Ok((version, manifest.with_file_name("libfuzzer")))
}

/// One source that has all others.
fn in_one_piece(sources: &Path) -> anyhow::Result<String> {
    let mut names = Vec::new();
    for entry in
        std::fs::read_dir(sources).with_context(|| format!("failed to read {}", sources.display()))?
    {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let ours =
            name.strip_suffix(".cpp").is_some_and(|stem| !FOREIGN.iter().any(|other| stem.ends_with(other)));
        if ours && name != APART {
            names.push(name);
        }
    }
    names.sort();
    let mut whole = String::new();
    for name in names {
        let include = format!("#include \"{}\"", sources.join(&name).display());
        if name == FORK {
            writeln!(whole, "#define WorkerThread WorkerOfFork\n{include}\n#undef WorkerThread")?;
        } else {
            writeln!(whole, "{include}")?;
        }
    }
    Ok(whole)
}
