//! The reservation, its chunks and blocks.
//!
//! Invariants (GC-S):
//! - S1: `[base, base + len)` is one reservation of ours, 1-MiB aligned; exactly the first
//!   `committed` chunks are readable and writable, and `blocks`/`free_map` cover exactly these.
//! - S2: a chunk whose block 0 is `ChunkHeader` starts with its mark bitmap and barrier bitmap; a
//!   chunk inside a huge object has no header, and no bit of its is ever looked at.
//! - S3: a block that is free has no mark or barrier bit set; if it is not `dirty` all its bytes are 0.
//! - S4: a bit of `free_map[chunk]` is set exactly if that block is free and the chunk has a header.

use crate::classes::CLASSES;

/// Size and alignment of a chunk.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Log2 of the bytes one side-table bit stands for.
pub const GRANULE_SHIFT: usize = 4;
/// Offset of the barrier bitmap in a chunk; the mark bitmap is at offset 0.
pub const BARRIER_OFFSET: usize = CHUNK_BYTES / 16 / 8;

pub(crate) const BLOCK_SHIFT: usize = 14;
pub(crate) const BLOCK_BYTES: usize = 1 << BLOCK_SHIFT;
pub(crate) const CHUNK_BLOCKS: usize = CHUNK_BYTES / BLOCK_BYTES;
/// `u64` words of one bitmap that belong to one block.
pub(crate) const BLOCK_WORDS: usize = BLOCK_BYTES / 16 / 64;
/// Chunks from which on a heap told to use 2-MiB pages does so.
const HUGE_PAGES_FROM: usize = 64;
const HEADER_BYTES: usize = 2 * BARRIER_OFFSET;
const ALL_FREE: u64 = !1;
const _: () = assert!(HEADER_BYTES == BLOCK_BYTES && CHUNK_BLOCKS == 64);

/// What a block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Free,
    ChunkHeader,
    Small,
    /// First block of a large object.
    LargeHead,
    /// Further block of the large object at `head`.
    LargeTail,
    /// Behind the end of a huge object, in its last chunk.
    Unused,
}

/// Side-table entry of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub kind: BlockKind,
    /// Size class of a small block; of a large head: how many lines behind the start of the block its object begins.
    pub class: u8,
    /// The block may hold bytes other than 0.
    pub dirty: bool,
    /// Bytes from the start handed to allocation since the last collection (large: 0 or 1).
    /// Below it an unmarked cell with a proper type word is a young object; above it, a corpse.
    pub handed: u32,
    /// Cells that survived the last collection.
    pub live: u32,
    /// Large: index of the first block.
    pub head: u32,
    /// Large head: blocks of the object.
    pub count: u32,
}

impl Block {
    const FREE: Block = Block { kind: BlockKind::Free, class: 0, dirty: false, handed: 0, live: 0, head: 0, count: 0 };
}

/// Word of the mark bitmap that holds the bit of `addr`, and the bit.
#[inline(always)]
pub(crate) fn mark_bit(addr: usize) -> (*mut u64, u64) {
    let granule = (addr & (CHUNK_BYTES - 1)) >> GRANULE_SHIFT;
    let word = (addr & !(CHUNK_BYTES - 1)) + (granule >> 6) * 8;
    (word as *mut u64, 1 << (granule & 63))
}

/// Word of the barrier bitmap that holds the bit of `addr`, and the bit.
#[inline(always)]
pub(crate) fn barrier_bit(addr: usize) -> (*mut u64, u64) {
    let (word, bit) = mark_bit(addr);
    (word.wrapping_byte_add(BARRIER_OFFSET), bit)
}

/// The reservation and its block table.
pub(crate) struct Space {
    pub base: usize,
    pub len: usize,
    pub committed: usize,
    pub blocks: Vec<Block>,
    free_map: Vec<u64>,
    /// No chunk below this one has a free block.
    low_free: usize,
    /// Free blocks that are dirty.
    pub free_dirty: usize,
    /// Dirty free blocks worth keeping for reuse.
    pub keep_dirty: usize,
    max_chunks: usize,
    /// Chunks beyond `max_chunks` that there may be for what must not fail, and how many of them may be taken now.
    spare_chunks: usize,
    opened_chunks: usize,
    /// Lines behind the start of its block that the next large object begins.
    next_line: u8,
    /// Ask for 2-MiB pages once the heap is big.
    pub huge_pages: bool,
    mapping: (usize, usize),
}

