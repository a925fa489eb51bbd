//! Ints of 64 bits without sign: values between 0 and 2^64, and values of which only the lowest 64 bits matter.
//!
//! Such an int is a tagged word like any other object, made by `box_word` or by [`Helper::WideBinary`], and the builder
//! remembers its lowest 64 bits. What only needs those (a mask, another operation) takes them; then nobody makes the object.

use taipan_bytecode::Op as B;
use taipan_bytecode::ops::feedback;
use taipan_runtime::types::int::{self, INT};

use super::Builder;
use super::arith::number;
use super::ops::At;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Cond, Op, StateId, Type, Val};

/// What is known of an int besides its object.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Word {
    /// Its lowest 64 bits, an int.
    pub bits: Val,
    /// It is in 0..2^64.
    pub exact: bool,
}

impl Builder<'_> {
    /// The int's lowest 64 bits, if they are known without a guard.
    fn word_of(&mut self, v: Val) -> Option<Word> {
        match self.func[v].ty {
            Type::Int => Some(Word { bits: v, exact: self.range(v).0 >= 0 }),
            Type::Val => {
                if let Some(word) = self.words.get(&v) {
                    return Some(*word);
                }
                let bits = self.as_const(v).and_then(int::as_u64)?;
                let bits = self.emit(Op::ConstInt, Type::Int, &[], bits);
                Some(Word { bits, exact: true })
            }
            _ => None,
        }
    }

    /// The bits of an int in 0..2^64, if that is known; else a guard through `state` makes sure of it.
    pub fn exact_bits(&mut self, v: Val, guard: Option<(StateId, Reason)>) -> Option<Val> {
        if let Some(word) = self.word_of(v) {
            if word.exact {
                return Some(word.bits);
            }
            return None;
        }
        let known = self.class_of(v);
        let (state, reason) = guard?;
        if self.func[v].ty != Type::Val || known.is_some_and(|c| !std::ptr::eq(c, &INT)) {
            return None;
        }
        Some(self.emit_exit(Op::GuardBits, Type::Int, &[v], 0, reason, state))
    }

    /// Whether all of some values are known to be in 0..2^64 and one is such an object.
    pub fn are_words(&mut self, values: &[Val]) -> bool {
        values.iter().any(|v| self.words.contains_key(v)) && values.iter().all(|v| self.exact_bits(*v, None).is_some())
    }

    /// The int in 0..2^64 with these bits.
    pub fn word_value(&mut self, bits: Val) -> Val {
        let v = self.emit(Op::BoxWord, Type::Val, &[bits], 0);
        self.classed(v, &INT);
        self.words.insert(v, Word { bits, exact: true });
        v
    }

    /// A result below 2^64 with an upper limit.
    fn below(&mut self, bits: Val, most: u64) -> Val {
        match i64::try_from(most) {
            Ok(most) => self.bounded(bits, 0, most),
            Err(_) => self.word_value(bits),
        }
    }

    /// The largest value that an exact word may have.
    fn most(&self, word: Word) -> u64 {
        let (lo, hi) = self.range(word.bits);
        match self.func.as_const_int(word.bits) {
            Some(i) => i as u64,
            None if lo >= 0 => hi as u64,
            None => u64::MAX,
        }
    }

    /// The operand as a word. A guard makes sure of what the interpreter saw.
    fn operand(&mut self, v: Val) -> Option<Word> {
        if let Some(word) = self.word_of(v) {
            return Some(word);
        }
        if self.failed(Reason::Number) || self.func[v].ty != Type::Val {
            return None;
        }
        let state = self.resume_here();
        let bits = self.exact_bits(v, Some((state, Reason::Number)))?;
        Some(Word { bits, exact: true })
    }

    /// `x op y` of ints beyond 63 bits; None where that is left to others.
    pub fn word_binary(&mut self, at: At, op: B, x: Val, y: Val) -> Option<Val> {
        let seen = at.feedback() & (feedback::FLOAT | feedback::OTHER | feedback::BIG | feedback::STR);
        let is_word = |b: &Self, v: Val| {
            b.words.contains_key(&v) || b.as_const(v).is_some_and(|c| c.is_pointer() && int::as_u64(c).is_some())
        };
        let big = seen == feedback::BIG || self.failed(Reason::Overflow) && seen & !feedback::BIG == 0;
        if !(big || is_word(self, x) || is_word(self, y)) {
            return None;
        }
        let known = |b: &Self, v: Val| {
            b.func[v].ty == Type::Int || is_word(b, v) || b.func[v].ty == Type::Val && big && b.class_of(v).is_none()
        };
        if !known(self, x) || !known(self, y) {
            return None;
        }
        let n = number(op).filter(|_| !matches!(op, B::TrueDiv | B::FloorDiv | B::Mod))?;
        let (wx, wy) = (self.operand(x)?, self.operand(y)?);
        match op {
            B::And if wx.exact || wy.exact => {
                let most = [wx, wy].iter().filter(|w| w.exact).map(|w| self.most(*w)).min().unwrap_or(u64::MAX);
                let bits = self.emit(Op::And, Type::Int, &[wx.bits, wy.bits], 0);
                return Some(self.below(bits, most));
            }
            B::Or | B::Xor if wx.exact && wy.exact => {
                let zeros = (self.most(wx) | self.most(wy)).leading_zeros();
                let bits = self.emit(if op == B::Or { Op::Or } else { Op::Xor }, Type::Int, &[wx.bits, wy.bits], 0);
                return Some(self.below(bits, u64::MAX.checked_shr(zeros).unwrap_or(0)));
            }
            B::RShift if wx.exact => {
                let (lo, hi) = self.range(y);
                if self.func[y].ty != Type::Int || lo < 0 || hi > 63 {
                    return None;
                }
                let most = self.most(wx) >> lo;
                let bits = self.emit(Op::UShr, Type::Int, &[wx.bits, y], 0);
                return Some(self.below(bits, most));
            }
            _ => {}
        }
        let low = match op {
            B::Add => Op::Add,
            B::Sub => Op::Sub,
            B::Mul => Op::Mul,
            B::Xor => Op::Xor,
            B::Or => Op::Or,
            B::And => Op::And,
            B::LShift => {
                let (lo, hi) = self.range(y);
                if self.func[y].ty != Type::Int || lo < 0 || hi > 63 {
                    return None;
                }
                Op::Shl
            }
            _ => return None,
        };
        let bits = self.emit(low, Type::Int, &[wx.bits, wy.bits], 0);
        // Whoever needs more than the lowest bits gets the object.
        let (x, y, n) = (self.boxed(x), self.boxed(y), self.word(n));
        let v = self.plain_call(Helper::WideBinary, &[x, y, n], Type::Val);
        self.classed(v, &INT);
        self.words.insert(v, Word { bits, exact: false });
        Some(v)
    }

    /// `~v` of an int beyond 63 bits: `-1 - v`.
    pub fn word_invert(&mut self, at: At, v: Val) -> Option<Val> {
        let minus_one = self.int(-1);
        self.word_binary(at, B::Sub, minus_one, v)
    }

    /// `x cond y` where one is in 0..2^64 and the other is known to be; None where that is left to others.
    pub fn word_compare(&mut self, cond: Cond, x: Val, y: Val) -> Option<Val> {
        if !self.are_words(&[x, y]) {
            return None;
        }
        let (x, y) = (self.exact_bits(x, None)?, self.exact_bits(y, None)?);
        let (a, b, negate) = match cond {
            Cond::Eq | Cond::Ne => return Some(self.emit(Op::ICmp, Type::Bool, &[x, y], cond as u64)),
            Cond::Lt => (x, y, false),
            Cond::Ge => (x, y, true),
            Cond::Gt => (y, x, false),
            Cond::Le => (y, x, true),
        };
        let t = self.emit(Op::ULt, Type::Bool, &[a, b], 0);
        Some(if negate { self.emit(Op::BoolNot, Type::Bool, &[t], 0) } else { t })
    }
}
