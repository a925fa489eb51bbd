//! Calls and returns.

use taipan_bytecode::Word;

use taipan_runtime::dict::Dict;
use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::native::Args;
use taipan_runtime::protocol::iter;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::code::{CodeObject, QUICK_LOCALS};
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::dispatcher;
use taipan_runtime::types::function::{self, BoundMethod, Function};
use taipan_runtime::types::generator::{Generator, State};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{object as object_type, type_};
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::dispatch::{Handler0, Regs, dispatch, handler, slow};
use crate::unwind::unwind;

/// What [`call_other`] returns when it pushed a frame that is to be run (no value has this word).
const ENTERED: u64 = 4;

/// Binds arguments that need more than copying. Out of line: see `slow!`.
#[inline(never)]
unsafe fn bind(
    cx: &mut Cx,
    f: &'static Function,
    args: *mut u64,
    n: usize,
    kwnames: Option<&'static Tuple>,
    window: *mut u64,
) -> bool {
    // SAFETY: INT-1; the window has room (push_frame keeps a reserve).
    unsafe {
        let values = std::slice::from_raw_parts(args.cast::<Value>(), n);
        function::bind_args(cx, f, Args::new(values, kwnames), window).is_ok()
    }
}

/// Pushes a frame for a Python function whose arguments lie at `args` in registers. The caller's pc is stored already.
/// Null if that raised.
#[inline(always)]
unsafe fn push_call(
    cx: &mut Cx,
    f: &'static Function,
    args: *mut u64,
    n: usize,
    kwnames: Option<&'static Tuple>,
    result: *mut u64,
    flags: u32,
) -> *mut Frame {
    // SAFETY: INT-1; the window starts at the arguments, or for a generator's frame, whose registers are no part of the
    // stack, at the first free register.
    unsafe {
        let caller = &*cx.frame;
        let code = f.code.get();
        let in_place = caller.flags & flag::GENERATOR == 0;
        let window = if in_place { args } else { caller.top };
        if code.simple && kwnames.is_none() && n == code.argcount as usize {
            if !in_place {
                std::ptr::copy_nonoverlapping(args, window, n);
            }
            function::prepare_window(code, f.closure.get(), window, n);
        } else if !bind(cx, f, args, n, kwnames, window) {
            return std::ptr::null_mut();
        }
        cx.push_frame(code, window, f.globals, f.builtins, Some(f), result, flags).unwrap_or(std::ptr::null_mut())
    }
}

/// Notes for the JIT what was called, in the last cache word of the call before `next`. The reference is weak: whoever
/// reads it must ask the heap whether the object is still there.
#[inline(always)]
unsafe fn note_callee(next: *const u64, f: &'static Function) {
    // SAFETY: INT-3; calls have two cache words.
    unsafe { *next.cast_mut().sub(1) = f as *const Function as u64 };
}

/// Counts a call of `code`; true if it is hot, or if somebody wants this thread's attention: recursion has no back edges.
#[inline(always)]
pub(crate) fn count_call(cx: &Cx, code: &CodeObject) -> bool {
    let heat = code.heat.get().wrapping_add(1);
    code.heat.set(heat);
    (heat >= cx.hot_call) | cx.interrupt.load(std::sync::atomic::Ordering::Relaxed)
}

