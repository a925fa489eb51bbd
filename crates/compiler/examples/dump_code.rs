//! Prints the code of a file, or of standard input, as text.
#[path = "../tests/common/mod.rs"]
mod common;

fn main() {
    let source = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file),
        None => std::io::read_to_string(std::io::stdin()),
    };
    match common::compile(&source.expect("readable input")) {
        Ok(out) => {
            print!("{}", common::dump_all(&out.code));
            out.warnings.iter().for_each(|w| println!("warning: {}: {}", w.line, w.message));
            common::verify(&out.code);
        }
        Err(e) => println!("{e}"),
    }
}
