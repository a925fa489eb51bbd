//! TypeAliasType (`type X = ...`), Generic, NoDefault and the evaluators of constant values.

use std::cell::Cell;

use crate::cx::Cx;
use crate::native::{self, Args, ParamSpec as Signature};
use crate::object::Header;
use crate::protocol::import::import_module;
use crate::protocol::{attr, number, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::descr_methods::members;
use crate::types::function::Function;
use crate::types::generic_alias;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_params::{PARAM_SPEC, TYPE_VAR, TYPE_VAR_TUPLE, has_default};
use crate::types::typing::{caller_module, evaluate, name_argument, type_text, unpack, unpack_params};
use crate::types::union;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A type alias.
#[repr(C)]
pub struct TypeAlias {
    header: Header,
    name: &'static Str,
    params: Option<&'static Tuple>,
    evaluator: Option<Value>,
    value: Cell<Option<Value>>,
    module: Option<Value>,
}
object!(TypeAlias, TYPE_ALIAS);

/// The type `typing.TypeAliasType`.
pub static TYPE_ALIAS: Type = Type::new(&TYPE_ALIAS_SPEC);
static TYPE_ALIAS_SPEC: TypeSpec = TypeSpec {
    name: "typing.TypeAliasType",
    basicsize: std::mem::size_of::<TypeAlias>(),
    trace: Some(trace_type_alias),
    slots: Slots {
        repr: Some(|_, v| Ok(Value::of(alias(v).name))),
        or: Some(union::or),
        getitem: Some(|cx, v, item| match alias(v).params {
            Some(_) => generic_alias::new(cx, v, item),
            None => raise!(cx, TypeError, "Only generic type aliases are subscriptable"),
        }),
        iter: Some(|cx, v| {
            let unpacked = unpack(cx, v)?;
            let only = Tuple::new(cx, &[unpacked]);
            crate::protocol::iter::iter(cx, Value::of(only))
        }),
        new: Some(new_alias),
        ..Slots::NONE
    },
    methods: &[TypeAlias::METHODS],
    getsets: &[TypeAlias::GETSETS, ALIAS_MEMBERS],
    doc: "Type alias.\n\nType aliases are created through the type statement::\n\n    type Alias = int",
    signature: "(name, value, *, type_params=())",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_type_alias(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for type aliases only.
    let this = unsafe { &*object.cast::<TypeAlias>() };
    marker.mark_value(Value::of(this.name).bits());
    let parts = [this.params.map(Value::of), this.evaluator, this.value.get(), this.module];
    for v in parts.into_iter().flatten() {
        marker.mark_value(v.bits());
    }
}

fn alias(v: Value) -> &'static TypeAlias {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

members! {
    ALIAS_MEMBERS: TypeAlias;
    "__name__" "" |_cx, a| Value::of(a.name);
}

#[pymethods]
impl TypeAlias {
    #[py("($self, /)")]
    fn __reduce__(_cx: &mut Cx, this: &'static TypeAlias) -> Value {
        Value::of(this.name)
    }
    #[getter]
    fn __parameters__(cx: &mut Cx, this: &'static TypeAlias) -> PyResult<Value> {
        let params = this.params.unwrap_or_else(|| Tuple::new(cx, &[]));
        let unpacked = unpack_params(cx, params)?;
        Ok(Value::of(Tuple::new(cx, &unpacked)))
    }
    #[getter]
    fn __type_params__(cx: &mut Cx, this: &'static TypeAlias) -> Value {
        Value::of(this.params.unwrap_or_else(|| Tuple::new(cx, &[])))
    }
    #[getter]
    fn __value__(cx: &mut Cx, this: &'static TypeAlias) -> PyResult<Value> {
        if let Some(value) = this.value.get() {
            return Ok(value);
        }
        let value = match this.evaluator {
            Some(evaluator) => evaluate(cx, evaluator)?,
            None => Value::none(),
        };
        this.value.set(Some(value));
        cx.barrier(this);
        Ok(value)
    }
    #[getter]
    fn evaluate_value(cx: &mut Cx, this: &'static TypeAlias) -> Value {
        match (this.evaluator, this.value.get()) {
            (Some(evaluator), _) => evaluator,
            (None, Some(value)) => new_const_evaluator(cx, value),
            (None, None) => Value::none(),
        }
    }
    #[getter]
    fn __module__(_cx: &mut Cx, this: &'static TypeAlias) -> Value {
        let from_evaluator = || this.evaluator.and_then(|f| f.exact::<Function>()).and_then(|f| f.module.get());
        this.module.or_else(from_evaluator).unwrap_or(Value::none())
    }
}

static ALIAS_PARAMS: Signature = Signature {
    name: "typealias",
    names: &["name", "value", "type_params"],
    positional_only: 0,
    positional: 2,
    required: 2,
    keyword_required: &[false],
    varargs: false,
    varkw: false,
};

fn new_alias(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 3];
    native::bind(cx, &ALIAS_PARAMS, args, &mut bound)?;
    let name = name_argument(cx, "typealias", bound[0].expect("required"))?;
    let params = match bound[2] {
        None => None,
        Some(params) => match params.downcast::<Tuple>() {
            Some(params) => Some(check_params(cx, params)?),
            None => return raise!(cx, TypeError, "type_params must be a tuple"),
        },
    };
    let this = TypeAlias {
        header: Header::fresh(class),
        name,
        params: params.filter(|p| !p.is_empty()),
        evaluator: None,
        value: Cell::new(bound[1]),
        module: caller_module(cx),
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

fn check_params(cx: &mut Cx, params: &'static Tuple) -> PyResult<&'static Tuple> {
    let mut defaults = false;
    for param in params.items() {
        if ![&TYPE_VAR, &PARAM_SPEC, &TYPE_VAR_TUPLE].iter().any(|t| param.is_instance(t)) {
            return raise!(cx, TypeError, "Expected a type param, got {}", any::repr_text(cx, *param)?);
        }
        match has_default(cx, *param)? {
            true => defaults = true,
            false if defaults => {
                let text = any::repr_text(cx, *param)?;
                return raise!(cx, TypeError, "non-default type parameter '{text}' follows default type parameter");
            }
            false => {}
        }
    }
    Ok(params)
}

/// The alias of a type statement. May collect.
pub fn from_statement(cx: &mut Cx, name: Value, params: Value, evaluator: Value) -> PyResult<Value> {
    let name = name_argument(cx, "typealias", name)?;
    let this = TypeAlias {
        header: Header::fresh(&TYPE_ALIAS),
        name,
        params: params.downcast::<Tuple>().filter(|p| !p.is_empty()),
        evaluator: Some(evaluator),
        value: Cell::new(None),
        module: None,
    };
    Ok(Value::of(cx.alloc(this)))
}

// ---- Generic ---------------------------------------------------------------------------------------

/// The type `typing.Generic`.
pub static GENERIC: Type = Type::new(&GENERIC_SPEC);
static GENERIC_SPEC: TypeSpec = TypeSpec {
    name: "typing.Generic",
    basicsize: 16,
    flags: flags::BASETYPE,
    methods: &[GenericMethods::METHODS],
    doc: "Abstract base class for generic types.\n\nOn Python 3.12 and newer, generic classes implicitly inherit from\nGeneric when they declare a parameter list after the class's name::\n\n    class Mapping[KT, VT]:\n        def __getitem__(self, key: KT) -> VT:\n            ...\n        # Etc.\n\nOn older versions of Python, however, generic classes have to\nexplicitly inherit from Generic.\n\nAfter a class has been declared to be generic, it can then be used as\nfollows::\n\n    def lookup_name[KT, VT](mapping: Mapping[KT, VT], key: KT, default: VT) -> VT:\n        try:\n            return mapping[key]\n        except KeyError:\n            return default\n",
    ..TypeSpec::DEFAULT
};

struct GenericMethods;

#[pymethods]
impl GenericMethods {
    /// Parameterizes a generic class.
    ///
    /// At least, parameterizing a generic class is the *main* thing this
    /// method does.  For example, for some generic class `Foo`, this is
    /// called when we do `Foo[int]` - there, with `cls=Foo` and
    /// `params=int`.
    ///
    /// However, note that this method is also called when defining generic
    /// classes in the first place with `class Foo[T]: ...`.
    ///
    #[classmethod]
    #[py("($type, *args, **kwargs)", raw)]
    fn __class_getitem__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        forward(cx, "_generic_class_getitem", args)
    }
    /// Function to initialize subclasses.
    #[classmethod]
    #[py("($type, *args, **kwargs)", raw)]
    fn __init_subclass__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        forward(cx, "_generic_init_subclass", args)
    }
}

fn forward(cx: &mut Cx, name: &str, args: Args) -> PyResult<Value> {
    let typing = import_module(cx, "typing")?;
    let f = attr::get_text(cx, typing, name)?;
    cx.call_args(f, args)
}

// ---- NoDefault -------------------------------------------------------------------------------------

/// The object typing.NoDefault.
#[repr(C)]
#[derive(Debug)]
pub struct NoDefault {
    header: Header,
}
object!(NoDefault, NO_DEFAULT_TYPE);

static NO_DEFAULT: NoDefault = NoDefault { header: Header::immortal(&NO_DEFAULT_TYPE) };

/// typing.NoDefault: the default of type parameters without one.
pub fn no_default() -> Value {
    Value::from_address(&raw const NO_DEFAULT as usize)
}

/// The type of NoDefault.
pub static NO_DEFAULT_TYPE: Type = Type::new(&NO_DEFAULT_SPEC);
static NO_DEFAULT_SPEC: TypeSpec = TypeSpec {
    name: "NoDefaultType",
    basicsize: 16,
    slots: Slots {
        repr: Some(|cx, _| Ok(cx.str("typing.NoDefault"))),
        new: Some(|cx, _, args| {
            if !args.values().is_empty() {
                return raise!(cx, TypeError, "NoDefaultType takes no arguments");
            }
            Ok(no_default())
        }),
        ..Slots::NONE
    },
    methods: &[NoDefault::METHODS],
    doc: "The type of the NoDefault singleton.",
    ..TypeSpec::DEFAULT
};

#[pymethods]
impl NoDefault {
    #[py("($self, /)")]
    fn __reduce__(_cx: &mut Cx, _this: Value) -> &'static str {
        "NoDefault"
    }
}

// ---- evaluators of constant values -----------------------------------------------------------------

/// The evaluator of a bound, default or alias value that was given as such.
#[repr(C)]
pub struct ConstEvaluator {
    header: Header,
    value: Value,
}
object!(ConstEvaluator, CONST_EVALUATOR);

/// The type `_typing._ConstEvaluator`.
pub static CONST_EVALUATOR: Type = Type::new(&CONST_EVALUATOR_SPEC);
static CONST_EVALUATOR_SPEC: TypeSpec = TypeSpec {
    name: "_typing._ConstEvaluator",
    basicsize: std::mem::size_of::<ConstEvaluator>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(|object, marker| {
        // SAFETY: called for these objects only.
        marker.mark_value(unsafe { (*object.cast::<ConstEvaluator>()).value }.bits());
    }),
    slots: Slots {
        repr: Some(|cx, v| {
            let value = any::repr_text(cx, constant(v))?;
            Ok(cx.str(&format!("<constevaluator {value}>")))
        }),
        call: Some(|cx, v, args| {
            args.no_keywords(cx, "constevaluator.__call__")?;
            let &[format] = args.values() else {
                let n = args.values().len();
                return raise!(cx, TypeError, "constevaluator.__call__() takes exactly 1 argument ({n} given)");
            };
            if number::to_i64(cx, format)? == STRING {
                return source_text(cx, constant(v));
            }
            Ok(constant(v))
        }),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// `annotationlib.Format.STRING`.
const STRING: i64 = 4;

fn constant(v: Value) -> Value {
    // SAFETY: slots of the type.
    unsafe { v.cast::<ConstEvaluator>() }.value
}

/// An evaluator that gives `value`. May collect.
pub fn new_const_evaluator(cx: &mut Cx, value: Value) -> Value {
    Value::of(cx.alloc(ConstEvaluator { header: Header::fresh(&CONST_EVALUATOR), value }))
}

/// A value as annotation source: constraints in parentheses.
fn source_text(cx: &mut Cx, value: Value) -> PyResult<Value> {
    let text = match value.exact::<Tuple>() {
        Some(items) => {
            let mut parts = Vec::new();
            for item in items.items() {
                parts.push(type_text(cx, *item)?);
            }
            format!("({})", parts.join(", "))
        }
        None => type_text(cx, value)?,
    };
    Ok(cx.str(&text))
}
