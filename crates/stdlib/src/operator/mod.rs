//! The module `_operator`.

mod getters;

use taipan_macros::pymethods;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{buffer, iter, number, object};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(
        cx,
        "_operator",
        "Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the intrinsic operators of Python.  For example, operator.add(x, y)\nis equivalent to the expression x+y.  The function names are those\nused for special methods; variants without leading and trailing\n'__' are also provided for convenience.",
        Functions::METHODS,
    );
    for table in [Arithmetic::METHODS, Comparison::METHODS] {
        module.add_functions(cx, table);
    }
    for class in [&getters::ITEMGETTER, &getters::ATTRGETTER, &getters::METHODCALLER] {
        module.add_type(cx, class);
    }
    module
}

struct Arithmetic;

#[pymethods]
impl Arithmetic {
    /// Same as a + b.
    #[py("($module, a, b, /)")]
    fn add(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::ADD)
    }

    /// Same as a - b.
    #[py("($module, a, b, /)")]
    fn sub(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::SUB)
    }

    /// Same as a * b.
    #[py("($module, a, b, /)")]
    fn mul(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::MUL)
    }

    /// Same as a / b.
    #[py("($module, a, b, /)")]
    fn truediv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::TRUEDIV)
    }

    /// Same as a // b.
    #[py("($module, a, b, /)")]
    fn floordiv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::FLOORDIV)
    }

    /// Same as a % b.
    #[py("($module, a, b, /)", name = "mod")]
    fn rem(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::REM)
    }

    /// Same as a << b.
    #[py("($module, a, b, /)")]
    fn lshift(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::LSHIFT)
    }

    /// Same as a >> b.
    #[py("($module, a, b, /)")]
    fn rshift(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::RSHIFT)
    }

    /// Same as a & b.
    #[py("($module, a, b, /)")]
    fn and_(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::AND)
    }

    /// Same as a | b.
    #[py("($module, a, b, /)")]
    fn or_(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::OR)
    }

    /// Same as a ^ b.
    #[py("($module, a, b, /)")]
    fn xor(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::XOR)
    }

    /// Same as a @ b.
    #[py("($module, a, b, /)")]
    fn matmul(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::binary(cx, a, b, &number::MATMUL)
    }

    /// Same as a += b.
    #[py("($module, a, b, /)")]
    fn iadd(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::ADD)
    }

    /// Same as a -= b.
    #[py("($module, a, b, /)")]
    fn isub(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::SUB)
    }

    /// Same as a *= b.
    #[py("($module, a, b, /)")]
    fn imul(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::MUL)
    }

    /// Same as a /= b.
    #[py("($module, a, b, /)")]
    fn itruediv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::TRUEDIV)
    }

    /// Same as a //= b.
    #[py("($module, a, b, /)")]
    fn ifloordiv(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::FLOORDIV)
    }

    /// Same as a %= b.
    #[py("($module, a, b, /)")]
    fn imod(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::REM)
    }

    /// Same as a <<= b.
    #[py("($module, a, b, /)")]
    fn ilshift(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::LSHIFT)
    }

    /// Same as a >>= b.
    #[py("($module, a, b, /)")]
    fn irshift(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::RSHIFT)
    }

    /// Same as a &= b.
    #[py("($module, a, b, /)")]
    fn iand(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::AND)
    }

    /// Same as a |= b.
    #[py("($module, a, b, /)")]
    fn ior(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::OR)
    }

    /// Same as a ^= b.
    #[py("($module, a, b, /)")]
    fn ixor(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::XOR)
    }

    /// Same as a @= b.
    #[py("($module, a, b, /)")]
    fn imatmul(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::inplace(cx, a, b, &number::MATMUL)
    }

    /// Same as a ** b.
    #[py("($module, a, b, /)")]
    fn pow(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::power(cx, a, b, None, false)
    }

    /// Same as a **= b.
    #[py("($module, a, b, /)")]
    fn ipow(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        number::power(cx, a, b, None, true)
    }

    /// Same as -a.
    #[py("($module, a, /)")]
    fn neg(cx: &mut Cx, a: Value) -> PyResult<Value> {
        number::negative(cx, a)
    }

    /// Same as +a.
    #[py("($module, a, /)")]
    fn pos(cx: &mut Cx, a: Value) -> PyResult<Value> {
        number::positive(cx, a)
    }

    /// Same as ~a.
    #[py("($module, a, /)")]
    fn inv(cx: &mut Cx, a: Value) -> PyResult<Value> {
        number::invert(cx, a)
    }

    /// Same as ~a.
    #[py("($module, a, /)")]
    fn invert(cx: &mut Cx, a: Value) -> PyResult<Value> {
        number::invert(cx, a)
    }

    /// Same as abs(a).
    #[py("($module, a, /)")]
    fn abs(cx: &mut Cx, a: Value) -> PyResult<Value> {
        number::absolute(cx, a)
    }

    /// Same as a.__index__()
    #[py("($module, a, /)")]
    fn index(cx: &mut Cx, a: Value) -> PyResult<Value> {
        number::index(cx, a)
    }
}

