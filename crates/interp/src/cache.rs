//! Filling of inline caches: which quickened form an attribute instruction gets after it ran once.
//!
//! Layout of the cache words of attribute instructions (w1 = first cache word): the high half of w1 is the type
//! version, w2 a shape, w3 the payload. A site that keeps missing stays generic: its misses are counted in the
//! instruction's unused operand c.

use taipan_bytecode::Op;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::attr;
use taipan_runtime::shape::{Attrs, Shape, attrs_offset};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::descr::Member;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::list;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, Value};

use crate::ops::set_op;

/// Misses after which a site is left generic.
const MAX_MISSES: u64 = 12;
/// One miss in so many is an attempt even then: what the site meets may have changed since.
const RETRY: u64 = 1024;
/// Of so many misses behind the first the JIT is told what was met: it may know all classes before it compiles anything.
const MOST_TOLD: u64 = 24;

/// The address of the first cache word of the instruction being cached.
#[derive(Clone, Copy)]
pub(crate) struct Site(pub(crate) *mut u64);

impl Site {
    /// Counts a miss, by `v`; false if the site should be left alone.
    fn may_cache(self, cx: &Cx, v: Value) -> bool {
        // SAFETY: INT-3.
        let misses = unsafe {
            let word = self.0.sub(1);
            let misses = *word >> 48;
            *word = (*word & 0xffff_ffff_ffff) | (misses + 1) << 48;
            misses
        };
        if (1..=MOST_TOLD).contains(&misses) {
            self.tell(cx, v);
        }
        misses < MAX_MISSES || misses % RETRY == 0
    }

    /// Tells the JIT that the site has met `v`, if the interpreter executes it.
    #[inline(never)]
    fn tell(self, cx: &Cx, v: Value) {
        // SAFETY: INT-1.
        let frame = unsafe { &*cx.frame };
        if std::ptr::eq(frame.pc, self.0) {
            (cx.rt().hooks.get().operand)(frame.code, frame.word_index() as u32, v, false);
        }
    }

    fn fill(self, op: Op, version: u32, second: u64, third: u64) {
        // SAFETY: INT-3.
        unsafe {
            set_op(self.0, op);
            *self.0 = (*self.0 & 0xffff_ffff) | (version as u64) << 32;
            *self.0.add(1) = second;
            *self.0.add(2) = third;
        }
    }
}

/// The version of a class, given one if possible; 0 if it must not be cached.
fn version_of(cx: &mut Cx, class: &'static Type) -> u32 {
    cx.assign_version(class);
    class.version()
}

/// Byte offset of inline slot `i`, packed with that of the shape word for w3; None if the slot is not inline.
fn slot_offsets(v: Value, shape: &Shape, i: u32) -> Option<u64> {
    if i >= shape.inline_cap {
        return None;
    }
    let base = attrs_offset(v.as_object()?) as u64;
    Some(base << 32 | (base + 16 + 8 * i as u64))
}

/// Caches `LoadAttr`; called before the generic lookup runs.
#[cold]
#[inline(never)]
pub(crate) fn load_attr(cx: &mut Cx, site: Site, v: Value, name: &'static Str) {
    if !site.may_cache(cx, v) || !v.is_pointer() {
        return;
    }
    let class = v.class();
    if let Some(module) = v.exact::<Module>() {
        return module_attr(cx, site, Op::LoadAttrModule, module, name);
    }
    if let Some(owner) = v.downcast::<Type>() {
        return type_attr(cx, site, owner, name);
    }
    if !attr::uses_generic_get(class) {
        return;
    }
    let descr = cx.type_lookup(class, name);
    let version = version_of(cx, class);
    if version == 0 {
        return;
    }
    if let Some(d) = descr {
        if let Some(member) = d.exact::<Member>() {
            if class.is_subtype(member.owner) {
                site.fill(Op::LoadAttrMember, version, 0, member.offset as u64);
            }
            return;
        }
        if let Some(getter) = attr::python_getter(d) {
            site.fill(Op::LoadAttrProperty, version, 0, Value::of(getter).bits());
            return;
        }
        if attr::is_data_descriptor(d) {
            return;
        }
    }
    let Some(attrs) = Attrs::of(v) else {
        if let Some(d) = descr
            && d.class().slots().descr_get.is_none()
        {
            site.fill(Op::LoadAttrClass, version, 0, d.bits());
        }
        return;
    };
    attrs.renew(cx);
    let shape = attrs.shape();
    if shape.is_dict {
        return;
    }
    let shape_word = Value::of(shape).bits();
    match shape.find(name) {
        Some(i) => {
            if let Some(offsets) = slot_offsets(v, shape, i) {
                let op = if shape.is_double(i) { Op::LoadAttrDouble } else { Op::LoadAttrSlot };
                site.fill(op, version, shape_word, offsets);
            }
        }
        None => {
            if let Some(d) = descr
                && d.class().slots().descr_get.is_none()
                && class.data().itemsize == 0
            {
                site.fill(Op::LoadAttrClass, version, shape_word, d.bits());
            }
        }
    }
}

