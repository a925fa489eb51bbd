//! The module `_warnings`: issuing and filtering warnings.
//!
//! Source: the documentation of `warnings`, and CPython's `Python/_warnings.c` for the order of steps.

use std::sync::atomic::{AtomicI64, Ordering};

use taipan_compiler::Warning as CompilerWarning;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::frame::Frame;
use taipan_runtime::protocol::import::{self, loaded};
use taipan_runtime::protocol::{attr, compare, object};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};

use crate::builtins::sys_value;
use crate::state::{self, Slot};

/// The functions.
pub struct Warnings;

const DOC: &str =
    "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.";

/// Changes whenever filters change; entries of registries made before count as unseen.
static FILTERS_VERSION: AtomicI64 = AtomicI64::new(0);

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = crate::make(cx, "_warnings", DOC, Warnings::METHODS);
    let filters = Value::of(filters(cx));
    let once = once_registry(cx);
    let action = default_action(cx);
    module.set(cx, "filters", filters);
    module.set(cx, "_onceregistry", once);
    module.set(cx, "_defaultaction", action);
    if let Some(context) = context_variable(cx)? {
        module.set(cx, "_warnings_context", context);
    }
    Ok(module)
}

/// `_warnings.filters`, made when first asked for. May collect.
fn filters(cx: &mut Cx) -> &'static List {
    if let Some(found) = state::get(cx, Slot::WarningFilters).and_then(|v| v.exact::<List>()) {
        return found;
    }
    let list = List::new(cx);
    let rows: [(&str, &'static Type, Option<&str>); 5] = [
        ("default", &exceptions::DeprecationWarning, Some("__main__")),
        ("ignore", &exceptions::DeprecationWarning, None),
        ("ignore", &exceptions::PendingDeprecationWarning, None),
        ("ignore", &exceptions::ImportWarning, None),
        ("ignore", &exceptions::ResourceWarning, None),
    ];
    for (action, category, module) in rows {
        let action = Value::of(cx.intern(action));
        let module = module.map_or(Value::none(), |m| Value::of(cx.intern(m)));
        let row = [action, Value::none(), Value::of(category), module, Value::small(0)];
        let row = Value::of(Tuple::new(cx, &row));
        list.push(cx, row);
    }
    state::set(cx, Slot::WarningFilters, Value::of(list));
    list
}

fn once_registry(cx: &mut Cx) -> Value {
    if let Some(found) = state::get(cx, Slot::WarningOnce) {
        return found;
    }
    let dict = Value::of(Dict::new(cx));
    state::set(cx, Slot::WarningOnce, dict);
    dict
}

fn default_action(cx: &mut Cx) -> Value {
    if let Some(found) = state::get(cx, Slot::WarningDefault) {
        return found;
    }
    let action = Value::of(cx.intern("default"));
    state::set(cx, Slot::WarningDefault, action);
    action
}

/// The context variable with the filters of `warnings.catch_warnings` (PEP 781's flag).
fn context_variable(cx: &mut Cx) -> PyResult<Option<Value>> {
    if let Some(found) = state::get(cx, Slot::WarningContext) {
        return Ok(Some(found));
    }
    let Some(init) = crate::find("_contextvars") else { return Ok(None) };
    let module = init(cx)?;
    let class = attr::get_text(cx, Value::of(module), "ContextVar")?;
    let name = cx.str("_warnings_context");
    let variable = cx.call(class, &[name])?;
    state::set(cx, Slot::WarningContext, variable);
    Ok(Some(variable))
}

/// An attribute of the module `warnings`, if that is loaded (or with `import`, loadable).
fn library_attr(cx: &mut Cx, name: &str, may_import: bool) -> PyResult<Option<Value>> {
    let module = Value::of(cx.names().warnings);
    let module = match loaded(cx, module)? {
        Some(module) => module,
        None if may_import => {
            let result = import::import_module(cx, "warnings");
            match cx.catch(result, &exceptions::ImportError)? {
                Some(module) => module,
                None => return Ok(None),
            }
        }
        None => return Ok(None),
    };
    let name = cx.intern(name);
    attr::get_optional(cx, module, name)
}

/// A filter's pattern against a text: None matches all, strs themselves, regular expressions by `match`.
fn matches(cx: &mut Cx, pattern: Value, text: Value) -> PyResult<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.exact::<Str>().is_some() {
        return compare::equal(cx, pattern, text);
    }
    let found = cx.call_method_text(pattern, "match", &[text])?;
    object::truth(cx, found)
}

