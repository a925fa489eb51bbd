//! `Pickler`: state, output and framing, the Python-visible methods.
//!
//! Atoms and containers are written natively (`save.rs`). What goes by names and by `__reduce__` follows the functions
//! of `pickle._Pickler`, which are called with the native pickler as `self`; so it has the methods they use.

use std::cell::{Cell, UnsafeCell};

use taipan_gc::Marker;
use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::heap::RootVec;
use taipan_runtime::native::{ParamSpec, bind};
use taipan_runtime::object::Header;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::{attr, number, object as protocol_object};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, object, raise};

use super::memo::Memo;
use super::{HIGHEST, lib_function, op, save};

/// What the pickler has written and not handed over.
#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    /// Where the open frame's header is.
    frame: Option<usize>,
    framing: bool,
}

/// Bytes after which a frame ends.
const FRAME_TARGET: usize = 64 * 1024;
/// Bytes below which a frame is not worth its header.
const FRAME_MIN: usize = 4;
const FRAME_HEADER: usize = 9;

/// Bytes of native stack that pickling one object may take: several times the depth that CPython allows.
const MOST_STACK: usize = 64 << 20;

/// A pickler.
#[repr(C)]
pub struct Pickler {
    header: Header,
    /// `file.write`; None collects everything (`dumps`).
    file: Cell<Option<Value>>,
    /// The memo as Python code sees it, `{id: (number, object)}`; None while nobody has asked for it.
    memo: Cell<Option<&'static Dict>>,
    known: UnsafeCell<Memo>,
    /// Python code may have kept the pickler.
    escaped: Cell<bool>,
    callback: Cell<Option<Value>>,
    persistent: Cell<Option<Value>>,
    table: Cell<Option<Value>>,
    /// Found when dumping starts: overridden `persistent_id` and `reducer_override`.
    active_persistent: Cell<Option<Value>>,
    active_override: Cell<Option<Value>>,
    protocol: Cell<i64>,
    fix_imports: Cell<bool>,
    fast: Cell<bool>,
    ready: Cell<bool>,
    out: UnsafeCell<Output>,
}
object!(Pickler, PICKLER);

unsafe fn trace_pickler(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for picklers only; nobody changes the memo while a collection runs.
    let (t, known) = unsafe {
        let t = &*object.cast::<Pickler>();
        (t, (*t.known.get()).objects())
    };
    let values = [t.file.get(), t.memo.get().map(Value::of), t.callback.get(), t.persistent.get(), t.table.get()];
    let active = [t.active_persistent.get(), t.active_override.get()];
    for v in values.into_iter().chain(active).flatten().chain(known.iter().copied()) {
        marker.mark_value(v.bits());
    }
}

unsafe fn drop_pickler(object: *mut Header) {
    // SAFETY: a dead pickler; its output is dropped once.
    unsafe {
        std::ptr::drop_in_place((*object.cast::<Pickler>()).out.get());
        std::ptr::drop_in_place((*object.cast::<Pickler>()).known.get());
    }
}

