//! partial and its Placeholder.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{object, sequence};
use taipan_runtime::shape::Attrs;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::dict as dict_type;
use taipan_runtime::types::function::BoundMethod;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::type_::full_name;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

/// A partial object.
#[repr(C)]
pub struct Partial {
    header: Header,
    function: Cell<Value>,
    args: Cell<&'static Tuple>,
    keywords: Cell<&'static Dict>,
    /// Placeholders among `args`.
    holes: Cell<usize>,
}
taipan_runtime::object!(Partial, PARTIAL);
trace_values!(trace_partial, Partial, |t| [t.function.get(), Value::of(t.args.get()), Value::of(t.keywords.get())]);

/// The type `functools.partial`.
pub static PARTIAL: Type = Type::new(&PARTIAL_SPEC);
static PARTIAL_SPEC: TypeSpec = TypeSpec {
    name: "functools.partial",
    basicsize: std::mem::size_of::<Partial>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    attrs: true,
    weakrefs: true,
    trace: Some(trace_partial),
    slots: Slots { new: Some(new), call: Some(call), repr: Some(repr), descr_get: Some(descr_get), ..Slots::NONE },
    methods: &[Partial::METHODS],
    getsets: &[Partial::GETSETS],
    doc: "Create a new function with partial application of the given arguments\nand keywords.",
    signature: "(func, /, *args, **keywords)",
    ..TypeSpec::DEFAULT
};

/// The type of `Placeholder`.
#[repr(C)]
pub struct Placeholder {
    header: Header,
}
taipan_runtime::object!(Placeholder, PLACEHOLDER_TYPE);
static PLACEHOLDER: Placeholder = Placeholder { header: Header::immortal(&PLACEHOLDER_TYPE) };

/// The type `functools._PlaceholderType`.
pub static PLACEHOLDER_TYPE: Type = Type::new(&PLACEHOLDER_SPEC);
static PLACEHOLDER_SPEC: TypeSpec = TypeSpec {
    name: "functools._PlaceholderType",
    basicsize: 16,
    slots: Slots {
        repr: Some(|cx, _| Ok(cx.str("Placeholder"))),
        new: Some(|cx, _, args| {
            if !args.values().is_empty() {
                return raise!(cx, TypeError, "PlaceholderType takes no arguments");
            }
            Ok(placeholder())
        }),
        ..Slots::NONE
    },
    methods: &[Placeholder::METHODS],
    doc: "The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.",
    ..TypeSpec::DEFAULT
};

/// `Placeholder`.
pub fn placeholder() -> Value {
    Value::of(&PLACEHOLDER)
}

#[pymethods]
impl Placeholder {
    /// Return the name by which it is pickled.
    #[py("($self, /)")]
    fn __reduce__(_cx: &mut Cx, _this: Value) -> &'static str {
        "Placeholder"
    }
}

fn of(v: Value) -> &'static Partial {
    // SAFETY: slots are called with partials.
    unsafe { v.cast() }
}

fn count_holes(args: &[Value]) -> usize {
    args.iter().filter(|v| **v == placeholder()).count()
}

/// `old` with its placeholders replaced by `new` arguments in order, the rest of which follow.
fn fill_holes(old: &[Value], new: &[Value], into: &mut RootVec) {
    let mut rest = new.iter().copied();
    for v in old {
        into.push(if *v == placeholder() { rest.next().unwrap_or(*v) } else { *v });
    }
    into.extend(rest);
}

/// True for partials without attributes of their own: a partial of one is flattened.
fn is_plain_partial(v: Value) -> bool {
    v.downcast::<Partial>().is_some() && Attrs::of(v).is_none_or(|a| a.dict().is_none() && a.shape().count == 0)
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let [function, given @ ..] = args.pos() else {
        return raise!(cx, TypeError, "type 'partial' takes at least one argument");
    };
    if function.class().slots().call.is_none() {
        return raise!(cx, TypeError, "the first argument must be callable");
    }
    if given.last() == Some(&placeholder()) {
        return raise!(cx, TypeError, "trailing Placeholders are not allowed");
    }
    if args.keywords().any(|(_, v)| v == placeholder()) {
        return raise!(cx, TypeError, "Placeholder cannot be passed as a keyword argument");
    }
    let mut all = RootVec::new();
    let mut function = *function;
    let keywords = if is_plain_partial(function) {
        let inner = of(function);
        fill_holes(inner.args.get().items(), given, &mut all);
        function = inner.function.get();
        inner.keywords.get().copy(cx)
    } else {
        all.extend_from_slice(given);
        Dict::new(cx)
    };
    for (name, value) in args.keywords() {
        keywords.set_str(cx, name, value);
    }
    let holes = Cell::new(count_holes(&all));
    let args = Cell::new(Tuple::new(cx, &all));
    let (function, keywords) = (Cell::new(function), Cell::new(keywords));
    Ok(Value::of(cx.alloc_of(class, Partial { header: Header::fresh(class), function, args, keywords, holes })))
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    let this = of(v);
    let (function, own, holes) = (this.function.get(), this.args.get().items(), this.holes.get());
    let given = args.pos();
    if given.len() < holes {
        let n = given.len();
        return raise!(
            cx,
            TypeError,
            "missing positional arguments in 'partial' call; expected at least {holes}, got {n}"
        );
    }
    let keywords = this.keywords.get();
    let total = own.len() + args.values().len();
    if holes == 0 && keywords.is_empty() && total <= 8 {
        let mut all = [function; 8];
        all[..own.len()].copy_from_slice(own);
        all[own.len()..total].copy_from_slice(args.values());
        return cx.call_args(function, Args::new(&all[..total], args.kwnames()));
    }
    let mut all = RootVec::new();
    fill_holes(own, given, &mut all);
    if keywords.is_empty() {
        all.extend_from_slice(&args.values()[given.len()..]);
        return cx.call_args(function, Args::new(&all, args.kwnames()));
    }
    // The partial's keywords first, overridden by the call's.
    let merged = keywords.copy(cx);
    for (name, value) in args.keywords() {
        merged.set_str(cx, name, value);
    }
    let mut names = RootVec::new();
    for (name, value) in merged.iter() {
        names.push(name);
        all.push(value);
    }
    if names.iter().any(|n| n.downcast::<Str>().is_none()) {
        return raise!(cx, TypeError, "keywords must be strings");
    }
    let names = Tuple::new(cx, &names);
    cx.call_args(function, Args::new(&all, Some(names)))
}

