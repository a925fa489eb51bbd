//! Comprehensions, inlined (PEP 709) or not, and generator expressions.

use super::Compiler;
use super::function::Extras;
use crate::bound::RESTORES;
use crate::error::{Res, fail};
use crate::flow::{Label, Reg};
use crate::names::{MAIN, key};
use crate::scope::{Name, Resolved, ScopeId, ScopeKind};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::Op;

/// What a comprehension makes.
#[derive(Clone, Copy)]
enum Product<'a> {
    List(&'a Expr),
    Set(&'a Expr),
    Dict(&'a Expr, &'a Expr),
    Yield(&'a Expr),
}

/// A variable of the surrounding frame that an inlined comprehension hides.
struct Saved {
    reg: Reg,
    temp: Reg,
}

impl<'a> Compiler<'a> {
    pub(crate) fn comprehension(&mut self, e: &'a Expr, dest: Option<Reg>) -> Res<Reg> {
        let (node, generators, result, name, range) = match e {
            Expr::ListComp(c) => (key(c), &c.generators, Product::List(&c.elt), "<listcomp>", c.range),
            Expr::SetComp(c) => (key(c), &c.generators, Product::Set(&c.elt), "<setcomp>", c.range),
            Expr::DictComp(c) => match &c.key {
                Some(k) => (key(c), &c.generators, Product::Dict(k, &c.value), "<dictcomp>", c.range),
                None => {
                    let start = c.range.start() + ruff_text_size::TextSize::new(1);
                    let text = self.text(TextRange::new(start, c.value.end()));
                    let blank = text.len() - text.trim_start().len();
                    let start = start + ruff_text_size::TextSize::new(blank as u32);
                    let range = TextRange::at(start, ruff_text_size::TextSize::new(2));
                    return fail("dict unpacking cannot be used in dict comprehension", range);
                }
            },
            Expr::Generator(c) => {
                let range = if c.parenthesized { c.range } else { self.in_parentheses(c.range) };
                (key(c), &c.generators, Product::Yield(&c.elt), "<genexpr>", range)
            }
            other => return fail("internal error: comprehension", other.range()),
        };
        if let Product::List(e) | Product::Set(e) | Product::Yield(e) = result
            && e.is_starred_expr()
        {
            return fail("iterable unpacking cannot be used in comprehension", e.range());
        }
        let scope = self.need_scope(node, MAIN, range)?;
        let is_generator = matches!(result, Product::Yield(_));
        if self.table.scopes[scope].is_coroutine && !is_generator {
            self.need_async_comprehension(range)?;
        }
        if self.table.scopes[scope].inlined {
            return self.inlined(scope, generators, result, range, dest);
        }
        self.outlined(scope, generators, result, name, range, dest)
    }

    /// The range of a generator expression that is a call's only argument takes in the call's parentheses.
    fn in_parentheses(&self, range: TextRange) -> TextRange {
        let before = self.source[..range.start().to_usize()].trim_end();
        let after = &self.source[range.end().to_usize()..];
        let blank = after.len() - after.trim_start().len();
        if !before.ends_with('(') || !after[blank..].starts_with(')') {
            return range;
        }
        let start = ruff_text_size::TextSize::new(before.len() as u32 - 1);
        TextRange::new(start, range.end() + ruff_text_size::TextSize::new(blank as u32 + 1))
    }

    fn need_async_comprehension(&mut self, range: TextRange) -> Res {
        let frame = self.frame();
        let generator = matches!(frame.kind, ScopeKind::Generator | ScopeKind::Comprehension);
        if generator && frame.is_coroutine {
            return Ok(());
        }
        self.need_async("asynchronous comprehension outside of an asynchronous function", range)
    }

    /// The iterator of the first `for`.
    fn first_iterator(&mut self, first: &'a ast::Comprehension, range: TextRange) -> Res<Reg> {
        let mark = self.mark();
        if first.is_async {
            let value = self.expr(&first.iter, None)?;
            let iter = self.out(mark, None);
            self.at(range);
            self.emit(Op::GetAIter, iter, value, 0u32);
            return Ok(iter);
        }
        self.iterator(&first.iter)
    }

    fn outlined(
        &mut self,
        scope: ScopeId,
        generators: &'a [ast::Comprehension],
        result: Product<'a>,
        name: &str,
        range: TextRange,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let mark = self.mark();
        self.enter(scope, name, range);
        self.mark_method();
        self.u.arg_counts[0] = 1;
        self.function_body(scope, |c| {
            let iter = c.local(&".0".into());
            c.at(range);
            let container = match result {
                Product::Yield(_) => Reg::temp(0),
                _ => c.container_for(result),
            };
            c.loops(generators, result, container, Some(iter), range)?;
            c.at(range);
            if !matches!(result, Product::Yield(_)) {
                c.emit(Op::Return, container, 0u32, 0u32);
            }
            Ok(())
        })?;
        let code = self.leave()?;
        self.at(range);
        let callee = self.alloc();
        let made = self.make_function(code, scope, Extras::default(), None)?;
        self.mov(callee, made);
        self.release(callee.index() + 1);
        let iter = self.first_iterator(&generators[0], generators[0].iter.range())?;
        debug_assert_eq!(iter, callee.plus(1));
        self.at(range);
        self.emit(Op::Call, callee, 1u32, callee);
        if self.table.scopes[scope].is_coroutine && !matches!(result, Product::Yield(_)) {
            self.await_in_place(callee, 0);
        }
        self.finish(callee, mark, dest)
    }

    fn container_for(&mut self, result: Product<'a>) -> Reg {
        let reg = self.alloc();
        let op = match result {
            Product::Set(_) => Op::BuildSet,
            Product::Dict(..) => Op::BuildMap,
            _ => Op::BuildList,
        };
        self.emit(op, reg, reg, 0u32);
        reg
    }

    fn inlined(
        &mut self,
        scope: ScopeId,
        generators: &'a [ast::Comprehension],
        result: Product<'a>,
        range: TextRange,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let mark = self.mark();
        // The first iterable belongs to the scope around.
        let iter = self.first_iterator(&generators[0], generators[0].iter.range())?;
        self.at(range);
        let (saved, fresh) = self.hide(scope);
        self.u.inlined.push(scope);
        let cleanup = (!saved.is_empty()).then(|| self.label());
        let error = self.alloc();
        let container = match cleanup {
            // A block all the same: they are counted.
            None => self.in_plain_block(range, |c| c.inlined_loops(generators, result, iter, range))?,
            Some(cleanup) => {
                let mut container = error;
                self.protected(cleanup, error, range, |c| {
                    container = c.inlined_loops(generators, result, iter, range)?;
                    Ok(())
                })?;
                container
            }
        };
        self.u.inlined.pop();
        self.at(range);
        self.restore(&saved);
        for reg in fresh {
            self.emit(Op::ClearLocal, reg, 0u32, 0u32);
        }
        if let Some(cleanup) = cleanup {
            let end = self.label();
            self.goto(end);
            self.bind(cleanup);
            self.restore(&saved);
            self.emit(Op::Reraise, error, 0u32, 0u32);
            self.bind(end);
        }
        self.release(mark);
        let out = self.out(mark, dest);
        self.mov(out, container);
        Ok(out)
    }

    fn inlined_loops(
        &mut self,
        generators: &'a [ast::Comprehension],
        result: Product<'a>,
        iter: Reg,
        range: TextRange,
    ) -> Res<Reg> {
        let container = self.container_for(result);
        self.loops(generators, result, container, Some(iter), range)?;
        Ok(container)
    }

    fn restore(&mut self, saved: &[Saved]) {
        for s in saved {
            self.emit_aux(Op::Move, s.reg, s.temp, 0u32, RESTORES);
        }
    }

    /// Makes room for the comprehension's own variables: saves what they hide, makes cells. Returns what to
    /// restore and which locals to clear afterwards.
    fn hide(&mut self, scope: ScopeId) -> (Vec<Saved>, Vec<Reg>) {
        let mut own: Vec<(Name, Resolved)> = self.table.scopes[scope]
            .symbols
            .iter()
            .filter(|(name, s)| matches!(s.resolved, Resolved::Local | Resolved::Cell) && &***name != ".0")
            .map(|(name, s)| (name.clone(), s.resolved))
            .collect();
        own.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut saved, mut fresh) = (Vec::new(), Vec::new());
        for (name, resolved) in own {
            let taken = self.taken(&name, resolved);
            let reg = match resolved {
                Resolved::Cell => match self.u.cells.iter().position(|c| *c == name) {
                    Some(i) => Reg::cell(i),
                    None => continue,
                },
                _ => self.local(&name),
            };
            if taken {
                let temp = self.alloc();
                self.mov(temp, reg);
                saved.push(Saved { reg, temp });
            }
            if resolved == Resolved::Cell {
                self.emit(Op::NewCell, reg, 0u32, 0u32);
            } else if taken {
                self.emit(Op::ClearLocal, reg, 0u32, 0u32);
            }
            if !taken {
                // Cleared at the end: `locals()` must not show it any more.
                fresh.push(reg);
            }
        }
        (saved, fresh)
    }

    /// True if the frame or a comprehension around uses the same register for a variable of that name.
    fn taken(&self, name: &Name, resolved: Resolved) -> bool {
        let around = self.u.inlined.iter().any(|&s| self.table.scopes[s].resolve(name) == Some(resolved));
        let frame = self.frame();
        around || frame.kind.is_function() && frame.resolve(name) == Some(resolved)
    }

    fn loops(
        &mut self,
        generators: &'a [ast::Comprehension],
        result: Product<'a>,
        container: Reg,
        iter: Option<Reg>,
        range: TextRange,
    ) -> Res {
        let Some((first, rest)) = generators.split_first() else { return self.element(result, container) };
        let mark = self.mark();
        // `for x in [e]` in an inner clause is an assignment.
        if let (None, false, Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. })) =
            (iter, first.is_async, &first.iter)
            && let [only] = &elts[..]
            && !only.is_starred_expr()
        {
            let value = match self.item_dest(&first.target) {
                Some(local) => self.expr(only, Some(local))?,
                None => self.operand(only)?,
            };
            self.store(&first.target, value)?;
            let next = self.label();
            self.filters_and_rest(first, rest, result, container, next, range)?;
            self.bind(next);
            self.release(mark);
            return Ok(());
        }
        let iter = match iter {
            Some(iter) => iter,
            None => self.first_iterator(first, first.iter.range())?,
        };
        let (top, bottom, end) = (self.label(), self.label(), self.label());
        if first.is_async {
            let error = self.alloc();
            self.bind(bottom);
            let item = self.next_async(iter, end, error, first.iter.range())?;
            self.store(&first.target, item)?;
            self.filters_and_rest(first, rest, result, container, bottom, range)?;
            self.jump(Op::JumpBack, 0u32, 0u32, bottom);
            self.bind(end);
            self.at(first.iter.range());
            self.emit(Op::EndAsyncFor, error, 0u32, 0u32);
            self.release(mark);
            return Ok(());
        }
        let local = self.item_dest(&first.target);
        let item = local.unwrap_or_else(|| self.alloc());
        self.goto(bottom);
        self.bind(top);
        if local.is_none() {
            let mark = self.mark();
            self.store(&first.target, item)?;
            self.release(mark);
        }
        self.filters_and_rest(first, rest, result, container, bottom, range)?;
        self.bind(bottom);
        self.at(first.iter.range());
        self.jump(Op::ForNext, iter, item, top);
        self.bind(end);
        self.release(mark);
        Ok(())
    }

    fn filters_and_rest(
        &mut self,
        first: &'a ast::Comprehension,
        rest: &'a [ast::Comprehension],
        result: Product<'a>,
        container: Reg,
        next: Label,
        range: TextRange,
    ) -> Res {
        for test in &first.ifs {
            self.jump_if(test, next, false)?;
        }
        self.loops(rest, result, container, None, range)
    }

    fn element(&mut self, result: Product<'a>, container: Reg) -> Res {
        let mark = self.mark();
        match result {
            Product::List(e) | Product::Set(e) => {
                let value = self.expr(e, None)?;
                self.at(e.range());
                let op = if matches!(result, Product::List(_)) { Op::ListAppend } else { Op::SetAdd };
                self.emit(op, container, value, 0u32);
            }
            Product::Dict(k, v) => {
                let k_reg = self.operand(k)?;
                let v_reg = self.expr(v, None)?;
                self.at(k.range().cover(v.range()));
                self.emit(Op::MapAdd, container, k_reg, v_reg);
            }
            Product::Yield(e) => {
                let value = self.expr(e, None)?;
                self.at(e.range());
                self.emit_yield(value);
            }
        }
        self.release(mark);
        Ok(())
    }

    /// Yields `value`, dropping what is sent.
    fn emit_yield(&mut self, value: Reg) {
        let sent = self.alloc();
        if self.u.flags & taipan_bytecode::code::flags::ASYNC_GENERATOR != 0 {
            self.emit(Op::CallIntrinsic, sent, value, taipan_bytecode::ops::Intrinsic::AsyncGenWrap as u32);
            self.emit(Op::Yield, sent, sent, 0u32);
        } else {
            self.emit(Op::Yield, value, sent, 0u32);
        }
    }
}
