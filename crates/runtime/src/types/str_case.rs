//! Methods of str that change or test characters, or lay text out in a width.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::protocol::{format, number, object};
use crate::types::int;
use crate::types::str::{Str, Units};
use crate::types::str_build::StrBuf;
use crate::types::str_search::{fill_char, width};
use crate::value::Value;
use crate::{PyResult, raise, with_units};
use smallvec::SmallVec;
use taipan_macros::pymethods;
use taipan_text::unicode;

/// The methods of str that look at characters.
pub struct StrCase;

/// Applies a case mapping: `ascii` to the bytes of ASCII texts, `wide` to the others.
fn map_case(
    cx: &mut Cx,
    this: &'static Str,
    ascii: impl FnOnce(&mut [u8]),
    wide: fn(&[u32]) -> Vec<u32>,
) -> &'static Str {
    match this.as_ascii() {
        Some("") => cx.names().empty,
        Some(text) => {
            let made = Str::from_ascii(cx, text.as_bytes());
            made.edit_ascii(ascii);
            made
        }
        None => {
            let points = wide(&this.to_code_points());
            Str::from_code_points(cx, &points)
        }
    }
}

/// Lower case of a text that may have Latin-1 characters; None if it has others, or `odd`.
fn lower_latin1(cx: &mut Cx, this: &'static Str, odd: u8) -> Option<&'static Str> {
    let Units::One(units) = this.units() else { return None };
    if this.as_ascii().is_some() || odd != 0 && units.contains(&odd) {
        return None;
    }
    let made: SmallVec<[u8; 64]> = units.iter().map(|c| lower_byte(*c)).collect();
    Some(Str::from_latin1(cx, &made))
}

/// Lower case of a Latin-1 character.
fn lower_byte(c: u8) -> u8 {
    match c {
        b'A'..=b'Z' | 0xc0..=0xd6 | 0xd8..=0xde => c + 0x20,
        c => c,
    }
}

/// All characters satisfy `test`, and there are some.
fn every(this: &Str, test: fn(u32) -> bool) -> bool {
    !this.is_empty() && with_units!(this.units(), u => u.iter().all(|c| test(u32::from(*c))))
}

#[pymethods]
impl StrCase {
    /// Return a capitalized version of the string.
    ///
    /// More specifically, make the first character have upper case and the
    /// rest lower case.
    #[py("($self, /)")]
    fn capitalize(cx: &mut Cx, this: &'static Str) -> &'static Str {
        let ascii = |b: &mut [u8]| {
            b.make_ascii_lowercase();
            b[0].make_ascii_uppercase();
        };
        map_case(cx, this, ascii, unicode::capitalize_str)
    }
    /// Return a version of the string suitable for caseless comparisons.
    #[py("($self, /)")]
    fn casefold(cx: &mut Cx, this: &'static Str) -> &'static Str {
        // The micro sign is folded to a Greek letter, the sharp s to two.
        if let Units::One(units) = this.units()
            && units.contains(&0xdf)
            && !units.contains(&0xb5)
        {
            let mut folded = SmallVec::<[u8; 64]>::new();
            for c in units {
                match *c {
                    0xdf => folded.extend_from_slice(b"ss"),
                    c => folded.push(lower_byte(c)),
                }
            }
            return Str::from_latin1(cx, &folded);
        }
        match lower_latin1(cx, this, 0xb5) {
            Some(made) => made,
            None => map_case(cx, this, |b| b.make_ascii_lowercase(), unicode::casefold_str),
        }
    }
    /// Return a copy of the string converted to lowercase.
    #[py("($self, /)")]
    fn lower(cx: &mut Cx, this: &'static Str) -> &'static Str {
        match lower_latin1(cx, this, 0) {
            Some(made) => made,
            None => map_case(cx, this, |b| b.make_ascii_lowercase(), unicode::lower_str),
        }
    }
    /// Return a copy of the string converted to uppercase.
    #[py("($self, /)")]
    fn upper(cx: &mut Cx, this: &'static Str) -> &'static Str {
        map_case(cx, this, |b| b.make_ascii_uppercase(), unicode::upper_str)
    }
    /// Convert uppercase characters to lowercase and lowercase characters to uppercase.
    #[py("($self, /)")]
    fn swapcase(cx: &mut Cx, this: &'static Str) -> &'static Str {
        map_case(cx, this, super::byte_ops::swapcase, unicode::swapcase_str)
    }
    /// Return a version of the string where each word is titlecased.
    ///
    /// More specifically, words start with uppercased characters and all
    /// remaining cased characters have lower case.
    #[py("($self, /)")]
    fn title(cx: &mut Cx, this: &'static Str) -> &'static Str {
        map_case(cx, this, super::byte_ops::title, unicode::title_str)
    }
    /// Return True if all characters in the string are ASCII, False otherwise.
    ///
    /// ASCII characters have code points in the range U+0000-U+007F.
    /// Empty string is ASCII too.
    #[py("($self, /)")]
    fn isascii(_: &mut Cx, this: &'static Str) -> bool {
        this.is_ascii()
    }
    /// Return True if the string is a lowercase string, False otherwise.
    ///
    /// A string is lowercase if all cased characters in the string are
    /// lowercase and there is at least one cased character in the string.
    #[py("($self, /)")]
    fn islower(_: &mut Cx, this: &'static Str) -> bool {
        has_only_case(this, unicode::is_lower, unicode::is_upper)
    }
    /// Return True if the string is an uppercase string, False otherwise.
    ///
    /// A string is uppercase if all cased characters in the string are
    /// uppercase and there is at least one cased character in the string.
    #[py("($self, /)")]
    fn isupper(_: &mut Cx, this: &'static Str) -> bool {
        has_only_case(this, unicode::is_upper, unicode::is_lower)
    }
    /// Return True if the string is a title-cased string, False otherwise.
    ///
    /// In a title-cased string, upper- and title-case characters may only
    /// follow uncased characters and lowercase characters only cased ones.
    #[py("($self, /)")]
    fn istitle(_: &mut Cx, this: &'static Str) -> bool {
        let (mut cased, mut found) = (false, false);
        for c in this.chars() {
            if unicode::is_upper(c) || unicode::is_title(c) {
                if cased {
                    return false;
                }
                (cased, found) = (true, true);
            } else if unicode::is_lower(c) {
                if !cased {
                    return false;
                }
                found = true;
            } else {
                cased = false;
            }
        }
        found
    }
    /// Return True if the string is a whitespace string, False otherwise.
    ///
    /// A string is whitespace if all characters in the string are
    /// whitespace and there is at least one character in the string.
    #[py("($self, /)")]
    fn isspace(_: &mut Cx, this: &'static Str) -> bool {
        every(this, unicode::is_space)
    }
    /// Return True if the string is a decimal string, False otherwise.
    ///
    /// A string is a decimal string if all characters in the string are
    /// decimal and there is at least one character in the string.
    #[py("($self, /)")]
    fn isdecimal(_: &mut Cx, this: &'static Str) -> bool {
        every(this, unicode::is_decimal)
    }
    /// Return True if the string is a digit string, False otherwise.
    ///
    /// A string is a digit string if all characters in the string are
    /// digits and there is at least one character in the string.
    #[py("($self, /)")]
    fn isdigit(_: &mut Cx, this: &'static Str) -> bool {
        every(this, unicode::is_digit)
    }
    /// Return True if the string is a numeric string, False otherwise.
    ///
    /// A string is numeric if all characters in the string are numeric and
    /// there is at least one character in the string.
    #[py("($self, /)")]
    fn isnumeric(_: &mut Cx, this: &'static Str) -> bool {
        every(this, unicode::is_numeric)
    }
    /// Return True if the string is an alphabetic string, False otherwise.
    ///
    /// A string is alphabetic if all characters in the string are
    /// alphabetic and there is at least one character in the string.
    #[py("($self, /)")]
    fn isalpha(_: &mut Cx, this: &'static Str) -> bool {
        every(this, unicode::is_alpha)
    }
    /// Return True if the string is an alpha-numeric string, False otherwise.
    ///
    /// A string is alpha-numeric if all characters in the string are
    /// alpha-numeric and there is at least one character in the string.
    #[py("($self, /)")]
    fn isalnum(_: &mut Cx, this: &'static Str) -> bool {
        every(this, unicode::is_alnum)
    }
    /// Return True if the string is a valid Python identifier, False otherwise.
    ///
    /// Call keyword.iskeyword(s) to test whether string s is a reserved
    /// identifier, such as "def" or "class".
    #[py("($self, /)")]
    fn isidentifier(_: &mut Cx, this: &'static Str) -> bool {
        unicode::is_identifier(this.chars())
    }
    /// Return True if all characters in the string are printable, False otherwise.
    ///
    /// A character is printable if repr() may use it in its output.
    #[py("($self, /)")]
    fn isprintable(_: &mut Cx, this: &'static Str) -> bool {
        this.is_empty() || every(this, unicode::is_printable)
    }
    /// Return a centered string of length width.
    ///
    /// Padding is done using the specified fill character (default is
    /// a space).
    #[py("($self, width, fillchar=' ', /)")]
    fn center(cx: &mut Cx, this: &'static Str, width: Value, fillchar: Option<Value>) -> PyResult<&'static Str> {
        let (total, fill) = (self::width(cx, width)?, fill_char(cx, fillchar)?);
        let pad = total.saturating_sub(this.len());
        let left = pad / 2 + (pad & total & 1);
        format::padded(cx, this, left, this.len(), pad - left, fill)
    }
    /// Return a left-justified string of length width.
    ///
    /// Padding is done using the specified fill character (default is
    /// a space).
    #[py("($self, width, fillchar=' ', /)")]
    fn ljust(cx: &mut Cx, this: &'static Str, width: Value, fillchar: Option<Value>) -> PyResult<&'static Str> {
        let (total, fill) = (self::width(cx, width)?, fill_char(cx, fillchar)?);
        format::padded(cx, this, 0, this.len(), total.saturating_sub(this.len()), fill)
    }
    /// Return a right-justified string of length width.
    ///
    /// Padding is done using the specified fill character (default is
    /// a space).
    #[py("($self, width, fillchar=' ', /)")]
    fn rjust(cx: &mut Cx, this: &'static Str, width: Value, fillchar: Option<Value>) -> PyResult<&'static Str> {
        let (total, fill) = (self::width(cx, width)?, fill_char(cx, fillchar)?);
        format::padded(cx, this, total.saturating_sub(this.len()), this.len(), 0, fill)
    }
    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    ///
    /// The string is never truncated.
    #[py("($self, width, /)")]
    fn zfill(cx: &mut Cx, this: &'static Str, width: Value) -> PyResult<&'static Str> {
        let pad = self::width(cx, width)?.saturating_sub(this.len());
        if pad == 0 {
            return Ok(this.exact(cx));
        }
        let sign = usize::from(!this.is_empty() && matches!(this.at(0), 0x2b | 0x2d));
        if sign == 0 {
            return format::padded(cx, this, pad, this.len(), 0, b'0' as u32);
        }
        crate::buffer::check_size(cx, pad.saturating_mul(4))?;
        let mut out = StrBuf::with_capacity(this.len() + pad);
        out.push(this.at(0));
        out.fill(b'0' as u32, pad);
        out.push_units(this.units().slice(1, this.len()));
        Ok(out.finish(cx))
    }
    /// Return a copy where all tab characters are expanded using spaces.
    ///
    /// If tabsize is not given, a tab size of 8 characters is assumed.
    #[py("($self, /, tabsize=8)")]
    fn expandtabs(cx: &mut Cx, this: &'static Str, tabsize: Option<Value>) -> PyResult<&'static Str> {
        let size = match tabsize {
            Some(v) => number::to_i32(cx, v)?.max(0) as usize,
            None => 8,
        };
        if std::ptr::eq(this.class(), Str::type_object()) && !this.chars().any(|c| c == 9) {
            return Ok(this);
        }
        let (mut out, mut column) = (StrBuf::with_capacity(this.len()), 0);
        for c in this.chars() {
            match c {
                9 if size > 0 => {
                    let n = size - column % size;
                    crate::buffer::check_size(cx, out.len().saturating_add(n))?;
                    out.fill(b' ' as u32, n);
                    column += n;
                }
                9 => {}
                _ => {
                    out.push(c);
                    column = if c == 10 || c == 13 { 0 } else { column + 1 };
                }
            }
        }
        Ok(out.finish(cx))
    }
    /// Replace each character in the string using the given translation table.
    ///
    ///   table
    ///     Translation table, which must be a mapping of Unicode ordinals
    ///     to Unicode ordinals, strings, or None.
    ///
    /// The table must implement lookup/indexing via __getitem__, for
    /// instance a dictionary or list.  If this operation raises
    /// LookupError, the character is left untouched.  Characters mapped to
    /// None are deleted.
    #[py("($self, table, /)")]
    fn translate(cx: &mut Cx, this: &'static Str, table: Value) -> PyResult<&'static Str> {
        translate(cx, this, table)
    }
    /// Return a translation table usable for str.translate().
    ///
    /// If there is only one argument, it must be a dictionary mapping
    /// Unicode ordinals (integers) or characters to Unicode ordinals,
    /// strings or None.  Character keys will be then converted to ordinals.
    /// If there are two arguments, they must be strings of equal length,
    /// and in the resulting dictionary, each character in x will be mapped
    /// to the character at the same position in y.  If there is a third
    /// argument, it must be a string, whose characters will be mapped to
    /// None in the result.
    #[staticmethod]
    #[py("(x, y=<unrepresentable>, z=<unrepresentable>, /)")]
    fn maketrans(cx: &mut Cx, x: Value, y: Option<Value>, z: Option<&'static Str>) -> PyResult<&'static Dict> {
        let Some(y) = y else { return table_of_dict(cx, x) };
        let Some(from) = x.downcast::<Str>() else {
            return raise!(cx, TypeError, "first maketrans argument must be a string if there is a second argument");
        };
        let Some(to) = y.downcast::<Str>() else {
            return raise!(cx, TypeError, "maketrans() argument 2 must be str, not {}", y.class().tp_name());
        };
        if from.len() != to.len() {
            return raise!(cx, ValueError, "the first two maketrans arguments must have equal length");
        }
        let table = Dict::new(cx);
        for (a, b) in from.chars().zip(to.chars()) {
            table.set(cx, Value::small(a as i64), Value::small(b as i64))?;
        }
        for c in z.into_iter().flat_map(|z| z.chars()) {
            table.set(cx, Value::small(c as i64), Value::none())?;
        }
        Ok(table)
    }
}

fn has_only_case(this: &Str, wanted: fn(u32) -> bool, other: fn(u32) -> bool) -> bool {
    let mut found = false;
    for c in this.chars() {
        if other(c) || unicode::is_title(c) {
            return false;
        }
        found |= wanted(c);
    }
    found
}

fn table_of_dict(cx: &mut Cx, x: Value) -> PyResult<&'static Dict> {
    let Some(dict) = x.downcast::<Dict>() else {
        return raise!(cx, TypeError, "if you give only one argument to maketrans it must be a dict");
    };
    let (table, mut position) = (Dict::new(cx), 0);
    while let Some((key, value)) = dict.next_item(&mut position) {
        let key = if let Some(s) = key.downcast::<Str>() {
            if s.len() != 1 {
                return raise!(cx, ValueError, "string keys in translatetable must be of length 1");
            }
            Value::small(s.at(0) as i64)
        } else if int::check(key) {
            key
        } else {
            return raise!(cx, TypeError, "keys in translate table mustbe strings or integers");
        };
        table.set(cx, key, value)?;
    }
    Ok(table)
}

/// What a translation table says of a character.
#[derive(Clone, Copy)]
enum Mapped {
    Keep,
    Delete,
    Char(u32),
    Text(&'static Str),
}

fn lookup(cx: &mut Cx, table: Value, c: u32) -> PyResult<Mapped> {
    let key = Value::small(c as i64);
    let found = if let Some(dict) = table.exact::<Dict>() {
        match dict.get(cx, key)? {
            Some(v) => v,
            None => return Ok(Mapped::Keep),
        }
    } else {
        let r = object::get_item(cx, table, key);
        match cx.catch(r, &crate::exceptions::LookupError)? {
            Some(v) => v,
            None => return Ok(Mapped::Keep),
        }
    };
    if found.is_none() {
        return Ok(Mapped::Delete);
    }
    if let Some(s) = found.downcast::<Str>() {
        return Ok(if s.len() == 1 { Mapped::Char(s.at(0)) } else { Mapped::Text(s) });
    }
    if !int::check(found) {
        return raise!(cx, TypeError, "character mapping must return integer, None or str");
    }
    match int::as_i64(found) {
        Some(c @ 0..0x11_0000) => Ok(Mapped::Char(c as u32)),
        _ => raise!(cx, ValueError, "character mapping must be in range(0x110000)"),
    }
}

/// `text.translate(table)`.
pub fn translate(cx: &mut Cx, this: &'static Str, table: Value) -> PyResult<&'static Str> {
    let mut out = StrBuf::with_capacity(this.len());
    // Answers for ASCII characters are remembered, but only those that are one character or none: a table may have
    // side effects, which CPython does not repeat for ASCII either.
    let mut cache = [u8::MAX; 128];
    for c in this.chars() {
        if c < 128 && cache[c as usize] < 128 {
            out.push(cache[c as usize] as u32);
            continue;
        }
        match lookup(cx, table, c)? {
            Mapped::Keep => {
                if c < 128 {
                    cache[c as usize] = c as u8;
                }
                out.push(c);
            }
            Mapped::Delete => {}
            Mapped::Char(to) => {
                if c < 128 && to < 128 {
                    cache[c as usize] = to as u8;
                }
                out.push(to);
            }
            Mapped::Text(s) => out.try_push_str(cx, s)?,
        }
    }
    Ok(out.finish(cx))
}
