//! The symbol table as the module `_symtable` shows it.

use crate::flow::Lines;
use crate::scope::{Resolved, Scope, ScopeId, ScopeKind, Table, uses};

/// CPython's numbers for the kinds of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BlockKind {
    /// `def`, `lambda`, comprehension.
    Function = 0,
    /// Class body.
    Class = 1,
    /// Module or expression.
    Module = 2,
    /// `__annotate__`.
    Annotation = 3,
    /// Value of a `type` statement.
    TypeAlias = 4,
    /// Type parameters.
    TypeParameters = 5,
    /// Bound or default of a type parameter.
    TypeVariable = 6,
}

/// One block.
#[derive(Debug)]
pub struct Block {
    /// Kind.
    pub kind: BlockKind,
    /// Name.
    pub name: String,
    /// First line, 0 for modules.
    pub line: u32,
    /// Inside a function.
    pub nested: bool,
    /// Names with CPython's flags, the scope in the bits from 12 on; sorted.
    pub symbols: Vec<(String, u32)>,
    /// Parameters.
    pub params: Vec<String>,
    /// Blocks directly inside.
    pub children: Vec<Block>,
}

/// Where the scope is in a symbol's flags.
const SCOPE_OFFSET: u32 = 12;
/// A cell that an inlined comprehension needs.
const COMP_CELL: u32 = 1 << 11;

/// CPython's flags for bits of [`uses`].
const FLAGS: [(u16, u32); 10] = [
    (uses::GLOBAL, 1),
    (uses::LOCAL, 2),
    (uses::PARAM, 4),
    (uses::NONLOCAL, 8),
    (uses::USE, 16),
    (uses::FREE_CLASS, 64),
    (uses::IMPORT, 128),
    (uses::ANNOT, 256),
    (uses::COMP_ITER, 512),
    (uses::TYPE_PARAM, 1024),
];

/// The tree of blocks from the module down.
pub fn tree(table: &Table, lines: &Lines<'_>) -> Block {
    block(table, lines, 0)
}

fn block(table: &Table, lines: &Lines<'_>, id: ScopeId) -> Block {
    let scope = &table.scopes[id];
    let kind = match scope.kind {
        ScopeKind::Module => BlockKind::Module,
        ScopeKind::Class => BlockKind::Class,
        ScopeKind::Function | ScopeKind::Lambda | ScopeKind::Comprehension | ScopeKind::Generator => {
            BlockKind::Function
        }
        ScopeKind::Annotation => BlockKind::Annotation,
        ScopeKind::TypeParams => BlockKind::TypeParameters,
        ScopeKind::TypeAlias => BlockKind::TypeAlias,
        ScopeKind::TypeVariable => BlockKind::TypeVariable,
    };
    let name = match scope.kind {
        ScopeKind::Module => "top".to_string(),
        _ => {
            let name = scope.name.trim_start_matches('<').trim_end_matches('>');
            name.strip_prefix("generic parameters of ").unwrap_or(name).to_string()
        }
    };
    let line = if id == 0 { 0 } else { lines.line_col(scope.range.start().to_u32()).0 };
    let mut made = Block {
        kind,
        name,
        line,
        nested: scope.nested,
        symbols: Vec::new(),
        params: scope.params.iter().map(|p| p.to_string()).collect(),
        children: Vec::new(),
    };
    collect(table, lines, id, &mut made);
    made.symbols.sort();
    made
}

/// Adds the names and inner blocks of a scope, those of inlined comprehensions included.
fn collect(table: &Table, lines: &Lines<'_>, id: ScopeId, made: &mut Block) {
    let scope = &table.scopes[id];
    for (name, symbol) in &scope.symbols {
        if made.symbols.iter().any(|(known, _)| **known == **name) || (scope.inlined && name.starts_with('.')) {
            continue;
        }
        let mut bits = FLAGS.iter().filter(|(bit, _)| symbol.uses & bit != 0).fold(0, |sum, (_, flag)| sum | flag);
        if scope.extra_cells.contains(name) || scope.inlined && symbol.resolved == Resolved::Cell {
            bits |= COMP_CELL;
        }
        let place = match symbol.resolved {
            Resolved::Local => 1,
            Resolved::GlobalExplicit => 2,
            Resolved::GlobalImplicit => 3,
            Resolved::Free => 4,
            Resolved::Cell => 5,
        };
        made.symbols.push((name.to_string(), bits | place << SCOPE_OFFSET));
    }
    let mut before = None;
    for &child in &scope.children {
        let inner = &table.scopes[child];
        if inner.inlined {
            collect(table, lines, child, made);
        } else {
            let has_annotations = before == Some((ScopeKind::Annotation, inner.range));
            if inner.kind == ScopeKind::Function && !has_annotations {
                made.children.push(no_annotations(inner, lines));
            }
            made.children.push(block(table, lines, child));
        }
        before = Some((inner.kind, inner.range));
    }
}

/// The block for the annotations of a function that has none: CPython shows one all the same.
fn no_annotations(function: &Scope, lines: &Lines<'_>) -> Block {
    let format = ".format".to_string();
    Block {
        kind: BlockKind::Annotation,
        name: "__annotate__".to_string(),
        line: lines.line_col(function.range.start().to_u32()).0,
        nested: function.nested,
        symbols: vec![(format.clone(), 4 | 16 | 1 << SCOPE_OFFSET)],
        params: vec![format],
        children: Vec::new(),
    }
}
