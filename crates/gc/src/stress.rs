//! Stress mode: collections at every n-th allocation, and poison in what they free.
//!
//! The bumps compiled code looks at stay empty, so that every allocation comes here; the runs in use
//! are kept in `stress_runs`. Poison is 0xDD throughout: an odd type word, as a free cell must have.

use crate::classes::CLASSES;
use crate::config::Kind;
use crate::heap::{Bump, Heap};
use crate::space::mark_bit;

const POISON: u8 = 0xDD;

impl Heap {
    /// Collects if it is time to, minor and major in turn.
    pub(crate) fn stress_step(&mut self) {
        self.stress_tick += 1;
        let interval = self.config.stress_interval.max(1) as u64;
        if self.disabled == 0 && self.stress_tick.is_multiple_of(interval) {
            let is_minor = self.stress_tick / interval % 2 == 1;
            self.collect(if is_minor { Kind::Minor } else { Kind::Major });
        }
    }

    pub(crate) fn alloc_stress(&mut self, class: usize) -> *mut u8 {
        self.stress_step();
        self.bumps[class] = self.stress_runs[class];
        let mut cell = self.take_cell(class);
        if cell == 0 && self.next_run(class) {
            cell = self.take_cell(class);
        }
        self.stress_runs[class] = std::mem::take::<Bump>(&mut self.bumps[class]);
        cell as *mut u8
    }

    /// Fills every unmarked cell of small block `index`.
    pub(crate) fn poison_block(&mut self, index: usize) {
        let info = &CLASSES[self.space.blocks[index].class as usize];
        let start = self.space.block_addr(index);
        self.space.blocks[index].dirty = true;
        for cell in 0..info.cells as usize {
            let addr = start + cell * info.size as usize;
            let (marks, bit) = mark_bit(addr);
            // SAFETY: GC-S S2; after marking, an unmarked cell holds nothing anybody may use.
            unsafe {
                if *marks & bit == 0 {
                    std::ptr::write_bytes(addr as *mut u8, POISON, info.size as usize);
                }
            }
        }
    }

    /// Fills a dead large object.
    pub(crate) fn poison_large(&mut self, addr: usize, bytes: usize) {
        // SAFETY: the object's blocks are about to be freed and are all committed (GC-S S1).
        unsafe { std::ptr::write_bytes(addr as *mut u8, POISON, bytes) };
    }
}
