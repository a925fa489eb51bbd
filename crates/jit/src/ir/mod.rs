//! The intermediate representation: a typed SSA form with frame states.

pub mod func;
pub mod ops;
pub mod parse;
pub mod print;
pub mod verify;

pub use func::{
    Block, BlockId, ConsumerDesc, Edge, ExceptionDesc, FrameDesc, FrameState, Func, Inst, InstanceDesc, LeftFrame,
    PendingStore, RaiseDesc, StateId, SuspendedDesc, Val,
};
pub use ops::{Alias, Cond, Effect, Op, Type};
