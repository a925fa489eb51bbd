//! Validation of a plain tree: what CPython checks before it compiles a tree that Python code made.

use super::schema::Many;
use super::take::{Const, Part, Plain};

/// What is wrong.
#[derive(Debug)]
pub struct Problem {
    /// The message.
    pub text: String,
    /// TypeError instead of ValueError.
    pub is_type_error: bool,
}

/// Result of a check.
pub type Res<T = ()> = Result<T, Problem>;

/// A ValueError.
pub fn value_error<T>(text: impl Into<String>) -> Res<T> {
    Err(Problem { text: text.into(), is_type_error: false })
}

/// A TypeError.
pub fn type_error<T>(text: impl Into<String>) -> Res<T> {
    Err(Problem { text: text.into(), is_type_error: true })
}

/// Checks a whole tree.
pub fn check(tree: &Plain) -> Res {
    required(tree)?;
    match tree.spec.name {
        "Expression" => tree.node("body").map_or(Ok(()), |body| expr(body, "Load")),
        "FunctionType" => type_error("FunctionType is not a mode of compile()"),
        _ => stmts(tree, "body"),
    }
}

/// Fields that may not be None are not.
fn required(node: &Plain) -> Res {
    for (field, part) in node.spec.fields.iter().zip(&node.parts) {
        let (name, class) = (field.name, node.spec.name);
        match (part, field.many) {
            (Part::None, Many::One) => return value_error(format!("field '{name}' is required for {class}")),
            (Part::List(items), Many::List) if items.iter().any(|item| matches!(item, Part::None)) => {
                return match field.kind {
                    "stmt" => value_error("None disallowed in statement list"),
                    "expr" => value_error("None disallowed in expression list"),
                    kind => value_error(format!("None disallowed in {kind} list")),
                };
            }
            _ => {}
        }
    }
    Ok(())
}

fn place(node: &Plain) -> Res {
    let [line, col, end_line, end_col] = node.place;
    if line > end_line {
        return value_error(format!("AST node line range ({line}, {end_line}) is not valid"));
    }
    if line < 0 && end_line != line || col < 0 && col != end_col {
        return value_error(format!(
            "AST node column range ({col}, {end_col}) for line range ({line}, {end_line}) is not valid"
        ));
    }
    if line == end_line && col > end_col {
        return value_error(format!("line {line}, column {col}-{end_col} is not a valid range"));
    }
    Ok(())
}

fn name(text: Option<&[u8]>) -> Res {
    match text {
        Some(text @ (b"None" | b"True" | b"False")) => {
            let text = String::from_utf8_lossy(text);
            value_error(format!("identifier field can't represent '{text}' constant"))
        }
        _ => Ok(()),
    }
}

fn not_empty(node: &Plain, field: &str) -> Res {
    match node.list(field) {
        [] => value_error(format!("empty {field} on {}", node.spec.name)),
        _ => Ok(()),
    }
}

fn stmts(node: &Plain, field: &str) -> Res {
    node.nodes(field).try_for_each(stmt)
}

fn body(node: &Plain) -> Res {
    not_empty(node, "body")?;
    stmts(node, "body")
}

fn exprs(node: &Plain, field: &str, context: &str) -> Res {
    node.nodes(field).try_for_each(|item| expr(item, context))
}

fn optional(node: &Plain, field: &str) -> Res {
    one(node, field, "Load")
}

fn one(node: &Plain, field: &str, context: &str) -> Res {
    node.node(field).map_or(Ok(()), |item| expr(item, context))
}

fn type_params(node: &Plain) -> Res {
    for param in node.nodes("type_params") {
        required(param)?;
        place(param)?;
        name(param.text("name"))?;
        optional(param, "bound")?;
        optional(param, "default_value")?;
    }
    Ok(())
}

fn keywords(node: &Plain) -> Res {
    for keyword in node.nodes("keywords") {
        required(keyword)?;
        place(keyword)?;
        optional(keyword, "value")?;
    }
    Ok(())
}

fn arg(node: &Plain) -> Res {
    required(node)?;
    place(node)?;
    optional(node, "annotation")
}

fn arguments(node: &Plain) -> Res {
    let Some(args) = node.node("args") else { return Ok(()) };
    required(args)?;
    for field in ["posonlyargs", "args", "kwonlyargs"] {
        args.nodes(field).try_for_each(arg)?;
    }
    for field in ["vararg", "kwarg"] {
        args.node(field).map_or(Ok(()), arg)?;
    }
    if args.list("defaults").len() > args.list("posonlyargs").len() + args.list("args").len() {
        return value_error("more positional defaults than args on arguments");
    }
    if args.list("kw_defaults").len() != args.list("kwonlyargs").len() {
        return value_error("length of kwonlyargs is not the same as kw_defaults on arguments");
    }
    exprs(args, "defaults", "Load")?;
    exprs(args, "kw_defaults", "Load")
}

