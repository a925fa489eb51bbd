//! The methods that bytes and bytearray share, and those of bytes alone.
//!
//! A shared method takes the receiver as a value and makes results of the receiver's kind. Arguments are exported
//! before the receiver's bytes are looked at, since that may run Python code, which may resize a bytearray.

use crate::cx::Cx;
use crate::heap::RootVec;
use crate::protocol::buffer::{self, Held};
use crate::protocol::{codec, iter, number};
use crate::typeobj::Type;
use crate::types::byte_ops;
use crate::types::bytearray::ByteArray;
use crate::types::bytes::{self, BYTES, Bytes};
use crate::types::bytes_hex::{from_hex, hex_separator, hex_str};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::str_search::{bounds, width};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_macros::pymethods;

/// The shared methods.
pub struct ByteMethods;

/// The content of the receiver.
fn data(this: Value) -> &'static [u8] {
    bytes::data_of(this).expect("the receiver is bytes or bytearray")
}

fn is_bytes(this: Value) -> bool {
    this.class().has(crate::typeobj::flags::BYTES)
}

/// A new object of the receiver's kind. May collect.
fn make(cx: &mut Cx, this: Value, content: &[u8]) -> Value {
    if is_bytes(this) { Value::of(Bytes::new(cx, content)) } else { Value::of(ByteArray::new(cx, content)) }
}

/// The receiver if it is an exact bytes object, else a copy. May collect.
fn same(cx: &mut Cx, this: Value) -> Value {
    if this.exact::<Bytes>().is_some() { this } else { make(cx, this, data(this)) }
}

fn part(cx: &mut Cx, this: Value, start: usize, end: usize) -> Value {
    let content = data(this);
    if start == 0 && end == content.len() { same(cx, this) } else { make(cx, this, &content[start..end]) }
}

fn mapped(cx: &mut Cx, this: Value, f: impl FnOnce(&mut [u8])) -> Value {
    let mut copy = data(this).to_vec();
    f(&mut copy);
    make(cx, this, &copy)
}

/// Something to look for: a byte or the content of an exporter.
enum Needle {
    Byte([u8; 1]),
    Held(Held),
}

impl std::ops::Deref for Needle {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Needle::Byte(b) => b,
            Needle::Held(held) => held.bytes(),
        }
    }
}

fn needle(cx: &mut Cx, v: Value) -> PyResult<Needle> {
    if buffer::check(v) {
        return buffer::hold(cx, v, 0).map(Needle::Held);
    }
    if !int::check(v) && v.class().slots().index.is_none() {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "argument should be integer or bytes-like object, not '{got}'");
    }
    bytes::byte_of(cx, v, "byte must be in range(0, 256)").map(|b| Needle::Byte([b]))
}

fn position(
    cx: &mut Cx,
    this: Value,
    sub: Value,
    start: Option<Value>,
    end: Option<Value>,
    find: fn(&[u8], &[u8]) -> Option<usize>,
) -> PyResult<Option<usize>> {
    let _kept = Kept::new(this);
    let sub = needle(cx, sub)?;
    let Some((from, to)) = bounds(cx, start, end, data(this).len())? else { return Ok(None) };
    Ok(data(this).get(from..to).and_then(|hay| find(hay, &sub)).map(|i| from + i))
}

