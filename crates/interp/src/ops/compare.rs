//! Comparisons and conditional jumps.

use taipan_bytecode::Word;
use taipan_bytecode::ops::feedback;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::object;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value};

use super::arith::{note, note_operands};
use crate::dispatch::{Regs, dispatch, handler, slow};
use crate::unwind::unwind;

/// `a op b` as a bool, for operands without a fast path.
#[inline(never)]
fn compare_slow(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<bool> {
    if let Some((x, y)) = super::arith::floats(a, b) {
        return Ok(x.partial_cmp(&y).map_or(op == CmpOp::Ne, |o| op.holds(o)));
    }
    if let (Some(x), Some(y)) = (a.exact::<Str>(), b.exact::<Str>()) {
        return Ok(match op {
            CmpOp::Eq => x.eq_str(y),
            CmpOp::Ne => !x.eq_str(y),
            _ => op.holds(x.compare(y)),
        });
    }
    compare::rich_bool(cx, a, b, op)
}

macro_rules! int_compare {
    (Lt, $a:expr, $b:expr) => {
        ($a as i64) < ($b as i64)
    };
    (Le, $a:expr, $b:expr) => {
        ($a as i64) <= ($b as i64)
    };
    (Eq, $a:expr, $b:expr) => {
        $a == $b
    };
    (Ne, $a:expr, $b:expr) => {
        $a != $b
    };
    (Gt, $a:expr, $b:expr) => {
        ($a as i64) > ($b as i64)
    };
    (Ge, $a:expr, $b:expr) => {
        ($a as i64) >= ($b as i64)
    };
}

macro_rules! float_compare {
    (Lt, $a:expr, $b:expr) => {
        $a < $b
    };
    (Le, $a:expr, $b:expr) => {
        $a <= $b
    };
    (Eq, $a:expr, $b:expr) => {
        $a == $b
    };
    (Ne, $a:expr, $b:expr) => {
        $a != $b
    };
    (Gt, $a:expr, $b:expr) => {
        $a > $b
    };
    (Ge, $a:expr, $b:expr) => {
        $a >= $b
    };
}

/// Equality of two strs, which needs no call; None for other comparisons and operands.
macro_rules! str_compare {
    (Eq, $a:expr, $b:expr) => {
        strs_equal($a, $b)
    };
    (Ne, $a:expr, $b:expr) => {
        strs_equal($a, $b).map(|equal| !equal)
    };
    ($op:ident, $a:expr, $b:expr) => {
        None
    };
}

#[inline(always)]
fn strs_equal(a: Value, b: Value) -> Option<bool> {
    Some(a.exact::<Str>()?.eq_str(b.exact::<Str>()?))
}

macro_rules! comparisons {
    ($($op:ident $slow:ident $jump:ident $jump_slow:ident $not:ident $not_slow:ident $jump_i:ident $not_i:ident;)*) => { $(
        handler!($op, |w, pc, regs, cx, table| {
            let (a, b) = (*regs.add(w.b()), *regs.add(w.c()));
            if a & b & 1 != 0 {
                Regs(regs).set(w.a(), Value::bool(int_compare!($op, a, b)));
                dispatch!(pc.add(1), regs, cx, table);
            }
            return $slow(w.0, pc, regs, cx, table);
        });
        handler!(#[inline(never)] $slow, |w, pc, regs, cx, table| {
            let r = Regs(regs);
            let (a, b) = (r.get(w.b()), r.get(w.c()));
            if a.is_flonum() && b.is_flonum() {
                note(pc, feedback::FLOAT);
                let (x, y) = (a.flonum_unchecked(), b.flonum_unchecked());
                r.set(w.a(), Value::bool(float_compare!($op, x, y)));
                dispatch!(pc.add(1), regs, cx, table);
            }
            (*cx.frame).pc = pc;
            note_operands(cx, pc, a, b);
            // The result need not be a bool.
            let result = match (a.exact::<Str>(), b.exact::<Str>()) {
                (Some(_), Some(_)) => compare_slow(cx, a, b, CmpOp::$op).map(Value::bool),
                _ => compare::rich(cx, a, b, CmpOp::$op),
            };
            match result {
                Ok(v) => {
                    r.set(w.a(), v);
                    dispatch!(pc.add(1), regs, cx, table);
                }
                Err(_) => return unwind(cx, table, true),
            }
        });
        comparisons!(@jump $op $jump $jump_slow true);
        comparisons!(@jump $op $not $not_slow false);
        comparisons!(@imm $op $jump_i true);
        comparisons!(@imm $op $not_i false);
    )* };
    (@jump $op:ident $name:ident $slow:ident $when:literal) => {
        handler!($name, |w, pc, regs, cx, table| {
            let (a, b) = (*regs.add(w.a()), *regs.add(w.b()));
            if a & b & 1 != 0 {
                let next = pc.add(1);
                let target = if int_compare!($op, a, b) == $when { next.offset(w.sc() as isize) } else { next };
                dispatch!(target, regs, cx, table);
            }
            return $slow(w.0, pc, regs, cx, table);
        });
        handler!(#[inline(never)] $slow, |w, pc, regs, cx, table| {
            let r = Regs(regs);
            let (a, b) = (r.get(w.a()), r.get(w.b()));
            let next = pc.add(1);
            if a.is_flonum() && b.is_flonum() {
                note(pc, feedback::FLOAT);
                let (x, y) = (a.flonum_unchecked(), b.flonum_unchecked());
                let target = if float_compare!($op, x, y) == $when { next.offset(w.sc() as isize) } else { next };
                dispatch!(target, regs, cx, table);
            }
            let equal: Option<bool> = str_compare!($op, a, b);
            if let Some(c) = equal {
                note(pc, feedback::STR);
                let target = if c == $when { next.offset(w.sc() as isize) } else { next };
                dispatch!(target, regs, cx, table);
            }
            (*cx.frame).pc = pc;
            note_operands(cx, pc, a, b);
            match compare_slow(cx, a, b, CmpOp::$op) {
                Ok(c) => {
                    let target = if c == $when { next.offset(w.sc() as isize) } else { next };
                    dispatch!(target, regs, cx, table);
                }
                Err(_) => return unwind(cx, table, true),
            }
        });
    };
    (@imm $op:ident $name:ident $when:literal) => {
        handler!($name, |w, pc, regs, cx, table| {
            let a = *regs.add(w.a());
            let next = pc.add(1);
            if a & 1 != 0 {
                let b = ((w.sb() as i64) << 1 | 1) as u64;
                let target = if int_compare!($op, a, b) == $when { next.offset(w.sc() as isize) } else { next };
                dispatch!(target, regs, cx, table);
            }
            (*cx.frame).pc = pc;
            note_operands(cx, pc, Regs(regs).get(w.a()), Value::small(0));
            match compare_slow(cx, Regs(regs).get(w.a()), Value::small(w.sb() as i64), CmpOp::$op) {
                Ok(c) => {
                    let target = if c == $when { next.offset(w.sc() as isize) } else { next };
                    dispatch!(target, regs, cx, table);
                }
                Err(_) => return unwind(cx, table, true),
            }
        });
    };
}

