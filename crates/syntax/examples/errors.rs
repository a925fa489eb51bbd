//! Reads sources separated by NUL bytes, each led by its mode and a space, and prints the error of each, or `ok`, as
//! a line of tab-separated fields. For comparison with CPython; see docs of the crate's tests.

use std::io::Read as _;

use taipan_syntax::{Mode, parse};

fn main() {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).expect("reads");
    for case in input.split_terminator('\0') {
        let (mode, source) = case.split_once(' ').expect("mode");
        let mode = match mode {
            "eval" => Mode::Expression,
            "single" => Mode::Single,
            _ => Mode::Module,
        };
        match parse(source, mode) {
            Ok(_) => println!("ok"),
            Err(error) => {
                let place = error.place.map(|p| (p.line, p.offset, p.end_line, p.end_offset));
                println!("{}\t{}\t{:?}", error.kind.name(), error.message.escape_debug(), place);
            }
        }
    }
}
