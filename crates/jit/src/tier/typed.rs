//! Typed entries: code for calls from compiled code that passes arguments in machine registers, numbers unboxed, and gets
//! numbers back so.
//!
//! Such code takes the context, the window, the function, and then the arguments; it pushes the frame itself, as other code that compiled code calls. It returns
//! two words: a value and its kind, a number of [`Kind`]. Whoever calls it finds its address in a cell, which stays where it is
//! as long as the code object lives; while there is none, it calls the function with boxed arguments in the window, and counts.

use super::*;
use taipan_runtime::types::function::Function;

/// The first of the entries that are typed ones; all of them are numbers below [`ENTRY`].
const FIRST: u32 = ENTRY - MAX_ENTRIES as u32;
/// Typed entries of a code object: for others functions are called with boxed arguments.
const MAX_ENTRIES: usize = 4;
/// Most arguments.
pub const MAX_ARGUMENTS: usize = 8;
/// Most calls between two attempts to compile code for a typed entry, a power of two.
const CALLS: u32 = 512;

/// A typed entry of a code object.
pub(crate) struct TypedEntry {
    /// The function that is called: only its address is looked at.
    function: *const Function,
    params: Box<[Type]>,
    cell: Box<TypedCell>,
}

/// Where callers find code. They hold its address.
#[derive(Default)]
#[repr(C)]
pub struct TypedCell {
    /// Null if there is no code.
    pub start: Cell<*const u8>,
    /// Calls while there was none.
    pub calls: Cell<u64>,
}

/// What the value is that typed code returns.
#[derive(Clone, Copy, PartialEq)]
#[repr(u64)]
pub enum Kind {
    /// A tagged word, or 0 where the function raised.
    Val,
    /// An int.
    Int,
    /// The bits of a double.
    Float,
}

/// Calls between two attempts to compile code for a typed entry: few where functions get hot soon.
pub(super) fn calls(cx: &Cx) -> u32 {
    cx.hot_call.max(1).next_power_of_two().min(CALLS)
}

/// Whether an entry is where calls begin.
pub fn is_start(entry: u32) -> bool {
    entry >= FIRST
}

/// The types of the arguments in machine registers, if it is a typed entry.
pub fn arguments(code: &CodeObject, entry: u32) -> Option<Vec<Type>> {
    let i = entry.checked_sub(FIRST).filter(|_| entry != ENTRY)?;
    data(code).typed.get(i as usize).map(|t| t.params.to_vec())
}

/// The cell of the typed entry of `f` for arguments of these types, made if there is room for one more.
pub fn cell(f: &'static Function, params: &[Type]) -> Option<&'static TypedCell> {
    let typed = &mut data(f.code.get()).typed;
    let found = typed.iter().position(|t| std::ptr::eq(t.function, f) && *t.params == *params);
    if found.is_none() {
        if typed.len() >= MAX_ENTRIES {
            return None;
        }
        typed.push(TypedEntry { function: f, params: params.into(), cell: Box::default() });
    }
    let cell = &raw const *typed[found.unwrap_or(typed.len() - 1)].cell;
    // SAFETY: cells live as long as the code object, which callers keep alive.
    Some(unsafe { &*cell })
}

/// Compiles code for the typed entry with this cell; the frame on top is about to run the code object with boxed arguments.
pub fn compile_typed(cx: &mut Cx, code: &'static CodeObject, cell: *const TypedCell) {
    let Some(i) = data(code).typed.iter().position(|t| std::ptr::eq(&raw const *t.cell, cell)) else { return };
    let entry = FIRST + i as u32;
    if !cx.traced && !data(code).units.iter().any(|u| u.0 == entry) {
        let _ = compile(cx, code, entry, false);
    }
}

impl Unit {
    /// Lets callers find the code of a typed entry at `start`, or none.
    pub(super) fn publish_typed(&self, start: *const u8) {
        let i = self.entry.checked_sub(FIRST).filter(|_| self.entry != ENTRY);
        if let Some(typed) = i.and_then(|i| data(self.code).typed.get(i as usize)) {
            typed.cell.start.set(start);
        }
    }
}

/// What functions with this code return, as far as is known: numbers of this type.
pub fn returned(code: &CodeObject) -> Option<Type> {
    // SAFETY: as in `data`.
    unsafe { code.jit.get().cast::<CodeData>().as_ref() }.and_then(|d| d.returned)
}

/// Whether typed code may be worth having: functions with this code were seen to take or return numbers.
pub fn has_numbers(code: &CodeObject) -> bool {
    // SAFETY: as in `data`.
    unsafe { code.jit.get().cast::<CodeData>().as_ref() }.is_some_and(|d| d.returned.is_some() || d.takes_numbers)
}

/// Notes what code for the beginning of a function returns.
pub(super) fn note_returned(code: &CodeObject, product: &Product) {
    let known = data(code);
    known.returned = product.func.returns();
    known.takes_numbers |= !product.entry_kinds.is_empty();
}
