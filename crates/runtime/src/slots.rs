//! Type slots and the special methods they correspond to: one table for both directions.
//!
//! A native type fills slots; the table makes slot wrappers (`int.__add__`) of them. A Python class defines special
//! methods; the table gives it generic slots that call them. Adding a special method is one row in [`DUNDERS`].
//!
//! Source: the semantics are those of CPython's `Objects/typeobject.c` (slotdefs).

use crate::cx::Cx;
use crate::native::Args;
use crate::protocol::buffer::BufferFn;
use crate::protocol::compare::CmpOp;
use crate::protocol::{call, number};
use crate::typeobj::Type;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, raise};

pub use crate::slot_table::{fill_slots, update_slot};

/// One operand.
pub type UnaryFn = fn(&mut Cx, Value) -> PyResult<Value>;
/// Two operands in source order, whichever type's slot is called.
pub type BinaryFn = fn(&mut Cx, Value, Value) -> PyResult<Value>;

macro_rules! slots {
    ($( $(#[doc = $doc:literal])+ $name:ident: $ty:ty, )*) => {
        /// Slots of a type. None: not supported.
        #[derive(Clone, Copy)]
        pub struct Slots { $( $(#[doc = $doc])+ pub $name: Option<$ty>, )* }

        impl Slots {
            /// No slot filled.
            pub const NONE: Slots = Slots { $($name: None,)* };
        }
    };
}

slots! {
    /// `repr(v)`.
    repr: UnaryFn,
    /// `str(v)`.
    str: UnaryFn,
    /// `hash(v)`, never -1.
    hash: fn(&mut Cx, Value) -> PyResult<i64>,
    /// `v(*args)`.
    call: fn(&mut Cx, Value, Args) -> PyResult<Value>,
    /// `v.name`.
    getattr: fn(&mut Cx, Value, &'static Str) -> PyResult<Value>,
    /// `v.name = value`, `del v.name`.
    setattr: fn(&mut Cx, Value, &'static Str, Option<Value>) -> PyResult<()>,
    /// Comparison, or NotImplemented.
    richcompare: fn(&mut Cx, Value, Value, CmpOp) -> PyResult<Value>,
    /// `iter(v)`.
    iter: UnaryFn,
    /// `next(v)`; None when exhausted.
    next: fn(&mut Cx, Value) -> PyResult<Option<Value>>,
    /// `v.__get__(obj, type)`.
    descr_get: fn(&mut Cx, Value, Option<Value>, Option<Value>) -> PyResult<Value>,
    /// `v.__set__(obj, value)`, `v.__delete__(obj)`.
    descr_set: fn(&mut Cx, Value, Value, Option<Value>) -> PyResult<()>,
    /// `v.__init__(*args)`.
    init: fn(&mut Cx, Value, Args) -> PyResult<()>,
    /// `class.__new__(class, *args)`; the arguments do not include the class.
    new: fn(&mut Cx, &'static Type, Args) -> PyResult<Value>,
    /// `a + b`.
    add: BinaryFn,
    /// `a - b`.
    sub: BinaryFn,
    /// `a * b`.
    mul: BinaryFn,
    /// `a / b`.
    truediv: BinaryFn,
    /// `a // b`.
    floordiv: BinaryFn,
    /// `a % b`.
    rem: BinaryFn,
    /// `divmod(a, b)`.
    divmod: BinaryFn,
    /// `pow(a, b, c)`.
    pow: fn(&mut Cx, Value, Value, Option<Value>) -> PyResult<Value>,
    /// `a << b`.
    lshift: BinaryFn,
    /// `a >> b`.
    rshift: BinaryFn,
    /// `a & b`.
    and: BinaryFn,
    /// `a | b`.
    or: BinaryFn,
    /// `a ^ b`.
    xor: BinaryFn,
    /// `a @ b`.
    matmul: BinaryFn,
    /// `a += b`.
    iadd: BinaryFn,
    /// `a -= b`.
    isub: BinaryFn,
    /// `a *= b`.
    imul: BinaryFn,
    /// `a /= b`.
    itruediv: BinaryFn,
    /// `a //= b`.
    ifloordiv: BinaryFn,
    /// `a %= b`.
    irem: BinaryFn,
    /// `a **= b`.
    ipow: BinaryFn,
    /// `a <<= b`.
    ilshift: BinaryFn,
    /// `a >>= b`.
    irshift: BinaryFn,
    /// `a &= b`.
    iand: BinaryFn,
    /// `a |= b`.
    ior: BinaryFn,
    /// `a ^= b`.
    ixor: BinaryFn,
    /// `a @= b`.
    imatmul: BinaryFn,
    /// `-v`.
    neg: UnaryFn,
    /// `+v`.
    pos: UnaryFn,
    /// `~v`.
    invert: UnaryFn,
    /// `abs(v)`.
    abs: UnaryFn,
    /// Truth.
    bool: fn(&mut Cx, Value) -> PyResult<bool>,
    /// `int(v)`.
    int: UnaryFn,
    /// `float(v)`.
    float: UnaryFn,
    /// `operator.index(v)`.
    index: UnaryFn,
    /// `len(v)`.
    len: fn(&mut Cx, Value) -> PyResult<usize>,
    /// `v[key]`.
    getitem: BinaryFn,
    /// `v[key] = value`, `del v[key]`.
    setitem: fn(&mut Cx, Value, Value, Option<Value>) -> PyResult<()>,
    /// `item in v` (operands: v, item).
    contains: fn(&mut Cx, Value, Value) -> PyResult<bool>,
    /// Sequence `a + b`, `a` being of the type.
    concat: BinaryFn,
    /// Sequence `a * n` for an index `n`.
    repeat: fn(&mut Cx, Value, isize) -> PyResult<Value>,
    /// Sequence `a += b`.
    iconcat: BinaryFn,
    /// Sequence `a *= n`.
    irepeat: fn(&mut Cx, Value, isize) -> PyResult<Value>,
    /// `await v`: its iterator.
    await_: UnaryFn,
    /// `v.__aiter__()`.
    aiter: UnaryFn,
    /// `v.__anext__()`.
    anext: UnaryFn,
    /// Exports its memory.
    buffer: BufferFn,
}

/// A special method: how it is called on a filled slot, and which generic slot a Python class gets that defines it.
pub struct Dunder {
    /// Its name.
    pub name: &'static str,
    /// `__text_signature__`.
    pub signature: &'static str,
    /// `__doc__`.
    pub doc: &'static str,
    /// Whether a native type with these slots has it.
    pub present: fn(&Slots) -> bool,
    /// Calls the slot; the receiver first.
    pub call: fn(&mut Cx, &Slots, Value, Args) -> PyResult<Value>,
    /// Copies the slot from one table to another.
    pub copy: fn(&Slots, &mut Slots),
    /// Sets the generic slot.
    pub generic: fn(&mut Slots),
}

fn arity(cx: &mut Cx, args: Args, n: usize) -> PyResult<()> {
    let given = args.pos().len();
    if given != n {
        let s = if n == 1 { "" } else { "s" };
        return raise!(cx, TypeError, "expected {n} argument{s}, got {given}");
    }
    Ok(())
}

fn arity_between(cx: &mut Cx, args: Args, low: usize, high: usize) -> PyResult<()> {
    let given = args.pos().len();
    if given < low || given > high {
        let (word, n) = if given < low { ("at least", low) } else { ("at most", high) };
        let s = if n == 1 { "" } else { "s" };
        return raise!(cx, TypeError, "expected {word} {n} argument{s}, got {given}");
    }
    Ok(())
}

/// As [`arity`] of 1 for `__contains__` and `__getitem__`, which some types have as methods besides: the words are those
/// for methods then.
fn arity_of_item(cx: &mut Cx, v: Value, name: &str, args: Args) -> PyResult<()> {
    const METHODS: [(&str, &str); 5] = [
        ("dict", "__contains__"),
        ("dict", "__getitem__"),
        ("list", "__getitem__"),
        ("set", "__contains__"),
        ("frozenset", "__contains__"),
    ];
    let given = args.pos().len();
    if given != 1 {
        let owner = v.class().mro_types().filter_map(|t| t.spec()).map(|spec| spec.name);
        if let Some(owner) = owner.into_iter().find(|owner| METHODS.contains(&(*owner, name))) {
            return raise!(cx, TypeError, "{owner}.{name}() takes exactly one argument ({given} given)");
        }
    }
    arity(cx, args, 1)
}

fn arity_of_pow(cx: &mut Cx, args: Args) -> PyResult<()> {
    let given = args.pos().len();
    if given != 1 && given != 2 {
        return raise!(cx, TypeError, "expected 1 or 2 arguments, got {given}");
    }
    Ok(())
}

/// Calls the special method `name` of `v`'s type with `args`; TypeError if it vanished meanwhile.
fn invoke(cx: &mut Cx, v: Value, name: &'static Str, args: &[Value]) -> PyResult<Value> {
    match cx.lookup_special(v, name) {
        Some(f) => call::call_unbound(cx, f, v, args),
        None => {
            let name = name.to_string_lossy();
            raise!(cx, AttributeError, "{name}")
        }
    }
}

macro_rules! unary_rows {
    ($($name:literal $field:ident $dunder:ident $doc:literal)*) => { [$( Dunder {
        name: $name, signature: "($self, /)", doc: $doc,
        present: |s| s.$field.is_some(),
        call: |cx, s, v, args| { arity(cx, args, 0)?; s.$field.expect("present")(cx, v) },
        copy: |from, to| to.$field = from.$field,
        generic: |to| to.$field = Some(|cx, v| { let n = cx.names().$dunder; invoke(cx, v, n, &[]) }),
    } ),*] };
}

static UNARY: [Dunder; 10] = unary_rows! {
    "__repr__" repr __repr__ "Return repr(self)."
    "__str__" str __str__ "Return str(self)."
    "__neg__" neg __neg__ "-self"
    "__pos__" pos __pos__ "+self"
    "__abs__" abs __abs__ "abs(self)"
    "__invert__" invert __invert__ "~self"
    "__int__" int __int__ "int(self)"
    "__float__" float __float__ "float(self)"
    "__index__" index __index__ "Return self converted to an integer, if self is suitable for use as an index into a list."
    "__await__" await_ __await__ "Return an iterator to be used in await expression."
};

static ASYNC: [Dunder; 2] = unary_rows! {
    "__aiter__" aiter __aiter__ "Return an awaitable, that resolves in asynchronous iterator."
    "__anext__" anext __anext__ "Return a value or raise StopAsyncIteration."
};

/// Generic slot of a binary operator of Python classes: which operand's method is tried first.
fn binary_generic(
    cx: &mut Cx,
    a: Value,
    b: Value,
    names: (&'static Str, &'static Str),
    is_generic: fn(&Slots) -> bool,
) -> PyResult<Value> {
    let (ta, tb) = (a.class(), b.class());
    let same = std::ptr::eq(ta, tb);
    let mut try_right = !same && is_generic(tb.slots());
    if is_generic(ta.slots()) {
        if try_right && tb.is_subtype(ta) {
            let (left, right) = (cx.type_lookup(ta, names.1), cx.type_lookup(tb, names.1));
            if left != right
                && let Some(f) = right
            {
                let r = call::call_unbound(cx, f, b, &[a])?;
                if !r.is_not_implemented() {
                    return Ok(r);
                }
                try_right = false;
            }
        }
        if let Some(f) = cx.type_lookup(ta, names.0) {
            let r = call::call_unbound(cx, f, a, &[b])?;
            if !r.is_not_implemented() || same {
                return Ok(r);
            }
        }
    }
    if try_right && let Some(f) = cx.type_lookup(tb, names.1) {
        return call::call_unbound(cx, f, b, &[a]);
    }
    Ok(Value::not_implemented())
}

macro_rules! binary_rows {
    ($($name:literal $rname:literal $field:ident $dunder:ident $rdunder:ident $doc:literal $rdoc:literal)*) => {
        $( fn $dunder(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
            let names = (cx.names().$dunder, cx.names().$rdunder);
            binary_generic(cx, a, b, names, |s| s.$field.is_some_and(|f| std::ptr::fn_addr_eq(f, $dunder as BinaryFn)))
        } )*
        static BINARY: &[Dunder] = &[$( Dunder {
            name: $name, signature: "($self, value, /)", doc: $doc,
            present: |s| s.$field.is_some(),
            call: |cx, s, v, args| { arity(cx, args, 1)?; s.$field.expect("present")(cx, v, args.values()[0]) },
            copy: |from, to| to.$field = from.$field,
            generic: |to| to.$field = Some($dunder),
        }, Dunder {
            name: $rname, signature: "($self, value, /)", doc: $rdoc,
            present: |s| s.$field.is_some(),
            call: |cx, s, v, args| { arity(cx, args, 1)?; s.$field.expect("present")(cx, args.values()[0], v) },
            copy: |from, to| to.$field = from.$field,
            generic: |to| to.$field = Some($dunder),
        } ),*];
    };
}

#[allow(non_snake_case)]
mod generic {
    use super::*;
    binary_rows! {
        "__add__" "__radd__" add __add__ __radd__ "Return self+value." "Return value+self."
        "__sub__" "__rsub__" sub __sub__ __rsub__ "Return self-value." "Return value-self."
        "__mul__" "__rmul__" mul __mul__ __rmul__ "Return self*value." "Return value*self."
        "__truediv__" "__rtruediv__" truediv __truediv__ __rtruediv__ "Return self/value." "Return value/self."
        "__floordiv__" "__rfloordiv__" floordiv __floordiv__ __rfloordiv__ "Return self//value." "Return value//self."
        "__mod__" "__rmod__" rem __mod__ __rmod__ "Return self%value." "Return value%self."
        "__divmod__" "__rdivmod__" divmod __divmod__ __rdivmod__ "Return divmod(self, value)." "Return divmod(value, self)."
        "__lshift__" "__rlshift__" lshift __lshift__ __rlshift__ "Return self<<value." "Return value<<self."
        "__rshift__" "__rrshift__" rshift __rshift__ __rrshift__ "Return self>>value." "Return value>>self."
        "__and__" "__rand__" and __and__ __rand__ "Return self&value." "Return value&self."
        "__or__" "__ror__" or __or__ __ror__ "Return self|value." "Return value|self."
        "__xor__" "__rxor__" xor __xor__ __rxor__ "Return self^value." "Return value^self."
        "__matmul__" "__rmatmul__" matmul __matmul__ __rmatmul__ "Return self@value." "Return value@self."
    }
    pub(super) fn rows() -> &'static [Dunder] {
        BINARY
    }
}

macro_rules! inplace_rows {
    ($($name:literal $field:ident $dunder:ident $doc:literal)*) => { &[$( Dunder {
        name: $name, signature: "($self, value, /)", doc: $doc,
        present: |s| s.$field.is_some(),
        call: |cx, s, v, args| { arity_of_item(cx, v, $name, args)?; s.$field.expect("present")(cx, v, args.values()[0]) },
        copy: |from, to| to.$field = from.$field,
        generic: |to| to.$field = Some(|cx, v, w| { let n = cx.names().$dunder; invoke(cx, v, n, &[w]) }),
    } ),*] };
}

static INPLACE: &[Dunder] = inplace_rows! {
    "__iadd__" iadd __iadd__ "Return self+=value."
    "__isub__" isub __isub__ "Return self-=value."
    "__imul__" imul __imul__ "Return self*=value."
    "__itruediv__" itruediv __itruediv__ "Return self/=value."
    "__ifloordiv__" ifloordiv __ifloordiv__ "Return self//=value."
    "__imod__" irem __imod__ "Return self%=value."
    "__ipow__" ipow __ipow__ "Return self**=value."
    "__ilshift__" ilshift __ilshift__ "Return self<<=value."
    "__irshift__" irshift __irshift__ "Return self>>=value."
    "__iand__" iand __iand__ "Return self&=value."
    "__ior__" ior __ior__ "Return self|=value."
    "__ixor__" ixor __ixor__ "Return self^=value."
    "__imatmul__" imatmul __imatmul__ "Return self@=value."
    "__getitem__" getitem __getitem__ "Return self[key]."
};

fn generic_compare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let name = op.dunder(cx);
    match cx.lookup_special(a, name) {
        Some(f) if crate::protocol::attr::is_method(f) => call::call_unbound(cx, f, a, &[b]),
        Some(f) => match crate::protocol::attr::bind(cx, f, a, a.class()) {
            Ok(bound) => cx.call(bound, &[b]),
            // A descriptor that fails is as good as none.
            Err(_) => {
                cx.take_exception();
                Ok(Value::not_implemented())
            }
        },
        None => Ok(Value::not_implemented()),
    }
}

macro_rules! compare_rows {
    ($($name:literal $op:ident $doc:literal)*) => { [$( Dunder {
        name: $name, signature: "($self, value, /)", doc: $doc,
        present: |s| s.richcompare.is_some(),
        call: |cx, s, v, args| {
            arity(cx, args, 1)?;
            s.richcompare.expect("present")(cx, v, args.values()[0], CmpOp::$op)
        },
        copy: |from, to| to.richcompare = from.richcompare,
        generic: |to| to.richcompare = Some(generic_compare),
    } ),*] };
}

static COMPARE: [Dunder; 6] = compare_rows! {
    "__lt__" Lt "Return self<value."
    "__le__" Le "Return self<=value."
    "__eq__" Eq "Return self==value."
    "__ne__" Ne "Return self!=value."
    "__gt__" Gt "Return self>value."
    "__ge__" Ge "Return self>=value."
};

fn generic_getattr(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    let (getattribute, getattr) = (cx.names().__getattribute__, cx.names().__getattr__);
    let own = cx.lookup_special(v, getattribute);
    let hook = cx.lookup_special(v, getattr);
    let is_default = own.is_some_and(|f| crate::types::descr::is_slot_wrapper_of(f, &crate::types::object::OBJECT));
    let result = match own {
        Some(f) if !is_default => call::call_unbound(cx, f, v, &[Value::of(name)]),
        _ if hook.is_some() => match crate::protocol::attr::generic_get_optional(cx, v, name) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => return call::call_unbound(cx, hook.expect("checked"), v, &[Value::of(name)]),
            Err(e) => Err(e),
        },
        _ => crate::protocol::attr::generic_get(cx, v, name),
    };
    match (result, hook) {
        (Err(_), Some(hook)) if cx.exception_matches(&crate::exceptions::AttributeError) => {
            cx.take_exception();
            call::call_unbound(cx, hook, v, &[Value::of(name)])
        }
        (result, _) => result,
    }
}

fn generic_setattr(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    let (set, del) = (cx.names().__setattr__, cx.names().__delattr__);
    match value {
        Some(value) => invoke(cx, v, set, &[Value::of(name), value])?,
        None => invoke(cx, v, del, &[Value::of(name)])?,
    };
    Ok(())
}

fn generic_hash(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let name = cx.names().__hash__;
    match cx.lookup_special(v, name) {
        Some(f) if !f.is_none() => {
            let r = call::call_unbound(cx, f, v, &[])?;
            number::hash_of_int(cx, r)
        }
        _ => crate::protocol::hash::unhashable(cx, v),
    }
}

fn generic_iter(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = cx.names().__iter__;
    match cx.lookup_special(v, name) {
        Some(f) if !f.is_none() => call::call_unbound(cx, f, v, &[]),
        _ => raise!(cx, TypeError, "'{}' object is not iterable", v.class().name()),
    }
}

fn generic_next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    let name = cx.names().__next__;
    match invoke(cx, v, name, &[]) {
        Ok(item) => Ok(Some(item)),
        Err(_) if cx.exception_matches(&crate::exceptions::StopIteration) => {
            cx.take_exception();
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

fn generic_new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let name = cx.names().__new__;
    let found = cx.type_lookup(class, name);
    let f = match found.and_then(crate::types::function_methods::static_function) {
        Some(f) => f,
        None => crate::protocol::attr::get(cx, Value::of(class), name)?,
    };
    call::call_with_first(cx, f, Value::of(class), args)
}

fn generic_init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let name = cx.names().__init__;
    let Some(f) = cx.lookup_special(v, name) else { return Ok(()) };
    let r = call::call_unbound_args(cx, f, v, args)?;
    if !r.is_none() {
        let got = r.class().name();
        return raise!(cx, TypeError, "__init__() should return None, not '{got}'");
    }
    Ok(())
}

fn generic_call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    let name = cx.names().__call__;
    match cx.lookup_special(v, name) {
        Some(f) => call::call_unbound_args(cx, f, v, args),
        None => raise!(cx, TypeError, "'{}' object is not callable", v.class().name()),
    }
}

fn generic_descr_get(cx: &mut Cx, v: Value, obj: Option<Value>, class: Option<Value>) -> PyResult<Value> {
    let name = cx.names().__get__;
    match cx.lookup_special(v, name) {
        Some(f) => call::call_unbound(cx, f, v, &[obj.unwrap_or(Value::none()), class.unwrap_or(Value::none())]),
        None => Ok(v),
    }
}

fn generic_descr_set(cx: &mut Cx, v: Value, obj: Value, value: Option<Value>) -> PyResult<()> {
    let (set, del) = (cx.names().__set__, cx.names().__delete__);
    match value {
        Some(value) => invoke(cx, v, set, &[obj, value])?,
        None => invoke(cx, v, del, &[obj])?,
    };
    Ok(())
}

fn generic_len(cx: &mut Cx, v: Value) -> PyResult<usize> {
    let name = cx.names().__len__;
    let r = invoke(cx, v, name, &[])?;
    number::length_from(cx, r)
}

fn generic_bool(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let name = cx.names().__bool__;
    let Some(f) = cx.lookup_special(v, name) else { return Ok(generic_len(cx, v)? != 0) };
    if f.is_none() {
        return raise!(cx, TypeError, "'{}' cannot be interpreted as a boolean", v.class().name());
    }
    let r = call::call_unbound(cx, f, v, &[])?;
    if r == Value::bool(true) {
        Ok(true)
    } else if r == Value::bool(false) {
        Ok(false)
    } else {
        raise!(cx, TypeError, "__bool__ should return bool, returned {}", r.class().name())
    }
}

fn generic_contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    let name = cx.names().__contains__;
    match cx.lookup_special(v, name) {
        Some(f) if f.is_none() => raise!(cx, TypeError, "'{}' object is not a container", v.class().name()),
        Some(f) => {
            let r = call::call_unbound(cx, f, v, &[item])?;
            crate::protocol::object::truth(cx, r)
        }
        None => crate::protocol::iter::contains_by_iteration(cx, v, item),
    }
}

fn generic_setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let (set, del) = (cx.names().__setitem__, cx.names().__delitem__);
    match value {
        Some(value) => invoke(cx, v, set, &[key, value])?,
        None => invoke(cx, v, del, &[key])?,
    };
    Ok(())
}

#[allow(clippy::redundant_guards)]
fn generic_pow(cx: &mut Cx, a: Value, b: Value, m: Option<Value>) -> PyResult<Value> {
    let Some(m) = m.filter(|m| !m.is_none()) else {
        let names = (cx.names().__pow__, cx.names().__rpow__);
        return binary_generic(cx, a, b, names, |s| {
            s.pow.is_some_and(|f| {
                std::ptr::fn_addr_eq(f, generic_pow as fn(&mut Cx, Value, Value, Option<Value>) -> PyResult<Value>)
            })
        });
    };
    let is_generic = |v: Value| {
        let generic: fn(&mut Cx, Value, Value, Option<Value>) -> PyResult<Value> = generic_pow;
        v.class().slots().pow.is_some_and(|f| std::ptr::fn_addr_eq(f, generic))
    };
    let (pow, rpow) = (cx.names().__pow__, cx.names().__rpow__);
    if is_generic(a)
        && let Some(f) = cx.lookup_special(a, pow)
    {
        let result = call::call_unbound(cx, f, a, &[b, m])?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    if is_generic(b)
        && !std::ptr::eq(a.class(), b.class())
        && let Some(f) = cx.lookup_special(b, rpow)
    {
        return call::call_unbound(cx, f, b, &[a, m]);
    }
    Ok(Value::not_implemented())
}

fn generic_buffer(cx: &mut Cx, v: Value, flags: i32) -> PyResult<crate::protocol::buffer::Buffer> {
    crate::protocol::buffer::from_dunder(cx, v, flags)
}

fn str_arg(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    match v.downcast::<Str>() {
        Some(s) => Ok(cx.intern_value(s)),
        None => raise!(cx, TypeError, "attribute name must be string, not '{}'", v.class().name()),
    }
}

macro_rules! row {
    ($name:literal $sig:literal $field:ident $doc:literal, $call:expr, $generic:expr) => {
        Dunder {
            name: $name,
            signature: $sig,
            doc: $doc,
            present: |s| s.$field.is_some(),
            call: $call,
            copy: |from, to| to.$field = from.$field,
            generic: |to| to.$field = Some($generic),
        }
    };
}

static OTHERS: &[Dunder] = &[
    row!("__iter__" "($self, /)" iter "Implement iter(self).", |cx, s, v, args| {
        arity(cx, args, 0)?;
        s.iter.expect("present")(cx, v)
    }, generic_iter),
    row!("__hash__" "($self, /)" hash "Return hash(self).", |cx, s, v, args| {
        arity(cx, args, 0)?;
        let h = s.hash.expect("present")(cx, v)?;
        Ok(cx.int(h))
    }, generic_hash),
    row!("__call__" "($self, /, *args, **kwargs)" call "Call self as a function.", |cx, s, v, args| {
        s.call.expect("present")(cx, v, args)
    }, generic_call),
    row!("__getattribute__" "($self, name, /)" getattr "Return getattr(self, name).", |cx, s, v, args| {
        arity(cx, args, 1)?;
        let name = str_arg(cx, args.values()[0])?;
        s.getattr.expect("present")(cx, v, name)
    }, generic_getattr),
    Dunder { present: |_| false, ..row!("__getattr__" "" getattr "", |_, _, v, _| Ok(v), generic_getattr) },
    row!("__setattr__" "($self, name, value, /)" setattr "Implement setattr(self, name, value).", |cx, s, v, args| {
        arity(cx, args, 2)?;
        let name = str_arg(cx, args.values()[0])?;
        crate::types::object::check_setattr_bypass(cx, s, v, "__setattr__")?;
        s.setattr.expect("present")(cx, v, name, Some(args.values()[1]))?;
        Ok(Value::none())
    }, generic_setattr),
    row!("__delattr__" "($self, name, /)" setattr "Implement delattr(self, name).", |cx, s, v, args| {
        arity(cx, args, 1)?;
        let name = str_arg(cx, args.values()[0])?;
        crate::types::object::check_setattr_bypass(cx, s, v, "__delattr__")?;
        s.setattr.expect("present")(cx, v, name, None)?;
        Ok(Value::none())
    }, generic_setattr),
    row!("__next__" "($self, /)" next "Implement next(self).", |cx, s, v, args| {
        arity(cx, args, 0)?;
        match s.next.expect("present")(cx, v)? {
            Some(item) => Ok(item),
            None => Err(cx.raise_stop_iteration(None)),
        }
    }, generic_next),
    row!("__get__" "($self, instance, owner=None, /)" descr_get "Return an attribute of instance, which is of type owner.", |cx, s, v, args| {
        arity_between(cx, args, 1, 2)?;
        let obj = Some(args.values()[0]).filter(|o| !o.is_none());
        let class = args.values().get(1).copied().filter(|o| !o.is_none());
        if obj.is_none() && class.is_none() {
            return raise!(cx, TypeError, "__get__(None, None) is invalid");
        }
        s.descr_get.expect("present")(cx, v, obj, class)
    }, generic_descr_get),
    row!("__set__" "($self, instance, value, /)" descr_set "Set an attribute of instance to value.", |cx, s, v, args| {
        arity(cx, args, 2)?;
        s.descr_set.expect("present")(cx, v, args.values()[0], Some(args.values()[1]))?;
        Ok(Value::none())
    }, generic_descr_set),
    row!("__delete__" "($self, instance, /)" descr_set "Delete an attribute of instance.", |cx, s, v, args| {
        arity(cx, args, 1)?;
        s.descr_set.expect("present")(cx, v, args.values()[0], None)?;
        Ok(Value::none())
    }, generic_descr_set),
    row!("__init__" "($self, /, *args, **kwargs)" init "Initialize self.  See help(type(self)) for accurate signature.", |cx, s, v, args| {
        s.init.expect("present")(cx, v, args)?;
        Ok(Value::none())
    }, generic_init),
    Dunder { present: |_| false, ..row!("__new__" "" new "", |_, _, v, _| Ok(v), generic_new) },
    row!("__pow__" "($self, value, mod=None, /)" pow "Return pow(self, value, mod).", |cx, s, v, args| {
        arity_of_pow(cx, args)?;
        s.pow.expect("present")(cx, v, args.values()[0], args.values().get(1).copied())
    }, generic_pow),
    row!("__rpow__" "($self, value, mod=None, /)" pow "Return pow(value, self, mod).", |cx, s, v, args| {
        arity_of_pow(cx, args)?;
        s.pow.expect("present")(cx, args.values()[0], v, args.values().get(1).copied())
    }, generic_pow),
    row!("__bool__" "($self, /)" bool "True if self else False", |cx, s, v, args| {
        arity(cx, args, 0)?;
        Ok(Value::bool(s.bool.expect("present")(cx, v)?))
    }, generic_bool),
    row!("__len__" "($self, /)" len "Return len(self).", |cx, s, v, args| {
        arity(cx, args, 0)?;
        let n = s.len.expect("present")(cx, v)?;
        Ok(cx.int(n as i64))
    }, generic_len),
    row!("__setitem__" "($self, key, value, /)" setitem "Set self[key] to value.", |cx, s, v, args| {
        arity(cx, args, 2)?;
        s.setitem.expect("present")(cx, v, args.values()[0], Some(args.values()[1]))?;
        Ok(Value::none())
    }, generic_setitem),
    row!("__delitem__" "($self, key, /)" setitem "Delete self[key].", |cx, s, v, args| {
        arity(cx, args, 1)?;
        s.setitem.expect("present")(cx, v, args.values()[0], None)?;
        Ok(Value::none())
    }, generic_setitem),
    row!("__contains__" "($self, key, /)" contains "Return bool(key in self).", |cx, s, v, args| {
        arity_of_item(cx, v, "__contains__", args)?;
        Ok(Value::bool(s.contains.expect("present")(cx, v, args.values()[0])?))
    }, generic_contains),
    Dunder {
        generic: |_| {},
        ..row!("__add__" "($self, value, /)" concat "Return self+value.", |cx, s, v, args| {
            arity(cx, args, 1)?;
            s.concat.expect("present")(cx, v, args.values()[0])
        }, |cx, a, _| invoke(cx, a, cx.names().__add__, &[]))
    },
    Dunder {
        generic: |_| {},
        ..row!("__mul__" "($self, value, /)" repeat "Return self*value.", |cx, s, v, args| {
            arity(cx, args, 1)?;
            let n = number::to_isize(cx, args.values()[0])?;
            s.repeat.expect("present")(cx, v, n)
        }, |_, v, _| Ok(v))
    },
    Dunder {
        generic: |_| {},
        ..row!("__rmul__" "($self, value, /)" repeat "Return value*self.", |cx, s, v, args| {
            arity(cx, args, 1)?;
            let n = number::to_isize(cx, args.values()[0])?;
            s.repeat.expect("present")(cx, v, n)
        }, |_, v, _| Ok(v))
    },
    Dunder {
        generic: |_| {},
        ..row!("__iadd__" "($self, value, /)" iconcat "Implement self+=value.", |cx, s, v, args| {
            arity(cx, args, 1)?;
            s.iconcat.expect("present")(cx, v, args.values()[0])
        }, |_, v, _| Ok(v))
    },
    Dunder {
        generic: |_| {},
        ..row!("__imul__" "($self, value, /)" irepeat "Implement self*=value.", |cx, s, v, args| {
            arity(cx, args, 1)?;
            let n = number::to_isize(cx, args.values()[0])?;
            s.irepeat.expect("present")(cx, v, n)
        }, |_, v, _| Ok(v))
    },
    row!("__buffer__" "($self, flags, /)" buffer "Return a buffer object that exposes the underlying memory of the object.", |cx, _, v, args| {
        arity(cx, args, 1)?;
        crate::protocol::buffer::dunder_buffer(cx, v, args.values()[0])
    }, generic_buffer),
];

/// All special methods.
pub fn dunders() -> impl Iterator<Item = &'static Dunder> {
    UNARY.iter().chain(&ASYNC).chain(generic::rows()).chain(INPLACE).chain(&COMPARE).chain(OTHERS)
}

/// True if `dunder`, called through its slot wrapper, takes keyword arguments.
pub fn takes_keywords(dunder: &Dunder) -> bool {
    matches!(dunder.name, "__call__" | "__init__")
}