fn stmt(node: &Plain) -> Res {
    required(node)?;
    place(node)?;
    match node.spec.name {
        "FunctionDef" | "AsyncFunctionDef" => {
            body(node)?;
            type_params(node)?;
            arguments(node)?;
            exprs(node, "decorator_list", "Load")?;
            optional(node, "returns")
        }
        "ClassDef" => {
            body(node)?;
            type_params(node)?;
            exprs(node, "bases", "Load")?;
            keywords(node)?;
            exprs(node, "decorator_list", "Load")
        }
        "Delete" => {
            not_empty(node, "targets")?;
            exprs(node, "targets", "Del")
        }
        "Assign" => {
            not_empty(node, "targets")?;
            exprs(node, "targets", "Store")?;
            optional(node, "value")
        }
        "AugAssign" => {
            one(node, "target", "Store")?;
            optional(node, "value")
        }
        "AnnAssign" => {
            if node.int("simple") != 0 && node.node("target").is_none_or(|target| target.spec.name != "Name") {
                return type_error("AnnAssign with simple non-Name target");
            }
            one(node, "target", "Store")?;
            optional(node, "value")?;
            optional(node, "annotation")
        }
        "TypeAlias" => {
            if node.node("name").is_none_or(|name| name.spec.name != "Name") {
                return type_error("TypeAlias with non-Name name");
            }
            one(node, "name", "Store")?;
            type_params(node)?;
            optional(node, "value")
        }
        "For" | "AsyncFor" => {
            one(node, "target", "Store")?;
            optional(node, "iter")?;
            body(node)?;
            stmts(node, "orelse")
        }
        "While" | "If" => {
            optional(node, "test")?;
            body(node)?;
            stmts(node, "orelse")
        }
        "With" | "AsyncWith" => {
            not_empty(node, "items")?;
            for item in node.nodes("items") {
                required(item)?;
                optional(item, "context_expr")?;
                one(item, "optional_vars", "Store")?;
            }
            body(node)
        }
        "Match" => {
            optional(node, "subject")?;
            not_empty(node, "cases")?;
            for case in node.nodes("cases") {
                required(case)?;
                case.node("pattern").map_or(Ok(()), |inner| pattern(inner, false))?;
                optional(case, "guard")?;
                body(case)?;
            }
            Ok(())
        }
        "Raise" => {
            if node.node("exc").is_none() && node.node("cause").is_some() {
                return value_error("Raise with cause but no exception");
            }
            optional(node, "exc")?;
            optional(node, "cause")
        }
        "Try" | "TryStar" => check_try(node),
        "Import" => not_empty(node, "names"),
        "ImportFrom" => {
            if node.int("level") < 0 {
                return value_error("Negative ImportFrom level");
            }
            not_empty(node, "names")
        }
        "Global" | "Nonlocal" => not_empty(node, "names"),
        _ => {
            for field in &node.spec.fields {
                optional(node, field.name)?;
            }
            Ok(())
        }
    }
}

fn check_try(node: &Plain) -> Res {
    let class = node.spec.name;
    body(node)?;
    if node.list("handlers").is_empty() {
        if node.list("finalbody").is_empty() {
            return value_error(format!("{class} has neither except handlers nor finalbody"));
        }
        if !node.list("orelse").is_empty() {
            return value_error(format!("{class} has orelse but no except handlers"));
        }
    }
    for handler in node.nodes("handlers") {
        required(handler)?;
        place(handler)?;
        optional(handler, "type")?;
        body(handler)?;
    }
    stmts(node, "finalbody")?;
    stmts(node, "orelse")
}

fn generators(node: &Plain) -> Res {
    if node.list("generators").is_empty() {
        return value_error("comprehension with no generators");
    }
    for generator in node.nodes("generators") {
        required(generator)?;
        one(generator, "target", "Store")?;
        optional(generator, "iter")?;
        exprs(generator, "ifs", "Load")?;
    }
    Ok(())
}

fn constant(value: &Const) -> Res {
    match value {
        Const::Bad(name) => type_error(format!("got an invalid type in Constant: {name}")),
        Const::Tuple(items) | Const::FrozenSet(items) => items.iter().try_for_each(constant),
        _ => Ok(()),
    }
}

