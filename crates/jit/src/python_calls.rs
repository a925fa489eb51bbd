//! Calls of Python functions, and of whatever else can be called, for compiled code. All of these are rows of `helpers.rs`.

use taipan_runtime::frame::{Frame, flag};
use taipan_runtime::hooks::{ENTRY, NOT_COMPILED, RESUME};
use taipan_runtime::native::Args;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::function::{self, BoundMethod, Function};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Value};

use crate::helpers::{note_receiver, word};
use crate::tier::{self, TypedCell};

/// HELP-1: `args` leads to `n` values in the running frame's window, behind the callee.
pub(crate) unsafe extern "C" fn call(cx: &mut Cx, args: *mut u64, n: usize, kwnames: u64) -> u64 {
    // SAFETY: HELP-1.
    unsafe {
        let Some(callee) = Value::from_bits(*args.sub(1)) else { return 0 };
        let kwnames = Value::from_bits(kwnames).map(|k| k.cast::<Tuple>());
        if callee.class().is_heap_type() || callee.exact::<BoundMethod>().is_some() {
            note_receiver(cx, callee);
        }
        call_values(cx, callee, args, n, kwnames)
    }
}

/// HELP-1: as [`call`].
pub(crate) unsafe extern "C" fn call_noted(cx: &mut Cx, args: *mut u64, n: usize, kwnames: u64) -> u64 {
    // SAFETY: HELP-1; FRAME-1.
    unsafe {
        if let Some(f) = Value::from_bits(*args.sub(1)).and_then(|callee| callee.exact::<Function>()) {
            let frame = &*cx.frame;
            crate::profile::note_callee(frame.code, frame.word_index() as u32, f);
        }
        call(cx, args, n, kwnames)
    }
}

pub(crate) extern "C" fn init_result(cx: &mut Cx, v: Value) -> u64 {
    if v.is_none() {
        return 1;
    }
    let text = format!("__init__() should return None, not '{}'", v.class().name());
    cx.raise_text(&taipan_runtime::exceptions::TypeError, &text);
    0
}

/// HELP-1: `args` leads to a pair left by LoadMethod and `n` values behind it.
pub(crate) unsafe extern "C" fn call_method(cx: &mut Cx, pair: *mut u64, n: usize, kwnames: u64) -> u64 {
    // SAFETY: HELP-1.
    unsafe {
        let Some(callee) = Value::from_bits(*pair) else { return 0 };
        let kwnames = Value::from_bits(kwnames).map(|k| k.cast::<Tuple>());
        if *pair.add(1) == 0 {
            *pair.add(1) = *pair;
            return call_values(cx, callee, pair.add(2), n, kwnames);
        }
        if let Some(method) = callee.exact::<MethodDescr>()
            && kwnames.is_none()
            && Value::from_bits(*pair.add(1)).is_some_and(|v| v.is_instance(method.owner))
        {
            let values = std::slice::from_raw_parts(pair.add(1).cast::<Value>(), n + 1);
            return word((method.def.call)(cx, Args::positional(values)));
        }
        call_values(cx, callee, pair.add(1), n + 1, kwnames)
    }
}

/// Calls `callee` with `n` values at `args` in the running frame's window; the word before them may be overwritten.
unsafe fn call_values(cx: &mut Cx, callee: Value, args: *mut u64, n: usize, kwnames: Option<&'static Tuple>) -> u64 {
    // SAFETY: HELP-1.
    unsafe {
        let values = std::slice::from_raw_parts(args.cast::<Value>(), n);
        if let Some(f) = callee.exact::<Function>() {
            if kwnames.is_none() {
                return call_function(cx, f, args, n);
            }
        } else if let Some(method) = callee.exact::<BoundMethod>() {
            let first = args.sub(1);
            *first = method.receiver.bits();
            return call_values(cx, method.function, first, n + 1, kwnames);
        } else if let Some(native) = callee.exact::<NativeFunction>() {
            return word(native.call(cx, Args::new(values, kwnames)));
        }
        word(cx.call_args(callee, Args::new(values, kwnames)))
    }
}

