//! The value: one tagged 64-bit word.
//!
//! ```text
//! xxxx...xxx1   small int, 63 bits
//! xxxx...xx10   flonum: a double whose exponent is near zero
//! xxxx...x000   pointer to an object (header at the address)
//! 0             no value; only as Option<Value>::None and in registers
//! ```
//! Invariants:
//! - VAL-1: a word with low bits 000 that is not 0 points to a live object with a valid header.
//! - VAL-2: an int that fits 63 bits and a float that fits a flonum may still be heap objects (made by C code or
//!   by subclasses); nobody may conclude from a heap number that its value does not fit.

use std::num::NonZeroU64;

use crate::object::{Header, Object};
use crate::typeobj::Type;
use crate::types::{float, int};

/// A Python value. `==` compares the words (identity, except for equal heap numbers).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(NonZeroU64);

/// Smallest int that fits the word.
pub const INT_MIN: i64 = -(1 << 62);
/// Largest int that fits the word.
pub const INT_MAX: i64 = (1 << 62) - 1;

const FLONUM_BIAS: u64 = 1 << 60;
/// The word that stands for 0.0, taken from the double that would otherwise have it (about 1.7e-77).
const FLONUM_ZERO: u64 = 2;

impl Value {
    /// The value with the word `bits`, unless it is 0.
    #[inline(always)]
    pub fn from_bits(bits: u64) -> Option<Value> {
        NonZeroU64::new(bits).map(Value)
    }

    /// The word.
    #[inline(always)]
    pub fn bits(self) -> u64 {
        self.0.get()
    }

    /// An int that is known to fit 63 bits.
    #[inline(always)]
    pub fn small(i: i64) -> Value {
        debug_assert!((INT_MIN..=INT_MAX).contains(&i));
        // SAFETY: bit 0 is set, so the word is not 0.
        unsafe { Value(NonZeroU64::new_unchecked(((i as u64) << 1) | 1)) }
    }

    /// A small int, if `i` fits.
    #[inline(always)]
    pub fn try_small(i: i64) -> Option<Value> {
        (INT_MIN..=INT_MAX).contains(&i).then(|| Value::small(i))
    }

    /// True for small ints.
    #[inline(always)]
    pub fn is_small(self) -> bool {
        self.bits() & 1 != 0
    }

    /// The number of a small int.
    #[inline(always)]
    pub fn as_small(self) -> Option<i64> {
        if self.is_small() { Some(self.bits() as i64 >> 1) } else { None }
    }

    /// The number of a value known to be a small int.
    #[inline(always)]
    pub fn small_unchecked(self) -> i64 {
        debug_assert!(self.is_small());
        self.bits() as i64 >> 1
    }

    /// True for flonums.
    #[inline(always)]
    pub fn is_flonum(self) -> bool {
        self.bits() & 3 == 2
    }

    /// A flonum, if `d` fits one.
    #[inline(always)]
    pub fn try_flonum(d: f64) -> Option<Value> {
        let bits = d.to_bits();
        let word = bits.wrapping_add(FLONUM_BIAS).rotate_left(3);
        if word & 3 == 2 && word != FLONUM_ZERO {
            return Value::from_bits(word);
        }
        if bits == 0 { Value::from_bits(FLONUM_ZERO) } else { None }
    }

    /// The number of a value known to be a flonum.
    #[inline(always)]
    pub fn flonum_unchecked(self) -> f64 {
        debug_assert!(self.is_flonum());
        let word = self.bits();
        let bits = word.rotate_right(3).wrapping_sub(FLONUM_BIAS);
        f64::from_bits(if word == FLONUM_ZERO { 0 } else { bits })
    }

    /// True for pointers.
    #[inline(always)]
    pub fn is_pointer(self) -> bool {
        self.bits() & 7 == 0
    }