/// Bytes of a line of the processor's caches.
const LINE_BYTES: usize = 64;
/// Large objects begin at different offsets within pages, by lines, from one to the next that many further: caches put what has the same
/// offset into the same few places, and loads wait for stores to what has the same offset.
const LINES_APART: u8 = 21;
const LINES_OF_PAGE: u8 = 64;

/// Which part of the memory is kept for what must not fail.
const SPARE_PART: usize = 16;

/// Bytes at the start and the end of a leaf that are zeroed.
const LEAF_HEAD: usize = 64;
const LEAF_TAIL: usize = 16;

impl Space {
    /// A space of at most `reserve_bytes` of address space that will hold at most `max_bytes`, or
    /// `None` if not even 16 MiB can be reserved.
    pub fn new(reserve_bytes: usize, max_bytes: usize, keep_bytes: usize) -> Option<Space> {
        let mut want = share_of_address_space(reserve_bytes, 2).max(16 * CHUNK_BYTES);
        loop {
            want &= !(CHUNK_BYTES - 1);
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a fresh anonymous mapping at an address of the system's choice touches nothing.
            let addr =
                unsafe { libc::mmap(std::ptr::null_mut(), want + 2 * CHUNK_BYTES, libc::PROT_NONE, flags, -1, 0) };
            if addr != libc::MAP_FAILED {
                let start = addr as usize;
                let max = if max_bytes == 0 { memory_bytes() } else { max_bytes };
                let all = want / CHUNK_BYTES;
                let max_chunks = (max / CHUNK_BYTES).clamp(4, all - all / SPARE_PART);
                return Some(Space {
                    base: start.next_multiple_of(2 * CHUNK_BYTES),
                    len: want,
                    committed: 0,
                    blocks: Vec::new(),
                    free_map: Vec::new(),
                    low_free: 0,
                    free_dirty: 0,
                    keep_dirty: keep_bytes >> BLOCK_SHIFT,
                    max_chunks,
                    spare_chunks: (max_chunks / SPARE_PART).clamp(1, all - max_chunks),
                    opened_chunks: 0,
                    next_line: 0,
                    huge_pages: false,
                    mapping: (start, want + 2 * CHUNK_BYTES),
                });
            }
            if want <= 16 * CHUNK_BYTES {
                return None;
            }
            want /= 2;
        }
    }

    #[inline(always)]
    pub fn block_addr(&self, index: usize) -> usize {
        self.base + (index << BLOCK_SHIFT)
    }

    /// Where the large object with that first block begins.
    pub fn large_addr(&self, head: usize) -> usize {
        self.block_addr(head) + self.blocks[head].class as usize * LINE_BYTES
    }

    #[inline(always)]
    pub fn block_index(&self, addr: usize) -> usize {
        (addr - self.base) >> BLOCK_SHIFT
    }

    /// Does `chunk` start with bitmaps that may have a bit set?
    pub fn has_bitmaps(&self, chunk: usize) -> bool {
        self.blocks[chunk * CHUNK_BLOCKS].kind == BlockKind::ChunkHeader && self.free_map[chunk] != ALL_FREE
    }

    /// The bitmap words of block `index`: marks and barrier bits.
    pub fn block_bits(&self, index: usize) -> (*mut u64, *mut u64) {
        (mark_bit(self.block_addr(index)).0, barrier_bit(self.block_addr(index)).0)
    }

