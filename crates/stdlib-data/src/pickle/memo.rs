//! What has been written so far, by identity.

use taipan_runtime::Value;

/// Objects with their numbers: an open-addressed table, at most half full.
#[derive(Default)]
pub struct Memo {
    /// Number + 1, 0 where nothing is.
    table: Vec<u32>,
    objects: Vec<Value>,
}

/// A table that is larger is not kept for the next pickle.
const KEEP: usize = 1 << 12;

impl Memo {
    /// The slot of an object, or the empty one where it belongs.
    #[inline]
    fn slot(&self, v: Value) -> usize {
        let mask = self.table.len() - 1;
        let mut at = (v.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            match self.table[at] {
                0 => return at,
                n if self.objects[n as usize - 1] == v => return at,
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// The number of an object.
    #[inline]
    pub fn find(&self, v: Value) -> Option<i64> {
        if self.objects.is_empty() {
            return None;
        }
        (self.table[self.slot(v)] as i64).checked_sub(1).filter(|n| *n >= 0)
    }

    /// Gives an object the next number.
    #[inline]
    pub fn insert(&mut self, v: Value) -> i64 {
        if self.objects.len() * 2 >= self.table.len() {
            self.grow();
        }
        let slot = self.slot(v);
        self.objects.push(v);
        self.table[slot] = self.objects.len() as u32;
        self.objects.len() as i64 - 1
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.table.len() * 4).max(64);
        self.table.clear();
        self.table.resize(size, 0);
        for i in 0..self.objects.len() {
            let slot = self.slot(self.objects[i]);
            self.table[slot] = i as u32 + 1;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if self.table.len() > KEEP {
            *self = Memo::default();
        } else if !self.objects.is_empty() {
            self.table.fill(0);
            self.objects.clear();
        }
    }

    /// The objects in the order of their numbers.
    pub fn objects(&self) -> &[Value] {
        &self.objects
    }
}
