//! TypeVar, ParamSpec and TypeVarTuple: the type parameters. One layout serves all three.

use std::cell::Cell;

use crate::cx::Cx;
use crate::native::{self, Args, ParamSpec as Signature};
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{attr, compare, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_alias::{new_const_evaluator, no_default};
use crate::types::typing::{call_typing, caller_module, evaluate, name_argument, type_check, unpack};
use crate::types::union;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A type parameter.
#[repr(C)]
pub struct TypeVar {
    header: Header,
    name: &'static Str,
    bound: Lazy,
    constraints: Lazy,
    default: Lazy,
    covariant: bool,
    contravariant: bool,
    infer_variance: bool,
}
object!(TypeVar, TYPE_VAR);

/// A value and the function that computes it when it is first asked for.
#[derive(Default)]
struct Lazy {
    value: Cell<Option<Value>>,
    evaluator: Cell<Option<Value>>,
}

impl Lazy {
    fn of(value: Option<Value>, evaluator: Option<Value>) -> Lazy {
        Lazy { value: Cell::new(value), evaluator: Cell::new(evaluator) }
    }

    fn get(&self, cx: &mut Cx, owner: Value) -> PyResult<Option<Value>> {
        if self.value.get().is_none()
            && let Some(evaluator) = self.evaluator.get()
        {
            let value = evaluate(cx, evaluator)?;
            self.value.set(Some(value));
            cx.barrier_value(owner);
        }
        Ok(self.value.get())
    }

    /// The evaluator; for a value given at once one that gives it.
    fn evaluator(&self, cx: &mut Cx) -> Value {
        match (self.evaluator.get(), self.value.get()) {
            (Some(evaluator), _) => evaluator,
            (None, Some(value)) => new_const_evaluator(cx, value),
            (None, None) => Value::none(),
        }
    }
}

/// A ParamSpec; the layout is TypeVar's.
#[repr(C)]
pub struct ParamSpec(TypeVar);
object!(ParamSpec, PARAM_SPEC);

/// A TypeVarTuple; the layout is TypeVar's.
#[repr(C)]
pub struct TypeVarTuple(TypeVar);
object!(TypeVarTuple, TYPE_VAR_TUPLE);

unsafe fn trace_param(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for type parameters only.
    let this = unsafe { &*object.cast::<TypeVar>() };
    marker.mark_value(Value::of(this.name).bits());
    for lazy in [&this.bound, &this.constraints, &this.default] {
        for v in [lazy.value.get(), lazy.evaluator.get()].into_iter().flatten() {
            marker.mark_value(v.bits());
        }
    }
}

/// A type parameter of any kind.
fn param(v: Value) -> &'static TypeVar {
    // SAFETY: called with receivers of the three types, which have this layout.
    unsafe { v.cast() }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = param(v);
    let sign = match (this.infer_variance, this.covariant, this.contravariant) {
        (true, ..) => "",
        (_, true, _) => "+",
        (_, _, true) => "-",
        _ => "~",
    };
    Ok(cx.str(&format!("{sign}{}", this.name)))
}

const SPEC: TypeSpec = TypeSpec {
    basicsize: std::mem::size_of::<TypeVar>(),
    attrs: true,
    weakrefs: true,
    trace: Some(trace_param),
    ..TypeSpec::DEFAULT
};

/// The type `typing.TypeVar`.
pub static TYPE_VAR: Type = Type::new(&TYPE_VAR_SPEC);
static TYPE_VAR_SPEC: TypeSpec = TypeSpec {
    name: "typing.TypeVar",
    slots: Slots { repr: Some(repr), or: Some(union::or_checked), new: Some(new_from_args), ..Slots::NONE },
    methods: &[Shared::METHODS, TypeVar::METHODS],
    getsets: &[Shared::GETSETS, TypeVar::GETSETS, NAME, VARIANCE],
    doc: "Type variable.",
    signature: "(name, *constraints, bound=None, default=typing.NoDefault,\n        covariant=False, contravariant=False, infer_variance=False)",
    ..SPEC
};

