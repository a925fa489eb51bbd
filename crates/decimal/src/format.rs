//! `format()`: the mini-language of format specifications, as far as decimals use it.

use crate::limbs;
use crate::text::{place_point, push_exponent};
use crate::{Context, Dec, Num, Rounding};

/// Why a format is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum FormatError {
    /// "invalid format string".
    Invalid,
    /// A width or precision does not fit a word.
    TooLarge,
    /// A width or precision is larger than any text.
    Limit,
}

/// What separates digits.
#[derive(Clone, Debug)]
pub struct Separators {
    /// The decimal point.
    pub point: String,
    /// Between groups before the point.
    pub thousands: String,
    /// Sizes of the groups from the right, as in `localeconv()`.
    pub grouping: Vec<u8>,
}

/// A format specification.
#[derive(Clone, Debug)]
pub struct Spec {
    fill: char,
    align: char,
    sign: char,
    no_negative_zero: bool,
    alternate: bool,
    zeropad: bool,
    width: usize,
    thousands: Option<char>,
    precision: Option<i64>,
    fraction: Option<char>,
    /// The type, or none.
    pub kind: Option<char>,
}

impl Spec {
    /// Bytes that making the text may take, roughly: it is put together in steps, with separators in small pieces.
    pub fn room(&self) -> usize {
        let chars = self.width.max(self.precision.unwrap_or(0).max(0) as usize);
        let each = if self.thousands.is_some() || self.fraction.is_some() { 20 } else { 8 };
        chars.saturating_mul(each)
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn take_if(&mut self, f: impl Fn(char) -> bool) -> Option<char> {
        let first = self.rest.chars().next().filter(|c| f(*c))?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }

    fn number(&mut self) -> Result<Option<i64>, FormatError> {
        let n = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(n);
        self.rest = rest;
        if n == 0 {
            return Ok(None);
        }
        match digits.parse() {
            Ok(n) if n > 1_000_000_000 => Err(FormatError::Limit),
            Ok(n) => Ok(Some(n)),
            Err(_) => Err(FormatError::TooLarge),
        }
    }
}

impl Spec {
    /// Parses a specification.
    pub fn parse(text: &str) -> Result<Spec, FormatError> {
        let is_align = |c: char| matches!(c, '<' | '>' | '=' | '^');
        let mut chars = text.chars();
        let (mut fill, mut align, skip) = match (chars.next(), chars.next()) {
            (Some(fill), Some(align)) if is_align(align) => (Some(fill), Some(align), fill.len_utf8() + 1),
            (Some(align), _) if is_align(align) => (None, Some(align), 1),
            _ => (None, None, 0),
        };
        let mut scanner = Scanner { rest: &text[skip..] };
        let sign = scanner.take_if(|c| matches!(c, '-' | '+' | ' ')).unwrap_or('-');
        let no_negative_zero = scanner.take_if(|c| c == 'z').is_some();
        let alternate = scanner.take_if(|c| c == '#').is_some();
        let zeropad = scanner.take_if(|c| c == '0').is_some();
        let width = scanner.number()?.unwrap_or(0);
        let thousands = scanner.take_if(|c| matches!(c, ',' | '_'));
        let (mut precision, mut fraction) = (None, None);
        if scanner.take_if(|c| c == '.').is_some() {
            precision = scanner.number()?;
            fraction = scanner.take_if(|c| matches!(c, ',' | '_'));
            if precision.is_none() && fraction.is_none() {
                return Err(FormatError::Invalid);
            }
        }
        let kind = scanner.take_if(|c| "eEfFgGnN%".contains(c));
        if !scanner.rest.is_empty()
            || zeropad && align.is_some()
            || matches!(kind, Some('n' | 'N')) && thousands.is_some()
        {
            return Err(FormatError::Invalid);
        }
        if zeropad {
            (fill, align) = (fill.or(Some('0')), align.or(Some('=')));
        }
        if matches!(kind, None | Some('g' | 'G' | 'n' | 'N')) && precision == Some(0) {
            precision = Some(1);
        }
        let (fill, align) = (fill.unwrap_or(' '), align.unwrap_or('>'));
        let width = width as usize;
        Ok(Spec {
            fill,
            align,
            sign,
            no_negative_zero,
            alternate,
            zeropad,
            width,
            thousands,
            precision,
            fraction,
            kind,
        })
    }