    /// Makes `count` more chunks usable; `false` if the limit or the system refuses.
    fn commit(&mut self, count: usize) -> bool {
        let room = (self.max_chunks + self.opened_chunks).saturating_sub(self.committed);
        if count > room {
            return false;
        }
        let is_big = self.huge_pages && self.committed + count > HUGE_PAGES_FROM;
        let count = if is_big && count < room { count + (self.committed + count) % 2 } else { count };
        let addr = self.base + self.committed * CHUNK_BYTES;
        // SAFETY: by S1 the chunks behind the committed ones lie in our reservation and are unused.
        let status = unsafe { libc::mprotect(addr as *mut _, count * CHUNK_BYTES, libc::PROT_READ | libc::PROT_WRITE) };
        if status != 0 {
            return false;
        }
        if is_big {
            // SAFETY: advice on memory of ours (S1) that changes nothing a program can see.
            unsafe { libc::madvise(addr as *mut _, count * CHUNK_BYTES, libc::MADV_HUGEPAGE) };
        }
        for _ in 0..count {
            self.blocks.push(Block { kind: BlockKind::ChunkHeader, ..Block::FREE });
            self.blocks.resize(self.blocks.len() + CHUNK_BLOCKS - 1, Block::FREE);
            self.free_map.push(ALL_FREE);
        }
        self.committed += count;
        true
    }

    /// Takes the free block with the lowest address, for size class `class`.
    pub fn take_block(&mut self, class: usize) -> Option<usize> {
        while self.low_free < self.committed && self.free_map[self.low_free] == 0 {
            self.low_free += 1;
        }
        if self.low_free == self.committed && !self.commit(1) {
            return None;
        }
        let chunk = self.low_free;
        let bit = self.free_map[chunk].trailing_zeros() as usize;
        self.free_map[chunk] &= self.free_map[chunk] - 1;
        let index = chunk * CHUNK_BLOCKS + bit;
        let block = &mut self.blocks[index];
        self.free_dirty -= block.dirty as usize;
        *block = Block { kind: BlockKind::Small, class: class as u8, dirty: block.dirty, ..Block::FREE };
        Some(index)
    }

    /// Takes blocks for one object of `size` bytes; returns the first. All of them are zeroed, or, of a leaf that is about to
    /// be written, what its header and the end of its text may be.
    pub fn take_large(&mut self, size: usize, leaf: bool) -> Option<usize> {
        let count = size.div_ceil(BLOCK_BYTES);
        let head = if count < CHUNK_BLOCKS { self.take_run(count)? } else { self.take_chunks(count)? };
        let line = self.next_line.min(((count * BLOCK_BYTES - size) / LINE_BYTES).min(u8::MAX as usize) as u8);
        self.next_line = (self.next_line + LINES_APART) % LINES_OF_PAGE;
        let begin = line as usize * LINE_BYTES;
        for index in head..head + count {
            let block = &mut self.blocks[index];
            let dirty = block.dirty;
            *block = Block { kind: BlockKind::LargeTail, head: head as u32, dirty: true, ..Block::FREE };
            if dirty {
                self.free_dirty -= 1;
                let addr = self.block_addr(index) as *mut u8;
                let before = (index - head) * BLOCK_BYTES;
                let end = (begin + size).saturating_sub(before).min(BLOCK_BYTES);
                let (first, last) = match leaf {
                    false => (BLOCK_BYTES, 0),
                    true if index == head => (begin + LEAF_HEAD, end),
                    true => (0, end),
                };
                // SAFETY: by S1 and S4 the block is ours, writable, and was free until now.
                unsafe {
                    std::ptr::write_bytes(addr, 0, first);
                    std::ptr::write_bytes(addr.add(last.saturating_sub(LEAF_TAIL)), 0, last.min(LEAF_TAIL));
                }
            }
        }
        self.blocks[head].kind = BlockKind::LargeHead;
        self.blocks[head].count = count as u32;
        self.blocks[head].class = line;
        Some(head)
    }

    /// Removes `count < 64` neighbouring blocks of one chunk from the free map.
    fn take_run(&mut self, count: usize) -> Option<usize> {
        let mut chunk = self.low_free;
        loop {
            if chunk >= self.committed {
                chunk = self.committed;
                if !self.commit(1) {
                    return None;
                }
            }
            if let Some(bit) = find_run(self.free_map[chunk], count) {
                self.free_map[chunk] &= !((u64::MAX >> (64 - count)) << bit);
                return Some(chunk * CHUNK_BLOCKS + bit);
            }
            chunk += 1;
        }
    }

