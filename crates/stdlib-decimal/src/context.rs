//! Contexts: precision, limits, rounding, flags and traps.

use std::cell::Cell;

use taipan_decimal::{Context, MAX_EMAX, MAX_PREC, MIN_EMIN, Rounding, Status, status};
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise, trace_values};

use crate::context_methods::{self, Settings};
use crate::signals::{Signals, bits_from, raise_trapped, signal_list, signal_names};
use crate::state::state;

/// A context object.
#[repr(C)]
pub struct ContextObject {
    header: Header,
    /// Precision, limits, rounding, clamping.
    pub settings: Cell<Context>,
    /// Exponents are marked with a capital E.
    pub capitals: Cell<bool>,
    /// Conditions met.
    pub status: Cell<u32>,
    /// Conditions that raise.
    pub traps: Cell<u32>,
    flags_dict: Cell<Option<Value>>,
    traps_dict: Cell<Option<Value>>,
}
object!(ContextObject, CONTEXT);
trace_values!(trace_context, ContextObject, |t| [t.flags_dict.get(), t.traps_dict.get()]);

/// The type `decimal.Context`.
pub static CONTEXT: Type = Type::new(&CONTEXT_SPEC);
static CONTEXT_SPEC: TypeSpec = TypeSpec {
    name: "decimal.Context",
    basicsize: std::mem::size_of::<ContextObject>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_context),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(getattr),
        setattr: Some(setattr),
        ..Slots::NONE
    },
    methods: &[context_methods::UNARY, context_methods::BINARY, context_methods::TESTS, Settings::METHODS],
    getsets: &[Settings::GETSETS],
    doc: "The context affects almost all operations and controls rounding,\nOver/Underflow, raising of exceptions and much more.  A new context\ncan be constructed as follows:\n\n    >>> c = Context(prec=28, Emin=-425000000, Emax=425000000,\n    ...             rounding=ROUND_HALF_EVEN, capitals=1, clamp=1,\n    ...             traps=[InvalidOperation, DivisionByZero, Overflow],\n    ...             flags=[])\n    >>>\n\n\n",
    signature: "(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)",
    ..TypeSpec::DEFAULT
};

/// Names of the rounding modes, in the order of [`Rounding`].
pub const ROUNDINGS: [(&str, Rounding); 8] = [
    ("ROUND_UP", Rounding::Up),
    ("ROUND_DOWN", Rounding::Down),
    ("ROUND_CEILING", Rounding::Ceiling),
    ("ROUND_FLOOR", Rounding::Floor),
    ("ROUND_HALF_UP", Rounding::HalfUp),
    ("ROUND_HALF_DOWN", Rounding::HalfDown),
    ("ROUND_HALF_EVEN", Rounding::HalfEven),
    ("ROUND_05UP", Rounding::ZeroFiveUp),
];

/// What a new context has unless told otherwise.
pub const DEFAULT: Context =
    Context { prec: 28, emax: 999_999, emin: -999_999, rounding: Rounding::HalfEven, clamp: false };
/// Traps of the default context.
pub const DEFAULT_TRAPS: u32 = status::INVALID | status::DIVISION_BY_ZERO | status::OVERFLOW;

fn of(v: Value) -> &'static ContextObject {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

impl ContextObject {
    /// A new context. May collect.
    pub fn make(cx: &mut Cx, class: &'static Type, settings: Context, traps: u32) -> &'static ContextObject {
        cx.ready_type(class);
        let context = ContextObject {
            header: Header::fresh(class),
            settings: Cell::new(settings),
            capitals: Cell::new(true),
            status: Cell::new(0),
            traps: Cell::new(traps),
            flags_dict: Cell::new(None),
            traps_dict: Cell::new(None),
        };
        cx.alloc_of(class, context)
    }

    /// A copy, of the plain type. May collect.
    pub fn copied(&self, cx: &mut Cx) -> &'static ContextObject {
        let copy = ContextObject::make(cx, &CONTEXT, self.settings.get(), self.traps.get());
        copy.capitals.set(self.capitals.get());
        copy.status.set(self.status.get());
        copy
    }

    /// Adds conditions; raises if one of them is trapped.
    #[inline(always)]
    pub fn signal(&self, cx: &mut Cx, conditions: Status) -> PyResult<()> {
        if conditions == 0 {
            return Ok(());
        }
        self.status.set(self.status.get() | conditions);
        let trapped = conditions & (self.traps.get() | status::MALLOC_ERROR);
        if trapped != 0 { Err(raise_trapped(cx, trapped)) } else { Ok(()) }
    }
}

