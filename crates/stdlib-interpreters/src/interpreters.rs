//! `_interpreters`.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::exceptions::Exception;
use taipan_runtime::interpreter::Interpreter;
use taipan_runtime::protocol::{attr, object};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::compile::{self, Request};
use taipan_stdlib::start;
use taipan_syntax::Mode;

use crate::config::{self, Config, Note};
use crate::errors::{self, raise_class};
use crate::share::{self, Fallback};
use crate::snapshot::Snapshot;
use crate::{queues, stateless};

/// The functions.
pub struct Functions;

const WHENCE_RUNTIME: i64 = 1;
const WHENCE_STDLIB: i64 = 5;

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let doc = "This module provides primitive operations to manage Python interpreters.\nThe 'interpreters' module provides a more convenient interface.";
    let module = taipan_stdlib::make(cx, "_interpreters", doc, Functions::METHODS);
    for class in [&errors::INTERPRETER, &errors::NOT_FOUND, &errors::NOT_SHAREABLE, &share::BUFFER_VIEW] {
        module.add_type(cx, class);
    }
    let origins = [("UNKNOWN", 0), ("RUNTIME", 1), ("LEGACY_CAPI", 2), ("CAPI", 3), ("XI", 4), ("STDLIB", 5)];
    for (name, number) in origins {
        module.set(cx, &format!("WHENCE_{name}"), Value::small(number));
    }
    start::at_finish(end_all);
    Ok(module)
}

fn whence(interpreter: &Interpreter) -> i64 {
    if interpreter.is_main() { WHENCE_RUNTIME } else { WHENCE_STDLIB }
}

fn fail<T>(cx: &mut Cx, text: &str) -> PyResult<T> {
    Err(raise_class(cx, &errors::INTERPRETER, text))
}

/// The interpreter that `id` is the number of; only one that this module made if `restrict`.
fn find(cx: &mut Cx, id: Value, restrict: Option<bool>, doing: &str) -> PyResult<&'static Interpreter> {
    if !int::check(id) {
        return raise!(cx, TypeError, "interpreter ID must be an int, got {}", id.class().tp_name());
    }
    let Some(number) = int::as_i64(id) else { return raise!(cx, OverflowError, "int too big to convert") };
    if number < 0 {
        return raise!(cx, ValueError, "interpreter ID must be a non-negative int, got {number}");
    }
    match cx.rt().find_interpreter(number) {
        Some(found) if restrict == Some(true) && found.is_main() => {
            fail(cx, &format!("cannot {doing} unrecognized interpreter {number}"))
        }
        Some(found) => Ok(found),
        None => Err(raise_class(cx, &errors::NOT_FOUND, &format!("unrecognized interpreter ID {number}"))),
    }
}

fn identity(cx: &mut Cx, interpreter: &Interpreter) -> Value {
    let pair = [interpreter.id, whence(interpreter)].map(Value::small);
    Value::of(Tuple::new(cx, &pair))
}

/// Makes an interpreter. What goes wrong in it is told here.
pub fn create(cx: &mut Cx, config: Config, requires_refs: bool) -> PyResult<i64> {
    let new = cx.rt().new_interpreter();
    new.permissions.set(config.permissions());
    let id = new.id;
    config::change(id, |note| *note = Note { config, requires_refs, refs: 0, running: false });
    let failure = cx.in_interpreter(new, |cx| match start::start_interpreter(cx) {
        Ok(()) => None,
        Err(_) => {
            let exception = cx.take_exception();
            Some(Snapshot::of(cx, exception))
        }
    });
    match failure {
        None => Ok(id),
        Some(failure) => {
            end(cx, new);
            let text = failure.formatted();
            fail(cx, &format!("interpreter creation failed: {text}"))
        }
    }
}

/// Ends an interpreter in which nothing runs.
fn end(cx: &mut Cx, interpreter: &'static Interpreter) {
    config::change(interpreter.id, |note| note.running = true);
    cx.end_interpreter(interpreter, start::finish_interpreter);
    queues::interpreter_ended(interpreter.id);
    config::forget(interpreter.id);
}

