//! Functions, lambdas, generators, `await`, annotations, type parameters.

use super::{Compiler, code_const, stmt::docstring};
use crate::error::{Res, fail};
use crate::flow::Reg;
use crate::literal;
use crate::names::{ANNOTATIONS, MAIN, TYPE_PARAMS, VARIABLES, annotated_params, key};
use crate::scope::{ScopeId, ScopeKind};
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::code::flags;
use taipan_bytecode::ops::{CommonConst, FuncAttr, Intrinsic};
use taipan_bytecode::{Code, Const, Op, Text};

/// What a new function gets besides its code: registers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras {
    defaults: Option<Reg>,
    kwdefaults: Option<Reg>,
    annotations: Option<(FuncAttr, Reg)>,
}

impl<'a> Compiler<'a> {
    pub(crate) fn function_def(&mut self, f: &'a ast::StmtFunctionDef) -> Res {
        let mark = self.mark();
        let decorators = self.decorators(&f.decorator_list)?;
        let range = self.def_range(&f.decorator_list, f.range);
        let start = f.decorator_list.first().map_or(f.range, Ranged::range);
        let dest = if f.decorator_list.is_empty() { self.local_dest(&f.name) } else { None };
        let value = match &f.type_params {
            Some(params) => self.generic_function(f, params, start)?,
            None => {
                let mut extras = self.defaults(&f.parameters, range)?;
                extras.annotations = self.function_annotations(f)?;
                self.function_code(f, start, extras, dest)?
            }
        };
        let value = self.decorate(value, &f.decorator_list, decorators, mark)?;
        self.at(range);
        self.store_name(&f.name, value);
        Ok(())
    }

    /// Evaluates decorators into temporaries: each is followed by room for its argument.
    pub(crate) fn decorators(&mut self, list: &'a [ast::Decorator]) -> Res<Vec<Reg>> {
        list.iter().map(|d| self.push(&d.expression)).collect()
    }

    /// Applies decorators to `value`.
    pub(crate) fn decorate(&mut self, value: Reg, list: &'a [ast::Decorator], regs: Vec<Reg>, mark: u32) -> Res<Reg> {
        let mut value = value;
        for (decorator, reg) in list.iter().zip(regs).rev() {
            self.mov(reg.plus(1), value);
            self.at(decorator.expression.range());
            self.emit(Op::Call, reg, 1u32, reg);
            value = reg;
        }
        if !list.is_empty() {
            self.release(mark + 1);
        }
        Ok(value)
    }

    /// Evaluates default values.
    pub(crate) fn defaults(&mut self, p: &'a ast::Parameters, range: TextRange) -> Res<Extras> {
        let mut extras = Extras::default();
        let positional: Vec<&'a Expr> =
            p.posonlyargs.iter().chain(&p.args).filter_map(|p| p.default.as_deref()).collect();
        if !positional.is_empty() {
            let constants: Option<Box<[Const]>> = positional.iter().map(|e| self.folded(e)).collect();
            let tuple = self.alloc();
            match constants {
                Some(values) => {
                    self.at(range);
                    self.load_const(Const::Tuple(values), Some(tuple));
                }
                None => {
                    let first = Reg::temp(self.mark());
                    for e in &positional {
                        self.push(e)?;
                    }
                    self.at(range);
                    self.emit(Op::BuildTuple, tuple, first, positional.len());
                }
            }
            self.release(tuple.index() + 1);
            extras.defaults = Some(tuple);
        }
        let named: Vec<_> = p.kwonlyargs.iter().filter(|p| p.default.is_some()).collect();
        if !named.is_empty() {
            let dict = self.alloc();
            let first = Reg::temp(self.mark());
            for param in &named {
                let name = self.mangle(&param.parameter.name);
                self.load_str(&name, None);
                if let Some(default) = &param.default {
                    self.push(default)?;
                }
            }
            self.at(range);
            self.emit(Op::BuildMap, dict, first, named.len());
            self.release(dict.index() + 1);
            extras.kwdefaults = Some(dict);
        }
        Ok(extras)
    }

