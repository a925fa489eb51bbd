//! Native functions: how Rust code is called from Python, argument binding and conversion.
//!
//! Declarations are made by `#[pymethods]` (crate `taipan-macros`); this file holds what the generated code uses.
//! Error texts of binding follow CPython's `Python/getargs.c` and `Objects/call.c` conventions.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::object::Object;
use crate::protocol::buffer::Held;
use crate::protocol::number;
use crate::typeobj::Type;
use crate::types::descr::MethodDescr;
use crate::types::descr_methods;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};

/// Arguments of a call: positional values, then the values of the keywords named by `kwnames`.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    values: &'a [Value],
    kwnames: Option<&'static Tuple>,
}

impl<'a> Args<'a> {
    /// Positional arguments only.
    #[inline(always)]
    pub fn positional(values: &'a [Value]) -> Args<'a> {
        Args { values, kwnames: None }
    }

    /// Positional and keyword arguments; the last values belong to `kwnames`.
    #[inline(always)]
    pub fn new(values: &'a [Value], kwnames: Option<&'static Tuple>) -> Args<'a> {
        Args { values, kwnames: kwnames.filter(|k| !k.is_empty()) }
    }

    /// All values.
    #[inline(always)]
    pub fn values(self) -> &'a [Value] {
        self.values
    }

    /// Names of the keyword arguments.
    #[inline(always)]
    pub fn kwnames(self) -> Option<&'static Tuple> {
        self.kwnames
    }

    /// Number of keyword arguments.
    pub fn kw_len(self) -> usize {
        self.kwnames.map_or(0, |k| k.len())
    }

    /// Positional values.
    #[inline(always)]
    pub fn pos(self) -> &'a [Value] {
        match self.kwnames {
            None => self.values,
            Some(k) => &self.values[..self.values.len() - k.len()],
        }
    }

    /// Keyword arguments with their names.
    pub fn keywords(self) -> impl Iterator<Item = (&'static Str, Value)> + 'a {
        let values = &self.values[self.pos().len()..];
        let names = self.kwnames.map_or(&[][..], |k| k.items());
        // SAFETY: call sites only put strs into kwnames.
        names.iter().zip(values).map(|(n, v)| (unsafe { n.cast::<Str>() }, *v))
    }

    /// The arguments without the first.
    #[inline(always)]
    pub fn rest(self) -> Args<'a> {
        Args { values: &self.values[1..], kwnames: self.kwnames }
    }

    /// TypeError if there are keyword arguments.
    pub fn no_keywords(self, cx: &mut Cx, function: &str) -> PyResult<()> {
        if self.kwnames.is_some() {
            return raise!(cx, TypeError, "{function}() takes no keyword arguments");
        }
        Ok(())
    }
}

/// Entry point of a native function. For methods the first value is the receiver, whose type was checked.
pub type NativeFn = fn(&mut Cx, Args) -> PyResult<Value>;

/// What a native definition is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NativeKind {
    /// A module's function.
    Function,
    /// A method of a type.
    Method,
    /// A class method.
    Class,
    /// A static method.
    Static,
    /// `__new__` of a type: receives the type it belongs to, then the class to be instantiated.
    New,
}

/// A native function's declaration.
#[derive(Debug)]
pub struct NativeDef {
    /// `__name__`.
    pub name: &'static str,
    /// `__text_signature__`.
    pub signature: &'static str,
    /// `__doc__`.
    pub doc: &'static str,
    /// What it binds to.
    pub kind: NativeKind,
    /// The code.
    pub call: NativeFn,
}

/// Reads a native attribute.
pub type GetFn = fn(&mut Cx, Value) -> PyResult<Value>;
/// Writes (or with None deletes) a native attribute.
pub type SetFn = fn(&mut Cx, Value, Option<Value>) -> PyResult<()>;

/// A native attribute's declaration.
#[derive(Debug)]
pub struct GetSetDef {
    /// Its name.
    pub name: &'static str,
    /// `__doc__`.
    pub doc: &'static str,
    /// Reader.
    pub get: Option<GetFn>,
    /// Writer.
    pub set: Option<SetFn>,
}