/// HELP-1: `args` leads to `n` values in the running frame's window.
pub(crate) unsafe extern "C" fn call_function(cx: &mut Cx, f: &'static Function, args: *mut u64, n: usize) -> u64 {
    // SAFETY: HELP-1; FRAME-1 and FRAME-2.
    unsafe {
        let code = f.code.get();
        let caller = &*cx.frame;
        let in_place = caller.flags & flag::GENERATOR == 0;
        let window = if in_place { args } else { caller.top };
        let here = 0u8;
        if !cx.can_push(code, window) || (&raw const here as usize) < cx.native_limit {
            return word(cx.call_args(Value::of(f), Args::positional(std::slice::from_raw_parts(args.cast(), n))));
        }
        if code.simple && n == code.argcount as usize {
            if !in_place {
                std::ptr::copy_nonoverlapping(args, window, n);
            }
            function::prepare_window(code, f.closure.get(), window, n);
        } else {
            let values = std::slice::from_raw_parts(args.cast::<Value>(), n);
            if function::bind_args(cx, f, Args::positional(values), window).is_err() {
                return 0;
            }
        }
        let mut result = 0u64;
        let frame = cx.push_frame_unchecked(code, window, f.globals, f.builtins, Some(f), &raw mut result, flag::ENTRY);
        run_pushed(cx, frame)
    }
}

/// HELP-1: `params` leads to the `n` parameters of `f` in the running frame's window.
pub(crate) unsafe extern "C" fn call_bound(cx: &mut Cx, f: &'static Function, params: *mut u64, n: usize) -> u64 {
    // SAFETY: HELP-1; FRAME-1.
    unsafe {
        let frame = push_bound(cx, f, params, n);
        if frame.is_null() { 0 } else { run_pushed(cx, frame) }
    }
}

/// HELP-1: `params` leads to the parameters of `f`, all of which are in the signature of the typed entry with this cell.
pub(crate) unsafe extern "C" fn call_typed(
    cx: &mut Cx,
    f: &'static Function,
    params: *mut u64,
    cell: *const TypedCell,
) -> u64 {
    // SAFETY: HELP-1; FRAME-1.
    unsafe {
        let code = f.code.get();
        let frame = push_bound(cx, f, params, crate::build::binding::parameters(code));
        if frame.is_null() {
            return 0;
        }
        tier::compile_typed(cx, code, cell);
        run_pushed(cx, frame)
    }
}

/// HELP-1: pushes the frame of a call of `f`, whose `n` parameters `params` leads to; null if that raised.
unsafe fn push_bound(cx: &mut Cx, f: &'static Function, params: *mut u64, n: usize) -> *mut Frame {
    let here = 0u8;
    if (&raw const here as usize) < cx.native_limit {
        cx.recursion_error("");
        return std::ptr::null_mut();
    }
    // SAFETY: HELP-1; FRAME-1 and FRAME-2.
    unsafe {
        let code = f.code.get();
        let caller = &*cx.frame;
        let window = if caller.flags & flag::GENERATOR == 0 { params } else { caller.top };
        let entered = cx.push_frame(code, window, f.globals, f.builtins, Some(f), window, flag::ENTRY);
        let Ok(frame) = entered else { return std::ptr::null_mut() };
        if window != params {
            std::ptr::copy_nonoverlapping(params, window, n);
        }
        function::prepare_window(code, f.closure.get(), window, n);
        frame
    }
}

/// Runs the frame just pushed, with compiled code if there is some.
unsafe fn run_pushed(cx: &mut Cx, frame: *mut Frame) -> u64 {
    // SAFETY: FRAME-1.
    unsafe {
        let code = (*frame).code;
        let heat = code.heat.get().wrapping_add(1);
        code.heat.set(heat);
        // As `tier::hot`, in short: this path is taken by every call that is not known beforehand.
        if let Some(bits) = cx.run_compiled(frame) {
            return bits;
        }
        if heat >= cx.hot_call {
            (*frame).flags |= flag::NATIVE;
            let prev = (*frame).prev;
            let bits = crate::tier::hot(cx, ENTRY);
            match bits {
                NOT_COMPILED => (*frame).flags &= !flag::NATIVE,
                RESUME => unreachable!("a frame that compiled code waits for was left to nobody"),
                _ => {
                    if cx.frame != prev {
                        cx.pop_frame();
                    }
                    return bits;
                }
            }
        }
        let run = cx.rt().hooks.get().run;
        // `run` would count the call once more; the count only decides when to compile.
        run(cx, frame).map_or(0, |v| v.bits())
    }
}
