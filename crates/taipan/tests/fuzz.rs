//! A short run of the fuzzers in `fuzz/` with fixed seeds: no crash, no hang, no unexpected exception.
//!
//! For a long run: `taipan crates/taipan/tests/fuzz/source.py SEED 0 600 --last /tmp/last`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TIME_LIMIT: Duration = Duration::from_secs(120);

fn run(script: &str, seed: u32, rounds: u32) {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(script);
    let last = work.join(format!("{script}.last"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_taipan"));
    command.arg(path).args([seed.to_string(), rounds.to_string()]).arg("--last").arg(&last);
    command.env("HOME", work).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("to start the fuzzer");
    let began = Instant::now();
    while child.try_wait().expect("to wait for a child").is_none() {
        if began.elapsed() > TIME_LIMIT {
            child.kill().expect("to kill a child");
            panic!("{script} hangs; the input is in {}", last.display());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("the output");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let is_good = output.status.success() && out == "done\n";
    assert!(is_good, "{script}: {}; the input is in {}\n{out}{err}", output.status, last.display());
}

#[test]
fn source() {
    run("source.py", 1, 300);
}

#[test]
fn pyc() {
    run("pyc.py", 1, 1000);
}

#[test]
fn parsers() {
    run("parsers.py", 1, 3000);
}

#[test]
fn methods() {
    run("methods.py", 1, 3000);
}

#[test]
fn sre() {
    run("sre.py", 1, 3000);
}
