//! itemgetter, attrgetter, methodcaller.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, call, object, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_::full_name;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::support::exact_args;

/// The object that a getter is called with.
fn receiver(cx: &mut Cx, name: &str, args: Args) -> PyResult<Value> {
    if let ([v], None) = (args.values(), args.kwnames()) {
        return Ok(*v);
    }
    exact_args::<1>(cx, name, args, false).map(|[v]| v)
}

/// `module.name(a, b, key=c)`.
fn repr_call(cx: &mut Cx, v: Value, args: &[Value], keywords: Option<&'static Dict>) -> PyResult<Value> {
    let name = full_name(cx, v.class());
    if !object::enter_repr(cx, v) {
        return Ok(cx.str(&format!("{name}(...)")));
    }
    let mut text = sequence::ReprText::default();
    text.push(&name);
    text.push("(");
    let result = repr_args(cx, args, keywords, &mut text);
    object::leave_repr(cx);
    result?;
    text.push(")");
    text.finish(cx)
}

fn repr_args(
    cx: &mut Cx,
    args: &[Value],
    keywords: Option<&'static Dict>,
    text: &mut sequence::ReprText,
) -> PyResult<()> {
    for (i, v) in args.iter().enumerate() {
        if i > 0 {
            text.push(", ");
        }
        text.push_repr(cx, *v)?;
    }
    let mut position = 0;
    while let Some((key, value)) = keywords.and_then(|k| k.next_item(&mut position)) {
        text.push(", ");
        let key = object::str(cx, key)?;
        text.push_str(key);
        text.push("=");
        text.push_repr(cx, value)?;
    }
    Ok(())
}

/// Results of `get` for each part: one as it is, several as a tuple.
fn each(cx: &mut Cx, parts: &'static Tuple, get: impl Fn(&mut Cx, Value) -> PyResult<Value>) -> PyResult<Value> {
    match *parts.items() {
        [one] => get(cx, one),
        [a, b] => {
            let a = get(cx, a)?;
            let b = get(cx, b)?;
            Ok(Value::of(Tuple::new(cx, &[a, b])))
        }
        _ => {
            let results = List::with_capacity(cx, parts.len());
            for part in parts.items() {
                let r = get(cx, *part)?;
                results.push(cx, r);
            }
            Ok(Value::of(Tuple::new(cx, results.items())))
        }
    }
}

/// `(type, args)`.
fn reduce(cx: &mut Cx, this: Value, args: &'static Tuple) -> Value {
    Value::of(Tuple::new(cx, &[Value::of(this.class()), Value::of(args)]))
}

// ---- itemgetter ----------------------------------------------------------------------------------

/// An itemgetter.
#[repr(C)]
pub struct ItemGetter {
    header: Header,
    /// The keys.
    pub items: &'static Tuple,
}
taipan_runtime::object!(ItemGetter, ITEMGETTER);
trace_values!(trace_itemgetter, ItemGetter, |t| [Value::of(t.items)]);

/// The type `operator.itemgetter`.
pub static ITEMGETTER: Type = Type::new(&ITEMGETTER_SPEC);
static ITEMGETTER_SPEC: TypeSpec = TypeSpec {
    name: "operator.itemgetter",
    basicsize: std::mem::size_of::<ItemGetter>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_itemgetter),
    slots: Slots {
        new: Some(new_itemgetter),
        call: Some(call_itemgetter),
        repr: Some(|cx, v| {
            // SAFETY: the slot of itemgetters.
            let this = unsafe { v.cast::<ItemGetter>() };
            repr_call(cx, v, this.items.items(), None)
        }),
        ..Slots::NONE
    },
    methods: &[ItemGetter::METHODS],
    getsets: &[ItemGetter::GETSETS],
    doc: "Return a callable object that fetches the given item(s) from its operand.\nAfter f = itemgetter(2), the call f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])",
    signature: "(item, /, *items)",
    ..TypeSpec::DEFAULT
};

fn new_itemgetter(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "itemgetter")?;
    if args.pos().is_empty() {
        return raise!(cx, TypeError, "itemgetter expected 1 argument, got 0");
    }
    let items = Tuple::new(cx, args.pos());
    Ok(Value::of(cx.alloc_of(class, ItemGetter { header: Header::fresh(class), items })))
}

