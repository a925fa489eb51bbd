//! `compile`, `eval`, `exec`, `globals`, `locals`.

use taipan_bytecode::code::flags as co;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::call;
use taipan_runtime::types::cell::Cell;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};
use taipan_syntax::Mode;

use super::classes::is_mapping;
use crate::compile::{self, Request, flag};

/// The functions.
pub struct Scope;

/// `globals()` of the running frame; of the main module if native code calls from nowhere, as into another interpreter.
pub fn globals(cx: &mut Cx) -> PyResult<&'static Dict> {
    match call::caller_globals(cx) {
        Some(globals) => Ok(globals),
        None => crate::start::main_module(cx),
    }
}

/// `locals()` of the running frame: the namespace of module, class and exec code, a new dict with the values of the
/// variables elsewhere (PEP 667). May collect.
pub fn locals(cx: &mut Cx) -> PyResult<Value> {
    // SAFETY: FRAME-1.
    let Some(frame) = (unsafe { cx.frame.as_ref() }) else { return globals(cx).map(Value::of) };
    let code = frame.code;
    let is_function = code.flags & co::OPTIMIZED != 0;
    if !is_function && !frame.has_hidden_locals() {
        return Ok(frame.locals.unwrap_or(Value::of(frame.globals)));
    }
    let dict = Dict::new(cx);
    for (i, name) in code.local_names().iter().enumerate() {
        let is_hidden = !name.is_empty() && name.at(0) == '.' as u32 && !name.eq_rust(".0");
        let value = match frame.reg(i) {
            Some(value) if i >= code.nlocals as usize => value.exact::<Cell>().and_then(|c| c.get()),
            value => value,
        };
        if let Some(value) = value
            && !is_hidden
            && (is_function || !taipan_runtime::frame::is_class_cell(name))
        {
            dict.set_str(cx, name, value);
        }
    }
    if let Some(extra) = frame.object.and_then(|object| object.extra.get()) {
        dict.update_from(cx, extra)?;
    }
    Ok(Value::of(dict))
}

/// Namespaces of `exec` and `eval`.
struct Spaces {
    globals: &'static Dict,
    locals: Value,
}

fn spaces(cx: &mut Cx, what: &str, given_globals: Option<Value>, given_locals: Option<Value>) -> PyResult<Spaces> {
    let given_locals = given_locals.filter(|v| !v.is_none());
    if let Some(locals) = given_locals
        && !is_mapping(locals)
    {
        return if what == "eval" {
            raise!(cx, TypeError, "locals must be a mapping")
        } else {
            raise!(cx, TypeError, "locals must be a mapping or None, not {}", locals.class().tp_name())
        };
    }
    let spaces = match given_globals.filter(|v| !v.is_none()) {
        None => {
            let globals = globals(cx)?;
            let locals = match given_locals {
                Some(locals) => locals,
                None => locals(cx)?,
            };
            Spaces { globals, locals }
        }
        Some(v) => {
            let Some(globals) = v.downcast::<Dict>() else {
                if what == "exec" {
                    let got = v.class().tp_name();
                    return raise!(cx, TypeError, "exec() globals must be a dict, not {got}");
                }
                if is_mapping(v) {
                    return raise!(cx, TypeError, "globals must be a real dict; try eval(code, {{}}, mapping)");
                }
                return raise!(cx, TypeError, "globals must be a dict");
            };
            Spaces { globals, locals: given_locals.unwrap_or(v) }
        }
    };
    add_builtins(cx, spaces.globals);
    let key = cx.names().__builtins__;
    if let Some(builtins) = spaces.globals.get_str(key)
        && builtins.downcast::<Module>().is_none()
        && !is_mapping(builtins)
    {
        return raise!(cx, TypeError, "'{}' object is not subscriptable", builtins.class().tp_name());
    }
    Ok(spaces)
}

/// Gives a namespace `__builtins__` if it has none. May collect.
pub fn add_builtins(cx: &mut Cx, globals: &'static Dict) {
    let key = cx.names().__builtins__;
    if globals.get_str(key).is_some() {
        return;
    }
    // SAFETY: FRAME-1.
    let builtins = unsafe { cx.frame.as_ref() }.map(|f| f.builtins).or(cx.rt().builtins.get());
    if let Some(builtins) = builtins {
        globals.set_str(cx, key, Value::of(builtins));
    }
}

/// Runs a code object that was given to `exec` or `eval`.
fn run(cx: &mut Cx, code: &'static CodeObject, spaces: &Spaces, closure: Option<&'static Tuple>) -> PyResult<Value> {
    crate::sys::audit(cx, "exec", &[Value::of(code)])?;
    if code.flags & co::OPTIMIZED != 0 {
        // The code of a function: its parameters are checked as in a call.
        let function = Function::new(cx, code, spaces.globals);
        function.closure.set(closure);
        cx.barrier(function);
        return call::call_function(cx, function, Args::positional(&[]));
    }
    call::run_code(cx, code, spaces.globals, Some(spaces.locals), closure)
}

