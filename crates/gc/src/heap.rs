//! The heap: allocation, write barrier, and the switches of the collector.
//!
//! Invariants (GC-H):
//! - H1: one mutator at a time; nobody touches the heap while a collection runs but its marker.
//! - H2: `[bump.ptr, bump.end)` is empty or a zeroed run of whole cells of the bump's class inside
//!   one small block, below that block's `handed`; no cell of it is marked or holds an object.
//! - H3: a barrier bit is set exactly for objects that are old and not in `remembered`.
//! - H4: `visited` holds every small block, `young_large` every large head, with `handed != 0`.

use crate::classes::{CLASS_COUNT, CLASSES, FINE_LIMIT, MAX_CELL, class_of};
use crate::config::{Config, Header, Hooks, Kind};
use crate::roots::Threads;
use crate::space::{BLOCK_BYTES, BLOCK_SHIFT, BLOCK_WORDS, Space, barrier_bit, mark_bit};
use crate::stats::Stats;

pub(crate) const NO_BLOCK: u32 = u32::MAX;

/// The free run a size class allocates from.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Bump {
    /// Next cell.
    pub ptr: usize,
    /// End of the run.
    pub end: usize,
}

/// No free run anywhere. The unused class 0 must refuse even a request for 0 bytes.
pub(crate) const NO_RUNS: [Bump; CLASS_COUNT] = {
    let mut bumps = [Bump { ptr: 0, end: 0 }; CLASS_COUNT];
    bumps[0] = Bump { ptr: 1, end: 0 };
    bumps
};

/// The smallest allocation budget of a heap that is to collect seldom.
const RELAXED_BYTES: usize = 32 << 20;

/// A garbage-collected heap. Its bumps are at offset 0, indexed by size class.
#[repr(C)]
pub struct Heap {
    pub(crate) bumps: [Bump; CLASS_COUNT],
    pub(crate) base: usize,
    pub(crate) len: usize,
    /// Bytes handed out, and external bytes reported, since the last collection.
    pub(crate) charged: usize,
    /// `charged` at which a collection is due.
    pub(crate) budget: usize,
    pub(crate) disabled: u32,
    /// Collections are to be rare; see [`Heap::relax`].
    pub(crate) relaxed: bool,
    pub(crate) collecting: bool,
    pub(crate) current: [u32; CLASS_COUNT],
    pub(crate) avail: [Vec<u32>; CLASS_COUNT],
    pub(crate) visited: Vec<u32>,
    pub(crate) young_large: Vec<u32>,
    pub(crate) remembered: Vec<*mut Header>,
    pub(crate) space: Space,
    pub(crate) threads: Threads,
    pub(crate) config: Config,
    pub(crate) hooks: Hooks,
    pub(crate) stats: Stats,
    /// External bytes when the last collection ended.
    pub(crate) settled_external: usize,
    /// `stats.bytes_allocated` when the last collection ended.
    pub(crate) settled_allocated: u64,
    /// Nanoseconds since the last major collection: in collections, and in all.
    pub(crate) cycle_gc_ns: u64,
    pub(crate) cycle_ns: u64,
    pub(crate) last_end: std::time::Instant,
    pub(crate) stress_runs: [Bump; CLASS_COUNT],
    pub(crate) stress_tick: u64,
    /// Bytes that there was, or soon will be, no room for; 0 for none.
    pub(crate) shortage: usize,
}

