//! Functions of ints: factorial, comb, perm, gcd, lcm, isqrt.

use taipan_macros::pymethods;
use taipan_num::big;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

fn is_negative(v: Value) -> bool {
    int::view(v).is_some_and(|w| w.negative)
}

/// Greatest common divisor of machine ints.
fn gcd_u64(mut a: u64, mut b: u64) -> u64 {
    if a == 0 || b == 0 {
        return a | b;
    }
    let shift = (a | b).trailing_zeros();
    a >>= a.trailing_zeros();
    while b != 0 {
        b >>= b.trailing_zeros();
        if a > b {
            std::mem::swap(&mut a, &mut b);
        }
        b -= a;
    }
    a << shift
}

/// Greatest common divisor of ints, not negative. May collect.
pub fn gcd(cx: &mut Cx, a: Value, b: Value) -> Value {
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return cx.int_u64(gcd_u64(x.unsigned_abs(), y.unsigned_abs()));
    }
    let (Some(x), Some(y)) = (int::view(a), int::view(b)) else { return a };
    let mut out = Vec::new();
    big::gcd(x.digits(), y.digits(), &mut out);
    cx.int_from_digits(false, &out)
}

fn lcm(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let zero = Value::small(0);
    if a == zero || b == zero {
        return Ok(zero);
    }
    let g = gcd(cx, a, b);
    let f = int::floordiv(cx, a, g)?;
    let m = int::mul(cx, f, b)?;
    if is_negative(m) { int::neg(cx, m) } else { Ok(m) }
}

/// The product of `low * (low + step) * ... ` up to `high`, by halves.
fn product(cx: &mut Cx, low: u64, high: u64) -> PyResult<Value> {
    if high - low < 8 {
        let mut total = Value::small(1);
        for i in low..=high {
            let factor = cx.int_u64(i);
            total = int::mul(cx, total, factor)?;
        }
        return Ok(total);
    }
    let middle = low + (high - low) / 2;
    let a = product(cx, low, middle)?;
    let b = product(cx, middle + 1, high)?;
    int::mul(cx, a, b)
}

/// `n! / (n - k)!`.
fn falling(cx: &mut Cx, n: Value, k: u64) -> PyResult<Value> {
    if k == 0 {
        return Ok(Value::small(1));
    }
    if let Some(n) = n.as_small() {
        let n = n as u64;
        return if k > n { Ok(Value::small(0)) } else { product(cx, n - k + 1, n) };
    }
    if k == 1 {
        return Ok(n);
    }
    let j = k / 2;
    let a = falling(cx, n, j)?;
    let taken = cx.int_u64(j);
    let rest = int::sub(cx, n, taken)?;
    let b = falling(cx, rest, k - j)?;
    int::mul(cx, a, b)
}

/// `n` over `k`, `k <= n`.
fn binomial(cx: &mut Cx, n: Value, k: u64) -> PyResult<Value> {
    if k == 0 {
        return Ok(Value::small(1));
    }
    if let Some(n) = n.as_small() {
        // Each step is exact: the product so far is a binomial coefficient times i.
        let mut r: u128 = 1;
        let mut fits = true;
        for i in 1..=k {
            match r.checked_mul((n as u64 - k + i) as u128) {
                Some(p) => r = p / i as u128,
                None => {
                    fits = false;
                    break;
                }
            }
        }
        if fits && r <= i128::MAX as u128 {
            return Ok(if r <= u64::MAX as u128 { cx.int_u64(r as u64) } else { cx.int_wide(r as i128) });
        }
    }
    let num = falling(cx, n, k)?;
    let den = product(cx, 1, k)?;
    int::floordiv(cx, num, den)
}

/// Functions of ints.
pub struct Integers;

#[pymethods]
impl Integers {
    /// Find n!.
    #[py("($module, n, /)")]
    fn factorial(cx: &mut Cx, n: Value) -> PyResult<Value> {
        let n = number::index(cx, n)?;
        if is_negative(n) {
            return raise!(cx, ValueError, "factorial() not defined for negative values");
        }
        match int::as_i64(n) {
            Some(0) => Ok(Value::small(1)),
            Some(n) => product(cx, 1, n as u64),
            None => raise!(cx, OverflowError, "factorial() argument should not exceed {}", i64::MAX),
        }
    }