    /// The text of `num`. `locale` serves type `n`.
    pub fn format(&self, num: Num, cx: &Context, capitals: bool, locale: Option<Separators>) -> String {
        let kind = self.kind.unwrap_or(if capitals { 'G' } else { 'g' });
        let kind = match kind {
            'n' => 'g',
            'N' => 'G',
            kind => kind,
        };
        if num.is_special() {
            let mut body = Vec::new();
            num.push_special(&mut body);
            if kind == '%' {
                body.push(b'%');
            }
            let fill = if self.zeropad { ' ' } else { self.fill };
            let align = if self.zeropad { '>' } else { self.align };
            return self.pad(self.sign_text(num.neg), &String::from_utf8_lossy(&body), fill, align);
        }
        let value = self.rounded(num, kind, cx.rounding);
        let neg = value.neg && !(self.no_negative_zero && value.coef.is_empty());
        let mut digits = Vec::with_capacity(value.coef.len() * 19 + 24);
        limbs::push_digits(&value.coef, &mut digits);
        let left = value.exp + digits.len() as i64;
        let point = match kind {
            'e' | 'E' => match self.precision {
                Some(precision) if value.coef.is_empty() => 1 - precision,
                _ => 1,
            },
            'f' | 'F' | '%' => left,
            _ if value.exp <= 0 && left > -6 => left,
            _ => 1,
        };
        if locale.is_none() && self.thousands.is_none() && self.fraction.is_none() && !self.zeropad && !self.alternate {
            return self.assemble_plainly(neg, digits, point, (left - point, kind));
        }
        let (whole, fraction) = split_at_point(&digits, point);
        self.assemble(neg, &whole, &fraction, (left - point, kind), locale)
    }

    fn rounded(&self, num: Num, kind: char, rounding: Rounding) -> Dec {
        let mut value = num.to_dec();
        if kind == '%' {
            value.exp += 2;
        }
        let mut ignored = 0;
        if let Some(precision) = self.precision {
            let keep = |value: &Dec, n: i64| {
                let digits = value.num().digits();
                (!value.coef.is_empty() && digits > n).then(|| {
                    let mut ignored = 0;
                    Dec::finish(value.clone(), &Context { rounding, ..Context::working(n) }, &mut ignored)
                })
            };
            match kind {
                'e' | 'E' => {
                    let digits = value.num().digits();
                    if digits != precision + 1 && !value.coef.is_empty() {
                        value = keep(&value, precision + 1).unwrap_or_else(|| {
                            value.num().rescaled(value.exp - (precision + 1 - digits), rounding, &mut ignored)
                        });
                    }
                }
                'f' | 'F' | '%' => value = value.num().rescaled(-precision, rounding, &mut ignored),
                _ => value = keep(&value, precision).unwrap_or(value),
            }
        }
        if value.coef.is_empty() && value.exp > 0 && matches!(kind, 'f' | 'F' | '%') {
            value.exp = 0;
        }
        value
    }

    fn sign_text(&self, neg: bool) -> &'static str {
        match (neg, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            _ => "",
        }
    }

