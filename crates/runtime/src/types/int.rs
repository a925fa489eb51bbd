//! int: objects for numbers beyond 63 bits, arithmetic on all ints. The methods are in `int_methods.rs`.
//!
//! Heap ints have CPython's layout (CABI 2.2): tag at +16 (sign and digit count), 30-bit digits from +24.

use std::cell::Cell;

use taipan_num::big;

use crate::cx::Cx;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::int_medium;
use crate::value::{INT_MAX, INT_MIN, Value};
use crate::{PyResult, object, raise};

/// An int object.
#[repr(C)]
pub struct Int {
    header: Header,
    tag: Cell<u64>,
    digits: [u32; 0],
}
object!(Int, INT);

/// The type int.
pub static INT: Type = Type::new(&INT_SPEC);
static INT_SPEC: TypeSpec = TypeSpec {
    name: "int",
    basicsize: 24,
    itemsize: 4,
    flags: flags::BASETYPE | flags::LONG | flags::MATCH_SELF,
    slots: Slots {
        repr: Some(|cx, v| crate::types::int_methods::to_decimal(cx, v)),
        hash: Some(|_, v| Ok(hash(v))),
        richcompare: Some(richcompare),
        new: Some(crate::types::int_methods::new),
        add: Some(add),
        sub: Some(sub),
        mul: Some(mul),
        truediv: Some(truediv),
        floordiv: Some(floordiv),
        rem: Some(rem),
        divmod: Some(divmod),
        pow: Some(pow),
        lshift: Some(lshift),
        rshift: Some(rshift),
        and: Some(and),
        or: Some(or),
        xor: Some(xor),
        neg: Some(neg),
        pos: Some(plain),
        invert: Some(invert),
        abs: Some(abs),
        bool: Some(|_, v| Ok(is_true(v))),
        int: Some(plain),
        float: Some(|cx, v| {
            let d = to_f64(cx, v)?;
            Ok(cx.float(d))
        }),
        index: Some(plain),
        ..Slots::NONE
    },
    methods: &[crate::types::int_methods::IntMethods::METHODS],
    getsets: &[crate::types::int_methods::IntMethods::GETSETS],
    doc: "int([x]) -> integer\nint(x, base=10) -> integer\n\nConvert a number or string to an integer, or return 0 if no arguments\nare given.  If x is a number, return x.__int__().  For floating-point\nnumbers, this truncates towards zero.\n\nIf x is not a number or if base is given, then x must be a string,\nbytes, or bytearray instance representing an integer literal in the\ngiven base.  The literal can be preceded by '+' or '-' and be surrounded\nby whitespace.  The base defaults to 10.  Valid bases are 0 and 2-36.\nBase 0 means to interpret the base from the string as an integer literal.\n>>> int('0b100', base=0)\n4",
    ..TypeSpec::DEFAULT
};

impl Int {
    /// True for negative numbers.
    pub fn is_negative(&self) -> bool {
        self.tag.get() & 3 == 2
    }

    /// Sets sign and digit count of a new int that is not 0.
    #[inline(always)]
    pub(crate) fn set_tag(&self, negative: bool, count: usize) {
        self.tag.set((count as u64) << 3 | u64::from(negative) * 2);
    }

    /// The magnitude's 30-bit digits, empty for 0.
    pub fn digits(&self) -> &'static [u32] {
        let n = (self.tag.get() >> 3) as usize;
        // SAFETY: the tag counts the digits behind it.
        unsafe { std::slice::from_raw_parts((self as *const Int).cast::<u8>().add(24).cast(), n) }
    }
}

/// Sign and digits of an int, of whatever representation.
pub struct View {
    /// True for negative numbers.
    pub negative: bool,
    small: [u32; 3],
    len: u8,
    heap: Option<&'static [u32]>,
}

impl View {
    /// The digits.
    #[inline]
    pub fn digits(&self) -> &[u32] {
        self.heap.unwrap_or(&self.small[..self.len as usize])
    }
}

