//! The module `array`.

mod item;
mod methods;

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::buffer::RawBuffer;
use taipan_runtime::machine_items::{TYPED_ARRAY, TypedArray};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Buffer;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{buffer, iter, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::{iterator_class, support};
use item::Kind;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(
        cx,
        "array",
        "This module defines an object type which can efficiently represent\nan array of basic values: characters, integers, floating-point\nnumbers.  Arrays are sequence types and behave very much like lists,\nexcept that the type of objects stored in them is constrained.\n",
        Functions::METHODS,
    );
    module.add_type(cx, &ARRAY);
    let _ = TYPED_ARRAY.set(TypedArray {
        class: &ARRAY,
        tag: std::mem::offset_of!(Array, tag),
        buffer: std::mem::offset_of!(Array, data),
        kinds: &item::MACHINE_KINDS,
    });
    cx.ready_type(&ARRAY_ITER);
    module.set(cx, "ArrayType", Value::of(&ARRAY));
    let codes: String = item::ALL.iter().map(|k| k.code()).collect();
    let codes = cx.str(&codes);
    module.set(cx, "typecodes", codes);
    module
}

/// An array: machine numbers or characters in a buffer.
#[repr(C)]
pub struct Array {
    header: Header,
    /// Number of items.
    len: Cell<usize>,
    data: Cell<Option<&'static RawBuffer>>,
    /// Views of the data; while there are any, it may not move.
    exports: Cell<usize>,
    kind: Kind,
    /// `kind` as a word, for compiled code.
    tag: u64,
}
taipan_runtime::object!(Array, ARRAY);
trace_values!(trace_array, Array, |t| [t.data.get().map(Value::of)]);

/// The type `array.array`.
pub static ARRAY: Type = Type::new(&ARRAY_SPEC);
static ARRAY_SPEC: TypeSpec = TypeSpec {
    name: "array.array",
    basicsize: std::mem::size_of::<Array>(),
    flags: flags::BASETYPE | flags::SEQUENCE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_array),
    slots: Slots {
        hash: Some(taipan_runtime::protocol::hash::unhashable),
        repr: Some(repr),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| {
            let (array, index) = (Cell::new(Some(of(v))), Cell::new(0));
            Ok(Value::of(cx.alloc(ArrayIter { header: Header::fresh(&ARRAY_ITER), array, index })))
        }),
        new: Some(new),
        len: Some(|_, v| Ok(of(v).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        iconcat: Some(iconcat),
        irepeat: Some(irepeat),
        buffer: Some(export),
        ..Slots::NONE
    },
    methods: &[methods::Methods::METHODS],
    getsets: &[methods::Methods::GETSETS],
    doc: "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode, and\ninitialized from the optional initializer value, which must be a list,\nstring or iterable over elements of the appropriate type.\n\nArrays represent basic values and behave very much like lists, except\nthe type of objects stored in them is constrained. The type is specified\nat object creation time by using a type code, which is a single character.\nThe following type codes are defined:\n\n    Type code   C Type             Minimum size in bytes\n    'b'         signed integer     1\n    'B'         unsigned integer   1\n    'u'         Unicode character  2 (see note)\n    'h'         signed integer     2\n    'H'         unsigned integer   2\n    'i'         signed integer     2\n    'I'         unsigned integer   2\n    'l'         signed integer     4\n    'L'         unsigned integer   4\n    'q'         signed integer     8 (see note)\n    'Q'         unsigned integer   8 (see note)\n    'f'         floating-point     4\n    'd'         floating-point     8\n\nNOTE: The 'u' typecode corresponds to Python's unicode character. On\nnarrow builds this is 2-bytes on wide builds this is 4-bytes.\n\nNOTE: The 'q' and 'Q' type codes are only available if the platform\nC compiler used to build Python supports 'long long', or, on Windows,\n'__int64'.\n\nMethods:\n\nappend() -- append a new item to the end of the array\nbuffer_info() -- return information giving the current memory info\nbyteswap() -- byteswap all the items of the array\ncount() -- return number of occurrences of an object\nextend() -- extend array by appending multiple elements from an iterable\nfromfile() -- read items from a file object\nfromlist() -- append items from the list\nfrombytes() -- append items from the string\nindex() -- return index of first occurrence of an object\ninsert() -- insert a new item into the array at a provided position\npop() -- remove and return item (default last)\nremove() -- remove first occurrence of an object\nreverse() -- reverse the order of the items in the array\ntofile() -- write all items to a file object\ntolist() -- return the array converted to an ordinary list\ntobytes() -- return the array converted to a string\n\nAttributes:\n\ntypecode -- the typecode character used to create the array\nitemsize -- the length in bytes of one array item\n",
    ..TypeSpec::DEFAULT
};

