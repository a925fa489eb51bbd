//! Size classes of small cells.
//!
//! Class `c` in `1..=32` holds cells of `16 * c` bytes; the classes above divide a block into ever
//! fewer cells, so that hardly any of a block is lost at its end. Class 0 is never used: its bump
//! stays empty, which sends a request for 0 bytes to the slow path.

use crate::space::BLOCK_BYTES;

/// Largest request served by a class whose index is simply `(size + 15) / 16`.
pub const FINE_LIMIT: usize = 512;
/// Largest request served from a size class; above it an object has blocks of its own.
pub const MAX_CELL: usize = 8192;
/// Number of size classes, the unused class 0 included.
pub const CLASS_COUNT: usize = FINE_CLASSES + 1 + COARSE_SIZES.len();

const FINE_CLASSES: usize = FINE_LIMIT / 16;
const COARSE_SIZES: [u32; 15] = [576, 672, 816, 960, 1024, 1168, 1360, 1632, 2048, 2336, 2720, 3264, 4096, 5456, 8192];

/// What the collector must know about one size class.
#[derive(Clone, Copy)]
pub(crate) struct SizeClass {
    /// Bytes of a cell.
    pub size: u32,
    /// `ceil(2^32 / size)`: `(offset * reciprocal) >> 32` is `offset / size` for every offset in a block.
    pub reciprocal: u64,
    /// Cells of a block.
    pub cells: u32,
}

pub(crate) static CLASSES: [SizeClass; CLASS_COUNT] = build_classes();
static COARSE_CLASS: [u8; MAX_CELL / 16 + 1] = build_lookup();

const fn size_of_class(class: usize) -> u32 {
    if class == 0 {
        16
    } else if class <= FINE_CLASSES {
        class as u32 * 16
    } else {
        COARSE_SIZES[class - FINE_CLASSES - 1]
    }
}

const fn build_classes() -> [SizeClass; CLASS_COUNT] {
    let mut table = [SizeClass { size: 0, reciprocal: 0, cells: 0 }; CLASS_COUNT];
    let mut class = 0;
    while class < CLASS_COUNT {
        let size = size_of_class(class);
        table[class] =
            SizeClass { size, reciprocal: (1u64 << 32).div_ceil(size as u64), cells: BLOCK_BYTES as u32 / size };
        class += 1;
    }
    table
}

const fn build_lookup() -> [u8; MAX_CELL / 16 + 1] {
    let mut table = [0u8; MAX_CELL / 16 + 1];
    let mut class = 1;
    let mut granules = 0;
    while granules < table.len() {
        while (size_of_class(class) as usize) < granules * 16 {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
}

/// Index of the size class for a request of `size` bytes, at most [`MAX_CELL`].
#[inline(always)]
pub fn class_of(size: usize) -> usize {
    debug_assert!(size <= MAX_CELL);
    COARSE_CLASS[(size + 15) >> 4] as usize
}

/// Bytes of a cell of size class `class`.
pub fn class_size(class: usize) -> usize {
    CLASSES[class].size as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_and_no_smaller_one() {
        for size in 1..=MAX_CELL {
            let class = class_of(size);
            assert!(class_size(class) >= size, "{size}");
            assert!(class == 1 || class_size(class - 1) < size, "{size}");
            if size <= FINE_LIMIT {
                assert_eq!(class, size.div_ceil(16));
            }
        }
        assert_eq!(class_of(0), 1);
    }

    #[test]
    fn reciprocals_divide_exactly() {
        for class in &CLASSES[1..] {
            assert_eq!(class.size % 16, 0);
            for offset in 0..BLOCK_BYTES as u64 {
                assert_eq!((offset * class.reciprocal) >> 32, offset / class.size as u64);
            }
        }
    }
}
