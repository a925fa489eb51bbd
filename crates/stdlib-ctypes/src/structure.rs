//! `Structure` and `Union` and their metaclasses.

use taipan_runtime::native::Args;
use taipan_runtime::protocol::{attr, iter, number, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};
use taipan_stdlib::host;

use crate::data::{self, CDATA, CData};
use crate::field::CField;
use crate::info::{self, Info, Kind};
use crate::meta::{FromParam, Instances, metaclass, namespace_of};

/// `PyCStructType`.
pub static STRUCT_META: Type = Type::new(&STRUCT_META_SPEC);
static STRUCT_META_SPEC: TypeSpec = metaclass(
    "_ctypes.PyCStructType",
    Slots {
        init: Some(|cx, v, args| init_class(cx, v, args, Kind::Struct)),
        setattr: Some(set_attribute),
        ..Slots::NONE
    },
    &[Instances::METHODS, FromParam::METHODS],
);

/// `UnionType`.
pub static UNION_META: Type = Type::new(&UNION_META_SPEC);
static UNION_META_SPEC: TypeSpec = metaclass(
    "_ctypes.UnionType",
    Slots {
        init: Some(|cx, v, args| init_class(cx, v, args, Kind::Union)),
        setattr: Some(set_attribute),
        ..Slots::NONE
    },
    &[Instances::METHODS, FromParam::METHODS],
);

const SLOTS: Slots = Slots { new: Some(new), init: Some(init), ..Slots::NONE };

/// `Structure`.
pub static STRUCTURE: Type = Type::new(&STRUCTURE_SPEC);
static STRUCTURE_SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.Structure",
    base: Some(&CDATA),
    basicsize: std::mem::size_of::<CData>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    slots: SLOTS,
    doc: "Structure base class",
    ..TypeSpec::DEFAULT
};

/// `Union`.
pub static UNION: Type = Type::new(&UNION_SPEC);
static UNION_SPEC: TypeSpec = TypeSpec {
    name: "_ctypes.Union",
    base: Some(&CDATA),
    basicsize: std::mem::size_of::<CData>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    slots: SLOTS,
    doc: "Union base class",
    ..TypeSpec::DEFAULT
};

fn init_class(cx: &mut Cx, v: Value, args: Args, kind: Kind) -> PyResult<()> {
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    let namespace = namespace_of(args).unwrap_or_else(|| class.dict());
    let (abstract_, fields) = (cx.intern("_abstract_"), cx.intern("_fields_"));
    if namespace.get_str(abstract_).is_some() {
        return Ok(());
    }
    let info = info::attach(cx, class, kind)?;
    let format = cx.intern("B");
    info.format.set(Some(format));
    cx.barrier(info);
    if let Some(fields_value) = class.dict().get_str(fields) {
        return attr::set(cx, v, fields, Some(fields_value));
    }
    if let Some(base) = class.base().and_then(info::of) {
        base.is_final.set(true);
        info.copy_from(cx, base);
    }
    Ok(())
}

fn set_attribute(cx: &mut Cx, v: Value, name: &'static Str, value: Option<Value>) -> PyResult<()> {
    let Some(fields) = value.filter(|_| name.eq_rust("_fields_")) else {
        return attr::type_set(cx, v, name, value);
    };
    // SAFETY: the slot of a metaclass.
    let class = unsafe { v.cast::<Type>() };
    if info::of(class).is_some_and(|info| info.is_final.get()) {
        return raise!(cx, AttributeError, "_fields_ is final");
    }
    attr::type_set(cx, v, name, value)?;
    lay_out(cx, class, fields)
}

/// `_fields_` was set: computes the layout (which Python code does) and makes the fields' descriptors.
fn lay_out(cx: &mut Cx, class: &'static Type, fields: Value) -> PyResult<()> {
    let Some(info) = info::of(class) else {
        return raise!(cx, TypeError, "ctypes state is not initialized");
    };
    let base = class.base().filter(|b| info::of(b).is_some());
    let is_struct = info.kind.get() == Kind::Struct;
    let module = host::import(cx, "ctypes._layout")?;
    let module = match attr::get_text(cx, module, "get_layout") {
        Ok(f) => f,
        Err(_) => {
            // The import gave the package.
            cx.take_exception();
            let layout = attr::get_text(cx, module, "_layout")?;
            attr::get_text(cx, layout, "get_layout")?
        }
    };
    let args = [Value::of(class), fields, Value::bool(is_struct), base.map_or(Value::none(), |b| Value::of(b))];
    let layout = cx.call(module, &args)?;
    let get = |cx: &mut Cx, name: &str| attr::get_text(cx, layout, name);
    let (size, align) = (get(cx, "size")?, get(cx, "align")?);
    let (size, align) = (number::to_isize(cx, size)?, number::to_isize(cx, align)?);
    if size < 0 || align < 0 {
        return raise!(cx, ValueError, "size and align must not be negative");
    }
    let format = get(cx, "format_spec")?;
    let Some(format) = format.downcast::<Str>() else { return raise!(cx, TypeError, "format_spec must be str") };
    let made = get(cx, "fields")?;
    let made = iter::to_tuple(cx, made)?;
    if let Some(base) = base.and_then(info::of) {
        base.is_final.set(true);
    }
    add_fields(cx, class, info, base.and_then(info::of), made)?;
    info.size.set(size as usize);
    info.align.set((align as usize).max(1));
    info.format.set(Some(format));
    info.is_final.set(true);
    cx.barrier(info);
    add_anonymous(cx, class)
}