/// Ends the interpreters that the program has left.
fn end_all(cx: &mut Cx) {
    let left: Vec<_> = cx.rt().live_interpreters().into_iter().filter(|i| !i.is_main()).collect();
    if left.is_empty() || !cx.interpreter.is_main() {
        return;
    }
    let text = cx.str("remaining subinterpreters; close them with Interpreter.close()");
    let warn = cx.rt().hooks.get().warn;
    if warn(cx, text, Value::of(&exceptions::RuntimeWarning), 0).is_err() {
        let exception = cx.take_exception();
        object::unraisable(cx, exception, None, None);
    }
    for interpreter in left {
        if !config::note(interpreter.id).running {
            end(cx, interpreter);
        }
    }
}

/// Makes an interpreter, runs source text in it, printing an exception that that raises, and ends it; false if it raised.
pub fn run_once(cx: &mut Cx, config: Config, source: Value) -> PyResult<bool> {
    let id = create(cx, config, false)?;
    let Some(interpreter) = cx.rt().find_interpreter(id) else { return Ok(false) };
    let script = script_code(cx, source)?;
    let result = run_in(cx, interpreter, |cx, main| {
        if taipan_stdlib::builtins::scope::run_module_code(cx, script, main).is_ok() {
            return Ok(true);
        }
        let exception = cx.take_exception();
        taipan_stdlib::sys::print_exception_natively(cx, exception);
        Ok(false)
    });
    end(cx, interpreter);
    Ok(matches!(result?, Ok(true)))
}

/// Marks the main program of an interpreter as running while `f` runs in it.
fn run_in<T>(
    cx: &mut Cx,
    interpreter: &'static Interpreter,
    f: impl FnOnce(&mut Cx, &'static Dict) -> Result<T, Failure>,
) -> PyResult<Result<T, Failure>> {
    if config::note(interpreter.id).running {
        return fail(cx, "interpreter already running");
    }
    config::change(interpreter.id, |note| note.running = true);
    let result = cx.in_interpreter(interpreter, |cx| {
        let main = match start::main_module(cx) {
            Ok(main) => main,
            Err(_) => return Err(Failure::raised(cx)),
        };
        f(cx, main)
    });
    config::change(interpreter.id, |note| note.running = false);
    Ok(result)
}

/// Why something did not work in another interpreter.
enum Failure {
    /// The program raised an exception.
    Uncaught(Snapshot),
    /// Data could not cross, for the reason that the snapshot tells.
    NotShareable(&'static str, Snapshot),
}

impl Failure {
    fn raised(cx: &mut Cx) -> Failure {
        let exception = cx.take_exception();
        Failure::Uncaught(Snapshot::of(cx, exception))
    }

    fn not_shareable(cx: &mut Cx, text: &'static str) -> Failure {
        let exception = cx.take_exception();
        Failure::NotShareable(text, Snapshot::of(cx, exception))
    }

    /// The snapshot of what the program raised; or an exception here.
    fn tell(self, cx: &mut Cx) -> PyResult<Value> {
        match self {
            Failure::Uncaught(snapshot) => Ok(snapshot.namespace(cx)),
            Failure::NotShareable(text, snapshot) => {
                let reason = cx.str(&snapshot.display());
                let cause = cx.call(Value::of(&exceptions::Exception_), &[reason])?;
                share::raise_caused(cx, text, cause)
            }
        }
    }
}

/// Makes the values of a namespace ready to cross; (names, values).
fn send_namespace(cx: &mut Cx, namespace: &'static Dict) -> PyResult<(&'static List, &'static List)> {
    let (names, values) = (List::new(cx), List::new(cx));
    for (name, value) in namespace.iter().collect::<Vec<_>>() {
        if name.downcast::<Str>().is_none() {
            return raise!(cx, TypeError, "bad argument type for built-in operation");
        }
        let value = share::send(cx, value, Fallback::No)?;
        names.push(cx, name);
        values.push(cx, value);
    }
    Ok((names, values))
}

fn bind_namespace(
    cx: &mut Cx,
    main: &'static Dict,
    names: &'static List,
    values: &'static List,
) -> Result<(), Failure> {
    for (name, value) in names.items().to_vec().into_iter().zip(values.items().to_vec()) {
        let received = share::receive(cx, value).and_then(|value| main.set(cx, name, value));
        if received.is_err() {
            return Err(Failure::not_shareable(cx, "failed to apply namespace to __main__"));
        }
    }
    Ok(())
}

/// The code of a script: source text, or a function or code object that works as one.
fn script_code(cx: &mut Cx, script: Value) -> PyResult<&'static CodeObject> {
    let code = match script.exact::<Function>() {
        Some(function) => Some(function.code.get()),
        None => script.exact::<CodeObject>(),
    };
    if let Some(code) = code {
        stateless::check_script(cx, code)?;
        return share::copy_code(cx, code);
    }
    if script.downcast::<Str>().is_none() && script.downcast::<Bytes>().is_none() {
        let shown = object::repr_text(cx, script)?;
        return raise!(cx, TypeError, "unsupported script {shown}");
    }
    let filename = cx.str("<script>");
    let text = compile::source_text(cx, script, "exec", "string or bytes", filename)?;
    compile::compile_text(cx, &text, filename, &Request { mode: Mode::Module, flags: 0, optimize: -1 })
}

/// Runs a script in an interpreter; None, or what is known about the exception that it raised.
fn run_script(cx: &mut Cx, interpreter: &'static Interpreter, script: Value, shared: Option<Value>) -> PyResult<Value> {
    let code = script_code(cx, script)?;
    let (names, values) = match shared.and_then(|s| s.downcast::<Dict>()) {
        Some(shared) => send_namespace(cx, shared)?,
        None => (List::new(cx), List::new(cx)),
    };
    let result = run_in(cx, interpreter, |cx, main| {
        bind_namespace(cx, main, names, values)?;
        match taipan_stdlib::builtins::scope::run_module_code(cx, code, main) {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::raised(cx)),
        }
    })?;
    match result {
        Ok(()) => Ok(Value::none()),
        Err(failure) => failure.tell(cx),
    }
}

