//! The kinds of items of arrays and the machine formats of pickles.

use taipan_runtime::machine_items::ItemKind;
use taipan_runtime::protocol::number;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

/// What the items are, by type code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    I8,
    U8,
    /// `u`, a C wchar_t.
    Wide,
    /// `w`, a code point.
    Char,
    I16,
    U16,
    I32,
    U32,
    Long,
    ULong,
    I64,
    U64,
    F32,
    F64,
}

/// What compiled code sees in an array, by number of the kind.
pub const MACHINE_KINDS: [Option<ItemKind>; 14] = [
    Some(ItemKind::I8),
    Some(ItemKind::U8),
    None,
    None,
    Some(ItemKind::I16),
    Some(ItemKind::U16),
    Some(ItemKind::I32),
    Some(ItemKind::U32),
    Some(ItemKind::I64),
    None,
    Some(ItemKind::I64),
    None,
    Some(ItemKind::F32),
    Some(ItemKind::F64),
];

/// All kinds, in the order of `typecodes`.
pub const ALL: [Kind; 14] = [
    Kind::I8,
    Kind::U8,
    Kind::Wide,
    Kind::Char,
    Kind::I16,
    Kind::U16,
    Kind::I32,
    Kind::U32,
    Kind::Long,
    Kind::ULong,
    Kind::I64,
    Kind::U64,
    Kind::F32,
    Kind::F64,
];

const CODES: &str = "bBuwhHiIlLqQfd";

