//! weakref.ref, and what references and proxies (`proxy.rs`) share.
//!
//! The collector clears references to what dies (`heap.rs`); the references of each object are listed in its table.

use std::cell::Cell;

use crate::cx::Cx;
use crate::heap::{RootVec, register_weakref};
use crate::native::{Args, GetSetDef};
use crate::object::Header;
use crate::protocol::compare::{self, CmpOp};
use crate::protocol::{attr, hash};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::proxy::{CALLABLE_PROXY, PROXY};
use crate::types::str::Str;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A weak reference or proxy (64 bytes, CABI 2.2).
#[repr(C)]
pub struct WeakRef {
    header: Header,
    target: Cell<Option<Value>>,
    callback: Cell<Option<Value>>,
    hash: Cell<Option<i64>>,
    spare: [usize; 2],
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
    slots: Slots {
        repr: Some(|cx, v| describe(cx, v, "weakref")),
        hash: Some(hash_ref),
        richcompare: Some(compare_refs),
        call: Some(|cx, v, args| {
            args.no_keywords(cx, "weakref")?;
            match args.values().len() {
                0 => Ok(of(v).target().unwrap_or(Value::none())),
                n => raise!(cx, TypeError, "weakref expected 0 arguments, got {n}"),
            }
        }),
        init: Some(|cx, _, args| {
            args.no_keywords(cx, "ref")?;
            target_and_callback(cx, args, "__init__").map(|_| ())
        }),
        new: Some(|cx, class, args| {
            let own_init = class.is_heap_type();
            if !own_init {
                args.no_keywords(cx, "ref")?;
            }
            let (target, callback) = target_and_callback(cx, Args::positional(args.pos()), "__new__")?;
            new(cx, class, target, callback)
        }),
        ..Slots::NONE
    },
    methods: &[WeakRef::METHODS],
    getsets: &[MEMBERS],
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&WEAKREF];

members! {
    MEMBERS: WeakRef;
    "__callback__" "" |_cx, r| r.callback.get().unwrap_or(Value::none());
}

/// `__weakref__` of classes whose instances can be weakly referenced: the first reference.
pub static WEAKREF_GETSET: GetSetDef = GetSetDef {
    name: "__weakref__",
    doc: "list of weak references to the object",
    get: Some(|cx, v| Ok(references(cx, v).first().copied().unwrap_or(Value::none()))),
    set: None,
};

/// Visits a weak reference; not its target.
///
/// # Safety
/// `object` must be a weak reference or proxy.
pub unsafe fn trace_weakref(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the caller's promise.
    if let Some(callback) = unsafe { (*object.cast::<WeakRef>()).callback.get() } {
        marker.mark_value(callback.bits());
    }
}

fn of(v: Value) -> &'static WeakRef {
    // SAFETY: slots of references and proxies; both have this layout.
    unsafe { v.cast() }
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

#[pymethods]
impl WeakRef {
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        crate::types::generic_alias::new(cx, class, object)
    }
}

fn target_and_callback(cx: &mut Cx, args: Args, name: &str) -> PyResult<(Value, Option<Value>)> {
    match args.pos() {
        [] => raise!(cx, TypeError, "{name} expected at least 1 argument, got 0"),
        [target] => Ok((*target, None)),
        [target, callback] => Ok((*target, Some(*callback).filter(|c| !c.is_none()))),
        more => raise!(cx, TypeError, "{name} expected at most 2 arguments, got {}", more.len()),
    }
}

/// A weak reference of `class` (a reference or proxy type). References without callback of the built-in types are
/// shared. May collect.
pub fn new(cx: &mut Cx, class: &'static Type, target: Value, callback: Option<Value>) -> PyResult<Value> {
    if !target.is_pointer() || !target.class().data().weakrefs {
        let got = target.class().tp_name();
        return raise!(cx, TypeError, "cannot create weak reference to '{got}' object");
    }
    let shared = callback.is_none() && !class.is_heap_type();
    if shared {
        let is_wanted = |r: &Value| is_shared(*r) && std::ptr::eq(r.class(), class);
        let found = cx.rt().special.borrow().weakrefs_to(target).iter().copied().find(is_wanted);
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let this = WeakRef {
        header: Header::fresh(class),
        target: Cell::new(Some(target)),
        callback: Cell::new(callback),
        hash: Cell::new(None),
        spare: [0; 2],
    };
    let this = Value::of(cx.alloc_of(class, this));
    let rank = rank(this);
    register_weakref(cx, this, target, |other| rank <= self::rank(other));
    Ok(this)
}

fn is_shared(r: Value) -> bool {
    !of(r).has_callback() && !r.class().is_heap_type()
}

/// Place in the list of a target's references: the shared reference, the shared proxy, then the latest first.
fn rank(r: Value) -> u8 {
    match is_shared(r) {
        true if std::ptr::eq(r.class(), &WEAKREF) => 0,
        true => 1,
        false => 2,
    }
}

/// All weak references to `target`.
pub fn references(cx: &mut Cx, target: Value) -> RootVec {
    RootVec::from_slice(cx.rt().special.borrow().weakrefs_to(target))
}

/// `<kind at 0x...; to 'C' at 0x... (name)>`.
pub fn describe(cx: &mut Cx, v: Value, kind: &str) -> PyResult<Value> {
    let address = v.bits();
    let Some(target) = of(v).target() else { return Ok(cx.str(&format!("<{kind} at {address:#x}; dead>"))) };
    let mut name = String::new();
    if kind == "weakref" {
        let key = cx.names().__name__;
        let found = match cx.lookup_special(target, key) {
            Some(descr) => {
                let bound = attr::bind(cx, descr, target, target.class());
                cx.catch(bound, &crate::exceptions::AttributeError)?
            }
            None => None,
        };
        if let Some(found) = found.and_then(|n| n.downcast::<Str>()) {
            name = format!(" ({found})");
        }
    }
    let class = crate::types::type_::message_name(cx, target.class());
    let at = target.bits();
    Ok(cx.str(&format!("<{kind} at {address:#x}; to '{class}' at {at:#x}{name}>")))
}

fn hash_ref(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    if let Some(h) = this.hash.get() {
        return Ok(h);
    }
    match this.target() {
        Some(target) => {
            let h = hash::hash(cx, target)?;
            this.hash.set(Some(h));
            Ok(h)
        }
        None => raise!(cx, TypeError, "weak object has gone away"),
    }
}

fn compare_refs(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) || !a.is_instance(&WEAKREF) || !b.is_instance(&WEAKREF) {
        return Ok(Value::not_implemented());
    }
    match (of(a).target(), of(b).target()) {
        (Some(x), Some(y)) => compare::rich(cx, x, y, op),
        _ => Ok(Value::bool((a == b) == (op == CmpOp::Eq))),
    }
}

/// Runs the callback of a dead weak reference.
pub fn run_callback(cx: &mut Cx, weakref: Value) {
    let this = of(weakref);
    let Some(callback) = this.callback.take() else { return };
    cx.at_home_of(callback, |cx| {
        if cx.call(callback, &[weakref]).is_err() {
            let exception = cx.take_exception();
            crate::traceback_print::unraisable::report_ignored(cx, exception, "calling weakref callback", callback);
        }
    });
}

/// `weakref.proxy(target, callback)`. May collect.
pub fn new_proxy(cx: &mut Cx, target: Value, callback: Option<Value>) -> PyResult<Value> {
    let callable = target.class().slots().call.is_some();
    new(cx, if callable { &CALLABLE_PROXY } else { &PROXY }, target, callback.filter(|c| !c.is_none()))
}
