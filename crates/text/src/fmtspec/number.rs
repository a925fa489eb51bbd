//! Integers, floats and complex numbers in a format specification.

use super::layout::{group, group_decimals, room_for};
use super::{Align, FmtError, FormatSpec, Formatted, Grouping};
use taipan_num::{big, float};

/// Largest precision: that of a C int, with room for the rest of the number.
const MAX_PRECISION: usize = i32::MAX as usize - 1024;

fn separator(g: Grouping) -> (&'static str, &'static [u8]) {
    match g {
        Grouping::None => ("", &[]),
        Grouping::Comma => (",", &[3]),
        Grouping::Underscore => ("_", &[3]),
        Grouping::UnderscoreFour => ("_", &[4]),
    }
}

fn sign_of(neg: bool, sign: Option<char>) -> &'static str {
    match sign {
        _ if neg => "-",
        Some('+') => "+",
        Some(' ') => " ",
        _ => "",
    }
}

/// The parts of a number's text.
struct Parts<'a> {
    digits: &'a str,
    /// With the decimal point if there is one.
    point: bool,
    decimals: &'a str,
    /// Exponent, percent sign, or the words inf and nan.
    rest: &'a str,
}

fn split_number(text: &str) -> Parts<'_> {
    let count = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count(text));
    match rest.strip_prefix('.') {
        Some(rest) => {
            let (decimals, rest) = rest.split_at(count(rest));
            Parts { digits, point: true, decimals, rest }
        }
        None => Parts { digits, point: false, decimals: "", rest },
    }
}

impl FormatSpec {
    /// Groups the parts of a number whose `head` (sign and prefix) takes room in the field.
    fn grouped(&self, head: &str, parts: &Parts<'_>) -> String {
        let local = self.ascii_kind() == Some('n');
        let point = match parts.point {
            false => "",
            true if local => &self.locale.decimal_point,
            true => ".",
        };
        let decimals = group_decimals(parts.decimals, separator(self.frac_grouping).0);
        let (sep, sizes) =
            if local { (&*self.locale.thousands_sep, &*self.locale.grouping) } else { separator(self.grouping) };
        let zero_padded = self.fill == u32::from(b'0') && self.align == Align::Inner;
        let other = head.len() + point.chars().count() + decimals.len() + parts.rest.len();
        let min_width = if zero_padded { self.width.unwrap_or(0).saturating_sub(other) } else { 0 };
        if sep.is_empty() && decimals.len() == parts.decimals.len() && point.len() <= 1 {
            // Padding is left to the layout, which need not build the zeros here.
            let pieces = [parts.digits, point, &decimals, parts.rest];
            let mut text = String::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
            pieces.iter().for_each(|piece| text.push_str(piece));
            return text;
        }
        let digits = match parts.digits {
            "" => String::new(),
            d => group(d, sep, sizes, min_width),
        };
        format!("{digits}{point}{decimals}{}", parts.rest)
    }
}

