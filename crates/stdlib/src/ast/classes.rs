//! The classes of nodes, made once from the grammar.

use taipan_runtime::dict::Dict;
use taipan_runtime::protocol::number;
use taipan_runtime::typeobj::Type;
use taipan_runtime::types::class_creation::new_class;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{int, list_methods, object, str_methods, type_, typing, union};
use taipan_runtime::{Args, Cx, PyResult, Value};

use super::node::{AST, Node};
use super::schema::{self, ATTRIBUTES, FieldSpec, Many};
use crate::state::{self, Slot};

/// All classes by name; singletons by name with `()`. Made when first asked for. May collect.
pub fn table(cx: &mut Cx) -> PyResult<&'static Dict> {
    if let Some(found) = state::get(cx, Slot::AstTypes).and_then(|v| v.exact::<Dict>()) {
        return Ok(found);
    }
    let table = Dict::new(cx);
    make_all(cx, table)?;
    state::set(cx, Slot::AstTypes, Value::of(table));
    Ok(table)
}

/// The class with this name. May collect.
pub fn class_value(cx: &mut Cx, name: &str) -> PyResult<Value> {
    let table = table(cx)?;
    let key = cx.intern(name);
    Ok(table.get_str(key).expect("a name of the grammar"))
}

/// The class with this name. May collect.
pub fn class(cx: &mut Cx, name: &str) -> PyResult<&'static Type> {
    let value = class_value(cx, name)?;
    Ok(value.downcast::<Type>().expect("a class"))
}

/// The one instance that trees share of a class without fields. May collect.
pub fn singleton(cx: &mut Cx, name: &str) -> PyResult<Value> {
    class_value(cx, &format!("{name}()"))
}

fn names(cx: &mut Cx, names: &[&str]) -> Value {
    let list = List::new(cx);
    for name in names {
        let name = Value::of(cx.intern(name));
        list.push(cx, name);
    }
    Value::of(Tuple::new(cx, list.items()))
}

fn put(cx: &mut Cx, dict: &'static Dict, key: &str, value: Value) {
    let key = cx.intern(key);
    dict.set_str(cx, key, value);
}

fn make_all(cx: &mut Cx, table: &'static Dict) -> PyResult<()> {
    cx.ready_type(&AST);
    let empty = names(cx, &[]);
    for key in ["_fields", "__match_args__", "_attributes"] {
        let key = cx.intern(key);
        cx.set_type_attr(&AST, key, empty)?;
    }
    put(cx, table, "AST", Value::of(&AST));
    for sum in schema::sums() {
        let namespace = Dict::new(cx);
        let attributes = names(cx, if sum.located { &ATTRIBUTES } else { &[] });
        put(cx, namespace, "_attributes", attributes);
        let base = if sum.is_product() {
            make_node(cx, table, namespace, &sum.nodes[0], &AST)?
        } else {
            put(cx, namespace, "_fields", empty);
            put(cx, namespace, "__match_args__", empty);
            let doc = cx.str(&sum.doc());
            make(cx, table, namespace, sum.name, &doc, &AST)?
        };
        // Patterns and type parameters always say where they end.
        if sum.located && !matches!(sum.name, "pattern" | "type_param") {
            for key in &ATTRIBUTES[2..] {
                let key = cx.intern(key);
                cx.set_type_attr(base, key, Value::none())?;
            }
        }
        if sum.is_product() {
            continue;
        }
        for node in &sum.nodes {
            let namespace = Dict::new(cx);
            let class = make_node(cx, table, namespace, node, base)?;
            let shared = matches!(sum.name, "expr_context" | "boolop" | "operator" | "unaryop" | "cmpop");
            if shared {
                let instance = Node::make(cx, class);
                put(cx, table, &format!("{}()", node.name), instance);
            }
        }
    }
    set_field_types(cx, table)
}

fn make_node(
    cx: &mut Cx,
    table: &'static Dict,
    namespace: &'static Dict,
    node: &'static schema::NodeSpec,
    base: &'static Type,
) -> PyResult<&'static Type> {
    let fields: Vec<&str> = node.fields.iter().map(|field| field.name).collect();
    let fields = names(cx, &fields);
    put(cx, namespace, "_fields", fields);
    put(cx, namespace, "__match_args__", fields);
    for field in node.fields.iter().filter(|field| field.many == Many::Optional) {
        put(cx, namespace, field.name, Value::none());
    }
    let doc = cx.str(node.doc);
    make(cx, table, namespace, node.name, &doc, base)
}

fn make(
    cx: &mut Cx,
    table: &'static Dict,
    namespace: &'static Dict,
    name: &str,
    doc: &Value,
    base: &'static Type,
) -> PyResult<&'static Type> {
    put(cx, namespace, "__doc__", *doc);
    let module = cx.str("ast");
    put(cx, namespace, "__module__", module);
    let name = cx.intern(name);
    let bases = Tuple::new(cx, &[Value::of(base)]);
    let class = new_class(cx, &type_::TYPE, name, bases, namespace, Args::positional(&[]))?;
    table.set_str(cx, name, Value::of(class));
    Ok(class)
}

/// Sets `_field_types`, which need all classes.
fn set_field_types(cx: &mut Cx, table: &'static Dict) -> PyResult<()> {
    for node in schema::sums().iter().flat_map(|sum| &sum.nodes) {
        let types = Dict::new(cx);
        for field in &node.fields {
            let kind = field_type(cx, table, field)?;
            put(cx, types, field.name, kind);
        }
        let key = cx.intern(node.name);
        let class = table.get_str(key).and_then(|v| v.downcast::<Type>()).expect("made before");
        for key in ["_field_types", "__annotations_cache__"] {
            let key = cx.intern(key);
            cx.set_type_attr(class, key, Value::of(types))?;
        }
    }
    Ok(())
}

fn field_type(cx: &mut Cx, table: &'static Dict, field: &FieldSpec) -> PyResult<Value> {
    let kind = match field.kind {
        "identifier" | "string" => Value::of(&str_methods::STR),
        "int" => Value::of(&int::INT),
        "constant" => Value::of(&object::OBJECT),
        other => {
            let key = cx.intern(other);
            table.get_str(key).expect("a name of the grammar")
        }
    };
    match field.many {
        Many::One => Ok(kind),
        Many::Optional => union::or(cx, kind, Value::none()),
        Many::List | Many::OptionalList => {
            let args = Value::of(Tuple::new(cx, &[kind]));
            typing::new_generic_alias(cx, Value::of(&list_methods::LIST), args)
        }
    }
}

/// Sets a field of a node that has just been made.
pub fn set_field(cx: &mut Cx, node: Value, name: &'static Str, value: Value) -> PyResult<()> {
    taipan_runtime::protocol::attr::generic_set(cx, node, name, Some(value))
}

/// An int from its literal in a source. May collect.
pub fn int_of_literal(cx: &mut Cx, literal: &str) -> PyResult<Value> {
    if let Ok(small) = literal.parse::<i64>() {
        return Ok(cx.int(small));
    }
    let text = cx.str(literal);
    let value = cx.call(Value::of(&int::INT), &[text, Value::small(0)])?;
    number::index(cx, value)
}
