//! Correctly rounded decimal digits by 128-bit arithmetic, where that suffices: a double is a 53-bit number times a
//! power of two, so scaled by a power of ten it is a quotient of two integers. Costs no allocation; what does not fit is
//! left to the general algorithm.

use super::format::{Decimal, DigitText};

/// Decimal digits of a `u128`.
const MAX_POWER: u32 = 38;
const ROOM: u32 = 127;

/// Mantissa and exponent: `x == m * 2**e`; `x` is finite and not negative.
fn parts(x: f64) -> (u128, i32) {
    let bits = x.to_bits();
    let (fraction, exponent) = ((bits & ((1 << 52) - 1)) as u128, (bits >> 52 & 0x7ff) as i32);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn bit_length(n: u128) -> u32 {
    128 - n.leading_zeros()
}

/// `n / d` rounded half to even.
fn divide(n: u128, d: u128) -> u128 {
    let (q, r) = (n / d, n % d);
    let up = match (r << 1).cmp(&d) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => q & 1 == 1,
        std::cmp::Ordering::Greater => true,
    };
    q + up as u128
}

/// `x * 10**power` rounded half to even, if everything on the way fits.
fn scaled(x: f64, power: i32) -> Option<u128> {
    let (m, e) = parts(x);
    let ten = 10u128.checked_pow(power.unsigned_abs()).filter(|_| power.unsigned_abs() <= MAX_POWER)?;
    let (n, d) = if power >= 0 {
        if bit_length(m) + bit_length(ten) > ROOM {
            return None;
        }
        (m * ten, 1)
    } else {
        (m, ten)
    };
    if e >= 0 {
        let n = if bit_length(n) + e as u32 <= ROOM { n << e } else { return None };
        return Some(divide(n, d));
    }
    let shift = e.unsigned_abs();
    if d == 1 {
        if shift > ROOM {
            // n is below half of 2**shift.
            return Some(0);
        }
        let (q, r) = (n >> shift, n & ((1 << shift) - 1));
        let half = 1u128 << (shift - 1);
        return Some(q + (r > half || r == half && q & 1 == 1) as u128);
    }
    if bit_length(d) + shift > ROOM {
        return if bit_length(n) + 1 < bit_length(d) + shift { Some(0) } else { None };
    }
    Some(divide(n, d << shift))
}

/// `x * 10**decimals` rounded half to even, if it fits 64 bits and `decimals` is small.
pub(super) fn scaled_small(x: f64, decimals: usize) -> Option<u64> {
    const POWERS: [u64; 16] = {
        let mut powers = [1; 16];
        let mut i = 1;
        while i < 16 {
            powers[i] = powers[i - 1] * 10;
            i += 1;
        }
        powers
    };
    let (m, e) = parts(x);
    let n = m * u128::from(*POWERS.get(decimals)?);
    if e >= 0 {
        let fits = e < 64 && bit_length(n) + e as u32 <= 64;
        return fits.then(|| (n << e) as u64);
    }
    let shift = e.unsigned_abs();
    if shift > ROOM {
        return Some(0);
    }
    let (q, r, half) = (n >> shift, n & ((1 << shift) - 1), 1u128 << (shift - 1));
    u64::try_from(q + u128::from(r > half || r == half && q & 1 == 1)).ok()
}

fn digits_of(n: u128) -> DigitText {
    let mut buffer = [0u8; 40];
    let mut at = buffer.len();
    let mut push = |digit: u64| {
        at -= 1;
        buffer[at] = b'0' + digit as u8;
    };
    const LOW: u128 = 10_000_000_000_000_000_000;
    let mut rest = n;
    while rest >= LOW {
        let mut low = (rest % LOW) as u64;
        for _ in 0..19 {
            push(low % 10);
            low /= 10;
        }
        rest /= LOW;
    }
    let mut high = rest as u64;
    while high != 0 {
        push(high % 10);
        high /= 10;
    }
    DigitText::from_slice(&buffer[at..])
}

/// Digits down to `decimals` places after the point.
pub(super) fn fixed(x: f64, decimals: usize) -> Option<Decimal> {
    let n = scaled(x, i32::try_from(decimals).ok()?)?;
    if n == 0 {
        return Some(Decimal::zero());
    }
    let digits = digits_of(n);
    let point = digits.len() as i32 - decimals as i32;
    Some(Decimal { digits, point })
}

/// The double nearest to `x` rounded half to even at `decimals` places: the quotient of two exact doubles.
pub(super) fn round(x: f64, decimals: i64) -> Option<f64> {
    const EXACT_POWER: i64 = 22;
    let decimals = i32::try_from(decimals).ok().filter(|n| i64::from(*n) <= EXACT_POWER)?;
    let n = scaled(x, decimals).filter(|n| n >> 53 == 0)?;
    Some(n as f64 / 10u128.pow(decimals as u32) as f64)
}

/// `count` (at least 1) significant digits.
pub(super) fn significant(x: f64, count: usize) -> Option<Decimal> {
    if x == 0.0 {
        return Some(Decimal::zero());
    }
    let count = i32::try_from(count).ok().filter(|count| *count <= MAX_POWER as i32)?;
    let (low, high) = (10u128.pow(count as u32 - 1), 10u128.checked_pow(count as u32)?);
    let mut exponent = x.log10().floor() as i32;
    // The logarithm may be off by one, and rounding may give one digit more.
    for _ in 0..3 {
        let n = scaled(x, count - 1 - exponent)?;
        if n >= high {
            exponent += 1;
        } else if n < low {
            exponent -= 1;
        } else {
            return Some(Decimal { digits: digits_of(n), point: exponent + 1 });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The general algorithm's digits.
    fn reference(text: &str) -> (String, i32) {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (int, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{int}{fraction}");
        let digits = all.trim_start_matches('0');
        let exponent: i32 = exponent.parse().expect("an exponent");
        (digits.to_string(), int.len() as i32 + exponent - (all.len() - digits.len()) as i32)
    }

    #[test]
    fn agrees_with_the_general_algorithm() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut done = 0;
        for round in 0..200_000 {
            let x = match round % 4 {
                0 => f64::from_bits(next() & !(1 << 63)),
                1 => (next() % 1_000_000) as f64 / 64.0,
                2 => (next() >> 20) as f64 * 10f64.powi((next() % 40) as i32 - 30),
                _ => (next() % 100_000) as f64 / 1000.0,
            };
            if !x.is_finite() || x == 0.0 {
                continue;
            }
            let count = 1 + (next() % 20) as usize;
            if let Some(found) = fixed(x, count).filter(|d| d.digits[0] != b'0') {
                let text = String::from_utf8(found.digits.to_vec()).expect("digits");
                assert_eq!((text, found.point), reference(&format!("{x:.count$}")), "{x:e} fixed {count}");
                done += 1;
            }
            if let Some(found) = significant(x, count) {
                let text = String::from_utf8(found.digits.to_vec()).expect("digits");
                assert_eq!((text, found.point), reference(&format!("{x:.*e}", count - 1)), "{x:e} significant {count}");
                done += 1;
            }
        }
        assert!(done > 150_000, "{done}");
    }
}
