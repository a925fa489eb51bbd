//! Scopes: which variable each name means in each block.
//!
//! What it does: [`crate::names`] walks the tree and notes how every block uses its names; [`analyze`]
//! then resolves each to a local, cell, free variable or global, by CPython's rules (PEP 227, 649, 695,
//! 709). Comprehensions that run inline keep their own table; only what must be shared with the block
//! around them moves there.

use crate::error::{Res, fail};
use ruff_text_size::TextRange;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A name, mangled where needed.
pub type Name = Rc<str>;

/// Index of a scope.
pub type ScopeId = usize;

/// What sort of block a scope is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeKind {
    /// Module, expression or interactive input.
    Module,
    /// Class body.
    Class,
    /// `def`.
    Function,
    /// `lambda`.
    Lambda,
    /// List, set or dict comprehension.
    Comprehension,
    /// Generator expression.
    Generator,
    /// `__annotate__` function.
    Annotation,
    /// Type parameters of a function, class or alias.
    TypeParams,
    /// Value of a `type` statement.
    TypeAlias,
    /// Bound, constraints or default of a type parameter.
    TypeVariable,
}

impl ScopeKind {
    /// True if it runs as a function with fast locals.
    pub fn is_function(self) -> bool {
        !matches!(self, ScopeKind::Module | ScopeKind::Class)
    }
}

/// How a block uses a name: a set of bits.
pub mod uses {
    /// `global` statement.
    pub const GLOBAL: u16 = 1;
    /// Assigned.
    pub const LOCAL: u16 = 2;
    /// Parameter.
    pub const PARAM: u16 = 4;
    /// `nonlocal` statement.
    pub const NONLOCAL: u16 = 8;
    /// Read.
    pub const USE: u16 = 16;
    /// Imported.
    pub const IMPORT: u16 = 32;
    /// Annotated.
    pub const ANNOT: u16 = 64;
    /// Type parameter.
    pub const TYPE_PARAM: u16 = 128;
    /// Iteration variable of a comprehension.
    pub const COMP_ITER: u16 = 256;
    /// Free in a class body that also binds the name.
    pub const FREE_CLASS: u16 = 512;
    /// Any binding.
    pub const BOUND: u16 = LOCAL | PARAM | IMPORT | TYPE_PARAM;
}

/// What a name turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolved {
    /// Local of this block (in a class or module: in its namespace).
    Local,
    /// Declared `global`.
    GlobalExplicit,
    /// Not bound in any function around.
    GlobalImplicit,
    /// Bound in a function around.
    Free,
    /// Local captured by an inner function.
    Cell,
}

/// A name in a block.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// Bits of [`uses`].
    pub uses: u16,
    /// Filled in by [`analyze`].
    pub resolved: Resolved,
}

/// One block.
#[derive(Debug)]
pub struct Scope {
    /// Sort of block.
    pub kind: ScopeKind,
    /// Name of the block.
    pub name: Name,
    /// Its names.
    pub symbols: HashMap<Name, Symbol>,
    /// Parameters in the order of `co_varnames`.
    pub params: Vec<Name>,
    /// Blocks directly inside.
    pub children: Vec<ScopeId>,
    /// Block around.
    pub parent: Option<ScopeId>,
    /// Inside a function at any depth.
    pub nested: bool,
    /// Has a `yield`, or is a generator expression.
    pub is_generator: bool,
    /// `async def`, or a comprehension with `async for` or `await`.
    pub is_coroutine: bool,
    /// Name of the class for mangling.
    pub private: Option<Name>,
    /// Annotation scope directly in a class: names are looked up in the class's namespace first.
    pub sees_class: bool,
    /// Comprehension that runs inside the block around it.
    pub inlined: bool,
    /// Class: some method uses `__class__` or `super`.
    pub needs_class: bool,
    /// Class: some annotation scope needs the namespace.
    pub needs_classdict: bool,
    /// Some annotation is in a conditional block (or the block is a module).
    pub conditional_annotations: bool,
    /// Type parameters of a class: only these names are mangled in its scope and what is in it, but for the class's body.
    pub mangled: Option<Rc<RefCell<HashSet<Name>>>>,
    /// Own locals bound by `:=`.
    pub walrus: HashSet<Name>,
    /// Cells that inlined comprehensions need in this block's frame.
    pub extra_cells: HashSet<Name>,
    /// Where names are declared global or nonlocal.
    pub directives: Vec<(Name, TextRange)>,
    /// What an annotation scope holds, for error messages.
    pub what: &'static str,
    /// Some block inside has free variables.
    pub child_free: bool,
    /// Range of the block, for messages.
    pub range: TextRange,
}

/// All scopes of a module.
#[derive(Default, Debug)]
pub struct Table {
    /// All scopes; 0 is the module.
    pub scopes: Vec<Scope>,
    /// Scope of each node: address and role (see [`crate::names`]).
    pub of_node: HashMap<(usize, u8), ScopeId>,
}