#[inline]
fn item_of(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    if let Some(i) = key.as_small().filter(|i| *i >= 0) {
        let found = if let Some(tuple) = v.exact::<Tuple>() {
            tuple.items().get(i as usize).copied()
        } else {
            v.exact::<List>().and_then(|l| l.get(i as usize))
        };
        if let Some(found) = found {
            return Ok(found);
        }
    }
    object::get_item(cx, v, key)
}

fn call_itemgetter(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of itemgetters.
    let this = unsafe { v.cast::<ItemGetter>() };
    let obj = receiver(cx, "itemgetter", args)?;
    each(cx, this.items, |cx, key| item_of(cx, obj, key))
}

#[pymethods]
impl ItemGetter {
    #[getter]
    fn __text_signature__(cx: &mut Cx, _this: &'static ItemGetter) -> Value {
        cx.str("(obj, /)")
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ItemGetter) -> Value {
        reduce(cx, Value::of(this), this.items)
    }
}

// ---- attrgetter ----------------------------------------------------------------------------------

/// An attrgetter.
#[repr(C)]
pub struct AttrGetter {
    header: Header,
    /// The names as given.
    names: &'static Tuple,
    /// For each the name (interned), or a tuple of the dotted parts.
    paths: &'static Tuple,
}
taipan_runtime::object!(AttrGetter, ATTRGETTER);
trace_values!(trace_attrgetter, AttrGetter, |t| [Value::of(t.names), Value::of(t.paths)]);

/// The type `operator.attrgetter`.
pub static ATTRGETTER: Type = Type::new(&ATTRGETTER_SPEC);
static ATTRGETTER_SPEC: TypeSpec = TypeSpec {
    name: "operator.attrgetter",
    basicsize: std::mem::size_of::<AttrGetter>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_attrgetter),
    slots: Slots {
        new: Some(new_attrgetter),
        call: Some(call_attrgetter),
        repr: Some(|cx, v| {
            // SAFETY: the slot of attrgetters.
            let this = unsafe { v.cast::<AttrGetter>() };
            repr_call(cx, v, this.names.items(), None)
        }),
        ..Slots::NONE
    },
    methods: &[AttrGetter::METHODS],
    getsets: &[AttrGetter::GETSETS],
    doc: "Return a callable object that fetches the given attribute(s) from its operand.\nAfter f = attrgetter('name'), the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\nAfter h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).",
    signature: "(attr, /, *attrs)",
    ..TypeSpec::DEFAULT
};

fn new_attrgetter(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "attrgetter")?;
    if args.pos().is_empty() {
        return raise!(cx, TypeError, "attrgetter expected 1 argument, got 0");
    }
    let names = Tuple::new(cx, args.pos());
    let paths = List::with_capacity(cx, names.len());
    for name in names.items() {
        let Some(name) = name.downcast::<Str>() else {
            return raise!(cx, TypeError, "attribute name must be a string");
        };
        let text = name.to_code_points();
        let path = if text.contains(&(u32::from('.'))) {
            let parts = List::new(cx);
            for part in text.split(|c| *c == u32::from('.')) {
                let part = Str::from_code_points(cx, part);
                let part = cx.intern_value(part);
                parts.push(cx, Value::of(part));
            }
            Value::of(Tuple::new(cx, parts.items()))
        } else {
            Value::of(cx.intern_value(name))
        };
        paths.push(cx, path);
    }
    let paths = Tuple::new(cx, paths.items());
    Ok(Value::of(cx.alloc_of(class, AttrGetter { header: Header::fresh(class), names, paths })))
}

fn attr_of(cx: &mut Cx, v: Value, path: Value) -> PyResult<Value> {
    if let Some(name) = path.exact::<Str>() {
        return attr::get(cx, v, name);
    }
    let mut at = v;
    for part in path.exact::<Tuple>().map_or(&[][..], |t| t.items()) {
        if let Some(name) = part.exact::<Str>() {
            at = attr::get(cx, at, name)?;
        }
    }
    Ok(at)
}

fn call_attrgetter(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of attrgetters.
    let this = unsafe { v.cast::<AttrGetter>() };
    let obj = receiver(cx, "attrgetter", args)?;
    each(cx, this.paths, |cx, path| attr_of(cx, obj, path))
}