    /// Compiles a `def` and makes the function object.
    fn function_code(
        &mut self,
        f: &'a ast::StmtFunctionDef,
        start: TextRange,
        extras: Extras,
        dest: Option<Reg>,
    ) -> Res<Reg> {
        let scope = self.need_scope(key(f), MAIN, f.range)?;
        self.enter(scope, &f.name, start);
        self.mark_method();
        self.signature(&f.parameters);
        let mut body = &f.body[..];
        if let Some(doc) = docstring(body) {
            if self.options.optimize < 2 {
                let text = literal::clean_doc(&literal::string(self.source, doc));
                self.constant(Const::Str(text));
                self.u.flags |= flags::HAS_DOCSTRING;
            }
            self.check_literals_of_doc(doc);
            body = &body[1..];
        }
        self.function_body(scope, |c| c.body(body))?;
        let code = self.leave()?;
        let range = self.def_range(&f.decorator_list, f.range);
        self.at(range);
        self.make_function(code, scope, extras, dest)
    }

    /// Sets the flag of functions defined in a class body.
    pub(crate) fn mark_method(&mut self) {
        let Some(around) = self.outer.last().map(|o| &self.table.scopes[o.scope]) else { return };
        if around.kind == ScopeKind::Class {
            self.u.flags |= flags::METHOD;
        }
    }

    fn signature(&mut self, p: &ast::Parameters) {
        self.u.arg_counts =
            [p.posonlyargs.len() + p.args.len(), p.posonlyargs.len(), p.kwonlyargs.len()].map(|n| n as u32);
        if p.vararg.is_some() {
            self.u.flags |= flags::VARARGS;
        }
        if p.kwarg.is_some() {
            self.u.flags |= flags::VARKEYWORDS;
        }
    }

    /// Frame set-up, body and final return of a function; generators get their handler.
    pub(crate) fn function_body(&mut self, scope: ScopeId, body: impl FnOnce(&mut Self) -> Res) -> Res {
        let s = &self.table.scopes[scope];
        self.u.flags |= match (s.is_coroutine, s.is_generator) {
            (true, true) => flags::ASYNC_GENERATOR,
            (true, false) => flags::COROUTINE,
            (false, true) => flags::GENERATOR,
            (false, false) => 0,
        };
        self.prologue();
        if self.u.flags & (flags::ASYNC_GENERATOR | flags::COROUTINE | flags::GENERATOR) == 0 {
            body(self)?;
            self.implicit_return();
            return Ok(());
        }
        let sent = self.alloc();
        self.emit(Op::ReturnGenerator, sent, 0u32, 0u32);
        let start = self.u.asm.insts.len();
        body(self)?;
        self.implicit_return();
        let end = self.u.asm.insts.len();
        let handler = self.label();
        self.bind(handler);
        self.u.range = None;
        self.emit(Op::CallIntrinsic, sent, sent, Intrinsic::StopIterationError as u32);
        self.emit(Op::Reraise, sent, 0u32, 0u32);
        self.u.asm.protects.push(crate::flow::Protect { start, end, target: handler, reg: sent });
        Ok(())
    }

    /// Makes a function of `code` with the closure that `scope` needs.
    pub(crate) fn make_function(&mut self, code: Code, scope: ScopeId, extras: Extras, dest: Option<Reg>) -> Res<Reg> {
        let function = dest.unwrap_or_else(|| self.alloc());
        let mark = self.mark();
        let frees = self.table.scopes[scope].frees();
        let closure = if frees.is_empty() {
            None
        } else {
            let first = self.alloc_run(frees.len() as u32);
            for (i, name) in frees.iter().enumerate() {
                let Some(cell) = self.captured(name) else {
                    return fail(format!("internal error: no cell for '{name}'"), self.u.range.unwrap_or_default());
                };
                self.mov(first.plus(i as u32), cell);
            }
            self.emit(Op::BuildTuple, first, first, frees.len());
            Some(first)
        };
        let code = self.constant(code_const(code));
        self.emit(Op::MakeFunction, function, code, 0u32);
        let mut set = |attr: FuncAttr, reg: Option<Reg>| {
            if let Some(reg) = reg {
                self.emit(Op::SetFuncAttr, function, reg, attr as u32);
            }
        };
        set(FuncAttr::Closure, closure);
        if let Some((attr, reg)) = extras.annotations {
            set(attr, Some(reg));
        }
        set(FuncAttr::KwDefaults, extras.kwdefaults);
        set(FuncAttr::Defaults, extras.defaults);
        self.release(mark);
        Ok(function)
    }