/// Keeps the memory of a bytearray in place while Python code runs: BufferError for what would change its size.
pub(super) struct Kept(Option<&'static ByteArray>);

impl Kept {
    pub(super) fn new(v: Value) -> Kept {
        let array = v.downcast::<ByteArray>();
        if let Some(array) = array {
            array.add_export();
        }
        Kept(array)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(array) = self.0 {
            array.remove_export();
        }
    }
}

fn found(cx: &mut Cx, position: Option<usize>) -> PyResult<usize> {
    match position {
        Some(i) => Ok(i),
        None => raise!(cx, ValueError, "subsection not found"),
    }
}

fn every(this: Value, test: fn(&u8) -> bool) -> bool {
    !data(this).is_empty() && data(this).iter().all(test)
}

fn fill_byte(cx: &mut Cx, fill: Option<Value>, name: &str) -> PyResult<u8> {
    let Some(v) = fill else { return Ok(b' ') };
    match bytes::data_of(v) {
        Some([b]) => Ok(*b),
        Some(more) => {
            let (kind, n) = (if is_bytes(v) { "a bytes" } else { "a bytearray" }, more.len());
            raise!(
                cx,
                TypeError,
                "{name}(): argument 2 must be a byte string of length 1, not {kind} object of length {n}"
            )
        }
        None => {
            let got = v.class().tp_name();
            raise!(cx, TypeError, "{name}() argument 2 must be a byte string of length 1, not {got}")
        }
    }
}

fn pad(cx: &mut Cx, this: Value, left: usize, right: usize, fill: u8) -> PyResult<Value> {
    if left == 0 && right == 0 {
        return Ok(same(cx, this));
    }
    crate::buffer::check_size(cx, left.saturating_add(right))?;
    let mut out = vec![fill; left];
    out.extend_from_slice(data(this));
    out.resize(out.len() + right, fill);
    Ok(make(cx, this, &out))
}

fn affix(
    cx: &mut Cx,
    this: Value,
    affix: Value,
    start: Option<Value>,
    end: Option<Value>,
    (name, test): (&str, fn(&[u8], &[u8]) -> bool),
) -> PyResult<bool> {
    let range = bounds(cx, start, end, data(this).len())?;
    let check = |b: &[u8]| range.and_then(|(from, to)| data(this).get(from..to)).is_some_and(|hay| test(hay, b));
    if let Some(tuple) = affix.downcast::<Tuple>() {
        for item in tuple.items() {
            let held = buffer::hold(cx, *item, 0)?;
            if check(held.bytes()) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if !buffer::check(affix) {
        let got = affix.class().tp_name();
        return raise!(cx, TypeError, "{name} first arg must be bytes or a tuple of bytes, not {got}");
    }
    let held = buffer::hold(cx, affix, 0)?;
    Ok(check(held.bytes()))
}

fn separator(cx: &mut Cx, sep: Option<Value>) -> PyResult<Option<Held>> {
    let Some(sep) = sep.filter(|s| !s.is_none()) else { return Ok(None) };
    let held = buffer::hold(cx, sep, 0)?;
    if held.bytes().is_empty() {
        return raise!(cx, ValueError, "empty separator");
    }
    Ok(Some(held))
}

fn strip(cx: &mut Cx, this: Value, set: Option<Value>, left: bool, right: bool) -> PyResult<Value> {
    let (start, end) = match set.filter(|s| !s.is_none()) {
        None => byte_ops::strip_range(data(this), left, right, byte_ops::is_space),
        Some(set) => {
            let held = buffer::hold(cx, set, 0)?;
            byte_ops::strip_range(data(this), left, right, |b| memchr::memchr(b, held.bytes()).is_some())
        }
    };
    Ok(part(cx, this, start, end))
}

/// (before, separator, after) around the separator at `at`, or with `whole` first or last if there is none.
fn partition(
    cx: &mut Cx,
    this: Value,
    sep: Value,
    find: fn(&[u8], &[u8]) -> Option<usize>,
    last: bool,
) -> PyResult<Value> {
    let held = buffer::hold(cx, sep, 0)?;
    if held.bytes().is_empty() {
        return raise!(cx, ValueError, "empty separator");
    }
    let Some(at) = find(data(this), held.bytes()) else {
        let whole = same(cx, this);
        let (a, b) = (make(cx, this, b""), make(cx, this, b""));
        return Ok(Value::of(Tuple::new(cx, &if last { [a, b, whole] } else { [whole, a, b] })));
    };
    let before = make(cx, this, &data(this)[..at]);
    let middle = if is_bytes(this) && sep.exact::<Bytes>().is_some() { sep } else { make(cx, this, held.bytes()) };
    let after = make(cx, this, &data(this)[at + held.len..]);
    Ok(Value::of(Tuple::new(cx, &[before, middle, after])))
}

#[pymethods]
impl ByteMethods {
    /// B.capitalize() -> copy of B
    ///
    /// Return a copy of B with only its first character capitalized (ASCII)
    /// and the rest lower-cased.
    #[py("($self, /)")]
    fn capitalize(cx: &mut Cx, this: Value) -> Value {
        mapped(cx, this, |b| {
            b.make_ascii_lowercase();
            if let Some(first) = b.first_mut() {
                first.make_ascii_uppercase();
            }
        })
    }
    /// Return a centered string of length width.
    ///
    /// Padding is done using the specified fill character.
    #[py("($self, width, fillchar=b' ', /)")]
    fn center(cx: &mut Cx, this: Value, width: Value, fillchar: Option<Value>) -> PyResult<Value> {
        let (total, fill) = (self::width(cx, width)?, fill_byte(cx, fillchar, "center")?);
        let n = total.saturating_sub(data(this).len());
        let left = n / 2 + (n & total & 1);
        pad(cx, this, left, n - left, fill)
    }
    /// Return a left-justified string of length width.
    ///
    /// Padding is done using the specified fill character.
    #[py("($self, width, fillchar=b' ', /)")]
    fn ljust(cx: &mut Cx, this: Value, width: Value, fillchar: Option<Value>) -> PyResult<Value> {
        let (total, fill) = (self::width(cx, width)?, fill_byte(cx, fillchar, "ljust")?);
        pad(cx, this, 0, total.saturating_sub(data(this).len()), fill)
    }
    /// Return a right-justified string of length width.
    ///
    /// Padding is done using the specified fill character.
    #[py("($self, width, fillchar=b' ', /)")]
    fn rjust(cx: &mut Cx, this: Value, width: Value, fillchar: Option<Value>) -> PyResult<Value> {
        let (total, fill) = (self::width(cx, width)?, fill_byte(cx, fillchar, "rjust")?);
        pad(cx, this, total.saturating_sub(data(this).len()), 0, fill)
    }
    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    ///
    /// The original string is never truncated.
    #[py("($self, width, /)")]
    fn zfill(cx: &mut Cx, this: Value, width: Value) -> PyResult<Value> {
        let n = self::width(cx, width)?.saturating_sub(data(this).len());
        let sign = matches!(data(this).first(), Some(b'+' | b'-'));
        if n == 0 || !sign {
            return pad(cx, this, n, 0, b'0');
        }
        crate::buffer::check_size(cx, n)?;
        let mut out = vec![b'0'; n + data(this).len()];
        out[0] = data(this)[0];
        out[n + 1..].copy_from_slice(&data(this)[1..]);
        Ok(make(cx, this, &out))
    }
    /// Return the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].
    ///
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    #[py("($self, sub[, start[, end]], /)")]
    fn count(cx: &mut Cx, this: Value, sub: Value, start: Option<Value>, end: Option<Value>) -> PyResult<usize> {
        let _kept = Kept::new(this);
        let sub = needle(cx, sub)?;
        let Some((from, to)) = bounds(cx, start, end, data(this).len())? else { return Ok(0) };
        Ok(data(this).get(from..to).map_or(0, |hay| byte_ops::count(hay, &sub)))
    }
    /// Decode the bytes using the codec registered for encoding.
    ///
    ///   encoding
    ///     The encoding with which to decode the bytes.
    ///   errors
    ///     The error handling scheme to use for the handling of decoding
    ///     errors.  The default is 'strict' meaning that decoding errors
    ///     raise a UnicodeDecodeError.  Other possible values are 'ignore'
    ///     and 'replace' as well as any other name registered with
    ///     codecs.register_error that can handle UnicodeDecodeErrors.
    #[py("($self, /, encoding='utf-8', errors='strict')")]
    fn decode(
        cx: &mut Cx,
        this: Value,
        encoding: Option<&'static Str>,
        errors: Option<&'static Str>,
    ) -> PyResult<&'static Str> {
        codec::decode_method(cx, this, encoding, errors)
    }
    /// Return True if the bytes starts with the specified prefix, False otherwise.
    ///
    ///   prefix
    ///     A bytes or a tuple of bytes to try.
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    #[py("($self, prefix[, start[, end]], /)")]
    fn startswith(cx: &mut Cx, this: Value, prefix: Value, start: Option<Value>, end: Option<Value>) -> PyResult<bool> {
        affix(cx, this, prefix, start, end, ("startswith", |hay, b| hay.starts_with(b)))
    }
    /// Return True if the bytes ends with the specified suffix, False otherwise.
    ///
    ///   suffix
    ///     A bytes or a tuple of bytes to try.
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    #[py("($self, suffix[, start[, end]], /)")]
    fn endswith(cx: &mut Cx, this: Value, suffix: Value, start: Option<Value>, end: Option<Value>) -> PyResult<bool> {
        affix(cx, this, suffix, start, end, ("endswith", |hay, b| hay.ends_with(b)))
    }
    /// Return a copy where all tab characters are expanded using spaces.
    ///
    /// If tabsize is not given, a tab size of 8 characters is assumed.
    #[py("($self, /, tabsize=8)")]
    fn expandtabs(cx: &mut Cx, this: Value, tabsize: Option<Value>) -> PyResult<Value> {
        let size = match tabsize {
            Some(v) => number::to_i32(cx, v)?.max(0) as usize,
            None => 8,
        };
        let tabs = byte_ops::count(data(this), b"\t");
        crate::buffer::check_size(cx, tabs.saturating_mul(size))?;
        let out = byte_ops::expand_tabs(data(this), size);
        Ok(make(cx, this, &out))
    }
    /// Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
    ///
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    ///
    /// Return -1 on failure.
    #[py("($self, sub[, start[, end]], /)")]
    fn find(cx: &mut Cx, this: Value, sub: Value, start: Option<Value>, end: Option<Value>) -> PyResult<i64> {
        let at = position(cx, this, sub, start, end, byte_ops::find)?;
        Ok(at.map_or(-1, |i| i as i64))
    }
    /// Return the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
    ///
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    ///
    /// Return -1 on failure.
    #[py("($self, sub[, start[, end]], /)")]
    fn rfind(cx: &mut Cx, this: Value, sub: Value, start: Option<Value>, end: Option<Value>) -> PyResult<i64> {
        let at = position(cx, this, sub, start, end, byte_ops::rfind)?;
        Ok(at.map_or(-1, |i| i as i64))
    }
    /// Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
    ///
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    ///
    /// Raise ValueError if the subsection is not found.
    #[py("($self, sub[, start[, end]], /)")]
    fn index(cx: &mut Cx, this: Value, sub: Value, start: Option<Value>, end: Option<Value>) -> PyResult<usize> {
        let at = position(cx, this, sub, start, end, byte_ops::find)?;
        found(cx, at)
    }
    /// Return the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].
    ///
    ///   start
    ///     Optional start position. Default: start of the bytes.
    ///   end
    ///     Optional stop position. Default: end of the bytes.
    ///
    /// Raise ValueError if the subsection is not found.
    #[py("($self, sub[, start[, end]], /)")]
    fn rindex(cx: &mut Cx, this: Value, sub: Value, start: Option<Value>, end: Option<Value>) -> PyResult<usize> {
        let at = position(cx, this, sub, start, end, byte_ops::rfind)?;
        found(cx, at)
    }
    /// Create a string of hexadecimal numbers from a bytes object.
    ///
    ///   sep
    ///     An optional single character or byte to separate hex bytes.
    ///   bytes_per_sep
    ///     How many bytes between separators.  Positive values count from
    ///     the right, negative values count from the left.
    ///
    /// Example:
    /// >>> value = b'\xb9\x01\xef'
    /// >>> value.hex()
    /// 'b901ef'
    /// >>> value.hex(':')
    /// 'b9:01:ef'
    /// >>> value.hex(':', 2)
    /// 'b9:01ef'
    /// >>> value.hex(':', -2)
    /// 'b901:ef'
    #[py("($self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hex(cx: &mut Cx, this: Value, sep: Option<Value>, bytes_per_sep: Option<i32>) -> PyResult<&'static Str> {
        let held = buffer::hold(cx, this, 0)?;
        let sep = hex_separator(cx, sep)?;
        drop(held);
        hex_str(cx, data(this), sep, bytes_per_sep)
    }
    /// B.isalnum() -> bool
    ///
    /// Return True if all characters in B are alphanumeric
    /// and there is at least one character in B, False otherwise.
    #[py("($self, /)")]
    fn isalnum(_: &mut Cx, this: Value) -> bool {
        every(this, u8::is_ascii_alphanumeric)
    }
    /// B.isalpha() -> bool
    ///
    /// Return True if all characters in B are alphabetic
    /// and there is at least one character in B, False otherwise.
    #[py("($self, /)")]
    fn isalpha(_: &mut Cx, this: Value) -> bool {
        every(this, u8::is_ascii_alphabetic)
    }
    /// B.isascii() -> bool
    ///
    /// Return True if B is empty or all characters in B are ASCII,
    /// False otherwise.
    #[py("($self, /)")]
    fn isascii(_: &mut Cx, this: Value) -> bool {
        data(this).is_ascii()
    }
    /// B.isdigit() -> bool
    ///
    /// Return True if all characters in B are digits
    /// and there is at least one character in B, False otherwise.
    #[py("($self, /)")]
    fn isdigit(_: &mut Cx, this: Value) -> bool {
        every(this, u8::is_ascii_digit)
    }
    /// B.islower() -> bool
    ///
    /// Return True if all cased characters in B are lowercase and there is
    /// at least one cased character in B, False otherwise.
    #[py("($self, /)")]
    fn islower(_: &mut Cx, this: Value) -> bool {
        data(this).iter().any(u8::is_ascii_lowercase) && !data(this).iter().any(u8::is_ascii_uppercase)
    }
    /// B.isupper() -> bool
    ///
    /// Return True if all cased characters in B are uppercase and there is
    /// at least one cased character in B, False otherwise.
    #[py("($self, /)")]
    fn isupper(_: &mut Cx, this: Value) -> bool {
        data(this).iter().any(u8::is_ascii_uppercase) && !data(this).iter().any(u8::is_ascii_lowercase)
    }
    /// B.isspace() -> bool
    ///
    /// Return True if all characters in B are whitespace
    /// and there is at least one character in B, False otherwise.
    #[py("($self, /)")]
    fn isspace(_: &mut Cx, this: Value) -> bool {
        every(this, |b| byte_ops::is_space(*b))
    }
    /// B.istitle() -> bool
    ///
    /// Return True if B is a titlecased string and there is at least one
    /// character in B, i.e. uppercase characters may only follow uncased
    /// characters and lowercase characters only cased ones. Return False
    /// otherwise.
    #[py("($self, /)")]
    fn istitle(_: &mut Cx, this: Value) -> bool {
        byte_ops::is_title(data(this))
    }
    /// Concatenate any number of bytes objects.
    ///
    /// The bytes whose method is called is inserted in between each pair.
    ///
    /// The result is returned as a new bytes object.
    ///
    /// Example: b'.'.join([b'ab', b'pq', b'rs']) -> b'ab.pq.rs'.
    #[py("($self, iterable_of_bytes, /)")]
    fn join(cx: &mut Cx, this: Value, iterable_of_bytes: Value) -> PyResult<Value> {
        join(cx, this, iterable_of_bytes)
    }
    /// B.lower() -> copy of B
    ///
    /// Return a copy of B with all ASCII characters converted to lowercase.
    #[py("($self, /)")]
    fn lower(cx: &mut Cx, this: Value) -> Value {
        mapped(cx, this, |b| b.make_ascii_lowercase())
    }
    /// B.upper() -> copy of B
    ///
    /// Return a copy of B with all ASCII characters converted to uppercase.
    #[py("($self, /)")]
    fn upper(cx: &mut Cx, this: Value) -> Value {
        mapped(cx, this, |b| b.make_ascii_uppercase())
    }
    /// B.swapcase() -> copy of B
    ///
    /// Return a copy of B with uppercase ASCII characters converted
    /// to lowercase ASCII and vice versa.
    #[py("($self, /)")]
    fn swapcase(cx: &mut Cx, this: Value) -> Value {
        mapped(cx, this, byte_ops::swapcase)
    }
    /// B.title() -> copy of B
    ///
    /// Return a titlecased version of B, i.e. ASCII words start with
    /// uppercase characters, all remaining cased characters have lowercase.
    #[py("($self, /)")]
    fn title(cx: &mut Cx, this: Value) -> Value {
        mapped(cx, this, byte_ops::title)
    }
    /// Strip leading and trailing bytes contained in the argument.
    ///
    /// If the argument is omitted or None, strip leading and trailing ASCII
    /// whitespace.
    #[py("($self, bytes=None, /)")]
    fn strip(cx: &mut Cx, this: Value, bytes: Option<Value>) -> PyResult<Value> {
        strip(cx, this, bytes, true, true)
    }
    /// Strip leading bytes contained in the argument.
    ///
    /// If the argument is omitted or None, strip leading  ASCII whitespace.
    #[py("($self, bytes=None, /)")]
    fn lstrip(cx: &mut Cx, this: Value, bytes: Option<Value>) -> PyResult<Value> {
        strip(cx, this, bytes, true, false)
    }
    /// Strip trailing bytes contained in the argument.
    ///
    /// If the argument is omitted or None, strip trailing ASCII whitespace.
    #[py("($self, bytes=None, /)")]
    fn rstrip(cx: &mut Cx, this: Value, bytes: Option<Value>) -> PyResult<Value> {
        strip(cx, this, bytes, false, true)
    }
    /// Return a translation table usable for the bytes or bytearray translate method.
    ///
    /// The returned table will be one where each byte in frm is mapped to
    /// the byte at the same position in to.
    ///
    /// The bytes objects frm and to must be of the same length.
    #[staticmethod]
    #[py("(frm, to, /)")]
    fn maketrans(cx: &mut Cx, frm: Held, to: Held) -> PyResult<&'static Bytes> {
        if frm.len != to.len {
            return raise!(cx, ValueError, "maketrans arguments must have same length");
        }
        let mut table: [u8; 256] = std::array::from_fn(|i| i as u8);
        for (a, b) in frm.bytes().iter().zip(to.bytes()) {
            table[usize::from(*a)] = *b;
        }
        Ok(Bytes::new(cx, &table))
    }
    /// Partition the bytes into three parts using the given separator.
    ///
    /// This will search for the separator sep in the bytes.  If the
    /// separator is found, returns a 3-tuple containing the part before the
    /// separator, the separator itself, and the part after it.
    ///
    /// If the separator is not found, returns a 3-tuple containing the
    /// original bytes object and two empty bytes objects.
    #[py("($self, sep, /)")]
    fn partition(cx: &mut Cx, this: Value, sep: Value) -> PyResult<Value> {
        partition(cx, this, sep, byte_ops::find, false)
    }
    /// Partition the bytes into three parts using the given separator.
    ///
    /// This will search for the separator sep in the bytes, starting at the
    /// end.  If the separator is found, returns a 3-tuple containing the
    /// part before the separator, the separator itself, and the part after
    /// it.
    ///
    /// If the separator is not found, returns a 3-tuple containing two
    /// empty bytes objects and the original bytes object.
    #[py("($self, sep, /)")]
    fn rpartition(cx: &mut Cx, this: Value, sep: Value) -> PyResult<Value> {
        partition(cx, this, sep, byte_ops::rfind, true)
    }
    /// Return a bytes object with the given prefix string removed if present.
    ///
    /// If the bytes starts with the prefix string, return
    /// bytes[len(prefix):].  Otherwise, return a copy of the original
    /// bytes.
    #[py("($self, prefix, /)")]
    fn removeprefix(cx: &mut Cx, this: Value, prefix: Held) -> Value {
        let n = if data(this).starts_with(prefix.bytes()) { prefix.len } else { 0 };
        part(cx, this, n, data(this).len())
    }
    /// Return a bytes object with the given suffix string removed if present.
    ///
    /// If the bytes ends with the suffix string and that suffix is not
    /// empty, return bytes[:-len(prefix)].  Otherwise, return a copy of the
    /// original bytes.
    #[py("($self, suffix, /)")]
    fn removesuffix(cx: &mut Cx, this: Value, suffix: Held) -> Value {
        let n = if data(this).ends_with(suffix.bytes()) { suffix.len } else { 0 };
        part(cx, this, 0, data(this).len() - n)
    }
    /// Return a copy with all occurrences of substring old replaced by new.
    ///
    ///   count
    ///     Maximum number of occurrences to replace.
    ///     -1 (the default value) means replace all occurrences.
    ///
    /// If the optional argument count is given, only the first count occurrences are
    /// replaced.
    #[py("($self, old, new, count=-1, /)")]
    fn replace(cx: &mut Cx, this: Value, old: Held, new: Held, count: Option<isize>) -> PyResult<Value> {
        let limit = usize::try_from(count.unwrap_or(-1)).unwrap_or(usize::MAX);
        let times = byte_ops::count(data(this), old.bytes()).min(limit);
        let Some(added) = times.checked_mul(new.len) else {
            return raise!(cx, OverflowError, "replace bytes is too long");
        };
        crate::buffer::check_size(cx, added)?;
        match byte_ops::replace(data(this), old.bytes(), new.bytes(), limit) {
            Some(out) => Ok(make(cx, this, &out)),
            None => Ok(same(cx, this)),
        }
    }
    /// Return a list of the sections in the bytes, using sep as the delimiter.
    ///
    ///   sep
    ///     The delimiter according which to split the bytes.
    ///     None (the default value) means split on ASCII whitespace
    ///     characters (space, tab, return, newline, formfeed, vertical tab).
    ///   maxsplit
    ///     Maximum number of splits to do.
    ///     -1 (the default value) means no limit.
    #[py("($self, /, sep=None, maxsplit=-1)")]
    fn split(cx: &mut Cx, this: Value, sep: Option<Value>, maxsplit: Option<isize>) -> PyResult<&'static List> {
        let limit = usize::try_from(maxsplit.unwrap_or(-1)).unwrap_or(usize::MAX);
        let _kept = Kept::new(this);
        let sep = separator(cx, sep)?;
        let list = List::new(cx);
        byte_ops::split(data(this), sep.as_ref().map(|s| s.bytes()), limit, |r| {
            let piece = part(cx, this, r.start, r.end);
            list.push(cx, piece);
        });
        Ok(list)
    }
    /// Return a list of the sections in the bytes, using sep as the delimiter.
    ///
    ///   sep
    ///     The delimiter according which to split the bytes.
    ///     None (the default value) means split on ASCII whitespace
    ///     characters (space, tab, return, newline, formfeed, vertical tab).
    ///   maxsplit
    ///     Maximum number of splits to do.
    ///     -1 (the default value) means no limit.
    ///
    /// Splitting is done starting at the end of the bytes and working to
    /// the front.
    #[py("($self, /, sep=None, maxsplit=-1)")]
    fn rsplit(cx: &mut Cx, this: Value, sep: Option<Value>, maxsplit: Option<isize>) -> PyResult<&'static List> {
        let limit = usize::try_from(maxsplit.unwrap_or(-1)).unwrap_or(usize::MAX);
        let _kept = Kept::new(this);
        let sep = separator(cx, sep)?;
        let list = List::new(cx);
        byte_ops::rsplit(data(this), sep.as_ref().map(|s| s.bytes()), limit, |r| {
            let piece = part(cx, this, r.start, r.end);
            list.push(cx, piece);
        });
        list.items_mut().reverse();
        list.written(cx);
        Ok(list)
    }
    /// Return a list of the lines in the bytes, breaking at line boundaries.
    ///
    /// Line breaks are not included in the resulting list unless keepends
    /// is given and true.
    #[py("($self, /, keepends=False)")]
    fn splitlines(cx: &mut Cx, this: Value, keepends: Option<bool>) -> &'static List {
        let list = List::new(cx);
        byte_ops::split_lines(data(this), keepends.unwrap_or(false), |r| {
            let piece = part(cx, this, r.start, r.end);
            list.push(cx, piece);
        });
        list
    }
    /// Return a copy with each character mapped by the given translation table.
    ///
    ///   table
    ///     Translation table, which must be a bytes object of length 256.
    ///
    /// All characters occurring in the optional argument delete are
    /// removed.  The remaining characters are mapped through the given
    /// translation table.
    #[py("($self, table, /, delete=b'')")]
    fn translate(cx: &mut Cx, this: Value, table: Value, delete: Option<Value>) -> PyResult<Value> {
        let table = if table.is_none() { None } else { Some(buffer::hold(cx, table, 0)?) };
        if table.as_ref().is_some_and(|t| t.len != 256) {
            return raise!(cx, ValueError, "translation table must be 256 characters long");
        }
        let delete = match delete {
            Some(delete) => Some(buffer::hold(cx, delete, 0)?),
            None => None,
        };
        let mut map: [u8; 256] = std::array::from_fn(|b| b as u8);
        if let Some(table) = &table {
            map.copy_from_slice(table.bytes());
        }
        let delete = delete.as_ref().map_or(&[][..], |d| d.bytes());
        let mut out = vec![0; data(this).len()];
        if delete.is_empty() {
            for (place, b) in out.iter_mut().zip(data(this)) {
                *place = map[usize::from(*b)];
            }
        } else {
            let mut kept = [1; 256];
            for b in delete {
                kept[usize::from(*b)] = 0;
            }
            // Each byte is written; whether the next one goes behind it depends on the table, not on a branch.
            let mut n = 0;
            for b in data(this) {
                out[n] = map[usize::from(*b)];
                n += kept[usize::from(*b)];
            }
            out.truncate(n);
        }
        Ok(if out == data(this) { same(cx, this) } else { make(cx, this, &out) })
    }
}