    /// Number of ways to choose k items from n items without repetition and with order.
    ///
    /// Evaluates to n! / (n - k)! when k <= n and evaluates
    /// to zero when k > n.
    ///
    /// If k is not specified or is None, then k defaults to n
    /// and the function returns n!.
    ///
    /// Raises TypeError if either of the arguments are not integers.
    /// Raises ValueError if either of the arguments are negative.
    #[py("($module, n, k=None, /)")]
    fn perm(cx: &mut Cx, n: Value, k: Option<Value>) -> PyResult<Value> {
        let Some(k) = k.filter(|k| !k.is_none()) else { return Self::factorial(cx, n) };
        let n = number::index(cx, n)?;
        let k = number::index(cx, k)?;
        if is_negative(n) {
            return raise!(cx, ValueError, "n must be a non-negative integer");
        }
        if is_negative(k) {
            return raise!(cx, ValueError, "k must be a non-negative integer");
        }
        if int::compare(n, k).is_some_and(|o| o.is_lt()) {
            return Ok(Value::small(0));
        }
        match int::as_i64(k) {
            Some(k) => falling(cx, n, k as u64),
            None => raise!(cx, OverflowError, "k must not exceed {}", i64::MAX),
        }
    }

    /// Number of ways to choose k items from n items without repetition and without order.
    ///
    /// Evaluates to n! / (k! * (n - k)!) when k <= n and evaluates
    /// to zero when k > n.
    ///
    /// Also called the binomial coefficient because it is equivalent
    /// to the coefficient of k-th term in polynomial expansion of the
    /// expression (1 + x)**n.
    ///
    /// Raises TypeError if either of the arguments are not integers.
    /// Raises ValueError if either of the arguments are negative.
    #[py("($module, n, k, /)")]
    fn comb(cx: &mut Cx, n: Value, k: Value) -> PyResult<Value> {
        let n = number::index(cx, n)?;
        let k = number::index(cx, k)?;
        if is_negative(n) {
            return raise!(cx, ValueError, "n must be a non-negative integer");
        }
        if is_negative(k) {
            return raise!(cx, ValueError, "k must be a non-negative integer");
        }
        let rest = int::sub(cx, n, k)?;
        if is_negative(rest) {
            return Ok(Value::small(0));
        }
        let least = if int::compare(rest, k).is_some_and(|o| o.is_lt()) { rest } else { k };
        match int::as_i64(least) {
            Some(k) => binomial(cx, n, k as u64),
            None => raise!(cx, OverflowError, "min(n - k, k) must not exceed {}", i64::MAX),
        }
    }

    /// Greatest Common Divisor.
    #[py("($module, *integers)")]
    fn gcd(cx: &mut Cx, integers: &'static Tuple) -> PyResult<Value> {
        let mut result = Value::small(0);
        for v in integers.items() {
            let v = number::index(cx, *v)?;
            result = gcd(cx, result, v);
        }
        Ok(result)
    }

    /// Least Common Multiple.
    #[py("($module, *integers)")]
    fn lcm(cx: &mut Cx, integers: &'static Tuple) -> PyResult<Value> {
        let mut result = Value::small(1);
        for v in integers.items() {
            let v = number::index(cx, *v)?;
            result = lcm(cx, result, v)?;
        }
        Ok(result)
    }

    /// Return the integer part of the square root of the input.
    #[py("($module, n, /)")]
    fn isqrt(cx: &mut Cx, n: Value) -> PyResult<Value> {
        let n = number::index(cx, n)?;
        if is_negative(n) {
            return raise!(cx, ValueError, "isqrt() argument must be nonnegative");
        }
        if let Some(i) = n.as_small() {
            return Ok(Value::small((i as u64).isqrt() as i64));
        }
        let Some(w) = int::view(n) else { return Ok(n) };
        let mut out = Vec::new();
        big::isqrt(w.digits(), &mut out);
        Ok(cx.int_from_digits(false, &out))
    }
}
