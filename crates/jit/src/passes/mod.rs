//! The passes, in order. A pass is one file; the list gives the order, the names of `TAIPAN_JIT_OFF`, timing and tests.

use crate::ir::Func;

/// A transformation of a function that leaves its meaning alone.
pub type Pass = fn(&mut Func);

macro_rules! pipeline {
    ($($name:ident),* $(,)?) => {
        $( pub mod $name; )*
        /// The passes with their names, in order.
        pub const PIPELINE: &[(&str, Pass)] = &[ $( (stringify!($name), $name::run as Pass) ),* ];
    };
}

pipeline! {
    params, unbox, returns, gvn, early, twins, masks, words, thread, branches, hypots, licm, bounds, rows, reserve, arms, carry, fill, sink, behind, seldom, copies, dce, rotate,
    counters, derive
}

/// Largest number of instructions that is lowered.
const MAX_INSTS: usize = 6_000;

/// Runs all passes that are not switched off.
pub fn run(func: &mut Func) -> Result<(), &'static str> {
    let check = cfg!(debug_assertions) || crate::options().verify;
    if check {
        verify(func, "build");
    }
    for (name, pass) in PIPELINE {
        if crate::options().off.iter().any(|o| o == name) {
            continue;
        }
        pass(func);
        crate::dump::ir(&format!("ir:{name}"), &func.name, func);
        if check {
            verify(func, name);
        }
    }
    let size: usize = func.rpo().iter().map(|b| func[*b].insts.len()).sum();
    if size > MAX_INSTS { Err("too large") } else { Ok(()) }
}

/// The pass with this name.
pub fn by_name(name: &str) -> Option<Pass> {
    PIPELINE.iter().find(|p| p.0 == name).map(|p| p.1)
}

fn verify(func: &Func, after: &str) {
    if let Err(why) = crate::ir::verify::verify(func) {
        panic!("after {after}: {why}\n{func}");
    }
}
