//! Making a class: `type.__new__` from its namespace to `__init_subclass__`, and assignment of `__bases__`.
//!
//! Source: the Python data model (3.3.3) and CPython's `type_new`.

use std::cell::{Cell, RefCell};

use crate::cx::Cx;
use crate::dict::Dict;
use crate::heap::RootVec;
use crate::liveness;
use crate::native::Args;
use crate::protocol::call;
use crate::slots::{self, Slots};
use crate::typeobj::{HEAP_TYPE_SIZE, Type, TypeData, flags};
use crate::types::descr::{Member, MethodDescr};
use crate::types::function::Function;
use crate::types::module::MODULE;
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_::{TYPE, best_base, linearize};
use crate::value::Value;
use crate::{Object, PyResult, raise};

/// What `__slots__` of a new class asks for.
struct SlotPlan {
    names: Vec<&'static Str>,
    attrs: bool,
    weakrefs: bool,
}

/// Types and modules have a namespace of their own: their subclasses' instances get no attribute words.
fn has_own_namespace(class: &Type) -> bool {
    class.has(flags::TYPE) || class.is_subtype(&MODULE)
}

fn plan_slots(cx: &mut Cx, class_name: &Str, base: &'static Type, namespace: &'static Dict) -> PyResult<SlotPlan> {
    let names = cx.names();
    let data = base.data();
    let own = has_own_namespace(base);
    let (may_add_attrs, may_add_weakrefs) = (!data.attrs && !own, !data.weakrefs && data.itemsize == 0);
    let Some(slots) = namespace.get_str(names.__slots__) else {
        return Ok(SlotPlan {
            names: Vec::new(),
            attrs: data.attrs || may_add_attrs,
            weakrefs: data.weakrefs || may_add_weakrefs,
        });
    };
    let items = match slots.downcast::<Str>() {
        Some(_) => RootVec::from_slice(&[slots]),
        None => crate::protocol::iter::collect(cx, slots)?,
    };
    let mut plan = SlotPlan { names: Vec::new(), attrs: data.attrs, weakrefs: data.weakrefs };
    if !items.is_empty() && (data.itemsize != 0 || base.has(flags::TYPE)) {
        let base = base.tp_name();
        return raise!(cx, TypeError, "nonempty __slots__ not supported for subtype of '{base}'");
    }
    for item in items.iter() {
        let Some(name) = item.downcast::<Str>() else {
            let got = item.class().tp_name();
            return raise!(cx, TypeError, "__slots__ items must be strings, not '{got}'");
        };
        if !taipan_text::unicode::is_identifier(name.chars()) {
            return raise!(cx, TypeError, "__slots__ must be identifiers");
        }
        let name = cx.intern_value(name);
        if std::ptr::eq(name, names.__dict__) {
            if !may_add_attrs || plan.attrs {
                return raise!(cx, TypeError, "__dict__ slot disallowed: we already got one");
            }
            plan.attrs = true;
        } else if std::ptr::eq(name, names.__weakref__) {
            if !may_add_weakrefs || plan.weakrefs {
                return raise!(cx, TypeError, "__weakref__ slot disallowed: we already got one");
            }
            plan.weakrefs = true;
        } else {
            let mangled = mangle(cx, class_name, name);
            let special = [names.__qualname__, names.__classcell__, names.__classdictcell__];
            let known = special.iter().any(|s| std::ptr::eq(*s, mangled));
            if !known && namespace.get_str(mangled).is_some() {
                return raise!(cx, ValueError, "'{mangled}' in __slots__ conflicts with class variable");
            }
            if !plan.names.iter().any(|n| std::ptr::eq(*n, mangled)) {
                plan.names.push(mangled);
            }
        }
    }
    plan.names.sort_by(|a, b| a.compare(b));
    Ok(plan)
}

