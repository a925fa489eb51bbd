//! Methods and attributes of object: pickling support (PEP 307), formatting, `__dir__`, `__class__`, `__dict__`.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::{Args, GetSetDef};
use crate::protocol::import::import_module;
use crate::protocol::{attr, iter, object as any};
use crate::shape::Attrs;
use crate::typeobj::{Type, flags};
use crate::types::descr::{MethodDescr, NativeFunction};
use crate::types::list::List;
use crate::types::object::{OBJECT, set_class};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The methods of object.
pub struct ObjectMethods;

#[pymethods]
impl ObjectMethods {
    /// Helper for pickle.
    #[py("($self, protocol, /)")]
    fn __reduce_ex__(cx: &mut Cx, this: Value, protocol: i32) -> PyResult<Value> {
        let key = cx.names().__reduce__;
        if let Some(reduce) = cx.lookup_special(this, key)
            && !is_method_of_object(reduce)
        {
            return cx.call_method(this, key, &[]);
        }
        reduce(cx, this, protocol)
    }

    /// Helper for pickle.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        reduce(cx, this, 0)
    }

    /// Helper for pickle.
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        default_state(cx, this, false)
    }

    /// Abstract classes can override this to customize issubclass().
    ///
    /// This is invoked early on by abc.ABCMeta.__subclasscheck__().
    /// It should return True, False or NotImplemented.  If it returns
    /// NotImplemented, the normal algorithm is used.  Otherwise, it
    /// overrides the normal algorithm (and the outcome is cached).
    ///
    #[classmethod]
    #[py("($type, object, /)")]
    fn __subclasshook__(_cx: &mut Cx, _class: Value, _object: Value) -> Value {
        Value::not_implemented()
    }

    /// This method is called when a class is subclassed.
    ///
    /// The default implementation does nothing. It may be
    /// overridden to extend subclasses.
    ///
    #[classmethod]
    #[py("($type, /)", raw)]
    fn __init_subclass__(cx: &mut Cx, args: Args) -> PyResult<()> {
        let class = args.values()[0].downcast::<Type>().map(|t| t.name()).unwrap_or_default();
        if args.kwnames().is_some() {
            return raise!(cx, TypeError, "{class}.__init_subclass__() takes no keyword arguments");
        }
        match args.values().len() - 1 {
            0 => Ok(()),
            n => raise!(cx, TypeError, "{class}.__init_subclass__() takes no arguments ({n} given)"),
        }
    }

    /// Default object formatter.
    ///
    /// Return str(self) if format_spec is empty. Raise TypeError otherwise.
    #[py("($self, format_spec, /)")]
    fn __format__(cx: &mut Cx, this: Value, format_spec: &'static Str) -> PyResult<Value> {
        if !format_spec.is_empty() {
            let class = this.class().tp_name();
            return raise!(cx, TypeError, "unsupported format string passed to {class}.__format__");
        }
        any::str(cx, this).map(Value::of)
    }

    /// Size of object in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: Value) -> usize {
        let data = this.class().data();
        let Some(header) = this.as_object().filter(|_| data.itemsize != 0) else { return data.basicsize };
        // SAFETY: objects with items have a size word at +16; ints a tag there.
        let word = unsafe { *(header as *const crate::object::Header).cast::<u64>().add(2) };
        let n = if this.class().has(flags::LONG) { word >> 3 } else { word };
        data.basicsize + data.itemsize * n as usize
    }

    /// Default dir() implementation.
    #[py("($self, /)")]
    fn __dir__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let (key, class_key) = (cx.names().__dict__, cx.names().__class__);
        let names = match attr::get_optional(cx, this, key)?.and_then(|d| d.downcast::<Dict>()) {
            Some(dict) => dict.copy(cx),
            None => Dict::new(cx),
        };
        if let Some(class) = attr::get_optional(cx, this, class_key)? {
            merge_class_names(cx, names, class)?;
        }
        key_list(cx, names)
    }

    /// the object's class
    #[getter]
    fn __class__(_cx: &mut Cx, this: Value) -> Value {
        Value::of(this.class())
    }
    #[setter("__class__")]
    fn set_class(cx: &mut Cx, this: Value, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "can't delete __class__ attribute") };
        match value.downcast::<Type>() {
            Some(class) => set_class(cx, this, class),
            None => {
                let got = value.class().tp_name();
                raise!(cx, TypeError, "__class__ must be set to a class, not '{got}' object")
            }
        }
    }
}