impl Heap {
    /// A new heap, boxed because compiled code keeps its address, or `None` without address space.
    pub fn new(config: Config, hooks: Hooks) -> Option<Box<Heap>> {
        let mut space = Space::new(config.reserve_bytes, config.max_bytes, config.keep_free_bytes)?;
        space.huge_pages = config.huge_pages;
        let stats = Stats {
            nursery_bytes: config.nursery_min_bytes,
            major_at_bytes: config.major_min_bytes,
            ..Stats::default()
        };
        Some(Box::new(Heap {
            bumps: NO_RUNS,
            base: space.base,
            len: space.len,
            charged: 0,
            budget: config.nursery_min_bytes,
            disabled: 0,
            relaxed: false,
            collecting: false,
            current: [NO_BLOCK; CLASS_COUNT],
            avail: std::array::from_fn(|_| Vec::new()),
            visited: Vec::new(),
            young_large: Vec::new(),
            remembered: Vec::new(),
            space,
            threads: Threads::default(),
            config,
            hooks,
            stats,
            settled_external: 0,
            settled_allocated: 0,
            cycle_gc_ns: 0,
            cycle_ns: 0,
            last_end: std::time::Instant::now(),
            stress_runs: NO_RUNS,
            stress_tick: 0,
            shortage: 0,
        }))
    }

    /// Is `addr` in the reservation? Statics and foreign memory are not.
    #[inline(always)]
    pub fn contains(&self, addr: usize) -> bool {
        addr.wrapping_sub(self.base) < self.len
    }

    /// The reservation, as start and length; both stay as they are for the life of the heap.
    pub fn reservation(&self) -> (usize, usize) {
        (self.base, self.len)
    }

    /// `size` zeroed bytes, 16-byte aligned, for a young object. The caller writes the header
    /// before it allocates again. What is kept for that is used up when memory is exhausted, see [`Heap::take_shortage`]; then
    /// the process ends. May collect.
    #[inline(always)]
    pub fn alloc(&mut self, size: usize) -> *mut u8 {
        if size <= FINE_LIMIT {
            let class = (size + 15) >> 4;
            let bump = &mut self.bumps[class];
            let cell = bump.ptr;
            let next = cell + (class << 4);
            if next <= bump.end {
                bump.ptr = next;
                return cell as *mut u8;
            }
        }
        self.alloc_or_abort(size)
    }

    /// As [`Heap::alloc`], but null when memory is exhausted or `size` is more than can ever be had.
    pub fn try_alloc(&mut self, size: usize) -> *mut u8 {
        if size > MAX_CELL {
            return self.alloc_large(size, false);
        }
        let class = class_of(size);
        match self.take_cell(class) {
            0 => self.alloc_slow(class),
            cell => cell as *mut u8,
        }
    }

    /// As [`Heap::alloc`] for an object without references behind its header; what lies between its first 64 and its last 16
    /// bytes may be anything, and the caller writes it.
    #[inline]
    pub fn alloc_leaf(&mut self, size: usize) -> *mut u8 {
        if size <= MAX_CELL {
            return self.alloc(size);
        }
        let cell = self.alloc_large(size, true);
        if cell.is_null() { self.alloc_or_abort(size) } else { cell }
    }

    /// As [`Heap::try_alloc`] for an object that is old from birth. Stores into it need the write
    /// barrier, those that initialise it included.
    pub fn alloc_old(&mut self, size: usize) -> *mut u8 {
        let cell = self.try_alloc(size);
        if !cell.is_null() {
            let (marks, bit) = mark_bit(cell as usize);
            let barriers = barrier_bit(cell as usize).0;
            // SAFETY: GC-S S2: a cell just allocated lies in a chunk with bitmaps.
            unsafe {
                *marks |= bit;
                *barriers |= bit;
            }
        }
        cell
    }

    /// Must be called before or after a reference is stored into `obj`, with no allocation between
    /// the two. `obj` is an object, or a static or foreign one, which is ignored. Costs a range compare and a bit test unless `obj` is old and not yet remembered.
    #[inline(always)]
    pub fn write_barrier(&mut self, obj: *mut Header) {
        if !self.contains(obj as usize) {
            return;
        }
        let (barriers, bit) = barrier_bit(obj as usize);
        // SAFETY: `obj` is an object in the reservation, so its chunk has bitmaps (GC-S S2).
        if unsafe { *barriers } & bit != 0 {
            self.remember(obj);
        }
    }

    /// The slow half of [`Heap::write_barrier`]: for an `obj` whose barrier bit is set.
    #[cold]
    #[inline(never)]
    pub fn remember(&mut self, obj: *mut Header) {
        let (barriers, bit) = barrier_bit(obj as usize);
        // SAFETY: as in write_barrier; H3 holds again once `obj` is in `remembered`.
        unsafe { *barriers &= !bit };
        self.remembered.push(obj);
    }

