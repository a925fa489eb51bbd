//! The command line: one row for each option.
//!
//! Source of the conventions: CPython's `Python/initconfig.c` (usage text, exit codes) as a user sees them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use taipan_stdlib::state::Config;

/// What is to be run.
#[derive(Debug, Default, PartialEq)]
pub enum Target {
    /// `-c TEXT`.
    Command(String),
    /// `-m NAME`.
    Module(String),
    /// A file, directory or zip archive.
    File(String),
    /// `-`, or nothing at all.
    #[default]
    Stdin,
}

/// A parsed command line.
#[derive(Default)]
pub struct Options {
    /// For the library.
    pub config: Config,
    /// What to run.
    pub target: Target,
    /// `-x`: skip the first line.
    pub skip_first_line: bool,
    /// Stages to print instead of running, as given to `--dump`.
    pub dump: Option<String>,
}

/// Why there is nothing to run.
pub enum Stop {
    /// Print to standard output and exit with 0.
    Print(String),
    /// Print to standard error and exit with 2.
    Usage(String),
}

/// One option.
struct Row {
    /// `-x` or `--long`; aliases follow.
    names: &'static [&'static str],
    /// Name of its argument, if it takes one.
    argument: Option<&'static str>,
    /// Help text.
    help: &'static str,
    /// Does what it says.
    apply: fn(&mut Options, &str) -> Result<(), Stop>,
}

macro_rules! rows {
    ($($names:expr, $argument:expr, $help:literal, |$o:ident, $a:ident| $body:block;)*) => {
        &[$(Row { names: &$names, argument: $argument, help: $help, apply: |$o, $a| { let _ = (&$o, $a); $body } }),*]
    };
}

static ROWS: &[Row] = rows! {
    ["-b"], None, "issue warnings about converting bytes/bytearray to str and comparing bytes/bytearray with str (-bb: issue errors)", |o, a| { o.config.bytes_warning += 1; Ok(()) };
    ["-B"], None, "don't write .pyc files on import; also PYTHONDONTWRITEBYTECODE=x", |o, a| { o.config.dont_write_bytecode = true; Ok(()) };
    ["-c"], Some("cmd"), "program passed in as string (terminates option list)", |o, a| { o.target = Target::Command(format!("{a}\n")); Ok(()) };
    ["-d"], None, "turn on parser debugging output (no effect here); also PYTHONDEBUG=x", |o, a| { o.config.debug += 1; Ok(()) };
    ["-E"], None, "ignore PYTHON* environment variables (such as PYTHONPATH)", |o, a| { o.config.ignore_environment = true; Ok(()) };
    ["-h", "-?", "--help"], None, "print this help message and exit", |o, a| { Err(Stop::Print(help())) };
    ["-i"], None, "inspect interactively after running script; also PYTHONINSPECT=x", |o, a| { o.config.inspect += 1; o.config.interactive += 1; Ok(()) };
    ["-I"], None, "isolate Python from the user's environment (implies -E, -P and -s)", |o, a| {
        o.config.isolated = true;
        o.config.ignore_environment = true;
        o.config.safe_path = true;
        o.config.no_user_site = true;
        Ok(())
    };
    ["-m"], Some("mod"), "run library module as a script (terminates option list)", |o, a| { o.target = Target::Module(a.to_string()); Ok(()) };
    ["-O"], None, "remove assert and __debug__-dependent statements; also PYTHONOPTIMIZE=x (-OO: also remove docstrings)", |o, a| { o.config.optimize += 1; Ok(()) };
    ["-P"], None, "don't prepend a potentially unsafe path to sys.path; also PYTHONSAFEPATH", |o, a| { o.config.safe_path = true; Ok(()) };
    ["-q"], None, "don't print version and copyright messages on interactive startup", |o, a| { o.config.quiet = true; Ok(()) };
    ["-s"], None, "don't add user site directory to sys.path; also PYTHONNOUSERSITE=x", |o, a| { o.config.no_user_site = true; Ok(()) };
    ["-S"], None, "don't imply 'import site' on initialization", |o, a| { o.config.no_site = true; Ok(()) };
    ["-u"], None, "force the stdout and stderr streams to be unbuffered; also PYTHONUNBUFFERED=x", |o, a| { o.config.unbuffered = true; Ok(()) };
    ["-v"], None, "verbose (trace import statements); also PYTHONVERBOSE=x", |o, a| { o.config.verbose += 1; Ok(()) };
    ["-V", "--version"], None, "print the Python version number and exit", |o, a| { Err(Stop::Print(format!("Python {}", version()))) };
    ["-W"], Some("arg"), "warning control; arg is action:message:category:module:lineno; also PYTHONWARNINGS=arg", |o, a| { o.config.warnoptions.push(a.to_string()); Ok(()) };
    ["-x"], None, "skip first line of source, allowing use of non-Unix forms of #!cmd", |o, a| { o.skip_first_line = true; Ok(()) };
    ["-X"], Some("opt"), "set implementation-specific option", |o, a| { o.config.xoptions.push(a.to_string()); Ok(()) };
    ["--check-hash-based-pycs"], Some("always|default|never"), "control how hash-based .pyc files are validated", |o, a| {
        o.config.check_hash_pycs = match a {
            "always" => "always",
            "default" => "default",
            "never" => "never",
            _ => return Err(Stop::Usage("--check-hash-based-pycs must be one of 'default', 'always', or 'never'\n".into())),
        };
        Ok(())
    };
    ["--dump"], Some("stages"), "print stages of compilation instead of running: tokens,ast,bytecode", |o, a| { o.dump = Some(a.to_string()); Ok(()) };
};

