//! Deep, odd and random sources: an error or a tree, never a crash.

use taipan_syntax::interactive::{Input, needs_more_input};
use taipan_syntax::print::{Options, print};
use taipan_syntax::{ErrorKind, Mode, parse};

#[test]
fn deep_sources() {
    let repeated = |part: &str, count: usize, end: &str| part.repeat(count) + end;
    let cases = [
        repeated("(", 100_000, ""),
        repeated("(", 100_000, &")".repeat(100_000)),
        repeated("[", 250, &"]".repeat(250)),
        repeated("{", 100_000, ""),
        repeated("-", 100_000, "1"),
        repeated("not ", 50_000, "1"),
        repeated("lambda:", 30_000, "1"),
        repeated("a.", 100_000, "a"),
        repeated("x if y else ", 30_000, "1"),
        repeated("1+", 100_000, "1"),
        repeated("a**", 30_000, "a"),
        format!("f{}", "()".repeat(100_000)),
        format!("f{}", "[0]".repeat(100_000)),
        format!("if 1: pass\n{}", "elif 1: pass\n".repeat(20_000)),
        repeated("f'{", 500, "1"),
        repeated("lambda x=", 20_000, ""),
        repeated("await ", 50_000, "x"),
        (0..120).map(|level| " ".repeat(level) + "if 1:\n").collect::<String>() + &" ".repeat(120) + "pass\n",
        repeated("*", 10_000, "a"),
        repeated("match x:\n case ", 1, &("(".repeat(300) + "a" + &")".repeat(300) + ": pass\n")),
        repeated("a|", 50_000, "a"),
        repeated("case|", 50_000, "\n"),
        repeated("-", 5000, "\n)"),
        repeated("x = ", 50_000, ""),
        repeated("print ", 3000, ""),
        repeated("a b ", 20_000, ""),
        repeated("[a ", 190, ""),
        repeated("{a:", 190, ""),
        repeated("(a=", 190, ""),
        repeated("f(a for ", 190, ""),
    ];
    for source in cases {
        let shown: String = source.chars().take(30).collect();
        println!("{shown}");
        let started = std::time::Instant::now();
        if let Ok(module) = parse(&source, Mode::Module) {
            print(&module, Mode::Module, Options::default());
        }
        assert!(started.elapsed().as_secs() < 60, "{shown}");
    }
    let kind = |source: &str| parse(source, Mode::Module).map(|_| ()).map_err(|error| (error.kind, error.message));
    let nested = Err((ErrorKind::Syntax, "too many nested parentheses".to_string()));
    assert_eq!(kind(&"(".repeat(300)), nested);
    assert_eq!(kind(&format!("{}{}", "[".repeat(201), "]".repeat(201))), nested);
    assert_eq!(kind(&format!("{}{}", "[".repeat(200), "]".repeat(200))), Ok(()));
    assert_eq!(kind(&format!("{}1", "-".repeat(3000))), Ok(()));
    assert_eq!(kind(&format!("{}1", "1+".repeat(4000))), Ok(()));
    assert!(matches!(kind(&format!("{}1", "-".repeat(100_000))), Err((ErrorKind::Recursion, _))));
}

#[test]
fn random_sources() {
    let words = [
        "(", ")", "[", "]", "{", "}", ":", ",", "=", ":=", "if", "else", "for", "in", "*", "**", "lambda", "not", "x",
        "1", "'", "\"", "f'", "t\"{", "{x!r:", "\n", "\n  ", "\n\t", "\\\n", "\\", ".", "->", "@", "async", "await",
        "def f", "class A", "print", "0777", "0x", "1_", "$", "import", "from", "as", "yield", "!", "try:", "except",
        "except*", "match x:", "case", "é", "\u{a0}", "…", "'''", "#c", ";", "<>", "\u{c}", "\r", "type X", "[*A: y]",
        "b'\\x'", "'\\N{'", "with", "del", "global", "None", "\u{feff}", "\0",
    ];
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for round in 0..30_000 {
        let count = 1 + random(14);
        let mut source = String::new();
        for _ in 0..count {
            source += words[random(words.len())];
            if random(2) == 0 {
                source.push(' ');
            }
        }
        let mode = [Mode::Module, Mode::Expression, Mode::Single][round % 3];
        if let Ok(module) = parse(&source, mode) {
            print(&module, mode, Options { indent: Some(2), attributes: true });
        }
        taipan_syntax::tokens::print(&source);
        needs_more_input(&source);
    }
}

#[test]
fn interactive_input() {
    let answer = |source: &str| match needs_more_input(source) {
        Input::Complete => "complete",
        Input::Incomplete => "incomplete",
        Input::Invalid(_) => "invalid",
    };
    let cases = [
        ("", "complete"),
        ("# x", "complete"),
        ("x = 1", "complete"),
        ("x = (1,", "incomplete"),
        ("x = '''a", "incomplete"),
        ("x = 'a", "invalid"),
        ("if 1:", "incomplete"),
        ("if 1: pass", "incomplete"),
        ("if 1: pass\n", "complete"),
        ("def f():\n  return 1", "incomplete"),
        ("def f():\n  return 1\n", "complete"),
        ("@x", "incomplete"),
        ("try:\n  x", "incomplete"),
        ("try:\n  x\nexcept A:", "incomplete"),
        ("x y", "invalid"),
        ("x = \\", "incomplete"),
        ("for x in y:\n  z\n\nq", "invalid"),
        (")", "invalid"),
        ("class A:\n  def f(self):\n    pass\n", "complete"),
    ];
    for (source, expected) in cases {
        assert_eq!(answer(source), expected, "{source:?}");
    }
}

#[test]
fn prints_trees_and_tokens() {
    let module = parse("x = f(a, *b, k=1j) if '\\ud800' else 0xff\n", Mode::Module).expect("parses");
    let expected = "Module(body=[Assign(targets=[Name(id='x', ctx=Store())], value=IfExp(\
        test=Constant(value='\\ud800'), body=Call(func=Name(id='f', ctx=Load()), args=[Name(id='a', ctx=Load()), \
        Starred(value=Name(id='b', ctx=Load()), ctx=Load())], keywords=[keyword(arg='k', value=Constant(value=1j))]), \
        orelse=Constant(value=255)))])";
    assert_eq!(print(&module, Mode::Module, Options::default()), expected);
    let tokens = taipan_syntax::tokens::tokens("if x:\n  f'{y!r:>{w}}'\n", true).0;
    let shown: Vec<String> =
        tokens.iter().map(|token| format!("{}:{}", token.kind.name(), token.string.trim())).collect();
    let expected = "NAME:if NAME:x OP:: NEWLINE: INDENT: FSTRING_START:f' OP:{ NAME:y OP:! NAME:r OP:: FSTRING_MIDDLE:> \
        OP:{ NAME:w OP:} FSTRING_MIDDLE: OP:} FSTRING_END:' NEWLINE: DEDENT: ENDMARKER:";
    assert_eq!(shown.join(" "), expected);
}
