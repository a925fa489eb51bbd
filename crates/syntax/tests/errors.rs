//! Errors against a table of what CPython says.

use taipan_syntax::{Mode, parse};

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}

#[test]
fn errors_are_cpythons() {
    let table = include_str!("data/errors.txt");
    let mut lines = table.lines().filter(|line| !line.starts_with("# ")).peekable();
    let mut wrong = String::new();
    let mut count = 0;
    while let (Some(case), Some(expected)) = (lines.next(), lines.next()) {
        let (mode, source) = case.split_once(' ').expect("mode and source");
        let mode = match mode {
            "eval" => Mode::Expression,
            "single" => Mode::Single,
            _ => Mode::Module,
        };
        let expected = unescape(expected.trim_start());
        let found = match parse(&unescape(source), mode) {
            Ok(_) => "ok".to_string(),
            Err(error) => {
                let place = error.place.expect("place");
                let (kind, message) = (error.kind.name(), &error.message);
                let (start, end) = ((place.line, place.offset), (place.end_line, place.end_offset));
                format!("{kind}: {message} @ {},{}-{},{}", start.0, start.1, end.0, end.1)
            }
        };
        count += 1;
        if found != expected {
            wrong += &format!("{case}\n  expected {expected}\n  found    {found}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 150);
}
