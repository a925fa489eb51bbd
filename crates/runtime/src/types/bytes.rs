//! bytes: layout, construction and slots. The methods, which bytearray shares, are in `bytes_methods.rs`.

use std::cell::Cell;

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::buffer::{self, Buffer};
use crate::protocol::compare::CmpOp;
use crate::protocol::{call, codec, iter, number};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::bytearray::ByteArray;
use crate::types::bytes_methods::{self, ByteMethods, BytesOnly};
use crate::types::int;
use crate::types::list::List;
use crate::types::slice::Slice;
use crate::types::str::Str;
use crate::types::str_methods::index_of;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// A bytes object; the data and a NUL follow (CABI 2.2).
#[repr(C)]
pub struct Bytes {
    header: Header,
    len: Cell<usize>,
    hash: Cell<i64>,
}
object!(Bytes, BYTES);

/// Bytes of an empty object, its NUL included.
const FIXED: usize = 33;

/// The type bytes.
pub static BYTES: Type = Type::new(&BYTES_SPEC);
static BYTES_SPEC: TypeSpec = TypeSpec {
    name: "bytes",
    basicsize: FIXED,
    itemsize: 1,
    flags: flags::BASETYPE | flags::BYTES | flags::MATCH_SELF,
    slots: Slots {
        repr: Some(|cx, v| {
            let mut out = String::new();
            taipan_text::repr::push_bytes_repr(of(v).data(), &mut out);
            Ok(cx.str(&out))
        }),
        hash: Some(|_, v| Ok(of(v).hash())),
        richcompare: Some(richcompare),
        new: Some(new),
        iter: Some(iter_new),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        contains: Some(bytes_methods::contains),
        concat: Some(bytes_methods::concat),
        repeat: Some(repeat),
        rem: Some(crate::types::bytes_format::rem),
        buffer: Some(|_, v, _| Ok(Buffer::of_bytes(v, of(v).data()))),
        ..Slots::NONE
    },
    methods: &[ByteMethods::METHODS, BytesOnly::METHODS],
    doc: "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\nbytes(int) -> bytes object of size given by the parameter initialized with null bytes\nbytes() -> empty bytes object\n\nConstruct an immutable array of bytes from:\n  - an iterable yielding integers in range(256)\n  - a text string encoded using the specified encoding\n  - any object implementing the buffer API.\n  - an integer",
    ..TypeSpec::DEFAULT
};

/// Types of this file.
pub static TYPES: &[&Type] = &[&BYTES, &BYTES_ITER];

fn of(v: Value) -> &'static Bytes {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

impl Bytes {
    #[inline(always)]
    fn alloc(cx: &mut Cx, n: usize) -> &'static Bytes {
        let p = cx.alloc_raw(FIXED + n);
        // SAFETY: fresh memory of that size.
        unsafe { Bytes::begin(p, n) }
    }

    /// Makes a bytes object of `n` bytes of fresh memory.
    #[inline(always)]
    unsafe fn begin(p: *mut u8, n: usize) -> &'static Bytes {
        // SAFETY: fresh memory of that size.
        unsafe {
            p.cast::<Header>().write(Header::fresh(&BYTES));
            let this = &*p.cast::<Bytes>();
            this.len.set(n);
            this.hash.set(-1);
            this
        }
    }

    /// A new bytes object. May collect.
    #[inline]
    pub fn new(cx: &mut Cx, data: &[u8]) -> &'static Bytes {
        let p = cx.alloc_leaf(FIXED + data.len());
        // SAFETY: fresh memory of that size.
        let this = unsafe { Bytes::begin(p, data.len()) };
        // SAFETY: the data has room for them, and only we know it.
        let to = unsafe { std::slice::from_raw_parts_mut(this.data().as_ptr().cast_mut(), data.len()) };
        crate::buffer::copy_short(data, to);
        this
    }

    /// A new instance of `class`. May collect.
    pub fn new_of(cx: &mut Cx, class: &'static Type, data: &[u8]) -> &'static Bytes {
        if std::ptr::eq(class, &BYTES) {
            return Bytes::new(cx, data);
        }
        let n = data.len();
        let p = cx.alloc_var(class, FIXED + n, n);
        // SAFETY: fresh memory of that size.
        unsafe {
            let this = &*p.cast::<Bytes>();
            this.len.set(n);
            this.hash.set(-1);
            std::ptr::copy_nonoverlapping(data.as_ptr(), p.add(32), n);
            this
        }
    }

    /// A new bytes object of `n` zeros that `fill` writes; what `fill` refuses is not seen by anyone. MemoryError if it
    /// is too large. May collect.
    pub fn build<E>(
        cx: &mut Cx,
        n: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> PyResult<Result<&'static Bytes, E>> {
        crate::buffer::check_size(cx, n)?;
        let this = Bytes::alloc(cx, n);
        // SAFETY: the data is n bytes that only we know.
        let data = unsafe { std::slice::from_raw_parts_mut(this.data().as_ptr().cast_mut(), n) };
        Ok(fill(data).map(|()| this))
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// True for `b""`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes.
    #[inline(always)]
    pub fn data(&self) -> &'static [u8] {
        // SAFETY: the data follows the fixed part; OBJ-2 for the lifetime.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).cast::<u8>().add(32), self.len.get()) }
    }

    /// The hash, computed once.
    pub fn hash(&self) -> i64 {
        if self.hash.get() == -1 {
            self.hash.set(crate::types::str::hash_bytes(self.data()));
        }
        self.hash.get()
    }

    /// This object, or for an instance of a subclass an exact copy. May collect.
    pub fn exact(&'static self, cx: &mut Cx) -> &'static Bytes {
        if std::ptr::eq(self.header.class(), &BYTES) { self } else { Bytes::new(cx, self.data()) }
    }
}

/// The content of a bytes object or bytearray, subclasses included. That of a bytearray must not be used after
/// anything that may change it.
#[inline]
pub fn data_of(v: Value) -> Option<&'static [u8]> {
    if let Some(b) = v.exact::<Bytes>() {
        return Some(b.data());
    }
    if let Some(b) = v.downcast::<Bytes>() {
        return Some(b.data());
    }
    v.downcast::<ByteArray>().map(|b| b.data())
}

