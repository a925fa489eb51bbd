//! The command line: one row per flag, from which parsing and the help text follow.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::atomic::Ordering;

use taipan_runtime::types::code;
use taipan_stdlib::state::Config;

/// What to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Program {
    /// `-c code`.
    Command(OsString),
    /// `-m module`.
    Module(OsString),
    /// A file, directory or zip file.
    File(OsString),
    /// Standard input: a prompt on a terminal.
    Stdin,
}

/// Everything that the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// Settings for the runtime.
    pub config: Config,
    /// What to run.
    pub program: Program,
    /// `-x`: skip the first line of the source.
    pub skip_first_line: bool,
    /// `--dump` stages.
    pub dump: Vec<crate::dump::Wanted>,
    /// `--stats`: the JIT's counters at exit.
    pub stats: bool,
    /// Print something and exit.
    pub info: Option<Info>,
}

/// Output that replaces a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Info {
    /// `-V`; twice: with build details.
    Version(bool),
    /// `-h`.
    Help,
    /// `--help-env`.
    HelpEnvironment,
    /// `--help-xoptions`.
    HelpX,
}

/// A flag of the command line.
struct Flag {
    letter: char,
    /// Name of the argument that follows, empty if none.
    argument: &'static str,
    help: &'static str,
    apply: fn(&mut Options, OsString) -> Result<(), String>,
}

macro_rules! flags {
    ($($letter:literal $argument:literal $help:literal => $apply:expr;)*) => {
        &[$(Flag { letter: $letter, argument: $argument, help: $help, apply: $apply }),*]
    };
}

static FLAGS: &[Flag] = flags! {
    'b' "" "issue warnings about converting bytes/bytearray to str and comparing bytes/bytearray with str or bytes with int; -bb: convert warnings into errors" => |o, _| { o.config.bytes_warning += 1; Ok(()) };
    'B' "" "don't write .pyc files on import; also PYTHONDONTWRITEBYTECODE=x" => |o, _| { o.config.dont_write_bytecode = true; Ok(()) };
    'c' "cmd" "program passed in as string (terminates option list)" => |o, a| { o.program = Program::Command(a); Ok(()) };
    'd' "" "turn on parser debugging output (no effect)" => |o, _| { o.config.debug += 1; Ok(()) };
    'E' "" "ignore PYTHON* environment variables (such as PYTHONPATH)" => |o, _| { o.config.ignore_environment = true; Ok(()) };
    'h' "" "print this help message and exit (also -? or --help)" => |o, _| { o.info = Some(Info::Help); Ok(()) };
    'i' "" "inspect interactively after running script; forces a prompt even if stdin does not appear to be a terminal; also PYTHONINSPECT=x" => |o, _| { o.config.inspect += 1; o.config.interactive += 1; Ok(()) };
    'I' "" "isolate Taipan from the user's environment (implies -E and -s)" => |o, _| { isolate(&mut o.config); Ok(()) };
    'm' "mod" "run library module as a script (terminates option list)" => |o, a| { o.program = Program::Module(a); Ok(()) };
    'O' "" "remove assert and __debug__-dependent statements; add .opt-1 before .pyc extension; also PYTHONOPTIMIZE=x; -OO: also discard docstrings" => |o, _| { o.config.optimize = (o.config.optimize + 1).min(2); Ok(()) };
    'P' "" "don't prepend a potentially unsafe path to sys.path; also PYTHONSAFEPATH" => |o, _| { o.config.safe_path = true; Ok(()) };
    'q' "" "don't print version and copyright messages on interactive startup" => |o, _| { o.config.quiet = true; Ok(()) };
    'R' "" "randomize hashes (the default)" => |_, _| Ok(());
    's' "" "don't add user site directory to sys.path; also PYTHONNOUSERSITE=x" => |o, _| { o.config.no_user_site = true; Ok(()) };
    'S' "" "don't imply 'import site' on initialization" => |o, _| { o.config.no_site = true; Ok(()) };
    'u' "" "force the stdout and stderr streams to be unbuffered; this option has no effect on stdin; also PYTHONUNBUFFERED=x" => |o, _| { o.config.unbuffered = true; Ok(()) };
    'v' "" "verbose (trace import statements); also PYTHONVERBOSE=x" => |o, _| { o.config.verbose += 1; Ok(()) };
    'V' "" "print the version number and exit (also --version); when given twice, print more information about the build" => |o, _| { o.info = Some(Info::Version(o.info == Some(Info::Version(false)))); Ok(()) };
    'W' "arg" "warning control; arg is action:message:category:module:lineno; also PYTHONWARNINGS=arg" => |o, a| { o.config.warnoptions.push(a.to_string_lossy().into_owned()); Ok(()) };
    'x' "" "skip first line of source, allowing use of non-Unix forms of #!cmd" => |o, _| { o.skip_first_line = true; Ok(()) };
    'X' "opt" "set implementation-specific option; see --help-xoptions" => |o, a| x_option(o, &a.to_string_lossy());
    '?' "" "as -h" => |o, _| { o.info = Some(Info::Help); Ok(()) };
};