fn expr(node: &Plain, context: &str) -> Res {
    required(node)?;
    place(node)?;
    let class = node.spec.name;
    match class {
        "Attribute" | "Subscript" | "Starred" | "Name" | "List" | "Tuple" => {
            let actual = node.node("ctx").map_or("Load", |ctx| ctx.spec.name);
            if actual != context {
                return value_error(format!("expression must have {context} context but has {actual} instead"));
            }
        }
        _ if context != "Load" => {
            return value_error(format!("expression which can't be assigned to in {context} context"));
        }
        _ => {}
    }
    match class {
        "BoolOp" if node.list("values").len() < 2 => return value_error("BoolOp with less than 2 values"),
        "Dict" if node.list("keys").len() != node.list("values").len() => {
            return value_error("Dict doesn't have the same number of keys as values");
        }
        "NamedExpr" => {
            if node.node("target").is_none_or(|target| target.spec.name != "Name") {
                return type_error("NamedExpr target must be a Name");
            }
            one(node, "target", "Store")?;
            return optional(node, "value");
        }
        "Lambda" => arguments(node)?,
        "ListComp" | "SetComp" | "DictComp" | "GeneratorExp" => generators(node)?,
        "Compare" => {
            if node.list("comparators").is_empty() {
                return value_error("Compare has no comparators");
            }
            if node.list("comparators").len() != node.list("ops").len() {
                return value_error("Compare has a different number of comparators and operands");
            }
        }
        "Call" => keywords(node)?,
        "Constant" => {
            if let Part::Constant(value) = node.part("value") {
                constant(value)?;
            }
        }
        "Name" => name(node.text("id"))?,
        "Starred" => return one(node, "value", context),
        "List" | "Tuple" => return exprs(node, "elts", context),
        _ => {}
    }
    for (field, part) in node.spec.fields.iter().zip(&node.parts) {
        match part {
            Part::Node(item) if field.kind == "expr" => expr(item, "Load")?,
            Part::List(_) if field.kind == "expr" => exprs(node, field.name, "Load")?,
            _ => {}
        }
    }
    Ok(())
}

fn capture(text: Option<&[u8]>) -> Res {
    match text {
        Some(b"_") => value_error("can't capture name '_' in patterns"),
        text => name(text),
    }
}

/// Only literals and attributes of names may be matched by value.
fn pattern_value(node: &Plain) -> Res {
    let is_number = |node: &Plain| {
        matches!(node.part("value"), Part::Constant(Const::Int(..) | Const::Float(_) | Const::Complex(..)))
            && node.spec.name == "Constant"
    };
    let is_signed = |node: &Plain| {
        is_number(node)
            || node.spec.name == "UnaryOp"
                && node.node("op").is_some_and(|op| op.spec.name == "USub")
                && node.node("operand").is_some_and(is_number)
    };
    let ok = match node.spec.name {
        "Constant" => matches!(
            node.part("value"),
            Part::Constant(Const::Int(..) | Const::Float(_) | Const::Complex(..) | Const::Str(_) | Const::Bytes(_))
        ),
        "Attribute" | "JoinedStr" | "TemplateStr" => true,
        "UnaryOp" => is_signed(node),
        "BinOp" => {
            node.node("op").is_some_and(|op| matches!(op.spec.name, "Add" | "Sub"))
                && node.node("left").is_some_and(is_signed)
                && node.node("right").is_some_and(is_number)
        }
        _ => false,
    };
    expr(node, "Load")?;
    if node.spec.name == "Constant" && !ok {
        return value_error("unexpected constant inside of a literal pattern");
    }
    if ok { Ok(()) } else { value_error("patterns may only match literals and attribute lookups") }
}

fn pattern(node: &Plain, star_ok: bool) -> Res {
    required(node)?;
    place(node)?;
    let patterns = |field: &str, star_ok: bool| node.nodes(field).try_for_each(|item| pattern(item, star_ok));
    match node.spec.name {
        "MatchValue" => node.node("value").map_or(Ok(()), pattern_value),
        "MatchSingleton" => match node.part("value") {
            Part::Constant(Const::None | Const::Bool(_)) => Ok(()),
            _ => value_error("MatchSingleton can only contain True, False and None"),
        },
        "MatchSequence" => patterns("patterns", true),
        "MatchMapping" => {
            if node.list("keys").len() != node.list("patterns").len() {
                return value_error("MatchMapping doesn't have the same number of keys as patterns");
            }
            capture(node.text("rest"))?;
            for key in node.nodes("keys") {
                let is_singleton = matches!(key.part("value"), Part::Constant(Const::None | Const::Bool(_)));
                if !(key.spec.name == "Constant" && is_singleton) {
                    pattern_value(key)?;
                }
            }
            patterns("patterns", false)
        }
        "MatchClass" => {
            if node.list("kwd_attrs").len() != node.list("kwd_patterns").len() {
                return value_error("MatchClass doesn't have the same number of keyword attributes as patterns");
            }
            let mut class = node.node("cls");
            optional(node, "cls")?;
            while let Some(inner) = class.filter(|class| class.spec.name == "Attribute") {
                class = inner.node("value");
            }
            if class.is_none_or(|class| class.spec.name != "Name") {
                return value_error("MatchClass cls field can only contain Name or Attribute nodes.");
            }
            patterns("patterns", false)?;
            patterns("kwd_patterns", false)
        }
        "MatchStar" if !star_ok => value_error("can't use MatchStar here"),
        "MatchStar" => capture(node.text("name")),
        "MatchAs" => match (node.text("name"), node.node("pattern")) {
            (None, Some(_)) => value_error("MatchAs must specify a target name if a pattern is given"),
            (text, inner) => {
                capture(text)?;
                inner.map_or(Ok(()), |inner| pattern(inner, false))
            }
        },
        _ => {
            if node.list("patterns").len() < 2 {
                return value_error("MatchOr requires at least 2 patterns");
            }
            patterns("patterns", false)
        }
    }
}