/// A copy of the memory of `v`. TypeError if it exports none.
pub fn copy_of(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    if let Some(b) = v.exact::<Bytes>() {
        return Ok(b);
    }
    if let Some(data) = data_of(v) {
        return Ok(Bytes::new(cx, data));
    }
    let view = buffer::get(cx, v, buffer::FULL_RO)?;
    let result = buffer::contents(cx, &view);
    buffer::release(cx, &view);
    result
}

// ---- conversion of objects ---------------------------------------------------------------------------

/// `bytes(v)` where an int is an error: what C calls PyObject_Bytes.
pub fn from_object(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    if let Some(b) = v.exact::<Bytes>() {
        return Ok(b);
    }
    match from_dunder(cx, v)? {
        Some(b) => Ok(b),
        None => from_iterable(cx, v),
    }
}

/// What `v.__bytes__()` returns, if `v` has that.
pub fn from_dunder(cx: &mut Cx, v: Value) -> PyResult<Option<&'static Bytes>> {
    let key = cx.intern("__bytes__");
    let Some(f) = cx.lookup_special(v, key) else { return Ok(None) };
    let r = call::call_unbound(cx, f, v, &[])?;
    match r.downcast::<Bytes>() {
        Some(b) => Ok(Some(b)),
        None => raise!(cx, TypeError, "__bytes__ returned non-bytes (type {})", r.class().tp_name()),
    }
}

/// The bytes of an exporter of memory or of an iterable of ints.
fn from_iterable(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    if buffer::check(v) {
        return copy_of(cx, v);
    }
    let iterable = v.class().slots().iter.is_some() || v.class().slots().getitem.is_some();
    if v.downcast::<Str>().is_some() || !iterable {
        return raise!(cx, TypeError, "cannot convert '{}' object to bytes", v.class().tp_name());
    }
    let mut out = Vec::new();
    collect_ints(cx, v, &mut out, "bytes must be in range(0, 256)")?;
    Ok(Bytes::new(cx, &out))
}

/// Appends the ints of an iterable as bytes.
pub fn collect_ints(cx: &mut Cx, v: Value, out: &mut Vec<u8>, range_text: &str) -> PyResult<()> {
    if v.exact::<List>().is_none() && v.exact::<Tuple>().is_none() {
        let hint = iter::length_hint(cx, v)?;
        out.reserve(hint.min(1 << 20));
    }
    iter::for_each(cx, v, |cx, item| {
        let byte = byte_of(cx, item, range_text)?;
        if out.try_reserve(1).is_err() {
            return Err(cx.memory_error());
        }
        out.push(byte);
        Ok(true)
    })
}

/// An int as a byte; ValueError with `text` if it is none.
#[inline]
pub fn byte_of(cx: &mut Cx, v: Value, text: &str) -> PyResult<u8> {
    let i = match v.as_small() {
        Some(i) => Some(i),
        None => {
            let i = number::index(cx, v)?;
            int::as_i64(i)
        }
    };
    match i.and_then(|i| u8::try_from(i).ok()) {
        Some(b) => Ok(b),
        None => raise!(cx, ValueError, "{text}"),
    }
}

