//! Which slots a class gets: computed from its MRO when it is made, and again when a special method is assigned.
//!
//! A slot is one word of [`Slots`]; the special methods that share it (`__add__` and `__radd__`) decide it together.
//! As in CPython's `update_one_slot`: if all of them are slot wrappers over one native function, that function fills
//! the slot directly, otherwise the generic function does that calls the methods.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::cx::Cx;
use crate::native::NativeKind;
use crate::protocol::hash;
use crate::slots::{Dunder, Slots, dunders};
use crate::typeobj::{Type, flags};
use crate::types::descr::{MethodDescr, NativeFunction, SlotWrapper};
use crate::types::function::Function;
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::value::Value;

const WORDS: usize = std::mem::size_of::<Slots>() / 8;
type Words = [usize; WORDS];

fn words(slots: &Slots) -> &Words {
    // SAFETY: Slots consists of optional function pointers only, each one word.
    unsafe { &*(slots as *const Slots).cast() }
}

fn words_mut(slots: &mut Slots) -> &mut Words {
    // SAFETY: as above; only words of other slot tables or function addresses are stored.
    unsafe { &mut *(slots as *mut Slots).cast() }
}

/// A special method with what is computed about it.
struct Row {
    dunder: &'static Dunder,
    name: &'static Str,
    /// Word of the generic function, 0 if there is none.
    generic: usize,
}

/// The special methods by slot and by name.
pub struct SlotTable {
    rows: Vec<Vec<Row>>,
    by_name: HashMap<*const Str, Vec<usize>, ahash::RandomState>,
    hash_word: usize,
    new_word: usize,
    compare_word: usize,
    init_word: usize,
    /// The tables of all classes; most classes have the same as others.
    shared: RefCell<HashMap<&'static Words, &'static Slots, ahash::RandomState>>,
}

impl SlotTable {
    /// The one table that is equal to `slots`. It is never freed.
    fn share(&self, slots: Slots) -> &'static Slots {
        let mut shared = self.shared.borrow_mut();
        if let Some(found) = shared.get(words(&slots)) {
            return found;
        }
        let slots: &'static Slots = Box::leak(Box::new(slots));
        shared.insert(words(slots), slots);
        slots
    }

    fn new(cx: &mut Cx) -> SlotTable {
        let mut all = Slots::NONE;
        *words_mut(&mut all) = [1; WORDS];
        let mut table = SlotTable {
            rows: (0..WORDS).map(|_| Vec::new()).collect(),
            by_name: HashMap::default(),
            hash_word: 0,
            new_word: 0,
            compare_word: 0,
            init_word: 0,
            shared: RefCell::default(),
        };
        for dunder in dunders() {
            let (mut to, mut generic) = (Slots::NONE, Slots::NONE);
            (dunder.copy)(&all, &mut to);
            let word = words(&to).iter().position(|w| *w != 0).expect("a row copies its slot");
            (dunder.generic)(&mut generic);
            let name = cx.intern(dunder.name);
            table.rows[word].push(Row { dunder, name, generic: words(&generic)[word] });
            let affected = table.by_name.entry(name).or_default();
            if !affected.contains(&word) {
                affected.push(word);
            }
            match dunder.name {
                "__hash__" => table.hash_word = word,
                "__new__" => table.new_word = word,
                "__eq__" => table.compare_word = word,
                "__init__" => table.init_word = word,
                _ => {}
            }
        }
        table
    }

    fn of(cx: &mut Cx) -> &'static SlotTable {
        let runtime = cx.rt();
        match runtime.slot_table.get() {
            Some(table) => table,
            None => {
                let table = SlotTable::new(cx);
                runtime.slot_table.get_or_init(|| table)
            }
        }
    }

    /// Words that a special method called `name` decides.
    fn affected(&self, cx: &mut Cx, name: &'static Str) -> &[usize] {
        let name = if name.is_interned() { name } else { cx.intern_value(name) };
        self.by_name.get(&(name as *const Str)).map_or(&[], |w| w)
    }
}