/// What a warning is about.
struct Event {
    category: Value,
    text: Value,
    line: i64,
    module: Value,
}

/// Finds the action in a list of filters.
fn search(cx: &mut Cx, list: Value, event: &Event) -> PyResult<Option<(Value, Value)>> {
    let Some(list) = list.downcast::<List>() else {
        return raise!(cx, ValueError, "warnings.filters must be a list");
    };
    let mut i = 0;
    while let Some(item) = list.get(i) {
        i += 1;
        let Some(row) = item.exact::<Tuple>().filter(|t| t.len() == 5) else {
            return raise!(cx, ValueError, "warnings.filters item {} isn't a 5-tuple", i - 1);
        };
        let [action, message, category, module, line] = *row.items() else { continue };
        if action.downcast::<Str>().is_none() {
            let got = action.class().tp_name();
            return raise!(cx, TypeError, "action must be a string, not '{got}'");
        }
        let is_category = taipan_runtime::types::type_methods::is_subclass(cx, event.category, category)?;
        let line = taipan_runtime::protocol::number::to_i64(cx, line)?;
        if is_category
            && (line == 0 || line == event.line)
            && matches(cx, message, event.text)?
            && matches(cx, module, event.module)?
        {
            return Ok(Some((action, item)));
        }
    }
    Ok(None)
}

/// The action for a warning and the filter that decided.
fn action_for(cx: &mut Cx, event: &Event) -> PyResult<(Value, Value)> {
    if let Some(variable) = context_variable(cx)? {
        let get = cx.names().get;
        let context = cx.call_method(variable, get, &[Value::none()])?;
        if !context.is_none() {
            let list = attr::get_text(cx, context, "_filters")?;
            if let Some(found) = search(cx, list, event)? {
                return Ok(found);
            }
        }
    }
    let list = match library_attr(cx, "filters", false)? {
        Some(list) => list,
        None => Value::of(filters(cx)),
    };
    if let Some(found) = search(cx, list, event)? {
        return Ok(found);
    }
    let action = match library_attr(cx, "defaultaction", false)? {
        Some(action) if action.downcast::<Str>().is_some() => action,
        Some(action) => {
            let got = action.class().tp_name();
            return raise!(cx, TypeError, "warnings.defaultaction must be a string, not '{got}'");
        }
        None => default_action(cx),
    };
    Ok((action, Value::none()))
}

/// Whether `key` is in the registry, which is cleared first if filters have changed; enters it if asked.
fn already_warned(cx: &mut Cx, registry: &'static Dict, key: Value, enter: bool) -> PyResult<bool> {
    let version_key = cx.intern("version");
    let now = FILTERS_VERSION.load(Ordering::Relaxed);
    if registry.get_str(version_key).and_then(|v| v.as_small()) != Some(now) {
        registry.clear(cx);
        registry.set_str(cx, version_key, Value::small(now));
    } else if let Some(found) = registry.get(cx, key)?
        && object::truth(cx, found)?
    {
        return Ok(true);
    }
    if enter {
        registry.set(cx, key, Value::bool(true))?;
    }
    Ok(false)
}

/// Where a warning is shown to come from.
#[derive(Clone, Copy)]
pub struct Origin {
    /// File name, a str.
    pub filename: Value,
    /// Line.
    pub line: i64,
    /// Module name, None to derive it from the file.
    pub module: Option<Value>,
    /// `__warningregistry__`, None without.
    pub registry: Option<&'static Dict>,
    /// Text of the line if known.
    pub source_line: Option<Value>,
    /// The line is what the module's loader gave: handed on to `warnings`.
    pub from_loader: bool,
}

