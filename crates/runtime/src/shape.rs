//! Shapes (hidden classes): the attribute layout of instances.
//!
//! An instance with attributes ends in `[shape][extra][inline 0..cap]`: the shape says which name is in which
//! slot; slots below the shape's `inline_cap` are inline, the others in the array `extra`. A shape belongs to one
//! type, so a shape check implies the type. When `__dict__` is asked for or an attribute is deleted out of order,
//! the attributes move into a dict (`extra`), and the shape becomes the type's dict shape.
//!
//! An inline slot that has held only floats holds them as doubles, and the shape says so: reading and writing needs no box. When
//! something else is stored there the instance moves to a shape that has words there, and the layout behind which the attribute is
//! added has that one from then on; the old one is outdated. What doubles cannot do is as for lists: those that would need an
//! object of their own (NaN, 1e-300) are "something else", so making a word of one allocates nothing.
//!
//! Invariants:
//! - SHAPE-1: an instance's slot `i` of shape `s` (i < s.count) holds a value, or, if `s.is_double(i)`, a double that
//!   `float::without_allocation` makes a value of.
//! - SHAPE-2: shapes are GC objects, kept alive by instances, parents (transitions) and types.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use taipan_gc::Marker;

use crate::buffer::ValueArray;
use crate::cx::Cx;
use crate::dict::Dict;
use crate::object;
use crate::object::Header;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::str::Str;
use crate::types::{float, list};
use crate::value::Value;

/// An attribute layout.
#[repr(C)]
pub struct Shape {
    header: Header,
    /// The type whose instances have it.
    pub class: &'static Type,
    /// The layout without the last attribute.
    parent: Option<&'static Shape>,
    /// For a root: the root before it; for others the outdated layout whose place it took. Keeps every shape of a type alive as long
    /// as the type, so that an inline cache never meets a new shape at an old one's address.
    previous: Option<&'static Shape>,
    /// The last attribute's name.
    key: Option<&'static Str>,
    /// Number of attributes.
    pub count: u32,
    /// Slots inside the object.
    pub inline_cap: u32,
    /// Attributes are in a dict.
    pub is_dict: bool,
    /// A bit for each inline slot that holds a double.
    doubles: u64,
    /// Another layout has taken its place, which has a word where this has a double.
    is_replaced: Cell<bool>,
    transition: Cell<Option<(&'static Str, &'static Shape)>>,
    more: RefCell<Option<Box<HashMap<*const Str, &'static Shape, ahash::RandomState>>>>,
    index: std::cell::OnceCell<Box<Index>>,
}

/// Slots by name: open addressing by the names' addresses, less than half full.
struct Index {
    entries: Box<[(*const Str, u32)]>,
    shift: u32,
}

impl Index {
    fn new(shape: &Shape) -> Index {
        let bits = (shape.count * 2).next_power_of_two().trailing_zeros();
        let mut index = Index { entries: vec![(std::ptr::null(), 0); 1 << bits].into(), shift: usize::BITS - bits };
        for (key, slot) in shape.keys() {
            let at = index.place(key);
            index.entries[at] = (key, slot);
        }
        index
    }

