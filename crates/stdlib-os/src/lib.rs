//! Native modules over system calls that few programs need: shared memory, mapped files, semaphores, the system log.

mod mmap;
mod mmap_methods;
mod multiprocessing;
mod posixshmem;
mod remote_debugging;
mod syslog;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[
    ("_multiprocessing", multiprocessing::module),
    ("_posixshmem", posixshmem::module),
    ("_remote_debugging", remote_debugging::module),
    ("mmap", mmap::module),
    ("syslog", syslog::module),
];
