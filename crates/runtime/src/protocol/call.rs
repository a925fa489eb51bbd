//! Calls.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::frame::{Compiled, flag};
use crate::native::Args;
use crate::object::Object;
use crate::types::code::CodeObject;
use crate::types::descr::{MethodDescr, NativeFunction};
use crate::types::function::{self, BoundMethod, Function};
use crate::types::module::Module;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};

impl Cx {
    /// `f(*args)`.
    #[inline]
    pub fn call(&mut self, f: Value, args: &[Value]) -> PyResult<Value> {
        // With the arguments in registers: as a part of `Args` they are written and at once read again in other pieces, and
        // the processor waits for that longer than the rest takes.
        match f.exact::<Function>() {
            Some(function) => call_positional(self, function, args),
            None => self.call_args(f, Args::positional(args)),
        }
    }

    /// `f(*args, **kwargs)`.
    pub fn call_args(&mut self, f: Value, args: Args) -> PyResult<Value> {
        if let Some(function) = f.exact::<Function>() {
            return call_function(self, function, args);
        }
        if let Some(native) = f.exact::<NativeFunction>() {
            return self.nested("", |cx| native.call(cx, args));
        }
        match f.class().slots().call {
            Some(call) => self.nested("", |cx| call(cx, f, args)),
            None => not_callable(self, f),
        }
    }

    /// `v.name(*args)`.
    pub fn call_method(&mut self, v: Value, name: &'static Str, args: &[Value]) -> PyResult<Value> {
        let (f, bound) = crate::protocol::attr::get_method(self, v, name)?;
        if bound { call_unbound_args(self, f, v, Args::positional(args)) } else { self.call(f, args) }
    }

    /// `v.name(*args)` for a name given as text. May collect.
    pub fn call_method_text(&mut self, v: Value, name: &str, args: &[Value]) -> PyResult<Value> {
        let name = self.intern(name);
        self.call_method(v, name, args)
    }
}

#[cold]
fn not_callable(cx: &mut Cx, f: Value) -> PyResult<Value> {
    if let Some(module) = f.downcast::<Module>() {
        let key = cx.names().__name__;
        let name = module.dict().get_str(key).and_then(|v| v.downcast::<Str>());
        if let Some(name) = name
            && module.dict().get_str(name).is_some_and(|v| v.class().slots().call.is_some())
        {
            return raise!(cx, TypeError, "'module' object is not callable. Did you mean: '{name}.{name}(...)'?");
        }
    }
    raise!(cx, TypeError, "'{}' object is not callable", f.class().tp_name())
}

/// Calls a Python function natively: pushes its frame and runs it to its end.
pub fn call_function(cx: &mut Cx, f: &'static Function, args: Args) -> PyResult<Value> {
    if args.kwnames().is_none() {
        return call_positional(cx, f, args.values());
    }
    call_interpreted(cx, f, args)
}

/// As [`call_function`], without keywords.
fn call_positional(cx: &mut Cx, f: &'static Function, args: &[Value]) -> PyResult<Value> {
    let code = f.code.get();
    if code.simple
        && args.len() == code.argcount as usize
        && let Some(bits) = call_compiled(cx, f, code, args)
    {
        return Value::from_bits(bits).ok_or(crate::Raised);
    }
    call_interpreted(cx, f, Args::positional(args))
}

#[inline(never)]
fn call_interpreted(cx: &mut Cx, f: &'static Function, args: Args) -> PyResult<Value> {
    let mut result = 0u64;
    let frame = enter(cx, f, args, &raw mut result)?;
    // SAFETY: the frame was just pushed.
    match unsafe { cx.run_compiled(frame) } {
        Some(bits) => Value::from_bits(bits).ok_or(crate::Raised),
        None => cx.run(frame),
    }
}

/// Calls the compiled code of a function with all its parameters. It pushes the frame if it needs one. None if there is no code,
/// or events are traced, or the native stack is short.
#[inline(always)]
fn call_compiled(cx: &mut Cx, f: &'static Function, code: &'static CodeObject, args: &[Value]) -> Option<u64> {
    let native = code.native.get();
    let here = 0u8;
    if native.is_null() || cx.traced || (&raw const here as usize) < cx.native_limit {
        return None;
    }
    let window = cx.top();
    // SAFETY: FRAME-2: there is room for any window above the top. Nothing collects before the code pushes the frame.
    unsafe {
        // Volatile, because a call of memcpy costs more than these few stores.
        for (i, v) in args.iter().enumerate() {
            window.add(i).write_volatile(v.bits());
        }
        function::bind_closure(code, f.closure.get(), window);
        let run: Compiled = std::mem::transmute(native);
        cx.compiled += 1;
        let bits = run(cx, window, Some(f));
        cx.compiled -= 1;
        Some(bits)
    }
}

/// Does something with the frame of a call of `f` on top that has been entered but does not run.
pub fn with_entered<T>(
    cx: &mut Cx,
    f: &'static Function,
    args: Args,
    action: impl FnOnce(&mut Cx) -> T,
) -> PyResult<T> {
    let mut result = 0u64;
    enter(cx, f, args, &raw mut result)?;
    let outcome = action(cx);
    cx.pop_frame();
    Ok(outcome)
}

