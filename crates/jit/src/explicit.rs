//! Compiling on request: what `numba` and its `inspect_*` functions ask for.

use std::sync::atomic::{AtomicBool, Ordering};

use taipan_runtime::Cx;
use taipan_runtime::hooks::ENTRY;
use taipan_runtime::types::code::CodeObject;

use crate::build::{Refusal, Sticky};
use crate::{dump, passes, tier};

/// Somebody waits for the code: neither the budget nor another thread is asked.
static WANTED_NOW: AtomicBool = AtomicBool::new(false);

/// Whether what is compiled now was asked for by the program.
pub fn is_wanted_now() -> bool {
    WANTED_NOW.load(Ordering::Relaxed)
}

/// See `Hooks::compile_now`.
///
/// # Safety
/// The frame on top must have been entered but not begun.
pub unsafe fn compile(cx: &mut Cx) -> bool {
    if cx.traced {
        return false;
    }
    // SAFETY: FRAME-1.
    let code = unsafe { (*cx.frame).code };
    WANTED_NOW.store(true, Ordering::Relaxed);
    let done = tier::compile_entry(cx, code);
    WANTED_NOW.store(false, Ordering::Relaxed);
    done
}

/// The texts of a function's way to machine code.
pub struct Texts {
    /// The IR as it was built.
    pub ir: String,
    /// The IR after all passes.
    pub optimised: String,
    /// Cranelift's IR.
    pub clif: String,
    /// Disassembly.
    pub asm: String,
}

/// Compiles the code of the frame on top, which has been entered but not begun, for the texts only. An error says why it cannot
/// be compiled.
pub fn describe(cx: &mut Cx, code: &'static CodeObject) -> Result<Texts, &'static str> {
    if code.is_generator_like() {
        return Err("generators are compiled where they are resumed");
    }
    let product =
        tier::build_entry(cx, code, ENTRY, Sticky { limit: usize::MAX, ..Sticky::default() }).map_err(Refusal::text)?;
    let mut func = product.func;
    func.name = dump::name(code, ENTRY);
    let ir = func.to_string();
    passes::run(&mut func)?;
    let optimised = func.to_string();
    let lowered = tier::lower_for_texts(cx, &func)?;
    Ok(Texts { ir, optimised, clif: lowered.clif.unwrap_or_default(), asm: lowered.asm.unwrap_or_default() })
}

/// Throws the code made for `code` away, and what was learnt about it stays.
pub fn discard(code: &'static CodeObject) {
    tier::forget_units(code);
}
