//! The abstract grammar: the one table from which classes, fields, docs and conversions of both directions follow.

use std::sync::OnceLock;

/// `sum = constructors | attributes`, a product type having one constructor of its own name. Types are written as in
/// the documentation of the module `ast`: `?` optional, `*` list, `?*` list with Nones.
const GRAMMAR: &[(&str, bool, &[&str])] = &[
    (
        "mod",
        false,
        &[
            "Module(stmt* body, type_ignore* type_ignores)",
            "Interactive(stmt* body)",
            "Expression(expr body)",
            "FunctionType(expr* argtypes, expr returns)",
        ],
    ),
    (
        "stmt",
        true,
        &[
            "FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)",
            "AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)",
            "ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params)",
            "Return(expr? value)",
            "Delete(expr* targets)",
            "Assign(expr* targets, expr value, string? type_comment)",
            "TypeAlias(expr name, type_param* type_params, expr value)",
            "AugAssign(expr target, operator op, expr value)",
            "AnnAssign(expr target, expr annotation, expr? value, int simple)",
            "For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)",
            "AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)",
            "While(expr test, stmt* body, stmt* orelse)",
            "If(expr test, stmt* body, stmt* orelse)",
            "With(withitem* items, stmt* body, string? type_comment)",
            "AsyncWith(withitem* items, stmt* body, string? type_comment)",
            "Match(expr subject, match_case* cases)",
            "Raise(expr? exc, expr? cause)",
            "Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)",
            "TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)",
            "Assert(expr test, expr? msg)",
            "Import(alias* names)",
            "ImportFrom(identifier? module, alias* names, int? level)",
            "Global(identifier* names)",
            "Nonlocal(identifier* names)",
            "Expr(expr value)",
            "Pass",
            "Break",
            "Continue",
        ],
    ),
    (
        "expr",
        true,
        &[
            "BoolOp(boolop op, expr* values)",
            "NamedExpr(expr target, expr value)",
            "BinOp(expr left, operator op, expr right)",
            "UnaryOp(unaryop op, expr operand)",
            "Lambda(arguments args, expr body)",
            "IfExp(expr test, expr body, expr orelse)",
            "Dict(expr?* keys, expr* values)",
            "Set(expr* elts)",
            "ListComp(expr elt, comprehension* generators)",
            "SetComp(expr elt, comprehension* generators)",
            "DictComp(expr key, expr value, comprehension* generators)",
            "GeneratorExp(expr elt, comprehension* generators)",
            "Await(expr value)",
            "Yield(expr? value)",
            "YieldFrom(expr value)",
            "Compare(expr left, cmpop* ops, expr* comparators)",
            "Call(expr func, expr* args, keyword* keywords)",
            "FormattedValue(expr value, int conversion, expr? format_spec)",
            "Interpolation(expr value, constant str, int conversion, expr? format_spec)",
            "JoinedStr(expr* values)",
            "TemplateStr(expr* values)",
            "Constant(constant value, string? kind)",
            "Attribute(expr value, identifier attr, expr_context ctx)",
            "Subscript(expr value, expr slice, expr_context ctx)",
            "Starred(expr value, expr_context ctx)",
            "Name(identifier id, expr_context ctx)",
            "List(expr* elts, expr_context ctx)",
            "Tuple(expr* elts, expr_context ctx)",
            "Slice(expr? lower, expr? upper, expr? step)",
        ],
    ),
    ("expr_context", false, &["Load", "Store", "Del"]),
    ("boolop", false, &["And", "Or"]),
    (
        "operator",
        false,
        &[
            "Add", "Sub", "Mult", "MatMult", "Div", "Mod", "Pow", "LShift", "RShift", "BitOr", "BitXor", "BitAnd",
            "FloorDiv",
        ],
    ),
    ("unaryop", false, &["Invert", "Not", "UAdd", "USub"]),
    ("cmpop", false, &["Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"]),
    ("comprehension", false, &["comprehension(expr target, expr iter, expr* ifs, int is_async)"]),
    ("excepthandler", true, &["ExceptHandler(expr? type, identifier? name, stmt* body)"]),
    (
        "arguments",
        false,
        &[
            "arguments(arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults)",
        ],
    ),
    ("arg", true, &["arg(identifier arg, expr? annotation, string? type_comment)"]),
    ("keyword", true, &["keyword(identifier? arg, expr value)"]),
    ("alias", true, &["alias(identifier name, identifier? asname)"]),
    ("withitem", false, &["withitem(expr context_expr, expr? optional_vars)"]),
    ("match_case", false, &["match_case(pattern pattern, expr? guard, stmt* body)"]),
    (
        "pattern",
        true,
        &[
            "MatchValue(expr value)",
            "MatchSingleton(constant value)",
            "MatchSequence(pattern* patterns)",
            "MatchMapping(expr* keys, pattern* patterns, identifier? rest)",
            "MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)",
            "MatchStar(identifier? name)",
            "MatchAs(pattern? pattern, identifier? name)",
            "MatchOr(pattern* patterns)",
        ],
    ),
    ("type_ignore", false, &["TypeIgnore(int lineno, string tag)"]),
    (
        "type_param",
        true,
        &[
            "TypeVar(identifier name, expr? bound, expr? default_value)",
            "ParamSpec(identifier name, expr? default_value)",
            "TypeVarTuple(identifier name, expr? default_value)",
        ],
    ),
];

