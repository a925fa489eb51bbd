//! The program `taipan`: command line, start-up, exit codes.

mod capi;
mod dump;
mod options;
mod repl;
mod run;

use std::process::ExitCode;

use options::{Info, Options};

/// Bytes of the main thread's stack. Compiled code recurses natively where the interpreter does not, so the usual 8 MiB
/// would end recursions that CPython allows. Memory is taken as it is used.
const STACK_BYTES: usize = 512 << 20;

fn main() -> ExitCode {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a plain system call.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    if limit.rlim_cur != libc::RLIM_INFINITY {
        return program();
    }
    stacker::grow(STACK_BYTES, || {
        let here = 0u8;
        // The rest of the page is part of the stack; the frames below this one are all that may hold objects. Guard pages
        // at the low end are left out.
        let high = (&raw const here as usize).next_multiple_of(1 << 12);
        taipan_gc::set_stack_bounds(high - STACK_BYTES + (1 << 16), high);
        program()
    })
}

#[inline(never)]
fn program() -> ExitCode {
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
        None if options.dump.iter().any(|wanted| wanted.is_of_source()) => return dump::dump(&options),
        None => return run::run(options),
    }
    ExitCode::SUCCESS
}
