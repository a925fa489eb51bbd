//! Dumps of what the compiler does: `TAIPAN_JIT_DUMP=STAGE[=FUNCTION],...` or `--dump=STAGE[:FUNCTION],...`.
//!
//! Stages: `ir` as built, `ir:PASS` after a pass, `ir-opt` after all, `clif`, `asm`. A function filter matches any part of
//! the name, which is `qualname:first line`, with `@word` for loops.

use taipan_runtime::hooks::ENTRY;
use taipan_runtime::types::code::CodeObject;

use crate::ir::Func;
use crate::lower::Lowered;

/// Name of a compiled unit in dumps and statistics.
pub fn name(code: &CodeObject, entry: u32) -> String {
    let name = format!("{}:{}", code.qualname.to_string_lossy(), code.firstlineno);
    match crate::tier::arguments(code, entry) {
        Some(types) => format!("{name}({})", types.iter().map(|t| t.text()).collect::<Vec<_>>().join(", ")),
        None if entry == ENTRY => name,
        None => format!("{name}@{entry}"),
    }
}

fn wants(stage: &str, name: &str) -> bool {
    crate::options().dump.iter().any(|d| {
        let (want, filter) = match d.split_once('=') {
            Some((want, filter)) => (want, filter),
            None => (d.as_str(), ""),
        };
        want == stage && name.contains(filter)
    })
}

/// Prints the IR if this stage of this function is asked for.
pub fn ir(stage: &str, name: &str, func: &Func) {
    if !crate::options().dump.is_empty() && wants(stage, name) {
        eprintln!("; {stage}\n{func}");
    }
}

/// Whether the texts of Cranelift are asked for.
pub fn wants_code(name: &str) -> bool {
    !crate::options().dump.is_empty() && (wants("clif", name) || wants("asm", name))
}

/// Prints them.
pub fn code(name: &str, lowered: &Lowered) {
    if let Some(text) = &lowered.clif
        && wants("clif", name)
    {
        eprintln!("; clif {name}\n{text}");
    }
    if let Some(text) = &lowered.asm
        && wants("asm", name)
    {
        eprintln!("; asm {name}, {} bytes\n{text}", lowered.bytes.len());
    }
}

/// Tells Linux perf the name of a range of code.
pub fn perf_map(name: &str, start: *const u8, len: usize) {
    if !crate::options().perf {
        return;
    }
    use std::io::Write;
    let path = format!("/tmp/perf-{}.map", std::process::id());
    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = writeln!(file, "{:x} {:x} py::{name}", start as usize, len);
    }
}