/// Pushes the frame of a call and binds the arguments.
#[inline(always)]
fn enter(cx: &mut Cx, f: &'static Function, args: Args, result: *mut u64) -> PyResult<*mut crate::frame::Frame> {
    let code = f.code.get();
    let regs = cx.top();
    // SAFETY: `top` leads to free registers; push_frame checks that the window fits, and the arguments are copied
    // only after that.
    unsafe {
        let n = args.values().len();
        if code.simple && n == code.argcount as usize && args.kwnames().is_none() {
            let frame = cx.push_frame(code, regs, f.globals, f.builtins, Some(f), result, flag::ENTRY)?;
            // Volatile, because a call of memcpy costs more than these few stores.
            for (i, v) in args.values().iter().enumerate() {
                regs.add(i).write_volatile(v.bits());
            }
            function::prepare_window(code, f.closure.get(), regs, n);
            return Ok(frame);
        }
        let frame = cx.push_frame(code, regs, f.globals, f.builtins, Some(f), result, flag::ENTRY)?;
        // While arguments are bound, the frame does not exist for tracebacks.
        cx.frame = (*frame).prev;
        let saved = (*frame).top;
        let bound = with_top(cx, saved, |cx| function::bind_args(cx, f, args, regs));
        if bound.is_err() {
            cx.stack.next_frame.set(frame);
            cx.depth -= 1;
            return Err(crate::Raised);
        }
        cx.frame = frame;
        Ok(frame)
    }
}

/// Runs code that is not called as a function - a module, a class body, `exec` and `eval` - in a new frame.
/// `locals` is the mapping of its names; None for code with fast locals.
pub fn run_code(
    cx: &mut Cx,
    code: &'static CodeObject,
    globals: &'static Dict,
    locals: Option<Value>,
    closure: Option<&'static Tuple>,
) -> PyResult<Value> {
    let builtins = function::builtins_of(cx, globals);
    let regs = cx.top();
    let mut result = 0u64;
    // SAFETY: as in call_function.
    unsafe {
        let frame = cx.push_frame(code, regs, globals, builtins, None, &raw mut result, flag::ENTRY)?;
        function::prepare_window(code, closure, regs, 0);
        (*frame).locals = locals;
        cx.run(frame)
    }
}

/// Runs `f` with the running frame's top raised to `top`, so that registers below it are scanned.
fn with_top<T>(cx: &mut Cx, top: *mut u64, f: impl FnOnce(&mut Cx) -> T) -> T {
    if cx.frame.is_null() {
        let old = cx.stack.set_base_top(top);
        let r = f(cx);
        cx.stack.set_base_top(old);
        return r;
    }
    let frame = cx.frame;
    // SAFETY: the running frame.
    unsafe {
        let old = (*frame).top;
        (*frame).top = top;
        let r = f(cx);
        (*frame).top = old;
        r
    }
}

/// Calls `f`, found on the type of `receiver` and not bound, with `receiver` and `args`.
#[inline]
pub fn call_unbound(cx: &mut Cx, f: Value, receiver: Value, args: &[Value]) -> PyResult<Value> {
    call_unbound_args(cx, f, receiver, Args::positional(args))
}

/// As [`call_unbound`], with keywords.
pub fn call_unbound_args(cx: &mut Cx, f: Value, receiver: Value, args: Args) -> PyResult<Value> {
    if crate::protocol::attr::is_method(f) {
        return call_with_first(cx, f, receiver, args);
    }
    let bound = crate::protocol::attr::bind(cx, f, receiver, receiver.class())?;
    cx.call_args(bound, args)
}

/// `f(first, *args, **kwargs)`.
pub fn call_with_first(cx: &mut Cx, f: Value, first: Value, args: Args) -> PyResult<Value> {
    let n = args.values().len() + 1;
    if n <= 8 {
        let mut all = [first; 8];
        all[1..n].copy_from_slice(args.values());
        return cx.call_args(f, Args::new(&all[..n], args.kwnames()));
    }
    // The arguments are alive through the caller's slice.
    let mut all = Vec::with_capacity(n);
    all.push(first);
    all.extend_from_slice(args.values());
    cx.call_args(f, Args::new(&all, args.kwnames()))
}

/// Calls a bound method object.
pub fn call_method_object(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the call slot of bound methods.
    let method = unsafe { v.cast::<BoundMethod>() };
    call_with_first(cx, method.function, method.receiver, args)
}

/// Calls a native method descriptor object.
pub fn call_method_descr(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the call slot of method descriptors.
    unsafe { v.cast::<MethodDescr>() }.call(cx, args)
}

/// The call slot of Python functions.
pub fn call_function_object(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the call slot of functions.
    call_function(cx, unsafe { v.cast::<Function>() }, args)
}

/// Global namespace of the running Python frame.
pub fn caller_globals(cx: &Cx) -> Option<&'static Dict> {
    // SAFETY: FRAME-1.
    unsafe { cx.frame.as_ref().map(|f| f.globals) }
}

/// The class of functions, for checks by identity.
pub fn function_class() -> &'static crate::typeobj::Type {
    Function::class()
}
