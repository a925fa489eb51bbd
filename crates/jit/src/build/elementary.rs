//! Functions of `math`, and `min` and `max`, on machine numbers: no object is made, and what would raise leaves.

use taipan_runtime::Value;
use taipan_runtime::types::float::FLOAT;

use super::Builder;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Cond, Op, Type, Val};

/// Where a function neither raises nor gives something else than the helper.
#[derive(Clone, Copy)]
enum Domain {
    /// Everywhere.
    All,
    /// For finite numbers.
    Finite,
    /// For numbers above 0.
    Positive,
    /// From -1 to 1.
    Unit,
    /// Where the result is finite.
    FiniteResult,
}

/// Functions of one number.
const ELEMENTARY: &[(&str, Helper, Domain)] = &[
    ("sin", Helper::FloatSin, Domain::Finite),
    ("cos", Helper::FloatCos, Domain::Finite),
    ("tan", Helper::FloatTan, Domain::Finite),
    ("asin", Helper::FloatAsin, Domain::Unit),
    ("acos", Helper::FloatAcos, Domain::Unit),
    ("atan", Helper::FloatAtan, Domain::All),
    ("tanh", Helper::FloatTanh, Domain::All),
    ("exp", Helper::FloatExp, Domain::FiniteResult),
    ("log", Helper::FloatLog, Domain::Positive),
    ("log2", Helper::FloatLog2, Domain::Positive),
    ("log10", Helper::FloatLog10, Domain::Positive),
];

impl Builder<'_> {
    /// A function of `math`; None if it is called.
    pub fn math_function(&mut self, name: &str, args: &[Val]) -> Option<Val> {
        match (name, args) {
            ("sqrt", &[v]) => {
                let x = self.math_operand(v)?;
                Some(self.emit_guard(Op::FSqrt, Type::Float, &[x], 0, Reason::Division))
            }
            ("fabs", &[v]) => {
                let x = self.math_operand(v)?;
                Some(self.emit(Op::FAbs, Type::Float, &[x], 0))
            }
            ("atan2", &[y, x]) => {
                let y = self.math_operand(y)?;
                let x = self.math_operand(x)?;
                Some(self.plain_call(Helper::FloatAtan2, &[y, x], Type::Float))
            }
            (_, &[v]) => {
                let (_, helper, domain) = *ELEMENTARY.iter().find(|row| row.0 == name)?;
                let x = self.math_operand(v)?;
                self.guard_domain(x, domain);
                let result = self.plain_call(helper, &[x], Type::Float);
                if matches!(domain, Domain::FiniteResult) {
                    self.guard_finite(result);
                }
                Some(result)
            }
            _ => None,
        }
    }

    /// The double that a function of `math` works on; None if the argument is no number, or calls here left before.
    fn math_operand(&mut self, v: Val) -> Option<Val> {
        if self.failed(Reason::Division) {
            return None;
        }
        let is_known = matches!(self.func[v].ty, Type::Int | Type::Float) || self.is_class(v, &FLOAT);
        let may_be = self.func[v].ty == Type::Val && self.class_of(v).is_none() && !self.failed(Reason::Number);
        (is_known || may_be).then(|| self.to_float(v, true, Reason::Number))
    }

    fn guard_domain(&mut self, x: Val, domain: Domain) {
        let ok = match domain {
            Domain::All | Domain::FiniteResult => return,
            Domain::Finite => return self.guard_finite(x),
            Domain::Positive => {
                let zero = self.emit(Op::ConstFloat, Type::Float, &[], 0);
                self.emit(Op::FCmp, Type::Bool, &[x, zero], Cond::Gt as u64)
            }
            Domain::Unit => {
                let size = self.emit(Op::FAbs, Type::Float, &[x], 0);
                let one = self.emit(Op::ConstFloat, Type::Float, &[], 1f64.to_bits());
                self.emit(Op::FCmp, Type::Bool, &[size, one], Cond::Le as u64)
            }
        };
        self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Division);
    }

    /// `min` or `max` of two numbers; None for others.
    pub fn min_max(&mut self, min: bool, x: Val, y: Val) -> Option<Val> {
        let cond = if min { Cond::Lt } else { Cond::Gt };
        // The first of equals is the result, and of a NaN and another number.
        match (self.func[x].ty, self.func[y].ty) {
            (Type::Int, Type::Int) => {
                let ((xl, xh), (yl, yh)) = (self.range(x), self.range(y));
                let t = self.emit(Op::ICmp, Type::Bool, &[y, x], cond as u64);
                let v = self.emit(Op::Select, Type::Int, &[t, y, x], 0);
                let (lo, hi) = if min { (xl.min(yl), xh.min(yh)) } else { (xl.max(yl), xh.max(yh)) };
                Some(self.bounded(v, lo, hi))
            }
            (Type::Float, Type::Float) => {
                let t = self.emit(Op::FCmp, Type::Bool, &[y, x], cond as u64);
                Some(self.emit(Op::SelectFloat, Type::Float, &[t, y, x], 0))
            }
            _ => self.min_max_mixed(cond, x, y),
        }
    }

    /// One of two numbers, each of which may be an int or a float; None where one may be something else, or has been here.
    fn min_max_mixed(&mut self, cond: Cond, x: Val, y: Val) -> Option<Val> {
        let machine = |b: &Self, v: Val| matches!(b.func[v].ty, Type::Int | Type::Float) || b.is_class(v, &FLOAT);
        // What is compared with a number is one, too, as a rule.
        let beside_one = machine(self, x) || machine(self, y);
        let is_number = |b: &Self, v: Val| {
            let may_be = b.func[v].ty == Type::Val && b.class_of(v).is_none();
            let now = |now: Value| now.is_small() || std::ptr::eq(now.class(), &FLOAT);
            machine(b, v) || may_be && b.peek(v).map_or(beside_one, now)
        };
        if self.failed(Reason::Numbers) || !is_number(self, x) || !is_number(self, y) {
            return None;
        }
        let floats = |b: &mut Self| {
            let (x, y) = (b.exact_number(x), b.exact_number(y));
            b.emit(Op::FCmp, Type::Bool, &[y, x], cond as u64)
        };
        let t = match self.both_ints(x, y) {
            Some(ints) => self.diamond(
                ints,
                Type::Bool,
                |b| {
                    let (x, y) = (b.untagged(x), b.untagged(y));
                    b.emit(Op::ICmp, Type::Bool, &[y, x], cond as u64)
                },
                floats,
            ),
            None => floats(self),
        };
        let (x, y) = (self.boxed(x), self.boxed(y));
        Some(self.emit(Op::SelectVal, Type::Val, &[t, y, x], 0))
    }
}
