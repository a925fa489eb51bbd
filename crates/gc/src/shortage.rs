//! What happens when memory runs out.
//!
//! Whoever can report failure allocates with [`Heap::try_alloc`]. All others get memory from what is kept for them, and
//! [`Hooks::shortage`](crate::Hooks) asks the embedder to raise an error at the next opportunity.

use crate::config::Kind;
use crate::heap::Heap;
use crate::space::CHUNK_BYTES;

impl Heap {
    /// The slow end of [`Heap::alloc`]: from the memory that is kept for it.
    #[cold]
    pub(crate) fn alloc_spare(&mut self, size: usize) -> *mut u8 {
        if self.space.open_spare(size) {
            let cell = self.try_alloc(size);
            if !cell.is_null() {
                self.report_shortage(CHUNK_BYTES);
                return cell;
            }
        }
        eprintln!("taipan: out of memory allocating {size} bytes");
        std::process::abort();
    }

    /// For who will soon need `bytes` at once and cannot report failure: true, and the embedder is told, if they cannot be had.
    /// May collect.
    pub fn foresee(&mut self, bytes: usize) -> bool {
        let lacks = self.lacks(bytes);
        if lacks {
            self.report_shortage(bytes);
        }
        lacks
    }

    /// True if there was too little memory, and still is: an error is to be raised. Says so once. May collect.
    pub fn take_shortage(&mut self) -> bool {
        match std::mem::take(&mut self.shortage) {
            0 => false,
            bytes => self.lacks(bytes),
        }
    }

    /// Whether [`Heap::take_shortage`] has something to say.
    #[inline(always)]
    pub fn is_short(&self) -> bool {
        self.shortage != 0
    }

    /// Whether an object of that size cannot be had now, even after a collection, which this may make.
    pub fn lacks(&mut self, bytes: usize) -> bool {
        if self.space.has_room(bytes) {
            return false;
        }
        if self.disabled == 0 {
            self.collect(Kind::Major);
        }
        !self.space.has_room(bytes)
    }

    fn report_shortage(&mut self, bytes: usize) {
        self.shortage = self.shortage.max(bytes);
        // SAFETY: the hooks were given for exactly this.
        unsafe { (self.hooks.shortage)(self.hooks.ctx) };
    }
}