/// Fills the slots of a new class from its MRO.
pub fn fill_slots(cx: &mut Cx, class: &'static Type) {
    let table = SlotTable::of(cx);
    if class.is_heap_type() {
        fill_heap(cx, table, class);
    } else {
        fill_static(table, class);
    }
}

/// A static type has its own slots and those of its base. One that compares but does not hash is unhashable; one that
/// has no constructor and another layout than object cannot be instantiated.
fn fill_static(table: &SlotTable, class: &'static Type) {
    let spec = class.spec().expect("a static type has a spec");
    let mut slots = spec.slots;
    let own = words_mut(&mut slots);
    if own[table.compare_word] != 0 && own[table.hash_word] == 0 {
        own[table.hash_word] = hash::unhashable as *const () as usize;
    }
    if let Some(base) = class.base() {
        let made_by_object = std::ptr::eq(base, &OBJECT) && class.data().basicsize != OBJECT.data().basicsize;
        for (i, (word, inherited)) in own.iter_mut().zip(words(base.slots())).enumerate() {
            if *word == 0 && !(i == table.new_word && made_by_object) {
                *word = *inherited;
            }
        }
    }
    class.data().slots.set(table.share(slots));
}

/// A class starts with the slots of its base; what the other classes in its MRO define is computed.
fn fill_heap(cx: &mut Cx, table: &'static SlotTable, class: &'static Type) {
    let base = class.base().expect("a heap type has a base");
    let mut slots = *base.slots();
    if keeps_order(base, class) {
        let mut done = [false; WORDS];
        for other in class.mro_types().filter(|c| !base.is_subtype(c)) {
            for (key, _) in other.dict().iter() {
                let Some(name) = key.exact::<Str>().filter(|s| s.len() > 4 && s.at(0) == 95 && s.at(1) == 95) else {
                    continue;
                };
                for word in table.affected(cx, name) {
                    if !std::mem::replace(&mut done[*word], true) {
                        words_mut(&mut slots)[*word] = compute(table, class, *word);
                    }
                }
            }
        }
    } else {
        for word in 0..WORDS {
            words_mut(&mut slots)[word] = compute(table, class, word);
        }
    }
    class.data().slots.set(table.share(slots));
    note_init(cx, class);
}

/// Notes which Python function `__init__` is, for calls of the class.
fn note_init(cx: &mut Cx, class: &'static Type) {
    let init = find(class, cx.names().__init__).and_then(|f| f.exact::<Function>());
    class.data().init_function.set(init);
}

/// True if the MRO of `class` goes through that of `base` in order (a metaclass's `mro()` may do anything).
fn keeps_order(base: &Type, class: &Type) -> bool {
    let mut rest = class.mro().items().iter();
    base.mro().items().iter().all(|b| rest.any(|c| c == b))
}

fn find(class: &Type, name: &Str) -> Option<Value> {
    class.mro().items().iter().filter_map(|v| v.downcast::<Type>()).find_map(|t| t.dict().get_str(name))
}

/// The word of slot `word` of `class`.
fn compute(table: &SlotTable, class: &'static Type, word: usize) -> usize {
    let (mut generic, mut specific, mut mixed) = (0, 0, false);
    for row in &table.rows[word] {
        let Some(found) = find(class, row.name) else { continue };
        match native_word(table, class, row, found, word) {
            Native::Other => {}
            Native::Word(w) if specific == 0 || specific == w => {
                specific = w;
                generic = row.generic;
            }
            _ => {
                mixed = true;
                if row.generic != 0 {
                    generic = row.generic;
                }
            }
        }
    }
    if specific != 0 && !mixed { specific } else { generic }
}

