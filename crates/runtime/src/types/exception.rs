//! BaseException's attributes and methods, and the small exception classes with fields of their own.
//!
//! The larger ones have their own files: `exception_os.rs`, `exception_syntax.rs`, `exception_unicode.rs` and
//! `exception_group.rs`. A field is an extra word of the instance (see [`Exception::extra`]); the numbers are those
//! of CPython's structs, so other code may set fields by number.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::exceptions::{self, Exception};
use crate::native::{Args, GetSetDef, NativeDef};
use crate::protocol::object as obj;
use crate::shape::Attrs;
use crate::slots::Slots;
use crate::typeobj::Type;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

pub use crate::types::exception_group::Group;
pub use crate::types::exception_os::OsErrorMethods;
pub use crate::types::exception_syntax::SyntaxErrorMethods;
pub use crate::types::exception_unicode::{
    UnicodeDecodeErrorMethods, UnicodeEncodeErrorMethods, UnicodeTranslateErrorMethods,
};

/// The exception object behind the receiver of a slot or getter of an exception class.
pub(crate) fn of(v: Value) -> &'static Exception {
    // SAFETY: slots and getters are called with instances of their class only.
    unsafe { v.cast() }
}

/// An attribute that is extra word `$i`: any object, None while unset, deletable.
macro_rules! member {
    ($name:literal $i:literal $doc:literal) => {
        crate::native::GetSetDef {
            name: $name,
            doc: $doc,
            get: Some(|_, v| Ok(crate::types::exception::of(v).extra($i).unwrap_or(Value::none()))),
            set: Some(|cx, v, value| {
                crate::types::exception::of(v).set_extra(cx, $i, value);
                Ok(())
            }),
        }
    };
}
pub(crate) use member;

/// Attributes and methods of BaseException.
pub struct Base;

#[pymethods]
impl Base {
    #[getter]
    pub(crate) fn args(cx: &mut Cx, this: &'static Exception) -> Value {
        match this.args.get() {
            Some(args) => Value::of(args),
            None => Value::of(Tuple::new(cx, &[])),
        }
    }
    #[setter("args")]
    fn set_args(cx: &mut Cx, this: &'static Exception, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "args may not be deleted") };
        let args = to_tuple(cx, value)?;
        this.args.set(Some(args));
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __traceback__(_cx: &mut Cx, this: &'static Exception) -> Option<Value> {
        this.traceback.get()
    }
    #[setter("__traceback__")]
    fn set_traceback(cx: &mut Cx, this: &'static Exception, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "__traceback__ may not be deleted") };
        if !value.is_none() && value.exact::<Traceback>().is_none() {
            return raise!(cx, TypeError, "__traceback__ must be a traceback or None");
        }
        this.traceback.set(Some(value).filter(|v| !v.is_none()));
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __context__(_cx: &mut Cx, this: &'static Exception) -> Option<Value> {
        this.context.get()
    }
    #[setter("__context__")]
    fn set_context(cx: &mut Cx, this: &'static Exception, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "__context__ may not be deleted") };
        if !value.is_none() && value.downcast::<Exception>().is_none() {
            return raise!(cx, TypeError, "exception context must be None or derive from BaseException");
        }
        this.context.set(Some(value).filter(|v| !v.is_none()));
        cx.barrier(this);
        Ok(())
    }

    #[getter]
    fn __cause__(_cx: &mut Cx, this: &'static Exception) -> Option<Value> {
        this.cause.get()
    }
    #[setter("__cause__")]
    fn set_cause(cx: &mut Cx, this: &'static Exception, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "__cause__ may not be deleted") };
        if !value.is_none() && value.downcast::<Exception>().is_none() {
            return raise!(cx, TypeError, "exception cause must be None or derive from BaseException");
        }
        exceptions::set_cause(cx, this, Some(value).filter(|v| !v.is_none()));
        Ok(())
    }

    #[getter]
    fn __suppress_context__(_cx: &mut Cx, this: &'static Exception) -> bool {
        this.suppress_context.get()
    }
    #[setter("__suppress_context__")]
    fn set_suppress_context(cx: &mut Cx, this: &'static Exception, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "can't delete numeric/char attribute") };
        if value != Value::bool(true) && value != Value::bool(false) {
            return raise!(cx, TypeError, "attribute value type must be bool");
        }
        this.suppress_context.set(value == Value::bool(true));
        Ok(())
    }

    #[getter]
    fn __dict__(cx: &mut Cx, this: &'static Exception) -> Option<Value> {
        Attrs::of(Value::of(this)).map(|attrs| Value::of(attrs.materialize(cx)))
    }
    #[setter("__dict__")]
    fn set_dict(cx: &mut Cx, this: &'static Exception, value: Option<Value>) -> PyResult<()> {
        let Some(value) = value else { return raise!(cx, TypeError, "cannot delete __dict__") };
        let Some(dict) = value.downcast::<Dict>() else {
            let got = value.class().tp_name();
            return raise!(cx, TypeError, "__dict__ must be set to a dictionary, not a '{got}'");
        };
        if let Some(attrs) = Attrs::of(Value::of(this)) {
            attrs.set_dict(cx, dict);
        }
        Ok(())
    }

    /// Set self.__traceback__ to tb and return self.
    #[py("($self, tb, /)")]
    fn with_traceback(cx: &mut Cx, this: &'static Exception, tb: Value) -> PyResult<Value> {
        Base::set_traceback(cx, this, Some(tb))?;
        Ok(Value::of(this))
    }

    /// Add a note to the exception
    #[py("($self, note, /)")]
    fn add_note(cx: &mut Cx, this: &'static Exception, note: Value) -> PyResult<()> {
        if note.downcast::<Str>().is_none() {
            let got = if note.is_none() { "None".to_string() } else { note.class().tp_name() };
            return raise!(cx, TypeError, "add_note() argument must be str, not {got}");
        }
        append_note(cx, Value::of(this), note)
    }

    /// Helper for pickle.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Exception) -> Value {
        let args = Base::args(cx, this);
        reduce_with(cx, Value::of(this), args)
    }

    #[py("($self, state, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static Exception, state: Value) -> PyResult<()> {
        if state.is_none() {
            return Ok(());
        }
        let Some(dict) = state.downcast::<Dict>() else {
            return raise!(cx, TypeError, "state is not a dictionary");
        };
        let mut position = 0;
        while let Some((key, value)) = dict.next_item(&mut position) {
            let Some(name) = key.downcast::<Str>() else {
                let got = key.class().tp_name();
                return raise!(cx, TypeError, "attribute name must be string, not '{got}'");
            };
            let name = cx.intern_value(name);
            crate::protocol::attr::set(cx, Value::of(this), name, Some(value))?;
        }
        Ok(())
    }
}

