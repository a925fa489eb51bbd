//! Simple statements, assignment targets, imports.

use super::Compiler;
use super::expr::Index;
use crate::error::{Res, fail};
use crate::flow::Reg;
use crate::future;
use ruff_python_ast::helpers::any_over_expr;
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::code::flags;
use taipan_bytecode::ops::{CommonConst, Intrinsic};
use taipan_bytecode::{Const, Op};

/// Tuple assignments up to this length go without a tuple.
const MAX_SWAP: usize = 16;

impl<'a> Compiler<'a> {
    pub(crate) fn module_body(&mut self, body: &'a [Stmt]) -> Res {
        let mut rest = body;
        if let Some(first) = body.first() {
            self.at(first.range());
        }
        self.module_annotations(body)?;
        if self.future && has_annotations(body) {
            self.emit(Op::SetupAnnotations, 0u32, 0u32, 0u32);
        }
        if let (Some(doc), false) = (docstring(body), self.u.interactive) {
            if self.options.optimize < 2 {
                let text = crate::literal::clean_doc(&crate::literal::string(self.source, doc));
                self.at(doc.range);
                let mark = self.mark();
                let value = self.load_const(Const::Str(text), None);
                self.store_name("__doc__", value);
                self.release(mark);
            }
            self.check_literals_of_doc(doc);
            rest = &body[1..];
        }
        let prologue = future::prologue(body) - (body.len() - rest.len());
        for (i, stmt) in rest.iter().enumerate() {
            if let Stmt::ImportFrom(import) = stmt
                && i >= prologue
            {
                late_future(import)?;
            }
            self.stmt(stmt)?;
        }
        Ok(())
    }

    pub(crate) fn body(&mut self, body: &'a [Stmt]) -> Res {
        for stmt in body {
            if let Stmt::ImportFrom(import) = stmt {
                late_future(import)?;
            }
            self.stmt(stmt)?;
        }
        Ok(())
    }

    pub(crate) fn stmt(&mut self, stmt: &'a Stmt) -> Res {
        self.nest(stmt.range())?;
        let mark = self.mark();
        self.at(stmt.range());
        self.stmt_inner(stmt)?;
        self.release(mark);
        self.depth -= 1;
        Ok(())
    }

    fn stmt_inner(&mut self, stmt: &'a Stmt) -> Res {
        match stmt {
            Stmt::FunctionDef(f) => self.function_def(f),
            Stmt::ClassDef(c) => self.class_def(c),
            Stmt::TypeAlias(t) => self.type_alias(t),
            Stmt::Return(s) => self.return_stmt(s),
            Stmt::Delete(s) => s.targets.iter().try_for_each(|t| self.delete(t)),
            Stmt::Assign(s) => self.assign(s),
            Stmt::AugAssign(s) => self.aug_assign(s),
            Stmt::AnnAssign(s) => self.ann_assign(s),
            Stmt::For(s) => self.for_stmt(s),
            Stmt::While(s) => self.while_stmt(s),
            Stmt::If(s) => self.if_stmt(s),
            Stmt::With(s) => self.with_stmt(s),
            Stmt::Match(s) => self.match_stmt(s),
            Stmt::Raise(s) => self.raise(s),
            Stmt::Try(s) => self.try_stmt(s),
            Stmt::Assert(s) => self.assert(s),
            Stmt::Import(s) => self.import(s),
            Stmt::ImportFrom(s) => self.import_from(s),
            Stmt::Global(_) | Stmt::Nonlocal(_) => Ok(()),
            Stmt::Expr(s) => self.expr_stmt(s),
            Stmt::Pass(_) => {
                self.emit(Op::Nop, 0u32, 0u32, 0u32);
                Ok(())
            }
            Stmt::Break(s) => self.break_stmt(s.range),
            Stmt::Continue(s) => self.continue_stmt(s.range),
            Stmt::IpyEscapeCommand(s) => fail("invalid syntax", s.range),
        }
    }

    fn expr_stmt(&mut self, s: &'a ast::StmtExpr) -> Res {
        if self.u.interactive && self.outer.len() == 1 {
            let reg = self.push(&s.value)?;
            self.at(s.range);
            self.emit(Op::CallIntrinsic, reg, reg, Intrinsic::Print as u32);
            return Ok(());
        }
        if s.value.is_literal_expr() || self.folded(&s.value).is_some() {
            self.check_literals(&s.value);
            self.at(s.range);
            self.emit(Op::Nop, 0u32, 0u32, 0u32);
            return Ok(());
        }
        if s.value.is_name_expr() {
            // A local needs no instruction; the line is there for debuggers.
            self.emit(Op::Nop, 0u32, 0u32, 0u32);
        }
        self.discard(&s.value)
    }

