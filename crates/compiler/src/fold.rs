//! Constants: folding of expressions and the table of a code block's constants.
//!
//! Folds what CPython folds where the result is small: unary and binary operators on numbers, str, bytes
//! and tuples, subscripts of constants, tuples of constants. Arithmetic that leaves 64 bits stays for run time.

use crate::literal;
use ruff_python_ast::{Expr, Number, Operator, UnaryOp};
use std::collections::HashMap;
use taipan_bytecode::Const;

/// Longest str or bytes that folding makes.
const MAX_STR: usize = 4096;
/// Longest tuple that folding makes.
const MAX_TUPLE: usize = 256;
/// Nesting that folding looks into.
const MAX_DEPTH: u32 = 40;

/// What folding has to know.
#[derive(Clone, Copy)]
pub struct Folder<'a> {
    /// The source text.
    pub source: &'a str,
    /// Value of `__debug__`.
    pub debug: bool,
}

impl Folder<'_> {
    /// The value of `e`, if it is constant.
    pub fn fold(&self, e: &Expr) -> Option<Const> {
        self.fold_at(e, 0)
    }

    fn fold_at(&self, e: &Expr, depth: u32) -> Option<Const> {
        if depth > MAX_DEPTH {
            return None;
        }
        match e {
            Expr::NoneLiteral(_) => Some(Const::None),
            Expr::EllipsisLiteral(_) => Some(Const::Ellipsis),
            Expr::BooleanLiteral(b) => Some(Const::Bool(b.value)),
            Expr::NumberLiteral(n) => Some(number(&n.value)),
            Expr::StringLiteral(s) => Some(Const::Str(literal::string(self.source, s))),
            Expr::BytesLiteral(b) => Some(Const::Bytes(b.value.bytes().collect())),
            Expr::Name(n) if n.id.as_str() == "__debug__" => Some(Const::Bool(self.debug)),
            Expr::Tuple(t) => {
                if t.elts.iter().any(|e| !may_fold(e)) {
                    return None;
                }
                let items: Option<Box<[Const]>> = t.elts.iter().map(|e| self.fold_at(e, depth + 1)).collect();
                items.map(Const::Tuple)
            }
            Expr::UnaryOp(u) => unary(u.op, self.fold_at(&u.operand, depth + 1)?),
            Expr::BinOp(b) => {
                let right = self.fold_at(&b.right, depth + 1)?;
                binary(b.op, &self.fold_at(&b.left, depth + 1)?, &right)
            }
            Expr::Subscript(s) => {
                let index = self.fold_at(&s.slice, depth + 1)?;
                subscript(&self.fold_at(&s.value, depth + 1)?, &index)
            }
            _ => None,
        }
    }
}

fn may_fold(e: &Expr) -> bool {
    match e {
        Expr::Name(n) => n.id.as_str() == "__debug__",
        Expr::Call(_) | Expr::Attribute(_) | Expr::Starred(_) => false,
        _ => true,
    }
}

/// The value of a number literal.
pub fn number(n: &Number) -> Const {
    match n {
        Number::Int(i) => match i.as_i64() {
            Some(small) => Const::Int(small),
            None => big(&i.to_string()),
        },
        Number::Float(f) => Const::Float(*f),
        Number::Complex { real, imag } => Const::Complex(*real, *imag),
    }
}

/// A large int from its digits, with or without `0x`, `0o`, `0b`.
fn big(text: &str) -> Const {
    let text = text.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = match text.get(..2) {
        Some("0x") => (16, &text[2..]),
        Some("0o") => (8, &text[2..]),
        Some("0b") => (2, &text[2..]),
        _ => (10, &text[..]),
    };
    let mut limbs: Vec<u32> = Vec::new();
    // Several digits at a time keep this quadratic loop short.
    let per_step = match radix {
        16 => 7,
        8 => 9,
        2 => 29,
        _ => 9,
    };
    for chunk in digits.as_bytes().chunks(per_step) {
        let scale = (radix as u64).pow(chunk.len() as u32);
        let mut carry =
            chunk.iter().fold(0u64, |n, &d| n * radix as u64 + (d as char).to_digit(radix).unwrap_or(0) as u64);
        for limb in &mut limbs {
            let n = *limb as u64 * scale + carry;
            *limb = (n & 0x3fff_ffff) as u32;
            carry = n >> 30;
        }
        while carry > 0 {
            limbs.push((carry & 0x3fff_ffff) as u32);
            carry >>= 30;
        }
    }
    let mut small = Some(0i64);
    for &limb in limbs.iter().rev() {
        small = small.and_then(|s| s.checked_mul(1 << 30)).and_then(|s| s.checked_add(limb as i64));
    }
    small.map_or_else(|| Const::Big(false, limbs.into()), Const::Int)
}

