//! What the language does with any object: attributes, calls, comparison, iteration, numbers, buffers.

pub mod attr;
pub mod buffer;
pub mod call;
pub mod codec;
pub mod codec_errors;
pub mod compare;
pub mod format;
pub mod hash;
pub mod import;
pub mod iter;
pub mod number;
pub mod object;
pub mod pattern;
pub(crate) mod quick_format;
pub mod sequence;
pub mod total;
pub mod warn;