    fn assemble(
        &self,
        neg: bool,
        whole: &str,
        fraction: &str,
        (exp, kind): (i64, char),
        locale: Option<Separators>,
    ) -> String {
        let separators = locale.unwrap_or_else(|| Separators {
            point: ".".to_string(),
            thousands: self.thousands.map(String::from).unwrap_or_default(),
            grouping: if self.thousands.is_some() { vec![3, 0] } else { Vec::new() },
        });
        let mut tail = String::new();
        if !fraction.is_empty() || self.alternate {
            tail += &separators.point;
            match self.fraction {
                Some(separator) => {
                    for (i, group) in fraction.as_bytes().chunks(3).enumerate() {
                        if i > 0 {
                            tail.push(separator);
                        }
                        tail += &String::from_utf8_lossy(group);
                    }
                }
                None => tail += fraction,
            }
        }
        if exp != 0 || matches!(kind, 'e' | 'E') {
            let mut text = vec![if matches!(kind, 'E' | 'G') { b'E' } else { b'e' }];
            push_exponent(exp, &mut text);
            tail += &String::from_utf8_lossy(&text);
        }
        if kind == '%' {
            tail.push('%');
        }
        let sign = self.sign_text(neg);
        let room = if self.zeropad { self.width.saturating_sub(tail.chars().count() + sign.len()) } else { 0 };
        let body = grouped(whole, &separators, room) + &tail;
        self.pad(sign, &body, self.fill, self.align)
    }

    /// As [`Spec::assemble`], for formats without separators.
    fn assemble_plainly(&self, neg: bool, mut digits: Vec<u8>, point: i64, (exp, kind): (i64, char)) -> String {
        place_point(&mut digits, 0, point);
        if exp != 0 || matches!(kind, 'e' | 'E') {
            digits.push(if matches!(kind, 'E' | 'G') { b'E' } else { b'e' });
            push_exponent(exp, &mut digits);
        }
        if kind == '%' {
            digits.push(b'%');
        }
        let sign = self.sign_text(neg);
        let body = String::from_utf8(digits).unwrap_or_default();
        if sign.is_empty() && body.len() >= self.width {
            return body;
        }
        self.pad(sign, &body, self.fill, self.align)
    }

    fn pad(&self, sign: &str, body: &str, fill: char, align: char) -> String {
        let missing = self.width.saturating_sub(sign.len() + body.chars().count());
        if missing == 0 {
            return [sign, body].concat();
        }
        let fill = |n: usize| std::iter::repeat_n(fill, n).collect::<String>();
        match align {
            '<' => format!("{sign}{body}{}", fill(missing)),
            '=' => format!("{sign}{}{body}", fill(missing)),
            '^' => format!("{}{sign}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
            _ => format!("{}{sign}{body}", fill(missing)),
        }
    }
}

fn split_at_point(digits: &[u8], point: i64) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let zeros = |n: i64| "0".repeat(n as usize);
    let len = digits.len() as i64;
    if point <= 0 {
        ("0".to_string(), zeros(-point) + &text(digits))
    } else if point > len {
        (text(digits) + &zeros(point - len), String::new())
    } else {
        (text(&digits[..point as usize]), text(&digits[point as usize..]))
    }
}

/// The digits with separators, and with zeros before them as far as there is `room`.
fn grouped(digits: &str, separators: &Separators, room: usize) -> String {
    let mut sizes = separators.grouping.iter().copied().peekable();
    let (mut groups, mut rest, mut room) = (Vec::new(), digits, room as i64);
    let mut last = None;
    loop {
        // 0 repeats the size before; CHAR_MAX (127) ends the grouping.
        let size = match sizes.peek() {
            Some(0) => last,
            Some(127) | None => None,
            Some(n) => {
                last = Some(*n as usize);
                sizes.next();
                last
            }
        };
        let wanted = rest.len().max(room.max(1) as usize);
        let len = size.map_or(wanted, |n| n.min(wanted));
        let taken = len.min(rest.len());
        let (before, group) = rest.split_at(rest.len() - taken);
        groups.push("0".repeat(len - taken) + group);
        rest = before;
        room -= len as i64;
        if size.is_none() || rest.is_empty() && room <= 0 {
            break;
        }
        room -= separators.thousands.chars().count() as i64;
    }
    groups.reverse();
    groups.join(&separators.thousands)
}
