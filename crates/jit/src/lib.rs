//! Taipan's JIT compiler: hot functions and loops become machine code.
//!
//! `tier.rs` decides what is compiled and runs it; `build/` turns bytecode and what the interpreter saw into the typed SSA
//! form of `ir/`; `passes/` improves it; `lower/` makes machine code of it with Cranelift; `exits.rs` rebuilds the
//! interpreter's frames when compiled code leaves; `helpers.rs` lists what it calls.

pub mod attributes;
mod budget;
pub mod build;
pub mod bytes;
pub mod code;
pub mod consume;
pub mod dump;
pub mod exits;
pub mod explicit;
pub mod floats;
pub mod generators;
pub mod helpers;
pub mod ir;
pub mod iterators;
pub mod lists;
pub mod lower;
mod natives;
pub mod passes;
pub mod plain;
pub mod plain_calls;
mod preserve;
pub mod profile;
mod python_calls;
mod raising;
pub mod stats;
pub mod tier;
pub mod worker;

use std::sync::OnceLock;

use taipan_runtime::Cx;

/// Whether code is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Never.
    Off,
    /// What is hot.
    #[default]
    On,
    /// As soon as possible, and compiled code leaves at random.
    Stress,
}

/// Settings.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether code is compiled.
    pub mode: Mode,
    /// Calls after which a function is hot.
    pub hot_call: Option<u32>,
    /// Rounds after which a loop is hot.
    pub hot_loop: Option<u32>,
    /// Stages to dump, `STAGE` or `STAGE=FUNCTION`.
    pub dump: Vec<String>,
    /// Passes that are switched off.
    pub off: Vec<String>,
    /// Verify after each pass.
    pub verify: bool,
    /// Count entries, and print the counters at exit.
    pub stats: bool,
    /// Say why code was not compiled.
    pub verbose: bool,
    /// Write a map for Linux perf.
    pub perf: bool,
    /// Compile on the running thread even if there is a core for another one.
    pub sync: bool,
    /// Watch the program, but find everything too expensive to compile.
    pub watch: bool,
}

static OPTIONS: OnceLock<Options> = OnceLock::new();

/// The settings in effect.
pub fn options() -> &'static Options {
    OPTIONS.get_or_init(Options::default)
}

impl Options {
    /// Settings from the environment: `TAIPAN_JIT=off|on|stress`, `TAIPAN_JIT_DUMP`, `TAIPAN_JIT_OFF`, `TAIPAN_JIT_CALLS`,
    /// `TAIPAN_JIT_LOOPS`, `TAIPAN_JIT_DEBUG=verify,stats,verbose,perf,sync,watch`. An error names what is not understood.
    pub fn from_environment() -> Result<Options, String> {
        let get = |name: &str| std::env::var(name).unwrap_or_default();
        let list = |name: &str| -> Vec<String> {
            get(name).split(',').filter(|s| !s.is_empty()).map(str::to_string).collect()
        };
        let number = |name: &str| -> Result<Option<u32>, String> {
            let text = get(name);
            if text.is_empty() {
                return Ok(None);
            }
            text.parse().map(Some).map_err(|_| format!("{name}: not a number: {text}"))
        };
        let debug = list("TAIPAN_JIT_DEBUG");
        let has = |what: &str| debug.iter().any(|d| d == what);
        Ok(Options {
            mode: Mode::parse(&get("TAIPAN_JIT"))?,
            hot_call: number("TAIPAN_JIT_CALLS")?,
            hot_loop: number("TAIPAN_JIT_LOOPS")?,
            dump: list("TAIPAN_JIT_DUMP"),
            off: list("TAIPAN_JIT_OFF"),
            verify: has("verify"),
            stats: has("stats"),
            verbose: has("verbose"),
            perf: has("perf"),
            sync: has("sync"),
            watch: has("watch"),
        })
    }
}

impl Mode {
    /// The mode with this name; empty is the default.
    pub fn parse(text: &str) -> Result<Mode, String> {
        match text {
            "" | "on" | "1" => Ok(Mode::On),
            "off" | "0" => Ok(Mode::Off),
            "stress" => Ok(Mode::Stress),
            other => Err(format!("TAIPAN_JIT must be off, on or stress, not {other}")),
        }
    }
}

/// Calls after which a function is hot.
const HOT_CALL: u32 = 400;
/// Rounds after which a loop is hot.
const HOT_LOOP: u32 = 1500;

/// Joins the JIT to the runtime. Does nothing if it is off.
pub fn join(cx: &mut Cx, options: Options) {
    let options = OPTIONS.get_or_init(|| options);
    if options.mode == Mode::Off {
        return;
    }
    let mut hooks = cx.rt().hooks.get();
    hooks.hot = tier::hot;
    hooks.resume = tier::resume;
    hooks.compile_now = explicit::compile;
    hooks.type_changed = tier::type_changed;
    hooks.dict_changed = tier::dict_changed;
    hooks.tracing_began = tier::tracing_began;
    hooks.frame_written = tier::frame_written;
    hooks.operand = profile::note_operand;
    cx.rt().hooks.set(hooks);
    let stress = options.mode == Mode::Stress;
    cx.hot_call = options.hot_call.unwrap_or(if stress { 2 } else { HOT_CALL });
    cx.hot_loop = options.hot_loop.unwrap_or(if stress { 3 } else { HOT_LOOP });
    cx.rt().hot.set((cx.hot_call, cx.hot_loop));
}