/// The digits of `v` if it is an int or an instance of a subclass.
#[inline]
pub fn view(v: Value) -> Option<View> {
    if let Some(i) = v.as_small() {
        let mut m = i.unsigned_abs();
        let (mut small, mut len) = ([0; 3], 0);
        while m != 0 {
            small[len as usize] = (m & 0x3fff_ffff) as u32;
            m >>= 30;
            len += 1;
        }
        return Some(View { negative: i < 0, small, len, heap: None });
    }
    let int = as_heap(v)?;
    Some(View { negative: int.is_negative(), small: [0; 3], len: 0, heap: Some(int.digits()) })
}

#[inline]
pub(crate) fn as_heap(v: Value) -> Option<&'static Int> {
    let header = v.as_object()?;
    // SAFETY: the flag says that the layout is int's.
    if header.class().has(flags::LONG) { Some(unsafe { v.cast::<Int>() }) } else { None }
}

/// True for ints, instances of subclasses included.
#[inline(always)]
pub fn check(v: Value) -> bool {
    v.is_small() || as_heap(v).is_some()
}

/// The number as an i64, if `v` is an int that fits.
#[inline]
pub fn as_i64(v: Value) -> Option<i64> {
    if let Some(i) = v.as_small() {
        return Some(i);
    }
    let int = as_heap(v)?;
    big::to_i64(int.is_negative(), int.digits())
}

/// The number as a u64, if `v` is an exact int that fits.
pub fn as_u64(v: Value) -> Option<u64> {
    if let Some(i) = v.as_small() {
        return u64::try_from(i).ok();
    }
    let int = as_heap(v).filter(|_| std::ptr::eq(v.class(), &INT) && v.is_pointer())?;
    let digits = int.digits();
    if int.is_negative() || digits.len() > 3 {
        return None;
    }
    let wide = digits.iter().rev().fold(0u128, |n, d| n << 30 | *d as u128);
    u64::try_from(wide).ok()
}

/// `a is b` for exact heap ints.
pub fn identical_boxed(a: Value, b: Value) -> bool {
    if !std::ptr::eq(a.class(), &INT) || !std::ptr::eq(b.class(), &INT) || (a.is_pointer() == b.is_pointer()) {
        return false;
    }
    as_i64(a).is_some_and(|x| as_i64(b) == Some(x))
}

impl Cx {
    /// An int. May collect.
    #[inline(always)]
    pub fn int(&mut self, i: i64) -> Value {
        match Value::try_small(i) {
            Some(v) => v,
            None => self.int_wide(i as i128),
        }
    }

    /// An int. May collect.
    pub fn int_u64(&mut self, i: u64) -> Value {
        if i <= INT_MAX as u64 { Value::small(i as i64) } else { self.int_wide(i as i128) }
    }

    /// An int. May collect.
    #[cold]
    #[inline(never)]
    pub fn int_wide(&mut self, i: i128) -> Value {
        int_medium::make(self, i)
    }

    /// An int from sign and normalised 30-bit digits. May collect.
    pub fn int_from_digits(&mut self, negative: bool, digits: &[u32]) -> Value {
        if digits.len() <= 3
            && let Some(i) = big::to_i64(negative, digits)
            && (INT_MIN..=INT_MAX).contains(&i)
        {
            return Value::small(i);
        }
        new_heap(self, &INT, negative, digits)
    }
}

/// A heap int of `class`, whatever its size. May collect.
pub fn new_heap(cx: &mut Cx, class: &'static Type, negative: bool, digits: &[u32]) -> Value {
    let n = digits.len().max(1);
    let size = (24 + 4 * n).max(32);
    let p = cx.alloc_var(class, size, n);
    let sign = if digits.is_empty() { 1 } else { u64::from(negative) * 2 };
    // SAFETY: the object has room for n digits.
    unsafe {
        (*p.cast::<Int>()).tag.set((digits.len() as u64) << 3 | sign);
        std::ptr::copy_nonoverlapping(digits.as_ptr(), p.add(24).cast(), digits.len());
    }
    Value::from_address(p as usize)
}

fn is_true(v: Value) -> bool {
    match v.as_small() {
        Some(i) => i != 0,
        None => view(v).is_some_and(|w| !w.digits().is_empty()),
    }
}

/// The exact int of the same number (`int(v)`, `+v`).
pub fn plain(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.is_small() || std::ptr::eq(v.class(), &INT) {
        return Ok(v);
    }
    let w = view(v).expect("an int slot is called with ints");
    Ok(cx.int_from_digits(w.negative, w.digits()))
}

