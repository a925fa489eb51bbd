//! Objects that hold machine numbers in a row: how compiled code finds these.

use std::sync::OnceLock;

use crate::buffer::DATA_OFFSET;
use crate::object::{FLAG_BOOLS, FLAG_FLOATS, FRESH_WORD};
use crate::typeobj::Type;
use crate::types::bytearray::{self, BYTEARRAY};
use crate::types::bytes::BYTES;
use crate::types::list::List;
use crate::types::list_methods::LIST;
use crate::value::Value;

/// A kind of machine number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ItemKind {
    /// Signed byte.
    I8,
    /// Byte.
    U8,
    /// Signed 16 bits.
    I16,
    /// 16 bits.
    U16,
    /// Signed 32 bits.
    I32,
    /// 32 bits.
    U32,
    /// Signed 64 bits.
    I64,
    /// Float.
    F32,
    /// Double.
    F64,
    /// Bool, a byte that is 0 or 1.
    Bool,
}

impl ItemKind {
    /// All kinds.
    pub const ALL: [ItemKind; 10] = [
        ItemKind::I8,
        ItemKind::U8,
        ItemKind::I16,
        ItemKind::U16,
        ItemKind::I32,
        ItemKind::U32,
        ItemKind::I64,
        ItemKind::F32,
        ItemKind::F64,
        ItemKind::Bool,
    ];

    /// log2 of the size in bytes.
    pub fn shift(self) -> u32 {
        match self {
            ItemKind::I8 | ItemKind::U8 | ItemKind::Bool => 0,
            ItemKind::I16 | ItemKind::U16 => 1,
            ItemKind::I32 | ItemKind::U32 | ItemKind::F32 => 2,
            ItemKind::I64 | ItemKind::F64 => 3,
        }
    }

    /// Smallest and largest int; None for floats.
    pub fn range(self) -> Option<(i64, i64)> {
        Some(match self {
            ItemKind::I8 => (i8::MIN as i64, i8::MAX as i64),
            ItemKind::U8 => (0, u8::MAX as i64),
            ItemKind::I16 => (i16::MIN as i64, i16::MAX as i64),
            ItemKind::U16 => (0, u16::MAX as i64),
            ItemKind::I32 => (i32::MIN as i64, i32::MAX as i64),
            ItemKind::U32 => (0, u32::MAX as i64),
            ItemKind::I64 => (i64::MIN, i64::MAX),
            ItemKind::Bool => (0, 1),
            ItemKind::F32 | ItemKind::F64 => return None,
        })
    }
}

/// Where the items of an object are. The number of items is the word at byte offset 16.
#[derive(Clone, Copy, Debug)]
pub struct MachineItems {
    /// The exact type.
    pub class: &'static Type,
    /// The word at this byte offset must be that of the kind; see [`TypedArray`].
    pub tag: Option<(usize, u64)>,
    /// The word at this byte offset leads to the items, from `base` on; None: they are in the object.
    pub pointer: Option<usize>,
    /// Byte offset of the first item.
    pub base: usize,
    /// What they are.
    pub kind: ItemKind,
    /// Whether they may be written.
    pub mutable: bool,
}

/// `array.array`, whose instances say in a word what their items are.
#[derive(Clone, Copy, Debug)]
pub struct TypedArray {
    /// The type.
    pub class: &'static Type,
    /// Byte offset of the word that says what the items are.
    pub tag: usize,
    /// Byte offset of the pointer to the buffer.
    pub buffer: usize,
    /// Kinds by that word; None for those that are no plain numbers.
    pub kinds: &'static [Option<ItemKind>],
}

/// Set by the module `array`.
pub static TYPED_ARRAY: OnceLock<TypedArray> = OnceLock::new();

/// The first word of a list of doubles that C code has not seen.
pub const FLOATS_WORD: u64 = FRESH_WORD | (FLAG_FLOATS as u64) << 32;

/// The first word of a list of bools that C code has not seen.
pub const BOOLS_WORD: u64 = FRESH_WORD | (FLAG_BOOLS as u64) << 32;

/// The first word of a list of values that C code has not seen.
pub const VALUES_WORD: u64 = FRESH_WORD;

/// The word that tells arrays and lists of different kinds apart; 0 for other objects and for lists of values.
pub fn tag_of(v: Value) -> u64 {
    if let Some(list) = v.exact::<List>() {
        return match (list.is_floats(), list.is_bools()) {
            (true, _) => 1 + FLOATS_WORD,
            (_, true) => 1 + BOOLS_WORD,
            _ => 0,
        };
    }
    match TYPED_ARRAY.get() {
        Some(array) if v.is_pointer() && std::ptr::eq(v.class(), array.class) => {
            // SAFETY: an array has that word.
            1 + unsafe { *((v.bits() as usize + array.tag) as *const u64) }
        }
        _ => 0,
    }
}

/// As [`items_of`], by the type's address, which need not be a type's any more.
pub fn items_with(class: u64, tag: u64) -> Option<MachineItems> {
    let array = TYPED_ARRAY.get().map(|a| a.class);
    let class = [Some(&BYTES), Some(&BYTEARRAY), Some(&LIST), array]
        .into_iter()
        .flatten()
        .find(|c| std::ptr::from_ref(*c) as u64 == class)?;
    items_of(class, tag)
}

/// Where the items of an object of exactly this type are, and with this tag of [`tag_of`].
pub fn items_of(class: &'static Type, tag: u64) -> Option<MachineItems> {
    if std::ptr::eq(class, &BYTES) {
        let kind = ItemKind::U8;
        return Some(MachineItems { class, tag: None, pointer: None, base: 32, kind, mutable: false });
    }
    if std::ptr::eq(class, &BYTEARRAY) {
        let pointer = Some(bytearray::START_OFFSET);
        return Some(MachineItems { class, tag: None, pointer, base: 0, kind: ItemKind::U8, mutable: true });
    }
    if std::ptr::eq(class, &LIST) {
        let word = tag.checked_sub(1)?;
        let kind = if word == BOOLS_WORD { ItemKind::Bool } else { ItemKind::F64 };
        return Some(MachineItems { class, tag: Some((0, word)), pointer: Some(24), base: 0, kind, mutable: true });
    }
    let array = TYPED_ARRAY.get().filter(|a| std::ptr::eq(a.class, class))?;
    let tag = tag.checked_sub(1)?;
    let kind = (*array.kinds.get(tag as usize)?)?;
    let pointer = Some(array.buffer);
    Some(MachineItems { class, tag: Some((array.tag, tag)), pointer, base: DATA_OFFSET, kind, mutable: true })
}