fn check_dict(cx: &mut Cx, v: Option<Value>, function: &str, number: usize) -> PyResult<Option<Value>> {
    match v.filter(|v| !v.is_none()) {
        Some(v) if v.downcast::<Dict>().is_none() => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "_interpreters.{function}() argument {number} must be dict, not {got}")
        }
        v => Ok(v),
    }
}

/// Makes what is to be called ready to cross.
fn send_callable(cx: &mut Cx, callable: Value) -> PyResult<Value> {
    if callable.class().slots().call.is_none() {
        let shown = object::repr_text(cx, callable)?;
        return raise!(cx, TypeError, "expected a callable, got {shown}");
    }
    let raised: Raised = match share::send_function(cx, callable) {
        Ok(sent) => return Ok(sent),
        Err(raised) => raised,
    };
    let first = cx.take_exception();
    share::send_pickled(cx, callable).map_err(|_| {
        cx.take_exception();
        cx.raise_again(first);
        raised
    })
}

/// What runs in the interpreter that is called into.
fn call_received(cx: &mut Cx, callable: Value, args: Value, kwargs: Value) -> Result<Value, Failure> {
    let Ok(callable) = share::receive(cx, callable) else {
        return Err(Failure::not_shareable(cx, "func not shareable"));
    };
    let Ok(args) = share::receive(cx, args) else { return Err(Failure::not_shareable(cx, "args not shareable")) };
    let Ok(kwargs) = share::receive(cx, kwargs) else {
        return Err(Failure::not_shareable(cx, "kwargs not shareable"));
    };
    let empty = Tuple::new(cx, &[]);
    let args = args.downcast::<Tuple>().unwrap_or(empty);
    let result = match kwargs.downcast::<Dict>() {
        Some(kwargs) => taipan_stdlib::atexit::call_with(cx, callable, args, kwargs),
        None => cx.call_args(callable, Args::positional(args.items())),
    };
    let Ok(result) = result else { return Err(Failure::raised(cx)) };
    share::send(cx, result, Fallback::Full)
        .map_err(|_| Failure::not_shareable(cx, "object does not support cross-interpreter data"))
}