fn join(cx: &mut Cx, this: Value, iterable: Value) -> PyResult<Value> {
    let slots = iterable.class().slots();
    if slots.iter.is_none() && slots.getitem.is_none() {
        return raise!(cx, TypeError, "can only join an iterable");
    }
    let _kept = Kept::new(this);
    let items: RootVec = iter::collect(cx, iterable)?;
    // A list is read as it is, so that a change of its length shows.
    let list = iterable.exact::<List>();
    // A single exact bytes object is its own join.
    if let [only] = items[..]
        && is_bytes(this)
        && only.exact::<Bytes>().is_some()
    {
        return Ok(only);
    }
    let sizes = items.iter().map(|item| bytes::data_of(*item).map_or(0, <[u8]>::len));
    let total = sizes.fold(data(this).len().saturating_mul(items.len().max(1) - 1), usize::saturating_add);
    cx.check_room::<u8>(total)?;
    let mut out = Vec::with_capacity(total);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(data(this));
        }
        if let Some(content) = bytes::data_of(*item) {
            out.extend_from_slice(content);
            continue;
        }
        if !buffer::check(*item) {
            let got = item.class().tp_name();
            return raise!(cx, TypeError, "sequence item {i}: expected a bytes-like object, {got} found");
        }
        let held = buffer::hold(cx, *item, 0)?;
        out.extend_from_slice(held.bytes());
        drop(held);
        if list.is_some_and(|list| list.len() != items.len()) {
            return raise!(cx, RuntimeError, "sequence changed size during iteration");
        }
    }
    Ok(make(cx, this, &out))
}

