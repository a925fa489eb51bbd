//! The module and its functions.

use std::cell::Cell;

use taipan_decimal::{Context, Rounding, status};
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::context::ContextVar;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use crate::context::{CONTEXT, ContextObject, DEFAULT, DEFAULT_TRAPS, ROUNDINGS, current, ieee_context, set_context};
use crate::decimal::DECIMAL;
use crate::signals::{CONDITIONS, SIGNALS, SIGNALS_TYPE};
use crate::state::{self, State};

/// `localcontext()`: sets a context for a `with` block.
#[repr(C)]
struct Manager {
    header: Header,
    local: Cell<Value>,
    previous: Cell<Option<Value>>,
}
object!(Manager, MANAGER);
trace_values!(trace_manager, Manager, |t| [Some(t.local.get()), t.previous.get()]);

static MANAGER: Type = Type::new(&MANAGER_SPEC);
static MANAGER_SPEC: TypeSpec = TypeSpec {
    name: "decimal.ContextManager",
    basicsize: std::mem::size_of::<Manager>(),
    flags: flags::HAVE_GC | flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_manager),
    slots: Slots {
        new: Some(|cx, class, _| {
            let name = class.tp_name();
            raise!(cx, TypeError, "cannot create '{name}' instances")
        }),
        ..Slots::NONE
    },
    methods: &[Manager::METHODS],
    ..TypeSpec::DEFAULT
};

#[pymethods]
impl Manager {
    #[py("($self, /)")]
    fn __enter__(cx: &mut Cx, this: &'static Manager) -> PyResult<Value> {
        let previous = Value::of(current(cx)?);
        this.previous.set(Some(previous));
        cx.barrier(this);
        set_context(cx, this.local.get())?;
        Ok(this.local.get())
    }

    #[py("($self, *args)")]
    fn __exit__(cx: &mut Cx, this: &'static Manager, _args: &'static Tuple) -> PyResult<bool> {
        if let Some(previous) = this.previous.get() {
            set_context(cx, previous)?;
        }
        Ok(false)
    }
}

struct Functions;

#[pymethods]
impl Functions {
    /// Get the current default context.
    #[py("($module, /)")]
    fn getcontext(cx: &mut Cx) -> PyResult<&'static ContextObject> {
        current(cx)
    }

    /// Set a new default context.
    #[py("($module, context, /)")]
    fn setcontext(cx: &mut Cx, context: Value) -> PyResult<()> {
        set_context(cx, context)
    }

    /// Return a context manager that will set the default context to a copy of ctx
    /// on entry to the with-statement and restore the previous default context when
    /// exiting the with-statement. If no context is specified, a copy of the current
    /// default context is used.
    #[py("($module, /, ctx=None, **kwargs)")]
    fn localcontext(cx: &mut Cx, ctx: Option<Value>, kwargs: Option<&'static Dict>) -> PyResult<Value> {
        let source = match ctx.filter(|v| !v.is_none()) {
            None => current(cx)?,
            Some(v) => match v.downcast::<ContextObject>() {
                Some(context) => context,
                None => return raise!(cx, TypeError, "optional argument must be a context"),
            },
        };
        let local = source.copied(cx);
        const NAMES: [&str; 8] = ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"];
        let mut position = 0;
        while let Some((key, value)) = kwargs.and_then(|d| d.next_item(&mut position)) {
            let name = key.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
            let Some(name) = NAMES.iter().find(|n| **n == name) else {
                return raise!(cx, TypeError, "this function got an unexpected keyword argument '{name}'");
            };
            if !value.is_none() {
                local.set_setting(cx, name, value, true)?;
            }
        }
        cx.ready_type(&MANAGER);
        let manager =
            Manager { header: Header::fresh(&MANAGER), local: Cell::new(Value::of(local)), previous: Cell::new(None) };
        Ok(Value::of(cx.alloc(manager)))
    }

    /// Return a context object initialized to the proper values for one of the
    /// IEEE interchange formats.  The argument must be a multiple of 32 and less
    /// than IEEE_CONTEXT_MAX_BITS.
    #[py("($module, bits, /)", name = "IEEEContext")]
    fn ieee(cx: &mut Cx, bits: Value) -> PyResult<&'static ContextObject> {
        ieee_context(cx, bits)
    }
}

/// A class made at run time. May collect.
fn new_class(cx: &mut Cx, metaclass: Value, name: &str, bases: &[Value], module: &str) -> PyResult<Value> {
    let (name, bases) = (cx.str(name), Value::of(Tuple::new(cx, bases)));
    let namespace = Dict::new(cx);
    let (key, module) = (cx.names().__module__, cx.str(module));
    namespace.set_str(cx, key, module);
    cx.call(metaclass, &[name, bases, Value::of(namespace)])
}