/// Name mangling of private names.
pub fn mangle(private: Option<&str>, name: &str) -> Option<String> {
    let class = private?.trim_start_matches('_');
    if class.is_empty() || !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return None;
    }
    Some(format!("_{class}{name}"))
}

type Names = HashSet<Name>;

/// Resolves all names.
pub fn analyze(table: &mut Table) -> Res {
    let mut free = Names::new();
    analyze_block(table, 0, None, &mut free, &Names::new(), &Names::new(), None)
}

fn analyze_block(
    table: &mut Table,
    id: ScopeId,
    bound: Option<&Names>,
    free: &mut Names,
    global: &Names,
    type_params: &Names,
    class: Option<ScopeId>,
) -> Res {
    let kind = table.scopes[id].kind;
    let mut local = Names::new();
    let mut outer_bound = bound.cloned();
    let mut outer_global = global.clone();
    let mut outer_types = type_params.clone();
    let mut here_free = Names::new();
    let mut inner_bound = Names::new();
    let mut inner_global = Names::new();
    if kind == ScopeKind::Class {
        inner_global.extend(global.iter().cloned());
        inner_bound.extend(bound.into_iter().flatten().cloned());
    }
    let names: Vec<(Name, u16)> = table.scopes[id].symbols.iter().map(|(n, s)| (n.clone(), s.uses)).collect();
    for (name, used) in names {
        let resolved = analyze_name(
            table,
            id,
            &name,
            used,
            (&mut outer_bound, &mut local, &mut here_free, &mut outer_global, &mut outer_types),
            class,
        )?;
        if let Some(symbol) = table.scopes[id].symbols.get_mut(&name) {
            symbol.resolved = resolved;
        }
    }
    if kind == ScopeKind::Class {
        inner_bound.insert("__class__".into());
        inner_bound.insert("__classdict__".into());
        if table.scopes[id].conditional_annotations {
            inner_bound.insert("__conditional_annotations__".into());
        }
    } else {
        if kind.is_function() {
            inner_bound.extend(local.iter().cloned());
        }
        inner_bound.extend(outer_bound.into_iter().flatten());
        inner_global.extend(outer_global);
    }
    let mut child_free_all = Names::new();
    let mut inlined_cells = Names::new();
    for child in table.scopes[id].children.clone() {
        let class = match (table.scopes[child].sees_class, kind) {
            (false, _) => None,
            (true, ScopeKind::Class) => Some(id),
            (true, _) => class,
        };
        let inlined = table.scopes[child].kind == ScopeKind::Comprehension && !table.scopes[id].sees_class;
        table.scopes[child].inlined = inlined;
        let mut child_free = Names::new();
        analyze_block(table, child, Some(&inner_bound), &mut child_free, &inner_global, &outer_types, class)?;
        if inlined {
            inline(table, id, child, &mut child_free, &mut inlined_cells);
        }
        table.scopes[id].child_free |= !child_free.is_empty() || table.scopes[child].child_free;
        child_free_all.extend(child_free);
    }
    if kind.is_function() {
        for (name, symbol) in &mut table.scopes[id].symbols {
            if symbol.resolved == Resolved::Local && child_free_all.remove(name) {
                symbol.resolved = Resolved::Cell;
            }
        }
    } else if kind == ScopeKind::Class {
        let scope = &mut table.scopes[id];
        scope.needs_class |= child_free_all.remove("__class__");
        scope.needs_classdict |= child_free_all.remove("__classdict__");
        child_free_all.remove("__conditional_annotations__");
    }
    table.scopes[id].extra_cells.extend(inlined_cells);
    share_free(&mut table.scopes[id], bound, &child_free_all);
    here_free.extend(child_free_all);
    free.extend(here_free);
    Ok(())
}

/// Adds what inner blocks need from outer ones to a block that only passes it through.
fn share_free(scope: &mut Scope, bound: Option<&Names>, free: &Names) {
    for name in free {
        match scope.symbols.get_mut(name) {
            Some(symbol) => {
                let rebinds = symbol.uses & (uses::BOUND | uses::GLOBAL) != 0;
                if scope.kind == ScopeKind::Class && rebinds {
                    symbol.uses |= uses::FREE_CLASS;
                } else if scope.sees_class
                    && symbol.resolved == Resolved::GlobalImplicit
                    && bound.is_some_and(|b| b.contains(name))
                {
                    // The class's binding hides the outer one from this block only. It is loaded from the class's
                    // namespace first, whatever is behind.
                    symbol.resolved = Resolved::Free;
                }
            }
            None if bound.is_none_or(|b| b.contains(name)) => {
                scope.symbols.insert(name.clone(), Symbol { uses: 0, resolved: Resolved::Free });
            }
            None => {}
        }
    }
}

