//! Sums and products with more than float precision: fsum, sumprod, prod, hypot, dist.

use taipan_macros::pymethods;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{boolean, float};
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::{frexp, is_exact_float, libm};

/// A number as the unevaluated sum of two floats.
#[derive(Clone, Copy)]
struct Double {
    high: f64,
    low: f64,
}

/// `a + b` exactly, for `|a| >= |b|`.
fn fast_sum(a: f64, b: f64) -> Double {
    let x = a + b;
    Double { high: x, low: (a - x) + b }
}

/// `a + b` exactly.
fn exact_sum(a: f64, b: f64) -> Double {
    let x = a + b;
    let z = x - a;
    Double { high: x, low: (a - (x - z)) + (b - z) }
}

/// `a * b` exactly.
fn exact_product(a: f64, b: f64) -> Double {
    let z = a * b;
    Double { high: z, low: a.mul_add(b, -z) }
}

/// A running sum of products in about three times float precision.
#[derive(Clone, Copy, Default)]
struct Triple {
    high: f64,
    low: f64,
    tiny: f64,
}

impl Triple {
    fn add_product(self, x: f64, y: f64) -> Triple {
        let product = exact_product(x, y);
        let sum = exact_sum(self.high, product.high);
        let r1 = exact_sum(self.low, product.low);
        let r2 = exact_sum(r1.high, sum.low);
        Triple { high: sum.high, low: r2.high, tiny: self.tiny + r1.low + r2.low }
    }

    fn total(self) -> f64 {
        let last = exact_sum(self.low, self.tiny);
        self.high + last.high
    }
}

/// Adds `x` to non-overlapping partial sums (Shewchuk). The last one is the largest.
fn add_partial(partials: &mut Vec<f64>, mut x: f64) {
    let mut kept = 0;
    for i in 0..partials.len() {
        let mut y = partials[i];
        if x.abs() < y.abs() {
            std::mem::swap(&mut x, &mut y);
        }
        let high = x + y;
        let low = y - (high - x);
        if low != 0.0 {
            partials[kept] = low;
            kept += 1;
        }
        x = high;
    }
    partials.truncate(kept);
    partials.push(x);
}

/// The sum of partial sums, rounded once to even.
fn round_partials(partials: &[f64]) -> f64 {
    let mut n = partials.len();
    if n == 0 {
        return 0.0;
    }
    n -= 1;
    let mut high = partials[n];
    let mut low = 0.0;
    while n > 0 {
        let x = high;
        n -= 1;
        let y = partials[n];
        high = x + y;
        low = y - (high - x);
        if low != 0.0 {
            break;
        }
    }
    // Halfway cases depend on the sign of what follows.
    if n > 0 && (low < 0.0 && partials[n - 1] < 0.0 || low > 0.0 && partials[n - 1] > 0.0) {
        let y = low * 2.0;
        let x = high + y;
        if y == x - high {
            high = x;
        }
    }
    high
}

/// Euclidean norm, in nearly all cases correctly rounded: scaled, exact squares, one step of correction.
fn norm(coordinates: &mut [f64], max: f64, found_nan: bool) -> f64 {
    if max.is_infinite() {
        return max;
    }
    if found_nan {
        return f64::NAN;
    }
    if max == 0.0 || coordinates.len() <= 1 {
        return max;
    }
    let (_, exponent) = frexp(max);
    if exponent < -1023 {
        // Subnormal: the scale itself would overflow.
        for x in coordinates.iter_mut() {
            *x /= f64::MIN_POSITIVE;
        }
        return f64::MIN_POSITIVE * norm(coordinates, max / f64::MIN_POSITIVE, false);
    }
    let scale = libm::ldexp(1.0, -exponent as i32);
    let (mut sum, mut rest_1, mut rest_2) = (1.0, 0.0, 0.0);
    for x in coordinates.iter() {
        let x = x * scale;
        let square = exact_product(x, x);
        let s = fast_sum(sum, square.high);
        sum = s.high;
        rest_1 += square.low;
        rest_2 += s.low;
    }
    let h = (sum - 1.0 + (rest_1 + rest_2)).sqrt();
    let square = exact_product(-h, h);
    let s = fast_sum(sum, square.high);
    sum = s.high;
    rest_1 += square.low;
    rest_2 += s.low;
    let x = sum - 1.0 + (rest_1 + rest_2);
    (h + x / (2.0 * h)) / scale
}