struct Comparison;

#[pymethods]
impl Comparison {
    /// Same as a < b.
    #[py("($module, a, b, /)")]
    fn lt(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        compare::rich(cx, a, b, CmpOp::Lt)
    }

    /// Same as a <= b.
    #[py("($module, a, b, /)")]
    fn le(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        compare::rich(cx, a, b, CmpOp::Le)
    }

    /// Same as a == b.
    #[py("($module, a, b, /)")]
    fn eq(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        compare::rich(cx, a, b, CmpOp::Eq)
    }

    /// Same as a != b.
    #[py("($module, a, b, /)")]
    fn ne(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        compare::rich(cx, a, b, CmpOp::Ne)
    }

    /// Same as a > b.
    #[py("($module, a, b, /)")]
    fn gt(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        compare::rich(cx, a, b, CmpOp::Gt)
    }

    /// Same as a >= b.
    #[py("($module, a, b, /)")]
    fn ge(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        compare::rich(cx, a, b, CmpOp::Ge)
    }

    /// Same as a is b.
    #[py("($module, a, b, /)")]
    fn is_(_cx: &mut Cx, a: Value, b: Value) -> bool {
        a.is(b)
    }

    /// Same as a is not b.
    #[py("($module, a, b, /)")]
    fn is_not(_cx: &mut Cx, a: Value, b: Value) -> bool {
        !a.is(b)
    }

    /// Same as a is None.
    #[py("($module, a, /)")]
    fn is_none(_cx: &mut Cx, a: Value) -> bool {
        a.is_none()
    }

    /// Same as a is not None.
    #[py("($module, a, /)")]
    fn is_not_none(_cx: &mut Cx, a: Value) -> bool {
        !a.is_none()
    }

    /// Return True if a is true, False otherwise.
    #[py("($module, a, /)")]
    fn truth(_cx: &mut Cx, a: bool) -> bool {
        a
    }

    /// Same as not a.
    #[py("($module, a, /)")]
    fn not_(_cx: &mut Cx, a: bool) -> bool {
        !a
    }
}

/// `a + b` of sequences only.
fn concat(cx: &mut Cx, a: Value, b: Value, inplace: bool) -> PyResult<Value> {
    let slots = a.class().slots();
    if let Some(f) = slots.iconcat.filter(|_| inplace).or(slots.concat) {
        return f(cx, a, b);
    }
    if slots.getitem.is_some() && b.class().slots().getitem.is_some() {
        return if inplace { number::inplace(cx, a, b, &number::ADD) } else { number::binary(cx, a, b, &number::ADD) };
    }
    raise!(cx, TypeError, "'{}' object can't be concatenated", a.class().tp_name())
}

/// An iterator; TypeError "argument of type 'int' is not iterable".
fn searchable(cx: &mut Cx, v: Value) -> PyResult<Value> {
    match iter::iter(cx, v) {
        Err(_) if cx.exception_matches(&taipan_runtime::exceptions::TypeError) => {
            cx.take_exception();
            raise!(cx, TypeError, "argument of type '{}' is not iterable", v.class().tp_name())
        }
        result => result,
    }
}

/// Equality in a time that depends on the length of `b` only.
fn equal_bytes(a: &[u8], b: &[u8]) -> bool {
    let same_length = a.len() == b.len();
    let left = if same_length { a } else { b };
    let difference = left.iter().zip(b).fold(u8::from(!same_length), |d, (x, y)| d | (x ^ y));
    std::hint::black_box(difference) == 0
}

struct Functions;