/// `__x` in class `C` becomes `_C__x`.
pub fn mangle(cx: &mut Cx, class_name: &Str, name: &'static Str) -> &'static Str {
    let (text, class) = (name.to_string_lossy(), class_name.to_string_lossy());
    let class = class.trim_start_matches('_');
    if !text.starts_with("__") || text.ends_with("__") || class.is_empty() || text.contains('.') {
        return name;
    }
    cx.intern(&format!("_{class}{text}"))
}

/// Makes a class: `type.__new__(meta, name, bases, namespace, **kwargs)`. May collect and run Python code.
pub fn new_class(
    cx: &mut Cx,
    meta: &'static Type,
    name: &'static Str,
    bases: &'static Tuple,
    namespace: &'static Dict,
    kwargs: Args,
) -> PyResult<&'static Type> {
    let bases = if bases.is_empty() { Tuple::new(cx, &[Value::of(&OBJECT)]) } else { bases };
    let base = best_base(cx, bases.items())?;
    if name.chars().any(|c| c == 0) {
        return raise!(cx, ValueError, "type name must not contain null characters");
    }
    refuse_surrogates(cx, Value::of(name))?;
    let doc = cx.names().__doc__;
    if let Some(doc) = namespace.get_str(doc) {
        refuse_surrogates(cx, doc)?;
    }
    let dict = copy_namespace(cx, namespace)?;
    if dict.iter().any(|(key, _)| key.downcast::<Str>().is_none()) {
        let text = format!("non-string key in the __dict__ of class {}", name.to_string_lossy());
        crate::protocol::warn::warn(cx, &crate::exceptions::RuntimeWarning, &text, 1)?;
    }
    let plan = plan_slots(cx, name, base, dict)?;
    let class = allocate(cx, meta, name, base, bases, dict, &plan);
    fix_namespace(cx, class, dict)?;
    set_mro(cx, class)?;
    for (i, slot) in plan.names.iter().enumerate() {
        let offset = base.data().basicsize.next_multiple_of(8) + 8 * i;
        let member = Member::new(cx, class, slot, offset as u32);
        dict.set_str(cx, slot, Value::of(member));
    }
    slots::fill_slots(cx, class);
    for b in bases.items() {
        if let Some(b) = b.downcast::<Type>() {
            b.data().subclasses.borrow_mut().push(class);
            // Compiled code relies on classes without subclasses.
            b.tell_watchers(cx);
        }
    }
    let del = cx.names().__del__;
    let finalizer = cx.type_lookup(class, del).is_some();
    class.data().finalizer.set(finalizer);
    set_names(cx, class, dict)?;
    init_subclass(cx, class, kwargs)?;
    Ok(class)
}

/// Names and doc strings of types must be encodable.
fn refuse_surrogates(cx: &mut Cx, v: Value) -> PyResult<()> {
    if v.downcast::<Str>().is_some_and(|s| !s.is_ascii() && s.chars().any(|c| (0xd800..0xe000).contains(&c))) {
        cx.call_method_text(v, "encode", &[])?;
    }
    Ok(())
}

