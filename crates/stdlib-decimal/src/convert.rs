//! Decimals from and to other Python objects.

use std::borrow::Cow;

use taipan_decimal::{Context, Dec, Kind, Num, Status, limbs, status};
use taipan_num::big;
use taipan_runtime::protocol::iter;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};

use crate::context::ContextObject;
use crate::decimal::Decimal;

/// An operand: a decimal, or an int as one.
pub enum Operand {
    /// A decimal object.
    Object(&'static Decimal),
    /// A converted number.
    Converted(Dec),
}

impl Operand {
    /// The number.
    #[inline(always)]
    pub fn num(&self) -> Num<'_> {
        match self {
            Operand::Object(d) => d.num(),
            Operand::Converted(d) => d.num(),
        }
    }
}

/// An int or decimal as an operand; None for other objects.
#[inline(always)]
pub fn operand(v: Value) -> Option<Operand> {
    if let Some(d) = v.downcast::<Decimal>() {
        return Some(Operand::Object(d));
    }
    if let Some(i) = v.as_small() {
        return Some(Operand::Converted(Dec::from_i64(i)));
    }
    int::check(v).then(|| Operand::Converted(from_int(v)))
}

/// An int or decimal as an operand; TypeError for other objects.
#[inline(always)]
pub fn need_operand(cx: &mut Cx, v: Value) -> PyResult<Operand> {
    match operand(v) {
        Some(operand) => Ok(operand),
        None => not_supported(cx, v),
    }
}

#[cold]
fn not_supported<T>(cx: &mut Cx, v: Value) -> PyResult<T> {
    let name = v.class().tp_name();
    raise!(cx, TypeError, "conversion from {name} to Decimal is not supported")
}

/// An int exactly.
pub fn from_int(v: Value) -> Dec {
    if let Some(n) = int::as_i64(v) {
        return Dec::from_i64(n);
    }
    let Some(view) = int::view(v) else { return Dec::from_i64(0) };
    let mut text = String::new();
    big::to_decimal(view.digits(), &mut text);
    Dec::finite(view.negative, limbs::from_digits(text.as_bytes()), 0)
}

/// An integral number as an int; None if it is too large for the memory. May collect.
pub fn to_int(cx: &mut Cx, dec: &Dec) -> Option<Value> {
    if dec.exp == 0
        && let Some(size) = limbs::to_u64(&dec.coef)
    {
        return Some(cx.int_wide(if dec.neg { -(size as i128) } else { size as i128 }));
    }
    let digits = dec.num().integer_digits()?;
    let mut mag = Vec::new();
    big::from_decimal(&digits, &mut mag);
    Some(cx.int_from_digits(dec.neg, &mag))
}