/// The hash of an int.
pub fn hash(v: Value) -> i64 {
    const MODULUS: i64 = (1 << 61) - 1;
    if let Some(i) = v.as_small() {
        if (-MODULUS + 1..MODULUS).contains(&i) {
            return if i == -1 { -2 } else { i };
        }
        let h = i % MODULUS;
        return if h == -1 { -2 } else { h };
    }
    let w = view(v).expect("an int slot is called with ints");
    big::hash(w.negative, w.digits())
}

/// The number as a float; OverflowError.
pub fn to_f64(cx: &mut Cx, v: Value) -> PyResult<f64> {
    if let Some(i) = v.as_small() {
        return Ok(i as f64);
    }
    let w = view(v).expect("an int slot is called with ints");
    match big::to_f64(w.negative, w.digits()) {
        Some(d) => Ok(d),
        None => raise!(cx, OverflowError, "int too large to convert to float"),
    }
}

type BigOp = fn(bool, &[u32], bool, &[u32], &mut Vec<u32>) -> bool;

fn wide(cx: &mut Cx, a: Value, b: Value, op: BigOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Value::not_implemented()) };
    check_digits(cx, x.digits().len() + y.digits().len())?;
    with_scratch(cx, |out| op(x.negative, x.digits(), y.negative, y.digits(), out))
}

/// MemoryError if a result of `n` digits cannot be had, which is there twice for a while.
#[inline]
fn check_digits(cx: &mut Cx, n: usize) -> PyResult<()> {
    crate::buffer::check_size(cx, n.saturating_mul(2 * size_of::<u32>()))
}

/// The int that `f` makes: it writes the digits and gives the sign. May collect.
fn with_scratch(cx: &mut Cx, f: impl FnOnce(&mut Vec<u32>) -> bool) -> PyResult<Value> {
    /// Digits of a scratch buffer that is kept.
    const KEEP: usize = 1 << 14;
    let mut out = cx.rt().int_scratch.take();
    out.clear();
    let negative = f(&mut out);
    let v = cx.int_from_digits(negative, &out);
    if out.capacity() <= KEEP {
        cx.rt().int_scratch.set(out);
    }
    Ok(v)
}

macro_rules! arithmetic {
    ($(#[doc = $doc:literal] $name:ident: $small:expr, $medium:expr, $big:expr;)*) => { $(
        #[doc = $doc]
        pub fn $name(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
            if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
                let small: fn(i64, i64) -> Option<i64> = $small;
                if let Some(r) = small(x, y) {
                    return Ok(cx.int(r));
                }
            }
            if let (Some(x), Some(y)) = (int_medium::get(a), int_medium::get(b)) {
                let medium: fn(&mut Cx, i128, i128) -> Option<Value> = $medium;
                if let Some(r) = medium(cx, x, y) {
                    return Ok(r);
                }
            }
            wide(cx, a, b, $big)
        }
    )* };
}

arithmetic! {
    /// `a + b`, or NotImplemented.
    add: |x, y| x.checked_add(y), |cx, x, y| Some(int_medium::make(cx, x + y)), big::add;
    /// `a - b`, or NotImplemented.
    sub: |x, y| x.checked_sub(y), |cx, x, y| Some(int_medium::make(cx, x - y)), big::sub;
    /// `a * b`, or NotImplemented.
    mul: |x, y| x.checked_mul(y), int_medium::mul, big::mul;
    /// `a & b`, or NotImplemented.
    and: |x, y| Some(x & y), |cx, x, y| Some(int_medium::make(cx, x & y)), big::and;
    /// `a | b`, or NotImplemented.
    or: |x, y| Some(x | y), |cx, x, y| Some(int_medium::make(cx, x | y)), big::or;
    /// `a ^ b`, or NotImplemented.
    xor: |x, y| Some(x ^ y), |cx, x, y| Some(int_medium::make(cx, x ^ y)), big::xor;
}

/// Floor division of machine ints; the divisor is not 0.
#[inline(always)]
pub fn floor_div_i64(x: i64, y: i64) -> i64 {
    let q = x.wrapping_div(y);
    if (x % y != 0) && ((x < 0) != (y < 0)) { q - 1 } else { q }
}

