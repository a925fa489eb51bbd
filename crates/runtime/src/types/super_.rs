//! super.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::attr;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::cell::Cell as CellObject;
use crate::types::descr_methods::members;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, object, raise};

/// A super object.
#[repr(C)]
pub struct Super {
    header: Header,
    /// `__thisclass__`.
    pub class: Cell<Option<&'static Type>>,
    /// `__self__`.
    pub object: Cell<Option<Value>>,
    /// `__self_class__`.
    pub object_class: Cell<Option<&'static Type>>,
}
object!(Super, SUPER);

/// The type super.
pub static SUPER: Type = Type::new(&SUPER_SPEC);
static SUPER_SPEC: TypeSpec = TypeSpec {
    name: "super",
    basicsize: std::mem::size_of::<Super>(),
    flags: flags::BASETYPE,
    trace: Some(trace_super),
    slots: Slots {
        repr: Some(repr),
        getattr: Some(getattr),
        descr_get: Some(descr_get),
        init: Some(init),
        new: Some(|cx, class, _| {
            let (class_cell, object, object_class) = (Cell::new(None), Cell::new(None), Cell::new(None));
            let this = Super { header: Header::fresh(class), class: class_cell, object, object_class };
            Ok(Value::of(cx.alloc_of(class, this)))
        }),
        ..Slots::NONE
    },
    getsets: &[MEMBERS],
    doc: "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)\nTypical use to call a cooperative superclass method:\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)\nThis works for class methods too:\nclass C(B):\n    @classmethod\n    def cmeth(cls, arg):\n        super().cmeth(arg)\n",
    ..TypeSpec::DEFAULT
};

members! {
    MEMBERS: Super;
    "__thisclass__" "the class invoking super()" |_cx, s| s.class.get().map_or(Value::none(), Value::of);
    "__self__" "the instance invoking super(); may be None" |_cx, s| s.object.get().unwrap_or(Value::none());
    "__self_class__" "the type of the instance invoking super(); may be None"
        |_cx, s| s.object_class.get().map_or(Value::none(), Value::of);
}