#[inline(always)]
fn of(v: Value) -> &'static Array {
    // SAFETY: slots are called with arrays.
    unsafe { v.cast() }
}

impl Array {
    fn new_of(cx: &mut Cx, class: &'static Type, kind: Kind) -> &'static Array {
        let (len, data, exports) = (Cell::new(0), Cell::new(None), Cell::new(0));
        cx.alloc_of(class, Array { header: Header::fresh(class), len, data, exports, kind, tag: kind as u64 })
    }

    fn len(&self) -> usize {
        self.len.get()
    }

    fn size(&self) -> usize {
        self.kind.size()
    }

    /// The bytes of all items. The slice must not be used after anything that may resize the array.
    #[allow(clippy::mut_from_ref)]
    fn bytes(&self) -> &mut [u8] {
        match self.data.get() {
            // SAFETY: the buffer holds `len` items; the GIL gives exclusive access.
            Some(data) => unsafe { std::slice::from_raw_parts_mut(data.data(), self.len() * self.size()) },
            None => &mut [],
        }
    }

    fn get(&self, cx: &mut Cx, i: usize) -> Option<Value> {
        if i >= self.len() {
            return None;
        }
        let n = self.size();
        let bits = item::read(&self.bytes()[i * n..][..n]);
        Some(self.kind.load(cx, bits))
    }

    fn put(&self, i: usize, bits: u64) {
        let n = self.size();
        self.bytes()[i * n..][..n].copy_from_slice(&bits.to_le_bytes()[..n]);
    }

    /// BufferError if there are views of the data.
    fn check_resizable(&self, cx: &mut Cx) -> PyResult<()> {
        if self.exports.get() > 0 {
            return raise!(cx, BufferError, "cannot resize an array that is exporting buffers");
        }
        Ok(())
    }

    /// Sets the number of items; new ones have unspecified contents. May collect.
    fn resize(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        if n == self.len() {
            return Ok(());
        }
        self.check_resizable(cx)?;
        let bytes = n.saturating_mul(self.size());
        if self.data.get().is_none_or(|d| d.capacity() < bytes) {
            let room = if self.len() == 0 { bytes } else { bytes.saturating_add((bytes >> 3) + 16) };
            taipan_runtime::buffer::check_size(cx, room)?;
            let new = RawBuffer::new(cx, room);
            let old = self.bytes();
            // SAFETY: the new buffer is larger.
            unsafe { std::ptr::copy_nonoverlapping(old.as_ptr(), new.data(), old.len()) };
            self.data.set(Some(new));
            cx.barrier(self);
        }
        self.len.set(n);
        Ok(())
    }

    fn push(&self, cx: &mut Cx, v: Value) -> PyResult<()> {
        let bits = self.kind.store(cx, v)?;
        let n = self.len();
        self.resize(cx, n + 1)?;
        self.put(n, bits);
        Ok(())
    }

    /// Replaces the items `[start, end)` by items given as bytes, which must not be the array's own.
    fn splice(&self, cx: &mut Cx, start: usize, end: usize, with: &[u8]) -> PyResult<()> {
        let (size, n) = (self.size(), self.len());
        let new_len = n - (end - start) + with.len() / size;
        if new_len > n {
            self.resize(cx, new_len)?;
        } else if new_len < n {
            self.check_resizable(cx)?;
        }
        let tail = (n - end) * size;
        if let Some(data) = self.data.get() {
            // SAFETY: the buffer holds the larger of the old and new lengths.
            unsafe {
                let base = data.data();
                std::ptr::copy(base.add(end * size), base.add(start * size + with.len()), tail);
                std::ptr::copy_nonoverlapping(with.as_ptr(), base.add(start * size), with.len());
            }
        }
        self.len.set(new_len);
        Ok(())
    }

    /// Appends items given as bytes, which may be the array's own.
    fn extend_bytes(&self, cx: &mut Cx, bytes: &[u8]) -> PyResult<()> {
        let copy = bytes.to_vec();
        let n = self.len();
        self.splice(cx, n, n, &copy)
    }

    fn extend(&'static self, cx: &mut Cx, iterable: Value) -> PyResult<()> {
        if let Some(other) = iterable.downcast::<Array>() {
            if other.kind != self.kind {
                return raise!(cx, TypeError, "can only extend with array of same kind");
            }
            return self.extend_bytes(cx, other.bytes());
        }
        iter::for_each(cx, iterable, |cx, item| self.push(cx, item).map(|_| true))
    }

    fn extend_str(&self, cx: &mut Cx, s: &Str) -> PyResult<()> {
        let bytes: Vec<u8> = s.chars().flat_map(|c| c.to_le_bytes()).collect();
        self.extend_bytes(cx, &bytes)
    }

    fn extend_raw(&self, cx: &mut Cx, bytes: &[u8]) -> PyResult<()> {
        if !bytes.len().is_multiple_of(self.size()) {
            return raise!(cx, ValueError, "bytes length not a multiple of item size");
        }
        self.extend_bytes(cx, bytes)
    }

    fn to_str(&self, cx: &mut Cx) -> &'static Str {
        let points: Vec<u32> = self.bytes().chunks(4).map(|c| item::read(c) as u32).collect();
        Str::from_code_points(cx, &points)
    }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    if args.kwnames().is_some() && std::ptr::eq(class, &ARRAY) {
        return raise!(cx, TypeError, "array.array() takes no keyword arguments");
    }
    let (code, initial) = match *args.pos() {
        [] => return raise!(cx, TypeError, "array() takes at least 1 argument (0 given)"),
        [code] => (code, None),
        [code, initial] => (code, Some(initial)),
        ref more => return raise!(cx, TypeError, "array() takes at most 2 arguments ({} given)", more.len()),
    };
    let Some(code) = code.downcast::<Str>() else {
        let got = code.class().tp_name();
        return raise!(cx, TypeError, "array() argument 1 must be a unicode character, not {got}");
    };
    if code.len() != 1 {
        let n = code.len();
        return raise!(cx, TypeError, "array() argument 1 must be a unicode character, not a string of length {n}");
    }
    let Some(kind) = Kind::from_code(code.at(0)) else {
        return raise!(cx, ValueError, "bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)");
    };
    let array = Array::new_of(cx, class, kind);
    let Some(initial) = initial else { return Ok(Value::of(array)) };
    let code = kind.code();
    if let Some(s) = initial.downcast::<Str>() {
        if !kind.is_text() {
            return raise!(cx, TypeError, "cannot use a str to initialize an array with typecode '{code}'");
        }
        array.extend_str(cx, s)?;
    } else if initial.downcast::<Bytes>().is_some() || crate::support::is_bytearray(initial) {
        buffer::with_bytes(cx, initial, |cx, bytes| array.extend_raw(cx, bytes))?;
    } else if let Some(other) = initial.downcast::<Array>()
        && other.kind == kind
    {
        array.extend_bytes(cx, other.bytes())?;
    } else if let Some(other) = initial.downcast::<Array>()
        && other.kind.is_text()
        && !kind.is_text()
    {
        let other = other.kind.code();
        return raise!(
            cx,
            TypeError,
            "cannot use a unicode array with typecode '{other}' to initialize an array with typecode '{code}'"
        );
    } else {
        iter::for_each(cx, initial, |cx, item| array.push(cx, item).map(|_| true))?;
    }
    Ok(Value::of(array))
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let this = of(v);
    let (name, code) = (v.class().name(), this.kind.code());
    if this.len() == 0 {
        return Ok(cx.str(&format!("{name}('{code}')")));
    }
    let inner = if this.kind.is_text() { Value::of(this.to_str(cx)) } else { Value::of(iter::to_list(cx, v)?) };
    let mut text = sequence::ReprText::default();
    text.push(&format!("{name}('{code}', "));
    text.push_repr(cx, inner)?;
    text.push(")");
    text.finish(cx)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(x), Some(y)) = (a.downcast::<Array>(), b.downcast::<Array>()) else {
        return Ok(Value::not_implemented());
    };
    if x.len() != y.len() && matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::bool(op == CmpOp::Ne));
    }
    let mut i = 0;
    while let (Some(p), Some(q)) = (x.get(cx, i), y.get(cx, i)) {
        if !compare::rich_bool(cx, p, q, CmpOp::Eq)? {
            return match op {
                CmpOp::Eq => Ok(Value::bool(false)),
                CmpOp::Ne => Ok(Value::bool(true)),
                _ => compare::rich(cx, p, q, op),
            };
        }
        i += 1;
    }
    Ok(Value::bool(op.holds(x.len().cmp(&y.len()))))
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        let range = slice.apply(cx, || this.len())?;
        let size = this.size();
        let mut bytes = Vec::with_capacity(range.len * size);
        range.indices().for_each(|i| bytes.extend_from_slice(&this.bytes()[i * size..][..size]));
        let new = Array::new_of(cx, &ARRAY, this.kind);
        new.extend_bytes(cx, &bytes)?;
        return Ok(Value::of(new));
    }
    let i = index_of(cx, key)?;
    match sequence::resolve(i, this.len()).and_then(|i| this.get(cx, i)) {
        Some(item) => Ok(item),
        None => raise!(cx, IndexError, "array index out of range"),
    }
}