/// `__dict__` of types whose instances have attributes.
pub static DICT_GETSET: GetSetDef = GetSetDef {
    name: "__dict__",
    doc: "dictionary for instance variables",
    get: Some(|cx, v| match instance_dict(cx, v) {
        Some(dict) => Ok(Value::of(dict)),
        None => match native_dict(cx, v) {
            Some(descr) => attr::bind(cx, descr, v, v.class()),
            None => raise!(cx, AttributeError, "This object has no __dict__"),
        },
    }),
    set: Some(|cx, v, value| {
        let Some(attrs) = Attrs::of(v) else {
            return match native_dict(cx, v).and_then(|d| d.class().slots().descr_set.map(|set| (d, set))) {
                Some((descr, set)) => set(cx, descr, v, value),
                None => raise!(cx, AttributeError, "This object has no __dict__"),
            };
        };
        let dict = match value {
            None if v.class().mro_types().any(|c| !c.is_heap_type() && c.data().attrs) => {
                return raise!(cx, TypeError, "cannot delete __dict__");
            }
            None => Dict::new(cx),
            Some(value) => match value.downcast::<Dict>() {
                Some(dict) => dict,
                None => {
                    let got = value.class().tp_name();
                    return raise!(cx, TypeError, "__dict__ must be set to a dictionary, not a '{got}'");
                }
            },
        };
        attrs.set_dict(cx, dict);
        Ok(())
    }),
};

/// The `__dict__` of a native class that keeps its instances' attributes in its own way (modules, classes), for
/// instances of classes that also inherit from one with attributes.
fn native_dict(cx: &mut Cx, v: Value) -> Option<Value> {
    let key = cx.names().__dict__;
    let natives = v.class().mro_types().filter(|c| !c.is_heap_type());
    natives.filter_map(|c| c.dict().get_str(key)).next()
}

/// The attributes of an instance as a dict that holds them from now on; None if its type has none.
pub fn instance_dict(cx: &mut Cx, v: Value) -> Option<&'static Dict> {
    Attrs::of(v).map(|attrs| attrs.materialize(cx))
}

/// Adds the names in the namespaces of `class` and all its `__bases__` to `names`.
pub fn merge_class_names(cx: &mut Cx, names: &'static Dict, class: Value) -> PyResult<()> {
    let (dict_key, bases_key) = (cx.names().__dict__, cx.names().__bases__);
    if let Some(class) = class.downcast::<Type>() {
        names.update_from(cx, class.dict())?;
    } else if let Some(dict) = attr::get_optional(cx, class, dict_key)?.and_then(|d| d.downcast::<Dict>()) {
        names.update_from(cx, dict)?;
    }
    let Some(bases) = attr::get_optional(cx, class, bases_key)? else { return Ok(()) };
    let bases = iter::collect(cx, bases)?;
    for base in bases.iter() {
        cx.nested("", |cx| merge_class_names(cx, names, *base))?;
    }
    Ok(())
}

/// The keys of a dict as a list.
pub fn key_list(cx: &mut Cx, names: &'static Dict) -> PyResult<Value> {
    let list = List::with_capacity(cx, names.len());
    for (key, _) in names.iter() {
        list.push(cx, key);
    }
    Ok(Value::of(list))
}

fn is_method_of_object(f: Value) -> bool {
    f.exact::<MethodDescr>().is_some_and(|m| std::ptr::eq(m.owner, &OBJECT))
}

fn reduce(cx: &mut Cx, v: Value, protocol: i32) -> PyResult<Value> {
    if protocol >= 2 {
        return reduce_newobj(cx, v);
    }
    let copyreg = import_module(cx, "copyreg")?;
    cx.call_method_text(copyreg, "_reduce_ex", &[v, Value::small(protocol as i64)])
}

fn reduce_newobj(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let class = v.class();
    if !crate::slot_table::is_instantiable(class) {
        return raise!(cx, TypeError, "cannot pickle '{}' object", class.tp_name());
    }
    let (args, kwargs) = new_arguments(cx, v)?;
    let copyreg = import_module(cx, "copyreg")?;
    let (function, new_args) = match kwargs.filter(|k| !k.is_empty()) {
        Some(kwargs) => {
            let args = args.expect("come with the keywords");
            let all = Tuple::new(cx, &[Value::of(class), Value::of(args), Value::of(kwargs)]);
            (attr::get_text(cx, copyreg, "__newobj_ex__")?, all)
        }
        None => {
            let mut all = crate::heap::RootVec::from_slice(&[Value::of(class)]);
            all.extend_from_slice(args.map_or(&[], |a| a.items()));
            let all = Tuple::new(cx, &all);
            (attr::get_text(cx, copyreg, "__newobj__")?, all)
        }
    };
    let (is_list, is_dict) = (class.has(flags::LIST), class.has(flags::DICT));
    let state = state_of(cx, v, args.is_none() && !is_list && !is_dict)?;
    let list_items = if is_list { iter::iter(cx, v)? } else { Value::none() };
    let dict_items = match is_dict {
        true => {
            let items = cx.call_method_text(v, "items", &[])?;
            iter::iter(cx, items)?
        }
        false => Value::none(),
    };
    Ok(Value::of(Tuple::new(cx, &[function, Value::of(new_args), state, list_items, dict_items])))
}

type NewArguments = (Option<&'static Tuple>, Option<&'static Dict>);