/// Calls anything but a Python function: `callee` with `n` values at `args`, the last ones named by `kwnames`. The word
/// before `args` may be overwritten. Returns the result's word, 0 if it raised, or [`ENTERED`].
#[inline(never)]
unsafe fn call_other(
    cx: &mut Cx,
    callee: Value,
    args: *mut u64,
    n: usize,
    kwnames: Option<&'static Tuple>,
    result: *mut u64,
) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        let values = std::slice::from_raw_parts(args.cast::<Value>(), n);
        let outcome = if let Some(method) = callee.exact::<BoundMethod>() {
            let first = args.sub(1);
            *first = method.receiver.bits();
            if let Some(f) = method.function.exact::<Function>() {
                note_callee((*cx.frame).pc, f);
                let frame = push_call(cx, f, first, n + 1, kwnames, result, 0);
                return if frame.is_null() { 0 } else { ENTERED };
            }
            let values = std::slice::from_raw_parts(first.cast::<Value>(), n + 1);
            if let Some(f) = dispatcher::direct(method.function, Args::new(values, kwnames)) {
                let frame = push_call(cx, f, first, n + 1, kwnames, result, 0);
                return if frame.is_null() { 0 } else { ENTERED };
            }
            cx.call_args(method.function, Args::new(values, kwnames))
        } else if let Some(native) = callee.exact::<NativeFunction>() {
            native.call(cx, Args::new(values, kwnames))
        } else if let Some(method) = callee.exact::<MethodDescr>() {
            method.call(cx, Args::new(values, kwnames))
        } else if let Some(class) = callee.downcast::<Type>()
            && let Some(init) = type_::python_init(class)
        {
            return construct(cx, class, init, args, n, kwnames, result);
        } else if let Some(f) = dispatcher::direct(callee, Args::new(values, kwnames)) {
            let frame = push_call(cx, f, args, n, kwnames, result, 0);
            return if frame.is_null() { 0 } else { ENTERED };
        } else {
            cx.call_args(callee, Args::new(values, kwnames))
        };
        outcome.map_or(0, |v| v.bits())
    }
}

/// Makes an instance and pushes the frame of its `__init__`; the frame's flag INIT makes the instance the result.
#[inline(never)]
unsafe fn construct(
    cx: &mut Cx,
    class: &'static Type,
    init: &'static Function,
    args: *mut u64,
    n: usize,
    kwnames: Option<&'static Tuple>,
    result: *mut u64,
) -> u64 {
    // SAFETY: INT-1; the register before the arguments held the callee.
    unsafe {
        let object = object_type::instantiate(cx, class);
        let first = args.sub(1);
        *first = object.bits();
        let frame = push_call(cx, init, first, n + 1, kwnames, result, flag::INIT);
        if frame.is_null() {
            return 0;
        }
        (*frame).receiver = Some(object);
        ENTERED
    }
}

/// Ends a call handler: enters the Python function or calls whatever `$callee` is, and goes on at `$next`.
macro_rules! finish_call {
    ($callee:expr, $args:expr, $n:expr, $kwnames:expr, $result:expr, $next:expr, $regs:expr, $cx:expr, $table:expr) => {{
        let (callee, args, n, kwnames, result, next) = ($callee, $args, $n, $kwnames, $result, $next);
        (*$cx.frame).pc = next;
        if let Some(f) = callee.exact::<Function>() {
            note_callee(next, f);
            let frame = push_call($cx, f, args, n, kwnames, result, 0);
            if frame.is_null() {
                return unwind($cx, $table, true);
            }
            if count_call($cx, f.code.get()) {
                return $crate::hot::call_hot($cx, $table);
            }
            dispatch!((*frame).pc, (*frame).regs, $cx, $table);
        }
        let bits = call_other($cx, callee, args, n, kwnames, result);
        if bits == ENTERED {
            let frame = &*$cx.frame;
            if count_call($cx, frame.code) {
                return $crate::hot::call_hot($cx, $table);
            }
            dispatch!(frame.pc, frame.regs, $cx, $table);
        }
        if bits == 0 {
            return unwind($cx, $table, true);
        }
        *result = bits;
        // A native function may have turned tracing on or off.
        dispatch!(next, $regs, $cx, crate::trace::table($cx))
    }};
}

