//! `_struct`: values to and from C structs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::struct_format::{Code, Format};
use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_num::big;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::{self, Held};
use taipan_runtime::protocol::{codec, number, object as obj};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::memoryview_items::{f64_to_half, half_to_f64};
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{complex, int};
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, object, raise};

/// `struct.error`.
pub static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "struct.error",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

fn error<T>(cx: &mut Cx, text: &str) -> PyResult<T> {
    Err(cx.raise_text(&ERROR, text))
}

// ---- formats ---------------------------------------------------------------------------------------

thread_local! {
    /// Compiled formats of the module's functions.
    static CACHE: RefCell<HashMap<Box<[u8]>, Rc<Format>>> = RefCell::new(HashMap::new());
}

const CACHE_LIMIT: usize = 100;

/// The compiled form of a format argument, str or bytes, and its text.
fn compile(cx: &mut Cx, v: Value) -> PyResult<(Rc<Format>, &'static Bytes)> {
    let text = if let Some(s) = v.downcast::<Str>() {
        codec::encode(cx, codec::Codec::Ascii, s, None)?
    } else if let Some(b) = v.downcast::<Bytes>() {
        b
    } else {
        let got = v.class().tp_name();
        return raise!(cx, TypeError, "Struct() argument 1 must be a str or bytes object, not {got}");
    };
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(text.data()).cloned()) {
        return Ok((found, text));
    }
    if text.data().contains(&0) {
        return error(cx, "embedded null character");
    }
    match Format::parse(text.data()) {
        Ok(format) => {
            let format = Rc::new(format);
            CACHE.with_borrow_mut(|cache| {
                if cache.len() >= CACHE_LIMIT {
                    cache.clear();
                }
                cache.insert(text.data().into(), Rc::clone(&format));
            });
            Ok((format, text))
        }
        Err(text) => error(cx, text),
    }
}

// ---- unpacking -------------------------------------------------------------------------------------

fn read_uint(bytes: &[u8], big: bool) -> u64 {
    // Of the sizes that occur each has code of its own, without a call.
    macro_rules! read {
        ($ty:ty, $bytes:expr) => {
            if big { <$ty>::from_be_bytes($bytes).into() } else { <$ty>::from_le_bytes($bytes).into() }
        };
    }
    match *bytes {
        [a] => a.into(),
        [a, b] => read!(u16, [a, b]),
        [a, b, c, d] => read!(u32, [a, b, c, d]),
        [a, b, c, d, e, f, g, h] => read!(u64, [a, b, c, d, e, f, g, h]),
        _ => unreachable!("an item of {} bytes", bytes.len()),
    }
}

fn read_float(bytes: &[u8], big: bool) -> f64 {
    let bits = read_uint(bytes, big);
    match bytes.len() {
        2 => half_to_f64(bits as u16),
        4 => f32::from_bits(bits as u32).into(),
        _ => f64::from_bits(bits),
    }
}

#[inline]
fn unpack_item(cx: &mut Cx, kind: u8, bytes: &[u8], big: bool) -> Value {
    match kind {
        b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => {
            let unused = 64 - 8 * bytes.len() as u32;
            cx.int((read_uint(bytes, big) << unused) as i64 >> unused)
        }
        b'B' | b'H' | b'I' | b'L' | b'Q' | b'N' | b'P' => cx.int_u64(read_uint(bytes, big)),
        b'?' => Value::bool(bytes.iter().any(|b| *b != 0)),
        b'e' | b'f' | b'd' => cx.float(read_float(bytes, big)),
        b'F' | b'D' => {
            let (re, im) = bytes.split_at(bytes.len() / 2);
            complex::new(cx, read_float(re, big), read_float(im, big))
        }
        b'p' => {
            let n = bytes.first().map_or(0, |n| usize::from(*n).min(bytes.len() - 1));
            Value::of(Bytes::new(cx, bytes.get(1..1 + n).unwrap_or(&[])))
        }
        _ => Value::of(Bytes::new(cx, bytes)),
    }
}

