//! Built-in functions on any object.

use taipan_macros::pymethods;
use taipan_runtime::protocol::{attr, call, hash, number, object};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::type_methods;
use taipan_runtime::{Args, Cx, PyResult, Value, exceptions, raise};
use taipan_text::repr::push_escape;

use super::scope;

/// The functions.
pub struct Objects;

/// The attribute name of `getattr` and friends.
fn attribute_name(cx: &mut Cx, v: Value) -> PyResult<&'static Str> {
    match v.downcast::<Str>() {
        Some(name) => Ok(cx.intern_value(name)),
        None => raise!(cx, TypeError, "attribute name must be string, not '{}'", v.class().tp_name()),
    }
}

/// TypeError unless the number of arguments is in the range.
pub fn check_count(cx: &mut Cx, args: Args, name: &str, low: usize, high: usize) -> PyResult<()> {
    args.no_keywords(cx, name)?;
    let given = args.pos().len();
    if (low..=high).contains(&given) {
        return Ok(());
    }
    let (word, n) = match (low == high, given < low) {
        (true, _) => ("", low),
        (_, true) => ("at least ", low),
        (_, false) => ("at most ", high),
    };
    let s = if n == 1 { "" } else { "s" };
    raise!(cx, TypeError, "{name} expected {word}{n} argument{s}, got {given}")
}

/// `format(value, spec)`: a str.
pub fn format(cx: &mut Cx, value: Value, spec: Option<Value>) -> PyResult<Value> {
    let spec = match spec {
        None => Value::of(cx.names().empty),
        Some(spec) if spec.downcast::<Str>().is_some() => spec,
        Some(spec) => {
            let got = spec.class().tp_name();
            return raise!(cx, TypeError, "format() argument 2 must be str, not {got}");
        }
    };
    let empty = spec.downcast::<Str>().is_some_and(|s| s.is_empty());
    if empty && (value.exact::<Str>().is_some() || value.is_small()) {
        return object::str(cx, value).map(Value::of);
    }
    let name = cx.names().__format__;
    let Some(f) = cx.lookup_special(value, name) else {
        return raise!(cx, TypeError, "Type {} doesn't define __format__", value.class().tp_name());
    };
    let r = call::call_unbound(cx, f, value, &[spec])?;
    match r.downcast::<Str>() {
        Some(_) => Ok(r),
        None => raise!(cx, TypeError, "__format__ must return a str, not {}", r.class().tp_name()),
    }
}

/// `dir(v)`: a sorted list.
pub fn dir(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let name = cx.names().__dir__;
    let Some(f) = cx.lookup_special(v, name) else {
        return raise!(cx, TypeError, "object does not provide __dir__");
    };
    let names = call::call_unbound(cx, f, v, &[])?;
    sorted_list(cx, names)
}

/// The items of an iterable as a sorted list.
pub fn sorted_list(cx: &mut Cx, items: Value) -> PyResult<Value> {
    let list = Value::of(taipan_runtime::protocol::iter::to_list(cx, items)?);
    let sort = cx.names().sort;
    cx.call_method(list, sort, &[])?;
    Ok(list)
}

/// Number that identifies an object: its address, or its word for values that have none.
pub fn identity(v: Value) -> u64 {
    v.bits()
}

