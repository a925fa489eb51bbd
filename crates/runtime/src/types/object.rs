//! object: the base of all classes.

use crate::cx::Cx;
use crate::native::Args;
use crate::object::{Header, Object};
use crate::protocol::compare::CmpOp;
use crate::protocol::{attr, compare, hash};
use crate::shape::Attrs;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};

/// An object of which only the header is known.
#[repr(C)]
pub struct Plain {
    header: Header,
}
// SAFETY: every object starts with a header.
unsafe impl Object for Plain {
    fn class() -> &'static Type {
        &OBJECT
    }
}

/// The type object.
pub static OBJECT: Type = Type::new(&OBJECT_SPEC);
static OBJECT_SPEC: TypeSpec = TypeSpec {
    name: "object",
    basicsize: 16,
    flags: flags::BASETYPE,
    trace: Some(trace_nothing),
    slots: Slots {
        repr: Some(repr),
        str: Some(|cx, v| crate::protocol::object::repr_value(cx, v)),
        hash: Some(|_, v| Ok(hash::of_address(v))),
        richcompare: Some(richcompare),
        getattr: Some(attr::generic_get),
        setattr: Some(attr::generic_set),
        init: Some(init),
        new: Some(new),
        ..Slots::NONE
    },
    methods: &[crate::types::object_methods::ObjectMethods::METHODS],
    getsets: &[crate::types::object_methods::ObjectMethods::GETSETS],
    doc: "The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n",
    signature: "()",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_nothing(_: *mut Header, _: &mut taipan_gc::Marker) {}

/// `object.__repr__`: `<module.Name object at 0x...>`.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let class = v.class();
    let name = crate::types::type_::full_name(cx, class);
    let address = v.bits();
    Ok(cx.str(&format!("<{name} object at {address:#x}>")))
}

pub(crate) fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    match op {
        CmpOp::Eq => Ok(if a.is(b) { Value::bool(true) } else { Value::not_implemented() }),
        CmpOp::Ne => {
            // By default `!=` is the inverse of `==`, unless that is NotImplemented.
            let Some(eq) = a.class().slots().richcompare else { return Ok(Value::not_implemented()) };
            let r = eq(cx, a, b, CmpOp::Eq)?;
            if r.is_not_implemented() {
                return Ok(r);
            }
            Ok(Value::bool(!crate::protocol::object::truth(cx, r)?))
        }
        _ => Ok(Value::not_implemented()),
    }
}

type InitFn = fn(&mut Cx, Value, Args) -> PyResult<()>;
type NewFn = fn(&mut Cx, &'static Type, Args) -> PyResult<Value>;

fn overrides_new(class: &Type) -> bool {
    class.slots().new.is_some_and(|f| !std::ptr::fn_addr_eq(f, new as NewFn))
}

fn overrides_init(class: &Type) -> bool {
    class.slots().init.is_some_and(|f| !std::ptr::fn_addr_eq(f, init as InitFn))
}

/// `object.__init__`: excess arguments are an error unless `__new__` takes them.
pub fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    if args.values().is_empty() {
        return Ok(());
    }
    let class = v.class();
    if overrides_init(class) {
        return raise!(cx, TypeError, "object.__init__() takes exactly one argument (the instance to initialize)");
    }
    if !overrides_new(class) {
        let name = class.name();
        return raise!(cx, TypeError, "{name}.__init__() takes exactly one argument (the instance to initialize)");
    }
    Ok(())
}

/// `object.__new__`.
pub fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if !args.values().is_empty() {
        if overrides_new(class) {
            return raise!(cx, TypeError, "object.__new__() takes exactly one argument (the type to instantiate)");
        }
        if !overrides_init(class) {
            return raise!(cx, TypeError, "{}() takes no arguments", class.name());
        }
    }
    if class.has(flags::ABSTRACT) {
        return Err(abstract_error(cx, class));
    }
    Ok(instantiate(cx, class))
}

/// A new instance of a class whose layout is object's, without `__init__`. May collect.
#[inline]
pub fn instantiate(cx: &mut Cx, class: &'static Type) -> Value {
    Value::of(cx.alloc_of(class, Plain { header: Header::fresh(class) }))
}

#[cold]
fn abstract_error(cx: &mut Cx, class: &'static Type) -> crate::Raised {
    let key = cx.names().__abstractmethods__;
    let mut names: Vec<String> = Vec::new();
    if let Some(methods) = class.dict().get_str(key)
        && let Ok(items) = crate::protocol::iter::collect(cx, methods)
    {
        names = items.iter().filter_map(|v| v.downcast::<Str>()).map(|s| s.to_string_lossy()).collect();
    }
    names.sort();
    let s = if names.len() == 1 { "" } else { "s" };
    let list = names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{s} {list}",
        class.name()
    );
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

/// Guards `object.__setattr__(some_type, ...)` and the like: a slot wrapper may not bypass a more derived native slot.
pub fn check_setattr_bypass(cx: &mut Cx, slots: &Slots, v: Value, what: &str) -> PyResult<()> {
    let mut class = Some(v.class());
    while let Some(c) = class {
        if !c.is_heap_type() {
            let native = c.slots().setattr;
            let same = match (native, slots.setattr) {
                (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
                _ => true,
            };
            if !same {
                let name = c.name();
                return raise!(cx, TypeError, "can't apply this {what} to {name} object");
            }
            return Ok(());
        }
        class = c.base();
    }
    Ok(())
}

/// Runs `__del__` of a dying object; an exception in it is reported, not raised.
pub fn run_finalizer(cx: &mut Cx, object: Value) {
    let name = cx.names().__del__;
    let saved = cx.exception().map(|_| cx.take_exception());
    if let Some(f) = cx.lookup_special(object, name) {
        cx.at_home_of(f, |cx| {
            if crate::protocol::call::call_unbound(cx, f, object, &[]).is_err() {
                let exception = cx.take_exception();
                crate::traceback_print::unraisable::report_ignored(cx, exception, "calling deallocator", f);
            }
        });
    }
    if let Some(e) = saved {
        cx.raise_again(e);
    }
}

/// `obj.__class__ = class`: allowed between classes of equal layout.
pub fn set_class(cx: &mut Cx, v: Value, class: &'static Type) -> PyResult<()> {
    let old = v.class();
    let modules = old.is_subtype(&crate::types::module::MODULE) && class.is_subtype(&crate::types::module::MODULE);
    if !modules && (!old.is_heap_type() || !class.is_heap_type() || class.has(flags::IMMUTABLE)) {
        return raise!(cx, TypeError, "__class__ assignment only supported for mutable types or ModuleType subclasses");
    }
    crate::types::class_creation::check_compatible(cx, old, class, "__class__")?;
    let Some(header) = v.as_object() else { return raise!(cx, TypeError, "__class__ assignment on an immediate") };
    if let Some(attrs) = Attrs::of(v) {
        attrs.rebase(cx, class);
    }
    let old = header.class();
    header.set_class(class);
    // Compiled code may know the instance by its old class.
    old.tell_watchers(cx);
    crate::slot_table::note_descriptor_change(cx, old.slots(), class.slots());
    if class.data().finalizer.get() && !old.data().needs_registration() {
        cx.register_special(v);
    }
    cx.barrier_value(v);
    Ok(())
}

/// Whether `a == b` by `==`, for callers that hold both operands; re-exported for convenience.
pub fn equal(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    compare::equal(cx, a, b)
}

/// The empty argument tuple's items; keeps call sites short.
pub fn no_args() -> Option<&'static Tuple> {
    None
}