/// The type `typing.ParamSpec`.
pub static PARAM_SPEC: Type = Type::new(&PARAM_SPEC_SPEC);
static PARAM_SPEC_SPEC: TypeSpec = TypeSpec {
    name: "typing.ParamSpec",
    slots: Slots { repr: Some(repr), or: Some(union::or_checked), new: Some(new_param_spec_from_args), ..Slots::NONE },
    methods: &[Shared::METHODS, ParamSpec::METHODS],
    getsets: &[Shared::GETSETS, ParamSpec::GETSETS, NAME, VARIANCE, BOUND],
    doc: "Parameter specification variable.",
    signature: "(name, *, bound=None, default=typing.NoDefault,\n          covariant=False, contravariant=False, infer_variance=False)",
    ..SPEC
};

/// The type `typing.TypeVarTuple`.
pub static TYPE_VAR_TUPLE: Type = Type::new(&TYPE_VAR_TUPLE_SPEC);
static TYPE_VAR_TUPLE_SPEC: TypeSpec = TypeSpec {
    name: "typing.TypeVarTuple",
    slots: Slots {
        repr: Some(|_, v| Ok(Value::of(param(v).name))),
        iter: Some(|cx, v| {
            let unpacked = unpack(cx, v)?;
            let only = Tuple::new(cx, &[unpacked]);
            crate::protocol::iter::iter(cx, Value::of(only))
        }),
        new: Some(new_tuple_from_args),
        ..Slots::NONE
    },
    methods: &[Shared::METHODS, TypeVarTuple::METHODS],
    getsets: &[Shared::GETSETS, NAME],
    doc: "Type variable tuple. A specialized form of type variable that enables\nvariadic generics.",
    signature: "(name, *, default=typing.NoDefault)",
    ..SPEC
};

members! {
    NAME: TypeVar;
    "__name__" "" |_cx, t| Value::of(t.name);
}
members! {
    VARIANCE: TypeVar;
    "__covariant__" "" |_cx, t| Value::bool(t.covariant);
    "__contravariant__" "" |_cx, t| Value::bool(t.contravariant);
    "__infer_variance__" "" |_cx, t| Value::bool(t.infer_variance);
}
members! {
    BOUND: TypeVar;
    "__bound__" "" |_cx, t| t.bound.value.get().unwrap_or(Value::none());
}

/// What all type parameters have.
struct Shared;

#[pymethods]
impl Shared {
    #[py("($self, /)")]
    fn has_default(_cx: &mut Cx, this: Value) -> bool {
        let default = &param(this).default;
        default.evaluator.get().is_some() || default.value.get().is_some_and(|d| d != no_default())
    }
    #[py("($self, /)")]
    fn __reduce__(_cx: &mut Cx, this: Value) -> Value {
        Value::of(param(this).name)
    }
    #[py("($self, object, /)")]
    fn __mro_entries__(cx: &mut Cx, this: Value, _object: Value) -> PyResult<Value> {
        let kind = this.class().name();
        raise!(cx, TypeError, "Cannot subclass an instance of {kind}")
    }
    #[getter]
    fn __default__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        Ok(param(this).default.get(cx, this)?.unwrap_or(no_default()))
    }
    #[getter]
    fn evaluate_default(cx: &mut Cx, this: Value) -> Value {
        param(this).default.evaluator(cx)
    }
}

#[pymethods]
impl TypeVar {
    #[py("($self, arg, /)")]
    fn __typing_subst__(cx: &mut Cx, this: Value, arg: Value) -> PyResult<Value> {
        call_typing(cx, "_typevar_subst", &[this, arg])
    }
    #[py("($self, alias, args, /)")]
    fn __typing_prepare_subst__(cx: &mut Cx, this: Value, alias: Value, args: Value) -> PyResult<Value> {
        let key = cx.names().__parameters__;
        let params = attr::get(cx, alias, key)?;
        let params = crate::protocol::iter::to_tuple(cx, params)?;
        let given = crate::protocol::iter::to_tuple(cx, args)?;
        let Some(index) = params.items().iter().position(|p| *p == this) else { return Ok(args) };
        if index < given.len() {
            return Ok(args);
        }
        let default = Shared::__default__(cx, this)?;
        if index > given.len() || default == no_default() {
            let text = any::str(cx, alias)?.to_string_lossy();
            let (actual, expected) = (given.len(), index + 1);
            return raise!(
                cx,
                TypeError,
                "Too few arguments for {text}; actual {actual}, expected at least {expected}"
            );
        }
        let mut all = crate::heap::RootVec::from_slice(given.items());
        all.push(default);
        Ok(Value::of(Tuple::new(cx, &all)))
    }
    #[getter]
    fn __bound__(cx: &mut Cx, this: &'static TypeVar) -> PyResult<Value> {
        Ok(this.bound.get(cx, Value::of(this))?.unwrap_or(Value::none()))
    }
    #[getter]
    fn __constraints__(cx: &mut Cx, this: &'static TypeVar) -> PyResult<Value> {
        let constraints = this.constraints.get(cx, Value::of(this))?;
        Ok(constraints.unwrap_or_else(|| Value::of(Tuple::new(cx, &[]))))
    }
    #[getter]
    fn evaluate_bound(cx: &mut Cx, this: &'static TypeVar) -> Value {
        this.bound.evaluator(cx)
    }
    #[getter]
    fn evaluate_constraints(cx: &mut Cx, this: &'static TypeVar) -> Value {
        this.constraints.evaluator(cx)
    }
}

