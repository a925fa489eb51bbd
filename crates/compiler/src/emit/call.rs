//! Calls.

use super::Compiler;
use super::display::MAX_RUN;
use crate::error::{Res, fail};
use crate::flow::Reg;
use crate::scope::ScopeKind;
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};
use std::collections::HashSet;
use taipan_bytecode::{Const, Op, Text};

/// Arguments up to which a call passes them in registers.
const MAX_ARGS: usize = 64;

impl<'a> Compiler<'a> {
    pub(crate) fn call(&mut self, c: &'a ast::ExprCall, dest: Option<Reg>) -> Res<Reg> {
        self.warn_call(c);
        self.check_keywords(&c.arguments.keywords)?;
        let mark = self.mark();
        let simple = is_simple(&c.arguments);
        if let (Expr::Attribute(a), true) = (&*c.func, simple) {
            return self.method_call(c, a, dest);
        }
        let callee = self.push(&c.func)?;
        if !simple {
            return self.call_ex(callee, &[], &c.arguments, c.range(), mark, dest);
        }
        self.finish_call(callee, 0, &c.arguments, c.range(), mark, dest)
    }

    fn method_call(&mut self, c: &'a ast::ExprCall, a: &'a ast::ExprAttribute, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        let parts = self.super_call(&a.value)?;
        let (op, object, pair) = match parts {
            Some((func, first)) => (Op::LoadSuperMethod, func, first),
            None => (Op::LoadMethod, self.expr(&a.value, None)?, Reg::temp(0)),
        };
        self.release(mark);
        let callee = self.alloc_run(2);
        self.at_attribute(a);
        let name = self.attr_name(&a.attr);
        if parts.is_some() {
            self.emit_aux(op, callee, object, pair, name);
        } else {
            self.emit_aux(op, callee, object, 0u32, name);
        }
        // As CPython, the call starts at the attribute's line if that is another one than the object's.
        let range = match self.lines.line_col(a.attr.start().to_u32()).0 {
            line if line != self.lines.line_col(c.range().start().to_u32()).0 => {
                TextRange::new(a.attr.start(), c.range().end().max(a.attr.start()))
            }
            _ => c.range(),
        };
        let positional = self.push_arguments(&c.arguments)?;
        let names = self.keyword_names(&c.arguments.keywords);
        let dest = self.out(mark, dest);
        self.at(range);
        match names {
            None => self.emit(Op::CallMethod, callee, positional, dest),
            Some(names) => self.emit_aux(Op::CallMethodKw, callee, positional, dest, names),
        }
        Ok(dest)
    }

    /// Compiles the arguments into consecutive temporaries; returns how many there are.
    fn push_arguments(&mut self, arguments: &'a ast::Arguments) -> Res<usize> {
        for arg in &arguments.args {
            self.push(arg)?;
        }
        for keyword in &arguments.keywords {
            self.push(&keyword.value)?;
        }
        Ok(arguments.args.len() + arguments.keywords.len())
    }

    /// Finishes a call whose callee and first `before` arguments are in place.
    pub(crate) fn finish_call(
        &mut self,
        callee: Reg,
        before: usize,
        arguments: &'a ast::Arguments,
        range: TextRange,
        mark: u32,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let count = before + self.push_arguments(arguments)?;
        let names = self.keyword_names(&arguments.keywords);
        let dest = self.out(mark, dest);
        self.at(range);
        match names {
            None => self.emit(Op::Call, callee, count, dest),
            Some(names) => self.emit_aux(Op::CallKw, callee, count, dest, names),
        }
        Ok(dest)
    }

    fn keyword_names(&mut self, keywords: &[ast::Keyword]) -> Option<u32> {
        if keywords.is_empty() {
            return None;
        }
        // Keywords of calls are not mangled.
        let names = keywords.iter().filter_map(|k| k.arg.as_ref()).map(|n| Const::Str(Text::new(n)));
        let names = Const::Tuple(names.collect());
        Some(self.constant(names))
    }

    pub(crate) fn check_keywords(&self, keywords: &[ast::Keyword]) -> Res {
        let mut seen = HashSet::new();
        for keyword in keywords {
            if let Some(name) = &keyword.arg {
                if name.as_str() == "__debug__" {
                    return fail("cannot assign to __debug__", keyword.range);
                }
                if !seen.insert(name.as_str()) {
                    return fail(format!("keyword argument repeated: {name}"), keyword.range);
                }
            }
        }
        Ok(())
    }

    /// A call with stars or very many arguments. `before` are temporaries that come first.
    pub(crate) fn call_ex(
        &mut self,
        callee: Reg,
        before: &[Reg],
        arguments: &'a ast::Arguments,
        range: TextRange,
        mark: u32,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let args = self.alloc_run(2);
        self.positional(args, before, &arguments.args, range)?;
        let has_keywords = !arguments.keywords.is_empty();
        if has_keywords {
            self.keyword_dict(callee, args.plus(1), &arguments.keywords, range)?;
        }
        let dest = self.out(mark, dest);
        self.at(range);
        self.emit(Op::CallEx, callee, has_keywords as u32, dest);
        Ok(dest)
    }