fn check_closure(cx: &mut Cx, code: &'static CodeObject, closure: Option<Value>) -> PyResult<Option<&'static Tuple>> {
    let closure = closure.filter(|c| !c.is_none());
    let n = code.nfrees as usize;
    if n == 0 {
        return match closure {
            Some(_) => raise!(cx, TypeError, "cannot use a closure with this code object"),
            None => Ok(None),
        };
    }
    let tuple = closure.and_then(|c| c.exact::<Tuple>());
    match tuple.filter(|t| t.len() == n && t.items().iter().all(|c| c.exact::<Cell>().is_some())) {
        Some(tuple) => Ok(Some(tuple)),
        None => raise!(cx, TypeError, "code object requires a closure of exactly length {n}"),
    }
}

fn mode_of(cx: &mut Cx, mode: &str, flags: i64) -> PyResult<Mode> {
    match mode {
        "exec" => Ok(Mode::Module),
        "eval" => Ok(Mode::Expression),
        "single" => Ok(Mode::Single),
        "func_type" if flags & flag::ONLY_AST == 0 => {
            raise!(cx, ValueError, "compile() mode 'func_type' requires flag PyCF_ONLY_AST")
        }
        "func_type" => Ok(Mode::Expression),
        _ if flags & flag::ONLY_AST != 0 => {
            raise!(cx, ValueError, "compile() mode must be 'exec', 'eval', 'single' or 'func_type'")
        }
        _ => raise!(cx, ValueError, "compile() mode must be 'exec', 'eval' or 'single'"),
    }
}

/// The hook behind `compile()`: see `Hooks::compile`.
pub fn compile(
    cx: &mut Cx,
    source: Value,
    filename: Value,
    mode: Value,
    flags: i64,
    dont_inherit: bool,
    optimize: i64,
) -> PyResult<Value> {
    compile_as(cx, [source, filename, mode], flags, dont_inherit, optimize, None)
}

/// As [`compile`], of `[source, filename, mode]`; only what Python 3.`version` has.
fn compile_as(
    cx: &mut Cx,
    [source, filename, mode]: [Value; 3],
    flags: i64,
    dont_inherit: bool,
    optimize: i64,
    version: Option<u8>,
) -> PyResult<Value> {
    if flags & !(flag::FUTURES | flag::ACCEPTED) != 0 {
        return raise!(cx, ValueError, "compile(): unrecognised flags");
    }
    if !(-1..=2).contains(&optimize) {
        return raise!(cx, ValueError, "compile(): invalid optimize value");
    }
    let mode_text = mode.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
    let mode = mode_of(cx, &mode_text, flags)?;
    let flags = if dont_inherit { flags } else { flags | compile::inherited_flags(cx) };
    let request = Request { mode, flags, optimize };
    if crate::ast::is_tree(cx, source)? {
        return crate::ast::compile_tree(cx, source, filename, &request);
    }
    crate::sys::audit(cx, "compile", &[source, filename])?;
    let text = compile::source_text(cx, source, "compile", "string, bytes or AST object", filename)?;
    if flags & flag::ONLY_AST != 0 {
        if mode_text == "func_type" {
            return crate::ast::signature_to_python(cx, &text, filename, flags);
        }
        let module = compile::parse(cx, &text, filename, mode, flags)?;
        if let Some(Err(error)) = version.map(|version| taipan_syntax::versions::check(&module, version)) {
            return Err(compile::raise_syntax(cx, &error, filename, Some(&text), flags));
        }
        compile::warn_of_escapes(cx, &module, filename, mode)?;
        return crate::ast::to_python(cx, &module, filename, &request);
    }
    Ok(Value::of(compile::compile_text(cx, &text, filename, &request)?))
}

/// `filename` as a str: a str, bytes or path object.
fn filename_str(cx: &mut Cx, filename: Value) -> PyResult<Value> {
    if filename.exact::<Str>().is_some() {
        return Ok(filename);
    }
    let path = crate::sys::fs_decode(cx, filename)?;
    Ok(path)
}

#[pymethods]
impl Scope {
    /// Compile source into a code object that can be executed by exec() or eval().
    ///
    /// The source code may represent a Python module, statement or
    /// expression.
    /// The filename will be used for run-time error messages.
    /// The mode must be 'exec' to compile a module, 'single' to compile a
    /// single (interactive) statement, or 'eval' to compile an expression.
    /// The flags argument, if present, controls which future statements
    /// influence the compilation of the code.
    /// The dont_inherit argument, if true, stops the compilation inheriting
    /// the effects of any future statements in effect in the code calling
    /// compile; if absent or false these statements do influence the
    /// compilation, in addition to any features explicitly specified.
    #[py("($module, /, source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)")]
    #[allow(clippy::too_many_arguments)]
    fn compile(
        cx: &mut Cx,
        source: Value,
        filename: Value,
        mode: Value,
        flags: Option<i64>,
        dont_inherit: Option<bool>,
        optimize: Option<i64>,
        _feature_version: Option<i64>,
    ) -> PyResult<Value> {
        let filename = filename_str(cx, filename)?;
        if mode.downcast::<Str>().is_none() {
            return raise!(cx, TypeError, "compile() argument 'mode' must be str, not {}", mode.class().name());
        }
        let (flags, dont_inherit) = (flags.unwrap_or(0), dont_inherit.unwrap_or(false));
        let version = _feature_version.and_then(|minor| u8::try_from(minor).ok());
        compile_as(cx, [source, filename, mode], flags, dont_inherit, optimize.unwrap_or(-1), version)
    }

    /// Evaluate the given source in the context of globals and locals.
    ///
    /// The source may be a string representing a Python expression
    /// or a code object as returned by compile().
    /// The globals must be a dictionary and locals can be any mapping,
    /// defaulting to the current globals and locals.
    /// If only globals is given, locals defaults to it.
    #[py("($module, source, /, globals=None, locals=None)")]
    fn eval(cx: &mut Cx, source: Value, globals: Option<Value>, locals: Option<Value>) -> PyResult<Value> {
        let spaces = spaces(cx, "eval", globals, locals)?;
        if let Some(code) = source.exact::<CodeObject>() {
            if code.nfrees != 0 {
                return raise!(cx, TypeError, "code object passed to eval() may not contain free variables");
            }
            return run(cx, code, &spaces, None);
        }
        let filename = Value::of(cx.names().string);
        let text = compile::source_text(cx, source, "eval", "string, bytes or code object", filename)?;
        let text = text.trim_start_matches([' ', '\t']);
        let flags = compile::inherited_flags(cx);
        let request = Request { mode: Mode::Expression, flags, optimize: -1 };
        let code = compile::compile_text(cx, text, filename, &request)?;
        run(cx, code, &spaces, None)
    }

    /// Execute the given source in the context of globals and locals.
    ///
    /// The source may be a string representing one or more Python statements
    /// or a code object as returned by compile().
    /// The globals must be a dictionary and locals can be any mapping,
    /// defaulting to the current globals and locals.
    /// If only globals is given, locals defaults to it.
    /// The closure must be a tuple of cellvars, and can only be used
    /// when source is a code object requiring exactly that many cellvars.
    #[py("($module, source, /, globals=None, locals=None, *, closure=None)")]
    fn exec(
        cx: &mut Cx,
        source: Value,
        globals: Option<Value>,
        locals: Option<Value>,
        closure: Option<Value>,
    ) -> PyResult<()> {
        let spaces = spaces(cx, "exec", globals, locals)?;
        if let Some(code) = source.exact::<CodeObject>() {
            let closure = check_closure(cx, code, closure)?;
            run(cx, code, &spaces, closure)?;
            return Ok(());
        }
        if closure.is_some_and(|c| !c.is_none()) {
            return raise!(cx, TypeError, "closure can only be used when source is a code object");
        }
        let filename = Value::of(cx.names().string);
        let text = compile::source_text(cx, source, "exec", "string, bytes or code object", filename)?;
        let flags = compile::inherited_flags(cx);
        let request = Request { mode: Mode::Module, flags, optimize: -1 };
        let code = compile::compile_text(cx, &text, filename, &request)?;
        run(cx, code, &spaces, None)?;
        Ok(())
    }

    /// Return the dictionary containing the current scope's global variables.
    ///
    /// NOTE: Updates to this dictionary *will* affect name lookups in the
    /// current global scope and vice-versa.
    #[py("($module, /)")]
    fn globals(cx: &mut Cx) -> PyResult<Value> {
        globals(cx).map(Value::of)
    }

    /// Return a dictionary containing the current scope's local variables.
    ///
    /// NOTE: Whether or not updates to this dictionary will affect name
    /// lookups in the local scope and vice-versa is *implementation
    /// dependent* and not covered by any backwards compatibility
    /// guarantees.
    #[py("($module, /)")]
    fn locals(cx: &mut Cx) -> PyResult<Value> {
        locals(cx)
    }
}

/// Runs the code of a module or an interactive statement in its namespace.
pub fn run_module_code(cx: &mut Cx, code: &'static CodeObject, globals: &'static Dict) -> PyResult<Value> {
    add_builtins(cx, globals);
    call::run_code(cx, code, globals, Some(Value::of(globals)), None)
}
