//! Which loop of a function is to be aligned, where its machine code begins, and which way of a branch comes next.

use crate::ir::verify::Dominators;
use crate::ir::{BlockId, Func};
use crate::passes::licm;

/// Whether there is a loop.
pub(super) fn has_loop(func: &Func, rpo: &[BlockId]) -> bool {
    let mut seen = vec![false; func.blocks.len()];
    rpo.iter().any(|b| {
        seen[b.0 as usize] = true;
        func[*b].edges.iter().any(|e| seen[e.to.0 as usize])
    })
}

/// The head of the loop that runs most often: of those that lie in the most loops the smallest, of several of about its size
/// the last, since what is entered in the middle of an inner loop has a copy of that in front of the loops.
pub(super) fn hottest_loop(func: &Func, rpo: &[BlockId]) -> Option<BlockId> {
    let loops = licm::loops(func, rpo, &Dominators::of(func, rpo));
    let depth = |b: BlockId| loops.iter().filter(|l| l.body[b.0 as usize]).count();
    let size = |l: &licm::Loop| -> usize {
        let blocks = rpo.iter().filter(|b| l.body[b.0 as usize] && !func[**b].cold);
        blocks.map(|b| func[*b].insts.len()).sum()
    };
    let sized: Vec<(usize, usize, BlockId)> = loops.iter().map(|l| (depth(l.head), size(l), l.head)).collect();
    let deepest = sized.iter().map(|l| l.0).max()?;
    let least = sized.iter().filter(|l| l.0 == deepest).map(|l| l.1).min()?;
    let similar = sized.iter().filter(|l| l.0 == deepest && l.1 <= least + least / 8);
    similar.map(|l| l.2).max_by_key(|head| rpo.iter().position(|b| b == head))
}

/// For each block whether its branch stays in the innermost loop by its first way, or begins the next round by it, and does not by the second: that
/// one is better taken. Cranelift puts the second way of a branch behind it.
pub(super) fn leaving_second(func: &Func, rpo: &[BlockId]) -> Vec<bool> {
    let mut leaves = vec![false; func.blocks.len()];
    if rpo.iter().all(|b| func[*b].edges.len() < 2) {
        return leaves;
    }
    let loops = licm::loops(func, rpo, &Dominators::of(func, rpo));
    for b in rpo {
        let innermost = loops.iter().find(|l| l.body[b.0 as usize]);
        if let (Some(l), [first, second]) = (innermost, &func[*b].edges[..]) {
            let again = first.to == l.head && second.to != l.head;
            leaves[b.0 as usize] = again || l.body[first.to.0 as usize] && !l.body[second.to.0 as usize];
        }
    }
    leaves
}

/// The offset of the block that the marked instructions from `marked` on lie in: constants in front of them have no marks.
/// `targets` are offsets of blocks.
pub(super) fn block_at(marked: u32, targets: impl Iterator<Item = u32>) -> u32 {
    /// Most bytes of such constants.
    const MOST: u32 = 24;
    targets.filter(|to| *to <= marked && marked - to <= MOST).max().unwrap_or(marked)
}

#[cfg(test)]
mod tests {
    use super::{block_at, hottest_loop};
    use crate::ir::{BlockId, parse};

    #[test]
    fn the_deepest_loop_is_aligned_not_the_smallest() {
        let text = "func f {
  b0():
    v0: bool = const_bool #0x1
    jump -> b1()
  b1():
    branch v0 -> b1(), b2()
  b2():
    branch v0 -> b3(), b5()
  b3():
    v4: bool = bool_not v0
    v5: bool = bool_not v4
    branch v5 -> b3(), b4()
  b4():
    jump -> b2()
  b5():
    v9: val = const_val #0x4
    ret v9
}
";
        let func = parse::parse(text).expect("it is well-formed");
        let rpo = func.rpo();
        assert_eq!(hottest_loop(&func, &rpo), Some(BlockId(3)));
    }

    #[test]
    fn constants_in_front_belong_to_the_block() {
        assert_eq!(block_at(100, [10, 95, 101].into_iter()), 95);
        assert_eq!(block_at(100, [10, 200].into_iter()), 100);
    }
}
