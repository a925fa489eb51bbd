//! Functions of all calling conventions, and calls made by native code.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::native::Args;
use taipan_runtime::protocol::{attr, object};
use taipan_runtime::typeobj::flags;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib_interpreters::config::Config;
use taipan_stdlib_interpreters::interpreters;

/// (receiver, positional arguments).
pub fn with_args(cx: &mut Cx, receiver: Value, args: Args) -> PyResult<Value> {
    let tuple = Value::of(Tuple::new(cx, args.pos()));
    Ok(Value::of(Tuple::new(cx, &[receiver, tuple])))
}

/// (receiver, positional arguments, dict of keyword arguments or None).
pub fn with_keywords(cx: &mut Cx, receiver: Value, args: Args) -> PyResult<Value> {
    let tuple = Value::of(Tuple::new(cx, args.pos()));
    let mut keywords = Value::none();
    if args.kw_len() > 0 {
        let dict = Dict::new(cx);
        for (name, value) in args.keywords() {
            dict.set(cx, Value::of(name), value)?;
        }
        keywords = Value::of(dict);
    }
    Ok(Value::of(Tuple::new(cx, &[receiver, tuple, keywords])))
}

/// The module, which C functions of a module receive.
fn module(cx: &mut Cx) -> Value {
    let name = cx.intern("_testcapi");
    cx.rt().modules.get().and_then(|m| m.get_str(name)).unwrap_or(Value::none())
}

/// Functions of the module.
pub struct Conventions;

#[pymethods]
impl Conventions {
    #[py("($module, /, *args)", raw)]
    fn meth_varargs(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_varargs")?;
        let receiver = module(cx);
        with_args(cx, receiver, args)
    }
    #[py("($module, /, *args, **kwargs)", raw)]
    fn meth_varargs_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let receiver = module(cx);
        with_keywords(cx, receiver, args)
    }
    #[py("($module, argument, /)")]
    fn meth_o(cx: &mut Cx, argument: Value) -> Value {
        let receiver = module(cx);
        Value::of(Tuple::new(cx, &[receiver, argument]))
    }
    #[py("($module, /)")]
    fn meth_noargs(cx: &mut Cx) -> Value {
        module(cx)
    }
    #[py("($module, /, *args)", raw)]
    fn meth_fastcall(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_fastcall")?;
        let receiver = module(cx);
        with_args(cx, receiver, args)
    }
    #[py("($module, /, *args, **kwargs)", raw)]
    fn meth_fastcall_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let receiver = module(cx);
        with_keywords(cx, receiver, args)
    }
}

/// The items of a tuple, none for None.
fn items(cx: &mut Cx, v: Value) -> PyResult<&'static [Value]> {
    match v.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.items()),
        None if v.is_none() => Ok(&[]),
        None => raise!(cx, TypeError, "args must be None or a tuple"),
    }
}

fn call_with_dict(cx: &mut Cx, f: Value, args: Value, kwargs: Option<Value>) -> PyResult<Value> {
    let mut values = RootVec::from_slice(items(cx, args)?);
    let mut names = RootVec::new();
    match kwargs.filter(|k| !k.is_none()) {
        None => {}
        Some(kwargs) => {
            let Some(dict) = kwargs.downcast::<Dict>() else {
                return raise!(cx, TypeError, "kwnames must be None or a dict");
            };
            for (name, value) in dict.iter() {
                if name.downcast::<Str>().is_none() {
                    return raise!(cx, TypeError, "keywords must be strings");
                }
                names.push(name);
                values.push(value);
            }
        }
    }
    let names = Tuple::new(cx, &names);
    cx.call_args(f, Args::new(&values, Some(names)))
}

/// Calls of callables.
pub struct Calls;

