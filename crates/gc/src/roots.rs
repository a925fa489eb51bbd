//! Native stacks as roots.
//!
//! Invariants (GC-R):
//! - R1: between two collections every registered thread is parked, or is the one mutator.
//! - R2: `[sp, base)` of a parked thread stays mapped until it is unparked or unregistered.
//! - R3: the registers a callee must preserve are on the stack or in the snapshot before a stack
//!   is scanned; the others hold nothing across the call that led here.

use crate::heap::Heap;
use crate::trace::Marker;
use std::arch::asm;

/// Words next to the stack pointer that [`Heap::park`] copies, because the frames they belong to may
/// be left or change while the thread is parked.
const SNAPSHOT_WORDS: usize = 256;

/// A registered thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(u32);

struct Thread {
    low: usize,
    base: usize,
    /// Stack pointer when the thread was parked; 0 while it is the mutator.
    sp: usize,
    snapshot: Vec<u64>,
}

/// The registered threads.
#[derive(Default)]
pub(crate) struct Threads {
    slots: Vec<Option<Thread>>,
}

thread_local! {
    /// Bounds of the stack that this thread switched to; (0, 0) while it runs on its own.
    static STACK: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 0)) };
}

/// Says that the calling thread now runs on another stack than the system gave it, for as long as it lives: the lowest
/// address that it may use, and the end of what there is to scan.
pub fn set_stack_bounds(low: usize, high: usize) {
    STACK.set((low, high));
}

/// Lowest and highest address of the calling thread's stack.
pub fn current_stack_bounds() -> (usize, usize) {
    let (low, high) = STACK.get();
    if high != 0 {
        return (low, high);
    }
    let mut addr = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: the attributes are initialised by pthread_getattr_np before they are read.
    unsafe {
        let mut attr = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) != 0 {
            eprintln!("taipan: cannot find the bounds of this thread's stack");
            std::process::abort();
        }
        libc::pthread_attr_getstack(&attr, &mut addr, &mut size);
        libc::pthread_attr_destroy(&mut attr);
    }
    (addr as usize, addr as usize + size)
}