fn index_of(cx: &mut Cx, key: Value) -> PyResult<isize> {
    if !sequence::is_index(key) {
        return raise!(cx, TypeError, "array indices must be integers");
    }
    sequence::index(cx, key)
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    if let Some(slice) = key.exact::<Slice>() {
        return set_slice(cx, this, slice, value);
    }
    let i = index_of(cx, key)?;
    let Some(i) = sequence::resolve(i, this.len()) else {
        return raise!(cx, IndexError, "array assignment index out of range");
    };
    let Some(value) = value else { return this.splice(cx, i, i + 1, &[]) };
    let bits = this.kind.store(cx, value)?;
    if i < this.len() {
        this.put(i, bits);
    }
    Ok(())
}

fn set_slice(cx: &mut Cx, this: &'static Array, slice: &Slice, value: Option<Value>) -> PyResult<()> {
    let size = this.size();
    let with = match value {
        None => Vec::new(),
        Some(value) => match value.downcast::<Array>() {
            Some(other) if other.kind == this.kind => other.bytes().to_vec(),
            Some(_) => return raise!(cx, TypeError, "bad argument type for built-in operation"),
            None => {
                let got = value.class().tp_name();
                return raise!(cx, TypeError, "can only assign array (not \"{got}\") to array slice");
            }
        },
    };
    let range = slice.apply(cx, || this.len())?;
    if range.step == 1 {
        let start = range.start as usize;
        return this.splice(cx, start, start + range.len, &with);
    }
    if value.is_none() {
        let mut gone: Vec<usize> = range.indices().collect();
        gone.sort_unstable();
        for i in gone.into_iter().rev() {
            this.splice(cx, i, i + 1, &[])?;
        }
        return Ok(());
    }
    if with.len() / size != range.len {
        let (n, m) = (with.len() / size, range.len);
        return raise!(cx, ValueError, "attempt to assign array of size {n} to extended slice of size {m}");
    }
    for (i, item) in range.indices().zip(with.chunks(size)) {
        this.bytes()[i * size..][..size].copy_from_slice(item);
    }
    Ok(())
}