comparisons! {
    Lt lt_slow JumpLt jump_lt_slow JumpNotLt jump_not_lt_slow JumpLtI JumpNotLtI;
    Le le_slow JumpLe jump_le_slow JumpNotLe jump_not_le_slow JumpLeI JumpNotLeI;
    Eq eq_slow JumpEq jump_eq_slow JumpNotEq jump_not_eq_slow JumpEqI JumpNotEqI;
    Ne ne_slow JumpNe jump_ne_slow JumpNotNe jump_not_ne_slow JumpNeI JumpNotNeI;
    Gt gt_slow JumpGt jump_gt_slow JumpNotGt jump_not_gt_slow JumpGtI JumpNotGtI;
    Ge ge_slow JumpGe jump_ge_slow JumpNotGe jump_not_ge_slow JumpGeI JumpNotGeI;
}

handler!(Is, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    r.set(w.a(), Value::bool(r.get(w.b()).is(r.get(w.c()))));
    dispatch!(pc, regs, cx, table)
});

handler!(IsNot, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    r.set(w.a(), Value::bool(!r.get(w.b()).is(r.get(w.c()))));
    dispatch!(pc, regs, cx, table)
});

handler!(JumpIs, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let target = if r.get(w.a()).is(r.get(w.b())) { pc.offset(w.sc() as isize) } else { pc };
    dispatch!(target, regs, cx, table)
});

