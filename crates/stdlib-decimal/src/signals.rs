//! Signals: their names and bits, how they are raised, and the dicts `flags` and `traps` of contexts.

use std::cell::Cell;

use taipan_decimal::status;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::CmpOp;
use taipan_runtime::protocol::{iter, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, object, raise, trace_values};

use crate::context::ContextObject;
use crate::state::state;

/// Signals: name and conditions.
pub const SIGNALS: [(&str, u32); 9] = [
    ("InvalidOperation", status::INVALID),
    ("FloatOperation", status::FLOAT_OPERATION),
    ("DivisionByZero", status::DIVISION_BY_ZERO),
    ("Overflow", status::OVERFLOW),
    ("Underflow", status::UNDERFLOW),
    ("Subnormal", status::SUBNORMAL),
    ("Inexact", status::INEXACT),
    ("Rounded", status::ROUNDED),
    ("Clamped", status::CLAMPED),
];

/// Conditions that are reported as `InvalidOperation`: name and bit.
pub const CONDITIONS: [(&str, u32); 4] = [
    ("ConversionSyntax", status::CONVERSION_SYNTAX),
    ("DivisionImpossible", status::DIVISION_IMPOSSIBLE),
    ("DivisionUndefined", status::DIVISION_UNDEFINED),
    ("InvalidContext", status::INVALID_CONTEXT),
];

/// Raises the exception for trapped conditions.
#[cold]
#[inline(never)]
pub fn raise_trapped(cx: &mut Cx, trapped: u32) -> Raised {
    if trapped & status::MALLOC_ERROR != 0 {
        return cx.memory_error();
    }
    let state = state();
    let class = SIGNALS.iter().zip(&state.signals).find(|(row, _)| trapped & row.1 != 0).map(|(_, class)| *class);
    let list = condition_list(cx, trapped);
    let class = class.unwrap_or(state.exception);
    match cx.call(class, &[Value::of(list)]) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

/// The classes of the conditions in `bits`, invalid ones in detail.
fn condition_list(cx: &mut Cx, bits: u32) -> &'static List {
    let list = List::new(cx);
    if bits & status::INVALID_OPERATION != 0 {
        list.push(cx, state().signals[0]);
    }
    for (row, class) in CONDITIONS.iter().zip(&state().conditions) {
        if bits & row.1 != 0 {
            list.push(cx, *class);
        }
    }
    for (row, class) in SIGNALS.iter().zip(&state().signals).skip(1) {
        if bits & row.1 != 0 {
            list.push(cx, *class);
        }
    }
    list
}

/// The classes of the signals in `bits`.
pub fn signal_list(cx: &mut Cx, bits: u32) -> &'static List {
    let list = List::new(cx);
    for (row, class) in SIGNALS.iter().zip(&state().signals) {
        if bits & row.1 != 0 {
            list.push(cx, *class);
        }
    }
    list
}

/// `[Inexact, Rounded]` for the signals in `bits`, in the order of their bits.
pub fn signal_names(bits: u32) -> String {
    let mut rows: Vec<_> = SIGNALS.iter().filter(|row| bits & row.1 != 0).collect();
    rows.sort_by_key(|row| row.1.trailing_zeros());
    let names: Vec<&str> = rows.iter().map(|row| row.0).collect();
    format!("[{}]", names.join(", "))
}

/// The conditions of a signal's class. KeyError for other objects.
fn bits_of(cx: &mut Cx, v: Value) -> PyResult<u32> {
    match SIGNALS.iter().zip(&state().signals).find(|(_, class)| **class == v) {
        Some((row, _)) => Ok(row.1),
        None => {
            let text = "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, Underflow, Subnormal, Inexact, Rounded,\n   Clamped]";
            Err(cx.raise_text(&exceptions::KeyError, text))
        }
    }
}

/// The conditions in a signal dict or, if `lists` are allowed, in a list of signals.
pub fn bits_from(cx: &mut Cx, v: Value, lists: bool) -> PyResult<u32> {
    if let Some(signals) = v.downcast::<Signals>() {
        return signals.get(cx);
    }
    if let Some(dict) = v.downcast::<Dict>() {
        return bits_from_dict(cx, dict);
    }
    if !lists || v.downcast::<List>().is_none() {
        return raise!(cx, TypeError, "argument must be a signal dict");
    }
    let mut bits = 0;
    iter::for_each(cx, v, |cx, class| {
        bits |= bits_of(cx, class)?;
        Ok(true)
    })?;
    Ok(bits)
}

