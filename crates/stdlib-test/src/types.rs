//! Types whose instances are called, bound or awaited in ways of their own.

use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::function::BoundMethod;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::trace_nothing;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, object, raise, trace_values};

use crate::calls::{with_args, with_keywords};

/// An object without contents.
macro_rules! plain_type {
    ($layout:ident, $static:ident, $spec:ident, $name:literal, { $($field:ident: $value:expr),* $(,)? }) => {
        #[repr(C)]
        pub struct $layout {
            header: Header,
        }
        object!($layout, $static);
        pub static $static: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: $name,
            basicsize: std::mem::size_of::<$layout>(),
            trace: Some(trace_nothing),
            $($field: $value,)*
            ..TypeSpec::DEFAULT
        };
    };
}

/// A `__new__` that ignores its arguments.
fn new_plain(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(cx.alloc_of(class, MethInstance { header: Header::fresh(class) })))
}

plain_type!(MethInstance, METH_INSTANCE, METH_INSTANCE_SPEC, "_testcapi.MethInstance", {
    slots: Slots { new: Some(new_plain), ..Slots::NONE },
    methods: &[MethInstance::METHODS],
});
plain_type!(MethClass, METH_CLASS, METH_CLASS_SPEC, "_testcapi.MethClass", {
    slots: Slots { new: Some(new_plain), ..Slots::NONE },
    methods: &[MethClass::METHODS],
});
plain_type!(MethStatic, METH_STATIC, METH_STATIC_SPEC, "_testcapi.MethStatic", {
    slots: Slots { new: Some(new_plain), ..Slots::NONE },
    methods: &[MethStatic::METHODS],
});

fn split(args: Args) -> (Value, Args) {
    (args.values()[0], Args::new(&args.values()[1..], args.kwnames()))
}

#[pymethods]
impl MethInstance {
    #[py("($self, /, *args)", raw)]
    fn meth_varargs(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_varargs")?;
        let (receiver, args) = split(args);
        with_args(cx, receiver, args)
    }
    #[py("($self, /, *args, **kwargs)", raw)]
    fn meth_varargs_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (receiver, args) = split(args);
        with_keywords(cx, receiver, args)
    }
    #[py("($self, argument, /)")]
    fn meth_o(cx: &mut Cx, this: &'static MethInstance, argument: Value) -> Value {
        Value::of(Tuple::new(cx, &[Value::of(this), argument]))
    }
    #[py("($self, /)")]
    fn meth_noargs(_cx: &mut Cx, this: &'static MethInstance) -> Value {
        Value::of(this)
    }
    #[py("($self, /, *args)", raw)]
    fn meth_fastcall(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_fastcall")?;
        let (receiver, args) = split(args);
        with_args(cx, receiver, args)
    }
    #[py("($self, /, *args, **kwargs)", raw)]
    fn meth_fastcall_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (receiver, args) = split(args);
        with_keywords(cx, receiver, args)
    }
}

#[pymethods]
impl MethClass {
    #[classmethod]
    #[py("($type, /, *args)", raw)]
    fn meth_varargs(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_varargs")?;
        let (receiver, args) = split(args);
        with_args(cx, receiver, args)
    }
    #[classmethod]
    #[py("($type, /, *args, **kwargs)", raw)]
    fn meth_varargs_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (receiver, args) = split(args);
        with_keywords(cx, receiver, args)
    }
    #[classmethod]
    #[py("($type, argument, /)")]
    fn meth_o(cx: &mut Cx, class: &'static Type, argument: Value) -> Value {
        Value::of(Tuple::new(cx, &[Value::of(class), argument]))
    }
    #[classmethod]
    #[py("($type, /)")]
    fn meth_noargs(_cx: &mut Cx, class: &'static Type) -> Value {
        Value::of(class)
    }
    #[classmethod]
    #[py("($type, /, *args)", raw)]
    fn meth_fastcall(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_fastcall")?;
        let (receiver, args) = split(args);
        with_args(cx, receiver, args)
    }
    #[classmethod]
    #[py("($type, /, *args, **kwargs)", raw)]
    fn meth_fastcall_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (receiver, args) = split(args);
        with_keywords(cx, receiver, args)
    }
}

#[pymethods]
impl MethStatic {
    #[staticmethod]
    #[py("(*args)", raw)]
    fn meth_varargs(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_varargs")?;
        with_args(cx, Value::none(), args)
    }
    #[staticmethod]
    #[py("(*args, **kwargs)", raw)]
    fn meth_varargs_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        with_keywords(cx, Value::none(), args)
    }
    #[staticmethod]
    #[py("(argument, /)")]
    fn meth_o(cx: &mut Cx, argument: Value) -> Value {
        Value::of(Tuple::new(cx, &[Value::none(), argument]))
    }
    #[staticmethod]
    #[py("()")]
    fn meth_noargs(_cx: &mut Cx) -> Value {
        Value::none()
    }
    #[staticmethod]
    #[py("(*args)", raw)]
    fn meth_fastcall(cx: &mut Cx, args: Args) -> PyResult<Value> {
        args.no_keywords(cx, "meth_fastcall")?;
        with_args(cx, Value::none(), args)
    }
    #[staticmethod]
    #[py("(*args, **kwargs)", raw)]
    fn meth_fastcall_keywords(cx: &mut Cx, args: Args) -> PyResult<Value> {
        with_keywords(cx, Value::none(), args)
    }
}

fn bind(cx: &mut Cx, v: Value, obj: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    match obj {
        Some(obj) => Ok(Value::of(BoundMethod::new(cx, v, obj))),
        None => Ok(v),
    }
}

