//! `text % args`, and the handling of arguments that `bytes % args` shares.

use taipan_text::fmtspec::{FmtError, Formatted};
use taipan_text::percent::{self, Conversion, Count, Flags, Piece};

use crate::cx::Cx;
use crate::protocol::quick_format::{self, Quick};
use crate::protocol::{format, number, object};
use crate::types::bytearray::ByteArray;
use crate::types::bytes::Bytes;
use crate::types::str::Str;
use crate::types::str_build::StrBuf;
use crate::types::str_format::ascii;
use crate::types::tuple::Tuple;
use crate::types::{float, int, int_methods};
use crate::value::Value;
use crate::{PyResult, raise, with_units};

/// The right operand of `%`.
pub struct Arguments {
    /// The operand, or the value that the last key led to.
    args: Value,
    tuple: Option<&'static Tuple>,
    next: usize,
    mapping: Option<Value>,
}

impl Arguments {
    /// The operand of a `%` whose left side is a str or a bytes object.
    pub fn new(args: Value, bytes: bool) -> Arguments {
        let tuple = args.downcast::<Tuple>();
        let text = args.downcast::<Str>().is_some()
            || bytes && (args.downcast::<Bytes>().is_some() || args.downcast::<ByteArray>().is_some());
        let is_mapping = tuple.is_none() && !text && args.class().slots().getitem.is_some();
        Arguments { args, tuple, next: 0, mapping: is_mapping.then_some(args) }
    }

    /// The next argument.
    pub fn next(&mut self, cx: &mut Cx) -> PyResult<Value> {
        let found = match self.tuple {
            Some(tuple) => tuple.items().get(self.next).copied(),
            None => (self.next == 0).then_some(self.args),
        };
        self.next += 1;
        match found {
            Some(v) => Ok(v),
            None => raise!(cx, TypeError, "not enough arguments for format string"),
        }
    }

    /// Goes on with the value of `key` in the mapping.
    pub fn select(&mut self, cx: &mut Cx, key: impl FnOnce(&mut Cx) -> Value) -> PyResult<()> {
        let Some(mapping) = self.mapping else { return raise!(cx, TypeError, "format requires a mapping") };
        let key = key(cx);
        self.args = object::get_item(cx, mapping, key)?;
        (self.tuple, self.next) = (None, 0);
        Ok(())
    }

    /// TypeError if arguments are left; `what` is "string" or "bytes".
    pub fn finish(&self, cx: &mut Cx, what: &str) -> PyResult<()> {
        let count = self.tuple.map_or(1, |t| t.len());
        if self.next < count && self.mapping.is_none() {
            return raise!(cx, TypeError, "not all arguments converted during {what} formatting");
        }
        Ok(())
    }

    /// Width and precision of a conversion, `*` ones taken from the arguments; the flags may gain `left`.
    pub fn counts(&mut self, cx: &mut Cx, c: &Conversion) -> PyResult<(Flags, usize, Option<usize>)> {
        let mut flags = c.flags;
        let width = match c.width {
            None => 0,
            Some(Count::Given(n)) => n,
            Some(Count::Star) => {
                let n = self.star(cx)?;
                flags.left |= n < 0;
                n.unsigned_abs()
            }
        };
        let precision = match c.precision {
            None => None,
            Some(Count::Given(n)) => Some(n),
            Some(Count::Star) => {
                let n = self.star(cx)?;
                if n > i32::MAX as isize {
                    return raise!(cx, OverflowError, "Python int too large to convert to C int");
                }
                Some(n.max(0) as usize)
            }
        };
        Ok((flags, width, precision))
    }

    fn star(&mut self, cx: &mut Cx) -> PyResult<isize> {
        let v = self.next(cx)?;
        if !int::check(v) {
            return raise!(cx, TypeError, "* wants int");
        }
        number::to_isize(cx, v)
    }
}

