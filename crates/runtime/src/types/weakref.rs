//! Weak references and proxies.
#![allow(unused_imports, dead_code)]

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

use taipan_gc::Marker;

/// A weak reference (64 bytes, CABI 2.2).
#[repr(C)]
pub struct WeakRef {
    header: Header,
    target: std::cell::Cell<Option<Value>>,
    callback: std::cell::Cell<Option<Value>>,
    hash: std::cell::Cell<i64>,
    spare: [usize; 3],
}
const _: () = assert!(std::mem::size_of::<WeakRef>() == 64);
object!(WeakRef, WEAKREF);

/// The type `weakref.ReferenceType`.
pub static WEAKREF: Type = Type::new(&WEAKREF_SPEC);
static WEAKREF_SPEC: TypeSpec = TypeSpec {
    name: "weakref.ReferenceType",
    basicsize: 64,
    flags: flags::BASETYPE,
    trace: Some(trace_weakref),
    slots: Slots { ..Slots::NONE },
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&WEAKREF];

unsafe fn trace_weakref(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for weak references only; the target is not visited.
    if let Some(callback) = unsafe { (*object.cast::<WeakRef>()).callback.get() } {
        marker.mark_value(callback.bits());
    }
}

impl WeakRef {
    /// The target, while it lives.
    pub fn target(&self) -> Option<Value> {
        self.target.get()
    }

    /// Forgets the target (the collector found it dead).
    pub fn clear(&self) {
        self.target.set(None);
    }

    /// True if a callback must run when the target dies.
    pub fn has_callback(&self) -> bool {
        self.callback.get().is_some()
    }
}

/// Runs the callback of a dead weak reference.
pub fn run_callback(cx: &mut Cx, weakref: Value) {
    // SAFETY: the collector queues weak references only.
    let this = unsafe { weakref.cast::<WeakRef>() };
    if let Some(callback) = this.callback.take()
        && cx.call(callback, &[weakref]).is_err()
    {
        let exception = cx.take_exception();
        crate::protocol::object::unraisable(cx, exception, Some(callback), None);
    }
}
