//! Cells, globals and names.

use taipan_bytecode::ops::CommonConst;
use taipan_bytecode::{Op, Word};
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::protocol::object;
use taipan_runtime::types::cell::Cell;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, Object, PyResult, Raised, Value, raise};

use crate::dispatch::{Regs, dispatch, handler, name_at, slow};

/// The frame's code, globals and so on.
#[inline(always)]
fn frame(cx: &Cx) -> &'static taipan_runtime::frame::Frame {
    // SAFETY: FRAME-1; the frame lives as long as the instruction.
    unsafe { &*cx.frame }
}

/// The name of the local, cell or free variable in register `i`.
fn local_name(cx: &Cx, i: usize) -> &'static Str {
    frame(cx).code.local_names()[i]
}

handler!(CheckLocal, |w, pc, regs, cx, table| {
    if *regs.add(w.a()) != 0 {
        dispatch!(pc, regs, cx, table);
    }
    return unbound_local(w.0, pc, regs, cx, table);
});

slow! {
    unbound_local 0 => raise_unbound;
    DeleteLocal 0 => delete_local;
    MakeCell 0 => make_cell;
    NewCell 0 => new_cell;
    StoreDeref 0 => store_deref;
    DeleteDeref 0 => delete_deref;
    load_deref_slow 0 => load_deref;
    LoadFromDictOrDeref 0 => load_from_dict_or_deref;
    LoadFromDictOrGlobal 1 => load_from_dict_or_global;
    load_global_slow 3 => load_global;
    store_global_slow 1 => store_global;
    DeleteGlobal 0 => delete_global;
    load_name_slow 3 => load_name;
    store_name_slow 1 => store_name;
    DeleteName 0 => delete_name;
    LoadLocals 0 => load_locals;
    LoadBuildClass 0 => load_build_class;
    LoadCommonConst 0 => load_common_const;
    SetupAnnotations 0 => setup_annotations;
}

fn unbound(cx: &mut Cx, i: usize) -> Raised {
    let code = frame(cx).code;
    let name = local_name(cx, i);
    if i >= (code.nlocals + code.ncells) as usize {
        let text =
            format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope");
        return name_error(cx, &exceptions::NameError, &text, name);
    }
    let text = format!("cannot access local variable '{name}' where it is not associated with a value");
    cx.raise_text(&exceptions::UnboundLocalError, &text)
}

fn name_error(cx: &mut Cx, class: &'static taipan_runtime::typeobj::Type, text: &str, name: &'static Str) -> Raised {
    let raised = cx.raise_text(class, text);
    if let Some(e) = cx.exception().and_then(|e| e.downcast::<Exception>()) {
        e.set_extra(cx, 0, Some(Value::of(name)));
    }
    raised
}

fn not_defined(cx: &mut Cx, name: &'static Str) -> Raised {
    name_error(cx, &exceptions::NameError, &format!("name '{name}' is not defined"), name)
}

fn raise_unbound(cx: &mut Cx, w: Word, _: Regs, _: *mut u64) -> PyResult<()> {
    Err(unbound(cx, w.a()))
}

fn delete_local(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    if r.try_get(w.a()).is_none() {
        return Err(unbound(cx, w.a()));
    }
    r.set_opt(w.a(), None);
    Ok(())
}

fn make_cell(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let cell = Cell::new(cx, r.try_get(w.b()));
    r.set(w.a(), Value::of(cell));
    Ok(())
}

fn new_cell(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let cell = Cell::new(cx, None);
    r.set(w.a(), Value::of(cell));
    Ok(())
}

/// The cell in register `i`; the compiler puts only cells there.
#[inline(always)]
fn cell(r: Regs, i: usize) -> &'static Cell {
    // SAFETY: INT-1.
    unsafe { r.get(i).cast::<Cell>() }
}

handler!(LoadDeref, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    if let Some(v) = cell(r, w.b()).get() {
        r.set(w.a(), v);
        dispatch!(pc, regs, cx, table);
    }
    return load_deref_slow(w.0, pc, regs, cx, table);
});

fn load_deref(cx: &mut Cx, w: Word, _: Regs, _: *mut u64) -> PyResult<()> {
    Err(unbound(cx, w.b()))
}

fn store_deref(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    cell(r, w.a()).set(cx, Some(r.get(w.b())));
    Ok(())
}

fn delete_deref(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let cell = cell(r, w.a());
    if cell.get().is_none() {
        return Err(unbound(cx, w.a()));
    }
    cell.set(cx, None);
    Ok(())
}

