//! `int.to_bytes` and `int.from_bytes`.

use super::{Digits, MASK, SHIFT, normalize};

/// Why a number cannot be written to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BytesError {
    /// "can't convert negative int to unsigned"
    Negative,
    /// "int too big to convert"
    TooBig,
}

/// Fills `out` with the two's-complement (when `signed`) bytes of the number.
pub fn to_bytes(neg: bool, mag: &Digits, out: &mut [u8], little: bool, signed: bool) -> Result<(), BytesError> {
    if neg && !signed {
        return Err(BytesError::Negative);
    }
    let (mut acc, mut bits, mut carry) = (0u64, 0u32, u32::from(neg));
    let flip = if neg { MASK } else { 0 };
    let mut digits = mag.iter();
    let pad = if neg { 0xff } else { 0 };
    let mut last = pad;
    let len = out.len();
    for i in 0..len {
        if bits < 8 {
            // Past the last digit the sign extends; a carry out of the top never happens for a
            // normalised magnitude.
            let raw = digits.next().copied().unwrap_or(0);
            let d = (raw ^ flip) + carry;
            carry = d >> SHIFT;
            acc |= u64::from(d & MASK) << bits;
            bits += SHIFT;
        }
        last = acc as u8;
        acc >>= 8;
        bits -= 8;
        out[if little { i } else { len - 1 - i }] = last;
    }
    // Whatever is left must be plain sign extension.
    let rest = if neg { (1u64 << bits) - 1 } else { 0 };
    if acc != rest {
        return Err(BytesError::TooBig);
    }
    for &raw in digits {
        let d = (raw ^ flip) + carry;
        carry = d >> SHIFT;
        if d & MASK != flip {
            return Err(BytesError::TooBig);
        }
    }
    let sign_bit_wrong = signed && !mag.is_empty() && (len == 0 || (last & 0x80 != 0) != neg);
    if sign_bit_wrong { Err(BytesError::TooBig) } else { Ok(()) }
}

/// Reads a number from bytes; returns its sign.
pub fn from_bytes(bytes: &[u8], little: bool, signed: bool, out: &mut Vec<u32>) -> bool {
    out.clear();
    out.reserve(bytes.len() * 8 / SHIFT as usize + 1);
    let top = if little { bytes.last() } else { bytes.first() };
    let neg = signed && top.is_some_and(|&b| b & 0x80 != 0);
    let flip = if neg { 0xff } else { 0 };
    let (mut acc, mut bits, mut carry) = (0u64, 0u32, u32::from(neg));
    for i in 0..bytes.len() {
        let raw = bytes[if little { i } else { bytes.len() - 1 - i }];
        let b = u32::from(raw ^ flip) + carry;
        carry = b >> 8;
        acc |= u64::from(b & 0xff) << bits;
        bits += 8;
        if bits >= SHIFT {
            out.push(acc as u32 & MASK);
            acc >>= SHIFT;
            bits -= SHIFT;
        }
    }
    acc |= u64::from(carry) << bits;
    while acc != 0 {
        out.push(acc as u32 & MASK);
        acc >>= SHIFT;
    }
    normalize(out);
    neg && !out.is_empty()
}
