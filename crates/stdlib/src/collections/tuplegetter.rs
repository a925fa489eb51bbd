//! _tuplegetter: the descriptor behind the fields of named tuples.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{number, object, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::support::exact_args;

/// Reads item `index` of a tuple.
#[repr(C)]
pub struct TupleGetter {
    header: Header,
    /// The index.
    pub index: isize,
    doc: Cell<Value>,
}
taipan_runtime::object!(TupleGetter, TUPLEGETTER);
trace_values!(trace_getter, TupleGetter, |t| [t.doc.get()]);

/// The type `collections._tuplegetter`.
pub static TUPLEGETTER: Type = Type::new(&TUPLEGETTER_SPEC);
static TUPLEGETTER_SPEC: TypeSpec = TypeSpec {
    name: "collections._tuplegetter",
    basicsize: std::mem::size_of::<TupleGetter>(),
    flags: flags::HAVE_GC,
    trace: Some(trace_getter),
    slots: Slots { new: Some(new), descr_get: Some(get), descr_set: Some(set), repr: Some(repr), ..Slots::NONE },
    methods: &[TupleGetter::METHODS],
    getsets: &[TupleGetter::GETSETS],
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static TupleGetter {
    // SAFETY: slots are called with these descriptors.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let [index, doc] = exact_args(cx, "_tuplegetter", args, false)?;
    let index = number::to_isize(cx, index)?;
    Ok(Value::of(cx.alloc_of(class, TupleGetter { header: Header::fresh(class), index, doc: Cell::new(doc) })))
}

fn get(cx: &mut Cx, v: Value, obj: Option<Value>, _: Option<Value>) -> PyResult<Value> {
    let this = of(v);
    let Some(obj) = obj else { return Ok(v) };
    let Some(tuple) = obj.downcast::<Tuple>() else {
        if obj.is_none() {
            return Ok(v);
        }
        let (index, got) = (this.index, obj.class().tp_name());
        return raise!(
            cx,
            TypeError,
            "descriptor for index '{index}' for tuple subclasses doesn't apply to '{got}' object"
        );
    };
    match usize::try_from(this.index).ok().and_then(|i| tuple.items().get(i)) {
        Some(item) => Ok(*item),
        None => raise!(cx, IndexError, "tuple index out of range"),
    }
}

fn set(cx: &mut Cx, _: Value, _: Value, value: Option<Value>) -> PyResult<()> {
    match value {
        Some(_) => raise!(cx, AttributeError, "can't set attribute"),
        None => raise!(cx, AttributeError, "can't delete attribute"),
    }
}

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let mut text = sequence::ReprText::default();
    text.push(&format!("_tuplegetter({}, ", of(v).index));
    let doc = object::repr(cx, of(v).doc.get())?;
    text.push_str(doc);
    text.push(")");
    text.finish(cx)
}

#[pymethods]
impl TupleGetter {
    /// Return state information for pickling.
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: &'static TupleGetter) -> Value {
        let index = cx.int(this.index as i64);
        let args = Value::of(Tuple::new(cx, &[index, this.doc.get()]));
        Value::of(Tuple::new(cx, &[Value::of(&TUPLEGETTER), args]))
    }

    #[getter("__doc__")]
    fn get_doc(_cx: &mut Cx, this: &'static TupleGetter) -> Value {
        this.doc.get()
    }

    #[setter("__doc__")]
    fn set_doc(cx: &mut Cx, this: &'static TupleGetter, value: Option<Value>) -> PyResult<()> {
        this.doc.set(value.unwrap_or(Value::none()));
        cx.barrier(this);
        Ok(())
    }
}
