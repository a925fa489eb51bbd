//! Iterators that compiled code makes: of which class, and where their fields are.

use std::mem::offset_of;

use taipan_runtime::typeobj::Type as Class;
use taipan_runtime::types::combinators::{Enumerate, Zip};
use taipan_runtime::types::iterators::{ListIter, TupleIter};
use taipan_runtime::types::range::RangeIter;
use taipan_runtime::{Cx, Object};

macro_rules! iterators {
    ($( $(#[doc = $doc:literal])+ $name:ident = $class:ident, [$($field:ident $raw:literal),*]; )*) => {
        /// A kind of iterator.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum IteratorKind { $( $(#[doc = $doc])+ $name, )* }
        impl IteratorKind {
            /// All of them.
            pub const ALL: &'static [IteratorKind] = &[ $(IteratorKind::$name),* ];
            /// Its class.
            pub fn class(self) -> &'static Class {
                match self { $( IteratorKind::$name => $class::class(), )* }
            }
            /// Bytes of an iterator.
            pub fn size(self) -> usize {
                match self { $( IteratorKind::$name => std::mem::size_of::<$class>(), )* }
            }
            /// Byte offsets of the fields that are set, and whether they are machine ints; the others are 0.
            pub fn fields(self) -> &'static [(usize, bool)] {
                match self { $( IteratorKind::$name => &[ $((offset_of!($class, $field), $raw)),* ], )* }
            }
            /// The kind with this number.
            pub fn from_imm(imm: u64) -> IteratorKind {
                IteratorKind::ALL[imm as usize % IteratorKind::ALL.len()]
            }
        }
    };
}

iterators! {
    /// Of a list.
    List = ListIter, [list false];
    /// Of a tuple.
    Tuple = TupleIter, [tuple false];
    /// Of a range: the next number, the step, how many are left.
    Range = RangeIter, [next true, step true, remaining true];
    /// Enumerate objects: the iterator.
    Enumerate = Enumerate, [iterator false];
}

/// Whether a zip object has so many iterators and is not strict, as 0 or 1.
pub extern "C" fn is_plain_zip(_: &mut Cx, zip: &'static Zip, n: usize) -> u64 {
    (zip.iters.len() == n && !zip.is_strict()) as u64
}