    /// Removes whole chunks for `count >= 64` blocks; the first chunk keeps its header.
    fn take_chunks(&mut self, count: usize) -> Option<usize> {
        let chunks = (count + 1).div_ceil(CHUNK_BLOCKS);
        let (start, found) = self.free_chunks(chunks);
        if found < chunks && !self.commit(chunks - found) {
            return None;
        }
        self.free_map[start..start + chunks].fill(0);
        let head = start * CHUNK_BLOCKS + 1;
        for index in head + count..(start + chunks) * CHUNK_BLOCKS {
            self.blocks[index].kind = BlockKind::Unused;
        }
        Some(head)
    }

    /// Where there are `chunks` free chunks side by side, as the first of them and how many of them are committed: the lowest
    /// place where all are, or the end.
    fn free_chunks(&self, chunks: usize) -> (usize, usize) {
        let mut start = self.low_free;
        let mut found = 0;
        while found < chunks && start + found < self.committed {
            if self.free_map[start + found] == ALL_FREE {
                found += 1;
            } else {
                start += found + 1;
                found = 0;
            }
        }
        (start, found)
    }

    /// Whether there is room for an object of `size` bytes, chunks that it would have for its own, without the spare ones.
    pub fn has_room(&self, size: usize) -> bool {
        let chunks = chunks_for(size);
        chunks - self.free_chunks(chunks).1 <= self.max_chunks.saturating_sub(self.committed)
    }

    /// Lets an object of `size` bytes be taken from the spare chunks; false if there are not so many.
    pub fn open_spare(&mut self, size: usize) -> bool {
        let needed = (self.committed + chunks_for(size)).saturating_sub(self.max_chunks);
        if needed > self.spare_chunks {
            return false;
        }
        self.opened_chunks = self.opened_chunks.max(needed);
        true
    }

    /// No more spare chunks are to be taken.
    pub fn close_spare(&mut self) {
        self.opened_chunks = 0;
    }

    /// Frees a small block that holds no object.
    pub fn free_block(&mut self, index: usize) {
        self.free_dirty += self.blocks[index].dirty as usize;
        self.blocks[index] = Block { dirty: self.blocks[index].dirty, ..Block::FREE };
        self.put_back(index, 1);
    }

    /// Frees the blocks of the large object whose first block is `head`.
    pub fn free_large(&mut self, head: usize) {
        let count = self.blocks[head].count as usize;
        let release = count > self.keep_dirty;
        if release {
            self.release(head, count);
        } else {
            self.free_dirty += count;
        }
        self.blocks[head..head + count].fill(Block { dirty: !release, ..Block::FREE });
        if count < CHUNK_BLOCKS {
            self.put_back(head, count);
            return;
        }
        let first = head / CHUNK_BLOCKS;
        let chunks = (count + 1).div_ceil(CHUNK_BLOCKS);
        for chunk in first..first + chunks {
            let start = chunk * CHUNK_BLOCKS;
            if chunk != first {
                if self.blocks[start].dirty {
                    self.free_dirty -= 1;
                    let addr = self.block_addr(start);
                    // SAFETY: the dead object covered this block; S2 needs its bitmaps empty from now on.
                    unsafe { std::ptr::write_bytes(addr as *mut u8, 0, HEADER_BYTES) };
                }
                self.blocks[start] = Block { kind: BlockKind::ChunkHeader, ..Block::FREE };
            }
            for block in &mut self.blocks[start + 1..start + CHUNK_BLOCKS] {
                block.kind = BlockKind::Free;
            }
            self.free_map[chunk] = ALL_FREE;
        }
        self.low_free = self.low_free.min(first);
    }

    fn put_back(&mut self, index: usize, count: usize) {
        let chunk = index / CHUNK_BLOCKS;
        self.free_map[chunk] |= (u64::MAX >> (64 - count)) << (index % CHUNK_BLOCKS);
        self.low_free = self.low_free.min(chunk);
    }

    /// Gives the memory of `count` blocks back to the system; they read as 0 afterwards.
    fn release(&mut self, index: usize, count: usize) {
        let addr = self.block_addr(index);
        // SAFETY: by S1 the range is ours; its blocks are free, so that no byte in it is needed.
        let status = unsafe { libc::madvise(addr as *mut _, count << BLOCK_SHIFT, libc::MADV_DONTNEED) };
        if status != 0 {
            // SAFETY: as above; locked pages refuse the advice, and must be zeroed by hand.
            unsafe { std::ptr::write_bytes(addr as *mut u8, 0, count << BLOCK_SHIFT) };
        }
    }