/// Modulo with the divisor's sign; the divisor is not 0.
#[inline(always)]
pub fn floor_mod_i64(x: i64, y: i64) -> i64 {
    let r = x.wrapping_rem(y);
    if r != 0 && ((r < 0) != (y < 0)) { r + y } else { r }
}

fn zero_check(cx: &mut Cx, a: Value, b: Value, text: &str) -> PyResult<bool> {
    if !check(a) || !check(b) {
        return Ok(false);
    }
    if !is_true(b) {
        return raise!(cx, ZeroDivisionError, "{text}");
    }
    Ok(true)
}

/// `a // b`, or NotImplemented.
pub fn floordiv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !zero_check(cx, a, b, "division by zero")? {
        return Ok(Value::not_implemented());
    }
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return Ok(cx.int(floor_div_i64(x, y)));
    }
    if let (Some(x), Some(y)) = (int_medium::get(a), int_medium::get(b)) {
        return Ok(int_medium::make(cx, int_medium::floor_divmod(x, y).0));
    }
    wide(cx, a, b, big::floor_div)
}

/// `a % b`, or NotImplemented.
pub fn rem(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !zero_check(cx, a, b, "division by zero")? {
        return Ok(Value::not_implemented());
    }
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return Ok(Value::small(floor_mod_i64(x, y)));
    }
    if let (Some(x), Some(y)) = (int_medium::get(a), int_medium::get(b)) {
        return Ok(int_medium::make(cx, int_medium::floor_divmod(x, y).1));
    }
    wide(cx, a, b, big::rem)
}

/// `divmod(a, b)`, or NotImplemented.
pub fn divmod(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !zero_check(cx, a, b, "division by zero")? {
        return Ok(Value::not_implemented());
    }
    let (q, r) = match (view(a), view(b)) {
        (Some(x), Some(y)) if int_medium::get(a).is_none() || int_medium::get(b).is_none() => {
            check_digits(cx, x.digits().len() + y.digits().len())?;
            let (mut q, mut r) = (Vec::new(), Vec::new());
            let (qn, rn) = big::divmod(x.negative, x.digits(), y.negative, y.digits(), &mut q, &mut r);
            (cx.int_from_digits(qn, &q), cx.int_from_digits(rn, &r))
        }
        _ => (floordiv(cx, a, b)?, rem(cx, a, b)?),
    };
    Ok(Value::of(crate::types::tuple::Tuple::new(cx, &[q, r])))
}

/// `a / b`, or NotImplemented.
pub fn truediv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !zero_check(cx, a, b, "division by zero")? {
        return Ok(Value::not_implemented());
    }
    const EXACT: i64 = 1 << 53;
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small())
        && x.abs() <= EXACT
        && y.abs() <= EXACT
    {
        return Ok(cx.float(x as f64 / y as f64));
    }
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Value::not_implemented()) };
    match big::true_div(x.negative, x.digits(), y.negative, y.digits()) {
        Some(d) => Ok(cx.float(d)),
        None => raise!(cx, OverflowError, "integer division result too large for a float"),
    }
}

