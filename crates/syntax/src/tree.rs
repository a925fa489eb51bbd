//! ruff's tree in the shape of Python's `ast` module: node and field names, positions and merged strings as CPython
//! has them. Serves `--dump=ast` and the `_ast` module.
//!
//! Recurses over the tree: run it in [`with_stack`](crate::with_stack).

use ruff_python_ast::{
    Alias, BoolOp, CmpOp, Comprehension, Decorator, ExceptHandler, Expr, ExprContext, Identifier, Keyword, MatchCase,
    Mod, Operator, Parameter, ParameterWithDefault, Parameters, Pattern, Singleton, Stmt, TypeParam, TypeParams,
    UnaryOp, WithItem,
};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::strings;

/// A node of Python's `ast`.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Class.
    pub name: &'static str,
    /// Place, for classes with position attributes.
    pub range: Option<TextRange>,
    /// `_fields` in order.
    pub fields: Vec<(&'static str, Field)>,
}

/// A field of a node.
#[derive(Clone, Debug)]
pub enum Field {
    /// None: an optional field that is absent.
    None,
    /// A node.
    Node(Box<Tree>),
    /// A list.
    List(Vec<Field>),
    /// An identifier.
    Name(String),
    /// An int: a level, a conversion, a flag.
    Int(i64),
    /// The value of a constant.
    Constant(Constant),
}

/// A value in the tree.
#[derive(Clone, PartialEq, Debug)]
pub enum Constant {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// `...`.
    Ellipsis,
    /// An int: its literal in the source.
    Int(String),
    /// A float.
    Float(f64),
    /// The imaginary part of a complex literal.
    Imaginary(f64),
    /// Minus an int, of a folded pattern.
    Negative(String),
    /// A complex number of a folded pattern.
    Complex(f64, f64),
    /// A str: UTF-8, surrogates encoded by themselves.
    Str(Vec<u8>),
    /// A bytes.
    Bytes(Vec<u8>),
}

/// Converts a parsed source; `source` is its text. `interactive` gives `Interactive` for `Module`.
pub fn tree(module: &Mod, source: &str, interactive: bool) -> Tree {
    let maker = Maker { source };
    match module {
        Mod::Module(module) if interactive => Tree::bare("Interactive", vec![("body", maker.stmts(&module.body))]),
        Mod::Module(module) => {
            Tree::bare("Module", vec![("body", maker.stmts(&module.body)), ("type_ignores", Field::List(vec![]))])
        }
        Mod::Expression(expression) => Tree::bare("Expression", vec![("body", maker.expr(&expression.body))]),
    }
}

impl Tree {
    pub(crate) fn bare(name: &'static str, fields: Vec<(&'static str, Field)>) -> Tree {
        Tree { name, range: None, fields }
    }
    pub(crate) fn at(name: &'static str, range: TextRange, fields: Vec<(&'static str, Field)>) -> Tree {
        Tree { name, range: Some(range), fields }
    }
    pub(crate) fn constant(range: TextRange, value: Constant) -> Tree {
        Tree::at("Constant", range, vec![("value", Field::Constant(value)), ("kind", Field::None)])
    }
}

impl From<Tree> for Field {
    fn from(tree: Tree) -> Field {
        Field::Node(Box::new(tree))
    }
}

pub(crate) struct Maker<'s> {
    pub source: &'s str,
}

fn list<T>(items: &[T], make: impl Fn(&T) -> Field) -> Field {
    Field::List(items.iter().map(make).collect())
}

fn name(identifier: &Identifier) -> Field {
    Field::Name(identifier.id.to_string())
}

fn optional_name(identifier: &Option<Identifier>) -> Field {
    identifier.as_ref().map_or(Field::None, name)
}

fn context(ctx: ExprContext) -> Field {
    let name = match ctx {
        ExprContext::Load | ExprContext::Invalid => "Load",
        ExprContext::Store => "Store",
        ExprContext::Del => "Del",
    };
    Tree::bare(name, vec![]).into()
}

