//! Data that crosses from one interpreter to another.
//!
//! All interpreters share the heap and the GIL, so what cannot change crosses as it is: None, bools, numbers, strs, bytes and
//! tuples of such. Everything else becomes a [`Parcel`], which the receiver opens: buffers, queues, functions without state (by their code), and, where the sender allows it, whatever can be pickled.

use std::cell::Cell;

use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions;
use taipan_runtime::interpreter::Global;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Buffer;
use taipan_runtime::protocol::import::{import_attr, import_module, loaded};
use taipan_runtime::protocol::{attr, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list::List;
use taipan_runtime::types::memoryview::{self, MemoryView};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Cx, PyResult, Raised, Value, object, raise};
use taipan_stdlib::marshal;

use crate::errors::raise_class;
use crate::stateless;

/// May the sender fall back on code and pickles?
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Only what is shareable by itself.
    No,
    /// Everything that can be pickled.
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A tuple of what the items became.
    Tuple,
    /// A memoryview.
    Buffer,
    /// The number of a queue.
    Queue,
    /// Marshalled code, name of a function.
    Function,
    /// A pickle, and the file that was `__main__` or None.
    Pickle,
}

/// Something on its way.
#[repr(C)]
pub struct Parcel {
    header: Header,
    kind: Kind,
    value: Value,
    more: Value,
}
object!(Parcel, PARCEL);
taipan_runtime::trace_values!(trace_parcel, Parcel, |p| [p.value, p.more]);

static PARCEL: Type = Type::new(&PARCEL_SPEC);
static PARCEL_SPEC: TypeSpec = TypeSpec {
    name: "_interpreters._parcel",
    basicsize: std::mem::size_of::<Parcel>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_parcel),
    ..TypeSpec::DEFAULT
};

fn parcel(cx: &mut Cx, kind: Kind, value: Value, more: Value) -> Value {
    cx.ready_type(&PARCEL);
    Value::of(cx.alloc(Parcel { header: Header::fresh(&PARCEL), kind, value, more }))
}

/// The classes of queues of each interpreter: Queue, QueueEmpty, QueueFull.
pub static QUEUE: Global = Global::new();
/// See [`QUEUE`].
pub static QUEUE_EMPTY: Global = Global::new();
/// See [`QUEUE`].
pub static QUEUE_FULL: Global = Global::new();

fn is_int(v: Value) -> bool {
    std::ptr::eq(v.class(), &int::INT)
}

fn is_float(v: Value) -> bool {
    std::ptr::eq(v.class(), &float::FLOAT)
}

fn is_immutable(v: Value) -> bool {
    v.is_none()
        || v == Value::bool(true)
        || v == Value::bool(false)
        || is_int(v)
        || is_float(v)
        || v.exact::<Str>().is_some()
        || v.exact::<Bytes>().is_some()
}

/// Is an object of this type shareable by itself? Its value may still not be.
pub fn is_shareable(v: Value) -> bool {
    is_immutable(v)
        || v.exact::<Tuple>().is_some()
        || v.exact::<MemoryView>().is_some()
        || QUEUE.get() == Some(Value::of(v.class()))
}

/// Makes `v` ready to cross. NotShareableError.
pub fn send(cx: &mut Cx, v: Value, fallback: Fallback) -> PyResult<Value> {
    cx.nested(" while sharing", |cx| send_inner(cx, v, fallback))
}

fn send_inner(cx: &mut Cx, v: Value, fallback: Fallback) -> PyResult<Value> {
    match send_by_type(cx, v, fallback) {
        Ok(Some(sent)) => return Ok(sent),
        Ok(None) => {}
        Err(raised) if fallback == Fallback::No => {
            return match cx.exception_matches(&exceptions::OverflowError) || is_not_shareable(cx) {
                true => not_shareable(cx, v),
                false => Err(raised),
            };
        }
        Err(_) => {
            cx.take_exception();
        }
    }
    if fallback == Fallback::Full {
        if v.exact::<Function>().is_some() {
            match send_function(cx, v) {
                Ok(sent) => return Ok(sent),
                Err(_) => cx.take_exception(),
            };
        }
        match send_pickled(cx, v) {
            Ok(sent) => return Ok(sent),
            Err(_) => cx.take_exception(),
        };
    }
    not_shareable(cx, v)
}

/// What a type that is shareable by itself makes of `v`; None for other types.
fn send_by_type(cx: &mut Cx, v: Value, fallback: Fallback) -> PyResult<Option<Value>> {
    if is_int(v) && int::as_i64(v).is_none() {
        return raise!(cx, OverflowError, "try sending as bytes");
    }
    if is_immutable(v) {
        return Ok(Some(v));
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        return send_tuple(cx, tuple, fallback).map(Some);
    }
    if let Some(view) = v.exact::<MemoryView>() {
        view.check(cx)?;
        return Ok(Some(parcel(cx, Kind::Buffer, v, Value::none())));
    }
    if QUEUE.get() == Some(Value::of(v.class())) {
        let id = attr::get_text(cx, v, "_id")?;
        return Ok(Some(parcel(cx, Kind::Queue, id, Value::none())));
    }
    Ok(None)
}