/// Formats an integer.
pub fn format_int(neg: bool, mag: &big::Digits, spec: &FormatSpec, type_name: &str) -> Result<Formatted, FmtError> {
    let kind = match (spec.kind, spec.ascii_kind()) {
        (None, _) => 'd',
        (_, Some(c)) => c,
        _ => return Err(spec.unknown_kind(type_name)),
    };
    match kind {
        'b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n' => {}
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => {
            let v = big::to_f64(neg, mag).ok_or_else(|| FmtError::overflow("int too large to convert to float"))?;
            return format_float(v, spec, type_name);
        }
        _ => return Err(spec.unknown_kind(type_name)),
    }
    room_for(spec.width.unwrap_or(0))?;
    if spec.precision.is_some() {
        return Err(FmtError::value("Precision not allowed in integer format specifier"));
    }
    if spec.no_neg_0 {
        return Err(FmtError::value("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    if kind == 'c' {
        return format_char(neg, mag, spec);
    }
    let (base, prefix) = match kind {
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut text = String::new();
    big::to_radix(mag, base, &mut text);
    if kind == 'X' {
        text.make_ascii_uppercase();
    }
    let mut head = String::from(sign_of(neg, spec.sign));
    if spec.alternate {
        head.push_str(prefix);
    }
    let parts = Parts { digits: &text, point: false, decimals: "", rest: "" };
    let body = spec.grouped(&head, &parts);
    Formatted::new(head, body, spec.fill, spec.width, spec.align)
}

fn format_char(neg: bool, mag: &big::Digits, spec: &FormatSpec) -> Result<Formatted, FmtError> {
    if spec.sign.is_some() {
        return Err(FmtError::value("Sign not allowed with integer format specifier 'c'"));
    }
    if spec.alternate {
        return Err(FmtError::value("Alternate form (#) not allowed with integer format specifier 'c'"));
    }
    let Some(v) = big::to_i64(neg, mag) else {
        return Err(FmtError::overflow("Python int too large to convert to C long"));
    };
    if !(0..0x11_0000).contains(&v) {
        return Err(FmtError::overflow("%c arg not in range(0x110000)"));
    }
    let mut out = Formatted::new(String::new(), "c".into(), spec.fill, spec.width, spec.align)?;
    out.body.clear();
    out.char = Some(v as u32);
    Ok(out)
}

/// The text of a float by type code, without sign, and whether there was a minus sign.
pub(crate) fn double_text(x: f64, kind: char, precision: usize, flags: float::Flags) -> (bool, String) {
    let mut text = float::format(x, kind, precision, flags);
    let neg = text.starts_with('-');
    if neg {
        text.remove(0);
    }
    (neg, text)
}

/// Formats a float.
pub fn format_float(x: f64, spec: &FormatSpec, type_name: &str) -> Result<Formatted, FmtError> {
    let kind = match (spec.kind, spec.ascii_kind()) {
        (None, _) => 'r',
        (_, Some(c @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%'))) => c,
        _ => return Err(spec.unknown_kind(type_name)),
    };
    if spec.precision.is_some_and(|p| p > MAX_PRECISION) {
        return Err(FmtError::value("precision too big"));
    }
    room_for(spec.width.unwrap_or(0).max(spec.precision.unwrap_or(0)))?;
    let flags =
        float::Flags { alternate: spec.alternate, add_dot_0: kind == 'r', sign: false, no_neg_0: spec.no_neg_0 };
    let code = match kind {
        'n' => 'g',
        '%' => 'f',
        'r' if spec.precision.is_some() => 'g',
        c => c,
    };
    let x = if kind == '%' { x * 100.0 } else { x };
    let (neg, mut text) = double_text(x, code, spec.precision.unwrap_or(6), flags);
    if kind == '%' {
        text.push('%');
    }
    let head = sign_of(neg, spec.sign).to_owned();
    let body = spec.grouped(&head, &split_number(&text));
    drop(text);
    Formatted::new(head, body, spec.fill, spec.width, spec.align)
}

/// Formats a complex number.
pub fn format_complex((re, im): (f64, f64), spec: &FormatSpec, type_name: &str) -> Result<Formatted, FmtError> {
    let kind = match (spec.kind, spec.ascii_kind()) {
        (None, _) => 'r',
        (_, Some(c @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n'))) => c,
        _ => return Err(spec.unknown_kind(type_name)),
    };
    if spec.precision.is_some_and(|p| p > MAX_PRECISION) {
        return Err(FmtError::value("precision too big"));
    }
    room_for(spec.width.unwrap_or(0).max(spec.precision.unwrap_or(0)))?;
    if spec.fill == u32::from(b'0') {
        return Err(FmtError::value("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == Align::Inner {
        return Err(FmtError::value("'=' alignment flag is not allowed in complex format specifier"));
    }
    let skip_re = kind == 'r' && re == 0.0 && re.is_sign_positive();
    let parens = kind == 'r' && !skip_re;
    let code = match kind {
        'n' => 'g',
        'r' if spec.precision.is_some() => 'g',
        c => c,
    };
    let flags = float::Flags { alternate: spec.alternate, no_neg_0: spec.no_neg_0, ..float::Flags::default() };
    let part = |x: f64, sign: Option<char>| {
        let (neg, text) = double_text(x, code, spec.precision.unwrap_or(6), flags);
        format!("{}{}", sign_of(neg, sign), spec.grouped("", &split_number(&text)))
    };
    let mut body = String::new();
    if parens {
        body.push('(');
    }
    if !skip_re {
        body.push_str(&part(re, spec.sign));
    }
    body.push_str(&part(im, if skip_re { spec.sign } else { Some('+') }));
    body.push('j');
    if parens {
        body.push(')');
    }
    Formatted::new(String::new(), body, spec.fill, spec.width, spec.align)
}
