//! `_thread`.

/// Identity of the running thread.
pub fn ident() -> u64 {
    // SAFETY: pthread_self always succeeds.
    unsafe { libc::pthread_self() as u64 }
}