/// Parameters of a native function, from its signature.
#[derive(Debug)]
pub struct ParamSpec {
    /// Function name, for messages.
    pub name: &'static str,
    /// All named parameters: positional ones first, then keyword-only ones.
    pub names: &'static [&'static str],
    /// How many are positional-only.
    pub positional_only: usize,
    /// How many can be given by position.
    pub positional: usize,
    /// How many of those are required.
    pub required: usize,
    /// For each keyword-only parameter whether it is required.
    pub keyword_required: &'static [bool],
    /// Takes `*args`, in the slot after the named ones.
    pub varargs: bool,
    /// Takes `**kwargs`, in the last slot.
    pub varkw: bool,
}

/// Puts arguments into the slots of `spec`. Raises TypeError with CPython's texts. May collect with `*args`.
#[inline]
pub fn bind(cx: &mut Cx, spec: &'static ParamSpec, args: Args, bound: &mut [Option<Value>]) -> PyResult<()> {
    let given = args.values.len();
    if args.kwnames.is_none()
        && given >= spec.required
        && given <= spec.positional
        && !spec.varargs
        && !spec.varkw
        && spec.keyword_required.is_empty()
    {
        for (slot, value) in bound.iter_mut().zip(args.values) {
            *slot = Some(*value);
        }
        return Ok(());
    }
    bind_slow(cx, spec, None, args, bound)
}

/// As [`bind`], for a method: messages name the type that the method belongs to, found from the receiver.
#[inline]
pub fn bind_method(
    cx: &mut Cx,
    spec: &'static ParamSpec,
    receiver: Value,
    args: Args,
    bound: &mut [Option<Value>],
) -> PyResult<()> {
    let given = args.values.len();
    if args.kwnames.is_none()
        && given >= spec.required
        && given <= spec.positional
        && !spec.varargs
        && !spec.varkw
        && spec.keyword_required.is_empty()
    {
        for (slot, value) in bound.iter_mut().zip(args.values) {
            *slot = Some(*value);
        }
        return Ok(());
    }
    bind_slow(cx, spec, Some(receiver), args, bound)
}

#[inline(never)]
fn bind_slow(
    cx: &mut Cx,
    spec: &'static ParamSpec,
    receiver: Option<Value>,
    args: Args,
    bound: &mut [Option<Value>],
) -> PyResult<()> {
    let given = args.pos();
    if given.len() > spec.positional && !spec.varargs {
        return Err(count_error(cx, spec, receiver, args));
    }
    let taken = given.len().min(spec.positional);
    for i in 0..taken {
        bound[i] = Some(given[i]);
    }
    if spec.varargs {
        bound[spec.names.len()] = Some(Value::of(Tuple::new(cx, &given[taken..])));
    }
    if spec.varkw {
        let kwargs = Dict::new(cx);
        bind_keywords(cx, spec, receiver, args, bound, Some(kwargs))?;
        bound[spec.names.len() + usize::from(spec.varargs)] = Some(Value::of(kwargs));
    } else if args.kwnames.is_some() {
        bind_keywords(cx, spec, receiver, args, bound, None)?;
    }
    for i in 0..spec.names.len() {
        let required = if i < spec.positional { i < spec.required } else { spec.keyword_required[i - spec.positional] };
        if required && bound[i].is_none() {
            return Err(missing_error(cx, spec, receiver, args, i));
        }
    }
    Ok(())
}

