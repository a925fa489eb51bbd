//! Makes the archive of the pure-Python library and the frozen bootstrap modules.
//!
//! The archive is one zlib stream of entries, each
//! `path length: u32, content length: u32, path, content` (little endian), sorted by path.
//! Files of the crate `rustpython-pylib` that name RustPython are patched; files in `overlay/` are added.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use siphasher::sip::SipHasher13;
use taipan_compiler::{Input, Options};
use taipan_syntax::{Mode, ast::Mod};

/// Files and directories of the crate that Taipan does not ship.
const LEFT_OUT: &[&str] = &[
    "README.md",
    "_dummy_os.py",
    "_dummy_thread.py",
    "_pycodecs.py",
    "dummy_threading.py",
    "idlelib",
    "pydoc_data/topics.py",
    "tkinter",
    "turtledemo",
];

/// `(file, text, replacement)`; each text must occur exactly once.
const PATCHES: &[(&str, &str, &str)] = &[
    // Bytecode of the library is kept whatever the program wants for its own: the library was unpacked without asking too,
    // and would else be compiled anew by each process.
    (
        "importlib/_bootstrap_external.py",
        "        if (not sys.dont_write_bytecode and bytecode_path is not None and\n                source_mtime is not None):\n",
        "        if ((not sys.dont_write_bytecode or _is_library(source_path)) and bytecode_path is not None and\n                source_mtime is not None):\n",
    ),
    (
        "importlib/_bootstrap_external.py",
        "def _calc_mode(path):\n",
        "def _is_library(path):\n    library = getattr(sys, '_stdlib_dir', None)\n    return library and path.startswith(library + '/') and not path.startswith(library + '/site-packages/')\n\n\ndef _calc_mode(path):\n",
    ),
    // As in CPython 3.14.8: only who looks for misspelt keywords needs it.
    ("traceback.py", "import codeop\nimport keyword\n", "import keyword\n"),
    (
        "traceback.py",
        "        assert self._is_syntax_error\n        try:\n            import _suggestions\n",
        "        assert self._is_syntax_error\n        import codeop\n        try:\n            import _suggestions\n",
    ),
    ("site.py", "    return 'RustPython' # XXX: RUSTPYTHON; for site-packages\n", "    return 'Python'\n"),
    (
        "site.py",
        "    # XXX: RUSTPYTHON\n    return f'{userbase}/lib/rustpython{version[0]}",
        "    return f'{userbase}/lib/python{version[0]}",
    ),
    (
        "sysconfig/__init__.py",
        "    return 'RustPython'  # XXX: RUSTPYTHON; For site-packages\n",
        "    return 'Python'\n",
    ),
    // Taipan has an instruction of its own for the lookup of methods, and makes cells and generators behind the entry.
    ("inspect.py", "        if opname == \"LOAD_ATTR\":\n", "        if opname in (\"LOAD_ATTR\", \"LOAD_METHOD\"):\n"),
    (
        "pdb.py",
        "        if prev is not None and prev.opname == 'RESUME':\n            if instr.positions.lineno is not None:\n                return instr.positions.lineno\n            return code.co_firstlineno\n",
        "        if instr.opname not in ('RESUME', 'NEW_CELL', 'MAKE_CELL', 'RETURN_GENERATOR') and instr.positions.lineno is not None:\n            return instr.positions.lineno\n",
    ),
    (
        "platform.py",
        "        # XXX: RUSTPYTHON support\n        if \"RustPython\" in sys_version:\n            name = \"RustPython\"\n",
        "        if \"Taipan\" in sys_version:\n            name = \"Taipan\"\n",
    ),
];

