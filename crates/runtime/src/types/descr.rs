//! Descriptors of native code: built-in functions, method descriptors, slot wrappers, attributes over native
//! functions (getset) and over `__slots__` words (member).

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::native::{Args, GetSetDef, NativeDef, NativeKind};
use crate::object::Header;
use crate::slots::{Dunder, Slots};
use crate::typeobj::Type;
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, object, raise};

/// `builtin_function_or_method`.
#[repr(C)]
pub struct NativeFunction {
    header: Header,
    /// The declaration.
    pub def: &'static NativeDef,
    /// What it is bound to: an object, a type (class methods), a module (functions), or nothing.
    pub receiver: Option<Value>,
    /// `__module__`.
    pub module: Cell<Option<Value>>,
}
object!(NativeFunction, crate::types::descr_methods::NATIVE_FUNCTION);

/// `method_descriptor` and `classmethod_descriptor`.
#[repr(C)]
pub struct MethodDescr {
    header: Header,
    /// The declaration.
    pub def: &'static NativeDef,
    /// `__objclass__`.
    pub owner: &'static Type,
}
object!(MethodDescr, crate::types::descr_methods::METHOD_DESCR);

/// `wrapper_descriptor`: a special method over a native slot.
#[repr(C)]
pub struct SlotWrapper {
    header: Header,
    /// The special method.
    pub dunder: &'static Dunder,
    /// `__objclass__`, whose own slots are called.
    pub owner: &'static Type,
}
object!(SlotWrapper, crate::types::descr_methods::SLOT_WRAPPER);

/// `method-wrapper`: a bound slot wrapper.
#[repr(C)]
pub struct MethodWrapper {
    header: Header,
    /// The descriptor.
    pub wrapper: &'static SlotWrapper,
    /// `__self__`.
    pub receiver: Value,
}
object!(MethodWrapper, crate::types::descr_methods::METHOD_WRAPPER);

/// `getset_descriptor`.
#[repr(C)]
pub struct GetSet {
    header: Header,
    /// The declaration.
    pub def: &'static GetSetDef,
    /// `__objclass__`.
    pub owner: &'static Type,
}
object!(GetSet, crate::types::descr_methods::GETSET);

/// `member_descriptor`: a `__slots__` variable.
#[repr(C)]
pub struct Member {
    header: Header,
    /// `__objclass__`.
    pub owner: &'static Type,
    /// `__name__`.
    pub name: &'static Str,
    /// Byte offset of the word in instances.
    pub offset: u32,
    /// `__doc__`.
    pub doc: Cell<Option<Value>>,
}
object!(Member, crate::types::descr_methods::MEMBER);

macro_rules! trace_fn {
    ($name:ident, $layout:ty, |$this:ident| $values:expr) => {
        /// Visits the references.
        ///
        /// # Safety
        /// `object` must be of that layout.
        pub unsafe fn $name(object: *mut Header, marker: &mut Marker) {
            // SAFETY: the caller's promise.
            let $this = unsafe { &*object.cast::<$layout>() };
            for value in $values.into_iter().flatten() {
                let value: Value = value;
                marker.mark_value(value.bits());
            }
        }
    };
}
trace_fn!(trace_native, NativeFunction, |t| [t.receiver, t.module.get()]);
trace_fn!(trace_method_descr, MethodDescr, |t| [Some(Value::of(t.owner))]);
trace_fn!(trace_slot_wrapper, SlotWrapper, |t| [Some(Value::of(t.owner))]);
trace_fn!(trace_method_wrapper, MethodWrapper, |t| [Some(Value::of(t.wrapper)), Some(t.receiver)]);
trace_fn!(trace_getset, GetSet, |t| [Some(Value::of(t.owner))]);
trace_fn!(trace_member, Member, |t| [Some(Value::of(t.owner)), Some(Value::of(t.name)), t.doc.get()]);

impl NativeFunction {
    /// A new built-in function. May collect.
    pub fn new(
        cx: &mut Cx,
        def: &'static NativeDef,
        receiver: Option<Value>,
        module: Option<Value>,
    ) -> &'static NativeFunction {
        let header = Header::fresh(&crate::types::descr_methods::NATIVE_FUNCTION);
        cx.alloc(NativeFunction { header, def, receiver, module: Cell::new(module) })
    }

    /// Calls it.
    #[inline]
    pub fn call(&self, cx: &mut Cx, args: Args) -> PyResult<Value> {
        match (self.def.kind, self.receiver) {
            (NativeKind::Method | NativeKind::Class | NativeKind::New, Some(receiver)) => {
                call_with_first(cx, self.def, receiver, args)
            }
            _ => (self.def.call)(cx, args),
        }
    }
}

/// Calls a native function with a receiver in front of its arguments. Out of line, so that the unused part of its array
/// is not in the frames of other calls, where it would hold stale references.
#[inline(never)]
pub fn call_with_first(cx: &mut Cx, def: &'static NativeDef, first: Value, args: Args) -> PyResult<Value> {
    let mut all: smallvec::SmallVec<[Value; 8]> = smallvec::SmallVec::with_capacity(args.values().len() + 1);
    all.push(first);
    all.extend_from_slice(args.values());
    (def.call)(cx, Args::new(&all, args.kwnames()))
}

