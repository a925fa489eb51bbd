//! Moves, constants, subscripts.

use taipan_bytecode::Word;
use taipan_bytecode::ops::feedback;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::object;
use taipan_runtime::types::function::{self, Function};
use taipan_runtime::types::list::List;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value};

use super::arith::{note, tell_operands};
use crate::dispatch::{Handler0, Regs, dispatch, handler, slow};
use crate::unwind::unwind;

handler!(Nop, |w, pc, regs, cx, table| { dispatch!(pc, regs, cx, table) });

handler!(Move, |w, pc, regs, cx, table| {
    *regs.add(w.a()) = *regs.add(w.b());
    dispatch!(pc, regs, cx, table)
});

handler!(LoadConst, |w, pc, regs, cx, table| {
    let consts = (*cx.frame).code.consts();
    Regs(regs).set(w.a(), *consts.get_unchecked(w.x() as usize));
    dispatch!(pc, regs, cx, table)
});

handler!(LoadInt, |w, pc, regs, cx, table| {
    Regs(regs).set(w.a(), Value::small(w.x() as i64));
    dispatch!(pc, regs, cx, table)
});

handler!(ClearLocal, |w, pc, regs, cx, table| {
    *regs.add(w.a()) = 0;
    dispatch!(pc, regs, cx, table)
});

handler!(LoadItem, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let (v, key) = (r.get(w.b()), r.get(w.c()));
    if let Some(i) = key.as_small() {
        if let Some(list) = v.exact::<List>() {
            let i = if i < 0 { i + list.len() as i64 } else { i };
            if let Some(item) = list.get(i as usize) {
                r.set(w.a(), item);
                dispatch!(pc.add(1), regs, cx, table);
            }
        } else if let Some(tuple) = v.exact::<Tuple>() {
            note(pc, feedback::TUPLE);
            let i = if i < 0 { i + tuple.len() as i64 } else { i };
            if let Some(item) = tuple.items().get(i as usize) {
                r.set(w.a(), *item);
                dispatch!(pc.add(1), regs, cx, table);
            }
        }
    }
    return load_item_other(w.0, pc, regs, cx, table);
});

handler!(LoadItemI, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let (v, i) = (r.get(w.b()), w.sc() as i64);
    if let Some(list) = v.exact::<List>() {
        let i = if i < 0 { i + list.len() as i64 } else { i };
        if let Some(item) = list.get(i as usize) {
            r.set(w.a(), item);
            dispatch!(pc.add(1), regs, cx, table);
        }
    } else if let Some(tuple) = v.exact::<Tuple>() {
        note(pc, feedback::TUPLE);
        let i = if i < 0 { i + tuple.len() as i64 } else { i };
        if let Some(item) = tuple.items().get(i as usize) {
            r.set(w.a(), *item);
            dispatch!(pc.add(1), regs, cx, table);
        }
    }
    return load_item_i_other(w.0, pc, regs, cx, table);
});

handler!(StoreItem, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let (v, key) = (r.get(w.a()), r.get(w.b()));
    if let Some(i) = key.as_small()
        && let Some(list) = v.exact::<List>()
    {
        let i = if i < 0 { i + list.len() as i64 } else { i } as usize;
        if i < list.len() {
            list.set(cx, i, r.get(w.c()));
            dispatch!(pc.add(1), regs, cx, table);
        }
    }
    return store_item_other(w.0, pc, regs, cx, table);
});

/// `a = b[key]` where `b` is no list or tuple that has it.
macro_rules! load_item_other {
    ($name:ident, $slow:ident, |$w:ident, $r:ident| $key:expr) => {
        handler!(
            #[inline(never)]
            $name,
            |w, pc, regs, cx, table| {
                let ($w, $r) = (w, Regs(regs));
                let (v, key) = ($r.get(w.b()), $key);
                if let Some(f) = python_method(cx, v, cx.names().__getitem__, 2) {
                    (*cx.frame).pc = pc;
                    note_container(cx, pc.cast_mut(), v, key);
                    (*cx.frame).top.cast::<[Value; 2]>().write([v, key]);
                    return enter_method(cx, f, regs.add(w.a()), pc.add(1), table);
                }
                return $slow(w.0, pc, regs, cx, table);
            }
        );
    };
}

load_item_other!(load_item_other, load_item_slow, |w, r| r.get(w.c()));
load_item_other!(load_item_i_other, load_item_i_slow, |w, r| Value::small(w.sc() as i64));

