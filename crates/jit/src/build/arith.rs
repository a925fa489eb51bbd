//! Arithmetic and comparisons.

use taipan_bytecode::Op as B;
use taipan_bytecode::ops::feedback;
use taipan_runtime::Value;
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str::Str;
use taipan_runtime::value::{INT_MAX, INT_MIN};

use super::declining::declines;
use super::ops::{At, Flow};
use super::{Builder, Built};
use crate::exits::Reason;
use crate::helpers::{Helper, TRUE_WORD};
use crate::ir::{Cond, Op, Type, Val};

/// What an operation works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Int,
    Float,
    /// A float and a float or int.
    Mixed,
    /// Ints and floats in any mixture.
    Numbers,
    Str,
    Other,
}

/// Number of an operator in `helpers::BINARY`.
pub fn number(op: B) -> Option<u64> {
    Some(match op {
        B::Add => 0,
        B::Sub => 1,
        B::Mul => 2,
        B::TrueDiv => 3,
        B::FloorDiv => 4,
        B::Mod => 5,
        B::LShift => 6,
        B::RShift => 7,
        B::And => 8,
        B::Or => 9,
        B::Xor => 10,
        _ => return None,
    })
}

/// Doubles represent ints exactly up to this.
const EXACT: i64 = 1 << 53;

