//! type: making classes. What Python sees of types as attributes is in `type_methods.rs`.
//!
//! Source: the Python data model (3.3.3) and CPython's `type_new`.

use std::cell::{Cell, RefCell};

use crate::cx::{Cx, Runtime};
use crate::dict::Dict;
use crate::native::{Args, NativeKind};
use crate::object::Header;
use crate::protocol::{attr, call};
use crate::slots::{self, Slots};
use crate::typeobj::{HEAP_TYPE_SIZE, Type, TypeData, TypeSpec, flags};
use crate::types::descr::{GetSet, Member, MethodDescr, NativeFunction, SlotWrapper};
use crate::types::function::Function;
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_gc::Marker;

/// The type type.
pub static TYPE: Type = Type::new(&TYPE_SPEC);
static TYPE_SPEC: TypeSpec = TypeSpec {
    name: "type",
    basicsize: HEAP_TYPE_SIZE,
    flags: flags::BASETYPE | flags::TYPE,
    weakrefs: true,
    trace: Some(Type::trace),
    drop: Some(drop_type),
    slots: Slots {
        repr: Some(crate::types::type_methods::repr),
        call: Some(call_type),
        getattr: Some(attr::type_get),
        setattr: Some(attr::type_set),
        init: Some(crate::types::type_methods::init),
        new: Some(crate::types::type_methods::new),
        or: Some(crate::types::type_methods::union),
        ..Slots::NONE
    },
    methods: &[crate::types::type_methods::TypeMethods::METHODS],
    getsets: &[crate::types::type_methods::TypeMethods::GETSETS],
    doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
    ..TypeSpec::DEFAULT
};

unsafe fn drop_type(object: *mut Header) {
    // SAFETY: a dead heap type (static ones never die); its data was leaked from a box by set_data.
    unsafe {
        let this = &*object.cast::<Type>();
        if this.is_heap_type() && this.is_ready() {
            drop(Box::from_raw(this.data_address().cast_mut()));
        }
    }
}

/// Removes dead classes from the subclass lists of live ones; called when marking is done.
pub(crate) fn forget_dead_subclasses(runtime: &Runtime, marker: &Marker) {
    fn visit(class: &Type, marker: &Marker, depth: usize) {
        let mut subclasses = class.data().subclasses.borrow_mut();
        subclasses.retain(|sub| {
            // SAFETY: dead classes are not swept yet.
            let sub = unsafe { &**sub };
            !sub.is_heap_type() || marker.is_marked((sub as *const Type).cast())
        });
        if depth < 200 {
            for sub in subclasses.iter() {
                // SAFETY: alive, as just checked.
                let sub = unsafe { &**sub };
                if sub.is_heap_type() {
                    visit(sub, marker, depth + 1);
                }
            }
        }
    }
    // SAFETY: nobody borrows the list across a collection.
    for class in unsafe { &*runtime.static_types.as_ptr() } {
        visit(class, marker, 0);
    }
}

/// `module.Qualname` as reprs show it; the module `builtins` is left out.
pub fn full_name(cx: &mut Cx, class: &'static Type) -> String {
    let qualname = class.data().qualname.get().downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
    let key = cx.names().__module__;
    let module = match class.spec() {
        Some(spec) => spec.name.rsplit_once('.').map(|(m, _)| m.to_string()),
        None => class.dict().get_str(key).and_then(|v| v.downcast::<Str>()).map(|s| s.to_string_lossy()),
    };
    match module {
        Some(m) if m != "builtins" => format!("{m}.{qualname}"),
        _ => qualname,
    }
}

impl Cx {
    /// Completes a static type: base first, then MRO, slots and namespace. Does nothing the second time.
    pub fn ready_type(&mut self, class: &'static Type) {
        if class.is_ready() {
            return;
        }
        let spec = class.spec().expect("a static type has a spec");
        let base = if std::ptr::eq(class, &OBJECT) { None } else { Some(spec.base.unwrap_or(&OBJECT)) };
        if let Some(base) = base {
            self.ready_type(base);
        }
        self.ready_layout(class, spec, base);
        self.rt().static_types.borrow_mut().push(class);
        let dict = Dict::new(self);
        class.set_dict(dict);
        if self.rt().has_names() {
            self.ready_namespace(class);
        }
    }

