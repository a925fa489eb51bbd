//! Collections: when, what is marked, and what becomes of the cells that are not.
//!
//! Invariants (GC-C):
//! - C1: while a collection runs every bump is empty and nothing is allocated or stored.
//! - C2: during a major collection the barrier bitmap is the mark bitmap as it was before.
//! - C3: after a collection barrier bits equal mark bits, every `handed` is 0, and `remembered`,
//!   `visited` and `young_large` are empty: nothing is young.

use crate::classes::{CLASS_COUNT, CLASSES};
use crate::config::Kind;
use crate::heap::{Heap, NO_BLOCK, NO_RUNS};
use crate::roots::with_spilled_registers;
use crate::space::{BARRIER_OFFSET, BLOCK_BYTES, BLOCK_WORDS, BlockKind, CHUNK_BLOCKS, barrier_bit};
use crate::trace::Marker;
use std::time::Instant;

impl Heap {
    /// Collects now, whether or not collection is disabled.
    pub fn collect(&mut self, kind: Kind) {
        let heap: *mut Heap = self;
        // SAFETY: the one mutator (GC-H H1) lent us the heap for the duration of this call.
        with_spilled_registers(&mut |sp| unsafe { (*heap).collect_from(kind, sp) });
    }

    /// Collects, scanning the calling thread's stack from `sp` up only.
    ///
    /// # Safety
    /// `sp` must be an address in the calling thread's stack that is in use. The frames below it, and the registers, must
    /// hold no reference that is used after this call and is not known to the collector otherwise.
    pub unsafe fn collect_above(&mut self, kind: Kind, sp: usize) {
        self.collect_from(kind, sp);
    }

    /// Collects as the policy has it: fully if the heap has grown enough since the last time.
    #[cold]
    #[inline(never)]
    pub(crate) fn collect_due(&mut self) {
        let external = self.settled_external.min(self.stats.external_bytes);
        let old = self.stats.live_bytes + external;
        self.collect(if old >= self.stats.major_at_bytes { Kind::Major } else { Kind::Minor });
    }

    fn collect_from(&mut self, kind: Kind, sp: usize) {
        assert!(!self.collecting, "collection from a collector hook");
        let start = Instant::now();
        self.collecting = true;
        self.bumps = NO_RUNS;
        self.stress_runs = NO_RUNS;
        self.current = [NO_BLOCK; CLASS_COUNT];
        self.mark(kind, sp);
        match kind {
            Kind::Minor => self.sweep_minor(),
            Kind::Major => {
                self.sweep_major();
                self.space.close_spare();
            }
        }
        self.plan_reserve();
        self.space.trim();
        self.collecting = false;
        self.account(kind, start);
        let stats = self.stats();
        // SAFETY: the hooks were given for exactly this.
        unsafe { (self.hooks.finished)(self.hooks.ctx, &stats) };
    }

    fn mark(&mut self, kind: Kind, sp: usize) {
        // SAFETY: H1 and `collecting`: nobody uses the heap but this collection.
        let mut marker = unsafe { Marker::new(self, kind) };
        self.stats.remembered = self.remembered.len();
        match kind {
            Kind::Minor => self.remembered.iter().for_each(|&obj| marker.revisit(obj)),
            Kind::Major => self.age_marks(),
        }
        if self.config.scan_stacks {
            self.scan_stacks(sp, &mut marker);
        }
        // SAFETY: the hooks were given for exactly this.
        unsafe { (self.hooks.roots)(self.hooks.ctx, &mut marker) };
        marker.drain();
        // SAFETY: as above.
        unsafe { (self.hooks.after_mark)(self.hooks.ctx, &mut marker, kind) };
        marker.drain();
        self.stats.marked = marker.marked();
    }

    /// Moves every mark bit into the barrier bitmap (C2).
    fn age_marks(&mut self) {
        self.for_each_bitmap(|marks, barriers| {
            barriers.copy_from_slice(marks);
            marks.fill(0);
        });
    }

    /// Calls `visit` with the mark bitmap and the barrier bitmap of every chunk in use.
    fn for_each_bitmap(&self, mut visit: impl FnMut(&mut [u64], &mut [u64])) {
        for chunk in (0..self.space.committed).filter(|&chunk| self.space.has_bitmaps(chunk)) {
            let (marks, barriers) = self.space.block_bits(chunk * CHUNK_BLOCKS);
            let words = BARRIER_OFFSET / 8;
            // SAFETY: GC-S S2: the chunk starts with the two bitmaps, next to each other; C1.
            unsafe {
                visit(std::slice::from_raw_parts_mut(marks, words), std::slice::from_raw_parts_mut(barriers, words));
            }
        }
    }

    /// After a minor collection: only what was allocated into since the last one has changed.
    fn sweep_minor(&mut self) {
        for &index in &std::mem::take(&mut self.visited) {
            self.copy_block_marks(index as usize);
            self.sweep_block(index as usize);
        }
        for &head in &std::mem::take(&mut self.young_large) {
            self.sweep_large(head as usize);
        }
        for obj in self.remembered.drain(..) {
            let (barriers, bit) = barrier_bit(obj as usize);
            // SAFETY: GC-S S2: a remembered object is alive and in the heap.
            unsafe { *barriers |= bit };
        }
        if self.remembered.capacity() > 1 << 16 {
            self.remembered = Vec::new();
        }
    }