fn module_attr(cx: &mut Cx, site: Site, op: Op, module: &'static Module, name: &'static Str) {
    // Names that the module type itself defines as data descriptors (`__dict__`, ...) win over variables.
    if cx.type_lookup(Value::of(module).class(), name).is_some_and(attr::is_data_descriptor) {
        return;
    }
    let dict: &Dict = module.dict();
    if let Some(n) = dict.entry_of_str(name) {
        site.fill(op, 1, dict.version(), n as u64);
    }
}

fn type_attr(cx: &mut Cx, site: Site, owner: &'static Type, name: &'static Str) {
    let meta = owner.header().class();
    let native: fn(&mut Cx, Value, &'static Str) -> taipan_runtime::PyResult<Value> = attr::type_get;
    if !meta.slots().getattr.is_some_and(|f| std::ptr::fn_addr_eq(f, native)) {
        return;
    }
    // A data descriptor of the metaclass would win; that cannot appear on `type` itself later.
    if !std::ptr::eq(meta, &taipan_runtime::types::type_::TYPE)
        || cx.type_lookup(meta, name).is_some_and(attr::is_data_descriptor)
    {
        return;
    }
    let Some(found) = cx.type_lookup(owner, name) else { return };
    let plain = found.class().slots().descr_get.is_none() || found.exact::<Function>().is_some();
    let version = version_of(cx, owner);
    if plain && version != 0 {
        site.fill(Op::LoadAttrType, version, 0, found.bits());
    }
}

/// Caches `LoadMethod`; called before the generic lookup runs.
#[cold]
#[inline(never)]
pub(crate) fn load_method(cx: &mut Cx, site: Site, v: Value, name: &'static Str) {
    if !site.may_cache(cx, v) {
        return;
    }
    if let Some(module) = v.exact::<Module>() {
        return module_attr(cx, site, Op::LoadMethodModule, module, name);
    }
    let class = v.class();
    if !attr::uses_generic_get(class) {
        return;
    }
    let Some(f) = cx.type_lookup(class, name) else { return };
    if !attr::is_method(f) || class.data().itemsize != 0 && class.data().attrs {
        return;
    }
    let version = version_of(cx, class);
    let shape_word = match Attrs::of(v) {
        None => 0,
        Some(attrs) => {
            let shape = attrs.shape();
            if shape.is_dict || shape.find(name).is_some() {
                return;
            }
            Value::of(shape).bits()
        }
    };
    if version != 0 {
        site.fill(Op::LoadMethodClass, version, shape_word, f.bits());
    }
}

/// Caches `StoreAttr`; called before the generic store runs, with the shape as it is before.
#[cold]
#[inline(never)]
pub(crate) fn store_attr(cx: &mut Cx, site: Site, v: Value, name: &'static Str, value: Value) {
    if !site.may_cache(cx, v) || !v.is_pointer() {
        return;
    }
    let class = v.class();
    if !attr::uses_generic_set(class) {
        return;
    }
    let descr = cx.type_lookup(class, name);
    let version = version_of(cx, class);
    if version == 0 {
        return;
    }
    if let Some(d) = descr {
        if let Some(member) = d.exact::<Member>() {
            if class.is_subtype(member.owner) {
                site.fill(Op::StoreAttrMember, version, 0, member.offset as u64);
            }
            return;
        }
        if attr::is_data_descriptor(d) {
            return;
        }
    }
    let Some(attrs) = Attrs::of(v) else { return };
    attrs.renew(cx);
    let shape = attrs.shape();
    if shape.is_dict {
        return;
    }
    let shape_word = Value::of(shape).bits();
    let is_double = list::double_of(value).is_some();
    if let Some(i) = shape.find(name) {
        match slot_offsets(v, shape, i) {
            Some(offsets) if !shape.is_double(i) => site.fill(Op::StoreAttrSlot, version, shape_word, offsets),
            Some(offsets) if is_double => site.fill(Op::StoreAttrDouble, version, shape_word, offsets),
            // The store will change the layout.
            _ => {}
        }
        return;
    }
    if !name.is_interned() {
        return;
    }
    let Some(next) = shape.extended(cx, name, is_double) else { return };
    if let Some(offsets) = slot_offsets(v, next, next.count - 1) {
        let offset = offsets & 0xffff_ffff;
        if offset < 1 << 16 {
            let op = if next.is_double(next.count - 1) { Op::StoreAttrAddDouble } else { Op::StoreAttrAdd };
            site.fill(op, version, shape_word, Value::of(next).bits() | offset << 48);
        }
    }
}
