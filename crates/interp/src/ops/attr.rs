//! Attributes.

use taipan_bytecode::Word;
use taipan_bytecode::ops::Special;
use taipan_runtime::protocol::attr;
use taipan_runtime::shape::Shape;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::function::{self, Function};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::super_;
use taipan_runtime::types::{float, list};
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::cache::{self, Site};
use crate::dispatch::{Regs, dispatch, handler, name_at, slow};
use crate::unwind::unwind;

/// The type version that an instruction's first cache word expects.
#[inline(always)]
unsafe fn expected_version(pc: *const u64) -> u32 {
    // SAFETY: the caller passes the first cache word.
    unsafe { (*pc >> 32) as u32 }
}

/// Whether `v` is an object whose type has the cached version.
#[inline(always)]
unsafe fn version_hit(v: Value, pc: *const u64) -> bool {
    // SAFETY: as above.
    unsafe { v.as_object().is_some_and(|o| o.class().version() == expected_version(pc)) }
}

#[inline(always)]
unsafe fn word_at(v: Value, offset: u64) -> *mut u64 {
    (v.bits() + offset) as *mut u64
}

slow! {
    load_attr_slow 3 => load_attr;
    store_attr_slow 3 => store_attr;
    DeleteAttr 1 => delete_attr;
    load_method_slow 3 => load_method;
    LoadSuperAttr 1 => load_super_attr;
    LoadSuperMethod 1 => load_super_method;
    LoadSpecial 1 => load_special;
}

handler!(LoadAttr, |w, pc, regs, cx, table| { return load_attr_slow(w.0, pc, regs, cx, table) });

fn load_attr(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let v = r.get(w.b());
    cache::load_attr(cx, Site(pc), v, name);
    let found = attr::get(cx, v, name)?;
    r.set(w.a(), found);
    Ok(())
}

