//! A checked plain tree to the tree that the compiler reads.
//!
//! The compiler knows places as offsets into a source text. There is none, so one is made that has the lines and
//! columns that the nodes name: blanks, an `x` where a decorated definition begins (the compiler looks for it behind
//! the decorators), and behind the last line the few literals whose text the compiler reads from the source.

use std::collections::BTreeMap;

use taipan_syntax::ast::name::Name;
use taipan_syntax::ast::str_prefix::{ByteStringPrefix, FStringPrefix, StringLiteralPrefix, TStringPrefix};
use taipan_syntax::ast::{self, AtomicNodeIndex, Expr, ExprContext, Identifier, Mod, Pattern, Stmt};
use taipan_syntax::text_size::{Ranged, TextRange, TextSize};

use super::check::{Res, type_error, value_error};
use super::take::{Const, Part, Plain};

/// What the compiler needs.
pub struct Built {
    /// The source that ranges refer to.
    pub source: String,
    /// The tree.
    pub tree: Mod,
}

/// Lines and columns that are worth a source text.
const MAX_SOURCE: usize = 1 << 30;
const NONE: AtomicNodeIndex = AtomicNodeIndex::NONE;

/// Builds the compiler's tree.
pub fn build(tree: &Plain) -> Res<Built> {
    let mut widths = BTreeMap::new();
    measure(tree, &mut widths);
    let last = widths.keys().next_back().copied().unwrap_or(1);
    if last.saturating_add(widths.values().sum()) > MAX_SOURCE {
        return value_error("AST node positions are too large");
    }
    let (mut starts, mut source) = (Vec::with_capacity(last), String::new());
    for line in 1..=last {
        starts.push(source.len());
        let width = widths.get(&line).copied().unwrap_or(0);
        source.extend(std::iter::repeat_n(' ', width));
        source.push('\n');
    }
    let mut bytes = source.into_bytes();
    mark_definitions(tree, &starts, &mut bytes);
    let mut source = String::from_utf8(bytes).expect("ASCII");
    // The one literal that all strs and bytes without surrogates share; their text is in the tree.
    let literal = source.len();
    source.push_str("r\"\"");
    let mut builder = Builder { starts, source, literal: range(literal, literal + 3), last_place: range(0, 0) };
    let whole = range(0, 0);
    let tree = match tree.spec.name {
        "Expression" => {
            let body = Box::new(builder.needed(tree, "body")?);
            Mod::Expression(ast::ModExpression { node_index: NONE, range: whole, body })
        }
        _ => {
            let body = builder.stmts(tree, "body")?.into_iter().collect();
            Mod::Module(ast::ModModule { node_index: NONE, range: whole, body })
        }
    };
    Ok(Built { source: builder.source, tree })
}

fn range(start: usize, end: usize) -> TextRange {
    TextRange::new(TextSize::new(start as u32), TextSize::new(end.max(start) as u32))
}

fn line_col(line: i64, col: i64) -> (usize, usize) {
    (line.max(1) as usize, col.max(0) as usize)
}

fn for_each(node: &Plain, visit: &mut impl FnMut(&Plain)) {
    fn part(item: &Part, visit: &mut impl FnMut(&Plain)) {
        match item {
            Part::Node(node) => for_each(node, visit),
            Part::List(items) => items.iter().for_each(|item| part(item, visit)),
            _ => {}
        }
    }
    visit(node);
    node.parts.iter().for_each(|item| part(item, visit));
}

/// Columns that each line must have.
fn measure(tree: &Plain, widths: &mut BTreeMap<usize, usize>) {
    for_each(tree, &mut |node| {
        if node.spec.located {
            let [line, col, end_line, end_col] = node.place;
            for (line, col) in [line_col(line, col), line_col(end_line, end_col)] {
                let width = widths.entry(line).or_insert(0);
                *width = (*width).max(col + 1);
            }
        }
    });
}

fn is_definition(node: &Plain) -> bool {
    matches!(node.spec.name, "FunctionDef" | "AsyncFunctionDef" | "ClassDef")
}

fn mark_definitions(tree: &Plain, starts: &[usize], source: &mut [u8]) {
    for_each(tree, &mut |node| {
        if is_definition(node) {
            let (line, col) = line_col(node.place[0], node.place[1]);
            source[starts[line - 1] + col] = b'x';
        }
    });
}