impl Base {
    /// Native slots.
    pub const SLOTS: Slots =
        Slots { new: Some(new), init: Some(init), repr: Some(repr), str: Some(str), ..Slots::NONE };
}

/// `tuple(v)`.
pub(crate) fn to_tuple(cx: &mut Cx, v: Value) -> PyResult<&'static Tuple> {
    if let Some(tuple) = v.exact::<Tuple>() {
        return Ok(tuple);
    }
    let items = crate::protocol::iter::collect(cx, v)?;
    Ok(Tuple::new(cx, &items))
}

/// Appends to `__notes__`, making it if needed. May run Python code.
fn append_note(cx: &mut Cx, exception: Value, note: Value) -> PyResult<()> {
    let name = cx.names().__notes__;
    let notes = match crate::protocol::attr::get_optional(cx, exception, name)? {
        Some(notes) => notes,
        None => {
            let list = Value::of(List::new(cx));
            crate::protocol::attr::set(cx, exception, name, Some(list))?;
            list
        }
    };
    let Some(list) = notes.downcast::<List>() else {
        return raise!(cx, TypeError, "Cannot add note: __notes__ is not a list");
    };
    list.push(cx, note);
    Ok(())
}

/// The attributes of an exception that its `__dict__` holds, unless there are none. May collect.
pub(crate) fn attributes(cx: &mut Cx, v: Value) -> Option<&'static Dict> {
    let attrs = Attrs::of(v)?;
    let any = attrs.dict().map_or(attrs.shape().count != 0, |d| !d.is_empty());
    if any { Some(attrs.materialize(cx)) } else { None }
}

/// `(type(v), args, v.__dict__)`, or without the dict if it is empty. May collect.
pub(crate) fn reduce_with(cx: &mut Cx, v: Value, args: Value) -> Value {
    let class = Value::of(v.class());
    match attributes(cx, v) {
        Some(dict) => Value::of(Tuple::new(cx, &[class, args, Value::of(dict)])),
        None => Value::of(Tuple::new(cx, &[class, args])),
    }
}