#[pymethods]
impl Functions {
    /// new_config(name='isolated', /, **overrides) -> type.SimpleNamespace
    ///
    /// Return a representation of a new PyInterpreterConfig.
    ///
    /// The name determines the initial values of the config.  Supported named
    /// configs are: default, isolated, legacy, and empty.
    ///
    /// Any keyword arguments are set on the corresponding config fields,
    /// overriding the initial values.
    #[py("($module, name='isolated', /, **overrides)", raw)]
    fn new_config(cx: &mut Cx, args: Args) -> PyResult<Value> {
        taipan_stdlib::builtins_check(cx, Args::positional(args.pos()), "_interpreters.new_config", 0, 1)?;
        let mut config = match args.pos().first() {
            None => Config::named(cx, "")?,
            Some(name) => match name.downcast::<Str>() {
                Some(name) => Config::named(cx, &name.to_string_lossy())?,
                None => {
                    let got = name.class().tp_name();
                    return raise!(cx, TypeError, "_interpreters.new_config() argument 1 must be str, not {got}");
                }
            },
        };
        let overrides = Dict::new(cx);
        for (name, value) in args.keywords() {
            overrides.set_str(cx, name, value);
        }
        config.update(cx, overrides, false)?;
        Ok(config.namespace(cx))
    }

    /// create([config], *, reqrefs=False) -> ID
    ///
    /// Create a new interpreter and return a unique generated ID.
    ///
    /// The caller is responsible for destroying the interpreter before exiting,
    /// typically by using _interpreters.destroy().  This can be managed
    /// automatically by passing "reqrefs=True" and then using _incref() and
    /// _decref() appropriately.
    ///
    /// "config" must be a valid interpreter config or the name of a
    /// predefined config ("isolated" or "legacy").  The default
    /// is "isolated".
    #[py("($module, /, config=None, *, reqrefs=False)")]
    fn create(cx: &mut Cx, config: Option<Value>, reqrefs: Option<bool>) -> PyResult<i64> {
        let config = Config::of(cx, config)?;
        if config.check(cx).is_err() {
            let cause = cx.take_exception();
            let raised = raise_class(cx, &errors::INTERPRETER, "interpreter creation failed");
            let exception = cx.take_exception();
            let key = cx.intern("__cause__");
            attr::set(cx, exception, key, Some(cause))?;
            cx.raise_again(exception);
            return Err(raised);
        }
        create(cx, config, reqrefs.unwrap_or(false))
    }

    /// destroy(id, *, restrict=False)
    ///
    /// Destroy the identified interpreter.
    ///
    /// Attempting to destroy the current interpreter raises InterpreterError.
    /// So does an unrecognized ID.
    #[py("($module, /, id, *, restrict=False)")]
    fn destroy(cx: &mut Cx, id: Value, restrict: Option<bool>) -> PyResult<()> {
        let interpreter = find(cx, id, restrict, "destroy")?;
        if std::ptr::eq(interpreter, cx.interpreter) {
            return fail(cx, "cannot destroy the current interpreter");
        }
        if config::note(interpreter.id).running {
            return fail(cx, "interpreter running");
        }
        end(cx, interpreter);
        Ok(())
    }

    /// list_all() -> [(ID, whence)]
    ///
    /// Return a list containing the ID of every existing interpreter.
    #[py("($module, /, *, require_ready=False)")]
    fn list_all(cx: &mut Cx, require_ready: Option<bool>) -> Value {
        let _ = require_ready;
        let list = List::new(cx);
        let all = cx.rt().live_interpreters();
        for interpreter in all {
            let pair = identity(cx, interpreter);
            list.push(cx, pair);
        }
        Value::of(list)
    }

    /// get_current() -> (ID, whence)
    ///
    /// Return the ID of current interpreter.
    #[py("($module, /)")]
    fn get_current(cx: &mut Cx) -> Value {
        identity(cx, cx.interpreter)
    }

    /// get_main() -> (ID, whence)
    ///
    /// Return the ID of main interpreter.
    #[py("($module, /)")]
    fn get_main(cx: &mut Cx) -> Value {
        let pair = [0, WHENCE_RUNTIME].map(Value::small);
        Value::of(Tuple::new(cx, &pair))
    }