/// The type `_pickle.Pickler`.
pub static PICKLER: Type = Type::new(&PICKLER_SPEC);
static PICKLER_SPEC: TypeSpec = TypeSpec {
    name: "_pickle.Pickler",
    basicsize: std::mem::size_of::<Pickler>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    weakrefs: true,
    trace: Some(trace_pickler),
    drop: Some(drop_pickler),
    slots: Slots { new: Some(|cx, class, _| Ok(Value::of(alloc(cx, class)))), init: Some(init), ..Slots::NONE },
    methods: &[Pickler::METHODS],
    getsets: &[Pickler::GETSETS],
    doc: "This takes a binary file for writing a pickle data stream.\n\nThe optional *protocol* argument tells the pickler to use the given\nprotocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default\nprotocol is 5.  It was introduced in Python 3.8, and is incompatible\nwith previous versions.\n\nSpecifying a negative protocol version selects the highest protocol\nversion supported.  The higher the protocol used, the more recent the\nversion of Python needed to read the pickle produced.\n\nThe *file* argument must have a write() method that accepts a single\nbytes argument. It can thus be a file object opened for binary\nwriting, an io.BytesIO instance, or any other custom object that meets\nthis interface.\n\nIf *fix_imports* is True and protocol is less than 3, pickle will try\nto map the new Python 3 names to the old module names used in Python\n2, so that the pickle data stream is readable with Python 2.\n\nIf *buffer_callback* is None (the default), buffer views are\nserialized into *file* as part of the pickle stream.\n\nIf *buffer_callback* is not None, then it can be called any number\nof times with a buffer view.  If the callback returns a false value\n(such as None), the given buffer is out-of-band; otherwise the\nbuffer is serialized in-band, i.e. inside the pickle stream.\n\nIt is an error if *buffer_callback* is not None and *protocol*\nis None or smaller than 5.",
    signature: "(file, protocol=None, fix_imports=True, buffer_callback=None)",
    ..TypeSpec::DEFAULT
};

fn alloc(cx: &mut Cx, class: &'static Type) -> &'static Pickler {
    cx.ready_type(class);
    let none = || Cell::new(None);
    cx.alloc_of(
        class,
        Pickler {
            header: Header::fresh(class),
            file: none(),
            memo: Cell::new(None),
            known: UnsafeCell::default(),
            escaped: Cell::new(false),
            callback: none(),
            persistent: none(),
            table: none(),
            active_persistent: none(),
            active_override: none(),
            protocol: Cell::new(0),
            fix_imports: Cell::new(true),
            fast: Cell::new(false),
            ready: Cell::new(false),
            out: UnsafeCell::new(Output::default()),
        },
    )
}

/// A protocol argument.
fn protocol_of(cx: &mut Cx, v: Option<Value>) -> PyResult<i64> {
    let protocol = match v.filter(|v| !v.is_none()) {
        None => HIGHEST,
        Some(v) => number::to_i32(cx, v)? as i64,
    };
    if protocol < 0 {
        return Ok(HIGHEST);
    }
    if protocol > HIGHEST {
        return raise!(cx, ValueError, "pickle protocol must be <= {HIGHEST}");
    }
    Ok(protocol)
}

static INIT: ParamSpec = ParamSpec {
    name: "Pickler",
    names: &["file", "protocol", "fix_imports", "buffer_callback"],
    positional_only: 0,
    positional: 4,
    required: 1,
    keyword_required: &[],
    varargs: false,
    varkw: false,
};

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of picklers.
    let this: &'static Pickler = unsafe { v.cast() };
    let mut bound = [None; 4];
    bind(cx, &INIT, args, &mut bound)?;
    let file = bound[0].unwrap_or(Value::none());
    let name = cx.intern("write");
    let Some(write) = attr::get_optional(cx, file, name)? else {
        return raise!(cx, TypeError, "file must have a 'write' attribute");
    };
    this.file.set(Some(write));
    this.configure(cx, bound[1], bound[2], bound[3])?;
    this.clear();
    Ok(())
}

/// Pickles an object into bytes.
pub fn dumps(cx: &mut Cx, object: Value, options: [Option<Value>; 3], file: Option<Value>) -> PyResult<&'static Bytes> {
    let pickler = match spare().pop().and_then(|v| v.downcast::<Pickler>()) {
        Some(pickler) => pickler,
        None => alloc(cx, &PICKLER),
    };
    pickler.file.set(file);
    let [protocol, fix_imports, callback] = options;
    let result = pickler.configure(cx, protocol, fix_imports, callback).and_then(|()| pickler.run(cx, object));
    let bytes = result.map(|()| Bytes::new(cx, &pickler.out().bytes));
    if !pickler.escaped.get() && pickler.memo.get().is_none() {
        pickler.known().clear();
        if pickler.out().bytes.capacity() > FRAME_TARGET {
            *pickler.out() = Output::default();
        }
        pickler.file.set(None);
        pickler.callback.set(None);
        spare().push(Value::of(pickler));
    }
    bytes
}

