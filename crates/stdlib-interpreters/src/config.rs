//! How interpreters are made: their settings, and what is noted about each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use taipan_runtime::dict::Dict;
use taipan_runtime::interpreter::Permissions;
use taipan_runtime::protocol::object;
use taipan_runtime::types::namespace::{self, NAMESPACE};
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// The settings of an interpreter, as `PyInterpreterConfig`. There is one heap and one GIL, so that not all of them make
/// a difference.
#[derive(Clone, Copy)]
pub struct Config {
    flags: [bool; 6],
    gil: &'static str,
}

const FLAGS: [&str; 6] = [
    "use_main_obmalloc",
    "allow_fork",
    "allow_exec",
    "allow_threads",
    "allow_daemon_threads",
    "check_multi_interp_extensions",
];
const GILS: [&str; 3] = ["default", "shared", "own"];

/// Settings by name.
const ISOLATED: Config = Config { flags: [false, false, false, true, false, true], gil: "own" };
const LEGACY: Config = Config { flags: [true, true, true, true, true, false], gil: "shared" };
const EMPTY: Config = Config { flags: [false; 6], gil: "default" };
/// Those of the main interpreter.
pub const MAIN: Config = Config { flags: [true, true, true, true, true, false], gil: "own" };

impl Config {
    /// Settings that share all with the main interpreter.
    pub const LEGACY: Config = LEGACY;

    /// The settings called `name`.
    pub fn named(cx: &mut Cx, name: &str) -> PyResult<Config> {
        match name {
            "" | "default" | "isolated" => Ok(ISOLATED),
            "legacy" => Ok(LEGACY),
            "empty" => Ok(EMPTY),
            _ => raise!(cx, ValueError, "unsupported config name '{name}'"),
        }
    }

    /// From None, a name or a namespace.
    pub fn of(cx: &mut Cx, v: Option<Value>) -> PyResult<Config> {
        let Some(v) = v.filter(|v| !v.is_none()) else { return Ok(ISOLATED) };
        if let Some(name) = v.downcast::<Str>() {
            let name = taipan_stdlib::host::utf8(cx, name)?;
            return Config::named(cx, &name);
        }
        let key = cx.names().__dict__;
        let dict = taipan_runtime::protocol::attr::get_optional(cx, v, key)?.and_then(|d| d.downcast::<Dict>());
        let Some(dict) = dict else {
            let shown = object::repr_text(cx, v)?;
            return raise!(cx, TypeError, "bad config {shown}");
        };
        let mut config = EMPTY;
        config.update(cx, dict, true)?;
        Ok(config)
    }

    /// Takes settings from a dict; from all of them if it must be `complete`.
    pub fn update(&mut self, cx: &mut Cx, dict: &'static Dict, complete: bool) -> PyResult<()> {
        let rest = Dict::new(cx);
        for (key, value) in dict.iter().collect::<Vec<_>>() {
            rest.set(cx, key, value)?;
        }
        for (i, name) in FLAGS.into_iter().enumerate() {
            let key = Value::of(cx.intern(name));
            let Some(value) = rest.remove(cx, key)? else {
                if complete {
                    return raise!(cx, ValueError, "missing config key: {name}");
                }
                continue;
            };
            self.flags[i] = match value {
                v if v == Value::bool(true) => true,
                v if v == Value::bool(false) => false,
                _ => return raise!(cx, TypeError, "invalid config type: {name}"),
            };
        }
        let key = Value::of(cx.intern("gil"));
        match rest.remove(cx, key)? {
            Some(value) => {
                let Some(text) = value.downcast::<Str>() else {
                    return raise!(cx, TypeError, "invalid config type: gil");
                };
                let text = text.to_string_lossy();
                let Some(gil) = GILS.into_iter().find(|gil| *gil == text) else {
                    return raise!(cx, ValueError, "unsupported interpreter config .gil value '{text}'");
                };
                self.gil = gil;
            }
            None if complete => return raise!(cx, ValueError, "missing config key: gil"),
            None => {}
        }
        match rest.len() {
            0 => Ok(()),
            n => {
                let shown = object::repr_text(cx, Value::of(rest))?;
                let s = if n == 1 { "" } else { "s" };
                raise!(cx, ValueError, "config dict has {n} extra item{s} ({shown})")
            }
        }
    }

    /// Settings that do not go together are errors.
    pub fn check(&self, cx: &mut Cx) -> PyResult<()> {
        let [main_obmalloc, .., check_extensions] = self.flags;
        if !main_obmalloc && !check_extensions {
            let text = "per-interpreter obmalloc does not support single-phase init extension modules";
            return raise!(cx, RuntimeError, "{text}");
        }
        if self.gil == "own" && main_obmalloc {
            return raise!(cx, RuntimeError, "per-interpreter GIL requires per-interpreter obmalloc");
        }
        Ok(())
    }

    /// As a namespace.
    pub fn namespace(&self, cx: &mut Cx) -> Value {
        let gil = cx.str(self.gil);
        let mut items: Vec<(&str, Value)> = FLAGS.into_iter().zip(self.flags.map(Value::bool)).collect();
        items.push(("gil", gil));
        cx.ready_type(&NAMESPACE);
        namespace::new(cx, &items)
    }

    /// What the interpreter may do.
    pub fn permissions(&self) -> Permissions {
        let [_, fork, exec, threads, daemon_threads, _] = self.flags;
        Permissions { fork, exec, threads, daemon_threads }
    }
}

/// What is noted about an interpreter.
#[derive(Clone, Copy)]
pub struct Note {
    /// Its settings.
    pub config: Config,
    /// It ends with the last reference.
    pub requires_refs: bool,
    /// References.
    pub refs: i64,
    /// Code of `exec` or `call` runs in it.
    pub running: bool,
}

static NOTES: Mutex<Option<HashMap<i64, Note>>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<HashMap<i64, Note>>> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is noted about interpreter `id`.
pub fn note(id: i64) -> Note {
    let main = Note { config: MAIN, requires_refs: false, refs: 0, running: true };
    lock().get_or_insert_default().get(&id).copied().unwrap_or(main)
}

/// Changes what is noted; makes it first.
pub fn change<T>(id: i64, f: impl FnOnce(&mut Note) -> T) -> T {
    let mut notes = lock();
    let new = Note { config: ISOLATED, requires_refs: false, refs: 0, running: id == 0 };
    f(notes.get_or_insert_default().entry(id).or_insert(new))
}

/// Forgets what is noted.
pub fn forget(id: i64) {
    lock().get_or_insert_default().remove(&id);
}
