//! Shapes (hidden classes): the attribute layout of instances.
//!
//! An instance with attributes ends in `[shape][extra][inline 0..cap]`: the shape says which name is in which
//! slot; slots below the shape's `inline_cap` are inline, the others in the array `extra`. A shape belongs to one
//! type, so a shape check implies the type. When `__dict__` is asked for or an attribute is deleted out of order,
//! the attributes move into a dict (`extra`), and the shape becomes the type's dict shape.
//!
//! Invariants:
//! - SHAPE-1: an instance's slot `i` of shape `s` (i < s.count) holds a value.
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
use crate::value::Value;

/// An attribute layout.
#[repr(C)]
pub struct Shape {
    header: Header,
    /// The type whose instances have it.
    pub class: &'static Type,
    /// The layout without the last attribute.
    parent: Option<&'static Shape>,
    /// For a root: the root before it. Keeps every shape of a type alive as long as the type, so that an inline
    /// cache never meets a new shape at an old one's address.
    previous: Option<&'static Shape>,
    /// The last attribute's name.
    key: Option<&'static Str>,
    /// Number of attributes.
    pub count: u32,
    /// Slots inside the object.
    pub inline_cap: u32,
    /// Attributes are in a dict.
    pub is_dict: bool,
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
    ) -> &'static Shape {
        let root = class.data().root_shape.get();
        let shape = Shape {
            header: Header::fresh(&SHAPE),
            class,
            parent,
            // SAFETY: SHAPE-2.
            previous: if parent.is_none() { unsafe { root.as_ref() } } else { None },
            key,
            count: parent.map_or(0, |p| p.count + 1),
            inline_cap: parent.map_or(class.data().inline_hint.get(), |p| p.inline_cap),
            is_dict: false,
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

    /// The layout with `name` (interned) added, or None if there would be too many.
    pub fn extended(&'static self, cx: &mut Cx, name: &'static Str) -> Option<&'static Shape> {
        if let Some((key, shape)) = self.transition.get()
            && std::ptr::eq(key, name)
        {
            return Some(shape);
        }
        if self.count >= MAX_ATTRS || self.is_dict {
            return None;
        }
        if let Some(more) = &*self.more.borrow()
            && let Some(shape) = more.get(&(name as *const Str))
        {
            return Some(shape);
        }
        let shape = Shape::new(cx, self.class, Some(self), Some(name));
        if self.transition.get().is_none() {
            self.transition.set(Some((name, shape)));
        } else {
            self.more.borrow_mut().get_or_insert_default().insert(name, shape);
        }
        cx.barrier(self);
        Some(shape)
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
    let root = Shape::new(cx, class, None, None);
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
        // SAFETY: SHAPE-1.
        unsafe { Value::from_bits(*self.slot(self.shape(), i)).unwrap_unchecked() }
    }

    /// Replaces the value in slot `i`.
    #[inline(always)]
    pub fn set_slot(self, cx: &mut Cx, i: u32, value: Value) {
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
        match self.shape().extended(cx, name) {
            Some(shape) => self.add(cx, shape, value),
            None => {
                let dict = self.materialize(cx);
                dict.set_str(cx, name, value);
            }
        }
    }

    /// Moves to `shape`, a transition of the current layout, and stores the new last attribute. May collect.
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
        marker.mark_range(words.add(2), shape.inline_cap.min(shape.count) as usize);
    }
}