/// Issues a warning at a place.
pub fn warn_at(cx: &mut Cx, category: Value, message: Value, origin: Origin, source: Option<Value>) -> PyResult<()> {
    let module = match origin.module {
        Some(module) => module,
        None => {
            let name = object::str(cx, origin.filename)?.to_string_lossy();
            let name = if name.is_empty() { "<unknown>" } else { name.strip_suffix(".py").unwrap_or(&name) };
            cx.str(name)
        }
    };
    let (text, category, message) = if message.is_instance(&exceptions::Warning) {
        let text = Value::of(object::str(cx, message)?);
        (text, Value::of(message.class()), message)
    } else {
        (message, category, cx.call(category, &[message])?)
    };
    let line = cx.int(origin.line);
    let key = Value::of(Tuple::new(cx, &[text, category, line]));
    if let Some(registry) = origin.registry
        && already_warned(cx, registry, key, false)?
    {
        return Ok(());
    }
    let event = Event { category, text, line: origin.line, module };
    let (action, filter) = action_for(cx, &event)?;
    let action = object::str(cx, action)?.to_string_lossy();
    let pair = Value::of(Tuple::new(cx, &[text, category]));
    let mut seen = false;
    match action.as_str() {
        "error" => return Err(cx.raise(message)),
        "ignore" => return Ok(()),
        "always" | "all" => {}
        "once" | "module" | "default" => {
            if let Some(registry) = origin.registry {
                registry.set(cx, key, Value::bool(true))?;
            }
            if action == "once" {
                let registry = match origin.registry {
                    Some(registry) => Some(registry),
                    None => match library_attr(cx, "onceregistry", false)? {
                        Some(v) => v.downcast::<Dict>(),
                        None => once_registry(cx).downcast::<Dict>(),
                    },
                };
                if let Some(registry) = registry {
                    seen = already_warned(cx, registry, pair, true)?;
                }
            } else if action == "module"
                && let Some(registry) = origin.registry
            {
                seen = already_warned(cx, registry, pair, true)?;
            }
        }
        _ => {
            let filter = object::repr_text(cx, filter)?;
            return raise!(cx, RuntimeError, "Unrecognized action ('{action}') in warnings.filters:\n {filter}");
        }
    }
    if seen { Ok(()) } else { show(cx, category, message, text, origin, source) }
}

/// Shows a warning by `warnings._showwarnmsg`, or without the library on `sys.stderr`.
fn show(
    cx: &mut Cx,
    category: Value,
    message: Value,
    text: Value,
    origin: Origin,
    source: Option<Value>,
) -> PyResult<()> {
    let finalizing = super::sys::is_finalizing();
    if let Some(function) = library_attr(cx, "_showwarnmsg", source.is_some() && !finalizing)? {
        if function.class().slots().call.is_none() {
            return raise!(cx, TypeError, "warnings._showwarnmsg() must be set to a callable");
        }
        let Some(class) = library_attr(cx, "WarningMessage", false)? else {
            return raise!(cx, RuntimeError, "unable to get warnings.WarningMessage");
        };
        let line = cx.int(origin.line);
        let none = Value::none();
        let source = source.unwrap_or(none);
        let text = origin.source_line.filter(|_| origin.from_loader).unwrap_or(none);
        let made = cx.call(class, &[message, category, origin.filename, line, none, text, source])?;
        cx.call(function, &[made])?;
        return Ok(());
    }
    let Some(stderr) = sys_value(cx, "stderr").filter(|s| !s.is_none()) else { return Ok(()) };
    let name = category.downcast::<Type>().map(|t| t.name()).unwrap_or_default();
    let (file, text) = (object::str(cx, origin.filename)?, object::str(cx, text)?);
    let mut shown = format!("{file}:{}: {name}: {text}\n", origin.line);
    let source_line = match origin.source_line {
        Some(line) => line.downcast::<Str>().map(|l| l.to_string_lossy()),
        None => std::fs::read_to_string(file.to_string_lossy())
            .ok()
            .and_then(|all| all.lines().nth((origin.line - 1).max(0) as usize).map(str::to_string)),
    };
    if let Some(line) = source_line.map(|l| l.trim().to_string()).filter(|l| !l.is_empty()) {
        shown.push_str(&format!("  {line}\n"));
    }
    let shown = cx.str(&shown);
    let write = cx.names().write;
    cx.call_method(stderr, write, &[shown])?;
    Ok(())
}

fn is_internal(frame: &Frame) -> bool {
    let name = frame.code.filename.get().to_string_lossy();
    name.contains("importlib") && name.contains("_bootstrap")
}

fn is_skipped(frame: &Frame, prefixes: &[Value]) -> bool {
    let name = frame.code.filename.get().to_string_lossy();
    prefixes.iter().filter_map(|p| p.downcast::<Str>()).any(|p| name.starts_with(&p.to_string_lossy()))
}

