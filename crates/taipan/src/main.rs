//! `taipan`: Python 3.14 on the command line.
//! The program `taipan`: command line, start-up, exit codes.

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
use std::process::ExitCode;

use options::{Info, Options};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let name = args.first().map(|a| a.to_string_lossy().into_owned()).unwrap_or_else(|| "taipan".into());
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            eprint!("{}Try `taipan -h' for more information.\n", options::usage(&name));
            return ExitCode::from(2);
        }
    };
    match options.info {
        Some(Info::Version(false)) => println!("Python {}", taipan_stdlib::sys::version_number()),
        Some(Info::Version(true)) => println!("Python {}", taipan_stdlib::sys::version()),
        Some(Info::Help) => print!("{}", options::help(&name)),
        Some(Info::HelpEnvironment) => print!("{}", options::help_environment()),
        Some(Info::HelpX) => print!("{}", options::help_x()),
        None if !options.dump.is_empty() => return dump::dump(&options),
        None => return run::run(options),
    }
    ExitCode::SUCCESS
}