/// Enters a Python function if nothing stands in the way: exactly its positional parameters are given, it is a plain
/// function, the caller's window is on the stack. No calls here: see `slow!`.
macro_rules! try_fast_call {
    ($callee:expr, $args:expr, $n:expr, $result:expr, $next:expr, $cx:expr, $table:expr) => {
        if let Some(f) = $callee.exact::<Function>() {
            let (code, args) = (f.code.get(), $args);
            note_callee($next, f);
            let caller = &mut *$cx.frame;
            if code.quick
                && code.argcount as usize == $n
                && caller.flags & flag::GENERATOR == 0
                && $cx.can_push(code, args)
            {
                caller.pc = $next;
                // Unbound locals; what is cleared beyond them are temporaries that nobody has written yet.
                args.add($n).cast::<[u64; QUICK_LOCALS]>().write([0; QUICK_LOCALS]);
                let frame = $cx.push_frame_unchecked(code, args, f.globals, f.builtins, Some(f), $result, 0);
                if count_call($cx, code) {
                    return $crate::hot::call_hot($cx, $table);
                }
                dispatch!((*frame).pc, args, $cx, $table);
            }
        }
    };
}

handler!(Call, |w, pc, regs, cx, table| {
    let callee = Regs(regs).get(w.a());
    try_fast_call!(callee, regs.add(w.a() + 1), w.b(), regs.add(w.c()), pc.add(2), cx, table);
    return call_general(w.0, pc, regs, cx, table);
});

handler!(
    #[inline(never)]
    call_general,
    |w, pc, regs, cx, table| {
        let callee = Regs(regs).get(w.a());
        finish_call!(callee, regs.add(w.a() + 1), w.b(), None, regs.add(w.c()), pc.add(2), regs, cx, table)
    }
);

/// The tuple of keyword names of a call.
#[inline(always)]
unsafe fn kwnames_at(cx: &Cx, pc: *const u64) -> Option<&'static Tuple> {
    // SAFETY: the compiler puts a tuple of strs there.
    unsafe { Some((*cx.frame).code.consts()[(*pc & 0xffff_ffff) as usize].cast::<Tuple>()) }
}

handler!(CallKw, |w, pc, regs, cx, table| {
    let callee = Regs(regs).get(w.a());
    let kwnames = kwnames_at(cx, pc);
    finish_call!(callee, regs.add(w.a() + 1), w.b(), kwnames, regs.add(w.c()), pc.add(2), regs, cx, table)
});

/// Calls a native method of the receiver's type. Out of line: see `slow!`.
#[inline(never)]
unsafe fn call_native_method(cx: &mut Cx, method: &'static MethodDescr, args: *mut u64, n: usize) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        let values = std::slice::from_raw_parts(args.cast::<Value>(), n);
        (method.def.call)(cx, Args::positional(values)).map_or(0, |v| v.bits())
    }
}

handler!(CallMethod, |w, pc, regs, cx, table| {
    let callee = Regs(regs).get(w.a());
    let args = regs.add(w.a() + 1);
    if *args != 0 {
        try_fast_call!(callee, args, w.b() + 1, regs.add(w.c()), pc.add(2), cx, table);
    }
    return call_method_general(w.0, pc, regs, cx, table);
});

handler!(
    #[inline(never)]
    call_method_general,
    |w, pc, regs, cx, table| {
        let callee = Regs(regs).get(w.a());
        let (result, next) = (regs.add(w.c()), pc.add(2));
        let (mut args, mut n) = (regs.add(w.a() + 1), w.b() + 1);
        if *args == 0 {
            args = args.add(1);
            n -= 1;
        } else if let Some(method) = callee.exact::<MethodDescr>()
            && Value::from_bits(*args).unwrap_unchecked().is_instance(method.owner)
        {
            (*cx.frame).pc = next;
            let bits = call_native_method(cx, method, args, n);
            if bits == 0 {
                return unwind(cx, table, true);
            }
            *result = bits;
            dispatch!(next, regs, cx, crate::trace::table(cx));
        }
        finish_call!(callee, args, n, None, result, next, regs, cx, table)
    }
);

handler!(CallMethodKw, |w, pc, regs, cx, table| {
    let callee = Regs(regs).get(w.a());
    let (mut args, mut n) = (regs.add(w.a() + 1), w.b() + 1);
    if *args == 0 {
        args = args.add(1);
        n -= 1;
    }
    let kwnames = kwnames_at(cx, pc);
    finish_call!(callee, args, n, kwnames, regs.add(w.c()), pc.add(2), regs, cx, table)
});

