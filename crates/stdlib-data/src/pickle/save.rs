//! Writing objects: atoms, strings, containers; the rest by `__reduce__`.

use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::protocol::{attr, iter, object as protocol_object};
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, type_};
use taipan_runtime::{Args, Cx, PyResult, Raised, Value, raise};

use super::buffer::PickleBuffer;
use super::pickler::Pickler;
use super::{lib_function, op, pickling_error};

/// Objects in a batch of APPENDS and the like.
const BATCH: usize = 1000;

/// Writes an object.
pub fn save(cx: &mut Cx, p: &'static Pickler, v: Value, persistent: bool) -> PyResult<()> {
    cx.nested(" while pickling an object", |cx| save_here(cx, p, v, persistent))
}

fn save_here(cx: &mut Cx, p: &'static Pickler, v: Value, persistent: bool) -> PyResult<()> {
    p.commit(cx)?;
    if let Some(f) = p.persistent().filter(|_| persistent) {
        let id = cx.call(f, &[v])?;
        if !id.is_none() {
            return save_persistent(cx, p, id);
        }
    }
    if let Some(s) = v.exact::<Str>() {
        return match p.number_of(cx, v)? {
            Some(number) => {
                p.put_get(number);
                Ok(())
            }
            None => save_str(cx, p, s),
        };
    }
    if save_atom(cx, p, v)? {
        return Ok(());
    }
    if let Some(number) = p.number_of(cx, v)? {
        p.put_get(number);
        return Ok(());
    }
    if let Some(b) = v.exact::<Bytes>() {
        save_bytes(cx, p, v, b.data(), true)?;
        return Ok(());
    }
    if let Some(t) = v.exact::<Tuple>() {
        save_tuple(cx, p, v, t)
    } else if let Some(list) = v.exact::<List>() {
        save_list(cx, p, v, list)
    } else if let Some(dict) = v.exact::<Dict>() {
        save_dict(cx, p, v, dict)
    } else if let Some(b) = v.exact::<ByteArray>() {
        save_bytearray(cx, p, v, b.data(), true)
    } else if v.exact::<PickleBuffer>().is_some() {
        save_buffer(cx, p, v)
    } else if std::ptr::eq(v.class(), &set::SET) {
        save_set(cx, p, v)
    } else if std::ptr::eq(v.class(), &set::FROZENSET) {
        save_frozenset(cx, p, v)
    } else {
        save_other(cx, p, v)
    }
}

fn save_other(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    if let Some(f) = p.reducer_override() {
        let answer = cx.call(f, &[v])?;
        if answer != Value::not_implemented() {
            return save_reduced(cx, p, v, answer);
        }
    }
    if std::ptr::eq(v.class(), &type_::TYPE) {
        save_type(cx, p, v)
    } else if v.exact::<Function>().is_some() {
        save_global(cx, p, v, None)
    } else {
        save_object(cx, p, v)
    }
}

fn save_persistent(cx: &mut Cx, p: &'static Pickler, id: Value) -> PyResult<()> {
    if p.protocol() >= 1 {
        save(cx, p, id, false)?;
        p.put(&[op::BINPERSID]);
        return Ok(());
    }
    let text = protocol_object::str(cx, id)?;
    match text.as_ascii() {
        Some(text) => {
            p.put(format!("P{text}\n").as_bytes());
            Ok(())
        }
        None => Err(pickling_error(cx, "persistent IDs in protocol 0 must be ASCII strings")),
    }
}