fn norm_of(coordinates: &mut [f64]) -> f64 {
    let (mut max, mut found_nan) = (0.0f64, false);
    for x in coordinates.iter_mut() {
        *x = x.abs();
        found_nan |= x.is_nan();
        if *x > max {
            max = *x;
        }
    }
    norm(coordinates, max, found_nan)
}

/// Functions over several numbers.
pub struct Sums;

#[pymethods]
impl Sums {
    /// Return an accurate floating-point sum of values in the iterable seq.
    ///
    /// Assumes IEEE-754 floating-point arithmetic.
    #[py("($module, seq, /)")]
    fn fsum(cx: &mut Cx, seq: Value) -> PyResult<f64> {
        let (mut partials, mut special, mut infinite) = (Vec::new(), 0.0, 0.0);
        iter::for_each(cx, seq, |cx, item| {
            let x = number::to_f64(cx, item)?;
            add_partial(&mut partials, x);
            let last = partials.last().copied().unwrap_or(0.0);
            if !last.is_finite() {
                if x.is_finite() {
                    return raise!(cx, OverflowError, "intermediate overflow in fsum");
                }
                if x.is_infinite() {
                    infinite += x;
                }
                special += x;
                partials.clear();
            }
            Ok(true)
        })?;
        if special != 0.0 {
            if f64::is_nan(infinite) {
                return raise!(cx, ValueError, "-inf + inf in fsum");
            }
            return Ok(special);
        }
        Ok(round_partials(&partials))
    }

    /// Calculate the product of all the elements in the input iterable.
    ///
    /// The default start value for the product is 1.
    ///
    /// When the iterable is empty, return the start value.  This function is
    /// intended specifically for use with numeric values and may reject
    /// non-numeric types.
    #[py("($module, iterable, /, *, start=1)")]
    fn prod(cx: &mut Cx, iterable: Value, start: Option<Value>) -> PyResult<Value> {
        let mut total = start.unwrap_or(Value::small(1));
        iter::for_each(cx, iterable, |cx, item| {
            total = match (total.as_small(), item.as_small()) {
                (Some(a), Some(b)) if a.checked_mul(b).is_some() => cx.int(a * b),
                _ => number::binary(cx, total, item, &number::MUL)?,
            };
            Ok(true)
        })?;
        Ok(total)
    }

    /// Multidimensional Euclidean distance from the origin to a point.
    ///
    /// Roughly equivalent to:
    ///     sqrt(sum(x**2 for x in coordinates))
    ///
    /// For a two dimensional point (x, y), gives the hypotenuse
    /// using the Pythagorean theorem:  sqrt(x*x + y*y).
    ///
    /// For example, the hypotenuse of a 3/4/5 right triangle is:
    ///
    ///     >>> hypot(3.0, 4.0)
    ///     5.0
    #[py("($module, *coordinates)")]
    fn hypot(cx: &mut Cx, coordinates: &'static Tuple) -> PyResult<f64> {
        let mut all = Vec::with_capacity(coordinates.len());
        for v in coordinates.items() {
            all.push(number::to_f64(cx, *v)?);
        }
        Ok(norm_of(&mut all))
    }

