//! `CField`: a field of a structure or union.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::{Args, FromArg, ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::object as protocol;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, object, raise, trace_values};

use crate::data::{self, CData};
use crate::info::{self, Kind};
use crate::simple;

/// Bits of a bit field.
#[derive(Clone, Copy)]
pub struct Bits {
    /// How many.
    pub size: u32,
    /// Where they start.
    pub offset: u32,
}

/// A field.
#[repr(C)]
pub struct CField {
    header: Header,
    /// Its name.
    pub name: &'static Str,
    /// Its type.
    pub class: &'static Type,
    /// Bytes from the start.
    pub offset: usize,
    /// Bytes of the type.
    pub size: usize,
    /// Of a bit field.
    pub bits: Option<Bits>,
    /// Its number.
    pub index: usize,
    /// Its own fields are those of the structure.
    pub anonymous: Cell<bool>,
}
object!(CField, CFIELD);
trace_values!(trace_field, CField, |t| [Value::of(t.name), Value::of(t.class)]);

/// The type `CField`.
pub static CFIELD: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "ctypes.CField",
    basicsize: std::mem::size_of::<CField>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_field),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        descr_get: Some(descr_get),
        descr_set: Some(descr_set),
        ..Slots::NONE
    },
    getsets: &[CField::GETSETS],
    doc: "Structure/Union member",
    ..TypeSpec::DEFAULT
};

static PARAMS: ParamSpec = ParamSpec {
    name: "CField",
    names: &["name", "type", "byte_size", "byte_offset", "index", "_internal_use", "bit_size", "bit_offset"],
    positional_only: 0,
    positional: 8,
    required: 6,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn of(v: Value) -> &'static CField {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 8];
    bind(cx, &PARAMS, args, &mut bound)?;
    let name = match bound[0].and_then(|v| v.downcast::<Str>()) {
        Some(name) => cx.intern_value(name),
        None => {
            let got = bound[0].map_or_else(String::new, |v| v.class().tp_name());
            return raise!(cx, TypeError, "CField() argument 'name' must be str, not {got}");
        }
    };
    let (size, offset) = (isize::from_arg(cx, bound[2], &PARAMS, 2)?, isize::from_arg(cx, bound[3], &PARAMS, 3)?);
    let index = isize::from_arg(cx, bound[4], &PARAMS, 4)?;
    if !protocol::truth(cx, bound[5].expect("required"))? {
        return raise!(cx, TypeError, "CField is not intended to be used directly");
    }
    let class = bound[1].and_then(|v| v.downcast::<Type>());
    let Some((class, info)) = class.and_then(|c| Some((c, info::of(c)?))) else {
        let got = bound[1].map_or_else(String::new, |v| v.class().tp_name());
        return raise!(cx, TypeError, "type of field '{name}' must be a C type, not {got}");
    };
    if size < 0 || size as usize != info.size.get() {
        return raise!(cx, ValueError, "byte_size does not match type size");
    }
    let Ok(offset) = usize::try_from(offset) else {
        return raise!(cx, ValueError, "byte_offset must not be negative");
    };
    let bits = match bound[6].filter(|v| !v.is_none()) {
        None => None,
        Some(n) => Some(bits_of(cx, name, class, n, bound[7], size as u32)?),
    };
    let field = CField {
        header: Header::fresh(&CFIELD),
        name,
        class,
        offset,
        size: size as usize,
        bits,
        index: index as usize,
        anonymous: Cell::new(false),
    };
    Ok(Value::of(cx.alloc_of(&CFIELD, field)))
}

fn bits_of(
    cx: &mut Cx,
    name: &Str,
    class: &'static Type,
    n: Value,
    offset: Option<Value>,
    size: u32,
) -> PyResult<Bits> {
    let info = info::of(class);
    if !info.is_some_and(|i| i.kind.get() == Kind::Simple && simple::can_be_bits(i.code.get())) {
        return raise!(cx, TypeError, "bit fields not allowed for type {}", class.name());
    }
    let n = taipan_runtime::protocol::number::to_isize(cx, n)?;
    let offset = match offset.filter(|v| !v.is_none()) {
        Some(offset) => taipan_runtime::protocol::number::to_isize(cx, offset)?,
        None => return raise!(cx, ValueError, "bit_offset must be specified if bit_size is"),
    };
    if n <= 0 {
        return raise!(cx, ValueError, "number of bits invalid for bit field '{name}'");
    }
    if offset < 0 || offset + n > 8 * size as isize {
        return raise!(cx, ValueError, "bit field '{name}' overflows its type ({offset} + {n} > {})", 8 * size);
    }
    Ok(Bits { size: n as u32, offset: offset as u32 })
}