    // ---- assignment -----------------------------------------------------------------------------

    fn assign(&mut self, s: &'a ast::StmtAssign) -> Res {
        if let [target] = &s.targets[..] {
            if let Expr::Name(n) = target
                && let Some(local) = self.local_dest(&n.id)
            {
                self.expr(&s.value, Some(local))?;
                return Ok(());
            }
            if self.swap(target, &s.value)? {
                return Ok(());
            }
        }
        let all_simple = s.targets.iter().all(|t| matches!(t, Expr::Name(_)));
        let first = match &s.targets[0] {
            Expr::Name(n) if all_simple => self.local_dest(&n.id),
            _ => None,
        };
        let value = match first {
            Some(local) => self.expr(&s.value, Some(local))?,
            None => self.operand(&s.value)?,
        };
        // A local that some target rebinds must be kept for the later ones.
        let value = if value.is_local() && first.is_none() && s.targets.len() > 1 {
            let copy = self.alloc();
            self.mov(copy, value);
            copy
        } else {
            value
        };
        for target in &s.targets[first.is_some() as usize..] {
            let mark = self.mark();
            self.store(target, value)?;
            self.release(mark);
        }
        Ok(())
    }

    /// `a, b = x, y` without a tuple. False if the statement is not of that form.
    fn swap(&mut self, target: &'a Expr, value: &'a Expr) -> Res<bool> {
        let (Expr::Tuple(ast::ExprTuple { elts: targets, .. }) | Expr::List(ast::ExprList { elts: targets, .. })) =
            target
        else {
            return Ok(false);
        };
        let Expr::Tuple(values) = value else { return Ok(false) };
        let starred = targets.iter().chain(&values.elts).any(Expr::is_starred_expr);
        if targets.len() != values.elts.len() || targets.len() > MAX_SWAP || starred || targets.is_empty() {
            return Ok(false);
        }
        // Locals stored before a value is: that value must not be read from them.
        let mut stored: Vec<Reg> = Vec::new();
        let mut regs = Vec::new();
        for (i, value) in values.elts.iter().enumerate() {
            let mut reg = if i + 1 == values.elts.len() { self.expr(value, None)? } else { self.operand(value)? };
            if reg.is_local() && stored.contains(&reg) {
                let copy = self.alloc();
                self.mov(copy, reg);
                reg = copy;
            }
            regs.push(reg);
            self.stored_locals(&targets[i], &mut stored);
        }
        for (target, reg) in targets.iter().zip(regs) {
            let mark = self.mark();
            self.store(target, reg)?;
            self.release(mark);
        }
        Ok(true)
    }

    fn stored_locals(&mut self, target: &Expr, out: &mut Vec<Reg>) {
        match target {
            Expr::Name(n) => out.extend(self.local_dest(&n.id)),
            Expr::Tuple(t) => t.elts.iter().for_each(|e| self.stored_locals(e, out)),
            Expr::List(l) => l.elts.iter().for_each(|e| self.stored_locals(e, out)),
            Expr::Starred(s) => self.stored_locals(&s.value, out),
            _ => {}
        }
    }

    /// Assigns `value` to `target`.
    pub(crate) fn store(&mut self, target: &'a Expr, value: Reg) -> Res {
        match target {
            Expr::Name(n) => {
                self.at(n.range);
                self.store_name(&n.id, value);
                Ok(())
            }
            Expr::Attribute(a) => {
                self.check_attr(a)?;
                let object = self.expr(&a.value, None)?;
                self.note_static_attribute(a);
                self.at_attribute(a);
                let name = self.attr_name(&a.attr);
                self.emit_aux(Op::StoreAttr, object, value, 0u32, name);
                Ok(())
            }
            Expr::Subscript(s) => {
                let object = self.operand(&s.value)?;
                let index = self.index(&s.slice)?;
                self.store_item(object, index, value, s.range);
                Ok(())
            }
            Expr::Tuple(t) => self.unpack(&t.elts, value, t.range),
            Expr::List(l) => self.unpack(&l.elts, value, l.range),
            Expr::Starred(s) => fail("starred assignment target must be in a list or tuple", s.range),
            other => fail("cannot assign to expression", other.range()),
        }
    }

    fn check_attr(&self, a: &ast::ExprAttribute) -> Res {
        if a.attr.as_str() == "__debug__" {
            return fail("cannot assign to __debug__", a.range);
        }
        Ok(())
    }