/// The values in `data`, which is as long as the format says. May collect.
fn unpack(cx: &mut Cx, format: &Format, data: &[u8]) -> Value {
    let mut small = [Value::none(); 8];
    if format.len <= small.len() {
        let mut n = 0;
        each_item(format, |kind, range| {
            small[n] = unpack_item(cx, kind, &data[range], format.big);
            n += 1;
        });
        return Value::of(Tuple::new(cx, &small[..n]));
    }
    let list = taipan_runtime::types::list::List::with_capacity(cx, format.len);
    each_item(format, |kind, range| {
        let item = unpack_item(cx, kind, &data[range], format.big);
        list.push(cx, item);
    });
    Value::of(Tuple::new(cx, list.items()))
}

fn each_item(format: &Format, mut f: impl FnMut(u8, std::ops::Range<usize>)) {
    for code in &format.codes {
        for i in 0..code.repeat {
            let start = code.offset + i * code.size;
            f(code.kind, start..start + code.size);
        }
    }
}

fn unpack_exactly(cx: &mut Cx, format: &Format, data: Value) -> PyResult<Value> {
    let held = buffer::hold(cx, data, 0)?;
    if held.len != format.size {
        return error(cx, &format!("unpack requires a buffer of {} bytes", format.size));
    }
    Ok(unpack(cx, format, held.bytes()))
}

fn unpack_at(cx: &mut Cx, format: &Format, data: &Held, offset: Option<isize>) -> PyResult<Value> {
    let (size, len, given) = (format.size as isize, data.len as isize, offset.unwrap_or(0));
    let mut offset = given;
    if offset < 0 {
        if offset + size > 0 {
            return error(cx, &format!("not enough data to unpack {size} bytes at offset {given}"));
        }
        offset += len;
        if offset < 0 {
            return error(cx, &format!("offset {given} out of range for {len}-byte buffer"));
        }
    }
    if len - offset < size {
        let need = size as usize + offset as usize;
        return error(
            cx,
            &format!(
                "unpack_from requires a buffer of at least {need} bytes for unpacking {size} bytes at offset {offset} (actual buffer size is {len})"
            ),
        );
    }
    let start = offset as usize;
    Ok(unpack(cx, format, &data.bytes()[start..start + format.size]))
}

// ---- packing ---------------------------------------------------------------------------------------

fn write_uint(out: &mut [u8], word: u64, big: bool) {
    let n = out.len();
    if big {
        out.copy_from_slice(&word.to_be_bytes()[8 - n..]);
    } else {
        out.copy_from_slice(&word.to_le_bytes()[..n]);
    }
}

