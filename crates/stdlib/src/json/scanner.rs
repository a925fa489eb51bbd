//! Decoding: Scanner and scanstring.
//!
//! The text is scanned in its own width. Errors name positions as the pure Python scanner of `json` does.

use std::cell::Cell;

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec};
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::{Str, Units};
use taipan_runtime::types::str_build::StrBuf;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, exceptions, raise, with_units};

use crate::host;

/// A scanner: the hooks of a JSONDecoder.
#[repr(C)]
pub struct Scanner {
    header: Header,
    strict: bool,
    object_hook: Value,
    object_pairs_hook: Value,
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
    /// Keys that were seen lately are shared.
    keys: [Cell<Option<&'static Str>>; KEYS],
}
object!(Scanner, SCANNER);

/// `_json.Scanner`.
pub static SCANNER: Type = Type::new(&SCANNER_SPEC);
static SCANNER_SPEC: TypeSpec = TypeSpec {
    name: "_json.Scanner",
    basicsize: std::mem::size_of::<Scanner>(),
    trace: Some(trace),
    slots: Slots { new: Some(new), call: Some(call), ..Slots::NONE },
    getsets: &[Scanner::GETSETS],
    doc: "JSON scanner object",
    ..TypeSpec::DEFAULT
};

unsafe fn trace(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for scanners only.
    let this = unsafe { &*object.cast::<Scanner>() };
    for v in [this.object_hook, this.object_pairs_hook, this.parse_float, this.parse_int, this.parse_constant] {
        marker.mark_value(v.bits());
    }
    for key in this.keys.iter().filter_map(|k| k.get()) {
        marker.mark_value(Value::of(key).bits());
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    static SPEC: ParamSpec = ParamSpec {
        name: "make_scanner",
        names: &["context"],
        positional_only: 0,
        positional: 1,
        required: 1,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    };
    let mut bound = [None];
    bind(cx, &SPEC, args, &mut bound)?;
    let context = bound[0].unwrap_or(Value::none());
    let strict = attr::get_text(cx, context, "strict")?;
    let strict = protocol_object::truth(cx, strict)?;
    let this = Scanner {
        header: Header::fresh(class),
        strict,
        object_hook: attr::get_text(cx, context, "object_hook")?,
        object_pairs_hook: attr::get_text(cx, context, "object_pairs_hook")?,
        parse_float: attr::get_text(cx, context, "parse_float")?,
        parse_int: attr::get_text(cx, context, "parse_int")?,
        parse_constant: attr::get_text(cx, context, "parse_constant")?,
        keys: [const { Cell::new(None) }; KEYS],
    };
    Ok(Value::of(cx.alloc_of(class, this)))
}

#[pymethods]
impl Scanner {
    /// strict
    #[getter]
    fn strict(_cx: &mut Cx, this: &'static Scanner) -> bool {
        this.strict
    }
    /// object_hook
    #[getter]
    fn object_hook(_cx: &mut Cx, this: &'static Scanner) -> Value {
        this.object_hook
    }
    #[getter]
    fn object_pairs_hook(_cx: &mut Cx, this: &'static Scanner) -> Value {
        this.object_pairs_hook
    }
    /// parse_float
    #[getter]
    fn parse_float(_cx: &mut Cx, this: &'static Scanner) -> Value {
        this.parse_float
    }
    /// parse_int
    #[getter]
    fn parse_int(_cx: &mut Cx, this: &'static Scanner) -> Value {
        this.parse_int
    }
    /// parse_constant
    #[getter]
    fn parse_constant(_cx: &mut Cx, this: &'static Scanner) -> Value {
        this.parse_constant
    }
}

fn call(cx: &mut Cx, v: Value, args: Args) -> PyResult<Value> {
    static SPEC: ParamSpec = ParamSpec {
        name: "scan_once",
        names: &["string", "idx"],
        positional_only: 0,
        positional: 2,
        required: 2,
        keyword_required: &[],
        varargs: false,
        varkw: false,
    };
    let mut bound = [None; 2];
    bind(cx, &SPEC, args, &mut bound)?;
    // SAFETY: the slot of scanners.
    let scanner: &'static Scanner = unsafe { v.cast() };
    let (string, index) = (bound[0].unwrap_or(Value::none()), bound[1].unwrap_or(Value::none()));
    let index = number::to_isize(cx, index)?;
    let Some(text) = string.downcast::<Str>() else {
        return raise!(cx, TypeError, "first argument must be a string, not {}", string.class().tp_name());
    };
    if index < 0 {
        return raise!(cx, ValueError, "idx cannot be negative");
    }
    let (value, end) = with_units!(text.units(), u => {
        let mut input = Input { scanner: Some(scanner), strict: scanner.strict, text, units: u };
        input.value(cx, index as usize)
    })?;
    let end = cx.int(end as i64);
    Ok(Value::of(Tuple::new(cx, &[value, end])))
}

/// `scanstring(string, end, strict=True)`.
pub fn scanstring(cx: &mut Cx, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "scanstring")?;
    let (string, end, strict) = match args.pos() {
        [string, end] => (*string, *end, true),
        [string, end, strict] => (*string, *end, protocol_object::truth(cx, *strict)?),
        other => {
            let (n, word) = (other.len(), if other.len() < 2 { "least 2" } else { "most 3" });
            return raise!(cx, TypeError, "scanstring() takes at {word} arguments ({n} given)");
        }
    };
    let end = number::to_isize(cx, end)?;
    let Some(text) = string.downcast::<Str>() else {
        return raise!(cx, TypeError, "first argument must be a string, not {}", string.class().tp_name());
    };
    if end < 0 || end as usize > text.len() {
        return raise!(cx, ValueError, "end is out of bounds");
    }
    let (value, end) = with_units!(text.units(), u => {
        let input = Input { scanner: None, strict, text, units: u };
        input.string(cx, end as usize)
    })?;
    let end = cx.int(end as i64);
    Ok(Value::of(Tuple::new(cx, &[Value::of(value), end])))
}

/// Remembered keys; a power of two.
const KEYS: usize = 128;
/// Longest key that is remembered.
const LONGEST_KEY: usize = 32;

/// A text being scanned.
struct Input<'a, T> {
    scanner: Option<&'static Scanner>,
    strict: bool,
    text: &'static Str,
    units: &'a [T],
}