fn add_fields(
    cx: &mut Cx,
    class: &'static Type,
    info: &'static Info,
    base: Option<&'static Info>,
    made: &'static Tuple,
) -> PyResult<()> {
    let mut types = taipan_runtime::heap::RootVec::new();
    if let Some(base) = base {
        types.extend(base.fields.get().map_or(&[][..], |t| t.items()).iter().copied());
        info.has_pointer.set(base.has_pointer.get());
        info.has_union.set(base.has_union.get());
        info.has_bitfield.set(base.has_bitfield.get());
    }
    info.has_union.set(info.has_union.get() || info.kind.get() == Kind::Union);
    for field in made.items() {
        let Some(field) = field.downcast::<CField>() else {
            return raise!(cx, TypeError, "fields must be of type CField, got {}", field.class().tp_name());
        };
        if std::ptr::eq(field.class, class) {
            return raise!(cx, AttributeError, "Structure or union cannot contain itself");
        }
        let Some(item) = info::of(field.class) else { return raise!(cx, TypeError, "a field's type is no C type") };
        item.is_final.set(true);
        info.has_pointer.set(info.has_pointer.get() || item.has_pointer.get());
        info.has_union.set(info.has_union.get() || item.has_union.get());
        info.has_bitfield.set(info.has_bitfield.get() || item.has_bitfield.get() || field.bits.is_some());
        types.push(Value::of(field.class));
        attr::type_set(cx, Value::of(class), field.name, Some(Value::of(field)))?;
    }
    let inherited = base.map_or(0, |b| b.length.get());
    info.length.set(inherited + made.len());
    let types = Tuple::new(cx, &types);
    info.fields.set(Some(types));
    cx.barrier(info);
    Ok(())
}

/// Makes the fields of the fields in `_anonymous_` fields of the class.
fn add_anonymous(cx: &mut Cx, class: &'static Type) -> PyResult<()> {
    let Some(names) = crate::meta::optional(cx, class, "_anonymous_")? else { return Ok(()) };
    if names.class().slots().getitem.is_none() {
        return raise!(cx, TypeError, "_anonymous_ must be a sequence");
    }
    for name in iter::collect(cx, names)?.iter() {
        let Some(name) = name.downcast::<Str>() else {
            return raise!(cx, TypeError, "attribute name must be string, not '{}'", name.class().tp_name());
        };
        let name = cx.intern_value(name);
        let found = attr::get(cx, Value::of(class), name)?;
        let Some(field) = found.downcast::<CField>() else {
            let text = format!("'{name}' is specified in _anonymous_ but not in _fields_");
            return raise!(cx, AttributeError, "{text}");
        };
        field.anonymous.set(true);
        add_inner(cx, class, field)?;
    }
    Ok(())
}

fn add_inner(cx: &mut Cx, class: &'static Type, outer: &'static CField) -> PyResult<()> {
    let fields = attr::get_text(cx, Value::of(outer.class), "_fields_")?;
    if fields.class().slots().getitem.is_none() {
        return raise!(cx, TypeError, "_fields_ must be a sequence");
    }
    for pair in iter::collect(cx, fields)?.iter() {
        let name = protocol::get_item(cx, *pair, Value::small(0))?;
        let Some(name) = name.downcast::<Str>() else { return raise!(cx, TypeError, "a field's name must be str") };
        let name = cx.intern_value(name);
        let found = attr::get(cx, Value::of(outer.class), name)?;
        let Some(field) = found.downcast::<CField>() else { return raise!(cx, TypeError, "unexpected type") };
        let made = field.within(cx, outer);
        if made.anonymous.get() {
            cx.nested(" in _anonymous_ fields", |cx| add_inner(cx, class, made))?;
        } else {
            attr::type_set(cx, Value::of(class), name, Some(Value::of(made)))?;
        }
    }
    Ok(())
}

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    Ok(Value::of(CData::new(cx, class)?))
}

/// Sets the fields of a class and its bases from positional arguments; the number of those used.
fn init_fields(cx: &mut Cx, v: Value, class: &'static Type, args: Args, mut used: usize) -> PyResult<usize> {
    if let Some(base) = class.base().filter(|b| info::of(b).is_some()) {
        used = init_fields(cx, v, base, args, used)?;
    }
    let key = cx.intern("_fields_");
    let Some(fields) = class.dict().get_str(key) else { return Ok(used) };
    for pair in iter::collect(cx, fields)?.iter() {
        let Some(value) = args.pos().get(used).copied() else { break };
        let name = protocol::get_item(cx, *pair, Value::small(0))?;
        let Some(name) = name.downcast::<Str>() else { return raise!(cx, TypeError, "a field's name must be str") };
        let name = cx.intern_value(name);
        if args.keywords().any(|(keyword, _)| keyword.eq_str(name)) {
            let name = protocol::repr_text(cx, Value::of(name))?;
            return raise!(cx, TypeError, "duplicate values for field {name}");
        }
        attr::set(cx, v, name, Some(value))?;
        used += 1;
    }
    Ok(used)
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let _ = data::of(v);
    if !args.pos().is_empty() {
        let used = init_fields(cx, v, v.class(), args, 0)?;
        if used < args.pos().len() {
            return raise!(cx, TypeError, "too many initializers");
        }
    }
    for (name, value) in args.keywords() {
        let name = cx.intern_value(name);
        attr::set(cx, v, name, Some(value))?;
    }
    Ok(())
}
