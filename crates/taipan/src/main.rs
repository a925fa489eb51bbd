//! The program `taipan`: command line, start-up, exit codes.

mod dump;
mod options;
mod repl;
mod run;

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