/// `BaseException.__new__`.
pub fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let args = Tuple::new(cx, args.pos());
    Ok(exceptions::new_raw(cx, class, args))
}

/// `BaseException.__init__`.
pub fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    if args.kwnames().is_some() {
        let name = v.class().name();
        return raise!(cx, TypeError, "{name}() takes no keyword arguments");
    }
    set_args(cx, of(v), args.pos());
    Ok(())
}

/// Sets `args`. May collect.
pub(crate) fn set_args(cx: &mut Cx, this: &'static Exception, args: &[Value]) {
    if this.args.get().is_some_and(|old| old.items() == args) {
        return;
    }
    let args = Tuple::new(cx, args);
    this.args.set(Some(args));
    cx.barrier(this);
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = v.class().name();
    let args = of(v).args.get();
    let (prefix, shown, suffix) = match of(v).args() {
        [] => return Ok(cx.str(&format!("{name}()"))),
        [one] => (format!("{name}("), *one, ")"),
        _ => (name, Value::of(args.expect("it has items")), ""),
    };
    let shown = obj::repr(cx, shown)?;
    Ok(text_around(cx, &prefix, shown, suffix))
}

/// `prefix + s + suffix` as a str, code points kept as they are. May collect.
pub(crate) fn text_around(cx: &mut Cx, prefix: &str, s: &'static Str, suffix: &str) -> Value {
    let mut points: Vec<u32> = prefix.chars().map(u32::from).collect();
    points.extend(s.chars());
    points.extend(suffix.chars().map(u32::from));
    Value::of(Str::from_code_points(cx, &points))
}

/// `BaseException.__str__`.
/// `__str__` of BaseException.
pub fn str(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let args = of(v).args.get();
    match of(v).args() {
        [] => Ok(Value::of(cx.names().empty)),
        [one] => obj::str(cx, *one).map(Value::of),
        _ => obj::str(cx, Value::of(args.expect("it has items"))).map(Value::of),
    }
}

/// Adds a note to the raised exception, which stays raised. May collect.
pub fn add_note(cx: &mut Cx, note: &str) {
    if cx.exception().is_none() {
        return;
    }
    let exception = cx.take_exception();
    let note = cx.str(note);
    if append_note(cx, exception, note).is_err() {
        cx.take_exception();
    }
    cx.raise_again(exception);
}

// ---- StopIteration, SystemExit, KeyError -------------------------------------------------------------

/// Fields of StopIteration: value.
pub struct StopIterationMethods;

impl StopIterationMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots { init: Some(stop_iteration_init), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = &[];
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[member!("value" 0 "generator return value")];
}

fn stop_iteration_init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    init(cx, v, args)?;
    of(v).set_extra(cx, 0, Some(args.pos().first().copied().unwrap_or(Value::none())));
    Ok(())
}

/// Fields of SystemExit: code.
pub struct SystemExitMethods;

impl SystemExitMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots { init: Some(system_exit_init), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = &[];
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[member!("code" 0 "exception code")];
}

fn system_exit_init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    init(cx, v, args)?;
    let code = match args.pos() {
        [] => return Ok(()),
        [one] => Some(*one),
        _ => of(v).args.get().map(Value::of),
    };
    of(v).set_extra(cx, 0, code);
    Ok(())
}

/// KeyError shows the repr of its only argument.
pub struct KeyErrorMethods;

impl KeyErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots { str: Some(key_error_str), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = &[];
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[];
}

fn key_error_str(cx: &mut Cx, v: Value) -> PyResult<Value> {
    match of(v).args() {
        [one] => obj::repr(cx, *one).map(Value::of),
        _ => str(cx, v),
    }
}

// ---- AttributeError, NameError, ImportError -----------------------------------------------------------

