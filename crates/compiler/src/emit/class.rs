//! Classes.

use super::Compiler;
use super::function::Extras;
use super::stmt::{docstring, has_annotations};
use crate::error::Res;
use crate::flow::Reg;
use crate::literal;
use crate::names::{MAIN, TYPE_PARAMS, key};
use crate::scope::{Name, ScopeKind};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};
use taipan_bytecode::ops::Intrinsic;
use taipan_bytecode::{Const, Op, Text};

impl<'a> Compiler<'a> {
    pub(crate) fn class_def(&mut self, c: &'a ast::StmtClassDef) -> Res {
        let mark = self.mark();
        self.check_keywords(c.keywords())?;
        let range = self.def_range(&c.decorator_list, c.range);
        let decorators = self.decorators(&c.decorator_list)?;
        let start = c.decorator_list.first().map_or(c.range, Ranged::range);
        let value = match &c.type_params {
            None => self.build_class(c, start, None)?,
            Some(params) => {
                let scope = self.need_scope(key(c), TYPE_PARAMS, c.range)?;
                self.enter(scope, &format!("<generic parameters of {}>", c.name), start);
                self.u.range = Some(range);
                self.prologue();
                self.at(range);
                let made = self.type_params(params)?;
                self.store_name(".type_params", made);
                let value = self.build_class(c, start, Some(made))?;
                self.at(range);
                self.emit(Op::Return, value, 0u32, 0u32);
                let code = self.leave()?;
                self.at(range);
                let callee = self.make_function(code, scope, Extras::default(), None)?;
                self.emit(Op::Call, callee, 0u32, callee);
                callee
            }
        };
        let value = self.decorate(value, &c.decorator_list, decorators, mark)?;
        self.at(range);
        self.store_name(&c.name, value);
        Ok(())
    }

    /// `__build_class__(body, name, *bases, **keywords)`; `params` are the type parameters.
    fn build_class(&mut self, c: &'a ast::StmtClassDef, start: TextRange, params: Option<Reg>) -> Res<Reg> {
        let range = self.def_range(&c.decorator_list, c.range);
        let mark = self.mark();
        let callee = self.alloc();
        self.at(range);
        self.emit(Op::LoadBuildClass, callee, 0u32, 0u32);
        let scope = self.need_scope(key(c), MAIN, c.range)?;
        self.class_body(c, start)?;
        let code = self.leave()?;
        self.at(range);
        let body = self.alloc();
        self.make_function(code, scope, Extras::default(), Some(body))?;
        let name = self.load_str(&c.name, None);
        let mut before = vec![body, name];
        let arguments = c.arguments.as_deref();
        let starred = arguments.is_some_and(|a| {
            a.args.iter().any(Expr::is_starred_expr) || a.keywords.iter().any(|k| k.arg.is_none()) || a.len() > 60
        });
        let generic = match params {
            Some(params) => {
                let base = self.local(&".generic_base".into());
                self.emit(Op::CallIntrinsic, base, params, Intrinsic::SubscriptGeneric as u32);
                Some(base)
            }
            None => None,
        };
        if !starred {
            return self.plain_class(callee, arguments, generic, range, mark);
        }
        let arguments = arguments.ok_or_else(|| crate::error::raw("internal error: class arguments", c.range))?;
        // Everything moves up to leave room for the two arguments of CallEx.
        let call = self.alloc();
        self.mov(call, callee);
        if let Some(base) = generic {
            return self.starred_generic(call, before, base, arguments, range, mark);
        }
        before.truncate(2);
        self.call_ex(call, &before, arguments, range, mark, None)
    }

    fn plain_class(
        &mut self,
        callee: Reg,
        arguments: Option<&'a ast::Arguments>,
        generic: Option<Reg>,
        range: TextRange,
        mark: u32,
    ) -> Res<Reg> {
        let mut count = 2;
        let args = arguments.map_or(&[][..], |a| &a.args);
        let keywords = arguments.map_or(&[][..], |a| &a.keywords[..]);
        for arg in args {
            self.push(arg)?;
            count += 1;
        }
        if let Some(base) = generic {
            let reg = self.alloc();
            self.mov(reg, base);
            count += 1;
        }
        let mut names = Vec::new();
        for keyword in keywords {
            self.push(&keyword.value)?;
            count += 1;
            if let Some(name) = &keyword.arg {
                names.push(Const::Str(Text::new(name)));
            }
        }
        self.at(range);
        if names.is_empty() {
            self.emit(Op::Call, callee, count as u32, callee);
        } else {
            let names = self.constant(Const::Tuple(names.into()));
            self.emit_aux(Op::CallKw, callee, count as u32, callee, names);
        }
        self.release(mark + 1);
        Ok(callee)
    }