/// The current context. May collect.
#[inline(always)]
pub fn current(cx: &mut Cx) -> PyResult<&'static ContextObject> {
    match state().variable.value(cx).and_then(|v| v.exact::<ContextObject>()) {
        Some(context) => Ok(context),
        None => current_slow(cx),
    }
}

#[inline(never)]
fn current_slow(cx: &mut Cx) -> PyResult<&'static ContextObject> {
    if let Some(context) = state().variable.value(cx).and_then(|v| v.downcast::<ContextObject>()) {
        return Ok(context);
    }
    let context = state().default_context.copied(cx);
    context.status.set(0);
    set_current(cx, Value::of(context))?;
    Ok(context)
}

/// Makes `context` the current one. May collect.
fn set_current(cx: &mut Cx, context: Value) -> PyResult<()> {
    cx.call_method_text(Value::of(state().variable), "set", &[context])?;
    Ok(())
}

/// `setcontext`: the templates are copied, so that they stay as they are.
pub fn set_context(cx: &mut Cx, v: Value) -> PyResult<()> {
    let Some(context) = v.downcast::<ContextObject>() else {
        return raise!(cx, TypeError, "argument must be a context");
    };
    let templates = [state().default_context, state().basic_context, state().extended_context];
    let mut context = context;
    if templates.iter().any(|t| std::ptr::eq(*t, context)) {
        context = context.copied(cx);
        context.status.set(0);
    }
    set_current(cx, Value::of(context))
}

/// An optional `context` argument: the current one for None.
pub fn context_arg(cx: &mut Cx, v: Option<Value>) -> PyResult<&'static ContextObject> {
    match v.filter(|v| !v.is_none()) {
        None => current(cx),
        Some(v) => match v.downcast::<ContextObject>() {
            Some(context) => Ok(context),
            None => raise!(cx, TypeError, "optional argument must be a context"),
        },
    }
}

/// A rounding mode from its name.
pub fn rounding_arg(cx: &mut Cx, v: Value) -> PyResult<Rounding> {
    let found = v.downcast::<Str>().and_then(|name| ROUNDINGS.iter().find(|row| name.eq_rust(row.0)));
    match found {
        Some(row) => Ok(row.1),
        None => raise!(
            cx,
            TypeError,
            "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]"
        ),
    }
}

/// The name of a rounding mode.
pub fn rounding_name(rounding: Rounding) -> &'static str {
    ROUNDINGS[rounding as usize].0
}

fn small_int(cx: &mut Cx, v: Value) -> PyResult<i64> {
    if !int::check(v) {
        return raise!(cx, TypeError, "an integer is required");
    }
    match int::as_i64(v) {
        Some(n) => Ok(n),
        None => raise!(cx, OverflowError, "Python int too large to convert to C ssize_t"),
    }
}

impl ContextObject {
    /// Sets the attribute `name`, which is one of the eight that make a context. `lists` of signals are allowed in
    /// constructors only.
    pub fn set_setting(&'static self, cx: &mut Cx, name: &str, v: Value, lists: bool) -> PyResult<()> {
        let mut settings = self.settings.get();
        match name {
            "prec" => match small_int(cx, v)? {
                n @ 1..=MAX_PREC => settings.prec = n,
                _ => return raise!(cx, ValueError, "valid range for prec is [1, MAX_PREC]"),
            },
            "Emax" => match small_int(cx, v)? {
                n @ 0..=MAX_EMAX => settings.emax = n,
                _ => return raise!(cx, ValueError, "valid range for Emax is [0, MAX_EMAX]"),
            },
            "Emin" => match small_int(cx, v)? {
                n @ MIN_EMIN..=0 => settings.emin = n,
                _ => return raise!(cx, ValueError, "valid range for Emin is [MIN_EMIN, 0]"),
            },
            "rounding" => settings.rounding = rounding_arg(cx, v)?,
            "capitals" => match small_int(cx, v)? {
                n @ 0..=1 => self.capitals.set(n == 1),
                _ => return raise!(cx, ValueError, "valid values for capitals are 0 or 1"),
            },
            "clamp" => match small_int(cx, v)? {
                n @ 0..=1 => settings.clamp = n == 1,
                _ => return raise!(cx, ValueError, "valid values for clamp are 0 or 1"),
            },
            "flags" => self.status.set(bits_from(cx, v, lists)?),
            _ => self.traps.set(bits_from(cx, v, lists)?),
        }
        self.settings.set(settings);
        Ok(())
    }

