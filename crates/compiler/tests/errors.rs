//! Errors and warnings, confirmed with CPython 3.14.8: message, line, column, end line, end column.

mod common;

fn error(source: &str) -> String {
    match common::compile(source) {
        Ok(out) => {
            out.warnings.iter().map(|w| format!("warning {}: {}", w.line, w.message)).collect::<Vec<_>>().join("; ")
        }
        Err(e) => format!("{}:{}-{}:{} {}", e.line, e.col, e.end_line, e.end_col, e.message),
    }
}

#[test]
fn texts_and_places() {
    let cases = [
        ("def f():\n x=1\n global x", "3:2-3:10 name 'x' is assigned to before global declaration"),
        ("def f(x):\n global x", "2:2-2:10 name 'x' is parameter and global"),
        ("def f():\n nonlocal x", "2:2-2:12 no binding for nonlocal 'x' found"),
        ("nonlocal x", "1:1-1:11 nonlocal declaration not allowed at module level"),
        ("return 1", "1:1-1:9 'return' outside function"),
        ("def f():\n await x", "2:2-2:9 'await' outside async function"),
        ("class A: yield", "1:10-1:15 'yield' outside function"),
        ("break", "1:1-1:6 'break' outside loop"),
        ("with a: continue", "1:9-1:17 'continue' not properly in loop"),
        (
            "[y for x in a if (y:=1) for y in b]",
            "1:29-1:30 comprehension inner loop cannot rebind assignment expression target 'y'",
        ),
        (
            "[i for i in (x:=y)]",
            "1:14-1:18 assignment expression cannot be used in a comprehension iterable expression",
        ),
        (
            "class A:\n [x:=1 for a in b]",
            "2:3-2:4 assignment expression within a comprehension cannot be used in a class body",
        ),
        (
            "for x in a:\n try: pass\n except* E: break",
            "3:13-3:18 'break', 'continue' and 'return' cannot appear in an except* block",
        ),
        (
            "x=1\nfrom __future__ import annotations",
            "2:1-2:35 from __future__ imports must occur at the beginning of the file",
        ),
        ("from __future__ import foo", "1:24-1:27 future feature foo is not defined"),
        ("async def f():\n yield 1\n return 2", "3:2-3:10 'return' with value in async generator"),
        ("match x:\n case [a]|[b]: pass", "2:7-2:14 alternative patterns bind different names"),
        ("def f[T]():\n nonlocal T", "2:2-2:12 nonlocal binding not allowed for type parameter 'T'"),
        ("def f(x: (yield)): pass", "1:11-1:16 yield expression cannot be used within an annotation"),
        ("x is 1", "warning 1: \"is\" with 'int' literal. Did you mean \"==\"?"),
        ("assert (1,2)", "warning 1: assertion is always true, perhaps remove parentheses?"),
        ("1()", "warning 1: 'int' object is not callable; perhaps you missed a comma?"),
        ("def f():\n try: pass\n finally: return 1", "warning 3: 'return' in a 'finally' block"),
    ];
    for (source, expected) in cases {
        assert_eq!(error(source), expected, "{source}");
    }
}

#[test]
fn deep_nesting_is_an_error_or_compiles() {
    let chain = format!("x = {}a", "a + ".repeat(20_000));
    common::verify(&common::compile(&chain).expect("a long chain compiles").code);
    let calls = format!("x = a{}", ".b()".repeat(500));
    common::verify(&common::compile(&calls).expect("a long call chain compiles").code);
    let short = format!("x = {}a", "-".repeat(590));
    common::verify(&common::compile(&short).expect("a short source compiles").code);
    let minus = format!("x = {}a", "-".repeat(3000));
    assert_eq!(
        common::compile(&minus).expect_err("too deep").message,
        "maximum recursion depth exceeded during compilation"
    );
}

#[test]
fn long_jumps_land() {
    let body = "        x = f(x, y, z, 1, 2, 3)\n".repeat(4000);
    let source = format!("def g(x, y, z):\n  for i in x:\n    if x < y:\n{body}    try:\n{body}    except E:\n{body}");
    common::verify(&common::compile(&source).expect("long code compiles").code);
}

#[test]
fn many_items() {
    let items: String = (0..5000).map(|i| format!("x{i}, ")).collect();
    for source in
        [format!("a = [{items}]"), format!("a = ({items})"), format!("f({items})"), format!("a = {{{items}}}")]
    {
        let code = common::compile(&source).expect("a big display compiles").code;
        common::verify(&code);
        assert!(code.nregs < 64, "{} registers", code.nregs);
    }
}