/// The frame that a warning at `level` belongs to.
fn frame_for(cx: &Cx, mut level: i64, prefixes: &[Value]) -> *mut Frame {
    let mut frame = cx.frame;
    // SAFETY: FRAME-1 for all of them.
    unsafe {
        let plain = level <= 0 || frame.as_ref().is_some_and(is_internal);
        level -= 1;
        while level > 0 && !frame.is_null() {
            frame = (*frame).prev;
            while !plain && frame.as_ref().is_some_and(|f| is_internal(f) || is_skipped(f, prefixes)) {
                frame = (*frame).prev;
            }
            level -= 1;
        }
    }
    frame
}

/// Issues a warning about the code `level` calls up from the running frame.
pub fn warn_level(
    cx: &mut Cx,
    category: Value,
    message: Value,
    level: i64,
    source: Option<Value>,
    prefixes: &[Value],
) -> PyResult<()> {
    let frame = frame_for(cx, level, prefixes);
    // SAFETY: FRAME-1.
    let (globals, filename, line) = match unsafe { frame.as_ref() } {
        Some(f) => (Some(f.globals), Value::of(f.code.filename.get()), f.line() as i64),
        None => (cx.rt().sys.get(), cx.str("<sys>"), 0),
    };
    let Some(globals) = globals else { return Ok(()) };
    let key = cx.intern("__warningregistry__");
    let registry = match globals.get_str(key) {
        Some(v) if v.is_none() => None,
        Some(v) => match v.downcast::<Dict>() {
            Some(dict) => Some(dict),
            None => return raise!(cx, TypeError, "'registry' must be a dict or None"),
        },
        None => {
            let dict = Dict::new(cx);
            globals.set_str(cx, key, Value::of(dict));
            Some(dict)
        }
    };
    let name_key = cx.names().__name__;
    let module = match globals.get_str(name_key) {
        Some(name) if name.is_none() || name.downcast::<Str>().is_some() => name,
        _ => Value::of(cx.names().string),
    };
    let origin = Origin { filename, line, module: Some(module), registry, source_line: None, from_loader: false };
    warn_at(cx, category, message, origin, source)
}

/// The hook behind `protocol::warn`.
pub fn warn_hook(cx: &mut Cx, message: Value, category: Value, level: i64) -> PyResult<()> {
    warn_level(cx, category, message, level, None, &[])
}

/// Issues a warning of the compiler; an `error` filter makes it a SyntaxError.
pub fn syntax_warning(cx: &mut Cx, warning: &CompilerWarning, filename: Value, source: &str) -> PyResult<()> {
    let text = cx.str(&warning.message);
    let source_line = crate::compile::line_of(cx, source, warning.line);
    let origin = Origin {
        filename,
        line: warning.line as i64,
        module: None,
        registry: None,
        source_line: Some(source_line),
        from_loader: false,
    };
    let result = warn_at(cx, Value::of(&exceptions::SyntaxWarning), text, origin, None);
    if result.is_err() && cx.exception_matches(&exceptions::SyntaxWarning) {
        cx.take_exception();
        let numbers = [warning.line as i64, warning.col as i64, warning.end_line as i64, warning.end_col as i64];
        let class = &exceptions::SyntaxError;
        if let Some((first, rest)) = warning.message.split_once(" Such sequences will not work in the future.") {
            // The lexer's: it stands behind the escape's first character, and knows the line without its end.
            let text = source.split('\n').nth((warning.line as usize).saturating_sub(1)).unwrap_or_default();
            let (text, message) = (cx.str(text), format!("{first}{rest}"));
            let numbers = [numbers[0], numbers[1], numbers[0], numbers[1] + 2];
            return Err(crate::compile::raise_placed(cx, class, &message, filename, text, numbers));
        }
        // CPython looks the line up in the file.
        let is_file = filename.downcast::<Str>().is_some_and(|f| f.is_empty() || f.at(0) != '<' as u32);
        let source_line = if is_file { source_line } else { Value::none() };
        return Err(crate::compile::raise_placed(cx, class, &warning.message, filename, source_line, numbers));
    }
    result
}

/// The category of a `warn` call.
fn category_of(cx: &mut Cx, message: Value, category: Option<Value>) -> PyResult<Value> {
    if message.is_instance(&exceptions::Warning) {
        return Ok(Value::of(message.class()));
    }
    let category = match category.filter(|c| !c.is_none()) {
        None => return Ok(Value::of(&exceptions::UserWarning)),
        Some(category) => category,
    };
    match category.downcast::<Type>() {
        Some(class) if class.is_subtype(&exceptions::Warning) => Ok(category),
        _ => {
            let got = category.class().tp_name();
            raise!(cx, TypeError, "category must be a Warning subclass, not '{got}'")
        }
    }
}