impl MethodDescr {
    /// A new method descriptor. May collect.
    pub fn new(cx: &mut Cx, def: &'static NativeDef, owner: &'static Type) -> Value {
        let class = if def.kind == NativeKind::Class {
            &crate::types::descr_methods::CLASS_METHOD_DESCR
        } else {
            &crate::types::descr_methods::METHOD_DESCR
        };
        Value::of(cx.alloc(MethodDescr { header: Header::fresh(class), def, owner }))
    }

    /// Calls it unbound: the first argument is the receiver, whose type is checked.
    #[inline]
    pub fn call(&self, cx: &mut Cx, args: Args) -> PyResult<Value> {
        let name = self.def.name;
        let Some(first) = args.pos().first() else {
            let owner = self.owner.name();
            return raise!(cx, TypeError, "unbound method {owner}.{name}() needs an argument");
        };
        self.check(cx, *first)?;
        (self.def.call)(cx, args)
    }

    /// TypeError unless `receiver` is an instance of the owner.
    #[inline]
    pub fn check(&self, cx: &mut Cx, receiver: Value) -> PyResult<()> {
        if receiver.is_instance(self.owner) {
            return Ok(());
        }
        let (name, owner, got) = (self.def.name, self.owner.tp_name(), receiver.class().tp_name());
        raise!(cx, TypeError, "descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object")
    }
}

impl SlotWrapper {
    /// A new slot wrapper. May collect.
    pub fn new(cx: &mut Cx, dunder: &'static Dunder, owner: &'static Type) -> Value {
        let header = Header::fresh(&crate::types::descr_methods::SLOT_WRAPPER);
        Value::of(cx.alloc(SlotWrapper { header, dunder, owner }))
    }

    /// Calls it with a receiver, whose type is checked.
    pub fn call_on(&self, cx: &mut Cx, receiver: Value, args: Args) -> PyResult<Value> {
        if !receiver.is_instance(self.owner) {
            let (name, owner, got) = (self.dunder.name, self.owner.tp_name(), receiver.class().tp_name());
            return raise!(cx, TypeError, "descriptor '{name}' requires a '{owner}' object but received a '{got}'");
        }
        if args.kwnames().is_some() && !crate::slots::takes_keywords(self.dunder) {
            return raise!(cx, TypeError, "wrapper {}() takes no keyword arguments", self.dunder.name);
        }
        let slots: &Slots = self.owner.slots();
        (self.dunder.call)(cx, slots, receiver, args)
    }
}

/// True if `v` is a slot wrapper of exactly `owner`.
pub fn is_slot_wrapper_of(v: Value, owner: &Type) -> bool {
    v.exact::<SlotWrapper>().is_some_and(|w| std::ptr::eq(w.owner, owner))
}

impl GetSet {
    /// TypeError unless `receiver` is an instance of the owner.
    #[inline]
    pub fn check(&self, cx: &mut Cx, receiver: Value) -> PyResult<()> {
        check_receiver(cx, self.def.name, self.owner, receiver)
    }

    /// Adds a native attribute to the namespace of `owner`. May collect.
    pub fn define(cx: &mut Cx, owner: &'static Type, def: &'static GetSetDef) {
        let getset = GetSet { header: Header::fresh(&crate::types::descr_methods::GETSET), def, owner };
        let getset = Value::of(cx.alloc(getset));
        let key = cx.intern(def.name);
        owner.dict().set_str(cx, key, getset);
    }
}

#[inline]
fn check_receiver(cx: &mut Cx, name: &str, owner: &'static Type, receiver: Value) -> PyResult<()> {
    if receiver.is_instance(owner) {
        return Ok(());
    }
    let (owner, got) = (owner.tp_name(), receiver.class().tp_name());
    raise!(cx, TypeError, "descriptor '{name}' for '{owner}' objects doesn't apply to a '{got}' object")
}

impl MethodWrapper {
    /// A new bound slot wrapper. May collect.
    pub fn new(cx: &mut Cx, wrapper: &'static SlotWrapper, receiver: Value) -> Value {
        let header = Header::fresh(&crate::types::descr_methods::METHOD_WRAPPER);
        Value::of(cx.alloc(MethodWrapper { header, wrapper, receiver }))
    }
}

impl Member {
    /// TypeError unless `receiver` is an instance of the owner.
    #[inline]
    pub fn check(&self, cx: &mut Cx, receiver: Value) -> PyResult<()> {
        check_receiver(cx, &self.name.to_string_lossy(), self.owner, receiver)
    }

    /// A new member descriptor. May collect.
    pub fn new(cx: &mut Cx, owner: &'static Type, name: &'static Str, offset: u32) -> &'static Member {
        let header = Header::fresh(&crate::types::descr_methods::MEMBER);
        cx.alloc(Member { header, owner, name, offset, doc: Cell::new(None) })
    }

    /// The word in `object`, whose type must have been checked.
    #[inline(always)]
    pub fn word(&self, object: Value) -> *mut u64 {
        (object.bits() as usize + self.offset as usize) as *mut u64
    }
}
