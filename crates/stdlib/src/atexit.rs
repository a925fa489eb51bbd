//! The module `atexit`.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::{compare, object};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::state::{self, Slot};

/// The functions.
pub struct AtExit;

const DOC: &str = "allow programmer to define multiple exit functions to be executed\nupon normal program termination.\n\nTwo public functions, register and unregister, are defined.\n";

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    Ok(crate::make(cx, "atexit", DOC, AtExit::METHODS))
}

/// Calls `f` with a tuple of arguments and a dict of keyword arguments.
pub fn call_with(cx: &mut Cx, f: Value, args: &'static Tuple, keywords: &'static Dict) -> PyResult<Value> {
    let mut all = RootVec::from_slice(args.items());
    let mut names = RootVec::new();
    for (key, value) in keywords.iter() {
        if key.downcast::<Str>().is_none() {
            return raise!(cx, TypeError, "keywords must be strings");
        }
        names.push(key);
        all.push(value);
    }
    let names = if names.is_empty() { None } else { Some(Tuple::new(cx, &names)) };
    cx.call_args(f, Args::new(&all, names))
}

/// Calls the registered functions, the last one first. An exception is reported and does not stop the others.
pub fn run(cx: &mut Cx) {
    let list = state::get_list(cx, Slot::AtExit);
    while let Some(entry) = list.pop() {
        let Some(entry) = entry.exact::<Tuple>() else { continue };
        let [f, args, keywords] = *entry.items() else { continue };
        let (Some(args), Some(keywords)) = (args.exact::<Tuple>(), keywords.exact::<Dict>()) else { continue };
        if call_with(cx, f, args, keywords).is_err() {
            let exception = cx.take_exception();
            let shown = match object::repr_text(cx, f) {
                Ok(shown) => shown,
                Err(_) => {
                    cx.take_exception();
                    "<function>".to_string()
                }
            };
            let message = format!("Exception ignored in atexit callback {shown}");
            object::unraisable(cx, exception, None, Some(&message));
        }
    }
}

#[pymethods]
impl AtExit {
    /// Register a function to be executed upon normal program termination
    ///
    ///     func - function to be called at exit
    ///     args - optional arguments to pass to func
    ///     kwargs - optional keyword arguments to pass to func
    ///
    ///     func is returned to facilitate usage as a decorator.
    #[py("($module, func, /, *args, **kwargs)", raw)]
    fn register(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let Some((f, rest)) = args.pos().split_first() else {
            return raise!(cx, TypeError, "register() takes at least 1 argument (0 given)");
        };
        if f.class().slots().call.is_none() {
            return raise!(cx, TypeError, "the first argument must be callable");
        }
        let rest = Value::of(Tuple::new(cx, rest));
        let keywords = Dict::new(cx);
        for (name, value) in args.keywords() {
            keywords.set_str(cx, name, value);
        }
        let entry = Value::of(Tuple::new(cx, &[*f, rest, Value::of(keywords)]));
        state::get_list(cx, Slot::AtExit).push(cx, entry);
        Ok(*f)
    }

    /// Unregister an exit function which was previously registered using
    /// atexit.register
    ///
    ///     func - function to be unregistered
    #[py("($module, func, /)")]
    fn unregister(cx: &mut Cx, func: Value) -> PyResult<()> {
        let list = state::get_list(cx, Slot::AtExit);
        let mut i = list.len();
        while i > 0 {
            i -= 1;
            let Some(entry) = list.get(i) else { continue };
            let Some(f) = entry.exact::<Tuple>().and_then(|t| t.items().first().copied()) else { continue };
            // Comparing may change the list.
            if compare::equal(cx, func, f)? && list.get(i) == Some(entry) {
                list.splice(cx, i, i + 1, &[]);
            }
        }
        Ok(())
    }

    /// Clear the list of previously registered exit functions.
    #[py("($module, /)")]
    fn _clear(cx: &mut Cx) {
        state::get_list(cx, Slot::AtExit).truncate(0);
    }

    /// Return the number of registered exit functions.
    #[py("($module, /)")]
    fn _ncallbacks(cx: &mut Cx) -> usize {
        state::get_list(cx, Slot::AtExit).len()
    }

    /// Run all registered exit functions.
    ///
    /// If a callback raises an exception, it is logged with sys.unraisablehook.
    #[py("($module, /)")]
    fn _run_exitfuncs(cx: &mut Cx) {
        run(cx);
    }
}