/// The text of a number as ASCII: digits of all scripts, and with `lenient` without spaces around it and underscores
/// in it. What is none of this becomes a zero byte.
fn ascii_text(s: &'static Str, lenient: bool) -> Cow<'static, [u8]> {
    if let Some(text) = s.as_ascii() {
        let text = if lenient { text.trim_matches(|c: char| is_space(c as u32)) } else { text };
        if !lenient || !text.contains('_') {
            return Cow::Borrowed(text.as_bytes());
        }
    }
    let points: Vec<u32> = s.chars().collect();
    let mut points: &[u32] = &points;
    if lenient {
        while let [first, rest @ ..] = points
            && is_space(*first)
        {
            points = rest;
        }
        while let [rest @ .., last] = points
            && is_space(*last)
        {
            points = rest;
        }
    }
    let ascii = |c: &u32| match *c {
        c if c == u32::from(b'_') && lenient => None,
        c @ 1..128 => Some(c as u8),
        c => Some(taipan_text::unicode::decimal(c).map_or(0, |d| b'0' + d as u8)),
    };
    Cow::Owned(points.iter().filter_map(ascii).collect())
}

fn is_space(c: u32) -> bool {
    taipan_text::unicode::is_space(c)
}

/// `Decimal(v)`: exactly.
pub fn exact(cx: &mut Cx, v: Value, context: &'static ContextObject) -> PyResult<Dec> {
    let mut st = 0;
    let dec = if let Some(s) = v.downcast::<Str>() {
        match Dec::parse(&ascii_text(s, true)) {
            Some(dec) => dec.exact(&mut st),
            None => Dec::invalid(status::CONVERSION_SYNTAX, &mut st),
        }
    } else if let Some(operand) = operand(v) {
        operand.num().to_dec()
    } else if v.downcast::<Tuple>().is_some() || v.downcast::<List>().is_some() {
        from_parts(cx, v)?.exact(&mut st)
    } else if let Some(d) = float::as_f64(v) {
        context.signal(cx, status::FLOAT_OPERATION)?;
        Dec::from_f64(d)
    } else {
        return not_supported(cx, v);
    };
    context.signal(cx, st)?;
    Ok(dec)
}

/// `context.create_decimal(v)`: rounded.
pub fn rounded(cx: &mut Cx, v: Value, context: &'static ContextObject) -> PyResult<Dec> {
    let settings = context.settings.get();
    let mut st = 0;
    let dec = if let Some(d) = v.downcast::<Decimal>() {
        if d.num().is_nan() && !d.num().coef.is_empty() && d.num().digits() > settings.prec - i64::from(settings.clamp)
        {
            Dec::invalid(status::CONVERSION_SYNTAX, &mut st)
        } else {
            d.num().rounded(&settings, &mut st)
        }
    } else if let Some(s) = v.downcast::<Str>() {
        Dec::from_text(&ascii_text(s, false), &settings, &mut st)
    } else if int::check(v) {
        from_int(v).finish(&settings, &mut st)
    } else if v.downcast::<Tuple>().is_some() || v.downcast::<List>().is_some() {
        round_parts(from_parts(cx, v)?, &settings, &mut st)
    } else if let Some(d) = float::as_f64(v) {
        context.signal(cx, status::FLOAT_OPERATION)?;
        Dec::from_f64(d).finish(&settings, &mut st)
    } else {
        return not_supported(cx, v);
    };
    context.signal(cx, st)?;
    Ok(dec)
}

fn round_parts(dec: Dec, settings: &Context, st: &mut Status) -> Dec {
    if dec.num().is_nan() && !dec.coef.is_empty() && dec.num().digits() > settings.prec - i64::from(settings.clamp) {
        return Dec::invalid(status::CONVERSION_SYNTAX, st);
    }
    dec.finish(settings, st)
}

/// A number from `(sign, digits, exponent)`.
fn from_parts(cx: &mut Cx, v: Value) -> PyResult<Dec> {
    let parts = iter::to_tuple(cx, v)?;
    let &[sign, digits, exponent] = parts.items() else {
        return raise!(cx, ValueError, "argument must be a sequence of length 3");
    };
    let neg = match int::as_i64(sign) {
        Some(n @ 0..=1) => n == 1,
        _ => return raise!(cx, ValueError, "sign must be an integer with the value 0 or 1"),
    };
    let (kind, exp) = if let Some(s) = exponent.downcast::<Str>() {
        let kind = [("F", Kind::Infinite), ("n", Kind::Quiet), ("N", Kind::Signaling)];
        match kind.iter().find(|row| s.eq_rust(row.0)) {
            Some(row) => (row.1, 0),
            None => return raise!(cx, ValueError, "string argument in the third position must be 'F', 'n' or 'N'"),
        }
    } else if int::check(exponent) {
        match int::as_i64(exponent) {
            Some(n) => (Kind::Finite, n),
            None => return raise!(cx, OverflowError, "Python int too large to convert to C ssize_t"),
        }
    } else {
        return raise!(cx, ValueError, "exponent must be an integer");
    };
    if digits.downcast::<Tuple>().is_none() && digits.downcast::<List>().is_none() {
        return raise!(cx, ValueError, "coefficient must be a tuple of digits");
    }
    let digits = iter::to_tuple(cx, digits)?;
    let mut text = Vec::with_capacity(digits.len());
    for digit in digits.items() {
        match int::as_i64(*digit) {
            Some(n @ 0..=9) => text.push(b'0' + n as u8),
            _ => return raise!(cx, ValueError, "coefficient must be a tuple of digits"),
        }
    }
    let coef = if kind == Kind::Infinite { limbs::Coef::new() } else { limbs::from_digits(&text) };
    const FAR: i64 = 4_000_000_000_000_000_000;
    Ok(Dec { neg, kind, exp: exp.clamp(-FAR, FAR), coef })
}

/// Why `v` cannot become an int or ratio.
pub fn check_finite(cx: &mut Cx, num: Num, what: &str) -> PyResult<()> {
    match num.kind {
        Kind::Finite => Ok(()),
        Kind::Infinite => raise!(cx, OverflowError, "cannot convert Infinity to {what}"),
        _ => Err(cx.raise_text(&exceptions::ValueError, &format!("cannot convert NaN to {what}"))),
    }
}
