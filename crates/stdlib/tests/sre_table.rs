//! Runs `_sre` against a table made by `tests/sre_table.py` under CPython: one search per line.
//!
//! `mode TAB groups TAB code TAB text TAB pos TAB endpos TAB expected`, lists separated by blanks; the expected value is
//! `-` without a match, else start and end of each group, a colon and the last group.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::attr;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Value};
use taipan_stdlib::sre::matches::Match;

fn numbers(text: &str) -> Vec<u32> {
    text.split_whitespace().map(|n| n.parse().unwrap()).collect()
}

fn run(cx: &mut Cx, compile: Value, fields: &[&str]) -> String {
    let &[mode, groups, code, text, pos, endpos, _] = fields else { panic!("a line has seven fields") };
    let code: Vec<Value> = numbers(code).into_iter().map(|n| Value::small(n as i64)).collect();
    let code = Value::of(List::from_slice(cx, &code));
    let names = Value::of(Dict::new(cx));
    let empty = Value::of(Tuple::new(cx, &[]));
    let groups = Value::small(groups.parse().unwrap());
    let args = [Value::none(), Value::small(0), code, groups, names, empty];
    let Ok(pattern) = cx.call(compile, &args) else {
        let error = cx.take_exception();
        return format!("error {}", error.class().name());
    };
    let text = Value::of(Str::from_code_points(cx, &numbers(text)));
    let bounds = [pos, endpos].map(|n| Value::small(n.parse().unwrap()));
    let found = cx.call_method_text(pattern, mode, &[text, bounds[0], bounds[1]]).ok().unwrap();
    let Some(found) = found.downcast::<Match>() else { return "-".to_string() };
    let mut out: Vec<String> = Vec::new();
    for group in 0..found.group_count() {
        let (start, end) = found.span_of(group).map_or((-1, -1), |(s, e)| (s as i64, e as i64));
        out.push(format!("{start} {end}"));
    }
    let last = attr::get_text(cx, Value::of(found), "lastindex").ok().unwrap();
    format!("{}:{}", out.join(" "), int::as_i64(last).unwrap_or(0))
}

fn searches_like_cpython() {
    let path = std::env::var("SRE_TABLE").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sre_table.txt").into());
    let table = std::fs::read_to_string(path).unwrap();
    let mut cx = Cx::start(taipan_gc::Config::default(), (0, 0));
    let cx = &mut *cx;
    let module = taipan_stdlib::sre::init(cx);
    let compile = attr::get_text(cx, Value::of(module), "compile").ok().unwrap();
    let mut failures = 0;
    for (number, line) in table.lines().enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let result = run(cx, compile, &fields);
        if result != fields[6] {
            failures += 1;
            if failures < 20 {
                eprintln!("line {}: got {result}\n  {line}", number + 1);
            }
        }
    }
    assert_eq!(failures, 0);
}

/// Spoilt code arrays are refused or run; they never panic.
fn survives_spoilt_code() {
    let table = include_str!("sre_table.txt");
    let mut cx = Cx::start(taipan_gc::Config::default(), (0, 0));
    let cx = &mut *cx;
    let module = taipan_stdlib::sre::init(cx);
    let compile = attr::get_text(cx, Value::of(module), "compile").ok().unwrap();
    let mut state = 1u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    for line in table.lines() {
        let mut fields: Vec<&str> = line.split('\t').collect();
        let mut code = numbers(fields[2]);
        for _ in 0..=random(3) {
            let at = random(code.len());
            code[at] = [random(44) as u32, random(8) as u32, code[random(code.len())]][random(3)];
        }
        let spoilt = code.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        fields[2] = &spoilt;
        run(cx, compile, &fields);
    }
}

// One runtime at a time: static types belong to the process.
#[test]
fn regular_expressions() {
    searches_like_cpython();
    survives_spoilt_code();
}
