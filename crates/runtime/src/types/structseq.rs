//! Struct sequences: tuples whose items have names (`sys.version_info`, `os.stat_result`, `time.struct_time`).
//!
//! A type is one `structseq!` declaration; instances are made by [`new`]. Fields after `hidden` are attributes only.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::{Args, GetSetDef};
use crate::object::Header;
use crate::protocol::{iter, object};
use crate::typeobj::{Type, flags};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// Most fields that a struct sequence can have.
pub const MAX_FIELDS: usize = 32;

/// Declares a struct sequence type: `structseq! { pub NAME "module.name" "doc" { a "doc", b "doc" } hidden { c "doc" } }`.
/// Call [`ready`](crate::types::structseq::ready) on it before use. A field named `_` is an unnamed item.
#[macro_export]
macro_rules! structseq {
    ($(#[$meta:meta])* $vis:vis $static:ident $name:literal $doc:literal
     { $($field:ident $field_doc:literal),* $(,)? } hidden { $($extra:ident $extra_doc:literal),* $(,)? }) => {
        $(#[$meta])*
        $vis static $static: $crate::typeobj::Type = $crate::typeobj::Type::new({
            const FIELDS: &[(&str, &str)] = &[$((stringify!($field), $field_doc)),*];
            const EXTRA: &[(&str, &str)] = &[$((stringify!($extra), $extra_doc)),*];
            const N: usize = FIELDS.len() + EXTRA.len();
            static GETSETS: [$crate::native::GetSetDef; N] = $crate::types::structseq::getsets::<N>(FIELDS, EXTRA);
            static SPEC: $crate::typeobj::TypeSpec = $crate::typeobj::TypeSpec {
                name: $name,
                base: Some(&$crate::types::tuple_methods::TUPLE),
                trace: Some($crate::types::structseq::trace::<N>),
                slots: $crate::slots::Slots {
                    repr: Some($crate::types::structseq::repr),
                    new: Some($crate::types::structseq::construct),
                    ..$crate::slots::Slots::NONE
                },
                methods: &[$crate::types::structseq::StructSeq::METHODS],
                getsets: &[&GETSETS],
                doc: $doc,
                signature: "(iterable=(), /)",
                ..$crate::typeobj::TypeSpec::DEFAULT
            };
            &SPEC
        });
    };
    ($(#[$meta:meta])* $vis:vis $static:ident $name:literal $doc:literal { $($fields:tt)* }) => {
        $crate::structseq! { $(#[$meta])* $vis $static $name $doc { $($fields)* } hidden {} }
    };
}

/// Visits all items, hidden ones included.
///
/// # Safety
/// `object` must be a struct sequence of `N` fields.
pub unsafe fn trace<const N: usize>(object: *mut Header, marker: &mut Marker) {
    // SAFETY: the items start at +32.
    unsafe { marker.mark_range((object as usize + 32) as *mut u64, N) };
}

fn field<const I: usize>(_: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the getset belongs to a type with more than I fields, and its receiver was checked.
    Ok(unsafe { v.cast::<Tuple>().hidden(I) })
}

const READERS: [crate::native::GetFn; MAX_FIELDS] = [
    field::<0>,
    field::<1>,
    field::<2>,
    field::<3>,
    field::<4>,
    field::<5>,
    field::<6>,
    field::<7>,
    field::<8>,
    field::<9>,
    field::<10>,
    field::<11>,
    field::<12>,
    field::<13>,
    field::<14>,
    field::<15>,
    field::<16>,
    field::<17>,
    field::<18>,
    field::<19>,
    field::<20>,
    field::<21>,
    field::<22>,
    field::<23>,
    field::<24>,
    field::<25>,
    field::<26>,
    field::<27>,
    field::<28>,
    field::<29>,
    field::<30>,
    field::<31>,
];

/// The attributes of a type with these visible and hidden fields; for `structseq!`.
pub const fn getsets<const N: usize>(
    fields: &'static [(&'static str, &'static str)],
    hidden: &'static [(&'static str, &'static str)],
) -> [GetSetDef; N] {
    assert!(fields.len() + hidden.len() == N && N <= MAX_FIELDS);
    let mut out = [const { GetSetDef { name: "", doc: "", get: None, set: None } }; N];
    let mut i = 0;
    while i < N {
        let (name, doc) = if i < fields.len() { fields[i] } else { hidden[i - fields.len()] };
        out[i] = GetSetDef { name, doc, get: Some(READERS[i]), set: None };
        i += 1;
    }
    out
}

/// Completes a struct sequence type of which the first `visible` fields are items. May collect.
pub fn ready(cx: &mut Cx, class: &'static Type, visible: usize) {
    if class.is_ready() {
        return;
    }
    cx.ready_type(class);
    let total = table(class).len();
    let unnamed = table(class).iter().filter(|g| g.name == "_").count();
    for (name, n) in [("n_sequence_fields", visible), ("n_fields", total), ("n_unnamed_fields", unnamed)] {
        let name = cx.intern(name);
        class.dict().set_str(cx, name, Value::small(n as i64));
    }
    let underscore = cx.names().underscore;
    class.dict().remove_str(cx, underscore);
    let named = || table(class)[..visible].iter().filter(|field| field.name != "_");
    let names = Tuple::new(cx, &vec![Value::none(); named().count()]);
    for (i, field) in named().enumerate() {
        let name = Value::of(cx.intern(field.name));
        names.set_fresh(cx, i, name);
    }
    let key = cx.names().__match_args__;
    class.dict().set_str(cx, key, Value::of(names));
    cx.type_modified(class);
}

/// The declared fields of a struct sequence type or of its nearest such base.
fn table(class: &'static Type) -> &'static [GetSetDef] {
    let mut at = Some(class);
    while let Some(class) = at {
        if let Some(spec) = class.spec() {
            return spec.getsets.first().copied().unwrap_or(&[]);
        }
        at = class.base();
    }
    &[]
}

fn visible(cx: &mut Cx, class: &'static Type) -> usize {
    let key = cx.intern("n_sequence_fields");
    cx.type_lookup(class, key).and_then(|v| v.as_small()).unwrap_or(0) as usize
}

/// A new instance of a type that is ready; `items` holds every field, hidden ones included. May collect.
pub fn new(cx: &mut Cx, class: &'static Type, items: &[Value]) -> Value {
    assert_eq!(items.len(), table(class).len());
    let n = visible(cx, class);
    let tuple = Tuple::new_of(cx, class, items);
    tuple.hide_from(n);
    Value::of(tuple)
}

/// The `new` slot: from a sequence and an optional dict with the hidden fields.
pub fn construct(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut given = [None, None];
    for (slot, value) in given.iter_mut().zip(args.pos()) {
        *slot = Some(*value);
    }
    for (name, value) in args.keywords() {
        match &*name.to_string_lossy() {
            "sequence" => given[0] = Some(value),
            "dict" => given[1] = Some(value),
            other => {
                let class = class.name();
                return raise!(cx, TypeError, "{class}() got an unexpected keyword argument '{other}'");
            }
        }
    }
    let name = class.tp_name();
    let Some(sequence) = given[0] else {
        return raise!(cx, TypeError, "structseq() missing required argument 'sequence' (pos 1)");
    };
    if args.pos().len() > 2 {
        let n = args.pos().len();
        return raise!(cx, TypeError, "structseq() takes at most 2 arguments ({n} given)");
    }
    let dict = match given[1] {
        None => None,
        Some(v) => match v.downcast::<Dict>() {
            Some(dict) => Some(dict),
            None => return raise!(cx, TypeError, "{name}() takes a dict as second arg, if any"),
        },
    };
    let list = iter::to_list(cx, sequence);
    let Some(items) = cx.catch(list, &crate::exceptions::TypeError)? else {
        return raise!(cx, TypeError, "constructor requires a sequence");
    };
    let (low, high) = (visible(cx, class), table(class).len());
    let n = items.len();
    if n < low || n > high {
        let (word, limit) = match (low == high, n < low) {
            (true, _) => ("a", low),
            (false, true) => ("an at least", low),
            (false, false) => ("an at most", high),
        };
        return raise!(cx, TypeError, "{name}() takes {word} {limit}-sequence ({n}-sequence given)");
    }
    for field in &table(class)[n..] {
        let key = cx.intern(field.name);
        let value = dict.and_then(|d| d.get_str(key)).unwrap_or(Value::none());
        items.push(cx, value);
    }
    if let Some(dict) = dict {
        let known =
            |key: Value| key.downcast::<Str>().is_some_and(|k| table(class)[n..].iter().any(|f| k.eq_rust(f.name)));
        if dict.iter().any(|(key, _)| !known(key)) {
            return raise!(cx, TypeError, "{name}() got duplicate or unexpected field name(s)");
        }
    }
    let tuple = Tuple::new_of(cx, class, items.items());
    tuple.hide_from(low);
    Ok(Value::of(tuple))
}

/// `module.name(a=1, b=2)`.
pub fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    // SAFETY: the slot of struct sequences.
    let tuple = unsafe { v.cast::<Tuple>() };
    let class = v.class();
    let mut text = format!("{}(", class.tp_name());
    for (i, (field, item)) in table(class).iter().zip(tuple.items()).enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        let item = object::repr_text(cx, *item)?;
        text.push_str(&format!("{}={item}", field.name));
    }
    text.push(')');
    Ok(cx.str(&text))
}

/// Methods of struct sequences.
pub struct StructSeq;

#[pymethods]
impl StructSeq {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        // SAFETY: methods of struct sequences.
        let tuple = unsafe { this.cast::<Tuple>() };
        let class = this.class();
        let dict = Dict::new(cx);
        for (i, field) in table(class).iter().enumerate().skip(tuple.len()) {
            let key = cx.intern(field.name);
            // SAFETY: all fields exist.
            dict.set_str(cx, key, unsafe { tuple.hidden(i) });
        }
        let items = Value::of(Tuple::new(cx, tuple.items()));
        let args = Value::of(Tuple::new(cx, &[items, Value::of(dict)]));
        Ok(Value::of(Tuple::new(cx, &[Value::of(class), args])))
    }

    /// Return a copy of the structure with new values for the specified fields.
    #[py("($self, /, **changes)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = args.values()[0];
        let args = args.rest();
        if !args.pos().is_empty() {
            return raise!(cx, TypeError, "__replace__() takes no positional arguments");
        }
        // SAFETY: methods of struct sequences.
        let tuple = unsafe { this.cast::<Tuple>() };
        let class = this.class();
        let name = class.tp_name();
        if table(class).iter().any(|f| f.name == "_") {
            return raise!(cx, TypeError, "__replace__() is not supported for {name} because it has unnamed field(s)");
        }
        let mut items = [Value::none(); MAX_FIELDS];
        let n = table(class).len();
        for (i, item) in items[..n].iter_mut().enumerate() {
            // SAFETY: all fields exist.
            *item = unsafe { tuple.hidden(i) };
        }
        for (key, value) in args.keywords() {
            match table(class).iter().position(|f| key.eq_rust(f.name)) {
                Some(i) => items[i] = value,
                None => {
                    let key = object::repr_text(cx, Value::of(key))?;
                    return raise!(cx, TypeError, "Got unexpected field name(s): [{key}]");
                }
            }
        }
        Ok(new(cx, class, &items[..n]))
    }
}

/// Flags for declarations that forbid instantiation (`sys.flags` and friends).
pub const NO_INSTANCES: u64 = flags::DISALLOW_INSTANTIATION;
