//! `ast.AST`: construction, repr, pickling and replacement of nodes, and the classes below it.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::native::Args;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{attr, iter, object as any, warn};
use taipan_runtime::shape::Attrs;
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::generic_alias::GenericAlias;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::union::Union;
use taipan_runtime::{Cx, PyResult, Value, object, raise};

use super::classes;

/// A node: its fields and attributes are ordinary attributes.
#[repr(C)]
pub struct Node {
    header: Header,
}
object!(Node, AST);

/// The base class of nodes.
pub static AST: Type = Type::new(&AST_SPEC);
static AST_SPEC: TypeSpec = TypeSpec {
    name: "ast.AST",
    basicsize: std::mem::size_of::<Node>(),
    flags: flags::BASETYPE,
    attrs: true,
    weakrefs: true,
    slots: Slots { repr: Some(repr), init: Some(init), new: Some(new), ..Slots::NONE },
    methods: &[Node::METHODS],
    ..TypeSpec::DEFAULT
};

impl Node {
    /// A new node without any field. May collect.
    pub fn make(cx: &mut Cx, class: &'static Type) -> Value {
        Value::of(cx.alloc_of(class, Node { header: Header::fresh(class) }))
    }
}

fn new(cx: &mut Cx, class: &'static Type, _args: Args) -> PyResult<Value> {
    Ok(Node::make(cx, class))
}

