//! First pass over the tree: which names each block uses, and how.
//!
//! Follows CPython's `Python/symtable.c` in what it reports and in which order. Scopes are found again by
//! the address of their node and a role, because a node may have several (function, type parameters,
//! annotations). The tree must not move between the passes.

mod expr;

use crate::error::{Res, fail};
use crate::scope::{Name, Resolved, Scope, ScopeId, ScopeKind, Symbol, Table, mangle, uses};
use ruff_python_ast::{self as ast, Expr, Pattern, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

/// The block itself.
pub const MAIN: u8 = 0;
/// Its type parameters.
pub const TYPE_PARAMS: u8 = 1;
/// Its annotations.
pub const ANNOTATIONS: u8 = 2;

/// The variable annotations of a module or class; the key is the scope's number.
pub const VARIABLES: u8 = 3;
const SCRATCH: u8 = 4;

/// Address of a node, its key.
pub fn key<T: ?Sized>(node: &T) -> usize {
    std::ptr::from_ref(node).cast::<u8>() as usize
}

/// Range of a `def` or `class` statement without its decorators, as CPython's nodes have it.
pub fn after_decorators(source: &str, decorators: &[ast::Decorator], range: TextRange) -> TextRange {
    let Some(last) = decorators.last() else { return range };
    let mut at = last.range().end().to_usize();
    let end = range.end().to_usize();
    while let Some(rest) = source.get(at..end) {
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}', ')']).len();
        at += blank;
        match rest.as_bytes().get(blank) {
            Some(b'#') => at += rest[blank..].find(['\n', '\r']).unwrap_or(rest.len() - blank),
            Some(b'\\') => at += 1,
            _ => break,
        }
    }
    TextRange::new(TextSize::new(at as u32), range.end())
}

/// The pass.
pub struct Walker<'a> {
    source: &'a str,
    table: Table,
    current: ScopeId,
    /// `from __future__ import annotations`.
    lazy_strings: bool,
    conditional: u32,
    comp_iter: u32,
    comp_target: bool,
    depth: u32,
    limit: u32,
}

/// Builds and resolves the scopes of a module body or an expression.
pub fn scopes(source: &str, body: &[Stmt], expr: Option<&Expr>, lazy_strings: bool, limit: u32) -> Res<Table> {
    let mut w = Walker {
        source,
        table: Table::default(),
        current: 0,
        lazy_strings,
        conditional: 0,
        comp_iter: 0,
        comp_target: false,
        depth: 0,
        limit,
    };
    w.push_scope(ScopeKind::Module, "<module>", TextRange::default());
    w.body(body)?;
    if let Some(expr) = expr {
        w.expr(expr)?;
    }
    let mut table = w.table;
    crate::scope::analyze(&mut table)?;
    Ok(table)
}