    /// set___main___attrs(id, ns, *, restrict=False)
    ///
    /// Bind the given attributes in the interpreter's __main__ module.
    #[py("($module, /, id, updates, *, restrict=False)")]
    #[allow(non_snake_case)]
    fn set___main___attrs(cx: &mut Cx, id: Value, updates: Value, restrict: Option<bool>) -> PyResult<()> {
        let Some(updates) = updates.downcast::<Dict>() else {
            let got = updates.class().tp_name();
            return raise!(cx, TypeError, "_interpreters.set___main___attrs() argument 2 must be dict, not {got}");
        };
        let interpreter = find(cx, id, restrict, "update __main__ for")?;
        if updates.len() == 0 {
            return raise!(cx, ValueError, "arg 2 must be a non-empty dict");
        }
        let (names, values) = send_namespace(cx, updates)?;
        match run_in(cx, interpreter, |cx, main| bind_namespace(cx, main, names, values))? {
            Ok(()) => Ok(()),
            Err(failure) => failure.tell(cx).map(|_| ()),
        }
    }

    /// exec(id, code, shared=None, *, restrict=False)
    ///
    /// Execute the provided code in the identified interpreter.
    /// This is equivalent to running the builtin exec() under the target
    /// interpreter, using the __dict__ of its __main__ module as both
    /// globals and locals.
    ///
    /// "code" may be a string containing the text of a Python script.
    ///
    /// Functions (and code objects) are also supported, with some restrictions.
    /// The code/function must not take any arguments or be a closure
    /// (i.e. have cell vars).  Methods and other callables are not supported.
    ///
    /// If a function is provided, its code object is used and all its state
    /// is ignored, including its __globals__ dict.
    #[py("($module, /, id, code, shared=None, *, restrict=False)")]
    fn exec(cx: &mut Cx, id: Value, code: Value, shared: Option<Value>, restrict: Option<bool>) -> PyResult<Value> {
        let shared = check_dict(cx, shared, "exec", 3)?;
        let interpreter = find(cx, id, restrict, "exec code for")?;
        run_script(cx, interpreter, code, shared)
    }

    /// run_string(id, script, shared=None, *, restrict=False)
    ///
    /// Execute the provided string in the identified interpreter.
    ///
    /// (See _interpreters.exec().
    #[py("($module, /, id, script, shared=None, *, restrict=False)")]
    fn run_string(
        cx: &mut Cx,
        id: Value,
        script: Value,
        shared: Option<Value>,
        restrict: Option<bool>,
    ) -> PyResult<Value> {
        if script.downcast::<Str>().is_none() {
            let got = script.class().tp_name();
            return raise!(cx, TypeError, "_interpreters.run_string() argument 2 must be str, not {got}");
        }
        let shared = check_dict(cx, shared, "run_string", 3)?;
        let interpreter = find(cx, id, restrict, "run a string in")?;
        run_script(cx, interpreter, script, shared)
    }

    /// run_func(id, func, shared=None, *, restrict=False)
    ///
    /// Execute the body of the provided function in the identified interpreter.
    /// Code objects are also supported.  In both cases, closures and args
    /// are not supported.  Methods and other callables are not supported either.
    ///
    /// (See _interpreters.exec().
    #[py("($module, /, id, func, shared=None, *, restrict=False)")]
    fn run_func(cx: &mut Cx, id: Value, func: Value, shared: Option<Value>, restrict: Option<bool>) -> PyResult<Value> {
        let shared = check_dict(cx, shared, "run_func", 3)?;
        let interpreter = find(cx, id, restrict, "run a function in")?;
        if func.exact::<Function>().is_none() && func.exact::<CodeObject>().is_none() {
            let got = func.class().tp_name();
            return raise!(cx, TypeError, "_interpreters.run_func() argument 2 must be a function or code, not {got}");
        }
        run_script(cx, interpreter, func, shared)
    }

