//! `CFuncPtr`: pointers to functions, which can be called.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object, raise};
use taipan_stdlib::sys::hooks;

use crate::call::{self, Signature};
use crate::callback::Thunk;
use crate::data::{self, CDATA, CData};
use crate::dynamic;
use crate::function_type::{checker_of, converters_of, is_result_type};
use crate::info;
use crate::simple;

/// A function pointer with what was set on it.
#[repr(C)]
pub struct FuncPtr {
    data: CData,
    thunk: Cell<Option<&'static Thunk>>,
    argtypes: Cell<Option<&'static Tuple>>,
    converters: Cell<Option<&'static Tuple>>,
    restype: Cell<Option<Value>>,
    checker: Cell<Option<Value>>,
    errcheck: Cell<Option<Value>>,
    paramflags: Cell<Option<&'static Tuple>>,
}
object!(FuncPtr, FUNCTION);

unsafe fn trace_function(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for function pointers only.
    unsafe {
        data::trace(object, marker);
        let this = &*object.cast::<FuncPtr>();
        let values = [
            this.thunk.get().map(Value::of),
            this.argtypes.get().map(Value::of),
            this.converters.get().map(Value::of),
            this.restype.get(),
            this.checker.get(),
            this.errcheck.get(),
            this.paramflags.get().map(Value::of),
        ];
        for value in values.into_iter().flatten() {
            marker.mark_value(value.bits());
        }
    }
}

/// `CFuncPtr`.
pub static FUNCTION: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.CFuncPtr",
    base: Some(&CDATA),
    basicsize: std::mem::size_of::<FuncPtr>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_function),
    slots: Slots {
        new: Some(new),
        init: Some(|_, _, _| Ok(())),
        call: Some(call_function),
        repr: Some(repr),
        bool: Some(|_, v| Ok(!data::of(v).address().is_null())),
        ..Slots::NONE
    },
    getsets: &[FuncPtr::GETSETS],
    doc: "Function Pointer",
    ..TypeSpec::DEFAULT
};

/// A function pointer without memory. May collect.
pub fn alloc(cx: &mut Cx, class: &'static Type) -> &'static CData {
    let made = cx.alloc_of(
        class,
        FuncPtr {
            data: CData::blank(class),
            thunk: Cell::new(None),
            argtypes: Cell::new(None),
            converters: Cell::new(None),
            restype: Cell::new(None),
            checker: Cell::new(None),
            errcheck: Cell::new(None),
            paramflags: Cell::new(None),
        },
    );
    &made.data
}

fn of(v: Value) -> &'static FuncPtr {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    Ok(cx.str(&format!("<{} object at {:#x}>", v.class().name(), v.bits())))
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let pos = args.pos();
    let Some(first) = pos.first().copied() else { return Ok(Value::of(CData::new(cx, class)?)) };
    if first.downcast::<Tuple>().is_some() {
        return from_library(cx, class, first, pos.get(1).copied());
    }
    if int::check(first) && pos.len() == 1 {
        let address = simple::low_bits(cx, first)?;
        let made = CData::new(cx, class)?;
        made.set_address(address as *mut u8);
        return Ok(Value::of(made));
    }
    if first.class().slots().call.is_none() || pos.len() != 1 {
        return raise!(cx, TypeError, "argument must be callable or integer function address");
    }
    let Some(info) = info::of(class) else { return raise!(cx, TypeError, "abstract class") };
    let Some(argtypes) = info.argtypes.get() else {
        return raise!(cx, TypeError, "cannot construct instance of this class: no argtypes");
    };
    let thunk = Thunk::new(cx, first, argtypes, info.restype.get(), info.function_flags.get())?;
    let made = CData::new(cx, class)?;
    made.set_address(thunk.code());
    let this = of(Value::of(made));
    this.thunk.set(Some(thunk));
    cx.barrier(this);
    // So that it lives as long as what the pointer is stored in.
    made.keep(cx, 0, Value::of(thunk))?;
    Ok(Value::of(made))
}

/// `prototype((name, library)[, paramflags])`.
fn from_library(cx: &mut Cx, class: &'static Type, what: Value, flags: Option<Value>) -> PyResult<Value> {
    let pair = what.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let &[name, library] = pair else {
        return raise!(cx, TypeError, "function takes exactly 2 arguments ({} given)", pair.len());
    };
    let text = match (name.downcast::<Str>(), name.downcast::<Bytes>()) {
        (Some(s), _) => s,
        (_, Some(b)) => Str::from_latin1(cx, b.data()),
        _ => return raise!(cx, TypeError, "function name must be string, bytes object or integer"),
    };
    hooks::audit(cx, "ctypes.dlsym", &[library, name])?;
    let handle = attr::get_text(cx, library, "_handle")?;
    if !int::check(handle) {
        return raise!(cx, TypeError, "the _handle attribute of the second argument must be an integer");
    }
    let handle = simple::low_bits(cx, handle)?;
    let address = match dynamic::symbol(cx, handle as usize, text)? {
        Ok(address) => address,
        Err(dynamic::NotFound::Null) => return raise!(cx, AttributeError, "function '{text}' not found"),
        Err(dynamic::NotFound::Error(text)) => return raise!(cx, AttributeError, "{text}"),
    };
    let flags = flags.filter(|f| !f.is_none());
    if let (Some(flags), Some(argtypes)) = (flags, info::of(class).and_then(|i| i.argtypes.get())) {
        check_paramflags(cx, argtypes, flags)?;
    }
    let made = CData::new(cx, class)?;
    made.set_address(address as *mut u8);
    let this = of(Value::of(made));
    this.paramflags.set(flags.and_then(|f| f.downcast::<Tuple>()));
    cx.barrier(this);
    // The library is not unloaded before.
    made.keep(cx, 0, library)?;
    Ok(Value::of(made))
}

