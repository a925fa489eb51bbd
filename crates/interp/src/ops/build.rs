//! Building of tuples, lists, sets, dicts and strs; unpacking; formatting.

use taipan_bytecode::{Conversion, Word};
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::{format, iter, object};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{dict, set_methods, str_format, str_percent};
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};

use crate::dispatch::{Regs, dispatch, handler, slow};
use crate::glue;

slow! {
    BuildTuple 0 => build_tuple;
    BuildList 0 => build_list;
    BuildSet 0 => build_set;
    BuildMap 0 => build_map;
    BuildString 0 => build_string;
    ListExtend 0 => list_extend;
    SetAdd 0 => set_add;
    SetUpdate 0 => set_update;
    MapAdd 0 => map_add;
    DictUpdate 0 => dict_update;
    DictMerge 0 => dict_merge;
    ListToTuple 0 => list_to_tuple;
    ConvertValue 0 => convert_value;
    FormatSimple 0 => format_simple;
    FormatSpec 0 => format_spec;
    BuildInterpolation 0 => build_interpolation;
    BuildTemplate 0 => build_template;
    unpack_slow 1 => unpack_sequence;
    UnpackEx 0 => unpack_ex;
}

fn build_tuple(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let tuple = if w.c() == 0 { Tuple::new(cx, &[]) } else { Tuple::new(cx, r.run(w.b(), w.c())) };
    r.set(w.a(), Value::of(tuple));
    Ok(())
}

fn build_list(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let list = if w.c() == 0 { List::new(cx) } else { List::from_slice(cx, r.run(w.b(), w.c())) };
    r.set(w.a(), Value::of(list));
    Ok(())
}

fn build_set(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let items = if w.c() == 0 { &[][..] } else { r.run(w.b(), w.c()) };
    let set = Set::new(cx);
    for item in items {
        set.add(cx, *item)?;
    }
    r.set(w.a(), Value::of(set));
    Ok(())
}

fn build_map(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let dict = Dict::with_capacity(cx, w.c());
    for i in 0..w.c() {
        let at = w.b() + 2 * i;
        dict.set(cx, r.get(at), r.get(at + 1))?;
    }
    r.set(w.a(), Value::of(dict));
    Ok(())
}

fn build_string(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let s = format::join_strs(cx, r.run(w.b(), w.c()))?;
    r.set(w.a(), Value::of(s));
    Ok(())
}

handler!(ListAppend, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    r.get(w.a()).cast::<List>().push(cx, r.get(w.b()));
    dispatch!(pc, regs, cx, table)
});

fn list_extend(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = r.get(w.b());
    // SAFETY: the compiler emits this for a list that it built.
    let list = unsafe { r.get(w.a()).cast::<List>() };
    let done = iter::extend(cx, list, v);
    if done.is_err()
        && cx.exception_matches(&exceptions::TypeError)
        && v.class().slots().iter.is_none()
        && v.class().slots().getitem.is_none()
    {
        cx.take_exception();
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "Value after * must be an iterable, not {got}");
    }
    done
}

fn set_add(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = r.get(w.a());
    // Mostly a set that the compiler built; but programs can rebind `__conditional_annotations__`.
    let Some(set) = v.downcast::<Set>().filter(|_| v.is_instance(&taipan_runtime::types::set::SET)) else {
        return raise!(cx, TypeError, "'{}' object is not a set", v.class().tp_name());
    };
    set.add(cx, r.get(w.b()))?;
    Ok(())
}

fn set_update(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    // SAFETY: the compiler emits this for a set that it built.
    set_methods::update(cx, unsafe { r.get(w.a()).cast::<Set>() }, r.get(w.b()))
}

/// The dict in register `i`, which the compiler built.
fn built_dict(r: Regs, i: usize) -> &'static Dict {
    // SAFETY: the compiler emits dict operations for dicts that it built.
    unsafe { r.get(i).cast::<Dict>() }
}

fn map_add(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    built_dict(r, w.a()).set(cx, r.get(w.b()), r.get(w.c()))
}

fn dict_update(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = r.get(w.b());
    let done = dict::merge(cx, built_dict(r, w.a()), v);
    if done.is_err() && cx.exception_matches(&exceptions::AttributeError) {
        cx.take_exception();
        return raise!(cx, TypeError, "'{}' object is not a mapping", v.class().tp_name());
    }
    done
}

fn dict_merge(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let (into, v, callee) = (built_dict(r, w.a()), r.get(w.b()), r.get(w.c()));
    if dict::is_plain_dict(v) {
        // A copy, as the `__eq__` of a key may change the dict.
        let extra = Dict::new(cx);
        dict::merge(cx, extra, v)?;
        for (key, value) in extra.iter() {
            merge_keyword(cx, into, callee, key, value)?;
        }
        return Ok(());
    }
    let name = cx.names().keys;
    let keys = match cx.call_method(v, name, &[]) {
        Ok(keys) => keys,
        Err(_) if cx.exception_matches(&exceptions::AttributeError) => {
            cx.take_exception();
            let f = object::function_text(cx, callee)?;
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "{f} argument after ** must be a mapping, not {got}");
        }
        Err(e) => return Err(e),
    };
    let it = iter::iter(cx, keys)?;
    while let Some(key) = iter::next(cx, it)? {
        let value = object::get_item(cx, v, key)?;
        merge_keyword(cx, into, callee, key, value)?;
    }
    Ok(())
}

