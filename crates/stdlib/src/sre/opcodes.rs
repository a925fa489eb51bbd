//! Numbers in the code array (`re._constants`).
#![allow(missing_docs, dead_code)]

macro_rules! numbers {
    ($($name:ident)*) => { numbers!(@ 0; $($name)*); };
    (@ $n:expr; $name:ident $($rest:ident)*) => {
        pub const $name: u32 = $n;
        numbers!(@ $n + 1; $($rest)*);
    };
    (@ $n:expr;) => {};
}

numbers! {
    FAILURE SUCCESS ANY ANY_ALL ASSERT ASSERT_NOT AT BRANCH CATEGORY CHARSET BIGCHARSET GROUPREF GROUPREF_EXISTS
    IN INFO JUMP LITERAL MARK MAX_UNTIL MIN_UNTIL NOT_LITERAL NEGATE RANGE REPEAT REPEAT_ONE SUBPATTERN
    MIN_REPEAT_ONE ATOMIC_GROUP POSSESSIVE_REPEAT POSSESSIVE_REPEAT_ONE
    GROUPREF_IGNORE IN_IGNORE LITERAL_IGNORE NOT_LITERAL_IGNORE
    GROUPREF_LOC_IGNORE IN_LOC_IGNORE LITERAL_LOC_IGNORE NOT_LITERAL_LOC_IGNORE
    GROUPREF_UNI_IGNORE IN_UNI_IGNORE LITERAL_UNI_IGNORE NOT_LITERAL_UNI_IGNORE RANGE_UNI_IGNORE
}

/// Version of the numbers.
pub const MAGIC: i64 = 20230612;
/// `MAXREPEAT`: no upper bound.
pub const MAXREPEAT: u32 = u32::MAX;
/// Most groups of a pattern.
pub const MAXGROUPS: i64 = i32::MAX as i64 / 2;