fn bind_keywords(
    cx: &mut Cx,
    spec: &'static ParamSpec,
    receiver: Option<Value>,
    args: Args,
    bound: &mut [Option<Value>],
    extra: Option<&'static Dict>,
) -> PyResult<()> {
    if spec.positional_only == spec.names.len() && extra.is_none() {
        let name = qualified(cx, spec, receiver);
        return raise!(cx, TypeError, "{name}() takes no keyword arguments");
    }
    for (name, value) in args.keywords() {
        let index = spec.names.iter().position(|n| name.eq_rust(n)).filter(|i| *i >= spec.positional_only);
        match index {
            Some(i) if bound[i].is_some() => {
                let (f, p) = (spec.name, spec.names[i]);
                let i = i + 1;
                return raise!(cx, TypeError, "argument for {f}() given by name ('{p}') and position ({i})");
            }
            Some(i) => bound[i] = Some(value),
            None => match extra {
                Some(dict) => dict.set_str(cx, name, value),
                None => {
                    if equals_a_name(cx, name, &spec.names[spec.positional_only..])? {
                        return raise!(cx, TypeError, "invalid keyword argument for {}()", spec.name);
                    }
                    let (f, key) = (spec.name, name.to_string_lossy());
                    let (known, given) = (spec.names.len() - spec.positional, args.keywords().count());
                    if spec.varargs && given > known && f != "print" {
                        let s = plural(known);
                        let text = format!("{f}() takes at most {known} keyword argument{s} ({given} given)");
                        return Err(cx.raise_text(&crate::exceptions::TypeError, &text));
                    }
                    if let Some(hint) = cx.suggest(&key, &spec.names[spec.positional_only..]) {
                        return raise!(
                            cx,
                            TypeError,
                            "{f}() got an unexpected keyword argument '{key}'. Did you mean '{hint}'?"
                        );
                    }
                    return raise!(cx, TypeError, "{f}() got an unexpected keyword argument '{key}'");
                }
            },
        }
    }
    Ok(())
}