/// True if a type parameter of any make has a default.
pub fn has_default(cx: &mut Cx, v: Value) -> PyResult<bool> {
    let name = cx.intern("has_default");
    match attr::get_optional(cx, v, name)? {
        Some(f) => {
            let r = cx.call(f, &[])?;
            any::truth(cx, r)
        }
        None => Ok(false),
    }
}

#[pymethods]
impl ParamSpec {
    #[py("($self, arg, /)")]
    fn __typing_subst__(cx: &mut Cx, this: Value, arg: Value) -> PyResult<Value> {
        call_typing(cx, "_paramspec_subst", &[this, arg])
    }
    #[py("($self, alias, args, /)")]
    fn __typing_prepare_subst__(cx: &mut Cx, this: Value, alias: Value, args: Value) -> PyResult<Value> {
        call_typing(cx, "_paramspec_prepare_subst", &[this, alias, args])
    }
    /// Represents positional arguments.
    #[getter]
    fn args(cx: &mut Cx, this: Value) -> Value {
        new_part(cx, &PARAM_SPEC_ARGS, this)
    }
    /// Represents keyword arguments.
    #[getter]
    fn kwargs(cx: &mut Cx, this: Value) -> Value {
        new_part(cx, &PARAM_SPEC_KWARGS, this)
    }
}

#[pymethods]
impl TypeVarTuple {
    #[py("($self, arg, /)")]
    fn __typing_subst__(cx: &mut Cx, _this: Value, _arg: Value) -> PyResult<Value> {
        raise!(cx, TypeError, "Substitution of bare TypeVarTuple is not supported")
    }
    #[py("($self, alias, args, /)")]
    fn __typing_prepare_subst__(cx: &mut Cx, this: Value, alias: Value, args: Value) -> PyResult<Value> {
        call_typing(cx, "_typevartuple_prepare_subst", &[this, alias, args])
    }
}

// ---- construction ----------------------------------------------------------------------------------

fn alloc(cx: &mut Cx, class: &'static Type, this: TypeVar) -> Value {
    Value::of(cx.alloc_of(class, this))
}

fn fresh(class: &'static Type, name: &'static Str) -> TypeVar {
    TypeVar {
        header: Header::fresh(class),
        name,
        bound: Lazy::default(),
        constraints: Lazy::default(),
        default: Lazy::default(),
        covariant: false,
        contravariant: false,
        infer_variance: false,
    }
}

/// Parameters of the constructors, behind the name.
#[derive(Default)]
struct Given {
    bound: Option<Value>,
    default: Option<Value>,
    covariant: bool,
    contravariant: bool,
    infer_variance: bool,
}

static OPTIONS: Signature = Signature {
    name: "typevar",
    names: &["name", "bound", "default", "covariant", "contravariant", "infer_variance"],
    positional_only: 0,
    positional: 1,
    required: 1,
    keyword_required: &[false; 5],
    varargs: true,
    varkw: false,
};
static PARAM_SPEC_OPTIONS: Signature = Signature { name: "paramspec", varargs: false, ..copy(&OPTIONS) };
static TUPLE_OPTIONS: Signature = Signature {
    name: "typevartuple",
    names: &["name", "default"],
    keyword_required: &[false],
    varargs: false,
    ..copy(&OPTIONS)
};

const fn copy(s: &Signature) -> Signature {
    Signature {
        name: s.name,
        names: s.names,
        positional_only: s.positional_only,
        positional: s.positional,
        required: s.required,
        keyword_required: s.keyword_required,
        varargs: s.varargs,
        varkw: s.varkw,
    }
}

