//! The opcodes of pickles, executed.

use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::protocol::{attr, iter, object as protocol_object};
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{float, int};
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use super::unpickler::Unpickler;
use super::{HIGHEST, lib_function, op, unpickling_error};

/// The stack with the mark below which nothing may be taken.
struct Machine {
    u: &'static Unpickler,
    stack: &'static List,
}

impl Machine {
    #[allow(clippy::mut_from_ref)]
    fn marks(&self) -> &mut Vec<usize> {
        // SAFETY: the GIL is held, and nobody keeps the reference.
        unsafe { &mut *self.u.marks.get() }
    }

    fn fence(&self) -> usize {
        self.marks().last().copied().unwrap_or(0)
    }

    #[inline(always)]
    fn push(&self, cx: &mut Cx, v: Value) {
        self.stack.push(cx, v);
    }

    fn underflow<T>(&self, cx: &mut Cx) -> PyResult<T> {
        let text = if self.marks().is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" };
        Err(unpickling_error(cx, text))
    }

    fn pop(&self, cx: &mut Cx) -> PyResult<Value> {
        if self.stack.len() <= self.fence() {
            return self.underflow(cx);
        }
        match self.stack.pop() {
            Some(v) => Ok(v),
            None => self.underflow(cx),
        }
    }

    fn top(&self, cx: &mut Cx) -> PyResult<Value> {
        match self.stack.len().checked_sub(1).filter(|n| *n >= self.fence()).and_then(|n| self.stack.get(n)) {
            Some(v) => Ok(v),
            None => self.underflow(cx),
        }
    }

    /// Takes the last mark away; what is above it stays on the stack, from the number given on.
    fn unmark(&self, cx: &mut Cx) -> PyResult<usize> {
        match self.marks().pop() {
            Some(mark) => Ok(mark.min(self.stack.len())),
            None => Err(unpickling_error(cx, "could not find MARK")),
        }
    }

    /// Takes everything above the last mark.
    fn pop_mark(&self, cx: &mut Cx) -> PyResult<RootVec> {
        let start = self.unmark(cx)?;
        let items = RootVec::from_slice(&self.stack.items()[start..]);
        self.stack.truncate(start);
        Ok(items)
    }

    // ---- reading -----------------------------------------------------------------------------------