fn send_tuple(cx: &mut Cx, tuple: &'static Tuple, fallback: Fallback) -> PyResult<Value> {
    let list = List::new(cx);
    let mut same = true;
    for item in tuple.items() {
        let sent = send(cx, *item, fallback)?;
        same &= sent == *item;
        list.push(cx, sent);
    }
    if same {
        return Ok(Value::of(tuple));
    }
    let items = Tuple::new(cx, list.items());
    Ok(parcel(cx, Kind::Tuple, Value::of(items), Value::none()))
}

/// Makes a function without state ready to cross; NotShareableError with the reason as its cause otherwise.
pub fn send_function(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let Some(function) = v.exact::<Function>() else {
        let shown = protocol_object::repr_text(cx, v)?;
        return raise!(cx, TypeError, "expected a function, got {shown}");
    };
    if let Err(raised) = stateless::check_function(cx, function) {
        if !cx.exception_matches(&exceptions::ValueError) {
            return Err(raised);
        }
        let cause = cx.take_exception();
        return raise_caused(cx, "only stateless functions are shareable", cause);
    }
    let code = marshal::dumps(cx, Value::of(function.code.get()), 5, true)?;
    let code = Value::of(Bytes::new(cx, &code));
    Ok(parcel(cx, Kind::Function, code, Value::of(function.name.get())))
}

/// Pickles `v`.
pub fn send_pickled(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let pickle = import_module(cx, "pickle")?;
    match cx.call_method_text(pickle, "dumps", &[v]) {
        Ok(bytes) => {
            let file = main_file(cx);
            Ok(parcel(cx, Kind::Pickle, bytes, file))
        }
        Err(_) => {
            let cause = cx.take_exception();
            raise_caused(cx, "object could not be pickled", cause)
        }
    }
}

/// The file that runs as `__main__`, None without.
fn main_file(cx: &mut Cx) -> Value {
    let name = Value::of(cx.names().__main__);
    let key = cx.intern("__file__");
    let module = loaded(cx, name).ok().flatten().and_then(|m| m.downcast::<Module>());
    module.and_then(|m| m.dict().get_str(key)).filter(|f| f.downcast::<Str>().is_some()).unwrap_or(Value::none())
}

fn is_not_shareable(cx: &Cx) -> bool {
    cx.exception_matches(&crate::errors::NOT_SHAREABLE)
}

fn not_shareable<T>(cx: &mut Cx, v: Value) -> PyResult<T> {
    let cause = cx.exception().map(|_| cx.take_exception());
    let shown = protocol_object::repr_text(cx, v)?;
    let text = format!("{shown} does not support cross-interpreter data");
    match cause {
        Some(cause) => raise_caused(cx, &text, cause),
        None => Err(raise_class(cx, &crate::errors::NOT_SHAREABLE, &text)),
    }
}

/// NotShareableError with a cause.
pub fn raise_caused<T>(cx: &mut Cx, text: &str, cause: Value) -> PyResult<T> {
    let raised: Raised = raise_class(cx, &crate::errors::NOT_SHAREABLE, text);
    let exception = cx.take_exception();
    let key = cx.intern("__cause__");
    attr::set(cx, exception, key, Some(cause))?;
    cx.raise_again(exception);
    Err(raised)
}

/// Opens what [`send`] made, in the interpreter that gets it.
pub fn receive(cx: &mut Cx, sent: Value) -> PyResult<Value> {
    let Some(parcel) = sent.exact::<Parcel>() else { return Ok(sent) };
    match parcel.kind {
        Kind::Tuple => {
            let list = List::new(cx);
            let Some(items) = parcel.value.exact::<Tuple>() else { return Ok(parcel.value) };
            for item in items.items() {
                let item = receive(cx, *item)?;
                list.push(cx, item);
            }
            Ok(Value::of(Tuple::new(cx, list.items())))
        }
        Kind::Buffer => {
            cx.ready_type(&BUFFER_VIEW);
            let header = Header::fresh(&BUFFER_VIEW);
            let exporter =
                cx.alloc(BufferView { header, view: Cell::new(Some(parcel.value)), release: Cell::new(None) });
            Ok(Value::of(MemoryView::of_object(cx, Value::of(exporter), FULL_RO)?))
        }
        Kind::Queue => {
            let class = match QUEUE.get() {
                Some(class) => class,
                None => import_attr(cx, "concurrent.interpreters._queues", "Queue")?,
            };
            cx.call(class, &[parcel.value])
        }
        Kind::Function => receive_function(cx, parcel),
        Kind::Pickle => receive_pickle(cx, parcel.value, parcel.more),
    }
}

fn receive_function(cx: &mut Cx, parcel: &Parcel) -> PyResult<Value> {
    let Some(bytes) = parcel.value.exact::<Bytes>() else { return Ok(Value::none()) };
    let code = marshal::trusted(cx, bytes.data())?;
    let class = Value::of(&taipan_runtime::types::function_methods::FUNCTION);
    let globals = taipan_stdlib::start::main_module(cx)?;
    cx.call(class, &[code, Value::of(globals), parcel.more])
}

