//! Marking.
//!
//! Invariants (GC-T):
//! - T1: a marker lives only during a collection, while its heap is borrowed by nobody else.
//! - T2: a precise reference is a non-object outside the reservation or the start of an object (F1).
//! - T3: everything on `stack` is a marked object whose references have yet to be visited; what
//!   `ranges` names stays readable and unchanged until marking has drained.

use crate::config::{Header, Kind};
use crate::heap::Heap;
use crate::space::mark_bit;

/// Words of a long range visited before the objects found in them are traced.
const RANGE_STEP: usize = 2048;

/// Objects between the prefetch of a header and its use.
const PREFETCH_DISTANCE: usize = 8;

/// Asks the processor for the line at `obj`, which may be null.
#[inline(always)]
fn prefetch(obj: *const Header) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address whatever has no effect a program can see.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(obj.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = obj;
}

/// Collects the objects that are reachable; handed to the hooks.
pub struct Marker {
    base: usize,
    len: usize,
    trace: unsafe fn(obj: *mut Header, marker: &mut Marker),
    stack: Vec<*mut Header>,
    ranges: Vec<(*const u64, usize)>,
    heap: *mut Heap,
    kind: Kind,
    checked: bool,
    /// Nothing counts as in the heap, and what is reported is put on the stack instead of marked.
    recording: bool,
    marked: usize,
    /// Object whose references are being visited; null for roots.
    tracing: *mut Header,
}

impl Marker {
    /// # Safety
    /// T1: `heap` must be collecting, and stay alive and otherwise unused as long as the marker.
    pub(crate) unsafe fn new(heap: *mut Heap, kind: Kind) -> Marker {
        // SAFETY: T1.
        let owner = unsafe { &*heap };
        Marker {
            base: owner.base,
            len: owner.len,
            trace: owner.hooks.trace,
            stack: Vec::new(),
            ranges: Vec::new(),
            heap,
            kind,
            checked: owner.config.stress || cfg!(debug_assertions),
            recording: false,
            marked: 0,
            tracing: std::ptr::null_mut(),
        }
    }

    /// The references `obj` holds, as its trace hook reports them, statics and repetitions included.
    ///
    /// # Safety
    /// `heap` must be valid and `obj` an object its trace hook understands.
    pub(crate) unsafe fn references(heap: *mut Heap, obj: *mut Header) -> Vec<*mut Header> {
        // SAFETY: the marker neither reads nor writes the heap: to it, nothing is in the heap.
        let mut marker = unsafe { Marker::new(heap, Kind::Minor) };
        marker.len = 0;
        marker.recording = true;
        // SAFETY: by the contract; the words of a range belong to `obj`, which nothing changes here.
        unsafe {
            (marker.trace)(obj, &mut marker);
            while let Some((start, count)) = marker.ranges.pop() {
                (0..count).for_each(|i| marker.mark_value(*start.add(i)));
            }
        }
        marker.stack
    }

    /// The collection this marker works for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Objects marked so far.
    pub fn marked(&self) -> usize {
        self.marked
    }

    /// Marks the object a tagged word points to, if it is a pointer (low bits 000, not 0).
    #[inline(always)]
    pub fn mark_value(&mut self, value: u64) {
        if value & 7 == 0 {
            self.mark_object(value as *mut Header);
        }
    }

    /// Marks `obj`; null and whatever is not in the heap are ignored.
    #[inline(always)]
    pub fn mark_object(&mut self, obj: *mut Header) {
        if (obj as usize).wrapping_sub(self.base) >= self.len {
            if self.recording && !obj.is_null() {
                self.stack.push(obj);
            }
            return;
        }
        let (marks, bit) = mark_bit(obj as usize);
        // SAFETY: T2: `obj` is an object of this heap, so its chunk has bitmaps (GC-S S2).
        unsafe {
            if *marks & bit == 0 {
                if self.checked {
                    self.check(obj);
                }
                *marks |= bit;
                self.stack.push(obj);
            }
        }
    }

    /// Marks what `count` tagged words at `start` point to. They are read now or later: they must
    /// stay as they are until marking has drained.
    ///
    /// # Safety
    /// `start` must point to `count` readable words, until marking has drained.
    #[inline]
    pub unsafe fn mark_range(&mut self, start: *const u64, count: usize) {
        if count > RANGE_STEP {
            self.ranges.push((start, count));
            return;
        }
        for i in 0..count {
            // SAFETY: by the contract `start` has `count` words.
            self.mark_value(unsafe { *start.add(i) });
        }
    }