/// The conditions in a dict with all signals as its keys.
fn bits_from_dict(cx: &mut Cx, dict: &'static Dict) -> PyResult<u32> {
    if dict.len() != SIGNALS.len() {
        return Err(cx.raise_text(&exceptions::KeyError, "invalid signal dict"));
    }
    let mut bits = 0;
    for (row, class) in SIGNALS.iter().zip(&state().signals) {
        match dict.get(cx, *class)? {
            Some(v) if protocol::truth(cx, v)? => bits |= row.1,
            Some(_) => {}
            None => return Err(cx.raise_text(&exceptions::KeyError, "invalid signal dict")),
        }
    }
    Ok(bits)
}

/// `flags` or `traps` of a context; unusable without one.
#[repr(C)]
pub struct Signals {
    header: Header,
    owner: Cell<Option<&'static ContextObject>>,
    is_traps: Cell<bool>,
}
object!(Signals, SIGNALS_TYPE);
trace_values!(trace_signals, Signals, |t| [t.owner.get().map(Value::of)]);

/// The base of `SignalDict`.
pub static SIGNALS_TYPE: Type = Type::new(&SIGNALS_SPEC);
static SIGNALS_SPEC: TypeSpec = TypeSpec {
    name: "decimal.SignalDictMixin",
    basicsize: std::mem::size_of::<Signals>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_signals),
    slots: Slots {
        new: Some(|cx, class, _| {
            let signals = Signals { header: Header::fresh(class), owner: Cell::new(None), is_traps: Cell::new(false) };
            Ok(Value::of(cx.alloc_of(class, signals)))
        }),
        init: Some(|_, _, _| Ok(())),
        len: Some(|cx, v| of(v).get(cx).map(|_| SIGNALS.len())),
        iter: Some(|cx, v| {
            of(v).get(cx)?;
            let keys = Tuple::new(cx, &state().signals);
            iter::iter(cx, Value::of(keys))
        }),
        getitem: Some(|cx, v, key| {
            let all = of(v).get(cx)?;
            Ok(Value::bool(all & bits_of(cx, key)? != 0))
        }),
        setitem: Some(set_item),
        repr: Some(repr),
        richcompare: Some(richcompare),
        hash: Some(taipan_runtime::protocol::hash::unhashable),
        ..Slots::NONE
    },
    methods: &[Signals::METHODS],
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static Signals {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

impl Signals {
    /// Makes a new instance of `SignalDict` for a context. May collect.
    pub fn attach(cx: &mut Cx, owner: &'static ContextObject, is_traps: bool) -> PyResult<Value> {
        let v = cx.call(state().signal_dict, &[])?;
        of(v).owner.set(Some(owner));
        of(v).is_traps.set(is_traps);
        cx.barrier(of(v));
        Ok(v)
    }

    fn word(&self, cx: &mut Cx) -> PyResult<&'static Cell<u32>> {
        match self.owner.get() {
            Some(owner) if self.is_traps.get() => Ok(&owner.traps),
            Some(owner) => Ok(&owner.status),
            None => raise!(cx, ValueError, "invalid signal dict"),
        }
    }

    fn get(&self, cx: &mut Cx) -> PyResult<u32> {
        Ok(self.word(cx)?.get())
    }
}

fn set_item(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let word = of(v).word(cx)?;
    let Some(value) = value else { return raise!(cx, ValueError, "signal keys cannot be deleted") };
    let bits = bits_of(cx, key)?;
    if protocol::truth(cx, value)? {
        word.set(word.get() | bits);
    } else {
        word.set(word.get() & !bits);
    }
    Ok(())
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let bits = of(v).get(cx)?;
    let row = |(name, conditions): &(&str, u32)| {
        format!("<class 'decimal.{name}'>:{}", if bits & conditions != 0 { "True" } else { "False" })
    };
    let rows: Vec<String> = SIGNALS.iter().map(row).collect();
    Ok(cx.str(&format!("{{{}}}", rows.join(", "))))
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let mine = of(a).get(cx)?;
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let other = if let Some(b) = b.downcast::<Signals>() {
        b.get(cx)?
    } else if let Some(dict) = b.downcast::<Dict>() {
        let other = bits_from_dict(cx, dict);
        match cx.catch(other, &exceptions::KeyError)? {
            Some(bits) => bits,
            None => return Ok(Value::not_implemented()),
        }
    } else {
        return Ok(Value::not_implemented());
    };
    // Several conditions make one signal.
    let same = SIGNALS.iter().all(|row| (mine & row.1 != 0) == (other & row.1 != 0));
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

#[pymethods]
impl Signals {
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static Signals) -> PyResult<&'static Dict> {
        let bits = this.get(cx)?;
        let dict = Dict::new(cx);
        for (row, class) in SIGNALS.iter().zip(&state().signals) {
            dict.set(cx, *class, Value::bool(bits & row.1 != 0))?;
        }
        Ok(dict)
    }
}
