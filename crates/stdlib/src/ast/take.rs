//! `ast` objects to a plain tree, with the checks of types that need the objects.

use taipan_runtime::protocol::{attr, object as any};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::list::List;
use taipan_runtime::types::set::Set;
use taipan_runtime::types::singletons;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::types::{complex, float, int};
use taipan_runtime::{Cx, Object, PyResult, Value, raise};

use super::classes;
use super::schema::{ATTRIBUTES, FieldSpec, Many, NodeSpec, SumSpec, find_sum};

/// A node.
#[derive(Debug)]
pub struct Plain {
    /// Its class.
    pub spec: &'static NodeSpec,
    /// Line, column, end line, end column.
    pub place: [i64; 4],
    /// Its fields, as the class has them.
    pub parts: Vec<Part>,
}

/// A field's value.
#[derive(Debug)]
pub enum Part {
    /// None.
    None,
    /// A node.
    Node(Box<Plain>),
    /// A list.
    List(Vec<Part>),
    /// An identifier or a string: UTF-8 with surrogates.
    Text(Vec<u8>),
    /// An int.
    Int(i64),
    /// A constant.
    Constant(Const),
}

/// A constant.
#[derive(Clone, PartialEq, Debug)]
pub enum Const {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// `...`.
    Ellipsis,
    /// Sign and hexadecimal digits.
    Int(bool, String),
    /// A float.
    Float(f64),
    /// A complex.
    Complex(f64, f64),
    /// A str: UTF-8 with surrogates.
    Str(Vec<u8>),
    /// A bytes.
    Bytes(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Const>),
    /// A frozenset.
    FrozenSet(Vec<Const>),
    /// Something that is no constant, by the name of its type.
    Bad(String),
}

impl Plain {
    /// The field `name`, which the class must have.
    pub fn part(&self, name: &str) -> &Part {
        let at = self.spec.fields.iter().position(|field| field.name == name);
        at.map_or(&Part::None, |at| &self.parts[at])
    }