handler!(JumpIsNot, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let target = if r.get(w.a()).is(r.get(w.b())) { pc } else { pc.offset(w.sc() as isize) };
    dispatch!(target, regs, cx, table)
});

slow! {
    In 0 => contains;
    NotIn 0 => not_contains;
}

#[inline]
fn is_in(cx: &mut Cx, item: Value, container: Value) -> PyResult<bool> {
    if item.is_small() || item.exact::<Str>().is_some() {
        if let Some(set) = container.exact::<Set>() {
            return set.contains(cx, item);
        }
        if let Some(dict) = container.exact::<Dict>() {
            return dict.contains(cx, item);
        }
    }
    object::contains(cx, container, item)
}

fn contains(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let found = is_in(cx, r.get(w.b()), r.get(w.c()))?;
    r.set(w.a(), Value::bool(found));
    Ok(())
}

fn not_contains(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let found = is_in(cx, r.get(w.b()), r.get(w.c()))?;
    r.set(w.a(), Value::bool(!found));
    Ok(())
}

handler!(Jump, |w, pc, regs, cx, table| { dispatch!(pc.offset(w.x() as isize), regs, cx, table) });

handler!(JumpBack, |w, pc, regs, cx, table| {
    if crate::hot::count_round(cx, pc) {
        return crate::hot::loop_hot(w.0, pc, regs, cx, table);
    }
    if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
        return interrupted(w.0, pc, regs, cx, table);
    }
    dispatch!(pc.add(1).offset(w.x() as isize), regs, cx, table)
});

handler!(
    #[inline(never)]
    jump_back_plain,
    |w, pc, regs, cx, table| {
        if cx.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
            return interrupted(w.0, pc, regs, cx, table);
        }
        dispatch!(pc.add(1).offset(w.x() as isize), regs, cx, table)
    }
);

handler!(
    #[cold]
    #[inline(never)]
    interrupted,
    |w, pc, regs, cx, table| {
        (*cx.frame).pc = pc;
        match cx.handle_interrupt() {
            Ok(()) => dispatch!(pc.add(1).offset(w.x() as isize), regs, cx, table),
            Err(_) => return unwind(cx, table, true),
        }
    }
);

macro_rules! truth_jumps {
    ($($name:ident $slow:ident $when:literal;)*) => { $(
        handler!($name, |w, pc, regs, cx, table| {
            let v = Regs(regs).get(w.a());
            if v == Value::bool($when) {
                dispatch!(pc.offset(w.x() as isize), regs, cx, table);
            }
            if v == Value::bool(!$when) {
                dispatch!(pc, regs, cx, table);
            }
            return $slow(w.0, pc, regs, cx, table);
        });
        handler!(#[inline(never)] $slow, |w, pc, regs, cx, table| {
            (*cx.frame).pc = pc;
            match object::truth(cx, Regs(regs).get(w.a())) {
                Ok(t) => {
                    let target = if t == $when { pc.offset(w.x() as isize) } else { pc };
                    dispatch!(target, regs, cx, table)
                }
                Err(_) => return unwind(cx, table, true),
            }
        });
    )* };
}
truth_jumps! {
    JumpIf jump_if_slow true;
    JumpIfNot jump_if_not_slow false;
}

handler!(JumpIfNone, |w, pc, regs, cx, table| {
    let target = if Regs(regs).get(w.a()).is_none() { pc.offset(w.x() as isize) } else { pc };
    dispatch!(target, regs, cx, table)
});

handler!(JumpIfNotNone, |w, pc, regs, cx, table| {
    let target = if Regs(regs).get(w.a()).is_none() { pc } else { pc.offset(w.x() as isize) };
    dispatch!(target, regs, cx, table)
});