unsafe fn trace_super(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for super objects only.
    let this = unsafe { &*object.cast::<Super>() };
    let values = [this.class.get().map(Value::of), this.object.get(), this.object_class.get().map(Value::of)];
    for v in values.into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

/// Finds `name` in the MRO of `start_class` behind `after`, without binding.
pub fn find_after(start_class: &'static Type, after: &'static Type, name: &Str) -> Option<Value> {
    let mut types = start_class.mro_types().skip_while(|t| !std::ptr::eq(*t, after));
    types.next()?;
    types.find_map(|t| t.dict().get_str(name))
}

/// `super(after, object).name`: None if no class behind `after` in the MRO has it. `class` is the object's class, or
/// the object itself when it is a class (then the attribute is bound to nothing but the class).
pub fn lookup(
    cx: &mut Cx,
    after: &'static Type,
    object: Value,
    class: Option<Value>,
    name: &'static Str,
) -> PyResult<Option<Value>> {
    let start = class.and_then(|c| c.downcast::<Type>()).unwrap_or_else(|| object.class());
    let Some(found) = find_after(start, after, name) else { return Ok(None) };
    let Some(get) = found.class().slots().descr_get else { return Ok(Some(found)) };
    let instance = if object == Value::of(start) { None } else { Some(object) };
    get(cx, found, instance, Some(Value::of(start))).map(Some)
}

fn super_object(v: Value) -> &'static Super {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

/// The class whose MRO `super(class, object)` searches: the object's, or the object itself if it is a class.
pub fn start_class(cx: &mut Cx, class: &'static Type, object: Value) -> PyResult<&'static Type> {
    if let Some(own) = object.downcast::<Type>()
        && own.is_subtype(class)
    {
        return Ok(own);
    }
    if object.is_instance(class) {
        return Ok(object.class());
    }
    let key = cx.names().__class__;
    if let Some(claimed) = attr::get_optional(cx, object, key)?.and_then(|c| c.downcast::<Type>())
        && !std::ptr::eq(claimed, object.class())
        && claimed.is_subtype(class)
    {
        return Ok(claimed);
    }
    let (kind, got) = match object.downcast::<Type>() {
        Some(own) => ("type", own.tp_name()),
        None => ("instance of", object.class().tp_name()),
    };
    let class = class.tp_name();
    raise!(cx, TypeError, "super(type, obj): obj ({kind} {got}) is not an instance or subtype of type ({class}).")
}

fn getattr(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    let this = super_object(v);
    if let (Some(class), Some(object), Some(start)) = (this.class.get(), this.object.get(), this.object_class.get())
        && !name.eq_rust("__class__")
        && let Some(found) = lookup(cx, class, object, Some(Value::of(start)), name)?
    {
        return Ok(found);
    }
    attr::generic_get(cx, v, name)
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = super_object(v);
    let class = this.class.get().map_or("NULL".to_string(), |c| c.name());
    let text = match this.object_class.get() {
        Some(own) => format!("<super: <class '{class}'>, <{} object>>", own.name()),
        None => format!("<super: <class '{class}'>, NULL>"),
    };
    Ok(cx.str(&text))
}

/// An unbound super object used as class attribute binds to the instance.
fn descr_get(cx: &mut Cx, v: Value, object: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    let this = super_object(v);
    let (Some(object), None, Some(class)) = (object.filter(|o| !o.is_none()), this.object.get(), this.class.get())
    else {
        return Ok(v);
    };
    if !std::ptr::eq(v.class(), &SUPER) {
        return cx.call(Value::of(v.class()), &[Value::of(class), object]);
    }
    let start = start_class(cx, class, object)?;
    let (class, object, object_class) = (Cell::new(Some(class)), Cell::new(Some(object)), Cell::new(Some(start)));
    Ok(Value::of(cx.alloc(Super { header: Header::fresh(&SUPER), class, object, object_class })))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    args.no_keywords(cx, "super")?;
    let (class, object) = match args.values() {
        [] => {
            let (class, object) = from_frame(cx)?;
            (class, Some(object))
        }
        [class] => (class_arg(cx, *class)?, None),
        [class, object] => (class_arg(cx, *class)?, Some(*object).filter(|o| !o.is_none())),
        more => return raise!(cx, TypeError, "super() expected at most 2 arguments, got {}", more.len()),
    };
    let start = match object {
        Some(object) => Some(start_class(cx, class, object)?),
        None => None,
    };
    let this = super_object(v);
    this.class.set(Some(class));
    this.object.set(object);
    this.object_class.set(start);
    cx.barrier(this);
    Ok(())
}

fn class_arg(cx: &mut Cx, v: Value) -> PyResult<&'static Type> {
    match v.downcast::<Type>() {
        Some(class) => Ok(class),
        None => raise!(cx, TypeError, "super() argument 1 must be a type, not {}", v.class().tp_name()),
    }
}

/// The class and object of `super()` in the running frame: the free variable `__class__` and the first argument.
fn from_frame(cx: &mut Cx) -> PyResult<(&'static Type, Value)> {
    // SAFETY: FRAME-1.
    let Some(frame) = (unsafe { cx.frame.as_ref() }) else {
        return raise!(cx, RuntimeError, "super(): no current frame");
    };
    let code = frame.code;
    if code.argcount == 0 {
        return raise!(cx, RuntimeError, "super(): no arguments");
    }
    let (locals, cells) = (code.nlocals as usize, code.ncells as usize);
    // A parameter that inner functions use lives in a cell.
    let first = code.local_names()[0];
    let cell = code.local_names()[locals..locals + cells].iter().position(|n| std::ptr::eq(*n, first));
    let content = |i: usize| frame.reg(i).and_then(|c| c.exact::<CellObject>()).map(|c| c.get());
    let object = match cell.and_then(|i| content(locals + i)) {
        Some(content) => content,
        None => frame.reg(0),
    };
    let Some(object) = object else { return raise!(cx, RuntimeError, "super(): arg[0] deleted") };
    let key = cx.names().__class__;
    let frees = &code.local_names()[locals + cells..];
    let Some(i) = frees.iter().position(|n| std::ptr::eq(*n, key)) else {
        return raise!(cx, RuntimeError, "super(): __class__ cell not found");
    };
    match content(locals + cells + i) {
        None => raise!(cx, RuntimeError, "super(): bad __class__ cell"),
        Some(None) => raise!(cx, RuntimeError, "super(): empty __class__ cell"),
        Some(Some(class)) => match class.downcast::<Type>() {
            Some(class) => Ok((class, object)),
            None => raise!(cx, RuntimeError, "super(): __class__ is not a type ({})", class.class().tp_name()),
        },
    }
}