slow! {
    CallEx 0 => call_ex;
    MakeFunction 0 => make_function;
    SetFuncAttr 0 => set_func_attr;
}

fn call_ex(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    let callee = r.get(w.a());
    let positional = r.get(w.a() + 1);
    let tuple = match positional.exact::<Tuple>() {
        Some(t) => t,
        None => {
            let items = match iter::to_list(cx, positional) {
                Ok(list) => list,
                Err(_)
                    if cx.exception_matches(&taipan_runtime::exceptions::TypeError)
                        && positional.class().slots().iter.is_none()
                        && positional.class().slots().getitem.is_none() =>
                {
                    cx.take_exception();
                    let f = function_text(cx, callee)?;
                    let got = positional.class().tp_name();
                    return raise!(cx, TypeError, "{f} argument after * must be an iterable, not {got}");
                }
                Err(e) => return Err(e),
            };
            Tuple::new(cx, items.items())
        }
    };
    let kwargs = if w.b() == 0 { None } else { r.try_get(w.a() + 2) };
    let result = match kwargs.and_then(|k| k.downcast::<Dict>()).filter(|d| !d.is_empty()) {
        None => cx.call_args(callee, Args::positional(tuple.items()))?,
        Some(dict) => call_with_dict(cx, callee, tuple, dict)?,
    };
    r.set(w.c(), result);
    Ok(())
}

/// `module.qualname()` of a callee, for messages.
pub(crate) fn function_text(cx: &mut Cx, callee: Value) -> PyResult<String> {
    taipan_runtime::protocol::object::function_text(cx, callee)
}

fn call_with_dict(cx: &mut Cx, callee: Value, tuple: &'static Tuple, kwargs: &'static Dict) -> PyResult<Value> {
    let n = tuple.len();
    if n + kwargs.len() <= FEW {
        return call_with_few(cx, callee, tuple, kwargs);
    }
    let values = taipan_runtime::types::list::List::with_capacity(cx, n + kwargs.len());
    values.extend_from_slice(cx, tuple.items());
    let names = taipan_runtime::types::list::List::with_capacity(cx, kwargs.len());
    for (name, value) in kwargs.iter() {
        if name.downcast::<taipan_runtime::types::str::Str>().is_none() {
            return raise!(cx, TypeError, "keywords must be strings");
        }
        names.push(cx, name);
        values.push(cx, value);
    }
    let names = Tuple::new(cx, names.items());
    let values = values.take();
    cx.call_args(callee, Args::new(values, Some(names)))
}

/// So many arguments are put together on the native stack, where the collector sees them.
const FEW: usize = 16;

fn call_with_few(cx: &mut Cx, callee: Value, tuple: &'static Tuple, kwargs: &'static Dict) -> PyResult<Value> {
    let mut values = [Value::none(); FEW];
    let mut names = [Value::none(); FEW];
    let n = tuple.len();
    values[..n].copy_from_slice(tuple.items());
    let mut k = 0;
    for (name, value) in kwargs.iter() {
        if name.downcast::<taipan_runtime::types::str::Str>().is_none() {
            return raise!(cx, TypeError, "keywords must be strings");
        }
        (names[k], values[n + k]) = (name, value);
        k += 1;
    }
    let names = Tuple::new(cx, &names[..k]);
    cx.call_args(callee, Args::new(&values[..n + k], Some(names)))
}

fn make_function(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    // SAFETY: INT-1; the constant is a code object.
    let f = unsafe {
        let frame = &*cx.frame;
        let code = frame.code.consts()[w.x() as usize].cast::<CodeObject>();
        Function::new(cx, code, frame.globals)
    };
    r.set(w.a(), Value::of(f));
    Ok(())
}

fn set_func_attr(cx: &mut Cx, w: Word, r: Regs, _: *mut u64) -> PyResult<()> {
    // SAFETY: the compiler emits this for a function that it just made, with values of the right types.
    unsafe { r.get(w.a()).cast::<Function>() }.set_attribute(cx, w.c() as u16, r.get(w.b()));
    Ok(())
}

