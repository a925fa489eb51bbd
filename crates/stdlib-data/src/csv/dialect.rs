//! `_csv.Dialect`.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};

/// The constants of quoting, by number.
pub const STYLES: [&str; 6] =
    ["QUOTE_MINIMAL", "QUOTE_ALL", "QUOTE_NONNUMERIC", "QUOTE_NONE", "QUOTE_STRINGS", "QUOTE_NOTNULL"];

/// When fields are quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Quoting {
    /// Where need be.
    Minimal,
    /// Always.
    All,
    /// What is not a number.
    NonNumeric,
    /// Never.
    Never,
    /// Strs.
    Strings,
    /// What is not None.
    NotNull,
}

const QUOTINGS: [Quoting; 6] =
    [Quoting::Minimal, Quoting::All, Quoting::NonNumeric, Quoting::Never, Quoting::Strings, Quoting::NotNull];

/// What a dialect says.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Between fields.
    pub delimiter: u32,
    /// Around fields.
    pub quote: Option<u32>,
    /// Before what is meant literally.
    pub escape: Option<u32>,
    /// A quote in a quoted field is doubled.
    pub double_quote: bool,
    /// Spaces after a delimiter do not count.
    pub skip_space: bool,
    /// Bad input is an error.
    pub strict: bool,
    /// When fields are quoted.
    pub quoting: Quoting,
    /// Bits of the ASCII characters that mean something.
    special: [u64; 2],
}

impl Rules {
    /// Whether a character of a field may mean something else than itself.
    #[inline(always)]
    pub fn is_special(&self, c: u32) -> bool {
        match c {
            0..128 => self.special[(c >> 6) as usize] >> (c & 63) & 1 != 0,
            _ => c == self.delimiter || Some(c) == self.quote || Some(c) == self.escape,
        }
    }

    fn note_special(&mut self) {
        let all =
            [Some(self.delimiter), self.quote, self.escape, Some(10), Some(13), Some(32).filter(|_| self.skip_space)];
        for c in all.into_iter().flatten().filter(|c| *c < 128) {
            self.special[(c >> 6) as usize] |= 1 << (c & 63);
        }
    }
}

/// A dialect.
#[repr(C)]
pub struct Dialect {
    header: Header,
    rules: Rules,
    terminator: Cell<Option<Value>>,
}
object!(Dialect, DIALECT);
trace_values!(trace_dialect, Dialect, |t| [t.terminator.get()]);

/// The type `_csv.Dialect`.
pub static DIALECT: Type = Type::new(&DIALECT_SPEC);
static DIALECT_SPEC: TypeSpec = TypeSpec {
    name: "_csv.Dialect",
    basicsize: std::mem::size_of::<Dialect>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_dialect),
    slots: Slots { new: Some(new), ..Slots::NONE },
    methods: &[Dialect::METHODS],
    getsets: &[Dialect::GETSETS],
    doc: "CSV dialect\n\nThe Dialect type records CSV parsing and generation options.\n",
    ..TypeSpec::DEFAULT
};

static PARAMS: ParamSpec = ParamSpec {
    name: "this function",
    names: &[
        "dialect",
        "delimiter",
        "doublequote",
        "escapechar",
        "lineterminator",
        "quotechar",
        "quoting",
        "skipinitialspace",
        "strict",
    ],
    positional_only: 0,
    positional: 9,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if let Some((name, _)) = args.keywords().find(|(name, _)| !PARAMS.names.iter().any(|n| name.eq_rust(n))) {
        let name = name.to_string_lossy();
        return raise!(cx, TypeError, "this function got an unexpected keyword argument '{name}'");
    }
    let mut bound = [None; 9];
    bind(cx, &PARAMS, args, &mut bound)?;
    let mut base = bound[0].filter(|d| !d.is_none());
    if let Some(name) = base.filter(|d| d.downcast::<Str>().is_some()) {
        base = Some(super::registered(cx, name)?);
    }
    if let Some(base) = base {
        let is_plain = std::ptr::eq(class, &DIALECT) && base.exact::<Dialect>().is_some();
        if is_plain && bound[1..].iter().all(Option::is_none) {
            return Ok(base);
        }
        for (place, name) in bound.iter_mut().zip(PARAMS.names).skip(1) {
            if place.is_none() {
                let name = cx.intern(name);
                *place = attr::get_optional(cx, base, name)?;
            }
        }
    }
    build(cx, class, bound)
}

fn build(cx: &mut Cx, class: &'static Type, bound: [Option<Value>; 9]) -> PyResult<Value> {
    let [_, delimiter, double, escape, terminator, quote, quoting, skip, strict] = bound;
    let delimiter = match delimiter {
        None => u32::from(','),
        Some(v) => character(cx, v, "delimiter", "")?,
    };
    let double_quote = flag(cx, double, true)?;
    let escape_char = optional_character(cx, escape, "escapechar", None)?;
    let terminator = match terminator {
        None => cx.str("\r\n"),
        Some(v) if v.downcast::<Str>().is_some() => v,
        Some(v) => {
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "\"lineterminator\" must be a string, not {got}");
        }
    };
    let quote_char = optional_character(cx, quote, "quotechar", Some(u32::from('"')))?;
    let style = match quoting {
        None if quote.is_some_and(|q| q.is_none()) => Quoting::Never,
        None => Quoting::Minimal,
        Some(v) if v.exact_int() => match int::as_i64(v).and_then(|n| QUOTINGS.get(usize::try_from(n).ok()?)) {
            Some(style) => *style,
            None => return raise!(cx, TypeError, "bad \"quoting\" value"),
        },
        Some(v) => {
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "\"quoting\" must be an integer, not {got}");
        }
    };
    let skip_space = flag(cx, skip, false)?;
    let strict = flag(cx, strict, false)?;
    if style != Quoting::Never && quote_char.is_none() {
        return raise!(cx, TypeError, "quotechar must be set if quoting enabled");
    }
    let (quote, escape, quoting) = (quote_char, escape_char, style);
    let mut rules = Rules { delimiter, quote, escape, double_quote, skip_space, strict, quoting, special: [0; 2] };
    rules.note_special();
    check(cx, &rules, terminator)?;
    let dialect = Dialect { header: Header::fresh(class), rules, terminator: Cell::new(Some(terminator)) };
    Ok(Value::of(cx.alloc_of(class, dialect)))
}