    /// Where `name` is, or the free entry where it would be.
    #[inline(always)]
    fn place(&self, name: *const Str) -> usize {
        const GOLDEN: usize = 0x9e37_79b9_7f4a_7c15;
        let mut at = (name as usize >> 4).wrapping_mul(GOLDEN) >> self.shift;
        loop {
            let key = self.entries[at].0;
            if key.is_null() || std::ptr::eq(key, name) {
                return at;
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }
}

/// Type of shapes; never seen by Python code.
pub static SHAPE: Type = Type::new(&SHAPE_SPEC);
static SHAPE_SPEC: TypeSpec = TypeSpec {
    name: "shape",
    basicsize: std::mem::size_of::<Shape>(),
    flags: flags::DISALLOW_INSTANTIATION,
    trace: Some(trace_shape),
    drop: Some(drop_shape),
    ..TypeSpec::DEFAULT
};
object!(Shape, SHAPE);

/// More attributes than this go into a dict.
const MAX_ATTRS: u32 = 256;
/// Layouts with more attributes than this are searched by an index.
const INDEX_FROM: u32 = 2;

unsafe fn trace_shape(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for shapes only.
    let this = unsafe { &*object.cast::<Shape>() };
    marker.mark_value(Value::of(this.class).bits());
    for shape in [this.parent, this.previous, this.transition.get().map(|t| t.1)].into_iter().flatten() {
        marker.mark_value(Value::of(shape).bits());
    }
    for name in [this.key, this.transition.get().map(|t| t.0)].into_iter().flatten() {
        marker.mark_value(Value::of(name).bits());
    }
    // SAFETY: nobody borrows the table across a collection.
    if let Some(more) = unsafe { &*this.more.as_ptr() } {
        for shape in more.values() {
            marker.mark_value(Value::of(*shape).bits());
        }
    }
}

unsafe fn drop_shape(object: *mut Header) {
    // SAFETY: called once for a dead shape.
    unsafe { std::ptr::drop_in_place(object.cast::<Shape>()) }
}

impl Shape {
    fn new(
        cx: &mut Cx,
        class: &'static Type,
        parent: Option<&'static Shape>,
        key: Option<&'static Str>,
        is_double: bool,
        previous: Option<&'static Shape>,
    ) -> &'static Shape {
        let (count, inline_cap) = match parent {
            Some(p) => (p.count + 1, p.inline_cap),
            None => (0, class.data().inline_hint.get()),
        };
        let shape = Shape {
            header: Header::fresh(&SHAPE),
            class,
            parent,
            previous,
            key,
            count,
            inline_cap,
            is_dict: false,
            doubles: parent.map_or(0, |p| p.doubles | (is_double as u64) << p.count.min(63)),
            is_replaced: Cell::new(false),
            transition: Cell::new(None),
            more: RefCell::new(None),
            index: std::cell::OnceCell::new(),
        };
        let shape = cx.alloc(shape);
        cx.register_special(Value::of(shape));
        shape
    }

    /// The slot of `name` (interned), if the layout has it.
    pub fn find(&self, name: &Str) -> Option<u32> {
        if self.count > INDEX_FROM {
            let index = self.index.get_or_init(|| Box::new(Index::new(self)));
            let (key, slot) = index.entries[index.place(name)];
            return if key.is_null() { None } else { Some(slot) };
        }
        self.keys().find(|(k, _)| std::ptr::eq(*k, name)).map(|(_, i)| i)
    }

    /// Names with their slots, last first.
    pub fn keys(&self) -> impl Iterator<Item = (&'static Str, u32)> + '_ {
        let mut shape = Some(self);
        std::iter::from_fn(move || {
            let s = shape?;
            let key = s.key?;
            shape = s.parent;
            Some((key, s.count - 1))
        })
    }

    /// The names in order of their slots.
    pub fn names(&self) -> Vec<&'static Str> {
        let mut names: Vec<_> = self.keys().map(|(k, _)| k).collect();
        names.reverse();
        names
    }

    /// Whether slot `i` holds a double.
    #[inline(always)]
    pub fn is_double(&self, i: u32) -> bool {
        i < u64::BITS && self.doubles >> i & 1 != 0
    }

    /// Whether what lies at a byte offset in instances whose shape word has that other offset is a double.
    pub fn is_double_at(&self, offset: u32, shape_word: u32) -> bool {
        offset.checked_sub(shape_word + 16).is_some_and(|bytes| self.is_double(bytes / 8))
    }

    /// The layout that adding `name` (interned) led to before.
    pub fn known_extension(&self, name: &'static Str) -> Option<&'static Shape> {
        match self.transition.get() {
            Some((key, shape)) if std::ptr::eq(key, name) => Some(shape),
            _ => self.more.borrow().as_ref()?.get(&(name as *const Str)).copied(),
        }
    }

    /// The layout with `name` (interned) added, or None if there would be too many. Its slot may hold a double only if `is_double`.
    pub fn extended(&'static self, cx: &mut Cx, name: &'static Str, is_double: bool) -> Option<&'static Shape> {
        let known = self.known_extension(name);
        if let Some(shape) = known
            && (is_double || !shape.is_double(self.count))
        {
            return Some(shape);
        }
        if self.count >= MAX_ATTRS || self.is_dict {
            return None;
        }
        let is_double = is_double && self.count < self.inline_cap.min(u64::BITS);
        let shape = Shape::new(cx, self.class, Some(self), Some(name), is_double, known);
        if let Some(known) = known {
            known.is_replaced.set(true);
        }
        if self.transition.get().is_none_or(|(key, _)| std::ptr::eq(key, name)) {
            self.transition.set(Some((name, shape)));
        } else {
            self.more.borrow_mut().get_or_insert_default().insert(name, shape);
        }
        cx.barrier(self);
        Some(shape)
    }

    /// Whether another layout has taken its place.
    #[inline(always)]
    pub fn is_replaced(&self) -> bool {
        self.is_replaced.get()
    }

    /// Whether new instances with these attributes get another layout.
    pub fn is_outdated(&self) -> bool {
        std::iter::successors(Some(self), |s| s.parent).any(|s| s.is_replaced())
    }

    /// The layout that the same attributes have now, with a word in slot `word`. May collect.
    fn renewed(&'static self, cx: &mut Cx, word: Option<u32>) -> &'static Shape {
        let mut renewed = std::iter::successors(Some(self), |s| s.parent).last().expect("it is there");
        for (i, name) in self.names().into_iter().enumerate() {
            let i = i as u32;
            let is_double = self.is_double(i) && word != Some(i);
            renewed = renewed.extended(cx, name, is_double).expect("as many attributes as before");
        }
        renewed
    }
}

/// The attribute words of an instance.
#[derive(Clone, Copy)]
pub struct Attrs {
    owner: Value,
    words: *mut u64,
}

/// Byte offset of the attribute words of an instance whose type has them.
#[inline(always)]
pub fn attrs_offset(object: &Header) -> usize {
    let data = object.class().data();
    if data.itemsize == 0 { (data.basicsize + 7) & !7 } else { var_offset(object, data) }
}

#[cold]
fn var_offset(object: &Header, data: &crate::typeobj::TypeData) -> usize {
    // SAFETY: objects with items have a size word at +16 (ints: the tag, CABI 2.2).
    let word = unsafe { *(object as *const Header).cast::<u64>().add(2) };
    let n = if object.class().has(flags::LONG) { ((word >> 3) as usize).max(1) } else { word as usize };
    (data.basicsize + n * data.itemsize + 7) & !7
}

/// Sets up the attribute words of a new instance with `n` items.
#[inline]
pub(crate) fn init_attrs(cx: &mut Cx, object: &Header, n: usize) {
    let data = object.class().data();
    if !data.attrs {
        return;
    }
    let offset = (data.basicsize + n * data.itemsize + 7) & !7;
    let shape = root_shape(cx, object.class());
    // SAFETY: `instance_size` reserved the words.
    unsafe { (object as *const Header as *mut u8).add(offset).cast::<u64>().write(Value::of(shape).bits()) };
}

/// The shape of a new instance of `class`. May collect (first time).
pub fn root_shape(cx: &mut Cx, class: &'static Type) -> &'static Shape {
    let data = class.data();
    let root = data.root_shape.get();
    if !root.is_null() {
        // SAFETY: SHAPE-2.
        let root = unsafe { &*root };
        if root.inline_cap == data.inline_hint.get() {
            return root;
        }
    }
    // An object under construction is not yet complete: no collection may look at it half made.
    cx.heap().disable();
    // SAFETY: SHAPE-2.
    let root = Shape::new(cx, class, None, None, false, unsafe { root.as_ref() });
    cx.heap().enable();
    data.root_shape.set(root);
    cx.barrier(class);
    root
}

fn dict_shape(cx: &mut Cx, class: &'static Type) -> &'static Shape {
    let data = class.data();
    let shape = data.dict_shape.get();
    if !shape.is_null() {
        // SAFETY: SHAPE-2.
        return unsafe { &*shape };
    }
    let shape = Shape {
        header: Header::fresh(&SHAPE),
        class,
        parent: None,
        previous: None,
        key: None,
        count: 0,
        inline_cap: 0,
        is_dict: true,
        doubles: 0,
        is_replaced: Cell::new(false),
        transition: Cell::new(None),
        more: RefCell::new(None),
        index: std::cell::OnceCell::new(),
    };
    let shape = cx.alloc(shape);
    cx.register_special(Value::of(shape));
    data.dict_shape.set(shape);
    cx.barrier(class);
    shape
}

impl Attrs {
    /// The attribute words of `v`, if its type has them.
    #[inline(always)]
    pub fn of(v: Value) -> Option<Attrs> {
        let object = v.as_object()?;
        if !object.class().data().attrs {
            return None;
        }
        let address = v.bits() as usize + attrs_offset(object);
        Some(Attrs { owner: v, words: address as *mut u64 })
    }

    /// The layout.
    #[inline(always)]
    pub fn shape(self) -> &'static Shape {
        // SAFETY: the first attribute word is the shape (init_attrs).
        unsafe { &*(*self.words as *const Shape) }
    }

    /// The dict, if the attributes are in one.
    pub fn dict(self) -> Option<&'static Dict> {
        // SAFETY: the second word is the dict in this state.
        if self.shape().is_dict { Some(unsafe { &*(*self.words.add(1) as *const Dict) }) } else { None }
    }

    fn extra(self) -> Option<&'static ValueArray> {
        // SAFETY: the second word is 0 or the array in this state.
        unsafe { (*self.words.add(1) as *const ValueArray).as_ref() }
    }

    /// Address of slot `i`.
    #[inline(always)]
    fn slot(self, shape: &Shape, i: u32) -> *mut u64 {
        if i < shape.inline_cap {
            // SAFETY: inline slots follow the two words.
            unsafe { self.words.add(2 + i as usize) }
        } else {
            let extra = self.extra().expect("slots beyond the inline ones have an array");
            extra.word_ptr((i - shape.inline_cap) as usize)
        }
    }

    /// The value in slot `i` of the current layout.
    #[inline(always)]
    pub fn get_slot(self, i: u32) -> Value {
        let shape = self.shape();
        // SAFETY: SHAPE-1.
        let bits = unsafe { *self.slot(shape, i) };
        if shape.is_double(i) {
            return float::without_allocation(f64::from_bits(bits)).expect("SHAPE-1");
        }
        // SAFETY: SHAPE-1.
        unsafe { Value::from_bits(bits).unwrap_unchecked() }
    }

    /// Moves the instance to `shape`, which has words where the current layout has doubles, and is the same otherwise.
    fn move_to(self, cx: &mut Cx, shape: &'static Shape) {
        for i in (0..shape.count).filter(|i| self.shape().is_double(*i) && !shape.is_double(*i)) {
            let value = self.get_slot(i);
            // SAFETY: as `slot`; no collection sees the slot before the shape is changed.
            unsafe { *self.slot(shape, i) = value.bits() };
        }
        // SAFETY: the first word is the shape.
        unsafe { *self.words = Value::of(shape).bits() };
        cx.barrier_value(self.owner);
    }

    /// Moves an instance with an outdated layout to the current one. May collect.
    pub fn renew(self, cx: &mut Cx) {
        if self.shape().is_outdated() {
            let renewed = self.shape().renewed(cx, None);
            self.move_to(cx, renewed);
        }
    }

    /// Replaces the value in slot `i`. May collect.
    #[inline(always)]
    pub fn set_slot(self, cx: &mut Cx, i: u32, value: Value) {
        if self.shape().is_double(i) {
            if let Some(d) = list::double_of(value) {
                // SAFETY: as `slot`.
                unsafe { *self.slot(self.shape(), i) = d.to_bits() };
                return;
            }
            let renewed = self.shape().renewed(cx, Some(i));
            self.move_to(cx, renewed);
        }
        let shape = self.shape();
        // SAFETY: as `slot`.
        unsafe { *self.slot(shape, i) = value.bits() };
        if i >= shape.inline_cap {
            cx.barrier(self.extra().expect("as in slot"));
        } else {
            cx.barrier_value(self.owner);
        }
    }

    /// The attribute `name` (interned).
    pub fn get(self, cx: &mut Cx, name: &'static Str) -> Option<Value> {
        match self.dict() {
            Some(dict) => dict.get_str(name),
            None => self.shape().find(name).map(|i| self.get_slot(i)),
        }
        .inspect(|_| {
            let _ = &cx;
        })
    }

    /// Sets the attribute `name` (interned). May collect.
    pub fn set(self, cx: &mut Cx, name: &'static Str, value: Value) {
        if let Some(dict) = self.dict() {
            dict.set_str(cx, name, value);
            return;
        }
        if let Some(i) = self.shape().find(name) {
            self.set_slot(cx, i, value);
            return;
        }
        match self.shape().extended(cx, name, list::double_of(value).is_some()) {
            Some(shape) => self.add(cx, shape, value),
            None => {
                let dict = self.materialize(cx);
                dict.set_str(cx, name, value);
            }
        }
    }

    /// Moves to `shape`, the current layout extended for `value`, which becomes the new last attribute. May collect.
    pub fn add(self, cx: &mut Cx, shape: &'static Shape, value: Value) {
        let i = shape.count - 1;
        if i >= shape.inline_cap {
            self.reserve_extra(cx, (i - shape.inline_cap) as usize + 1);
            let hint = &shape.class.data().inline_hint;
            if hint.get() < shape.count && shape.count <= 32 {
                hint.set(shape.count);
            }
        }
        // SAFETY: the first word is the shape.
        unsafe { *self.words = Value::of(shape).bits() };
        self.set_slot(cx, i, value);
        cx.barrier_value(self.owner);
    }

    fn reserve_extra(self, cx: &mut Cx, n: usize) {
        let old = self.extra();
        if old.is_some_and(|a| a.capacity() >= n) {
            return;
        }
        let new = ValueArray::new(cx, n.next_power_of_two().max(4));
        if let Some(old) = old {
            for i in 0..old.capacity() {
                // SAFETY: both arrays hold at least that many words.
                unsafe { *new.word_ptr(i) = *old.word_ptr(i) };
            }
        }
        // SAFETY: the second word is the array.
        unsafe { *self.words.add(1) = Value::of(new).bits() };
        cx.barrier_value(self.owner);
    }

    /// Removes the attribute `name`; false if there is none. May collect.
    pub fn remove(self, cx: &mut Cx, name: &'static Str) -> bool {
        if self.dict().is_none() {
            if self.shape().find(name).is_none() {
                return false;
            }
            self.materialize(cx);
        }
        let dict = self.dict().expect("just made");
        dict.remove_str(cx, name).is_some()
    }

    /// The attributes as a dict that from now on holds them (`__dict__`). May collect.
    pub fn materialize(self, cx: &mut Cx) -> &'static Dict {
        if let Some(dict) = self.dict() {
            return dict;
        }
        let dict = Dict::new(cx);
        for (i, name) in self.shape().names().into_iter().enumerate() {
            dict.set_str(cx, name, self.get_slot(i as u32));
        }
        self.set_dict(cx, dict);
        dict
    }

