//! Tests of passes as text: every file `ir/NAME.ir` has cases, each of the form
//!
//! ```text
//! ; pass NAME
//! ; enter bN sN      (optional: the state in front of the loop with this head; guards may move there)
//! func f { ... }
//! ; expect
//! func f { ... }
//! ```
//!
//! Other comments stay where they are. `BLESS=1 cargo test -p taipan-jit --test passes` writes what the passes give now.

use std::path::{Path, PathBuf};

use taipan_jit::ir::verify::verify;
use taipan_jit::ir::{BlockId, Func, StateId, parse};
use taipan_jit::passes;

const PASS: &str = "; pass ";
const ENTER: &str = "; enter ";
const EXPECT: &str = "; expect";

/// A case: comments and directives, the input, the expected output.
#[derive(Default)]
struct Case {
    head: Vec<String>,
    input: String,
    expected: String,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir");
    let entries = std::fs::read_dir(folder).expect("the folder of tests");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "ir"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are no tests");
    paths
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The cases of a file. Comments in front of a case belong to it.
fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    let (mut head, mut expects) = (vec![], false);
    for line in text.lines() {
        if line == EXPECT {
            expects = true;
        } else if line.starts_with(';') || line.trim().is_empty() {
            head.push(line.to_string());
        } else {
            if !head.is_empty() && line.starts_with("func ") && head.iter().any(|l: &String| l.starts_with(PASS)) {
                cases.push(Case { head: std::mem::take(&mut head), ..Case::default() });
                expects = false;
            }
            let case = cases.last_mut().expect("a case begins with `; pass NAME`");
            let part = if expects { &mut case.expected } else { &mut case.input };
            part.push_str(line);
            part.push('\n');
        }
    }
    cases
}

/// A number behind a letter.
fn number(text: &str, letter: char) -> u32 {
    text.strip_prefix(letter)
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("not {letter} and a number: {text}"))
}

/// The input of a case as a function.
fn parsed(case: &Case) -> Func {
    let mut func = parse::parse(&case.input).unwrap_or_else(|e| panic!("{e}\n{}", case.input));
    for line in &case.head {
        let Some(rest) = line.strip_prefix(ENTER) else { continue };
        let (block, state) = rest.split_once(' ').expect("`; enter bN sN`");
        func.hoists_guards = true;
        func[BlockId(number(block, 'b'))].enter = StateId(number(state, 's'));
    }
    checked(&func, "the input");
    func
}

fn checked(func: &Func, what: &str) {
    if let Err(why) = verify(func) {
        panic!("{what}: {why}\n{func}");
    }
}

fn run(case: &Case) -> String {
    let mut func = parsed(case);
    for name in case.head.iter().filter_map(|line| line.strip_prefix(PASS)) {
        let pass = passes::by_name(name.trim()).unwrap_or_else(|| panic!("no pass {name}"));
        pass(&mut func);
        checked(&func, name);
    }
    func.to_string()
}

#[test]
fn passes_give_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for path in files() {
        let text = read(&path);
        let mut blessed = String::new();
        for case in cases(&text) {
            let got = run(&case);
            if got != case.expected {
                let name = path.file_name().expect("a name").to_string_lossy();
                wrong.push_str(&format!(
                    "{name}:\n{}--- expected ---\n{}--- got ---\n{got}\n",
                    case.input, case.expected
                ));
            }
            let head = case.head.join("\n");
            blessed.push_str(&format!("{head}\n{}{EXPECT}\n{got}", case.input));
        }
        if bless {
            std::fs::write(&path, blessed).expect("to write the expected output");
        }
    }
    assert!(bless || wrong.is_empty(), "{wrong}");
}

/// What is printed can be read, and is printed in the same way again.
#[test]
fn printing_and_parsing_agree() {
    for path in files() {
        for case in cases(&read(&path)) {
            let printed = parsed(&case).to_string();
            let again = parse::parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
            checked(&again, "what was printed");
            assert_eq!(again.to_string(), printed, "{}", path.display());
            assert_eq!(printed.lines().count(), case.input.lines().count(), "{}", path.display());
        }
    }
}

#[test]
fn errors_name_the_line() {
    let text = "func f {\n  b0():\n    v0: int = nonsense\n    ret v0\n}\n";
    assert_eq!(parse::parse(text).map(|f| f.to_string()), Err("line 3: unknown operation nonsense".to_string()));
    let text = "func f {\n  b0():\n    ret v7\n}\n";
    assert_eq!(parse::parse(text).map(|f| f.to_string()), Err("line 3: unknown value v7".to_string()));
}