fn options(cx: &mut Cx, bound: &[Option<Value>]) -> PyResult<Given> {
    let mut flags = [false; 3];
    for (flag, given) in flags.iter_mut().zip(&bound[3..6]) {
        if let Some(v) = given {
            *flag = any::truth(cx, *v)?;
        }
    }
    let [covariant, contravariant, infer_variance] = flags;
    if covariant && contravariant {
        return raise!(cx, ValueError, "Bivariant types are not supported.");
    }
    if infer_variance && (covariant || contravariant) {
        return raise!(cx, ValueError, "Variance cannot be specified with infer_variance.");
    }
    let mut bound_type = None;
    if let Some(v) = bound[1].filter(|v| !v.is_none()) {
        bound_type = Some(type_check(cx, v, "Bound must be a type.")?);
    }
    Ok(Given { bound: bound_type, default: bound[2], covariant, contravariant, infer_variance })
}

fn set_module(cx: &mut Cx, v: Value) -> PyResult<()> {
    let key = cx.names().__module__;
    match caller_module(cx) {
        Some(module) => attr::generic_set(cx, v, key, Some(module)),
        None => Ok(()),
    }
}

fn with_options(this: TypeVar, given: Given) -> TypeVar {
    TypeVar {
        bound: Lazy::of(given.bound, None),
        default: Lazy::of(Some(given.default.unwrap_or(no_default())), None),
        covariant: given.covariant,
        contravariant: given.contravariant,
        infer_variance: given.infer_variance,
        ..this
    }
}

fn new_from_args(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 7];
    native::bind(cx, &OPTIONS, args, &mut bound)?;
    let name = name_argument(cx, "typevar", bound[0].expect("required"))?;
    let given = options(cx, &bound)?;
    let constraints = bound[6].and_then(|c| c.downcast::<Tuple>()).filter(|c| !c.is_empty());
    if let Some(constraints) = constraints {
        if constraints.len() == 1 {
            return raise!(cx, TypeError, "A single constraint is not allowed");
        }
        if given.bound.is_some() {
            return raise!(cx, TypeError, "Constraints cannot be combined with bound=...");
        }
    }
    let this = with_options(fresh(class, name), given);
    this.constraints.value.set(constraints.map(Value::of));
    let this = alloc(cx, class, this);
    set_module(cx, this)?;
    Ok(this)
}

fn new_param_spec_from_args(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 6];
    native::bind(cx, &PARAM_SPEC_OPTIONS, args, &mut bound)?;
    let name = name_argument(cx, "paramspec", bound[0].expect("required"))?;
    let given = options(cx, &bound)?;
    let this = alloc(cx, class, with_options(fresh(class, name), given));
    set_module(cx, this)?;
    Ok(this)
}

fn new_tuple_from_args(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    native::bind(cx, &TUPLE_OPTIONS, args, &mut bound)?;
    let name = name_argument(cx, "typevartuple", bound[0].expect("required"))?;
    let given = Given { default: bound[1], ..Given::default() };
    let this = alloc(cx, class, with_options(fresh(class, name), given));
    set_module(cx, this)?;
    Ok(this)
}

/// The type variable of a type parameter list, with evaluators of its bound or constraints. May collect.
pub fn new_type_var(
    cx: &mut Cx,
    name: &'static Str,
    evaluate_bound: Option<Value>,
    evaluate_constraints: Option<Value>,
) -> Value {
    let this = TypeVar { infer_variance: true, ..fresh(&TYPE_VAR, name) };
    this.bound.evaluator.set(evaluate_bound);
    this.constraints.evaluator.set(evaluate_constraints);
    this.default.value.set(Some(no_default()));
    alloc(cx, &TYPE_VAR, this)
}

/// The ParamSpec of a type parameter list. May collect.
pub fn new_param_spec(cx: &mut Cx, name: &'static Str) -> Value {
    let this = TypeVar { infer_variance: true, ..fresh(&PARAM_SPEC, name) };
    this.default.value.set(Some(no_default()));
    alloc(cx, &PARAM_SPEC, this)
}

/// The TypeVarTuple of a type parameter list. May collect.
pub fn new_type_var_tuple(cx: &mut Cx, name: &'static Str) -> Value {
    let this = fresh(&TYPE_VAR_TUPLE, name);
    this.default.value.set(Some(no_default()));
    alloc(cx, &TYPE_VAR_TUPLE, this)
}

