//! The module `_imp`: what importlib needs from the runtime.

use taipan_bytecode::pyc;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::{attr, buffer, call};
use taipan_runtime::threads::RawLock;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::frozen;
use crate::state;

/// The functions.
pub struct Imp;

const DOC: &str = "(Extremely) low-level import machinery bits as used by importlib.";

/// The import lock, which its owner can take again. importlib has module locks of its own besides.
static LOCK: RawLock = RawLock::new();
static LOCK_OWNER: AtomicU64 = AtomicU64::new(0);
static LOCK_DEPTH: AtomicI64 = AtomicI64::new(0);
static OVERRIDE_MULTI: AtomicI64 = AtomicI64::new(0);
static OVERRIDE_FROZEN: AtomicI64 = AtomicI64::new(0);

/// The module.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = crate::make(cx, "_imp", DOC, Imp::METHODS);
    let checks = cx.str(state::config().check_hash_pycs);
    module.set(cx, "check_hash_based_pycs", checks);
    module.set(cx, "pyc_magic_number_token", Value::small(pyc::MAGIC_TOKEN as i64));
    Ok(module)
}

/// The native module `name`; None if there is none.
pub fn create_builtin(cx: &mut Cx, name: &str) -> PyResult<Option<&'static Module>> {
    match crate::find(name) {
        Some(init) => init(cx).map(Some),
        None => Ok(None),
    }
}

/// Gives `code` and the code objects in it that have the same file name another one. May collect.
pub fn fix_filename(cx: &mut Cx, code: &'static CodeObject, path: &'static Str) {
    let old = code.filename.get();
    if old.eq_str(path) {
        return;
    }
    let path = cx.intern_value(path);
    rename(cx, code, old, path);
}

fn rename(cx: &mut Cx, code: &'static CodeObject, old: &'static Str, new: &'static Str) {
    if !code.filename.get().eq_str(old) {
        return;
    }
    code.filename.set(new);
    cx.barrier(code);
    for constant in code.consts() {
        if let Some(inner) = constant.exact::<CodeObject>() {
            rename(cx, inner, old, new);
        }
    }
}

fn frozen_error<T>(cx: &mut Cx, name: &str) -> PyResult<T> {
    raise!(cx, ImportError, "No such frozen object named {name}")
}

fn lookup_frozen(name: &str) -> Option<&'static frozen::Frozen> {
    if let Some(own) = frozen::find_own(name) {
        return Some(own);
    }
    let is_off = match OVERRIDE_FROZEN.load(Ordering::Relaxed) {
        0 => !frozen::enabled(),
        n => n < 0,
    };
    if is_off && !frozen::is_bootstrap(name) {
        return None;
    }
    frozen::find(name)
}

