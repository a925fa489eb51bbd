//! Runs a file with `print` as its only built-in: for work on the interpreter alone.
use std::sync::Arc;
use taipan_compiler::{Input, Options};
use taipan_runtime::dict::Dict;
use taipan_runtime::frame::flag;
use taipan_runtime::native::{Args, NativeDef, NativeKind};
use taipan_runtime::protocol::object;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::descr::NativeFunction;
use taipan_runtime::{Cx, PyResult, Value};

static PRINT: NativeDef = NativeDef { name: "print", signature: "", doc: "", kind: NativeKind::Function, call: print };

fn print(cx: &mut Cx, args: Args) -> PyResult<Value> {
    let mut out = String::new();
    for v in args.pos() {
        out.push_str(&object::str(cx, *v)?.to_string_lossy());
        out.push(' ');
    }
    println!("{out}");
    Ok(Value::none())
}

static REPR: NativeDef = NativeDef { name: "repr", signature: "", doc: "", kind: NativeKind::Function, call: repr };

fn repr(cx: &mut Cx, args: Args) -> PyResult<Value> {
    object::repr_value(cx, args.pos()[0])
}

static FMT: NativeDef = NativeDef { name: "fmt", signature: "", doc: "", kind: NativeKind::Function, call: fmt };

fn fmt(cx: &mut Cx, args: Args) -> PyResult<Value> {
    use taipan_runtime::traceback_print::{Style, format_exception};
    print!("{}", format_exception(cx, args.pos()[0], &Style::PLAIN));
    Ok(Value::none())
}

static LEN: NativeDef = NativeDef { name: "len", signature: "", doc: "", kind: NativeKind::Function, call: len };
static BUILD: NativeDef =
    NativeDef { name: "__build_class__", signature: "", doc: "", kind: NativeKind::Function, call: build };

fn len(cx: &mut Cx, args: Args) -> PyResult<Value> {
    let n = object::len(cx, args.pos()[0])?;
    Ok(Value::small(n as i64))
}

fn build(cx: &mut Cx, args: Args) -> PyResult<Value> {
    use taipan_runtime::types::function::{self, Function};
    use taipan_runtime::types::tuple::Tuple;
    let f = args.pos()[0].exact::<Function>().unwrap();
    let ns = Dict::new(cx);
    let code = f.code.get();
    let regs = cx.top();
    let mut result = 0;
    unsafe {
        let frame = cx.push_frame(code, regs, f.globals, f.builtins, Some(f), &raw mut result, flag::ENTRY)?;
        function::prepare_window(code, f.closure.get(), regs, 0);
        (*frame).locals = Some(Value::of(ns));
        cx.run(frame)?;
    }
    let bases = Tuple::new(cx, &args.pos()[2..]);
    let name = args.pos()[1].exact().unwrap();
    let c = taipan_runtime::types::type_::new_class(
        cx,
        &taipan_runtime::types::type_::TYPE,
        name,
        bases,
        ns,
        Args::positional(&[]),
    )?;
    Ok(Value::of(c))
}

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let source = std::fs::read_to_string(&path).expect("readable");
    let module = ruff_python_parser::parse_module(&source).expect("parses").into_syntax();
    let options = Options { filename: path.as_str().into(), ..Default::default() };
    let code = taipan_compiler::compile(&source, Input::Module(&module), &options).expect("compiles").code;
    if std::env::var("DUMP").is_ok() {
        println!("{}", taipan_bytecode::dis::dis(&code));
    }
    let stress = std::env::var("STRESS").is_ok();
    let mut cx = Cx::start(taipan_gc::Config { stress, ..Default::default() }, (0, 0));
    let cx = &mut *cx;
    taipan_interp::join(cx);
    let builtins = Dict::new(cx);
    let name = cx.intern("print");
    let f = NativeFunction::new(cx, &PRINT, None, None);
    builtins.set_str(cx, name, Value::of(f));
    for def in [&LEN, &BUILD, &REPR, &FMT] {
        let name = cx.intern(def.name);
        let f = NativeFunction::new(cx, def, None, None);
        builtins.set_str(cx, name, Value::of(f));
    }
    let types: Vec<_> = cx.rt().static_types.borrow().clone();
    for t in types {
        let name = t.name();
        let name = cx.intern(&name);
        builtins.set_str(cx, name, Value::of(t));
    }
    cx.rt().builtins.set(Some(builtins));
    let globals = Dict::new(cx);
    let (name, main) = (cx.names().__name__, cx.str("__main__"));
    globals.set_str(cx, name, main);
    let code = CodeObject::new(cx, Arc::new(code));
    let mut result = 0;
    let top = cx.top();
    let frame = cx.push_frame(code, top, globals, builtins, None, &raw mut result, flag::ENTRY).unwrap();
    unsafe { (*frame).locals = Some(Value::of(globals)) };
    let start = std::time::Instant::now();
    if cx.run(frame).is_err() {
        let e = cx.take_exception();
        use taipan_runtime::traceback_print::{Style, format_exception};
        eprint!("{}", format_exception(cx, e, &Style::PLAIN));
    }
    eprintln!("{:?}", start.elapsed());
}