    /// Makes a young object old and remembers it, so that the next minor collection ages what it
    /// refers to; does nothing to an old object or one outside the heap.
    pub fn make_old(&mut self, obj: *mut Header) {
        if self.is_marked(obj) {
            return;
        }
        let (marks, bit) = mark_bit(obj as usize);
        // SAFETY: `is_marked` has just read the same word. H3: old, remembered, barrier bit clear.
        unsafe { *marks |= bit };
        self.remembered.push(obj);
    }

    /// Adds `bytes` of memory held outside the heap by its objects, or takes them back.
    pub fn note_external(&mut self, bytes: isize) {
        if bytes < 0 {
            self.stats.external_bytes = self.stats.external_bytes.saturating_sub(bytes.unsigned_abs());
            return;
        }
        self.stats.external_bytes += bytes as usize;
        self.charged = self.charged.saturating_add(bytes as usize);
        if self.charged >= self.budget && self.disabled == 0 {
            self.request_collection();
        }
    }

    /// Makes the next allocation of any size class collect.
    pub fn request_collection(&mut self) {
        self.charged = self.charged.max(self.budget);
        self.bumps = NO_RUNS;
    }

    /// Forbids automatic collections, for as long as what there is cannot be traced, until [`Heap::enable`] has been called as often.
    pub fn disable(&mut self) {
        self.disabled += 1;
    }

    /// Undoes one [`Heap::disable`].
    pub fn enable(&mut self) {
        self.disabled -= 1;
    }

    /// For programs that want no collector at work: makes automatic collections rare, or as frequent as before. They cannot do
    /// without, for what reference counts would free is freed by them alone.
    pub fn relax(&mut self, relaxed: bool) {
        self.relaxed = relaxed;
        let least = self.least_budget();
        self.budget = if relaxed { self.budget.max(least) } else { self.budget.min(self.config.nursery_max_bytes) };
    }

    /// Smallest allocation budget between two collections, in bytes.
    pub(crate) fn least_budget(&self) -> usize {
        let least = self.config.nursery_min_bytes;
        if self.relaxed { least.max(RELAXED_BYTES) } else { least }
    }

    /// Is `obj` old? True for whatever is not in the heap.
    pub fn is_marked(&self, obj: *const Header) -> bool {
        let (marks, bit) = mark_bit(obj as usize);
        // SAFETY: an object in the reservation lies in a chunk with bitmaps (GC-S S2).
        !self.contains(obj as usize) || unsafe { *marks & bit } != 0
    }

    /// Bytes of the cells in use: what survived the last collection and what was handed out since.
    pub fn live_bytes(&self) -> usize {
        let unused: usize = self.bumps[1..].iter().map(|bump| bump.end - bump.ptr).sum();
        let handed = (self.stats.bytes_allocated - self.settled_allocated) as usize;
        (self.stats.live_bytes + handed).saturating_sub(unused)
    }

    /// Counters as of now.
    pub fn stats(&self) -> Stats {
        let committed_bytes = self.space.committed * crate::CHUNK_BYTES;
        Stats { committed_bytes, nursery_bytes: self.budget, ..self.stats }
    }

    /// How many collections there have been: while the number stays, no address is used again.
    #[inline(always)]
    pub fn collections(&self) -> u64 {
        self.stats.minor + self.stats.major
    }

    #[inline(always)]
    pub(crate) fn take_cell(&mut self, class: usize) -> usize {
        let bump = &mut self.bumps[class];
        let cell = bump.ptr;
        let next = cell + CLASSES[class].size as usize;
        if next > bump.end {
            return 0;
        }
        bump.ptr = next;
        cell
    }