fn range_error(cx: &mut Cx, kind: u8, size: usize, signed: bool) -> PyResult<()> {
    let (c, bits) = (char::from(kind), 8 * size as u32);
    let (low, high) =
        if signed { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
    error(cx, &format!("'{c}' format requires {low} <= number <= {high}"))
}

fn pack_int(cx: &mut Cx, kind: u8, v: Value, out: &mut [u8], big: bool) -> PyResult<()> {
    let n = if int::check(v) {
        v
    } else if v.class().slots().index.is_some() {
        number::index(cx, v)?
    } else {
        return error(cx, "required argument is not an integer");
    };
    let size = out.len();
    if kind == b'P' {
        let w = int::view(n).expect("an int");
        let word = big::to_i128(w.negative, w.digits());
        return match word {
            Some(i) if i >= i128::from(i64::MIN) && i <= i128::from(u64::MAX) => {
                write_uint(out, i as u64, big);
                Ok(())
            }
            _ => error(cx, "int too large to convert"),
        };
    }
    let signed = kind.is_ascii_lowercase();
    if let Some(i) = n.as_small() {
        let bits = 8 * size as u32;
        let fits = match (signed, bits) {
            (true, 64) => true,
            (true, _) => i >= -(1 << (bits - 1)) && i < 1 << (bits - 1),
            (false, 64) => i >= 0,
            (false, _) => i >= 0 && i < 1 << bits,
        };
        if !fits {
            return range_error(cx, kind, size, signed);
        }
        write_uint(out, i as u64, big);
        return Ok(());
    }
    let w = int::view(n).expect("an int");
    let mut made = vec![0; size];
    match big::to_bytes(w.negative, w.digits(), &mut made, !big, signed) {
        Ok(()) => {
            out.copy_from_slice(&made);
            Ok(())
        }
        Err(_) => range_error(cx, kind, size, signed),
    }
}

fn pack_float(cx: &mut Cx, kind: u8, d: f64, out: &mut [u8], big: bool) -> PyResult<()> {
    let bits = match out.len() {
        2 => f64_to_half(d).map(u64::from),
        4 => Some(d as f32).filter(|f| f.is_finite() || !d.is_finite()).map(|f| f.to_bits().into()),
        _ => Some(d.to_bits()),
    };
    match bits {
        Some(bits) => {
            write_uint(out, bits, big);
            Ok(())
        }
        None => raise!(cx, OverflowError, "float too large to pack with {} format", char::from(kind)),
    }
}

fn float_of(cx: &mut Cx, v: Value, what: &str) -> PyResult<f64> {
    let r = number::to_f64(cx, v);
    match cx.catch(r, &exceptions::TypeError)? {
        Some(d) => Ok(d),
        None => error(cx, &format!("required argument is not a {what}")),
    }
}

fn pack_item(cx: &mut Cx, kind: u8, v: Value, out: &mut [u8], big: bool) -> PyResult<()> {
    match kind {
        b'c' => match v.downcast::<Bytes>().map(|b| b.data()) {
            Some([b]) => out[0] = *b,
            _ => return error(cx, "char format requires a bytes object of length 1"),
        },
        b'?' => out[0] = obj::truth(cx, v)?.into(),
        b'e' | b'f' | b'd' => {
            let r = float_of(cx, v, "float").and_then(|d| pack_float(cx, kind, d, out, big));
            return overflow_of_int(cx, v, r);
        }
        b'F' | b'D' => {
            let r = complex::to_parts(cx, v);
            let Some((re, im)) = cx.catch(r, &exceptions::TypeError)? else {
                return error(cx, "required argument is not a complex");
            };
            let part = if kind == b'F' { b'f' } else { b'd' };
            let (first, second) = out.split_at_mut(out.len() / 2);
            pack_float(cx, part, re, first, big)?;
            pack_float(cx, part, im, second, big)?;
        }
        b's' | b'p' => {
            let Some(text) = bytes::data_of(v) else {
                return error(cx, &format!("argument for '{}' must be a bytes object", char::from(kind)));
            };
            let skip = usize::from(kind == b'p').min(out.len());
            let n = text.len().min(out.len() - skip);
            out[skip..skip + n].copy_from_slice(&text[..n]);
            if skip > 0 {
                out[0] = n.min(255) as u8;
            }
        }
        _ => return pack_int(cx, kind, v, out, big),
    }
    Ok(())
}

/// An int that is too large for a float code is an error of this module.
fn overflow_of_int(cx: &mut Cx, v: Value, r: PyResult<()>) -> PyResult<()> {
    if r.is_err() && int::check(v) && cx.exception_matches(&exceptions::OverflowError) {
        cx.take_exception();
        return error(cx, "int too large to convert");
    }
    r
}

/// Packs values into zeroed memory.
fn pack_into(cx: &mut Cx, format: &Format, values: &[Value], out: &mut [u8]) -> PyResult<()> {
    let mut values = values.iter();
    for code in &format.codes {
        for i in 0..code.repeat {
            let start = code.offset + i * code.size;
            let v = *values.next().expect("the number was checked");
            pack_item(cx, code.kind, v, &mut out[start..start + code.size], format.big)?;
        }
    }
    Ok(())
}

fn check_count(cx: &mut Cx, format: &Format, given: usize, function: &str) -> PyResult<()> {
    if given == format.len {
        return Ok(());
    }
    let want = format.len;
    error(cx, &format!("{function} expected {want} items for packing (got {given})"))
}

fn pack(cx: &mut Cx, format: &Format, values: &[Value]) -> PyResult<Value> {
    check_count(cx, format, values.len(), "pack")?;
    taipan_runtime::buffer::check_size(cx, format.size)?;
    let mut small = [0; 64];
    if format.size <= small.len() {
        pack_into(cx, format, values, &mut small[..format.size])?;
        return Ok(Value::of(Bytes::new(cx, &small[..format.size])));
    }
    let mut out = cx.zeroed(format.size)?;
    pack_into(cx, format, values, &mut out)?;
    Ok(Value::of(Bytes::new(cx, &out)))
}

/// `pack_into(buffer, offset, *values)`.
fn pack_to_buffer(cx: &mut Cx, format: &Format, args: &[Value]) -> PyResult<()> {
    let Some((target, args)) = args.split_first() else {
        return error(cx, "pack_into expected buffer argument");
    };
    let Some((offset, values)) = args.split_first() else {
        return error(cx, "pack_into expected offset argument");
    };
    check_count(cx, format, values.len(), "pack_into")?;
    let held = match buffer::hold(cx, *target, buffer::WRITABLE) {
        Ok(held) => held,
        Err(Raised) => {
            let wrong = cx.exception_matches(&exceptions::TypeError) || cx.exception_matches(&exceptions::BufferError);
            if !wrong {
                return Err(Raised);
            }
            cx.take_exception();
            let got = target.class().tp_name();
            return raise!(cx, TypeError, "argument must be read-write bytes-like object, not {got}");
        }
    };
    let given = number::to_isize(cx, *offset)?;
    let (size, len) = (format.size as isize, held.len as isize);
    let mut offset = given;
    if offset < 0 {
        if offset + size > 0 {
            return error(cx, &format!("no space to pack {size} bytes at offset {given}"));
        }
        offset += len;
        if offset < 0 {
            return error(cx, &format!("offset {given} out of range for {len}-byte buffer"));
        }
    }
    if len - offset < size {
        let need = size as usize + offset as usize;
        return error(
            cx,
            &format!(
                "pack_into requires a buffer of at least {need} bytes for packing {size} bytes at offset {offset} (actual buffer size is {len})"
            ),
        );
    }
    // Packing may run Python code: it writes to memory of its own first.
    let mut out = cx.zeroed(format.size)?;
    pack_into(cx, format, values, &mut out)?;
    held.bytes_mut()[offset as usize..][..format.size].copy_from_slice(&out);
    Ok(())
}

// ---- the class Struct ------------------------------------------------------------------------------

/// A compiled format as an object.
#[repr(C)]
pub struct Struct {
    header: Header,
    format: RefCell<Option<Rc<Format>>>,
    text: Cell<Option<&'static Bytes>>,
}
object!(Struct, STRUCT);

/// The type Struct.
pub static STRUCT: Type = Type::new(&STRUCT_SPEC);
static STRUCT_SPEC: TypeSpec = TypeSpec {
    name: "_struct.Struct",
    basicsize: std::mem::size_of::<Struct>(),
    flags: flags::BASETYPE,
    weakrefs: true,
    trace: Some(trace_struct),
    drop: Some(drop_struct),
    slots: Slots { repr: Some(repr), new: Some(new), init: Some(init_struct), ..Slots::NONE },
    methods: &[Struct::METHODS],
    getsets: &[Struct::GETSETS],
    doc: "Struct(fmt) --> compiled struct object",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_struct(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for instances only.
    if let Some(text) = unsafe { (*object.cast::<Struct>()).text.get() } {
        marker.mark_value(Value::of(text).bits());
    }
}

unsafe fn drop_struct(object: *mut Header) {
    // SAFETY: called once for a dead instance.
    unsafe { std::ptr::drop_in_place(&raw mut (*object.cast::<Struct>()).format) };
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let made = Struct { header: Header::fresh(class), format: RefCell::new(None), text: Cell::new(None) };
    Ok(Value::of(cx.alloc_of(class, made)))
}

fn init_struct(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of Struct.
    let this = unsafe { v.cast::<Struct>() };
    let given = args.values().len();
    if given > 1 {
        return raise!(cx, TypeError, "Struct() takes at most 1 argument ({given} given)");
    }
    let named = args.keywords().find(|(name, _)| name.eq_rust("format")).map(|(_, v)| v);
    let Some(format) = args.pos().first().copied().or(named) else {
        return raise!(cx, TypeError, "Struct() missing required argument 'format' (pos 1)");
    };
    let (format, text) = compile(cx, format)?;
    *this.format.borrow_mut() = Some(format);
    this.text.set(Some(text));
    cx.barrier(this);
    Ok(())
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of Struct.
    let text = Struct::text(cx, unsafe { v.cast::<Struct>() })?;
    let text = obj::repr_text(cx, Value::of(text))?;
    let name = v.class().name();
    Ok(cx.str(&format!("{name}({text})")))
}

impl Struct {
    fn compiled(&self, cx: &mut Cx) -> PyResult<Rc<Format>> {
        match self.format.borrow().clone() {
            Some(format) => Ok(format),
            None => raise!(cx, RuntimeError, "Struct object is not initialized"),
        }
    }

    fn text(cx: &mut Cx, this: &'static Struct) -> PyResult<&'static Str> {
        match this.text.get() {
            Some(text) => Ok(Str::from_latin1(cx, text.data())),
            None => raise!(cx, RuntimeError, "Struct object is not initialized"),
        }
    }
}

/// The receiver of a raw method and the other arguments.
fn receiver<'a>(cx: &mut Cx, args: Args<'a>, name: &str) -> PyResult<(&'static Struct, &'a [Value])> {
    args.no_keywords(cx, &format!("Struct.{name}"))?;
    match args.values().split_first() {
        Some((first, rest)) => match first.downcast::<Struct>() {
            Some(this) => Ok((this, rest)),
            None => raise!(cx, TypeError, "descriptor '{name}' requires a '_struct.Struct' object"),
        },
        None => raise!(cx, TypeError, "unbound method Struct.{name}() needs an argument"),
    }
}

#[pymethods]
impl Struct {
    /// S.pack(v1, v2, ...) -> bytes
    ///
    /// Return a bytes object containing values v1, v2, ... packed according
    /// to the format string S.format.  See help(struct) for more on format
    /// strings.
    #[py("($self, /, *values)", raw)]
    fn pack(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (this, values) = receiver(cx, args, "pack")?;
        let format = this.compiled(cx)?;
        pack(cx, &format, values)
    }
    /// S.pack_into(buffer, offset, v1, v2, ...)
    ///
    /// Pack the values v1, v2, ... according to the format string S.format
    /// and write the packed bytes into the writable buffer buf starting at
    /// offset.  Note that the offset is a required argument.  A negative
    /// offset counts from the end of the buffer.  See help(struct) for more
    /// on format strings.
    #[py("($self, buffer, offset, /, *values)", raw)]
    fn pack_into(cx: &mut Cx, args: Args) -> PyResult<()> {
        let (this, rest) = receiver(cx, args, "pack_into")?;
        let format = this.compiled(cx)?;
        pack_to_buffer(cx, &format, rest)
    }
    /// Return a tuple containing unpacked values.
    ///
    /// Unpack according to the format string Struct.format. The buffer's size
    /// in bytes must be Struct.size.
    ///
    /// See help(struct) for more on format strings.
    #[py("($self, buffer, /)")]
    fn unpack(cx: &mut Cx, this: &'static Struct, buffer: Value) -> PyResult<Value> {
        let format = this.compiled(cx)?;
        unpack_exactly(cx, &format, buffer)
    }
    /// Return a tuple containing unpacked values.
    ///
    /// Values are unpacked according to the format string Struct.format.
    ///
    /// The buffer's size in bytes, starting at position offset, must be
    /// at least Struct.size.  A negative offset counts from the end of the
    /// buffer.
    ///
    /// See help(struct) for more on format strings.
    #[py("($self, /, buffer, offset=0)")]
    fn unpack_from(cx: &mut Cx, this: &'static Struct, buffer: Held, offset: Option<isize>) -> PyResult<Value> {
        let format = this.compiled(cx)?;
        unpack_at(cx, &format, &buffer, offset)
    }
    /// Return an iterator yielding tuples.
    ///
    /// Tuples are unpacked from the given bytes source, like a repeated
    /// invocation of unpack_from().
    ///
    /// Requires that the bytes length be a multiple of the struct size.
    #[py("($self, buffer, /)")]
    fn iter_unpack(cx: &mut Cx, this: &'static Struct, buffer: Value) -> PyResult<Value> {
        let format = this.compiled(cx)?;
        new_iterator(cx, format, buffer)
    }
    /// S.__sizeof__() -> size of S in memory, in bytes
    #[py("($self, /)")]
    fn __sizeof__(_: &mut Cx, this: &'static Struct) -> usize {
        let codes = this.format.borrow().as_ref().map_or(0, |f| f.codes.len());
        std::mem::size_of::<Struct>() + (codes + 1) * std::mem::size_of::<Code>()
    }
    /// struct format string
    #[getter("format")]
    fn get_format(cx: &mut Cx, this: &'static Struct) -> PyResult<&'static Str> {
        Struct::text(cx, this)
    }
    /// struct size in bytes
    #[getter("size")]
    fn get_size(_: &mut Cx, this: &'static Struct) -> i64 {
        this.format.borrow().as_ref().map_or(-1, |f| f.size as i64)
    }
}

// ---- iterator --------------------------------------------------------------------------------------

/// An iterator of `iter_unpack`.
#[repr(C)]
pub struct UnpackIter {
    header: Header,
    format: RefCell<Option<Rc<Format>>>,
    source: Value,
    /// The exported memory, None when exhausted.
    held: RefCell<Option<Held>>,
    index: Cell<usize>,
}
object!(UnpackIter, UNPACK_ITER);

/// The type unpack_iterator.
pub static UNPACK_ITER: Type = Type::new(&UNPACK_ITER_SPEC);
static UNPACK_ITER_SPEC: TypeSpec = TypeSpec {
    name: "_struct.unpack_iterator",
    basicsize: std::mem::size_of::<UnpackIter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_iter),
    drop: Some(drop_iter),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[UnpackIter::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_iter(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these iterators only; nobody borrows the cell across a collection.
    unsafe {
        let this = &*object.cast::<UnpackIter>();
        marker.mark_value(this.source.bits());
        if let Some(held) = &*this.held.as_ptr() {
            marker.mark_value(held.owner.bits());
        }
    }
}

unsafe fn drop_iter(object: *mut Header) {
    // SAFETY: called once for a dead iterator; releasing a native buffer only counts.
    unsafe {
        let this = &mut *object.cast::<UnpackIter>();
        std::ptr::drop_in_place(&raw mut this.format);
        std::ptr::drop_in_place(&raw mut this.held);
    }
}

fn new_iterator(cx: &mut Cx, format: Rc<Format>, source: Value) -> PyResult<Value> {
    if format.size == 0 {
        return error(cx, "cannot iteratively unpack with a struct of length 0");
    }
    let held = buffer::hold(cx, source, 0)?;
    if !held.len.is_multiple_of(format.size) {
        let size = format.size;
        return error(cx, &format!("iterative unpacking requires a buffer of a multiple of {size} bytes"));
    }
    let made = UnpackIter {
        header: Header::fresh(&UNPACK_ITER),
        format: RefCell::new(Some(format)),
        source,
        held: RefCell::new(Some(held)),
        index: Cell::new(0),
    };
    Ok(Value::of(cx.alloc_of(&UNPACK_ITER, made)))
}

fn next(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<UnpackIter>() };
    let format = this.format.borrow().clone();
    let Some(format) = format else { return Ok(None) };
    let at = this.index.get();
    let held = this.held.take();
    match held {
        Some(held) if at + format.size <= held.len => {
            this.index.set(at + format.size);
            let made = unpack(cx, &format, &held.bytes()[at..at + format.size]);
            *this.held.borrow_mut() = Some(held);
            Ok(Some(made))
        }
        _ => Ok(None),
    }
}

#[pymethods]
impl UnpackIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_: &mut Cx, this: &'static UnpackIter) -> usize {
        let held = this.held.borrow();
        let size = this.format.borrow().as_ref().map_or(1, |f| f.size);
        held.as_ref().map_or(0, |h| (h.len - this.index.get()) / size)
    }
}

// ---- module ----------------------------------------------------------------------------------------

/// The functions of `_struct`.
pub struct StructModule;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "_struct");
    let doc = cx.str(DOC);
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, StructModule::METHODS);
    module.add_type(cx, &STRUCT);
    module.add_type(cx, &ERROR);
    cx.ready_type(&UNPACK_ITER);
    module
}