#[pymethods]
impl Warnings {
    /// Issue a warning, or maybe ignore it or raise an exception.
    ///
    ///   message
    ///     Text of the warning message.
    ///   category
    ///     The Warning category subclass. Defaults to UserWarning.
    ///   stacklevel
    ///     How far up the call stack to make this warning appear. A value of 2 for
    ///     example attributes the warning to the caller of the code calling warn().
    ///   source
    ///     If supplied, the destroyed object which emitted a ResourceWarning
    ///   skip_file_prefixes
    ///     An optional tuple of module filename prefixes indicating frames to skip
    ///     during stacklevel computations for stack frame attribution.
    #[py("($module, /, message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())")]
    fn warn(
        cx: &mut Cx,
        message: Value,
        category: Option<Value>,
        stacklevel: Option<i64>,
        source: Option<Value>,
        skip_file_prefixes: Option<&'static Tuple>,
    ) -> PyResult<()> {
        let category = category_of(cx, message, category)?;
        let prefixes = skip_file_prefixes.map_or(&[][..], |t| t.items());
        for prefix in prefixes {
            if prefix.downcast::<Str>().is_none() {
                let got = prefix.class().tp_name();
                return raise!(cx, TypeError, "Found non-str '{got}' in skip_file_prefixes.");
            }
        }
        let level = stacklevel.unwrap_or(1);
        let level = if prefixes.is_empty() { level } else { level.max(2) };
        warn_level(cx, category, message, level, source.filter(|s| !s.is_none()), prefixes)
    }

    /// Issue a warning, or maybe ignore it or raise an exception.
    #[py(
        "($module, /, message, category, filename, lineno, module=<unrepresentable>, registry=None, module_globals=None, source=None)"
    )]
    #[allow(clippy::too_many_arguments)]
    fn warn_explicit(
        cx: &mut Cx,
        message: Value,
        category: Value,
        filename: &'static Str,
        lineno: i32,
        module: Option<Value>,
        registry: Option<Value>,
        module_globals: Option<Value>,
        source: Option<Value>,
    ) -> PyResult<()> {
        let registry = match registry.filter(|r| !r.is_none()) {
            None => None,
            Some(v) => match v.downcast::<Dict>() {
                Some(dict) => Some(dict),
                None => return raise!(cx, TypeError, "'registry' must be a dict or None"),
            },
        };
        let line = lineno as i64;
        let source_line = match module_globals.filter(|g| !g.is_none()) {
            Some(globals) => line_from_loader(cx, globals, line)?,
            None => None,
        };
        let filename = Value::of(filename);
        let origin = Origin { filename, line, module, registry, source_line, from_loader: true };
        let category = if category.is_none() { Value::of(&exceptions::UserWarning) } else { category };
        warn_at(cx, category, message, origin, source.filter(|s| !s.is_none()))
    }

    #[py("($module, /)")]
    fn _filters_mutated_lock_held(_cx: &mut Cx) {
        FILTERS_VERSION.fetch_add(1, Ordering::Relaxed);
    }

    #[py("($module, /)")]
    fn _acquire_lock(_cx: &mut Cx) {}

    #[py("($module, /)")]
    fn _release_lock(_cx: &mut Cx) {}
}

/// The text of a line by the loader of a module's globals.
fn line_from_loader(cx: &mut Cx, globals: Value, line: i64) -> PyResult<Option<Value>> {
    let Some(globals) = globals.downcast::<Dict>() else {
        return raise!(cx, TypeError, "module_globals must be a dict, not '{}'", globals.class().tp_name());
    };
    let names = cx.names();
    let bless = import::import_attr(cx, "_frozen_importlib_external", "_bless_my_loader")?;
    let loader = cx.call(bless, &[Value::of(globals)])?;
    let Some(name) = globals.get_str(names.__name__).filter(|_| !loader.is_none()) else { return Ok(None) };
    let key = cx.intern("get_source");
    let Some(get_source) = attr::get_optional(cx, loader, key)? else { return Ok(None) };
    let source = cx.call_args(get_source, Args::positional(&[name]))?;
    let Some(source) = source.downcast::<Str>() else { return Ok(None) };
    let text = source.to_string_lossy();
    Ok(text.lines().nth((line - 1).max(0) as usize).map(|l| cx.str(l)))
}