/// A code unit of a text.
trait Unit: Copy + Into<u32> {
    fn units(slice: &[Self]) -> Units<'_>;

    /// How many units in front of the first quote, backslash or control character.
    #[inline(always)]
    fn plain(slice: &[Self]) -> usize {
        slice.iter().position(|c| is_special((*c).into())).unwrap_or(slice.len())
    }

    /// Some number that is mostly another one for another text.
    #[inline(always)]
    fn mixed(slice: &[Self]) -> u64 {
        slice.iter().fold(slice.len() as u64, |h, c| h.wrapping_mul(31).wrapping_add(u64::from((*c).into())))
    }

    /// Whether a str is this text.
    #[inline(always)]
    fn is(slice: &[Self], text: &Str) -> bool {
        text.len() == slice.len() && text.chars().eq(slice.iter().map(|c| (*c).into()))
    }
}

fn is_special(c: u32) -> bool {
    c == 0x22 || c == 0x5c || c < 0x20
}

impl Unit for u8 {
    fn units(slice: &[u8]) -> Units<'_> {
        Units::One(slice)
    }

    #[inline(always)]
    fn plain(slice: &[u8]) -> usize {
        const ONES: u64 = u64::MAX / 255;
        const HIGH: u64 = ONES << 7;
        let mut done = 0;
        while let Some(eight) = slice[done..].first_chunk() {
            let word = u64::from_le_bytes(*eight);
            // The lowest bit set is right; above it a borrow may have set others.
            let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x & HIGH;
            let found = below(word, 0x20) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5c), 1);
            if found != 0 {
                return done + found.trailing_zeros() as usize / 8;
            }
            done += 8;
        }
        done + slice[done..].iter().position(|c| is_special(u32::from(*c))).unwrap_or(slice.len() - done)
    }

    #[inline(always)]
    fn mixed(slice: &[u8]) -> u64 {
        let (Some(first), Some(last)) = (slice.first_chunk(), slice.last_chunk()) else {
            return slice.iter().fold(slice.len() as u64, |h, c| h << 8 ^ u64::from(*c)).wrapping_mul(MIX) >> 32;
        };
        let [first, last] = [first, last].map(|eight| u64::from_le_bytes(*eight));
        (first.wrapping_mul(MIX).rotate_left(23) ^ last).wrapping_add(slice.len() as u64).wrapping_mul(MIX) >> 32
    }

    #[inline(always)]
    fn is(slice: &[u8], text: &Str) -> bool {
        matches!(text.units(), Units::One(units) if units == slice)
    }
}