    fn store_item(&mut self, object: Reg, index: Index, value: Reg, range: TextRange) {
        match index {
            Index::Range(first) => {
                self.at(range);
                self.emit(Op::StoreSlice, object, value, first);
            }
            Index::Reg(index) => {
                self.at(range);
                self.emit(Op::StoreItem, object, index, value);
            }
            Index::Small(n) => {
                self.at(range);
                let index = self.load_const(Const::Int(n as i64), None);
                self.emit(Op::StoreItem, object, index, value);
            }
        }
    }

    fn unpack(&mut self, elts: &'a [Expr], value: Reg, range: TextRange) -> Res {
        let starred: Vec<usize> =
            elts.iter().enumerate().filter(|(_, e)| e.is_starred_expr()).map(|(i, _)| i).collect();
        if starred.len() > 1 {
            return fail("multiple starred expressions in assignment", range);
        }
        let first = self.alloc_run(elts.len() as u32);
        self.at(range);
        match starred.first() {
            None => self.emit(Op::UnpackSequence, first, value, elts.len()),
            Some(&at) => {
                let after = elts.len() - at - 1;
                if at > 0xff || after > 0xff {
                    return fail("too many expressions in star-unpacking assignment", range);
                }
                self.emit(Op::UnpackEx, first, value, at | after << 8);
            }
        }
        for (i, target) in elts.iter().enumerate() {
            let mark = self.mark();
            let target = match target {
                Expr::Starred(s) => &s.value,
                target => target,
            };
            self.store(target, first.plus(i as u32))?;
            self.release(mark);
        }
        Ok(())
    }

    fn aug_assign(&mut self, s: &'a ast::StmtAugAssign) -> Res {
        match &*s.target {
            Expr::Name(n) => {
                self.at(n.range);
                if let Some(local) = self.local_dest(&n.id) {
                    let left = self.operand(&s.target)?;
                    return self.augmented(s.op, left, &s.value, local, s.range);
                }
                let value = self.load_name(&n.id, None);
                self.augmented(s.op, value, &s.value, value, s.range)?;
                self.at(n.range);
                self.store_name(&n.id, value);
                Ok(())
            }
            Expr::Attribute(a) => {
                self.check_attr(a)?;
                let object = self.operand(&a.value)?;
                self.note_static_attribute(a);
                self.at_attribute(a);
                let name = self.attr_name(&a.attr);
                let value = self.alloc();
                self.emit_aux(Op::LoadAttr, value, object, 0u32, name);
                self.augmented(s.op, value, &s.value, value, s.range)?;
                self.at_attribute(a);
                self.emit_aux(Op::StoreAttr, object, value, 0u32, name);
                Ok(())
            }
            Expr::Subscript(t) => {
                let object = self.operand(&t.value)?;
                let index = match self.index(&t.slice)? {
                    Index::Reg(reg) if reg.is_local() && self.may_rebind(reg) => {
                        let copy = self.alloc();
                        self.mov(copy, reg);
                        Index::Reg(copy)
                    }
                    index => index,
                };
                let value = self.alloc();
                self.at(t.range);
                match index {
                    Index::Small(n) => self.emit(Op::LoadItemI, value, object, n),
                    Index::Reg(index) => self.emit(Op::LoadItem, value, object, index),
                    Index::Range(first) => self.emit(Op::LoadSlice, value, object, first),
                }
                self.augmented(s.op, value, &s.value, value, s.range)?;
                self.store_item(object, index, value, t.range);
                Ok(())
            }
            other => fail("illegal expression for augmented assignment", other.range()),
        }
    }

    fn ann_assign(&mut self, s: &'a ast::StmtAnnAssign) -> Res {
        if let Some(value) = &s.value {
            match &*s.target {
                Expr::Name(n) => match self.local_dest(&n.id) {
                    Some(local) => {
                        self.expr(value, Some(local))?;
                    }
                    None => {
                        let reg = self.expr(value, None)?;
                        self.store(&s.target, reg)?;
                    }
                },
                target => {
                    let reg = self.operand(value)?;
                    self.store(target, reg)?;
                }
            }
        }
        match &*s.target {
            Expr::Name(_) if s.simple => self.annotate_variable(s)?,
            Expr::Attribute(a) if s.value.is_none() => {
                self.check_attr(a)?;
                self.discard(&a.value)?;
            }
            Expr::Subscript(t) if s.value.is_none() => {
                self.discard(&t.value)?;
                let mark = self.mark();
                self.index(&t.slice)?;
                self.release(mark);
            }
            _ => {}
        }
        Ok(())
    }

