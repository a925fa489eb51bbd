//! Counters of `--stats`.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::dump;
use crate::exits::{Exit, Reason};

/// What is counted.
#[derive(Default)]
pub struct Stats {
    /// Compilations that gave code.
    pub compiled: u64,
    /// Attempts that gave none, by reason.
    pub refused: HashMap<&'static str, u64>,
    /// Nanoseconds spent compiling.
    pub compile_ns: u64,
    /// Of these, nanoseconds in Cranelift.
    pub lower_ns: u64,
    /// Attempts to build functions.
    pub attempts: u64,
    /// Bytes of code made.
    pub code_bytes: u64,
    /// Units thrown away because an assumption broke.
    pub invalidated: u64,
    /// Exits by number of their reason.
    pub exits: [u64; 32],
    /// Entries, by name of the code.
    pub entries: HashMap<String, u64>,
    /// With `verbose`: exits by place and reason.
    pub sites: HashMap<String, u64>,
}

thread_local! {
    /// The counters of this thread.
    pub static STATS: RefCell<Stats> = RefCell::new(Stats::default());
}

/// Counts an exit.
pub fn count_exit(reason: Reason) {
    STATS.with_borrow_mut(|s| s.exits[reason as usize] += 1);
}

/// Counts the place of an exit.
pub fn count_site(exit: &Exit) {
    let (Some(outer), Some(inner)) = (exit.frames.first(), exit.frames.last()) else { return };
    let line = inner.code.line_of(inner.pc as usize);
    let name = dump::name(outer.code, taipan_runtime::hooks::ENTRY);
    let text = format!("{name} leaves in line {line}@{}: {}", inner.pc, exit.reason.text());
    STATS.with_borrow_mut(|s| *s.sites.entry(text).or_default() += 1);
}

/// The report.
pub fn report() -> String {
    STATS.with_borrow(|s| {
        let mut text = format!(
            "jit: {} compiled in {:.1} ms ({:.1} in Cranelift, {} attempts), {} bytes of code, {} invalidated\n",
            s.compiled,
            s.compile_ns as f64 / 1e6,
            s.lower_ns as f64 / 1e6,
            s.attempts,
            s.code_bytes,
            s.invalidated
        );
        let entered: u64 = s.entries.values().sum();
        text += &format!("jit: entered {entered} times by the interpreter\n");
        for reason in Reason::ALL {
            let n = s.exits[*reason as usize];
            if n > 0 {
                text += &format!("jit: exits: {:>10} {}\n", n, reason.text());
            }
        }
        let mut refused: Vec<_> = s.refused.iter().collect();
        refused.sort();
        for (why, n) in refused {
            text += &format!("jit: not compiled: {n:>5} {why}\n");
        }
        let mut entries: Vec<_> = s.entries.iter().collect();
        entries.sort_by_key(|e| std::cmp::Reverse(*e.1));
        for (name, n) in entries.into_iter().take(10) {
            text += &format!("jit: entries: {n:>10} {name}\n");
        }
        let mut sites: Vec<_> = s.sites.iter().collect();
        sites.sort_by_key(|e| std::cmp::Reverse(*e.1));
        for (site, n) in sites.into_iter().take(25) {
            text += &format!("jit: {n:>8} {site}\n");
        }
        text
    })
}