#[pymethods]
impl Imp {
    /// Acquires the interpreter's import lock for the current thread.
    ///
    /// This lock should be used by import hooks to ensure thread-safety when importing
    /// modules. On platforms without threads, this function does nothing.
    #[py("($module, /)")]
    fn acquire_lock(cx: &mut Cx) -> PyResult<()> {
        if LOCK_OWNER.load(Ordering::Relaxed) != cx.ident {
            LOCK.take(cx, None)?;
            LOCK_OWNER.store(cx.ident, Ordering::Relaxed);
        }
        LOCK_DEPTH.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Release the interpreter's import lock.
    ///
    /// On platforms without threads, this function does nothing.
    #[py("($module, /)")]
    fn release_lock(cx: &mut Cx) -> PyResult<()> {
        if LOCK_OWNER.load(Ordering::Relaxed) != cx.ident {
            return raise!(cx, RuntimeError, "not holding the import lock");
        }
        if LOCK_DEPTH.fetch_sub(1, Ordering::Relaxed) == 1 {
            LOCK_OWNER.store(0, Ordering::Relaxed);
            LOCK.release();
        }
        Ok(())
    }

    /// Return True if the import lock is currently held, else False.
    ///
    /// On platforms without threads, return False.
    #[py("($module, /)")]
    fn lock_held(_cx: &mut Cx) -> bool {
        LOCK_DEPTH.load(Ordering::Relaxed) > 0
    }

    /// Create an extension module.
    #[py("($module, spec, /)")]
    fn create_builtin(cx: &mut Cx, spec: Value) -> PyResult<Value> {
        let key = cx.names().name;
        let name = attr::get(cx, spec, key)?;
        let Some(name) = name.downcast::<Str>() else {
            let got = name.class().tp_name();
            return raise!(cx, TypeError, "name must be string, not {got}");
        };
        Ok(create_builtin(cx, &name.to_string_lossy())?.map_or(Value::none(), Value::of))
    }

    /// Initialize a built-in module.
    #[py("($module, mod, /)")]
    fn exec_builtin(_cx: &mut Cx, _module: Value) -> i64 {
        0
    }

    /// Returns True if the module name corresponds to a built-in module.
    #[py("($module, name, /)")]
    fn is_builtin(_cx: &mut Cx, name: &'static Str) -> i64 {
        match &*name.to_string_lossy() {
            "sys" | "builtins" => -1,
            name => crate::find(name).is_some() as i64,
        }
    }

    /// Returns True if the module name corresponds to a frozen module.
    #[py("($module, name, /)")]
    fn is_frozen(_cx: &mut Cx, name: &'static Str) -> bool {
        lookup_frozen(&name.to_string_lossy()).is_some()
    }

    /// Returns True if the module name is of a frozen package.
    #[py("($module, name, /)")]
    fn is_frozen_package(cx: &mut Cx, name: &'static Str) -> PyResult<bool> {
        let name = name.to_string_lossy();
        match lookup_frozen(&name) {
            Some(frozen) => Ok(frozen.is_package),
            None => frozen_error(cx, &name),
        }
    }

    /// Return info about the corresponding frozen module (if there is one) or None.
    ///
    /// The returned info (a 2-tuple):
    ///
    ///  * data         the raw marshalled bytes
    ///  * is_package   whether or not it is a package
    ///  * origname     the originally frozen module's name, or None if not
    ///                 a stdlib module (this will usually be the same as
    ///                 the module's current name)
    #[py("($module, name, /, *, withdata=False)")]
    fn find_frozen(cx: &mut Cx, name: &'static Str, withdata: Option<bool>) -> PyResult<Value> {
        let Some(found) = lookup_frozen(&name.to_string_lossy()) else { return Ok(Value::none()) };
        let data = if withdata.unwrap_or(false) {
            let bytes = frozen::bytes(cx, found)?;
            Value::of(Bytes::new(cx, &bytes))
        } else {
            Value::none()
        };
        let origin = match found.origin {
            Some(origin) => cx.str(origin),
            None => Value::none(),
        };
        Ok(Value::of(Tuple::new(cx, &[data, Value::bool(found.is_package), origin])))
    }

    /// Create a code object for a frozen module.
    #[py("($module, name, data=None, /)")]
    fn get_frozen_object(cx: &mut Cx, name: &'static Str, data: Option<Value>) -> PyResult<Value> {
        let text = name.to_string_lossy();
        if let Some(data) = data.filter(|d| !d.is_none()) {
            let bytes = buffer::with_bytes(cx, data, |_, bytes| Ok(bytes.to_vec()))?;
            if bytes.is_empty() {
                return raise!(cx, ImportError, "Frozen object named {text} is invalid");
            }
            let Ok(code) = crate::marshal::loads(cx, &bytes, true) else {
                cx.take_exception();
                return raise!(cx, ImportError, "Frozen object named '{text}' is invalid");
            };
            return match code.exact::<CodeObject>() {
                Some(_) => Ok(code),
                None => raise!(cx, TypeError, "frozen object {text} is not a code object"),
            };
        }
        match lookup_frozen(&text) {
            Some(found) => Ok(Value::of(frozen::code(cx, found)?)),
            None => frozen_error(cx, &text),
        }
    }

    /// Initializes a frozen module.
    #[py("($module, name, /)")]
    fn init_frozen(cx: &mut Cx, name: &'static Str) -> PyResult<Value> {
        let text = name.to_string_lossy();
        let Some(found) = lookup_frozen(&text) else { return Ok(Value::none()) };
        let code = frozen::code(cx, found)?;
        let module = Module::new(cx, &text);
        let origin = found.origin.map_or(Value::none(), |o| cx.str(o));
        module.set(cx, "__origname__", origin);
        if let Some(modules) = cx.rt().modules.get() {
            modules.set_str(cx, name, Value::of(module));
        }
        run_in(cx, code, module.dict())?;
        Ok(Value::of(module))
    }

    /// Create an extension module.
    #[py("($module, spec, file=<unrepresentable>, /)", raw)]
    fn create_dynamic(cx: &mut Cx, args: taipan_runtime::Args) -> PyResult<Value> {
        super::builtins_check(cx, args, "create_dynamic", 1, 2)?;
        let key = cx.names().name;
        let name = attr::get(cx, args.pos()[0], key)?;
        let name = taipan_runtime::protocol::object::str(cx, name)?;
        if name.chars().any(|c| c == 0) {
            return raise!(cx, ValueError, "embedded null character");
        }
        raise!(cx, ImportError, "extension modules cannot be loaded: {name}")
    }

    /// Initialize an extension module.
    #[py("($module, mod, /)")]
    fn exec_dynamic(_cx: &mut Cx, _module: Value) -> i64 {
        0
    }

    /// Returns the list of file suffixes used to identify extension modules.
    #[py("($module, /)")]
    fn extension_suffixes(cx: &mut Cx) -> Value {
        Value::of(List::new(cx))
    }

    #[py("($module, /, key, source)")]
    fn source_hash(cx: &mut Cx, key: i64, source: Value) -> PyResult<Value> {
        let hash = buffer::with_bytes(cx, source, |_, bytes| Ok(pyc::keyed_hash(key as u64, bytes)))?;
        Ok(Value::of(Bytes::new(cx, &hash)))
    }

    /// Changes code.co_filename to specify the passed-in file path.
    ///
    ///   code
    ///     Code object to change.
    ///   path
    ///     File path to use.
    #[py("($module, code, path, /)")]
    fn _fix_co_filename(cx: &mut Cx, code: &'static CodeObject, path: &'static Str) {
        fix_filename(cx, code, path);
    }

    /// Returns the list of available frozen modules.
    #[py("($module, /)")]
    fn _frozen_module_names(cx: &mut Cx) -> Value {
        let list = List::new(cx);
        for frozen in frozen::all() {
            let name = cx.str(frozen.name);
            list.push(cx, name);
        }
        Value::of(list)
    }

    /// (internal-only) Override PyConfig.use_frozen_modules.
    ///
    /// (-1: "off", 1: "on", 0: no override)
    /// See frozen_modules() in Lib/test/support/import_helper.py.
    #[py("($module, override, /)")]
    fn _override_frozen_modules_for_tests(_cx: &mut Cx, override_: i64) {
        OVERRIDE_FROZEN.store(override_, Ordering::Relaxed);
    }

    /// (internal-only) Override PyInterpreterConfig.check_multi_interp_extensions.
    ///
    /// (-1: "never", 1: "always", 0: no override)
    #[py("($module, override, /)")]
    fn _override_multi_interp_extensions_check(_cx: &mut Cx, override_: i64) -> i64 {
        OVERRIDE_MULTI.swap(override_, Ordering::Relaxed)
    }
}

/// Runs a module's code in its namespace.
pub fn run_in(cx: &mut Cx, code: &'static CodeObject, namespace: &'static Dict) -> PyResult<()> {
    crate::builtins::scope::add_builtins(cx, namespace);
    call::run_code(cx, code, namespace, Some(Value::of(namespace)), None)?;
    Ok(())
}
