//! The native modules.

pub mod binascii;
pub mod codecs;
pub mod string;
pub mod struct_;
pub mod unicodedata;
