//! What `sum` adds up.

use crate::protocol::number;
use crate::types::complex::{self, Complex};
use crate::types::{boolean, float, int};
use crate::{Cx, PyResult, Value};

/// A float sum with compensation (Neumaier).
#[derive(Clone, Copy, Default, Debug)]
pub struct Sum {
    /// The sum as additions gave it.
    pub high: f64,
    /// What they lost.
    pub low: f64,
}

impl Sum {
    /// Adds a number.
    pub fn add(&mut self, x: f64) {
        let total = self.high + x;
        if self.high.abs() >= x.abs() {
            self.low += (self.high - total) + x;
        } else {
            self.low += (x - total) + self.high;
        }
        self.high = total;
    }

    /// The sum.
    pub fn value(self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

/// The running total of `sum`: as narrow a representation as the items allow.
#[derive(Clone, Copy, Debug)]
pub enum Total {
    /// Of ints.
    Int(i64),
    /// Of floats, and ints among them.
    Float(Sum),
    /// Of complex numbers, and others among them.
    Complex(Sum, Sum),
    /// Of anything.
    Any(Value),
}

impl Total {
    /// The total that begins with `v`.
    pub fn of(v: Value) -> Total {
        if std::ptr::eq(v.class(), &int::INT)
            && let Some(i) = int::as_i64(v)
        {
            return Total::Int(i);
        }
        if std::ptr::eq(v.class(), &float::FLOAT) {
            return Total::Float(Sum { high: float::of(v), low: 0.0 });
        }
        if let Some(c) = v.exact::<Complex>() {
            return Total::Complex(Sum { high: c.re, low: 0.0 }, Sum { high: c.im, low: 0.0 });
        }
        Total::Any(v)
    }

    /// The total as an object. May collect.
    pub fn value(self, cx: &mut Cx) -> Value {
        match self {
            Total::Int(i) => cx.int(i),
            Total::Float(sum) => cx.float(sum.value()),
            Total::Complex(re, im) => complex::new(cx, re.value(), im.value()),
            Total::Any(v) => v,
        }
    }

    /// The total with `item` added. Raises what adding raises; may collect.
    pub fn add(self, cx: &mut Cx, item: Value) -> PyResult<Total> {
        let class = item.class();
        let is_int = std::ptr::eq(class, &int::INT);
        match self {
            Total::Int(total) => {
                if (is_int || std::ptr::eq(class, &boolean::BOOL))
                    && let Some(sum) = int::as_i64(item).and_then(|i| total.checked_add(i))
                {
                    return Ok(Total::Int(sum));
                }
            }
            Total::Float(mut sum) => {
                if std::ptr::eq(class, &float::FLOAT) {
                    sum.add(float::of(item));
                    return Ok(Total::Float(sum));
                }
                if int::check(item) {
                    sum.add(int::to_f64(cx, item)?);
                    return Ok(Total::Float(sum));
                }
                // The low part is kept when the sum turns complex.
                if let Some(c) = item.exact::<Complex>() {
                    let mut re = sum;
                    re.add(c.re);
                    return Ok(Total::Complex(re, Sum { high: c.im, low: 0.0 }));
                }
            }
            Total::Complex(mut re, mut im) => {
                if let Some(c) = item.exact::<Complex>() {
                    re.add(c.re);
                    im.add(c.im);
                    return Ok(Total::Complex(re, im));
                }
                if int::check(item) {
                    re.add(int::to_f64(cx, item)?);
                    return Ok(Total::Complex(re, im));
                }
                if let Some(d) = float::as_f64(item) {
                    re.add(d);
                    return Ok(Total::Complex(re, im));
                }
            }
            Total::Any(_) => {}
        }
        let total = self.value(cx);
        let sum = number::binary(cx, total, item, &number::ADD)?;
        Ok(match self {
            Total::Any(_) => Total::Any(sum),
            _ => Total::of(sum),
        })
    }
}