impl CField {
    /// The field of a field, as the outer structure sees it. May collect.
    pub fn within(&self, cx: &mut Cx, outer: &CField) -> &'static CField {
        let field = CField {
            header: Header::fresh(&CFIELD),
            name: self.name,
            class: self.class,
            offset: self.offset + outer.offset,
            size: self.size,
            bits: self.bits,
            index: self.index + outer.index,
            anonymous: Cell::new(self.anonymous.get()),
        };
        cx.alloc_of(&CFIELD, field)
    }

    /// `c` or `u` if the field is an array of characters, which is got and set as a string.
    fn text_code(&self) -> Option<u8> {
        let info = info::of(self.class).filter(|i| i.kind.get() == Kind::Array)?;
        let item = info.item.get().and_then(info::of).filter(|i| i.kind.get() == Kind::Simple)?;
        Some(item.code.get()).filter(|c| matches!(c, b'c' | b'u'))
    }

    fn code(&self) -> (u8, bool) {
        info::of(self.class).map_or((b'i', false), |i| (i.code.get(), i.swapped.get()))
    }

    /// Whether the field lies within an object's memory, which may have been declared otherwise meanwhile.
    fn check_room(&self, cx: &mut Cx, this: &CData) -> PyResult<*mut u8> {
        if self.offset + self.size > this.size() {
            return raise!(cx, ValueError, "field '{}' is outside of the object's memory", self.name);
        }
        // SAFETY: CT-1.
        Ok(unsafe { this.ptr().add(self.offset) })
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let name = protocol::repr_text(cx, Value::of(this.name))?;
    let (class, own, offset) = (this.class.name(), v.class().tp_name(), this.offset);
    let text = match this.bits {
        Some(bits) => {
            let (size, start) = (bits.size, bits.offset);
            format!("<{own} {name} type={class}, ofs={offset}, bit_size={size}, bit_offset={start}>")
        }
        None => format!("<{own} {name} type={class}, ofs={offset}, size={}>", this.size),
    };
    Ok(cx.str(&text))
}

fn descr_get(cx: &mut Cx, v: Value, object: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    let this = of(v);
    let Some(object) = object else { return Ok(v) };
    let Some(data) = object.downcast::<CData>() else { return raise!(cx, TypeError, "not a ctype instance") };
    let p = this.check_room(cx, data)?;
    let Some(bits) = this.bits else {
        if let Some(code) = this.text_code() {
            // SAFETY: within the object's memory.
            return unsafe { get_text(cx, code, p, this.size) };
        }
        // SAFETY: within the object's memory.
        return unsafe { data::get(cx, this.class, data, this.index, p) };
    };
    let (code, swapped) = this.code();
    // SAFETY: within the object's memory.
    let raw = unsafe { simple::read_bits(p, this.size, swapped) } >> bits.offset;
    if code == b'?' {
        return Ok(Value::bool(raw & mask(bits.size) != 0));
    }
    Ok(simple::int_of(cx, raw, bits.size, simple::is_signed(code)))
}

/// The string in an array of characters.
unsafe fn get_text(cx: &mut Cx, code: u8, p: *mut u8, size: usize) -> PyResult<Value> {
    // SAFETY: the caller's promise.
    unsafe {
        if code == b'c' {
            let all = std::slice::from_raw_parts(p, size);
            let n = all.iter().position(|b| *b == 0).unwrap_or(size);
            return Ok(Value::of(Bytes::new(cx, &all[..n])));
        }
        let wide = p.cast::<u32>();
        let n = (0..size / 4).find(|i| wide.add(*i).read_unaligned() == 0).unwrap_or(size / 4);
        simple::wide_str(cx, wide, n)
    }
}

