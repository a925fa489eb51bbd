//! defaultdict: a dict that makes missing values.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::{Dict, trace_dict};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, iter, object, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::dict::{DICT, key_error, update_from_args, update_from_value};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

/// A defaultdict object.
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    factory: Cell<Option<Value>>,
}
taipan_runtime::object!(DefaultDict, DEFAULTDICT);

/// The type `collections.defaultdict`.
pub static DEFAULTDICT: Type = Type::new(&DEFAULTDICT_SPEC);
static DEFAULTDICT_SPEC: TypeSpec = TypeSpec {
    name: "collections.defaultdict",
    base: Some(&DICT),
    basicsize: std::mem::size_of::<DefaultDict>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace),
    slots: Slots { repr: Some(repr), new: Some(new), init: Some(init), or: Some(or), ..Slots::NONE },
    methods: &[Methods::METHODS],
    getsets: &[Methods::GETSETS],
    doc: "defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called without arguments to produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict compares equal to a dict with the same items.\nAll remaining arguments are treated the same as if they were\npassed to the dict constructor, including keyword arguments.\n",
    ..TypeSpec::DEFAULT
};

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for defaultdicts only, which start with a dict.
    unsafe {
        trace_dict(object, marker);
        if let Some(factory) = (*object.cast::<DefaultDict>()).factory.get() {
            marker.mark_value(factory.bits());
        }
    }
}

#[inline(always)]
fn of(v: Value) -> &'static DefaultDict {
    // SAFETY: slots are called with defaultdicts.
    unsafe { v.cast() }
}

fn dict_of(v: Value) -> &'static Dict {
    // SAFETY: defaultdicts start with a dict.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(cx.alloc_of(class, DefaultDict { dict: Dict::blank(class), factory: Cell::new(None) })))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut rest = args;
    if let Some(first) = args.pos().first() {
        if !first.is_none() && first.class().slots().call.is_none() {
            return raise!(cx, TypeError, "first argument must be callable or None");
        }
        of(v).factory.set(Some(*first).filter(|f| !f.is_none()));
        cx.barrier(of(v));
        rest = args.rest();
    }
    update_from_args(cx, dict_of(v), rest, "dict")
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = v.class().name();
    let mut text = sequence::ReprText::default();
    text.push(&name);
    text.push("(");
    match of(v).factory.get() {
        None => text.push("None"),
        Some(f) if object::enter_repr(cx, f) => {
            let done = text.push_repr(cx, f);
            object::leave_repr(cx);
            done?;
        }
        Some(_) => text.push("..."),
    }
    text.push(", ");
    let base = DICT.slots().repr.expect("dict has a repr");
    let inner = base(cx, v)?;
    if let Some(s) = inner.downcast::<Str>() {
        text.push_str(s);
    }
    text.push(")");
    text.finish(cx)
}

/// A copy made by calling the class with the factory and `items`.
fn copy_with(cx: &mut Cx, this: Value, items: Value) -> PyResult<Value> {
    let factory = of(this).factory.get().unwrap_or(Value::none());
    cx.call(Value::of(this.class()), &[factory, items])
}

fn or(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let this = if a.is_instance(&DEFAULTDICT) { a } else { b };
    let other = if this == a { b } else { a };
    if !this.is_instance(&DEFAULTDICT) || other.downcast::<Dict>().is_none() {
        return Ok(Value::not_implemented());
    }
    let new = copy_with(cx, this, a)?;
    match new.downcast::<Dict>() {
        Some(dict) => update_from_value(cx, dict, b)?,
        None => return raise!(cx, TypeError, "a dict is required, not '{}'", new.class().tp_name()),
    }
    Ok(new)
}

struct Methods;

#[pymethods]
impl Methods {
    /// __missing__(key) # Called by __getitem__ for missing key; pseudo-code:
    ///   if self.default_factory is None: raise KeyError((key,))
    ///   self[key] = value = self.default_factory()
    ///   return value
    #[py("($self, key, /)")]
    fn __missing__(cx: &mut Cx, this: &'static DefaultDict, key: Value) -> PyResult<Value> {
        let Some(factory) = this.factory.get() else { return Err(key_error(cx, key)) };
        let value = cx.call(factory, &[])?;
        object::set_item(cx, Value::of(this), key, Some(value))?;
        Ok(value)
    }

    /// D.copy() -> a shallow copy of D.
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: Value) -> PyResult<Value> {
        copy_with(cx, this, this)
    }

    /// D.copy() -> a shallow copy of D.
    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        copy_with(cx, this, this)
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let args = match of(this).factory.get() {
            Some(f) => Tuple::new(cx, &[f]),
            None => Tuple::new(cx, &[]),
        };
        let name = cx.names().items;
        let items = attr::get(cx, this, name)?;
        let items = cx.call(items, &[])?;
        let items = iter::iter(cx, items)?;
        let none = Value::none();
        Ok(Value::of(Tuple::new(cx, &[Value::of(this.class()), Value::of(args), none, none, items])))
    }

    /// Factory for default value called by __missing__().
    #[getter]
    fn default_factory(_cx: &mut Cx, this: &'static DefaultDict) -> Value {
        this.factory.get().unwrap_or(Value::none())
    }

    #[setter("default_factory")]
    fn set_default_factory(cx: &mut Cx, this: &'static DefaultDict, value: Option<Value>) -> PyResult<()> {
        this.factory.set(value.filter(|f| !f.is_none()));
        cx.barrier(this);
        Ok(())
    }

    /// defaultdicts are generic over two types, signifying (respectively) the types of the dictionary's keys and values
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        taipan_runtime::types::typing::new_generic_alias(cx, class, item)
    }
}