impl Walker<'_> {
    fn push_scope(&mut self, kind: ScopeKind, name: &str, range: TextRange) -> ScopeId {
        let id = self.table.scopes.len();
        let parent = (id > 0).then_some(self.current);
        let around = parent.map(|p| &self.table.scopes[p]);
        let in_class = around.is_some_and(|p| p.kind == ScopeKind::Class || p.sees_class);
        let special = matches!(
            kind,
            ScopeKind::Annotation | ScopeKind::TypeParams | ScopeKind::TypeAlias | ScopeKind::TypeVariable
        );
        let scope = Scope {
            kind,
            name: name.into(),
            symbols: Default::default(),
            params: Vec::new(),
            children: Vec::new(),
            parent,
            nested: around.is_some_and(|p| p.nested || p.kind.is_function()),
            is_generator: kind == ScopeKind::Generator,
            is_coroutine: false,
            private: around.and_then(|p| p.private.clone()),
            sees_class: special && in_class,
            inlined: false,
            needs_class: false,
            needs_classdict: false,
            conditional_annotations: false,
            mangled: around.filter(|_| kind != ScopeKind::Class).and_then(|p| p.mangled.clone()),
            walrus: Default::default(),
            extra_cells: Default::default(),
            directives: Vec::new(),
            what: "",
            child_free: false,
            range,
        };
        self.table.scopes.push(scope);
        if let Some(parent) = parent {
            self.table.scopes[parent].children.push(id);
        }
        self.current = id;
        if special && in_class {
            self.add_raw(id, "__classdict__", uses::USE);
        }
        id
    }

    fn enter(&mut self, kind: ScopeKind, name: &str, node: usize, role: u8, range: TextRange) -> Entered {
        let before = Entered { scope: self.current, conditional: self.conditional, iter: self.comp_iter };
        let id = self.push_scope(kind, name, range);
        self.table.of_node.insert((node, role), id);
        self.conditional = 0;
        before
    }

    fn leave(&mut self, before: Entered) {
        (self.current, self.conditional, self.comp_iter) = (before.scope, before.conditional, before.iter);
    }

    fn cur(&mut self) -> &mut Scope {
        &mut self.table.scopes[self.current]
    }

    fn add_raw(&mut self, id: ScopeId, name: &str, bits: u16) {
        let scope = &mut self.table.scopes[id];
        match scope.symbols.get_mut(name) {
            Some(symbol) => symbol.uses |= bits,
            None => {
                scope.symbols.insert(name.into(), Symbol { uses: bits, resolved: Resolved::GlobalImplicit });
            }
        }
    }

    fn mangled(&self, name: &str) -> Name {
        let scope = &self.table.scopes[self.current];
        maybe_mangle(scope, name)
    }

    fn add(&mut self, name: &str, bits: u16, range: TextRange) -> Res {
        if name == "__debug__" && bits & (uses::BOUND | uses::GLOBAL) != 0 {
            return fail("cannot assign to __debug__", range);
        }
        let name = self.mangled(name);
        let old = self.cur().symbols.get(&name).map_or(0, |s| s.uses);
        if bits & uses::PARAM != 0 && old & uses::PARAM != 0 {
            return fail(format!("duplicate argument '{name}' in function definition"), range);
        }
        if bits & uses::TYPE_PARAM != 0 && old & uses::TYPE_PARAM != 0 {
            return fail(format!("duplicate type parameter '{name}'"), range);
        }
        let mut bits = bits;
        if self.comp_target && bits & uses::BOUND != 0 {
            if old & (uses::GLOBAL | uses::NONLOCAL) != 0 {
                let text = format!("comprehension inner loop cannot rebind assignment expression target '{name}'");
                return fail(text, range);
            }
            bits |= uses::COMP_ITER;
        }
        self.add_raw(self.current, &name, bits);
        if bits & uses::PARAM != 0 {
            self.cur().params.push(name);
        }
        Ok(())
    }

    fn body(&mut self, body: &[Stmt]) -> Res {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    fn conditional_body(&mut self, body: &[Stmt]) -> Res {
        self.conditional += 1;
        let result = self.body(body);
        self.conditional -= 1;
        result
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Res {
        exprs.into_iter().try_for_each(|e| self.expr(e))
    }

    fn maybe(&mut self, expr: Option<&Expr>) -> Res {
        expr.map_or(Ok(()), |e| self.expr(e))
    }

    fn nest(&mut self, range: TextRange) -> Res {
        self.depth += 1;
        if self.depth > self.limit { Err(crate::too_deep(range)) } else { Ok(()) }
    }

    fn stmt(&mut self, stmt: &Stmt) -> Res {
        self.nest(stmt.range())?;
        self.stmt_inner(stmt)?;
        self.depth -= 1;
        Ok(())
    }

    fn stmt_inner(&mut self, stmt: &Stmt) -> Res {
        match stmt {
            Stmt::FunctionDef(f) => self.function(f),
            Stmt::ClassDef(c) => self.class(c),
            Stmt::TypeAlias(t) => self.type_alias(t),
            Stmt::Return(s) => self.maybe(s.value.as_deref()),
            Stmt::Delete(s) => self.exprs(&s.targets),
            Stmt::Assign(s) => {
                self.exprs(&s.targets)?;
                self.expr(&s.value)
            }
            Stmt::AugAssign(s) => {
                if let Expr::Name(name) = &*s.target {
                    self.add(&name.id, uses::USE, name.range)?;
                }
                self.expr(&s.target)?;
                self.expr(&s.value)
            }
            Stmt::AnnAssign(s) => self.ann_assign(s),
            Stmt::For(s) => {
                if s.is_async {
                    self.mark_async();
                }
                self.expr(&s.target)?;
                self.expr(&s.iter)?;
                self.conditional_body(&s.body)?;
                self.conditional_body(&s.orelse)
            }
            Stmt::While(s) => {
                self.expr(&s.test)?;
                self.conditional_body(&s.body)?;
                self.conditional_body(&s.orelse)
            }
            Stmt::If(s) => {
                self.expr(&s.test)?;
                self.conditional_body(&s.body)?;
                for clause in &s.elif_else_clauses {
                    self.maybe(clause.test.as_ref())?;
                    self.conditional_body(&clause.body)?;
                }
                Ok(())
            }
            Stmt::With(s) => {
                if s.is_async {
                    self.mark_async();
                }
                for item in &s.items {
                    self.expr(&item.context_expr)?;
                    self.maybe(item.optional_vars.as_deref())?;
                }
                self.conditional_body(&s.body)
            }
            Stmt::Match(s) => {
                self.expr(&s.subject)?;
                for case in &s.cases {
                    self.pattern(&case.pattern)?;
                    self.maybe(case.guard.as_deref())?;
                    self.conditional_body(&case.body)?;
                }
                Ok(())
            }
            Stmt::Raise(s) => {
                self.maybe(s.exc.as_deref())?;
                self.maybe(s.cause.as_deref())
            }
            Stmt::Try(s) => {
                self.conditional_body(&s.body)?;
                for ast::ExceptHandler::ExceptHandler(h) in &s.handlers {
                    self.maybe(h.type_.as_deref())?;
                    if let Some(name) = &h.name {
                        self.add(name, uses::LOCAL, h.range)?;
                    }
                    self.conditional_body(&h.body)?;
                }
                self.conditional_body(&s.orelse)?;
                self.conditional_body(&s.finalbody)
            }
            Stmt::Assert(s) => {
                self.expr(&s.test)?;
                self.maybe(s.msg.as_deref())
            }
            Stmt::Import(s) => s.names.iter().try_for_each(|alias| self.alias(alias)),
            Stmt::ImportFrom(s) => s.names.iter().try_for_each(|alias| self.alias(alias)),
            Stmt::Global(s) => self.declare(&s.names, uses::GLOBAL, "global", s.range),
            Stmt::Nonlocal(s) => self.declare(&s.names, uses::NONLOCAL, "nonlocal", s.range),
            Stmt::Expr(s) => self.expr(&s.value),
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn alias(&mut self, alias: &ast::Alias) -> Res {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        if name == "*" {
            if self.cur().kind != ScopeKind::Module {
                return fail("import * only allowed at module level", alias.range);
            }
            return Ok(());
        }
        let name = name.split('.').next().unwrap_or(name);
        self.add(name, uses::IMPORT, alias.range)
    }

    fn declare(&mut self, names: &[ast::Identifier], bit: u16, word: &str, range: TextRange) -> Res {
        for name in names {
            let name = self.mangled(name);
            if bit == uses::GLOBAL && self.current != 0 {
                // The module's own uses of the name mean the global namespace too, as in CPython.
                self.add_raw(0, &name, uses::GLOBAL);
            }
            let old = self.cur().symbols.get(&name).map_or(0, |s| s.uses);
            let text = if old & uses::PARAM != 0 {
                format!("name '{name}' is parameter and {word}")
            } else if old & uses::USE != 0 {
                format!("name '{name}' is used prior to {word} declaration")
            } else if old & uses::ANNOT != 0 {
                format!("annotated name '{name}' can't be {word}")
            } else if old & (uses::LOCAL | uses::IMPORT) != 0 {
                format!("name '{name}' is assigned to before {word} declaration")
            } else {
                self.add(&name, bit, range)?;
                self.cur().directives.push((name, range));
                continue;
            };
            return fail(text, range);
        }
        Ok(())
    }

    fn ann_assign(&mut self, s: &ast::StmtAnnAssign) -> Res {
        if let Expr::Name(target) = &*s.target {
            let name = self.mangled(&target.id);
            let old = self.cur().symbols.get(&name).map_or(0, |s| s.uses);
            if s.simple && old & (uses::GLOBAL | uses::NONLOCAL) != 0 && self.current != 0 {
                let word = if old & uses::GLOBAL != 0 { "global" } else { "nonlocal" };
                return fail(format!("annotated name '{}' can't be {word}", target.id), s.range);
            }
            if s.simple {
                self.add(&target.id, uses::ANNOT | uses::LOCAL, target.range)?;
            } else if s.value.is_some() {
                self.add(&target.id, uses::LOCAL, target.range)?;
            }
        } else {
            self.expr(&s.target)?;
        }
        self.variable_annotation(s)?;
        self.maybe(s.value.as_deref())
    }

    /// Annotations of a module or class share one scope; in functions they are only checked.
    fn variable_annotation(&mut self, s: &ast::StmtAnnAssign) -> Res {
        let home = self.current;
        let kind = self.table.scopes[home].kind;
        let in_function = !matches!(kind, ScopeKind::Module | ScopeKind::Class);
        let conditional = kind == ScopeKind::Module || kind == ScopeKind::Class && self.conditional > 0;
        if s.simple && conditional && !self.table.scopes[home].conditional_annotations {
            self.table.scopes[home].conditional_annotations = true;
            self.add_raw(home, "__conditional_annotations__", uses::USE | uses::LOCAL);
        }
        let scratch = in_function || self.lazy_strings || !s.simple;
        let node = (home, if scratch { SCRATCH } else { VARIABLES });
        let known = (!scratch).then(|| self.table.of_node.get(&node).copied()).flatten();
        let before = match known {
            Some(id) => {
                let before = Entered { scope: home, conditional: self.conditional, iter: self.comp_iter };
                self.current = id;
                before
            }
            None => {
                let before = self.enter(ScopeKind::Annotation, "__annotate__", node.0, node.1, s.range);
                self.add(".format", uses::PARAM | uses::USE, s.range)?;
                self.cur().what = "an annotation";
                if conditional && !scratch {
                    self.add("__conditional_annotations__", uses::USE, s.range)?;
                }
                before
            }
        };
        if known.is_some() && conditional {
            self.add("__conditional_annotations__", uses::USE, s.range)?;
        }
        self.expr(&s.annotation)?;
        let done = self.current;
        self.leave(before);
        if scratch {
            self.discard(done, node);
        }
        Ok(())
    }

    /// Makes an annotation scope that only returns strings.
    fn forget_names(&mut self, id: ScopeId) {
        let scope = &mut self.table.scopes[id];
        scope.symbols.retain(|name, _| &**name == ".format");
        scope.children.clear();
        scope.sees_class = false;
    }

    /// Forgets a scope that was only walked for its errors.
    fn discard(&mut self, id: ScopeId, node: (usize, u8)) {
        self.cur().children.retain(|&child| child != id);
        self.table.of_node.remove(&node);
    }

    fn function(&mut self, f: &ast::StmtFunctionDef) -> Res {
        let range = after_decorators(self.source, &f.decorator_list, f.range);
        self.add(&f.name, uses::LOCAL, range)?;
        self.defaults(&f.parameters)?;
        self.exprs(f.decorator_list.iter().map(|d| &d.expression))?;
        let node = key(f);
        let generic = match &f.type_params {
            Some(params) => {
                let before = self.enter_type_params(&f.name, node, f.range, None);
                let p = &f.parameters;
                if p.iter_non_variadic_params().take(p.posonlyargs.len() + p.args.len()).any(|p| p.default.is_some()) {
                    self.add(".defaults", uses::PARAM, f.range)?;
                }
                if p.kwonlyargs.iter().any(|p| p.default.is_some()) {
                    self.add(".kwdefaults", uses::PARAM, f.range)?;
                }
                self.type_params(params)?;
                Some(before)
            }
            None => None,
        };
        self.annotations(f, node)?;
        let before = self.enter(ScopeKind::Function, &f.name, node, MAIN, f.range);
        self.cur().is_coroutine = f.is_async;
        self.parameters(&f.parameters)?;
        self.body(&f.body)?;
        self.leave(before);
        if let Some(before) = generic {
            self.leave(before);
        }
        Ok(())
    }

    fn annotations(&mut self, f: &ast::StmtFunctionDef, node: usize) -> Res {
        let before = self.enter(ScopeKind::Annotation, "__annotate__", node, ANNOTATIONS, f.range);
        let done = self.current;
        self.cur().what = "an annotation";
        self.add(".format", uses::PARAM | uses::USE, f.range)?;
        let p = &f.parameters;
        let mut any = f.returns.is_some();
        for annotation in annotated(p) {
            any = true;
            self.expr(annotation)?;
        }
        self.maybe(f.returns.as_deref())?;
        self.leave(before);
        if !any || self.lazy_strings {
            // CPython has the scope even if it is empty, and with it the need for the namespace.
            let lazy = self.lazy_strings;
            let scope = self.cur();
            scope.needs_classdict |= scope.kind == ScopeKind::Class && !lazy;
            if !any {
                self.discard(done, (node, ANNOTATIONS));
            } else {
                self.forget_names(done);
            }
        }
        Ok(())
    }

    fn defaults(&mut self, p: &ast::Parameters) -> Res {
        self.exprs(p.iter_non_variadic_params().filter_map(|p| p.default.as_deref()))
    }

    fn parameters(&mut self, p: &ast::Parameters) -> Res {
        for param in p.posonlyargs.iter().chain(&p.args).chain(&p.kwonlyargs) {
            self.add(&param.parameter.name, uses::PARAM, param.parameter.range)?;
        }
        for param in p.vararg.iter().chain(&p.kwarg) {
            self.add(&param.name, uses::PARAM, param.range)?;
        }
        Ok(())
    }

    fn enter_type_params(&mut self, name: &str, node: usize, range: TextRange, class: Option<&str>) -> Entered {
        let title = format!("<generic parameters of {name}>");
        let before = self.enter(ScopeKind::TypeParams, &title, node, TYPE_PARAMS, range);
        self.cur().what = "the definition of a generic";
        if let Some(class) = class {
            self.cur().private = Some(class.into());
            self.cur().mangled = Some(Default::default());
        }
        before
    }

    fn type_params(&mut self, params: &ast::TypeParams) -> Res {
        let mut has_default = false;
        for param in params.iter() {
            let name = param.name();
            if name == "__classdict__" {
                return fail("reserved name '__classdict__' cannot be used for type parameter", param.range());
            }
            match param.default() {
                Some(_) => has_default = true,
                None if has_default => {
                    let text = format!("non-default type parameter '{name}' follows default type parameter");
                    return fail(text, param.range());
                }
                None => {}
            }
            let mangled = match self.cur().private.clone() {
                Some(class) => mangle(Some(&class), name).unwrap_or_else(|| name.to_string()),
                None => name.to_string(),
            };
            if let Some(names) = &self.cur().mangled {
                names.borrow_mut().insert(mangled.into());
            }
            self.add(name, uses::TYPE_PARAM | uses::LOCAL, param.range())?;
            let (kind, bound, default) = match param {
                ast::TypeParam::TypeVar(t) => ("TypeVar", t.bound.as_deref(), t.default.as_deref()),
                ast::TypeParam::ParamSpec(t) => ("ParamSpec", None, t.default.as_deref()),
                ast::TypeParam::TypeVarTuple(t) => ("TypeVarTuple", None, t.default.as_deref()),
            };
            if let Some(bound) = bound {
                let what = if bound.is_tuple_expr() { "a TypeVar constraint" } else { "a TypeVar bound" };
                self.lazy_value(bound, name, ScopeKind::TypeVariable, what)?;
            }
            if let Some(default) = default {
                let what = match kind {
                    "TypeVar" => "a TypeVar default",
                    "ParamSpec" => "a ParamSpec default",
                    _ => "a TypeVarTuple default",
                };
                self.lazy_value(default, name, ScopeKind::TypeVariable, what)?;
            }
        }
        Ok(())
    }

    /// A lazily evaluated value: a function of `.format`.
    fn lazy_value(&mut self, value: &Expr, name: &str, kind: ScopeKind, what: &'static str) -> Res {
        let before = self.enter(kind, name, key(value), ANNOTATIONS, value.range());
        self.cur().what = what;
        self.add(".format", uses::PARAM | uses::USE, value.range())?;
        self.expr(value)?;
        self.leave(before);
        Ok(())
    }

    fn class(&mut self, c: &ast::StmtClassDef) -> Res {
        let range = after_decorators(self.source, &c.decorator_list, c.range);
        self.add(&c.name, uses::LOCAL, range)?;
        self.exprs(c.decorator_list.iter().map(|d| &d.expression))?;
        let node = key(c);
        let generic = match &c.type_params {
            Some(params) => {
                let before = self.enter_type_params(&c.name, node, c.range, Some(&c.name));
                self.type_params(params)?;
                self.add(".type_params", uses::LOCAL, c.range)?;
                self.add(".type_params", uses::USE, c.range)?;
                self.add(".generic_base", uses::LOCAL, c.range)?;
                self.add(".generic_base", uses::USE, c.range)?;
                Some(before)
            }
            None => None,
        };
        self.exprs(c.bases())?;
        self.exprs(c.keywords().iter().map(|k| &k.value))?;
        let before = self.enter(ScopeKind::Class, &c.name, node, MAIN, c.range);
        self.cur().private = Some(c.name.as_str().into());
        if generic.is_some() {
            self.add("__type_params__", uses::LOCAL, c.range)?;
            self.add(".type_params", uses::USE, c.range)?;
        }
        self.body(&c.body)?;
        self.leave(before);
        if let Some(before) = generic {
            self.leave(before);
        }
        Ok(())
    }

    fn type_alias(&mut self, t: &ast::StmtTypeAlias) -> Res {
        self.expr(&t.name)?;
        let Expr::Name(name) = &*t.name else { return Ok(()) };
        let generic = match &t.type_params {
            Some(params) => {
                let before = self.enter_type_params(&name.id, key(t), t.range, None);
                self.type_params(params)?;
                Some(before)
            }
            None => None,
        };
        self.lazy_value(&t.value, &name.id, ScopeKind::TypeAlias, "a type alias")?;
        if let Some(before) = generic {
            self.leave(before);
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &Pattern) -> Res {
        self.nest(pattern.range())?;
        match pattern {
            Pattern::MatchValue(p) => {
                if matches!(&*p.value, Expr::FString(_) | Expr::TString(_)) {
                    return fail("patterns may only match literals and attribute lookups", p.value.range());
                }
                self.expr(&p.value)?
            }
            Pattern::MatchSingleton(_) => {}
            Pattern::MatchSequence(p) => p.patterns.iter().try_for_each(|p| self.pattern(p))?,
            Pattern::MatchMapping(p) => {
                self.exprs(&p.keys)?;
                p.patterns.iter().try_for_each(|p| self.pattern(p))?;
                if let Some(rest) = &p.rest {
                    self.add(rest, uses::LOCAL, rest.range)?;
                }
            }
            Pattern::MatchClass(p) => {
                self.expr(&p.cls)?;
                p.arguments.patterns.iter().try_for_each(|p| self.pattern(p))?;
                for keyword in &p.arguments.keywords {
                    if keyword.attr.as_str() == "__debug__" {
                        return fail("cannot assign to __debug__", keyword.range);
                    }
                    self.pattern(&keyword.pattern)?;
                }
            }
            Pattern::MatchStar(p) => {
                if let Some(name) = &p.name {
                    self.add(name, uses::LOCAL, p.range)?;
                }
            }
            Pattern::MatchAs(p) => {
                if let Some(inner) = &p.pattern {
                    self.pattern(inner)?;
                }
                if let Some(name) = &p.name {
                    self.add(name, uses::LOCAL, p.range)?;
                }
            }
            Pattern::MatchOr(p) => p.patterns.iter().try_for_each(|p| self.pattern(p))?,
        }
        self.depth -= 1;
        Ok(())
    }
}

struct Entered {
    scope: ScopeId,
    conditional: u32,
    iter: u32,
}

/// `name` as the block spells it.
pub fn maybe_mangle(scope: &Scope, name: &str) -> Name {
    match mangle(scope.private.as_deref(), name) {
        Some(mangled) if scope.mangled.as_ref().is_none_or(|m| m.borrow().contains(&*mangled)) => mangled.into(),
        _ => name.into(),
    }
}

/// Annotations of parameters in the order of evaluation.
pub fn annotated(p: &ast::Parameters) -> impl Iterator<Item = &Expr> {
    annotated_params(p).filter_map(|p| p.annotation.as_deref())
}

/// Parameters in the order in which annotations are evaluated.
pub fn annotated_params(p: &ast::Parameters) -> impl Iterator<Item = &ast::Parameter> {
    let plain = p.posonlyargs.iter().chain(&p.args).map(|p| &p.parameter);
    let only = p.kwonlyargs.iter().map(|p| &p.parameter);
    plain.chain(p.vararg.as_deref()).chain(only).chain(p.kwarg.as_deref())
}