/// None, bools, ints and floats; false for everything else.
fn save_atom(cx: &mut Cx, p: &Pickler, v: Value) -> PyResult<bool> {
    let binary = p.protocol() >= 1;
    if v.is_none() {
        p.put(&[op::NONE]);
    } else if v == Value::bool(true) || v == Value::bool(false) {
        let on = v == Value::bool(true);
        match p.protocol() >= 2 {
            true => p.put(&[if on { op::NEWTRUE } else { op::NEWFALSE }]),
            false => p.put(if on { b"I01\n" } else { b"I00\n" }),
        }
    } else if std::ptr::eq(v.class(), &int::INT) {
        save_int(cx, p, v)?;
    } else if std::ptr::eq(v.class(), &float::FLOAT)
        && let Some(d) = float::as_f64(v)
    {
        if binary {
            p.put(&[op::BINFLOAT]);
            p.put(&d.to_be_bytes());
        } else {
            let text = protocol_object::repr_text(cx, v)?;
            p.put(format!("F{text}\n").as_bytes());
        }
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn save_int(cx: &mut Cx, p: &Pickler, v: Value) -> PyResult<()> {
    let small = int::as_i64(v).and_then(|n| i32::try_from(n).ok());
    if p.protocol() < 1 {
        let text = protocol_object::repr_text(cx, v)?;
        match small {
            Some(_) => p.put(format!("I{text}\n").as_bytes()),
            None => p.put(format!("L{text}L\n").as_bytes()),
        }
        return Ok(());
    }
    match small {
        Some(n @ 0..=0xff) => p.put(&[op::BININT1, n as u8]),
        Some(n @ 0..=0xffff) => p.put(&[op::BININT2, n as u8, (n >> 8) as u8]),
        Some(n) => {
            let b = n.to_le_bytes();
            p.put(&[op::BININT, b[0], b[1], b[2], b[3]]);
        }
        None if p.protocol() >= 2 => {
            let data = encode_int(v);
            match u8::try_from(data.len()) {
                Ok(n) => p.put(&[op::LONG1, n]),
                Err(_) => {
                    p.put(&[op::LONG4]);
                    p.put(&(data.len() as u32).to_le_bytes());
                }
            }
            p.put(&data);
        }
        None => {
            let text = protocol_object::repr_text(cx, v)?;
            p.put(format!("L{text}L\n").as_bytes());
        }
    }
    Ok(())
}

/// Two's complement, lowest byte first, no longer than need be.
fn encode_int(v: Value) -> Vec<u8> {
    let Some(view) = int::view(v) else { return Vec::new() };
    let (mut out, mut bits, mut held) = (Vec::new(), 0u32, 0u64);
    for digit in view.digits() {
        held |= u64::from(*digit) << bits;
        bits += 30;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    out.push(held as u8);
    out.push(0);
    if view.negative {
        let mut carry = true;
        for b in &mut out {
            let (n, overflow) = (!*b).overflowing_add(u8::from(carry));
            (*b, carry) = (n, overflow);
        }
    }
    let filler = if view.negative { 0xff } else { 0 };
    while out.len() > 1 && out[out.len() - 1] == filler && (out[out.len() - 2] & 0x80 != 0) == view.negative {
        out.pop();
    }
    out
}

fn save_str(cx: &mut Cx, p: &Pickler, s: &'static Str) -> PyResult<()> {
    if p.protocol() < 1 {
        let mut line = vec![op::UNICODE];
        for c in s.chars() {
            match c {
                0 | 10 | 13 | 26 | 92 => line.extend(format!("\\u{c:04x}").bytes()),
                c if c < 256 => line.push(c as u8),
                c if c < 0x10000 => line.extend(format!("\\u{c:04x}").bytes()),
                c => line.extend(format!("\\U{c:08x}").bytes()),
            }
        }
        line.push(b'\n');
        p.put(&line);
    } else {
        let data = s.to_generalized_utf8();
        let n = data.len();
        if n <= 0xff && p.protocol() >= 4 {
            p.put(&[op::SHORT_BINUNICODE, n as u8]);
            p.put(&data);
            return p.memoize_value(cx, Value::of(s));
        }
        let header = if n > 0xffff_ffff && p.protocol() >= 4 {
            [&[op::BINUNICODE8][..], &(n as u64).to_le_bytes()].concat()
        } else if n > 0xffff_ffff {
            return raise!(cx, OverflowError, "cannot serialize a string larger than 4GiB");
        } else {
            [&[op::BINUNICODE][..], &(n as u32).to_le_bytes()].concat()
        };
        let large = if n >= 64 * 1024 { Some(Value::of(Bytes::new(cx, &data))) } else { None };
        p.put_bytes(cx, &header, &data, large)?;
    }
    p.memoize_value(cx, Value::of(s))
}

fn save_bytes(cx: &mut Cx, p: &'static Pickler, v: Value, data: &[u8], memoize: bool) -> PyResult<()> {
    if p.protocol() < 3 {
        let bytes = Value::of(&taipan_runtime::types::bytes::BYTES);
        if data.is_empty() {
            let args = Value::of(Tuple::new(cx, &[]));
            return reduce(cx, p, &[bytes, args], v);
        }
        let encode = import_attr(cx, "codecs", "encode")?;
        let text = Value::of(Str::from_latin1(cx, data));
        let latin1 = cx.str("latin1");
        let args = Value::of(Tuple::new(cx, &[text, latin1]));
        return reduce(cx, p, &[encode, args], v);
    }
    let n = data.len();
    let header = if n <= 0xff {
        vec![op::SHORT_BINBYTES, n as u8]
    } else if n > 0xffff_ffff && p.protocol() >= 4 {
        [&[op::BINBYTES8][..], &(n as u64).to_le_bytes()].concat()
    } else if n > 0xffff_ffff {
        return raise!(cx, OverflowError, "cannot serialize a bytes object larger than 4 GiB");
    } else {
        [&[op::BINBYTES][..], &(n as u32).to_le_bytes()].concat()
    };
    p.put_bytes(cx, &header, data, Some(v))?;
    if memoize { p.memoize_value(cx, v) } else { Ok(()) }
}

fn save_bytearray(cx: &mut Cx, p: &'static Pickler, v: Value, data: &[u8], memoize: bool) -> PyResult<()> {
    if p.protocol() < 5 {
        let class = Value::of(&taipan_runtime::types::bytearray::BYTEARRAY);
        let args = match data.is_empty() {
            true => Tuple::new(cx, &[]),
            false => {
                let bytes = Value::of(Bytes::new(cx, data));
                Tuple::new(cx, &[bytes])
            }
        };
        return reduce(cx, p, &[class, Value::of(args)], v);
    }
    let header = [&[op::BYTEARRAY8][..], &(data.len() as u64).to_le_bytes()].concat();
    p.put_bytes(cx, &header, data, Some(v))?;
    if memoize { p.memoize_value(cx, v) } else { Ok(()) }
}

fn save_buffer(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    if p.protocol() < 5 {
        return Err(pickling_error(cx, "PickleBuffer can only be pickled with protocol >= 5"));
    }
    let view = taipan_runtime::protocol::buffer::get(cx, v, taipan_runtime::protocol::buffer::FULL_RO)?;
    let readonly = view.readonly;
    let contiguous = view.is_contiguous();
    let data = if contiguous { view.bytes().to_vec() } else { Vec::new() };
    taipan_runtime::protocol::buffer::release(cx, &view);
    if !contiguous {
        return Err(pickling_error(cx, "PickleBuffer can not be pickled when pointing to a non-contiguous buffer"));
    }
    let in_band = match p.callback() {
        None => true,
        Some(f) => {
            let answer = cx.call(f, &[v])?;
            protocol_object::truth(cx, answer)?
        }
    };
    if !in_band {
        p.put(&[op::NEXT_BUFFER]);
        if readonly {
            p.put(&[op::READONLY_BUFFER]);
        }
        return Ok(());
    }
    if readonly { save_bytes(cx, p, v, &data, false) } else { save_bytearray(cx, p, v, &data, false) }
}

/// Adds "when serializing ..." to the raised exception.
fn note(cx: &mut Cx, raised: Raised, text: impl FnOnce(&mut Cx) -> PyResult<String>) -> Raised {
    let exception = cx.take_exception();
    let noted = match text(cx) {
        Ok(text) => {
            let text = cx.str(&format!("when serializing {text}"));
            cx.call_method_text(exception, "add_note", &[text]).map(|_| ())
        }
        Err(raised) => Err(raised),
    };
    if noted.is_err() {
        cx.take_exception();
    }
    cx.raise_again(exception);
    raised
}

/// `pickle._T`: the type's name with its module.
fn type_name(cx: &mut Cx, v: Value) -> PyResult<String> {
    let f = import_attr(cx, "pickle", "_T")?;
    let name = cx.call(f, &[v])?;
    Ok(name.downcast::<Str>().map_or(String::new(), |s| s.to_string_lossy()))
}

fn save_item(cx: &mut Cx, p: &'static Pickler, item: Value, owner: Value, i: usize) -> PyResult<()> {
    match save(cx, p, item, true) {
        Ok(()) => Ok(()),
        Err(raised) => Err(note(cx, raised, |cx| Ok(format!("{} item {i}", type_name(cx, owner)?)))),
    }
}

fn save_tuple(cx: &mut Cx, p: &'static Pickler, v: Value, t: &'static Tuple) -> PyResult<()> {
    let items = t.items();
    let n = items.len();
    if n == 0 {
        match p.protocol() >= 1 {
            true => p.put(&[op::EMPTY_TUPLE]),
            false => p.put(&[op::MARK, op::TUPLE]),
        }
        return Ok(());
    }
    let short = n <= 3 && p.protocol() >= 2;
    if !short {
        p.put(&[op::MARK]);
    }
    for (i, item) in items.iter().enumerate() {
        save_item(cx, p, *item, v, i)?;
    }
    // The items may have led back to the tuple itself.
    if let Some(number) = p.number_of(cx, v)? {
        if short {
            p.put(&vec![op::POP; n]);
        } else if p.protocol() >= 1 {
            p.put(&[op::POP_MARK]);
        } else {
            p.put(&vec![op::POP; n + 1]);
        }
        p.put_get(number);
        return Ok(());
    }
    p.put(&[if short { [op::TUPLE1, op::TUPLE2, op::TUPLE3][n - 1] } else { op::TUPLE }]);
    p.memoize_value(cx, v)
}

fn save_list(cx: &mut Cx, p: &'static Pickler, v: Value, list: &'static List) -> PyResult<()> {
    match p.protocol() >= 1 {
        true => p.put(&[op::EMPTY_LIST]),
        false => p.put(&[op::MARK, op::LIST]),
    }
    p.memoize_value(cx, v)?;
    if p.protocol() < 1 {
        return batch_appends(cx, p, v, v);
    }
    if let (Some(only), 1) = (list.get(0), list.len()) {
        save_item(cx, p, only, v, 0)?;
        p.put(&[op::APPEND]);
        return Ok(());
    }
    // The list may change while its items are written.
    let mut index = 0;
    while index < list.len() {
        p.put(&[op::MARK]);
        let end = index + BATCH;
        while index < end
            && let Some(item) = list.get(index)
        {
            save_item(cx, p, item, v, index)?;
            index += 1;
        }
        p.put(&[op::APPENDS]);
    }
    Ok(())
}

/// Writes the items of an iterable that are appended to `owner`.
pub fn batch_appends(cx: &mut Cx, p: &'static Pickler, items: Value, owner: Value) -> PyResult<()> {
    let it = iter::iter(cx, items)?;
    let mut index = 0;
    if p.protocol() < 1 {
        while let Some(item) = iter::next(cx, it)? {
            save_item(cx, p, item, owner, index)?;
            p.put(&[op::APPEND]);
            index += 1;
        }
        return Ok(());
    }
    let mut batch = RootVec::new();
    loop {
        batch.clear();
        while batch.len() < BATCH {
            match iter::next(cx, it)? {
                Some(item) => batch.push(item),
                None => break,
            }
        }
        let n = batch.len();
        if n > 1 {
            p.put(&[op::MARK]);
        }
        for i in 0..n {
            save_item(cx, p, batch[i], owner, index + i)?;
        }
        index += n;
        match n {
            0 => return Ok(()),
            1 => p.put(&[op::APPEND]),
            _ => p.put(&[op::APPENDS]),
        }
        if n < BATCH {
            return Ok(());
        }
    }
}

fn save_dict(cx: &mut Cx, p: &'static Pickler, v: Value, dict: &'static Dict) -> PyResult<()> {
    match p.protocol() >= 1 {
        true => p.put(&[op::EMPTY_DICT]),
        false => p.put(&[op::MARK, op::DICT]),
    }
    p.memoize_value(cx, v)?;
    let size = dict.len();
    let mut at = 0;
    let mut left = size;
    while left > 0 {
        let n = left.min(BATCH);
        let marked = size > 1 && p.protocol() >= 1;
        if marked {
            p.put(&[op::MARK]);
        }
        for _ in 0..n {
            let Some((key, value)) = dict.next_item(&mut at) else {
                return raise!(cx, RuntimeError, "dictionary changed size during iteration");
            };
            save_pair(cx, p, key, value, v)?;
            if !marked {
                p.put(&[op::SETITEM]);
            }
            if dict.len() != size {
                return raise!(cx, RuntimeError, "dictionary changed size during iteration");
            }
        }
        if marked {
            p.put(&[op::SETITEMS]);
        }
        left -= n;
    }
    Ok(())
}

fn save_pair(cx: &mut Cx, p: &'static Pickler, key: Value, value: Value, owner: Value) -> PyResult<()> {
    save(cx, p, key, true)?;
    match save(cx, p, value, true) {
        Ok(()) => Ok(()),
        Err(raised) => Err(note(cx, raised, |cx| {
            let key = protocol_object::repr_text(cx, key)?;
            Ok(format!("{} item {key}", type_name(cx, owner)?))
        })),
    }
}

/// Writes the pairs of an iterable that are set in `owner`.
pub fn batch_items(cx: &mut Cx, p: &'static Pickler, items: Value, owner: Value) -> PyResult<()> {
    let it = iter::iter(cx, items)?;
    let mut batch = RootVec::new();
    loop {
        batch.clear();
        let most = if p.protocol() < 1 { 1 } else { BATCH };
        while batch.len() < 2 * most {
            let Some(pair) = iter::next(cx, it)? else { break };
            match pair.downcast::<Tuple>().map(|t| t.items()) {
                Some([key, value]) => batch.extend_from_slice(&[*key, *value]),
                _ => return raise!(cx, TypeError, "dict items iterator must return 2-tuples"),
            }
        }
        let n = batch.len() / 2;
        if n > 1 {
            p.put(&[op::MARK]);
        }
        for i in 0..n {
            save_pair(cx, p, batch[2 * i], batch[2 * i + 1], owner)?;
        }
        match n {
            0 => return Ok(()),
            1 => p.put(&[op::SETITEM]),
            _ => p.put(&[op::SETITEMS]),
        }
        if n < most {
            return Ok(());
        }
    }
}

fn save_element(cx: &mut Cx, p: &'static Pickler, item: Value, owner: Value) -> PyResult<()> {
    match save(cx, p, item, true) {
        Ok(()) => Ok(()),
        Err(raised) => Err(note(cx, raised, |cx| Ok(format!("{} element", type_name(cx, owner)?)))),
    }
}

fn save_set(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    if p.protocol() < 4 {
        return reduce_set(cx, p, v);
    }
    p.put(&[op::EMPTY_SET]);
    p.memoize_value(cx, v)?;
    let items = iter::to_list(cx, v)?;
    for start in (0..items.len()).step_by(BATCH) {
        p.put(&[op::MARK]);
        for i in start..(start + BATCH).min(items.len()) {
            let Some(item) = items.get(i) else { break };
            save_element(cx, p, item, v)?;
        }
        p.put(&[op::ADDITEMS]);
    }
    Ok(())
}

fn reduce_set(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    let items = Value::of(iter::to_list(cx, v)?);
    let args = Value::of(Tuple::new(cx, &[items]));
    reduce(cx, p, &[Value::of(v.class()), args], v)
}

fn save_frozenset(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    if p.protocol() < 4 {
        return reduce_set(cx, p, v);
    }
    p.put(&[op::MARK]);
    let items = iter::to_list(cx, v)?;
    for i in 0..items.len() {
        let Some(item) = items.get(i) else { break };
        save_element(cx, p, item, v)?;
    }
    if let Some(number) = p.number_of(cx, v)? {
        p.put(&[op::POP_MARK]);
        p.put_get(number);
        return Ok(());
    }
    p.put(&[op::FROZENSET]);
    p.memoize_value(cx, v)
}

fn save_type(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    for single in [Value::none(), Value::not_implemented(), Value::ellipsis()] {
        if v == Value::of(single.class()) {
            let args = Value::of(Tuple::new(cx, &[single]));
            return reduce(cx, p, &[Value::of(&type_::TYPE), args], v);
        }
    }
    save_global(cx, p, v, None)
}

/// The module and the qualified name under which a class or function is found, if it is found there in the plainest way.
fn plain_name(cx: &mut Cx, v: Value) -> PyResult<Option<(Value, Value)>> {
    let names = cx.names();
    let (qualname, module) = (names.__qualname__, names.__module__);
    let Some(name) = attr::get_optional(cx, v, qualname)? else { return Ok(None) };
    let Some(module) = attr::get_optional(cx, v, module)? else { return Ok(None) };
    let (Some(text), Some(_)) = (name.exact::<Str>(), module.exact::<Str>()) else { return Ok(None) };
    let found = super::find_plain(cx, module, text)?;
    let registry = import_attr(cx, "copyreg", "_extension_registry")?;
    let is_plain = found == Some(v) && registry.exact::<Dict>().is_some_and(|r| r.is_empty());
    Ok(is_plain.then_some((module, name)))
}

fn save_global(cx: &mut Cx, p: &'static Pickler, v: Value, name: Option<Value>) -> PyResult<()> {
    if p.protocol() >= 4
        && name.is_none()
        && let Some((module, name)) = plain_name(cx, v)?
    {
        save(cx, p, module, true)?;
        save(cx, p, name, true)?;
        p.put(&[op::STACK_GLOBAL]);
        return p.memoize_value(cx, v);
    }
    let f = lib_function(cx, "_Pickler", "save_global")?;
    let mut args = RootVec::from_slice(&[p.shown(), v]);
    args.extend(name);
    cx.call(f, &args)?;
    Ok(())
}

/// Writes what `__reduce__` of a class that is no built-in one says, or a copyreg function.
fn save_object(cx: &mut Cx, p: &'static Pickler, v: Value) -> PyResult<()> {
    let class = Value::of(v.class());
    let table = match p.table(cx)? {
        Some(table) => table,
        None => import_attr(cx, "copyreg", "dispatch_table")?,
    };
    let found = match table.exact::<Dict>() {
        Some(dict) => dict.get(cx, class)?,
        None => {
            let found = cx.call_method_text(table, "get", &[class])?;
            Some(found).filter(|f| !f.is_none())
        }
    };
    let answer = match found {
        Some(f) => cx.call(f, &[v])?,
        None if v.class().has(flags::TYPE) && v.downcast::<Type>().is_some() => return save_global(cx, p, v, None),
        None => {
            let name = cx.intern("__reduce_ex__");
            match attr::get_optional(cx, v, name)? {
                Some(f) => cx.call(f, &[Value::small(p.protocol())])?,
                None => {
                    let name = cx.intern("__reduce__");
                    match attr::get_optional(cx, v, name)? {
                        Some(f) => cx.call(f, &[])?,
                        None => {
                            let text = format!("Can't pickle {} object", v.class().tp_name());
                            return Err(pickling_error(cx, &text));
                        }
                    }
                }
            }
        }
    };
    save_reduced(cx, p, v, answer)
}

/// Writes the result of a reduce function.
fn save_reduced(cx: &mut Cx, p: &'static Pickler, v: Value, answer: Value) -> PyResult<()> {
    if answer.downcast::<Str>().is_some() {
        return save_global(cx, p, v, Some(answer));
    }
    let written = match answer.downcast::<Tuple>() {
        None => {
            let got = type_name(cx, answer)?;
            Err(pickling_error(cx, &format!("__reduce__ must return a string or tuple, not {got}")))
        }
        Some(t) if !(2..=6).contains(&t.len()) => {
            Err(pickling_error(cx, "tuple returned by __reduce__ must contain 2 through 6 elements"))
        }
        Some(t) => reduce(cx, p, t.items(), v),
    };
    match written {
        Ok(()) => Ok(()),
        Err(raised) => Err(note(cx, raised, |cx| Ok(format!("{} object", type_name(cx, v)?)))),
    }
}

/// `save_reduce(*parts, obj=v)`.
fn reduce(cx: &mut Cx, p: &'static Pickler, parts: &[Value], v: Value) -> PyResult<()> {
    let key = cx.names().__name__;
    if let &[function, args, ..] = parts
        && p.protocol() >= 2
        && function.class().slots().call.is_some()
        && let Some(args) = args.downcast::<Tuple>()
    {
        let name = attr::get_optional(cx, function, key)?.and_then(|n| n.downcast::<Str>());
        let makes_new = name.is_some_and(|n| n.eq_rust("__newobj__"));
        let is_odd = name.is_some_and(|n| n.eq_rust("__newobj_ex__"));
        let is_own = args.items().first().is_some_and(|class| *class == Value::of(v.class()));
        if !is_odd && (!makes_new || is_own) {
            return reduce_natively(cx, p, parts, v, makes_new);
        }
    }
    let f = lib_function(cx, "_Pickler", "save_reduce")?;
    let mut values = RootVec::from_slice(&[p.shown()]);
    values.extend_from_slice(parts);
    values.push(v);
    let name = Value::of(cx.intern("obj"));
    let names = Tuple::new(cx, &[name]);
    cx.call_args(f, Args::new(&values, Some(names)))?;
    Ok(())
}

/// Adds to an exception what was being written.
fn part(cx: &mut Cx, p: &'static Pickler, part: Value, owner: Value, what: &str) -> PyResult<()> {
    match save(cx, p, part, true) {
        Ok(()) => Ok(()),
        Err(raised) => Err(note(cx, raised, |cx| Ok(format!("{} {what}", type_name(cx, owner)?)))),
    }
}

/// As `save_reduce` of the library: `parts` are a callable, its arguments, and what is done with the result `v`.
fn reduce_natively(cx: &mut Cx, p: &'static Pickler, parts: &[Value], v: Value, makes_new: bool) -> PyResult<()> {
    if makes_new {
        // SAFETY: the caller has checked it.
        let args = unsafe { parts[1].cast::<Tuple>() };
        part(cx, p, args.items()[0], v, "class")?;
        let rest = Value::of(Tuple::new(cx, &args.items()[1..]));
        part(cx, p, rest, v, "__new__ arguments")?;
        p.put(&[op::NEWOBJ]);
    } else {
        part(cx, p, parts[0], v, "reconstructor")?;
        part(cx, p, parts[1], v, "reconstructor arguments")?;
        p.put(&[op::REDUCE]);
    }
    // The parts may have led back to the object itself.
    match p.number_of(cx, v)? {
        Some(number) => {
            p.put(&[op::POP]);
            p.put_get(number);
        }
        None => p.memoize_value(cx, v)?,
    }
    let given = |i: usize| parts.get(i).copied().filter(|part| !part.is_none());
    if let Some(items) = given(3) {
        batch_appends(cx, p, items, v)?;
    }
    if let Some(items) = given(4) {
        batch_items(cx, p, items, v)?;
    }
    let Some(state) = given(2) else { return Ok(()) };
    match given(5) {
        None => {
            part(cx, p, state, v, "state")?;
            p.put(&[op::BUILD]);
        }
        Some(setter) => {
            part(cx, p, setter, v, "state setter")?;
            save(cx, p, v, true)?;
            part(cx, p, state, v, "state")?;
            p.put(&[op::TUPLE2, op::REDUCE, op::POP]);
        }
    }
    Ok(())
}