/// Writes a string to an array of characters, with a terminating zero where there is room.
unsafe fn set_text(cx: &mut Cx, code: u8, p: *mut u8, size: usize, v: Value) -> PyResult<()> {
    if code == b'c' {
        let Some(bytes) = v.downcast::<Bytes>() else {
            return raise!(cx, TypeError, "expected bytes, {} found", v.class().tp_name());
        };
        let data = bytes.data();
        let data = &data[..data.iter().position(|b| *b == 0).unwrap_or(data.len())];
        if data.len() > size {
            return raise!(cx, ValueError, "bytes too long ({}, maximum length {size})", data.len());
        }
        // SAFETY: the caller's promise.
        unsafe {
            p.copy_from_nonoverlapping(data.as_ptr(), data.len());
            if data.len() < size {
                *p.add(data.len()) = 0;
            }
        }
        return Ok(());
    }
    let Some(s) = v.downcast::<Str>() else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "unicode string expected instead of {got} instance");
    };
    let (n, room) = (s.len(), size / 4);
    if n > room {
        return raise!(cx, ValueError, "string too long ({n}, maximum length {room})");
    }
    for (i, c) in s.chars().chain([0]).take(room).enumerate() {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<u32>().add(i).write_unaligned(c) };
    }
    Ok(())
}

fn mask(n: u32) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}

fn descr_set(cx: &mut Cx, v: Value, object: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    let Some(data) = object.downcast::<CData>() else { return raise!(cx, TypeError, "not a ctype instance") };
    let Some(value) = value else { return raise!(cx, TypeError, "can't delete attribute") };
    let p = this.check_room(cx, data)?;
    let Some(bits) = this.bits else {
        if let Some(code) = this.text_code()
            && value.downcast::<CData>().is_none()
        {
            // SAFETY: within the object's memory.
            return unsafe { set_text(cx, code, p, this.size, value) };
        }
        // SAFETY: within the object's memory.
        return unsafe { data::set(cx, this.class, data, this.index, p, value) };
    };
    let (code, swapped) = this.code();
    let new = match code {
        b'?' => u64::from(protocol::truth(cx, value)?),
        _ => simple::low_bits(cx, value)?,
    };
    let mask = mask(bits.size);
    // SAFETY: within the object's memory; no Python code runs in between.
    unsafe {
        let old = simple::read_bits(p, this.size, swapped);
        let bits = old & !(mask << bits.offset) | (new & mask) << bits.offset;
        simple::write_bits(p, this.size, swapped, bits);
    }
    Ok(())
}

/// Values of the attributes below.
trait Member {
    fn into_value(self, cx: &mut Cx) -> Value;
}
impl<T: taipan_runtime::native::IntoPy> Member for T {
    fn into_value(self, cx: &mut Cx) -> Value {
        self.into_py(cx)
    }
}
impl Member for Wide {
    fn into_value(self, cx: &mut Cx) -> Value {
        cx.int_wide(self.0)
    }
}
/// A number of bits, which may need more than a word.
struct Wide(i128);

macro_rules! members {
    ($($(#[doc = $doc:literal])* $name:ident $setter:ident $text:literal |$this:ident| $value:expr;)*) => {
        #[pymethods]
        impl CField {
            $(
                $(#[doc = $doc])*
                #[getter($text)]
                fn $name(cx: &mut Cx, $this: &'static CField) -> PyResult<Value> {
                    Ok(Member::into_value($value, cx))
                }
                #[setter($text)]
                fn $setter(cx: &mut Cx, _: &'static CField, _value: Option<Value>) -> PyResult<()> {
                    raise!(cx, AttributeError, "readonly attribute")
                }
            )*
        }
    };
}

members! {
    /// name of this field
    get_name set_name "name" |this| this.name;
    /// type of this field
    get_type set_type "type" |this| this.class;
    /// offset in bytes of this field (same as byte_offset)
    get_offset set_offset "offset" |this| this.offset;
    /// size in bytes of this field. For bitfields, this is a legacy packed value; use byte_size instead
    get_size set_size "size" |this| match this.bits {
        Some(bits) => (bits.size << 16 | bits.offset) as usize,
        None => this.size,
    };
    /// offset in bytes of this field. For bitfields: excludes bit_offset.
    get_byte_offset set_byte_offset "byte_offset" |this| this.offset;
    /// size of this field in bytes
    get_byte_size set_byte_size "byte_size" |this| this.size;
    /// additional offset in bits (relative to byte_offset); zero for non-bitfields
    get_bit_offset set_bit_offset "bit_offset" |this| this.bits.map_or(0, |b| b.offset as usize);
    /// size of this field in bits
    get_bit_size set_bit_size "bit_size" |this| Wide(this.bits.map_or(8 * this.size as i128, |b| i128::from(b.size)));
    /// true if this is a bitfield
    get_is_bitfield set_is_bitfield "is_bitfield" |this| this.bits.is_some();
    /// true if this field is anonymous
    get_is_anonymous set_is_anonymous "is_anonymous" |this| this.anonymous.get();
}
