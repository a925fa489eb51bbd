//! `_symtable`: the compiler's symbol table.

use std::cell::Cell;

use taipan_compiler::{self as compiler, Block};
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, object, raise, trace_values};
use taipan_syntax::Mode;

use crate::compile;

/// A block of the table.
#[repr(C)]
pub struct Entry {
    header: Header,
    name: Cell<Option<Value>>,
    symbols: Cell<Option<&'static Dict>>,
    varnames: Cell<Option<&'static List>>,
    children: Cell<Option<&'static List>>,
    kind: i64,
    line: i64,
    nested: bool,
}
object!(Entry, ENTRY);
trace_values!(trace_entry, Entry, |t| [
    t.name.get(),
    t.symbols.get().map(Value::of),
    t.varnames.get().map(Value::of),
    t.children.get().map(Value::of),
]);

static ENTRY: Type = Type::new(&ENTRY_SPEC);
static ENTRY_SPEC: TypeSpec = TypeSpec {
    name: "symtable entry",
    basicsize: std::mem::size_of::<Entry>(),
    flags: flags::DISALLOW_INSTANTIATION | flags::HAVE_GC,
    trace: Some(trace_entry),
    slots: Slots {
        repr: Some(|cx, v| {
            // SAFETY: the slot of entries.
            let this: &'static Entry = unsafe { v.cast() };
            let name = this.name.get().and_then(|n| n.downcast::<Str>()).map_or(String::new(), |n| n.to_string_lossy());
            let (id, line) = (v.bits(), this.line);
            Ok(cx.str(&format!("<symtable entry {name}({id}), line {line}>")))
        }),
        ..Slots::NONE
    },
    getsets: &[Entry::GETSETS],
    ..TypeSpec::DEFAULT
};

/// The entry of a block and those inside. May collect.
fn entry(cx: &mut Cx, block: &Block) -> PyResult<&'static Entry> {
    cx.nested(" in symtable", |cx| {
        let name = cx.str(&block.name);
        let (symbols, varnames, children) = (Dict::new(cx), List::new(cx), List::new(cx));
        for (name, bits) in &block.symbols {
            let name = cx.intern(name);
            symbols.set_str(cx, name, Value::small(*bits as i64));
        }
        for name in &block.params {
            let name = Value::of(cx.intern(name));
            varnames.push(cx, name);
        }
        for child in &block.children {
            let child = entry(cx, child)?;
            children.push(cx, Value::of(child));
        }
        Ok(cx.alloc(Entry {
            header: Header::fresh(&ENTRY),
            name: Cell::new(Some(name)),
            symbols: Cell::new(Some(symbols)),
            varnames: Cell::new(Some(varnames)),
            children: Cell::new(Some(children)),
            kind: block.kind as i64,
            line: block.line as i64,
            nested: block.nested,
        }))
    })
}

#[pymethods]
impl Entry {
    #[getter]
    fn id(_cx: &mut Cx, this: &'static Entry) -> u64 {
        Value::of(this).bits()
    }
    #[getter]
    fn name(_cx: &mut Cx, this: &'static Entry) -> Option<Value> {
        this.name.get()
    }
    #[getter]
    fn symbols(_cx: &mut Cx, this: &'static Entry) -> Option<&'static Dict> {
        this.symbols.get()
    }
    #[getter]
    fn varnames(_cx: &mut Cx, this: &'static Entry) -> Option<&'static List> {
        this.varnames.get()
    }
    #[getter]
    fn children(_cx: &mut Cx, this: &'static Entry) -> Option<&'static List> {
        this.children.get()
    }
    #[getter]
    fn nested(_cx: &mut Cx, this: &'static Entry) -> i64 {
        this.nested as i64
    }
    #[getter("type")]
    fn kind(_cx: &mut Cx, this: &'static Entry) -> i64 {
        this.kind
    }
    #[getter]
    fn lineno(_cx: &mut Cx, this: &'static Entry) -> i64 {
        this.line
    }
}

struct Functions;

#[pymethods]
impl Functions {
    /// Return symbol and scope dictionaries used internally by compiler.
    #[py("($module, source, filename, startstr, /)")]
    fn symtable(cx: &mut Cx, source: Value, filename: Value, startstr: &'static Str) -> PyResult<&'static Entry> {
        let path = crate::host::fs_bytes(cx, filename)?;
        let filename = Value::of(crate::host::fs_decode(cx, path.as_bytes()));
        let text = compile::source_text(cx, source, "symtable", "string or bytes", filename)?;
        let mode = match startstr.to_string_lossy().as_str() {
            "exec" => Mode::Module,
            "eval" => Mode::Expression,
            "single" => Mode::Single,
            _ => return raise!(cx, ValueError, "symtable() arg 3 must be 'exec' or 'eval' or 'single'"),
        };
        let module = compile::parse(cx, &text, filename, mode, 0)?;
        let block = compile::symbols(cx, &module, filename, mode)?;
        entry(cx, &block)
    }
}

const CONSTANTS: &[(&str, i64)] = &[
    ("USE", 16),
    ("DEF_GLOBAL", 1),
    ("DEF_NONLOCAL", 8),
    ("DEF_LOCAL", 2),
    ("DEF_PARAM", 4),
    ("DEF_TYPE_PARAM", 1024),
    ("DEF_FREE_CLASS", 64),
    ("DEF_IMPORT", 128),
    ("DEF_BOUND", 134),
    ("DEF_ANNOT", 256),
    ("DEF_COMP_ITER", 512),
    ("DEF_COMP_CELL", 2048),
    ("SCOPE_OFF", 12),
    ("SCOPE_MASK", 15),
    ("LOCAL", 1),
    ("GLOBAL_EXPLICIT", 2),
    ("GLOBAL_IMPLICIT", 3),
    ("FREE", 4),
    ("CELL", 5),
    ("TYPE_FUNCTION", compiler::BlockKind::Function as i64),
    ("TYPE_CLASS", compiler::BlockKind::Class as i64),
    ("TYPE_MODULE", compiler::BlockKind::Module as i64),
    ("TYPE_ANNOTATION", compiler::BlockKind::Annotation as i64),
    ("TYPE_TYPE_ALIAS", compiler::BlockKind::TypeAlias as i64),
    ("TYPE_TYPE_PARAMETERS", compiler::BlockKind::TypeParameters as i64),
    ("TYPE_TYPE_VARIABLE", compiler::BlockKind::TypeVariable as i64),
];

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_symtable");
    module.add_functions(cx, Functions::METHODS);
    cx.ready_type(&ENTRY);
    crate::host::add_ints(cx, module, CONSTANTS);
    module
}
