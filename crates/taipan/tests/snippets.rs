//! Runs every `snippets/NAME.py` with the built binary and compares with `NAME.out`.
//!
//! `NAME.out` is what the program prints, then `--- stderr ---` and its standard error if there is any, then
//! `--- exit N ---` if its status is not 0. A snippet whose first line has the words `modes: stress` is run a second
//! time with a collection at every allocation. Those called `jit_*` are run two more times: with compiled code from the
//! first calls and rounds on, whose IR is verified, and with the JIT under stress.
//!
//! The expected output is CPython's: `SNIPPETS_BLESS=path/to/python3.14 cargo test -p taipan --test snippets` writes it
//! anew. `SNIPPETS_ONLY=text` picks the snippets whose name contains the text.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const TIME_LIMIT: Duration = Duration::from_secs(120);
const WORKERS: usize = 2;

/// One run to make: a snippet in one mode.
struct Job {
    source: PathBuf,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Default,
    /// A collection at every allocation.
    Stress,
    /// Compiled as soon as it has run a few times.
    JitEarly,
    /// Compiled at once, left at random.
    JitStress,
}

impl Mode {
    /// The environment that it sets.
    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Mode::Default => &[],
            Mode::Stress => &[("TAIPAN_GC", "stress")],
            Mode::JitEarly => &[("TAIPAN_JIT_CALLS", "3"), ("TAIPAN_JIT_LOOPS", "5"), ("TAIPAN_JIT_DEBUG", "verify")],
            Mode::JitStress => &[("TAIPAN_JIT", "stress")],
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snippets")
}

fn sources() -> Vec<PathBuf> {
    let only = std::env::var("SNIPPETS_ONLY").unwrap_or_default();
    let entries = std::fs::read_dir(folder()).expect("the folder of snippets");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "py"))
        .filter(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(&only)))
        .collect();
    paths.sort();
    paths
}

/// Waits for the end, or kills the process after [`TIME_LIMIT`].
fn wait(child: &mut std::process::Child) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < TIME_LIMIT {
        if let Some(status) = child.try_wait().expect("to wait for a child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("to kill a child");
    None
}

/// What the program printed and how it ended, in the form of a `.out` file.
fn output(python: &Path, job: &Job) -> String {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = job.source.file_name().expect("a file name").to_string_lossy().into_owned();
    let capture = |kind: &str| {
        let path = work.join(format!("{name}.{:?}.{kind}", job.mode));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).open(path).expect("a file for the output")
    };
    let (mut out, mut err) = (capture("out"), capture("err"));
    let mut command = Command::new(python);
    command.arg(&name).current_dir(folder()).stdin(Stdio::null());
    command.stdout(out.try_clone().expect("a handle")).stderr(err.try_clone().expect("a handle"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LANG", "C.UTF-8").env("TZ", "UTC").env("HOME", work);
    command.envs(job.mode.environment().iter().copied());
    let status = wait(&mut command.spawn().expect("to start the interpreter"));
    let read = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("to read the output");
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        shorten_paths(&text)
    };
    let (mut text, errors) = (read(&mut out), read(&mut err));
    if !errors.is_empty() {
        text.push_str("--- stderr ---\n");
        text.push_str(&errors);
    }
    match status {
        None => text.push_str("--- time limit ---\n"),
        Some(status) if status.success() => {}
        Some(status) => match status.code() {
            Some(code) => text.push_str(&format!("--- exit {code} ---\n")),
            None => text.push_str(&format!("--- {status} ---\n")),
        },
    }
    text
}

/// Tracebacks name the script by its absolute path; expected outputs do not depend on places.
fn shorten_paths(text: &str) -> String {
    let prefix = format!("{}/", folder().display());
    text.replace(&prefix, "")
}

/// The first lines that differ, each side.
fn difference(want: &str, got: &str) -> String {
    let (mut want, mut got) = (want.lines(), got.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (want.next(), got.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return "only line ends differ".into(),
            (a, b) => {
                let rest = |first: Option<&str>, lines: &mut dyn Iterator<Item = &str>, sign: &str| {
                    first
                        .into_iter()
                        .chain(lines.take(7).collect::<Vec<_>>())
                        .map(|l| format!("  {sign}{l}\n"))
                        .collect()
                };
                let (a, b): (String, String) = (rest(a, &mut want, "-"), rest(b, &mut got, "+"));
                return format!("from line {number}:\n{a}{b}");
            }
        }
    }
}

#[test]
fn snippets() {
    let sources = sources();
    if let Some(python) = std::env::var_os("SNIPPETS_BLESS") {
        for source in sources {
            let text = output(Path::new(&python), &Job { source: source.clone(), mode: Mode::Default });
            std::fs::write(source.with_extension("out"), text).expect("to write the expected output");
        }
        return;
    }
    let mut jobs = Vec::new();
    for source in sources {
        let text = std::fs::read_to_string(&source).expect("a snippet");
        if text.lines().next().is_some_and(|line| line.contains("modes: stress")) {
            jobs.push(Job { source: source.clone(), mode: Mode::Stress });
        }
        if source.file_name().is_some_and(|name| name.to_string_lossy().starts_with("jit_")) {
            jobs.push(Job { source: source.clone(), mode: Mode::JitEarly });
            jobs.push(Job { source: source.clone(), mode: Mode::JitStress });
        }
        jobs.push(Job { source, mode: Mode::Default });
    }
    // The library is unpacked by the first run, so that the others do not wait for each other.
    let taipan = Path::new(env!("CARGO_BIN_EXE_taipan"));
    let failures = Mutex::new(Vec::new());
    let check = |job: &Job| {
        let want = std::fs::read_to_string(job.source.with_extension("out")).unwrap_or_default();
        let got = output(taipan, job);
        if want != got {
            let report = format!("{} ({:?}) {}", job.source.display(), job.mode, difference(&want, &got));
            failures.lock().expect("no panic").push(report);
        }
    };
    if let Some(job) = jobs.pop() {
        check(&job);
    }
    let queue = Mutex::new(jobs);
    let next = || queue.lock().expect("no panic").pop();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(job) = next() {
                    check(&job);
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} snippets differ\n{}", failures.len(), failures.join("\n"));
}