    #[inline(never)]
    fn alloc_or_abort(&mut self, size: usize) -> *mut u8 {
        let mut cell = self.try_alloc(size);
        if cell.is_null() {
            cell = self.alloc_spare(size);
        }
        cell
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, class: usize) -> *mut u8 {
        assert!(!self.collecting, "allocation from a collector hook");
        if self.config.stress {
            return self.alloc_stress(class);
        }
        if self.charged >= self.budget && self.disabled == 0 {
            self.collect_due();
        }
        if !self.next_run(class) {
            if self.disabled != 0 {
                return std::ptr::null_mut();
            }
            self.collect(Kind::Major);
            if !self.next_run(class) {
                return std::ptr::null_mut();
            }
        }
        self.take_cell(class) as *mut u8
    }

    #[inline(never)]
    fn alloc_large(&mut self, size: usize, leaf: bool) -> *mut u8 {
        assert!(!self.collecting, "allocation from a collector hook");
        if size >= self.len {
            return std::ptr::null_mut();
        }
        if self.config.stress {
            self.stress_step();
        } else if self.disabled == 0
            && self.charged.saturating_add(size) > self.budget
            && self.charged >= self.budget / 4
        {
            self.collect_due();
        }
        let mut head = self.space.take_large(size, leaf);
        if head.is_none() && self.disabled == 0 {
            self.collect(Kind::Major);
            head = self.space.take_large(size, leaf);
        }
        let Some(head) = head else {
            return std::ptr::null_mut();
        };
        self.space.blocks[head].handed = 1;
        self.young_large.push(head as u32);
        let bytes = self.space.cell_size(head);
        self.charged += bytes;
        self.stats.bytes_allocated += bytes as u64;
        self.space.large_addr(head) as *mut u8
    }

    /// Gives the bump of `class` its next free run; `false` when memory is exhausted.
    pub(crate) fn next_run(&mut self, class: usize) -> bool {
        loop {
            if self.current[class] != NO_BLOCK && self.next_run_of_block(class) {
                return true;
            }
            let next = match self.avail[class].pop() {
                Some(index) => index,
                None => match self.space.take_block(class) {
                    Some(index) => index as u32,
                    None => return false,
                },
            };
            self.current[class] = next;
            self.visited.push(next);
        }
    }

    /// Gives the bump the next free run of the current block, if there is one.
    fn next_run_of_block(&mut self, class: usize) -> bool {
        let index = self.current[class] as usize;
        let start = self.space.block_addr(index);
        let (marks, _) = self.space.block_bits(index);
        let block = &mut self.space.blocks[index];
        let info = &CLASSES[class];
        let size = info.size as usize;
        // SAFETY: GC-S S2: the bitmap of a block in use has BLOCK_WORDS words at `marks`; H1.
        let marks = unsafe { std::slice::from_raw_parts(marks, BLOCK_WORDS) };
        let limit = info.cells as usize * size;
        let mut from = block.handed as usize;
        while from < limit && marks[from >> 10] >> ((from >> 4) & 63) & 1 != 0 {
            from += size;
        }
        if from >= limit {
            block.handed = BLOCK_BYTES as u32;
            self.current[class] = NO_BLOCK;
            return false;
        }
        let to = next_marked(marks, from).min(limit);
        if block.dirty {
            // SAFETY: H1, H2: no cell of the run is marked and none was handed out, so none is an object.
            unsafe { std::ptr::write_bytes((start + from) as *mut u8, 0, to - from) };
        }
        block.dirty = true;
        block.handed = to as u32;
        self.bumps[class] = Bump { ptr: start + from, end: start + to };
        self.charged += to - from;
        self.stats.bytes_allocated += (to - from) as u64;
        true
    }
}

/// Byte offset in the block of the first marked cell at or above offset `from`, or the block's size.
fn next_marked(marks: &[u64], from: usize) -> usize {
    let mut word = from >> 10;
    let mut bits = marks[word] & (u64::MAX << ((from >> 4) & 63));
    while bits == 0 {
        word += 1;
        if word == BLOCK_WORDS {
            return 1 << BLOCK_SHIFT;
        }
        bits = marks[word];
    }
    (word << 10) + ((bits.trailing_zeros() as usize) << 4)
}
