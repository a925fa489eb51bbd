//! Text algorithms of Taipan: Unicode 16.0 properties, `repr`, formatting and codecs. Nothing
//! here knows about Python objects; text is a sequence of code points in `u32`, because Python
//! strings may hold surrogates.
#![forbid(unsafe_code)]

pub mod repr;
pub mod unicode;