    /// Makes `dict` the attributes (`obj.__dict__ = d`). May collect.
    pub fn set_dict(self, cx: &mut Cx, dict: &'static Dict) {
        let shape = dict_shape(cx, self.shape().class);
        // SAFETY: the two words before the inline slots; these keep stale values that nobody reads.
        unsafe {
            for i in 0..self.shape().inline_cap as usize {
                *self.words.add(2 + i) = 0;
            }
            *self.words.add(1) = Value::of(dict).bits();
            *self.words = Value::of(shape).bits();
        }
        cx.barrier_value(self.owner);
    }

    /// Makes the words fit a new class after `__class__` assignment: the attributes go through a dict.
    pub fn rebase(self, cx: &mut Cx, class: &'static Type) {
        self.materialize(cx);
        let shape = dict_shape(cx, class);
        // SAFETY: as in set_dict.
        unsafe { *self.words = Value::of(shape).bits() };
        cx.barrier_value(self.owner);
    }

    /// All attributes in order.
    pub fn items(self) -> Vec<(Value, Value)> {
        match self.dict() {
            Some(dict) => dict.iter().collect(),
            None => {
                let names = self.shape().names();
                names.into_iter().enumerate().map(|(i, n)| (Value::of(n), self.get_slot(i as u32))).collect()
            }
        }
    }
}

/// Visits the attribute words of an instance.
///
/// # Safety
/// `object` must be an object whose type has attribute words.
pub unsafe fn trace_attrs(object: &Header, marker: &mut Marker) {
    let words = (object as *const Header as usize + attrs_offset(object)) as *const u64;
    // SAFETY: the words exist; before init_attrs has run the first is 0.
    unsafe {
        if *words == 0 {
            return;
        }
        let shape = &*(*words as *const Shape);
        marker.mark_range(words, 2);
        let count = shape.inline_cap.min(shape.count);
        if shape.doubles == 0 {
            marker.mark_range(words.add(2), count as usize);
            return;
        }
        for i in (0..count).filter(|i| !shape.is_double(*i)) {
            marker.mark_value(*words.add(2 + i as usize));
        }
    }
}