const DOC: &str = "Functions to convert between Python values and C structs.\nPython bytes objects are used to hold the data representing the C struct.\nThe format string (explained below) describes the layout of data\nin the C struct.\n\nThe optional first format char indicates byte order, size and alignment:\n  @: native order, size & alignment (default)\n  =: native order, std. size & alignment\n  <: little-endian, std. size & alignment\n  >: big-endian, std. size & alignment\n  !: same as >\n\nThe remaining characters indicate types of args and must match exactly;\nthese can be preceded by a decimal repeat count:\n  x: pad byte (no data); c: char; b: signed byte; B: unsigned byte;\n  ?: _Bool; h: short; H: unsigned short; i: int; I: unsigned int;\n  l: long; L: unsigned long; q: long long; Q: unsigned long long;\n  f: float; d: double; e: half-float;\n  F: float complex; D: double complex.\nSpecial cases (preceding decimal count indicates length):\n  s: byte string (array of char); p: Pascal string (with count byte).\nSpecial cases (only available in native format):\n  n: ssize_t; N: size_t;\n  P: an integer type that is wide enough to hold a pointer.\nWhitespace between formats is ignored.\n\nThe variable struct.error is an exception raised on errors.\n";

fn format_argument<'a>(cx: &mut Cx, args: Args<'a>, name: &str) -> PyResult<(Rc<Format>, &'a [Value])> {
    args.no_keywords(cx, &format!("_struct.{name}"))?;
    match args.values().split_first() {
        Some((format, rest)) => Ok((compile(cx, *format)?.0, rest)),
        None => raise!(cx, TypeError, "missing format argument"),
    }
}

