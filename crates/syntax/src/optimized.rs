//! What CPython's compiler changes in a tree before it compiles it (`ast.PyCF_OPTIMIZED_AST`): `__debug__`, doc strings with
//! `-OO`, numbers in patterns, and `%` formats of known shape, which become f-strings.

use ruff_text_size::{TextRange, TextSize};

use crate::tree::{Constant, Field, Tree};

/// Optimises a tree for an optimisation level.
pub fn optimize(tree: &mut Tree, level: u8) {
    if level >= 2 && matches!(tree.name, "Module" | "FunctionDef" | "AsyncFunctionDef" | "ClassDef") {
        remove_doc_string(tree);
    }
    for (_, field) in &mut tree.fields {
        optimize_field(field, level);
    }
    match tree.name {
        "Name" if is_debug(tree) => *tree = constant(tree.range, Constant::Bool(level == 0)),
        "MatchValue" => fold_field(tree, "value"),
        "MatchMapping" => fold_field(tree, "keys"),
        "BinOp" => {
            if let Some(joined) = format_of(tree) {
                *tree = joined;
            }
        }
        _ => {}
    }
}

fn optimize_field(field: &mut Field, level: u8) {
    match field {
        Field::Node(node) => optimize(node, level),
        Field::List(items) => items.iter_mut().for_each(|item| optimize_field(item, level)),
        _ => {}
    }
}

fn constant(range: Option<TextRange>, value: Constant) -> Tree {
    Tree::constant(range.unwrap_or_default(), value)
}

fn field<'t>(tree: &'t Tree, name: &str) -> Option<&'t Field> {
    tree.fields.iter().find(|(n, _)| *n == name).map(|(_, field)| field)
}

fn node<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    match field(tree, name) {
        Some(Field::Node(node)) => Some(node),
        _ => None,
    }
}

fn value_of(tree: &Tree) -> Option<&Constant> {
    match field(tree, "value") {
        Some(Field::Constant(value)) if tree.name == "Constant" => Some(value),
        _ => None,
    }
}

fn is_debug(tree: &Tree) -> bool {
    let is_load = node(tree, "ctx").is_some_and(|ctx| ctx.name == "Load");
    is_load && matches!(field(tree, "id"), Some(Field::Name(name)) if name == "__debug__")
}

/// Removes a leading str; `pass` takes the place of an empty body.
fn remove_doc_string(tree: &mut Tree) {
    let is_module = tree.name == "Module";
    let Some((_, Field::List(body))) = tree.fields.iter_mut().find(|(name, _)| *name == "body") else { return };
    let is_doc = |item: &Field| {
        let Field::Node(stmt) = item else { return false };
        let value = node(stmt, "value").and_then(value_of);
        stmt.name == "Expr" && matches!(value, Some(Constant::Str(_)))
    };
    if !body.first().is_some_and(is_doc) {
        return;
    }
    let Field::Node(doc) = body.remove(0) else { return };
    if body.is_empty() && !is_module {
        let start = doc.range.unwrap_or_default().start();
        body.push(Tree::at("Pass", TextRange::at(start, TextSize::new(4)), vec![]).into());
    }
}

// ---- numbers in patterns -------------------------------------------------------------------------------

/// A number: an int (sign, literal), or a complex number with as many parts as were written.
enum Number {
    Int(bool, String),
    Float(f64),
    Imaginary(f64),
    Complex(f64, f64),
}

fn number(tree: &Tree) -> Option<Number> {
    match tree.name {
        "Constant" => match value_of(tree)? {
            Constant::Int(literal) => Some(Number::Int(false, literal.clone())),
            Constant::Float(x) => Some(Number::Float(*x)),
            Constant::Imaginary(x) => Some(Number::Imaginary(*x)),
            _ => None,
        },
        "UnaryOp" if node(tree, "op")?.name == "USub" => Some(match number(node(tree, "operand")?)? {
            Number::Int(negative, literal) => Number::Int(!negative, literal),
            Number::Float(x) => Number::Float(-x),
            // As in -(0 + xj).
            Number::Imaginary(x) => Number::Complex(-0.0, -x),
            Number::Complex(re, im) => Number::Complex(-re, -im),
        }),
        "BinOp" => {
            let sign = match node(tree, "op")?.name {
                "Add" => 1.0,
                "Sub" => -1.0,
                _ => return None,
            };
            let Number::Imaginary(im) = number(node(tree, "right")?)? else { return None };
            let re = match number(node(tree, "left")?)? {
                Number::Int(negative, literal) => {
                    let magnitude: f64 =
                        crate::literals::decimal(crate::literals::int_digits(&literal)).parse().ok()?;
                    if negative && magnitude != 0.0 { -magnitude } else { magnitude }
                }
                Number::Float(x) => x,
                _ => return None,
            };
            Some(Number::Complex(re, sign * im))
        }
        _ => None,
    }
}

