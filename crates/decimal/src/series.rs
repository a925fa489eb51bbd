//! Exponential and logarithm in binary fixed point: a number `x` is an integer near `x * 2^bits`.
//!
//! Results are off by less than `2^-(bits - 8)`, relative to at most 10.

use std::sync::Mutex;

use num_bigint::BigInt;

/// A constant at the greatest precision asked for so far.
struct Constant {
    known: Mutex<Option<(u64, BigInt)>>,
    compute: fn(u64) -> BigInt,
}

impl Constant {
    fn get(&self, bits: u64) -> BigInt {
        let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*known {
            Some((have, value)) if *have >= bits => value >> (have - bits),
            _ => {
                // A little more, so that loops that add digits do not compute it each time.
                let more = bits + bits / 8 + 64;
                let value = (self.compute)(more + 16) >> 16u32;
                let result = &value >> (more - bits);
                *known = Some((more, value));
                result
            }
        }
    }
}

static LN10: Constant = Constant {
    known: Mutex::new(None),
    compute: |bits| atanh_inverse(31, bits) * 46 + atanh_inverse(49, bits) * 34 + atanh_inverse(161, bits) * 20,
};

/// `ln 10`.
pub fn ln10(bits: u64) -> BigInt {
    LN10.get(bits)
}

/// `atanh(1 / n)`.
fn atanh_inverse(n: u32, bits: u64) -> BigInt {
    let mut power = (BigInt::from(1) << (bits + 16)) / n;
    let (mut sum, mut k) = (power.clone(), 1u32);
    let square = n * n;
    loop {
        power /= square;
        k += 2;
        let term = &power / k;
        if term == BigInt::ZERO {
            return sum >> 16u32;
        }
        sum += term;
    }
}

/// `e^x` for `0 <= x < 4`.
pub fn exp(x: &BigInt, bits: u64) -> BigInt {
    // e^x = (e^(x / 2^s))^(2^s): each squaring loses a bit, each halving makes the series shorter.
    let s = (bits as f64).sqrt() as u64 / 2 + 2;
    let work = bits + 2 * s + 16;
    let x = x << (work - bits);
    let small: BigInt = x >> s;
    let one = BigInt::from(1) << work;
    let (mut sum, mut term, mut k) = (&one + &small, small.clone(), 1u32);
    loop {
        k += 1;
        term = (&term * &small) >> work;
        term /= k;
        if term == BigInt::ZERO {
            break;
        }
        sum += &term;
    }
    for _ in 0..s {
        sum = (&sum * &sum) >> work;
    }
    sum >> (work - bits)
}

/// `ln x` for `0.05 < x < 20`.
pub fn ln(x: &BigInt, bits: u64) -> BigInt {
    // A first guess of 50 bits, then the logarithm of what is left: 2 atanh(t) with a tiny t.
    let work = bits + 32;
    let x = x << (work - bits);
    let guess = to_f64(&x, work).ln();
    let scaled = BigInt::from((guess.abs() * (1u64 << 52) as f64) as u64);
    let scaled = if work >= 52 { scaled << (work - 52) } else { scaled >> (52 - work) };
    let power = exp(&scaled, work);
    // x * e^-guess, as a quotient.
    let (n, d, guess) =
        if guess < 0.0 { ((&x * &power) >> work, BigInt::from(1) << work, -scaled) } else { (x, power, scaled) };
    let t = (((&n - &d) << work) as BigInt) / (n + d);
    let square: BigInt = (&t * &t) >> work;
    let (mut sum, mut power, mut k) = (t.clone(), t, 1u32);
    loop {
        power = (&power * &square) >> work;
        k += 2;
        let term = &power / k;
        if term == BigInt::ZERO || term == BigInt::from(-1) {
            break;
        }
        sum += term;
    }
    (guess + sum * 2) >> 32u32
}

/// The number as a double.
pub fn to_f64(x: &BigInt, bits: u64) -> f64 {
    let size = x.bits();
    let shift = size.saturating_sub(60);
    let top: BigInt = x >> shift;
    let top = i64::try_from(&top).unwrap_or(0) as f64;
    top * 2f64.powi((shift as i64 - bits as i64) as i32)
}
