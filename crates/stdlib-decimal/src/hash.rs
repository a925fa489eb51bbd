//! Hashes: those of equal numbers of other types.

use taipan_decimal::Num;
use taipan_decimal::limbs::BASE;

/// The prime that numeric hashes are reduced by.
const PRIME: u64 = (1 << 61) - 1;
/// The inverse of ten.
const TENTH: u64 = 2075258708292324556;
const _: () = assert!((TENTH as u128 * 10) % PRIME as u128 == 1);

fn times(a: u64, b: u64) -> u64 {
    (a as u128 * b as u128 % PRIME as u128) as u64
}

fn power(mut base: u64, mut n: u64) -> u64 {
    let mut result = 1;
    while n > 0 {
        if n & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        n >>= 1;
    }
    result
}

/// The hash of a finite number.
pub fn of_finite(num: Num) -> i64 {
    let coef =
        num.coef.iter().rev().fold(0, |h, limb| ((h as u128 * BASE as u128 + *limb as u128) % PRIME as u128) as u64);
    let scale = if num.exp >= 0 {
        power(10, num.exp as u64 % (PRIME - 1))
    } else {
        power(TENTH, num.exp.unsigned_abs() % (PRIME - 1))
    };
    let size = times(coef, scale) as i64;
    match if num.neg { -size } else { size } {
        -1 => -2,
        h => h,
    }
}
