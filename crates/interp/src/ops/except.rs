//! Exceptions, intrinsics, imports, pattern matching.

use taipan_bytecode::Word;
use taipan_bytecode::ops::Intrinsic;
use taipan_runtime::exceptions::{self, Exception};
use taipan_runtime::protocol::{object, pattern};
use taipan_runtime::types::{async_gen, exception_group, generator_methods, type_params, typing};
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::dispatch::{Regs, dispatch, handler, name_at, slow};
use crate::glue;
use crate::unwind::unwind;

slow! {
    Raise 0 => raise_value;
    RaiseFrom 0 => raise_from;
    CheckEgMatch 0 => check_eg_match;
    PrepReraiseStar 0 => prep_reraise_star;
    WithExceptStart 0 => with_except_start;
    CallIntrinsic 0 => call_intrinsic;
    ImportName 1 => import_name;
    ImportFrom 1 => import_from;
    ImportStar 0 => import_star;
    GetLen 0 => get_len;
    MatchMapping 0 => match_mapping;
    MatchSequence 0 => match_sequence;
    MatchKeys 0 => match_keys;
    MatchClass 1 => match_class;
}

fn raise_value(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let e = exceptions::from_operand(cx, r.get(w.a()))?;
    Err(cx.raise(e))
}

fn is_exception_class(v: Value) -> bool {
    v.downcast::<taipan_runtime::typeobj::Type>()
        .is_some_and(|class| class.has(taipan_runtime::typeobj::flags::BASE_EXC))
}

fn raise_from(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let e = exceptions::from_operand(cx, r.get(w.a()))?;
    let cause = r.get(w.b());
    let cause = if cause.is_none() {
        None
    } else if cause.downcast::<Exception>().is_some() || cause.downcast::<taipan_runtime::typeobj::Type>().is_some() {
        match exceptions::from_operand(cx, cause) {
            Ok(c) => Some(c),
            Err(_) if !is_exception_class(cause) => {
                cx.take_exception();
                return raise!(cx, TypeError, "exception causes must derive from BaseException");
            }
            Err(e) => return Err(e),
        }
    } else {
        return raise!(cx, TypeError, "exception causes must derive from BaseException");
    };
    if let Some(this) = e.downcast::<Exception>() {
        this.cause.set(cause);
        this.suppress_context.set(true);
        cx.barrier(this);
    }
    Err(cx.raise(e))
}

handler!(RaiseCurrent, |w, pc, regs, cx, table| {
    (*cx.frame).pc = pc;
    if let Some(e) = cx.handled {
        cx.raise_again(e);
        return unwind(cx, table, false);
    }
    cx.raise_text(&exceptions::RuntimeError, "No active exception to reraise");
    return unwind(cx, table, true);
});

handler!(Reraise, |w, pc, regs, cx, table| {
    (*cx.frame).pc = pc;
    let e = Regs(regs).get(w.a());
    cx.raise_again(e);
    return unwind(cx, table, false);
});

handler!(PushExcInfo, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    let before = exceptions::begin_handling(cx, r.get(w.a()));
    r.set(w.b(), before);
    dispatch!(pc, regs, cx, table)
});

handler!(PopExcInfo, |w, pc, regs, cx, table| {
    exceptions::end_handling(cx, Regs(regs).get(w.a()));
    dispatch!(pc, regs, cx, table)
});

handler!(JumpExcNotMatch, |w, pc, regs, cx, table| {
    let r = Regs(regs);
    (*cx.frame).pc = pc;
    match exceptions::matches(cx, r.get(w.a()), r.get(w.b())) {
        Ok(m) => {
            let target = if m { pc } else { pc.offset(w.sc() as isize) };
            dispatch!(target, regs, cx, table)
        }
        Err(_) => return unwind(cx, table, true),
    }
});

fn check_eg_match(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let (e, pattern) = (r.get(w.b()), r.get(w.c()));
    let (matching, rest) = exception_group::check_eg_match(cx, e, pattern)?;
    r.set(w.a(), matching.unwrap_or(Value::none()));
    r.set(w.a() + 1, rest.unwrap_or(Value::none()));
    Ok(())
}

fn prep_reraise_star(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    // SAFETY: the compiler emits this for a list that it built.
    let results = unsafe { r.get(w.c()).cast::<taipan_runtime::types::list::List>() };
    let v = exception_group::prep_reraise_star(cx, r.get(w.b()), results)?;
    r.set(w.a(), v.unwrap_or(Value::none()));
    Ok(())
}

