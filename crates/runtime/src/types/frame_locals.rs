//! FrameLocalsProxy (PEP 667): the local variables of a function's frame as a mapping that writes through.
//!
//! Variables are registers: locals, then cells, then cells of the closure. A parameter that inner functions capture
//! has both a register and a cell; the cell counts. Keys that are no variables live in a dict of the frame object.

use taipan_gc::Marker;

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::compare::CmpOp;
use crate::protocol::{compare, hash, iter, object as obj};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::cell::Cell;
use crate::types::frame::FrameObject;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_macros::pymethods;

/// The proxy.
#[repr(C)]
pub struct FrameLocals {
    header: Header,
    frame: &'static FrameObject,
}
object!(FrameLocals, FRAME_LOCALS);

/// The type `FrameLocalsProxy`.
pub static FRAME_LOCALS: Type = Type::new(&FRAME_LOCALS_SPEC);
static FRAME_LOCALS_SPEC: TypeSpec = TypeSpec {
    name: "FrameLocalsProxy",
    basicsize: std::mem::size_of::<FrameLocals>(),
    flags: flags::MAPPING | flags::HAVE_GC,
    trace: Some(trace_proxy),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(hash::unhashable),
        richcompare: Some(richcompare),
        iter: Some(iterate),
        len: Some(|cx, v| Ok(of(v).keys(cx).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(|cx, v, key| Ok(of(v).get(cx, key)?.is_some())),
        or: Some(or),
        ior: Some(ior),
        ..Slots::NONE
    },
    methods: &[FrameLocals::METHODS],
    ..TypeSpec::DEFAULT
};
/// Types of this file.
pub static TYPES: &[&Type] = &[&FRAME_LOCALS];

unsafe fn trace_proxy(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for proxies only.
    marker.mark_value(Value::of(unsafe { (*object.cast::<FrameLocals>()).frame }).bits());
}

fn of(v: Value) -> &'static FrameLocals {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "FrameLocalsProxy")?;
    let [frame] = args.values() else {
        let n = args.values().len();
        return raise!(cx, TypeError, "FrameLocalsProxy expected 1 argument, got {n}");
    };
    match frame.exact::<FrameObject>() {
        Some(frame) => Ok(Value::of(FrameLocals::new(cx, frame))),
        None => raise!(cx, TypeError, "expect frame, not {}", frame.class().tp_name()),
    }
}

impl FrameLocals {
    /// The proxy of a function's frame. May collect.
    pub fn new(cx: &mut Cx, frame: &'static FrameObject) -> &'static FrameLocals {
        cx.alloc(FrameLocals { header: Header::fresh(&FRAME_LOCALS), frame })
    }

    /// The register that holds the variable number `i`: for a captured parameter that of its cell.
    fn home(&self, i: usize) -> usize {
        let code = self.frame.code;
        let nlocals = code.nlocals as usize;
        if i >= nlocals || code.ncells == 0 {
            return i;
        }
        let cells = &code.local_names()[nlocals..nlocals + code.ncells as usize];
        cells.iter().position(|c| std::ptr::eq(*c, code.local_names()[i])).map_or(i, |c| nlocals + c)
    }

    /// The cell in register `i`, None if it holds a plain local or no cell was made yet.
    fn cell(&self, i: usize) -> Option<&'static Cell> {
        let code = self.frame.code;
        if i < code.nlocals as usize {
            return None;
        }
        // SAFETY: the pointer is cleared before the frame ends.
        let started = unsafe { self.frame.frame.get().as_ref().is_none_or(|f| f.pc != code.words_ptr()) };
        let is_free = i >= (code.nlocals + code.ncells) as usize;
        if !started && !is_free {
            return None;
        }
        self.frame.register(i).and_then(|v| v.exact::<Cell>())
    }

    /// Value of the variable in register `home`.
    fn value(&self, home: usize) -> Option<Value> {
        if home < self.frame.code.nlocals as usize {
            self.frame.register(home)
        } else {
            self.cell(home).and_then(|c| c.get())
        }
    }

    /// The variables in order: name and value, each name once.
    fn variables(&self) -> Vec<(&'static Str, Value)> {
        let names = &self.frame.code.local_names();
        let mut found: Vec<(&'static Str, Value)> = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let is_cell_of_class = !self.frame.has_fast_locals() && crate::frame::is_class_cell(name);
            if is_cell_of_class || found.iter().any(|(n, _)| std::ptr::eq(*n, *name)) {
                continue;
            }
            if let Some(value) = self.value(self.home(i)) {
                found.push((*name, value));
            }
        }
        found
    }

