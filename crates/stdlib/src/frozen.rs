//! Frozen modules: bytecode in the binary. With `TAIPAN_LIB` they are compiled from that directory, or not frozen.

use std::cell::Cell;

use taipan_runtime::types::code::CodeObject;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_syntax::Mode;

use crate::compile::{Request, compile_text};
use crate::{marshal, state};

/// A frozen module.
#[derive(Clone, Copy, Debug)]
pub struct Frozen {
    /// Name under which it is imported.
    pub name: &'static str,
    /// Marshalled code; empty if it must be compiled.
    pub bytes: &'static [u8],
    /// A package.
    pub is_package: bool,
    /// Name of the module in the library; None if it is not from there.
    pub origin: Option<&'static str>,
}

const fn plain(name: &'static str) -> Frozen {
    Frozen { name, bytes: &[], is_package: false, origin: Some(name) }
}

const fn alias(name: &'static str, origin: &'static str) -> Frozen {
    Frozen { name, bytes: &[], is_package: false, origin: Some(origin) }
}

const fn package(name: &'static str, origin: &'static str) -> Frozen {
    Frozen { name, bytes: &[], is_package: true, origin: Some(origin) }
}

/// How many modules at the start of [`STANDARD`] import itself is made of.
const BOOTSTRAP: usize = 3;

/// The library's frozen modules, in CPython's order.
static STANDARD: &[Frozen] = &[
    alias("_frozen_importlib", "importlib._bootstrap"),
    alias("_frozen_importlib_external", "importlib._bootstrap_external"),
    plain("zipimport"),
    plain("abc"),
    plain("codecs"),
    plain("io"),
    plain("_collections_abc"),
    plain("_sitebuiltins"),
    plain("genericpath"),
    plain("ntpath"),
    plain("posixpath"),
    plain("os"),
    plain("site"),
    plain("stat"),
    plain("importlib.util"),
    plain("importlib.machinery"),
    plain("runpy"),
    plain("__hello__"),
    alias("__hello_alias__", "__hello__"),
    package("__phello_alias__", "__hello__"),
    alias("__phello_alias__.spam", "__hello__"),
    package("__phello__", "__phello__"),
    alias("__phello__.__init__", "<__phello__"),
    package("__phello__.ham", "__phello__.ham"),
    alias("__phello__.ham.__init__", "<__phello__.ham"),
    plain("__phello__.ham.eggs"),
    plain("__phello__.spam"),
];

/// Packages of Taipan's own, found before those on the path. They are not listed: CPython has none of them.
static OWN: &[Frozen] = &[package("numba", "<_taipan.numba")];

/// Whether the program wants the `numba` on its path: `-X numba=path` or `TAIPAN_NUMBA=path`.
fn wants_other_numba() -> bool {
    static WANTS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *WANTS.get_or_init(|| {
        let config = state::config();
        let option = config.xoptions.iter().rev().find_map(|option| option.strip_prefix("numba=").map(str::to_string));
        let variable = || std::env::var("TAIPAN_NUMBA").ok().filter(|_| !config.ignore_environment);
        option.or_else(variable).is_some_and(|how| how == "path")
    })
}

/// A package of Taipan's own.
pub fn find_own(name: &str) -> Option<&'static Frozen> {
    OWN.iter().find(|f| f.name == name && !wants_other_numba() && std::env::var_os("TAIPAN_LIB").is_none())
}

struct Table(Cell<&'static [Frozen]>);
// SAFETY: set once at start, before other threads exist.
unsafe impl Sync for Table {}
static TABLE: Table = Table(Cell::new(&[]));

/// Sets the modules that the binary holds, before the runtime starts.
pub fn set_table(table: &'static [Frozen]) {
    TABLE.0.set(table);
}

/// True for the modules without which nothing can be imported.
pub fn is_bootstrap(name: &str) -> bool {
    STANDARD[..BOOTSTRAP].iter().any(|f| f.name == name)
}

/// False if modules besides the bootstrap ones come from files: `-X frozen_modules=off`, or `TAIPAN_LIB` replaces the
/// library.
pub fn enabled() -> bool {
    static ENABLED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ENABLED.get_or_init(|| {
        let is_off = state::config().xoptions.iter().any(|option| option == "frozen_modules=off");
        !is_off && std::env::var_os("TAIPAN_LIB").is_none()
    })
}

/// All frozen modules.
pub fn all() -> impl Iterator<Item = &'static Frozen> {
    let table = TABLE.0.get();
    table.iter().chain(STANDARD.iter().filter(|s| !table.iter().any(|f| f.name == s.name)))
}

/// The frozen module `name`.
pub fn find(name: &str) -> Option<&'static Frozen> {
    all().find(|f| f.name == name)
}

/// The marshalled code in the binary; empty if there is none. `TAIPAN_LIB` replaces the whole library.
fn embedded(frozen: &Frozen) -> &'static [u8] {
    if !frozen.bytes.is_empty() {
        return frozen.bytes;
    }
    if std::env::var_os("TAIPAN_LIB").is_some() {
        return &[];
    }
    frozen.origin.and_then(|origin| taipan_pylib::frozen(origin.trim_start_matches('<'))).unwrap_or(&[])
}

/// Lets go of the memory that constant bytes of the binary take; who reads them again gets them from the file.
fn forget_pages(bytes: &'static [u8]) {
    const PAGE: usize = 4096;
    let range = bytes.as_ptr_range();
    let (start, end) = ((range.start as usize).next_multiple_of(PAGE), range.end as usize & !(PAGE - 1));
    if start < end {
        // SAFETY: whole pages of a mapping of the binary's file that nobody can write to: they keep their contents.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
}

/// The code of a frozen module. May collect.
pub fn code(cx: &mut Cx, frozen: &'static Frozen) -> PyResult<&'static CodeObject> {
    let own = embedded(frozen);
    if !own.is_empty() {
        // The binary's own bytes need no verification.
        let module = marshal::trusted(cx, own)?;
        forget_pages(own);
        return match module.exact::<CodeObject>() {
            Some(code) => Ok(code),
            None => raise!(cx, ImportError, "Frozen object named {} is invalid", frozen.name),
        };
    }
    let origin = frozen.origin.unwrap_or(frozen.name).trim_start_matches('<');
    let Some(directory) = &state::config().stdlib_dir else {
        return raise!(cx, ImportError, "no library directory to compile {origin} from");
    };
    let file = if frozen.is_package { "/__init__.py" } else { ".py" };
    let path = std::path::Path::new(directory).join(format!("{}{file}", origin.replace('.', "/")));
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return raise!(cx, ImportError, "cannot read {shown}: {error}"),
    };
    let filename = cx.str(&format!("<frozen {origin}>"));
    let request = Request { mode: Mode::Module, flags: 0, optimize: 0 };
    compile_text(cx, &text, filename, &request)
}

/// The marshalled code of a frozen module. May collect.
pub fn bytes(cx: &mut Cx, frozen: &'static Frozen) -> PyResult<Vec<u8>> {
    let own = embedded(frozen);
    if !own.is_empty() {
        return Ok(own.to_vec());
    }
    let code = code(cx, frozen)?;
    marshal::dumps(cx, Value::of(code), taipan_bytecode::marshal::VERSION as i64, true)
}