handler!(
    #[inline(never)]
    store_item_other,
    |w, pc, regs, cx, table| {
        let r = Regs(regs);
        let (v, key, value) = (r.get(w.a()), r.get(w.b()), r.get(w.c()));
        if let Some(f) = python_method(cx, v, cx.names().__setitem__, 3) {
            (*cx.frame).pc = pc;
            note_container(cx, pc.cast_mut(), v, key);
            (*cx.frame).top.cast::<[Value; 3]>().write([v, key, value]);
            let nowhere = &raw mut cx.discarded;
            return enter_method(cx, f, nowhere, pc.add(1), table);
        }
        return store_item_slow(w.0, pc, regs, cx, table);
    }
);

/// The plain function of `n` parameters that the class of an instance has under a special method's name.
#[inline]
fn python_method(cx: &mut Cx, v: Value, name: &'static Str, n: u32) -> Option<&'static Function> {
    let class = v.class();
    if !class.is_heap_type() {
        return None;
    }
    let f = cx.type_lookup(class, name)?.exact::<Function>()?;
    let code = f.code.get();
    (code.simple && code.argcount == n).then_some(f)
}

/// Enters a special method without native recursion. Its arguments lie behind the running frame's window, which has room for
/// them (see `push_call`); the frame goes on at `next`.
#[inline(never)]
unsafe extern "C" fn enter_method(
    cx: &mut Cx,
    f: &'static Function,
    result: *mut u64,
    next: *const u64,
    table: *const Handler0,
) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        let frame = &mut *cx.frame;
        frame.pc = next;
        let (code, window) = (f.code.get(), frame.top);
        function::prepare_window(code, f.closure.get(), window, code.argcount as usize);
        let Ok(callee) = cx.push_frame(code, window, f.globals, f.builtins, Some(f), result, 0) else {
            return unwind(cx, table, true);
        };
        if super::count_call(cx, code) {
            return crate::hot::call_hot(cx, table);
        }
        dispatch!((*callee).pc, window, cx, table)
    }
}

slow! {
    load_item_slow 1 => load_item;
    load_item_i_slow 1 => load_item_i;
    store_item_slow 1 => store_item;
    DeleteItem 0 => delete_item;
    LoadSlice 0 => load_slice;
    StoreSlice 0 => store_slice;
    BuildSlice 0 => build_slice;
}

/// Whether the key is an index that a list or tuple has no item of: that says nothing of what will be indexed.
fn lacks_item(v: Value, key: Value) -> bool {
    let len = v.exact::<List>().map(|l| l.len()).or_else(|| v.exact::<Tuple>().map(|t| t.len()));
    match (key.as_small(), len) {
        (Some(i), Some(len)) => !(-(len as i64)..len as i64).contains(&i),
        _ => false,
    }
}

/// Notes what kind of container is indexed.
fn note_container(cx: &Cx, pc: *mut u64, v: Value, key: Value) {
    if lacks_item(v, key) {
        return;
    }
    let bits = if v.exact::<Dict>().is_some() {
        feedback::DICT
    } else if v.exact::<Str>().is_some() && key.is_small() {
        feedback::STR
    } else {
        // SAFETY: as below.
        unsafe { tell_operands(cx, pc, v, Value::none()) };
        feedback::OTHER
    };
    // SAFETY: the handlers pass their first cache word.
    unsafe { note(pc, bits) };
}

fn load_item(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    let (container, key) = (r.get(w.b()), r.get(w.c()));
    note_container(cx, pc, container, key);
    if let Some(dict) = container.exact::<Dict>()
        && (key.is_small() || key.exact::<Str>().is_some())
        && let Some(v) = dict.get_plain(key)
    {
        r.set(w.a(), v);
        return Ok(());
    }
    let v = object::get_item(cx, container, key)?;
    r.set(w.a(), v);
    Ok(())
}

fn load_item_i(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    note_container(cx, pc, r.get(w.b()), Value::small(w.sc() as i64));
    let v = object::get_item(cx, r.get(w.b()), Value::small(w.sc() as i64))?;
    r.set(w.a(), v);
    Ok(())
}

fn store_item(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    note_container(cx, pc, r.get(w.a()), r.get(w.b()));
    object::set_item(cx, r.get(w.a()), r.get(w.b()), Some(r.get(w.c())))
}

fn delete_item(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    object::set_item(cx, r.get(w.a()), r.get(w.b()), None)
}

fn load_slice(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let slice = Slice::new(cx, r.get(w.c()), r.get(w.c() + 1), Value::none());
    let v = object::get_item(cx, r.get(w.b()), Value::of(slice))?;
    r.set(w.a(), v);
    Ok(())
}

fn store_slice(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let slice = Slice::new(cx, r.get(w.c()), r.get(w.c() + 1), Value::none());
    object::set_item(cx, r.get(w.a()), Value::of(slice), Some(r.get(w.b())))
}

fn build_slice(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let b = w.b();
    let slice = Slice::new(cx, r.get(b), r.get(b + 1), r.get(b + 2));
    r.set(w.a(), Value::of(slice));
    Ok(())
}