    fn starred_generic(
        &mut self,
        call: Reg,
        before: Vec<Reg>,
        base: Reg,
        arguments: &'a ast::Arguments,
        range: TextRange,
        mark: u32,
    ) -> Res<Reg> {
        let args = self.alloc_run(2);
        self.at(range);
        self.emit(Op::BuildList, args, args, 0u32);
        for reg in before {
            self.emit(Op::ListAppend, args, reg, 0u32);
        }
        for arg in &arguments.args {
            let inner = self.mark();
            let (op, e) = match arg {
                Expr::Starred(s) => (Op::ListExtend, &*s.value),
                e => (Op::ListAppend, e),
            };
            let value = self.expr(e, None)?;
            self.at(range);
            self.emit(op, args, value, 0u32);
            self.release(inner);
        }
        self.emit(Op::ListAppend, args, base, 0u32);
        let has_keywords = !arguments.keywords.is_empty();
        if has_keywords {
            self.keyword_dict(call, args.plus(1), &arguments.keywords, range)?;
        }
        let dest = self.out(mark, None);
        self.at(range);
        self.emit(Op::CallEx, call, has_keywords as u32, dest);
        Ok(dest)
    }

    /// The class body's code block; the caller leaves it.
    fn class_body(&mut self, c: &'a ast::StmtClassDef, start: TextRange) -> Res {
        let scope = self.need_scope(key(c), MAIN, c.range)?;
        self.enter(scope, &c.name, start);
        self.prologue();
        let line = self.u.firstlineno;
        let qualname = self.u.qualname.clone();
        let first = TextRange::empty(start.start());
        self.at(first);
        self.class_value("__module__", |c| c.load_name("__name__", None));
        self.class_value("__qualname__", |c| c.load_str(&qualname, None));
        self.class_value("__firstlineno__", |c| c.load_const(Const::Int(line as i64), None));
        if c.type_params.is_some() {
            self.class_value("__type_params__", |c| c.load_name(".type_params", None));
        }
        if let Some(cell) = self.own_cell("__classdict__") {
            let mark = self.mark();
            let dict = self.alloc();
            self.emit(Op::LoadLocals, dict, 0u32, 0u32);
            self.emit(Op::StoreDeref, cell, dict, 0u32);
            self.release(mark);
        }
        self.start_conditional();
        if self.future && has_annotations(&c.body) {
            self.emit(Op::SetupAnnotations, 0u32, 0u32, 0u32);
        }
        let mut body = &c.body[..];
        if let Some(doc) = docstring(body) {
            if self.options.optimize < 2 {
                let text = literal::clean_doc(&literal::string(self.source, doc));
                self.at(doc.range);
                self.class_value("__doc__", |c| c.load_const(Const::Str(text), None));
            }
            self.check_literals_of_doc(doc);
            body = &body[1..];
        }
        self.body(body)?;
        let annotations = std::mem::take(&mut self.u.annotations);
        if !annotations.is_empty() {
            self.at(first);
            self.annotate_function(annotations, "__annotate_func__", first)?;
        }
        // What follows belongs to no line.
        self.u.range = None;
        let attributes = std::mem::take(&mut self.u.static_attributes);
        let attributes = attributes.iter().map(|n| Const::Str(Text::new(n))).collect();
        self.class_value("__static_attributes__", |c| c.load_const(Const::Tuple(attributes), None));
        if let Some(cell) = self.own_cell("__classdict__") {
            self.store_name("__classdictcell__", cell);
        }
        match self.own_cell("__class__") {
            Some(cell) => {
                self.store_name("__classcell__", cell);
                self.emit(Op::Return, cell, 0u32, 0u32);
            }
            None => self.implicit_return(),
        }
        Ok(())
    }

    fn own_cell(&self, name: &str) -> Option<Reg> {
        self.u.cells.iter().position(|c| **c == *name).map(Reg::cell)
    }

    fn class_value(&mut self, name: &str, value: impl FnOnce(&mut Self) -> Reg) {
        let mark = self.mark();
        let reg = value(self);
        self.store_name(name, reg);
        self.release(mark);
    }

    /// Notes `self.x = ...` in a method for the class's `__static_attributes__`.
    pub(crate) fn note_static_attribute(&mut self, a: &ast::ExprAttribute) {
        let Expr::Name(object) = &*a.value else { return };
        let name: Name = self.mangle(&a.attr);
        if self.frame().kind != ScopeKind::Function || self.u.arg_counts[0] == 0 {
            return;
        }
        if object.id.as_str() != "self" {
            return;
        }
        let table = &self.table;
        let class = self.outer.iter_mut().rev().find(|u| table.scopes[u.scope].kind == ScopeKind::Class);
        if let Some(class) = class {
            class.static_attributes.insert(name);
        }
    }
}