const IN: i64 = 1;
const OUT: i64 = 2;
const LOCALE: i64 = 4;

fn check_paramflags(cx: &mut Cx, argtypes: &'static Tuple, flags: Value) -> PyResult<()> {
    let Some(flags) = flags.downcast::<Tuple>() else {
        return raise!(cx, TypeError, "paramflags must be a tuple or None");
    };
    if flags.len() != argtypes.len() {
        return raise!(cx, ValueError, "paramflags must have the same length as argtypes");
    }
    for (i, (item, class)) in flags.items().iter().zip(argtypes.items()).enumerate() {
        let parts = item.downcast::<Tuple>().map_or(&[][..], |t| t.items());
        let flag = parts.first().copied().and_then(int::as_i64);
        let name_ok = parts.get(1).is_none_or(|n| n.is_none() || n.downcast::<Str>().is_some());
        let Some(flag) = flag.filter(|_| name_ok && parts.len() <= 3) else {
            return raise!(cx, TypeError, "paramflags must be a sequence of (int [,string [,value]]) tuples");
        };
        match flag & (IN | OUT | LOCALE) {
            0 | IN | 5 | 3 => {}
            OUT => {
                let n = i + 1;
                let Some(info) = info::of_value(*class) else {
                    return raise!(
                        cx,
                        TypeError,
                        "'out' parameter {n} must be a pointer type, not {}",
                        class_name(*class)
                    );
                };
                let pointer = match info.kind.get() {
                    info::Kind::Pointer | info::Kind::Array => true,
                    info::Kind::Simple => matches!(info.code.get(), b'P' | b'z' | b'Z'),
                    _ => false,
                };
                if !pointer {
                    return raise!(
                        cx,
                        TypeError,
                        "'out' parameter {n} must be a pointer type, not {}",
                        class_name(*class)
                    );
                }
            }
            _ => return raise!(cx, TypeError, "paramflag value {flag} not supported"),
        }
    }
    Ok(())
}

fn class_name(v: Value) -> String {
    v.downcast::<Type>().map_or_else(|| v.class().name(), |c| c.name())
}

impl FuncPtr {
    fn info(&self) -> &'static info::Info {
        self.data.info()
    }
}

/// The arguments of a call with what `paramflags` adds, and which of them are results.
struct Built {
    args: taipan_runtime::heap::RootVec,
    /// Indices of results.
    out: Vec<usize>,
    /// Of these, those that are given as well.
    inout: Vec<usize>,
}

fn build(cx: &mut Cx, this: &FuncPtr, args: Args) -> PyResult<Built> {
    let mut built = Built { args: taipan_runtime::heap::RootVec::new(), out: Vec::new(), inout: Vec::new() };
    let argtypes = this.argtypes.get().or(this.info().argtypes.get());
    let (Some(flags), Some(argtypes)) = (this.paramflags.get(), argtypes.filter(|t| !t.is_empty())) else {
        built.args.extend_from_slice(args.pos());
        return Ok(built);
    };
    let (mut next, mut keywords) = (0, args.kw_len());
    for (i, class) in argtypes.items().iter().enumerate() {
        let parts = flags.items().get(i).and_then(|f| f.downcast::<Tuple>()).map_or(&[][..], |t| t.items());
        let flag = parts.first().copied().and_then(int::as_i64).unwrap_or(0);
        let name = parts.get(1).and_then(|n| n.downcast::<Str>());
        let default = parts.get(2).copied();
        match flag & (IN | OUT | LOCALE) {
            5 => built.args.push(default.unwrap_or(Value::small(0))),
            OUT => {
                if let Some(default) = default {
                    built.args.push(default);
                } else {
                    let made = out_argument(cx, *class)?;
                    built.args.push(made);
                }
                built.out.push(i);
            }
            kind => {
                let by_name = name.and_then(|name| args.keywords().find(|(k, _)| k.eq_str(name)).map(|(_, v)| v));
                let value = match args.pos().get(next).copied() {
                    Some(value) => {
                        next += 1;
                        value
                    }
                    None => match by_name.inspect(|_| keywords -= 1).or(default) {
                        Some(value) => value,
                        None => {
                            return match name {
                                Some(name) => raise!(cx, TypeError, "required argument '{name}' missing"),
                                None => raise!(cx, TypeError, "not enough arguments"),
                            };
                        }
                    },
                };
                built.args.push(value);
                if kind == IN | OUT {
                    built.out.push(i);
                    built.inout.push(i);
                }
            }
        }
    }
    if next < args.pos().len() || keywords > 0 {
        let (n, most) = (args.values().len(), built.args.len());
        return raise!(cx, TypeError, "call takes exactly {most} arguments ({n} given)");
    }
    Ok(built)
}

