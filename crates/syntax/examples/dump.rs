//! Prints the tree (`ast`) or the tokens (`tokens`) of files: for comparison with CPython.

use taipan_syntax::source::{Origin, decode, normalise_newlines};
use taipan_syntax::{Mode, parse, print, tokens};

fn main() {
    let mut args = std::env::args().skip(1);
    let what = args.next().expect("ast or tokens");
    for path in args {
        let bytes = std::fs::read(&path).expect("reads");
        let text = decode(&bytes, Origin::File, &mut |_, _| None).expect("decodes");
        if what == "tokens" {
            print!("{}", tokens::print(&normalise_newlines(&text)));
            continue;
        }
        match parse(&text, Mode::Module) {
            Ok(module) => {
                let options = print::Options { indent: Some(1), attributes: true };
                println!("{}", print::print(&module, Mode::Module, options));
            }
            Err(error) => println!("{path}: {error}"),
        }
    }
}