#[pymethods]
impl Objects {
    /// Return an ASCII-only representation of an object.
    ///
    /// As repr(), return a string containing a printable representation of an
    /// object, but escape the non-ASCII characters in the string returned by
    /// repr() using \\x, \\u or \\U escapes. This generates a string similar
    /// to that returned by repr() in Python 2.
    #[py("($module, obj, /)")]
    fn ascii(cx: &mut Cx, obj: Value) -> PyResult<Value> {
        let text = object::repr(cx, obj)?;
        if text.is_ascii() {
            return Ok(Value::of(text));
        }
        let mut out = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            match c {
                0..=0x7f => out.push(c as u8 as char),
                _ => push_escape(c, &mut out),
            }
        }
        Ok(cx.str(&out))
    }

    /// Return whether the object is callable (i.e., some kind of function).
    ///
    /// Note that classes are callable, as are instances of classes with a
    /// __call__() method.
    #[py("($module, obj, /)")]
    fn callable(_cx: &mut Cx, obj: Value) -> bool {
        obj.class().slots().call.is_some()
    }

    /// Deletes the named attribute from the given object.
    ///
    /// delattr(x, 'y') is equivalent to ``del x.y``
    #[py("($module, obj, name, /)")]
    fn delattr(cx: &mut Cx, obj: Value, name: Value) -> PyResult<()> {
        let name = attribute_name(cx, name)?;
        attr::set(cx, obj, name, None)
    }

    /// dir([object]) -> list of strings
    ///
    /// If called without an argument, return the names in the current scope.
    /// Else, return an alphabetized list of names comprising (some of) the
    /// attributes of the given object, and of attributes reachable from it.
    /// If the object supplies a method named __dir__, it will be used;
    /// otherwise the default dir() logic is used and returns:
    ///   for a module object: the module's attributes.
    ///   for a class object:  its attributes, and recursively the attributes
    ///     of its bases.
    ///   for any other object: its attributes, its class's attributes, and
    ///     recursively the attributes of its class's base classes.
    #[py("($module, object=<unrepresentable>, /)", raw)]
    fn dir(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_count(cx, args, "dir", 0, 1)?;
        match args.pos().first() {
            Some(v) => dir(cx, *v),
            None => {
                let names = scope::locals(cx)?;
                let keys = cx.names().keys;
                let keys = cx.call_method(names, keys, &[])?;
                sorted_list(cx, keys)
            }
        }
    }

    /// Return type(value).__format__(value, format_spec)
    ///
    /// Many built-in types implement format_spec according to the
    /// Format Specification Mini-language. See help('FORMATTING').
    ///
    /// If type(value) does not supply a method named __format__
    /// and format_spec is empty, then str(value) is returned.
    /// See also help('SPECIALMETHODS').
    #[py("($module, value, format_spec='', /)")]
    fn format(cx: &mut Cx, value: Value, format_spec: Option<Value>) -> PyResult<Value> {
        format(cx, value, format_spec)
    }

    /// getattr(object, name[, default]) -> value
    ///
    /// Get a named attribute from an object.
    ///
    /// getattr(x, 'y') is equivalent to x.y.
    /// When a default argument is given, it is returned when the attribute
    /// doesn't exist; without it, an exception is raised in that case.
    #[py("($module, object, name, default=<unrepresentable>, /)", raw)]
    fn getattr(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_count(cx, args, "getattr", 2, 3)?;
        let (v, name) = (args.pos()[0], args.pos()[1]);
        let name = attribute_name(cx, name)?;
        match args.pos().get(2) {
            None => attr::get(cx, v, name),
            Some(default) => Ok(attr::get_optional(cx, v, name)?.unwrap_or(*default)),
        }
    }

    /// Return whether the object has an attribute with the given name.
    ///
    /// This is done by calling getattr(obj, name) and catching AttributeError.
    #[py("($module, obj, name, /)")]
    fn hasattr(cx: &mut Cx, obj: Value, name: Value) -> PyResult<bool> {
        let name = attribute_name(cx, name)?;
        Ok(attr::get_optional(cx, obj, name)?.is_some())
    }

    /// Return the integer hash value for the given object.
    ///
    /// Two objects that compare equal must also have the same hash value, but
    /// the reverse is not necessarily true.  Hash values may differ between
    /// Python processes.  Not all objects are hashable; calling hash() on an
    /// unhashable object raises TypeError.
    #[py("($module, obj, /)")]
    fn hash(cx: &mut Cx, obj: Value) -> PyResult<i64> {
        hash::hash(cx, obj)
    }

    /// Return the identity of an object.
    ///
    /// This is guaranteed to be unique among simultaneously existing objects.
    /// (CPython uses the object's memory address.)
    #[py("($module, obj, /)")]
    fn id(_cx: &mut Cx, obj: Value) -> u64 {
        identity(obj)
    }

    /// Return whether an object is an instance of a class or of a subclass thereof.
    ///
    /// A tuple, as in ``isinstance(x, (A, B, ...))``, may be given as the
    /// target to check against.  This is equivalent to ``isinstance(x, A) or
    /// isinstance(x, B) or ...`` etc.
    #[py("($module, obj, class_or_tuple, /)")]
    fn isinstance(cx: &mut Cx, obj: Value, class_or_tuple: Value) -> PyResult<bool> {
        type_methods::is_instance(cx, obj, class_or_tuple)
    }

    /// Return whether 'cls' is derived from another class or is the same class.
    ///
    /// A tuple, as in ``issubclass(x, (A, B, ...))``, may be given as the
    /// target to check against.  This is equivalent to ``issubclass(x, A) or
    /// issubclass(x, B) or ...``.
    #[py("($module, cls, class_or_tuple, /)")]
    fn issubclass(cx: &mut Cx, cls: Value, class_or_tuple: Value) -> PyResult<bool> {
        type_methods::is_subclass(cx, cls, class_or_tuple)
    }

    /// Return the number of items in a container.
    #[py("($module, obj, /)")]
    fn len(cx: &mut Cx, obj: Value) -> PyResult<usize> {
        object::len(cx, obj)
    }

    /// Return the canonical string representation of the object.
    ///
    /// For many object types, including most builtins, eval(repr(obj)) == obj.
    #[py("($module, obj, /)")]
    fn repr(cx: &mut Cx, obj: Value) -> PyResult<Value> {
        object::repr_value(cx, obj)
    }

    /// Sets the named attribute on the given object to the specified value.
    ///
    /// setattr(x, 'y', v) is equivalent to ``x.y = v``
    #[py("($module, obj, name, value, /)")]
    fn setattr(cx: &mut Cx, obj: Value, name: Value, value: Value) -> PyResult<()> {
        let name = attribute_name(cx, name)?;
        attr::set(cx, obj, name, Some(value))
    }

    /// vars([object]) -> dictionary
    ///
    /// Without arguments, equivalent to locals().
    /// With an argument, equivalent to object.__dict__.
    #[py("($module, object=<unrepresentable>, /)", raw)]
    fn vars(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_count(cx, args, "vars", 0, 1)?;
        let Some(v) = args.pos().first() else { return scope::locals(cx) };
        let key = cx.names().__dict__;
        match attr::get_optional(cx, *v, key)? {
            Some(dict) => Ok(dict),
            None => raise!(cx, TypeError, "vars() argument must have __dict__ attribute"),
        }
    }

    /// iter(iterable) -> iterator
    /// iter(callable, sentinel) -> iterator
    ///
    /// Get an iterator from an object.  In the first form, the argument must
    /// supply its own iterator, or be a sequence.
    /// In the second form, the callable is called until it returns the
    /// sentinel.
    #[py("($module, object, sentinel=<unrepresentable>, /)", raw)]
    fn iter(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_count(cx, args, "iter", 1, 2)?;
        match *args.pos() {
            [v] => taipan_runtime::protocol::iter::iter(cx, v),
            [f, sentinel, ..] => {
                if f.class().slots().call.is_none() {
                    return raise!(cx, TypeError, "iter(v, w): v must be callable");
                }
                Ok(super::anext::callable_iter(cx, f, sentinel))
            }
            [] => unreachable!("the count was checked"),
        }
    }

    /// next(iterator[, default])
    ///
    /// Return the next item from the iterator.  If default is given and the
    /// iterator is exhausted, it is returned instead of raising StopIteration.
    #[py("($module, iterator, default=<unrepresentable>, /)", raw)]
    fn next(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_count(cx, args, "next", 1, 2)?;
        let it = args.pos()[0];
        let Some(f) = it.class().slots().next else {
            return raise!(cx, TypeError, "'{}' object is not an iterator", it.class().tp_name());
        };
        match (f(cx, it), args.pos().get(1)) {
            (Ok(Some(v)), _) => Ok(v),
            (Ok(None), Some(default)) => Ok(*default),
            (Ok(None), None) => Err(cx.raise_stop_iteration(None)),
            (Err(_), Some(default)) if cx.exception_matches(&exceptions::StopIteration) => {
                cx.take_exception();
                Ok(*default)
            }
            (Err(raised), _) => Err(raised),
        }
    }

    /// Return an AsyncIterator for an AsyncIterable object.
    #[py("($module, async_iterable, /)")]
    fn aiter(cx: &mut Cx, async_iterable: Value) -> PyResult<Value> {
        let class = async_iterable.class();
        let Some(f) = class.slots().aiter else {
            return raise!(cx, TypeError, "'{}' object is not an async iterable", class.tp_name());
        };
        let it = f(cx, async_iterable)?;
        if it.class().slots().anext.is_none() {
            let got = it.class().tp_name();
            return raise!(cx, TypeError, "aiter() returned not an async iterator of type '{got}'");
        }
        Ok(it)
    }

    /// Return the next item from the async iterator.
    ///
    /// If default is given and the async iterator is exhausted,
    /// it is returned instead of raising StopAsyncIteration.
    #[py("($module, aiterator, default=<unrepresentable>, /)", raw)]
    fn anext(cx: &mut Cx, args: Args) -> PyResult<Value> {
        check_count(cx, args, "anext", 1, 2)?;
        let it = args.pos()[0];
        let Some(f) = it.class().slots().anext else {
            return raise!(cx, TypeError, "'{}' object is not an async iterator", it.class().tp_name());
        };
        let awaitable = f(cx, it)?;
        match args.pos().get(1) {
            None => Ok(awaitable),
            Some(default) => Ok(taipan_runtime::types::coroutine::anext_awaitable(cx, awaitable, *default)),
        }
    }

    /// Return the ordinal value of a character.
    ///
    /// If the argument is a one-character string, return the Unicode code
    /// point of that character.
    ///
    /// If the argument is a bytes or bytearray object of length 1, return its
    /// single byte value.
    #[py("($module, character, /)")]
    fn ord(cx: &mut Cx, character: Value) -> PyResult<i64> {
        let n = if let Some(s) = character.downcast::<Str>() {
            if s.len() == 1 {
                return Ok(s.at(0) as i64);
            }
            s.len()
        } else if taipan_runtime::protocol::buffer::check(character) && !crate::is_native(character, "memoryview") {
            let (n, first) = taipan_runtime::protocol::buffer::with_bytes(cx, character, |_, bytes| {
                Ok((bytes.len(), bytes.first().copied().unwrap_or(0)))
            })?;
            if n == 1 {
                return Ok(first as i64);
            }
            n
        } else {
            let got = character.class().tp_name();
            return raise!(cx, TypeError, "ord() expected string of length 1, but {got} found");
        };
        raise!(cx, TypeError, "ord() expected a character, but string of length {n} found")
    }

    /// Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.
    #[py("($module, i, /)")]
    fn chr(cx: &mut Cx, i: Value) -> PyResult<Value> {
        let i = number::index(cx, i)?;
        match int::as_i64(i) {
            Some(c @ 0..=0x10ffff) => Ok(Value::of(cx.char(c as u32))),
            _ => raise!(cx, ValueError, "chr() arg not in range(0x110000)"),
        }
    }

    /// Return a new list containing all items from the iterable in ascending order.
    ///
    /// A custom key function can be supplied to customize the sort order, and the
    /// reverse flag can be set to request the result in descending order.
    #[py("($module, iterable, /, *, key=None, reverse=False)", raw)]
    fn sorted(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let [iterable] = *args.pos() else {
            let n = args.pos().len();
            return raise!(cx, TypeError, "sorted expected 1 argument, got {n}");
        };
        let list: &'static List = taipan_runtime::protocol::iter::to_list(cx, iterable)?;
        let sort = cx.names().sort;
        let method = attr::get(cx, Value::of(list), sort)?;
        cx.call_args(method, args.rest())?;
        Ok(Value::of(list))
    }
}