enum Native {
    /// The attribute is the method over this native function.
    Word(usize),
    /// The attribute belongs to another slot (`list.__add__` is about `concat`, not `add`).
    Other,
    /// The attribute is to be called.
    None,
}

fn native_word(table: &SlotTable, class: &'static Type, row: &Row, found: Value, word: usize) -> Native {
    if let Some(wrapper) = found.exact::<SlotWrapper>()
        && wrapper.dunder.name == row.dunder.name
    {
        if !std::ptr::eq(wrapper.dunder, row.dunder) {
            // The method of an unrelated type is called, and complains.
            return if class.is_subtype(wrapper.owner) { Native::Other } else { Native::None };
        }
        let native = words(wrapper.owner.slots())[word];
        return if class.is_subtype(wrapper.owner) && native != 0 { Native::Word(native) } else { Native::None };
    }
    if let Some(method) = found.exact::<MethodDescr>()
        && !method.owner.is_heap_type()
        && method.def.name == row.dunder.name
        && class.is_subtype(method.owner)
    {
        let native = words(method.owner.slots())[word];
        return if native != 0 { Native::Word(native) } else { Native::None };
    }
    if word == table.hash_word && found.is_none() {
        return Native::Word(hash::unhashable as *const () as usize);
    }
    if word == table.new_word
        && let Some(function) = found.exact::<NativeFunction>()
        && function.def.kind == NativeKind::New
        && let Some(owner) = function.receiver.and_then(|r| r.downcast::<Type>())
    {
        let native = words(owner.slots())[word];
        if native == words(native_base(class).slots())[word] {
            return Native::Word(native);
        }
    }
    Native::None
}

/// The nearest static type in layout terms, whose native constructor makes instances of `class`.
pub fn native_base(class: &'static Type) -> &'static Type {
    let mut at = class;
    while at.is_heap_type() {
        at = at.base().expect("a heap type has a base");
    }
    at
}

/// Recomputes the slots that `name` belongs to, for `class` and its subclasses.
pub fn update_slot(cx: &mut Cx, class: &'static Type, name: &'static Str) {
    let table = SlotTable::of(cx);
    let affected = table.affected(cx, name);
    if !affected.is_empty() && class.is_heap_type() {
        update_tree(cx, table, class, affected);
    }
}

/// Instances of a class whose slots were `old` have become, or are no longer, descriptors of some kind. As attributes of
/// classes they are cached under the versions of those classes, which are not known: all lose theirs.
pub(crate) fn note_descriptor_change(cx: &mut Cx, old: &Slots, new: &Slots) {
    if old.descr_get.is_some() != new.descr_get.is_some() || old.descr_set.is_some() != new.descr_set.is_some() {
        cx.type_modified(&crate::types::object::OBJECT);
    }
}

/// Recomputes all slots of `class` and its subclasses, after its bases changed.
pub fn refill_tree(cx: &mut Cx, class: &'static Type) {
    let old = *class.slots();
    fill_slots(cx, class);
    note_descriptor_change(cx, &old, class.slots());
    for sub in class.live_subclasses().iter().filter_map(|v| v.downcast::<Type>()) {
        refill_tree(cx, sub);
    }
}

fn update_tree(cx: &mut Cx, table: &SlotTable, class: &'static Type, affected: &[usize]) {
    let old = *class.slots();
    let mut slots = old;
    for word in affected {
        words_mut(&mut slots)[*word] = compute(table, class, *word);
    }
    class.data().slots.set(table.share(slots));
    note_descriptor_change(cx, &old, &slots);
    if affected.contains(&table.init_word) {
        note_init(cx, class);
    }
    for sub in class.live_subclasses().iter().filter_map(|v| v.downcast::<Type>()) {
        update_tree(cx, table, sub, affected);
    }
}

/// True if instances may be made by calling the type.
pub fn is_instantiable(class: &Type) -> bool {
    class.slots().new.is_some() && !class.has(flags::DISALLOW_INSTANTIATION)
}
