//! `Row`: a tuple whose items have names.

use std::cell::Cell;

use taipan_macros::pymethods;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{hash, iter, number, object as protocol};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, exceptions, object, raise, trace_values};

use crate::cursor::{CURSOR, Cursor};

/// A row.
#[repr(C)]
pub struct Row {
    header: Header,
    data: Cell<&'static Tuple>,
    description: Cell<Value>,
}
object!(Row, ROW);
trace_values!(trace_row, Row, |t| [Value::of(t.data.get()), t.description.get()]);

/// The type `Row`.
pub static ROW: Type = Type::new(&SPEC);
static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Row",
    basicsize: std::mem::size_of::<Row>(),
    flags: flags::BASETYPE | flags::HAVE_GC,
    trace: Some(trace_row),
    slots: Slots {
        new: Some(new),
        hash: Some(hash_row),
        richcompare: Some(richcompare),
        iter: Some(|cx, v| iter::iter(cx, Value::of(of(v).data.get()))),
        len: Some(|_, v| Ok(of(v).data.get().len())),
        getitem: Some(getitem),
        ..Slots::NONE
    },
    methods: &[Row::METHODS],
    ..TypeSpec::DEFAULT
};

fn of(v: Value) -> &'static Row {
    // SAFETY: slots are called with instances of their type.
    unsafe { v.cast() }
}

fn new(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    args.no_keywords(cx, "Row")?;
    let &[cursor, data] = args.pos() else {
        return raise!(cx, TypeError, "Row expected 2 arguments, got {}", args.pos().len());
    };
    let Some(cursor) = cursor.downcast::<Cursor>() else {
        let (expected, got) = (CURSOR.tp_name(), cursor.class().tp_name());
        return raise!(cx, TypeError, "Row() argument 1 must be {expected}, not {got}");
    };
    let Some(data) = data.downcast::<Tuple>() else {
        return raise!(cx, TypeError, "Row() argument 2 must be tuple, not {}", data.class().tp_name());
    };
    let description = cursor.description.get();
    let row = Row { header: Header::fresh(class), data: Cell::new(data), description: Cell::new(description) };
    Ok(Value::of(cx.alloc_of(class, row)))
}

impl Row {
    /// The columns' names.
    fn names(&self) -> impl Iterator<Item = Value> + use<> {
        let description = self.description.get().downcast::<Tuple>().map_or(&[][..], |d| d.items());
        description.iter().filter_map(|column| column.downcast::<Tuple>()?.items().first().copied())
    }
}

/// Equal without regard to the case of ASCII letters.
fn is_same(a: &Str, b: &Str) -> bool {
    let lower = |c: u32| if (65..=90).contains(&c) { c + 32 } else { c };
    a.len() == b.len() && a.chars().zip(b.chars()).all(|(x, y)| lower(x) == lower(y))
}

fn getitem(cx: &mut Cx, v: Value, key: Value) -> PyResult<Value> {
    let this = of(v);
    let data = this.data.get();
    if let Some(name) = key.downcast::<Str>() {
        let at = this.names().position(|n| n.downcast::<Str>().is_some_and(|n| is_same(n, name)));
        return match at.and_then(|i| data.items().get(i)) {
            Some(item) => Ok(*item),
            None if this.description.get().is_none() => Err(cx.raise_value(&exceptions::IndexError, key)),
            None => raise!(cx, IndexError, "No item with that key"),
        };
    }
    if int::check(key) {
        let mut i = number::to_isize(cx, key);
        if i.is_err() && cx.exception_matches(&exceptions::OverflowError) {
            cx.take_exception();
            i = Err(cx.raise_text(&exceptions::IndexError, "cannot fit 'int' into an index-sized integer"));
        }
        let i = i?;
        return match taipan_runtime::protocol::sequence::resolve(i, data.len()) {
            Some(i) => Ok(data.items()[i]),
            None => raise!(cx, IndexError, "tuple index out of range"),
        };
    }
    if key.exact::<Slice>().is_some() {
        return protocol::get_item(cx, Value::of(data), key);
    }
    raise!(cx, IndexError, "Index must be int or string")
}

fn hash_row(cx: &mut Cx, v: Value) -> PyResult<i64> {
    let this = of(v);
    let h = hash::hash(cx, this.description.get())? ^ hash::hash(cx, Value::of(this.data.get()))?;
    Ok(if h == -1 { -2 } else { h })
}

fn richcompare(cx: &mut Cx, a: Value, b: Value, op: CmpOp) -> PyResult<Value> {
    let (Some(a), Some(b)) = (a.downcast::<Row>(), b.downcast::<Row>()) else { return Ok(Value::not_implemented()) };
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return Ok(Value::not_implemented());
    }
    if !compare::equal(cx, a.description.get(), b.description.get())? {
        return Ok(Value::bool(op == CmpOp::Ne));
    }
    compare::rich(cx, Value::of(a.data.get()), Value::of(b.data.get()), op)
}

#[pymethods]
impl Row {
    /// Returns the keys of the row.
    #[py("($self, /)")]
    fn keys(cx: &mut Cx, this: &'static Row) -> &'static List {
        let list = List::new(cx);
        for name in this.names() {
            list.push(cx, name);
        }
        list
    }
}
