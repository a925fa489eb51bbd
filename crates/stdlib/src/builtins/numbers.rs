//! Built-in functions on numbers.

use taipan_macros::pymethods;
use taipan_num::big;
use taipan_runtime::protocol::{call, number};
use taipan_runtime::types::int;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// The functions.
pub struct Numbers;

/// Digits of an int with sign and prefix.
fn with_prefix(cx: &mut Cx, v: Value, base: u32, prefix: &str) -> PyResult<Value> {
    let v = number::index(cx, v)?;
    let view = int::view(v).expect("index gives an int");
    let mut text = String::from(if view.negative { "-" } else { "" });
    text.push_str(prefix);
    if view.digits().is_empty() {
        text.push('0');
    } else {
        big::to_radix(view.digits(), base, &mut text);
    }
    Ok(cx.str(&text))
}

#[pymethods]
impl Numbers {
    /// Return the absolute value of the argument.
    #[py("($module, x, /)")]
    fn abs(cx: &mut Cx, x: Value) -> PyResult<Value> {
        number::absolute(cx, x)
    }

    /// Return the binary representation of an integer.
    ///
    ///    >>> bin(2796202)
    ///    '0b1010101010101010101010'
    #[py("($module, number, /)")]
    fn bin(cx: &mut Cx, number: Value) -> PyResult<Value> {
        with_prefix(cx, number, 2, "0b")
    }

    /// Return the octal representation of an integer.
    ///
    ///    >>> oct(342391)
    ///    '0o1234567'
    #[py("($module, number, /)")]
    fn oct(cx: &mut Cx, number: Value) -> PyResult<Value> {
        with_prefix(cx, number, 8, "0o")
    }

    /// Return the hexadecimal representation of an integer.
    ///
    ///    >>> hex(12648430)
    ///    '0xc0ffee'
    #[py("($module, number, /)")]
    fn hex(cx: &mut Cx, number: Value) -> PyResult<Value> {
        with_prefix(cx, number, 16, "0x")
    }

    /// Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.
    #[py("($module, x, y, /)")]
    fn divmod(cx: &mut Cx, x: Value, y: Value) -> PyResult<Value> {
        number::binary(cx, x, y, &number::DIVMOD)
    }

    /// Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments
    ///
    /// Some types, such as ints, are able to use a more efficient algorithm
    /// when invoked using the three argument form.
    #[py("($module, /, base, exp, mod=None)")]
    fn pow(cx: &mut Cx, base: Value, exp: Value, modulus: Option<Value>) -> PyResult<Value> {
        number::power(cx, base, exp, modulus.filter(|m| !m.is_none()), false)
    }

    /// Round a number to a given precision in decimal digits.
    ///
    /// The return value is an integer if ndigits is omitted or None.
    /// Otherwise the return value has the same type as the number.  ndigits
    /// may be negative.
    #[py("($module, /, number, ndigits=None)")]
    fn round(cx: &mut Cx, number: Value, ndigits: Option<Value>) -> PyResult<Value> {
        let name = cx.names().__round__;
        let Some(f) = cx.lookup_special(number, name) else {
            return raise!(cx, TypeError, "type {} doesn't define __round__ method", number.class().tp_name());
        };
        match ndigits.filter(|n| !n.is_none()) {
            None => call::call_unbound(cx, f, number, &[]),
            Some(n) => call::call_unbound(cx, f, number, &[n]),
        }
    }
}
