//! Frozen modules: bytecode in the binary. The three that import itself is made of are compiled from the library's
//! directory when the binary has none.

use std::cell::Cell;
use std::sync::Arc;

use taipan_bytecode::marshal;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::{Cx, PyResult, raise};
use taipan_syntax::Mode;

use crate::compile::{Request, compile_text};
use crate::state;

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

/// The modules that import is made of.
static BOOTSTRAP: &[Frozen] = &[
    Frozen { name: "_frozen_importlib", bytes: &[], is_package: false, origin: Some("importlib._bootstrap") },
    Frozen {
        name: "_frozen_importlib_external",
        bytes: &[],
        is_package: false,
        origin: Some("importlib._bootstrap_external"),
    },
    Frozen { name: "zipimport", bytes: &[], is_package: false, origin: Some("zipimport") },
];

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
    BOOTSTRAP.iter().any(|f| f.name == name)
}

/// All frozen modules.
pub fn all() -> impl Iterator<Item = &'static Frozen> {
    let table = TABLE.0.get();
    table.iter().chain(BOOTSTRAP.iter().filter(|b| !table.iter().any(|f| f.name == b.name)))
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
    frozen.origin.and_then(taipan_pylib::frozen).unwrap_or(&[])
}

/// The code of a frozen module. May collect.
pub fn code(cx: &mut Cx, frozen: &'static Frozen) -> PyResult<&'static CodeObject> {
    let own = embedded(frozen);
    if !own.is_empty() {
        // The binary's own bytes need no verification.
        return match marshal::from_bytes(own) {
            Ok(code) => Ok(CodeObject::new(cx, code)),
            Err(error) => raise!(cx, ImportError, "Frozen object named {} is invalid: {error}", frozen.name),
        };
    }
    let origin = frozen.origin.unwrap_or(frozen.name);
    let Some(directory) = &state::config().stdlib_dir else {
        return raise!(cx, ImportError, "no library directory to compile {origin} from");
    };
    let path = std::path::Path::new(directory).join(format!("{}.py", origin.replace('.', "/")));
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
    let code: &Arc<taipan_bytecode::Code> = &code.code;
    match marshal::to_bytes(code) {
        Ok(bytes) => Ok(bytes),
        Err(error) => raise!(cx, ImportError, "{error}"),
    }
}