/// The arguments (source, encoding, errors) of the constructors of bytes and bytearray.
pub struct SourceArgs {
    /// The object.
    pub source: Option<Value>,
    /// Encoding of a str.
    pub encoding: Option<&'static Str>,
    /// Error handler for a str.
    pub errors: Option<&'static Str>,
}

impl SourceArgs {
    /// Binds the arguments.
    pub fn bind(cx: &mut Cx, args: Args, name: &str) -> PyResult<SourceArgs> {
        const NAMES: [&str; 3] = ["source", "encoding", "errors"];
        let given = args.values().len();
        if given > 3 {
            return raise!(cx, TypeError, "{name}() takes at most 3 arguments ({given} given)");
        }
        let mut bound = [None; 3];
        bound[..args.pos().len()].iter_mut().zip(args.pos()).for_each(|(slot, v)| *slot = Some(*v));
        for (key, value) in args.keywords() {
            let Some(i) = NAMES.iter().position(|n| key.eq_rust(n)) else {
                return Err(crate::exceptions::unexpected_keyword(cx, name, key, &NAMES));
            };
            if bound[i].is_some() {
                let position = i + 1;
                return raise!(
                    cx,
                    TypeError,
                    "argument for {name}() given by name ('{key}') and position ({position})"
                );
            }
            bound[i] = Some(value);
        }
        let mut texts = [None; 2];
        for i in 0..2 {
            let Some(v) = bound[i + 1] else { continue };
            texts[i] = v.downcast::<Str>();
            if texts[i].is_none() {
                let (what, got) = (NAMES[i + 1], v.class().tp_name());
                let got = if v.is_none() { "None".to_string() } else { got };
                return raise!(cx, TypeError, "{name}() argument '{what}' must be str, not {got}");
            }
        }
        Ok(SourceArgs { source: bound[0], encoding: texts[0], errors: texts[1] })
    }

    /// The bytes of a str source, after the checks that belong to it; None for other sources.
    pub fn encoded(&self, cx: &mut Cx) -> PyResult<Option<Value>> {
        let text = self.source.and_then(|v| v.downcast::<Str>());
        match (text, self.encoding, self.errors) {
            (Some(text), Some(_), _) => codec::encode_method(cx, text, self.encoding, self.errors).map(Some),
            (_, Some(_), _) => raise!(cx, TypeError, "encoding without a string argument"),
            (None, None, Some(_)) => raise!(cx, TypeError, "errors without a string argument"),
            (Some(_), None, Some(_)) => raise!(cx, TypeError, "string argument without an encoding"),
            _ => Ok(None),
        }
    }
}

/// The number of zero bytes that `bytes(v)` means, if `v` is an index.
pub fn count_of(cx: &mut Cx, v: Value) -> PyResult<Option<usize>> {
    if !int::check(v) && v.class().slots().index.is_none() {
        return Ok(None);
    }
    let r = number::index(cx, v);
    let Some(i) = cx.catch(r, &crate::exceptions::TypeError)? else { return Ok(None) };
    match int::as_i64(i) {
        Some(n) if n < 0 => raise!(cx, ValueError, "negative count"),
        Some(n) => {
            crate::buffer::check_size(cx, n as usize)?;
            Ok(Some(n as usize))
        }
        None => {
            let got = v.class().tp_name();
            raise!(cx, OverflowError, "cannot fit '{got}' into an index-sized integer")
        }
    }
}

/// `bytes.__new__`.
fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let args = SourceArgs::bind(cx, args, "bytes")?;
    let made = construct(cx, &args)?;
    if std::ptr::eq(class, &BYTES) {
        return Ok(Value::of(made));
    }
    Ok(Value::of(Bytes::new_of(cx, class, made.data())))
}

fn construct(cx: &mut Cx, args: &SourceArgs) -> PyResult<&'static Bytes> {
    if let Some(encoded) = args.encoded(cx)? {
        return Ok(encoded.downcast::<Bytes>().expect("encoding gives bytes"));
    }
    let Some(v) = args.source else { return Ok(Bytes::new(cx, b"")) };
    if let Some(b) = v.exact::<Bytes>() {
        return Ok(b);
    }
    if let Some(b) = from_dunder(cx, v)? {
        return Ok(b);
    }
    if v.downcast::<Str>().is_some() {
        return raise!(cx, TypeError, "string argument without an encoding");
    }
    match count_of(cx, v)? {
        Some(n) => Ok(Bytes::build::<()>(cx, n, |_| Ok(()))?.expect("cannot fail")),
        None => from_iterable(cx, v),
    }
}

// ---- slots -----------------------------------------------------------------------------------------

