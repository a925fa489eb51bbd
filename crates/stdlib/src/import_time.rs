//! `-X importtime`: how long each import took, as CPython prints it.

use std::cell::Cell;
use std::time::Instant;

use taipan_runtime::types::str::Str;

use crate::state;

thread_local! {
    /// Imports that are running, and microseconds spent in those that ended within the innermost one.
    static RUNNING: Cell<(usize, u64)> = const { Cell::new((0, 0)) };
    static HAS_HEADER: Cell<bool> = const { Cell::new(false) };
}

/// 0: off; 2: loaded modules are shown too.
fn level() -> u8 {
    static LEVEL: std::sync::OnceLock<u8> = std::sync::OnceLock::new();
    *LEVEL.get_or_init(|| {
        let config = state::config();
        let option = config.xoptions.iter().rev().find_map(|option| match option.as_str() {
            "importtime" => Some("1".to_string()),
            other => other.strip_prefix("importtime=").map(str::to_string),
        });
        let variable = || std::env::var("PYTHONPROFILEIMPORTTIME").ok().filter(|_| !config.ignore_environment);
        match option.or_else(variable).as_deref() {
            None | Some("" | "0") => 0,
            Some("2") => 2,
            Some(_) => 1,
        }
    })
}

/// An import that is running.
pub struct Timing {
    began: Instant,
    outer: (usize, u64),
}

/// Begins to measure an import, if that is wanted.
pub fn begin() -> Option<Timing> {
    if level() == 0 {
        return None;
    }
    header();
    let outer = RUNNING.get();
    RUNNING.set((outer.0 + 1, 0));
    Some(Timing { began: Instant::now(), outer })
}

impl Timing {
    /// Prints what the import took, unless it failed.
    pub fn end(self, name: &Str, is_good: bool) {
        let total = self.began.elapsed().as_micros() as u64;
        let inner = RUNNING.get().1;
        RUNNING.set((self.outer.0, self.outer.1 + total));
        if is_good {
            let own = total.saturating_sub(inner);
            eprintln!("import time: {own:9} | {total:10} | {:1$}{name}", "", self.outer.0 * 2);
        }
    }
}

/// Prints that a module was loaded already, if that is wanted.
pub fn note_cached(name: &Str) {
    if level() == 2 {
        header();
        eprintln!("import time: {:<9} | {:<10} | {:3$}{name}", "cached", "cached", "", RUNNING.get().0 * 2);
    }
}

fn header() {
    if !HAS_HEADER.replace(true) {
        eprintln!("import time: self [us] | cumulative | imported package");
    }
}
