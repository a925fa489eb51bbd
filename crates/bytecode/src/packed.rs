//! Instruction words as they are stored: without their zero bytes.
//!
//! Most bytes of fresh words are 0, caches among them, and most functions of a module that is imported never run; so code
//! stays packed in `.pyc` files and in memory until it does. A word is a mask byte, whose bit `i` is set if byte `i` of the
//! word (from the lowest) is not 0, and these bytes in order. A mask of 0 is followed by a byte that counts the words of 0
//! here, at most [`MAX_RUN`].

/// Words that one run stands for at most, so that what is unpacked is not much longer than what was read.
pub const MAX_RUN: usize = 8;

/// Packed words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed {
    bytes: Box<[u8]>,
    count: u32,
}

impl Packed {
    /// Packs words.
    pub fn new(words: &[u64]) -> Packed {
        let mut bytes = Vec::with_capacity(words.len() * 3);
        let mut rest = words;
        while let Some(&word) = rest.first() {
            let mut run = 1;
            if word == 0 {
                run = rest.iter().take(MAX_RUN).take_while(|word| **word == 0).count();
                bytes.extend([0, run as u8]);
            } else {
                let at = bytes.len();
                bytes.push(0);
                for (i, byte) in word.to_le_bytes().into_iter().enumerate().filter(|(_, byte)| *byte != 0) {
                    bytes[at] |= 1 << i;
                    bytes.push(byte);
                }
            }
            rest = &rest[run..];
        }
        Packed { bytes: bytes.into(), count: words.len() as u32 }
    }

    /// What [`Packed::bytes`] gave; `None` if it is not the packed form of `count` words.
    pub fn from_bytes(bytes: &[u8], count: usize) -> Option<Packed> {
        let (mut rest, mut found) = (bytes, 0);
        while let [mask, behind @ ..] = rest {
            let (words, bytes) = match mask {
                0 => (*behind.first()? as usize, 1),
                mask => (1, mask.count_ones() as usize),
            };
            if !(1..=MAX_RUN).contains(&words) {
                return None;
            }
            rest = behind.get(bytes..)?;
            found += words;
        }
        (found == count).then(|| Packed { bytes: bytes.into(), count: count as u32 })
    }

    /// The stored form.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of words.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// The words.
    pub fn words(&self) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.count());
        let mut bytes = self.bytes.iter().copied();
        while let Some(mask) = bytes.next() {
            if mask == 0 {
                words.resize(words.len() + bytes.next().unwrap_or(1) as usize, 0);
                continue;
            }
            let mut word = 0;
            for i in (0..8).filter(|i| mask >> i & 1 != 0) {
                word |= u64::from(bytes.next().unwrap_or(0)) << (8 * i);
            }
            words.push(word);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive() {
        let lists: [&[u64]; 5] =
            [&[], &[0], &[1, 0, 0xff00], &[u64::MAX, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 << 63], &[0x0102_0304_0506_0708; 3]];
        for words in lists {
            let packed = Packed::new(words);
            assert_eq!(packed.words(), words);
            assert_eq!(Packed::from_bytes(packed.bytes(), words.len()), Some(packed));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(Packed::from_bytes(&[1], 1), None);
        assert_eq!(Packed::from_bytes(&[0], 1), None);
        assert_eq!(Packed::from_bytes(&[0, 0], 0), None);
        assert_eq!(Packed::from_bytes(&[0, 9], 9), None);
        assert_eq!(Packed::from_bytes(&[1, 5], 2), None);
    }
}