    /// Register of the variable `key`; a bound one if several have the name.
    fn find(&self, cx: &mut Cx, key: Value) -> PyResult<Option<usize>> {
        let Some(key) = key.downcast::<Str>() else { return self.find_equal(cx, key) };
        Ok(self.find_str(key))
    }

    /// Register of the variable whose name a key that is no str equals.
    fn find_equal(&self, cx: &mut Cx, key: Value) -> PyResult<Option<usize>> {
        let hash = hash::hash(cx, key)?;
        for name in self.frame.code.local_names().iter().copied() {
            if name.hash() == hash && crate::protocol::compare::equal(cx, Value::of(name), key)? {
                return Ok(self.find_str(name));
            }
        }
        Ok(None)
    }

    fn find_str(&self, key: &Str) -> Option<usize> {
        let names = &self.frame.code.local_names();
        let homes = || (0..names.len()).filter(|i| names[*i].eq_str(key)).map(|i| self.home(i));
        homes().find(|h| self.value(*h).is_some()).or_else(|| homes().next())
    }

    /// The value under `key`.
    pub fn get(&self, cx: &mut Cx, key: Value) -> PyResult<Option<Value>> {
        if let Some(home) = self.find(cx, key)? {
            return Ok(self.value(home));
        }
        match self.frame.extra.get() {
            Some(extra) => extra.get(cx, key),
            None => hash::hash(cx, key).map(|_| None),
        }
    }

    fn set(&self, cx: &mut Cx, key: Value, value: Value) -> PyResult<()> {
        if let Some(home) = self.find(cx, key)? {
            match self.cell(home) {
                Some(cell) => cell.set(cx, Some(value)),
                None if home < self.frame.code.nlocals as usize => self.frame.set_register(cx, home, Some(value)),
                None => {}
            }
            return Ok(());
        }
        let extra = match self.frame.extra.get() {
            Some(extra) => extra,
            None => {
                let extra = Dict::new(cx);
                self.frame.extra.set(Some(extra));
                cx.barrier(self.frame);
                extra
            }
        };
        extra.set(cx, key, value)
    }