    /// Marks every object that one of `count` words at `start` points to or into; the words may be
    /// anything at all.
    ///
    /// # Safety
    /// `start` must point to `count` readable words.
    pub unsafe fn mark_conservative(&mut self, start: *const u64, count: usize) {
        for i in 0..count {
            // SAFETY: by the contract; volatile because another thread's stack may be in motion.
            let word = unsafe { start.add(i).read_volatile() } as usize;
            if word.wrapping_sub(self.base) < self.len
                && let Some(obj) = self.find_object(word)
            {
                self.mark_object(obj);
            }
        }
    }

    /// Visits the references of everything marked, until nothing new turns up.
    pub fn drain(&mut self) {
        loop {
            self.drain_stack();
            let Some((start, count)) = self.ranges.pop() else {
                break;
            };
            let step = count.min(RANGE_STEP);
            // SAFETY: T3: the words are readable until marking has drained, which it has not.
            unsafe {
                if step < count {
                    self.ranges.push((start.add(step), count - step));
                }
                self.mark_range(start, step);
            }
        }
        self.tracing = std::ptr::null_mut();
    }

    /// Traces what is on the stack, each object a few pops after its header was prefetched.
    fn drain_stack(&mut self) {
        let mut ring = [std::ptr::null_mut::<Header>(); PREFETCH_DISTANCE];
        let mut at = 0;
        let mut waiting = 0;
        loop {
            let next = self.stack.pop().unwrap_or(std::ptr::null_mut());
            waiting += !next.is_null() as usize;
            if waiting == 0 {
                return;
            }
            prefetch(next);
            let obj = std::mem::replace(&mut ring[at], next);
            at = (at + 1) % PREFETCH_DISTANCE;
            if obj.is_null() {
                continue;
            }
            waiting -= 1;
            self.marked += 1;
            self.tracing = obj;
            // SAFETY: T3: `obj` is an object, which is what the hook is for.
            unsafe { (self.trace)(obj, self) };
        }
    }

    /// Whether what is old stays without being looked at.
    pub fn is_minor(&self) -> bool {
        self.kind == Kind::Minor
    }

    /// Has `obj` been reached (or is it old, in a minor collection)? True for what is not in the heap.
    pub fn is_marked(&self, obj: *const Header) -> bool {
        if (obj as usize).wrapping_sub(self.base) >= self.len {
            return true;
        }
        let (marks, bit) = mark_bit(obj as usize);
        // SAFETY: T2: `obj` is or was, when this collection began, an object of this heap.
        unsafe { *marks & bit != 0 }
    }

    /// The objects that were not reached. To be asked once marking has drained.
    pub fn dead_objects(&self) -> Vec<*mut Header> {
        let mut dead = Vec::new();
        // SAFETY: T1; nothing is changed.
        unsafe { (*self.heap).for_each_object(|obj| dead.extend((!self.is_marked(obj)).then_some(obj))) };
        dead
    }

    /// As [`Heap::references_of`], in a collection.
    ///
    /// # Safety
    /// `obj` must be an object of the heap, dead or alive, that was not swept.
    pub unsafe fn references_of(&self, obj: *mut Header) -> Vec<*mut Header> {
        // SAFETY: by the contract, and T1: recording references changes nothing.
        unsafe { Marker::references(self.heap, obj) }
    }

    /// The object that contains `addr`, as [`Heap::find_object`].
    pub fn find_object(&self, addr: usize) -> Option<*mut Header> {
        // SAFETY: T1.
        unsafe { (*self.heap).find_object(addr) }
    }

    /// Queues an object that is marked already, so that its references are visited once more.
    pub(crate) fn revisit(&mut self, obj: *mut Header) {
        self.stack.push(obj);
    }

    /// Aborts unless `obj` is the start of an object; a reference to anything else means that a
    /// root, a write barrier or a traced field is missing.
    #[cold]
    #[inline(never)]
    fn check(&self, obj: *mut Header) {
        let found = self.find_object(obj as usize);
        if found == Some(obj) {
            return;
        }
        let what = match found {
            Some(_) => "points into the middle of an object",
            None => "points to memory that was freed or never allocated",
        };
        eprintln!("taipan-gc: reference {obj:p} {what}");
        match self.tracing.is_null() {
            true => eprintln!("  held by a root"),
            // SAFETY: T3: the object being traced is alive.
            false => eprintln!("  held by {:p} of type {:p}", self.tracing, unsafe { (*self.tracing).ty }),
        }
        eprintln!("  {:?} collection; a root, a write barrier or a traced field is missing", self.kind);
        std::process::abort();
    }
}