    fn ready_layout(&mut self, class: &'static Type, spec: &'static TypeSpec, base: Option<&'static Type>) {
        if class.header().class_is_unset() {
            let meta = base.map_or(&TYPE, |b| b.header().class());
            class.header().set_class(meta);
        }
        class.set_base(base);
        let inherited = base.map(|b| b.data());
        let flags_from_base = base.map_or(0, |b| b.flags() & flags::INHERITED);
        class.set_flags(spec.flags | flags_from_base | flags::READY | flags::IMMUTABLE);
        let basicsize = if spec.basicsize != 0 { spec.basicsize } else { inherited.map_or(16, |d| d.basicsize) };
        let same_layout = inherited.is_some_and(|d| d.basicsize == basicsize && spec.trace.is_none());
        let solid = if same_layout { inherited.and_then(|d| d.solid.get()) } else { Some(class) };
        let name = spec.name.rsplit('.').next().unwrap_or(spec.name);
        // Names are interned later for the first types (see `bootstrap`).
        let placeholder = Value::small(0);
        let data = TypeData {
            name: Cell::new(placeholder),
            qualname: Cell::new(placeholder),
            slots: RefCell::new(Slots::NONE),
            basicsize,
            itemsize: if spec.itemsize != 0 { spec.itemsize } else { inherited.map_or(0, |d| d.itemsize) },
            attrs: spec.attrs || inherited.is_some_and(|d| d.attrs),
            weakrefs: spec.weakrefs || inherited.is_some_and(|d| d.weakrefs),
            trace: spec.trace.unwrap_or(inherited.map_or(crate::types::trace_nothing, |d| d.trace)),
            drop: spec.drop.or(inherited.and_then(|d| d.drop)),
            slot_words: Vec::new(),
            solid: Cell::new(solid),
            root_shape: Cell::new(std::ptr::null()),
            dict_shape: Cell::new(std::ptr::null()),
            inline_hint: Cell::new(0),
            subclasses: RefCell::new(Vec::new()),
            init_function: Cell::new(None),
            finalizer: Cell::new(false),
        };
        class.set_data(Box::new(data));
        if let Some(base) = base {
            base.data().subclasses.borrow_mut().push(class);
        }
        let _ = name;
    }

    /// Fills name, MRO, slots and namespace of a static type whose layout is ready.
    pub(crate) fn ready_namespace(&mut self, class: &'static Type) {
        let spec = class.spec().expect("a static type has a spec");
        let short = spec.name.rsplit('.').next().unwrap_or(spec.name);
        let name = Value::of(self.intern(short));
        class.data().name.set(name);
        class.data().qualname.set(name);
        let mut mro = vec![Value::of(class)];
        if let Some(base) = class.base() {
            mro.extend_from_slice(base.mro().items());
        }
        let mro = Tuple::new(self, &mro);
        class.set_mro(mro);
        let bases: Vec<Value> = class.base().map(Value::of).into_iter().collect();
        let bases = Tuple::new(self, &bases);
        class.set_bases(bases);
        slots::fill_slots(self, class);
        inherit_sequence_slots(class);
        self.fill_namespace(class, spec);
    }

