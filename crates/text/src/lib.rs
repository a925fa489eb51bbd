//! Text algorithms of Taipan: Unicode 16.0 properties, `repr`, formatting and codecs. Nothing
//! here knows about Python objects; text is a sequence of code points in `u32`, because Python
//! strings may hold surrogates.
#![forbid(unsafe_code)]

pub mod codecs;
pub mod fmtspec;
pub mod percent;
pub mod repr;
pub mod template;
pub mod transcode;
pub mod unicode;

/// Random access to the code points of a text, whatever its storage.
pub trait CodePoints {
    /// Number of code points.
    fn len(&self) -> usize;
    /// The code point at `i`.
    fn at(&self, i: usize) -> u32;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! code_points {
    ($($unit:ty),*) => { $(
        impl CodePoints for [$unit] {
            #[inline]
            fn len(&self) -> usize {
                self.len()
            }
            #[inline]
            fn at(&self, i: usize) -> u32 {
                u32::from(self[i])
            }
        }
    )* };
}

// Bytes are Latin-1 here, and 16-bit units are code points: the compact storages of a string.
code_points!(u8, u16, u32);

/// A text stored as code points, for a `str` of literals.
pub fn code_points(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}