    fn delete(&mut self, target: &'a Expr) -> Res {
        let mark = self.mark();
        match target {
            Expr::Name(n) => {
                self.at(n.range);
                self.delete_name(&n.id);
            }
            Expr::Attribute(a) => {
                if a.attr.as_str() == "__debug__" {
                    return fail("cannot delete __debug__", a.range);
                }
                let object = self.expr(&a.value, None)?;
                self.at_attribute(a);
                let name = self.attr_name(&a.attr);
                self.emit_aux(Op::DeleteAttr, object, 0u32, 0u32, name);
            }
            Expr::Subscript(s) => {
                let object = self.operand(&s.value)?;
                let index = match &*s.slice {
                    Expr::Slice(_) => self.push(&s.slice)?,
                    index => self.expr(index, None)?,
                };
                self.at(s.range);
                self.emit(Op::DeleteItem, object, index, 0u32);
            }
            Expr::Tuple(t) => t.elts.iter().try_for_each(|t| self.delete(t))?,
            Expr::List(l) => l.elts.iter().try_for_each(|t| self.delete(t))?,
            Expr::Starred(s) => return fail("cannot delete starred", s.range),
            other => return fail("cannot delete expression", other.range()),
        }
        self.release(mark);
        Ok(())
    }

    // ---- other simple statements --------------------------------------------------------------------

    fn return_stmt(&mut self, s: &'a ast::StmtReturn) -> Res {
        if !matches!(self.frame().kind, crate::scope::ScopeKind::Function | crate::scope::ScopeKind::Lambda) {
            return fail("'return' outside function", s.range);
        }
        if s.value.is_some() && self.u.flags & flags::ASYNC_GENERATOR != 0 {
            return fail("'return' with value in async generator", s.range);
        }
        let constant = s.value.as_ref().and_then(|v| self.folded(v));
        let mut value = None;
        if let (Some(e), None) = (&s.value, &constant) {
            let mut reg = self.expr(e, None)?;
            if reg.is_local() && self.has_cleanup() {
                let copy = self.alloc();
                self.mov(copy, reg);
                reg = copy;
            }
            value = Some(reg);
        }
        self.at(s.range);
        if self.u.blocks.is_empty() {
            self.unwind_return(s.range)?;
        } else {
            if value.is_none() {
                // The line of the `return`, for debuggers: what it runs first may be elsewhere.
                self.emit(Op::Nop, 0u32, 0u32, 0u32);
            }
            self.unwind_return(s.range)?;
            self.u.range = None;
        }
        match (value, constant) {
            (Some(reg), _) => self.emit(Op::Return, reg, 0u32, 0u32),
            (None, Some(c)) if !matches!(c, Const::None) => {
                if let Some(e) = &s.value {
                    self.check_literals(e);
                }
                let reg = self.load_const(c, None);
                self.emit(Op::Return, reg, 0u32, 0u32);
            }
            _ => self.emit(Op::ReturnNone, 0u32, 0u32, 0u32),
        }
        Ok(())
    }

    fn raise(&mut self, s: &'a ast::StmtRaise) -> Res {
        let Some(exc) = &s.exc else {
            self.emit(Op::RaiseCurrent, 0u32, 0u32, 0u32);
            return Ok(());
        };
        let exc = self.operand(exc)?;
        match &s.cause {
            Some(cause) => {
                let cause = self.expr(cause, None)?;
                self.at(s.range);
                self.emit(Op::RaiseFrom, exc, cause, 0u32);
            }
            None => {
                self.at(s.range);
                self.emit(Op::Raise, exc, 0u32, 0u32);
            }
        }
        Ok(())
    }

    fn assert(&mut self, s: &'a ast::StmtAssert) -> Res {
        if let Expr::Tuple(t) = &*s.test
            && !t.elts.is_empty()
        {
            self.warn("assertion is always true, perhaps remove parentheses?", s.range);
        }
        if self.options.optimize > 0 {
            // `await` counts, where it is allowed, and is an error elsewhere.
            if any_over_expr(&s.test, awaits) {
                let end = self.label();
                self.goto(end);
                let mark = self.mark();
                self.push(&s.test)?;
                self.release(mark);
                self.bind(end);
            }
            return Ok(());
        }
        let end = self.label();
        self.jump_if(&s.test, end, true)?;
        let error = self.alloc();
        self.at(s.range);
        self.emit(Op::LoadCommonConst, error, CommonConst::AssertionError as u32, 0u32);
        if let Some(msg) = &s.msg {
            self.push(msg)?;
            self.at(s.range);
            self.emit(Op::Call, error, 1u32, error);
        }
        self.at(s.test.range());
        self.emit(Op::Raise, error, 0u32, 0u32);
        self.bind(end);
        Ok(())
    }