plain_type!(DescriptorBase, DESCRIPTOR_BASE, DESCRIPTOR_BASE_SPEC, "_testcapi.MethodDescriptorBase", {
    flags: flags::BASETYPE | flags::METHOD_DESCRIPTOR | flags::VECTORCALL,
    slots: Slots {
        new: Some(new_plain),
        call: Some(|_, _, _| Ok(Value::bool(true))),
        descr_get: Some(bind),
        ..Slots::NONE
    },
});
plain_type!(DescriptorDerived, DESCRIPTOR_DERIVED, DESCRIPTOR_DERIVED_SPEC, "_testcapi.MethodDescriptorDerived", {
    base: Some(&DESCRIPTOR_BASE),
    flags: flags::BASETYPE | flags::METHOD_DESCRIPTOR | flags::VECTORCALL,
});
plain_type!(DescriptorNopGet, DESCRIPTOR_NOP_GET, DESCRIPTOR_NOP_GET_SPEC, "_testcapi.MethodDescriptorNopGet", {
    base: Some(&DESCRIPTOR_BASE),
    flags: flags::BASETYPE,
    slots: Slots {
        call: Some(|cx, _, args| Ok(Value::of(Tuple::new(cx, args.pos())))),
        descr_get: Some(|_, v, _, _| Ok(v)),
        ..Slots::NONE
    },
});
plain_type!(Descriptor2, DESCRIPTOR_2, DESCRIPTOR_2_SPEC, "_testcapi.MethodDescriptor2", {
    base: Some(&DESCRIPTOR_BASE),
    flags: flags::BASETYPE | flags::METHOD_DESCRIPTOR | flags::VECTORCALL,
    slots: Slots { call: Some(|_, _, _| Ok(Value::bool(false))), ..Slots::NONE },
});
plain_type!(LimitedCall, LIMITED_CALL, LIMITED_CALL_SPEC, "_testlimitedcapi.LimitedVectorCallClass", {
    slots: Slots { new: Some(new_plain), call: Some(|cx, _, _| Ok(cx.str("vectorcall called"))), ..Slots::NONE },
});
plain_type!(RelativeCall, RELATIVE_CALL, RELATIVE_CALL_SPEC, "_testlimitedcapi.LimitedRelativeVectorCallClass", {
    slots: Slots { new: Some(new_plain), call: Some(|cx, _, _| Ok(cx.str("vectorcall called"))), ..Slots::NONE },
});

/// What `await` makes its iterator of.
#[repr(C)]
pub struct AwaitType {
    header: Header,
    iterator: Value,
}
object!(AwaitType, AWAIT_TYPE);
trace_values!(trace_await, AwaitType, |t| [t.iterator]);

/// Its type.
pub static AWAIT_TYPE: Type = Type::new(&AWAIT_TYPE_SPEC);
static AWAIT_TYPE_SPEC: TypeSpec = TypeSpec {
    name: "_testcapi.awaitType",
    basicsize: std::mem::size_of::<AwaitType>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_await),
    slots: Slots {
        new: Some(|cx, class, args| {
            let [iterator] = args.pos() else {
                let n = args.pos().len();
                return raise!(cx, TypeError, "awaitObject expected 1 argument, got {n}");
            };
            let made = AwaitType { header: Header::fresh(class), iterator: *iterator };
            Ok(Value::of(cx.alloc_of(class, made)))
        }),
        // SAFETY: the slot is called with instances of the type.
        await_: Some(|_, v| Ok(unsafe { v.cast::<AwaitType>() }.iterator)),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// A trace function that notes events in a list.
#[repr(C)]
pub struct Recorder {
    header: Header,
    events: &'static List,
}
object!(Recorder, RECORDER);
trace_values!(trace_recorder, Recorder, |t| [Some(Value::of(t.events))]);

/// Its type.
pub static RECORDER: Type = Type::new(&RECORDER_SPEC);
static RECORDER_SPEC: TypeSpec = TypeSpec {
    name: "_testcapi.recorder",
    basicsize: std::mem::size_of::<Recorder>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_recorder),
    slots: Slots { call: Some(record), ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// Notes `(number of the event, line, argument)` of a call as a trace function, and goes on tracing.
fn record(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    const EVENTS: [&str; 7] = ["call", "exception", "line", "return", "c_call", "c_exception", "c_return"];
    let &[frame, event, argument] = args.pos() else {
        return raise!(cx, TypeError, "a trace function has 3 arguments");
    };
    let name = event.downcast::<Str>();
    let number = EVENTS.iter().position(|e| name.is_some_and(|n| n.eq_rust(e))).unwrap_or(EVENTS.len());
    let line = attr::get_text(cx, frame, "f_lineno")?;
    let row = Tuple::new(cx, &[Value::small(number as i64), line, argument]);
    // SAFETY: the slot is called with instances of the type.
    let this: &'static Recorder = unsafe { v.cast() };
    this.events.push(cx, Value::of(row));
    Ok(v)
}

/// A new one. May collect.
pub fn recorder(cx: &mut Cx, events: &'static List) -> Value {
    Value::of(cx.alloc(Recorder { header: Header::fresh(&RECORDER), events }))
}

/// The types of `_testcapi`.
pub static CAPI: &[&Type] = &[
    &METH_INSTANCE,
    &METH_CLASS,
    &METH_STATIC,
    &DESCRIPTOR_BASE,
    &DESCRIPTOR_DERIVED,
    &DESCRIPTOR_NOP_GET,
    &DESCRIPTOR_2,
    &AWAIT_TYPE,
    &RECORDER,
];
/// The types of `_testlimitedcapi`.
pub static LIMITED: &[&Type] = &[&LIMITED_CALL, &RELATIVE_CALL];