    fn fill_namespace(&mut self, class: &'static Type, spec: &'static TypeSpec) {
        let dict = class.dict();
        for dunder in slots::dunders() {
            if (dunder.present)(&spec.slots) {
                let key = self.intern(dunder.name);
                if dict.get_str(key).is_none() {
                    let wrapper = SlotWrapper::new(self, dunder, class);
                    dict.set_str(self, key, wrapper);
                }
            }
        }
        for def in spec.methods.iter().flat_map(|table| table.iter()) {
            let key = self.intern(def.name);
            let value = match def.kind {
                NativeKind::Static | NativeKind::Function => {
                    let function = Value::of(NativeFunction::new(self, def, Some(Value::of(class)), None));
                    crate::types::function_methods::new_static_method(self, function)
                }
                _ => MethodDescr::new(self, def, class),
            };
            dict.set_str(self, key, value);
        }
        for def in spec.getsets.iter().flat_map(|table| table.iter()) {
            let key = self.intern(def.name);
            let header = Header::fresh(&crate::types::descr_methods::GETSET);
            let getset = Value::of(self.alloc(GetSet::make(header, def, class)));
            dict.set_str(self, key, getset);
        }
        let names = self.names();
        if spec.slots.new.is_some() {
            let new = NativeFunction::new(
                self,
                &crate::types::type_methods::TypeNew::METHODS[0],
                Some(Value::of(class)),
                None,
            );
            dict.set_str(self, names.__new__, Value::of(new));
        }
        if spec.slots.hash.is_some_and(|f| {
            std::ptr::fn_addr_eq(f, crate::protocol::hash::unhashable as fn(&mut Cx, Value) -> PyResult<i64>)
        }) {
            dict.set_str(self, names.__hash__, Value::none());
        }
        if dict.get_str(names.__doc__).is_none() {
            let doc = if spec.doc.is_empty() { Value::none() } else { self.str(spec.doc) };
            dict.set_str(self, names.__doc__, doc);
        }
        if let Some((module, _)) = spec.name.rsplit_once('.') {
            let module = Value::of(self.intern(module));
            dict.set_str(self, names.__module__, module);
        }
        self.type_modified(class);
    }
}

/// Static types inherit the sequence-only slots (concat, repeat) from their base.
fn inherit_sequence_slots(class: &'static Type) {
    let Some(base) = class.base() else { return };
    let from = *base.slots();
    let mut to = class.data().slots.borrow_mut();
    to.concat = to.concat.or(from.concat);
    to.repeat = to.repeat.or(from.repeat);
    to.iconcat = to.iconcat.or(from.iconcat);
    to.irepeat = to.irepeat.or(from.irepeat);
}

/// `type.__call__`: `__new__`, then `__init__` if the result is an instance.
pub fn call_type(cx: &mut Cx, callee: Value, args: Args) -> PyResult<Value> {
    // SAFETY: the slot of types.
    let class: &'static Type = unsafe { callee.cast() };
    if std::ptr::eq(class, &TYPE) {
        if let ([v], None) = (args.values(), args.kwnames()) {
            return Ok(Value::of(v.class()));
        }
        if args.pos().len() != 3 {
            return raise!(cx, TypeError, "type() takes 1 or 3 arguments");
        }
    }
    let slots = class.slots();
    let Some(new) = slots.new.filter(|_| !class.has(flags::DISALLOW_INSTANTIATION)) else {
        let name = class.tp_name();
        return raise!(cx, TypeError, "cannot create '{name}' instances");
    };
    let object = new(cx, class, args)?;
    if !object.is_instance(class) {
        return Ok(object);
    }
    if let Some(init) = object.class().slots().init {
        init(cx, object, args)?;
    }
    Ok(object)
}