fn with_except_start(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let (exit, receiver, e) = (r.get(w.b()), r.try_get(w.b() + 1), r.get(w.c()));
    let traceback = e.downcast::<Exception>().and_then(|e| e.traceback.get()).unwrap_or(Value::none());
    let args = [Value::of(e.class()), e, traceback];
    let v = match receiver {
        Some(receiver) => taipan_runtime::protocol::call::call_unbound(cx, exit, receiver, &args)?,
        None => cx.call(exit, &args)?,
    };
    r.set(w.a(), v);
    Ok(())
}

fn call_intrinsic(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let Some(kind) = Intrinsic::from_u16(w.c() as u16) else { return raise!(cx, SystemError, "bad intrinsic") };
    let b = w.b();
    let v = r.get(b);
    let result = match kind {
        Intrinsic::Print => print(cx, v)?,
        Intrinsic::StopIterationError => generator_methods::stop_iteration_error(cx, v)?,
        Intrinsic::AsyncGenWrap => async_gen::wrap(cx, v),
        Intrinsic::TypeVar => {
            let name = glue::param_name(cx, v)?;
            type_params::new_type_var(cx, name, None, None)
        }
        Intrinsic::TypeVarWithBound => {
            let name = glue::param_name(cx, v)?;
            type_params::new_type_var(cx, name, Some(r.get(b + 1)), None)
        }
        Intrinsic::TypeVarWithConstraints => {
            let name = glue::param_name(cx, v)?;
            type_params::new_type_var(cx, name, None, Some(r.get(b + 1)))
        }
        Intrinsic::ParamSpec => {
            let name = glue::param_name(cx, v)?;
            type_params::new_param_spec(cx, name)
        }
        Intrinsic::TypeVarTuple => {
            let name = glue::param_name(cx, v)?;
            type_params::new_type_var_tuple(cx, name)
        }
        Intrinsic::SubscriptGeneric => typing::subscript_generic(cx, v)?,
        Intrinsic::TypeAlias => typing::new_type_alias(cx, v)?,
        Intrinsic::SetTypeParamDefault => typing::set_default(cx, v, r.get(b + 1))?,
        Intrinsic::SetFunctionTypeParams => typing::set_function_type_params(cx, v, r.get(b + 1))?,
    };
    r.set(w.a(), result);
    Ok(())
}

/// Interactive mode: shows a value by `sys.displayhook`.
fn print(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = cx.names().displayhook;
    let hook = cx.rt().sys.get().and_then(|d| d.get_str(name));
    match hook {
        Some(hook) => cx.call(hook, &[v]),
        None => raise!(cx, RuntimeError, "lost sys.displayhook"),
    }
}

fn import_name(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let (level, fromlist) = (r.get(w.b()), r.get(w.b() + 1));
    let v = glue::import_name(cx, name, fromlist, level)?;
    r.set(w.a(), v);
    Ok(())
}

fn import_from(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let name = unsafe { name_at(cx, pc) };
    let v = glue::import_from(cx, r.get(w.b()), name)?;
    r.set(w.a(), v);
    Ok(())
}

fn import_star(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    // SAFETY: FRAME-1.
    let locals = unsafe { (*cx.frame).locals };
    match locals {
        Some(locals) => glue::import_star(cx, r.get(w.a()), locals),
        None => raise!(cx, SystemError, "no locals found during 'import *'"),
    }
}

fn get_len(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let n = object::len(cx, r.get(w.b()))?;
    r.set(w.a(), Value::small(n as i64));
    Ok(())
}

fn match_mapping(_: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let is = r.get(w.b()).class().has(taipan_runtime::typeobj::flags::MAPPING);
    r.set(w.a(), Value::bool(is));
    Ok(())
}

fn match_sequence(_: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let is = r.get(w.b()).class().has(taipan_runtime::typeobj::flags::SEQUENCE);
    r.set(w.a(), Value::bool(is));
    Ok(())
}

fn match_keys(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let found = pattern::match_keys(cx, r.get(w.b()), r.get(w.c()))?;
    r.set(w.a(), found.unwrap_or(Value::none()));
    Ok(())
}

fn match_class(cx: &mut Cx, w: Word, r: Regs, pc: *mut u64) -> PyResult<()> {
    // SAFETY: the first cache word.
    let positional = unsafe { (*pc & 0xffff_ffff) as usize };
    let (class, names) = (r.get(w.c()), r.get(w.c() + 1));
    let found = pattern::match_class(cx, r.get(w.b()), class, names, positional)?;
    r.set(w.a(), found.unwrap_or(Value::none()));
    Ok(())
}