/// Picklers that `dumps` has used and nobody else has seen.
fn spare() -> &'static mut RootVec {
    struct Spare(UnsafeCell<Option<RootVec>>);
    // SAFETY: only used with the GIL held.
    unsafe impl Sync for Spare {}
    static SPARE: Spare = Spare(UnsafeCell::new(None));
    // SAFETY: as above; nobody keeps the reference.
    unsafe { (*SPARE.0.get()).get_or_insert_with(RootVec::new) }
}

impl Pickler {
    fn configure(
        &self,
        cx: &mut Cx,
        protocol: Option<Value>,
        fix_imports: Option<Value>,
        callback: Option<Value>,
    ) -> PyResult<()> {
        let protocol = protocol_of(cx, protocol)?;
        let callback = callback.filter(|c| !c.is_none());
        if callback.is_some() && protocol < 5 {
            return raise!(cx, ValueError, "buffer_callback needs protocol >= 5");
        }
        let fix = match fix_imports {
            Some(v) => protocol_object::truth(cx, v)?,
            None => true,
        };
        self.protocol.set(protocol);
        self.fix_imports.set(fix && protocol < 3);
        self.callback.set(callback);
        self.ready.set(true);
        cx.barrier(self);
        Ok(())
    }

    fn clear(&self) {
        self.memo.set(None);
        self.known().clear();
    }

    #[allow(clippy::mut_from_ref)]
    fn known(&self) -> &mut Memo {
        // SAFETY: the GIL is held, and nobody keeps the reference.
        unsafe { &mut *self.known.get() }
    }

    /// The pickler as Python code receives it, which may keep it.
    pub fn shown(&'static self) -> Value {
        self.escaped.set(true);
        Value::of(self)
    }