#[pymethods]
impl StructModule {
    /// Clear the internal cache.
    #[py("($module, /)")]
    fn _clearcache(_: &mut Cx) {
        CACHE.with_borrow_mut(HashMap::clear);
    }
    /// Return size in bytes of the struct described by the format string.
    #[py("($module, format, /)")]
    fn calcsize(cx: &mut Cx, format: Value) -> PyResult<usize> {
        Ok(compile(cx, format)?.0.size)
    }
    /// Return an iterator yielding tuples unpacked from the given bytes.
    ///
    /// The bytes are unpacked according to the format string, like
    /// a repeated invocation of unpack_from().
    ///
    /// Requires that the bytes length be a multiple of the format struct size.
    #[py("($module, format, buffer, /)")]
    fn iter_unpack(cx: &mut Cx, format: Value, buffer: Value) -> PyResult<Value> {
        let (format, _) = compile(cx, format)?;
        new_iterator(cx, format, buffer)
    }
    /// pack(format, v1, v2, ...) -> bytes
    ///
    /// Return a bytes object containing the values v1, v2, ... packed according
    /// to the format string.  See help(struct) for more on format strings.
    #[py("($module, format, /, *values)", raw)]
    fn pack(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let (format, values) = format_argument(cx, args, "pack")?;
        pack(cx, &format, values)
    }
    /// pack_into(format, buffer, offset, v1, v2, ...)
    ///
    /// Pack the values v1, v2, ... according to the format string and write
    /// the packed bytes into the writable buffer buf starting at offset.  Note
    /// that the offset is a required argument.  A negative offset counts from
    /// the end of the buffer.  See help(struct) for more on format strings.
    #[py("($module, format, buffer, offset, /, *values)", raw)]
    fn pack_into(cx: &mut Cx, args: Args) -> PyResult<()> {
        let (format, rest) = format_argument(cx, args, "pack_into")?;
        pack_to_buffer(cx, &format, rest)
    }
    /// Return a tuple containing values unpacked according to the format string.
    ///
    /// The buffer's size in bytes must be calcsize(format).
    ///
    /// See help(struct) for more on format strings.
    #[py("($module, format, buffer, /)")]
    fn unpack(cx: &mut Cx, format: Value, buffer: Value) -> PyResult<Value> {
        let (format, _) = compile(cx, format)?;
        unpack_exactly(cx, &format, buffer)
    }
    /// Return a tuple containing values unpacked according to the format string.
    ///
    /// The buffer's size, minus offset, must be at least calcsize(format).
    /// A negative offset counts from the end of the buffer.
    ///
    /// See help(struct) for more on format strings.
    #[py("($module, format, /, buffer, offset=0)")]
    fn unpack_from(cx: &mut Cx, format: Value, buffer: Held, offset: Option<isize>) -> PyResult<Value> {
        let (format, _) = compile(cx, format)?;
        unpack_at(cx, &format, &buffer, offset)
    }
}