/// `3.14.x`, the version of the language and library.
pub fn version() -> String {
    taipan_stdlib::sys::VERSION.to_string()
}

fn usage_line() -> String {
    "usage: taipan [option] ... [-c cmd | -m mod | file | -] [arg] ...\n".to_string()
}

fn usage(message: &str) -> Stop {
    Stop::Usage(format!("{message}\n{}Try `taipan -h' for more information.\n", usage_line()))
}

fn help() -> String {
    let mut text = usage_line() + "Options (and corresponding environment variables):\n";
    for row in ROWS {
        let argument = row.argument.map(|a| format!(" {a}")).unwrap_or_default();
        let names = row.names.join(", ");
        text += &format!("{:<16} : {}\n", format!("{names}{argument}"), row.help);
    }
    text += "\nArguments:\nfile           : program read from script file\n-              : program read from stdin (default; interactive mode if a tty)\narg ...        : arguments passed to program in sys.argv[1:]";
    text
}

/// Parses the arguments behind the program's name.
pub fn parse(args: &[OsString]) -> Result<Options, Stop> {
    let mut o = Options::default();
    let args: Vec<String> = args.iter().map(|a| decode(a)).collect();
    let mut i = 0;
    let mut argv0 = String::new();
    while i < args.len() {
        let arg = &args[i];
        if arg == "-" || !arg.starts_with('-') {
            argv0 = arg.clone();
            if arg != "-" {
                o.target = Target::File(arg.clone());
            }
            i += 1;
            break;
        }
        if arg == "--" {
            i += 1;
            if let Some(file) = args.get(i) {
                argv0 = file.clone();
                o.target = Target::File(file.clone());
                i += 1;
            }
            break;
        }
        i += 1;
        if let Some(long) = arg.strip_prefix("--") {
            i = parse_long(&mut o, long, &args, i)?;
            continue;
        }
        i = parse_short(&mut o, arg, &args, i)?;
        match &o.target {
            Target::Command(_) => {
                argv0 = "-c".to_string();
                break;
            }
            Target::Module(_) => {
                argv0 = "-m".to_string();
                break;
            }
            _ => {}
        }
    }
    o.config.argv = std::iter::once(argv0).chain(args[i.min(args.len())..].iter().cloned()).collect();
    environment(&mut o);
    Ok(o)
}

