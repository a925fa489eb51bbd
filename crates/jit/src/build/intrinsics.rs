//! Built-in functions, classes and methods of known behaviour: those that need no call, and those that run no Python code.

use taipan_runtime::dict::Dict;
use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::complex::COMPLEX;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set_methods;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{bytearray, bytes, float, int, type_};
use taipan_runtime::value::{INT_MAX, INT_MIN};
use taipan_runtime::{Object, Value};

use super::Builder;
use crate::exits::Reason;
use crate::helpers::Helper;
use crate::ir::{Alias, Cond, Op, Type, Val};
use crate::natives::inherits_len;

impl Builder<'_> {
    /// `int(v)`, `float(v)`.
    pub fn number_call(&mut self, class: &'static Class, args: &[Val]) -> Option<Val> {
        let [v] = *args else { return None };
        let to_int = std::ptr::eq(class, &int::INT);
        match (self.func[v].ty, to_int) {
            (Type::Int, true) | (Type::Float, false) => Some(v),
            (Type::Bool, true) => Some(self.to_int(v, Reason::Number)),
            (Type::Int, false) => Some(self.emit(Op::IntToFloat, Type::Float, &[v], 0)),
            (Type::Float, true) if !self.failed(Reason::Overflow) => {
                let i = self.emit_guard(Op::FloatToInt, Type::Int, &[v], 0, Reason::Overflow);
                Some(self.bounded(i, INT_MIN, INT_MAX))
            }
            _ => {
                let kind = self.word(!to_int as u64);
                let v = self.plain(Helper::PlainConvert, &[v, kind], Type::Val)?;
                Some(if to_int { v } else { self.classed(v, &float::FLOAT) })
            }
        }
    }

    /// `bytes(v)`, `list(v)`.
    pub fn row_call(&mut self, class: &'static Class, args: &[Val]) -> Option<Val> {
        let [v] = *args else { return None };
        if std::ptr::eq(class, Str::type_object()) {
            return self.str_call(v);
        }
        let helper = match class {
            c if std::ptr::eq(c, &bytes::BYTES) => Helper::PlainBytes,
            c if std::ptr::eq(c, List::class()) => Helper::PlainList,
            _ => return None,
        };
        let v = self.plain(helper, &[v], Type::Val)?;
        Some(self.classed(v, class))
    }

    /// A built-in function of known behaviour.
    pub fn intrinsic(&mut self, native: &'static NativeFunction, args: &[Val]) -> Option<Val> {
        let module = native.module.get().and_then(|m| m.exact::<Str>()).map(|s| s.to_string_lossy());
        if let Some(v) = self.inline_function(module.as_deref(), native, args) {
            return Some(v);
        }
        self.plain_function(&module?, native, args)
    }

    /// Of these, those that need no call.
    fn inline_function(&mut self, module: Option<&str>, native: &'static NativeFunction, args: &[Val]) -> Option<Val> {
        match (module, native.def.name, args) {
            (Some("builtins"), "len", &[v]) => self.len(v),
            (Some("builtins"), "ord", &[v]) => self.ord(v),
            (Some("builtins"), "chr", &[v]) => self.chr(v),
            (Some("builtins"), "next", &[it]) if self.catches_here() => {
                let v = self.plain(Helper::PlainNext, &[it], Type::Val)?;
                let ended = self.emit(Op::IsConst, Type::Bool, &[v], crate::plain::END);
                self.raise_if(ended, &taipan_runtime::exceptions::StopIteration, &[]);
                Some(v)
            }
            (Some("builtins"), "getattr", &[v, name, ref default @ ..]) if default.len() <= 1 => {
                let default = default.first().copied().unwrap_or_else(|| self.word(0));
                self.plain(Helper::PlainAttribute, &[v, name, default], Type::Val)
            }
            (Some("builtins"), "hasattr", &[v, name]) => self.plain_truth(Helper::PlainHasAttribute, &[v, name]),
            (Some("builtins"), "abs", &[v]) => match self.func[v].ty {
                Type::Float => Some(self.emit(Op::FAbs, Type::Float, &[v], 0)),
                Type::Int => {
                    let (lo, hi) = self.range(v);
                    let zero = self.int(0);
                    let minus = if lo == i64::MIN {
                        self.emit_guard(Op::SubOv, Type::Int, &[zero, v], 0, Reason::Overflow)
                    } else {
                        self.emit(Op::Sub, Type::Int, &[zero, v], 0)
                    };
                    let negative = self.emit(Op::ICmp, Type::Bool, &[v, zero], Cond::Lt as u64);
                    let r = self.emit(Op::Select, Type::Int, &[negative, minus, v], 0);
                    Some(self.bounded(r, 0, hi.max(lo.saturating_neg())))
                }
                _ => self.complex_abs(v),
            },
            (Some("math"), name, args) => self.math_function(name, args),
            (Some("builtins"), name @ ("min" | "max"), &[x, y]) => self.min_max(name == "min", x, y),
            (Some("builtins"), "repr", &[v]) => self.repr_call(v),
            (Some("builtins"), "issubclass", &[class, of]) => self.plain_truth(Helper::PlainIsSubclass, &[class, of]),
            (Some("builtins"), "isinstance", &[v, class]) => {
                let Some(known) = self.const_class(class) else {
                    return self.plain_truth(Helper::PlainIsInstance, &[v, class]);
                };
                let Some(own) = self.class_of(v) else { return self.is_instance(v, class, known) };
                let class = known;
                let meta = class.header().class();
                if !std::ptr::eq(meta, &type_::TYPE) {
                    return None;
                }
                self.watch_type(class);
                let yes = std::ptr::eq(own, class) || own.is_subtype(class);
                // A class that lies about itself through `__class__` is asked by the runtime.
                if !yes && own.is_heap_type() {
                    return None;
                }
                Some(self.emit(Op::ConstBool, Type::Bool, &[], yes as u64))
            }
            _ => None,
        }
    }

    /// `isinstance(v, class)` of a value whose class is not known: instances of exactly that class need no call, whatever the
    /// class says of others.
    fn is_instance(&mut self, v: Val, class: Val, known: &'static Class) -> Option<Val> {
        if self.failed(Reason::Plain) || self.func[v].ty != Type::Val {
            return self.plain_truth(Helper::PlainIsInstance, &[v, class]);
        }
        let v = self.guard_bound(v);
        // Objects that change their class tell those who watch the old one.
        self.watch_type(known);
        let address = std::ptr::from_ref(known) as u64;
        let exact = if std::ptr::eq(known, &int::INT) || std::ptr::eq(known, &float::FLOAT) {
            // Most have no header.
            let word = self.emit(Op::ClassWord, Type::Word, &[v], 0);
            self.word_is(word, address)
        } else {
            self.emit(Op::IsClass, Type::Bool, &[v], address)
        };
        let yes = self.emit(Op::ConstBool, Type::Bool, &[], 1);
        let ask = |b: &mut Self| {
            let block = b.block;
            b.func[block].cold = true;
            b.plain_truth(Helper::PlainIsInstance, &[v, class]).expect("not found useless")
        };
        Some(self.diamond(exact, Type::Bool, |_| yes, ask))
    }

    fn len(&mut self, v: Val) -> Option<Val> {
        let known = self.class_of(v);
        let sizes = [List::class(), Tuple::class(), Str::type_object(), &bytes::BYTES, &bytearray::BYTEARRAY];
        let sized = |c: &Class| sizes.iter().any(|s| std::ptr::eq(*s, c));
        let v = match known {
            Some(c) if sized(c) => v,
            Some(c) if c.is_heap_type() && !inherits_len(c) => return None,
            None if !self.failed(Reason::Class) && !self.peek(v).is_some_and(|now| now.class().is_heap_type()) => {
                let now = self.peek(v).map(|now| now.class()).filter(|c| sized(c));
                self.guard_class(v, now.unwrap_or(List::class()))
            }
            _ => {
                let n = self.plain(Helper::PlainLen, &[v], Type::Val)?;
                return Some(self.to_int(n, Reason::Number));
            }
        };
        let n = self.load_int(v, Alias::ListSize, super::items::SIZE);
        Some(self.bounded(n, 0, 1 << 48))
    }

    /// A built-in method of known behaviour; the first argument is the receiver.
    pub fn method_intrinsic(&mut self, method: &'static MethodDescr, args: &[Val]) -> Option<Val> {
        if std::ptr::eq(method.owner, List::class())
            && method.def.name == "append"
            && let [list, v] = *args
            && self.is_class(list, List::class())
        {
            self.list_append(list, v);
            return Some(self.object(Value::none()));
        }
        if std::ptr::eq(method.owner, Str::type_object())
            && let Some(v) = self.char_method(method.def.name, args)
        {
            return Some(v);
        }
        if std::ptr::eq(method.owner, &COMPLEX)
            && method.def.name == "conjugate"
            && let [z] = *args
            && let Some(v) = self.complex_negated(z, false)
        {
            return Some(v);
        }
        if std::ptr::eq(method.owner, Dict::class())
            && method.def.name == "get"
            && let [dict, key, ref default @ ..] = *args
            && default.len() <= 1
        {
            let default = default.first().copied().unwrap_or_else(|| self.object(Value::none()));
            return self.plain(Helper::PlainDictGet, &[dict, key, default], Type::Val);
        }
        if std::ptr::eq(method.owner, &set_methods::SET)
            && method.def.name == "add"
            && let [of, key] = *args
        {
            return self.plain(Helper::PlainSetAdd, &[of, key], Type::Val);
        }
        if std::ptr::eq(method.owner, &bytearray::BYTEARRAY)
            && let [array, v] = *args
        {
            let helper = match method.def.name {
                "append" => Some(Helper::PlainAppendByte),
                "extend" => Some(Helper::PlainExtendBytes),
                _ => None,
            };
            if let Some(helper) = helper {
                return self.plain(helper, &[array, v], Type::Val);
            }
        }
        self.plain_method(method, args)
    }
}
