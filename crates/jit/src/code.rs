//! Memory for compiled code: one reservation, mapped twice, once writable and once executable (W^X).
//!
//! Invariants:
//! - CODE-1: code is written through the writable mapping only, before anything can run it.
//! - CODE-2: a range handed out stays until the process ends or [`Arena::free`] is called for it; nothing frees code that a
//!   frame may return to.

use std::ptr::NonNull;

/// Bytes reserved, at most; all code lies within reach of 32-bit offsets.
const RESERVED: usize = 64 << 20;
/// Alignment of functions.
const ALIGN: usize = 32;

/// The arena.
pub struct Arena {
    writable: NonNull<u8>,
    executable: NonNull<u8>,
    len: usize,
    used: usize,
    free: Vec<(usize, usize)>,
}

impl Arena {
    /// A new arena; None if the system refuses.
    pub fn new() -> Option<Arena> {
        // SAFETY: plain system calls; the file lives as long as its mappings.
        unsafe {
            // A file larger than the limit would end the process.
            let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit);
            let len = RESERVED.min(limit.rlim_cur as usize / 2) & !0xffff;
            let fd = libc::memfd_create(c"taipan-jit".as_ptr(), libc::MFD_CLOEXEC);
            if len == 0 || fd < 0 || libc::ftruncate(fd, len as i64) != 0 {
                return None;
            }
            let map = |protection| {
                let p =
                    libc::mmap(std::ptr::null_mut(), len, protection, libc::MAP_SHARED | libc::MAP_NORESERVE, fd, 0);
                if p == libc::MAP_FAILED { None } else { NonNull::new(p.cast::<u8>()) }
            };
            let writable = map(libc::PROT_READ | libc::PROT_WRITE);
            let executable = map(libc::PROT_READ | libc::PROT_EXEC);
            libc::close(fd);
            Some(Arena { writable: writable?, executable: executable?, len, used: 0, free: vec![] })
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used - self.free.iter().map(|f| f.1).sum::<usize>()
    }

    /// Copies code into the arena; its executable address. None if the arena is full.
    pub fn add(&mut self, code: &[u8]) -> Option<*const u8> {
        let size = code.len().next_multiple_of(ALIGN);
        let at = match self.free.iter().position(|f| f.1 >= size) {
            Some(i) => {
                let (at, len) = self.free[i];
                if len == size {
                    self.free.swap_remove(i);
                } else {
                    self.free[i] = (at + size, len - size);
                }
                at
            }
            None if self.used + size <= self.len => {
                self.used += size;
                self.used - size
            }
            None => return None,
        };
        // SAFETY: the range is within the mapping and nobody runs it yet (CODE-1).
        unsafe {
            std::ptr::copy_nonoverlapping(code.as_ptr(), self.writable.as_ptr().add(at), code.len());
            Some(self.executable.as_ptr().add(at))
        }
    }

    /// Gives back the range of a function (CODE-2).
    pub fn free(&mut self, code: *const u8, len: usize) {
        let at = code as usize - self.executable.as_ptr() as usize;
        self.free.push((at, len.next_multiple_of(ALIGN)));
    }
}