fn isolate(config: &mut Config) {
    config.isolated = true;
    config.ignore_environment = true;
    config.no_user_site = true;
    config.safe_path = true;
}

fn x_option(options: &mut Options, text: &str) -> Result<(), String> {
    let (name, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
    let c = &mut options.config;
    match (name, value) {
        ("dev", None) => c.dev_mode = true,
        ("disable-remote-debug", None) => taipan_stdlib::sys::remote::disable(),
        ("no_debug_ranges", None) => code::NO_DEBUG_RANGES.store(true, Ordering::Relaxed),
        ("utf8", None | Some("1")) => c.utf8_mode = 1,
        ("utf8", Some("0")) => c.utf8_mode = 0,
        ("utf8", Some(_)) => return Err("invalid -X utf8 option value".into()),
        ("warn_default_encoding", None) => c.warn_default_encoding = true,
        ("pycache_prefix", path) => c.pycache_prefix = path.filter(|p| !p.is_empty()).map(Into::into),
        ("int_max_str_digits", Some(n)) => {
            let limit = n.parse().ok().filter(|n| *n == 0 || *n >= 640);
            c.int_max_str_digits =
                limit.ok_or("-X int_max_str_digits: invalid limit; must be >= 640 or 0 for unlimited.")?;
        }
        ("int_max_str_digits", None) => {
            return Err("-X int_max_str_digits: invalid limit; must be >= 640 or 0 for unlimited.".into());
        }
        _ => {}
    }
    c.xoptions.push(text.to_string());
    Ok(())
}

/// An environment variable that acts as a flag.
struct Variable {
    name: &'static str,
    help: &'static str,
    apply: fn(&mut Options, &OsStr),
}

fn level(value: &OsStr) -> i64 {
    value.to_str().and_then(|v| v.parse().ok()).filter(|n| *n > 0).unwrap_or(1)
}

static VARIABLES: &[Variable] = &[
    Variable {
        name: "PYTHONDONTWRITEBYTECODE",
        help: "don't write .pyc files (-B)",
        apply: |o, _| o.config.dont_write_bytecode = true,
    },
    Variable {
        name: "PYTHONINSPECT",
        help: "inspect interactively after running script (-i)",
        apply: |o, _| o.config.inspect = 1,
    },
    Variable {
        name: "PYTHONINTMAXSTRDIGITS",
        help: "limit the size of int<->str conversions; 0 disables the limit (-X int_max_str_digits=N)",
        apply: |o, v| {
            let limit = v.to_str().and_then(|v| v.parse().ok()).filter(|n: &i64| *n == 0 || *n >= 640);
            if let Some(n) = limit.filter(|_| !o.has_x("int_max_str_digits")) {
                o.config.int_max_str_digits = n;
            }
        },
    },
    Variable {
        name: "PYTHON_DISABLE_REMOTE_DEBUG",
        help: "disable remote debugging (-X disable-remote-debug)",
        apply: |_, _| taipan_stdlib::sys::remote::disable(),
    },
    Variable {
        name: "PYTHONNODEBUGRANGES",
        help: "don't include extra location information in code objects (-X no_debug_ranges)",
        apply: |_, _| code::NO_DEBUG_RANGES.store(true, Ordering::Relaxed),
    },
    Variable {
        name: "PYTHONNOUSERSITE",
        help: "don't add user site directory to sys.path (-s)",
        apply: |o, _| o.config.no_user_site = true,
    },
    Variable {
        name: "PYTHONOPTIMIZE",
        help: "enable level 1 of optimizations (-O)",
        apply: |o, v| o.config.optimize = o.config.optimize.max(level(v).min(2)),
    },
    Variable {
        name: "PYTHONDEVMODE",
        help: "enable the development mode (-X dev)",
        apply: |o, _| o.config.dev_mode = true,
    },
    Variable {
        name: "PYTHONPYCACHEPREFIX",
        help: "root directory for bytecode cache (.pyc) files (-X pycache_prefix)",
        apply: |o, v| {
            if !o.has_x("pycache_prefix") {
                o.config.pycache_prefix = Some(v.to_os_string());
            }
        },
    },
    Variable {
        name: "PYTHONSAFEPATH",
        help: "don't prepend a potentially unsafe path to sys.path (-P)",
        apply: |o, _| o.config.safe_path = true,
    },
    Variable {
        name: "PYTHONUNBUFFERED",
        help: "disable stdout/stderr buffering (-u)",
        apply: |o, _| o.config.unbuffered = true,
    },
    Variable {
        name: "PYTHONUTF8",
        help: "control the UTF-8 mode (-X utf8)",
        apply: |o, v| o.config.utf8_mode = i64::from(v == "1"),
    },
    Variable {
        name: "PYTHONVERBOSE",
        help: "trace import statements (-v)",
        apply: |o, v| o.config.verbose = o.config.verbose.max(level(v)),
    },
    Variable {
        name: "PYTHONWARNDEFAULTENCODING",
        help: "opt-in EncodingWarning for 'encoding=None' (-X warn_default_encoding)",
        apply: |o, _| o.config.warn_default_encoding = true,
    },
    Variable {
        name: "PYTHONWARNINGS",
        help: "warning control (-W)",
        apply: |o, v| {
            let text = v.to_string_lossy().into_owned();
            let given: Vec<String> = text.split(',').filter(|s| !s.is_empty()).map(str::to_string).collect();
            o.config.warnoptions.splice(0..0, given);
        },
    },
];

/// Other variables, for `--help-env`.
static OTHER_VARIABLES: &[(&str, &str)] = &[
    ("PYTHONPATH", "':'-separated list of directories prefixed to the default module search path"),
    (
        "PYTHONHASHSEED",
        "if this variable is set to 'random', a random value is used to seed the hashes of str and bytes objects; it can also be set to an integer in the range [0,4294967295] to get hash values with a predictable seed",
    ),
    ("PYTHONSTARTUP", "file executed on interactive startup (no default)"),
    (
        "PYTHONBREAKPOINT",
        "if this variable is set to 0, it disables the default debugger; it can be set to the callable of your debugger of choice",
    ),
    ("TAIPAN_HOME", "directory of the unpacked library"),
    ("TAIPAN_GC", "stress: collect at every allocation"),
    ("TAIPAN_LIB", "directory to use as the standard library"),
];

impl Options {
    fn new() -> Options {
        Options {
            config: Config::default(),
            program: Program::Stdin,
            skip_first_line: false,
            dump: Vec::new(),
            stats: false,
            info: None,
        }
    }

    /// Reads the command line and the environment.
    pub fn parse(args: Vec<OsString>) -> Result<Options, String> {
        let mut options = Options::new();
        options.config.orig_argv = args.clone();
        let mut rest = args.into_iter().skip(1).peekable();
        let mut is_complete = false;
        while let Some(arg) = rest.next_if(|arg| arg.len() > 1 && arg.as_bytes()[0] == b'-') {
            if arg == "--" {
                break;
            }
            if arg.as_bytes().starts_with(b"--") {
                options.long(&arg.to_string_lossy(), &mut rest)?;
                continue;
            }
            if options.letters(&arg, &mut rest)? {
                is_complete = true;
                break;
            }
        }
        if !options.config.ignore_environment {
            options.environment();
        }
        let config = &mut options.config;
        if config.dev_mode {
            config.warnoptions.insert(0, "default".into());
        }
        if config.bytes_warning > 0 {
            let action = if config.bytes_warning > 1 { "error" } else { "default" };
            config.warnoptions.push(format!("{action}::BytesWarning"));
        }
        let mut argv = Vec::new();
        match (&options.program, is_complete) {
            (Program::Command(_), true) => argv.push("-c".into()),
            (Program::Module(_), true) => argv.push("-m".into()),
            _ => match rest.next() {
                Some(arg) if arg == "-" => argv.push(arg),
                Some(arg) => {
                    argv.push(arg.clone());
                    options.program = Program::File(arg);
                }
                None => argv.push(OsString::new()),
            },
        }
        argv.extend(rest);
        options.config.argv = argv;
        Ok(options)
    }

    /// Reads a group of one-letter flags; true if it ends the option list.
    fn letters(&mut self, arg: &OsStr, rest: &mut impl Iterator<Item = OsString>) -> Result<bool, String> {
        let bytes = arg.as_bytes();
        let mut at = 1;
        while at < bytes.len() {
            let letter = bytes[at] as char;
            at += 1;
            let Some(flag) = FLAGS.iter().find(|f| f.letter == letter) else {
                return Err(format!("Unknown option: -{letter}"));
            };
            if flag.argument.is_empty() {
                (flag.apply)(self, OsString::new())?;
                continue;
            }
            let argument = if at < bytes.len() {
                OsString::from_vec(bytes[at..].to_vec())
            } else {
                rest.next().ok_or_else(|| format!("Argument expected for the -{letter} option"))?
            };
            (flag.apply)(self, argument)?;
            return Ok(matches!(letter, 'c' | 'm'));
        }
        Ok(false)
    }

    fn long(&mut self, arg: &str, rest: &mut impl Iterator<Item = OsString>) -> Result<(), String> {
        let (name, value) = arg.split_once('=').map_or((arg, None), |(n, v)| (n, Some(v.to_string())));
        match name {
            "--help" => self.info = Some(Info::Help),
            "--help-env" => self.info = Some(Info::HelpEnvironment),
            "--help-xoptions" => self.info = Some(Info::HelpX),
            "--stats" => self.stats = true,
            "--version" => self.info = Some(Info::Version(false)),
            "--check-hash-based-pycs" => {
                let value = value.or_else(|| rest.next().map(|v| v.to_string_lossy().into_owned()));
                self.config.check_hash_pycs = match value.as_deref() {
                    Some("always") => "always",
                    Some("default") => "default",
                    Some("never") => "never",
                    _ => return Err("--check-hash-based-pycs must be one of 'default', 'always', or 'never'".into()),
                };
            }
            "--dump" => {
                let value = value.ok_or_else(|| format!("--dump needs stages: {}", crate::dump::stages()))?;
                self.dump = crate::dump::parse(&value)?;
            }
            _ => return Err(format!("unknown option {arg}")),
        }
        Ok(())
    }

    /// Whether there is an option `-X name`: it outdoes the variable of the same meaning.
    fn has_x(&self, name: &str) -> bool {
        self.config.xoptions.iter().any(|x| x.split('=').next() == Some(name))
    }

    fn environment(&mut self) {
        for variable in VARIABLES {
            if let Some(value) = std::env::var_os(variable.name).filter(|v| !v.is_empty()) {
                (variable.apply)(self, &value);
            }
        }
    }
}

/// The usage line.
pub fn usage(executable: &str) -> String {
    format!("usage: {executable} [option] ... [-c cmd | -m mod | file | -] [arg] ...\n")
}

/// The text of `-h`.
pub fn help(executable: &str) -> String {
    let mut text = usage(executable);
    text.push_str("Options (and corresponding environment variables):\n");
    for flag in FLAGS.iter().filter(|f| f.letter != '?') {
        let head = format!("-{} {}", flag.letter, flag.argument);
        push_row(&mut text, head.trim_end(), 7, flag.help);
    }
    push_row(&mut text, "--check-hash-based-pycs always|default|never:", 7, "");
    push_row(&mut text, "", 7, "control how Taipan invalidates hash-based .pyc files");
    push_row(&mut text, "--dump=STAGE[:FUNCTION],...:", 7, "");
    push_row(
        &mut text,
        "",
        7,
        "print stages of compiling the program instead of running it: tokens, ast, bytecode; or while it runs: ir, ir-PASS (params, gvn, licm, dce), ir-opt, clif, asm",
    );
    push_row(&mut text, "--stats:", 7, "print the counters of the JIT compiler at exit");
    text.push_str("--help-env: print help about environment variables and exit\n");
    text.push_str("--help-xoptions: print help about implementation-specific -X options and exit\n");
    text.push_str("\nArguments:\n");
    push_row(&mut text, "file", 7, "program read from script file");
    push_row(&mut text, "-", 7, "program read from stdin (default; interactive mode if a tty)");
    push_row(&mut text, "arg ...", 7, "arguments passed to program in sys.argv[1:]");
    text
}

/// The text of `--help-env`.
pub fn help_environment() -> String {
    let mut text = String::from("Environment variables that change behavior:\n");
    let rows = OTHER_VARIABLES.iter().copied().chain(VARIABLES.iter().map(|v| (v.name, v.help)));
    for (name, help) in rows {
        push_row(&mut text, name, 26, help);
    }
    text
}

/// The text of `--help-xoptions`.
pub fn help_x() -> String {
    let mut text = String::from("The following implementation-specific options are available:\n");
    for (name, help) in [
        ("-X dev", "enable development mode"),
        ("-X disable-remote-debug", "let no other process run code here; also PYTHON_DISABLE_REMOTE_DEBUG"),
        ("-X int_max_str_digits=N", "limit the size of int<->str conversions; 0 disables the limit"),
        ("-X jit=off|on|stress", "compile what is hot (on, the default), nothing, or everything with random exits"),
        ("-X numba=path", "import numba from the path instead of the embedded one; also TAIPAN_NUMBA=path"),
        ("-X perf", "write a map of compiled code for Linux perf; also PYTHONPERFSUPPORT=1"),
        ("-X pycache_prefix=PATH", "write .pyc files to a parallel tree rooted at PATH"),
        ("-X utf8[=0|1]", "enable (1) or disable (0) UTF-8 mode"),
        ("-X warn_default_encoding", "enable opt-in EncodingWarning for 'encoding=None'"),
    ] {
        push_row(&mut text, name, 26, help);
    }
    text
}

fn push_row(text: &mut String, head: &str, width: usize, help: &str) {
    let mut line = format!("{head:width$}: ");
    if help.is_empty() || head.is_empty() {
        line = format!("{head:width$}  ").trim_end().to_string();
        if !head.is_empty() {
            text.push_str(&line);
            text.push('\n');
            return;
        }
        line = " ".repeat(width + 2);
    }
    for word in help.split(' ') {
        if line.len() + word.len() > 78 {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(width + 2);
        }
        line.push_str(word);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Options {
        let all = std::iter::once("taipan").chain(args.iter().copied()).map(OsString::from).collect();
        Options::parse(all).expect("valid")
    }

    #[test]
    fn programs_and_arguments() {
        let o = parse(&["-Sc", "print(1)", "-x", "y"]);
        assert_eq!(o.program, Program::Command("print(1)".into()));
        assert_eq!(o.config.argv, ["-c", "-x", "y"].map(OsString::from));
        assert!(o.config.no_site && !o.skip_first_line);
        let o = parse(&["-OO", "-Werror", "-W", "ignore", "file.py", "-c"]);
        assert_eq!(o.program, Program::File("file.py".into()));
        assert_eq!(o.config.optimize, 2);
        assert_eq!(o.config.warnoptions, ["error", "ignore"]);
        assert_eq!(
            parse(&["-bb", "-Xdev", "-Wignore"]).config.warnoptions,
            ["default", "ignore", "error::BytesWarning"]
        );
        assert_eq!(parse(&["-"]).program, Program::Stdin);
        assert_eq!(parse(&["-VV"]).info, Some(Info::Version(true)));
        assert!(help("taipan").lines().all(|l| l.len() < 90));
    }
}
