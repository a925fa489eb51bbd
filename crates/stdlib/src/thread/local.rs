//! `_thread._local`: attributes of which every thread has its own.
//!
//! A local object holds one dict for each thread that used it, by the address of the thread's context. When a thread
//! ends, its dicts are removed from all local objects.

use std::cell::{Cell, UnsafeCell};

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

/// Data of a thread.
#[repr(C)]
pub struct Local {
    header: Header,
    /// Arguments of `__init__`, which runs in every thread.
    args: Cell<Option<Value>>,
    kwnames: Cell<Option<Value>>,
    /// Context address -> dict.
    dicts: Cell<Option<&'static Dict>>,
}
object!(Local, LOCAL);
taipan_runtime::trace_values!(trace_local, Local, |t| [t.args.get(), t.kwnames.get(), t.dicts.get().map(Value::of),]);

struct Locals(UnsafeCell<Vec<*const Local>>);
// SAFETY: only used with the GIL held.
unsafe impl Sync for Locals {}
/// All live local objects.
static ALL: Locals = Locals(UnsafeCell::new(Vec::new()));

unsafe fn forget(object: *mut Header) {
    // SAFETY: called by the collector, with the GIL held.
    unsafe { (*ALL.0.get()).retain(|l| !std::ptr::eq(l.cast::<Header>(), object)) };
}

/// The type `_thread._local`.
pub static LOCAL: Type = Type::new(&LOCAL_SPEC);
static LOCAL_SPEC: TypeSpec = TypeSpec {
    name: "_thread._local",
    basicsize: std::mem::size_of::<Local>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_local),
    drop: Some(forget),
    slots: Slots { new: Some(new), getattr: Some(getattr), setattr: Some(setattr), ..Slots::NONE },
    getsets: &[Local::GETSETS],
    doc: "Thread-local data",
    ..TypeSpec::DEFAULT
};

fn own_init(class: &Type) -> bool {
    let plain = OBJECT.slots().init;
    class.slots().init.is_some_and(|f| !plain.is_some_and(|p| std::ptr::fn_addr_eq(p, f)))
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if !args.values().is_empty() && !own_init(class) {
        return raise!(cx, TypeError, "Initialization arguments are not supported");
    }
    let values = Tuple::new(cx, args.values());
    let dicts = Dict::new(cx);
    let local = Local {
        header: Header::fresh(class),
        args: Cell::new(Some(Value::of(values))),
        kwnames: Cell::new(args.kwnames().map(Value::of)),
        dicts: Cell::new(Some(dicts)),
    };
    let local = cx.alloc_of(class, local);
    // SAFETY: the GIL is held; the collector removes it when it dies.
    unsafe { (*ALL.0.get()).push(local) };
    // `__init__` is about to be called for this thread.
    new_dict(cx, local)?;
    Ok(Value::of(local))
}

fn key(cx: &Cx) -> Value {
    Value::small((&raw const *cx) as i64)
}

fn new_dict(cx: &mut Cx, this: &'static Local) -> PyResult<&'static Dict> {
    let dict = Dict::new(cx);
    let key = key(cx);
    if let Some(dicts) = this.dicts.get() {
        dicts.set(cx, key, Value::of(dict))?;
    }
    Ok(dict)
}

/// The running thread's dict of a local object, made by `__init__` at first use.
fn own_dict(cx: &mut Cx, this: &'static Local) -> PyResult<&'static Dict> {
    let key = key(cx);
    let Some(dicts) = this.dicts.get() else { return new_dict(cx, this) };
    if let Some(found) = dicts.get(cx, key)?.and_then(|d| d.downcast::<Dict>()) {
        return Ok(found);
    }
    let dict = new_dict(cx, this)?;
    let class = Value::of(this).class();
    if own_init(class)
        && let Some(init) = class.slots().init
        && let Some(values) = this.args.get().and_then(|a| a.downcast::<Tuple>())
    {
        let kwnames = this.kwnames.get().and_then(|k| k.downcast::<Tuple>());
        if let Err(raised) = init(cx, Value::of(this), Args::new(values.items(), kwnames)) {
            let exception = cx.take_exception();
            dicts.remove(cx, key)?;
            cx.raise_again(exception);
            return Err(raised);
        }
    }
    Ok(dict)
}

/// Removes the data of a thread that ends.
pub fn leave(cx: &mut Cx) {
    let key = key(cx);
    // SAFETY: the GIL is held; what is listed is alive or not yet swept. Removing an int key runs no Python code and
    // collects nothing.
    let all = unsafe { &*ALL.0.get() };
    for local in all {
        // SAFETY: as above.
        if let Some(dicts) = unsafe { (**local).dicts.get() } {
            let _ = dicts.remove(cx, key);
        }
    }
}

fn getattr(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    // SAFETY: the slot of local objects.
    let this: &'static Local = unsafe { v.cast() };
    let dict = own_dict(cx, this)?;
    let class = v.class();
    if name.eq_rust("__dict__") {
        return Ok(Value::of(dict));
    }
    let descr = cx.type_lookup(class, name);
    if let Some(d) = descr
        && attr::is_data_descriptor(d)
        && let Some(get) = d.class().slots().descr_get
    {
        return get(cx, d, Some(v), Some(Value::of(class)));
    }
    if let Some(found) = dict.get_str(name) {
        return Ok(found);
    }
    match descr {
        Some(d) => attr::bind(cx, d, v, class),
        None => Err(attr::no_attribute(cx, v, name)),
    }
}

fn setattr(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    // SAFETY: the slot of local objects.
    let this: &'static Local = unsafe { v.cast() };
    let dict = own_dict(cx, this)?;
    if name.eq_rust("__dict__") {
        let text = format!("'{}' object attribute '__dict__' is read-only", v.class().tp_name());
        return Err(attr::attribute_error(cx, &text, v, name));
    }
    if let Some(d) = cx.type_lookup(v.class(), name)
        && let Some(set) = d.class().slots().descr_set
    {
        return set(cx, d, v, value);
    }
    match value {
        Some(value) => {
            let name = cx.intern_value(name);
            dict.set_str(cx, name, value);
        }
        None if dict.remove_str(cx, name).is_none() => return Err(attr::no_attribute(cx, v, name)),
        None => {}
    }
    Ok(())
}

#[pymethods]
impl Local {
    #[getter("__dict__")]
    fn dict(cx: &mut Cx, this: &'static Local) -> PyResult<&'static Dict> {
        own_dict(cx, this)
    }
}
