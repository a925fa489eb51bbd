//! mappingproxy: a read-only view of a mapping.

use crate::cx::Cx;
use crate::dict::Dict;
use crate::native::Args;
use crate::object::Header;
use crate::protocol::{attr, compare, hash, iter, number, object as any};
use crate::slots::Slots;
use crate::typeobj::{Type, TypeSpec, flags};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::{PyResult, object, raise};
use taipan_gc::Marker;
use taipan_macros::pymethods;

/// A mapping proxy (24 bytes as in CPython).
#[repr(C)]
pub struct MappingProxy {
    header: Header,
    /// What it shows.
    pub mapping: Value,
}
object!(MappingProxy, MAPPING_PROXY);

/// The type `types.MappingProxyType`.
pub static MAPPING_PROXY: Type = Type::new(&MAPPING_PROXY_SPEC);
static MAPPING_PROXY_SPEC: TypeSpec = TypeSpec {
    name: "mappingproxy",
    basicsize: std::mem::size_of::<MappingProxy>(),
    flags: flags::MAPPING,
    trace: Some(trace_proxy),
    slots: Slots {
        repr: Some(|cx, v| {
            let inner = any::repr_text(cx, mapping(v))?;
            Ok(cx.str(&format!("mappingproxy({inner})")))
        }),
        str: Some(|cx, v| any::str(cx, mapping(v)).map(Value::of)),
        hash: Some(|cx, v| hash::hash(cx, mapping(v))),
        richcompare: Some(|cx, a, b, op| compare::rich(cx, mapping(a), b, op)),
        iter: Some(|cx, v| iter::iter(cx, mapping(v))),
        len: Some(|cx, v| any::len(cx, mapping(v))),
        getitem: Some(|cx, v, key| any::get_item(cx, mapping(v), key)),
        contains: Some(|cx, v, key| any::contains(cx, mapping(v), key)),
        or: Some(|cx, a, b| {
            let [a, b] = [a, b].map(|v| v.exact::<MappingProxy>().map_or(v, |p| p.mapping));
            number::binary(cx, a, b, &number::OR)
        }),
        ior: Some(|cx, v, _| {
            let class = v.class().tp_name();
            raise!(cx, TypeError, "'|=' is not supported by {class}; use '|' instead")
        }),
        new: Some(new_from_args),
        ..Slots::NONE
    },
    methods: &[MappingProxy::METHODS],
    doc: "Read-only proxy of a mapping.",
    signature: "(mapping)",
    ..TypeSpec::DEFAULT
};

unsafe fn trace_proxy(object: *mut Header, marker: &mut Marker) {
    // SAFETY: called for mapping proxies only.
    marker.mark_value(unsafe { (*object.cast::<MappingProxy>()).mapping }.bits());
}

fn mapping(v: Value) -> Value {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast::<MappingProxy>() }.mapping
}

impl MappingProxy {
    /// What it is a proxy of.
    pub fn mapping(&self) -> Value {
        self.mapping
    }
}

/// A proxy of `mapping`. May collect.
pub fn new(cx: &mut Cx, mapping: Value) -> Value {
    Value::of(cx.alloc(MappingProxy { header: Header::fresh(&MAPPING_PROXY), mapping }))
}

fn new_from_args(cx: &mut Cx, _: &'static Type, args: Args) -> PyResult<Value> {
    let given = match (args.pos(), args.kwnames()) {
        ([v], None) => *v,
        ([], Some(_)) if args.keywords().all(|(n, _)| n.eq_rust("mapping")) => args.values()[0],
        ([], _) => return raise!(cx, TypeError, "mappingproxy() missing required argument 'mapping' (pos 1)"),
        _ => {
            let n = args.values().len();
            return raise!(cx, TypeError, "mappingproxy() takes at most 1 argument ({n} given)");
        }
    };
    let is_mapping = given.class().slots().getitem.is_some()
        && given.downcast::<List>().is_none()
        && given.downcast::<Tuple>().is_none();
    if !is_mapping {
        let got = given.class().tp_name();
        return raise!(cx, TypeError, "mappingproxy() argument must be a mapping, not {got}");
    }
    Ok(new(cx, given))
}

#[pymethods]
impl MappingProxy {
    /// Return the value for key if key is in the mapping, else default.
    #[py("($self, key, default=None, /)")]
    fn get(cx: &mut Cx, this: &'static MappingProxy, key: Value, default: Option<Value>) -> PyResult<Value> {
        if let Some(dict) = this.mapping.exact::<Dict>() {
            return Ok(dict.get(cx, key)?.or(default).unwrap_or(Value::none()));
        }
        cx.call_method_text(this.mapping, "get", &[key, default.unwrap_or(Value::none())])
    }
    /// a set-like object providing a view on D's keys
    #[py("($self, /)")]
    fn keys(cx: &mut Cx, this: &'static MappingProxy) -> PyResult<Value> {
        cx.call_method_text(this.mapping, "keys", &[])
    }
    /// an object providing a view on D's values
    #[py("($self, /)")]
    fn values(cx: &mut Cx, this: &'static MappingProxy) -> PyResult<Value> {
        cx.call_method_text(this.mapping, "values", &[])
    }
    /// a set-like object providing a view on D's items
    #[py("($self, /)")]
    fn items(cx: &mut Cx, this: &'static MappingProxy) -> PyResult<Value> {
        cx.call_method_text(this.mapping, "items", &[])
    }
    /// a shallow copy of D
    #[py("($self, /)")]
    fn copy(cx: &mut Cx, this: &'static MappingProxy) -> PyResult<Value> {
        cx.call_method_text(this.mapping, "copy", &[])
    }
    /// See PEP 585
    #[classmethod]
    #[py("($type, object, /)")]
    fn __class_getitem__(cx: &mut Cx, class: Value, object: Value) -> PyResult<Value> {
        crate::types::generic_alias::new(cx, class, object)
    }
    #[py("($self, /)")]
    fn __reversed__(cx: &mut Cx, this: &'static MappingProxy) -> PyResult<Value> {
        let key = cx.names().__reversed__;
        let f = attr::get(cx, this.mapping, key)?;
        cx.call(f, &[])
    }
}