/// Modules that are in the binary as bytecode: those that import is made of, what every start imports, and CPython's
/// frozen examples. Name and file.
const FROZEN: &[(&str, &str)] = &[
    ("importlib._bootstrap", "importlib/_bootstrap.py"),
    ("importlib._bootstrap_external", "importlib/_bootstrap_external.py"),
    ("zipimport", "zipimport.py"),
    ("abc", "abc.py"),
    ("codecs", "codecs.py"),
    ("io", "io.py"),
    ("_collections_abc", "_collections_abc.py"),
    ("_sitebuiltins", "_sitebuiltins.py"),
    ("genericpath", "genericpath.py"),
    ("ntpath", "ntpath.py"),
    ("posixpath", "posixpath.py"),
    ("os", "os.py"),
    ("site", "site.py"),
    ("stat", "stat.py"),
    ("importlib.util", "importlib/util.py"),
    ("importlib.machinery", "importlib/machinery.py"),
    ("runpy", "runpy.py"),
    ("__hello__", "__hello__.py"),
    ("__phello__", "__phello__/__init__.py"),
    ("__phello__.ham", "__phello__/ham/__init__.py"),
    ("__phello__.ham.eggs", "__phello__/ham/eggs.py"),
    ("__phello__.spam", "__phello__/spam.py"),
    ("_taipan.numba", "_taipan/numba/__init__.py"),
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=overlay");
    let mut files = BTreeMap::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), "", &mut files);
    for (path, from, to) in PATCHES {
        patch(&mut files, path, from, to);
    }
    overlay(&mut files);
    let archive = pack(&files);
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(format!("{out}/lib.zz"), &archive).expect("OUT_DIR is writable");
    let mut table = String::from("&[\n");
    for (name, path) in FROZEN {
        let source = std::str::from_utf8(&files[*path]).expect("sources are UTF-8");
        let file = format!("{out}/{name}.marshal");
        fs::write(&file, freeze(name, source)).expect("OUT_DIR is writable");
        table.push_str(&format!("({name:?}, include_bytes!({file:?})),\n"));
    }
    table.push(']');
    fs::write(format!("{out}/frozen.rs"), table).expect("OUT_DIR is writable");
    let mut hasher = SipHasher13::new();
    hasher.write(&archive);
    // Builds with other bytecode have a folder of their own: they would compile it anew for each other.
    hasher.write_u16(taipan_bytecode::pyc::MAGIC_NUMBER);
    println!("cargo:rustc-env=TAIPAN_LIB_HASH={:016x}", hasher.finish());
}

/// Adds the files below `dir`, except those left out; `prefix` is the path so far, empty or ending in `/`.
fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for entry in entries {
        let entry = entry.expect("a readable directory");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        if LEFT_OUT.contains(&path.as_str()) || name == "__pycache__" || name.ends_with(".pyc") {
            continue;
        }
        if entry.file_type().expect("a file type").is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, fs::read(entry.path()).expect("a readable file"));
        }
    }
}

fn patch(files: &mut BTreeMap<String, Vec<u8>>, path: &str, from: &str, to: &str) {
    let content = files.get_mut(path).unwrap_or_else(|| panic!("{path} is to be patched but not there"));
    let text = std::str::from_utf8(content).expect("sources are UTF-8");
    assert_eq!(text.matches(from).count(), 1, "the patch of {path} does not apply: {from:?}");
    *content = text.replace(from, to).into_bytes();
}

/// Adds the files in `overlay/`; those named `.in` are templates.
fn overlay(files: &mut BTreeMap<String, Vec<u8>>) {
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    let multiarch = format!("{arch}-linux-gnu");
    let mut own = BTreeMap::new();
    collect(Path::new("overlay"), "", &mut own);
    for (path, content) in own {
        match path.strip_suffix(".in") {
            None => files.insert(path, content),
            Some(_) if path == "_sysconfigdata.py.in" => {
                let text = String::from_utf8(content).expect("sources are UTF-8");
                let text = text.replace("@MULTIARCH@", &multiarch).replace("@ARCH@", &arch);
                files.insert(format!("_sysconfigdata__linux_{multiarch}.py"), text.into_bytes())
            }
            Some(_) => panic!("overlay/{path}: a template of unknown kind"),
        };
    }
}

fn pack(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for (path, content) in files {
        for length in [path.len(), content.len()] {
            let length = u32::try_from(length).expect("files are small");
            encoder.write_all(&length.to_le_bytes()).expect("writing to memory");
        }
        encoder.write_all(path.as_bytes()).expect("writing to memory");
        encoder.write_all(content).expect("writing to memory");
    }
    encoder.finish().expect("writing to memory")
}

/// The marshalled code object of a module.
fn freeze(name: &str, source: &str) -> Vec<u8> {
    let module = taipan_syntax::parse(source, Mode::Module).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let Mod::Module(tree) = module.tree() else { unreachable!("parsed as a module") };
    let filename = format!("<frozen {name}>");
    let options = Options { filename: filename.as_str().into(), ..Options::default() };
    let output = taipan_compiler::compile(&module.source, Input::Module(tree), &options);
    let code = output.unwrap_or_else(|error| panic!("{name}: {error:?}")).code;
    taipan_bytecode::marshal::to_bytes(&Arc::new(code)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