    /// The memo as a dict; from now on it is the memo.
    fn shown_memo(&'static self, cx: &mut Cx) -> PyResult<&'static Dict> {
        if let Some(memo) = self.memo.get() {
            return Ok(memo);
        }
        let memo = Dict::new(cx);
        for number in 0..self.known().objects().len() {
            let v = self.known().objects()[number];
            let row = Tuple::new(cx, &[Value::small(number as i64), v]);
            let key = cx.int(super::id_of(v));
            memo.set(cx, key, Value::of(row))?;
        }
        self.memo.set(Some(memo));
        cx.barrier(self);
        self.known().clear();
        Ok(memo)
    }

    #[allow(clippy::mut_from_ref)]
    fn out(&self) -> &mut Output {
        // SAFETY: the GIL is held, and nobody keeps the reference across Python code.
        unsafe { &mut *self.out.get() }
    }

    /// The protocol.
    pub fn protocol(&self) -> i64 {
        self.protocol.get()
    }

    /// `buffer_callback`.
    pub fn callback(&self) -> Option<Value> {
        self.callback.get()
    }

    /// The overridden `persistent_id`.
    pub fn persistent(&self) -> Option<Value> {
        self.active_persistent.get()
    }

    /// `reducer_override`.
    pub fn reducer_override(&self) -> Option<Value> {
        self.active_override.get()
    }

    /// `dispatch_table`, if it was set.
    pub fn table(&'static self, cx: &mut Cx) -> PyResult<Option<Value>> {
        let name = cx.intern("dispatch_table");
        attr::get_optional(cx, Value::of(self), name)
    }

    // ---- output ------------------------------------------------------------------------------------

    /// Writes bytes.
    #[inline]
    pub fn put(&self, bytes: &[u8]) {
        let out = self.out();
        if out.framing && out.frame.is_none() {
            out.frame = Some(out.bytes.len());
            out.bytes.extend_from_slice(&[0; FRAME_HEADER]);
        }
        out.bytes.extend_from_slice(bytes);
    }

    /// Ends the open frame; its header is filled in, or left out of small ones.
    fn end_frame(&self) {
        let out = self.out();
        let Some(start) = out.frame.take() else { return };
        let len = out.bytes.len() - start - FRAME_HEADER;
        if len < FRAME_MIN {
            out.bytes.drain(start..start + FRAME_HEADER);
        } else {
            out.bytes[start] = op::FRAME;
            out.bytes[start + 1..start + FRAME_HEADER].copy_from_slice(&(len as u64).to_le_bytes());
        }
    }

    /// Hands what is complete to the file.
    fn hand_over(&self, cx: &mut Cx) -> PyResult<()> {
        let Some(write) = self.file.get() else { return Ok(()) };
        let bytes = std::mem::take(&mut self.out().bytes);
        if bytes.is_empty() {
            return Ok(());
        }
        let bytes = Value::of(Bytes::new(cx, &bytes));
        cx.call(write, &[bytes])?;
        Ok(())
    }

    /// Ends a frame that is large enough, before an object.
    pub fn commit(&self, cx: &mut Cx) -> PyResult<()> {
        let out = self.out();
        match out.frame {
            Some(start) if out.bytes.len() - start - FRAME_HEADER >= FRAME_TARGET => {
                self.end_frame();
                self.hand_over(cx)
            }
            _ => Ok(()),
        }
    }

    /// Writes bytes with their header; large ones go to the file by themselves, outside of frames.
    pub fn put_bytes(&self, cx: &mut Cx, header: &[u8], data: &[u8], object: Option<Value>) -> PyResult<()> {
        if data.len() < FRAME_TARGET || !self.out().framing {
            self.put(header);
            self.put(data);
            return Ok(());
        }
        self.end_frame();
        let out = self.out();
        out.bytes.extend_from_slice(header);
        match (self.file.get(), object) {
            (Some(write), Some(object)) => {
                self.hand_over(cx)?;
                cx.call(write, &[object])?;
            }
            _ => out.bytes.extend_from_slice(data),
        }
        Ok(())
    }

    // ---- memo --------------------------------------------------------------------------------------

    /// The number under which an object was written.
    pub fn number_of(&self, cx: &mut Cx, v: Value) -> PyResult<Option<i64>> {
        let Some(memo) = self.memo.get() else { return Ok(self.known().find(v)) };
        let key = cx.int(super::id_of(v));
        let found = memo.get(cx, key)?;
        Ok(found.and_then(|row| row.downcast::<Tuple>()?.items().first()?.as_small()))
    }

    /// Writes a reference to an object written before.
    pub fn put_get(&self, number: i64) {
        if self.protocol.get() < 1 {
            self.put(format!("g{number}\n").as_bytes());
        } else if number < 256 {
            self.put(&[op::BINGET, number as u8]);
        } else {
            let n = (number as u32).to_le_bytes();
            self.put(&[op::LONG_BINGET, n[0], n[1], n[2], n[3]]);
        }
    }

    /// Remembers an object that was just written.
    pub fn memoize_value(&self, cx: &mut Cx, v: Value) -> PyResult<()> {
        if self.fast.get() {
            return Ok(());
        }
        let number = match self.memo.get() {
            Some(memo) => memo.len() as i64,
            None => {
                let number = self.known().insert(v);
                cx.barrier(self);
                number
            }
        };
        if self.protocol.get() >= 4 {
            self.put(&[op::MEMOIZE]);
        } else if self.protocol.get() < 1 {
            self.put(format!("p{number}\n").as_bytes());
        } else if number < 256 {
            self.put(&[op::BINPUT, number as u8]);
        } else {
            let n = (number as u32).to_le_bytes();
            self.put(&[op::LONG_BINPUT, n[0], n[1], n[2], n[3]]);
        }
        let Some(memo) = self.memo.get() else { return Ok(()) };
        let row = Tuple::new(cx, &[Value::small(number), v]);
        let key = cx.int(super::id_of(v));
        memo.set(cx, key, Value::of(row))
    }

    /// True while the memo is not used.
    pub fn is_fast(&self) -> bool {
        self.fast.get()
    }

    // ---- dumping -----------------------------------------------------------------------------------

    fn run(&'static self, cx: &mut Cx, object: Value) -> PyResult<()> {
        let this = Value::of(self);
        let is_plain = std::ptr::eq(this.class(), &PICKLER);
        let name = cx.intern("persistent_id");
        let overridden = self.persistent.get().is_some()
            || !is_plain && {
                let (own, base) = (cx.type_lookup(this.class(), name), cx.type_lookup(&PICKLER, name));
                own != base
            };
        let persistent = if overridden { Some(attr::get(cx, this, name)?) } else { None };
        self.active_persistent.set(persistent);
        if !is_plain {
            let name = cx.intern("reducer_override");
            let found = attr::get_optional(cx, this, name)?;
            self.active_override.set(found);
        }
        cx.barrier(self);
        let out = self.out();
        out.bytes.clear();
        (out.frame, out.framing) = (None, false);
        if self.protocol.get() >= 2 {
            self.put(&[op::PROTO, self.protocol.get() as u8]);
        }
        self.out().framing = self.protocol.get() >= 4;
        // The whole native stack would hold millions of levels, each of which every collection looks at.
        let limit = cx.native_limit;
        cx.native_limit = limit.max((&raw const limit as usize).saturating_sub(MOST_STACK));
        let result = save::save(cx, self, object, true);
        cx.native_limit = limit;
        self.active_persistent.set(None);
        self.active_override.set(None);
        if result.is_err() {
            *self.out() = Output::default();
            return result;
        }
        self.put(&[op::STOP]);
        self.end_frame();
        self.out().framing = false;
        self.hand_over(cx)
    }
}

#[pymethods]
impl Pickler {
    /// Write a pickled representation of the given object to the open file.
    #[py("($self, obj, /)")]
    fn dump(cx: &mut Cx, this: &'static Pickler, obj: Value) -> PyResult<()> {
        if !this.ready.get() {
            let name = Value::of(this).class().name();
            let text = format!("Pickler.__init__() was not called by {name}.__init__()");
            return Err(super::pickling_error(cx, &text));
        }
        this.run(cx, obj)
    }

