//! Compiles whole trees of Python files and verifies the result.

mod common;

use std::path::{Path, PathBuf};

fn python_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "py") {
            out.push(path);
        }
    }
}

/// Compiles and verifies all files under `dir`; returns how many there were and what failed.
fn check(dir: &Path) -> (usize, Vec<String>) {
    let mut files = Vec::new();
    python_files(dir, &mut files);
    files.sort();
    let mut failures = Vec::new();
    let mut count = 0;
    for file in &files {
        let Ok(source) = std::fs::read_to_string(file) else { continue };
        if ruff_python_parser::parse_module(&source).is_err() {
            continue;
        }
        count += 1;
        let result = std::panic::catch_unwind(|| match common::compile(&source) {
            Ok(out) => {
                common::verify(&out.code);
                None
            }
            Err(e) => Some(e.to_string()),
        });
        match result {
            Ok(None) => {}
            Ok(Some(error)) => failures.push(format!("{}: {error}", file.display())),
            Err(_) => failures.push(format!("{}: panic", file.display())),
        }
    }
    (count, failures)
}

fn expect_all(dir: &Path, allowed: usize) {
    let (count, failures) = check(dir);
    println!("{}: {count} files, {} failures", dir.display(), failures.len());
    assert!(failures.len() <= allowed, "{}", failures.join("\n"));
}

#[test]
fn snippets() {
    expect_all(Path::new("/work/shared/conformance/snippets"), 0);
}

#[test]
fn kernels() {
    expect_all(Path::new("/work/shared/bench/kernels"), 0);
}

#[test]
fn standard_library() {
    let Some(home) =
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| std::env::home_dir().map(|h| h.join(".cargo")))
    else {
        return;
    };
    let Ok(registries) = std::fs::read_dir(home.join("registry/src")) else { return };
    for registry in registries.flatten() {
        expect_all(&registry.path().join("rustpython-pylib-0.6.0"), 0);
    }
}
