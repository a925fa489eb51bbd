//! `taipan`: Python 3.14 on the command line.

mod dump;
mod options;
mod repl;
mod run;

use std::ffi::OsString;
use std::io::Write;

use options::{Options, Stop};

fn main() {
    let args: Vec<OsString> = std::env::args_os().collect();
    let code = match options::parse(args.get(1..).unwrap_or(&[])) {
        Ok(options) => start(options, &args),
        Err(Stop::Print(text)) => {
            let _ = writeln!(std::io::stdout(), "{text}");
            0
        }
        Err(Stop::Usage(text)) => {
            let _ = write!(std::io::stderr(), "{text}");
            2
        }
    };
    std::process::exit(code);
}

fn start(mut options: Options, args: &[OsString]) -> i32 {
    options.config.orig_argv = args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    match options.dump.take() {
        Some(stages) => run::dump(&options, &stages),
        None => run::run(options),
    }
}
