//! Strs of one code point: known as the int that the code point is, and made only where something needs the object.

use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Object, Value};

use super::Builder;
use super::values::at;
use crate::exits::Reason;
use crate::ir::{Alias, Cond, Op, Type, Val};

/// Code points end here.
const END: i64 = 0x11_0000;
/// Most code points that are compared one by one.
const MAX_TESTS: usize = 4;
/// `str.isspace` of ASCII, as bits.
const SPACES: u64 = 0x1_f000_3e00;

impl Builder<'_> {
    /// The str of a code point.
    pub fn char_value(&mut self, code: Val) -> Val {
        let v = self.emit(Op::BoxChar, Type::Val, &[code], 0);
        self.classed(v, Str::type_object());
        self.chars.insert(v, code);
        v
    }

    /// The code point that a str is known to be.
    pub fn char_of(&mut self, v: Val) -> Option<Val> {
        if let Some(code) = self.chars.get(&v) {
            return Some(*code);
        }
        let text = self.const_of::<Str>(v)?;
        if text.len() != 1 {
            return None;
        }
        Some(self.int(i64::from(text.at(0))))
    }

    /// Code point `i`, which exists, of a str.
    pub fn str_item(&mut self, text: Val, i: Val) -> Val {
        let code = self.emit(Op::StrUnit, Type::Int, &[text, i], at(Alias::Fixed, 0));
        self.bounded(code, 0, END - 1);
        self.char_value(code)
    }

    /// `text[key]` for an int key.
    pub fn str_at(&mut self, text: Val, key: Val) -> Val {
        let i = self.checked_index(text, key, true);
        self.str_item(text, i)
    }

    /// What the IndexError of a list, tuple or str says; None for other sequences.
    pub fn index_text(&mut self, v: Val) -> Option<Val> {
        let class = self.class_of(v)?;
        let kinds = [("list", List::class()), ("tuple", Tuple::class()), ("string", Str::type_object())];
        let (kind, _) = kinds.iter().find(|(_, c)| std::ptr::eq(*c, class))?;
        let text = self.cx.intern(&format!("{kind} index out of range"));
        Some(self.object(Value::of(text)))
    }

    /// `x cond y` of strs.
    pub fn compare_chars(&mut self, cond: Cond, x: Val, y: Val) -> Option<Val> {
        let known = self.chars.contains_key(&x) || self.chars.contains_key(&y);
        if known && let (Some(x), Some(y)) = (self.char_of(x), self.char_of(y)) {
            return Some(self.emit(Op::ICmp, Type::Bool, &[x, y], cond as u64));
        }
        if !matches!(cond, Cond::Eq | Cond::Ne) {
            return None;
        }
        let (x, text) = if self.const_of::<Str>(y).is_some() { (x, y) } else { (y, x) };
        let text = self.const_of::<Str>(text)?;
        let same = match text.len() {
            1 if text.at(0) < 128 => self.emit(Op::StrIs, Type::Bool, &[x], u64::from(text.at(0))),
            1 => return None,
            _ if self.chars.contains_key(&x) => self.emit(Op::ConstBool, Type::Bool, &[], 0),
            _ => return None,
        };
        Some(if cond == Cond::Eq { same } else { self.emit(Op::BoolNot, Type::Bool, &[same], 0) })
    }

    /// Whether a known code point is in a constant str.
    pub fn char_in(&mut self, item: Val, container: Val) -> Option<Val> {
        let code = *self.chars.get(&item)?;
        let mut codes: Vec<u32> = self.const_of::<Str>(container)?.chars().collect();
        codes.sort_unstable();
        codes.dedup();
        if let (Some(first), Some(last)) = (codes.first(), codes.last())
            && last - first < 64
            && codes.len() > 1
        {
            let bits = codes.iter().fold(0, |bits, c| bits | 1 << (c - first));
            return Some(self.one_of(code, i64::from(*first), bits));
        }
        if codes.len() > MAX_TESTS {
            return None;
        }
        let mut found = self.emit(Op::ConstBool, Type::Bool, &[], 0);
        for c in codes {
            let c = self.int(i64::from(c));
            let same = self.emit(Op::ICmp, Type::Bool, &[code, c], Cond::Eq as u64);
            found = self.emit(Op::BoolOr, Type::Bool, &[found, same], 0);
        }
        Some(found)
    }

    /// Whether `code - first` is the number of a bit that is set.
    fn one_of(&mut self, code: Val, first: i64, bits: u64) -> Val {
        let first = self.int(first);
        let n = self.emit(Op::Sub, Type::Int, &[code, first], 0);
        let most = self.int(64);
        let near = self.emit(Op::ULt, Type::Bool, &[n, most], 0);
        let bits = self.int(bits as i64);
        let mask = self.int(63);
        let n = self.emit(Op::And, Type::Int, &[n, mask], 0);
        self.bounded(n, 0, 63);
        let bit = self.emit(Op::UShr, Type::Int, &[bits, n], 0);
        let one = self.int(1);
        let bit = self.emit(Op::And, Type::Int, &[bit, one], 0);
        let set = self.emit(Op::ICmp, Type::Bool, &[bit, one], Cond::Eq as u64);
        self.emit(Op::BoolAnd, Type::Bool, &[near, set], 0)
    }

    /// Whether a code point is in `first..first + n`.
    fn between(&mut self, code: Val, first: i64, n: i64) -> Val {
        let (first, n) = (self.int(first), self.int(n));
        let from = self.emit(Op::Sub, Type::Int, &[code, first], 0);
        self.emit(Op::ULt, Type::Bool, &[from, n], 0)
    }

    /// Methods of known code points, which must be ASCII.
    pub fn char_method(&mut self, name: &str, args: &[Val]) -> Option<Val> {
        let &[v] = args else { return None };
        let code = *self.chars.get(&v)?;
        if self.failed(Reason::Number)
            || !matches!(
                name,
                "isdigit" | "isalpha" | "isalnum" | "isspace" | "isupper" | "islower" | "upper" | "lower"
            )
        {
            return None;
        }
        let end = self.int(128);
        let ascii = self.emit(Op::ULt, Type::Bool, &[code, end], 0);
        self.emit_guard(Op::Guard, Type::Void, &[ascii], 0, Reason::Number);
        let bit = self.int(0x20);
        let (upper, lower) = ((i64::from(b'A'), 26), (i64::from(b'a'), 26));
        Some(match name {
            "isdigit" => self.between(code, i64::from(b'0'), 10),
            "isspace" => self.one_of(code, 0, SPACES),
            "isupper" => self.between(code, upper.0, upper.1),
            "islower" => self.between(code, lower.0, lower.1),
            "isalpha" | "isalnum" => {
                let folded = self.emit(Op::Or, Type::Int, &[code, bit], 0);
                let letter = self.between(folded, lower.0, lower.1);
                if name == "isalpha" {
                    return Some(letter);
                }
                let digit = self.between(code, i64::from(b'0'), 10);
                self.emit(Op::BoolOr, Type::Bool, &[letter, digit], 0)
            }
            _ => {
                let from = if name == "upper" { lower } else { upper };
                let changes = self.between(code, from.0, from.1);
                let other = self.emit(Op::Xor, Type::Int, &[code, bit], 0);
                let code = self.emit(Op::Select, Type::Int, &[changes, other, code], 0);
                self.bounded(code, 0, 127);
                self.char_value(code)
            }
        })
    }

    /// `ord(v)` of a known code point.
    pub fn ord(&mut self, v: Val) -> Option<Val> {
        self.chars.get(&v).copied()
    }

    /// `chr(v)` of an int.
    pub fn chr(&mut self, v: Val) -> Option<Val> {
        if self.func[v].ty != Type::Int {
            return None;
        }
        let (lo, hi) = self.range(v);
        if lo < 0 || hi >= END {
            if self.failed(Reason::Number) {
                return None;
            }
            let end = self.int(END);
            let ok = self.emit(Op::ULt, Type::Bool, &[v, end], 0);
            self.emit_guard(Op::Guard, Type::Void, &[ok], 0, Reason::Number);
            self.bounded(v, 0, END - 1);
        }
        Some(self.char_value(v))
    }
}
