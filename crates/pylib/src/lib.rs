//! The pure-Python standard library, embedded and unpacked. Being written on branch `lib` (not by `sys`).