/// The most derived metaclass of `meta` and those of `bases`. TypeError on a conflict.
pub fn winner(cx: &mut Cx, meta: &'static Type, bases: &[Value]) -> PyResult<&'static Type> {
    let mut best = meta;
    for base in bases {
        let own = base.class();
        if best.is_subtype(own) {
            continue;
        }
        if own.is_subtype(best) {
            best = own;
            continue;
        }
        return raise!(
            cx,
            TypeError,
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases"
        );
    }
    Ok(best)
}

/// The base whose layout an instance of a class with `bases` extends. TypeError if layouts conflict.
fn best_base(cx: &mut Cx, bases: &[Value]) -> PyResult<&'static Type> {
    let mut best: Option<(&'static Type, &'static Type)> = None;
    for base in bases {
        let Some(class) = base.downcast::<Type>() else {
            return raise!(cx, TypeError, "bases must be types");
        };
        if !class.has(flags::BASETYPE) {
            return raise!(cx, TypeError, "type '{}' is not an acceptable base type", class.tp_name());
        }
        let solid = class.data().solid.get().unwrap_or(&OBJECT);
        match best {
            None => best = Some((class, solid)),
            Some((_, winner)) if winner.is_subtype(solid) => {}
            Some((_, winner)) if solid.is_subtype(winner) => best = Some((class, solid)),
            Some(_) => return raise!(cx, TypeError, "multiple bases have instance lay-out conflict"),
        }
    }
    Ok(best.expect("at least one base").0)
}