struct Builder {
    starts: Vec<usize>,
    source: String,
    literal: TextRange,
    /// Place of the last node with one, for those without.
    last_place: TextRange,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Builder {
    fn place(&mut self, node: &Plain) -> TextRange {
        if node.spec.located {
            let [line, col, end_line, end_col] = node.place;
            let (start, end) = (line_col(line, col), line_col(end_line, end_col));
            let offset = |(line, col): (usize, usize)| self.starts[line - 1] + col;
            self.last_place = range(offset(start), offset(end));
        }
        self.last_place
    }

    fn identifier(&mut self, node: &Plain, field: &str) -> Identifier {
        Identifier::new(text(node.text(field).unwrap_or_default()), self.last_place)
    }

    fn optional_identifier(&mut self, node: &Plain, field: &str) -> Option<Identifier> {
        node.text(field).map(|bytes| Identifier::new(text(bytes), self.last_place))
    }

    fn needed(&mut self, node: &Plain, field: &str) -> Res<Expr> {
        match node.node(field) {
            Some(inner) => self.expr(inner),
            None => value_error(format!("field '{field}' is required for {}", node.spec.name)),
        }
    }

    fn boxed(&mut self, node: &Plain, field: &str) -> Res<Box<Expr>> {
        self.needed(node, field).map(Box::new)
    }

    fn optional(&mut self, node: &Plain, field: &str) -> Res<Option<Box<Expr>>> {
        node.node(field).map(|inner| self.expr(inner).map(Box::new)).transpose()
    }

    fn exprs(&mut self, node: &Plain, field: &str) -> Res<Vec<Expr>> {
        node.nodes(field).map(|inner| self.expr(inner)).collect()
    }

    fn stmts(&mut self, node: &Plain, field: &str) -> Res<Vec<Stmt>> {
        node.nodes(field).map(|inner| self.stmt(inner)).collect()
    }

    // ---- statements --------------------------------------------------------------------------------

    fn stmt(&mut self, node: &Plain) -> Res<Stmt> {
        let range = self.place(node);
        let node_index = NONE;
        Ok(match node.spec.name {
            "FunctionDef" | "AsyncFunctionDef" => self.function(node, range)?,
            "ClassDef" => self.class(node, range)?,
            "Return" => Stmt::Return(ast::StmtReturn { node_index, range, value: self.optional(node, "value")? }),
            "Delete" => Stmt::Delete(ast::StmtDelete { node_index, range, targets: self.exprs(node, "targets")? }),
            "Assign" => Stmt::Assign(ast::StmtAssign {
                node_index,
                range,
                targets: self.exprs(node, "targets")?,
                value: self.boxed(node, "value")?,
            }),
            "TypeAlias" => Stmt::TypeAlias(ast::StmtTypeAlias {
                node_index,
                range,
                name: self.boxed(node, "name")?,
                type_params: self.type_params(node)?,
                value: self.boxed(node, "value")?,
            }),
            "AugAssign" => Stmt::AugAssign(ast::StmtAugAssign {
                node_index,
                range,
                target: self.boxed(node, "target")?,
                op: operator(node),
                value: self.boxed(node, "value")?,
            }),
            "AnnAssign" => Stmt::AnnAssign(ast::StmtAnnAssign {
                node_index,
                range,
                target: self.boxed(node, "target")?,
                annotation: self.boxed(node, "annotation")?,
                value: self.optional(node, "value")?,
                simple: node.int("simple") != 0,
            }),
            "For" | "AsyncFor" => Stmt::For(ast::StmtFor {
                node_index,
                range,
                is_async: node.spec.name == "AsyncFor",
                target: self.boxed(node, "target")?,
                iter: self.boxed(node, "iter")?,
                body: self.stmts(node, "body")?.into_iter().collect(),
                orelse: self.stmts(node, "orelse")?.into_iter().collect(),
            }),
            "While" => Stmt::While(ast::StmtWhile {
                node_index,
                range,
                test: self.boxed(node, "test")?,
                body: self.stmts(node, "body")?.into_iter().collect(),
                orelse: self.stmts(node, "orelse")?.into_iter().collect(),
            }),
            "If" => self.if_(node, range)?,
            "With" | "AsyncWith" => Stmt::With(ast::StmtWith {
                node_index,
                range,
                is_async: node.spec.name == "AsyncWith",
                items: self.with_items(node)?,
                body: self.stmts(node, "body")?.into_iter().collect(),
            }),
            "Match" => Stmt::Match(ast::StmtMatch {
                node_index,
                range,
                subject: self.boxed(node, "subject")?,
                cases: node.nodes("cases").map(|case| self.match_case(case)).collect::<Res<_>>()?,
            }),
            "Raise" => Stmt::Raise(ast::StmtRaise {
                node_index,
                range,
                exc: self.optional(node, "exc")?,
                cause: self.optional(node, "cause")?,
            }),
            "Try" | "TryStar" => Stmt::Try(ast::StmtTry {
                node_index,
                range,
                body: self.stmts(node, "body")?.into_iter().collect(),
                handlers: node.nodes("handlers").map(|handler| self.handler(handler)).collect::<Res<_>>()?,
                orelse: self.stmts(node, "orelse")?.into_iter().collect(),
                finalbody: self.stmts(node, "finalbody")?.into_iter().collect(),
                is_star: node.spec.name == "TryStar",
            }),
            "Assert" => Stmt::Assert(ast::StmtAssert {
                node_index,
                range,
                test: self.boxed(node, "test")?,
                msg: self.optional(node, "msg")?,
            }),
            "Import" => Stmt::Import(ast::StmtImport { node_index, range, names: self.aliases(node), is_lazy: false }),
            "ImportFrom" => Stmt::ImportFrom(ast::StmtImportFrom {
                node_index,
                range,
                module: self.optional_identifier(node, "module"),
                names: self.aliases(node),
                level: u32::try_from(node.int("level")).unwrap_or(0),
                is_lazy: false,
            }),
            "Global" => Stmt::Global(ast::StmtGlobal { node_index, range, names: self.names(node, "names") }),
            "Nonlocal" => Stmt::Nonlocal(ast::StmtNonlocal { node_index, range, names: self.names(node, "names") }),
            "Expr" => Stmt::Expr(ast::StmtExpr { node_index, range, value: self.boxed(node, "value")? }),
            "Break" => Stmt::Break(ast::StmtBreak { node_index, range }),
            "Continue" => Stmt::Continue(ast::StmtContinue { node_index, range }),
            _ => Stmt::Pass(ast::StmtPass { node_index, range }),
        })
    }

    fn names(&mut self, node: &Plain, field: &str) -> Vec<Identifier> {
        let names = node.list(field).iter().map(|part| match part {
            Part::Text(bytes) => text(bytes),
            _ => String::new(),
        });
        names.map(|name| Identifier::new(name, self.last_place)).collect()
    }

    fn aliases(&mut self, node: &Plain) -> Vec<ast::Alias> {
        let alias = |alias: &Plain| {
            let range = self.place(alias);
            let (name, asname) = (self.identifier(alias, "name"), self.optional_identifier(alias, "asname"));
            ast::Alias { range, node_index: NONE, name, asname }
        };
        node.nodes("names").map(alias).collect()
    }

    /// Decorators, and the range of the definition with them.
    fn decorators(&mut self, node: &Plain, own: TextRange) -> Res<(Vec<ast::Decorator>, TextRange)> {
        let mut decorators = Vec::new();
        for expression in self.exprs(node, "decorator_list")? {
            decorators.push(ast::Decorator { range: expression.range(), node_index: NONE, expression });
        }
        let start = decorators.first().map_or(own.start(), |first| first.range.start());
        // Decorators behind what they decorate would lead the compiler astray.
        let ordered = decorators.iter().all(|decorator| decorator.range.end() <= own.start());
        let start = if ordered { start.min(own.start()) } else { own.start() };
        if !ordered {
            for decorator in &mut decorators {
                decorator.range = TextRange::new(own.start(), own.start());
            }
        }
        Ok((decorators, TextRange::new(start, own.end())))
    }

    fn function(&mut self, node: &Plain, own: TextRange) -> Res<Stmt> {
        let (decorators, range) = self.decorators(node, own)?;
        self.last_place = own;
        Ok(Stmt::FunctionDef(ast::StmtFunctionDef {
            node_index: NONE,
            range,
            is_async: node.spec.name == "AsyncFunctionDef",
            decorator_list: decorators.into_iter().collect(),
            name: self.identifier(node, "name"),
            type_params: self.type_params(node)?,
            parameters: Box::new(self.parameters(node)?),
            returns: self.optional(node, "returns")?,
            body: self.stmts(node, "body")?.into_iter().collect(),
        }))
    }

    fn class(&mut self, node: &Plain, own: TextRange) -> Res<Stmt> {
        let (decorators, range) = self.decorators(node, own)?;
        self.last_place = own;
        let name = self.identifier(node, "name");
        let type_params = self.type_params(node)?;
        let arguments = self.arguments(node, "bases", own)?;
        let empty = arguments.args.is_empty() && arguments.keywords.is_empty();
        Ok(Stmt::ClassDef(ast::StmtClassDef {
            node_index: NONE,
            range,
            decorator_list: decorators.into_iter().collect(),
            name,
            type_params,
            arguments: (!empty).then(|| Box::new(arguments)),
            body: self.stmts(node, "body")?.into_iter().collect(),
        }))
    }

    fn arguments(&mut self, node: &Plain, field: &str, range: TextRange) -> Res<ast::Arguments> {
        let args = self.exprs(node, field)?.into();
        let keyword = |keyword: &Plain| -> Res<ast::Keyword> {
            let range = self.place(keyword);
            let arg = self.optional_identifier(keyword, "arg");
            Ok(ast::Keyword { range, node_index: NONE, arg, value: self.needed(keyword, "value")? })
        };
        let keywords = node.nodes("keywords").map(keyword).collect::<Res<Vec<_>>>()?;
        Ok(ast::Arguments { range, node_index: NONE, args, keywords: keywords.into_iter().collect() })
    }

    fn if_(&mut self, node: &Plain, range: TextRange) -> Res<Stmt> {
        let test = self.boxed(node, "test")?;
        let body = self.stmts(node, "body")?.into_iter().collect();
        let orelse = self.stmts(node, "orelse")?;
        let mut elif_else_clauses = Vec::new();
        if !orelse.is_empty() {
            let body = orelse.into_iter().collect();
            elif_else_clauses.push(ast::ElifElseClause { range, node_index: NONE, test: None, body });
        }
        Ok(Stmt::If(ast::StmtIf { node_index: NONE, range, test, body, elif_else_clauses }))
    }

    fn with_items(&mut self, node: &Plain) -> Res<Vec<ast::WithItem>> {
        let item = |item: &Plain| {
            let context_expr = self.needed(item, "context_expr")?;
            let optional_vars = self.optional(item, "optional_vars")?;
            Ok(ast::WithItem { range: context_expr.range(), node_index: NONE, context_expr, optional_vars })
        };
        node.nodes("items").map(item).collect()
    }

    fn handler(&mut self, node: &Plain) -> Res<ast::ExceptHandler> {
        let range = self.place(node);
        let name = self.optional_identifier(node, "name");
        Ok(ast::ExceptHandler::ExceptHandler(ast::ExceptHandlerExceptHandler {
            range,
            node_index: NONE,
            type_: self.optional(node, "type")?,
            name,
            body: self.stmts(node, "body")?.into_iter().collect(),
        }))
    }

    fn type_params(&mut self, node: &Plain) -> Res<Option<Box<ast::TypeParams>>> {
        let range = self.last_place;
        let mut type_params = Vec::new();
        for param in node.nodes("type_params") {
            let range = self.place(param);
            let name = self.identifier(param, "name");
            let bound = self.optional(param, "bound")?;
            let default = self.optional(param, "default_value")?;
            let node_index = NONE;
            type_params.push(match param.spec.name {
                "TypeVar" => ast::TypeParam::TypeVar(ast::TypeParamTypeVar { node_index, range, name, bound, default }),
                "ParamSpec" => ast::TypeParam::ParamSpec(ast::TypeParamParamSpec { node_index, range, name, default }),
                _ => ast::TypeParam::TypeVarTuple(ast::TypeParamTypeVarTuple { node_index, range, name, default }),
            });
        }
        self.last_place = range;
        let some = !type_params.is_empty();
        Ok(some.then(|| Box::new(ast::TypeParams { range, node_index: NONE, type_params })))
    }

    fn parameter(&mut self, node: &Plain) -> Res<ast::Parameter> {
        let range = self.place(node);
        let name = self.identifier(node, "arg");
        Ok(ast::Parameter { range, node_index: NONE, name, annotation: self.optional(node, "annotation")? })
    }

    /// Parameters of a function or lambda, from its field `args`.
    fn parameters(&mut self, node: &Plain) -> Res<ast::Parameters> {
        let range = self.last_place;
        let Some(args) = node.node("args") else { return Ok(ast::Parameters::default()) };
        let with = |parameter: ast::Parameter, default: Option<Box<Expr>>| ast::ParameterWithDefault {
            range: parameter.range,
            node_index: NONE,
            parameter,
            default,
        };
        let mut positional = Vec::new();
        for field in ["posonlyargs", "args"] {
            for arg in args.nodes(field) {
                positional.push(self.parameter(arg)?);
            }
        }
        let defaults = self.exprs(args, "defaults")?;
        let plain = positional.len() - defaults.len();
        let mut defaults = defaults.into_iter().map(Box::new);
        let positional = positional.into_iter().enumerate();
        let positional = positional.map(|(i, arg)| with(arg, if i < plain { None } else { defaults.next() }));
        let mut posonlyargs: Vec<_> = positional.collect();
        let rest = posonlyargs.split_off(args.list("posonlyargs").len());
        let mut kwonlyargs = Vec::new();
        for (arg, default) in args.nodes("kwonlyargs").zip(args.list("kw_defaults")) {
            let parameter = self.parameter(arg)?;
            let default = match default {
                Part::Node(value) => Some(Box::new(self.expr(value)?)),
                _ => None,
            };
            kwonlyargs.push(with(parameter, default));
        }
        let vararg = args.node("vararg").map(|arg| self.parameter(arg).map(Box::new)).transpose()?;
        let kwarg = args.node("kwarg").map(|arg| self.parameter(arg).map(Box::new)).transpose()?;
        self.last_place = range;
        Ok(ast::Parameters {
            range,
            node_index: NONE,
            posonlyargs: posonlyargs.into_iter().collect(),
            args: rest.into_iter().collect(),
            vararg,
            kwonlyargs: kwonlyargs.into_iter().collect(),
            kwarg,
        })
    }

    // ---- patterns ----------------------------------------------------------------------------------

    fn match_case(&mut self, node: &Plain) -> Res<ast::MatchCase> {
        let pattern = match node.node("pattern") {
            Some(pattern) => self.pattern(pattern)?,
            None => return value_error("field 'pattern' is required for match_case"),
        };
        Ok(ast::MatchCase {
            range: pattern.range(),
            node_index: NONE,
            pattern,
            guard: self.optional(node, "guard")?,
            body: self.stmts(node, "body")?.into_iter().collect(),
        })
    }

    fn patterns(&mut self, node: &Plain, field: &str) -> Res<Vec<Pattern>> {
        node.nodes(field).map(|inner| self.pattern(inner)).collect()
    }

    fn pattern(&mut self, node: &Plain) -> Res<Pattern> {
        let range = self.place(node);
        let node_index = NONE;
        Ok(match node.spec.name {
            "MatchValue" => {
                Pattern::MatchValue(ast::PatternMatchValue { node_index, range, value: self.boxed(node, "value")? })
            }
            "MatchSingleton" => {
                let value = match node.part("value") {
                    Part::Constant(Const::Bool(true)) => ast::Singleton::True,
                    Part::Constant(Const::Bool(false)) => ast::Singleton::False,
                    _ => ast::Singleton::None,
                };
                Pattern::MatchSingleton(ast::PatternMatchSingleton { node_index, range, value })
            }
            "MatchSequence" => Pattern::MatchSequence(ast::PatternMatchSequence {
                node_index,
                range,
                patterns: self.patterns(node, "patterns")?,
            }),
            "MatchMapping" => {
                let rest = self.optional_identifier(node, "rest");
                Pattern::MatchMapping(ast::PatternMatchMapping {
                    node_index,
                    range,
                    keys: self.exprs(node, "keys")?.into_iter().collect(),
                    patterns: self.patterns(node, "patterns")?.into_iter().collect(),
                    rest,
                })
            }
            "MatchClass" => {
                let names = self.names(node, "kwd_attrs");
                let cls = self.boxed(node, "cls")?;
                let patterns = self.patterns(node, "patterns")?.into_iter().collect();
                let values = self.patterns(node, "kwd_patterns")?;
                let keyword = |(attr, pattern): (Identifier, Pattern)| {
                    let range = attr.range().cover(pattern.range());
                    ast::PatternKeyword { range, node_index: NONE, attr, pattern }
                };
                let keywords = names.into_iter().zip(values).map(keyword).collect();
                let arguments = ast::PatternArguments { range, node_index: NONE, patterns, keywords };
                Pattern::MatchClass(ast::PatternMatchClass { node_index, range, cls, arguments })
            }
            "MatchStar" => {
                let name = self.optional_identifier(node, "name");
                Pattern::MatchStar(ast::PatternMatchStar { node_index, range, name })
            }
            "MatchAs" => {
                let name = self.optional_identifier(node, "name");
                let pattern = node.node("pattern").map(|inner| self.pattern(inner).map(Box::new)).transpose()?;
                Pattern::MatchAs(ast::PatternMatchAs { node_index, range, pattern, name })
            }
            _ => {
                Pattern::MatchOr(ast::PatternMatchOr { node_index, range, patterns: self.patterns(node, "patterns")? })
            }
        })
    }

    // ---- expressions -------------------------------------------------------------------------------

    fn expr(&mut self, node: &Plain) -> Res<Expr> {
        let range = self.place(node);
        let node_index = NONE;
        let ctx = match node.node("ctx").map(|ctx| ctx.spec.name) {
            Some("Store") => ExprContext::Store,
            Some("Del") => ExprContext::Del,
            _ => ExprContext::Load,
        };
        Ok(match node.spec.name {
            "BoolOp" => {
                let and = node.node("op").is_some_and(|op| op.spec.name == "And");
                let op = if and { ast::BoolOp::And } else { ast::BoolOp::Or };
                Expr::BoolOp(ast::ExprBoolOp { node_index, range, op, values: self.exprs(node, "values")? })
            }
            "NamedExpr" => Expr::Named(ast::ExprNamed {
                node_index,
                range,
                target: self.boxed(node, "target")?,
                value: self.boxed(node, "value")?,
            }),
            "BinOp" => Expr::BinOp(ast::ExprBinOp {
                node_index,
                range,
                left: self.boxed(node, "left")?,
                op: operator(node),
                right: self.boxed(node, "right")?,
            }),
            "UnaryOp" => {
                let op = match node.node("op").map_or("", |op| op.spec.name) {
                    "Invert" => ast::UnaryOp::Invert,
                    "Not" => ast::UnaryOp::Not,
                    "UAdd" => ast::UnaryOp::UAdd,
                    _ => ast::UnaryOp::USub,
                };
                Expr::UnaryOp(ast::ExprUnaryOp { node_index, range, op, operand: self.boxed(node, "operand")? })
            }
            "Lambda" => {
                let parameters = self.parameters(node)?;
                let parameters = (!parameters.is_empty()).then(|| Box::new(parameters));
                Expr::Lambda(ast::ExprLambda { node_index, range, parameters, body: self.boxed(node, "body")? })
            }
            "IfExp" => Expr::If(ast::ExprIf {
                node_index,
                range,
                test: self.boxed(node, "test")?,
                body: self.boxed(node, "body")?,
                orelse: self.boxed(node, "orelse")?,
            }),
            "Dict" => {
                let mut items = Vec::new();
                for (key, value) in node.list("keys").iter().zip(node.nodes("values")) {
                    let key = match key {
                        Part::Node(key) => Some(self.expr(key)?),
                        _ => None,
                    };
                    items.push(ast::DictItem { key, value: self.expr(value)? });
                }
                Expr::Dict(ast::ExprDict { node_index, range, items })
            }
            "Set" => Expr::Set(ast::ExprSet { node_index, range, elts: self.exprs(node, "elts")? }),
            "ListComp" | "SetComp" | "DictComp" | "GeneratorExp" => self.comprehension(node, range)?,
            "Await" => Expr::Await(ast::ExprAwait { node_index, range, value: self.boxed(node, "value")? }),
            "Yield" => Expr::Yield(ast::ExprYield { node_index, range, value: self.optional(node, "value")? }),
            "YieldFrom" => Expr::YieldFrom(ast::ExprYieldFrom { node_index, range, value: self.boxed(node, "value")? }),
            "Compare" => {
                let ops = node.nodes("ops").map(comparison).collect();
                let left = self.boxed(node, "left")?;
                let comparators = self.exprs(node, "comparators")?.into();
                Expr::Compare(ast::ExprCompare { node_index, range, left, ops, comparators })
            }
            "Call" => {
                let func = self.boxed(node, "func")?;
                let start = func.range().end().clamp(range.start(), range.end());
                let arguments = self.arguments(node, "args", TextRange::new(start, range.end()))?;
                Expr::Call(ast::ExprCall { node_index, range_start: range.start(), func, arguments })
            }
            "JoinedStr" | "FormattedValue" | "Interpolation" => self.fstring(node, range)?,
            "TemplateStr" => self.tstring(node, range)?,
            "Constant" => match node.part("value") {
                Part::Constant(value) => self.constant(value, range)?,
                _ => return value_error("field 'value' is required for Constant"),
            },
            "Attribute" => {
                // The compiler places method calls at the attribute's name, the end of the node.
                let attr = self.identifier(node, "attr");
                let length = TextSize::new(attr.id.len() as u32);
                let start = range.end().checked_sub(length).unwrap_or_default().max(range.start());
                let attr = Identifier::new(attr.id, TextRange::new(start, range.end()));
                let value = self.boxed(node, "value")?;
                Expr::Attribute(ast::ExprAttribute { node_index, range, value, attr, ctx })
            }
            "Subscript" => Expr::Subscript(ast::ExprSubscript {
                node_index,
                range,
                value: self.boxed(node, "value")?,
                slice: self.boxed(node, "slice")?,
                ctx,
            }),
            "Starred" => Expr::Starred(ast::ExprStarred { node_index, range, value: self.boxed(node, "value")?, ctx }),
            "Name" => {
                let id = Name::new(text(node.text("id").unwrap_or_default()));
                Expr::Name(ast::ExprName { node_index, range, id, ctx })
            }
            "List" => Expr::List(ast::ExprList { node_index, range, elts: self.exprs(node, "elts")?, ctx }),
            "Tuple" => Expr::Tuple(ast::ExprTuple {
                node_index,
                range,
                elts: self.exprs(node, "elts")?,
                ctx,
                parenthesized: true,
            }),
            _ => Expr::Slice(ast::ExprSlice {
                node_index,
                range,
                lower: self.optional(node, "lower")?,
                upper: self.optional(node, "upper")?,
                step: self.optional(node, "step")?,
            }),
        })
    }

    fn comprehension(&mut self, node: &Plain, range: TextRange) -> Res<Expr> {
        let node_index = NONE;
        let (first, value) = match node.spec.name {
            "DictComp" => (self.boxed(node, "key")?, Some(self.boxed(node, "value")?)),
            _ => (self.boxed(node, "elt")?, None),
        };
        let generator = |generator: &Plain| -> Res<ast::Comprehension> {
            let target = self.needed(generator, "target")?;
            let iter = self.needed(generator, "iter")?;
            Ok(ast::Comprehension {
                range: target.range().cover(iter.range()),
                node_index: NONE,
                target,
                iter,
                ifs: self.exprs(generator, "ifs")?,
                is_async: generator.int("is_async") != 0,
            })
        };
        let generators = node.nodes("generators").map(generator).collect::<Res<Vec<_>>>()?;
        Ok(match (node.spec.name, value) {
            ("ListComp", _) => Expr::ListComp(ast::ExprListComp { node_index, range, elt: first, generators }),
            ("SetComp", _) => Expr::SetComp(ast::ExprSetComp { node_index, range, elt: first, generators }),
            (_, Some(value)) => {
                Expr::DictComp(ast::ExprDictComp { node_index, range, key: Some(first), value, generators })
            }
            _ => {
                let parenthesized = true;
                Expr::Generator(ast::ExprGenerator { node_index, range, elt: first, generators, parenthesized })
            }
        })
    }

    // ---- strings and constants ---------------------------------------------------------------------

    /// The text of a str for ruff's tree, and the range of a literal of it; raw if the tree's text is the value.
    fn literal_text(&mut self, bytes: &[u8]) -> (Box<str>, TextRange, bool) {
        match std::str::from_utf8(bytes) {
            Ok(text) => (text.into(), self.literal, true),
            Err(_) => {
                let (value, escaped) = escape(bytes);
                let start = self.source.len();
                self.source.push('"');
                self.source.push_str(&escaped);
                self.source.push('"');
                (value.into(), range(start, self.source.len()), false)
            }
        }
    }

    fn string(&mut self, bytes: &[u8], range: TextRange) -> Expr {
        let (value, part, raw) = self.literal_text(bytes);
        let prefix = if raw { StringLiteralPrefix::Raw { uppercase: false } } else { StringLiteralPrefix::Empty };
        let flags = ast::StringLiteralFlags::empty().with_prefix(prefix);
        let literal = ast::StringLiteral { range: part, node_index: NONE, value, flags };
        let value = ast::StringLiteralValue::single(literal);
        Expr::StringLiteral(ast::ExprStringLiteral { node_index: NONE, range, value })
    }

    fn constant(&mut self, value: &Const, range: TextRange) -> Res<Expr> {
        let node_index = NONE;
        let number = |value| Expr::NumberLiteral(ast::ExprNumberLiteral { node_index: NONE, range, value });
        Ok(match value {
            Const::None => Expr::NoneLiteral(ast::ExprNoneLiteral { node_index, range }),
            Const::Bool(value) => Expr::BooleanLiteral(ast::ExprBooleanLiteral { node_index, range, value: *value }),
            Const::Ellipsis => Expr::EllipsisLiteral(ast::ExprEllipsisLiteral { node_index, range }),
            Const::Int(negative, digits) => {
                let int = ast::Int::from_str_radix(digits, 16, &format!("0x{digits}"));
                let literal = number(ast::Number::Int(int.unwrap_or(ast::Int::ZERO)));
                if *negative {
                    let operand = Box::new(literal);
                    Expr::UnaryOp(ast::ExprUnaryOp { node_index, range, op: ast::UnaryOp::USub, operand })
                } else {
                    literal
                }
            }
            Const::Float(value) => number(ast::Number::Float(*value)),
            Const::Complex(real, imag) => number(ast::Number::Complex { real: *real, imag: *imag }),
            Const::Str(bytes) => self.string(bytes, range),
            Const::Bytes(bytes) => {
                let prefix = ByteStringPrefix::Raw { uppercase_r: false };
                let flags = ast::BytesLiteralFlags::empty().with_prefix(prefix);
                let value = bytes.clone().into();
                let literal = ast::BytesLiteral { range: self.literal, node_index: NONE, value, flags };
                let value = ast::BytesLiteralValue::single(literal);
                Expr::BytesLiteral(ast::ExprBytesLiteral { node_index, range, value })
            }
            Const::Tuple(items) => {
                let elts = items.iter().map(|item| self.constant(item, range)).collect::<Res<_>>()?;
                let (ctx, parenthesized) = (ExprContext::Load, true);
                Expr::Tuple(ast::ExprTuple { node_index, range, elts, ctx, parenthesized })
            }
            Const::FrozenSet(_) => return type_error("got an invalid type in Constant: frozenset"),
            Const::Bad(name) => return type_error(format!("got an invalid type in Constant: {name}")),
        })
    }

    /// The parts of an f-string or t-string; false if a text has surrogates and must not be read as raw.
    fn elements(&mut self, node: &Plain, field: &str) -> Res<(Vec<ast::InterpolatedStringElement>, bool)> {
        let (mut elements, mut raw) = (Vec::new(), true);
        for part in node.nodes(field) {
            if let (Part::Constant(Const::Str(bytes)), "Constant") = (part.part("value"), part.spec.name) {
                let own = self.place(part);
                let (value, literal, is_raw) = self.literal_text(bytes);
                raw &= is_raw;
                let inside = TextRange::new(literal.start() + TextSize::new(1), literal.end() - TextSize::new(1));
                let range = if is_raw { own } else { inside };
                let literal = ast::InterpolatedStringLiteralElement { range, node_index: NONE, value };
                elements.push(ast::InterpolatedStringElement::Literal(literal));
            } else {
                elements.push(ast::InterpolatedStringElement::Interpolation(self.element(part)?));
            }
        }
        Ok((elements, raw))
    }

    /// A replacement field: `FormattedValue`, `Interpolation`, or any expression.
    fn element(&mut self, node: &Plain) -> Res<ast::InterpolatedElement> {
        let mut range = self.place(node);
        if !matches!(node.spec.name, "FormattedValue" | "Interpolation") {
            let (expression, conversion) = (Box::new(self.expr(node)?), ast::ConversionFlag::None);
            let (debug_text, format_spec) = (None, None);
            return Ok(ast::InterpolatedElement {
                range,
                node_index: NONE,
                expression,
                debug_text,
                conversion,
                format_spec,
            });
        }
        let conversion = match node.int("conversion") {
            115 => ast::ConversionFlag::Str,
            114 => ast::ConversionFlag::Repr,
            97 => ast::ConversionFlag::Ascii,
            -1 | 0 => ast::ConversionFlag::None,
            other => return value_error(format!("Unrecognized conversion character {other}")),
        };
        let expression = self.boxed(node, "value")?;
        let format_spec = match node.node("format_spec") {
            None => None,
            Some(spec) => {
                let range = self.place(spec);
                let elements = match spec.spec.name {
                    "JoinedStr" => self.elements(spec, "values")?.0,
                    _ => vec![ast::InterpolatedStringElement::Interpolation(self.element(spec)?)],
                };
                let elements = elements.into();
                Some(Box::new(ast::InterpolatedStringFormatSpec { range, node_index: NONE, elements }))
            }
        };
        if let (Part::Constant(Const::Str(bytes)), "Interpolation") = (node.part("str"), node.spec.name) {
            // The compiler takes the expression's text from the source.
            let start = self.source.len();
            self.source.push('{');
            self.source.push_str(&text(bytes));
            self.source.push('}');
            range = self::range(start, self.source.len());
        }
        Ok(ast::InterpolatedElement { range, node_index: NONE, expression, debug_text: None, conversion, format_spec })
    }

    fn fstring(&mut self, node: &Plain, range: TextRange) -> Res<Expr> {
        let (elements, raw) = match node.spec.name {
            "JoinedStr" => self.elements(node, "values")?,
            _ => (vec![ast::InterpolatedStringElement::Interpolation(self.element(node)?)], true),
        };
        let prefix = if raw { FStringPrefix::Raw { uppercase_r: false } } else { FStringPrefix::Regular };
        let flags = ast::FStringFlags::empty().with_prefix(prefix);
        let string = ast::FString { range, node_index: NONE, elements: elements.into(), flags };
        let value = ast::FStringValue::single(string);
        Ok(Expr::FString(ast::ExprFString { node_index: NONE, range, value }))
    }

    fn tstring(&mut self, node: &Plain, range: TextRange) -> Res<Expr> {
        let (elements, raw) = self.elements(node, "values")?;
        let prefix = if raw { TStringPrefix::Raw { uppercase_r: false } } else { TStringPrefix::Regular };
        let flags = ast::TStringFlags::empty().with_prefix(prefix);
        let string = ast::TString { range, node_index: NONE, elements: elements.into(), flags };
        let value = ast::TStringValue::single(string);
        Ok(Expr::TString(ast::ExprTString { node_index: NONE, range, value }))
    }
}

fn operator(node: &Plain) -> ast::Operator {
    use ast::Operator::*;
    match node.node("op").map_or("", |op| op.spec.name) {
        "Sub" => Sub,
        "Mult" => Mult,
        "MatMult" => MatMult,
        "Div" => Div,
        "Mod" => Mod,
        "Pow" => Pow,
        "LShift" => LShift,
        "RShift" => RShift,
        "BitOr" => BitOr,
        "BitXor" => BitXor,
        "BitAnd" => BitAnd,
        "FloorDiv" => FloorDiv,
        _ => Add,
    }
}

fn comparison(op: &Plain) -> ast::CmpOp {
    use ast::CmpOp::*;
    match op.spec.name {
        "NotEq" => NotEq,
        "Lt" => Lt,
        "LtE" => LtE,
        "Gt" => Gt,
        "GtE" => GtE,
        "Is" => Is,
        "IsNot" => IsNot,
        "In" => In,
        "NotIn" => NotIn,
        _ => Eq,
    }
}

/// Text with surrogates: as ruff has it (U+FFFD for each), and the inside of a literal of it.
fn escape(bytes: &[u8]) -> (String, String) {
    let (mut value, mut escaped) = (String::new(), String::new());
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or(""),
        };
        for c in valid.chars() {
            value.push(c);
            match c {
                '\\' => escaped.push_str("\\\\"),
                '{' | '}' => escaped.push_str(&format!("\\x{:02x}", c as u32)),
                c => escaped.push(c),
            }
        }
        rest = &rest[valid.len()..];
        if let [a, b, c, ..] = *rest {
            let code = (a as u32 & 0xf) << 12 | (b as u32 & 0x3f) << 6 | (c as u32 & 0x3f);
            value.push('\u{fffd}');
            escaped.push_str(&format!("\\u{code:04x}"));
            rest = &rest[3..];
        } else if valid.is_empty() {
            break;
        }
    }
    (value, escaped)
}