    /// After a major collection: every block is judged anew.
    fn sweep_major(&mut self) {
        self.remembered = Vec::new();
        self.visited = Vec::new();
        self.young_large = Vec::new();
        self.avail.iter_mut().for_each(Vec::clear);
        self.stats.live_bytes = 0;
        self.for_each_bitmap(|marks, barriers| barriers.copy_from_slice(marks));
        for index in (0..self.space.blocks.len()).rev() {
            match self.space.blocks[index].kind {
                BlockKind::Small => {
                    self.space.blocks[index].live = 0;
                    self.sweep_block(index);
                }
                BlockKind::LargeHead => {
                    self.space.blocks[index].live = 0;
                    self.sweep_large(index);
                }
                _ => {}
            }
        }
    }

    fn copy_block_marks(&mut self, index: usize) {
        let (marks, barriers) = self.space.block_bits(index);
        // SAFETY: GC-S S2: a block has BLOCK_WORDS words in each bitmap of its chunk; they differ.
        unsafe { std::ptr::copy_nonoverlapping(marks, barriers, BLOCK_WORDS) };
    }

    /// Counts the survivors of small block `index` and files it by how much of it is free.
    fn sweep_block(&mut self, index: usize) {
        let (marks, _) = self.space.block_bits(index);
        // SAFETY: as in copy_block_marks; C1.
        let marks = unsafe { std::slice::from_raw_parts(marks, BLOCK_WORDS) };
        let live = marks.iter().map(|word| word.count_ones()).sum();
        if self.config.stress {
            self.poison_block(index);
        }
        let block = &mut self.space.blocks[index];
        let class = block.class as usize;
        let info = &CLASSES[class];
        self.stats.live_bytes += live as usize * info.size as usize;
        self.stats.live_bytes -= block.live as usize * info.size as usize;
        block.live = live;
        block.handed = 0;
        if live == 0 {
            self.space.free_block(index);
        } else if info.cells - live >= info.cells.div_ceil(8) {
            self.avail[class].push(index as u32);
        }
        // A block that is fuller than that waits for the next major collection.
    }

    fn sweep_large(&mut self, head: usize) {
        let addr = self.space.large_addr(head);
        let bytes = self.space.cell_size(head);
        if !self.is_marked(addr as *const _) {
            if self.config.stress {
                self.poison_large(addr, bytes - (addr - self.space.block_addr(head)));
            }
            self.space.free_large(head);
            return;
        }
        let (barriers, bit) = barrier_bit(addr);
        // SAFETY: GC-S S2: the head of a large object lies in a chunk with bitmaps.
        unsafe { *barriers |= bit };
        self.space.blocks[head].handed = 0;
        self.space.blocks[head].live = 1;
        self.stats.live_bytes += bytes;
    }

    /// Updates the counters and sets when the next collections are due.
    fn account(&mut self, kind: Kind, start: Instant) {
        let end = Instant::now();
        let pause_ns = (end - start).as_nanos() as u64;
        let mutator_ns = (start - self.last_end).as_nanos() as u64;
        self.last_end = end;
        self.stats.last_pause_ns = pause_ns;
        self.stats.total_pause_ns += pause_ns;
        self.stats.max_pause_ns = self.stats.max_pause_ns.max(pause_ns);
        self.settled_external = self.stats.external_bytes;
        self.settled_allocated = self.stats.bytes_allocated;
        self.charged = 0;
        self.cycle_gc_ns += pause_ns;
        self.cycle_ns += pause_ns + mutator_ns;
        match kind {
            Kind::Minor => {
                self.stats.minor += 1;
                self.adapt_budget(pause_ns, mutator_ns);
            }
            Kind::Major => {
                self.stats.major += 1;
                self.plan_major();
            }
        }
    }

    /// Sets the heap size that makes the next collection a major one. A program that spent more than
    /// 15 % of the time since the last major collection collecting gets half as much growth again.
    fn plan_major(&mut self) {
        let old = self.stats.live_bytes + self.settled_external;
        let is_fixed = self.config.nursery_min_bytes == self.config.nursery_max_bytes;
        let is_busy = !is_fixed && self.cycle_gc_ns.saturating_mul(100) > self.cycle_ns.saturating_mul(15);
        let growth = self.config.major_growth_percent * if is_busy { 3 } else { 2 } / 2;
        let grown = (old / 100).saturating_mul(growth);
        self.stats.major_at_bytes = grown.max(self.config.major_min_bytes);
        (self.cycle_gc_ns, self.cycle_ns) = (0, 0);
    }

    /// Sets how many empty blocks are kept: enough for two nurseries.
    fn plan_reserve(&mut self) {
        let keep = self.config.keep_free_bytes.max(self.stats.live_bytes / 4).max(self.budget * 2);
        self.space.keep_dirty = keep / BLOCK_BYTES;
    }

    /// Doubles the allocation budget while minor collections take more than a tenth of the time,
    /// halves it when they take less than a twenty-fifth.
    fn adapt_budget(&mut self, pause_ns: u64, mutator_ns: u64) {
        let (min, max) = (self.least_budget(), self.config.nursery_max_bytes);
        let live = self.stats.live_bytes;
        let ceiling = (live / 2).max(max / 4).min(max.max(live / 4)).max(min);
        if max > min && pause_ns.saturating_mul(10) > mutator_ns {
            self.budget = (self.budget * 2).min(ceiling);
        } else if pause_ns.saturating_mul(25) < mutator_ns {
            self.budget = (self.budget / 2).max(min);
        }
    }
}