    /// Return the Euclidean distance between two points p and q.
    ///
    /// The points should be specified as sequences (or iterables) of
    /// coordinates.  Both inputs must have the same dimension.
    ///
    /// Roughly equivalent to:
    ///     sqrt(sum((px - qx) ** 2.0 for px, qx in zip(p, q)))
    #[py("($module, p, q, /)")]
    fn dist(cx: &mut Cx, p: Value, q: Value) -> PyResult<f64> {
        let p = iter::to_tuple(cx, p)?;
        let q = iter::to_tuple(cx, q)?;
        if p.len() != q.len() {
            return raise!(cx, ValueError, "both points must have the same number of dimensions");
        }
        let mut all = Vec::with_capacity(p.len());
        for (a, b) in p.items().iter().zip(q.items()) {
            let a = number::to_f64(cx, *a)?;
            let b = number::to_f64(cx, *b)?;
            all.push((a - b).abs());
        }
        Ok(norm_of(&mut all))
    }

    /// Return the sum of products of values from two iterables p and q.
    ///
    /// Roughly equivalent to:
    ///
    ///     sum(map(operator.mul, p, q, strict=True))
    ///
    /// For float and mixed int/float inputs, the intermediate products
    /// and sums are computed with extended precision.
    #[py("($module, p, q, /)")]
    fn sumprod(cx: &mut Cx, p: Value, q: Value) -> PyResult<Value> {
        let p = iter::iter(cx, p)?;
        let q = iter::iter(cx, q)?;
        let mut sum = SumOfProducts { total: Value::small(0), ints: 0, floats: None };
        loop {
            let x = iter::next(cx, p)?;
            let y = iter::next(cx, q)?;
            match (x, y) {
                (Some(x), Some(y)) => sum.add(cx, x, y)?,
                (None, None) => break,
                _ => return raise!(cx, ValueError, "Inputs are not the same length"),
            }
        }
        sum.flush(cx)?;
        Ok(sum.total)
    }
}

/// State of `sumprod`: what was added in object form, in machine ints, and in extended precision.
struct SumOfProducts {
    total: Value,
    ints: i64,
    floats: Option<Triple>,
}

fn plain_int(v: Value) -> Option<i64> {
    v.as_small()
}

/// A float, or an int or bool that a float operation would convert.
fn as_float_operand(v: Value) -> Option<f64> {
    if is_exact_float(v) {
        return Some(float::of(v));
    }
    if v.exact_class(&boolean::BOOL) {
        return Some(f64::from(u8::from(v == Value::bool(true))));
    }
    v.as_small().map(|i| i as f64)
}

impl SumOfProducts {
    fn add(&mut self, cx: &mut Cx, x: Value, y: Value) -> PyResult<()> {
        if let (Some(a), Some(b)) = (plain_int(x), plain_int(y))
            && let Some(sum) = a.checked_mul(b).and_then(|p| self.ints.checked_add(p))
        {
            if self.floats.is_some() {
                self.flush(cx)?;
                self.ints = a * b;
            } else {
                self.ints = sum;
            }
            return Ok(());
        }
        if (is_exact_float(x) || is_exact_float(y))
            && let (Some(a), Some(b)) = (as_float_operand(x), as_float_operand(y))
        {
            if self.ints != 0 {
                self.flush(cx)?;
            }
            let next = self.floats.unwrap_or_default().add_product(a, b);
            if next.high.is_finite() {
                self.floats = Some(next);
                return Ok(());
            }
        }
        self.flush(cx)?;
        let product = number::binary(cx, x, y, &number::MUL)?;
        self.total = number::binary(cx, self.total, product, &number::ADD)?;
        Ok(())
    }

    fn flush(&mut self, cx: &mut Cx) -> PyResult<()> {
        if self.ints != 0 {
            let ints = cx.int(self.ints);
            self.ints = 0;
            self.total = number::binary(cx, self.total, ints, &number::ADD)?;
        }
        if let Some(floats) = self.floats.take() {
            let floats = cx.float(floats.total());
            self.total = number::binary(cx, self.total, floats, &number::ADD)?;
        }
        Ok(())
    }
}