fn fold(tree: &mut Tree) {
    if tree.name == "Constant" {
        return;
    }
    let value = match number(tree) {
        Some(Number::Int(true, literal)) => Constant::Negative(literal),
        Some(Number::Int(false, literal)) => Constant::Int(literal),
        Some(Number::Float(x)) => Constant::Float(x),
        Some(Number::Imaginary(x)) => Constant::Imaginary(x),
        Some(Number::Complex(re, im)) => Constant::Complex(re, im),
        None => return,
    };
    *tree = constant(tree.range, value);
}

fn fold_field(tree: &mut Tree, name: &str) {
    match tree.fields.iter_mut().find(|(n, _)| *n == name) {
        Some((_, Field::Node(node))) => fold(node),
        Some((_, Field::List(items))) => {
            for item in items {
                if let Field::Node(node) = item {
                    fold(node);
                }
            }
        }
        _ => {}
    }
}

// ---- formats -------------------------------------------------------------------------------------------

/// A conversion of a format.
struct Conversion {
    /// `s`, `r` or `a`.
    kind: u8,
    /// What becomes the format specification.
    spec: String,
}

/// Reads a conversion behind `%`; what is left follows it.
fn conversion(text: &str) -> Option<(Conversion, &str)> {
    let mut left = false;
    let mut rest = text;
    while let Some(next) = rest.strip_prefix('-') {
        (left, rest) = (true, next);
    }
    if rest.starts_with(['+', ' ', '#', '0', '(', '*']) {
        return None;
    }
    fn digits(text: &str) -> (&str, &str) {
        text.split_at(text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len())
    }
    const MAX_DIGITS: usize = 3;
    let (width, after) = digits(rest);
    let (precision, after) = match after.strip_prefix('.') {
        Some(after) => {
            let (precision, after) = digits(after);
            (Some(precision), after)
        }
        None => (None, after),
    };
    if width.len() > MAX_DIGITS || precision.is_some_and(|p| p.len() > MAX_DIGITS) {
        return None;
    }
    let kind = *after.as_bytes().first()?;
    if !matches!(kind, b's' | b'r' | b'a') {
        return None;
    }
    let mut spec = String::new();
    if !left && !width.is_empty() {
        spec.push('>');
    }
    spec.push_str(width);
    if let Some(precision) = precision {
        spec.push('.');
        spec.push_str(if precision.is_empty() { "0" } else { precision });
    }
    Some((Conversion { kind, spec }, &after[1..]))
}

/// The f-string that does what `'...' % (...)` does; None if only running it can tell.
fn format_of(tree: &Tree) -> Option<Tree> {
    let (left, right) = (node(tree, "left")?, node(tree, "right")?);
    let Constant::Str(bytes) = value_of(left)? else { return None };
    if node(tree, "op")?.name != "Mod" || right.name != "Tuple" {
        return None;
    }
    let Some(Field::List(elts)) = field(right, "elts") else { return None };
    let mut args = Vec::new();
    for elt in elts {
        match elt {
            Field::Node(elt) if elt.name != "Starred" => args.push(elt),
            _ => return None,
        }
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let range = tree.range.unwrap_or_default();
    let (mut values, mut literal, mut rest) = (Vec::new(), String::new(), text);
    let mut args = args.into_iter();
    let flush = |literal: &mut String, values: &mut Vec<Field>| {
        if !literal.is_empty() {
            let text = std::mem::take(literal).into_bytes();
            values.push(Tree::constant(range, Constant::Str(text)).into());
        }
    };
    while let Some(at) = rest.find('%') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            literal.push('%');
            rest = after;
            continue;
        }
        let (found, after) = conversion(rest)?;
        rest = after;
        flush(&mut literal, &mut values);
        let spec = match found.spec.is_empty() {
            true => Field::None,
            false => Tree::constant(range, Constant::Str(found.spec.into_bytes())).into(),
        };
        let arg = args.next()?;
        let fields = vec![
            ("value", Field::Node(arg.clone())),
            ("conversion", Field::Int(found.kind.into())),
            ("format_spec", spec),
        ];
        values.push(Tree::at("FormattedValue", arg.range.unwrap_or(range), fields).into());
    }
    literal.push_str(rest);
    flush(&mut literal, &mut values);
    match args.next() {
        None => Some(Tree::at("JoinedStr", range, vec![("values", Field::List(values))])),
        Some(_) => None,
    }
}