/// C3 linearisation. TypeError if there is none.
fn linearize(cx: &mut Cx, class: &'static Type, bases: &[Value]) -> PyResult<Vec<Value>> {
    if let [only] = bases {
        let base: &'static Type = only.downcast().expect("bases are types");
        let mut mro = vec![Value::of(class)];
        mro.extend_from_slice(base.mro().items());
        return Ok(mro);
    }
    for (i, base) in bases.iter().enumerate() {
        if bases[..i].contains(base) {
            let name = base.downcast::<Type>().map(|t| t.name()).unwrap_or_default();
            return raise!(cx, TypeError, "duplicate base class {name}");
        }
    }
    let mut lists: Vec<Vec<Value>> =
        bases.iter().filter_map(|b| b.downcast::<Type>()).map(|t| t.mro().items().to_vec()).collect();
    lists.push(bases.to_vec());
    let mut mro = vec![Value::of(class)];
    loop {
        lists.retain(|l| !l.is_empty());
        if lists.is_empty() {
            return Ok(mro);
        }
        let next = lists.iter().map(|l| l[0]).find(|c| !lists.iter().any(|l| l[1..].contains(c)));
        let Some(next) = next else {
            let mut names: Vec<String> = Vec::new();
            for l in &lists {
                let name = l[0].downcast::<Type>().map(|t| t.name()).unwrap_or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let names = names.join(", ");
            return raise!(cx, TypeError, "Cannot create a consistent method resolution order (MRO) for bases {names}");
        };
        mro.push(next);
        for l in &mut lists {
            if l[0] == next {
                l.remove(0);
            }
        }
    }
}

/// What `__slots__` of a new class asks for.
struct SlotPlan {
    names: Vec<&'static Str>,
    attrs: bool,
    weakrefs: bool,
}

fn plan_slots(cx: &mut Cx, class_name: &Str, base: &'static Type, namespace: &'static Dict) -> PyResult<SlotPlan> {
    let names = cx.names();
    let data = base.data();
    let Some(slots) = namespace.get_str(names.__slots__) else {
        return Ok(SlotPlan { names: Vec::new(), attrs: true, weakrefs: true });
    };
    let items = match slots.downcast::<Str>() {
        Some(_) => crate::heap::RootVec::from_slice(&[slots]),
        None => crate::protocol::iter::collect(cx, slots)?,
    };
    let mut plan = SlotPlan { names: Vec::new(), attrs: data.attrs, weakrefs: data.weakrefs };
    if !items.is_empty() && data.itemsize != 0 {
        let base = base.name();
        return raise!(cx, TypeError, "nonempty __slots__ not supported for subtype of '{base}'");
    }
    for item in items.iter() {
        let Some(name) = item.downcast::<Str>() else {
            let got = item.class().name();
            return raise!(cx, TypeError, "__slots__ items must be strings, not '{got}'");
        };
        if !taipan_text::unicode::is_identifier(name.chars()) {
            return raise!(cx, TypeError, "__slots__ must be identifiers");
        }
        let name = cx.intern_value(name);
        if std::ptr::eq(name, names.__dict__) {
            if plan.attrs {
                return raise!(cx, TypeError, "__dict__ slot disallowed: we already got one");
            }
            plan.attrs = true;
        } else if std::ptr::eq(name, names.__weakref__) {
            if plan.weakrefs {
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
    let dict = namespace.copy(cx);
    let plan = plan_slots(cx, name, base, dict)?;
    let class = allocate(cx, meta, name, base, bases, dict, &plan);
    set_mro(cx, class)?;
    fix_namespace(cx, class, dict)?;
    for (i, slot) in plan.names.iter().enumerate() {
        let offset = (base.data().basicsize + 7) / 8 * 8 + 8 * i;
        let member = Member::new(cx, class, slot, offset as u32);
        dict.set_str(cx, slot, Value::of(member));
    }
    slots::fill_slots(cx, class);
    for b in bases.items() {
        if let Some(b) = b.downcast::<Type>() {
            b.data().subclasses.borrow_mut().push(class);
        }
    }
    let del = cx.names().__del__;
    let finalizer = cx.type_lookup(class, del).is_some();
    class.data().finalizer.set(finalizer);
    set_names(cx, class, dict)?;
    init_subclass(cx, class, kwargs)?;
    Ok(class)
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
    let start = (inherited.basicsize + 7) / 8 * 8;
    let basicsize = if plan.names.is_empty() { inherited.basicsize } else { start + 8 * plan.names.len() };
    let mut slot_words = inherited.slot_words.clone();
    slot_words.extend((0..plan.names.len()).map(|i| (start + 8 * i) as u32));
    let (attrs, weakrefs) =
        (plan.attrs || any_base(bases, |d| d.attrs), plan.weakrefs || any_base(bases, |d| d.weakrefs));
    let hint = if attrs { inline_hint(cx, base, dict) } else { 0 };
    let p = cx.alloc_var(meta, HEAP_TYPE_SIZE, 0);
    // SAFETY: zeroed memory of a type's size whose header alloc_var wrote; every other field of Type is valid as zero.
    let class: &'static Type = unsafe { &*p.cast::<Type>() };
    let inherited_flags =
        bases.items().iter().filter_map(|b| b.downcast::<Type>()).fold(0, |f, b| f | b.flags() & flags::INHERITED);
    class.set_flags(flags::HEAPTYPE | flags::BASETYPE | flags::READY | flags::HAVE_GC | inherited_flags);
    class.set_base(Some(base));
    class.set_bases(bases);
    class.set_dict(dict);
    let adds_layout = !plan.names.is_empty();
    class.set_data(Box::new(TypeData {
        name: Cell::new(Value::of(name)),
        qualname: Cell::new(Value::of(name)),
        slots: RefCell::new(Slots::NONE),
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
    }));
    cx.barrier(class);
    class
}

fn any_base(bases: &Tuple, test: fn(&TypeData) -> bool) -> bool {
    bases.items().iter().filter_map(|b| b.downcast::<Type>()).any(|b| test(b.data()))
}

/// Inline attribute slots for new instances: what the class's methods are known to assign, and its base's.
fn inline_hint(cx: &mut Cx, base: &'static Type, dict: &'static Dict) -> u32 {
    let key = cx.names().__static_attributes__;
    let own = dict.get_str(key).and_then(|v| v.downcast::<Tuple>()).map_or(0, |t| t.len() as u32);
    (own + base.data().inline_hint.get()).min(24)
}

/// Computes the MRO, through a metaclass's `mro()` if it has one.
pub fn set_mro(cx: &mut Cx, class: &'static Type) -> PyResult<()> {
    let mut mro = linearize(cx, class, class.bases().items())?;
    let meta = class.header().class();
    if !std::ptr::eq(meta, &TYPE) {
        let key = cx.names().mro;
        if let Some(f) = cx.type_lookup(meta, key)
            && f.exact::<MethodDescr>().is_none()
        {
            let custom = call::call_unbound(cx, f, Value::of(class), &[])?;
            let custom = crate::protocol::iter::collect(cx, custom)?;
            mro = custom.to_vec();
            for item in &mro {
                if item.downcast::<Type>().is_none() {
                    let got = item.class().name();
                    return raise!(cx, TypeError, "mro() returned a non-class ('{got}')");
                }
            }
        }
    }
    let mro = Tuple::new(cx, &mro);
    class.set_mro(mro);
    cx.barrier(class);
    cx.type_modified(class);
    Ok(())
}

/// Moves `__qualname__`, `__classcell__` and friends out of the namespace, sets `__module__` and `__doc__`, wraps
/// `__new__`, `__init_subclass__` and `__class_getitem__`, and makes classes with `__eq__` only unhashable.
fn fix_namespace(cx: &mut Cx, class: &'static Type, dict: &'static Dict) -> PyResult<()> {
    let names = cx.names();
    if let Some(qualname) = dict.remove_str(cx, names.__qualname__) {
        if qualname.downcast::<Str>().is_none() {
            let got = qualname.class().name();
            return raise!(cx, TypeError, "type __qualname__ must be a str, not {got}");
        }
        class.data().qualname.set(qualname);
    }
    if dict.get_str(names.__module__).is_none()
        && let Some(globals) = call::caller_globals(cx)
        && let Some(module) = globals.get_str(names.__name__)
    {
        dict.set_str(cx, names.__module__, module);
    }
    if dict.get_str(names.__doc__).is_none() {
        dict.set_str(cx, names.__doc__, Value::none());
    }
    if let Some(f) = dict.get_str(names.__new__)
        && f.exact::<Function>().is_some()
    {
        let wrapped = crate::types::function_methods::new_static_method(cx, f);
        dict.set_str(cx, names.__new__, wrapped);
    }
    for key in [names.__init_subclass__, names.__class_getitem__] {
        if let Some(f) = dict.get_str(key)
            && f.exact::<Function>().is_some()
        {
            let wrapped = crate::types::function_methods::new_class_method(cx, f);
            dict.set_str(cx, key, wrapped);
        }
    }
    if dict.get_str(names.__eq__).is_some() && dict.get_str(names.__hash__).is_none() {
        dict.set_str(cx, names.__hash__, Value::none());
    }
    for key in [names.__classcell__, names.__classdictcell__] {
        let Some(cell) = dict.remove_str(cx, key) else { continue };
        let Some(cell) = cell.exact::<crate::types::cell::Cell>() else {
            let got = cell.class().name();
            return raise!(cx, TypeError, "{key} must be a nonlocal cell, not <class '{got}'>");
        };
        let content = if std::ptr::eq(key, names.__classcell__) { Value::of(class) } else { Value::of(dict) };
        cell.set(cx, Some(content));
    }
    crate::types::type_methods::add_instance_getsets(cx, class, dict);
    Ok(())
}

fn set_names(cx: &mut Cx, class: &'static Type, dict: &'static Dict) -> PyResult<()> {
    let key = cx.names().__set_name__;
    let snapshot = dict.copy(cx);
    for (name, value) in snapshot.iter() {
        if let Some(f) = cx.lookup_special(value, key)
            && call::call_unbound(cx, f, value, &[Value::of(class), name]).is_err()
        {
            let (kind, class) = (value.class().name(), class.name());
            let name = crate::protocol::object::repr(cx, name)?;
            let note = format!("Error calling __set_name__ on '{kind}' instance {name} in '{class}'");
            crate::types::exception::add_note(cx, &note);
            return Err(crate::Raised);
        }
    }
    Ok(())
}

fn init_subclass(cx: &mut Cx, class: &'static Type, kwargs: Args) -> PyResult<()> {
    let key = cx.names().__init_subclass__;
    let parent = crate::types::super_::lookup(cx, class, Value::of(class), Some(Value::of(class)), key)?;
    let Some(f) = parent else { return Ok(()) };
    cx.call_args(f, kwargs)?;
    Ok(())
}
