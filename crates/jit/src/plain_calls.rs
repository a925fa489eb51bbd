//! Built-in methods and functions that certainly run no Python code, with what that needs; calls of them by compiled code. As in
//! `crate::plain`, [`NOT_PLAIN`] means that nothing was done.

use taipan_runtime::dict::{Dict, hash_key};
use taipan_runtime::native::Args;
use taipan_runtime::types::descr::{MethodDescr, NativeFunction};
use taipan_runtime::types::list::List;
use taipan_runtime::types::set_known::exact_set;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, Value};

use crate::plain::{NOT_PLAIN, is_key, is_number, is_scalar, plain_set, word};

/// What arguments of a built-in function or method must be for it to run no Python code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Strs, numbers, None, bytes, and tuples of them, the receiver aside.
    Scalars,
    /// Numbers.
    Numbers,
    /// A list or tuple.
    Row,
    /// Numbers, or a built-in list, tuple, set or frozenset of numbers alone.
    NumbersOrRow,
    /// The first one is a key whose place in the receiver is known, the others anything.
    Key,
}

/// What a built-in function or method returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// Anything.
    Any,
    /// A float.
    Float,
    /// A str.
    Str,
    /// A list.
    List,
}

/// Built-in methods that run no Python code: type, name, needs, result.
pub const METHODS: &[(&str, &str, Needs, Gives)] = &[
    ("list", "append", Needs::Nothing, Gives::Any),
    ("list", "pop", Needs::Numbers, Gives::Any),
    ("list", "insert", Needs::Nothing, Gives::Any),
    ("list", "reverse", Needs::Nothing, Gives::Any),
    ("list", "clear", Needs::Nothing, Gives::Any),
    ("list", "copy", Needs::Nothing, Gives::List),
    ("list", "extend", Needs::Row, Gives::Any),
    ("str", "join", Needs::Row, Gives::Str),
    ("str", "startswith", Needs::Scalars, Gives::Any),
    ("str", "endswith", Needs::Scalars, Gives::Any),
    ("str", "split", Needs::Scalars, Gives::List),
    ("str", "strip", Needs::Scalars, Gives::Str),
    ("str", "lstrip", Needs::Scalars, Gives::Str),
    ("str", "rstrip", Needs::Scalars, Gives::Str),
    ("str", "lower", Needs::Scalars, Gives::Str),
    ("str", "upper", Needs::Scalars, Gives::Str),
    ("str", "replace", Needs::Scalars, Gives::Str),
    ("str", "find", Needs::Scalars, Gives::Any),
    ("str", "count", Needs::Scalars, Gives::Any),
    ("str", "isdigit", Needs::Nothing, Gives::Any),
    ("str", "isalpha", Needs::Nothing, Gives::Any),
    ("str", "isalnum", Needs::Nothing, Gives::Any),
    ("str", "isspace", Needs::Nothing, Gives::Any),
    ("str", "isupper", Needs::Nothing, Gives::Any),
    ("str", "islower", Needs::Nothing, Gives::Any),
    ("str", "isidentifier", Needs::Nothing, Gives::Any),
    ("str", "zfill", Needs::Scalars, Gives::Str),
    ("str", "rjust", Needs::Scalars, Gives::Str),
    ("str", "ljust", Needs::Scalars, Gives::Str),
    ("dict", "get", Needs::Key, Gives::Any),
    ("dict", "setdefault", Needs::Key, Gives::Any),
    ("dict", "pop", Needs::Key, Gives::Any),
    ("set", "add", Needs::Key, Gives::Any),
    ("set", "discard", Needs::Key, Gives::Any),
    ("set", "remove", Needs::Key, Gives::Any),
    ("dict", "items", Needs::Nothing, Gives::Any),
    ("dict", "keys", Needs::Nothing, Gives::Any),
    ("dict", "values", Needs::Nothing, Gives::Any),
    ("dict", "copy", Needs::Nothing, Gives::Any),
    ("set", "copy", Needs::Nothing, Gives::Any),
    ("bytes", "find", Needs::Scalars, Gives::Any),
    ("bytes", "count", Needs::Scalars, Gives::Any),
    ("bytes", "startswith", Needs::Scalars, Gives::Any),
    ("bytes", "endswith", Needs::Scalars, Gives::Any),
    ("bytes", "hex", Needs::Nothing, Gives::Any),
    ("bytearray", "append", Needs::Numbers, Gives::Any),
    ("bytearray", "extend", Needs::Scalars, Gives::Any),
    ("bytearray", "pop", Needs::Numbers, Gives::Any),
    ("int", "to_bytes", Needs::Scalars, Gives::Any),
    ("int", "bit_length", Needs::Nothing, Gives::Any),
    ("int", "bit_count", Needs::Nothing, Gives::Any),
];