/// The number of a conversion, formatted: d, i, u, o, x, X, e, E, f, F, g, G. None for other conversions.
pub fn format_number(
    cx: &mut Cx,
    v: Value,
    kind: u32,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    bytes: bool,
) -> PyResult<Option<Formatted>> {
    let Some(kind) = char::from_u32(kind).filter(char::is_ascii) else { return Ok(None) };
    let result: Result<Formatted, FmtError> = match kind {
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
            let n = integer(cx, v, kind)?;
            let w = int::view(n).expect("an int");
            if matches!(kind, 'd' | 'i' | 'u') {
                int_methods::check_digit_limit(cx, w.digits())?;
            }
            percent::format_int(w.negative, w.digits(), kind, flags, width, precision)
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let x = match float::as_f64(v) {
                Some(x) => x,
                None if bytes && !is_number(v) => {
                    return raise!(cx, TypeError, "float argument required, not {}", v.class().tp_name());
                }
                None => number::to_f64(cx, v)?,
            };
            if precision.is_some_and(|p| p > i32::MAX as usize - 1024) {
                return raise!(cx, ValueError, "precision too big");
            }
            percent::format_float(x, kind, flags, width, precision)
        }
        _ => return Ok(None),
    };
    match result {
        Ok(formatted) => Ok(Some(formatted)),
        Err(e) => Err(format::raise_error(cx, e)),
    }
}

/// The int that `%d` shows for a value, not an instance of a subclass.
pub fn exact_int(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.is_small() {
        return Ok(v);
    }
    let n = integer(cx, v, 'd')?;
    int::plain(cx, n)
}

/// The float that `%f` and the like show for a value, not an instance of a subclass.
pub fn exact_float(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if v.is_flonum() {
        return Ok(v);
    }
    let x = match float::as_f64(v) {
        Some(x) => x,
        None => number::to_f64(cx, v)?,
    };
    Ok(cx.float(x))
}

fn is_number(v: Value) -> bool {
    let slots = v.class().slots();
    slots.int.is_some() || slots.float.is_some() || slots.index.is_some()
}

fn integer(cx: &mut Cx, v: Value, kind: char) -> PyResult<Value> {
    if int::check(v) {
        return Ok(v);
    }
    let hex = matches!(kind, 'o' | 'x' | 'X');
    let result = match () {
        _ if hex && v.class().slots().index.is_some() => number::index(cx, v),
        _ if !hex && is_number(v) => int_methods::from_object(cx, v),
        _ => {
            let (need, got) = (if hex { "an integer" } else { "a real number" }, v.class().tp_name());
            return raise!(cx, TypeError, "%{kind} format: {need} is required, not {got}");
        }
    };
    match cx.catch(result, &crate::exceptions::TypeError)? {
        Some(n) => Ok(n),
        None => {
            let (need, got) = (if hex { "an integer" } else { "a real number" }, v.class().tp_name());
            raise!(cx, TypeError, "%{kind} format: {need} is required, not {got}")
        }
    }
}

/// The slot of `%`: formatting if the left operand is a str.
pub fn rem(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    match a.downcast::<Str>() {
        Some(text) => format_text(cx, text, b).map(Value::of),
        None => Ok(Value::not_implemented()),
    }
}