fn pow(cx: &mut Cx, a: Value, b: Value, m: Option<Value>) -> PyResult<Value> {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Value::not_implemented()) };
    let mut out = Vec::new();
    let Some(m) = m.filter(|m| !m.is_none()) else {
        if y.negative {
            let (x, y) = (to_f64(cx, a)?, to_f64(cx, b)?);
            return crate::types::float::pow_f64(cx, x, y);
        }
        if let (Some(mut base), Some(mut e)) = (a.as_small(), b.as_small()) {
            // Square and multiply as long as everything fits; otherwise start again with digits.
            let mut r: i64 = 1;
            loop {
                if e & 1 != 0 {
                    match r.checked_mul(base) {
                        Some(p) => r = p,
                        None => break,
                    }
                }
                e >>= 1;
                if e == 0 {
                    return Ok(cx.int(r));
                }
                match base.checked_mul(base) {
                    Some(p) => base = p,
                    None => break,
                }
            }
        }
        let Some(e) = big::to_u64(y.digits()) else {
            return match as_i64(a) {
                Some(i @ 0..=1) => Ok(Value::small(i)),
                Some(-1) => Ok(Value::small(if y.digits()[0] & 1 == 0 { 1 } else { -1 })),
                _ => Err(cx.memory_error()),
            };
        };
        let bits = big::bit_length(x.digits()).saturating_mul(e);
        if bits > 1 << 36 && x.digits() != [1] {
            return Err(cx.memory_error());
        }
        if x.digits() != [1] {
            check_digits(cx, (bits / u64::from(big::SHIFT)) as usize)?;
        }
        let negative = big::pow(x.negative, x.digits(), e, &mut out);
        return Ok(cx.int_from_digits(negative, &out));
    };
    let Some(z) = view(m) else { return Ok(Value::not_implemented()) };
    match big::pow_mod((x.negative, x.digits()), (y.negative, y.digits()), (z.negative, z.digits()), &mut out) {
        Ok(negative) => Ok(cx.int_from_digits(negative, &out)),
        Err(_) if z.digits().is_empty() => raise!(cx, ValueError, "pow() 3rd argument cannot be 0"),
        Err(_) => raise!(cx, ValueError, "base is not invertible for the given modulus"),
    }
}

/// `a << b`, or NotImplemented.
pub fn lshift(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if let (Some(x), Some(n @ 0..=126)) = (int_medium::get(a), b.as_small())
        && let Some(r) = int_medium::shl(x, n)
    {
        return Ok(int_medium::make(cx, r));
    }
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Value::not_implemented()) };
    if y.negative {
        return raise!(cx, ValueError, "negative shift count");
    }
    if x.digits().is_empty() {
        return Ok(Value::small(0));
    }
    match big::to_u64(y.digits()).filter(|n| *n < 1 << 36) {
        Some(n) => {
            check_digits(cx, (n / u64::from(big::SHIFT)) as usize + x.digits().len())?;
            with_scratch(cx, |out| big::shl(x.negative, x.digits(), n as usize, out))
        }
        None if y.digits().len() > 2 => raise!(cx, OverflowError, "too many digits in integer"),
        None => Err(cx.memory_error()),
    }
}

/// `a >> b`, or NotImplemented.
pub fn rshift(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if let (Some(x), Some(n @ 0..)) = (int_medium::get(a), b.as_small()) {
        return Ok(int_medium::make(cx, x >> n.min(127)));
    }
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Value::not_implemented()) };
    if y.negative {
        return raise!(cx, ValueError, "negative shift count");
    }
    let n = big::to_u64(y.digits()).filter(|n| *n < 1 << 40).unwrap_or(1 << 40);
    with_scratch(cx, |out| big::shr(x.negative, x.digits(), n as usize, out))
}

/// `-v`.
pub fn neg(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if let Some(i) = v.as_small() {
        return Ok(cx.int(-i));
    }
    let w = view(v).expect("an int slot is called with ints");
    check_digits(cx, w.digits().len())?;
    Ok(cx.int_from_digits(!w.negative, w.digits()))
}

fn abs(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if let Some(i) = v.as_small() {
        return Ok(cx.int(i.abs()));
    }
    let w = view(v).expect("an int slot is called with ints");
    check_digits(cx, w.digits().len())?;
    Ok(cx.int_from_digits(false, w.digits()))
}

/// `~v`.
pub fn invert(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if let Some(i) = v.as_small() {
        return Ok(Value::small(!i));
    }
    let w = view(v).expect("an int slot is called with ints");
    check_digits(cx, w.digits().len())?;
    let mut out = Vec::new();
    let negative = big::not(w.negative, w.digits(), &mut out);
    Ok(cx.int_from_digits(negative, &out))
}

/// Three-way comparison of two ints.
pub fn compare(a: Value, b: Value) -> Option<std::cmp::Ordering> {
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return Some(x.cmp(&y));
    }
    if let (Some(x), Some(y)) = (int_medium::get(a), int_medium::get(b)) {
        return Some(x.cmp(&y));
    }
    let (x, y) = (view(a)?, view(b)?);
    Some(big::cmp(x.negative, x.digits(), y.negative, y.digits()))
}

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    Ok(compare(a, b).map_or(Value::not_implemented(), |o| Value::bool(op.holds(o))))
}