/// Whether a keyword that is no parameter's name claims to be equal to one: only strs of other classes can.
#[cold]
pub fn equals_a_name(cx: &mut Cx, name: &'static Str, names: &[&str]) -> PyResult<bool> {
    if std::ptr::eq(name.class(), Str::type_object()) {
        return Ok(false);
    }
    for known in names {
        let known = Value::of(cx.intern(known));
        if crate::protocol::compare::equal(cx, Value::of(name), known)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `Type.name` for a method, found from its receiver; the plain name for functions.
#[cold]
fn qualified(cx: &mut Cx, spec: &ParamSpec, receiver: Option<Value>) -> String {
    let Some(receiver) = receiver else {
        // A function of a module, which the instruction that calls it tells.
        let function = crate::liveness::called_native(cx).filter(|f| f.def.name == spec.name);
        let module = function.and_then(|f| f.module.get()).and_then(|m| m.downcast::<crate::types::str::Str>());
        return match module.filter(|m| !m.eq_rust("builtins")) {
            Some(module) => format!("{module}.{}", spec.name),
            None => spec.name.to_string(),
        };
    };
    let name = cx.intern(spec.name);
    for class in [receiver.downcast::<Type>(), Some(receiver.class())].into_iter().flatten() {
        if let Some(found) = cx.type_lookup(class, name).filter(|f| {
            let kind = f.class();
            std::ptr::eq(kind, &descr_methods::METHOD_DESCR) || std::ptr::eq(kind, &descr_methods::CLASS_METHOD_DESCR)
        }) {
            // SAFETY: both types have this layout.
            let owner = unsafe { found.cast::<MethodDescr>() }.owner.name();
            return format!("{owner}.{}", spec.name);
        }
    }
    spec.name.to_string()
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cold]
fn count_error(cx: &mut Cx, spec: &ParamSpec, receiver: Option<Value>, args: Args) -> crate::Raised {
    let (name, given) = (spec.name, args.pos().len());
    let (low, high) = (spec.required, spec.positional);
    let full = qualified(cx, spec, receiver);
    let only_positional = spec.positional_only == spec.names.len();
    let text = if only_positional && args.kwnames.is_some() {
        format!("{full}() takes no keyword arguments")
    } else if high == 0 && spec.names.is_empty() {
        format!("{full}() takes no arguments ({given} given)")
    } else if only_positional && low == 1 && high == 1 {
        format!("{full}() takes exactly one argument ({given} given)")
    } else if only_positional {
        let word = if low == high { "" } else { "at most " };
        format!("{name} expected {word}{high} argument{}, got {given}", plural(high))
    } else if high == 0 {
        format!("{name}() takes no positional arguments")
    } else {
        let total = args.values.len();
        if spec.names.len() == spec.positional {
            let word = if low == high { "exactly" } else { "at most" };
            format!("{name}() takes {word} {high} argument{} ({total} given)", plural(high))
        } else {
            let word = if low == high { "exactly" } else { "at most" };
            format!("{name}() takes {word} {high} positional argument{} ({given} given)", plural(high))
        }
    };
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

#[cold]
fn missing_error(cx: &mut Cx, spec: &ParamSpec, receiver: Option<Value>, args: Args, i: usize) -> crate::Raised {
    let full = qualified(cx, spec, receiver);
    let (name, given, low, high) = (spec.name, args.pos().len(), spec.required, spec.positional);
    let only_positional = spec.positional_only == spec.names.len();
    let text = if only_positional && low == 1 && high == 1 {
        format!("{full}() takes exactly one argument ({given} given)")
    } else if i < spec.positional_only && !only_positional {
        let n = spec.positional_only.min(low);
        let word = if n < high { "at least" } else { "exactly" };
        format!("{name}() takes {word} {n} positional argument{} ({given} given)", plural(n))
    } else if i < spec.positional_only {
        let word = if low == high { "" } else { "at least " };
        format!("{name} expected {word}{low} argument{}, got {given}", plural(low))
    } else if i < high {
        format!("{name}() missing required argument '{}' (pos {})", spec.names[i], i + 1)
    } else {
        format!("{name}() missing required keyword-only argument: '{}'", spec.names[i])
    };
    cx.raise_text(&crate::exceptions::TypeError, &text)
}

/// Converts a receiver, whose type was checked by the caller.
pub trait FromSelf: Sized {
    /// The converted receiver.
    fn from_self(value: Value) -> Self;
}

impl FromSelf for Value {
    #[inline(always)]
    fn from_self(value: Value) -> Value {
        value
    }
}

impl<T: Object> FromSelf for &'static T {
    #[inline(always)]
    fn from_self(value: Value) -> &'static T {
        // SAFETY: descriptors check the receiver's type before they call a method (see types/descr.rs).
        unsafe { value.cast() }
    }
}

/// Converts an argument.
pub trait FromArg: Sized {
    /// The converted argument `index` of `spec`; TypeError in CPython's words.
    fn from_arg(cx: &mut Cx, value: Option<Value>, spec: &'static ParamSpec, index: usize) -> PyResult<Self>;
}

/// "f() argument 'name'" or "f() argument 2" as argument clinic words it.
fn argument_label(spec: &ParamSpec, index: usize) -> String {
    match spec.names.get(index) {
        Some(name) if index >= spec.positional_only => format!("{}() argument '{name}'", spec.name),
        _ if spec.positional == 1 && spec.names.len() == 1 => format!("{}() argument", spec.name),
        _ => format!("{}() argument {}", spec.name, index + 1),
    }
}

/// TypeError "f() argument 1 must be str, not int".
#[cold]
pub fn argument_type_error(cx: &mut Cx, spec: &ParamSpec, index: usize, expected: &str, got: Value) -> crate::Raised {
    let label = argument_label(spec, index);
    let got = if got.is_none() { "None".to_string() } else { got.class().tp_name() };
    cx.raise_text(&crate::exceptions::TypeError, &format!("{label} must be {expected}, not {got}"))
}

impl FromArg for Value {
    #[inline(always)]
    fn from_arg(_: &mut Cx, value: Option<Value>, _: &'static ParamSpec, _: usize) -> PyResult<Value> {
        Ok(value.expect("bind checked that it is there"))
    }
}

impl<T: FromArg> FromArg for Option<T> {
    #[inline(always)]
    fn from_arg(cx: &mut Cx, value: Option<Value>, spec: &'static ParamSpec, index: usize) -> PyResult<Option<T>> {
        match value {
            None => Ok(None),
            some => T::from_arg(cx, some, spec, index).map(Some),
        }
    }
}

impl<T: Object> FromArg for &'static T {
    #[inline]
    fn from_arg(cx: &mut Cx, value: Option<Value>, spec: &'static ParamSpec, index: usize) -> PyResult<&'static T> {
        let value = value.expect("bind checked that it is there");
        match value.downcast::<T>() {
            Some(object) => Ok(object),
            None => {
                let expected = T::class().tp_name();
                Err(argument_type_error(cx, spec, index, &expected, value))
            }
        }
    }
}

macro_rules! from_int {
    ($($t:ty => $f:ident),*) => { $(
        impl FromArg for $t {
            #[inline]
            fn from_arg(cx: &mut Cx, value: Option<Value>, _: &'static ParamSpec, _: usize) -> PyResult<$t> {
                let value = value.expect("bind checked that it is there");
                number::$f(cx, value)
            }
        }
    )* };
}
from_int!(i64 => to_i64, isize => to_isize, i32 => to_i32);

impl FromArg for bool {
    #[inline]
    fn from_arg(cx: &mut Cx, value: Option<Value>, _: &'static ParamSpec, _: usize) -> PyResult<bool> {
        crate::protocol::object::truth(cx, value.expect("bind checked that it is there"))
    }
}

impl FromArg for f64 {
    #[inline]
    fn from_arg(cx: &mut Cx, value: Option<Value>, _: &'static ParamSpec, _: usize) -> PyResult<f64> {
        number::to_f64(cx, value.expect("bind checked that it is there"))
    }
}

/// A bytes-like argument, exported until the parameter is dropped.
impl FromArg for Held {
    #[inline]
    fn from_arg(cx: &mut Cx, value: Option<Value>, _: &'static ParamSpec, _: usize) -> PyResult<Held> {
        crate::protocol::buffer::hold(cx, value.expect("bind checked that it is there"), 0)
    }
}

/// A str of one character.
impl FromArg for char {
    fn from_arg(cx: &mut Cx, value: Option<Value>, spec: &'static ParamSpec, index: usize) -> PyResult<char> {
        let value = value.expect("bind checked that it is there");
        let Some(s) = value.downcast::<Str>() else {
            return Err(argument_type_error(cx, spec, index, "a unicode character", value));
        };
        let n = s.len();
        if n != 1 {
            let label = argument_label(spec, index);
            return raise!(cx, TypeError, "{label} must be a unicode character, not a string of length {n}");
        }
        Ok(char::from_u32(s.at(0)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// Turns a Rust result into a value. May collect.
pub trait IntoPy {
    /// The value.
    fn into_py(self, cx: &mut Cx) -> Value;
}

impl IntoPy for Value {
    #[inline(always)]
    fn into_py(self, _: &mut Cx) -> Value {
        self
    }
}
impl IntoPy for () {
    #[inline(always)]
    fn into_py(self, _: &mut Cx) -> Value {
        Value::none()
    }
}
impl IntoPy for bool {
    #[inline(always)]
    fn into_py(self, _: &mut Cx) -> Value {
        Value::bool(self)
    }
}
impl IntoPy for i64 {
    #[inline(always)]
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.int(self)
    }
}
impl IntoPy for i32 {
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.int(self as i64)
    }
}
impl IntoPy for u64 {
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.int_u64(self)
    }
}
impl IntoPy for usize {
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.int_u64(self as u64)
    }
}
impl IntoPy for f64 {
    #[inline(always)]
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.float(self)
    }
}
impl IntoPy for &str {
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.str(self)
    }
}
impl IntoPy for String {
    fn into_py(self, cx: &mut Cx) -> Value {
        cx.str(&self)
    }
}
impl<T: Object> IntoPy for &'static T {
    #[inline(always)]
    fn into_py(self, _: &mut Cx) -> Value {
        Value::of(self)
    }
}
impl<T: IntoPy> IntoPy for Option<T> {
    fn into_py(self, cx: &mut Cx) -> Value {
        match self {
            Some(value) => value.into_py(cx),
            None => Value::none(),
        }
    }
}

/// Turns a native function's return value into a call's result.
pub trait IntoResult {
    /// The result.
    fn into_result(self, cx: &mut Cx) -> PyResult<Value>;
}

impl<T: IntoPy> IntoResult for PyResult<T> {
    #[inline(always)]
    fn into_result(self, cx: &mut Cx) -> PyResult<Value> {
        self.map(|v| v.into_py(cx))
    }
}
impl<T: IntoPy> IntoResult for T {
    #[inline(always)]
    fn into_result(self, cx: &mut Cx) -> PyResult<Value> {
        Ok(self.into_py(cx))
    }
}