/// Stores keyword arguments in the fields that `fields` names, and the positional ones in `args`.
fn init_with_fields(cx: &mut Cx, v: Value, args: Args, kind: &str, fields: &[(&'static str, usize)]) -> PyResult<()> {
    set_args(cx, of(v), args.pos());
    for (_, i) in fields {
        of(v).set_extra(cx, *i, None);
    }
    for (name, value) in args.keywords() {
        match fields.iter().find(|(field, _)| name.eq_rust(field)) {
            Some((_, i)) => of(v).set_extra(cx, *i, Some(value)),
            None => {
                let (known, given) = (fields.len(), args.keywords().count());
                if given > known {
                    let text = format!("{kind}() takes at most {known} keyword arguments ({given} given)");
                    return Err(cx.raise_text(&exceptions::TypeError, &text));
                }
                let name = name.to_string_lossy();
                let names: Vec<&str> = fields.iter().map(|f| f.0).collect();
                if let Some(hint) = cx.suggest(&name, &names) {
                    let text = format!("{kind}() got an unexpected keyword argument '{name}'. Did you mean '{hint}'?");
                    return Err(cx.raise_text(&exceptions::TypeError, &text));
                }
                return raise!(cx, TypeError, "{kind}() got an unexpected keyword argument '{name}'");
            }
        }
    }
    Ok(())
}

/// The dict of `v` (a copy) with the set ones of `fields` added, or None if it would be empty. May collect.
fn state_with_fields(cx: &mut Cx, v: Value, fields: &[(&str, usize)], with_args: bool) -> Option<&'static Dict> {
    let state = match attributes(cx, v) {
        Some(dict) => dict.copy(cx),
        None => Dict::new(cx),
    };
    for (name, i) in fields {
        if let Some(value) = of(v).extra(*i) {
            let name = cx.intern(name);
            state.set_str(cx, name, value);
        }
    }
    if with_args && let Some(args) = of(v).args.get() {
        let name = cx.names().args;
        state.set_str(cx, name, Value::of(args));
    }
    Some(state).filter(|s| !s.is_empty())
}

/// Fields of AttributeError: obj, name.
pub struct AttributeErrorMethods;

impl AttributeErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots {
        init: Some(|cx, v, args| init_with_fields(cx, v, args, "AttributeError", &[("obj", 0), ("name", 1)])),
        ..Slots::NONE
    };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = AttributeErrorPickling::METHODS;
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[member!("name" 1 "attribute name"), member!("obj" 0 "object")];
}

struct AttributeErrorPickling;

#[pymethods]
impl AttributeErrorPickling {
    #[py("($self, /)")]
    fn __getstate__(cx: &mut Cx, this: Value) -> Option<Value> {
        state_with_fields(cx, this, &[("name", 1)], true).map(Value::of)
    }
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> Value {
        let state = Self::__getstate__(cx, this).unwrap_or(Value::none());
        let args = Base::args(cx, of(this));
        Value::of(Tuple::new(cx, &[Value::of(this.class()), args, state]))
    }
}

/// Fields of NameError: name.
pub struct NameErrorMethods;

impl NameErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots =
        Slots { init: Some(|cx, v, args| init_with_fields(cx, v, args, "NameError", &[("name", 0)])), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = &[];
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[member!("name" 0 "name")];
}

/// Fields of ImportError: msg, name, path, name_from.
pub struct ImportErrorMethods;

impl ImportErrorMethods {
    /// Native slots.
    pub const SLOTS: Slots = Slots { init: Some(import_error_init), str: Some(import_error_str), ..Slots::NONE };
    /// Native methods.
    pub const METHODS: &'static [NativeDef] = ImportErrorPickling::METHODS;
    /// Native attributes.
    pub const GETSETS: &'static [GetSetDef] = &[
        member!("msg" 0 "exception message"),
        member!("name" 1 "module name"),
        member!("path" 2 "module path"),
        member!("name_from" 3 "name imported from module"),
    ];
}

fn import_error_init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    init_with_fields(cx, v, args, "ImportError", &[("name", 1), ("path", 2), ("name_from", 3)])?;
    let msg = if let [one] = args.pos() { Some(*one) } else { None };
    of(v).set_extra(cx, 0, msg);
    Ok(())
}

fn import_error_str(cx: &mut Cx, v: Value) -> PyResult<Value> {
    match of(v).extra(0) {
        Some(msg) if msg.exact::<Str>().is_some() => Ok(msg),
        _ => str(cx, v),
    }
}

struct ImportErrorPickling;

#[pymethods]
impl ImportErrorPickling {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> Value {
        let state = state_with_fields(cx, this, &[("name", 1), ("path", 2), ("name_from", 3)], false);
        let args = Base::args(cx, of(this));
        let class = Value::of(this.class());
        match state {
            Some(state) => Value::of(Tuple::new(cx, &[class, args, Value::of(state)])),
            None => Value::of(Tuple::new(cx, &[class, args])),
        }
    }
}

pub use crate::traceback_print::unraisable::report_unraisable;