/// Some odd number.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl Unit for u16 {
    fn units(slice: &[u16]) -> Units<'_> {
        Units::Two(slice)
    }
}
impl Unit for u32 {
    fn units(slice: &[u32]) -> Units<'_> {
        Units::Four(slice)
    }
}

/// Raises json.JSONDecodeError.
#[cold]
fn decode_error(cx: &mut Cx, text: &'static Str, message: &str, at: usize) -> Raised {
    let class = match host::import(cx, "json.decoder") {
        Ok(module) => attr::get_text(cx, module, "JSONDecodeError"),
        Err(raised) => Err(raised),
    };
    let class = match class {
        Ok(class) => class,
        Err(raised) => return raised,
    };
    let args = [cx.str(message), Value::of(text), Value::small(at as i64)];
    match cx.call(class, &args) {
        Ok(exception) => cx.raise(exception),
        Err(raised) => raised,
    }
}

/// StopIteration(index): no value begins there.
#[cold]
fn no_value(cx: &mut Cx, at: usize) -> Raised {
    let at = cx.int(at as i64);
    cx.raise_value(&exceptions::StopIteration, at)
}

const PROPERTY_NAME: &str = "Expecting property name enclosed in double quotes";

impl<T: Unit> Input<'_, T> {
    #[inline(always)]
    fn at(&self, i: usize) -> Option<u32> {
        self.units.get(i).map(|c| (*c).into())
    }

    #[inline(always)]
    fn skip_space(&self, mut i: usize) -> usize {
        while let Some(0x20 | 0x09 | 0x0a | 0x0d) = self.at(i) {
            i += 1;
        }
        i
    }

    fn starts_with(&self, i: usize, word: &str) -> bool {
        word.bytes().enumerate().all(|(k, b)| self.at(i + k) == Some(u32::from(b)))
    }

    #[cold]
    fn error(&self, cx: &mut Cx, message: &str, at: usize) -> Raised {
        decode_error(cx, self.text, message, at)
    }

    /// The value at `i` and the index after it.
    fn value(&mut self, cx: &mut Cx, i: usize) -> PyResult<(Value, usize)> {
        let Some(c) = self.at(i) else { return Err(no_value(cx, i)) };
        match char::from_u32(c).unwrap_or('\0') {
            '"' => {
                let (text, end) = self.string(cx, i + 1)?;
                Ok((Value::of(text), end))
            }
            '{' => cx.nested(" while decoding a JSON object from a unicode string", |cx| self.object(cx, i + 1)),
            '[' => cx.nested(" while decoding a JSON array from a unicode string", |cx| self.array(cx, i + 1)),
            'n' if self.starts_with(i, "null") => Ok((Value::none(), i + 4)),
            't' if self.starts_with(i, "true") => Ok((Value::bool(true), i + 4)),
            'f' if self.starts_with(i, "false") => Ok((Value::bool(false), i + 5)),
            'N' if self.starts_with(i, "NaN") => self.constant(cx, "NaN", i),
            'I' if self.starts_with(i, "Infinity") => self.constant(cx, "Infinity", i),
            '-' if self.starts_with(i, "-Infinity") => self.constant(cx, "-Infinity", i),
            '-' | '0'..='9' => self.number(cx, i),
            _ => Err(no_value(cx, i)),
        }
    }

    fn constant(&self, cx: &mut Cx, name: &str, i: usize) -> PyResult<(Value, usize)> {
        let parse = self.scanner.map_or(Value::none(), |s| s.parse_constant);
        let text = cx.str(name);
        Ok((cx.call(parse, &[text])?, i + name.len()))
    }

    fn digits(&self, mut i: usize) -> usize {
        while self.at(i).is_some_and(|c| c.wrapping_sub(0x30) < 10) {
            i += 1;
        }
        i
    }

    fn number(&self, cx: &mut Cx, start: usize) -> PyResult<(Value, usize)> {
        let first = if self.at(start) == Some(u32::from(b'-')) { start + 1 } else { start };
        let mut end = match self.at(first) {
            Some(0x30) => first + 1,
            Some(0x31..=0x39) => self.digits(first + 1),
            _ => return Err(no_value(cx, start)),
        };
        let whole = end;
        if self.at(end) == Some(u32::from(b'.')) && self.digits(end + 1) > end + 1 {
            end = self.digits(end + 1);
        }
        if matches!(self.at(end), Some(0x65 | 0x45)) {
            let sign = usize::from(matches!(self.at(end + 1), Some(0x2b | 0x2d)));
            let exponent = self.digits(end + 1 + sign);
            if exponent > end + 1 + sign {
                end = exponent;
            }
        }
        let Some(scanner) = self.scanner else { return Err(no_value(cx, start)) };
        let is_int = end == whole;
        if is_int && end - start <= 18 && scanner.parse_int == Value::of(&int::INT) {
            let n = self.units[first..end].iter().fold(0i64, |n, c| n * 10 + i64::from((*c).into() - 0x30));
            return Ok((cx.int(if first > start { -n } else { n }), end));
        }
        let bytes: Vec<u8> = self.units[start..end].iter().map(|c| (*c).into() as u8).collect();
        if !is_int && scanner.parse_float == Value::of(&float::FLOAT) {
            let parsed = std::str::from_utf8(&bytes).ok().and_then(|t| t.parse::<f64>().ok());
            return Ok((cx.float(parsed.unwrap_or(f64::NAN)), end));
        }
        let text = Value::of(Str::from_ascii(cx, &bytes));
        let parse = if is_int { scanner.parse_int } else { scanner.parse_float };
        Ok((cx.call(parse, &[text])?, end))
    }

    /// Index of the first unit from `i` on that ends a run of plain characters.
    #[inline(always)]
    fn plain_end(&self, i: usize) -> usize {
        i + self.units.get(i..).map_or(0, T::plain)
    }

    /// The string whose first character is at `start`, and the index after its closing quote.
    fn string(&self, cx: &mut Cx, start: usize) -> PyResult<(&'static Str, usize)> {
        let end = self.plain_end(start);
        if self.at(end) == Some(0x22) {
            return Ok((self.make(cx, start, end), end + 1));
        }
        self.string_slow(cx, start, end)
    }

    fn make(&self, cx: &mut Cx, start: usize, end: usize) -> &'static Str {
        match end - start {
            0 => cx.names().empty,
            1 => cx.char(self.units[start].into()),
            _ => Str::from_units(cx, T::units(&self.units[start..end])),
        }
    }

    fn string_slow(&self, cx: &mut Cx, start: usize, first: usize) -> PyResult<(&'static Str, usize)> {
        let begin = start.wrapping_sub(1);
        let mut out = StrBuf::with_capacity(first - start + 16);
        let (mut from, mut i) = (start, first);
        loop {
            out.push_units(T::units(&self.units[from..i]));
            let Some(c) = self.at(i) else {
                return Err(self.error(cx, "Unterminated string starting at", begin));
            };
            match c {
                0x22 => return Ok((out.finish(cx), i + 1)),
                0x5c => i = self.escape(cx, i + 1, begin, &mut out)?,
                _ if self.strict => return Err(self.error(cx, "Invalid control character at", i)),
                _ => {
                    out.push(c);
                    i += 1;
                }
            }
            from = i;
            i = self.plain_end(i);
        }
    }

    /// The escape whose character after the backslash is at `i`; the index after it.
    fn escape(&self, cx: &mut Cx, i: usize, begin: usize, out: &mut StrBuf) -> PyResult<usize> {
        let Some(c) = self.at(i) else {
            return Err(self.error(cx, "Unterminated string starting at", begin));
        };
        let plain = match char::from_u32(c).unwrap_or('\0') {
            '"' => 0x22,
            '\\' => 0x5c,
            '/' => 0x2f,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'u' => {
                let Some(high) = self.hex(i + 1) else {
                    return Err(self.error(cx, "Invalid \\uXXXX escape", i));
                };
                if (0xd800..0xdc00).contains(&high)
                    && self.starts_with(i + 5, "\\u")
                    && let Some(low @ 0xdc00..=0xdfff) = self.hex(i + 7)
                {
                    out.push(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                    return Ok(i + 11);
                }
                out.push(high);
                return Ok(i + 5);
            }
            _ => return Err(self.error(cx, "Invalid \\escape", i - 1)),
        };
        out.push(plain);
        Ok(i + 1)
    }

    fn hex(&self, i: usize) -> Option<u32> {
        (0..4).try_fold(0, |n, k| {
            let digit = char::from_u32(self.at(i + k)?)?.to_digit(16)?;
            Some(n << 4 | digit)
        })
    }

    fn array(&mut self, cx: &mut Cx, i: usize) -> PyResult<(Value, usize)> {
        let list = List::new(cx);
        let mut i = self.skip_space(i);
        if self.at(i) == Some(u32::from(b']')) {
            return Ok((Value::of(list), i + 1));
        }
        loop {
            let (value, end) = self.value(cx, i)?;
            list.push(cx, value);
            i = self.skip_space(end);
            match self.at(i) {
                Some(0x5d) => return Ok((Value::of(list), i + 1)),
                Some(0x2c) => {}
                _ => return Err(self.error(cx, "Expecting ',' delimiter", i)),
            }
            let comma = i;
            i = self.skip_space(i + 1);
            if self.at(i) == Some(0x5d) {
                return Err(self.error(cx, "Illegal trailing comma before end of array", comma));
            }
        }
    }

    /// A key, shared with equal ones seen lately.
    fn key(&mut self, cx: &mut Cx, start: usize) -> PyResult<(&'static Str, usize)> {
        let end = self.plain_end(start);
        let Some(scanner) = self.scanner.filter(|_| self.at(end) == Some(0x22) && end - start <= LONGEST_KEY) else {
            return self.string(cx, start);
        };
        let units = &self.units[start..end];
        let known = &scanner.keys[T::mixed(units) as usize & (KEYS - 1)];
        if let Some(key) = known.get().filter(|key| T::is(units, key)) {
            return Ok((key, end + 1));
        }
        let key = self.make(cx, start, end);
        known.set(Some(key));
        cx.barrier(scanner);
        Ok((key, end + 1))
    }

    fn object(&mut self, cx: &mut Cx, i: usize) -> PyResult<(Value, usize)> {
        let hooks = self.scanner.map(|s| (s.object_hook, s.object_pairs_hook));
        let (hook, pairs_hook) = hooks.unwrap_or((Value::none(), Value::none()));
        let pairs = if pairs_hook.is_none() { None } else { Some(List::new(cx)) };
        let dict = Dict::new(cx);
        let mut i = self.skip_space(i);
        if self.at(i) != Some(u32::from(b'}')) {
            loop {
                if self.at(i) != Some(0x22) {
                    return Err(self.error(cx, PROPERTY_NAME, i));
                }
                let (key, end) = self.key(cx, i + 1)?;
                i = self.skip_space(end);
                if self.at(i) != Some(u32::from(b':')) {
                    return Err(self.error(cx, "Expecting ':' delimiter", i));
                }
                i = self.skip_space(i + 1);
                let (value, end) = self.value(cx, i)?;
                match pairs {
                    Some(pairs) => {
                        let pair = Value::of(Tuple::new(cx, &[Value::of(key), value]));
                        pairs.push(cx, pair);
                    }
                    None => dict.set_str(cx, key, value),
                }
                i = self.skip_space(end);
                match self.at(i) {
                    Some(0x7d) => break,
                    Some(0x2c) => {}
                    _ => return Err(self.error(cx, "Expecting ',' delimiter", i)),
                }
                let comma = i;
                i = self.skip_space(i + 1);
                if self.at(i) == Some(0x7d) {
                    return Err(self.error(cx, "Illegal trailing comma before end of object", comma));
                }
            }
        }
        let value = match pairs {
            Some(pairs) => cx.call(pairs_hook, &[Value::of(pairs)])?,
            None if !hook.is_none() => cx.call(hook, &[Value::of(dict)])?,
            None => Value::of(dict),
        };
        Ok((value, i + 1))
    }
}
