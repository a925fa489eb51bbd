//! Values and numbers that native modules keep for as long as the interpreter or the runtime: callbacks, hooks, flags.
//!
//! Values live in one list of each interpreter; [`Slot`] names its items.

use std::cell::Cell;
use std::ffi::OsString;

use taipan_runtime::interpreter::Global;
use taipan_runtime::types::list::List;
use taipan_runtime::{Cx, Value};

/// What is kept.
#[derive(Clone, Copy)]
pub enum Slot {
    /// The `builtins` module.
    Builtins,
    /// The `sys` module.
    Sys,
    /// `importlib._bootstrap`.
    Importlib,
    /// `importlib._bootstrap_external`.
    ImportlibExternal,
    /// List of audit hooks.
    AuditHooks,
    /// List of (function, args, kwargs) of `atexit`.
    AtExit,
    /// `_warnings.filters`.
    WarningFilters,
    /// `_warnings._onceregistry`.
    WarningOnce,
    /// `_warnings._defaultaction`.
    WarningDefault,
    /// `_warnings._warnings_context`.
    WarningContext,
    /// List of signal handlers by number.
    SignalHandlers,
    /// `signal.ItimerError`.
    ItimerError,
    /// `_thread._excepthook` users: list of shutdown handles.
    ThreadHandles,
    /// `gc.callbacks`.
    GcCallbacks,
    /// `gc.garbage`.
    GcGarbage,
    /// Dict of `_ast` classes.
    AstTypes,
    /// Dict name -> frozen module override state.
    FrozenOverride,
    /// Number of slots.
    Count,
}

static LIST: Global = Global::new();

fn list(cx: &mut Cx) -> &'static List {
    match LIST.get().and_then(|v| v.exact::<List>()) {
        Some(list) => list,
        None => {
            let items = [Value::none(); Slot::Count as usize];
            let list = List::from_slice(cx, &items);
            LIST.set(cx, Value::of(list));
            list
        }
    }
}

/// The value kept in `slot`; None if there is none.
pub fn get(cx: &mut Cx, slot: Slot) -> Option<Value> {
    list(cx).get(slot as usize).filter(|v| !v.is_none())
}

/// Keeps `value` in `slot`.
pub fn set(cx: &mut Cx, slot: Slot, value: Value) {
    list(cx).set(cx, slot as usize, value);
}

/// The list kept in `slot`, made when first asked for. May collect.
pub fn get_list(cx: &mut Cx, slot: Slot) -> &'static List {
    if let Some(found) = get(cx, slot).and_then(|v| v.exact::<List>()) {
        return found;
    }
    let new = List::new(cx);
    set(cx, slot, Value::of(new));
    new
}

/// How the process was started: what `sys.flags` and the compiler need to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// `-d`.
    pub debug: i64,
    /// `-i`.
    pub inspect: i64,
    /// `-i`, or no script and a terminal.
    pub interactive: i64,
    /// `-O`, `-OO`.
    pub optimize: i64,
    /// `-B`.
    pub dont_write_bytecode: bool,
    /// `-s`.
    pub no_user_site: bool,
    /// `-S`.
    pub no_site: bool,
    /// `-E`.
    pub ignore_environment: bool,
    /// `-v`.
    pub verbose: i64,
    /// `-b`.
    pub bytes_warning: i64,
    /// `-q`.
    pub quiet: bool,
    /// `PYTHONHASHSEED` is not 0.
    pub hash_randomization: bool,
    /// `-I`.
    pub isolated: bool,
    /// `-X dev`.
    pub dev_mode: bool,
    /// `-X utf8`.
    pub utf8_mode: i64,
    /// `-X warn_default_encoding`.
    pub warn_default_encoding: bool,
    /// `-P`.
    pub safe_path: bool,
    /// `-X int_max_str_digits`.
    pub int_max_str_digits: i64,
    /// `-u`.
    pub unbuffered: bool,
    /// `sys.argv`.
    pub argv: Vec<OsString>,
    /// `sys.orig_argv`.
    pub orig_argv: Vec<OsString>,
    /// `-W` options.
    pub warnoptions: Vec<String>,
    /// `-X` options.
    pub xoptions: Vec<String>,
    /// Module search path without the script's directory.
    pub path: Vec<OsString>,
    /// `sys.executable`.
    pub executable: OsString,
    /// `sys.prefix`.
    pub prefix: OsString,
    /// `sys._stdlib_dir`.
    pub stdlib_dir: Option<OsString>,
    /// `sys.pycache_prefix`.
    pub pycache_prefix: Option<OsString>,
    /// `_imp.check_hash_based_pycs`.
    pub check_hash_pycs: &'static str,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            debug: 0,
            inspect: 0,
            interactive: 0,
            optimize: 0,
            dont_write_bytecode: false,
            no_user_site: false,
            no_site: false,
            ignore_environment: false,
            verbose: 0,
            bytes_warning: 0,
            quiet: false,
            hash_randomization: true,
            isolated: false,
            dev_mode: false,
            utf8_mode: 0,
            warn_default_encoding: false,
            safe_path: false,
            int_max_str_digits: 4300,
            unbuffered: false,
            argv: vec![OsString::new()],
            orig_argv: Vec::new(),
            warnoptions: Vec::new(),
            xoptions: Vec::new(),
            path: Vec::new(),
            executable: OsString::new(),
            prefix: "/usr".into(),
            stdlib_dir: None,
            pycache_prefix: None,
            check_hash_pycs: "default",
        }
    }
}

struct ConfigCell(Cell<Option<&'static Config>>);
// SAFETY: set once at start, before other threads exist.
unsafe impl Sync for ConfigCell {}
static CONFIG: ConfigCell = ConfigCell(Cell::new(None));

/// The configuration.
pub fn config() -> &'static Config {
    match CONFIG.0.get() {
        Some(config) => config,
        None => {
            let config: &'static Config = Box::leak(Box::default());
            CONFIG.0.set(Some(config));
            config
        }
    }
}

/// Sets the configuration, before anything asks for it.
pub fn set_config(config: Config) {
    CONFIG.0.set(Some(Box::leak(Box::new(config))));
}
