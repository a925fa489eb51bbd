//! Dispatch must be a jump: 10^8 instructions, calls, exceptions and generators run on a small native stack.

use std::sync::Arc;

use taipan_compiler::{Input, Options};
use taipan_runtime::dict::Dict;
use taipan_runtime::frame::flag;
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, Value};

/// Runs a module with no built-ins and gives its variable `result`.
fn run(source: &str) -> i64 {
    let module = ruff_python_parser::parse_module(source).expect("parses").into_syntax();
    let options = Options { filename: "test".into(), ..Default::default() };
    let code = taipan_compiler::compile(source, Input::Module(&module), &options).expect("compiles").code;
    // Never freed: the list of contexts, which the collector visits, is the process's.
    let cx = Box::leak(Cx::start(taipan_gc::Config::default(), (0, 0)));
    taipan_interp::join(cx);
    let builtins = Dict::new(cx);
    cx.rt().builtins.set(Some(builtins));
    let globals = Dict::new(cx);
    let code = CodeObject::new(cx, Arc::new(code));
    let mut value = 0;
    let top = cx.top();
    let frame = cx.push_frame(code, top, globals, builtins, None, &raw mut value, flag::ENTRY).expect("room");
    // SAFETY: the frame was just pushed.
    unsafe { (*frame).locals = Some(Value::of(globals)) };
    if cx.run(frame).is_err() {
        let e = cx.take_exception();
        panic!("raised {}", e.class().name());
    }
    let key: &'static Str = cx.intern("result");
    globals.get_str(key).and_then(|v| v.as_small()).expect("an int result")
}

#[test]
fn dispatch_uses_no_stack() {
    // One process-wide runtime at a time; 512 KiB leave room for the start of the runtime in dev builds.
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    let done = thread.spawn(|| {
        let loops = "\
i = 0
s = 0
def loop(n):
    i = 0
    s = 0
    while i < n:
        s += i * 3 & 0xffff
        if s > 1000000: s -= 1000000
        i += 1
    return s
result = loop(12000000)
";
        run(loops);
        let calls = "\
def up(n, k=1):
    return n + k
def numbers(n):
    i = 0
    while i < n:
        yield i
        i += 1
def total(n):
    t = 0
    for i in numbers(n):
        try:
            t = up(t)
            if i % 3 == 0:
                i // 0
        except:
            t = up(t, k=2)
    return t
result = total(300000)
";
        assert_eq!(run(calls), 500_000);
    });
    done.expect("spawns").join().expect("no overflow");
}