#[pymethods]
impl AttrGetter {
    #[getter]
    fn __text_signature__(cx: &mut Cx, _this: &'static AttrGetter) -> Value {
        cx.str("(obj, /)")
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static AttrGetter) -> Value {
        reduce(cx, Value::of(this), this.names)
    }
}

// ---- methodcaller --------------------------------------------------------------------------------

/// A methodcaller.
#[repr(C)]
pub struct MethodCaller {
    header: Header,
    name: &'static Str,
    args: &'static Tuple,
    keywords: &'static Dict,
}
taipan_runtime::object!(MethodCaller, METHODCALLER);
trace_values!(trace_methodcaller, MethodCaller, |t| [Value::of(t.name), Value::of(t.args), Value::of(t.keywords)]);

/// The type `operator.methodcaller`.
pub static METHODCALLER: Type = Type::new(&METHODCALLER_SPEC);
static METHODCALLER_SPEC: TypeSpec = TypeSpec {
    name: "operator.methodcaller",
    basicsize: std::mem::size_of::<MethodCaller>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_methodcaller),
    slots: Slots {
        new: Some(new_methodcaller),
        call: Some(call_methodcaller),
        repr: Some(|cx, v| {
            // SAFETY: the slot of methodcallers.
            let this = unsafe { v.cast::<MethodCaller>() };
            let mut all = RootVec::new();
            all.push(Value::of(this.name));
            all.extend_from_slice(this.args.items());
            repr_call(cx, v, &all, Some(this.keywords))
        }),
        ..Slots::NONE
    },
    methods: &[MethodCaller::METHODS],
    getsets: &[MethodCaller::GETSETS],
    doc: "Return a callable object that calls the given method on its operand.\nAfter f = methodcaller('name'), the call f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', foo=1).",
    signature: "(name, /, *args, **kwargs)",
    ..TypeSpec::DEFAULT
};

fn new_methodcaller(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let [name, given @ ..] = args.pos() else {
        return raise!(cx, TypeError, "methodcaller needs at least one argument, the method name");
    };
    let Some(name) = name.downcast::<Str>() else {
        return raise!(cx, TypeError, "method name must be a string");
    };
    let name = cx.intern_value(name);
    let own = Tuple::new(cx, given);
    let keywords = Dict::new(cx);
    for (key, value) in args.keywords() {
        keywords.set_str(cx, key, value);
    }
    let caller = MethodCaller { header: Header::fresh(class), name, args: own, keywords };
    Ok(Value::of(cx.alloc_of(class, caller)))
}

fn call_methodcaller(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of methodcallers.
    let this = unsafe { v.cast::<MethodCaller>() };
    let obj = receiver(cx, "methodcaller", args)?;
    if this.keywords.is_empty() {
        return cx.call_method(obj, this.name, this.args.items());
    }
    let mut all = RootVec::from_slice(this.args.items());
    let mut names = RootVec::new();
    for (name, value) in this.keywords.iter() {
        names.push(name);
        all.push(value);
    }
    let names = Tuple::new(cx, &names);
    let args = Args::new(&all, Some(names));
    let (f, bound) = attr::get_method(cx, obj, this.name)?;
    if bound { call::call_unbound_args(cx, f, obj, args) } else { cx.call_args(f, args) }
}

#[pymethods]
impl MethodCaller {
    #[getter]
    fn __text_signature__(cx: &mut Cx, _this: &'static MethodCaller) -> Value {
        cx.str("(obj, /)")
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static MethodCaller) -> PyResult<Value> {
        let class = Value::of(&METHODCALLER);
        if this.keywords.is_empty() {
            let mut all = RootVec::new();
            all.push(Value::of(this.name));
            all.extend_from_slice(this.args.items());
            let args = Value::of(Tuple::new(cx, &all));
            return Ok(Value::of(Tuple::new(cx, &[class, args])));
        }
        let mut all = RootVec::new();
        all.push(class);
        all.push(Value::of(this.name));
        let mut names = RootVec::new();
        for (name, value) in this.keywords.iter() {
            names.push(name);
            all.push(value);
        }
        let names = Tuple::new(cx, &names);
        let maker = Value::of(&crate::functools::partial::PARTIAL);
        let maker = cx.call_args(maker, Args::new(&all, Some(names)))?;
        Ok(Value::of(Tuple::new(cx, &[maker, Value::of(this.args)])))
    }
}
