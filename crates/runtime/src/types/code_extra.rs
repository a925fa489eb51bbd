//! Words that native code keeps with code objects (`PyUnstable_Code_SetExtra`).

use std::cell::UnsafeCell;
use std::collections::HashMap;

use crate::types::code::CodeObject;

/// Frees what a word stands for.
pub type FreeFunction = unsafe extern "C" fn(*mut std::ffi::c_void);

/// How many kinds of words there can be.
const MAX: usize = 255;

#[derive(Default)]
struct Extras {
    free: Vec<Option<FreeFunction>>,
    words: HashMap<usize, Vec<usize>>,
    /// Words to be freed once that may run Python code.
    dead: Vec<(usize, usize)>,
}

struct Holder(UnsafeCell<Option<Extras>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Holder {}
static EXTRAS: Holder = Holder(UnsafeCell::new(None));

fn extras() -> &'static mut Extras {
    // SAFETY: the GIL is held, and no caller keeps the reference across a free function.
    unsafe { (*EXTRAS.0.get()).get_or_insert_default() }
}

/// A new kind of word; None if there are too many.
pub fn request_index(free: Option<FreeFunction>) -> Option<usize> {
    let extras = extras();
    if extras.free.len() >= MAX {
        return None;
    }
    extras.free.push(free);
    Some(extras.free.len() - 1)
}

/// The word of a kind of a code object, 0 if it was never set.
pub fn get(code: &CodeObject, index: usize) -> usize {
    let words = extras().words.get(&(code as *const CodeObject as usize));
    words.and_then(|words| words.get(index).copied()).unwrap_or(0)
}

/// Sets a word and frees what was there; false if there is no such kind.
pub fn set(code: &CodeObject, index: usize, word: usize) -> bool {
    let extras = extras();
    if index >= extras.free.len() {
        return false;
    }
    let words = extras.words.entry(code as *const CodeObject as usize).or_default();
    if words.len() <= index {
        words.resize(index + 1, 0);
    }
    let old = std::mem::replace(&mut words[index], word);
    free(index, old);
    true
}

fn free(index: usize, word: usize) {
    if word != 0
        && let Some(free) = extras().free.get(index).copied().flatten()
    {
        // SAFETY: whoever set the word passed the function for it.
        unsafe { free(word as *mut std::ffi::c_void) };
    }
}

/// Notes that a code object is dead. Called inside a collection.
pub(crate) fn forget(code: *const CodeObject) {
    // SAFETY: the GIL is held.
    let Some(extras) = (unsafe { &mut *EXTRAS.0.get() }) else { return };
    if let Some(words) = extras.words.remove(&(code as usize)) {
        extras.dead.extend(words.into_iter().enumerate().filter(|(_, word)| *word != 0));
    }
}

/// Frees what belonged to dead code objects.
pub(crate) fn free_dead() {
    // SAFETY: as above.
    if unsafe { (*EXTRAS.0.get()).is_none() } {
        return;
    }
    while let Some((index, word)) = extras().dead.pop() {
        free(index, word);
    }
}
