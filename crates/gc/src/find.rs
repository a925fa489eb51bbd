//! From addresses to objects: conservative lookup, and iteration over the heap.
//!
//! Invariants (GC-F):
//! - F1: a cell holds an object exactly if it is marked, if its barrier bit is set (during a major
//!   collection: it was marked before), or if it lies below its block's `handed` and its type word
//!   is neither 0 nor odd. Every other cell is free, or a corpse whose children may be gone.
//! - F2: `handed` covers only runs that were zeroed when they were handed out, and marked cells.

use crate::classes::CLASSES;
use crate::config::Header;
use crate::heap::Heap;
use crate::space::{BLOCK_BYTES, BlockKind, barrier_bit, mark_bit};
use crate::trace::Marker;

impl Heap {
    /// The object that contains `addr`, which may be any number.
    pub fn find_object(&self, addr: usize) -> Option<*mut Header> {
        if !self.contains(addr) {
            return None;
        }
        let index = self.space.block_index(addr);
        let block = self.space.blocks.get(index)?;
        let (cell, head) = match block.kind {
            BlockKind::Small => {
                let class = &CLASSES[block.class as usize];
                let offset = addr & (BLOCK_BYTES - 1);
                let cell = (offset as u64 * class.reciprocal) >> 32;
                if cell >= class.cells as u64 {
                    return None;
                }
                (self.space.block_addr(index) + cell as usize * class.size as usize, index)
            }
            BlockKind::LargeHead => (self.space.large_addr(index), index),
            BlockKind::LargeTail => (self.space.large_addr(block.head as usize), block.head as usize),
            BlockKind::Free | BlockKind::ChunkHeader | BlockKind::Unused => return None,
        };
        self.holds_object(cell, head).then_some(cell as *mut Header)
    }

    /// Does the cell at `cell`, in the block `index`, hold an object (F1)?
    fn holds_object(&self, cell: usize, index: usize) -> bool {
        let (marks, bit) = mark_bit(cell);
        let barriers = barrier_bit(cell).0;
        // SAFETY: GC-S S2: the block is in use and starts a cell, so its chunk has bitmaps.
        if unsafe { (*marks | *barriers) & bit } != 0 {
            return true;
        }
        let block = &self.space.blocks[index];
        let start = if block.kind == BlockKind::Small { self.space.block_addr(index) } else { cell };
        if cell - start >= block.handed as usize {
            return false;
        }
        // SAFETY: the cell lies in a committed block (GC-S S1) and has at least 16 bytes.
        let ty = unsafe { (*(cell as *const Header)).ty } as usize;
        ty != 0 && ty & 1 == 0
    }

    /// Calls `visit` for every object, those included that the next collection will find dead.
    pub fn for_each_object(&self, mut visit: impl FnMut(*mut Header)) {
        for (index, block) in self.space.blocks.iter().enumerate() {
            let start = self.space.block_addr(index);
            match block.kind {
                BlockKind::Small => {
                    let class = &CLASSES[block.class as usize];
                    for cell in 0..class.cells as usize {
                        let addr = start + cell * class.size as usize;
                        if self.holds_object(addr, index) {
                            visit(addr as *mut Header);
                        }
                    }
                }
                BlockKind::LargeHead => {
                    let addr = self.space.large_addr(index);
                    if self.holds_object(addr, index) {
                        visit(addr as *mut Header);
                    }
                }
                _ => {}
            }
        }
    }

    /// The references `obj` holds, as its trace hook reports them, statics and repetitions included.
    ///
    /// # Safety
    /// `obj` must be an object the trace hook understands, in the heap or not.
    pub unsafe fn references_of(&mut self, obj: *mut Header) -> Vec<*mut Header> {
        // SAFETY: by the contract; the heap is borrowed for the call.
        unsafe { Marker::references(self, obj) }
    }

    /// Bytes that the object at `ptr` takes from the heap: its cell, or the blocks of its own.
    ///
    /// # Safety
    /// `ptr` must have come from this heap and be alive.
    pub unsafe fn usable_size(&self, ptr: *const u8) -> usize {
        self.space.cell_size(self.space.block_index(ptr as usize))
    }
}