    /// The node in the field `name`.
    pub fn node(&self, name: &str) -> Option<&Plain> {
        match self.part(name) {
            Part::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The list in the field `name`.
    pub fn list(&self, name: &str) -> &[Part] {
        match self.part(name) {
            Part::List(items) => items,
            _ => &[],
        }
    }

    /// The nodes of the list in the field `name`; Nones are left out.
    pub fn nodes(&self, name: &str) -> impl Iterator<Item = &Plain> {
        self.list(name).iter().filter_map(|part| match part {
            Part::Node(node) => Some(&**node),
            _ => None,
        })
    }

    /// The text in the field `name`.
    pub fn text(&self, name: &str) -> Option<&[u8]> {
        match self.part(name) {
            Part::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The int in the field `name`.
    pub fn int(&self, name: &str) -> i64 {
        match self.part(name) {
            Part::Int(number) => *number,
            _ => 0,
        }
    }
}

/// Copies `object`, an instance of the sum `sum`. May run Python code.
pub fn take(cx: &mut Cx, object: Value, sum: &'static str) -> PyResult<Plain> {
    node(cx, object, find_sum(sum))
}

fn node(cx: &mut Cx, object: Value, sum: &'static SumSpec) -> PyResult<Plain> {
    let mut place = [1, 0, 1, 0];
    if sum.located && !sum.is_product() {
        place = take_place(cx, object, sum.name)?;
    }
    let mut found = None;
    if sum.is_product() {
        found = Some(&sum.nodes[0]);
    } else {
        for spec in &sum.nodes {
            let class = classes::class(cx, spec.name)?;
            if object.is_instance(class) {
                found = Some(spec);
                break;
            }
        }
    }
    let Some(spec) = found else {
        let text = any::repr(cx, object)?;
        return raise!(cx, TypeError, "expected some sort of {}, but got {text}", sum.name);
    };
    let mut parts = Vec::with_capacity(spec.fields.len());
    for field in &spec.fields {
        let text = format!(" while traversing '{}' node", spec.name);
        let part = cx.nested(&text, |cx| take_field(cx, object, spec, field))?;
        parts.push(part);
    }
    if sum.located && sum.is_product() {
        place = take_place(cx, object, sum.name)?;
    }
    Ok(Plain { spec, place, parts })
}

fn get(cx: &mut Cx, object: Value, name: &str) -> PyResult<Option<Value>> {
    let name = cx.intern(name);
    attr::get_optional(cx, object, name)
}

fn take_place(cx: &mut Cx, object: Value, sum: &str) -> PyResult<[i64; 4]> {
    let mut place = [0; 4];
    for (i, name) in ATTRIBUTES.iter().enumerate() {
        let value = get(cx, object, name)?;
        let may_miss = i >= 2 && !matches!(sum, "pattern" | "type_param");
        place[i] = match value {
            None if may_miss => place[i - 2],
            None => return raise!(cx, TypeError, "required field \"{name}\" missing from {sum}"),
            Some(value) if may_miss && value.is_none() => place[i - 2],
            Some(value) => take_int(cx, value)?,
        };
    }
    Ok(place)
}

fn take_int(cx: &mut Cx, value: Value) -> PyResult<i64> {
    if !int::check(value) {
        let text = any::repr(cx, value)?;
        return raise!(cx, ValueError, "invalid integer value: {text}");
    }
    match int::as_i64(value).and_then(|n| i32::try_from(n).ok()) {
        Some(n) => Ok(n.into()),
        None => raise!(cx, OverflowError, "Python int too large to convert to C int"),
    }
}

fn take_field(cx: &mut Cx, object: Value, spec: &'static NodeSpec, field: &FieldSpec) -> PyResult<Part> {
    let (class, name) = (spec.name, field.name);
    let value = match (get(cx, object, name)?, field.many) {
        (Some(value), _) => value,
        (None, Many::List | Many::OptionalList) => return Ok(Part::List(Vec::new())),
        (None, Many::Optional) => return Ok(Part::None),
        (None, Many::One) => return raise!(cx, TypeError, "required field \"{name}\" missing from {class}"),
    };
    match field.many {
        Many::Optional if value.is_none() => Ok(Part::None),
        Many::One | Many::Optional => one(cx, value, field.kind),
        Many::List | Many::OptionalList => {
            let Some(list) = value.downcast::<List>() else {
                let got = value.class().tp_name();
                return raise!(cx, TypeError, "{class} field \"{name}\" must be a list, not a {got}");
            };
            let n = list.len();
            let mut parts = Vec::with_capacity(n);
            for i in 0..n {
                let Some(item) = list.get(i).filter(|_| list.len() == n) else {
                    return raise!(cx, RuntimeError, "{class} field \"{name}\" changed size during iteration");
                };
                parts.push(one(cx, item, field.kind)?);
            }
            Ok(Part::List(parts))
        }
    }
}

fn one(cx: &mut Cx, value: Value, kind: &'static str) -> PyResult<Part> {
    match kind {
        "identifier" => match value.exact::<Str>() {
            Some(s) => Ok(Part::Text(s.to_generalized_utf8().into_owned())),
            None if value.is_none() => Ok(Part::None),
            None => raise!(cx, TypeError, "AST identifier must be of type str"),
        },
        "string" => match value.exact::<Str>() {
            Some(s) => Ok(Part::Text(s.to_generalized_utf8().into_owned())),
            None => match value.exact::<Bytes>() {
                Some(bytes) => Ok(Part::Text(bytes.data().to_vec())),
                None => raise!(cx, TypeError, "AST string must be of type str"),
            },
        },
        "int" => Ok(Part::Int(take_int(cx, value)?)),
        "constant" => Ok(Part::Constant(constant(cx, value)?)),
        _ if value.is_none() => Ok(Part::None),
        sum => Ok(Part::Node(Box::new(node(cx, value, find_sum(sum))?))),
    }
}

fn constant(cx: &mut Cx, value: Value) -> PyResult<Const> {
    let class = value.class();
    let is = |other: &taipan_runtime::typeobj::Type| std::ptr::eq(class, other);
    if value.is_none() {
        return Ok(Const::None);
    }
    if value == Value::bool(true) || value == Value::bool(false) {
        return Ok(Const::Bool(value == Value::bool(true)));
    }
    if is(&singletons::ELLIPSIS_TYPE) {
        return Ok(Const::Ellipsis);
    }
    if is(&int::INT) {
        let spec = cx.str("x");
        let text = cx.call_method_text(value, "__format__", &[spec])?;
        let text = text.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
        return Ok(match text.strip_prefix('-') {
            Some(digits) => Const::Int(true, digits.to_string()),
            None => Const::Int(false, text),
        });
    }
    if is(&float::FLOAT) {
        return Ok(Const::Float(float::as_f64(value).unwrap_or(0.0)));
    }
    if is(complex::Complex::class()) {
        let (re, im) = complex::parts(value).unwrap_or((0.0, 0.0));
        return Ok(Const::Complex(re, im));
    }
    if let Some(s) = value.exact::<Str>() {
        return Ok(Const::Str(s.to_generalized_utf8().into_owned()));
    }
    if let Some(bytes) = value.exact::<Bytes>() {
        return Ok(Const::Bytes(bytes.data().to_vec()));
    }
    if let Some(tuple) = value.exact::<Tuple>() {
        let items = tuple.items().iter().map(|item| cx.nested(" during compilation", |cx| constant(cx, *item)));
        return Ok(Const::Tuple(items.collect::<PyResult<_>>()?));
    }
    if class.name() == "frozenset"
        && let Some(set) = taipan_runtime::types::set::as_set(value)
    {
        return Ok(Const::FrozenSet(set_items(cx, set)?));
    }
    Ok(Const::Bad(class.tp_name()))
}

fn set_items(cx: &mut Cx, set: &'static Set) -> PyResult<Vec<Const>> {
    let (mut items, mut position) = (Vec::new(), 0);
    while let Some((item, _)) = set.next_item(&mut position) {
        items.push(cx.nested(" during compilation", |cx| constant(cx, item))?);
    }
    Ok(items)
}