/// A new dict with the namespace's entries, in the order in which it iterates.
fn copy_namespace(cx: &mut Cx, namespace: &'static Dict) -> PyResult<&'static Dict> {
    let v = Value::of(namespace);
    let same = match (v.class().slots().iter, Dict::class().slots().iter) {
        (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
        _ => false,
    };
    if same {
        return Ok(namespace.copy(cx));
    }
    let dict = Dict::new(cx);
    cx.call_method_text(Value::of(dict), "update", &[v])?;
    Ok(dict)
}

fn allocate(
    cx: &mut Cx,
    meta: &'static Type,
    name: &'static Str,
    base: &'static Type,
    bases: &'static Tuple,
    dict: &'static Dict,
    plan: &SlotPlan,
) -> &'static Type {
    let inherited = base.data();
    let start = inherited.basicsize.next_multiple_of(8);
    let basicsize = if plan.names.is_empty() { inherited.basicsize } else { start + 8 * plan.names.len() };
    let mut slot_words = inherited.slot_words.clone();
    slot_words.extend((0..plan.names.len()).map(|i| (start + 8 * i) as u32));
    let (attrs, weakrefs) =
        (plan.attrs || any_base(bases, |d| d.attrs), plan.weakrefs || any_base(bases, |d| d.weakrefs));
    let attrs = attrs && !has_own_namespace(base);
    let hint = if attrs { inline_hint(cx, base, dict) } else { 0 };
    let p = cx.alloc_var(meta, HEAP_TYPE_SIZE, 0);
    // SAFETY: zeroed memory of a type's size whose header alloc_var wrote; every other field of Type is valid as zero.
    let class: &'static Type = unsafe { &*p.cast::<Type>() };
    let inherited_flags =
        bases.items().iter().filter_map(|b| b.downcast::<Type>()).fold(0, |f, b| f | b.flags() & flags::INHERITED);
    // Whether it is matched as a sequence or a mapping is decided by the first base that is either.
    let collection = flags::SEQUENCE | flags::MAPPING;
    let mut ancestors = bases.items().iter().filter_map(|b| b.downcast::<Type>()).map(|b| b.flags() & collection);
    let inherited_flags = inherited_flags & !collection | ancestors.find(|f| *f != 0).unwrap_or(0);
    class.set_flags(flags::HEAPTYPE | flags::BASETYPE | flags::READY | flags::HAVE_GC | inherited_flags);
    class.set_base(Some(base));
    class.set_bases(bases);
    class.set_dict(dict);
    let adds_layout = !plan.names.is_empty();
    class.set_data(Box::new(TypeData {
        name: Cell::new(Value::of(name)),
        qualname: Cell::new(Value::of(name)),
        slots: Cell::new(&Slots::NONE),
        basicsize,
        itemsize: inherited.itemsize,
        attrs,
        weakrefs,
        trace: inherited.trace,
        drop: inherited.drop,
        slot_words,
        solid: Cell::new(if adds_layout { Some(class) } else { inherited.solid.get() }),
        root_shape: Cell::new(std::ptr::null()),
        dict_shape: Cell::new(std::ptr::null()),
        inline_hint: Cell::new(hint),
        subclasses: RefCell::new(Vec::new()),
        init_function: Cell::new(None),
        finalizer: Cell::new(false),
        foreign_mro: Cell::new(false),
        plain_iterator: Cell::new(false),
    }));
    cx.barrier(class);
    class
}

fn any_base(bases: &Tuple, test: fn(&TypeData) -> bool) -> bool {
    bases.items().iter().filter_map(|b| b.downcast::<Type>()).any(|b| test(b.data()))
}

/// Inline attribute slots for new instances: what the class's methods are known to assign, and its base's. Where they assign
/// nothing, others probably do.
fn inline_hint(cx: &mut Cx, base: &'static Type, dict: &'static Dict) -> u32 {
    let key = cx.names().__static_attributes__;
    let own = dict.get_str(key).and_then(|v| v.downcast::<Tuple>()).map_or(0, |t| t.len() as u32);
    (own + base.data().inline_hint.get()).clamp(2, 24)
}

/// Makes room in new instances for what an `__init__` that a class is given later assigns: dataclasses are made that way.
pub fn expect_init(class: &Type, init: Value) {
    let data = class.data();
    let Some(f) = init.exact::<Function>().filter(|_| data.attrs) else { return };
    let assigned = liveness::attributes_assigned(f.code.get()) as u32;
    data.inline_hint.set(data.inline_hint.get().max(assigned.min(24)));
}

/// Computes the MRO, through a metaclass's `mro()` if it has one.
pub fn set_mro(cx: &mut Cx, class: &'static Type) -> PyResult<()> {
    let mro = match custom_mro(cx, class)? {
        Some(mro) => {
            let is_base =
                |t: &Type| class.bases().items().iter().any(|b| b.downcast::<Type>().is_some_and(|b| b.is_subtype(t)));
            let types = mro.items().iter().filter_map(|v| v.downcast::<Type>());
            class.data().foreign_mro.set(types.into_iter().any(|t| !std::ptr::eq(t, class) && !is_base(t)));
            mro
        }
        None => {
            class.data().foreign_mro.set(false);
            let mro = linearize(cx, class, class.bases().items())?;
            Tuple::new(cx, &mro)
        }
    };
    class.set_mro(mro);
    cx.barrier(class);
    cx.type_modified(class);
    Ok(())
}

fn custom_mro(cx: &mut Cx, class: &'static Type) -> PyResult<Option<&'static Tuple>> {
    let meta = class.header().class();
    if std::ptr::eq(meta, &TYPE) {
        return Ok(None);
    }
    let key = cx.names().mro;
    let Some(f) = cx.type_lookup(meta, key).filter(|f| f.exact::<MethodDescr>().is_none()) else { return Ok(None) };
    let mro = call::call_unbound(cx, f, Value::of(class), &[])?;
    let items = crate::protocol::iter::collect(cx, mro)?;
    let solid = class.data().solid.get().unwrap_or(&OBJECT);
    for item in items.iter() {
        let Some(base) = item.downcast::<Type>() else {
            let got = item.class().tp_name();
            return raise!(cx, TypeError, "mro() returned a non-class ('{got}')");
        };
        if !std::ptr::eq(base, class) && !solid.is_subtype(base.data().solid.get().unwrap_or(&OBJECT)) {
            return raise!(cx, TypeError, "mro() returned base with unsuitable layout ('{}')", base.tp_name());
        }
    }
    Ok(Some(Tuple::new(cx, &items)))
}

/// Moves `__qualname__`, `__classcell__` and friends out of the namespace, sets `__module__` and `__doc__`, wraps
/// `__new__`, `__init_subclass__` and `__class_getitem__`, and makes classes with `__eq__` only unhashable.
fn fix_namespace(cx: &mut Cx, class: &'static Type, dict: &'static Dict) -> PyResult<()> {
    let names = cx.names();
    if let Some(qualname) = dict.get_str(names.__qualname__) {
        if qualname.downcast::<Str>().is_none() {
            let got = qualname.class().tp_name();
            return raise!(cx, TypeError, "type __qualname__ must be a str, not {got}");
        }
        dict.remove_str(cx, names.__qualname__);
        class.data().qualname.set(qualname);
        cx.barrier(class);
    }
    if dict.get_str(names.__module__).is_none()
        && let Some(globals) = call::caller_globals(cx)
        && let Some(module) = globals.get_str(names.__name__)
    {
        dict.set_str(cx, names.__module__, module);
    }
    wrap_method(cx, dict, names.__new__, crate::types::function_methods::new_static_method);
    wrap_method(cx, dict, names.__init_subclass__, crate::types::function_methods::new_class_method);
    wrap_method(cx, dict, names.__class_getitem__, crate::types::function_methods::new_class_method);
    if dict.get_str(names.__eq__).is_some() && dict.get_str(names.__hash__).is_none() {
        dict.set_str(cx, names.__hash__, Value::none());
    }
    for key in [names.__classcell__, names.__classdictcell__] {
        let Some(cell) = dict.get_str(key) else { continue };
        let Some(cell) = cell.exact::<crate::types::cell::Cell>() else {
            let got = cell.class().tp_name();
            return raise!(cx, TypeError, "{key} must be a nonlocal cell, not <class '{got}'>");
        };
        dict.remove_str(cx, key);
        let content = if std::ptr::eq(key, names.__classcell__) { Value::of(class) } else { Value::of(dict) };
        cell.set(cx, Some(content));
    }
    crate::types::type_methods::add_instance_getsets(cx, class);
    if dict.get_str(names.__doc__).is_none() {
        dict.set_str(cx, names.__doc__, Value::none());
    }
    Ok(())
}

fn wrap_method(cx: &mut Cx, dict: &'static Dict, key: &'static Str, wrap: fn(&mut Cx, Value) -> Value) {
    if let Some(f) = dict.get_str(key).filter(|f| f.exact::<Function>().is_some()) {
        let wrapped = wrap(cx, f);
        dict.set_str(cx, key, wrapped);
    }
}

/// Calls `__set_name__` of what is in the namespace and has it.
fn set_names(cx: &mut Cx, class: &'static Type, dict: &'static Dict) -> PyResult<()> {
    let key = cx.names().__set_name__;
    let mut items = RootVec::new();
    for (name, value) in dict.iter() {
        if value.exact::<Function>().is_none() && cx.lookup_special(value, key).is_some() {
            items.extend([name, value]);
        }
    }
    for pair in items.chunks(2) {
        let (name, value) = (pair[0], pair[1]);
        let Some(f) = cx.lookup_special(value, key) else { continue };
        if call::call_unbound(cx, f, value, &[Value::of(class), name]).is_err() {
            let (kind, class) = (value.class().tp_name(), class.name());
            let exception = cx.take_exception();
            let name = crate::protocol::object::repr_text(cx, name)?;
            cx.raise_again(exception);
            let note = format!("Error calling __set_name__ on '{kind}' instance {name} in '{class}'");
            crate::types::exception::add_note(cx, &note);
            return Err(crate::Raised);
        }
    }
    Ok(())
}

/// `super(class, class).__init_subclass__(**kwargs)`.
fn init_subclass(cx: &mut Cx, class: &'static Type, kwargs: Args) -> PyResult<()> {
    let key = cx.names().__init_subclass__;
    let Some(found) = crate::types::super_::find_after(class, class, key) else { return Ok(()) };
    let is_default = found.exact::<MethodDescr>().is_some_and(|m| std::ptr::eq(m.owner, &OBJECT));
    if is_default && kwargs.values().is_empty() {
        return Ok(());
    }
    let f = match found.class().slots().descr_get {
        Some(get) => get(cx, found, None, Some(Value::of(class)))?,
        None => found,
    };
    cx.call_args(f, kwargs)?;
    Ok(())
}

// ---- assignment to __bases__ -----------------------------------------------------------------------

/// `class.__bases__ = bases`. May run Python code (`mro()`).
pub fn assign_bases(cx: &mut Cx, class: &'static Type, bases: Value) -> PyResult<()> {
    let name = class.name();
    let Some(bases) = bases.downcast::<Tuple>() else {
        let got = bases.class().tp_name();
        return raise!(cx, TypeError, "can only assign tuple to {name}.__bases__, not {got}");
    };
    if bases.is_empty() {
        return raise!(cx, TypeError, "can only assign non-empty tuple to {name}.__bases__, not ()");
    }
    for base in bases.items() {
        let Some(base) = base.downcast::<Type>() else {
            let got = base.class().tp_name();
            return raise!(cx, TypeError, "{name}.__bases__ must be tuple of classes, not '{got}'");
        };
        // The MRO may be out of date if an `mro()` is running.
        let mut ancestors = std::iter::successors(Some(base), |t| t.base());
        if base.is_subtype(class) || ancestors.any(|t| std::ptr::eq(t, class)) {
            return raise!(cx, TypeError, "a __bases__ item causes an inheritance cycle");
        }
    }
    let base = best_base(cx, bases.items())?;
    let old_base = class.base().unwrap_or(&OBJECT);
    check_compatible(cx, old_base, base, "__bases__")?;
    let old_bases = class.bases();
    let mut old_mros = RootVec::new();
    cx.type_modified(class);
    class.set_bases(bases);
    class.set_base(Some(base));
    cx.barrier(class);
    let updated = update_mros(cx, class, &mut old_mros);
    if !std::ptr::eq(class.bases(), bases) {
        // Some `mro()` assigned other bases meanwhile.
        return updated;
    }
    if updated.is_err() {
        class.set_bases(old_bases);
        class.set_base(Some(old_base));
        cx.barrier(class);
        for pair in old_mros.chunks(2) {
            if let (Some(class), Some(mro)) = (pair[0].downcast::<Type>(), pair[1].downcast::<Tuple>()) {
                class.set_mro(mro);
                cx.barrier(class);
                cx.type_modified(class);
            }
        }
        return Err(crate::Raised);
    }
    for old in old_bases.items().iter().filter_map(|b| b.downcast::<Type>()) {
        old.data().subclasses.borrow_mut().retain(|sub| !std::ptr::eq(*sub, class));
    }
    for new in bases.items().iter().filter_map(|b| b.downcast::<Type>()) {
        let mut subclasses = new.data().subclasses.borrow_mut();
        if !subclasses.iter().any(|sub| std::ptr::eq(*sub, class)) {
            subclasses.push(class);
            drop(subclasses);
            new.tell_watchers(cx);
        }
    }
    crate::slot_table::refill_tree(cx, class);
    cx.type_modified(class);
    Ok(())
}

/// Computes the MROs of a class and its subclasses anew; adds the classes and their old MROs to `old`.
fn update_mros(cx: &mut Cx, class: &'static Type, old: &mut RootVec) -> PyResult<()> {
    old.extend([Value::of(class), Value::of(class.mro())]);
    set_mro(cx, class)?;
    for sub in class.live_subclasses().iter().filter_map(|v| v.downcast::<Type>()) {
        cx.nested("", |cx| update_mros(cx, sub, old))?;
    }
    Ok(())
}

/// TypeError unless instances of `old` and `new` have the same layout, so that one may take the place of the other.
pub(crate) fn check_compatible(cx: &mut Cx, old: &'static Type, new: &'static Type, attribute: &str) -> PyResult<()> {
    let is_plain = |t: &Type| !t.is_heap_type();
    if is_plain(old) != is_plain(new) && !std::ptr::eq(old, new) && attribute == "__bases__" {
        let (new, old) = (new.name(), old.name());
        return raise!(cx, TypeError, "{attribute} assignment: '{new}' deallocator differs from '{old}'");
    }
    if !same_layout(old, new) {
        let (new, old) = (new.name(), old.name());
        return raise!(cx, TypeError, "{attribute} assignment: '{new}' object layout differs from '{old}'");
    }
    Ok(())
}

fn same_layout(a: &'static Type, b: &'static Type) -> bool {
    let (da, db) = (a.data(), b.data());
    if da.basicsize != db.basicsize || da.attrs != db.attrs || da.weakrefs != db.weakrefs {
        return false;
    }
    let (mut a, mut b) = (da.solid.get().unwrap_or(&OBJECT), db.solid.get().unwrap_or(&OBJECT));
    // Classes that added `__slots__` of the same names to the same layout are alike.
    while !std::ptr::eq(a, b) {
        let (Some(base_a), Some(base_b)) = (a.base(), b.base()) else { return false };
        if !a.is_heap_type() || !b.is_heap_type() || own_slots(a) != own_slots(b) {
            return false;
        }
        (a, b) = (base_a.data().solid.get().unwrap_or(&OBJECT), base_b.data().solid.get().unwrap_or(&OBJECT));
    }
    true
}

fn own_slots(class: &Type) -> Vec<(u32, *const Str)> {
    let members = class.dict().iter().filter_map(|(_, v)| v.exact::<Member>());
    let mut slots: Vec<_> = members.map(|m| (m.offset, m.name as *const Str)).collect();
    slots.sort();
    slots
}