    pub(crate) fn lambda(&mut self, l: &'a ast::ExprLambda, dest: Option<Reg>) -> Res<Reg> {
        let mark = self.mark();
        // The defaults stay in temporaries above it until they are attached.
        let target = dest.unwrap_or_else(|| self.alloc());
        let extras = match &l.parameters {
            Some(p) => self.defaults(p, l.range)?,
            None => Extras::default(),
        };
        let scope = self.need_scope(key(l), MAIN, l.range)?;
        self.enter(scope, "<lambda>", l.range);
        self.mark_method();
        if let Some(p) = &l.parameters {
            self.signature(p);
        }
        self.function_body(scope, |c| {
            let value = c.expr(&l.body, None)?;
            c.at(l.body.range());
            c.emit(Op::Return, value, 0u32, 0u32);
            Ok(())
        })?;
        let code = self.leave()?;
        self.at(l.range);
        self.make_function(code, scope, extras, Some(target))?;
        self.finish(target, mark, dest)
    }

    // ---- annotations ----------------------------------------------------------------------------

    fn function_annotations(&mut self, f: &'a ast::StmtFunctionDef) -> Res<Option<(FuncAttr, Reg)>> {
        let params: Vec<_> = annotated_params(&f.parameters).filter(|p| p.annotation.is_some()).collect();
        if params.is_empty() && f.returns.is_none() {
            return Ok(None);
        }
        let range = self.def_range(&f.decorator_list, f.range);
        let items = params.iter().filter_map(|p| Some((self.mangle(&p.name), p.annotation.as_deref()?)));
        let mut items: Vec<_> = items.collect();
        items.extend(f.returns.as_deref().map(|e| ("return".into(), e)));
        let scope = self.need_scope(key(f), ANNOTATIONS, f.range)?;
        let function = self.need_scope(key(f), MAIN, f.range)?;
        let owner = self.qualname(function, &f.name);
        self.enter(scope, "__annotate__", range);
        self.u.qualname = format!("{owner}.__annotate__");
        self.format_check(".format", range);
        let dict = self.annotation_dict(&items, range)?;
        self.at(range);
        self.emit(Op::Return, dict, 0u32, 0u32);
        let code = self.leave()?;
        self.at(range);
        let function = self.make_function(code, scope, Extras::default(), None)?;
        Ok(Some((FuncAttr::Annotate, function)))
    }

    /// Pushes the value of an annotation; `*args: *Ts` unpacks exactly one.
    fn annotation_value(&mut self, e: &'a Expr) -> Res {
        let reg = self.alloc();
        if self.future {
            self.at(e.range());
            let text = self.unparse(e);
            self.load_const(Const::Str(text), Some(reg));
            return Ok(());
        }
        match e {
            Expr::Starred(s) => {
                let value = self.expr(&s.value, None)?;
                self.at(e.range());
                self.emit(Op::UnpackSequence, reg, value, 1u32);
                self.release(reg.index() + 1);
            }
            e => {
                self.expr(e, Some(reg))?;
            }
        }
        Ok(())
    }

    /// Range of a definition without its decorators.
    pub(crate) fn def_range(&self, decorators: &[ast::Decorator], range: TextRange) -> TextRange {
        crate::names::after_decorators(self.source, decorators, range)
    }