/// The slot of `in`.
pub fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    let _kept = Kept::new(v);
    if int::check(item) || item.class().slots().index.is_some() {
        let b = bytes::byte_of(cx, item, "byte must be in range(0, 256)")?;
        return Ok(memchr::memchr(b, data(v)).is_some());
    }
    let held = buffer::hold(cx, item, 0)?;
    Ok(byte_ops::find(data(v), held.bytes()).is_some())
}

/// The slot of `+`.
pub fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !buffer::check(b) {
        let (got, own) = (b.class().tp_name(), a.class().tp_name());
        return raise!(cx, TypeError, "can't concat {got} to {own}");
    }
    let held = buffer::hold(cx, b, 0)?;
    if held.len == 0 && a.exact::<Bytes>().is_some() {
        return Ok(a);
    }
    if data(a).is_empty() && is_bytes(a) && b.exact::<Bytes>().is_some() {
        return Ok(b);
    }
    let n = data(a).len();
    if !is_bytes(a) {
        let mut out = data(a).to_vec();
        out.extend_from_slice(held.bytes());
        return Ok(Value::of(ByteArray::new(cx, &out)));
    }
    let made = Bytes::build::<()>(cx, n + held.len, |out| {
        out[..n].copy_from_slice(data(a));
        out[n..].copy_from_slice(held.bytes());
        Ok(())
    })?;
    Ok(Value::of(made.expect("cannot fail")))
}

/// The methods of bytes that bytearray has not.
pub struct BytesOnly;

#[pymethods]
impl BytesOnly {
    ///
    #[py("($self, /)")]
    fn __getnewargs__(cx: &mut Cx, this: &'static Bytes) -> &'static Tuple {
        let copy = Value::of(Bytes::new(cx, this.data()));
        Tuple::new(cx, &[copy])
    }
    /// Convert this value to exact type bytes.
    #[py("($self, /)")]
    fn __bytes__(cx: &mut Cx, this: &'static Bytes) -> &'static Bytes {
        this.exact(cx)
    }
    /// Create a bytes object from a string of hexadecimal numbers.
    ///
    /// Spaces between two numbers are accepted.
    /// Example: bytes.fromhex('B9 01EF') -> b'\\xb9\\x01\\xef'.
    #[classmethod]
    #[py("($type, string, /)")]
    fn fromhex(cx: &mut Cx, class: &'static Type, string: Value) -> PyResult<Value> {
        let out = from_hex(cx, string)?;
        let made = Value::of(Bytes::new(cx, &out));
        if std::ptr::eq(class, &BYTES) { Ok(made) } else { cx.call(Value::of(class), &[made]) }
    }
}
