//! Methods of arrays.

use taipan_macros::pymethods;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{attr, buffer, number, sequence};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::{ARRAY, Array, find};

fn copy(cx: &mut Cx, this: &'static Array) -> PyResult<Value> {
    let new = Array::new_of(cx, &ARRAY, this.kind);
    new.extend_bytes(cx, this.bytes())?;
    Ok(Value::of(new))
}

fn to_list(cx: &mut Cx, this: &'static Array) -> &'static List {
    let list = List::with_capacity(cx, this.len());
    let mut i = 0;
    while let Some(item) = this.get(cx, i) {
        list.push(cx, item);
        i += 1;
    }
    list
}

/// Methods of array.
pub struct Methods;

#[pymethods]
impl Methods {
    /// Append new value v to the end of the array.
    #[py("($self, v, /)")]
    fn append(cx: &mut Cx, this: &'static Array, v: Value) -> PyResult<()> {
        this.push(cx, v)
    }

    /// Append items to the end of the array.
    #[py("($self, bb, /)")]
    fn extend(cx: &mut Cx, this: &'static Array, bb: Value) -> PyResult<()> {
        this.extend(cx, bb)
    }

    /// Insert a new item v into the array before position i.
    #[py("($self, i, v, /)")]
    fn insert(cx: &mut Cx, this: &'static Array, i: isize, v: Value) -> PyResult<()> {
        let bits = this.kind.store(cx, v)?;
        let n = this.len() as isize;
        let at = if i < 0 { i.saturating_add(n).max(0) } else { i.min(n) } as usize;
        this.splice(cx, at, at, &bits.to_le_bytes()[..this.size()])
    }

    /// Return the i-th element and delete it from the array.
    ///
    /// i defaults to -1.
    #[py("($self, i=-1, /)")]
    fn pop(cx: &mut Cx, this: &'static Array, i: Option<isize>) -> PyResult<Value> {
        if this.len() == 0 {
            return raise!(cx, IndexError, "pop from empty array");
        }
        let Some(i) = sequence::resolve(i.unwrap_or(-1), this.len()) else {
            return raise!(cx, IndexError, "pop index out of range");
        };
        let item = this.get(cx, i).unwrap_or(Value::none());
        this.splice(cx, i, i + 1, &[])?;
        Ok(item)
    }

    /// Remove the first occurrence of v in the array.
    #[py("($self, v, /)")]
    fn remove(cx: &mut Cx, this: &'static Array, v: Value) -> PyResult<()> {
        match find(cx, this, v, 0, usize::MAX)? {
            Some(i) if i < this.len() => this.splice(cx, i, i + 1, &[]),
            _ => raise!(cx, ValueError, "array.remove(x): x not in array"),
        }
    }

    /// Remove all items from the array.
    #[py("($self, /)")]
    fn clear(cx: &mut Cx, this: &'static Array) -> PyResult<()> {
        this.resize(cx, 0)
    }

    /// Return number of occurrences of v in the array.
    #[py("($self, v, /)")]
    fn count(cx: &mut Cx, this: &'static Array, v: Value) -> PyResult<i64> {
        let (mut n, mut i) = (0, 0);
        while let Some(item) = this.get(cx, i) {
            n += i64::from(compare::rich_bool(cx, item, v, CmpOp::Eq)?);
            i += 1;
        }
        Ok(n)
    }

    /// Return index of first occurrence of v in the array.
    ///
    /// Raise ValueError if the value is not present.
    #[py("($self, v, start=0, stop=sys.maxsize, /)")]
    fn index(cx: &mut Cx, this: &'static Array, v: Value, start: Option<Value>, stop: Option<Value>) -> PyResult<i64> {
        let (start, stop) = sequence::search_bounds(cx, start, stop, || this.len())?;
        match find(cx, this, v, start, stop)? {
            Some(i) => Ok(i as i64),
            None => raise!(cx, ValueError, "array.index(x): x not in array"),
        }
    }

    /// Reverse the order of the items in the array.
    #[py("($self, /)")]
    fn reverse(_cx: &mut Cx, this: &'static Array) {
        let size = this.size();
        let bytes = this.bytes();
        bytes.reverse();
        bytes.chunks_mut(size).for_each(|item| item.reverse());
    }

    /// Byteswap all items of the array.
    ///
    /// If the items in the array are not 1, 2, 4, or 8 bytes in size,
    /// RuntimeError is raised.
    #[py("($self, /)")]
    fn byteswap(_cx: &mut Cx, this: &'static Array) {
        let size = this.size();
        this.bytes().chunks_mut(size).for_each(|item| item.reverse());
    }

    /// Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's contents.
    ///
    /// The length should be multiplied by the itemsize attribute to
    /// calculate the buffer length in bytes.
    #[py("($self, /)")]
    fn buffer_info(cx: &mut Cx, this: &'static Array) -> &'static Tuple {
        let (address, len) = (cx.int_u64(this.bytes().as_ptr() as u64), cx.int(this.len() as i64));
        Tuple::new(cx, &[address, len])
    }

    /// Convert array to an ordinary list with the same items.
    #[py("($self, /)")]
    fn tolist(cx: &mut Cx, this: &'static Array) -> &'static List {
        to_list(cx, this)
    }

    /// Append items to array from list.
    #[py("($self, list, /)")]
    fn fromlist(cx: &mut Cx, this: &'static Array, list: Value) -> PyResult<()> {
        let Some(list) = list.downcast::<List>() else { return raise!(cx, TypeError, "arg must be list") };
        let (old, n) = (this.len(), list.len());
        for i in 0..n {
            let Some(item) = list.get(i).filter(|_| list.len() == n) else {
                this.resize(cx, old)?;
                return raise!(cx, RuntimeError, "list changed size during iteration");
            };
            if let Err(e) = this.push(cx, item) {
                this.len.set(old);
                return Err(e);
            }
        }
        Ok(())
    }

    /// Convert the array to an array of machine values and return the bytes representation.
    #[py("($self, /)")]
    fn tobytes(cx: &mut Cx, this: &'static Array) -> &'static Bytes {
        let bytes = this.bytes().to_vec();
        Bytes::new(cx, &bytes)
    }

    /// Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method.
    #[py("($self, buffer, /)")]
    fn frombytes(cx: &mut Cx, this: &'static Array, buffer: Value) -> PyResult<()> {
        let bytes = buffer::with_bytes(cx, buffer, |_, b| Ok(b.to_vec()))?;
        this.extend_raw(cx, &bytes)
    }

    /// Write all items (as machine values) to the file object f.
    #[py("($self, f, /)")]
    fn tofile(cx: &mut Cx, this: &'static Array, f: Value) -> PyResult<()> {
        const BLOCK: usize = 64 * 1024;
        let name = cx.names().write;
        let bytes = this.bytes().to_vec();
        if bytes.is_empty() {
            attr::get(cx, f, name)?;
        }
        for block in bytes.chunks(BLOCK) {
            let block = Value::of(Bytes::new(cx, block));
            cx.call_method(f, name, &[block])?;
        }
        Ok(())
    }

    /// Read n objects from the file object f and append them to the end of the array.
    #[py("($self, f, n, /)")]
    fn fromfile(cx: &mut Cx, this: &'static Array, f: Value, n: isize) -> PyResult<()> {
        if n < 0 {
            return raise!(cx, ValueError, "negative count");
        }
        let Some(wanted) = (n as usize).checked_mul(this.size()).filter(|b| *b <= isize::MAX as usize) else {
            return Err(cx.memory_error());
        };
        let (name, count) = (cx.names().read, cx.int(wanted as i64));
        let read = cx.call_method(f, name, &[count])?;
        let Some(bytes) = read.downcast::<Bytes>() else {
            return raise!(cx, TypeError, "read() didn't return bytes");
        };
        let short = bytes.data().len() != wanted;
        this.extend_raw(cx, bytes.data())?;
        if short {
            return raise!(cx, EOFError, "read() didn't return enough bytes");
        }
        Ok(())
    }

    /// Extends this array with data from the unicode string ustr.
    ///
    /// The array must be a unicode type array; otherwise a ValueError is
    /// raised.  Use array.frombytes(ustr.encode(...)) to append Unicode
    /// data to an array of some other type.
    #[py("($self, ustr, /)")]
    fn fromunicode(cx: &mut Cx, this: &'static Array, ustr: &'static Str) -> PyResult<()> {
        if !this.kind.is_text() {
            return raise!(cx, ValueError, "fromunicode() may only be called on unicode type arrays ('u' or 'w')");
        }
        this.extend_str(cx, ustr)
    }

    /// Extends this array with data from the unicode string ustr.
    ///
    /// Convert the array to a unicode string.  The array must be a unicode
    /// type array; otherwise a ValueError is raised.  Use
    /// array.tobytes().decode() to obtain a unicode string from an array of
    /// some other type.
    #[py("($self, /)")]
    fn tounicode(cx: &mut Cx, this: &'static Array) -> PyResult<&'static Str> {
        if !this.kind.is_text() {
            return raise!(cx, ValueError, "tounicode() may only be called on unicode type arrays ('u' or 'w')");
        }
        Ok(this.to_str(cx))
    }

    /// Return a copy of the array.
    #[py("($self, /)")]
    fn __copy__(cx: &mut Cx, this: &'static Array) -> PyResult<Value> {
        copy(cx, this)
    }

    /// Return a copy of the array.
    #[py("($self, unused, /)")]
    fn __deepcopy__(cx: &mut Cx, this: &'static Array, _unused: Value) -> PyResult<Value> {
        copy(cx, this)
    }

    /// Return state information for pickling.
    #[py("($self, value, /)")]
    fn __reduce_ex__(cx: &mut Cx, this: &'static Array, value: Value) -> PyResult<Value> {
        if !sequence::is_index(value) {
            return raise!(cx, TypeError, "__reduce_ex__ argument should be an integer");
        }
        let protocol = number::to_i64(cx, value)?;
        let v = Value::of(this);
        let class = Value::of(v.class());
        let attributes = match taipan_runtime::shape::Attrs::of(v) {
            Some(attrs) => Value::of(attrs.materialize(cx)),
            None => Value::none(),
        };
        let code = cx.str(&this.kind.code().to_string());
        if protocol < 3 {
            let items = Value::of(to_list(cx, this));
            let args = Value::of(Tuple::new(cx, &[code, items]));
            return Ok(Value::of(Tuple::new(cx, &[class, args, attributes])));
        }
        let module = cx.intern("array");
        let key = cx.intern("_array_reconstructor");
        let modules = cx.rt().modules.get();
        let Some(module) = modules.and_then(|m| m.get_str(module)) else {
            return raise!(cx, ImportError, "module 'array' is not loaded");
        };
        let maker = attr::get(cx, module, key)?;
        let format = Value::small(this.kind.machine_format());
        let bytes = Value::of(Self::tobytes(cx, this));
        let args = Value::of(Tuple::new(cx, &[class, code, format, bytes]));
        Ok(Value::of(Tuple::new(cx, &[maker, args, attributes])))
    }

    /// Size of the array in memory, in bytes.
    #[py("($self, /)")]
    fn __sizeof__(_cx: &mut Cx, this: &'static Array) -> i64 {
        let data = this.data.get().map_or(0, |d| d.capacity());
        (Value::of(this).class().data().basicsize + data) as i64
    }

    /// the typecode character used to create the array
    #[getter]
    fn typecode(cx: &mut Cx, this: &'static Array) -> Value {
        cx.str(&this.kind.code().to_string())
    }

    /// the size, in bytes, of one array item
    #[getter]
    fn itemsize(_cx: &mut Cx, this: &'static Array) -> i64 {
        this.size() as i64
    }

    /// Arrays are generic over the type of their elements
    #[py("($type, item, /)")]
    #[classmethod]
    fn __class_getitem__(cx: &mut Cx, class: Value, item: Value) -> PyResult<Value> {
        taipan_runtime::types::typing::new_generic_alias(cx, class, item)
    }
}
