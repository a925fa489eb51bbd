//! Arithmetic. Fast paths: small ints, flonums; everything else goes to `protocol::number` out of line.

use taipan_bytecode::ops::feedback;
use taipan_bytecode::{Op, Word};
use taipan_runtime::protocol::number::{self, BinaryOp};
use taipan_runtime::protocol::object;
use taipan_runtime::types::int::{floor_div_i64, floor_mod_i64};
use taipan_runtime::{Cx, PyResult, Value};

use crate::dispatch::{Regs, dispatch, handler, slow};
use crate::unwind::unwind;

/// The numbers of two values if both are flonums or one is and the other is a small int.
#[inline(always)]
pub(crate) fn floats(a: Value, b: Value) -> Option<(f64, f64)> {
    if a.is_flonum() {
        if b.is_flonum() {
            return Some((a.flonum_unchecked(), b.flonum_unchecked()));
        }
        if let Some(i) = b.as_small().filter(|i| i.unsigned_abs() <= 1 << 53) {
            return Some((a.flonum_unchecked(), i as f64));
        }
    } else if b.is_flonum()
        && let Some(i) = a.as_small().filter(|i| i.unsigned_abs() <= 1 << 53)
    {
        return Some((i as f64, b.flonum_unchecked()));
    }
    None
}

fn binary(cx: &mut Cx, a: Value, b: Value, op: &'static BinaryOp, inplace: bool) -> PyResult<Value> {
    if inplace { number::inplace(cx, a, b, op) } else { number::binary(cx, a, b, op) }
}

/// `aux` of the first cache word: 1 for an augmented assignment.
#[inline(always)]
unsafe fn is_inplace(pc: *const u64) -> bool {
    // SAFETY: the caller passes the first cache word.
    unsafe { *pc & 1 != 0 }
}

macro_rules! int_fast {
    // Words of small ints are 2i+1; these work on the words.
    (Add, $a:expr, $b:expr) => {{
        let (r, o) = (($a - 1) as i64).overflowing_add($b as i64);
        if o { None } else { Some(r as u64) }
    }};
    (Sub, $a:expr, $b:expr) => {{
        let (r, o) = ($a as i64).overflowing_sub(($b - 1) as i64);
        if o { None } else { Some(r as u64) }
    }};
    (Mul, $a:expr, $b:expr) => {{
        let (r, o) = (($a - 1) as i64).overflowing_mul($b as i64 >> 1);
        if o { None } else { Some(r as u64 | 1) }
    }};
    (And, $a:expr, $b:expr) => {
        Some($a & $b)
    };
    (Or, $a:expr, $b:expr) => {
        Some($a | $b)
    };
    (Xor, $a:expr, $b:expr) => {
        Some(($a ^ $b) | 1)
    };
    (FloorDiv, $a:expr, $b:expr) => {{
        let (x, y) = ($a as i64 >> 1, $b as i64 >> 1);
        if y == 0 || (y == -1) { None } else { Some((floor_div_i64(x, y) as u64) << 1 | 1) }
    }};
    (Mod, $a:expr, $b:expr) => {{
        let (x, y) = ($a as i64 >> 1, $b as i64 >> 1);
        if y == 0 { None } else { Some((floor_mod_i64(x, y) as u64) << 1 | 1) }
    }};
    (LShift, $a:expr, $b:expr) => {{
        let (x, n) = ($a as i64 >> 1, $b as i64 >> 1);
        if (0..=61).contains(&n) && (x << n) >> n == x && Value::try_small(x << n).is_some() {
            Some(((x << n) as u64) << 1 | 1)
        } else {
            None
        }
    }};
    (RShift, $a:expr, $b:expr) => {{
        let (x, n) = ($a as i64 >> 1, $b as i64 >> 1);
        if n >= 0 { Some(((x >> n.min(63)) as u64) << 1 | 1) } else { None }
    }};
}