    fn signals(&'static self, cx: &mut Cx, is_traps: bool) -> PyResult<Value> {
        let word = if is_traps { &self.traps_dict } else { &self.flags_dict };
        if let Some(v) = word.get() {
            return Ok(v);
        }
        let v = Signals::attach(cx, self, is_traps)?;
        word.set(Some(v));
        cx.barrier(self);
        Ok(v)
    }
}

/// Names of the constructor's parameters and of the attributes they set.
const SETTINGS: [&str; 8] = ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];

static PARAMS: ParamSpec = ParamSpec {
    name: "function",
    names: &SETTINGS,
    positional_only: 0,
    positional: 8,
    required: 0,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    // The template's own attributes can be changed by the program.
    let template = state().default_context;
    let context = ContextObject::make(cx, class, template.settings.get(), template.traps.get());
    context.capitals.set(template.capitals.get());
    Ok(Value::of(context))
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let total = args.values().len();
    if total > SETTINGS.len() {
        return raise!(cx, TypeError, "function takes at most 8 arguments ({total} given)");
    }
    let mut bound = [None; 8];
    bind(cx, &PARAMS, args, &mut bound)?;
    for (name, value) in SETTINGS.iter().zip(bound) {
        if let Some(value) = value.filter(|v| !v.is_none()) {
            of(v).set_setting(cx, name, value, true)?;
        }
    }
    Ok(())
}

fn getattr(cx: &mut Cx, v: Value, name: &'static Str) -> PyResult<Value> {
    if name.eq_rust("traps") {
        return of(v).signals(cx, true);
    }
    if name.eq_rust("flags") {
        return of(v).signals(cx, false);
    }
    attr::generic_get(cx, v, name)
}

fn setattr(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    let setting = SETTINGS.iter().find(|setting| name.eq_rust(setting));
    match (setting, value) {
        (Some(setting), Some(value)) => of(v).set_setting(cx, setting, value, false),
        (Some(_), None) => raise!(cx, AttributeError, "context attributes cannot be deleted"),
        (None, value) => {
            if std::ptr::eq(v.class(), &CONTEXT) && cx.type_lookup(&CONTEXT, name).is_none() {
                return Err(attr::no_attribute(cx, v, name));
            }
            attr::generic_set(cx, v, name, value)
        }
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let settings = this.settings.get();
    let text = format!(
        "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags={}, traps={})",
        settings.prec,
        rounding_name(settings.rounding),
        settings.emin,
        settings.emax,
        i32::from(this.capitals.get()),
        i32::from(settings.clamp),
        signal_names(this.status.get()),
        signal_names(this.traps.get()),
    );
    Ok(cx.str(&text))
}

/// What `__reduce__` gives.
pub fn reduced(cx: &mut Cx, this: &'static ContextObject) -> Value {
    let settings = this.settings.get();
    let rounding = cx.str(rounding_name(settings.rounding));
    let (prec, emin, emax) = (cx.int(settings.prec), cx.int(settings.emin), cx.int(settings.emax));
    let (capitals, clamp) = (Value::small(i64::from(this.capitals.get())), Value::small(i64::from(settings.clamp)));
    let flags = Value::of(signal_list(cx, this.status.get()));
    let traps = Value::of(signal_list(cx, this.traps.get()));
    let args = Tuple::new(cx, &[prec, rounding, emin, emax, capitals, clamp, flags, traps]);
    let class = Value::of(Value::of(this).class());
    Value::of(Tuple::new(cx, &[class, Value::of(args)]))
}

/// `IEEEContext(bits)`.
pub fn ieee_context(cx: &mut Cx, bits: Value) -> PyResult<&'static ContextObject> {
    let bits = number::to_isize(cx, bits)?;
    if !(1..=512).contains(&bits) || bits % 32 != 0 {
        return raise!(cx, ValueError, "argument must be a multiple of 32, with a maximum of 512");
    }
    let bits = bits as i64;
    let emax = 3 << (bits / 16 + 3);
    let settings =
        Context { prec: 9 * (bits / 32) - 2, emax, emin: 1 - emax, rounding: Rounding::HalfEven, clamp: true };
    Ok(ContextObject::make(cx, &CONTEXT, settings, 0))
}