/// Up to 8 little-endian bytes as a word.
pub fn read(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

impl Kind {
    /// The kind with this type code.
    pub fn from_code(code: u32) -> Option<Kind> {
        CODES.bytes().position(|c| u32::from(c) == code).map(|i| ALL[i])
    }

    /// The type code.
    pub fn code(self) -> char {
        CODES.as_bytes()[self as usize] as char
    }

    /// The item's `struct` format.
    pub fn format(self) -> &'static str {
        if self == Kind::Char {
            return "w";
        }
        &CODES[self as usize..=self as usize]
    }

    /// Bytes of an item.
    #[inline]
    pub fn size(self) -> usize {
        match self {
            Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 => 2,
            Kind::Wide | Kind::Char | Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::Long | Kind::ULong | Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }

    /// True for characters.
    pub fn is_text(self) -> bool {
        matches!(self, Kind::Wide | Kind::Char)
    }

    /// The machine format of pickles on this (little-endian) machine.
    pub fn machine_format(self) -> i64 {
        match self {
            Kind::U8 => 0,
            Kind::I8 => 1,
            Kind::U16 => 2,
            Kind::I16 => 4,
            Kind::U32 => 6,
            Kind::I32 => 8,
            Kind::ULong | Kind::U64 => 10,
            Kind::Long | Kind::I64 => 12,
            Kind::F32 => 14,
            Kind::F64 => 16,
            Kind::Wide | Kind::Char => 20,
        }
    }

    /// The value of an item's bits. May collect.
    #[inline]
    pub fn load(self, cx: &mut Cx, bits: u64) -> Value {
        match self {
            Kind::I8 => Value::small(i64::from(bits as i8)),
            Kind::I16 => Value::small(i64::from(bits as i16)),
            Kind::I32 => Value::small(i64::from(bits as i32)),
            Kind::U8 | Kind::U16 | Kind::U32 => Value::small(bits as i64),
            Kind::Long | Kind::I64 => cx.int(bits as i64),
            Kind::ULong | Kind::U64 => cx.int_u64(bits),
            Kind::F32 => cx.float(f64::from(f32::from_bits(bits as u32))),
            Kind::F64 => cx.float(f64::from_bits(bits)),
            Kind::Wide | Kind::Char => Value::of(Str::from_code_points(cx, &[bits as u32])),
        }
    }

    /// The bits of a value as an item. Raises what the conversion raises.
    pub fn store(self, cx: &mut Cx, v: Value) -> PyResult<u64> {
        match self {
            Kind::I8 => narrow(cx, v, (i8::MIN as i64, i8::MAX as i64), "signed char"),
            Kind::U8 => narrow(cx, v, (0, u8::MAX as i64), "unsigned byte integer"),
            Kind::I16 => narrow(cx, v, (i16::MIN as i64, i16::MAX as i64), "signed short integer"),
            Kind::U16 => narrow(cx, v, (0, u16::MAX as i64), "unsigned short"),
            Kind::I32 => narrow(cx, v, (i32::MIN as i64, i32::MAX as i64), "signed integer"),
            Kind::U32 => {
                let n = unsigned(cx, v, "Python int too large to convert to C unsigned long")?;
                if n > u64::from(u32::MAX) {
                    return raise!(cx, OverflowError, "unsigned int is greater than maximum");
                }
                Ok(n)
            }
            Kind::Long => Ok(number::to_i64(cx, v)? as u64),
            Kind::ULong => unsigned(cx, v, "Python int too large to convert to C unsigned long"),
            Kind::I64 => {
                let i = number::index(cx, v)?;
                match int::as_i64(i) {
                    Some(i) => Ok(i as u64),
                    None => raise!(cx, OverflowError, "int too big to convert"),
                }
            }
            Kind::U64 => {
                let i = number::index(cx, v)?;
                if int::view(i).is_some_and(|w| w.negative) {
                    return raise!(cx, OverflowError, "can't convert negative int to unsigned");
                }
                unsigned(cx, i, "int too big to convert")
            }
            Kind::F32 => Ok(u64::from((number::to_f64(cx, v)? as f32).to_bits())),
            Kind::F64 => Ok(number::to_f64(cx, v)?.to_bits()),
            Kind::Wide | Kind::Char => character(cx, v),
        }
    }
}

fn narrow(cx: &mut Cx, v: Value, (low, high): (i64, i64), what: &str) -> PyResult<u64> {
    let i = number::to_i64(cx, v)?;
    if i < low {
        return raise!(cx, OverflowError, "{what} is less than minimum");
    }
    if i > high {
        return raise!(cx, OverflowError, "{what} is greater than maximum");
    }
    Ok(i as u64)
}

fn unsigned(cx: &mut Cx, v: Value, too_large: &str) -> PyResult<u64> {
    let i = number::index(cx, v)?;
    let Some(w) = int::view(i) else { return Ok(0) };
    if w.negative {
        return raise!(cx, OverflowError, "can't convert negative value to unsigned int");
    }
    match taipan_num::big::to_u64(w.digits()) {
        Some(n) => Ok(n),
        None => raise!(cx, OverflowError, "{too_large}"),
    }
}

fn character(cx: &mut Cx, v: Value) -> PyResult<u64> {
    let Some(s) = v.downcast::<Str>() else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "array item must be a unicode character, not {got}");
    };
    if s.len() != 1 {
        let n = s.len();
        return raise!(cx, TypeError, "array item must be a unicode character, not a string of length {n}");
    }
    Ok(u64::from(s.at(0)))
}

/// A machine format of pickled arrays.
pub struct Format {
    /// Bytes of an item.
    pub size: usize,
    big_endian: bool,
    kind: Kind,
}

impl Format {
    /// The format with this number.
    pub fn from_code(code: i64) -> Option<Format> {
        let kind = match code {
            0 => Kind::U8,
            1 => Kind::I8,
            2 | 3 => Kind::U16,
            4 | 5 => Kind::I16,
            6 | 7 => Kind::U32,
            8 | 9 => Kind::I32,
            10 | 11 => Kind::U64,
            12 | 13 => Kind::I64,
            14 | 15 => Kind::F32,
            16 | 17 => Kind::F64,
            18..=21 => Kind::Char,
            _ => return None,
        };
        let size = if matches!(code, 18 | 19) { 2 } else { kind.size() };
        Some(Format { size, big_endian: code > 1 && code & 1 == 1, kind })
    }

    /// The value of an item. May collect.
    pub fn load(&self, cx: &mut Cx, bytes: &[u8]) -> PyResult<Value> {
        let mut bytes = bytes.to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        let bits = read(&bytes);
        if self.kind == Kind::Char && bits > 0x10ffff {
            return raise!(cx, ValueError, "character U+{bits:x} is not in range [U+0000; U+10ffff]");
        }
        Ok(self.kind.load(cx, bits))
    }
}