    fn number<const N: usize>(&self, cx: &mut Cx) -> PyResult<u64> {
        let data = self.u.take(cx, N)?;
        Ok(data[..N].iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b)))
    }

    /// A length of at most what could ever be read.
    fn length(&self, cx: &mut Cx, n: u64, name: &str) -> PyResult<usize> {
        match isize::try_from(n) {
            Ok(n) => Ok(n as usize),
            Err(_) => {
                let text = format!("{name} exceeds system's maximum size of {} bytes", isize::MAX);
                Err(unpickling_error(cx, &text))
            }
        }
    }

    fn signed_length(&self, cx: &mut Cx, name: &str) -> PyResult<usize> {
        let n = self.number::<4>(cx)? as i32;
        match usize::try_from(n) {
            Ok(n) => Ok(n),
            Err(_) => Err(unpickling_error(cx, &format!("{name} pickle has negative byte count"))),
        }
    }

    #[inline]
    fn push_str(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        let data = self.u.take(cx, n)?;
        if data.is_ascii() {
            let text = match data {
                [] => cx.names().empty,
                [b] => cx.char(u32::from(*b)),
                _ => Str::from_ascii(cx, data),
            };
            self.push(cx, Value::of(text));
            return Ok(());
        }
        self.push_wide_str(cx, n)
    }

    /// A str with other characters; its bytes were just taken.
    #[cold]
    fn push_wide_str(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        let data = self.u.taken(n);
        let text = match std::str::from_utf8(data) {
            Ok(text) => cx.str(text),
            Err(_) => {
                let bytes = Value::of(Bytes::new(cx, data));
                let (encoding, errors) = (cx.str("utf-8"), cx.str("surrogatepass"));
                cx.call_method_text(bytes, "decode", &[encoding, errors])?
            }
        };
        self.push(cx, text);
        Ok(())
    }

    fn push_bytes(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        let data = self.u.take(cx, n)?;
        let bytes = Value::of(Bytes::new(cx, data));
        self.push(cx, bytes);
        Ok(())
    }

    /// An 8-bit str of Python 2, decoded as asked for.
    fn push_old_str(&self, cx: &mut Cx, data: &[u8]) -> PyResult<()> {
        let bytes = Value::of(Bytes::new(cx, data));
        let (encoding, errors) = self.u.encoding(cx);
        let is_bytes = encoding.downcast::<Str>().is_some_and(|e| e.eq_rust("bytes"));
        let value = match is_bytes {
            true => bytes,
            false => cx.call_method_text(bytes, "decode", &[encoding, errors])?,
        };
        self.push(cx, value);
        Ok(())
    }

    fn parsed(&self, cx: &mut Cx, class: &'static Type, line: &[u8]) -> PyResult<Value> {
        let text = Value::of(Bytes::new(cx, line));
        cx.call(Value::of(class), &[text])
    }

    fn line_text(&self, cx: &mut Cx) -> PyResult<Value> {
        let line = self.u.line(cx)?;
        match std::str::from_utf8(&line) {
            Ok(text) => Ok(cx.str(text)),
            Err(_) => {
                let bytes = Value::of(Bytes::new(cx, &line));
                cx.call_method_text(bytes, "decode", &[])
            }
        }
    }

    fn index(&self, cx: &mut Cx, what: &str) -> PyResult<i64> {
        let line = self.u.line(cx)?;
        let index = self.parsed(cx, Value::small(0).class(), &line)?;
        match int::as_i64(index) {
            Some(i) if i >= 0 => Ok(i),
            _ => raise!(cx, ValueError, "negative {what} argument"),
        }
    }

    // ---- memo --------------------------------------------------------------------------------------

    fn get(&self, cx: &mut Cx, i: i64) -> PyResult<()> {
        match self.u.remembered(cx, i)? {
            Some(v) => {
                self.push(cx, v);
                Ok(())
            }
            None => Err(unpickling_error(cx, &format!("Memo value not found at index {i}"))),
        }
    }

    fn put(&self, cx: &mut Cx, i: i64) -> PyResult<()> {
        let v = self.top(cx)?;
        self.u.remember(cx, Some(i), v)
    }

    // ---- names and objects -------------------------------------------------------------------------

    fn find_class(&self, cx: &mut Cx, module: Value, name: Value) -> PyResult<Value> {
        if self.u.finds_plainly()
            && let Some(text) = name.exact::<Str>()
            && let Some(found) = super::find_plain(cx, module, text)?
        {
            return Ok(found);
        }
        cx.call_method_text(self.u.as_shown(), "find_class", &[module, name])
    }

    fn persistent(&self, cx: &mut Cx, id: Value) -> PyResult<()> {
        let v = cx.call_method_text(self.u.as_shown(), "persistent_load", &[id])?;
        self.push(cx, v);
        Ok(())
    }

    fn extension(&self, cx: &mut Cx, code: i64) -> PyResult<()> {
        let number = cx.int(code);
        let cache = import_attr(cx, "copyreg", "_extension_cache")?;
        if let Some(found) = cache.downcast::<Dict>()
            && let Some(v) = found.get(cx, number)?
        {
            self.push(cx, v);
            return Ok(());
        }
        let registry = import_attr(cx, "copyreg", "_inverted_registry")?;
        let found = match registry.downcast::<Dict>() {
            Some(registry) => registry.get(cx, number)?,
            None => None,
        };
        let Some([module, name]) = found.and_then(|k| k.downcast::<Tuple>()).map(|t| t.items()) else {
            if code <= 0 {
                return Err(unpickling_error(cx, "EXT specifies code <= 0"));
            }
            return raise!(cx, ValueError, "unregistered extension code {code}");
        };
        let v = self.find_class(cx, *module, *name)?;
        protocol_object::set_item(cx, cache, number, Some(v))?;
        self.push(cx, v);
        Ok(())
    }

    fn arguments(&self, cx: &mut Cx, v: Value, what: &str) -> PyResult<&'static Tuple> {
        match v.downcast::<Tuple>() {
            Some(tuple) => Ok(tuple),
            None => {
                let got = v.class().name();
                Err(unpickling_error(cx, &format!("{what} expected an arg tuple, not {got}")))
            }
        }
    }

    fn new_object(&self, cx: &mut Cx, kwargs: Option<Value>) -> PyResult<()> {
        let args = self.pop(cx)?;
        let class = self.pop(cx)?;
        let what = if kwargs.is_some() { "NEWOBJ_EX" } else { "NEWOBJ" };
        let Some(kind) = class.downcast::<Type>() else {
            let text = format!("{what} class argument must be a type, not {}", class.class().name());
            return Err(unpickling_error(cx, &text));
        };
        let args = self.arguments(cx, args, what)?;
        let mut values = RootVec::from_slice(args.items());
        let mut names = RootVec::new();
        if let Some(kwargs) = kwargs {
            let Some(dict) = kwargs.downcast::<Dict>() else {
                let text = format!("NEWOBJ_EX kwargs argument must be a dict, not {}", kwargs.class().name());
                return Err(unpickling_error(cx, &text));
            };
            for (name, value) in dict.iter() {
                if name.downcast::<Str>().is_none() {
                    return raise!(cx, TypeError, "keywords must be strings");
                }
                names.push(name);
                values.push(value);
            }
        }
        let kwnames = if names.is_empty() { None } else { Some(Tuple::new(cx, &names)) };
        let new = kind.slots().new;
        let made = match new {
            Some(new) => new(cx, kind, Args::new(&values, kwnames))?,
            None => {
                let text = format!("{what} class argument '{}' doesn't have __new__", kind.name());
                return Err(unpickling_error(cx, &text));
            }
        };
        self.push(cx, made);
        Ok(())
    }

    /// Makes an instance as INST and OBJ do.
    fn instantiate(&self, cx: &mut Cx, class: Value, args: &[Value]) -> PyResult<()> {
        let f = lib_function(cx, "_Unpickler", "_instantiate")?;
        let sink = Value::of(List::new(cx));
        // The function appends to what it takes for the unpickler.
        let args = Value::of(List::from_slice(cx, args));
        cx.call(f, &[sink, class, args])?;
        if let Some(made) = sink.downcast::<List>().and_then(|l| l.get(0)) {
            self.push(cx, made);
        }
        Ok(())
    }

    fn append_all(&self, cx: &mut Cx) -> PyResult<()> {
        let start = self.unmark(cx)?;
        if let Some(list) = self.below(start).and_then(|v| v.exact::<List>()) {
            list.extend_from_slice(cx, &self.stack.items()[start..]);
            self.stack.truncate(start);
            return Ok(());
        }
        let items = RootVec::from_slice(&self.stack.items()[start..]);
        self.stack.truncate(start);
        let target = self.top(cx)?;
        let name = cx.intern("extend");
        if let Some(extend) = attr::get_optional(cx, target, name)? {
            let all = Value::of(List::from_slice(cx, &items));
            cx.call(extend, &[all])?;
            return Ok(());
        }
        let append = attr::get_text(cx, target, "append")?;
        for i in 0..items.len() {
            cx.call(append, &[items[i]])?;
        }
        Ok(())
    }

    /// The value below the number `start` on the stack, if it may be touched.
    fn below(&self, start: usize) -> Option<Value> {
        start.checked_sub(1).filter(|n| *n >= self.fence()).and_then(|n| self.stack.get(n))
    }

    fn set_all(&self, cx: &mut Cx) -> PyResult<()> {
        let start = self.unmark(cx)?;
        let end = self.stack.len();
        if let Some(dict) = self.below(start).and_then(|v| v.exact::<Dict>()).filter(|d| d.is_empty()) {
            dict.reserve(cx, (end - start) / 2);
        }
        let Some(target) = self.below(start) else {
            self.stack.truncate(start);
            return self.underflow(cx);
        };
        if (end - start) % 2 != 0 {
            return Err(unpickling_error(cx, "odd number of items for SETITEMS"));
        }
        for i in (start..end).step_by(2) {
            let (Some(key), Some(value)) = (self.stack.get(i), self.stack.get(i + 1)) else { break };
            match target.exact::<Dict>() {
                Some(dict) => dict.set(cx, key, value)?,
                None => protocol_object::set_item(cx, target, key, Some(value))?,
            }
        }
        self.stack.truncate(start);
        Ok(())
    }

    fn add_all(&self, cx: &mut Cx, items: &RootVec) -> PyResult<()> {
        let target = self.top(cx)?;
        if let Some(set) = target.downcast::<Set>() {
            for i in 0..items.len() {
                set.add(cx, items[i])?;
            }
            return Ok(());
        }
        let add = attr::get_text(cx, target, "add")?;
        for i in 0..items.len() {
            cx.call(add, &[items[i]])?;
        }
        Ok(())
    }

    fn build(&self, cx: &mut Cx) -> PyResult<()> {
        let mut state = self.pop(cx)?;
        let target = self.top(cx)?;
        let name = cx.intern("__setstate__");
        if let Some(f) = attr::get_optional(cx, target, name)? {
            cx.call(f, &[state])?;
            return Ok(());
        }
        let mut slots = Value::none();
        if let Some([first, second]) = state.downcast::<Tuple>().map(|t| t.items()) {
            (state, slots) = (*first, *second);
        }
        if protocol_object::truth(cx, state)? {
            if state.downcast::<Dict>().is_none() {
                return Err(unpickling_error(cx, "state is not a dictionary"));
            }
            let attributes = attr::get_text(cx, target, "__dict__")?;
            let items = cx.call_method_text(state, "items", &[])?;
            let items = iter::to_list(cx, items)?;
            for i in 0..items.len() {
                let Some([key, value]) = items.get(i).and_then(|p| p.downcast::<Tuple>()).map(|t| t.items()) else {
                    break;
                };
                let key = match key.exact::<Str>() {
                    Some(name) => Value::of(cx.intern_value(name)),
                    None => *key,
                };
                protocol_object::set_item(cx, attributes, key, Some(*value))?;
            }
        }
        if protocol_object::truth(cx, slots)? {
            if slots.downcast::<Dict>().is_none() {
                return Err(unpickling_error(cx, "slot state is not a dictionary"));
            }
            let items = cx.call_method_text(slots, "items", &[])?;
            let items = iter::to_list(cx, items)?;
            let setattr = taipan_stdlib::host::builtin(cx, "setattr")?;
            for i in 0..items.len() {
                let Some([key, value]) = items.get(i).and_then(|p| p.downcast::<Tuple>()).map(|t| t.items()) else {
                    break;
                };
                cx.call(setattr, &[target, *key, *value])?;
            }
        }
        Ok(())
    }

    fn call_top(&self, cx: &mut Cx) -> PyResult<()> {
        let args = self.pop(cx)?;
        let args = self.arguments(cx, args, "REDUCE")?;
        let f = self.pop(cx)?;
        let v = cx.call(f, args.items())?;
        self.push(cx, v);
        Ok(())
    }

    fn tuple_of(&self, cx: &mut Cx, n: usize) -> PyResult<()> {
        let mut items = [Value::none(); 3];
        for item in items[..n].iter_mut().rev() {
            *item = self.pop(cx)?;
        }
        let tuple = Value::of(Tuple::new(cx, &items[..n]));
        self.push(cx, tuple);
        Ok(())
    }

    fn quoted(&self, cx: &mut Cx) -> PyResult<()> {
        let line = self.u.line(cx)?;
        let text = line.trim_ascii_end();
        let inner = match text {
            [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
            _ => return Err(unpickling_error(cx, "the STRING opcode argument must be quoted")),
        };
        let inner = Value::of(Bytes::new(cx, inner));
        let f = import_attr(cx, "codecs", "escape_decode")?;
        let decoded = cx.call(f, &[inner])?;
        let data = decoded.downcast::<Tuple>().and_then(|t| t.items().first()?.downcast::<Bytes>());
        self.push_old_str(cx, data.map_or(&[][..], |b| b.data()))
    }
}