/// Joins an inlined comprehension to the block around it.
fn inline(table: &mut Table, outer: ScopeId, comp: ScopeId, child_free: &mut Names, cells: &mut Names) {
    let outer_class = table.scopes[outer].kind == ScopeKind::Class;
    let names: Vec<(Name, Symbol)> = table.scopes[comp].symbols.iter().map(|(n, s)| (n.clone(), *s)).collect();
    cells.extend(table.scopes[comp].extra_cells.iter().cloned());
    for (name, symbol) in names {
        match symbol.resolved {
            Resolved::Cell => {
                cells.insert(name);
            }
            Resolved::Free if outer_class && &*name == "__class__" => {
                if !free_in_child(table, comp, &name) {
                    child_free.remove(&name);
                }
                if let Some(s) = table.scopes[comp].symbols.get_mut(&name) {
                    s.resolved = Resolved::GlobalImplicit;
                }
            }
            Resolved::Free if !outer_class => {
                let here = table.scopes[outer].symbols.get(&name).is_some_and(|s| s.uses & uses::BOUND != 0);
                if here && !free_in_child(table, comp, &name) {
                    child_free.remove(&name);
                }
            }
            _ => {}
        }
    }
}

/// True if some function inside `id` needs `name` as a free variable.
fn free_in_child(table: &Table, id: ScopeId, name: &Name) -> bool {
    table.scopes[id].children.iter().any(|&child| {
        let scope = &table.scopes[child];
        let free = scope.symbols.get(name).is_some_and(|s| s.resolved == Resolved::Free);
        free && (!scope.inlined || free_in_child(table, child, name))
    })
}

type Sets<'a> = (&'a mut Option<Names>, &'a mut Names, &'a mut Names, &'a mut Names, &'a mut Names);

fn analyze_name(
    table: &Table,
    id: ScopeId,
    name: &Name,
    used: u16,
    (bound, local, free, global, type_params): Sets<'_>,
    class: Option<ScopeId>,
) -> Res<Resolved> {
    let scope = &table.scopes[id];
    let place = || scope.directives.iter().find(|(n, _)| n == name).map_or(scope.range, |(_, r)| *r);
    if used & uses::GLOBAL != 0 {
        if used & uses::NONLOCAL != 0 {
            return fail(format!("name '{name}' is nonlocal and global"), place());
        }
        global.insert(name.clone());
        if let Some(bound) = bound {
            bound.remove(name);
        }
        return Ok(Resolved::GlobalExplicit);
    }
    if used & uses::NONLOCAL != 0 {
        let Some(bound) = bound else {
            return fail("nonlocal declaration not allowed at module level", place());
        };
        if !bound.contains(name) {
            return fail(format!("no binding for nonlocal '{name}' found"), place());
        }
        if type_params.contains(name) {
            return fail(format!("nonlocal binding not allowed for type parameter '{name}'"), place());
        }
        free.insert(name.clone());
        return Ok(Resolved::Free);
    }
    if used & uses::BOUND != 0 {
        local.insert(name.clone());
        global.remove(name);
        if used & uses::TYPE_PARAM != 0 {
            type_params.insert(name.clone());
        } else {
            type_params.remove(name);
        }
        return Ok(Resolved::Local);
    }
    let special = &**name == "__conditional_annotations__";
    if let Some(symbol) = class.filter(|_| !special).and_then(|c| table.scopes[c].symbols.get(name)) {
        if symbol.uses & uses::GLOBAL != 0 {
            return Ok(Resolved::GlobalExplicit);
        }
        if symbol.uses & uses::BOUND != 0 && symbol.uses & uses::NONLOCAL == 0 {
            return Ok(Resolved::GlobalImplicit);
        }
    }
    if bound.as_ref().is_some_and(|b| b.contains(name)) {
        free.insert(name.clone());
        return Ok(Resolved::Free);
    }
    Ok(Resolved::GlobalImplicit)
}

impl Scope {
    /// How `name` resolves in this block.
    pub fn resolve(&self, name: &str) -> Option<Resolved> {
        self.symbols.get(name).map(|s| s.resolved)
    }

    /// Names of the cells that a frame of this block makes, in CPython's order.
    pub fn cells(&self) -> Vec<Name> {
        let own = self.symbols.iter().filter(|(_, s)| s.resolved == Resolved::Cell).map(|(n, _)| n.clone());
        let mut cells: Vec<Name> = own.chain(self.extra_cells.iter().cloned()).collect();
        // Parameters come first, in their order.
        let param = |name: &Name| self.params.iter().position(|p| p == name).unwrap_or(usize::MAX);
        cells.sort_by(|a, b| param(a).cmp(&param(b)).then_with(|| a.cmp(b)));
        cells.dedup();
        cells
    }

    /// Sorted names of the cells that a frame of this block gets from its closure.
    pub fn frees(&self) -> Vec<Name> {
        let is_free = |s: &Symbol| s.resolved == Resolved::Free || s.uses & uses::FREE_CLASS != 0;
        let mut frees: Vec<Name> = self.symbols.iter().filter(|(_, s)| is_free(s)).map(|(n, _)| n.clone()).collect();
        frees.sort();
        frees
    }
}