/// A name in a mapping that need not be a dict; None where it is missing.
fn lookup_mapping(cx: &mut Cx, mapping: Value, name: &'static Str) -> PyResult<Option<Value>> {
    if let Some(dict) = mapping.exact::<Dict>() {
        return Ok(dict.get_str(name));
    }
    let found = object::get_item(cx, mapping, Value::of(name));
    cx.catch(found, &exceptions::KeyError)
}

fn load_from_dict_or_deref(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let name = local_name(cx, w.c());
    let v = match lookup_mapping(cx, r.get(w.b()), name)? {
        Some(v) => v,
        None => match cell(r, w.c()).get() {
            Some(v) => v,
            None => return Err(unbound(cx, w.c())),
        },
    };
    r.set(w.a(), v);
    Ok(())
}

/// A global or built-in.
fn global_or_builtin(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
    let f = frame(cx);
    // Globals may be an instance of a dict subclass, whose `__missing__` is asked (annotationlib relies on it).
    if let Some(v) = lookup_mapping(cx, Value::of(f.globals), name)? {
        return Ok(v);
    }
    match lookup_mapping(cx, Value::of(f.builtins), name)? {
        Some(v) => Ok(v),
        None => Err(not_defined(cx, name)),
    }
}

fn load_from_dict_or_global(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let v = match lookup_mapping(cx, r.get(w.b()), name)? {
        Some(v) => v,
        None => global_or_builtin(cx, name)?,
    };
    r.set(w.a(), v);
    Ok(())
}

handler!(LoadGlobal, |w, pc, regs, cx, table| {
    let globals = (*cx.frame).globals;
    if globals.version() == *pc.add(1)
        && let Some(t) = globals.table()
    {
        let n = (*pc >> 32) as u32;
        *regs.add(w.a()) = t.entry(n).value;
        dispatch!(pc.add(3), regs, cx, table);
    }
    return load_global_slow(w.0, pc, regs, cx, table);
});

handler!(LoadGlobalBuiltin, |w, pc, regs, cx, table| {
    let f = &*cx.frame;
    if f.globals.version() == *pc.add(1)
        && f.builtins.version() == *pc.add(2)
        && let Some(t) = f.builtins.table()
    {
        let n = (*pc >> 32) as u32;
        *regs.add(w.a()) = t.entry(n).value;
        dispatch!(pc.add(3), regs, cx, table);
    }
    return load_global_slow(w.0, pc, regs, cx, table);
});

fn load_global(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word; INT-3.
    unsafe {
        let name = name_at(cx, pc);
        let f = frame(cx);
        if Value::of(f.globals).exact::<Dict>().is_none() {
            // Not to be cached: every lookup may run Python code.
        } else if let Some(n) = f.globals.entry_of_str(name) {
            set_op(pc, Op::LoadGlobal);
            *pc = (*pc & 0xffff_ffff) | (n as u64) << 32;
            *pc.add(1) = f.globals.version();
        } else if Value::of(f.builtins).exact::<Dict>().is_none() {
            // As above.
        } else if let Some(n) = f.builtins.entry_of_str(name) {
            set_op(pc, Op::LoadGlobalBuiltin);
            *pc = (*pc & 0xffff_ffff) | (n as u64) << 32;
            *pc.add(1) = f.globals.version();
            *pc.add(2) = f.builtins.version();
        }
        let v = global_or_builtin(cx, name)?;
        r.set(w.a(), v);
    }
    Ok(())
}

/// Rewrites the opcode of the instruction whose first cache word is at `pc`.
pub(crate) unsafe fn set_op(pc: *mut u64, op: Op) {
    // SAFETY: INT-3.
    unsafe {
        let word = pc.sub(1);
        *word = (*word & !0xffff) | op as u64;
    }
}

/// Name of a format-ax instruction.
#[inline(always)]
fn name_x(cx: &Cx, w: Word) -> &'static Str {
    frame(cx).code.name_at(w.x() as usize)
}

handler!(StoreGlobal, |w, pc, regs, cx, table| { return store_global_slow(w.0, pc, regs, cx, table) });

fn store_global(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let name = name_x(cx, w);
    frame(cx).globals.set_str(cx, name, r.get(w.a()));
    Ok(())
}

fn delete_global(cx: &mut Cx, w: Word, _: Regs, _: *mut u64) -> PyResult<()> {
    let name = name_x(cx, w);
    match frame(cx).globals.remove_str(cx, name) {
        Some(_) => Ok(()),
        None => Err(not_defined(cx, name)),
    }
}

