//! Comparisons, `min` and `max`, and the numbers next to a number.

use std::cmp::Ordering;

use crate::limbs;
use crate::{Context, Dec, Kind, Num, Rounding, Status, status};

/// Compares the sizes of finite numbers.
fn cmp_sizes(a: Num, b: Num) -> Ordering {
    match (a.coef.is_empty(), b.coef.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    if a.exp == b.exp {
        return limbs::cmp(a.coef, b.coef);
    }
    let order = a.adjusted().cmp(&b.adjusted());
    if order != Ordering::Equal {
        return order;
    }
    if a.exp > b.exp {
        limbs::cmp(&limbs::shift_left(a.coef, (a.exp - b.exp) as usize), b.coef)
    } else {
        limbs::cmp(a.coef, &limbs::shift_left(b.coef, (b.exp - a.exp) as usize))
    }
}

/// The order of a whole: by sizes, reversed below zero.
fn signed(order: Ordering, neg: bool) -> Ordering {
    if neg { order.reverse() } else { order }
}

impl<'a> Num<'a> {
    /// The numerical order; neither may be a NaN.
    pub fn order(self, other: Num) -> Ordering {
        if self.is_zero() && other.is_zero() {
            return Ordering::Equal;
        }
        if self.is_zero() || other.is_zero() || self.neg != other.neg {
            let sign = |n: Num| if n.is_zero() { 0 } else { 1 - 2 * i32::from(n.neg) };
            return sign(self).cmp(&sign(other));
        }
        let order = match (self.is_infinite(), other.is_infinite()) {
            (false, false) => cmp_sizes(self, other),
            (x, y) => x.cmp(&y),
        };
        signed(order, self.neg)
    }

    /// `compare`: -1, 0 or 1, or NaN.
    pub fn compare(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        match self.nan_result_2(other, cx, st) {
            Some(nan) => nan,
            None => Dec::from_i64(self.order(other) as i64),
        }
    }

    /// `compare_signal`: every NaN is invalid.
    pub fn compare_signal(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        match self.nan_result_2(other, cx, st) {
            Some(nan) => {
                *st |= status::INVALID_OPERATION;
                nan
            }
            None => Dec::from_i64(self.order(other) as i64),
        }
    }

    /// The total order of representations.
    pub fn total_order(self, other: Num) -> Ordering {
        if self.neg != other.neg {
            return other.neg.cmp(&self.neg);
        }
        let rank = |n: Num| match n.kind {
            Kind::Finite => 0,
            Kind::Infinite => 1,
            Kind::Signaling => 2,
            Kind::Quiet => 3,
        };
        let order = rank(self).cmp(&rank(other)).then_with(|| match self.kind {
            Kind::Infinite => Ordering::Equal,
            Kind::Finite => cmp_sizes(self, other).then_with(|| self.exp.cmp(&other.exp)),
            _ => limbs::cmp(self.coef, other.coef),
        });
        signed(order, self.neg)
    }

    fn sizes_only(self) -> Num<'a> {
        self.with_sign(false)
    }

    /// `max`; with `sizes` `max_mag`.
    pub fn max(self, other: Num, sizes: bool, cx: &Context, st: &mut Status) -> Dec {
        self.choose(other, sizes, Ordering::Greater, cx, st)
    }

    /// `min`; with `sizes` `min_mag`.
    pub fn min(self, other: Num, sizes: bool, cx: &Context, st: &mut Status) -> Dec {
        self.choose(other, sizes, Ordering::Less, cx, st)
    }

    fn choose(self, other: Num, sizes: bool, wanted: Ordering, cx: &Context, st: &mut Status) -> Dec {
        // A quiet NaN beside a number is no value; the number is chosen.
        if self.kind == Kind::Quiet && !other.is_nan() {
            return other.to_dec().finish(cx, st);
        }
        if other.kind == Kind::Quiet && !self.is_nan() {
            return self.to_dec().finish(cx, st);
        }
        if let Some(nan) = self.nan_result_2(other, cx, st) {
            return nan;
        }
        let mut order = if sizes { self.sizes_only().order(other.with_sign(false)) } else { self.order(other) };
        if sizes && order == Ordering::Equal {
            order = self.order(other);
        }
        if order == Ordering::Equal {
            order = self.total_order(other);
        }
        let first = if order == Ordering::Equal { wanted == Ordering::Greater } else { order == wanted };
        (if first { self.to_dec() } else { other.to_dec() }).finish(cx, st)
    }

    /// The largest number below.
    pub fn next_minus(self, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result(cx, st) {
            return nan;
        }
        self.neighbour(true, cx, st)
    }

    /// The least number above.
    pub fn next_plus(self, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result(cx, st) {
            return nan;
        }
        self.neighbour(false, cx, st)
    }

    fn neighbour(self, down: bool, cx: &Context, st: &mut Status) -> Dec {
        if self.is_infinite() {
            return if self.neg == down { self.to_dec() } else { Dec::largest(self.neg, cx, st) };
        }
        let cx = Context { rounding: if down { Rounding::Floor } else { Rounding::Ceiling }, ..*cx };
        let mut quiet = 0;
        let rounded = self.to_dec().finish(&cx, &mut quiet);
        if quiet & (status::INEXACT | status::ERRORS) != 0 {
            *st |= quiet & status::ERRORS;
            return rounded;
        }
        let unit = Num::unit(down, cx.etiny() - 1);
        let next = self.add(unit.num(), &cx, &mut quiet);
        *st |= quiet & status::ERRORS;
        next
    }

    /// The number next to this one towards `other`.
    pub fn next_toward(self, other: Num, cx: &Context, st: &mut Status) -> Dec {
        if let Some(nan) = self.nan_result_2(other, cx, st) {
            return nan;
        }
        let result = match self.order(other) {
            Ordering::Equal => return self.with_sign(other.neg).to_dec(),
            Ordering::Greater => self.neighbour(true, cx, st),
            Ordering::Less => self.neighbour(false, cx, st),
        };
        if result.kind == Kind::Infinite {
            *st |= status::OVERFLOW | status::ROUNDED | status::INEXACT;
        } else if result.num().adjusted() < cx.emin {
            *st |= status::UNDERFLOW | status::SUBNORMAL | status::ROUNDED | status::INEXACT;
            if result.coef.is_empty() {
                *st |= status::CLAMPED;
            }
        }
        result
    }

    /// `same_quantum`.
    pub fn same_quantum(self, other: Num) -> bool {
        if self.is_special() || other.is_special() {
            return self.is_nan() && other.is_nan() || self.is_infinite() && other.is_infinite();
        }
        self.exp == other.exp
    }

    /// `number_class`.
    pub fn class_name(self, cx: &Context) -> &'static str {
        match (self.kind, self.neg) {
            (Kind::Signaling, _) => "sNaN",
            (Kind::Quiet, _) => "NaN",
            (Kind::Infinite, false) => "+Infinity",
            (Kind::Infinite, true) => "-Infinity",
            (Kind::Finite, neg) => match (self.coef.is_empty(), self.is_subnormal(cx), neg) {
                (true, _, false) => "+Zero",
                (true, _, true) => "-Zero",
                (_, true, false) => "+Subnormal",
                (_, true, true) => "-Subnormal",
                (_, _, false) => "+Normal",
                (_, _, true) => "-Normal",
            },
        }
    }
}
