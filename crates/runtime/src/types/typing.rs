//! What the types of the type system share: names as reprs show them, checks through `typing`, evaluators, and what
//! the interpreter's intrinsics call.

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::protocol::import::import_module;
use crate::protocol::{attr, object as any};
use crate::typeobj::Type;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{generic_alias, mappingproxy, singletons, template, type_alias, type_params, union};
use crate::value::Value;
use crate::{PyResult, raise};

/// Types of the type system.
pub static TYPES: &[&Type] = &[
    &generic_alias::GENERIC_ALIAS,
    &generic_alias::ALIAS_ITERATOR,
    &union::UNION,
    &type_params::TYPE_VAR,
    &type_params::PARAM_SPEC,
    &type_params::PARAM_SPEC_ARGS,
    &type_params::PARAM_SPEC_KWARGS,
    &type_params::TYPE_VAR_TUPLE,
    &type_alias::TYPE_ALIAS,
    &type_alias::GENERIC,
    &type_alias::NO_DEFAULT_TYPE,
    &type_alias::CONST_EVALUATOR,
    &template::TEMPLATE,
    &template::INTERPOLATION,
    &template::TEMPLATE_ITERATOR,
];

/// `origin[args]` as a `types.GenericAlias`. May collect.
pub fn new_generic_alias(cx: &mut Cx, origin: Value, args: Value) -> PyResult<Value> {
    generic_alias::new(cx, origin, args)
}

/// A read-only view of a mapping (`types.MappingProxyType`). May collect.
pub fn new_mapping_proxy(cx: &mut Cx, mapping: Value) -> PyResult<Value> {
    Ok(mappingproxy::new(cx, mapping))
}

/// `typing.name(*args)`.
pub fn call_typing(cx: &mut Cx, name: &str, args: &[Value]) -> PyResult<Value> {
    let typing = import_module(cx, "typing")?;
    cx.call_method_text(typing, name, args)
}

/// A type argument as unions and type variables hold it: None stands for its type, what is no type goes through
/// `typing._type_check` with the message `text`.
pub fn type_check(cx: &mut Cx, v: Value, text: &str) -> PyResult<Value> {
    if v.is_none() {
        return Ok(Value::of(&singletons::NONE_TYPE));
    }
    if union::is_unionable(v) {
        return Ok(v);
    }
    let text = cx.str(text);
    call_typing(cx, "_type_check", &[v, text])
}

/// A type as reprs of aliases and unions show it.
pub fn type_text(cx: &mut Cx, v: Value) -> PyResult<String> {
    if v == Value::ellipsis() {
        return Ok("...".to_string());
    }
    if v == Value::of(&singletons::NONE_TYPE) {
        return Ok("None".to_string());
    }
    let names = cx.names();
    let is_alias =
        attr::get_optional(cx, v, names.__origin__)?.is_some() && attr::get_optional(cx, v, names.__args__)?.is_some();
    if !is_alias
        && let Some(qualname) = attr::get_optional(cx, v, names.__qualname__)?
        && let Some(module) = attr::get_optional(cx, v, names.__module__)?.filter(|m| !m.is_none())
    {
        let qualname = any::str(cx, qualname)?.to_string_lossy();
        let module = any::str(cx, module)?.to_string_lossy();
        return Ok(if module == "builtins" { qualname } else { format!("{module}.{qualname}") });
    }
    any::repr_text(cx, v)
}

/// What an evaluator (the function behind a bound, default or alias value) gives in format VALUE.
pub fn evaluate(cx: &mut Cx, evaluator: Value) -> PyResult<Value> {
    cx.call(evaluator, &[Value::small(1)])
}

/// `__module__` of something made by the running Python code.
pub fn caller_module(cx: &mut Cx) -> Option<Value> {
    // SAFETY: FRAME-1.
    let frame = unsafe { cx.frame.as_ref() }?;
    if let Some(function) = frame.function {
        return function.module.get();
    }
    frame.globals.get_str(cx.names().__name__)
}

/// `*params` with the TypeVarTuples unpacked, as parameters of an alias.
pub fn unpack_params(cx: &mut Cx, params: &'static Tuple) -> PyResult<RootVec> {
    let mut out = RootVec::new();
    for param in params.items() {
        if param.exact::<type_params::TypeVarTuple>().is_some() {
            let unpacked = unpack(cx, *param)?;
            out.push(unpacked);
        } else {
            out.push(*param);
        }
    }
    Ok(out)
}

/// `typing.Unpack[v]`.
pub fn unpack(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let typing = import_module(cx, "typing")?;
    let unpack = attr::get_text(cx, typing, "Unpack")?;
    any::get_item(cx, unpack, v)
}

// ---- intrinsics ------------------------------------------------------------------------------------

/// `Generic[*params]`, the base of a class with type parameters.
pub fn subscript_generic(cx: &mut Cx, params: Value) -> PyResult<Value> {
    let unpacked = match params.downcast::<Tuple>() {
        Some(params) => unpack_params(cx, params)?,
        None => RootVec::from_slice(&[params]),
    };
    let args = Value::of(Tuple::new(cx, &unpacked));
    call_typing(cx, "_GenericAlias", &[Value::of(&type_alias::GENERIC), args])
}

/// `type name[params] = ...` from the triple (name, params or None, evaluator).
pub fn new_type_alias(cx: &mut Cx, triple: Value) -> PyResult<Value> {
    match triple.downcast::<Tuple>().map(|t| t.items()) {
        Some(&[name, params, evaluator]) => type_alias::from_statement(cx, name, params, evaluator),
        _ => raise!(cx, SystemError, "a type statement gives a name, parameters and a value"),
    }
}

/// Gives type parameter `param` the default that `evaluator` computes.
pub fn set_default(cx: &mut Cx, param: Value, evaluator: Value) -> PyResult<Value> {
    type_params::set_default(cx, param, evaluator)?;
    Ok(param)
}

/// `function.__type_params__ = params`.
pub fn set_function_type_params(cx: &mut Cx, function: Value, params: Value) -> PyResult<Value> {
    if let (Some(f), Some(params)) = (function.exact::<Function>(), params.downcast::<Tuple>()) {
        f.type_params.set(Some(params));
        cx.barrier(f);
    }
    Ok(function)
}

/// A name argument of a constructor of this family: "typevar() argument 'name' must be str, not int".
pub fn name_argument(cx: &mut Cx, function: &str, v: Value) -> PyResult<&'static Str> {
    match v.downcast::<Str>() {
        Some(name) => Ok(name),
        None => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "{function}() argument 'name' must be str, not {got}")
        }
    }
}

/// Adjusts the types of the type system in what their tables cannot say. Called once at start.
pub fn finish_types(cx: &mut Cx) {
    let names = ["value", "expression", "conversion", "format_spec"].map(|n| Value::of(cx.intern(n)));
    let names = Value::of(Tuple::new(cx, &names));
    let key = cx.names().__match_args__;
    template::INTERPOLATION.dict().set_str(cx, key, names);
    // Type parameters have attributes but no `__dict__`.
    let key = cx.names().__dict__;
    for class in [&type_params::TYPE_VAR, &type_params::PARAM_SPEC, &type_params::TYPE_VAR_TUPLE] {
        class.dict().remove_str(cx, key);
    }
}
