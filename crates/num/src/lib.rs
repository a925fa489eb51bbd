//! Number algorithms of Taipan: arbitrary-precision integers, floats and complex numbers with
//! Python's semantics. Nothing here knows about Python objects.
#![forbid(unsafe_code)]

pub mod big;
pub mod complex;
pub mod float;