handler!(LoadAttrSlot, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if version_hit(v, pc) {
        let offsets = *pc.add(2);
        if *word_at(v, offsets >> 32) == *pc.add(1) {
            *regs.add(w.a()) = *word_at(v, offsets & 0xffff_ffff);
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

handler!(LoadAttrDouble, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if version_hit(v, pc) {
        let offsets = *pc.add(2);
        if *word_at(v, offsets >> 32) == *pc.add(1) {
            let d = f64::from_bits(*word_at(v, offsets & 0xffff_ffff));
            // SHAPE-1.
            *regs.add(w.a()) = float::without_allocation(d).unwrap_unchecked().bits();
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

handler!(LoadAttrMember, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if version_hit(v, pc) {
        let bits = *word_at(v, *pc.add(2));
        if bits != 0 {
            *regs.add(w.a()) = bits;
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

/// Whether an instance's shape is the cached one (or the cache says that instances have no attributes).
#[inline(always)]
unsafe fn shape_hit(v: Value, pc: *const u64) -> bool {
    // SAFETY: the version was checked, so the type has attribute words if the cached shape is not 0.
    unsafe {
        let shape = *pc.add(1);
        if shape == 0 {
            return true;
        }
        let base = (v.as_object().expect("checked").class().data().basicsize as u64 + 7) & !7;
        *word_at(v, base) == shape
    }
}

handler!(LoadAttrClass, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if version_hit(v, pc) && shape_hit(v, pc) {
        *regs.add(w.a()) = *pc.add(2);
        dispatch!(pc.add(3), regs, cx, table);
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

handler!(LoadAttrProperty, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if version_hit(v, pc) {
        let getter = Value::from_bits(*pc.add(2)).unwrap_unchecked().cast::<Function>();
        let frame = &mut *cx.frame;
        frame.pc = pc.add(3);
        let code = getter.code.get();
        if code.simple && code.argcount == 1 {
            let window = frame.top;
            *window = v.bits();
            function::prepare_window(code, getter.closure.get(), window, 1);
            let result = regs.add(w.a());
            match cx.push_frame(code, window, getter.globals, getter.builtins, Some(getter), result, 0) {
                Ok(callee) => dispatch!((*callee).pc, (*callee).regs, cx, table),
                Err(_) => return unwind(cx, table, true),
            }
        }
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

handler!(LoadAttrModule, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    if let Some(module) = r.get(w.b()).exact::<Module>() {
        let dict = module.dict();
        if dict.version() == *pc.add(1)
            && let Some(t) = dict.table()
        {
            *regs.add(w.a()) = t.entry(*pc.add(2) as u32).value;
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

handler!(LoadAttrType, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    if let Some(header) = v.as_object()
        && std::ptr::eq(header.class(), &taipan_runtime::types::type_::TYPE)
        && v.cast::<Type>().version() == expected_version(pc)
    {
        *regs.add(w.a()) = *pc.add(2);
        dispatch!(pc.add(3), regs, cx, table);
    }
    return load_attr_slow(w.0, pc, regs, cx, table);
});

handler!(StoreAttr, |w, pc, regs, cx, table| { return store_attr_slow(w.0, pc, regs, cx, table) });

fn store_attr(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let v = r.get(w.a());
    let value = r.get(w.b());
    cache::store_attr(cx, Site(pc), v, name, value);
    attr::set(cx, v, name, Some(value))
}

handler!(StoreAttrSlot, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.a());
    if version_hit(v, pc) {
        let offsets = *pc.add(2);
        if *word_at(v, offsets >> 32) == *pc.add(1) {
            *word_at(v, offsets & 0xffff_ffff) = *regs.add(w.b());
            cx.barrier_value(v);
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return store_attr_slow(w.0, pc, regs, cx, table);
});

handler!(StoreAttrDouble, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.a());
    if version_hit(v, pc) {
        let offsets = *pc.add(2);
        if *word_at(v, offsets >> 32) == *pc.add(1)
            && let Some(d) = list::double_of(r.get(w.b()))
        {
            *word_at(v, offsets & 0xffff_ffff) = d.to_bits();
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return store_attr_slow(w.0, pc, regs, cx, table);
});

/// What the cache words of StoreAttrAdd say: the new shape, and where the shape word of `v` and the new slot are.
#[inline(always)]
unsafe fn added(v: Value, pc: *const u64) -> (&'static Shape, *mut u64, *mut u64) {
    // SAFETY: the type version was checked, so the cached shape is one of a live class (SHAPE-2).
    unsafe {
        let packed = *pc.add(2);
        let (next, offset) = (&*((packed & 0xffff_ffff_ffff) as *const Shape), packed >> 48);
        (next, word_at(v, offset - 16 - 8 * (next.count as u64 - 1)), word_at(v, offset))
    }
}

handler!(StoreAttrAddDouble, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.a());
    if version_hit(v, pc) {
        let (next, shape_word, slot) = added(v, pc);
        if *shape_word == *pc.add(1)
            && !next.is_replaced()
            && let Some(d) = list::double_of(r.get(w.b()))
        {
            *shape_word = Value::of(next).bits();
            *slot = d.to_bits();
            cx.barrier_value(v);
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return store_attr_slow(w.0, pc, regs, cx, table);
});

handler!(StoreAttrAdd, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.a());
    if version_hit(v, pc) {
        let (next, shape_word, slot) = added(v, pc);
        if *shape_word == *pc.add(1) {
            *shape_word = Value::of(next).bits();
            *slot = *regs.add(w.b());
            cx.barrier_value(v);
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return store_attr_slow(w.0, pc, regs, cx, table);
});

handler!(StoreAttrMember, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.a());
    if version_hit(v, pc) {
        *word_at(v, *pc.add(2)) = *regs.add(w.b());
        cx.barrier_value(v);
        dispatch!(pc.add(3), regs, cx, table);
    }
    return store_attr_slow(w.0, pc, regs, cx, table);
});

fn delete_attr(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    attr::set(cx, r.get(w.a()), name, None)
}

handler!(LoadMethod, |w, pc, regs, cx, table| { return load_method_slow(w.0, pc, regs, cx, table) });

fn load_method(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let v = r.get(w.b());
    cache::load_method(cx, Site(pc), v, name);
    let (f, bound) = attr::get_method(cx, v, name)?;
    r.set(w.a(), f);
    r.set_opt(w.a() + 1, bound.then_some(v));
    Ok(())
}

handler!(LoadMethodClass, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    // Only classes whose instances have attributes have a shape here, so numbers without a header hit it.
    let hit = match v.as_object() {
        Some(object) => object.class().version() == expected_version(pc) && shape_hit(v, pc),
        None => v.class().version() == expected_version(pc),
    };
    if hit {
        *regs.add(w.a()) = *pc.add(2);
        r.set(w.a() + 1, v);
        dispatch!(pc.add(3), regs, cx, table);
    }
    return load_method_slow(w.0, pc, regs, cx, table);
});

handler!(LoadMethodModule, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    if let Some(module) = r.get(w.b()).exact::<Module>() {
        let dict = module.dict();
        if dict.version() == *pc.add(1)
            && let Some(t) = dict.table()
        {
            *regs.add(w.a()) = t.entry(*pc.add(2) as u32).value;
            *regs.add(w.a() + 1) = 0;
            dispatch!(pc.add(3), regs, cx, table);
        }
    }
    return load_method_slow(w.0, pc, regs, cx, table);
});

/// `super().name` where the name `super` still means the built-in: the attribute found behind the class.
fn super_lookup(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<Option<(Value, Value, &'static Type)>> {
    if r.get(w.b()) != Value::of(&super_::SUPER) {
        return Ok(None);
    }
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    if std::ptr::eq(name, cx.names().__class__) {
        return Ok(None);
    }
    let (class, object) = (r.get(w.c()), r.get(w.c() + 1));
    let Some(class) = class.downcast::<Type>() else { return Ok(None) };
    let start = match object.downcast::<Type>() {
        Some(t) if t.is_subtype(class) => t,
        _ if object.is_instance(class) => object.class(),
        _ => return Ok(None),
    };
    Ok(super_::find_after(start, class, name).map(|f| (f, object, start)))
}

/// `super(class, object).name` by making the super object.
fn super_generic(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<Value> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let object = cx.call(r.get(w.b()), &[r.get(w.c()), r.get(w.c() + 1)])?;
    attr::get(cx, object, name)
}

fn load_super_attr(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    let v = match super_lookup(cx, w, r, pc)? {
        Some((f, object, start)) => match f.class().slots().descr_get {
            Some(get) => {
                let instance = if object == Value::of(start) { None } else { Some(object) };
                get(cx, f, instance, Some(Value::of(start)))?
            }
            None => f,
        },
        None => super_generic(cx, w, r, pc)?,
    };
    r.set(w.a(), v);
    Ok(())
}

fn load_super_method(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    if let Some((f, object, start)) = super_lookup(cx, w, r, pc)?
        && attr::is_method(f)
        && object != Value::of(start)
    {
        r.set(w.a(), f);
        r.set(w.a() + 1, object);
        return Ok(());
    }
    load_super_attr(cx, w, r, pc)?;
    r.set_opt(w.a() + 1, None);
    Ok(())
}

fn load_special(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = r.get(w.b());
    let names = cx.names();
    let kind = Special::from_u16(w.c() as u16).unwrap_or(Special::Enter);
    let name = match kind {
        Special::Enter => names.__enter__,
        Special::Exit => names.__exit__,
        Special::AEnter => names.__aenter__,
        Special::AExit => names.__aexit__,
    };
    let Some(f) = cx.lookup_special(v, name) else { return special_error(cx, v, kind) };
    if attr::is_method(f) {
        r.set(w.a(), f);
        r.set(w.a() + 1, v);
    } else {
        let bound = attr::bind(cx, f, v, v.class())?;
        r.set(w.a(), bound);
        r.set_opt(w.a() + 1, None);
    }
    Ok(())
}

fn special_error(cx: &mut Cx, v: Value, kind: Special) -> PyResult<()> {
    let class = v.class();
    let names = cx.names();
    let t = taipan_runtime::types::type_::full_name(cx, class);
    let is_async = matches!(kind, Special::AEnter | Special::AExit);
    let other = if is_async { [names.__enter__, names.__exit__] } else { [names.__aenter__, names.__aexit__] };
    let has_other = other.iter().all(|n| cx.lookup_special(v, n).is_some());
    let (protocol, method) = match kind {
        Special::Enter => ("context manager", "__enter__"),
        Special::Exit => ("context manager", "__exit__"),
        Special::AEnter => ("asynchronous context manager", "__aenter__"),
        Special::AExit => ("asynchronous context manager", "__aexit__"),
    };
    // As CPython: the plain name where the other protocol is suggested.
    let t = if has_other { class.tp_name() } else { t };
    let hint = match (has_other, is_async) {
        (true, false) => {
            " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?"
        }
        (true, true) => " but it supports the context manager protocol. Did you mean to use 'with'?",
        _ => "",
    };
    if has_other {
        return raise!(
            cx,
            TypeError,
            "'{t}' object does not support the {protocol} protocol (missed {method} method){hint}"
        );
    }
    raise!(cx, TypeError, "'{t}' object does not support the {protocol} protocol (missed {method} method)")
}