/// The names in the tuple `_fields` (or `_attributes`) of a class; empty without it.
fn names_of(cx: &mut Cx, class: &'static Type, key: &str) -> PyResult<&'static List> {
    let key = cx.intern(key);
    match attr::get_optional(cx, Value::of(class), key)? {
        None => Ok(List::new(cx)),
        Some(names) => {
            any::len(cx, names)?;
            iter::to_list(cx, names)
        }
    }
}

fn position_of(cx: &mut Cx, names: &'static List, name: Value) -> PyResult<Option<usize>> {
    let mut i = 0;
    while let Some(other) = names.get(i) {
        if taipan_runtime::protocol::compare::equal(cx, other, name)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

/// A name as a str, for attributes.
fn name_str(cx: &mut Cx, name: Value) -> PyResult<&'static Str> {
    match name.downcast::<Str>() {
        Some(s) => Ok(cx.intern_value(s)),
        None => raise!(cx, TypeError, "attribute name must be string, not '{}'", name.class().name()),
    }
}

fn init(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    let class = v.class();
    let fields = names_of(cx, class, "_fields")?;
    let given = args.pos();
    if fields.len() < given.len() {
        let (name, n) = (class.name(), fields.len());
        let s = if n == 1 { "" } else { "s" };
        return raise!(cx, TypeError, "{name} constructor takes at most {n} positional argument{s}");
    }
    let mut is_set = vec![false; fields.len()];
    for (i, value) in given.iter().enumerate() {
        if let Some(field) = fields.get(i) {
            let name = name_str(cx, field)?;
            attr::set(cx, v, name, Some(*value))?;
            is_set[i] = true;
        }
    }
    let mut attributes = None;
    for (name, value) in args.keywords() {
        match position_of(cx, fields, Value::of(name))? {
            Some(i) if is_set[i] => {
                let (class, name) = (class.tp_name(), any::repr(cx, Value::of(name))?);
                return raise!(cx, TypeError, "{class} got multiple values for argument {name}");
            }
            Some(i) => is_set[i] = true,
            None => {
                let known = match attributes {
                    Some(known) => known,
                    None => *attributes.insert(names_of(cx, class, "_attributes")?),
                };
                if position_of(cx, known, Value::of(name))?.is_none() {
                    let (class, name) = (class.tp_name(), any::repr(cx, Value::of(name))?);
                    let text = format!(
                        "{class}.__init__ got an unexpected keyword argument {name}. Support for arbitrary keyword \
                         arguments is deprecated and will be removed in Python 3.15."
                    );
                    warn::deprecation(cx, &text)?;
                }
            }
        }
        let name = cx.intern_value(name);
        attr::set(cx, v, name, Some(value))?;
    }
    if is_set.contains(&false) {
        fill_missing(cx, v, fields, &is_set)?;
    }
    Ok(())
}

/// Gives the fields that were not given their default: lists are empty, contexts `Load()`, optional ones stay unset
/// (the class has None for them).
fn fill_missing(cx: &mut Cx, v: Value, fields: &'static List, is_set: &[bool]) -> PyResult<()> {
    let class = v.class();
    let key = cx.intern("_field_types");
    let Some(types) = attr::get_optional(cx, Value::of(class), key)? else { return Ok(()) };
    let Some(types) = types.downcast::<Dict>() else {
        return raise!(cx, TypeError, "{}._field_types is not a dict", class.tp_name());
    };
    for i in (0..is_set.len()).filter(|i| !is_set[*i]) {
        let Some(field) = fields.get(i) else { break };
        let Some(kind) = types.get(cx, field)? else {
            let (class, field) = (class.tp_name(), any::repr(cx, field)?);
            let text = format!(
                "Field {field} is missing from {class}._field_types. This will become an error in Python 3.15."
            );
            warn::deprecation(cx, &text)?;
            continue;
        };
        let name = name_str(cx, field)?;
        if kind.exact::<Union>().is_some() {
            continue;
        } else if kind.exact::<GenericAlias>().is_some() {
            let list = List::new(cx);
            attr::set(cx, v, name, Some(Value::of(list)))?;
        } else if kind == classes::class_value(cx, "expr_context")? {
            let load = classes::singleton(cx, "Load")?;
            attr::set(cx, v, name, Some(load))?;
        } else {
            let (class, field) = (class.tp_name(), any::repr(cx, field)?);
            let text = format!(
                "{class}.__init__ missing 1 required positional argument: {field}. This will become an error in \
                 Python 3.15."
            );
            warn::deprecation(cx, &text)?;
        }
    }
    Ok(())
}

/// Nodes that deep in a repr are shown as `Name(...)`.
const REPR_DEPTH: usize = 3;

fn repr(cx: &mut Cx, v: Value) -> PyResult<Value> {
    let mut out = Vec::new();
    repr_node(cx, v, REPR_DEPTH, &mut out)?;
    Ok(Value::of(Str::from_generalized_utf8(cx, &out)))
}

fn repr_node(cx: &mut Cx, v: Value, depth: usize, out: &mut Vec<u8>) -> PyResult<()> {
    let class = v.class();
    let name = class.tp_name();
    if depth == 0 {
        out.extend(format!("{name}(...)").bytes());
        return Ok(());
    }
    if !any::enter_repr(cx, v) {
        out.extend(format!("{name}(...)").bytes());
        return Ok(());
    }
    let result = repr_fields(cx, v, &name, depth, out);
    any::leave_repr(cx);
    result
}

fn repr_fields(cx: &mut Cx, v: Value, class_name: &str, depth: usize, out: &mut Vec<u8>) -> PyResult<()> {
    let fields = names_of(cx, v.class(), "_fields")?;
    out.extend(format!("{class_name}(").bytes());
    let mut i = 0;
    while let Some(field) = fields.get(i) {
        let name = name_str(cx, field)?;
        let value = attr::get(cx, v, name)?;
        if i > 0 {
            out.extend(b", ");
        }
        out.extend(name.to_generalized_utf8().iter());
        out.push(b'=');
        let sequence = if let Some(list) = value.exact::<List>() {
            Some((b"[]", list.items().first().copied(), list.items().last().copied(), list.len()))
        } else if let Some(tuple) = value.exact::<Tuple>() {
            Some((b"()", tuple.items().first().copied(), tuple.items().last().copied(), tuple.len()))
        } else {
            None
        };
        match sequence {
            None => repr_item(cx, value, depth, out)?,
            Some((brackets, first, last, n)) => {
                out.push(brackets[0]);
                if let Some(first) = first {
                    repr_item(cx, first, depth, out)?;
                }
                if n > 2 {
                    out.extend(b", ...");
                }
                if let Some(last) = last.filter(|_| n > 1) {
                    out.extend(b", ");
                    repr_item(cx, last, depth, out)?;
                }
                out.push(brackets[1]);
            }
        }
        i += 1;
    }
    out.push(b')');
    Ok(())
}

fn repr_item(cx: &mut Cx, item: Value, depth: usize, out: &mut Vec<u8>) -> PyResult<()> {
    if item.is_instance(&AST) {
        return repr_node(cx, item, depth - 1, out);
    }
    let text = any::repr(cx, item)?;
    out.extend(text.to_generalized_utf8().iter());
    Ok(())
}

/// The attributes of a node as a dict: the live `__dict__`.
fn dict_of(cx: &mut Cx, v: Value) -> PyResult<&'static Dict> {
    match Attrs::of(v) {
        Some(attrs) => Ok(attrs.materialize(cx)),
        None => raise!(cx, TypeError, "{} has no __dict__", v.class().tp_name()),
    }
}

#[pymethods]
impl Node {
    #[py("($self, /)")]
    fn __reduce__(cx: &mut Cx, this: Value) -> PyResult<Value> {
        let dict = dict_of(cx, this)?;
        // Fields go as positional arguments, so that construction from a pickle does not miss them.
        let fields = names_of(cx, this.class(), "_fields")?;
        let mut count = 0;
        while let Some(field) = fields.get(count) {
            if dict.get(cx, field)?.is_none() {
                break;
            }
            count += 1;
        }
        let nones = vec![Value::none(); count];
        let args = Value::of(Tuple::new(cx, &nones));
        Ok(Value::of(Tuple::new(cx, &[Value::of(this.class()), args, Value::of(dict)])))
    }

    /// Return a copy of the AST node with new values for the specified fields.
    #[py("($self, /, **fields)", raw)]
    fn __replace__(cx: &mut Cx, args: Args) -> PyResult<Value> {
        let this = args.values()[0];
        if args.pos().len() > 1 {
            return raise!(cx, TypeError, "__replace__() takes no positional arguments");
        }
        replace(cx, this, args.rest())
    }
}

fn replace(cx: &mut Cx, this: Value, changes: Args) -> PyResult<Value> {
    let class = this.class();
    let fields = names_of(cx, class, "_fields")?;
    let attributes = names_of(cx, class, "_attributes")?;
    let dict = dict_of(cx, this)?.copy(cx);
    for (name, _) in changes.keywords() {
        let known = position_of(cx, fields, Value::of(name))?.is_some()
            || position_of(cx, attributes, Value::of(name))?.is_some();
        if !known {
            let (class, name) = (class.tp_name(), any::repr(cx, Value::of(name))?);
            return raise!(cx, TypeError, "{class}.__replace__ got an unexpected keyword argument {name}.");
        }
    }
    let mut missing = Vec::new();
    for i in 0..fields.len() {
        let Some(field) = fields.get(i) else { break };
        let given = changes.keywords().any(|(name, _)| field.downcast::<Str>().is_some_and(|f| f.eq_str(name)));
        let field_name = name_str(cx, field)?;
        if !given && dict.get(cx, field)?.is_none() && attr::get_optional(cx, Value::of(class), field_name)?.is_none() {
            missing.push(any::repr(cx, field)?.to_string_lossy());
        }
    }
    if !missing.is_empty() {
        let (n, class, names) = (missing.len(), class.name(), missing.join(", "));
        let s = if n == 1 { "" } else { "s" };
        return raise!(cx, TypeError, "{class}.__replace__ missing {n} keyword argument{s}: {names}.");
    }
    for (name, value) in changes.keywords() {
        dict.set(cx, Value::of(name), value)?;
    }
    construct(cx, class, dict)
}

/// `class(**fields)`.
fn construct(cx: &mut Cx, class: &'static Type, fields: &'static Dict) -> PyResult<Value> {
    let (names, values) = (List::new(cx), List::new(cx));
    let mut position = 0;
    while let Some((name, value)) = fields.next_item(&mut position) {
        names.push(cx, name);
        values.push(cx, value);
    }
    let kwnames = Tuple::new(cx, names.items());
    let values = Tuple::new(cx, values.items());
    cx.call_args(Value::of(class), Args::new(values.items(), Some(kwnames)))
}
