//! One handler for each opcode.

mod arith;
mod attr;
mod build;
mod call;
mod compare;
mod except;
mod generator;
mod iter;
mod misc;
mod names;

pub(crate) use arith::*;
pub(crate) use attr::*;
pub(crate) use build::*;
pub(crate) use call::*;
pub(crate) use compare::*;
pub(crate) use except::*;
pub(crate) use generator::*;
pub(crate) use iter::*;
pub(crate) use misc::*;
pub(crate) use names::*;
