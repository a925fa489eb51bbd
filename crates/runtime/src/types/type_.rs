//! type: making classes. What Python sees of types as attributes is in `type_methods.rs`.
//!
//! Source: the Python data model (3.3.3) and CPython's `type_new`.

use std::cell::{Cell, RefCell};

use crate::cx::{Cx, Runtime};
use crate::dict::Dict;
use crate::native::{Args, NativeKind};
use crate::object::Header;
use crate::protocol::{attr, hash};
use crate::slots::{self, Slots};
use crate::typeobj::{HEAP_TYPE_SIZE, Type, TypeData, TypeSpec, flags};
use crate::types::descr::{GetSet, MethodDescr, NativeFunction, SlotWrapper};
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_gc::Marker;

pub use crate::types::class_creation::{assign_bases, mangle, new_class, set_mro};

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
    getsets: &[crate::types::type_methods::TypeMethods::GETSETS, crate::types::type_methods::MEMBERS],
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

/// Removes dead classes from the subclass lists of live ones; called when marking is done and a class is dead.
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

/// The name that newer messages show: `module.Qualname`, without the modules `builtins` and `__main__`.
pub fn message_name(cx: &mut Cx, class: &'static Type) -> String {
    let name = full_name(cx, class);
    match name.strip_prefix("__main__.") {
        Some(rest) => rest.to_string(),
        None => name,
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
        // As in CPython, only the size says whether the layout is another one.
        let same_layout = inherited.is_some_and(|d| d.basicsize == basicsize && spec.itemsize == 0);
        let solid = if same_layout { inherited.and_then(|d| d.solid.get()) } else { Some(class) };
        // Names are interned later for the first types (see `bootstrap`).
        let placeholder = Value::small(0);
        let data = TypeData {
            name: Cell::new(placeholder),
            qualname: Cell::new(placeholder),
            slots: Cell::new(&Slots::NONE),
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
            foreign_mro: Cell::new(false),
            plain_iterator: Cell::new(false),
        };
        class.set_data(Box::new(data));
        if let Some(base) = base {
            base.data().subclasses.borrow_mut().push(class);
        }
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
        self.fill_namespace(class, spec);
    }

    fn fill_namespace(&mut self, class: &'static Type, spec: &'static TypeSpec) {
        let (dict, names) = (class.dict(), self.names());
        if spec.slots.new.is_some() {
            let new = NativeFunction::new(self, &crate::types::type_methods::TYPE_NEW, Some(Value::of(class)), None);
            dict.set_str(self, names.__new__, Value::of(new));
        }
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
                NativeKind::Static | NativeKind::Function | NativeKind::New => {
                    let function = Value::of(NativeFunction::new(self, def, Some(Value::of(class)), None));
                    crate::types::function_methods::new_static_method(self, function)
                }
                _ => MethodDescr::new(self, def, class),
            };
            dict.set_str(self, key, value);
        }
        for def in spec.getsets.iter().flat_map(|table| table.iter()) {
            GetSet::define(self, class, def);
        }
        let inherited = class.base().is_some_and(|b| b.data().attrs);
        if spec.attrs && !inherited && dict.get_str(names.__dict__).is_none() {
            GetSet::define(self, class, &crate::types::object_methods::DICT_GETSET);
        }
        if (spec.slots.hash.is_some() || spec.slots.richcompare.is_some()) && hash::is_unhashable(class) {
            dict.set_str(self, names.__hash__, Value::none());
        }
        if dict.get_str(names.__doc__).is_none() {
            let doc = if spec.doc.is_empty() { Value::none() } else { self.str(spec.doc) };
            dict.set_str(self, names.__doc__, doc);
        }
        if let Some((module, _)) = spec.name.rsplit_once('.') {
            let module = Value::of(self.intern(module));
            if dict.get_str(names.__module__).is_none() {
                dict.set_str(self, names.__module__, module);
            }
        }
        self.type_modified(class);
    }
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
    let Some(new) = class.slots().new.filter(|_| !class.has(flags::DISALLOW_INSTANTIATION)) else {
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
pub(crate) fn best_base(cx: &mut Cx, bases: &[Value]) -> PyResult<&'static Type> {
    let mut best: Option<(&'static Type, &'static Type)> = None;
    for base in bases {
        let Some(class) = base.downcast::<Type>() else {
            let key = cx.names().__mro_entries__;
            if attr::get_optional(cx, *base, key)?.is_some() {
                return raise!(cx, TypeError, "type() doesn't support MRO entry resolution; use types.new_class()");
            }
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
pub(crate) fn linearize(cx: &mut Cx, class: &'static Type, bases: &[Value]) -> PyResult<Vec<Value>> {
    for base in bases.iter().filter_map(|b| b.downcast::<Type>()) {
        if base.try_mro().is_none() {
            return raise!(cx, TypeError, "Cannot extend an incomplete type '{}'", base.name());
        }
    }
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

/// The Python `__init__` of a class whose instances are made by `object.__new__` and whose metaclass calls it plainly.
#[inline]
pub fn python_init(class: &'static Type) -> Option<&'static crate::types::function::Function> {
    let new: fn(&mut Cx, &'static Type, crate::native::Args) -> PyResult<Value> = crate::types::object::new;
    let call: fn(&mut Cx, Value, crate::native::Args) -> PyResult<Value> = call_type;
    if !class.is_heap_type() || class.has(crate::typeobj::flags::ABSTRACT) {
        return None;
    }
    let slots = class.slots();
    let meta = class.header().class().slots();
    if !slots.new.is_some_and(|f| std::ptr::fn_addr_eq(f, new))
        || !meta.call.is_some_and(|f| std::ptr::fn_addr_eq(f, call))
    {
        return None;
    }
    class.data().init_function.get().filter(|f| !f.code.get().is_generator_like())
}