/// What files that were `__main__` elsewhere define, by name.
static FAKE_MAINS: Global = Global::new();

fn receive_pickle(cx: &mut Cx, bytes: Value, file: Value) -> PyResult<Value> {
    let pickle = import_module(cx, "pickle")?;
    let result = cx.call_method_text(pickle, "loads", &[bytes]);
    if result.is_ok() || file.is_none() || !lacks_main_attribute(cx) {
        return result.or_else(|_| {
            let cause = cx.take_exception();
            raise_caused(cx, "object could not be unpickled", cause)
        });
    }
    cx.take_exception();
    with_fake_main(cx, file, |cx| cx.call_method_text(pickle, "loads", &[bytes])).or_else(|_| {
        let cause = cx.take_exception();
        raise_caused(cx, "object could not be unpickled", cause)
    })
}

/// Is the raised exception about something that `__main__` does not have?
fn lacks_main_attribute(cx: &mut Cx) -> bool {
    if !cx.exception_matches(&exceptions::AttributeError) {
        return false;
    }
    let exception = cx.take_exception();
    let text = protocol_object::str(cx, exception).map(|s| s.to_string_lossy());
    if text.is_err() {
        cx.take_exception();
    }
    cx.raise_again(exception);
    text.is_ok_and(|t| t.contains("module '__main__'") || t.contains("<module '__main__'"))
}

/// Runs `f` while `__main__` is what running `file` under another name gives.
fn with_fake_main(cx: &mut Cx, file: Value, f: impl FnOnce(&mut Cx) -> PyResult<Value>) -> PyResult<Value> {
    let mains = FAKE_MAINS.get_or(cx, |cx| Ok(Value::of(Dict::new(cx))))?;
    let Some(mains) = mains.exact::<Dict>() else { return f(cx) };
    let namespace = match mains.get(cx, file)?.and_then(|d| d.downcast::<Dict>()) {
        Some(found) => found,
        None => {
            let run = import_attr(cx, "runpy", "run_path")?;
            let name = cx.str("<fake __main__>");
            let made = cx.call(run, &[file, Value::none(), name])?;
            let Some(made) = made.downcast::<Dict>() else { return f(cx) };
            mains.set(cx, file, Value::of(made))?;
            made
        }
    };
    let fake = Module::new(cx, "__main__");
    for (key, value) in namespace.iter().collect::<Vec<_>>() {
        fake.dict().set(cx, key, value)?;
    }
    let Some(modules) = cx.rt().modules.get() else { return f(cx) };
    let name = cx.names().__main__;
    let real = modules.get_str(name);
    modules.set_str(cx, name, Value::of(fake));
    let result = f(cx);
    if let Some(real) = real {
        modules.set_str(cx, name, real);
    }
    result
}

const FULL_RO: i32 = 0x011c;

/// What a memoryview from another interpreter looks into.
#[repr(C)]
pub struct BufferView {
    header: Header,
    view: Cell<Option<Value>>,
    /// What ends an export of the view.
    release: Cell<Option<fn(&mut Cx, &Buffer)>>,
}
object!(BufferView, BUFFER_VIEW);
taipan_runtime::trace_values!(trace_view, BufferView, |b| [b.view.get()]);

/// `_interpreters.CrossInterpreterBufferView`.
pub static BUFFER_VIEW: Type = Type::new(&BUFFER_VIEW_SPEC);
static BUFFER_VIEW_SPEC: TypeSpec = TypeSpec {
    name: "_interpreters.CrossInterpreterBufferView",
    basicsize: std::mem::size_of::<BufferView>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_view),
    slots: Slots { buffer: Some(export_view), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

fn export_view(cx: &mut Cx, v: Value, flags: i32) -> PyResult<Buffer> {
    // SAFETY: the slot of these objects.
    let this: &'static BufferView = unsafe { v.cast() };
    let Some(view) = this.view.get() else { return raise!(cx, BufferError, "no buffer") };
    let mut buffer = memoryview::export(cx, view, flags)?;
    this.release.set(buffer.release);
    buffer.owner = v;
    buffer.release = Some(|cx, buffer| {
        let Some(this) = buffer.owner.exact::<BufferView>() else { return };
        if let (Some(view), Some(release)) = (this.view.get(), this.release.get()) {
            release(cx, &Buffer { owner: view, ..buffer.clone() });
        }
    });
    Ok(buffer)
}

/// The code of something that can run by itself in another interpreter, copied.
pub fn copy_code(cx: &mut Cx, code: &'static CodeObject) -> PyResult<&'static CodeObject> {
    let bytes = marshal::dumps(cx, Value::of(code), 5, true)?;
    match marshal::trusted(cx, &bytes)?.exact::<CodeObject>() {
        Some(code) => Ok(code),
        None => raise!(cx, SystemError, "code expected"),
    }
}