    /// call(id, callable, args=None, kwargs=None, *, restrict=False)
    ///
    /// Call the provided object in the identified interpreter.
    /// Pass the given args and kwargs, if possible.
    #[py("($module, /, id, callable, args=None, kwargs=None, *, preserve_exc=False, restrict=False)")]
    fn call(
        cx: &mut Cx,
        id: Value,
        callable: Value,
        args: Option<Value>,
        kwargs: Option<Value>,
        preserve_exc: Option<bool>,
        restrict: Option<bool>,
    ) -> PyResult<Value> {
        let _ = preserve_exc;
        let args = args.filter(|a| !a.is_none());
        if let Some(args) = args.filter(|a| a.downcast::<Tuple>().is_none()) {
            return raise!(
                cx,
                TypeError,
                "_interpreters.call() argument 3 must be tuple, not {}",
                args.class().tp_name()
            );
        }
        let kwargs = check_dict(cx, kwargs, "call", 4)?;
        let interpreter = find(cx, id, restrict, "make a call in")?;
        let callable = send_callable(cx, callable)?;
        let (mut sent_args, mut sent_kwargs) = (Value::none(), Value::none());
        if let Some(args) = args.filter(|a| a.downcast::<Tuple>().is_some_and(|t| !t.is_empty())) {
            sent_args = share::send(cx, args, Fallback::Full)?;
        }
        if let Some(kwargs) = kwargs.filter(|k| k.downcast::<Dict>().is_some_and(|d| d.len() > 0)) {
            sent_kwargs = share::send(cx, kwargs, Fallback::Full)?;
        }
        let pair = match run_in(cx, interpreter, |cx, _| call_received(cx, callable, sent_args, sent_kwargs))? {
            Ok(result) => [share::receive(cx, result)?, Value::none()],
            Err(failure) => [Value::none(), failure.tell(cx)?],
        };
        Ok(Value::of(Tuple::new(cx, &pair)))
    }

    /// is_shareable(obj) -> bool
    ///
    /// Return True if the object's data may be shared between interpreters and
    /// False otherwise.
    #[py("($module, /, obj)")]
    fn is_shareable(_cx: &mut Cx, obj: Value) -> bool {
        share::is_shareable(obj)
    }

    /// is_running(id, *, restrict=False) -> bool
    ///
    /// Return whether or not the identified interpreter is running.
    #[py("($module, /, id, *, restrict=False)")]
    fn is_running(cx: &mut Cx, id: Value, restrict: Option<bool>) -> PyResult<bool> {
        let interpreter = find(cx, id, restrict, "check if running for")?;
        Ok(config::note(interpreter.id).running)
    }

    /// get_config(id, *, restrict=False) -> types.SimpleNamespace
    ///
    /// Return a representation of the config used to initialize the interpreter.
    #[py("($module, /, id, *, restrict=False)")]
    fn get_config(cx: &mut Cx, id: Value, restrict: Option<bool>) -> PyResult<Value> {
        let interpreter = find(cx, id, restrict, "get the config of")?;
        Ok(config::note(interpreter.id).config.namespace(cx))
    }

    /// whence(id) -> int
    ///
    /// Return an identifier for where the interpreter was created.
    #[py("($module, /, id)")]
    fn whence(cx: &mut Cx, id: Value) -> PyResult<i64> {
        let interpreter = find(cx, id, None, "")?;
        Ok(whence(interpreter))
    }

    #[py("($module, /, id, *, implieslink=False, restrict=False)")]
    fn incref(cx: &mut Cx, id: Value, implieslink: Option<bool>, restrict: Option<bool>) -> PyResult<()> {
        let interpreter = find(cx, id, restrict, "incref")?;
        config::change(interpreter.id, |note| {
            note.requires_refs |= implieslink.unwrap_or(false);
            note.refs += 1;
        });
        Ok(())
    }

    #[py("($module, /, id, *, restrict=False)")]
    fn decref(cx: &mut Cx, id: Value, restrict: Option<bool>) -> PyResult<()> {
        let interpreter = find(cx, id, restrict, "decref")?;
        let last = config::change(interpreter.id, |note| {
            let last = note.refs == 1 && note.requires_refs && !note.running;
            note.refs -= 1;
            last
        });
        if last && !interpreter.is_main() {
            end(cx, interpreter);
        }
        Ok(())
    }

    /// capture_exception(exc=None) -> types.SimpleNamespace
    ///
    /// Return a snapshot of an exception.  If "exc" is None
    /// then the current exception, if any, is used (but not cleared).
    ///
    /// The returned snapshot is the same as what _interpreters.exec() returns.
    #[py("($module, /, exc=None)")]
    fn capture_exception(cx: &mut Cx, exc: Option<Value>) -> PyResult<Value> {
        let Some(exception) = exc.filter(|e| !e.is_none()).or(cx.handled) else { return Ok(Value::none()) };
        if exception.downcast::<Exception>().is_none() {
            let shown = object::repr_text(cx, exception)?;
            return raise!(cx, TypeError, "expected exception, got {shown}");
        }
        let snapshot = Snapshot::of(cx, exception);
        Ok(snapshot.namespace(cx))
    }
}