/// Truth of a constant.
pub fn truth(c: &Const) -> bool {
    match c {
        Const::None => false,
        Const::Bool(b) => *b,
        Const::Int(i) => *i != 0,
        Const::Float(f) => *f != 0.0,
        Const::Complex(r, i) => *r != 0.0 || *i != 0.0,
        Const::Str(s) => !s.0.is_empty(),
        Const::Bytes(b) => !b.is_empty(),
        Const::Tuple(t) | Const::FrozenSet(t) => !t.is_empty(),
        Const::Ellipsis | Const::Big(..) | Const::Slice(_) | Const::Code(_) => true,
    }
}

fn int(c: &Const) -> Option<i64> {
    match c {
        Const::Int(i) => Some(*i),
        Const::Bool(b) => Some(*b as i64),
        _ => None,
    }
}

fn float(c: &Const) -> Option<f64> {
    match c {
        Const::Float(f) => Some(*f),
        // Larger ints may round; leave those to run time.
        _ => int(c).filter(|i| i.unsigned_abs() < 1 << 53).map(|i| i as f64),
    }
}

fn unary(op: UnaryOp, c: Const) -> Option<Const> {
    match (op, c) {
        (UnaryOp::Not, c) => Some(Const::Bool(!truth(&c))),
        (UnaryOp::USub, Const::Float(f)) => Some(Const::Float(-f)),
        (UnaryOp::USub, Const::Complex(r, i)) => Some(Const::Complex(-r, -i)),
        (UnaryOp::USub, Const::Big(sign, limbs)) => {
            let min = !sign && *limbs == [0, 0, 8];
            Some(if min { Const::Int(i64::MIN) } else { Const::Big(!sign, limbs) })
        }
        (UnaryOp::UAdd, c @ (Const::Float(_) | Const::Complex(..) | Const::Big(..))) => Some(c),
        (UnaryOp::USub, c) => int(&c)?.checked_neg().map(Const::Int),
        (UnaryOp::UAdd, c) => int(&c).map(Const::Int),
        (UnaryOp::Invert, Const::Bool(_)) => None,
        (UnaryOp::Invert, c) => int(&c).map(|i| Const::Int(!i)),
    }
}

/// The value of `left op right`, if it is to be folded.
pub fn binary(op: Operator, left: &Const, right: &Const) -> Option<Const> {
    if let (Some(a), Some(b)) = (int(left), int(right)) {
        if let (Operator::BitAnd | Operator::BitOr | Operator::BitXor, Const::Bool(a), Const::Bool(b)) =
            (op, left, right)
        {
            return Some(Const::Bool(match op {
                Operator::BitAnd => a & b,
                Operator::BitOr => a | b,
                _ => a ^ b,
            }));
        }
        return int_op(op, a, b);
    }
    if let (Some(a), Some(b)) = (float(left), float(right)) {
        return float_op(op, a, b);
    }
    match (op, left, right) {
        (Operator::Add | Operator::Sub, _, _) if complex(left).is_some() && complex(right).is_some() => {
            complex_op(op, left, right)
        }
        (Operator::Add, Const::Str(a), Const::Str(b)) if a.0.len() + b.0.len() <= MAX_STR => {
            Some(Const::Str(taipan_bytecode::Text([&a.0[..], &b.0[..]].concat().into())))
        }
        (Operator::Add, Const::Bytes(a), Const::Bytes(b)) if a.len() + b.len() <= MAX_STR => {
            Some(Const::Bytes([&a[..], &b[..]].concat().into()))
        }
        (Operator::Add, Const::Tuple(a), Const::Tuple(b)) if a.len() + b.len() <= MAX_TUPLE => {
            Some(Const::Tuple([&a[..], &b[..]].concat().into()))
        }
        (Operator::Mult, Const::Int(n), sequence) | (Operator::Mult, sequence, Const::Int(n)) => repeat(sequence, *n),
        _ => None,
    }
}

fn complex(c: &Const) -> Option<(Option<f64>, f64)> {
    match c {
        Const::Complex(r, i) => Some((Some(*r), *i)),
        _ => float(c).map(|f| (None, f)),
    }
}

/// Sum or difference with at least one complex operand (mixed mode keeps the sign of zeros, as 3.14).
fn complex_op(op: Operator, left: &Const, right: &Const) -> Option<Const> {
    let sign = if op == Operator::Add { 1.0 } else { -1.0 };
    match (left, right) {
        (Const::Complex(a, b), Const::Complex(c, d)) => Some(Const::Complex(a + sign * c, b + sign * d)),
        (Const::Complex(a, b), real) => Some(Const::Complex(a + sign * float(real)?, *b)),
        (real, Const::Complex(c, d)) => Some(Const::Complex(float(real)? + sign * c, sign * d)),
        _ => None,
    }
}