/// Calls `body` with a stack address above which every register that callees preserve has been saved. It is that of the
/// saved registers, not the stack pointer: what lies between is uninitialised and may hold stale references.
#[inline(never)]
pub fn with_spilled_registers(body: &mut dyn FnMut(usize)) {
    let mut saved = [0usize; if cfg!(target_arch = "x86_64") { 6 } else { 24 }];
    #[cfg(target_arch = "x86_64")]
    // SAFETY: stores six registers into `saved`; nothing else changes.
    unsafe {
        asm!(
            "mov [{saved}], rbx", "mov [{saved} + 8], rbp", "mov [{saved} + 16], r12",
            "mov [{saved} + 24], r13", "mov [{saved} + 32], r14", "mov [{saved} + 40], r15",
            saved = in(reg) saved.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: stores twenty registers into `saved`; nothing else changes.
    unsafe {
        asm!(
            "stp x19, x20, [{saved}]", "stp x21, x22, [{saved}, 16]", "stp x23, x24, [{saved}, 32]",
            "stp x25, x26, [{saved}, 48]", "stp x27, x28, [{saved}, 64]", "str x29, [{saved}, 80]",
            "stp d8, d9, [{saved}, 96]", "stp d10, d11, [{saved}, 112]",
            "stp d12, d13, [{saved}, 128]", "stp d14, d15, [{saved}, 144]",
            saved = in(reg) saved.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    body(saved.as_ptr() as usize);
    std::hint::black_box(&saved);
}

impl Heap {
    /// Registers the calling thread, which must hold the GIL; it counts as the mutator until parked.
    pub fn register_thread(&mut self) -> ThreadId {
        let (low, base) = current_stack_bounds();
        let thread = Some(Thread { low, base, sp: 0, snapshot: Vec::new() });
        let slots = &mut self.threads.slots;
        let index = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        if index == slots.len() {
            slots.push(thread);
        } else {
            slots[index] = thread;
        }
        ThreadId(index as u32)
    }

    /// Forgets a thread; the GIL must be held, by any thread.
    pub fn unregister_thread(&mut self, id: ThreadId) {
        self.threads.slots[id.0 as usize] = None;
    }

    /// Forgets every thread but `id`: for the child of a fork.
    pub fn keep_only_thread(&mut self, id: ThreadId) {
        for (index, slot) in self.threads.slots.iter_mut().enumerate() {
            if index != id.0 as usize {
                *slot = None;
            }
        }
    }

    /// Saves the calling thread's stack pointer and registers; called just before it gives up the
    /// GIL. Until [`Heap::unpark`] it must not touch the heap. What the 2 KiB of stack next to this
    /// call hold is copied; frames farther away must not change. [`Heap::park_while`] has no such limit.
    #[inline(never)]
    pub fn park(&mut self, id: ThreadId) {
        let Some(thread) = &mut self.threads.slots[id.0 as usize] else {
            return;
        };
        with_spilled_registers(&mut |sp| {
            thread.sp = sp;
            let words = SNAPSHOT_WORDS.min((thread.base - sp) / 8);
            thread.snapshot.clear();
            // SAFETY: `[sp, base)` is this thread's own stack, in use and so readable.
            thread.snapshot.extend((0..words).map(|i| unsafe { (sp as *const u64).add(i).read_volatile() }));
        });
    }

    /// The calling thread has the GIL again and is the mutator.
    pub fn unpark(&mut self, id: ThreadId) {
        if let Some(thread) = &mut self.threads.slots[id.0 as usize] {
            thread.sp = 0;
            thread.snapshot.clear();
        }
    }

    /// The calling thread, parked by [`Heap::park_while`], has taken the GIL inside its `body` and is the mutator until
    /// [`Heap::suspend`] is called with what this returns.
    pub fn resume(&mut self, id: ThreadId) -> usize {
        self.threads.slots[id.0 as usize].as_mut().map_or(0, |thread| std::mem::replace(&mut thread.sp, 0))
    }

    /// The calling thread is parked again as it was before [`Heap::resume`], and about to give up the GIL.
    pub fn suspend(&mut self, id: ThreadId, sp: usize) {
        if let Some(thread) = &mut self.threads.slots[id.0 as usize] {
            thread.sp = sp;
        }
    }

    /// Runs `body` with the calling thread parked. `body` gives up the GIL, blocks and takes the GIL
    /// again; what the caller's frames hold stays alive meanwhile.
    ///
    /// # Safety
    /// `heap` must be valid and the GIL held when this is called and again when `body` returns.
    /// `body` must not touch the heap, and must not unwind.
    pub unsafe fn park_while<R>(heap: *mut Heap, id: ThreadId, body: impl FnOnce() -> R) -> R {
        let mut body = Some(body);
        let mut result = None;
        with_spilled_registers(&mut |sp| {
            // SAFETY: the caller holds the GIL here, so the heap is ours for the moment.
            if let Some(thread) = unsafe { &mut (&mut (*heap).threads.slots)[id.0 as usize] } {
                thread.sp = sp;
            }
            result = body.take().map(|body| body());
            // SAFETY: the GIL is held again once `body` has returned.
            unsafe { (*heap).unpark(id) };
        });
        match result {
            Some(result) => result,
            None => unreachable!("the body runs exactly once"),
        }
    }

    /// Marks what the native stacks point to; `sp` is the collecting thread's stack pointer, with
    /// its registers saved above (R3).
    pub(crate) fn scan_stacks(&self, sp: usize, marker: &mut Marker) {
        let mut found = false;
        for thread in self.threads.slots.iter().flatten() {
            let is_current = thread.low <= sp && sp < thread.base;
            found |= is_current;
            let from = if is_current { sp } else { thread.sp };
            assert!(from != 0, "a collection while a registered thread is neither parked nor the mutator");
            // SAFETY: the current thread's stack is readable from its stack pointer, a parked one's by R2.
            unsafe {
                marker.mark_conservative(from as *const u64, (thread.base - from) / 8);
                marker.mark_conservative(thread.snapshot.as_ptr(), thread.snapshot.len());
            }
        }
        if !found {
            let (low, base) = current_stack_bounds();
            assert!(low <= sp && sp < base, "a collection on a stack that no thread owns");
            // SAFETY: as above, for a thread nobody registered.
            unsafe { marker.mark_conservative(sp as *const u64, (base - sp) / 8) };
        }
    }
}
