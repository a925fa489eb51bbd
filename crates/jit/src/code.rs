//! Memory for compiled code: one private reservation that is never writable and executable at the same time (W^X).
//!
//! Pages are made writable for the time of a copy. Nothing runs meanwhile: the caller holds the GIL, and threads without it
//! run no compiled code, though they may be about to return to some. The memory is private, so that after a fork parent and
//! child have their own.
//!
//! Invariants:
//! - CODE-1: the GIL is held while code is written.
//! - CODE-2: a range handed out stays until the process ends or [`Arena::free`] is called for it; nothing frees code that a
//!   frame may return to.

use std::ptr::NonNull;

/// Bytes reserved, at most; all code lies within reach of 32-bit offsets.
const RESERVED: usize = 64 << 20;
/// Alignment of what is handed out, and of the place in a function that shall be aligned: a loop that straddles a line more
/// than it must is slower by up to a quarter.
const ALIGN: usize = 64;

/// The arena.
pub struct Arena {
    start: NonNull<u8>,
    used: usize,
    /// Ranges that were given back, by offset; no two of them touch.
    free: Vec<(usize, usize)>,
    page: usize,
}

impl Arena {
    /// A new arena; None if the system refuses.
    pub fn new() -> Option<Arena> {
        // SAFETY: plain system calls.
        unsafe {
            let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).ok()?;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let p = libc::mmap(std::ptr::null_mut(), RESERVED, libc::PROT_READ | libc::PROT_EXEC, flags, -1, 0);
            if p == libc::MAP_FAILED {
                return None;
            }
            Some(Arena { start: NonNull::new(p.cast::<u8>())?, used: 0, free: vec![], page })
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used - self.free.iter().map(|f| f.1).sum::<usize>()
    }

    /// Copies code into the arena, such that its byte `aligned` is aligned; its address. None if the arena is full.
    pub fn add(&mut self, code: &[u8], aligned: usize) -> Option<*const u8> {
        let lead = aligned.next_multiple_of(ALIGN) - aligned;
        let size = (lead + code.len()).next_multiple_of(ALIGN);
        let at = self.take(size)?;
        let first = at / self.page * self.page;
        let len = (at + size).next_multiple_of(self.page) - first;
        // SAFETY: the range is within the mapping, and nobody runs it or its neighbours now (CODE-1).
        unsafe {
            let pages = self.start.as_ptr().add(first).cast::<libc::c_void>();
            if libc::mprotect(pages, len, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                self.give_back(at, size);
                return None;
            }
            let to = self.start.as_ptr().add(at + lead);
            std::ptr::copy_nonoverlapping(code.as_ptr(), to, code.len());
            // What was executable a moment ago cannot be refused to be so again.
            let result = libc::mprotect(pages, len, libc::PROT_READ | libc::PROT_EXEC);
            assert_eq!(result, 0, "code memory stays without permission to execute");
            Some(to)
        }
    }

    /// A range of `size` bytes: the smallest free one that is large enough, else a new one.
    fn take(&mut self, size: usize) -> Option<usize> {
        let fits = self.free.iter().enumerate().filter(|(_, f)| f.1 >= size);
        match fits.min_by_key(|(_, f)| f.1).map(|(i, f)| (i, *f)) {
            Some((i, (at, len))) => {
                if len == size {
                    self.free.remove(i);
                } else {
                    self.free[i] = (at + size, len - size);
                }
                Some(at)
            }
            None if self.used + size <= RESERVED => {
                self.used += size;
                Some(self.used - size)
            }
            None => None,
        }
    }

    /// Gives back the range of a function (CODE-2).
    pub fn free(&mut self, code: *const u8, len: usize) {
        let offset = code as usize - self.start.as_ptr() as usize;
        let at = offset / ALIGN * ALIGN;
        self.give_back(at, (offset - at + len).next_multiple_of(ALIGN));
    }

    fn give_back(&mut self, at: usize, len: usize) {
        let i = self.free.partition_point(|f| f.0 < at);
        self.free.insert(i, (at, len));
        for i in [i, i.wrapping_sub(1)] {
            if let (Some(&(a, n)), Some(&(b, m))) = (self.free.get(i), self.free.get(i.wrapping_add(1)))
                && a + n == b
            {
                self.free[i].1 += m;
                self.free.remove(i + 1);
            }
        }
        // The end of the used part shrinks again.
        if let Some(&(at, len)) = self.free.last()
            && at + len == self.used
        {
            self.used = at;
            self.free.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_used_again() {
        let mut arena = Arena::new().unwrap();
        let sizes = [40, 4096, 7, 33];
        let [a, b, c, d] = sizes.map(|n| arena.add(&vec![0xc3; n], 0).unwrap());
        assert_eq!(arena.used(), 64 + 4096 + 64 + 64);
        arena.free(a, 40);
        arena.free(c, 7);
        assert_eq!(arena.free.len(), 2);
        arena.free(b, 4096);
        assert_eq!(arena.free, [(0, 64 + 4096 + 64)]);
        // SAFETY: the first byte returns.
        unsafe { std::mem::transmute::<*const u8, extern "C" fn()>(d)() };
        let e = arena.add(&[0xc3; 100], 50).unwrap();
        assert_eq!((e as usize + 50) % ALIGN, 0);
        assert_eq!(e as usize, a as usize + ALIGN - 50);
        arena.free(d, 33);
        arena.free(e, 100);
        assert_eq!((arena.used, arena.free.len()), (0, 0));
    }
}
