//! Between UTF-8 and code units, for text that needs no error handling: eight ASCII characters at once, and sizes known before
//! anything is written.

/// The top bits of eight bytes.
const TOP_BITS: u64 = 0x8080_8080_8080_8080;

/// A code unit of a text: u8 (Latin-1), u16 (UCS-2) or u32.
pub trait Unit: Copy {
    /// The unit of a code point that has one.
    fn of(point: u32) -> Self;
    /// The code point.
    fn point(self) -> u32;
}

macro_rules! units {
    ($($unit:ty),*) => { $(
        impl Unit for $unit {
            #[inline(always)]
            fn of(point: u32) -> Self {
                point as $unit
            }
            #[inline(always)]
            fn point(self) -> u32 {
                self.into()
            }
        }
    )* };
}
units!(u8, u16, u32);

/// The number of code points of a text, and the bytes of a unit that holds each: 1, 2 or 4.
pub fn measure(text: &str) -> (usize, usize) {
    let (points, highest) = text.bytes().fold((0, 0), |(n, high), b| (n + usize::from(b as i8 >= -0x40), b.max(high)));
    let width = match highest {
        // No continuation byte is as high as a lead byte.
        0..0xc4 => 1,
        0xc4..0xf0 => 2,
        _ => 4,
    };
    (points, width)
}

/// Writes the code points of `text`; `out` is as long as [`measure`] says, and of units wide enough.
pub fn decode<U: Unit>(text: &str, out: &mut [U]) {
    let mut bytes = text.as_bytes();
    let mut at = 0;
    while !bytes.is_empty() {
        if let (Some(chunk), Some(room)) = (bytes.first_chunk::<8>(), out[at..].first_chunk_mut::<8>()) {
            for (to, b) in room.iter_mut().zip(chunk) {
                *to = U::of((*b).into());
            }
            // What is not ASCII will be written over.
            let ascii = (u64::from_le_bytes(*chunk) & TOP_BITS).trailing_zeros() as usize / 8;
            bytes = &bytes[ascii..];
            at += ascii;
            if ascii == 8 {
                continue;
            }
        }
        loop {
            let point;
            (point, bytes) = first_point(bytes);
            out[at] = U::of(point);
            at += 1;
            if bytes.first().is_none_or(|b| *b < 0x80) {
                break;
            }
        }
    }
}

/// The first code point of well-formed UTF-8, and what follows it.
#[inline(always)]
fn first_point(bytes: &[u8]) -> (u32, &[u8]) {
    let low = |b: u8| u32::from(b & 0x3f);
    match *bytes {
        [a @ ..0x80, ref rest @ ..] => (a.into(), rest),
        [a @ ..0xe0, b, ref rest @ ..] => (u32::from(a & 0x1f) << 6 | low(b), rest),
        [a @ ..0xf0, b, c, ref rest @ ..] => (u32::from(a & 0xf) << 12 | low(b) << 6 | low(c), rest),
        [a, b, c, d, ref rest @ ..] => (u32::from(a & 7) << 18 | low(b) << 12 | low(c) << 6 | low(d), rest),
        _ => unreachable!("text is well-formed"),
    }
}

/// The number of bytes of `units` in UTF-8; None if there are surrogates among them.
pub fn encoded_len<U: Unit>(units: &[U]) -> Option<usize> {
    let mut surrogates = 0;
    let mut len = 0;
    for unit in units {
        let point = unit.point();
        len += 1 + usize::from(point >= 0x80) + usize::from(point >= 0x800) + usize::from(point >= 0x1_0000);
        surrogates |= u32::from(point & !0x7ff == 0xd800);
    }
    (surrogates == 0).then_some(len)
}

/// Writes `units` as UTF-8; `out` is as long as [`encoded_len`] says.
pub fn encode<U: Unit>(units: &[U], out: &mut [u8]) {
    let mut rest = units;
    let mut at = 0;
    while !rest.is_empty() {
        if let (Some(chunk), Some(room)) = (rest.first_chunk::<8>(), out[at..].first_chunk_mut::<8>()) {
            for (to, unit) in room.iter_mut().zip(chunk) {
                *to = unit.point().min(0x80) as u8;
            }
            // What is not ASCII will be written over.
            let ascii = (u64::from_le_bytes(*room) & TOP_BITS).trailing_zeros() as usize / 8;
            rest = &rest[ascii..];
            at += ascii;
            if ascii == 8 {
                continue;
            }
        }
        while let Some((first, others)) = rest.split_first() {
            at += put(first.point(), &mut out[at..]);
            rest = others;
            if rest.first().is_none_or(|unit| unit.point() < 0x80) {
                break;
            }
        }
    }
}

/// Writes a code point, and returns of how many bytes it is.
#[inline(always)]
fn put(point: u32, out: &mut [u8]) -> usize {
    let low = |shift: u32| 0x80 | (point >> shift & 0x3f) as u8;
    match point {
        ..0x80 => {
            out[0] = point as u8;
            1
        }
        ..0x800 => {
            out[..2].copy_from_slice(&[0xc0 | (point >> 6) as u8, low(0)]);
            2
        }
        ..0x1_0000 => {
            out[..3].copy_from_slice(&[0xe0 | (point >> 12) as u8, low(6), low(0)]);
            3
        }
        _ => {
            out[..4].copy_from_slice(&[0xf0 | (point >> 18) as u8, low(12), low(6), low(0)]);
            4
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<U: Unit + Default>(text: &str) {
        let mut units = vec![U::default(); measure(text).0];
        decode(text, &mut units);
        assert!(text.chars().map(u32::from).eq(units.iter().map(|u| u.point())), "{text}");
        let len = encoded_len(&units).expect("no surrogates");
        assert_eq!(len, text.len());
        let mut bytes = vec![0; len];
        encode(&units, &mut bytes);
        assert_eq!(bytes, text.as_bytes());
    }

    #[test]
    fn texts_survive() {
        let pieces =
            ["", "a", "plain ascii text", "é", "ß", "żółw", "日本語", "𝒳😀", "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let text = format!("{a}{b}{c}");
                    let highest = text.chars().max().map_or(0, u32::from);
                    let width = if highest < 0x100 {
                        1
                    } else if highest < 0x1_0000 {
                        2
                    } else {
                        4
                    };
                    assert_eq!(measure(&text), (text.chars().count(), width), "{text}");
                    round_trip::<u32>(&text);
                    if width <= 2 {
                        round_trip::<u16>(&text);
                    }
                    if width == 1 {
                        round_trip::<u8>(&text);
                    }
                }
            }
        }
    }

    #[test]
    fn surrogates_are_refused() {
        for unit in [0xd800_u16, 0xdbff, 0xdc00, 0xdfff] {
            assert_eq!(encoded_len(&[b'a'.into(), unit]), None);
        }
        assert_eq!(encoded_len(&[0xd7ff_u16, 0xe000]), Some(6));
    }
}
