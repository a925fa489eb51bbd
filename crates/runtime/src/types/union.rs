//! typing.Union: `int | str` (PEP 604).

use std::cell::Cell;

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{attr, compare, hash, number, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::generic_alias::{self, GenericAlias};
use crate::types::tuple::Tuple;
use crate::types::type_alias::TypeAlias;
use crate::types::typing::{type_check, type_text};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A union of types.
#[repr(C)]
pub struct Union {
    header: Header,
    /// `__args__`, distinct.
    pub args: &'static Tuple,
    /// How many of them were unhashable when the union was made.
    unhashable: usize,
    parameters: Cell<Option<&'static Tuple>>,
}
object!(Union, UNION);

/// The type `typing.Union`.
pub static UNION: Type = Type::new(&UNION_SPEC);
static UNION_SPEC: TypeSpec = TypeSpec {
    name: "typing.Union",
    basicsize: std::mem::size_of::<Union>(),
    flags: flags::DISALLOW_INSTANTIATION,
    weakrefs: true,
    trace: Some(trace_union),
    slots: Slots {
        repr: Some(|cx, v| {
            let mut parts = Vec::new();
            for arg in union(v).args.items() {
                parts.push(type_text(cx, *arg)?);
            }
            Ok(cx.str(&parts.join(" | ")))
        }),
        hash: Some(|cx, v| {
            let mut all = 0i64;
            for arg in union(v).args.items() {
                let h = hash::hash(cx, *arg)?;
                // Order must not matter, and equal bits of the members must not cancel out.
                all = all.wrapping_add((h ^ h.rotate_left(16) ^ 89869747).wrapping_mul(3644798167));
            }
            if union(v).unhashable > 0 {
                let n = union(v).unhashable;
                let s = if n == 1 { "" } else { "s" };
                return raise!(cx, TypeError, "union contains {n} unhashable element{s}");
            }
            Ok(if all == -1 { -2 } else { all })
        }),
        getattr: Some(|cx, v, name| {
            if std::ptr::eq(name, cx.names().__module__) || name.eq_rust("__module__") {
                return Ok(cx.str("typing"));
            }
            attr::generic_get(cx, v, name)
        }),
        richcompare: Some(compare_unions),
        or: Some(or_checked),
        getitem: Some(|cx, v, item| {
            let params = parameters(cx, union(v))?;
            let args = generic_alias::substitute(cx, v, union(v).args, params, item)?;
            let mut result = args.items()[0];
            for arg in &args.items()[1..] {
                result = number::binary(cx, result, *arg, &number::OR)?;
            }
            Ok(result)
        }),
        ..Slots::NONE
    },
    methods: &[Union::METHODS],
    getsets: &[Union::GETSETS, MEMBERS],
    doc: "Represent a union type\n\nE.g. for int | str",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_union(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for unions only.
    let this = unsafe { &*object.cast::<Union>() };
    marker.mark_value(Value::of(this.args).bits());
    if let Some(parameters) = this.parameters.get() {
        marker.mark_value(Value::of(parameters).bits());
    }
}

members! {
    MEMBERS: Union;
    "__args__" "" |_cx, u| Value::of(u.args);
}

fn union(v: Value) -> &'static Union {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn parameters(cx: &mut Cx, this: &'static Union) -> PyResult<&'static Tuple> {
    if let Some(parameters) = this.parameters.get() {
        return Ok(parameters);
    }
    let parameters = generic_alias::parameters_of(cx, this.args)?;
    this.parameters.set(Some(parameters));
    cx.barrier(this);
    Ok(parameters)
}

#[pymethods]
impl Union {
    #[py("($self, object, /)")]
    fn __mro_entries__(cx: &mut Cx, this: &'static Union, _object: Value) -> PyResult<Value> {
        let text = any::repr_text(cx, Value::of(this))?;
        raise!(cx, TypeError, "Cannot subclass {text}")
    }
    /// Create a union containing the given types
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, _class: Value, object: Value) -> PyResult<Value> {
        match object.downcast::<Tuple>() {
            Some(args) => from_args(cx, args.items()),
            None => from_args(cx, &[object]),
        }
    }
    /// Name of the type
    #[getter]
    fn __name__(_cx: &mut Cx, _this: Value) -> &'static str {
        "Union"
    }
    /// Qualified name of the type
    #[getter]
    fn __qualname__(_cx: &mut Cx, _this: Value) -> &'static str {
        "Union"
    }
    /// Always returns the type
    #[getter]
    fn __origin__(_cx: &mut Cx, _this: Value) -> Value {
        Value::of(&UNION)
    }
    /// Type variables in the types.UnionType.
    #[getter]
    fn __parameters__(cx: &mut Cx, this: &'static Union) -> PyResult<Value> {
        parameters(cx, this).map(Value::of)
    }
}

fn compare_unions(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.exact::<Union>(), b.exact::<Union>()) else { return Ok(Value::not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let mut same = x.args.len() == y.args.len();
    for arg in x.args.items() {
        if !same {
            break;
        }
        same = any::contains(cx, Value::of(y.args), *arg)?;
    }
    Ok(Value::bool(same == (op == CmpOp::Eq)))
}

/// True if `v | type` makes a union without further checks.
pub fn is_unionable(v: Value) -> bool {
    v.is_none()
        || v.downcast::<Type>().is_some()
        || v.downcast::<GenericAlias>().is_some()
        || v.exact::<TypeAlias>().is_some()
        || v.exact::<Union>().is_some()
}

/// `a | b` for types; NotImplemented if one is none.
pub fn or(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if is_unionable(a) && is_unionable(b) { from_args(cx, &[a, b]) } else { Ok(Value::not_implemented()) }
}

/// `a | b` for unions and type variables: what is no type goes through `typing`, which makes strings forward references.
pub fn or_checked(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    from_args(cx, &[a, b])
}

/// The union of `args`: members of unions are taken in, duplicates left out; one type stands for itself. May collect.
pub fn from_args(cx: &mut Cx, args: &[Value]) -> PyResult<Value> {
    let mut builder = Builder { args: RootVec::new(), hashes: Vec::new() };
    for arg in args {
        builder.add(cx, *arg)?;
    }
    match builder.args.as_slice() {
        [] => raise!(cx, TypeError, "Cannot take a Union of no types."),
        [only] => Ok(*only),
        _ => {
            let args = Tuple::new(cx, &builder.args);
            let unhashable = builder.hashes.iter().filter(|h| h.is_none()).count();
            let header = Header::fresh(&UNION);
            Ok(Value::of(cx.alloc(Union { header, args, unhashable, parameters: Cell::new(None) })))
        }
    }
}

struct Builder {
    args: RootVec,
    /// Hashes of the members, None for unhashable ones.
    hashes: Vec<Option<i64>>,
}

impl Builder {
    fn add(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        if let Some(inner) = v.exact::<Union>() {
            for arg in inner.args.items() {
                self.add_distinct(cx, *arg)?;
            }
            return Ok(());
        }
        let v = type_check(cx, v, "Union[arg, ...]: each arg must be a type.")?;
        self.add_distinct(cx, v)
    }

    fn add_distinct(&mut self, cx: &mut Cx, v: Value) -> PyResult<()> {
        let h = hash::hash(cx, v);
        let h = cx.catch(h, &crate::exceptions::TypeError)?;
        for i in 0..self.args.len() {
            if self.hashes[i] == h && compare::equal(cx, self.args[i], v)? {
                return Ok(());
            }
        }
        self.args.push(v);
        self.hashes.push(h);
        Ok(())
    }
}
