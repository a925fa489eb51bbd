//! Dispatchers: callables that stand for a Python function and are asked only when it is called with arguments of new kinds.
//!
//! The module `numba` is built on them. A call whose arguments are of kinds seen before is a call of the function: the
//! interpreter pushes the function's frame ([`direct`]), compiled code looks through the dispatcher ([`target`]). Other calls
//! are reported to the methods `_seen` and, when they have returned and the function has been compiled, `_returned` of the
//! dispatcher's Python class.

use std::cell::Cell;

use crate::cx::{Cx, PyResult};
use crate::native::Args;
use crate::object::Header;
use crate::protocol::call::{call_function, with_entered};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::function::{BoundMethod, Function};
use crate::types::list::List;
use crate::types::object_methods::instance_dict;
use crate::types::set::Set;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{object, raise, trace_values};

/// So many kinds of calls are remembered; when there are more, the oldest is asked about again.
const REMEMBERED: usize = 16;

/// A dispatcher.
#[repr(C)]
pub struct Dispatcher {
    header: Header,
    function: &'static Function,
    /// Fingerprints of argument kinds; 0: unused.
    known: [Cell<u64>; REMEMBERED],
    /// Which is replaced next.
    next: Cell<usize>,
}
object!(Dispatcher, DISPATCHER);
trace_values!(trace_dispatcher, Dispatcher, |t| [Value::of(t.function)]);

/// The type of dispatchers, to be subclassed.
pub static DISPATCHER: Type = Type::new(&DISPATCHER_SPEC);
static DISPATCHER_SPEC: TypeSpec = TypeSpec {
    name: "_taipan_jit.Dispatcher",
    basicsize: std::mem::size_of::<Dispatcher>(),
    flags: flags::BASETYPE | flags::HAVE_GC | flags::METHOD_DESCRIPTOR,
    attrs: true,
    weakrefs: true,
    trace: Some(trace_dispatcher),
    slots: Slots {
        new: Some(new),
        call: Some(call),
        descr_get: Some(|cx, v, obj, _| match obj {
            Some(obj) => Ok(Value::of(BoundMethod::new(cx, v, obj))),
            None => Ok(v),
        }),
        ..Slots::NONE
    },
    getsets: &[DISPATCHER_MEMBERS],
    doc: "A callable that stands for a Python function and reports new kinds of arguments to its method _seen.",
    signature: "(function, /)",
    ..TypeSpec::DEFAULT
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    // What else a subclass's `__init__` takes is not looked at.
    let Some(function) = args.pos().first().and_then(|f| f.exact::<Function>()) else {
        return raise!(cx, TypeError, "Dispatcher expected a function");
    };
    let dispatcher = Dispatcher {
        header: Header::fresh(class),
        function,
        known: [const { Cell::new(0) }; REMEMBERED],
        next: Cell::new(0),
    };
    Ok(Value::of(cx.alloc_of(class, dispatcher)))
}

/// The function for which `v` stands, if it is a dispatcher whose class does not say otherwise.
#[inline]
pub fn target(v: Value) -> Option<&'static Function> {
    let own: fn(&mut Cx, Value, Args) -> PyResult<Value> = call;
    let stands = v.class().slots().call.is_some_and(|f| std::ptr::fn_addr_eq(f, own));
    // SAFETY: only dispatchers and instances of their subclasses have this slot.
    stands.then(|| unsafe { v.cast::<Dispatcher>() }.function)
}

/// As [`target`], unless the arguments are of new kinds.
#[inline]
pub fn direct(v: Value, args: Args) -> Option<&'static Function> {
    let function = target(v)?;
    // SAFETY: as in target.
    unsafe { v.cast::<Dispatcher>() }.knows(fingerprint(args)).then_some(function)
}

impl Dispatcher {
    fn knows(&self, print: u64) -> bool {
        self.known.iter().any(|k| k.get() == print)
    }

    fn remember(&self, print: u64) {
        let next = self.next.get();
        self.known[next].set(print);
        self.next.set((next + 1) % REMEMBERED);
    }

    /// Every call is reported again.
    pub fn forget(&self) {
        self.known.iter().for_each(|k| k.set(0));
    }
}

/// A number for the kinds of arguments: their classes, for lists, tuples and sets also the class of an item. Never 0.
fn fingerprint(args: Args) -> u64 {
    let mut print = args.kwnames().map_or(1, |names| names as *const Tuple as u64);
    for v in args.values() {
        print = mix(mix(print, v.class() as *const Type as u64), item_class(*v));
    }
    print | 1
}

fn item_class(v: Value) -> u64 {
    let first = if let Some(list) = v.exact::<List>() {
        list.get(0)
    } else if let Some(tuple) = v.exact::<Tuple>() {
        return tuple.items().iter().take(8).fold(1, |print, v| mix(print, v.class() as *const Type as u64));
    } else if let Some(set) = v.exact::<Set>() {
        set.iter().next().map(|item| item.0)
    } else {
        None
    };
    first.map_or(0, |v| v.class() as *const Type as u64)
}

fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the call slot of dispatchers.
    let this = unsafe { v.cast::<Dispatcher>() };
    let print = fingerprint(args);
    if this.knows(print) {
        return call_function(cx, this.function, args);
    }
    // Calls that it makes of itself are none of new kinds.
    this.remember(print);
    let values = Value::of(Tuple::new(cx, args.values()));
    let names = args.kwnames().map_or(Value::none(), Value::of);
    let key = cx.call_method_text(v, "_seen", &[values, names])?;
    let result = call_function(cx, this.function, args)?;
    // What the first call went through is known now, and its loops have been compiled if they were long.
    compile(cx, this.function, args)?;
    cx.call_method_text(v, "_returned", &[key, values, names, result])?;
    Ok(result)
}

/// Compiles a function for arguments of the kinds of `args`, now; false if that gave no code.
pub fn compile(cx: &mut Cx, f: &'static Function, args: Args) -> PyResult<bool> {
    let compile = cx.rt().hooks.get().compile_now;
    // SAFETY: the frame has just been entered.
    with_entered(cx, f, args, |cx| unsafe { compile(cx) })
}

members! {
    DISPATCHER_MEMBERS: Dispatcher;
    "_target" "the function that is called" |_cx, d| Value::of(d.function);
    "__dict__" "" |cx, d| instance_dict(cx, Value::of(d)).map_or(Value::none(), Value::of);
}