/// Attributes of nodes with a place.
pub const ATTRIBUTES: [&str; 4] = ["lineno", "col_offset", "end_lineno", "end_col_offset"];

/// How many values a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Many {
    /// One.
    One,
    /// One or None.
    Optional,
    /// A list.
    List,
    /// A list with Nones.
    OptionalList,
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Its name.
    pub name: &'static str,
    /// Its type: a sum, a product, or `identifier`, `string`, `int`, `constant`.
    pub kind: &'static str,
    /// How many.
    pub many: Many,
}

/// A class that nodes are instances of.
#[derive(Debug)]
pub struct NodeSpec {
    /// Its name.
    pub name: &'static str,
    /// The sum it belongs to; itself for products.
    pub sum: &'static str,
    /// The text in the grammar, which is its doc.
    pub doc: &'static str,
    /// Its fields.
    pub fields: Vec<FieldSpec>,
    /// Has a place.
    pub located: bool,
}

/// A sum or product.
#[derive(Debug)]
pub struct SumSpec {
    /// Its name.
    pub name: &'static str,
    /// Its instances have a place.
    pub located: bool,
    /// Its classes.
    pub nodes: Vec<NodeSpec>,
}

impl SumSpec {
    /// True if it is its own only class.
    pub fn is_product(&self) -> bool {
        self.nodes.len() == 1 && self.nodes[0].name == self.name
    }

    /// `__doc__` of the sum.
    pub fn doc(&self) -> String {
        let docs: Vec<&str> = self.nodes.iter().map(|node| node.doc).collect();
        if docs.iter().all(|doc| !doc.contains('(')) {
            return format!("{} = {}", self.name, docs.join(" | "));
        }
        let indent = " ".repeat(self.name.len() + 1);
        format!("{} = {}", self.name, docs.join(&format!("\n{indent}| ")))
    }
}

/// All sums and products.
pub fn sums() -> &'static [SumSpec] {
    static SUMS: OnceLock<Vec<SumSpec>> = OnceLock::new();
    SUMS.get_or_init(|| GRAMMAR.iter().map(|(name, located, nodes)| sum(name, *located, nodes)).collect())
}

fn sum(name: &'static str, located: bool, nodes: &'static [&'static str]) -> SumSpec {
    let node = |doc: &&'static str| {
        let (own, fields) = doc.strip_suffix(')').and_then(|doc| doc.split_once('(')).unwrap_or((doc, ""));
        let fields = fields.split(", ").filter(|field| !field.is_empty()).map(field).collect();
        NodeSpec { name: own, sum: name, doc, fields, located }
    };
    SumSpec { name, located, nodes: nodes.iter().map(node).collect() }
}

fn field(text: &'static str) -> FieldSpec {
    let (kind, name) = text.split_once(' ').expect("a field is written `type name`");
    for (suffix, many) in [("?*", Many::OptionalList), ("?", Many::Optional), ("*", Many::List)] {
        if let Some(kind) = kind.strip_suffix(suffix) {
            return FieldSpec { name, kind, many };
        }
    }
    FieldSpec { name, kind, many: Many::One }
}

/// The sum or product with this name.
pub fn find_sum(name: &str) -> &'static SumSpec {
    sums().iter().find(|sum| sum.name == name).expect("a name of the grammar")
}