/// `text % args`.
pub fn format_text(cx: &mut Cx, text: &'static Str, args: Value) -> PyResult<&'static Str> {
    let mut args = Arguments::new(args, false);
    let mut out = StrBuf::with_capacity(text.len() + 32);
    let units = text.units();
    with_units!(units, u => {
        for piece in percent::pieces(u) {
            match piece {
                Ok(Piece::Literal(r)) => out.push_units(units.slice(r.start, r.end)),
                Ok(Piece::Conversion(c)) => conversion(cx, text, c, &mut args, &mut out)?,
                Err(e) => return Err(format::raise_error(cx, e)),
            }
        }
    });
    args.finish(cx, "string")?;
    Ok(out.finish(cx))
}

fn conversion(cx: &mut Cx, text: &'static Str, c: Conversion, args: &mut Arguments, out: &mut StrBuf) -> PyResult<()> {
    if let Some(key) = c.key.clone() {
        args.select(cx, |cx| Value::of(text.slice(cx, key.start, key.end)))?;
    }
    let (flags, width, precision) = args.counts(cx, &c)?;
    let v = args.next(cx)?;
    let piece = match char::from_u32(c.kind) {
        Some('s') => object::str(cx, v)?,
        Some('r') => object::repr(cx, v)?,
        Some('a') => ascii(cx, v)?,
        Some('c') => {
            let ch = character(cx, v)?;
            return put_text(cx, Text::Char(ch), flags, width, None, out);
        }
        _ => {
            if put_quickly(v, c.kind, flags, width, precision, out) {
                return Ok(());
            }
            return match format_number(cx, v, c.kind, flags, width, precision, false)? {
                Some(formatted) => put_formatted(cx, &formatted, out),
                None => Err(format::raise_error(cx, percent::unsupported(&c))),
            };
        }
    };
    put_text(cx, Text::Str(piece), flags, width, precision, out)
}

/// Appends a small int or a float in one of the usual formats; false if it is neither, or the format is another.
fn put_quickly(v: Value, kind: u32, flags: Flags, width: usize, precision: Option<usize>, out: &mut StrBuf) -> bool {
    let kind = match u8::try_from(kind) {
        Ok(b'i' | b'u') => b'd',
        Ok(kind @ (b'd' | b'x' | b'X' | b'o' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G')) => kind,
        _ => return false,
    };
    if width > MOST_QUICK || precision.is_some_and(|p| p > MOST_QUICK) {
        return false;
    }
    let sign = if flags.plus { b'+' } else { b' ' * u8::from(flags.space) };
    let (align, zero) = (if flags.left { b'<' } else { 0 }, flags.zero && !flags.left);
    let quick = Quick { fill: b' ', align, sign, alternate: flags.alternate, zero, width, group: 0, precision, kind };
    let mut text = quick_format::Text::new();
    let done = match v.as_small() {
        Some(i) => quick.int(i, &mut text),
        None if v.is_flonum() => {
            !matches!(kind, b'd' | b'x' | b'X' | b'o') && quick.float(v.flonum_unchecked(), &mut text)
        }
        None => false,
    };
    if done {
        out.push_units(crate::types::str::Units::One(&text));
    }
    done
}

/// Widest field that [`put_quickly`] fills.
const MOST_QUICK: usize = 1000;

enum Text {
    Str(&'static Str),
    Char(u32),
}

fn put_text(
    cx: &mut Cx,
    text: Text,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    out: &mut StrBuf,
) -> PyResult<()> {
    let len = match text {
        Text::Str(s) => s.len(),
        Text::Char(_) => 1,
    };
    let pads = percent::format_str(len, flags, width, precision);
    crate::buffer::check_size(cx, pads.left.saturating_add(pads.right).saturating_mul(4))?;
    out.fill(pads.fill, pads.left);
    match text {
        Text::Str(s) => out.push_units(s.units().slice(0, pads.take)),
        Text::Char(c) => out.push(c),
    }
    out.fill(pads.fill, pads.right);
    Ok(())
}

fn put_formatted(cx: &mut Cx, f: &Formatted, out: &mut StrBuf) -> PyResult<()> {
    crate::buffer::check_size(cx, f.left.saturating_add(f.inner).saturating_add(f.right))?;
    out.fill(f.fill, f.left);
    out.push_text(&f.head);
    out.fill(f.fill, f.inner);
    out.push_text(&f.body);
    out.fill(f.fill, f.right);
    Ok(())
}

/// The argument of `%c`.
fn character(cx: &mut Cx, v: Value) -> PyResult<u32> {
    if let Some(s) = v.downcast::<Str>() {
        if s.len() != 1 {
            let n = s.len();
            return raise!(cx, TypeError, "%c requires an int or a unicode character, not a string of length {n}");
        }
        return Ok(s.at(0));
    }
    if !int::check(v) && v.class().slots().index.is_none() {
        let got = crate::types::type_::full_name(cx, v.class());
        return raise!(cx, TypeError, "%c requires an int or a unicode character, not {got}");
    }
    let n = number::index(cx, v)?;
    match int::as_i64(n) {
        Some(c @ 0..0x11_0000) => Ok(c as u32),
        _ => raise!(cx, OverflowError, "%c arg not in range(0x110000)"),
    }
}