#[pymethods]
impl Functions {
    /// Same as a + b, for a and b sequences.
    #[py("($module, a, b, /)")]
    fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        concat(cx, a, b, false)
    }

    /// Same as a += b, for a and b sequences.
    #[py("($module, a, b, /)")]
    fn iconcat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        concat(cx, a, b, true)
    }

    /// Same as b in a (note reversed operands).
    #[py("($module, a, b, /)")]
    fn contains(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
        object::contains(cx, a, b)
    }

    /// Return the number of items in a which are, or which equal, b.
    #[py("($module, a, b, /)", name = "countOf")]
    fn count_of(cx: &mut Cx, a: Value, b: Value) -> PyResult<i64> {
        let it = searchable(cx, a)?;
        let mut n = 0;
        while let Some(item) = iter::next(cx, it)? {
            n += i64::from(compare::equal(cx, item, b)?);
        }
        Ok(n)
    }

    /// Return the first index of b in a.
    #[py("($module, a, b, /)", name = "indexOf")]
    fn index_of(cx: &mut Cx, a: Value, b: Value) -> PyResult<i64> {
        let it = searchable(cx, a)?;
        let mut i = 0;
        while let Some(item) = iter::next(cx, it)? {
            if compare::equal(cx, item, b)? {
                return Ok(i);
            }
            i += 1;
        }
        raise!(cx, ValueError, "sequence.index(x): x not in sequence")
    }

    /// Same as a[b].
    #[py("($module, a, b, /)")]
    fn getitem(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
        object::get_item(cx, a, b)
    }

    /// Same as a[b] = c.
    #[py("($module, a, b, c, /)")]
    fn setitem(cx: &mut Cx, a: Value, b: Value, c: Value) -> PyResult<()> {
        object::set_item(cx, a, b, Some(c))
    }

    /// Same as del a[b].
    #[py("($module, a, b, /)")]
    fn delitem(cx: &mut Cx, a: Value, b: Value) -> PyResult<()> {
        object::set_item(cx, a, b, None)
    }

    /// Return an estimate of the number of items in obj.
    ///
    /// This is useful for presizing containers when building from an iterable.
    ///
    /// If the object supports len(), the result will be exact.
    /// Otherwise, it may over- or under-estimate by an arbitrary amount.
    /// The result will be an integer >= 0.
    #[py("($module, obj, default=0, /)")]
    fn length_hint(cx: &mut Cx, obj: Value, default: Option<isize>) -> PyResult<i64> {
        let default = default.unwrap_or(0);
        if default < 0 && obj.class().slots().len.is_none() {
            return Ok(default as i64);
        }
        Ok(iter::length_hint_or(cx, obj, default.max(0) as usize)? as i64)
    }

    /// Same as obj(*args, **kwargs).
    #[py("($module, obj, /, *args, **kwargs)", raw)]
    fn call(cx: &mut Cx, args: Args) -> PyResult<Value> {
        match args.pos().first() {
            Some(f) => cx.call_args(*f, args.rest()),
            None => raise!(cx, TypeError, "call expected at least 1 argument, got 0"),
        }
    }

    /// Return 'a == b'.
    ///
    /// This function uses an approach designed to prevent
    /// timing analysis, making it appropriate for cryptography.
    ///
    /// a and b must both be of the same type: either str (ASCII only),
    /// or any bytes-like object.
    ///
    /// Note: If a and b are of different lengths, or if an error occurs,
    /// a timing attack could theoretically reveal information about the
    /// types and lengths of a and b--but not their values.
    #[py("($module, a, b, /)")]
    fn _compare_digest(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
        compare_digest(cx, a, b)
    }
}

/// Equality of two ASCII strs or bytes-like objects in time that depends on the lengths only.
pub fn compare_digest(cx: &mut Cx, a: Value, b: Value) -> PyResult<bool> {
    if let (Some(x), Some(y)) = (a.downcast::<Str>(), b.downcast::<Str>()) {
        return match (x.as_ascii(), y.as_ascii()) {
            (Some(x), Some(y)) => Ok(equal_bytes(x.as_bytes(), y.as_bytes())),
            _ => raise!(cx, TypeError, "comparing strings with non-ASCII characters is not supported"),
        };
    }
    if !buffer::check(a) && !buffer::check(b) {
        let (a, b) = (a.class().tp_name(), b.class().tp_name());
        return raise!(cx, TypeError, "unsupported operand types(s) or combination of types: '{a}' and '{b}'");
    }
    buffer::with_bytes(cx, a, |cx, x| buffer::with_bytes(cx, b, |_, y| Ok(equal_bytes(x, y))))
}