fn descr_get(cx: &mut Cx, v: Value, obj: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    match obj.filter(|o| !o.is_none()) {
        Some(obj) => Ok(Value::of(BoundMethod::new(cx, v, obj))),
        None => Ok(v),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = full_name(cx, v.class());
    if !object::enter_repr(cx, v) {
        return Ok(cx.str("..."));
    }
    let mut text = sequence::ReprText::default();
    text.push(&name);
    let result = repr_parts(cx, of(v), &mut text);
    object::leave_repr(cx);
    result?;
    text.finish(cx)
}

fn repr_parts(cx: &mut Cx, this: &Partial, text: &mut sequence::ReprText) -> PyResult<()> {
    // The state as it is now: a repr may replace it.
    let (function, args, keywords) = (this.function.get(), this.args.get(), this.keywords.get());
    text.push("(");
    text.push_repr(cx, function)?;
    for v in args.items() {
        text.push(", ");
        text.push_repr(cx, *v)?;
    }
    let mut position = 0;
    while let Some((key, value)) = keywords.next_item(&mut position) {
        text.push(", ");
        let key = object::str(cx, key)?;
        text.push_str(key);
        text.push("=");
        text.push_repr(cx, value)?;
    }
    text.push(")");
    Ok(())
}

#[pymethods]
impl Partial {
    /// function object to use in future partial calls
    #[getter]
    fn func(_cx: &mut Cx, this: &'static Partial) -> Value {
        this.function.get()
    }

    /// tuple of arguments to future partial calls
    #[getter]
    fn args(_cx: &mut Cx, this: &'static Partial) -> Value {
        Value::of(this.args.get())
    }

    /// dictionary of keyword arguments to future partial calls
    #[getter]
    fn keywords(_cx: &mut Cx, this: &'static Partial) -> Value {
        Value::of(this.keywords.get())
    }

    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Partial) -> Value {
        let v = Value::of(this);
        let function = this.function.get();
        let attrs = Attrs::of(v).filter(|a| a.dict().is_some_and(|d| !d.is_empty()) || a.shape().count > 0);
        let attributes = match attrs {
            Some(attrs) => Value::of(attrs.materialize(cx)),
            None => Value::none(),
        };
        let args = Value::of(Tuple::new(cx, &[function]));
        let (own, keywords) = (Value::of(this.args.get()), Value::of(this.keywords.get()));
        let state = Value::of(Tuple::new(cx, &[function, own, keywords, attributes]));
        Value::of(Tuple::new(cx, &[Value::of(v.class()), args, state]))
    }

    /// Set state information for unpickling.
    #[py("($self, state, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static Partial, state: Value) -> PyResult<()> {
        let parts = state.downcast::<Tuple>().map_or(&[][..], |t| t.items());
        let [function, args, keywords, attributes] = *parts else {
            return raise!(cx, TypeError, "invalid partial state");
        };
        let given = args;
        let (Some(args), true) = (args.downcast::<Tuple>(), function.class().slots().call.is_some()) else {
            return raise!(cx, TypeError, "invalid partial state");
        };
        let kw = if keywords.is_none() { Some(Dict::new(cx)) } else { keywords.downcast::<Dict>() };
        let Some(kw) = kw else { return raise!(cx, TypeError, "invalid partial state") };
        if args.items().last() == Some(&placeholder()) {
            return raise!(cx, TypeError, "trailing Placeholders are not allowed");
        }
        if !attributes.is_none() && attributes.downcast::<Dict>().is_none() {
            return raise!(cx, TypeError, "invalid partial state");
        }
        let args = given.exact::<Tuple>().unwrap_or_else(|| Tuple::new(cx, args.items()));
        let kw = if keywords.exact::<Dict>().is_some() || keywords.is_none() { kw } else { kw.copy(cx) };
        this.function.set(function);
        this.args.set(args);
        this.keywords.set(kw);
        this.holes.set(count_holes(args.items()));
        cx.barrier(this);
        if let Some(attrs) = Attrs::of(Value::of(this)) {
            let own = Dict::new(cx);
            if let Some(new) = attributes.downcast::<Dict>() {
                dict_type::merge(cx, own, Value::of(new))?;
            }
            attrs.set_dict(cx, own);
        }
        Ok(())
    }

    /// partial is generic over the wrapped function's return type
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        taipan_runtime::types::typing::new_generic_alias(cx, class, item)
    }
}