macro_rules! float_fast {
    (Add, $cx:expr, $x:expr, $y:expr) => {
        Some($cx.float($x + $y))
    };
    (Sub, $cx:expr, $x:expr, $y:expr) => {
        Some($cx.float($x - $y))
    };
    (Mul, $cx:expr, $x:expr, $y:expr) => {
        Some($cx.float($x * $y))
    };
    ($other:ident, $cx:expr, $x:expr, $y:expr) => {{
        let _: (f64, f64) = ($x, $y);
        None::<Value>
    }};
}

macro_rules! binary_ops {
    ($($name:ident $slow:ident $(imm $imm:ident)? $(float $float:ident)?, $op:path;)*) => { $(
        handler!($name, |w, pc, regs, cx, table| {
            let (a, b) = (*regs.add(w.b()), *regs.add(w.c()));
            if a & b & 1 != 0
                && let Some(r) = int_fast!($name, a, b)
            {
                *regs.add(w.a()) = r;
                dispatch!(pc.add(1), regs, cx, table);
            }
            return $slow(insn_of(w), pc, regs, cx, table);
        });

        handler!(#[cold] #[inline(never)] $slow, |w, pc, regs, cx, table| {
            let r = Regs(regs);
            let (a, b) = (r.get(w.b()), r.get(w.c()));
            (*cx.frame).pc = pc;
            if let Some((x, y)) = floats(a, b)
                && let Some(v) = float_fast!($name, cx, x, y)
            {
                note_floats(pc, a, b);
                $( *pc.cast_mut().sub(1) = (w.0 & !0xffff) | Op::$float as u64; )?
                r.set(w.a(), v);
                dispatch!(pc.add(1), regs, cx, table);
            }
            note_operands(cx, pc, a, b);
            match binary(cx, a, b, &$op, is_inplace(pc)) {
                Ok(v) => {
                    r.set(w.a(), v);
                    dispatch!(pc.add(1), regs, cx, table);
                }
                Err(_) => return unwind(cx, table, true),
            }
        });

        $( binary_ops!(@imm $imm $name $op); )?
        $( binary_ops!(@float $float $name $slow); )?
    )* };
    (@imm $imm:ident $name:ident $op:path) => {
        handler!($imm, |w, pc, regs, cx, table| {
            let a = *regs.add(w.b());
            if a & 1 != 0 {
                let b = ((w.sc() as i64) << 1 | 1) as u64;
                if let Some(r) = int_fast!($name, a, b) {
                    *regs.add(w.a()) = r;
                    dispatch!(pc.add(1), regs, cx, table);
                }
            }
            let r = Regs(regs);
            let (a, b) = (r.get(w.b()), Value::small(w.sc() as i64));
            (*cx.frame).pc = pc;
            if let Some((x, y)) = floats(a, b)
                && let Some(v) = float_fast!($name, cx, x, y)
            {
                note(pc, feedback::FLOAT);
                r.set(w.a(), v);
                dispatch!(pc.add(1), regs, cx, table);
            }
            note_operands(cx, pc, a, b);
            match binary(cx, a, b, &$op, is_inplace(pc)) {
                Ok(v) => {
                    r.set(w.a(), v);
                    dispatch!(pc.add(1), regs, cx, table);
                }
                Err(_) => return unwind(cx, table, true),
            }
        });
    };
    (@float $float:ident $name:ident $slow:ident) => {
        handler!($float, |w, pc, regs, cx, table| {
            let r = Regs(regs);
            let (a, b) = (r.get(w.b()), r.get(w.c()));
            if a.is_flonum() && b.is_flonum() {
                let (x, y) = (a.flonum_unchecked(), b.flonum_unchecked());
                if let Some(v) = Value::try_flonum(float_op!($name, x, y)) {
                    r.set(w.a(), v);
                    dispatch!(pc.add(1), regs, cx, table);
                }
            }
            if a.bits() & b.bits() & 1 != 0
                && let Some(v) = int_fast!($name, a.bits(), b.bits())
            {
                note(pc, feedback::INTS);
                *regs.add(w.a()) = v;
                dispatch!(pc.add(1), regs, cx, table);
            }
            return $slow(insn_of(w), pc, regs, cx, table);
        });
    };
}