fn make_state(cx: &mut Cx) -> PyResult<State> {
    let metaclass = Value::of(Value::of(&DECIMAL).class());
    let arithmetic = Value::of(&exceptions::ArithmeticError);
    let zero_division = Value::of(&exceptions::ZeroDivisionError);
    let class = |cx: &mut Cx, name: &str, bases: &[Value]| new_class(cx, metaclass, name, bases, "decimal");
    let base = class(cx, "DecimalException", &[arithmetic])?;
    cx.add_root(base);
    let invalid = class(cx, "InvalidOperation", &[base])?;
    let type_error = Value::of(&exceptions::TypeError);
    let float_operation = class(cx, "FloatOperation", &[base, type_error])?;
    let division = class(cx, "DivisionByZero", &[base, zero_division])?;
    let subnormal = class(cx, "Subnormal", &[base])?;
    let inexact = class(cx, "Inexact", &[base])?;
    let rounded = class(cx, "Rounded", &[base])?;
    let clamped = class(cx, "Clamped", &[base])?;
    let overflow = class(cx, "Overflow", &[inexact, rounded])?;
    let underflow = class(cx, "Underflow", &[inexact, rounded, subnormal])?;
    let conditions = [
        class(cx, "ConversionSyntax", &[invalid])?,
        class(cx, "DivisionImpossible", &[invalid])?,
        class(cx, "DivisionUndefined", &[invalid, zero_division])?,
        class(cx, "InvalidContext", &[invalid])?,
    ];
    let abc_meta = import_attr(cx, "abc", "ABCMeta")?;
    let mapping = import_attr(cx, "collections.abc", "MutableMapping")?;
    cx.ready_type(&SIGNALS_TYPE);
    let signal_dict = new_class(cx, abc_meta, "SignalDict", &[Value::of(&SIGNALS_TYPE), mapping], "abc")?;
    let named_tuple = import_attr(cx, "collections", "namedtuple")?;
    let (name, fields) = (cx.str("DecimalTuple"), cx.str("sign digits exponent"));
    let tuple = cx.call(named_tuple, &[name, fields])?;
    let (key, module) = (cx.names().__module__, cx.str("decimal"));
    taipan_runtime::protocol::attr::set(cx, tuple, key, Some(module))?;
    let number = import_attr(cx, "numbers", "Number")?;
    cx.call_method_text(number, "register", &[Value::of(&DECIMAL)])?;
    let rational = import_attr(cx, "numbers", "Rational")?;
    let name = cx.intern("decimal_context");
    let variable = ContextVar::new(cx, name, None);
    let extended = Context { prec: 9, ..DEFAULT };
    let basic = Context { rounding: Rounding::HalfUp, ..extended };
    let basic_traps = DEFAULT_TRAPS | status::CLAMPED | status::UNDERFLOW;
    Ok(State {
        exception: base,
        signals: [invalid, float_operation, division, overflow, underflow, subnormal, inexact, rounded, clamped],
        conditions,
        variable,
        default_context: ContextObject::make(cx, &CONTEXT, DEFAULT, DEFAULT_TRAPS),
        basic_context: ContextObject::make(cx, &CONTEXT, basic, basic_traps),
        extended_context: ContextObject::make(cx, &CONTEXT, extended, 0),
        tuple,
        signal_dict,
        rational,
    })
}

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "_decimal", "C decimal arithmetic module", Functions::METHODS);
    module.add_type(cx, &DECIMAL);
    module.add_type(cx, &CONTEXT);
    if !state::is_set() {
        let state = make_state(cx)?;
        state::set(cx, state);
    }
    let state = state::state();
    module.set(cx, "DecimalException", state.exception);
    module.set(cx, "DecimalTuple", state.tuple);
    for (row, class) in SIGNALS.iter().zip(&state.signals).chain(CONDITIONS.iter().zip(&state.conditions)) {
        module.set(cx, row.0, *class);
    }
    module.set(cx, "DefaultContext", Value::of(state.default_context));
    module.set(cx, "BasicContext", Value::of(state.basic_context));
    module.set(cx, "ExtendedContext", Value::of(state.extended_context));
    for row in ROUNDINGS {
        let name = Value::of(cx.intern(row.0));
        module.set(cx, row.0, name);
    }
    let limits = [
        ("MAX_PREC", taipan_decimal::MAX_PREC),
        ("MAX_EMAX", taipan_decimal::MAX_EMAX),
        ("MIN_EMIN", taipan_decimal::MIN_EMIN),
        ("MIN_ETINY", taipan_decimal::MIN_ETINY),
        ("IEEE_CONTEXT_MAX_BITS", 512),
    ];
    for (name, n) in limits {
        let n = cx.int(n);
        module.set(cx, name, n);
    }
    module.set(cx, "HAVE_THREADS", Value::bool(true));
    module.set(cx, "HAVE_CONTEXTVAR", Value::bool(true));
    let (version, library) = (cx.str("1.70"), cx.str("2.5.1"));
    module.set(cx, "__version__", version);
    module.set(cx, "__libmpdec_version__", library);
    Ok(module)
}