fn operator(op: Operator) -> Field {
    let name = match op {
        Operator::Add => "Add",
        Operator::Sub => "Sub",
        Operator::Mult => "Mult",
        Operator::MatMult => "MatMult",
        Operator::Div => "Div",
        Operator::Mod => "Mod",
        Operator::Pow => "Pow",
        Operator::LShift => "LShift",
        Operator::RShift => "RShift",
        Operator::BitOr => "BitOr",
        Operator::BitXor => "BitXor",
        Operator::BitAnd => "BitAnd",
        Operator::FloorDiv => "FloorDiv",
    };
    Tree::bare(name, vec![]).into()
}

fn comparison(op: &CmpOp) -> Field {
    let name = match op {
        CmpOp::Eq => "Eq",
        CmpOp::NotEq => "NotEq",
        CmpOp::Lt => "Lt",
        CmpOp::LtE => "LtE",
        CmpOp::Gt => "Gt",
        CmpOp::GtE => "GtE",
        CmpOp::Is => "Is",
        CmpOp::IsNot => "IsNot",
        CmpOp::In => "In",
        CmpOp::NotIn => "NotIn",
    };
    Tree::bare(name, vec![]).into()
}

impl Maker<'_> {
    fn stmts(&self, body: &[Stmt]) -> Field {
        list(body, |stmt| self.stmt(stmt))
    }

    fn exprs(&self, items: &[Expr]) -> Field {
        list(items, |item| self.expr(item))
    }

    fn optional(&self, expression: &Option<Box<Expr>>) -> Field {
        expression.as_ref().map_or(Field::None, |expression| self.expr(expression))
    }

    /// Range of a definition without its decorators.
    fn undecorated(&self, range: TextRange, decorators: &[Decorator]) -> TextRange {
        let Some(last) = decorators.last() else { return range };
        let mut at = last.range().end().to_usize();
        loop {
            let rest = &self.source[at..];
            let skipped = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\\');
            at += rest.len() - skipped.len();
            if !skipped.starts_with('#') {
                return TextRange::new(TextSize::new(at as u32), range.end());
            }
            at += skipped.find('\n').unwrap_or(skipped.len());
        }
    }

    fn stmt(&self, stmt: &Stmt) -> Field {
        let mut range = stmt.range();
        let (class, fields) = match stmt {
            Stmt::FunctionDef(def) => {
                range = self.undecorated(range, &def.decorator_list);
                let fields = vec![
                    ("name", name(&def.name)),
                    ("args", self.parameters(Some(&def.parameters))),
                    ("body", self.stmts(&def.body)),
                    ("decorator_list", list(&def.decorator_list, |decorator| self.expr(&decorator.expression))),
                    ("returns", self.optional(&def.returns)),
                    ("type_comment", Field::None),
                    ("type_params", self.type_params(&def.type_params)),
                ];
                (if def.is_async { "AsyncFunctionDef" } else { "FunctionDef" }, fields)
            }
            Stmt::ClassDef(class) => {
                range = self.undecorated(range, &class.decorator_list);
                let (args, keywords) = match &class.arguments {
                    Some(arguments) => (&arguments.args[..], &arguments.keywords[..]),
                    None => (&[][..], &[][..]),
                };
                let fields = vec![
                    ("name", name(&class.name)),
                    ("bases", self.exprs(args)),
                    ("keywords", list(keywords, |keyword| self.keyword(keyword))),
                    ("body", self.stmts(&class.body)),
                    ("decorator_list", list(&class.decorator_list, |decorator| self.expr(&decorator.expression))),
                    ("type_params", self.type_params(&class.type_params)),
                ];
                ("ClassDef", fields)
            }
            Stmt::Return(stmt) => ("Return", vec![("value", self.optional(&stmt.value))]),
            Stmt::Delete(stmt) => ("Delete", vec![("targets", self.exprs(&stmt.targets))]),
            Stmt::TypeAlias(stmt) => (
                "TypeAlias",
                vec![
                    ("name", self.expr(&stmt.name)),
                    ("type_params", self.type_params(&stmt.type_params)),
                    ("value", self.expr(&stmt.value)),
                ],
            ),
            Stmt::Assign(stmt) => (
                "Assign",
                vec![
                    ("targets", self.exprs(&stmt.targets)),
                    ("value", self.expr(&stmt.value)),
                    ("type_comment", Field::None),
                ],
            ),
            Stmt::AugAssign(stmt) => (
                "AugAssign",
                vec![("target", self.expr(&stmt.target)), ("op", operator(stmt.op)), ("value", self.expr(&stmt.value))],
            ),
            Stmt::AnnAssign(stmt) => (
                "AnnAssign",
                vec![
                    ("target", self.expr(&stmt.target)),
                    ("annotation", self.expr(&stmt.annotation)),
                    ("value", self.optional(&stmt.value)),
                    ("simple", Field::Int(stmt.simple.into())),
                ],
            ),
            Stmt::For(stmt) => (
                if stmt.is_async { "AsyncFor" } else { "For" },
                vec![
                    ("target", self.expr(&stmt.target)),
                    ("iter", self.expr(&stmt.iter)),
                    ("body", self.stmts(&stmt.body)),
                    ("orelse", self.stmts(&stmt.orelse)),
                    ("type_comment", Field::None),
                ],
            ),
            Stmt::While(stmt) => (
                "While",
                vec![
                    ("test", self.expr(&stmt.test)),
                    ("body", self.stmts(&stmt.body)),
                    ("orelse", self.stmts(&stmt.orelse)),
                ],
            ),
            Stmt::If(stmt) => {
                let orelse = self.elif_else(&stmt.elif_else_clauses, range.end());
                let test = self.expr(&stmt.test);
                ("If", vec![("test", test), ("body", self.stmts(&stmt.body)), ("orelse", orelse)])
            }
            Stmt::With(stmt) => (
                if stmt.is_async { "AsyncWith" } else { "With" },
                vec![
                    ("items", list(&stmt.items, |item| self.with_item(item))),
                    ("body", self.stmts(&stmt.body)),
                    ("type_comment", Field::None),
                ],
            ),
            Stmt::Match(stmt) => (
                "Match",
                vec![("subject", self.expr(&stmt.subject)), ("cases", list(&stmt.cases, |case| self.match_case(case)))],
            ),
            Stmt::Raise(stmt) => {
                ("Raise", vec![("exc", self.optional(&stmt.exc)), ("cause", self.optional(&stmt.cause))])
            }
            Stmt::Try(stmt) => (
                if stmt.is_star { "TryStar" } else { "Try" },
                vec![
                    ("body", self.stmts(&stmt.body)),
                    ("handlers", list(&stmt.handlers, |handler| self.handler(handler))),
                    ("orelse", self.stmts(&stmt.orelse)),
                    ("finalbody", self.stmts(&stmt.finalbody)),
                ],
            ),
            Stmt::Assert(stmt) => ("Assert", vec![("test", self.expr(&stmt.test)), ("msg", self.optional(&stmt.msg))]),
            Stmt::Import(stmt) => ("Import", vec![("names", list(&stmt.names, alias))]),
            Stmt::ImportFrom(stmt) => (
                "ImportFrom",
                vec![
                    ("module", optional_name(&stmt.module)),
                    ("names", list(&stmt.names, alias)),
                    ("level", Field::Int(stmt.level.into())),
                ],
            ),
            Stmt::Global(stmt) => ("Global", vec![("names", list(&stmt.names, name))]),
            Stmt::Nonlocal(stmt) => ("Nonlocal", vec![("names", list(&stmt.names, name))]),
            Stmt::Expr(stmt) => ("Expr", vec![("value", self.expr(&stmt.value))]),
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => ("Pass", vec![]),
            Stmt::Break(_) => ("Break", vec![]),
            Stmt::Continue(_) => ("Continue", vec![]),
        };
        Tree::at(class, range, fields).into()
    }

    /// `elif` is an `If` in the `else` of the one before.
    fn elif_else(&self, clauses: &[ruff_python_ast::ElifElseClause], end: TextSize) -> Field {
        let mut orelse = Field::List(vec![]);
        for clause in clauses.iter().rev() {
            orelse = match &clause.test {
                None => self.stmts(&clause.body),
                Some(test) => {
                    let fields =
                        vec![("test", self.expr(test)), ("body", self.stmts(&clause.body)), ("orelse", orelse)];
                    let range = TextRange::new(clause.range.start(), end);
                    Field::List(vec![Tree::at("If", range, fields).into()])
                }
            };
        }
        orelse
    }

    fn with_item(&self, item: &WithItem) -> Field {
        let vars = self.optional(&item.optional_vars);
        Tree::bare("withitem", vec![("context_expr", self.expr(&item.context_expr)), ("optional_vars", vars)]).into()
    }

    fn handler(&self, handler: &ExceptHandler) -> Field {
        let ExceptHandler::ExceptHandler(handler) = handler;
        let fields = vec![
            ("type", self.optional(&handler.type_)),
            ("name", optional_name(&handler.name)),
            ("body", self.stmts(&handler.body)),
        ];
        Tree::at("ExceptHandler", handler.range, fields).into()
    }

    fn match_case(&self, case: &MatchCase) -> Field {
        let fields = vec![
            ("pattern", self.pattern(&case.pattern)),
            ("guard", self.optional(&case.guard)),
            ("body", self.stmts(&case.body)),
        ];
        Tree::bare("match_case", fields).into()
    }

    fn pattern(&self, pattern: &Pattern) -> Field {
        let patterns = |items: &[Pattern]| list(items, |item| self.pattern(item));
        let (class, fields) = match pattern {
            Pattern::MatchValue(pattern) => ("MatchValue", vec![("value", self.expr(&pattern.value))]),
            Pattern::MatchSingleton(pattern) => {
                let value = match pattern.value {
                    Singleton::None => Constant::None,
                    Singleton::True => Constant::Bool(true),
                    Singleton::False => Constant::Bool(false),
                };
                ("MatchSingleton", vec![("value", Field::Constant(value))])
            }
            Pattern::MatchSequence(pattern) => ("MatchSequence", vec![("patterns", patterns(&pattern.patterns))]),
            Pattern::MatchMapping(pattern) => (
                "MatchMapping",
                vec![
                    ("keys", self.exprs(&pattern.keys)),
                    ("patterns", patterns(&pattern.patterns)),
                    ("rest", optional_name(&pattern.rest)),
                ],
            ),
            Pattern::MatchClass(pattern) => {
                let keywords = &pattern.arguments.keywords;
                let fields = vec![
                    ("cls", self.expr(&pattern.cls)),
                    ("patterns", patterns(&pattern.arguments.patterns)),
                    ("kwd_attrs", list(keywords, |keyword| name(&keyword.attr))),
                    ("kwd_patterns", list(keywords, |keyword| self.pattern(&keyword.pattern))),
                ];
                ("MatchClass", fields)
            }
            Pattern::MatchStar(pattern) => ("MatchStar", vec![("name", optional_name(&pattern.name))]),
            Pattern::MatchAs(pattern) => {
                let inner = pattern.pattern.as_ref().map_or(Field::None, |inner| self.pattern(inner));
                ("MatchAs", vec![("pattern", inner), ("name", optional_name(&pattern.name))])
            }
            Pattern::MatchOr(pattern) => ("MatchOr", vec![("patterns", patterns(&pattern.patterns))]),
        };
        Tree::at(class, pattern.range(), fields).into()
    }

    fn type_params(&self, params: &Option<Box<TypeParams>>) -> Field {
        let params = params.as_ref().map_or(&[][..], |params| &params.type_params[..]);
        list(params, |param| {
            let (class, fields) = match param {
                TypeParam::TypeVar(param) => (
                    "TypeVar",
                    vec![
                        ("name", name(&param.name)),
                        ("bound", self.optional(&param.bound)),
                        ("default_value", self.optional(&param.default)),
                    ],
                ),
                TypeParam::ParamSpec(param) => {
                    ("ParamSpec", vec![("name", name(&param.name)), ("default_value", self.optional(&param.default))])
                }
                TypeParam::TypeVarTuple(param) => (
                    "TypeVarTuple",
                    vec![("name", name(&param.name)), ("default_value", self.optional(&param.default))],
                ),
            };
            Tree::at(class, param.range(), fields).into()
        })
    }

    fn parameters(&self, parameters: Option<&Parameters>) -> Field {
        let one = |parameter: &Parameter| -> Field {
            let fields = vec![
                ("arg", name(&parameter.name)),
                ("annotation", self.optional(&parameter.annotation)),
                ("type_comment", Field::None),
            ];
            // The stars of `*args` are not part of it.
            let range = TextRange::new(parameter.name.range().start(), parameter.range.end());
            Tree::at("arg", range, fields).into()
        };
        let many = |items: &[ParameterWithDefault]| list(items, |item| one(&item.parameter));
        let star = |parameter: &Option<Box<Parameter>>| parameter.as_ref().map_or(Field::None, |item| one(item));
        let fields = match parameters {
            Some(parameters) => {
                let positional = parameters.posonlyargs.iter().chain(&parameters.args);
                let defaults = positional.filter_map(|item| item.default.as_ref()).map(|value| self.expr(value));
                vec![
                    ("posonlyargs", many(&parameters.posonlyargs)),
                    ("args", many(&parameters.args)),
                    ("vararg", star(&parameters.vararg)),
                    ("kwonlyargs", many(&parameters.kwonlyargs)),
                    ("kw_defaults", list(&parameters.kwonlyargs, |item| self.optional(&item.default))),
                    ("kwarg", star(&parameters.kwarg)),
                    ("defaults", Field::List(defaults.collect())),
                ]
            }
            None => ["posonlyargs", "args", "vararg", "kwonlyargs", "kw_defaults", "kwarg", "defaults"]
                .map(|field| {
                    (
                        field,
                        if field.starts_with(['v']) || field == "kwarg" { Field::None } else { Field::List(vec![]) },
                    )
                })
                .into(),
        };
        Tree::bare("arguments", fields).into()
    }

    fn keyword(&self, keyword: &Keyword) -> Field {
        let fields = vec![("arg", optional_name(&keyword.arg)), ("value", self.expr(&keyword.value))];
        Tree::at("keyword", keyword.range, fields).into()
    }

    fn comprehensions(&self, generators: &[Comprehension]) -> Field {
        list(generators, |generator| {
            let fields = vec![
                ("target", self.expr(&generator.target)),
                ("iter", self.expr(&generator.iter)),
                ("ifs", self.exprs(&generator.ifs)),
                ("is_async", Field::Int(generator.is_async.into())),
            ];
            Tree::bare("comprehension", fields).into()
        })
    }

    pub fn expr(&self, expression: &Expr) -> Field {
        let range = expression.range();
        let (class, fields) = match expression {
            Expr::BoolOp(node) => {
                let op = Tree::bare(if node.op == BoolOp::And { "And" } else { "Or" }, vec![]);
                ("BoolOp", vec![("op", op.into()), ("values", self.exprs(&node.values))])
            }
            Expr::Named(node) => {
                ("NamedExpr", vec![("target", self.expr(&node.target)), ("value", self.expr(&node.value))])
            }
            Expr::BinOp(node) => (
                "BinOp",
                vec![("left", self.expr(&node.left)), ("op", operator(node.op)), ("right", self.expr(&node.right))],
            ),
            Expr::UnaryOp(node) => {
                let op = match node.op {
                    UnaryOp::Invert => "Invert",
                    UnaryOp::Not => "Not",
                    UnaryOp::UAdd => "UAdd",
                    UnaryOp::USub => "USub",
                };
                let op = Tree::bare(op, vec![]).into();
                ("UnaryOp", vec![("op", op), ("operand", self.expr(&node.operand))])
            }
            Expr::Lambda(node) => {
                let args = self.parameters(node.parameters.as_deref());
                ("Lambda", vec![("args", args), ("body", self.expr(&node.body))])
            }
            Expr::If(node) => (
                "IfExp",
                vec![
                    ("test", self.expr(&node.test)),
                    ("body", self.expr(&node.body)),
                    ("orelse", self.expr(&node.orelse)),
                ],
            ),
            Expr::Dict(node) => {
                let keys = list(&node.items, |item| item.key.as_ref().map_or(Field::None, |key| self.expr(key)));
                ("Dict", vec![("keys", keys), ("values", list(&node.items, |item| self.expr(&item.value)))])
            }
            Expr::Set(node) => ("Set", vec![("elts", self.exprs(&node.elts))]),
            Expr::ListComp(node) => {
                ("ListComp", vec![("elt", self.expr(&node.elt)), ("generators", self.comprehensions(&node.generators))])
            }
            Expr::SetComp(node) => {
                ("SetComp", vec![("elt", self.expr(&node.elt)), ("generators", self.comprehensions(&node.generators))])
            }
            Expr::DictComp(node) => (
                "DictComp",
                vec![
                    ("key", self.optional(&node.key)),
                    ("value", self.expr(&node.value)),
                    ("generators", self.comprehensions(&node.generators)),
                ],
            ),
            Expr::Generator(node) => (
                "GeneratorExp",
                vec![("elt", self.expr(&node.elt)), ("generators", self.comprehensions(&node.generators))],
            ),
            Expr::Await(node) => ("Await", vec![("value", self.expr(&node.value))]),
            Expr::Yield(node) => ("Yield", vec![("value", self.optional(&node.value))]),
            Expr::YieldFrom(node) => ("YieldFrom", vec![("value", self.expr(&node.value))]),
            Expr::Compare(node) => (
                "Compare",
                vec![
                    ("left", self.expr(&node.left)),
                    ("ops", list(&node.ops, comparison)),
                    ("comparators", self.exprs(&node.comparators)),
                ],
            ),
            Expr::Call(node) => (
                "Call",
                vec![
                    ("func", self.expr(&node.func)),
                    ("args", list(&node.arguments.args, |arg| self.argument(arg, &node.arguments))),
                    ("keywords", list(&node.arguments.keywords, |keyword| self.keyword(keyword))),
                ],
            ),
            Expr::FString(node) => return strings::joined(self, node).into(),
            Expr::TString(node) => return strings::template(self, node).into(),
            Expr::StringLiteral(node) => return strings::text(self, node).into(),
            Expr::BytesLiteral(node) => {
                let bytes = node.value.iter().flat_map(|part| part.as_slice().iter().copied()).collect();
                return Tree::constant(range, Constant::Bytes(bytes)).into();
            }
            Expr::NumberLiteral(node) => return Tree::constant(range, self.number(&node.value)).into(),
            Expr::BooleanLiteral(node) => return Tree::constant(range, Constant::Bool(node.value)).into(),
            Expr::NoneLiteral(_) => return Tree::constant(range, Constant::None).into(),
            Expr::EllipsisLiteral(_) | Expr::IpyEscapeCommand(_) => {
                return Tree::constant(range, Constant::Ellipsis).into();
            }
            Expr::Attribute(node) => (
                "Attribute",
                vec![("value", self.expr(&node.value)), ("attr", name(&node.attr)), ("ctx", context(node.ctx))],
            ),
            Expr::Subscript(node) => (
                "Subscript",
                vec![("value", self.expr(&node.value)), ("slice", self.expr(&node.slice)), ("ctx", context(node.ctx))],
            ),
            Expr::Starred(node) => ("Starred", vec![("value", self.expr(&node.value)), ("ctx", context(node.ctx))]),
            Expr::Name(node) => ("Name", vec![("id", Field::Name(node.id.to_string())), ("ctx", context(node.ctx))]),
            Expr::List(node) => ("List", vec![("elts", self.exprs(&node.elts)), ("ctx", context(node.ctx))]),
            Expr::Tuple(node) => ("Tuple", vec![("elts", self.exprs(&node.elts)), ("ctx", context(node.ctx))]),
            Expr::Slice(node) => (
                "Slice",
                vec![
                    ("lower", self.optional(&node.lower)),
                    ("upper", self.optional(&node.upper)),
                    ("step", self.optional(&node.step)),
                ],
            ),
        };
        Tree::at(class, range, fields).into()
    }

    /// An argument; a generator that is the only one extends over the parentheses of the call.
    fn argument(&self, argument: &Expr, arguments: &ruff_python_ast::Arguments) -> Field {
        let mut field = self.expr(argument);
        if let (Expr::Generator(generator), Field::Node(tree)) = (argument, &mut field)
            && !generator.parenthesized
        {
            tree.range = Some(arguments.range());
        }
        field
    }

    fn number(&self, number: &ruff_python_ast::Number) -> Constant {
        match number {
            ruff_python_ast::Number::Int(value) => Constant::Int(value.to_string()),
            ruff_python_ast::Number::Float(value) => Constant::Float(*value),
            ruff_python_ast::Number::Complex { imag, .. } => Constant::Imaginary(*imag),
        }
    }
}

fn alias(alias: &Alias) -> Field {
    let fields = vec![("name", name(&alias.name)), ("asname", optional_name(&alias.asname))];
    Tree::at("alias", alias.range, fields).into()
}