#[pymethods]
impl Calls {
    #[py("($module, func, args, kwargs=None, /)")]
    fn pyobject_fastcalldict(cx: &mut Cx, func: Value, args: Value, kwargs: Option<Value>) -> PyResult<Value> {
        call_with_dict(cx, func, args, kwargs)
    }
    #[py("($module, func, args, kwnames=None, /)")]
    fn pyobject_vectorcall(cx: &mut Cx, func: Value, args: Value, kwnames: Option<Value>) -> PyResult<Value> {
        let values = items(cx, args)?;
        let names = match kwnames.filter(|k| !k.is_none()) {
            None => None,
            Some(names) => match names.downcast::<Tuple>() {
                Some(names) if names.len() <= values.len() => Some(names),
                Some(_) => return raise!(cx, ValueError, "kwnames longer than args"),
                None => return raise!(cx, TypeError, "kwnames must be None or a tuple"),
            },
        };
        if let Some(names) = names
            && names.items().iter().any(|n| n.downcast::<Str>().is_none())
        {
            return raise!(cx, TypeError, "keywords must be strings");
        }
        cx.call_args(func, Args::new(values, names))
    }
    #[py("($module, func, args, kwargs=None, /)")]
    fn pyvectorcall_call(cx: &mut Cx, func: Value, args: Value, kwargs: Option<Value>) -> PyResult<Value> {
        call_with_dict(cx, func, args, kwargs)
    }
    #[py("($module, func, args, kwargs=None, /)")]
    fn pycfunction_call(cx: &mut Cx, func: Value, args: Value, kwargs: Option<Value>) -> PyResult<Value> {
        call_with_dict(cx, func, args, kwargs)
    }
    #[py("($module, class_, /)")]
    fn has_vectorcall_flag(cx: &mut Cx, class_: Value) -> PyResult<bool> {
        match class_.downcast::<taipan_runtime::typeobj::Type>() {
            Some(class) => Ok(class.has(flags::VECTORCALL)),
            None => raise!(cx, TypeError, "not a type"),
        }
    }
    /// A setting of the interpreter.
    #[py("($module, name, /)")]
    fn config_get(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        let config = taipan_stdlib::state::config();
        let option = |name: &str| config.xoptions.iter().any(|x| x == name);
        let value = match &*name.to_string_lossy() {
            "code_debug_ranges" => {
                let variable = std::env::var_os("PYTHONNODEBUGRANGES").is_some_and(|v| !v.is_empty());
                Value::bool(!option("no_debug_ranges") && (config.ignore_environment || !variable))
            }
            "optimization_level" => Value::small(config.optimize),
            "verbose" => Value::small(config.verbose),
            "int_max_str_digits" => Value::small(cx.rt().int_max_str_digits.get() as i64),
            "dev_mode" => Value::bool(config.dev_mode),
            other => return raise!(cx, ValueError, "unknown config option name: {other}"),
        };
        Ok(value)
    }
    /// Run source text in an interpreter of its own; 0, or -1 if it raised.
    #[py("($module, code, /)")]
    fn run_in_subinterp(cx: &mut Cx, code: Value) -> PyResult<i64> {
        let done = interpreters::run_once(cx, Config::LEGACY, code)?;
        Ok(if done { 0 } else { -1 })
    }
    /// Trace into a list: rows of the event's number, the line and the argument.
    #[py("($module, list, /)")]
    fn settrace_to_record(cx: &mut Cx, list: &'static List) {
        let recorder = crate::types::recorder(cx, list);
        cx.trace = Some(recorder);
        cx.start_tracing();
    }
    /// BufferError, as no object fills in a buffer that is not there.
    #[py("($module, obj, /)")]
    fn getbuffer_with_null_view(cx: &mut Cx, obj: Value) -> PyResult<()> {
        let _ = obj;
        raise!(cx, BufferError, "PyObject_GetBuffer: view==NULL argument is obsolete")
    }
    /// This is a docstring.
    #[py("($module, /)")]
    fn test_with_docstring(_cx: &mut Cx) {}
    /// A descriptor's `__get__` that calls the class it is asked for: the repr of the descriptor.
    #[py("($module, /, *args)", raw)]
    fn bad_get(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (Some(first), Some(class)) = (args.pos().first(), args.pos().last()) else {
            return raise!(cx, TypeError, "bad_get requires exactly 3 arguments");
        };
        cx.call(*class, &[])?;
        object::repr(cx, *first).map(Value::of)
    }
    /// A code object without code.
    #[py("($module, filename, funcname, firstlineno, /)")]
    fn code_newempty(cx: &mut Cx, filename: Value, funcname: Value, firstlineno: Value) -> PyResult<Value> {
        let compile = cx.rt().hooks.get().compile;
        let source = cx.str("raise AssertionError");
        let mode = cx.str("exec");
        let code = compile(cx, source, filename, mode, 0, true, -1)?;
        let replace = attr::get_text(cx, code, "replace")?;
        let names = ["co_name", "co_qualname", "co_firstlineno"].map(|n| Value::of(cx.intern(n)));
        let names = Tuple::new(cx, &names);
        cx.call_args(replace, Args::new(&[funcname, funcname, firstlineno], Some(names)))
    }
}

/// Functions of `_testlimitedcapi`.
pub struct Limited;

#[pymethods]
impl Limited {
    #[py("($module, callable, /)")]
    fn call_vectorcall(cx: &mut Cx, callable: Value) -> PyResult<Value> {
        let args = [cx.str("foo"), cx.str("bar")];
        let names = [Value::of(cx.intern("baz"))];
        let names = Tuple::new(cx, &names);
        cx.call_args(callable, Args::new(&args, Some(names)))
    }
    #[py("($module, object, /)")]
    fn call_vectorcall_method(cx: &mut Cx, object: Value) -> PyResult<Value> {
        let method = attr::get_text(cx, object, "f")?;
        Self::call_vectorcall(cx, method)
    }
    /// Whether an object has an attribute, named by bytes.
    #[py("($module, object, name, /)")]
    fn object_hasattrstring(cx: &mut Cx, object: Value, name: &'static Bytes) -> i64 {
        let name = cx.intern(&String::from_utf8_lossy(name.data()));
        let found = attr::get_optional(cx, object, name);
        if found.is_err() {
            cx.take_exception();
        }
        i64::from(found.is_ok_and(|v| v.is_some()))
    }
    #[py("($module, object, index, /)")]
    fn sequence_getitem(cx: &mut Cx, object: Value, index: i64) -> PyResult<Value> {
        object::get_item(cx, object, Value::small(index))
    }
    #[py("($module, object, index, value, /)")]
    fn sequence_setitem(cx: &mut Cx, object: Value, index: i64, value: Value) -> PyResult<i64> {
        let index = Value::small(index);
        object::set_item(cx, object, index, Some(value))?;
        Ok(0)
    }
    #[py("($module, object, index, /)")]
    fn sequence_delitem(cx: &mut Cx, object: Value, index: i64) -> PyResult<i64> {
        let index = Value::small(index);
        object::set_item(cx, object, index, None)?;
        Ok(0)
    }
}
