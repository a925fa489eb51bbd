//! property.

use std::cell::Cell;

use crate::cx::Cx;
use crate::native::{self, Args, ParamSpec};
use crate::object::Header;
use crate::protocol::{attr, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::function_methods::is_abstract;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A property (64 bytes as in CPython).
#[repr(C)]
pub struct Property {
    header: Header,
    /// `fget`.
    pub get: Cell<Option<Value>>,
    /// `fset`.
    pub set: Cell<Option<Value>>,
    /// `fdel`.
    pub del: Cell<Option<Value>>,
    doc: Cell<Option<Value>>,
    name: Cell<Option<Value>>,
    /// The doc came from `fget`.
    getter_doc: Cell<bool>,
}
object!(Property, PROPERTY);

/// The type property.
pub static PROPERTY: Type = Type::new(&PROPERTY_SPEC);
static PROPERTY_SPEC: TypeSpec = TypeSpec {
    name: "property",
    basicsize: std::mem::size_of::<Property>(),
    flags: flags::BASETYPE,
    trace: Some(trace_property),
    slots: Slots {
        descr_get: Some(descr_get),
        descr_set: Some(descr_set),
        init: Some(init),
        new: Some(|cx, class, _| {
            let none = || Cell::new(None);
            let this = Property {
                header: Header::fresh(class),
                get: none(),
                set: none(),
                del: none(),
                doc: none(),
                name: none(),
                getter_doc: Cell::new(false),
            };
            Ok(Value::of(cx.alloc_of(class, this)))
        }),
        ..Slots::NONE
    },
    methods: &[Property::METHODS],
    getsets: &[Property::GETSETS, MEMBERS],
    doc: "Property attribute.\n\n  fget\n    function to be used for getting an attribute value\n  fset\n    function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  doc\n    docstring\n\nTypical use is to define a managed attribute x:\n\nclass C(object):\n    def getx(self): return self._x\n    def setx(self, value): self._x = value\n    def delx(self): del self._x\n    x = property(getx, setx, delx, \"I'm the 'x' property.\")\n\nDecorators make defining new properties or modifying existing ones easy:\n\nclass C(object):\n    @property\n    def x(self):\n        \"I am the 'x' property.\"\n        return self._x\n    @x.setter\n    def x(self, value):\n        self._x = value\n    @x.deleter\n    def x(self):\n        del self._x",
    signature: "(fget=None, fset=None, fdel=None, doc=None)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_property(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for properties only.
    let this = unsafe { &*object.cast::<Property>() };
    for v in [this.get.get(), this.set.get(), this.del.get(), this.doc.get(), this.name.get()].into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

members! {
    MEMBERS: Property;
    "fget" "" |_cx, p| p.get.get().unwrap_or(Value::none());
    "fset" "" |_cx, p| p.set.get().unwrap_or(Value::none());
    "fdel" "" |_cx, p| p.del.get().unwrap_or(Value::none());
}

fn property(v: Value) -> &'static Property {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

static PARAMS: ParamSpec = ParamSpec {
    name: "property",
    names: &["fget", "fset", "fdel", "doc"],
    positional_only: 0,
    positional: 4,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let mut bound = [None; 4];
    native::bind(cx, &PARAMS, args, &mut bound)?;
    let [get, set, del, doc] = bound.map(|v: Option<Value>| v.filter(|v| !v.is_none()));
    let this = property(v);
    if this.get.get().is_some() {
        // Inline caches rely on getters not changing; see `attr::python_getter`.
        cx.type_modified(&crate::types::object::OBJECT);
    }
    this.get.set(get);
    this.set.set(set);
    this.del.set(del);
    this.doc.set(None);
    this.name.set(None);
    this.getter_doc.set(false);
    cx.barrier(this);
    let mut doc = doc;
    let doc_key = cx.names().__doc__;
    if let Some(get) = get.filter(|_| doc.is_none()) {
        doc = attr::get_optional(cx, get, doc_key)?.filter(|d| !d.is_none());
        this.getter_doc.set(doc.is_some());
    }
    if std::ptr::eq(v.class(), &PROPERTY) {
        this.doc.set(doc);
        cx.barrier(this);
        return Ok(());
    }
    // Of a subclass the docstring is an instance attribute, since the class's own would hide it.
    let r = attr::set(cx, v, doc_key, Some(doc.unwrap_or(Value::none())));
    if !this.getter_doc.get() {
        cx.catch(r, &crate::exceptions::AttributeError)?;
        return Ok(());
    }
    r
}

impl Property {
    /// The name, from `__set_name__` or the getter.
    fn known_name(&self, cx: &mut Cx) -> PyResult<Option<Value>> {
        if let Some(name) = self.name.get() {
            return Ok(Some(name));
        }
        let key = cx.names().__name__;
        match self.get.get() {
            Some(get) => attr::get_optional(cx, get, key),
            None => Ok(None),
        }
    }

    #[cold]
    fn missing(&self, cx: &mut Cx, obj: Value, what: &str) -> crate::Raised {
        let text = match self.describe(cx, obj) {
            Ok(text) => text,
            Err(e) => return e,
        };
        cx.raise_text(&crate::exceptions::AttributeError, &format!("{text} has no {what}"))
    }

    fn describe(&self, cx: &mut Cx, obj: Value) -> PyResult<String> {
        let name = self.known_name(cx)?;
        let class = any::repr_text(cx, obj.class().data().qualname.get())?;
        Ok(match name {
            Some(name) => format!("property {} of {class} object", any::repr_text(cx, name)?),
            None => format!("property of {class} object"),
        })
    }

    fn copied(
        &'static self,
        cx: &mut Cx,
        get: Option<Value>,
        set: Option<Value>,
        del: Option<Value>,
    ) -> PyResult<Value> {
        let none = Value::none();
        let given =
            |new: Option<Value>, old: &Cell<Option<Value>>| new.filter(|v| !v.is_none()).or(old.get()).unwrap_or(none);
        let (get, set, del) = (given(get, &self.get), given(set, &self.set), given(del, &self.del));
        let doc = if self.getter_doc.get() && !get.is_none() { none } else { self.doc.get().unwrap_or(none) };
        let class = Value::of(Value::of(self).class());
        let new = cx.call(class, &[get, set, del, doc])?;
        if let Some(copy) = new.downcast::<Property>() {
            copy.name.set(self.name.get());
            cx.barrier(copy);
        }
        Ok(new)
    }
}

fn descr_get(cx: &mut Cx, v: Value, obj: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    let Some(obj) = obj else { return Ok(v) };
    match property(v).get.get() {
        Some(get) => cx.call(get, &[obj]),
        None => Err(property(v).missing(cx, obj, "getter")),
    }
}

fn descr_set(cx: &mut Cx, v: Value, obj: Value, value: Option<Value>) -> PyResult<()> {
    let this = property(v);
    match value {
        Some(value) => match this.set.get() {
            Some(set) => cx.call(set, &[obj, value])?,
            None => return Err(this.missing(cx, obj, "setter")),
        },
        None => match this.del.get() {
            Some(del) => cx.call(del, &[obj])?,
            None => return Err(this.missing(cx, obj, "deleter")),
        },
    };
    Ok(())
}

#[pymethods]
impl Property {
    /// Descriptor to obtain a copy of the property with a different getter.
    #[py("($self, object, /)")]
    fn getter(cx: &mut Cx, this: &'static Property, object: Value) -> PyResult<Value> {
        this.copied(cx, Some(object), None, None)
    }
    /// Descriptor to obtain a copy of the property with a different setter.
    #[py("($self, object, /)")]
    fn setter(cx: &mut Cx, this: &'static Property, object: Value) -> PyResult<Value> {
        this.copied(cx, None, Some(object), None)
    }
    /// Descriptor to obtain a copy of the property with a different deleter.
    #[py("($self, object, /)")]
    fn deleter(cx: &mut Cx, this: &'static Property, object: Value) -> PyResult<Value> {
        this.copied(cx, None, None, Some(object))
    }
    /// Method to set name of a property.
    #[py("($self, owner, name, /)", raw)]
    fn __set_name__(cx: &mut Cx, args: Args) -> PyResult<()> {
        let n = args.values().len() - 1;
        if n != 2 {
            return raise!(cx, TypeError, "__set_name__() takes 2 positional arguments but {n} were given");
        }
        let this = property(args.values()[0]);
        this.name.set(Some(args.values()[2]));
        cx.barrier(this);
        Ok(())
    }
    #[getter]
    fn __name__(cx: &mut Cx, this: &'static Property) -> PyResult<Value> {
        match this.known_name(cx)? {
            Some(name) => Ok(name),
            None => {
                let key = cx.names().__name__;
                Err(attr::no_attribute(cx, Value::of(this), key))
            }
        }
    }
    #[setter("__name__")]
    fn set_name(cx: &mut Cx, this: &'static Property, value: Option<Value>) -> PyResult<()> {
        this.name.set(value);
        cx.barrier(this);
        Ok(())
    }
    #[getter]
    fn __doc__(_cx: &mut Cx, this: &'static Property) -> Value {
        this.doc.get().unwrap_or(Value::none())
    }
    #[setter("__doc__")]
    fn set_doc(cx: &mut Cx, this: &'static Property, value: Option<Value>) -> PyResult<()> {
        this.doc.set(value);
        cx.barrier(this);
        Ok(())
    }
    #[getter]
    fn __isabstractmethod__(cx: &mut Cx, this: &'static Property) -> PyResult<bool> {
        for f in [this.get.get(), this.set.get(), this.del.get()].into_iter().flatten() {
            if is_abstract(cx, f)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