handler!(LoadName, |w, pc, regs, cx, table| { return load_name_slow(w.0, pc, regs, cx, table) });

handler!(LoadNameGlobal, |w, pc, regs, cx, table| {
    let f = &*cx.frame;
    if f.globals.version() == *pc.add(1)
        && f.locals == Some(Value::of(f.globals))
        && let Some(t) = f.globals.table()
    {
        *regs.add(w.a()) = t.entry((*pc >> 32) as u32).value;
        dispatch!(pc.add(3), regs, cx, table);
    }
    return load_name_slow(w.0, pc, regs, cx, table);
});

fn load_name(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word; INT-3.
    let name = unsafe { name_at(cx, pc) };
    let f = frame(cx);
    if f.locals == Some(Value::of(f.globals)) || f.locals.is_none() {
        if f.locals.is_some()
            && let Some(n) = f.globals.entry_of_str(name)
        {
            // SAFETY: as above.
            unsafe {
                set_op(pc, Op::LoadNameGlobal);
                *pc = (*pc & 0xffff_ffff) | (n as u64) << 32;
                *pc.add(1) = f.globals.version();
            }
        }
        let v = global_or_builtin(cx, name)?;
        r.set(w.a(), v);
        return Ok(());
    }
    let v = match f.locals {
        Some(locals) => lookup_mapping(cx, locals, name)?,
        None => None,
    };
    let v = match v {
        Some(v) => v,
        None => global_or_builtin(cx, name)?,
    };
    r.set(w.a(), v);
    Ok(())
}

handler!(StoreName, |w, pc, regs, cx, table| { return store_name_slow(w.0, pc, regs, cx, table) });

/// The local namespace of module and class code; the globals if such code was called as a function.
fn namespace(cx: &Cx) -> Value {
    let frame = frame(cx);
    frame.locals.unwrap_or(Value::of(frame.globals))
}

fn store_name(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let name = name_x(cx, w);
    let locals = namespace(cx);
    match locals.exact::<Dict>() {
        Some(dict) => {
            dict.set_str(cx, name, r.get(w.a()));
            Ok(())
        }
        None => object::set_item(cx, locals, Value::of(name), Some(r.get(w.a()))),
    }
}

fn delete_name(cx: &mut Cx, w: Word, _: Regs, _: *mut u64) -> PyResult<()> {
    let name = name_x(cx, w);
    let locals = namespace(cx);
    if let Some(dict) = locals.exact::<Dict>() {
        return match dict.remove_str(cx, name) {
            Some(_) => Ok(()),
            None => Err(not_defined(cx, name)),
        };
    }
    let done = object::set_item(cx, locals, Value::of(name), None);
    match cx.catch(done, &exceptions::KeyError)? {
        Some(()) => Ok(()),
        None => Err(not_defined(cx, name)),
    }
}

fn load_locals(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    r.set(w.a(), namespace(cx));
    Ok(())
}

fn load_build_class(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let name = cx.names().__build_class__;
    match frame(cx).builtins.get_str(name) {
        Some(v) => {
            r.set(w.a(), v);
            Ok(())
        }
        None => raise!(cx, NameError, "__build_class__ not found"),
    }
}

fn load_common_const(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let builtin = |cx: &mut Cx, name: &str| {
        let name = cx.intern(name);
        cx.rt().builtins.get().and_then(|b| b.get_str(name)).unwrap_or(Value::none())
    };
    let v = match CommonConst::from_u16(w.b() as u16) {
        Some(CommonConst::AssertionError) => Value::of(&exceptions::AssertionError),
        Some(CommonConst::NotImplementedError) => Value::of(&exceptions::NotImplementedError),
        Some(CommonConst::Tuple) => Value::of(taipan_runtime::types::tuple::Tuple::class()),
        Some(CommonConst::List) => Value::of(taipan_runtime::types::list::List::class()),
        Some(CommonConst::All) => builtin(cx, "all"),
        Some(CommonConst::Any) => builtin(cx, "any"),
        Some(CommonConst::Set) => builtin(cx, "set"),
        None => return raise!(cx, SystemError, "bad common constant"),
    };
    r.set(w.a(), v);
    Ok(())
}

fn setup_annotations(cx: &mut Cx, _: Word, _: Regs, _: *mut u64) -> PyResult<()> {
    let name = cx.names().__annotations__;
    let locals = namespace(cx);
    if lookup_mapping(cx, locals, name)?.is_none() {
        let dict = Dict::new(cx);
        object::set_item(cx, locals, Value::of(name), Some(Value::of(dict)))?;
    }
    Ok(())
}