trait ExactInt {
    fn exact_int(self) -> bool;
}
impl ExactInt for Value {
    /// `quoting` may be an int, but no subclass of it.
    fn exact_int(self) -> bool {
        int::check(self) && std::ptr::eq(self.class(), Value::small(0).class())
    }
}

fn flag(cx: &mut Cx, v: Option<Value>, default: bool) -> PyResult<bool> {
    match v {
        None => Ok(default),
        Some(v) => protocol_object::truth(cx, v),
    }
}

fn character(cx: &mut Cx, v: Value, name: &str, or_none: &str) -> PyResult<u32> {
    let Some(s) = v.downcast::<Str>() else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "\"{name}\" must be a unicode character{or_none}, not {got}");
    };
    match s.len() {
        1 => Ok(s.at(0)),
        n => raise!(cx, TypeError, "\"{name}\" must be a unicode character{or_none}, not a string of length {n}"),
    }
}

fn optional_character(cx: &mut Cx, v: Option<Value>, name: &str, default: Option<u32>) -> PyResult<Option<u32>> {
    match v {
        None => Ok(default),
        Some(v) if v.is_none() => Ok(None),
        Some(v) => character(cx, v, name, " or None").map(Some),
    }
}

/// ValueError for characters that could not be told apart.
fn check(cx: &mut Cx, rules: &Rules, terminator: Value) -> PyResult<()> {
    let ends: Vec<u32> = terminator.downcast::<Str>().map_or(Vec::new(), |s| s.to_code_points());
    let chars = [("delimiter", Some(rules.delimiter)), ("escapechar", rules.escape), ("quotechar", rules.quote)];
    for (i, (name, c)) in chars.iter().enumerate() {
        let Some(c) = *c else { continue };
        let bad_space = i > 0 && rules.skip_space && c == u32::from(' ');
        if c == u32::from('\r') || c == u32::from('\n') || bad_space {
            return raise!(cx, ValueError, "bad {name} value");
        }
        if ends.contains(&c) {
            return raise!(cx, ValueError, "bad {name} or lineterminator value");
        }
    }
    for (i, j) in [(0, 1), (0, 2), (1, 2)] {
        if chars[i].1.is_some() && chars[i].1 == chars[j].1 {
            let (a, b) = (chars[i].0, chars[j].0);
            return raise!(cx, ValueError, "bad {a} or {b} value");
        }
    }
    Ok(())
}

/// The dialect of a `dialect` argument and the keyword arguments of `args`.
pub fn make(cx: &mut Cx, given: Option<Value>, args: Args) -> PyResult<&'static Dialect> {
    let keywords = &args.values()[args.pos().len()..];
    // The base and the keywords, which are at most nine or an error anyhow.
    let mut values = taipan_runtime::heap::RootVec::new();
    values.extend(given);
    values.extend_from_slice(keywords);
    let made = new(cx, &DIALECT, Args::new(&values, args.kwnames()))?;
    match made.downcast::<Dialect>() {
        Some(dialect) => Ok(dialect),
        None => raise!(cx, TypeError, "a dialect is expected"),
    }
}

impl Dialect {
    /// What it says.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Between rows.
    pub fn terminator(&self) -> &'static Str {
        // SAFETY: build() stores a str.
        unsafe { self.terminator.get().expect("set by build").cast() }
    }
}

#[pymethods]
impl Dialect {
    /// raises an exception to avoid pickling
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static Dialect) -> PyResult<Value> {
        let name = Value::of(this).class().name();
        raise!(cx, TypeError, "cannot pickle '{name}' instances")
    }

    /// raises an exception to avoid pickling
    #[py("($self, protocol, /)")]
    fn __reduce_ex__(cx: &mut Cx, this: &'static Dialect, _protocol: Value) -> PyResult<Value> {
        Dialect::__reduce__(cx, this)
    }

    #[getter]
    fn delimiter(cx: &mut Cx, this: &'static Dialect) -> &'static Str {
        cx.char(this.rules.delimiter)
    }

    #[getter]
    fn escapechar(cx: &mut Cx, this: &'static Dialect) -> Option<&'static Str> {
        this.rules.escape.map(|c| cx.char(c))
    }

    #[getter]
    fn quotechar(cx: &mut Cx, this: &'static Dialect) -> Option<&'static Str> {
        this.rules.quote.map(|c| cx.char(c))
    }

    #[getter]
    fn lineterminator(_cx: &mut Cx, this: &'static Dialect) -> &'static Str {
        this.terminator()
    }

    #[getter]
    fn quoting(_cx: &mut Cx, this: &'static Dialect) -> i64 {
        this.rules.quoting as i64
    }

    #[getter]
    fn doublequote(_cx: &mut Cx, this: &'static Dialect) -> bool {
        this.rules.double_quote
    }

    #[getter]
    fn skipinitialspace(_cx: &mut Cx, this: &'static Dialect) -> bool {
        this.rules.skip_space
    }

    #[getter]
    fn strict(_cx: &mut Cx, this: &'static Dialect) -> bool {
        this.rules.strict
    }
}