    /// A new dict of all variables. May collect.
    pub fn to_dict(&self, cx: &mut Cx) -> PyResult<&'static Dict> {
        let dict = Dict::new(cx);
        for (name, value) in self.variables() {
            dict.set_str(cx, name, value);
        }
        if let Some(extra) = self.frame.extra.get() {
            dict.update_from(cx, extra)?;
        }
        Ok(dict)
    }

    fn keys(&self, cx: &mut Cx) -> &'static List {
        let list = List::new(cx);
        for (name, _) in self.variables() {
            list.push(cx, Value::of(name));
        }
        if let Some(extra) = self.frame.extra.get() {
            for (key, _) in extra.iter() {
                list.push(cx, key);
            }
        }
        list
    }

    fn update_from(&self, cx: &mut Cx, other: Value) -> PyResult<()> {
        if let Some(dict) = other.downcast::<Dict>() {
            let mut position = 0;
            while let Some((key, value)) = dict.next_item(&mut position) {
                self.set(cx, key, value)?;
            }
            return Ok(());
        }
        if other.exact::<FrameLocals>().is_none() {
            return raise!(cx, TypeError, "update() argument must be dict or another FrameLocalsProxy");
        }
        let keys = cx.call_method_text(other, "keys", &[])?;
        iter::for_each(cx, keys, |cx, key| {
            let value = obj::get_item(cx, other, key)?;
            self.set(cx, key, value)?;
            Ok(true)
        })
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    if !obj::enter_repr(cx, v) {
        return Ok(cx.str("{...}"));
    }
    let dict = of(v).to_dict(cx);
    let text = dict.and_then(|d| obj::repr(cx, Value::of(d)));
    obj::leave_repr(cx);
    text.map(Value::of)
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let Some(this) = a.exact::<FrameLocals>() else { return Ok(Value::not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    if let Some(other) = b.exact::<FrameLocals>() {
        return Ok(Value::bool(std::ptr::eq(this.frame, other.frame) == (op == CmpOp::Eq)));
    }
    if b.downcast::<Dict>().is_none() {
        return Ok(Value::not_implemented());
    }
    let dict = this.to_dict(cx)?;
    compare::rich(cx, Value::of(dict), b, op)
}

fn iterate(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let keys = of(v).keys(cx);
    iter::iter(cx, Value::of(keys))
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    match of(v).get(cx, key)? {
        Some(value) => Ok(value),
        None => {
            let key = obj::repr_text(cx, key)?;
            raise!(cx, KeyError, "local variable '{key}' is not defined")
        }
    }
}

fn setitem(cx: &mut Cx, v: Value, key: Value, value: Option<Value>) -> PyResult<()> {
    let this = of(v);
    if let Some(value) = value {
        return this.set(cx, key, value);
    }
    if this.find(cx, key)?.is_some() {
        return raise!(cx, ValueError, "cannot remove local variables from FrameLocalsProxy");
    }
    let removed = match this.frame.extra.get() {
        Some(extra) => extra.remove(cx, key)?,
        None => None,
    };
    match removed {
        Some(_) => Ok(()),
        None => Err(cx.raise_value(&crate::exceptions::KeyError, key)),
    }
}

fn is_mapping(v: Value) -> bool {
    v.downcast::<Dict>().is_some() || v.exact::<FrameLocals>().is_some()
}

fn or(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !is_mapping(a) || !is_mapping(b) {
        return Ok(Value::not_implemented());
    }
    let result = Dict::new(cx);
    for operand in [a, b] {
        let dict = match operand.exact::<FrameLocals>() {
            Some(proxy) => proxy.to_dict(cx)?,
            None => operand.downcast::<Dict>().expect("checked"),
        };
        result.update_from(cx, dict)?;
    }
    Ok(Value::of(result))
}

fn ior(cx: &mut Cx, a: Value, b: Value) -> PyResult<Value> {
    if !is_mapping(b) {
        return Ok(Value::not_implemented());
    }
    of(a).update_from(cx, b)?;
    Ok(a)
}

#[pymethods]
impl FrameLocals {
    #[py("($self, /)", name = "keys")]
    fn py_keys(cx: &mut Cx, this: &'static FrameLocals) -> &'static List {
        this.keys(cx)
    }
    #[py("($self, /)")]
    fn values(cx: &mut Cx, this: &'static FrameLocals) -> PyResult<&'static List> {
        let dict = this.to_dict(cx)?;
        let list = List::new(cx);
        for (_, value) in dict.iter() {
            list.push(cx, value);
        }
        Ok(list)
    }
    #[py("($self, /)")]
    fn items(cx: &mut Cx, this: &'static FrameLocals) -> PyResult<&'static List> {
        let dict = this.to_dict(cx)?;
        let list = List::new(cx);
        for (key, value) in dict.iter() {
            let pair = Tuple::new(cx, &[key, value]);
            list.push(cx, Value::of(pair));
        }
        Ok(list)
    }
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static FrameLocals) -> PyResult<&'static Dict> {
        this.to_dict(cx)
    }
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static FrameLocals) -> PyResult<Value> {
        let keys = this.keys(cx);
        keys.items_mut().reverse();
        // As in CPython a list, not an iterator.
        Ok(Value::of(keys))
    }
    #[py("($self, key, default=None, /)", name = "get")]
    fn py_get(cx: &mut Cx, this: &'static FrameLocals, key: Value, default: Option<Value>) -> PyResult<Option<Value>> {
        Ok(this.get(cx, key)?.or(default))
    }
    #[py("($self, key, default=None, /)")]
    fn setdefault(cx: &mut Cx, this: &'static FrameLocals, key: Value, default: Option<Value>) -> PyResult<Value> {
        if let Some(value) = this.get(cx, key)? {
            return Ok(value);
        }
        let default = default.unwrap_or(Value::none());
        this.set(cx, key, default)?;
        Ok(default)
    }
    #[py("($self, key, default=None, /)")]
    fn pop(cx: &mut Cx, this: &'static FrameLocals, key: Value, default: Option<Value>) -> PyResult<Value> {
        if this.find(cx, key)?.is_some() {
            return raise!(cx, ValueError, "cannot remove local variables from FrameLocalsProxy");
        }
        let removed = match this.frame.extra.get() {
            Some(extra) => extra.remove(cx, key)?,
            None => None,
        };
        match removed.or(default) {
            Some(value) => Ok(value),
            None => Err(cx.raise_value(&crate::exceptions::KeyError, key)),
        }
    }
    #[py("($self, other, /)")]
    fn update(cx: &mut Cx, this: &'static FrameLocals, other: Value) -> PyResult<()> {
        this.update_from(cx, other)
    }
}
