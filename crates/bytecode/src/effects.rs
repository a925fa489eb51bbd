//! Which registers an instruction reads and writes: derived from the operand kinds of the opcode table,
//! with the lengths of runs and the pairs of method lookups, which the kinds alone do not say.
//!
//! Used by the verifier (bounds) and the JIT's front end (liveness). Costs nothing but arithmetic.

use crate::ops::{Intrinsic, Kind, Op, Word};

/// A run of registers: `[start, start + len)`. May be empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Run {
    /// First register.
    pub start: usize,
    /// Number of registers.
    pub len: usize,
}

impl Run {
    /// First register after the run.
    pub fn end(self) -> usize {
        self.start + self.len
    }
}

/// At most three runs, one for each operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Runs {
    runs: [Run; 3],
    count: usize,
}

impl Runs {
    fn push(&mut self, start: usize, len: usize) {
        self.runs[self.count] = Run { start, len };
        self.count += 1;
    }
    /// The runs.
    pub fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        self.runs[..self.count].iter().copied()
    }
    /// All registers, one by one.
    pub fn registers(&self) -> impl Iterator<Item = usize> + '_ {
        self.iter().flat_map(|run| run.start..run.end())
    }
}

impl Intrinsic {
    /// Number of registers that the intrinsic reads.
    pub fn args(self) -> usize {
        match self {
            Intrinsic::Print
            | Intrinsic::StopIterationError
            | Intrinsic::AsyncGenWrap
            | Intrinsic::TypeVar
            | Intrinsic::ParamSpec
            | Intrinsic::TypeVarTuple
            | Intrinsic::SubscriptGeneric
            | Intrinsic::TypeAlias => 1,
            Intrinsic::TypeVarWithBound
            | Intrinsic::TypeVarWithConstraints
            | Intrinsic::SetTypeParamDefault
            | Intrinsic::SetFunctionTypeParams => 2,
        }
    }
}

/// Length of the `Run` or `WRun` operand of `op`; `None` if it has none.
pub fn run_length(op: Op, word: Word) -> Option<usize> {
    Some(match op {
        Op::LoadSuperAttr
        | Op::LoadSuperMethod
        | Op::LoadSlice
        | Op::StoreSlice
        | Op::ImportName
        | Op::MatchClass
        | Op::WithExceptStart
        | Op::CheckEgMatch => 2,
        Op::BuildSlice | Op::CallEx => 3,
        Op::BuildTuple | Op::BuildList | Op::BuildSet | Op::BuildString | Op::UnpackSequence => word.c(),
        Op::BuildMap => 2 * word.c(),
        Op::BuildInterpolation => 2 + (word.c() >> 2 & 1),
        Op::UnpackEx => (word.c() & 0xff) + 1 + (word.c() >> 8),
        Op::Call | Op::CallKw => word.b() + 1,
        Op::CallMethod | Op::CallMethodKw => word.b() + 2,
        Op::CallIntrinsic => Intrinsic::from_u16(word.c() as u16).map_or(1, Intrinsic::args),
        _ => return None,
    })
}

/// Length of a `W` operand: 2 where a pair is left for a call.
fn written(op: Op) -> usize {
    match op {
        Op::LoadMethod | Op::LoadSuperMethod | Op::LoadSpecial => 2,
        _ => 1,
    }
}

fn operand(word: Word, index: usize) -> usize {
    [word.a(), word.b(), word.c()][index]
}

/// Registers that the instruction reads.
pub fn reads(op: Op, word: Word) -> Runs {
    let mut runs = Runs::default();
    for (index, kind) in op.info().operands.iter().enumerate() {
        match kind {
            Kind::R | Kind::RW => runs.push(operand(word, index), 1),
            Kind::Run => runs.push(operand(word, index), run_length(op, word).unwrap_or(1)),
            Kind::None | Kind::W | Kind::WRun | Kind::I16 | Kind::U16 | Kind::J16 => {}
            Kind::J32 | Kind::Const | Kind::Name | Kind::I32 => {}
        }
    }
    runs
}

/// Registers that the instruction writes when it completes normally.
pub fn writes(op: Op, word: Word) -> Runs {
    let mut runs = Runs::default();
    for (index, kind) in op.info().operands.iter().enumerate() {
        match kind {
            Kind::W => runs.push(operand(word, index), written(op)),
            Kind::RW => runs.push(operand(word, index), 1),
            Kind::WRun => runs.push(operand(word, index), run_length(op, word).unwrap_or(1)),
            Kind::None | Kind::R | Kind::Run | Kind::I16 | Kind::U16 | Kind::J16 => {}
            Kind::J32 | Kind::Const | Kind::Name | Kind::I32 => {}
        }
    }
    runs
}

/// The jump of an instruction, in words from the word after it, if it has one.
pub fn jump(op: Op, word: Word) -> Option<i32> {
    let operands = &op.info().operands;
    match operands[1..] {
        [Kind::J32, _] => Some(word.x()),
        [_, Kind::J16] => Some(word.sc() as i32),
        _ => None,
    }
}

/// True if control never goes on with the instruction that follows.
pub fn ends_block(op: Op) -> bool {
    matches!(
        op,
        Op::Jump
            | Op::JumpBack
            | Op::Return
            | Op::ReturnNone
            | Op::Raise
            | Op::RaiseFrom
            | Op::RaiseCurrent
            | Op::Reraise
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_length() {
        for &op in Op::ALL {
            let has_run = op.info().operands.iter().any(|k| matches!(k, Kind::Run | Kind::WRun));
            assert_eq!(has_run, run_length(op, Word::abc(op, 0, 0, 0)).is_some(), "{op:?}");
        }
    }

    #[test]
    fn registers_of_calls_and_pairs() {
        let call = Word::abc(Op::Call, 5, 2, 9);
        assert_eq!(reads(Op::Call, call).registers().collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!(writes(Op::Call, call).registers().collect::<Vec<_>>(), [9]);
        let method = Word::abc(Op::LoadMethod, 3, 1, 0);
        assert_eq!(writes(Op::LoadMethod, method).registers().collect::<Vec<_>>(), [3, 4]);
        let map = Word::abc(Op::BuildMap, 0, 4, 2);
        assert_eq!(reads(Op::BuildMap, map).registers().collect::<Vec<_>>(), [4, 5, 6, 7]);
        let star = Word::abc(Op::UnpackEx, 2, 0, 0x0201);
        assert_eq!(writes(Op::UnpackEx, star).registers().collect::<Vec<_>>(), [2, 3, 4, 5]);
    }
}