macro_rules! float_op {
    (Add, $x:expr, $y:expr) => {
        $x + $y
    };
    (Sub, $x:expr, $y:expr) => {
        $x - $y
    };
    (Mul, $x:expr, $y:expr) => {
        $x * $y
    };
}

#[inline(always)]
fn insn_of(w: Word) -> u64 {
    w.0
}

binary_ops! {
    Add add_slow imm AddI float AddFloat, number::ADD;
    Sub sub_slow imm SubI float SubFloat, number::SUB;
    Mul mul_slow imm MulI float MulFloat, number::MUL;
    FloorDiv floordiv_slow imm FloorDivI, number::FLOORDIV;
    Mod mod_slow imm ModI, number::REM;
    LShift lshift_slow imm LShiftI, number::LSHIFT;
    RShift rshift_slow imm RShiftI, number::RSHIFT;
    And and_slow imm AndI, number::AND;
    Or or_slow, number::OR;
    Xor xor_slow, number::XOR;
}

/// Sets feedback bits in the first cache word.
#[inline(always)]
pub(crate) unsafe fn note(pc: *const u64, bits: u64) {
    // SAFETY: INT-3; the caller passes the first cache word.
    unsafe { *pc.cast_mut() |= bits }
}

/// Notes that at least one of two numbers is a float.
#[inline(always)]
pub(crate) unsafe fn note_floats(pc: *const u64, a: Value, b: Value) {
    let left = if a.is_small() { feedback::LEFT_INT } else { 0 };
    let right = if b.is_small() { feedback::RIGHT_INT } else { 0 };
    // SAFETY: the caller passes the first cache word.
    unsafe { note(pc, feedback::FLOAT | left | right) }
}

/// Notes what operands without a fast path are.
#[inline(always)]
pub(crate) unsafe fn note_operands(cx: &Cx, pc: *const u64, a: Value, b: Value) {
    let is_float = |v: Value| std::ptr::eq(v.class(), &taipan_runtime::types::float::FLOAT);
    let is_int = |v: Value| std::ptr::eq(v.class(), &taipan_runtime::types::int::INT);
    let bits = if a.exact::<taipan_runtime::types::str::Str>().is_some()
        && b.exact::<taipan_runtime::types::str::Str>().is_some()
    {
        feedback::STR
    } else if is_int(a) && is_int(b) {
        feedback::BIG
    } else if (is_float(a) || is_int(a)) && (is_float(b) || is_int(b)) {
        // SAFETY: the caller's promise.
        return unsafe { note_floats(pc, a, b) };
    } else {
        // SAFETY: the caller's promise.
        unsafe { tell_operands(cx, pc, a, b) };
        feedback::OTHER
    };
    // SAFETY: as `note`.
    unsafe { note(pc, bits) }
}

/// Tells the JIT of operands that the cache word at `pc` says nothing about, the first times.
#[inline(never)]
pub(crate) unsafe fn tell_operands(cx: &Cx, pc: *const u64, a: Value, b: Value) {
    // SAFETY: INT-1, INT-3; the frame's pc is at the cache word.
    unsafe {
        let frame = &*cx.frame;
        if *pc / feedback::TOLD >= feedback::MOST_TOLD || frame.pc != pc {
            return;
        }
        *pc.cast_mut() += feedback::TOLD;
        let tell = cx.rt().hooks.get().operand;
        let index = frame.word_index() as u32;
        for (v, right) in [(a, false), (b, true)] {
            if v.is_pointer() {
                tell(frame.code, index, v, right);
            }
        }
    }
}

handler!(TrueDiv, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let (a, b) = (r.get(w.b()), r.get(w.c()));
    if a.is_flonum() && b.is_flonum() {
        let (x, y) = (a.flonum_unchecked(), b.flonum_unchecked());
        if y != 0.0
            && let Some(v) = Value::try_flonum(x / y)
        {
            r.set(w.a(), v);
            dispatch!(pc.add(1), regs, cx, table);
        }
    }
    return truediv_slow(w.0, pc, regs, cx, table);
});