    /// Gives back dirty free blocks, from the highest address down, once there are clearly more of
    /// them than `keep_dirty`: low blocks are the next to be reused.
    pub fn trim(&mut self) {
        let keep = self.keep_dirty;
        if self.free_dirty <= keep + keep / 4 {
            return;
        }
        let mut end = self.blocks.len();
        while self.free_dirty > keep && end > 0 {
            let is_spare = |block: &Block| block.kind == BlockKind::Free && block.dirty;
            let mut start = end;
            while start > 0 && is_spare(&self.blocks[start - 1]) && self.free_dirty - (end - start) > keep {
                start -= 1;
            }
            if start < end {
                self.release(start, end - start);
                self.free_dirty -= end - start;
                self.blocks[start..end].fill(Block::FREE);
                end = start;
            } else {
                end -= 1;
            }
        }
    }

    /// Bytes of a cell of block `index`, which must be in use; of a large object all of its blocks.
    pub fn cell_size(&self, index: usize) -> usize {
        let block = &self.blocks[index];
        match block.kind {
            BlockKind::Small => CLASSES[block.class as usize].size as usize,
            _ => (self.blocks[block.head as usize].count as usize) << BLOCK_SHIFT,
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // SAFETY: by S1 the mapping is ours, and nobody outlives the heap that owns this space.
        unsafe { libc::munmap(self.mapping.0 as *mut _, self.mapping.1) };
    }
}

/// Chunks for one object of `size` bytes.
fn chunks_for(size: usize) -> usize {
    (size.div_ceil(BLOCK_BYTES) + 1).div_ceil(CHUNK_BLOCKS)
}

/// Lowest start of `count` neighbouring set bits in `map`, for `count` in 1..=63.
fn find_run(map: u64, count: usize) -> Option<usize> {
    let mut starts = map;
    let mut have = 1;
    while have < count {
        let step = have.min(count - have);
        starts &= starts >> step;
        have += step;
    }
    (starts != 0).then(|| starts.trailing_zeros() as usize)
}

/// `wanted` bytes, or one `part`th of the address space that the process may have (`RLIMIT_AS`) if that is less.
pub fn share_of_address_space(wanted: usize, part: usize) -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes the struct it is given and nothing else.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    if status != 0 || limit.rlim_cur == libc::RLIM_INFINITY {
        wanted
    } else {
        wanted.min(limit.rlim_cur as usize / part)
    }
}

/// Physical memory and swap in bytes.
fn memory_bytes() -> usize {
    // SAFETY: sysinfo is a plain struct of integers, for which zero bytes are a value.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: sysinfo writes the struct it is given and nothing else.
    if unsafe { libc::sysinfo(&mut info) } != 0 {
        return usize::MAX;
    }
    (info.totalram as usize).saturating_add(info.totalswap as usize).saturating_mul(info.mem_unit as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_bits() {
        assert_eq!(find_run(0b1101_1100, 3), Some(2));
        assert_eq!(find_run(0b1101_1100, 4), None);
        assert_eq!(find_run(!1, 63), Some(1));
        assert_eq!(find_run(1 << 63, 1), Some(63));
        assert_eq!(find_run(0, 1), None);
    }

    #[test]
    fn blocks_and_large_runs_come_back() {
        let mut space = Space::new(1 << 30, 1 << 30, 1 << 20).unwrap();
        let single = space.take_block(2).unwrap();
        let run = space.take_large(40 * BLOCK_BYTES, false).unwrap();
        let huge = space.take_large(5 << 20, false).unwrap();
        assert_eq!(space.blocks[huge + 319].head as usize, huge);
        assert_eq!(space.cell_size(huge + 100), 5 << 20);
        space.free_large(huge);
        space.free_large(run);
        space.free_block(single);
        let committed = space.committed;
        assert_eq!(space.take_large(5 << 20, false), Some(1));
        assert_eq!(space.committed, committed);
        assert_eq!(space.take_large(2 << 30, false), None);
    }
}