fn parse_long(o: &mut Options, long: &str, args: &[String], mut i: usize) -> Result<usize, Stop> {
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value.to_string())),
        None => (long, None),
    };
    let Some(row) = ROWS.iter().find(|r| r.names.iter().any(|n| n.strip_prefix("--") == Some(name))) else {
        return Err(usage(&format!("unknown option --{name}")));
    };
    let value = match (row.argument, value) {
        (Some(_), Some(value)) => value,
        (Some(_), None) => match args.get(i) {
            Some(value) => {
                i += 1;
                value.clone()
            }
            None => return Err(usage(&format!("Argument expected for the --{name} option"))),
        },
        (None, _) => String::new(),
    };
    (row.apply)(o, &value)?;
    Ok(i)
}

fn parse_short(o: &mut Options, arg: &str, args: &[String], mut i: usize) -> Result<usize, Stop> {
    let mut rest = &arg[1..];
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let name = format!("-{c}");
        let Some(row) = ROWS.iter().find(|r| r.names.contains(&name.as_str())) else {
            return Err(usage(&format!("Unknown option: -{c}")));
        };
        if row.argument.is_none() {
            (row.apply)(o, "")?;
            continue;
        }
        let value = if !rest.is_empty() {
            rest.to_string()
        } else if let Some(value) = args.get(i) {
            i += 1;
            value.clone()
        } else {
            return Err(usage(&format!("Argument expected for the -{c} option")));
        };
        (row.apply)(o, &value)?;
        break;
    }
    Ok(i)
}

/// An argument as Python decodes it. Undecodable bytes are kept apart by private-use marks that the library turns into
/// surrogates; ordinary text is as it is.
fn decode(arg: &OsString) -> String {
    String::from_utf8_lossy(arg.as_bytes()).into_owned()
}

/// A non-empty environment variable.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

fn number(name: &str) -> i64 {
    variable(name).map_or(0, |v| v.parse().unwrap_or(1))
}

/// Applies the PYTHON* variables that correspond to options.
fn environment(o: &mut Options) {
    let c = &mut o.config;
    if c.ignore_environment {
        return;
    }
    c.optimize = c.optimize.max(number("PYTHONOPTIMIZE"));
    c.verbose = c.verbose.max(number("PYTHONVERBOSE"));
    c.debug = c.debug.max(number("PYTHONDEBUG"));
    c.inspect = c.inspect.max(number("PYTHONINSPECT"));
    c.dont_write_bytecode |= variable("PYTHONDONTWRITEBYTECODE").is_some();
    c.unbuffered |= variable("PYTHONUNBUFFERED").is_some();
    c.no_user_site |= variable("PYTHONNOUSERSITE").is_some();
    c.safe_path |= variable("PYTHONSAFEPATH").is_some();
    c.pycache_prefix = variable("PYTHONPYCACHEPREFIX");
    if let Some(value) = variable("PYTHONUTF8") {
        c.utf8_mode = i64::from(value == "1");
    }
    if let Some(list) = variable("PYTHONWARNINGS") {
        let mut all: Vec<String> = list.split(',').map(|s| s.trim().to_string()).collect();
        all.append(&mut c.warnoptions);
        c.warnoptions = all;
    }
    if let Some(n) = variable("PYTHONINTMAXSTRDIGITS").and_then(|v| v.parse().ok()) {
        c.int_max_str_digits = n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Options {
        let args: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
        match parse(&args) {
            Ok(o) => o,
            Err(Stop::Print(text) | Stop::Usage(text)) => panic!("{text}"),
        }
    }

    #[test]
    fn options_end_at_the_program() {
        let o = parse_text("-SBu file.py -x y");
        assert_eq!(o.target, Target::File("file.py".into()));
        assert!(o.config.no_site && o.config.dont_write_bytecode && o.config.unbuffered && !o.skip_first_line);
        assert_eq!(o.config.argv, ["file.py", "-x", "y"]);
        let o = parse_text("-Wignore -X dev -mjson.tool -h");
        assert_eq!(o.target, Target::Module("json.tool".into()));
        assert_eq!(o.config.argv, ["-m", "-h"]);
        assert_eq!(o.config.xoptions, ["dev"]);
    }

    #[test]
    fn wrong_options_are_usage_errors() {
        for text in ["-Z", "--nope", "-c", "-W"] {
            let args: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
            assert!(matches!(parse(&args), Err(Stop::Usage(_))), "{text}");
        }
    }
}