/// What `__getnewargs_ex__` or `__getnewargs__` says.
fn new_arguments(cx: &mut Cx, v: Value) -> PyResult<NewArguments> {
    let (ex, plain) = (cx.names().__getnewargs_ex__, cx.names().__getnewargs__);
    if let Some(f) = cx.lookup_special(v, ex) {
        let result = crate::protocol::call::call_unbound(cx, f, v, &[])?;
        let Some(pair) = result.downcast::<Tuple>() else {
            let got = result.class().tp_name();
            return raise!(cx, TypeError, "__getnewargs_ex__ should return a tuple, not '{got}'");
        };
        let &[args, kwargs] = pair.items() else {
            let n = pair.len();
            return raise!(cx, ValueError, "__getnewargs_ex__ should return a tuple of length 2, not {n}");
        };
        let Some(args) = args.downcast::<Tuple>() else {
            let got = args.class().tp_name();
            return raise!(
                cx,
                TypeError,
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{got}'"
            );
        };
        let Some(kwargs) = kwargs.downcast::<Dict>() else {
            let got = kwargs.class().tp_name();
            return raise!(
                cx,
                TypeError,
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{got}'"
            );
        };
        return Ok((Some(args), Some(kwargs)));
    }
    let Some(f) = cx.lookup_special(v, plain) else { return Ok((None, None)) };
    let result = crate::protocol::call::call_unbound(cx, f, v, &[])?;
    match result.downcast::<Tuple>() {
        Some(args) => Ok((Some(args), None)),
        None => {
            let got = result.class().tp_name();
            raise!(cx, TypeError, "__getnewargs__ should return a tuple, not '{got}'")
        }
    }
}

/// `v.__getstate__()`; `required` says that pickling must fail if the state would not be complete.
fn state_of(cx: &mut Cx, v: Value, required: bool) -> PyResult<Value> {
    let key = cx.names().__getstate__;
    let f = attr::get(cx, v, key)?;
    // The table is a constant: its rows may have several addresses, the function has one.
    let own = ObjectMethods::METHODS.iter().find(|d| d.name == "__getstate__").expect("declared above");
    let is_default = f
        .exact::<NativeFunction>()
        .is_some_and(|f| f.receiver == Some(v) && std::ptr::fn_addr_eq(f.def.call, own.call));
    if is_default { default_state(cx, v, required) } else { cx.call(f, &[]) }
}

/// The attributes of `v` as a new dict without making it the home of the attributes; None if there are none.
fn attribute_snapshot(cx: &mut Cx, v: Value) -> PyResult<Option<&'static Dict>> {
    if let Some(attrs) = Attrs::of(v) {
        let items = attrs.items();
        if items.is_empty() {
            return Ok(None);
        }
        let dict = Dict::new(cx);
        for (name, value) in items {
            dict.set(cx, name, value)?;
        }
        return Ok(Some(dict));
    }
    let key = cx.names().__dict__;
    Ok(attr::get_optional(cx, v, key)?.and_then(|d| d.downcast::<Dict>()))
}

fn default_state(cx: &mut Cx, v: Value, required: bool) -> PyResult<Value> {
    let class = v.class();
    if required && class.data().itemsize != 0 {
        return raise!(cx, TypeError, "cannot pickle {} objects", class.tp_name());
    }
    let state = attribute_snapshot(cx, v)?.map_or(Value::none(), Value::of);
    let slot_names = slot_names(cx, class)?;
    if required {
        let expected = OBJECT.data().basicsize + 8 * slot_names.len();
        if class.data().basicsize > expected {
            return raise!(cx, TypeError, "cannot pickle '{}' object", class.tp_name());
        }
    }
    if slot_names.is_empty() {
        return Ok(state);
    }
    let slots = Dict::new(cx);
    for name in slot_names.iter() {
        let Some(name) = name.downcast::<Str>() else { continue };
        if let Some(value) = attr::get_optional(cx, v, name)? {
            slots.set_str(cx, name, value);
        }
    }
    if slots.is_empty() {
        return Ok(state);
    }
    Ok(Value::of(Tuple::new(cx, &[state, Value::of(slots)])))
}

/// Names of the `__slots__` variables of `class`, as `copyreg._slotnames` computes and caches them.
fn slot_names(cx: &mut Cx, class: &'static Type) -> PyResult<crate::heap::RootVec> {
    if !class.is_heap_type() {
        return Ok(crate::heap::RootVec::new());
    }
    let key = cx.names().__slotnames__;
    let names = match class.dict().get_str(key) {
        Some(names) => names,
        None => {
            let copyreg = import_module(cx, "copyreg")?;
            cx.call_method_text(copyreg, "_slotnames", &[Value::of(class)])?
        }
    };
    match names.downcast::<List>() {
        Some(list) => Ok(crate::heap::RootVec::from_slice(list.items())),
        None if names.is_none() => Ok(crate::heap::RootVec::new()),
        None => {
            let (class, got) = (class.name(), names.class().tp_name());
            raise!(cx, TypeError, "{class}.__slotnames__ should be a list or None, not {got}")
        }
    }
}