fn repeat(sequence: &Const, n: i64) -> Option<Const> {
    let n = usize::try_from(n.max(0)).ok()?;
    match sequence {
        Const::Str(s) if s.0.len().checked_mul(n)? <= MAX_STR => {
            Some(Const::Str(taipan_bytecode::Text(s.0.repeat(n).into())))
        }
        Const::Bytes(b) if b.len().checked_mul(n)? <= MAX_STR => Some(Const::Bytes(b.repeat(n).into())),
        Const::Tuple(t) if t.len().checked_mul(n)? <= MAX_TUPLE => {
            Some(Const::Tuple(t.iter().cycle().take(t.len() * n).cloned().collect()))
        }
        _ => None,
    }
}

fn int_op(op: Operator, a: i64, b: i64) -> Option<Const> {
    let value = match op {
        Operator::Add => a.checked_add(b)?,
        Operator::Sub => a.checked_sub(b)?,
        Operator::Mult => a.checked_mul(b)?,
        Operator::FloorDiv if b != 0 => {
            let q = a.checked_div(b)?;
            if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
        }
        Operator::Mod if b != 0 => {
            let r = a.checked_rem(b)?;
            if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
        }
        Operator::Div if b != 0 => {
            let exact = a.unsigned_abs() < 1 << 53 && b.unsigned_abs() < 1 << 53;
            return exact.then(|| Const::Float(a as f64 / b as f64));
        }
        Operator::Pow if b >= 0 => a.checked_pow(u32::try_from(b).ok()?)?,
        Operator::LShift if (0..63).contains(&b) => {
            let value = a << b;
            if value >> b != a {
                return None;
            }
            value
        }
        Operator::RShift if b >= 0 => a >> b.min(63),
        Operator::BitAnd => a & b,
        Operator::BitOr => a | b,
        Operator::BitXor => a ^ b,
        _ => return None,
    };
    Some(Const::Int(value))
}

fn float_op(op: Operator, a: f64, b: f64) -> Option<Const> {
    Some(Const::Float(match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => a * b,
        Operator::Div if b != 0.0 => a / b,
        _ => return None,
    }))
}

fn subscript(value: &Const, index: &Const) -> Option<Const> {
    let index = int(index)?;
    let at = |len: usize| usize::try_from(if index < 0 { index + len as i64 } else { index }).ok().filter(|&i| i < len);
    match value {
        Const::Tuple(t) => Some(t[at(t.len())?].clone()),
        Const::Bytes(b) => Some(Const::Int(b[at(b.len())?] as i64)),
        Const::Str(s) if s.0.is_ascii() => {
            let i = at(s.0.len())?;
            Some(Const::Str(taipan_bytecode::Text(s.0[i..=i].into())))
        }
        _ => None,
    }
}

/// The constants of a code block, without duplicates.
#[derive(Default)]
pub struct Consts {
    /// The constants.
    pub items: Vec<Const>,
    index: HashMap<Vec<u8>, u32>,
}

impl Consts {
    /// Number of `c` in the table.
    pub fn add(&mut self, c: Const) -> u32 {
        let next = self.items.len() as u32;
        let mut key = Vec::new();
        if !write_key(&c, &mut key) {
            self.items.push(c);
            return next;
        }
        let n = *self.index.entry(key).or_insert(next);
        if n == next {
            self.items.push(c);
        }
        n
    }
}

/// Writes what makes a constant the same as another one; false if it never is (code).
pub fn write_key(c: &Const, out: &mut Vec<u8>) -> bool {
    let mut put = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
        true
    };
    match c {
        Const::None => put(0, &[]),
        Const::Ellipsis => put(1, &[]),
        Const::Bool(b) => put(2, &[*b as u8]),
        Const::Int(i) => put(3, &i.to_le_bytes()),
        Const::Big(sign, limbs) => {
            let bytes: Vec<u8> = limbs.iter().flat_map(|l| l.to_le_bytes()).chain([*sign as u8]).collect();
            put(4, &bytes)
        }
        Const::Float(f) => put(5, &f.to_bits().to_le_bytes()),
        Const::Complex(r, i) => put(6, &[r.to_bits().to_le_bytes(), i.to_bits().to_le_bytes()].concat()),
        Const::Str(s) => put(7, &s.0),
        Const::Bytes(b) => put(8, b),
        Const::Tuple(t) | Const::FrozenSet(t) => {
            let tag = if matches!(c, Const::Tuple(_)) { 9 } else { 10 };
            put(tag, &(t.len() as u32).to_le_bytes());
            t.iter().all(|c| write_key(c, out))
        }
        Const::Slice(s) => {
            put(11, &[]);
            s.iter().all(|c| write_key(c, out))
        }
        Const::Code(_) => false,
    }
}