/// Runs a pickle to its STOP.
pub fn load(cx: &mut Cx, u: &'static Unpickler) -> PyResult<Value> {
    let Some(stack) = u.stack.get() else { return Err(unpickling_error(cx, "no stack")) };
    let m = Machine { u, stack };
    loop {
        let opcode = u.opcode(cx)?;
        // The commonest ones.
        match opcode {
            op::SHORT_BINUNICODE => {
                let n = m.number::<1>(cx)?;
                m.push_str(cx, n as usize)?;
                continue;
            }
            op::MEMOIZE => {
                let v = m.top(cx)?;
                u.remember(cx, None, v)?;
                continue;
            }
            op::BINGET => {
                let n = m.number::<1>(cx)?;
                m.get(cx, n as i64)?;
                continue;
            }
            op::BININT1 => {
                let n = m.number::<1>(cx)?;
                m.push(cx, Value::small(n as i64));
                continue;
            }
            _ => {}
        }
        if opcode == op::STOP {
            let result = m.pop(cx)?;
            stack.clear();
            return Ok(result);
        }
        if !simple(cx, &m, opcode)? && !strings(cx, &m, opcode)? && !objects(cx, &m, opcode)? {
            let shown = match opcode {
                0x20..0x7f if opcode != b'\'' && opcode != b'\\' => (opcode as char).to_string(),
                _ => format!("\\x{opcode:02x}"),
            };
            return Err(unpickling_error(cx, &format!("invalid load key, '{shown}'.")));
        }
    }
}

