//! Classes of characters.

/// True if `c` may start an identifier (after `_`).
pub fn is_xid_start(c: char) -> bool {
    unicode_ident::is_xid_start(c)
}

/// True if `c` may go on an identifier.
pub fn is_xid_continue(c: char) -> bool {
    unicode_ident::is_xid_continue(c)
}

/// True if `c` can be shown in a message: not a control, format, private, unassigned or space character.
/// Exact for the ranges that occur in practice, not for each unassigned code point.
pub fn is_printable(c: char) -> bool {
    let is_format = matches!(
        c as u32,
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0xd800..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe..=0xffff
            | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe00ff
            | 0xe01f0..=0x10ffff
    );
    c == ' ' || !(c.is_control() || c.is_whitespace() || is_format)
}