    fn if_stmt(&mut self, s: &'a ast::StmtIf) -> Res {
        self.u.conditional += 1;
        let end = self.label();
        let mut next = self.label();
        self.warn_condition(&s.test);
        self.jump_if(&s.test, next, false)?;
        self.body(&s.body)?;
        for clause in &s.elif_else_clauses {
            self.goto(end);
            self.bind(next);
            next = self.label();
            if let Some(test) = &clause.test {
                self.at(test.range());
                self.jump_if(test, next, false)?;
            }
            self.body(&clause.body)?;
        }
        self.bind(next);
        self.bind(end);
        self.u.conditional -= 1;
        Ok(())
    }

    // ---- imports ------------------------------------------------------------------------------------

    fn import_module(&mut self, level: u32, fromlist: Const, module: &str, dest: Reg, range: TextRange) {
        let mark = self.mark();
        let args = self.alloc_run(2);
        self.at(range);
        self.load_const(Const::Int(level as i64), Some(args));
        self.load_const(fromlist, Some(args.plus(1)));
        let name = self.name(module);
        self.emit_aux(Op::ImportName, dest, args, 0u32, name);
        self.release(mark);
    }

    fn import(&mut self, s: &'a ast::StmtImport) -> Res {
        for alias in &s.names {
            let mark = self.mark();
            let module = self.alloc();
            self.import_module(0, Const::None, &alias.name, module, s.range);
            let mut parts = alias.name.split('.');
            let first = parts.next().unwrap_or_default();
            match &alias.asname {
                // `import a.b.c as d` binds d to a.b.c.
                Some(asname) => {
                    for part in parts {
                        let name = self.name(part);
                        self.emit_aux(Op::ImportFrom, module, module, 0u32, name);
                    }
                    self.store_name(asname, module);
                }
                None => self.store_name(first, module),
            }
            self.release(mark);
        }
        Ok(())
    }

    fn import_from(&mut self, s: &'a ast::StmtImportFrom) -> Res {
        let names = s.names.iter().map(|a| Const::Str(taipan_bytecode::Text::new(&a.name)));
        let names = Const::Tuple(names.collect());
        let module = self.alloc();
        self.import_module(s.level, names, s.module.as_deref().unwrap_or(""), module, s.range);
        for alias in &s.names {
            if alias.name.as_str() == "*" {
                self.at(s.range);
                self.emit(Op::ImportStar, module, 0u32, 0u32);
                return Ok(());
            }
            let mark = self.mark();
            let target = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            self.at(s.range);
            let value = match self.local_dest(target) {
                Some(local) => local,
                None => self.alloc(),
            };
            let name = self.name(&alias.name);
            self.emit_aux(Op::ImportFrom, value, module, 0u32, name);
            self.store_name(target, value);
            self.release(mark);
        }
        Ok(())
    }
}

fn late_future(import: &ast::StmtImportFrom) -> Res {
    if import.level == 0 && import.module.as_deref() == Some("__future__") {
        return fail("from __future__ imports must occur at the beginning of the file", import.range);
    }
    Ok(())
}

/// The docstring at the start of a body.
pub(crate) fn docstring(body: &[Stmt]) -> Option<&ast::ExprStringLiteral> {
    match body.first() {
        Some(Stmt::Expr(e)) => match &*e.value {
            Expr::StringLiteral(s) => Some(s),
            _ => None,
        },
        _ => None,
    }
}

/// True if `body` annotates variables outside of functions and classes.
pub(crate) fn has_annotations(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::AnnAssign(a) => a.simple,
        Stmt::For(s) => has_annotations(&s.body) || has_annotations(&s.orelse),
        Stmt::While(s) => has_annotations(&s.body) || has_annotations(&s.orelse),
        Stmt::If(s) => has_annotations(&s.body) || s.elif_else_clauses.iter().any(|c| has_annotations(&c.body)),
        Stmt::With(s) => has_annotations(&s.body),
        Stmt::Match(s) => s.cases.iter().any(|c| has_annotations(&c.body)),
        Stmt::Try(s) => {
            let handlers = s.handlers.iter().any(|ast::ExceptHandler::ExceptHandler(h)| has_annotations(&h.body));
            handlers || has_annotations(&s.body) || has_annotations(&s.orelse) || has_annotations(&s.finalbody)
        }
        _ => false,
    })
}

/// Is that an `await` or an asynchronous comprehension?
fn awaits(e: &Expr) -> bool {
    let generators = match e {
        Expr::Await(_) => return true,
        Expr::ListComp(e) => &e.generators,
        Expr::SetComp(e) => &e.generators,
        Expr::DictComp(e) => &e.generators,
        _ => return false,
    };
    generators.iter().any(|g| g.is_async)
}