/// Adds one keyword argument of a call; whether keys are strings is checked by the call.
fn merge_keyword(cx: &mut Cx, into: &'static Dict, callee: Value, key: Value, value: Value) -> PyResult<()> {
    if into.contains(cx, key)? {
        let f = object::function_text(cx, callee)?;
        let name = object::str(cx, key)?;
        return raise!(cx, TypeError, "{f} got multiple values for keyword argument '{name}'");
    }
    into.set(cx, key, value)
}

fn list_to_tuple(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    // SAFETY: the compiler emits this for a list that it built.
    let list = unsafe { r.get(w.b()).cast::<List>() };
    let tuple = list.to_tuple(cx);
    r.set(w.a(), Value::of(tuple));
    Ok(())
}

fn convert_value(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = r.get(w.b());
    let converted = match Conversion::from_u16(w.c() as u16) {
        Some(Conversion::Int) => str_percent::exact_int(cx, v)?,
        Some(Conversion::Float) => str_percent::exact_float(cx, v)?,
        Some(Conversion::Repr) => Value::of(object::repr(cx, v)?),
        Some(Conversion::Ascii) => Value::of(str_format::ascii(cx, v)?),
        Some(Conversion::Str | Conversion::None) | None => Value::of(object::str(cx, v)?),
    };
    r.set(w.a(), converted);
    Ok(())
}

fn format_simple(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let empty = cx.names().empty;
    let s = format::format_value(cx, r.get(w.b()), empty)?;
    r.set(w.a(), Value::of(s));
    Ok(())
}

fn format_spec(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let Some(spec) = r.get(w.c()).downcast::<Str>() else { return raise!(cx, SystemError, "format spec is not a str") };
    let s = format::format_value(cx, r.get(w.b()), spec)?;
    r.set(w.a(), Value::of(s));
    Ok(())
}

fn build_interpolation(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let b = w.b();
    let conversion = match w.c() & 3 {
        1 => Some(Value::of(cx.char('s' as u32))),
        2 => Some(Value::of(cx.char('r' as u32))),
        3 => Some(Value::of(cx.char('a' as u32))),
        _ => None,
    };
    let spec = if w.c() & 4 != 0 { r.get(b + 2) } else { Value::of(cx.names().empty) };
    let v = glue::new_interpolation(cx, r.get(b), r.get(b + 1), conversion, spec);
    r.set(w.a(), v);
    Ok(())
}

fn build_template(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let v = glue::new_template(cx, r.get(w.b()), r.get(w.c()))?;
    r.set(w.a(), v);
    Ok(())
}

handler!(UnpackSequence, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let v = r.get(w.b());
    let n = w.c();
    let items = if let Some(tuple) = v.exact::<Tuple>() {
        tuple.items()
    } else if let Some(list) = v.exact::<List>() {
        if list.is_floats() && list.len() == n {
            for i in 0..n {
                r.set_opt(w.a() + i, list.get(i));
            }
            dispatch!(pc.add(1), regs, cx, table);
        }
        list.items()
    } else {
        &[]
    };
    if items.len() == n && n != 0 {
        for (i, item) in items.iter().enumerate() {
            r.set(w.a() + i, *item);
        }
        dispatch!(pc.add(1), regs, cx, table);
    }
    return unpack_slow(w.0, pc, regs, cx, table);
});

fn not_unpackable(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.class().slots().iter.is_none() && v.class().slots().getitem.is_none() {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "cannot unpack non-iterable {got} object");
    }
    iter::iter(cx, v)
}

fn unpack_sequence(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the handler's first cache word.
    unsafe { super::arith::tell_operands(cx, pc, r.get(w.b()), Value::none()) };
    let (v, n) = (r.get(w.b()), w.c());
    let it = not_unpackable(cx, v)?;
    let items = List::with_capacity(cx, n);
    for i in 0..n {
        match iter::next(cx, it)? {
            Some(item) => items.push(cx, item),
            None => return raise!(cx, ValueError, "not enough values to unpack (expected {n}, got {i})"),
        }
    }
    if iter::next(cx, it)?.is_some() {
        // CPython says how many there were where that is cheap to know.
        let sized = v
            .exact::<List>()
            .map(|l| l.len())
            .or(v.exact::<Tuple>().map(|t| t.len()))
            .or(v.exact::<Dict>().map(|d| d.len()));
        return match sized {
            Some(got) => raise!(cx, ValueError, "too many values to unpack (expected {n}, got {got})"),
            None => raise!(cx, ValueError, "too many values to unpack (expected {n})"),
        };
    }
    for i in 0..n {
        r.set_opt(w.a() + i, items.get(i));
    }
    Ok(())
}

fn unpack_ex(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let (v, before, after) = (r.get(w.b()), w.c() & 0xff, w.c() >> 8);
    let it = not_unpackable(cx, v)?;
    let items = List::new(cx);
    for i in 0..before {
        match iter::next(cx, it)? {
            Some(item) => items.push(cx, item),
            None => {
                let least = before + after;
                return raise!(cx, ValueError, "not enough values to unpack (expected at least {least}, got {i})");
            }
        }
    }
    let rest = List::new(cx);
    while let Some(item) = iter::next(cx, it)? {
        rest.push(cx, item);
    }
    if rest.len() < after {
        let (least, got) = (before + after, before + rest.len());
        return raise!(cx, ValueError, "not enough values to unpack (expected at least {least}, got {got})");
    }
    let middle = rest.len() - after;
    let tail = Tuple::new(cx, &rest.items()[middle..]);
    rest.truncate(middle);
    for i in 0..before {
        r.set_opt(w.a() + i, items.get(i));
    }
    r.set(w.a() + before, Value::of(rest));
    for i in 0..after {
        r.set(w.a() + before + 1 + i, tail.items()[i]);
    }
    Ok(())
}