    /// Clears the pickler's "memo".
    ///
    /// The memo is the data structure that remembers which objects the
    /// pickler has already seen, so that shared or recursive objects are
    /// pickled by reference and not by value.  This method is useful when
    /// re-using picklers.
    #[py("($self, /)")]
    fn clear_memo(_cx: &mut Cx, this: &'static Pickler) {
        this.clear();
    }

    /// Write an object.
    #[py("($self, obj, save_persistent_id=True, /)")]
    fn save(cx: &mut Cx, this: &'static Pickler, obj: Value, save_persistent_id: Option<bool>) -> PyResult<()> {
        save::save(cx, this, obj, save_persistent_id.unwrap_or(true))
    }

    /// Write bytes.
    #[py("($self, data, /)")]
    fn write(_cx: &mut Cx, this: &'static Pickler, data: Held) {
        this.put(data.bytes());
    }

    /// The opcode that refers to an object.
    #[py("($self, i, /)")]
    fn get(cx: &mut Cx, this: &'static Pickler, i: i64) -> &'static Bytes {
        let data = match (this.protocol.get(), i) {
            (0, _) => format!("g{i}\n").into_bytes(),
            (_, 0..256) => vec![op::BINGET, i as u8],
            _ => [&[op::LONG_BINGET][..], &(i as u32).to_le_bytes()].concat(),
        };
        Bytes::new(cx, &data)
    }

    /// Remember an object.
    #[py("($self, obj, /)")]
    fn memoize(cx: &mut Cx, this: &'static Pickler, obj: Value) -> PyResult<()> {
        this.memoize_value(cx, obj)
    }

    #[py("($self, items, obj, /)")]
    fn _batch_appends(cx: &mut Cx, this: &'static Pickler, items: Value, obj: Value) -> PyResult<()> {
        save::batch_appends(cx, this, items, obj)
    }

    #[py("($self, items, obj, /)")]
    fn _batch_setitems(cx: &mut Cx, this: &'static Pickler, items: Value, obj: Value) -> PyResult<()> {
        save::batch_items(cx, this, items, obj)
    }

    #[py("($self, module_name, name, /)")]
    fn _save_toplevel_by_name(cx: &mut Cx, this: &'static Pickler, module_name: Value, name: Value) -> PyResult<Value> {
        let f = lib_function(cx, "_Pickler", "_save_toplevel_by_name")?;
        cx.call(f, &[this.shown(), module_name, name])
    }

    #[getter]
    fn memo(cx: &mut Cx, this: &'static Pickler) -> PyResult<&'static Dict> {
        this.shown_memo(cx)
    }
    #[setter("memo")]
    fn set_memo(cx: &mut Cx, this: &'static Pickler, value: Option<Value>) -> PyResult<()> {
        let Some(dict) = value.and_then(|v| v.downcast::<Dict>()) else {
            let got = value.map_or(String::new(), |v| v.class().tp_name());
            return raise!(cx, TypeError, "'memo' attribute must be a PicklerMemoProxy object or dict, not {got}");
        };
        let copy = dict.copy(cx);
        this.memo.set(Some(copy));
        this.known().clear();
        cx.barrier(this);
        Ok(())
    }
    #[getter("persistent_id")]
    fn persistent_id_(cx: &mut Cx, this: &'static Pickler) -> PyResult<Value> {
        match this.persistent.get() {
            Some(f) => Ok(f),
            None => taipan_runtime::protocol::import::import_attr(cx, "_pickle", "_no_persistent_id"),
        }
    }
    #[setter("persistent_id")]
    fn set_persistent_id(cx: &mut Cx, this: &'static Pickler, value: Option<Value>) -> PyResult<()> {
        match value {
            Some(f) if f.class().slots().call.is_none() => {
                return raise!(cx, TypeError, "persistent_id must be a callable taking one argument");
            }
            value => this.persistent.set(value),
        }
        cx.barrier(this);
        Ok(())
    }
    #[getter]
    fn dispatch_table(cx: &mut Cx, this: &'static Pickler) -> PyResult<Value> {
        match this.table.get() {
            Some(table) => Ok(table),
            None => {
                let name = cx.intern("dispatch_table");
                Err(attr::no_attribute(cx, Value::of(this), name))
            }
        }
    }
    #[setter("dispatch_table")]
    fn set_dispatch_table(cx: &mut Cx, this: &'static Pickler, value: Option<Value>) -> PyResult<()> {
        this.table.set(value);
        cx.barrier(this);
        Ok(())
    }
    #[getter]
    fn proto(_cx: &mut Cx, this: &'static Pickler) -> i64 {
        this.protocol.get()
    }
    #[getter]
    fn bin(_cx: &mut Cx, this: &'static Pickler) -> i64 {
        i64::from(this.protocol.get() >= 1)
    }
    #[getter("fix_imports")]
    fn fix_imports_(_cx: &mut Cx, this: &'static Pickler) -> bool {
        this.fix_imports.get()
    }
    #[getter("fast")]
    fn fast_(_cx: &mut Cx, this: &'static Pickler) -> i64 {
        this.fast.get() as i64
    }
    #[setter("fast")]
    fn set_fast(cx: &mut Cx, this: &'static Pickler, value: Option<Value>) -> PyResult<()> {
        let on = protocol_object::truth(cx, value.unwrap_or(Value::bool(false)))?;
        this.fast.set(on);
        Ok(())
    }
}