/// Built-in functions that run no Python code: module, name, needs, result.
pub const FUNCTIONS: &[(&str, &str, Needs, Gives)] = &[
    ("builtins", "ord", Needs::Scalars, Gives::Any),
    ("builtins", "chr", Needs::Numbers, Gives::Str),
    ("builtins", "abs", Needs::Numbers, Gives::Any),
    ("builtins", "min", Needs::NumbersOrRow, Gives::Any),
    ("builtins", "max", Needs::NumbersOrRow, Gives::Any),
    ("builtins", "divmod", Needs::Numbers, Gives::Any),
    ("builtins", "round", Needs::Numbers, Gives::Any),
    ("builtins", "pow", Needs::Numbers, Gives::Any),
    ("builtins", "hash", Needs::Scalars, Gives::Any),
    ("builtins", "id", Needs::Nothing, Gives::Any),
    ("builtins", "bin", Needs::Numbers, Gives::Str),
    ("builtins", "hex", Needs::Numbers, Gives::Str),
    ("math", "sin", Needs::Numbers, Gives::Float),
    ("math", "cos", Needs::Numbers, Gives::Float),
    ("math", "tan", Needs::Numbers, Gives::Float),
    ("math", "asin", Needs::Numbers, Gives::Float),
    ("math", "acos", Needs::Numbers, Gives::Float),
    ("math", "atan", Needs::Numbers, Gives::Float),
    ("math", "atan2", Needs::Numbers, Gives::Float),
    ("math", "exp", Needs::Numbers, Gives::Float),
    ("math", "log", Needs::Numbers, Gives::Float),
    ("math", "log2", Needs::Numbers, Gives::Float),
    ("math", "log10", Needs::Numbers, Gives::Float),
    ("math", "pow", Needs::Numbers, Gives::Float),
    ("math", "sqrt", Needs::Numbers, Gives::Float),
    ("math", "fabs", Needs::Numbers, Gives::Float),
    ("math", "fmod", Needs::Numbers, Gives::Float),
    ("math", "hypot", Needs::Numbers, Gives::Float),
    ("math", "copysign", Needs::Numbers, Gives::Float),
    ("math", "degrees", Needs::Numbers, Gives::Float),
    ("math", "radians", Needs::Numbers, Gives::Float),
    ("math", "floor", Needs::Numbers, Gives::Any),
    ("math", "ceil", Needs::Numbers, Gives::Any),
    ("math", "trunc", Needs::Numbers, Gives::Any),
    ("math", "gcd", Needs::Numbers, Gives::Any),
    ("math", "isqrt", Needs::Numbers, Gives::Any),
    ("math", "isnan", Needs::Numbers, Gives::Any),
    ("math", "isinf", Needs::Numbers, Gives::Any),
];

/// The row of a built-in method.
pub fn method_row(method: &MethodDescr) -> Option<(Needs, Gives)> {
    if method.owner.is_heap_type() {
        return None;
    }
    let owner = method.owner.tp_name();
    METHODS.iter().find(|r| r.0 == owner && r.1 == method.def.name).map(|r| (r.2, r.3))
}

/// The row of a built-in function of a module.
pub fn function_row(module: &str, name: &str) -> Option<(Needs, Gives)> {
    FUNCTIONS.iter().find(|r| r.0 == module && r.1 == name).map(|r| (r.2, r.3))
}

/// Whether `v` is a built-in list, tuple, set or frozenset of numbers alone.
fn are_numbers(v: Value) -> bool {
    if let Some(list) = v.exact::<List>() {
        return list.is_packed() || list.items().iter().all(|i| is_number(*i));
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        return tuple.items().iter().all(|i| is_number(*i));
    }
    exact_set(v).is_some_and(|s| s.iter().all(|(i, _)| is_number(i)))
}

fn meets(args: &[Value], needs: Needs) -> bool {
    match needs {
        Needs::Nothing => true,
        Needs::Scalars => args.iter().all(|a| is_scalar(*a, 1)),
        Needs::Numbers => args.iter().all(|a| is_number(*a)),
        Needs::NumbersOrRow => match *args {
            [only] if !is_number(only) => are_numbers(only),
            _ => args.iter().all(|a| is_number(*a)),
        },
        Needs::Row => args.iter().all(|a| a.exact::<List>().is_some() || a.exact::<Tuple>().is_some()),
        Needs::Key => false,
    }
}

fn needs_from(n: usize) -> Needs {
    [Needs::Nothing, Needs::Scalars, Needs::Numbers, Needs::Row, Needs::NumbersOrRow, Needs::Key][n % 6]
}

/// Whether it is known without running Python code where in a dict or set the first argument is or would be.
fn is_known_key(cx: &mut Cx, args: &[Value]) -> bool {
    let [container, key, ..] = *args else { return false };
    if !is_key(key) {
        return false;
    }
    let Ok(hash) = hash_key(cx, key) else { return false };
    if let Some(dict) = container.exact::<Dict>() {
        return !dict.is_watched() && dict.find_known(key, hash).is_some();
    }
    plain_set(container).is_some_and(|s| s.contains_known(key, hash).is_some())
}

/// Calls a built-in method with `n` arguments at `args`, the receiver first.
///
/// # Safety
/// `args` leads to `n` values; the method's row says what it needs.
pub unsafe extern "C" fn call_method(
    cx: &mut Cx,
    method: &'static MethodDescr,
    args: *const Value,
    n: usize,
    needs: usize,
) -> u64 {
    // SAFETY: the caller's promise.
    let args = unsafe { std::slice::from_raw_parts(args, n) };
    let needs = needs_from(needs);
    let ok = if needs == Needs::Key { is_known_key(cx, args) } else { meets(&args[1..], needs) };
    if !args[0].is_instance(method.owner) || !ok {
        return NOT_PLAIN;
    }
    word((method.def.call)(cx, Args::positional(args)))
}

/// Calls a built-in function with `n` arguments at `args`.
///
/// # Safety
/// As for [`call_method`].
pub unsafe extern "C" fn call_function(
    cx: &mut Cx,
    f: &'static NativeFunction,
    args: *const Value,
    n: usize,
    needs: usize,
) -> u64 {
    // SAFETY: the caller's promise.
    let args = unsafe { std::slice::from_raw_parts(args, n) };
    if !meets(args, needs_from(needs)) {
        return NOT_PLAIN;
    }
    word(f.call(cx, Args::positional(args)))
}
