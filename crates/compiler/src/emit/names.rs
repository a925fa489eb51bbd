//! Loading, storing and deleting names.

use super::Compiler;
use crate::error::Res;
use crate::flow::Reg;
use crate::scope::{Name, Resolved, ScopeKind};
use taipan_bytecode::Op;

/// Where a name lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Var {
    /// A local register.
    Local(Reg),
    /// A cell, own or from the closure.
    Cell(Reg),
    /// A cell behind the class's namespace.
    ClassCell(Reg),
    /// A cell behind the class's namespace, seen from an annotation scope.
    DictCell(Reg),
    /// A global behind the class's namespace, seen from an annotation scope.
    DictGlobal,
    /// A global.
    Global,
    /// In `locals()`, else global.
    Name,
}

impl Compiler<'_> {
    /// Register of the cell called `name`, own cells first.
    pub(crate) fn cell(&self, name: &str) -> Option<Reg> {
        let own = self.u.cells.iter().position(|c| **c == *name).map(Reg::cell);
        own.or_else(|| self.free_cell(name))
    }

    fn free_cell(&self, name: &str) -> Option<Reg> {
        self.u.frees.iter().position(|c| **c == *name).map(Reg::free)
    }

    /// The cell that an inner function gets for its free variable `name`.
    pub(crate) fn captured(&self, name: &str) -> Option<Reg> {
        for &scope in self.u.inlined.iter().rev() {
            match self.table.scopes[scope].resolve(name) {
                Some(Resolved::Cell) => return self.cell(name),
                Some(Resolved::Free) | None => {}
                // An inlined comprehension does not see the class's own cell, but functions in it do.
                Some(Resolved::GlobalImplicit) if name == "__class__" => {}
                Some(_) => break,
            }
        }
        let frame = self.frame();
        let passes = frame.kind == ScopeKind::Class
            && !matches!(name, "__class__" | "__classdict__" | "__conditional_annotations__");
        let free = passes || frame.resolve(name) == Some(Resolved::Free);
        if free { self.free_cell(name).or_else(|| self.cell(name)) } else { self.cell(name) }
    }

    /// Where the (mangled) `name` lives.
    pub(crate) fn var(&mut self, name: &Name) -> Var {
        let mut in_comprehension = false;
        for i in (0..self.u.inlined.len()).rev() {
            let scope = self.u.inlined[i];
            match self.table.scopes[scope].resolve(name) {
                Some(Resolved::Local) => return Var::Local(self.local(name)),
                Some(Resolved::Cell) => return self.cell(name).map_or(Var::Global, Var::Cell),
                // `exec` may run a module's code with locals of its own.
                Some(Resolved::GlobalImplicit) if self.frame().kind == ScopeKind::Module => return Var::Name,
                Some(Resolved::GlobalExplicit | Resolved::GlobalImplicit) => return Var::Global,
                Some(Resolved::Free) | None => in_comprehension = true,
            }
        }
        let kind = self.frame().kind;
        let sees_class = self.frame().sees_class;
        let resolved = self.frame().resolve(name);
        if in_comprehension && kind == ScopeKind::Class {
            return self.captured(name).map_or(Var::Global, Var::Cell);
        }
        match (kind, resolved) {
            (ScopeKind::Module | ScopeKind::Class, None | Some(Resolved::Local | Resolved::GlobalImplicit)) => {
                Var::Name
            }
            (ScopeKind::Class, Some(Resolved::Free)) => self.free_cell(name).map_or(Var::Name, Var::ClassCell),
            (_, Some(Resolved::Local)) => Var::Local(self.local(name)),
            (_, Some(Resolved::Cell)) => self.cell(name).map_or(Var::Global, Var::Cell),
            (_, Some(Resolved::Free))
                if sees_class && !matches!(&**name, "__classdict__" | "__conditional_annotations__") =>
            {
                self.free_cell(name).map_or(Var::Global, Var::DictCell)
            }
            (_, Some(Resolved::Free)) => self.free_cell(name).map_or(Var::Global, Var::Cell),
            (_, Some(Resolved::GlobalExplicit)) => Var::Global,
            (_, Some(Resolved::GlobalImplicit) | None) if sees_class => Var::DictGlobal,
            (_, Some(Resolved::GlobalImplicit) | None) => Var::Global,
        }
    }

    /// Register of `name` if it is a plain local.
    pub(crate) fn local_dest(&mut self, name: &str) -> Option<Reg> {
        let name = self.mangle(name);
        match self.var(&name) {
            Var::Local(reg) => Some(reg),
            _ => None,
        }
    }

    /// Loads `name`: a local's own register if no `dest` is given.
    pub(crate) fn load_name(&mut self, name: &str, dest: Option<Reg>) -> Reg {
        let name = self.mangle(name);
        let var = self.var(&name);
        if let Var::Local(reg) = var {
            self.emit(Op::CheckLocal, reg, 0u32, 0u32);
            let Some(dest) = dest else { return reg };
            self.mov(dest, reg);
            return dest;
        }
        let mark = self.mark();
        let dict = match var {
            Var::DictCell(_) | Var::DictGlobal => {
                let dict = self.alloc();
                match self.cell("__classdict__") {
                    Some(cell) => self.emit(Op::LoadDeref, dict, cell, 0u32),
                    None => self.emit(Op::LoadLocals, dict, 0u32, 0u32),
                }
                dict
            }
            Var::ClassCell(_) => {
                let dict = self.alloc();
                self.emit(Op::LoadLocals, dict, 0u32, 0u32);
                dict
            }
            _ => Reg::temp(0),
        };
        let dest = self.out(mark, dest);
        match var {
            Var::Local(_) => {}
            Var::Cell(cell) => self.emit(Op::LoadDeref, dest, cell, 0u32),
            Var::ClassCell(cell) | Var::DictCell(cell) => self.emit(Op::LoadFromDictOrDeref, dest, dict, cell),
            Var::DictGlobal => {
                let i = self.name(&name);
                self.emit_aux(Op::LoadFromDictOrGlobal, dest, dict, 0u32, i);
            }
            Var::Global | Var::Name => {
                let i = self.name(&name);
                let op = if var == Var::Global { Op::LoadGlobal } else { Op::LoadName };
                self.emit_aux(op, dest, 0u32, 0u32, i);
            }
        }
        dest
    }

    /// Stores `value` under `name`.
    pub(crate) fn store_name(&mut self, name: &str, value: Reg) {
        let name = self.mangle(name);
        match self.var(&name) {
            Var::Local(reg) => self.mov(reg, value),
            Var::Cell(cell) | Var::ClassCell(cell) | Var::DictCell(cell) => {
                self.emit(Op::StoreDeref, cell, value, 0u32);
            }
            Var::Global | Var::DictGlobal => {
                let i = self.name(&name);
                self.emit(Op::StoreGlobal, value, i, 0u32);
            }
            Var::Name => {
                let i = self.name(&name);
                self.emit(Op::StoreName, value, i, 0u32);
            }
        }
    }

    /// Deletes `name`.
    pub(crate) fn delete_name(&mut self, name: &str) {
        let name = self.mangle(name);
        match self.var(&name) {
            Var::Local(reg) => self.emit(Op::DeleteLocal, reg, 0u32, 0u32),
            Var::Cell(cell) | Var::ClassCell(cell) | Var::DictCell(cell) => {
                self.emit(Op::DeleteDeref, cell, 0u32, 0u32);
            }
            Var::Global | Var::DictGlobal => {
                let i = self.name(&name);
                self.emit(Op::DeleteGlobal, 0u32, i, 0u32);
            }
            Var::Name => {
                let i = self.name(&name);
                self.emit(Op::DeleteName, 0u32, i, 0u32);
            }
        }
    }

    /// Ends the life of `name` bound by `except ... as`: unbound whether or not it still is.
    pub(crate) fn clear_name(&mut self, name: &str) -> Res {
        let mangled = self.mangle(name);
        if let Var::Local(reg) = self.var(&mangled) {
            self.emit(Op::ClearLocal, reg, 0u32, 0u32);
            return Ok(());
        }
        let mark = self.mark();
        let none = self.load_none(None);
        self.store_name(name, none);
        self.release(mark);
        self.delete_name(name);
        Ok(())
    }

    /// True if a `:=` in this code block may rebind the local while an operand waits.
    pub(crate) fn may_rebind(&self, local: Reg) -> bool {
        let walrus = &self.frame().walrus;
        !walrus.is_empty() && self.u.varnames.get(local.index() as usize).is_some_and(|name| walrus.contains(name))
    }
}
