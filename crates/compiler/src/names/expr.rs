//! Expressions in the first pass.

use super::{MAIN, Walker, key};
use crate::error::{Res, fail};
use crate::scope::{ScopeKind, uses};
use ruff_python_ast::{self as ast, Expr, ExprContext};
use ruff_text_size::{Ranged, TextRange};

impl Walker<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Res {
        self.nest(expr.range())?;
        let mut expr = expr;
        // Left-nested operators may be thousands deep: walk them in a loop, right operands afterwards.
        let mut rights = Vec::new();
        while let Expr::BinOp(b) = expr {
            rights.push(&*b.right);
            expr = &b.left;
        }
        self.expr_inner(expr)?;
        for right in rights.into_iter().rev() {
            self.expr(right)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn expr_inner(&mut self, expr: &Expr) -> Res {
        match expr {
            Expr::Name(e) => self.name(e),
            Expr::BoolOp(e) => self.exprs(&e.values),
            Expr::Named(e) => self.named(e),
            Expr::BinOp(e) => {
                self.expr(&e.left)?;
                self.expr(&e.right)
            }
            Expr::UnaryOp(e) => self.expr(&e.operand),
            Expr::Lambda(e) => {
                if let Some(p) = &e.parameters {
                    self.defaults(p)?;
                }
                let before = self.enter(ScopeKind::Lambda, "<lambda>", key(e), MAIN, e.range);
                if let Some(p) = &e.parameters {
                    self.parameters(p)?;
                }
                self.expr(&e.body)?;
                self.leave(before);
                Ok(())
            }
            Expr::If(e) => {
                self.expr(&e.test)?;
                self.expr(&e.body)?;
                self.expr(&e.orelse)
            }
            Expr::Dict(e) => {
                for item in &e.items {
                    self.maybe(item.key.as_ref())?;
                    self.expr(&item.value)?;
                }
                Ok(())
            }
            Expr::Set(e) => self.exprs(&e.elts),
            Expr::List(e) => self.exprs(&e.elts),
            Expr::Tuple(e) => self.exprs(&e.elts),
            Expr::ListComp(e) => self.comprehension(key(e), "<listcomp>", &e.generators, &[&e.elt], e.range),
            Expr::SetComp(e) => self.comprehension(key(e), "<setcomp>", &e.generators, &[&e.elt], e.range),
            Expr::DictComp(e) => {
                let parts: Vec<&Expr> = e.key.as_deref().into_iter().chain([&*e.value]).collect();
                self.comprehension(key(e), "<dictcomp>", &e.generators, &parts, e.range)
            }
            Expr::Generator(e) => self.comprehension(key(e), "<genexpr>", &e.generators, &[&e.elt], e.range),
            Expr::Await(e) => {
                // One inside a comprehension makes that asynchronous, which is looked at there.
                if !matches!(self.cur().kind, ScopeKind::Comprehension | ScopeKind::Generator) {
                    self.forbid("await expression", e.range)?;
                }
                self.expr(&e.value)?;
                self.mark_async();
                Ok(())
            }
            Expr::Yield(e) => {
                self.forbid("yield expression", e.range)?;
                self.maybe(e.value.as_deref())?;
                self.mark_yield(e.range)
            }
            Expr::YieldFrom(e) => {
                self.forbid("yield expression", e.range)?;
                self.expr(&e.value)?;
                self.mark_yield(e.range)
            }
            Expr::Compare(e) => {
                self.expr(&e.left)?;
                self.exprs(&e.comparators)
            }
            Expr::Call(e) => {
                self.expr(&e.func)?;
                self.exprs(&e.arguments.args)?;
                self.exprs(e.arguments.keywords.iter().map(|k| &k.value))
            }
            Expr::FString(e) => self.interpolated(e.value.elements()),
            Expr::TString(e) => self.interpolated(e.value.elements()),
            Expr::Attribute(e) => self.expr(&e.value),
            Expr::Subscript(e) => {
                self.expr(&e.value)?;
                self.expr(&e.slice)
            }
            Expr::Starred(e) => self.expr(&e.value),
            Expr::Slice(e) => {
                self.maybe(e.lower.as_deref())?;
                self.maybe(e.upper.as_deref())?;
                self.maybe(e.step.as_deref())
            }
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn name(&mut self, e: &ast::ExprName) -> Res {
        let bits = match e.ctx {
            ExprContext::Load => uses::USE,
            ExprContext::Del if e.id.as_str() == "__debug__" => return fail("cannot delete __debug__", e.range),
            _ => uses::LOCAL,
        };
        self.add(&e.id, bits, e.range)?;
        if e.ctx == ExprContext::Load && e.id.as_str() == "super" && self.cur().kind.is_function() {
            self.add_raw(self.current, "__class__", uses::USE);
        }
        Ok(())
    }

    fn interpolated<'e>(&mut self, elements: impl Iterator<Item = &'e ast::InterpolatedStringElement>) -> Res {
        for element in elements {
            if let ast::InterpolatedStringElement::Interpolation(i) = element {
                self.expr(&i.expression)?;
                if let Some(spec) = &i.format_spec {
                    self.interpolated(spec.elements.iter())?;
                }
            }
        }
        Ok(())
    }

    fn forbid(&mut self, what: &str, range: TextRange) -> Res {
        let place = self.cur().what;
        if place.is_empty() { Ok(()) } else { fail(format!("{what} cannot be used within {place}"), range) }
    }

    fn mark_yield(&mut self, range: TextRange) -> Res {
        let inside = match (self.cur().kind, &*self.cur().name) {
            (ScopeKind::Generator, _) => "generator expression",
            (ScopeKind::Comprehension, "<listcomp>") => "list comprehension",
            (ScopeKind::Comprehension, "<setcomp>") => "set comprehension",
            (ScopeKind::Comprehension, _) => "dict comprehension",
            _ => {
                self.cur().is_generator = true;
                return Ok(());
            }
        };
        fail(format!("'yield' inside {inside}"), range)
    }

    /// The block awaits something: comprehensions become asynchronous, modules too where that is allowed.
    pub(super) fn mark_async(&mut self) {
        if matches!(self.cur().kind, ScopeKind::Comprehension | ScopeKind::Generator | ScopeKind::Module) {
            self.cur().is_coroutine = true;
        }
    }

    fn named(&mut self, e: &ast::ExprNamed) -> Res {
        let Expr::Name(target) = &*e.target else { return fail("cannot use assignment expressions here", e.range) };
        if self.comp_iter > 0 {
            let text = "assignment expression cannot be used in a comprehension iterable expression";
            return fail(text, e.range);
        }
        self.forbid("named expression", e.range)?;
        if matches!(self.cur().kind, ScopeKind::Comprehension | ScopeKind::Generator) {
            self.extend_walrus(target)?;
        }
        self.expr(&e.value)?;
        self.expr(&e.target)?;
        let name = self.mangled(&target.id);
        self.cur().walrus.insert(name);
        Ok(())
    }

    /// `:=` in a comprehension binds in the block around it.
    fn extend_walrus(&mut self, target: &ast::ExprName) -> Res {
        let name = self.mangled(&target.id);
        let mut at = self.current;
        loop {
            let scope = &mut self.table.scopes[at];
            match scope.kind {
                ScopeKind::Comprehension | ScopeKind::Generator => {
                    if scope.symbols.get(&name).is_some_and(|s| s.uses & uses::COMP_ITER != 0) {
                        let id = &target.id;
                        let text =
                            format!("assignment expression cannot rebind comprehension iteration variable '{id}'");
                        return fail(text, target.range);
                    }
                }
                ScopeKind::Function | ScopeKind::Lambda => {
                    scope.walrus.insert(name.clone());
                    let global = scope.symbols.get(&name).is_some_and(|s| s.uses & uses::GLOBAL != 0);
                    let bit = if global { uses::GLOBAL } else { uses::NONLOCAL };
                    self.add_raw(self.current, &name, bit);
                    self.cur().directives.push((name.clone(), target.range));
                    self.add_raw(at, &name, uses::LOCAL);
                    return Ok(());
                }
                ScopeKind::Module => {
                    self.add_raw(self.current, &name, uses::GLOBAL);
                    self.cur().directives.push((name.clone(), target.range));
                    self.add_raw(at, &name, uses::GLOBAL);
                    return Ok(());
                }
                ScopeKind::Class => {
                    let text = "assignment expression within a comprehension cannot be used in a class body";
                    return fail(text, target.range);
                }
                _ => {
                    let place = scope.what.trim_start_matches("a ").trim_start_matches("an ").to_string();
                    let text = format!("assignment expression within a comprehension cannot be used in {place}");
                    return fail(text, target.range);
                }
            }
            at = self.table.scopes[at].parent.unwrap_or(0);
        }
    }

    fn comp_iterable(&mut self, iter: &Expr) -> Res {
        self.comp_iter += 1;
        self.expr(iter)?;
        self.comp_iter -= 1;
        Ok(())
    }

    fn comprehension(
        &mut self,
        node: usize,
        name: &str,
        generators: &[ast::Comprehension],
        parts: &[&Expr],
        range: TextRange,
    ) -> Res {
        self.comp_iterable(&generators[0].iter)?;
        let kind = if name == "<genexpr>" { ScopeKind::Generator } else { ScopeKind::Comprehension };
        let what = self.cur().what;
        let before = self.enter(kind, name, node, MAIN, range);
        self.cur().what = what;
        self.comp_iter = before.iter;
        self.add(".0", uses::PARAM, range)?;
        for (i, generator) in generators.iter().enumerate() {
            self.cur().is_coroutine |= generator.is_async;
            self.comp_target = true;
            let result = self.expr(&generator.target);
            self.comp_target = false;
            result?;
            if i > 0 {
                self.comp_iterable(&generator.iter)?;
            }
            self.exprs(&generator.ifs)?;
        }
        self.exprs(parts.iter().copied())?;
        let is_coroutine = self.cur().is_coroutine && kind == ScopeKind::Comprehension;
        self.leave(before);
        if is_coroutine {
            if matches!(self.cur().kind, ScopeKind::Annotation | ScopeKind::TypeAlias | ScopeKind::TypeVariable) {
                return fail("asynchronous comprehension outside of an asynchronous function", range);
            }
            self.mark_async();
        }
        Ok(())
    }
}