    fn positional(&mut self, to: Reg, before: &[Reg], args: &'a [Expr], range: TextRange) -> Res {
        if let ([], [Expr::Starred(only)]) = (before, args) {
            self.expr(&only.value, Some(to))?;
            return Ok(());
        }
        if before.is_empty() {
            let mark = self.mark();
            if !args.iter().any(Expr::is_starred_expr) && args.len() <= MAX_RUN {
                self.tuple(args, range, Some(to))?;
            } else {
                self.long_list(to, args, range)?;
            }
            self.release(mark);
            return Ok(());
        }
        self.at(range);
        self.emit(Op::BuildList, to, to, 0u32);
        for &reg in before {
            self.emit(Op::ListAppend, to, reg, 0u32);
        }
        for arg in args {
            let mark = self.mark();
            let (op, arg) = match arg {
                Expr::Starred(s) => (Op::ListExtend, &*s.value),
                arg => (Op::ListAppend, arg),
            };
            let value = self.expr(arg, None)?;
            self.at(range);
            self.emit(op, to, value, 0u32);
            self.release(mark);
        }
        Ok(())
    }

    pub(crate) fn keyword_dict(&mut self, callee: Reg, to: Reg, keywords: &'a [ast::Keyword], range: TextRange) -> Res {
        let mut rest = keywords;
        let mut started = false;
        while let Some(first) = rest.first() {
            let mark = self.mark();
            if first.arg.is_none() {
                if !started {
                    self.at(range);
                    self.emit(Op::BuildMap, to, to, 0u32);
                }
                let mapping = self.expr(&first.value, None)?;
                self.at(range);
                self.emit(Op::DictMerge, to, mapping, callee);
                rest = &rest[1..];
            } else {
                let limit = if keywords.len() > MAX_RUN { 2 } else { MAX_RUN };
                let n = rest.iter().take(limit).take_while(|k| k.arg.is_some()).count();
                let group = if started { self.alloc() } else { to };
                let run = Reg::temp(self.mark());
                for keyword in &rest[..n] {
                    if let Some(name) = &keyword.arg {
                        self.at(range);
                        self.load_str(name, None);
                        self.push(&keyword.value)?;
                    }
                }
                self.at(range);
                self.emit(Op::BuildMap, group, run, n);
                if started {
                    self.emit(Op::DictMerge, to, group, callee);
                }
                rest = &rest[n..];
            }
            started = true;
            self.release(mark);
        }
        Ok(())
    }

    /// `super()` or `super(a, b)` before an attribute, with `super` global: the register of `super` and of
    /// the pair (class, self).
    pub(crate) fn super_call(&mut self, e: &'a Expr) -> Res<Option<(Reg, Reg)>> {
        let Expr::Call(call) = e else { return Ok(None) };
        let Expr::Name(name) = &*call.func else { return Ok(None) };
        let args = &call.arguments.args;
        if name.id.as_str() != "super" || !call.arguments.keywords.is_empty() || args.iter().any(Expr::is_starred_expr)
        {
            return Ok(None);
        }
        let name_super = self.mangle("super");
        if self.var(&name_super) != super::names::Var::Global || self.module_binds_super() {
            return Ok(None);
        }
        let zero = match args.len() {
            0 => match self.zero_arg_super() {
                Some(parts) => Some(parts),
                None => return Ok(None),
            },
            2 => None,
            _ => return Ok(None),
        };
        let regs = self.alloc_run(3);
        let (func, pair) = (regs, regs.plus(1));
        self.at(name.range);
        self.load_name("super", Some(func));
        match zero {
            Some((class, first)) => {
                self.at(call.range());
                self.emit(Op::LoadDeref, pair, class, 0u32);
                match first {
                    First::Local(local) => {
                        self.emit(Op::CheckLocal, local, 0u32, 0u32);
                        self.mov(pair.plus(1), local);
                    }
                    First::Cell(cell) => self.emit(Op::LoadDeref, pair.plus(1), cell, 0u32),
                }
            }
            None => {
                self.expr(&args[0], Some(pair))?;
                self.expr(&args[1], Some(pair.plus(1)))?;
            }
        }
        Ok(Some((func, pair)))
    }

    fn module_binds_super(&self) -> bool {
        self.table.scopes[0].symbols.get("super").is_some_and(|s| s.uses & crate::scope::uses::BOUND != 0)
    }

    fn zero_arg_super(&mut self) -> Option<(Reg, First)> {
        // Inside an inlined comprehension zero-argument super() finds no first argument.
        if !self.u.inlined.is_empty() || !matches!(self.frame().kind, ScopeKind::Function | ScopeKind::Lambda) {
            return None;
        }
        if self.u.arg_counts[0] == 0 {
            return None;
        }
        let class = self.cell("__class__")?;
        let first = self.frame().params.first()?.clone();
        match self.var(&first) {
            super::names::Var::Local(reg) => Some((class, First::Local(reg))),
            super::names::Var::Cell(cell) => Some((class, First::Cell(cell))),
            _ => None,
        }
    }
}

enum First {
    Local(Reg),
    Cell(Reg),
}

fn is_simple(arguments: &ast::Arguments) -> bool {
    arguments.len() <= MAX_ARGS
        && !arguments.args.iter().any(Expr::is_starred_expr)
        && arguments.keywords.iter().all(|k| k.arg.is_some())
}