    /// The object, if this is a pointer.
    #[inline(always)]
    pub fn as_object(self) -> Option<&'static Header> {
        // SAFETY: VAL-1.
        if self.is_pointer() { Some(unsafe { &*(self.bits() as *const Header) }) } else { None }
    }

    /// The value of an object.
    #[inline(always)]
    pub fn of<T: Object>(object: &'static T) -> Value {
        Value::from_address(object as *const T as usize)
    }

    /// The value of the object at an address (VAL-1 must hold).
    #[inline(always)]
    pub fn from_address(address: usize) -> Value {
        debug_assert!(address != 0 && address & 7 == 0);
        // SAFETY: an object's address is not 0.
        unsafe { Value(NonZeroU64::new_unchecked(address as u64)) }
    }

    /// The object as a `T` without a check of its type.
    ///
    /// # Safety
    /// The value must be a pointer to an object whose layout starts with `T`.
    #[inline(always)]
    pub unsafe fn cast<T: Object>(self) -> &'static T {
        debug_assert!(self.is_pointer());
        // SAFETY: VAL-1 and the caller's promise.
        unsafe { &*(self.bits() as *const T) }
    }

    /// Its Python type.
    #[inline(always)]
    pub fn class(self) -> &'static Type {
        match self.as_object() {
            Some(header) => header.class(),
            None if self.is_small() => &int::INT,
            None => &float::FLOAT,
        }
    }

    /// The object if its type is exactly `T`'s.
    #[inline(always)]
    pub fn exact<T: Object>(self) -> Option<&'static T> {
        let header = self.as_object()?;
        // SAFETY: the type is T's, so the layout is.
        if std::ptr::eq(header.class(), T::class()) { Some(unsafe { self.cast() }) } else { None }
    }

    /// The object if it is an instance of `T`'s type or a subclass.
    #[inline(always)]
    pub fn downcast<T: Object>(self) -> Option<&'static T> {
        let header = self.as_object()?;
        let class = header.class();
        if std::ptr::eq(class, T::class()) || class.is_subtype(T::class()) {
            // SAFETY: subclasses extend the layout of their base.
            Some(unsafe { self.cast() })
        } else {
            None
        }
    }

    /// True if it is an instance of `class` or a subclass (no `__instancecheck__`).
    pub fn is_instance(self, class: &Type) -> bool {
        let own = self.class();
        std::ptr::eq(own, class) || own.is_subtype(class)
    }

    /// True for the object None.
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self == Value::none()
    }

    /// None.
    #[inline(always)]
    pub fn none() -> Value {
        Value::from_address(&raw const crate::types::singletons::NONE as usize)
    }

    /// True or False.
    #[inline(always)]
    pub fn bool(b: bool) -> Value {
        let address = if b { &raw const crate::types::boolean::TRUE } else { &raw const crate::types::boolean::FALSE };
        Value::from_address(address as usize)
    }

    /// NotImplemented.
    #[inline(always)]
    pub fn not_implemented() -> Value {
        Value::from_address(&raw const crate::types::singletons::NOT_IMPLEMENTED as usize)
    }

    /// Ellipsis.
    pub fn ellipsis() -> Value {
        Value::from_address(&raw const crate::types::singletons::ELLIPSIS as usize)
    }

    /// True for the object NotImplemented.
    #[inline(always)]
    pub fn is_not_implemented(self) -> bool {
        self == Value::not_implemented()
    }

    /// `a is b`: equal words, or equal exact heap ints or floats (CABI R7).
    pub fn is(self, other: Value) -> bool {
        self == other
            || int::identical_boxed(self, other)
            || float::identical_boxed(self, other)
            || crate::types::complex::identical(self, other)
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.as_small() {
            Some(i) => write!(f, "{i}"),
            None if self.is_flonum() => write!(f, "{}", self.flonum_unchecked()),
            None => write!(f, "<{} {:#x}>", self.class().name(), self.bits()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flonums_round_trip() {
        for d in [
            0.0,
            1.0,
            -1.0,
            0.5,
            1e-30,
            -3.5e60,
            std::f64::consts::PI,
            1e77,
            1.7e-77,
            f64::from_bits(0x3000000000000000),
        ] {
            if let Some(v) = Value::try_flonum(d) {
                assert!(v.is_flonum());
                assert_eq!(v.flonum_unchecked().to_bits(), d.to_bits());
            }
        }
        assert!(Value::try_flonum(-0.0).is_none());
        assert!(Value::try_flonum(f64::INFINITY).is_none());
        assert!(Value::try_flonum(1e-300).is_none());
        assert!(Value::try_flonum(1.0).is_some());
    }

    #[test]
    fn small_ints_round_trip() {
        for i in [0, 1, -1, INT_MIN, INT_MAX] {
            assert_eq!(Value::small(i).as_small(), Some(i));
        }
        assert!(Value::try_small(INT_MAX + 1).is_none());
    }
}