fn richcompare(_: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    // A bytearray compares itself with bytes.
    let Some(y) = b.downcast::<Bytes>() else { return Ok(Value::not_implemented()) };
    Ok(Value::bool(op.holds(of(a).data().cmp(y.data()))))
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        let r = slice.apply(cx, || this.len())?;
        if r.step == 1 {
            if r.len == this.len() {
                return Ok(Value::of(this.exact(cx)));
            }
            let start = r.start as usize;
            return Ok(Value::of(Bytes::new(cx, &this.data()[start..][..r.len])));
        }
        let picked = r.pick(this.data());
        return Ok(Value::of(Bytes::new(cx, &picked)));
    }
    if !int::check(key) && key.class().slots().index.is_none() {
        let got = key.class().tp_name();
        return raise!(cx, TypeError, "byte indices must be integers or slices, not {got}");
    }
    let i = index_of(cx, key, this.len(), "index out of range")?;
    Ok(Value::small(this.data()[i].into()))
}

fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let n = n.max(0) as usize;
    if n == 1 {
        return Ok(Value::of(this.exact(cx)));
    }
    let Some(total) = this.len().checked_mul(n).filter(|t| *t <= isize::MAX as usize) else {
        return raise!(cx, OverflowError, "repeated bytes are too long");
    };
    let made = Bytes::build::<()>(cx, total, |out| {
        match this.data() {
            [] => {}
            [b] => out.fill(*b),
            data => out.chunks_exact_mut(data.len()).for_each(|c| c.copy_from_slice(data)),
        }
        Ok(())
    })?;
    Ok(Value::of(made.expect("cannot fail")))
}

// ---- iterator --------------------------------------------------------------------------------------

/// An iterator over a bytes object.
#[repr(C)]
pub struct BytesIter {
    header: Header,
    /// None when exhausted.
    source: Cell<Option<&'static Bytes>>,
    index: Cell<usize>,
}
object!(BytesIter, BYTES_ITER);

/// Byte offsets of the source and the index of a bytes iterator.
pub const ITER_OFFSETS: (usize, usize) =
    (std::mem::offset_of!(BytesIter, source), std::mem::offset_of!(BytesIter, index));

/// The type bytes_iterator.
pub static BYTES_ITER: Type = Type::new(&BYTES_ITER_SPEC);
static BYTES_ITER_SPEC: TypeSpec = TypeSpec {
    name: "bytes_iterator",
    basicsize: std::mem::size_of::<BytesIter>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_iter),
    slots: Slots { iter: Some(|_, v| Ok(v)), next: Some(next), ..Slots::NONE },
    methods: &[BytesIter::METHODS],
    ..TypeSpec::DEFAULT
};

unsafe fn trace_iter(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for these iterators only.
    if let Some(b) = unsafe { (*object.cast::<BytesIter>()).source.get() } {
        marker.mark_value(Value::of(b).bits());
    }
}

fn iter_new(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let source = Cell::new(Some(of(v)));
    Ok(Value::of(cx.alloc(BytesIter { header: Header::fresh(&BYTES_ITER), source, index: Cell::new(0) })))
}

fn next(_: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of these iterators.
    let this = unsafe { v.cast::<BytesIter>() };
    let Some(source) = this.source.get() else { return Ok(None) };
    let i = this.index.get();
    match source.data().get(i) {
        Some(b) => {
            this.index.set(i + 1);
            Ok(Some(Value::small(i64::from(*b))))
        }
        None => {
            this.source.set(None);
            Ok(None)
        }
    }
}

#[pymethods]
impl BytesIter {
    /// Private method returning an estimate of len(list(it)).
    #[py("($self, /)")]
    fn __length_hint__(_: &mut Cx, this: &'static BytesIter) -> usize {
        this.source.get().map_or(0, |b| b.len() - this.index.get())
    }
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static BytesIter) -> PyResult<Value> {
        let builtin = crate::protocol::sequence::builtin(cx, "iter")?;
        let source = match this.source.get() {
            Some(b) => b,
            None => Bytes::new(cx, b""),
        };
        let args = Value::of(Tuple::new(cx, &[Value::of(source)]));
        Ok(match this.source.get() {
            Some(_) => Value::of(Tuple::new(cx, &[builtin, args, Value::small(this.index.get() as i64)])),
            None => Value::of(Tuple::new(cx, &[builtin, args])),
        })
    }
    /// Set state information for unpickling.
    #[py("($self, object, /)")]
    fn __setstate__(cx: &mut Cx, this: &'static BytesIter, state: Value) -> PyResult<()> {
        let i = number::to_isize(cx, state)?;
        if let Some(b) = this.source.get() {
            this.index.set((i.max(0) as usize).min(b.len()));
        }
        Ok(())
    }
}
