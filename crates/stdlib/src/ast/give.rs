//! Parsed source to `ast` objects.

use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::complex;
use taipan_runtime::types::list::List;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value};
use taipan_syntax::source::Lines;
use taipan_syntax::tree::{Constant, Field, Tree};

use super::classes;
use super::node::Node;
use super::schema::ATTRIBUTES;

/// Makes objects of a tree.
pub struct Giver<'s> {
    /// Lines of the source.
    pub lines: Lines<'s>,
}

impl Giver<'_> {
    /// The node. May collect.
    pub fn node(&self, cx: &mut Cx, tree: &Tree) -> PyResult<Value> {
        if tree.fields.is_empty() && tree.range.is_none() {
            let name = cx.intern(&format!("{}()", tree.name));
            if let Some(shared) = classes::table(cx)?.get_str(name) {
                return Ok(shared);
            }
        }
        let class = classes::class(cx, tree.name)?;
        let node = Node::make(cx, class);
        for (name, field) in &tree.fields {
            let value = cx.nested(" during ast construction", |cx| self.field(cx, field))?;
            let name = cx.intern(name);
            classes::set_field(cx, node, name, value)?;
        }
        if let Some(range) = tree.range {
            let (line, col) = self.lines.position(range.start().to_usize());
            let (end_line, end_col) = self.lines.position(range.end().to_usize());
            for (name, number) in ATTRIBUTES.iter().zip([line, col, end_line, end_col]) {
                let name = cx.intern(name);
                classes::set_field(cx, node, name, Value::small(number.into()))?;
            }
        }
        Ok(node)
    }

    fn field(&self, cx: &mut Cx, field: &Field) -> PyResult<Value> {
        match field {
            Field::None => Ok(Value::none()),
            Field::Node(tree) => self.node(cx, tree),
            Field::List(items) => {
                let list = List::with_capacity(cx, items.len());
                for item in items {
                    let item = self.field(cx, item)?;
                    list.push(cx, item);
                }
                Ok(Value::of(list))
            }
            Field::Name(name) => Ok(Value::of(cx.intern(name))),
            Field::Int(number) => Ok(cx.int(*number)),
            Field::Constant(constant) => constant_value(cx, constant),
        }
    }
}

fn constant_value(cx: &mut Cx, constant: &Constant) -> PyResult<Value> {
    Ok(match constant {
        Constant::None => Value::none(),
        Constant::Bool(b) => Value::bool(*b),
        Constant::Ellipsis => Value::ellipsis(),
        Constant::Int(literal) => return classes::int_of_literal(cx, literal),
        Constant::Float(d) => cx.float(*d),
        Constant::Negative(literal) => {
            let magnitude = classes::int_of_literal(cx, literal)?;
            return taipan_runtime::types::int::neg(cx, magnitude);
        }
        Constant::Complex(re, im) => complex::new(cx, *re, *im),
        Constant::Imaginary(d) => complex::new(cx, 0.0, *d),
        Constant::Str(bytes) => Value::of(Str::from_generalized_utf8(cx, bytes)),
        Constant::Bytes(bytes) => Value::of(Bytes::new(cx, bytes)),
    })
}
