//! The text accepted by `int(text, base)` and by integer literals.

use super::from_radix;

/// Why a text is not an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralError {
    /// "invalid literal for int() with base {base}: {text!r}"
    Invalid,
    /// More decimal digits than the limit: "Exceeds the limit ({limit} digits) for integer string
    /// conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
    TooLong {
        /// Digits in the text.
        digits: usize,
    },
}

/// Parses ASCII text as `int(text, base)` does; returns the sign.
///
/// The caller strips whitespace and maps Unicode decimal digits to ASCII. `base` is 0 or 2 to 36;
/// 0 takes it from the prefix. `max_digits` is `sys.get_int_max_str_digits()`, 0 for no limit; it
/// does not apply to bases that are powers of two.
pub fn parse_literal(text: &[u8], base: u32, max_digits: usize, out: &mut Vec<u32>) -> Result<bool, LiteralError> {
    out.clear();
    let (neg, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let prefix = match rest {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let (actual, body) = match base {
        0 if prefix == 0 => (10, rest),
        0 => (prefix, &rest[2..]),
        b if b == prefix => (b, &rest[2..]),
        b => (b, rest),
    };
    // An underscore may follow a base prefix.
    let body = if body.len() < rest.len() { body.strip_prefix(b"_").unwrap_or(body) } else { body };
    let clean;
    let digits = if body.contains(&b'_') {
        let bad = body.first() == Some(&b'_') || body.last() == Some(&b'_') || body.windows(2).any(|w| w == b"__");
        if bad {
            return Err(LiteralError::Invalid);
        }
        clean = body.iter().copied().filter(|&c| c != b'_').collect::<Vec<u8>>();
        &clean[..]
    } else {
        body
    };
    if digits.is_empty() {
        return Err(LiteralError::Invalid);
    }
    let valid = |c: &u8| char::from(*c).is_digit(actual);
    if !digits.iter().all(valid) {
        return Err(LiteralError::Invalid);
    }
    if base == 0 && prefix == 0 && digits[0] == b'0' && digits.iter().any(|&c| c != b'0') {
        // Old octal spelling.
        return Err(LiteralError::Invalid);
    }
    if max_digits > 0 && !actual.is_power_of_two() && digits.len() > max_digits {
        return Err(LiteralError::TooLong { digits: digits.len() });
    }
    from_radix(digits, actual, out);
    Ok(neg && !out.is_empty())
}