/// The object that an `out` parameter points to.
fn out_argument(cx: &mut Cx, class: Value) -> PyResult<Value> {
    let Some(info) = info::of_value(class) else { return raise!(cx, TypeError, "abstract class") };
    if info.kind.get() == info::Kind::Array {
        return cx.call(class, &[]);
    }
    let Some(target) = info.item.get() else {
        let name = class_name(class);
        return raise!(cx, TypeError, "{name} 'out' parameter must be passed as default value");
    };
    cx.call(Value::of(target), &[])
}

fn result_of(cx: &mut Cx, built: &Built, result: Value) -> PyResult<Value> {
    if built.out.is_empty() {
        return Ok(result);
    }
    let mut results = taipan_runtime::heap::RootVec::new();
    for i in &built.out {
        let value = built.args[*i];
        let value =
            if built.inout.contains(i) { value } else { cx.call_method_text(value, "__ctypes_from_outparam__", &[])? };
        results.push(value);
    }
    Ok(match &results[..] {
        [one] => *one,
        _ => Value::of(Tuple::new(cx, &results)),
    })
}

fn call_function(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    let this = of(v);
    let info = this.info();
    let address = this.data.address();
    if address.is_null() {
        return raise!(cx, ValueError, "attempt to call a NULL function pointer");
    }
    let converters = this.converters.get().or(info.converters.get());
    let restype = this.restype.get().or(info.restype.get());
    let checker = if this.restype.get().is_some() { this.checker.get() } else { info.checker.get() };
    let mut built = build(cx, this, args)?;
    if let Some(converters) = converters {
        let (required, given) = (converters.len(), built.args.len());
        if required > given {
            let s = if required == 1 { "" } else { "s" };
            return raise!(cx, TypeError, "this function takes at least {required} argument{s} ({given} given)");
        }
    }
    let signature = Signature { converters, restype, checker, flags: info.function_flags.get() };
    // What an `out` parameter points to is passed by reference.
    let given = taipan_runtime::heap::RootVec::from_slice(&built.args);
    let result = call::call(cx, address, &given, &signature)?;
    let result = match this.errcheck.get() {
        None => result,
        Some(errcheck) => {
            let all = Value::of(Tuple::new(cx, &built.args));
            let checked = cx.call(errcheck, &[result, v, all])?;
            if checked != all {
                return Ok(checked);
            }
            result
        }
    };
    let made = result_of(cx, &built, result);
    built.args.clear();
    made
}

#[pymethods]
impl FuncPtr {
    /// specify the result type
    #[getter]
    fn restype(_: &mut Cx, this: &'static FuncPtr) -> Value {
        this.restype.get().or(this.info().restype.get()).unwrap_or(Value::none())
    }
    #[setter("restype")]
    fn set_restype(cx: &mut Cx, this: &'static FuncPtr, value: Option<Value>) -> PyResult<()> {
        let checker = match value {
            None => None,
            Some(value) if is_result_type(value) => checker_of(cx, value)?,
            Some(_) => return raise!(cx, TypeError, "restype must be a type, a callable, or None"),
        };
        this.restype.set(value);
        this.checker.set(checker);
        cx.barrier(this);
        Ok(())
    }

    /// specify the argument types
    #[getter]
    fn argtypes(_: &mut Cx, this: &'static FuncPtr) -> Value {
        this.argtypes.get().or(this.info().argtypes.get()).map_or(Value::none(), Value::of)
    }
    #[setter("argtypes")]
    fn set_argtypes(cx: &mut Cx, this: &'static FuncPtr, value: Option<Value>) -> PyResult<()> {
        match value.filter(|v| !v.is_none()) {
            None => {
                this.argtypes.set(None);
                this.converters.set(None);
            }
            Some(value) => {
                let (types, converters) = converters_of(cx, value)?;
                if let Some(flags) = this.paramflags.get() {
                    check_paramflags(cx, types, Value::of(flags))?;
                }
                this.argtypes.set(Some(types));
                this.converters.set(Some(converters));
            }
        }
        cx.barrier(this);
        Ok(())
    }

    /// a function to check for errors
    #[getter]
    fn errcheck(_: &mut Cx, this: &'static FuncPtr) -> Value {
        this.errcheck.get().unwrap_or(Value::none())
    }
    #[setter("errcheck")]
    fn set_errcheck(cx: &mut Cx, this: &'static FuncPtr, value: Option<Value>) -> PyResult<()> {
        if value.is_some_and(|v| v.class().slots().call.is_none()) {
            return raise!(cx, TypeError, "the errcheck attribute must be callable");
        }
        this.errcheck.set(value);
        cx.barrier(this);
        Ok(())
    }
}