handler!(Return, |w, pc, regs, cx, table| {
    let value = *regs.add(w.a());
    let frame = &*cx.frame;
    if frame.flags != 0 || frame.object.is_some() {
        return return_slow(value, pc, regs, cx, table);
    }
    cx.pop_plain_frame();
    *frame.result = value;
    let caller = &*cx.frame;
    dispatch!(caller.pc, caller.regs, cx, table)
});

handler!(ReturnNone, |w, pc, regs, cx, table| {
    let value = Value::none().bits();
    let frame = &*cx.frame;
    if frame.flags != 0 || frame.object.is_some() {
        return return_slow(value, pc, regs, cx, table);
    }
    cx.pop_plain_frame();
    *frame.result = value;
    let caller = &*cx.frame;
    dispatch!(caller.pc, caller.regs, cx, table)
});

/// Returns a value from the frame on top, as the instruction Return does.
#[inline(always)]
pub(crate) unsafe fn return_word(value: u64, cx: &mut Cx, table: *const Handler0) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        let frame = &*cx.frame;
        if frame.flags != 0 || frame.object.is_some() {
            return return_slow(value, frame.pc, frame.regs, cx, table);
        }
        cx.pop_plain_frame();
        *frame.result = value;
        let caller = &*cx.frame;
        dispatch!(caller.pc, caller.regs, cx, table)
    }
}

/// Returns from a frame with flags or a frame object. The first argument is the value's word.
#[inline(never)]
unsafe extern "C" fn return_slow(
    value: u64,
    pc: *const u64,
    _regs: *mut u64,
    cx: &mut Cx,
    table: *const Handler0,
) -> u64 {
    // SAFETY: INT-1.
    unsafe {
        let frame = &mut *cx.frame;
        frame.pc = pc;
        let (flags, mut value) = (frame.flags, value);
        if flags & flag::GENERATOR != 0 {
            return return_generator(value, cx, table);
        }
        let result = frame.result;
        if flags & flag::INIT != 0 {
            if value != Value::none().bits() {
                cx.pop_frame();
                init_result_error(cx, value);
                return unwind(cx, table, true);
            }
            value = frame.receiver.expect("an INIT frame has its instance").bits();
        }
        cx.pop_frame();
        if flags & flag::ENTRY != 0 {
            return value;
        }
        *result = value;
        let caller = &*cx.frame;
        dispatch!(caller.pc, caller.regs, cx, table)
    }
}

#[cold]
#[inline(never)]
fn init_result_error(cx: &mut Cx, value: u64) {
    let got = Value::from_bits(value).map(|v| v.class().name()).unwrap_or_default();
    cx.raise_text(&taipan_runtime::exceptions::TypeError, &format!("__init__() should return None, not '{got}'"));
}

unsafe extern "C" fn return_generator(value: u64, cx: &mut Cx, table: *const Handler0) -> u64 {
    // SAFETY: INT-1; the frame below of a FOR or SEND frame is suspended behind that instruction.
    unsafe {
        let frame = &*cx.frame;
        let (flags, result) = (frame.flags, frame.result);
        frame.receiver.expect("a generator frame has its generator").cast::<Generator>().leave(cx, State::Finished);
        if flags & flag::ENTRY != 0 {
            return value;
        }
        let caller = &*cx.frame;
        let word = Word(*caller.pc.sub(2));
        let mut next = caller.pc;
        if flags & flag::SEND != 0 {
            *result = value;
            if cx.traced && !crate::trace::delegate_returned(cx, Value::from_bits(value).unwrap_unchecked()) {
                return unwind(cx, table, true);
            }
            next = next.offset(word.sc() as isize);
        } else if word.0 as u16 == taipan_bytecode::Op::ForNextOrJump as u16 {
            next = next.offset(word.sc() as isize);
        }
        dispatch!(next, caller.regs, cx, table)
    }
}