fn find(cx: &mut Cx, this: &Array, wanted: Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let mut i = start;
    while i < stop
        && let Some(item) = this.get(cx, i)
    {
        if compare::rich_bool(cx, item, wanted, CmpOp::Eq)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

fn contains(cx: &mut Cx, v: Value, item: Value) -> PyResult<bool> {
    Ok(find(cx, of(v), item, 0, usize::MAX)?.is_some())
}

fn concat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    let (this, Some(other)) = (of(a), b.downcast::<Array>()) else {
        let got = b.class().tp_name();
        return raise!(cx, TypeError, "can only append array (not \"{got}\") to array");
    };
    if other.kind != this.kind {
        return raise!(cx, TypeError, "bad argument type for built-in operation");
    }
    let new = Array::new_of(cx, &ARRAY, this.kind);
    new.extend_bytes(cx, this.bytes())?;
    new.extend_bytes(cx, other.bytes())?;
    Ok(Value::of(new))
}

fn repeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let new = Array::new_of(cx, &ARRAY, this.kind);
    new.extend_bytes(cx, this.bytes())?;
    irepeat(cx, Value::of(new), n)
}

fn iconcat(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if b.downcast::<Array>().is_none() {
        let got = b.class().tp_name();
        return raise!(cx, TypeError, "can only extend with array (not \"{got}\")");
    }
    of(a).extend(cx, b)?;
    Ok(a)
}

fn irepeat(cx: &mut Cx, v: Value, n: isize) -> PyResult<Value> {
    let this = of(v);
    let total = sequence::repeated_len(cx, this.len(), n)?;
    let once = this.bytes().to_vec();
    this.resize(cx, total)?;
    if !once.is_empty() {
        for chunk in this.bytes().chunks_mut(once.len()) {
            chunk.copy_from_slice(&once);
        }
    }
    Ok(v)
}