impl Builder<'_> {
    /// What both operands are, from what is known and what the interpreter saw.
    fn kinds(&self, at: At, x: Val, y: Val) -> Kind {
        let kind = |v: Val| match self.func[v].ty {
            Type::Int | Type::Bool => Some(Kind::Int),
            Type::Float => Some(Kind::Float),
            _ => self.class_of(v).map(|c| {
                if std::ptr::eq(c, Str::type_object()) {
                    Kind::Str
                } else if std::ptr::eq(c, &taipan_runtime::types::float::FLOAT) {
                    Kind::Float
                } else {
                    Kind::Other
                }
            }),
        };
        let seen = at.feedback() & (feedback::FLOAT | feedback::OTHER | feedback::BIG | feedback::STR);
        let quick = at.op.info().base.is_some();
        match (kind(x), kind(y)) {
            (None, _) | (_, None) if self.failed(Reason::Numbers) => Kind::Other,
            (Some(Kind::Int), Some(Kind::Int)) if self.failed(Reason::Overflow) => Kind::Other,
            (Some(Kind::Int), Some(Kind::Int)) => Kind::Int,
            (Some(Kind::Float | Kind::Int), Some(Kind::Float | Kind::Int)) => Kind::Mixed,
            (Some(Kind::Str), Some(Kind::Str)) => Kind::Str,
            (Some(Kind::Other | Kind::Str), _) | (_, Some(Kind::Other | Kind::Str)) => Kind::Other,
            _ if self.failed(Reason::Overflow) || seen & feedback::BIG != 0 => Kind::Other,
            (a, b) => {
                match seen {
                    0 if !quick && a.or_else(|| self.now(x)) == Some(Kind::Float) => Kind::Mixed,
                    0 if !quick && b.or_else(|| self.now(y)) == Some(Kind::Float) => Kind::Mixed,
                    feedback::OTHER => Kind::Other,
                    feedback::STR => Kind::Other,
                    // If neither is known to be a float, an int in its place would make the result an int.
                    feedback::FLOAT
                        if (self.failed(Reason::Number) || at.feedback() & feedback::INTS != 0)
                            && a != Some(Kind::Float)
                            && b != Some(Kind::Float) =>
                    {
                        if self.sees_numbers() {
                            Kind::Numbers
                        } else {
                            Kind::Other
                        }
                    }
                    feedback::FLOAT => Kind::Mixed,
                    0 if quick => Kind::Mixed,
                    0 if a == Some(Kind::Float) || b == Some(Kind::Float) => Kind::Mixed,
                    0 if self.sees_numbers() => Kind::Numbers,
                    0 if self.failed(Reason::Number) => Kind::Other,
                    0 => Kind::Int,
                    _ => Kind::Other,
                }
            }
        }
    }

    /// What kind of number a value is now, if it is one.
    fn now(&self, v: Val) -> Option<Kind> {
        let now = self.peek(v)?;
        if now.is_small() {
            Some(Kind::Int)
        } else if std::ptr::eq(now.class(), &FLOAT) {
            Some(Kind::Float)
        } else {
            None
        }
    }

    /// `reg a = reg b op rhs`.
    pub fn binary(&mut self, at: At, op: B, rhs: Val) -> Built<Flow> {
        let (a, lhs) = (at.w.a(), self.reg(at.w.b()));
        if let Some(v) = self.word_binary(at, op, lhs, rhs) {
            self.set_reg(a, v);
            return Ok(Flow::Next);
        }
        if let Some(v) = self.complex_binary(at, op, lhs, rhs) {
            self.set_reg(a, v);
            return Ok(Flow::Next);
        }
        let result = match self.kinds(at, lhs, rhs) {
            // Nothing says what powers are of; if not of ints, then of floats.
            Kind::Other | Kind::Numbers
                if op == B::Pow
                    && self.class_of(lhs).is_none()
                    && self.failed(Reason::Number)
                    && !self.failed(Reason::Mixed)
                    && matches!(self.func[rhs].ty, Type::Int | Type::Float) =>
            {
                let lhs = self.to_float(lhs, false, Reason::Mixed);
                self.float_binary(op, lhs, rhs, false)
            }
            Kind::Int => self.int_binary(op, lhs, rhs),
            kind @ (Kind::Float | Kind::Mixed) => self.float_binary(op, lhs, rhs, kind == Kind::Mixed),
            Kind::Str if op == B::Add => {
                let v = self.raising_call(Helper::StrConcat, &[lhs, rhs], Type::Val);
                Some(self.classed(v, Str::type_object()))
            }
            Kind::Numbers => self.numbers_binary(op, lhs, rhs),
            Kind::Str | Kind::Other => None,
        };
        if let Some(v) = result {
            self.set_reg(a, v);
            return Ok(Flow::Next);
        }
        let Some(n) = number(op) else {
            if op == B::Pow
                && at.word(0) & 1 == 0
                && let Some(v) = self.plain(Helper::PlainPower, &[lhs, rhs], Type::Val)
            {
                self.set_reg(a, v);
                return Ok(Flow::Next);
            }
            return self.generic(at);
        };
        if let Some(flow) = self.operator_call(at, n as usize, lhs, rhs)? {
            return Ok(flow);
        }
        if let Some(flow) = self.reflected_call(at, n as usize, lhs, rhs)? {
            return Ok(flow);
        }
        let inplace = if at.word(0) & 1 != 0 { 256 } else { 0 };
        let n = self.word(n | inplace);
        let odd = self.is_odd(&[lhs, rhs]);
        if !odd && let Some(v) = self.plain(Helper::PlainBinary, &[lhs, rhs, n], Type::Val) {
            self.set_reg(a, v);
            return Ok(Flow::Next);
        }
        self.sync(&[]);
        let (x, y) = (self.boxed(lhs), self.boxed(rhs));
        let v = self.python_call(Helper::Binary, &[x, y, n], Type::Val);
        self.info[v.0 as usize].odd = odd || self.failed(Reason::Plain);
        self.set_reg(a, v);
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// Whether an operand comes from an operator of a class of its own: what follows would leave here too, and places that
    /// leave are found one at a time.
    fn is_odd(&self, operands: &[Val]) -> bool {
        operands.iter().any(|v| self.info[v.0 as usize].odd)
    }

    /// An operator whose left operand is of a Python class with a special method for it: builds the method's call.
    fn operator_call(&mut self, at: At, n: usize, x: Val, y: Val) -> Built<Option<Flow>> {
        let names = self.cx.names();
        // By number of the operator: special method, and that of the augmented assignment.
        let (name, inplace) = match n {
            0 => (names.__add__, names.__iadd__),
            1 => (names.__sub__, names.__isub__),
            2 => (names.__mul__, names.__imul__),
            3 => (names.__truediv__, names.__itruediv__),
            _ => return Ok(None),
        };
        let augmented = at.word(0) & 1 != 0;
        let a = at.w.a();
        let other = self.class_of(y);
        let flow = self.special(at, x, name, &[y], a, |b, class, method| {
            // The right operand's reflected method comes first if its class is a proper subclass of the left one's.
            let sure = match other {
                Some(other) => std::ptr::eq(other, class) || !other.is_subtype(class),
                None => class.data().subclasses.borrow().is_empty(),
            };
            sure && !declines(method) && !(augmented && b.cx.type_lookup(class, inplace).is_some())
        })?;
        if matches!(flow, Some(Flow::Next)) {
            let v = self.reg(a);
            // Where several methods meet, a result that nobody uses is gone.
            if !v.is_none() && self.class_of(v).is_some_and(|c| std::ptr::eq(c, Value::not_implemented().class())) {
                return self.no_inline_here();
            }
        }
        Ok(flow)
    }

    /// An operator whose left operand is a number and whose right one is of a Python class.
    fn reflected_call(&mut self, at: At, n: usize, x: Val, y: Val) -> Built<Option<Flow>> {
        let names = self.cx.names();
        let name = match n {
            0 => names.__radd__,
            1 => names.__rsub__,
            2 => names.__rmul__,
            3 => names.__rtruediv__,
            _ => return Ok(None),
        };
        let number = matches!(self.func[x].ty, Type::Int | Type::Float) || self.is_class(x, &FLOAT);
        if !number || self.func[y].ty != Type::Val || self.failed(Reason::Class) {
            return Ok(None);
        }
        let class = self.class_of(y).or_else(|| self.noted_at(self.pc as u32 | crate::profile::RIGHT));
        let Some(class) = class.or_else(|| self.peek(y).map(|v| v.class())) else { return Ok(None) };
        // A subclass of a number type may be asked first for another reason.
        if !class.is_heap_type() || class.is_subtype(&FLOAT) || class.is_subtype(&taipan_runtime::types::int::INT) {
            return Ok(None);
        }
        let y = self.guard_class(y, class);
        self.special(at, y, name, &[x], at.w.a(), |_, _, method| !declines(method))
    }

    /// The only class noted of the operands `v` here; what it is now if nothing was noted.
    pub fn noted_class(&mut self, v: Val) -> Option<&'static taipan_runtime::typeobj::Type> {
        let code = self.context().code;
        match crate::profile::profile(code).and_then(|p| p.receivers(self.pc as u32)) {
            Some(_) => self.noted_at(self.pc as u32),
            None => self.peek(v).map(|now| now.class()),
        }
    }

    /// The only class noted under a key of the profile.
    fn noted_at(&mut self, key: u32) -> Option<&'static taipan_runtime::typeobj::Type> {
        let noted = crate::profile::profile(self.context().code)?.receivers(key)?;
        let &[(class, _), ref others @ ..] = noted else { return None };
        if others.iter().any(|o| o.0 != class) {
            return None;
        }
        // Static types are not in the heap.
        let heap = self.cx.heap();
        if heap.contains(class as usize) && heap.find_object(class as usize)? as u64 != class {
            return None;
        }
        Value::from_address(class as usize).downcast()
    }

    fn int_binary(&mut self, op: B, x: Val, y: Val) -> Option<Val> {
        let both_bools = self.func[x].ty == Type::Bool && self.func[y].ty == Type::Bool;
        if matches!(op, B::And | B::Or | B::Xor) && both_bools {
            return None;
        }
        if matches!(op, B::Pow) && self.func.as_const_int(y) != Some(2) {
            return None;
        }
        // The runtime raises.
        let catches = op != B::RShift && self.catches_here();
        if matches!(op, B::FloorDiv | B::Mod | B::TrueDiv | B::RShift) && self.failed(Reason::Division) && !catches {
            return None;
        }
        let x = self.to_int(x, Reason::Number);
        let y = self.to_int(y, Reason::Number);
        if catches && matches!(op, B::FloorDiv | B::Mod | B::TrueDiv) {
            let zero = self.int(0);
            let wrong = self.emit(Op::ICmp, Type::Bool, &[y, zero], Cond::Eq as u64);
            self.raise_division(wrong);
        }
        // A guard on one may have been on the other, too.
        Some(match op {
            B::Add | B::Sub | B::Mul => self.checked(op, x, y),
            B::Pow => self.checked(B::Mul, x, x),
            B::FloorDiv | B::Mod => self.division(op == B::Mod, x, y),
            B::TrueDiv => {
                let (fx, fy) = (self.exact_float(x), self.exact_float(y));
                self.emit_guard(Op::FDiv, Type::Float, &[fx, fy], 0, Reason::Division)
            }
            B::And => {
                let ((xl, xh), (yl, yh)) = (self.range(x), self.range(y));
                let v = self.emit(Op::And, Type::Int, &[x, y], 0);
                match (xl >= 0, yl >= 0) {
                    (true, true) => self.bounded(v, 0, xh.min(yh)),
                    (true, false) => self.bounded(v, 0, xh),
                    (false, true) => self.bounded(v, 0, yh),
                    (false, false) => v,
                }
            }
            B::Or | B::Xor => {
                let ((xl, xh), (yl, yh)) = (self.range(x), self.range(y));
                let v = self.emit(if op == B::Or { Op::Or } else { Op::Xor }, Type::Int, &[x, y], 0);
                if xl >= 0 && yl >= 0 {
                    let bits = 64 - (xh | yh).leading_zeros();
                    return Some(self.bounded(v, 0, if bits >= 63 { i64::MAX } else { (1 << bits) - 1 }));
                }
                // The bits above the highest that tells something are all alike, in the result, too.
                let bits = [xl, xh, yl, yh].map(|k| 64 - (k ^ k >> 63).leading_zeros());
                match bits.into_iter().max() {
                    Some(bits) if bits < 63 => self.bounded(v, -1 << bits, (1 << bits) - 1),
                    _ => v,
                }
            }
            B::LShift => self.shift_left(x, y),
            B::RShift => {
                let ((xl, xh), (yl, yh)) = (self.range(x), self.range(y));
                let v = self.emit_guard(Op::Shr, Type::Int, &[x, y], 0, Reason::Division);
                let (least, most) = (yl.clamp(0, 63), yh.clamp(0, 63));
                let lo = if xl >= 0 { xl >> most } else { xl >> least };
                let hi = if xh >= 0 { xh >> least } else { xh >> most };
                self.bounded(v, lo, hi)
            }
            _ => return None,
        })
    }

    /// `+`, `-` or `*` with an overflow check unless the intervals make it needless.
    pub fn checked(&mut self, op: B, x: Val, y: Val) -> Val {
        let ((xl, xh), (yl, yh)) = (self.range(x), self.range(y));
        let (lo, hi) = match op {
            B::Add => (xl.checked_add(yl), xh.checked_add(yh)),
            B::Sub => (xl.checked_sub(yh), xh.checked_sub(yl)),
            _ => {
                let all = [xl.checked_mul(yl), xl.checked_mul(yh), xh.checked_mul(yl), xh.checked_mul(yh)];
                if all.iter().all(|p| p.is_some()) {
                    (all.iter().flatten().min().copied(), all.iter().flatten().max().copied())
                } else {
                    (None, None)
                }
            }
        };
        let (plain, guarded) = match op {
            B::Add => (Op::Add, Op::AddOv),
            B::Sub => (Op::Sub, Op::SubOv),
            _ => (Op::Mul, Op::MulOv),
        };
        match (lo, hi) {
            (Some(lo), Some(hi)) => {
                let v = self.emit(plain, Type::Int, &[x, y], 0);
                self.bounded(v, lo, hi)
            }
            _ => self.emit_guard(guarded, Type::Int, &[x, y], 0, Reason::Overflow),
        }
    }

    fn division(&mut self, modulo: bool, x: Val, y: Val) -> Val {
        let (xl, xh) = self.range(x);
        if let Some(k) = self.func.as_const_int(y)
            && k > 0
        {
            if modulo {
                let v = if k & (k - 1) == 0 {
                    let mask = self.int(k - 1);
                    self.emit(Op::And, Type::Int, &[x, mask], 0)
                } else {
                    self.emit(Op::ModConst, Type::Int, &[x], k as u64)
                };
                return self.bounded(v, 0, k - 1);
            }
            let v = self.emit(Op::DivConst, Type::Int, &[x], k as u64);
            return self.bounded(v, xl.div_euclid(k), xh.div_euclid(k));
        }
        let (yl, yh) = self.range(y);
        let op = if modulo { Op::FloorMod } else { Op::FloorDiv };
        let v = self.emit_guard(op, Type::Int, &[x, y], 0, Reason::Division);
        match (modulo, yl > 0) {
            (true, true) => self.bounded(v, 0, yh - 1),
            (false, true) => self.bounded(v, xl.min(0), xh.max(0)),
            _ => v,
        }
    }

    fn shift_left(&mut self, x: Val, y: Val) -> Val {
        let ((xl, xh), (yl, yh)) = (self.range(x), self.range(y));
        if yl >= 0 && yh <= 62 {
            let fits = |v: i64| v.checked_mul(1 << yh);
            if let (Some(lo), Some(hi)) = (fits(xl), fits(xh)) {
                let v = self.emit(Op::Shl, Type::Int, &[x, y], 0);
                return self.bounded(v, lo.min(xl << yl), hi.max(xh << yl));
            }
        }
        self.emit_guard(Op::ShlOv, Type::Int, &[x, y], 0, Reason::Overflow)
    }

    /// The double that equals an int; leaves where there is none.
    pub fn exact_float(&mut self, v: Val) -> Val {
        let (lo, hi) = self.range(v);
        if lo < -EXACT || hi > EXACT {
            let (low, span) = (self.int(EXACT), self.int(2 * EXACT + 1));
            let moved = self.emit(Op::Add, Type::Int, &[v, low], 0);
            let ok = self.emit(Op::ULt, Type::Bool, &[moved, span], 0);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Number);
        }
        self.emit(Op::IntToFloat, Type::Float, &[v], 0)
    }

    /// Of a float and a float or int: which may be an int depends on what is known of the other.
    fn float_binary(&mut self, op: B, x: Val, y: Val, mixed: bool) -> Option<Val> {
        let divides = matches!(op, B::TrueDiv | B::FloorDiv | B::Mod | B::Pow);
        let catches = divides && op != B::Pow && self.catches_here();
        if !divides && !matches!(op, B::Add | B::Sub | B::Mul) || divides && self.failed(Reason::Division) && !catches {
            return None;
        }
        let (float_x, float_y) = (self.is_class(x, &FLOAT), self.is_class(y, &FLOAT));
        // That the other operand of a float is one, too, is assumed until an int was seen: a float is known better.
        let lenient = |b: &Self, v: Val, int: u64| {
            let now = b.now(v);
            b.failed(Reason::Mixed) || now == Some(Kind::Int) || now.is_none() && b.feedback_here() & int != 0
        };
        let kind = |b: &Self, v: Val, float: bool, int: u64| match (mixed && float, lenient(b, v, int)) {
            (true, false) => (false, Reason::Mixed),
            (mixed, _) => (mixed, Reason::Number),
        };
        let (may_be_int, reason) = kind(self, x, float_y, feedback::LEFT_INT);
        let x2 = self.to_float(x, may_be_int, reason);
        // `x op x`: the guard on the first operand replaced the second. A guarded first operand is a float.
        let sure = float_x || !matches!(self.func[x].ty, Type::Int | Type::Bool) && !(mixed && float_y);
        let (may_be_int, reason) = kind(self, y, sure, feedback::RIGHT_INT);
        let y2 = if x == y { x2 } else { self.to_float(y, may_be_int, reason) };
        let (x, y) = (x2, y2);
        if catches {
            let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
            let wrong = self.emit(Op::FCmp, Type::Bool, &[y, zero], Cond::Eq as u64);
            self.raise_division(wrong);
        }
        Some(match op {
            B::Add => self.emit(Op::FAdd, Type::Float, &[x, y], 0),
            B::Sub => self.emit(Op::FSub, Type::Float, &[x, y], 0),
            B::Mul => self.emit(Op::FMul, Type::Float, &[x, y], 0),
            B::TrueDiv => self.emit_guard(Op::FDiv, Type::Float, &[x, y], 0, Reason::Division),
            B::FloorDiv | B::Mod => {
                let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
                let ok = self.emit(Op::FCmp, Type::Bool, &[y, zero], Cond::Ne as u64);
                self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Division);
                let helper = if op == B::Mod { Helper::FloatMod } else { Helper::FloatFloorDiv };
                self.plain_call(helper, &[x, y], Type::Float)
            }
            _ => return self.float_power(x, y),
        })
    }

    fn raise_division(&mut self, wrong: Val) {
        let text = self.cx.intern("division by zero");
        let text = self.object(Value::of(text));
        self.raise_if(wrong, &taipan_runtime::exceptions::ZeroDivisionError, &[text]);
    }

    fn float_power(&mut self, x: Val, y: Val) -> Option<Val> {
        let square = self.func[y].op == Op::IntToFloat && self.func.as_const_int(self.func[y].args[0]) == Some(2)
            || self.func[y].op == Op::ConstFloat && f64::from_bits(self.func[y].imm) == 2.0;
        if square {
            // Real for every x. Not `x * x`: libm's pow, which CPython calls, rounds differently now and then.
            let v = self.plain_call(Helper::FloatSquare, &[x], Type::Float);
            // Overflow raises OverflowError in Python.
            self.guard_finite(v);
            return Some(v);
        }
        let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
        let ok = self.emit(Op::FCmp, Type::Bool, &[x, zero], Cond::Gt as u64);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Division);
        let v = self.plain_call(Helper::FloatPow, &[x, y], Type::Float);
        self.guard_finite(v);
        Some(v)
    }

    pub fn guard_finite(&mut self, v: Val) {
        let size = self.emit(Op::FAbs, Type::Float, &[v], 0);
        let max = self.emit(Op::ConstFloat, Type::Float, &[], f64::MAX.to_bits());
        let ok = self.emit(Op::FCmp, Type::Bool, &[size, max], Cond::Le as u64);
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Division);
    }

    /// `-v`.
    pub fn negate(&mut self, at: At) -> Built<Flow> {
        let (a, v) = (at.w.a(), self.reg(at.w.b()));
        if let Some(r) = self.complex_negated(v, true) {
            self.set_reg(a, r);
            return Ok(Flow::Next);
        }
        let r = match self.func[v].ty {
            Type::Int | Type::Bool => {
                let v = self.to_int(v, Reason::Number);
                let zero = self.int(0);
                self.checked(B::Sub, zero, v)
            }
            Type::Float => self.emit(Op::FNeg, Type::Float, &[v], 0),
            // A float where that was seen or ints have failed.
            _ if self.is_class(v, &FLOAT) && !self.failed(Reason::Ints)
                || self.class_of(v).is_none()
                    && !self.failed(Reason::Ints)
                    && (self.failed(Reason::Number) || self.now(v) == Some(Kind::Float)) =>
            {
                let v = self.to_float(v, false, Reason::Ints);
                self.emit(Op::FNeg, Type::Float, &[v], 0)
            }
            _ if self.class_of(v).is_none() && !self.failed(Reason::Number) => {
                let v = self.to_int(v, Reason::Number);
                let zero = self.int(0);
                self.checked(B::Sub, zero, v)
            }
            _ => {
                let name = self.cx.names().__neg__;
                if let Some(flow) = self.special(at, v, name, &[], a, |_, _, _| true)? {
                    return Ok(flow);
                }
                match self.plain(Helper::PlainNegative, &[v], Type::Val) {
                    Some(v) => v,
                    None => return self.generic(at),
                }
            }
        };
        self.set_reg(a, r);
        Ok(Flow::Next)
    }

    /// `~v`.
    pub fn invert(&mut self, at: At) -> Built<Flow> {
        let v = self.reg(at.w.b());
        let r = match self.func[v].ty {
            Type::Int => {
                let (lo, hi) = self.range(v);
                let minus_one = self.int(-1);
                let r = self.emit(Op::Xor, Type::Int, &[v, minus_one], 0);
                self.bounded(r, !hi, !lo)
            }
            Type::Val if self.class_of(v).is_none() && !self.failed(Reason::Number) => {
                // The register holds the int then.
                self.to_int(v, Reason::Number);
                return self.invert(at);
            }
            _ => match self.word_invert(at, v) {
                Some(r) => r,
                None => return self.generic(at),
            },
        };
        self.set_reg(at.w.a(), r);
        Ok(Flow::Next)
    }

    /// A comparison as a truth value, if no Python code can be needed.
    fn compare(&mut self, at: At, cond: Cond, x: Val, y: Val) -> Option<Val> {
        if let Some(t) = self.word_compare(cond, x, y) {
            return Some(t);
        }
        if matches!(cond, Cond::Eq | Cond::Ne)
            && let Some(t) = self.tuples_equal(x, y).or_else(|| self.tuples_equal(y, x))
        {
            return Some(if cond == Cond::Eq { t } else { self.emit(Op::BoolNot, Type::Bool, &[t], 0) });
        }
        match self.kinds(at, x, y) {
            Kind::Int => {
                let x = self.to_int(x, Reason::Number);
                let y = self.to_int(y, Reason::Number);
                Some(self.emit(Op::ICmp, Type::Bool, &[x, y], cond as u64))
            }
            Kind::Float | Kind::Mixed => {
                let x2 = self.compared_float(x, feedback::LEFT_INT);
                let y2 = if x == y { x2 } else { self.compared_float(y, feedback::RIGHT_INT) };
                Some(self.emit(Op::FCmp, Type::Bool, &[x2, y2], cond as u64))
            }
            Kind::Str => {
                if let Some(t) = self.compare_chars(cond, x, y) {
                    return Some(t);
                }
                let n = self.word(cond as u64);
                let t = self.plain_call(Helper::StrCompare, &[x, y, n], Type::Word);
                Some(self.word_is(t, 1))
            }
            Kind::Numbers => self.numbers_compare(cond, x, y),
            Kind::Other => None,
        }
    }

    /// As `to_float`, but an int must be represented exactly. The bit of feedback says that one was seen.
    fn compared_float(&mut self, v: Val, int: u64) -> Val {
        match self.func[v].ty {
            Type::Int => self.exact_float(v),
            Type::Bool => {
                let i = self.to_int(v, Reason::Number);
                self.exact_float(i)
            }
            Type::Float => v,
            _ if self.failed(Reason::Number) => self.exact_number(v),
            _ if self.now(v).is_none() && self.feedback_here() & int != 0 => self.exact_number(v),
            // A value that may be a large int must not be rounded.
            _ => self.to_float(v, false, Reason::Number),
        }
    }

    /// `reg a = reg b op reg c`.
    pub fn comparison(&mut self, at: At) -> Built<Flow> {
        let (a, x, y) = (at.w.a(), self.reg(at.w.b()), self.reg(at.w.c()));
        let cond = cond_of(at.op.base()).0;
        if let Some(t) = self.compare(at, cond, x, y) {
            self.set_reg(a, t);
            return Ok(Flow::Next);
        }
        if let Some(v) = self.compare_call(cond, x, y)? {
            self.set_reg(a, v);
            self.check_valid(at);
            return Ok(Flow::Next);
        }
        let n = self.word(cond as u64);
        if !self.is_odd(&[x, y])
            && let Some(t) = self.plain_truth(Helper::PlainCompare, &[x, y, n])
        {
            self.set_reg(a, t);
            return Ok(Flow::Next);
        }
        self.sync(&[]);
        let (x, y) = (self.boxed(x), self.boxed(y));
        let v = self.python_call(Helper::Compare, &[x, y, n], Type::Val);
        self.set_reg(a, v);
        self.check_valid(at);
        Ok(Flow::Next)
    }

    /// A fused comparison and jump.
    pub fn compare_jump(&mut self, at: At, rhs: Val) -> Built<Flow> {
        let x = self.reg(at.w.a());
        let (cond, when) = cond_of(at.op.base());
        if let Some(t) = self.compare(at, cond, x, rhs) {
            return Ok(self.fork(t, when));
        }
        if let Some(v) = self.compare_call(cond, x, rhs)? {
            let t = match self.truth(v) {
                Some(t) => t,
                None => {
                    self.sync(&[]);
                    let t = self.python_call(Helper::Truth, &[v], Type::Word);
                    self.word_is(t, TRUE_WORD)
                }
            };
            return Ok(self.fork_checked(at, t, when));
        }
        let n = self.word(cond as u64);
        if !self.is_odd(&[x, rhs])
            && let Some(t) = self.plain_truth(Helper::PlainCompare, &[x, rhs, n])
        {
            return Ok(self.fork(t, when));
        }
        self.sync(&[]);
        let (x, y) = (self.boxed(x), self.boxed(rhs));
        let t = self.python_call(Helper::CompareBool, &[x, y, n], Type::Word);
        let t = self.word_is(t, TRUE_WORD);
        Ok(self.fork_checked(at, t, when))
    }

    /// The result of the special method of a Python class that compares; None if there is none that is sure to be asked.
    fn compare_call(&mut self, cond: Cond, x: Val, y: Val) -> Built<Option<Val>> {
        let names = self.cx.names();
        let name = match cond {
            Cond::Lt => names.__lt__,
            Cond::Le => names.__le__,
            Cond::Eq => names.__eq__,
            Cond::Ne => names.__ne__,
            Cond::Gt => names.__gt__,
            Cond::Ge => names.__ge__,
        };
        if self.func[x].ty != Type::Val || self.failed(Reason::Class) && self.class_of(x).is_none() {
            return Ok(None);
        }
        let Some(class) = self.class_of(x).or_else(|| self.noted_class(x)).filter(|c| c.is_heap_type()) else {
            return Ok(None);
        };
        self.cx.assign_version(class);
        let f = self.cx.type_lookup(class, name).and_then(|m| m.exact::<Function>());
        let Some(f) = f.filter(|f| class.version() != 0 && self.takes(f, 2)) else { return Ok(None) };
        // The right operand's method comes first if its class is a proper subclass of the left one's.
        let sure = match self.class_of(y) {
            Some(other) => std::ptr::eq(other, class) || !other.is_subtype(class),
            None => class.data().subclasses.borrow().is_empty(),
        };
        if !sure {
            return Ok(None);
        }
        self.watch_type(class);
        let x = self.guard_class(x, class);
        let callee = self.object(Value::of(f));
        let base = self.context().code.nregs();
        let v = self.call_with(f, callee, &[x, y], base);
        if !declines(f) {
            return Ok(Some(v));
        }
        let declined = self.emit(Op::IsConst, Type::Bool, &[v], Value::not_implemented().bits());
        let ask_the_other = |b: &mut Self| {
            let block = b.block;
            b.func[block].cold = true;
            let (x, y, n) = (b.boxed(x), b.boxed(y), b.word(cond as u64));
            b.python_call(Helper::CompareDeclined, &[x, y, n], Type::Val)
        };
        Ok(Some(self.diamond(declined, Type::Val, ask_the_other, |_| v)))
    }

    /// Interval of small ints.
    pub fn small_range() -> (i64, i64) {
        (INT_MIN, INT_MAX)
    }
}

/// Condition of a comparison or a jump, and whether the jump is taken where it holds.
fn cond_of(op: B) -> (Cond, bool) {
    match op {
        B::Lt | B::JumpLt | B::JumpLtI => (Cond::Lt, true),
        B::Le | B::JumpLe | B::JumpLeI => (Cond::Le, true),
        B::Ne | B::JumpNe | B::JumpNeI => (Cond::Ne, true),
        B::Gt | B::JumpGt | B::JumpGtI => (Cond::Gt, true),
        B::Ge | B::JumpGe | B::JumpGeI => (Cond::Ge, true),
        B::JumpNotLt | B::JumpNotLtI => (Cond::Lt, false),
        B::JumpNotLe | B::JumpNotLeI => (Cond::Le, false),
        B::JumpNotEq | B::JumpNotEqI => (Cond::Eq, false),
        B::JumpNotNe | B::JumpNotNeI => (Cond::Ne, false),
        B::JumpNotGt | B::JumpNotGtI => (Cond::Gt, false),
        B::JumpNotGe | B::JumpNotGeI => (Cond::Ge, false),
        _ => (Cond::Eq, true),
    }
}