handler!(
    #[inline(never)]
    truediv_slow,
    |w, pc, regs, cx, table| {
        let r = Regs(regs);
        let (a, b) = (r.get(w.b()), r.get(w.c()));
        (*cx.frame).pc = pc;
        const EXACT: u64 = 1 << 53;
        let pair = match (a.as_small(), b.as_small()) {
            (Some(x), Some(y)) if x.unsigned_abs() <= EXACT && y.unsigned_abs() <= EXACT => Some((x as f64, y as f64)),
            _ => floats(a, b),
        };
        if a.is_flonum() || b.is_flonum() {
            note_floats(pc, a, b);
        }
        if pair.is_none() {
            note_operands(cx, pc, a, b);
        }
        let result = match pair {
            Some((x, y)) if y != 0.0 => Ok(cx.float(x / y)),
            _ => binary(cx, a, b, &number::TRUEDIV, is_inplace(pc)),
        };
        match result {
            Ok(v) => {
                r.set(w.a(), v);
                dispatch!(pc.add(1), regs, cx, table);
            }
            Err(_) => return unwind(cx, table, true),
        }
    }
);

slow! {
    Pow 1 => pow;
    MatMul 1 => matmul;
    Pos 0 => pos;
    Invert 0 => invert;
    ToBool 0 => to_bool;
    neg_slow 0 => neg;
    not_slow 0 => not;
}

fn pow(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    let (a, b) = (r.get(w.b()), r.get(w.c()));
    if b == Value::small(2) {
        // Squaring is by far the commonest power.
        if let Some(x) = a.as_small().and_then(|x| x.checked_mul(x)).and_then(Value::try_small) {
            r.set(w.a(), x);
            return Ok(());
        }
        if a.is_flonum() {
            let x = a.flonum_unchecked();
            // Not `x * x`: libm's pow, which CPython calls, rounds differently now and then.
            let v = cx.float(x.powf(std::hint::black_box(2.0)));
            r.set(w.a(), v);
            return Ok(());
        }
    }
    // SAFETY: the first cache word.
    let inplace = unsafe {
        note_operands(cx, pc, a, b);
        is_inplace(pc)
    };
    let v = number::power(cx, a, b, None, inplace)?;
    r.set(w.a(), v);
    Ok(())
}

fn matmul(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let inplace = unsafe { is_inplace(pc) };
    let v = binary(cx, r.get(w.b()), r.get(w.c()), &number::MATMUL, inplace)?;
    r.set(w.a(), v);
    Ok(())
}

fn pos(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = number::positive(cx, r.get(w.b()))?;
    r.set(w.a(), v);
    Ok(())
}

fn invert(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = number::invert(cx, r.get(w.b()))?;
    r.set(w.a(), v);
    Ok(())
}

fn neg(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = number::negative(cx, r.get(w.b()))?;
    r.set(w.a(), v);
    Ok(())
}

fn not(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = object::truth(cx, r.get(w.b()))?;
    r.set(w.a(), Value::bool(!v));
    Ok(())
}

fn to_bool(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = object::truth(cx, r.get(w.b()))?;
    r.set(w.a(), Value::bool(v));
    Ok(())
}

handler!(Neg, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if let Some(x) = v.as_small().and_then(|i| Value::try_small(-i)) {
        r.set(w.a(), x);
        dispatch!(pc, regs, cx, table);
    }
    if v.is_flonum()
        && let Some(x) = Value::try_flonum(-v.flonum_unchecked())
    {
        r.set(w.a(), x);
        dispatch!(pc, regs, cx, table);
    }
    return neg_slow(w.0, pc, regs, cx, table);
});

handler!(Not, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if v == Value::bool(true) {
        r.set(w.a(), Value::bool(false));
        dispatch!(pc, regs, cx, table);
    }
    if v == Value::bool(false) {
        r.set(w.a(), Value::bool(true));
        dispatch!(pc, regs, cx, table);
    }
    return not_slow(w.0, pc, regs, cx, table);
});