fn export(_: &mut Cx, v: Value, _: i32) -> PyResult<Buffer> {
    let this = of(v);
    this.exports.set(this.exports.get() + 1);
    let bytes = this.bytes();
    Ok(Buffer {
        data: bytes.as_mut_ptr(),
        len: bytes.len(),
        owner: v,
        readonly: false,
        itemsize: this.size(),
        format: this.kind.format().into(),
        shape: vec![this.len() as isize],
        strides: vec![this.size() as isize],
        scalar: false,
        release: Some(|_, buffer| {
            let this = of(buffer.owner);
            this.exports.set(this.exports.get().saturating_sub(1));
        }),
    })
}

/// An iterator over an array.
#[repr(C)]
pub struct ArrayIter {
    header: Header,
    array: Cell<Option<&'static Array>>,
    index: Cell<usize>,
}
trace_values!(trace_iter, ArrayIter, |t| [t.array.get().map(Value::of)]);
iterator_class! {
    /// The type `array.arrayiterator`.
    ARRAY_ITER: ArrayIter = "array.arrayiterator", flags::DISALLOW_INSTANTIATION, trace_iter, None, next_item,
    &[ArrayIter::METHODS], "", ""
}

fn next_item(cx: &mut Cx, v: Value) -> PyResult<Option<Value>> {
    // SAFETY: the slot of array iterators.
    let this = unsafe { v.cast::<ArrayIter>() };
    let Some(array) = this.array.get() else { return Ok(None) };
    let i = this.index.get();
    let item = array.get(cx, i);
    match item {
        Some(_) => this.index.set(i + 1),
        None => this.array.set(None),
    }
    Ok(item)
}

#[pymethods]
impl ArrayIter {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static ArrayIter) -> PyResult<Value> {
        match this.array.get() {
            Some(array) => {
                let index = this.index.get() as i64;
                taipan_runtime::types::iterators::reduce_iter(cx, Value::of(array), Some(index))
            }
            None => {
                let empty = Value::of(Tuple::new(cx, &[]));
                taipan_runtime::types::iterators::reduce_iter(cx, empty, None)
            }
        }
    }

    /// Set state information for unpickling.
    #[py("($self, state, /)")]
    fn __setstate__(_cx: &mut Cx, this: &'static ArrayIter, state: i64) {
        if let Some(array) = this.array.get() {
            this.index.set((state.max(0) as usize).min(array.len()));
        }
    }
}

struct Functions;

#[pymethods]
impl Functions {
    /// Internal. Used for pickling support.
    #[py("($module, arraytype, typecode, mformat_code, items, /)")]
    fn _array_reconstructor(
        cx: &mut Cx,
        arraytype: Value,
        typecode: Value,
        mformat_code: i64,
        items: Value,
    ) -> PyResult<Value> {
        let Some(class) = arraytype.downcast::<Type>() else {
            let got = arraytype.class().tp_name();
            return raise!(cx, TypeError, "first argument must be a type object, not {got}");
        };
        if !class.is_subtype(&ARRAY) {
            return raise!(cx, TypeError, "{} is not a subtype of {}", class.tp_name(), ARRAY.tp_name());
        }
        let kind = typecode.downcast::<Str>().filter(|s| s.len() == 1).and_then(|s| Kind::from_code(s.at(0)));
        let Some(kind) = kind else { return raise!(cx, ValueError, "second argument must be a valid type code") };
        let Some(format) = item::Format::from_code(mformat_code) else {
            return raise!(cx, ValueError, "third argument must be a valid machine format code.");
        };
        let Some(bytes) = items.downcast::<Bytes>() else {
            let got = items.class().tp_name();
            return raise!(cx, TypeError, "fourth argument should be bytes, not {got}");
        };
        if !bytes.data().len().is_multiple_of(format.size) {
            return raise!(cx, ValueError, "bytes length not a multiple of item size");
        }
        let values = List::new(cx);
        for chunk in bytes.data().chunks(format.size) {
            let value = format.load(cx, chunk)?;
            values.push(cx, value);
        }
        let code = cx.str(&kind.code().to_string());
        let made = cx.call(Value::of(class), &[code])?;
        let Some(array) = made.downcast::<Array>() else { return Ok(made) };
        for i in 0..values.len() {
            array.push(cx, values.items()[i])?;
        }
        Ok(made)
    }
}