/// Numbers, the stack, the memo. False for other opcodes.
fn simple(cx: &mut Cx, m: &Machine, opcode: u8) -> PyResult<bool> {
    match opcode {
        op::NONE => m.push(cx, Value::none()),
        op::NEWTRUE => m.push(cx, Value::bool(true)),
        op::NEWFALSE => m.push(cx, Value::bool(false)),
        op::BININT => {
            let n = m.number::<4>(cx)? as i32;
            m.push(cx, Value::small(n as i64));
        }
        op::BININT1 => {
            let n = m.number::<1>(cx)?;
            m.push(cx, Value::small(n as i64));
        }
        op::BININT2 => {
            let n = m.number::<2>(cx)?;
            m.push(cx, Value::small(n as i64));
        }
        op::INT => {
            let line = m.u.line(cx)?;
            let v = match line.as_slice() {
                b"00" => Value::bool(false),
                b"01" => Value::bool(true),
                line => m.parsed(cx, Value::small(0).class(), line)?,
            };
            m.push(cx, v);
        }
        op::LONG => {
            let line = m.u.line(cx)?;
            let digits = line.strip_suffix(b"L").unwrap_or(&line);
            let v = m.parsed(cx, Value::small(0).class(), digits)?;
            m.push(cx, v);
        }
        op::LONG1 | op::LONG4 => {
            let n = if opcode == op::LONG1 { m.number::<1>(cx)? as usize } else { m.signed_length(cx, "LONG")? };
            let data = m.u.take(cx, n)?;
            let v = decode_int(cx, data);
            m.push(cx, v);
        }
        op::FLOAT => {
            let line = m.u.line(cx)?;
            let v = m.parsed(cx, &float::FLOAT, &line)?;
            m.push(cx, v);
        }
        op::BINFLOAT => {
            let bits = m.number::<8>(cx)?;
            let v = cx.float(f64::from_bits(bits.swap_bytes()));
            m.push(cx, v);
        }
        op::MARK => {
            let n = m.stack.len();
            m.marks().push(n);
        }
        op::POP => {
            if m.stack.len() > m.fence() {
                m.pop(cx)?;
            } else if m.marks().pop().is_none() {
                return m.underflow(cx);
            }
        }
        op::POP_MARK => drop(m.pop_mark(cx)?),
        op::DUP => {
            let v = m.top(cx)?;
            m.push(cx, v);
        }
        op::GET => {
            let line = m.u.line(cx)?;
            let index = m.parsed(cx, Value::small(0).class(), &line)?;
            m.get(cx, int::as_i64(index).unwrap_or(-1))?;
        }
        op::BINGET => {
            let n = m.number::<1>(cx)?;
            m.get(cx, n as i64)?;
        }
        op::LONG_BINGET => {
            let n = m.number::<4>(cx)?;
            m.get(cx, n as i64)?;
        }
        op::PUT => {
            let n = m.index(cx, "PUT")?;
            m.put(cx, n)?;
        }
        op::BINPUT => {
            let n = m.number::<1>(cx)?;
            m.put(cx, n as i64)?;
        }
        op::LONG_BINPUT => {
            let n = m.number::<4>(cx)?;
            m.put(cx, n as i64)?;
        }
        op::MEMOIZE => {
            let v = m.top(cx)?;
            m.u.remember(cx, None, v)?;
        }
        op::PROTO => {
            let protocol = m.number::<1>(cx)? as i64;
            if protocol > HIGHEST {
                return raise!(cx, ValueError, "unsupported pickle protocol: {protocol}");
            }
            m.u.protocol.set(protocol);
        }
        op::FRAME => {
            let n = m.number::<8>(cx)?;
            let n = match usize::try_from(n).ok().filter(|n| *n <= isize::MAX as usize) {
                Some(n) => n,
                None => return raise!(cx, ValueError, "frame size > sys.maxsize: {n}"),
            };
            m.u.frame(cx, n)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Two's complement, lowest byte first.
fn decode_int(cx: &mut Cx, data: &[u8]) -> Value {
    let negative = data.last().is_some_and(|b| b & 0x80 != 0);
    let mut size = data.to_vec();
    if negative {
        let mut carry = true;
        for b in &mut size {
            let (n, overflow) = (!*b).overflowing_add(u8::from(carry));
            (*b, carry) = (n, overflow);
        }
    }
    let (mut digits, mut held, mut bits) = (Vec::new(), 0u64, 0);
    for b in size {
        held |= u64::from(b) << bits;
        bits += 8;
        if bits >= 30 {
            digits.push(held as u32 & 0x3fff_ffff);
            held >>= 30;
            bits -= 30;
        }
    }
    digits.push(held as u32);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    cx.int_from_digits(negative, &digits)
}

/// Strs and bytes. False for other opcodes.
fn strings(cx: &mut Cx, m: &Machine, opcode: u8) -> PyResult<bool> {
    match opcode {
        op::SHORT_BINUNICODE => {
            let n = m.number::<1>(cx)?;
            m.push_str(cx, n as usize)?;
        }
        op::BINUNICODE => {
            let n = m.number::<4>(cx)?;
            m.push_str(cx, n as usize)?;
        }
        op::BINUNICODE8 => {
            let n = m.number::<8>(cx)?;
            let n = m.length(cx, n, "BINUNICODE8")?;
            m.push_str(cx, n)?;
        }
        op::UNICODE => {
            let line = m.u.line(cx)?;
            let bytes = Value::of(Bytes::new(cx, &line));
            let encoding = cx.str("raw-unicode-escape");
            let text = cx.call_method_text(bytes, "decode", &[encoding])?;
            m.push(cx, text);
        }
        op::SHORT_BINBYTES => {
            let n = m.number::<1>(cx)?;
            m.push_bytes(cx, n as usize)?;
        }
        op::BINBYTES => {
            let n = m.number::<4>(cx)?;
            m.push_bytes(cx, n as usize)?;
        }
        op::BINBYTES8 => {
            let n = m.number::<8>(cx)?;
            let n = m.length(cx, n, "BINBYTES8")?;
            m.push_bytes(cx, n)?;
        }
        op::BYTEARRAY8 => {
            let n = m.number::<8>(cx)?;
            let n = m.length(cx, n, "BYTEARRAY8")?;
            let data = m.u.take(cx, n)?;
            let v = Value::of(ByteArray::new(cx, data));
            m.push(cx, v);
        }
        op::STRING => m.quoted(cx)?,
        op::SHORT_BINSTRING => {
            let n = m.number::<1>(cx)?;
            let data = m.u.take(cx, n as usize)?;
            m.push_old_str(cx, data)?;
        }
        op::BINSTRING => {
            let n = m.signed_length(cx, "BINSTRING")?;
            let data = m.u.take(cx, n)?;
            m.push_old_str(cx, data)?;
        }
        op::NEXT_BUFFER => {
            let v = m.u.next_buffer(cx)?;
            m.push(cx, v);
        }
        op::READONLY_BUFFER => {
            let v = m.pop(cx)?;
            let class = taipan_stdlib::host::builtin(cx, "memoryview")?;
            let view = cx.call(class, &[v])?;
            let readonly = attr::get_text(cx, view, "readonly")?;
            let v = match readonly == Value::bool(true) {
                true => v,
                false => cx.call_method_text(view, "toreadonly", &[])?,
            };
            m.push(cx, v);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Containers, names, instances. False for other opcodes.
fn objects(cx: &mut Cx, m: &Machine, opcode: u8) -> PyResult<bool> {
    match opcode {
        op::EMPTY_TUPLE => m.tuple_of(cx, 0)?,
        op::TUPLE1 => m.tuple_of(cx, 1)?,
        op::TUPLE2 => m.tuple_of(cx, 2)?,
        op::TUPLE3 => m.tuple_of(cx, 3)?,
        op::TUPLE => {
            let start = m.unmark(cx)?;
            let v = Value::of(Tuple::new(cx, &m.stack.items()[start..]));
            m.stack.truncate(start);
            m.push(cx, v);
        }
        op::EMPTY_LIST => {
            let v = Value::of(List::new(cx));
            m.push(cx, v);
        }
        op::LIST => {
            let start = m.unmark(cx)?;
            let v = Value::of(List::from_slice(cx, &m.stack.items()[start..]));
            m.stack.truncate(start);
            m.push(cx, v);
        }
        op::EMPTY_DICT => {
            let v = Value::of(Dict::new(cx));
            m.push(cx, v);
        }
        op::DICT => {
            let items = m.pop_mark(cx)?;
            let dict = Dict::new(cx);
            m.push(cx, Value::of(dict));
            if items.len() % 2 != 0 {
                return Err(unpickling_error(cx, "odd number of items for DICT"));
            }
            for i in (0..items.len()).step_by(2) {
                dict.set(cx, items[i], items[i + 1])?;
            }
        }
        op::EMPTY_SET => {
            let v = Value::of(Set::new(cx));
            m.push(cx, v);
        }
        op::FROZENSET => {
            let items = m.pop_mark(cx)?;
            let v = taipan_runtime::types::set::frozenset_from(cx, &items)?;
            m.push(cx, v);
        }
        op::APPEND => {
            let v = m.pop(cx)?;
            let target = m.top(cx)?;
            match target.exact::<List>() {
                Some(list) => list.push(cx, v),
                None => {
                    cx.call_method_text(target, "append", &[v])?;
                }
            }
        }
        op::APPENDS => {
            m.append_all(cx)?;
        }
        op::SETITEM => {
            let (value, key) = (m.pop(cx)?, m.pop(cx)?);
            let target = m.top(cx)?;
            protocol_object::set_item(cx, target, key, Some(value))?;
        }
        op::SETITEMS => {
            m.set_all(cx)?;
        }
        op::ADDITEMS => {
            let items = m.pop_mark(cx)?;
            m.add_all(cx, &items)?;
        }
        op::GLOBAL => {
            let (module, name) = (m.line_text(cx)?, m.line_text(cx)?);
            let v = m.find_class(cx, module, name)?;
            m.push(cx, v);
        }
        op::STACK_GLOBAL => {
            let (name, module) = (m.pop(cx)?, m.pop(cx)?);
            if name.exact::<Str>().is_none() || module.exact::<Str>().is_none() {
                return Err(unpickling_error(cx, "STACK_GLOBAL requires str"));
            }
            let v = m.find_class(cx, module, name)?;
            m.push(cx, v);
        }
        op::REDUCE => m.call_top(cx)?,
        op::NEWOBJ => m.new_object(cx, None)?,
        op::NEWOBJ_EX => {
            let kwargs = m.pop(cx)?;
            m.new_object(cx, Some(kwargs))?;
        }
        op::BUILD => m.build(cx)?,
        op::INST => {
            let (module, name) = (m.line_text(cx)?, m.line_text(cx)?);
            let class = m.find_class(cx, module, name)?;
            let args = m.pop_mark(cx)?;
            m.instantiate(cx, class, &args)?;
        }
        op::OBJ => {
            let items = m.pop_mark(cx)?;
            let [class, args @ ..] = items.as_slice() else { return m.underflow(cx) };
            m.instantiate(cx, *class, args)?;
        }
        op::PERSID => {
            let line = m.u.line(cx)?;
            if !line.is_ascii() {
                return Err(unpickling_error(cx, "persistent IDs in protocol 0 must be ASCII strings"));
            }
            let id = cx.str(&String::from_utf8_lossy(&line));
            m.persistent(cx, id)?;
        }
        op::BINPERSID => {
            let id = m.pop(cx)?;
            m.persistent(cx, id)?;
        }
        op::EXT1 => {
            let n = m.number::<1>(cx)?;
            m.extension(cx, n as i64)?;
        }
        op::EXT2 => {
            let n = m.number::<2>(cx)?;
            m.extension(cx, n as i64)?;
        }
        op::EXT4 => {
            let n = m.number::<4>(cx)? as i32;
            m.extension(cx, n as i64)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