/// Gives a type parameter the default that `evaluator` computes.
pub fn set_default(cx: &mut Cx, v: Value, evaluator: Value) -> PyResult<()> {
    let class = v.class();
    if ![&TYPE_VAR, &PARAM_SPEC, &TYPE_VAR_TUPLE].iter().any(|t| std::ptr::eq(*t, class)) {
        return raise!(cx, TypeError, "Expected a type param, got {}", any::repr_text(cx, v)?);
    }
    let this = param(v);
    this.default.value.set(None);
    this.default.evaluator.set(Some(evaluator));
    cx.barrier(this);
    Ok(())
}

// ---- P.args and P.kwargs ---------------------------------------------------------------------------

/// `P.args` or `P.kwargs`.
#[repr(C)]
pub struct ParamSpecPart {
    header: Header,
    origin: Value,
}
object!(ParamSpecPart, PARAM_SPEC_ARGS);

macro_rules! part_type {
    ($name:ident $spec:ident $py:literal $suffix:literal $function:literal) => {
        #[doc = concat!("The type `", $py, "`.")]
        pub static $name: Type = Type::new(&$spec);
        static $spec: TypeSpec = TypeSpec {
            name: $py,
            basicsize: std::mem::size_of::<ParamSpecPart>(),
            flags: flags::HAVE_GC,
            weakrefs: true,
            trace: Some(|object, marker| {
                // SAFETY: called for these objects only.
                marker.mark_value(unsafe { (*object.cast::<ParamSpecPart>()).origin }.bits());
            }),
            slots: Slots {
                repr: Some(|cx, v| repr_part(cx, v, $suffix)),
                richcompare: Some(|cx, a, b, op| compare_parts(cx, a, b, op, &$name)),
                new: Some(|cx, class, args| {
                    static ORIGIN: Signature = Signature {
                        name: $function,
                        names: &["origin"],
                        positional_only: 0,
                        positional: 1,
                        required: 1,
                        keyword_required: &[],
                        varargs: false,
                        varkw: false,
                    };
                    let mut bound = [None; 1];
                    native::bind(cx, &ORIGIN, args, &mut bound)?;
                    Ok(new_part(cx, class, bound[0].expect("required")))
                }),
                ..Slots::NONE
            },
            methods: &[ParamSpecPart::METHODS],
            getsets: &[PART_MEMBERS],
            signature: "(origin)",
            doc: concat!("The ", $suffix, " for a ParamSpec object."),
            ..TypeSpec::DEFAULT
        };
    };
}
part_type!(PARAM_SPEC_ARGS PARAM_SPEC_ARGS_SPEC "typing.ParamSpecArgs" "args" "paramspecargs");
part_type!(PARAM_SPEC_KWARGS PARAM_SPEC_KWARGS_SPEC "typing.ParamSpecKwargs" "kwargs" "paramspeckwargs");

members! {
    PART_MEMBERS: ParamSpecPart;
    "__origin__" "" |_cx, p| p.origin;
}

fn new_part(cx: &mut Cx, class: &'static Type, origin: Value) -> Value {
    Value::of(cx.alloc_of(class, ParamSpecPart { header: Header::fresh(class), origin }))
}

fn part(v: Value) -> &'static ParamSpecPart {
    // SAFETY: slots and methods of the two types.
    unsafe { v.cast() }
}

fn repr_part(cx: &mut Cx, v: Value, suffix: &str) -> PyResult<Value> {
    let origin = part(v).origin;
    let text = match origin.exact::<ParamSpec>() {
        Some(spec) => spec.0.name.to_string_lossy(),
        None => any::repr_text(cx, origin)?,
    };
    Ok(cx.str(&format!("{text}.{suffix}")))
}

fn compare_parts(cx: &mut Cx, a: Value, b: Value, op: CmpOp, class: &Type) -> PyResult<Value> {
    if !a.is_instance(class) || !b.is_instance(class) || !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    compare::rich(cx, part(a).origin, part(b).origin, op)
}

#[pymethods]
impl ParamSpecPart {
    #[py("($self, object, /)")]
    fn __mro_entries__(cx: &mut Cx, this: Value, _object: Value) -> PyResult<Value> {
        let kind = this.class().name();
        raise!(cx, TypeError, "Cannot subclass an instance of {kind}")
    }
}
