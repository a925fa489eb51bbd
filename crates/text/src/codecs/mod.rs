//! Encoders and decoders.
//!
//! Decoders append to a `Vec<u32>`, take `is_final` and return how many bytes they consumed: with
//! `is_final` false an incomplete sequence at the end is left for the next call. For valid UTF-8
//! without surrogates `std::str::from_utf8` is the fast path; these are for everything else.
//!
//! What cannot be converted goes to a handler, which returns a replacement and the position to
//! continue at, or fails the conversion with an error of its own type.

mod escape;
pub mod handlers;
mod simple;
mod utf16;
mod utf7;
mod utf8;

pub use escape::{
    EscapeError, decode_bytes_escape, decode_raw_unicode_escape, decode_unicode_escape, encode_bytes_escape,
    encode_raw_unicode_escape, encode_unicode_escape,
};
pub use simple::{CharMap, decode_ascii, decode_charmap, decode_latin1, encode_ascii, encode_charmap, encode_latin1};
pub use utf7::{decode_utf7, encode_utf7};
pub use utf8::{decode_utf8, encode_utf8};
pub use utf16::{ByteOrder, decode_utf16, decode_utf32, encode_utf16, encode_utf32};

/// Arguments of a UnicodeDecodeError.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeFail<'a> {
    /// Name of the encoding.
    pub encoding: &'static str,
    /// The whole input.
    pub input: &'a [u8],
    /// First offending byte.
    pub start: usize,
    /// One past the last offending byte.
    pub end: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// Arguments of a UnicodeEncodeError; the input is the encoder's argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeFail {
    /// Name of the encoding.
    pub encoding: &'static str,
    /// First offending character.
    pub start: usize,
    /// One past the last offending character.
    pub end: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// What an encoding error handler puts in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Text, to be encoded in turn.
    Text(Vec<u32>),
    /// Bytes, to be used as they are.
    Bytes(Vec<u8>),
}

/// How an encoding handler's answer failed: its own error, or a replacement that cannot be
/// encoded either (the UnicodeEncodeError is then raised as it stands).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError<E> {
    /// The handler's error.
    Handler(E),
    /// The original failure.
    Strict(EncodeFail),
}

/// Decoding error handler: replacement and new position.
pub type DecodeHandler<'h, E> = dyn FnMut(&DecodeFail<'_>) -> Result<(Vec<u32>, usize), E> + 'h;
/// Encoding error handler: replacement and new position.
pub type EncodeHandler<'h, E> = dyn FnMut(&EncodeFail) -> Result<(Replacement, usize), E> + 'h;

/// State shared by the decoders.
struct Decoder<'a, 'h, E> {
    encoding: &'static str,
    input: &'a [u8],
    out: &'a mut Vec<u32>,
    on_error: &'a mut DecodeHandler<'h, E>,
}

impl<E> Decoder<'_, '_, E> {
    /// Reports a failure; returns the position to go on at.
    #[cold]
    fn fail(&mut self, start: usize, end: usize, reason: &'static str) -> Result<usize, E> {
        let fail = DecodeFail { encoding: self.encoding, input: self.input, start, end, reason };
        let (text, pos) = (self.on_error)(&fail)?;
        self.out.extend_from_slice(&text);
        Ok(pos.min(self.input.len()))
    }
}

/// Reports an encoding failure and puts the replacement in place; returns the new position.
///
/// `put` encodes one character or says that it cannot; `unit` is the size byte replacements must
/// be a multiple of.
#[cold]
fn replace<E>(
    fail: EncodeFail,
    len: usize,
    unit: usize,
    out: &mut Vec<u8>,
    on_error: &mut EncodeHandler<'_, E>,
    put: &dyn Fn(u32, &mut Vec<u8>) -> bool,
) -> Result<usize, EncodeError<E>> {
    let (replacement, pos) = on_error(&fail).map_err(EncodeError::Handler)?;
    match replacement {
        Replacement::Bytes(b) if b.len().is_multiple_of(unit) => out.extend_from_slice(&b),
        Replacement::Text(t) if t.iter().all(|&c| put(c, out)) => {}
        _ => return Err(EncodeError::Strict(fail)),
    }
    Ok(pos.min(len))
}

fn is_surrogate(c: u32) -> bool {
    c & 0xffff_f800 == 0xd800
}

#[cfg(test)]
mod tests;