    fn annotation_dict(&mut self, items: &[(crate::scope::Name, &'a Expr)], range: TextRange) -> Res<Reg> {
        let dict = self.alloc();
        let mark = self.mark();
        let mut first_chunk = true;
        for chunk in items.chunks(super::display::MAX_RUN) {
            let part = if first_chunk { dict } else { self.alloc() };
            let first = Reg::temp(self.mark());
            for (name, e) in chunk {
                self.at(range);
                self.load_str(name, None);
                self.annotation_value(e)?;
            }
            self.at(range);
            self.emit(Op::BuildMap, part, first, chunk.len());
            if !first_chunk {
                self.emit(Op::DictUpdate, dict, part, 0u32);
            }
            first_chunk = false;
            self.release(mark);
        }
        Ok(dict)
    }

    /// `if format > 2: raise NotImplementedError`.
    fn format_check(&mut self, param: &str, range: TextRange) {
        self.u.arg_counts = [1, 1, 0];
        self.prologue();
        self.at(range);
        let fine = self.label();
        let format = self.local(&param.into());
        self.jump(Op::JumpNotGtI, format, 2u32, fine);
        let mark = self.mark();
        let error = self.alloc();
        self.emit(Op::LoadCommonConst, error, CommonConst::NotImplementedError as u32, 0u32);
        self.emit(Op::Raise, error, 0u32, 0u32);
        self.release(mark);
        self.bind(fine);
    }

    /// After `name: annotation [= value]`.
    pub(crate) fn annotate_variable(&mut self, s: &'a ast::StmtAnnAssign) -> Res {
        let Expr::Name(target) = &*s.target else { return Ok(()) };
        if !matches!(self.frame().kind, ScopeKind::Module | ScopeKind::Class) {
            return Ok(());
        }
        if self.future {
            let mark = self.mark();
            self.at(s.annotation.range());
            let text = self.unparse(&s.annotation);
            let value = self.load_const(Const::Str(text), None);
            let dict = self.load_name("__annotations__", None);
            let name = self.mangle(&target.id);
            let name = self.load_str(&name, None);
            self.at(s.range);
            self.emit(Op::StoreItem, dict, name, value);
            self.release(mark);
            return Ok(());
        }
        let conditional = self.frame().kind == ScopeKind::Module || self.u.conditional > 0;
        let number = conditional.then_some(self.u.conditional_count);
        if let Some(number) = number {
            self.u.conditional_count += 1;
            let mark = self.mark();
            self.at(s.annotation.range());
            let set = self.conditional_set();
            let number = self.load_const(Const::Int(number as i64), None);
            self.emit(Op::SetAdd, set, number, 0u32);
            self.release(mark);
        }
        self.u.annotations.push((s, number));
        Ok(())
    }

    fn conditional_set(&mut self) -> Reg {
        if let (ScopeKind::Class, Some(cell)) = (self.frame().kind, self.cell("__conditional_annotations__")) {
            let set = self.alloc();
            self.emit(Op::LoadDeref, set, cell, 0u32);
            return set;
        }
        self.load_name("__conditional_annotations__", None)
    }

    /// Creates the empty set of conditional annotations.
    pub(crate) fn start_conditional(&mut self) {
        if !self.frame().conditional_annotations {
            return;
        }
        let mark = self.mark();
        let set = self.alloc();
        self.emit(Op::BuildSet, set, set, 0u32);
        match (self.frame().kind, self.cell("__conditional_annotations__")) {
            (ScopeKind::Class, Some(cell)) => self.emit(Op::StoreDeref, cell, set, 0u32),
            _ => self.store_name("__conditional_annotations__", set),
        }
        self.release(mark);
    }

    /// A module's `__annotate__` is made before its body runs, so that it exists while annotations are added.
    pub(crate) fn module_annotations(&mut self, body: &'a [Stmt]) -> Res {
        if self.future || !self.frame().conditional_annotations {
            self.start_conditional();
            return Ok(());
        }
        let mut found = Vec::new();
        collect_annotations(body, &mut found);
        let items: Vec<_> = found.into_iter().enumerate().map(|(i, s)| (s, Some(i as u32))).collect();
        let range = body.first().map_or(TextRange::default(), Ranged::range);
        self.annotate_function(items, "__annotate__", range)?;
        self.start_conditional();
        Ok(())
    }

    /// Makes the `__annotate__` function for variables and stores it as `name`.
    pub(crate) fn annotate_function(
        &mut self,
        items: Vec<(&'a ast::StmtAnnAssign, Option<u32>)>,
        name: &str,
        range: TextRange,
    ) -> Res {
        let scope = self.need_scope(self.u.scope, VARIABLES, range)?;
        self.enter(scope, "__annotate__", range);
        self.format_check(".format", range);
        let dict = self.alloc();
        self.emit(Op::BuildMap, dict, dict, 0u32);
        for (s, number) in items {
            let mark = self.mark();
            let skip = self.label();
            if let Some(number) = number {
                self.at(s.range);
                let number = self.load_const(Const::Int(number as i64), None);
                let set = self.load_name("__conditional_annotations__", None);
                self.emit(Op::In, number, number, set);
                self.jump(Op::JumpIfNot, number, 0u32, skip);
            }
            let value = self.expr(&s.annotation, None)?;
            if let Expr::Name(target) = &*s.target {
                let name = self.mangle(&target.id);
                self.at(range);
                let name = self.load_str(&name, None);
                self.emit(Op::StoreItem, dict, name, value);
            }
            self.bind(skip);
            self.release(mark);
        }
        self.at(range);
        self.emit(Op::Return, dict, 0u32, 0u32);
        let code = self.leave()?;
        self.at(range);
        let mark = self.mark();
        let function = self.make_function(code, scope, Extras::default(), None)?;
        self.store_name(name, function);
        self.release(mark);
        Ok(())
    }

    // ---- type parameters --------------------------------------------------------------------------

    /// `def f[T]`: a function that makes the type parameters and then `f` is called at once.
    fn generic_function(
        &mut self,
        f: &'a ast::StmtFunctionDef,
        params: &'a ast::TypeParams,
        start: TextRange,
    ) -> Res<Reg> {
        let range = self.def_range(&f.decorator_list, f.range);
        let mark = self.mark();
        let callee = self.alloc();
        // Each default lands in the argument register after the callee.
        let outer = self.defaults(&f.parameters, range)?;
        let scope = self.need_scope(key(f), TYPE_PARAMS, f.range)?;
        self.enter(scope, &format!("<generic parameters of {}>", f.name), start);
        self.u.arg_counts[0] = self.u.params as u32;
        self.prologue();
        self.at(range);
        let made = self.type_params(params)?;
        let mut extras = Extras {
            defaults: outer.defaults.map(|_| self.local(&".defaults".into())),
            kwdefaults: outer.kwdefaults.map(|_| self.local(&".kwdefaults".into())),
            annotations: None,
        };
        extras.annotations = self.function_annotations(f)?;
        let pair = self.alloc_run(2);
        let function = self.function_code(f, start, extras, None)?;
        self.mov(pair, function);
        self.mov(pair.plus(1), made);
        self.emit(Op::CallIntrinsic, pair, pair, Intrinsic::SetFunctionTypeParams as u32);
        self.emit(Op::Return, pair, 0u32, 0u32);
        let code = self.leave()?;
        self.at(range);
        let inner = self.make_function(code, scope, Extras::default(), None)?;
        self.mov(callee, inner);
        let count = outer.defaults.is_some() as u32 + outer.kwdefaults.is_some() as u32;
        self.emit(Op::Call, callee, count, callee);
        self.release(mark + 1);
        Ok(callee)
    }

    /// Makes the type parameters, stores each, and returns the register of their tuple.
    pub(crate) fn type_params(&mut self, params: &'a ast::TypeParams) -> Res<Reg> {
        let tuple = self.alloc();
        let count = params.len() as u32;
        let first = self.alloc_run(count);
        for (i, param) in params.iter().enumerate() {
            let mark = self.mark();
            let reg = first.plus(i as u32);
            let run = self.alloc_run(2);
            self.at(param.range());
            self.load_str(param.name(), Some(run));
            let intrinsic = match param {
                ast::TypeParam::TypeVar(t) => match &t.bound {
                    Some(bound) => {
                        self.lazy_value(bound, param.name(), Some(run.plus(1)))?;
                        if bound.is_tuple_expr() {
                            Intrinsic::TypeVarWithConstraints
                        } else {
                            Intrinsic::TypeVarWithBound
                        }
                    }
                    None => Intrinsic::TypeVar,
                },
                ast::TypeParam::ParamSpec(_) => Intrinsic::ParamSpec,
                ast::TypeParam::TypeVarTuple(_) => Intrinsic::TypeVarTuple,
            };
            self.at(param.range());
            self.emit(Op::CallIntrinsic, reg, run, intrinsic as u32);
            if let Some(default) = param.default() {
                self.mov(run, reg);
                self.lazy_value(default, param.name(), Some(run.plus(1)))?;
                self.at(param.range());
                self.emit(Op::CallIntrinsic, reg, run, Intrinsic::SetTypeParamDefault as u32);
            }
            self.store_name(param.name(), reg);
            self.release(mark);
        }
        self.emit(Op::BuildTuple, tuple, first, count);
        self.release(tuple.index() + 1);
        Ok(tuple)
    }

    /// A function of `.format` that computes `e` when asked.
    fn lazy_value(&mut self, e: &'a Expr, name: &str, dest: Option<Reg>) -> Res<Reg> {
        let scope = self.need_scope(key(e), ANNOTATIONS, e.range())?;
        self.enter(scope, name, e.range());
        self.format_check(".format", e.range());
        self.u.params = 1;
        let mark = self.mark();
        let value = match e {
            // The default of a TypeVarTuple may be unpacked.
            Expr::Starred(s) => {
                let value = self.expr(&s.value, None)?;
                let out = self.out(mark, None);
                self.at(e.range());
                self.emit(Op::UnpackSequence, out, value, 1u32);
                out
            }
            e => self.expr(e, None)?,
        };
        self.at(e.range());
        self.emit(Op::Return, value, 0u32, 0u32);
        let code = self.leave()?;
        self.at(e.range());
        let mark = self.mark();
        let target = dest.unwrap_or_else(|| self.alloc());
        let defaults = self.load_const(Const::Tuple(Box::new([Const::Int(1)])), None);
        let extras = Extras { defaults: Some(defaults), ..Extras::default() };
        self.make_function(code, scope, extras, Some(target))?;
        self.finish(target, mark, dest)
    }

    pub(crate) fn type_alias(&mut self, t: &'a ast::StmtTypeAlias) -> Res {
        let Expr::Name(name) = &*t.name else { return Ok(()) };
        let mark = self.mark();
        let value = match &t.type_params {
            None => self.alias_value(t, &name.id, None)?,
            Some(params) => {
                let scope = self.need_scope(key(t), TYPE_PARAMS, t.range)?;
                self.enter(scope, &format!("<generic parameters of {}>", name.id), t.range);
                self.prologue();
                self.at(t.range);
                let made = self.type_params(params)?;
                let value = self.alias_value(t, &name.id, Some(made))?;
                self.emit(Op::Return, value, 0u32, 0u32);
                let code = self.leave()?;
                self.at(t.range);
                let callee = self.make_function(code, scope, Extras::default(), None)?;
                self.emit(Op::Call, callee, 0u32, callee);
                callee
            }
        };
        self.at(name.range);
        self.store_name(&name.id, value);
        self.release(mark);
        Ok(())
    }

    fn alias_value(&mut self, t: &'a ast::StmtTypeAlias, name: &str, params: Option<Reg>) -> Res<Reg> {
        let triple = self.alloc_run(3);
        self.load_str(name, Some(triple));
        match params {
            Some(params) => self.mov(triple.plus(1), params),
            None => {
                self.load_none(Some(triple.plus(1)));
            }
        }
        self.lazy_value(&t.value, name, Some(triple.plus(2)))?;
        self.at(t.range);
        self.emit(Op::BuildTuple, triple, triple, 3u32);
        self.emit(Op::CallIntrinsic, triple, triple, Intrinsic::TypeAlias as u32);
        self.release(triple.index() + 1);
        Ok(triple)
    }

    // ---- generators and coroutines ------------------------------------------------------------------

    /// Fails unless `await` and the like are allowed here.
    pub(crate) fn need_async(&mut self, message: &str, range: TextRange) -> Res {
        let frame = self.frame();
        if frame.is_coroutine && frame.kind.is_function() {
            return Ok(());
        }
        if frame.kind == ScopeKind::Module && self.options.top_level_await {
            self.u.flags |= flags::COROUTINE;
            return Ok(());
        }
        fail(message, range)
    }

    pub(crate) fn await_expr(&mut self, a: &'a ast::ExprAwait, dest: Option<Reg>) -> Res<Reg> {
        let in_function = matches!(
            self.frame().kind,
            ScopeKind::Function | ScopeKind::Lambda | ScopeKind::Generator | ScopeKind::Comprehension
        );
        let message = if in_function { "'await' outside async function" } else { "'await' outside function" };
        self.need_async(message, a.range)?;
        let mark = self.mark();
        let value = self.push(&a.value)?;
        self.at(a.range);
        self.await_in_place(value, 0);
        self.finish(value, mark, dest)
    }

    /// Awaits what is in the temporary `value`; the result takes its place.
    pub(crate) fn await_in_place(&mut self, value: Reg, kind: u32) {
        let mark = self.mark();
        let iter = self.alloc();
        self.emit(Op::GetAwaitable, iter, value, kind);
        self.load_none(Some(value));
        self.delegate(iter, value);
        self.release(mark);
    }

    /// Runs the iterator `iter` to its end, passing everything through; its result ends up in `value`.
    ///
    /// The interpreter relies on this shape: `Send`, `YieldDelegate`, `Jump` back to the `Send`.
    pub(crate) fn delegate(&mut self, iter: Reg, value: Reg) {
        let (send, done) = (self.label(), self.label());
        self.bind(send);
        self.jump(Op::Send, iter, value, done);
        self.emit(Op::YieldDelegate, value, iter, 0u32);
        self.goto(send);
        self.bind(done);
    }

    fn need_function(&self, range: TextRange) -> Res {
        let kind = self.frame().kind;
        if matches!(kind, ScopeKind::Function | ScopeKind::Lambda | ScopeKind::Generator) {
            return Ok(());
        }
        fail("'yield' outside function", range)
    }

    pub(crate) fn yield_expr(&mut self, y: &'a ast::ExprYield, dest: Option<Reg>) -> Res<Reg> {
        self.need_function(y.range)?;
        let mark = self.mark();
        let mut value = match &y.value {
            Some(e) => self.expr(e, None)?,
            None => {
                self.at(y.range);
                self.load_none(None)
            }
        };
        self.at(y.range);
        if self.u.flags & flags::ASYNC_GENERATOR != 0 {
            let wrapped = self.out(mark, None);
            self.emit(Op::CallIntrinsic, wrapped, value, Intrinsic::AsyncGenWrap as u32);
            value = wrapped;
        }
        let dest = self.out(mark, dest);
        self.emit(Op::Yield, value, dest, 0u32);
        Ok(dest)
    }

    pub(crate) fn yield_from(&mut self, y: &'a ast::ExprYieldFrom, dest: Option<Reg>) -> Res<Reg> {
        self.need_function(y.range)?;
        if self.frame().is_coroutine {
            return fail("'yield from' inside async function", y.range);
        }
        let mark = self.mark();
        let value = self.push(&y.value)?;
        let iter = self.alloc();
        self.at(y.range);
        self.emit(Op::GetYieldFromIter, iter, value, 0u32);
        self.load_none(Some(value));
        self.delegate(iter, value);
        self.finish(value, mark, dest)
    }

    /// An annotation as text (PEP 563).
    fn unparse(&self, e: &Expr) -> Text {
        crate::unparse::annotation(self.source, e)
    }
}

/// Variable annotations in source order, functions and classes left out.
fn collect_annotations<'a>(body: &'a [Stmt], out: &mut Vec<&'a ast::StmtAnnAssign>) {
    for stmt in body {
        match stmt {
            Stmt::AnnAssign(s) if s.simple => out.push(s),
            Stmt::For(s) => [&s.body, &s.orelse].into_iter().for_each(|b| collect_annotations(b, out)),
            Stmt::While(s) => [&s.body, &s.orelse].into_iter().for_each(|b| collect_annotations(b, out)),
            Stmt::If(s) => {
                collect_annotations(&s.body, out);
                s.elif_else_clauses.iter().for_each(|c| collect_annotations(&c.body, out));
            }
            Stmt::With(s) => collect_annotations(&s.body, out),
            Stmt::Match(s) => s.cases.iter().for_each(|c| collect_annotations(&c.body, out)),
            Stmt::Try(s) => {
                collect_annotations(&s.body, out);
                for ast::ExceptHandler::ExceptHandler(h) in &s.handlers {
                    collect_annotations(&h.body, out);
                }
                collect_annotations(&s.orelse, out);
                collect_annotations(&s.finalbody, out);
            }
            _ => {}
        }
    }
}
