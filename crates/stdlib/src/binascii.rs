//! `binascii`: text encodings of bytes, and checksums.

use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::protocol::number;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::byte_ops::HEX_VALUES;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::bytes_hex::hex_separator;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::{byte_ops, int};
use taipan_runtime::{Cx, PyResult, Value, exceptions};

use crate::codecs::ascii_buffer;

/// `binascii.Error`.
pub static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "binascii.Error",
    base: Some(&exceptions::ValueError),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// `binascii.Incomplete`.
pub static INCOMPLETE: Type = Type::new(&INCOMPLETE_SPEC);
static INCOMPLETE_SPEC: TypeSpec = TypeSpec {
    name: "binascii.Incomplete",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// The functions of `binascii`.
pub struct BinAscii;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = Module::new(cx, "binascii");
    let doc = cx.str("Conversion between binary data and ASCII");
    module.set(cx, "__doc__", doc);
    module.add_functions(cx, BinAscii::METHODS);
    module.add_type(cx, &ERROR);
    module.add_type(cx, &INCOMPLETE);
    module
}

fn error<T>(cx: &mut Cx, text: &str) -> PyResult<T> {
    Err(cx.raise_text(&ERROR, text))
}

fn finish(cx: &mut Cx, result: Result<Vec<u8>, String>) -> PyResult<&'static Bytes> {
    match result {
        Ok(out) => Ok(Bytes::new(cx, &out)),
        Err(text) => error(cx, &text),
    }
}

#[pymethods]
impl BinAscii {
    /// Decode a line of uuencoded data.
    #[py("($module, data, /)")]
    fn a2b_uu(cx: &mut Cx, data: Value) -> PyResult<&'static Bytes> {
        let text = ascii_buffer(cx, data)?;
        finish(cx, decode_uu(&text))
    }
    /// Uuencode line of data.
    #[py("($module, data, /, *, backtick=False)")]
    fn b2a_uu(cx: &mut Cx, data: Held, backtick: Option<bool>) -> PyResult<&'static Bytes> {
        finish(cx, encode_uu(data.bytes(), backtick.unwrap_or(false)))
    }
    /// Decode a line of base64 data.
    ///
    ///   strict_mode
    ///     When set to True, bytes that are not part of the base64 standard are not allowed.
    ///     The same applies to excess data after padding (= / ==).
    #[py("($module, data, /, *, strict_mode=False)")]
    fn a2b_base64(cx: &mut Cx, data: Value, strict_mode: Option<bool>) -> PyResult<&'static Bytes> {
        let text = ascii_buffer(cx, data)?;
        finish(cx, decode_base64(&text, strict_mode.unwrap_or(false)))
    }
    /// Base64-code line of data.
    #[py("($module, data, /, *, newline=True)")]
    fn b2a_base64(cx: &mut Cx, data: Held, newline: Option<bool>) -> PyResult<&'static Bytes> {
        let newline = newline.unwrap_or(true);
        let size = data.bytes().len().div_ceil(3) * 4 + usize::from(newline);
        let result = Bytes::build(cx, size, |out| -> Result<(), std::convert::Infallible> {
            if newline {
                out[size - 1] = b'\n';
            }
            encode_base64(data.bytes(), out);
            Ok(())
        })?;
        match result {
            Ok(bytes) => Ok(bytes),
            Err(never) => match never {},
        }
    }
    /// Binary data of hexadecimal representation.
    ///
    /// hexstr must contain an even number of hex digits (upper or lower case).
    /// This function is also available as "unhexlify()".
    #[py("($module, hexstr, /)")]
    fn a2b_hex(cx: &mut Cx, hexstr: Value) -> PyResult<&'static Bytes> {
        from_hex(cx, hexstr)
    }
    /// Binary data of hexadecimal representation.
    ///
    /// hexstr must contain an even number of hex digits (upper or lower case).
    #[py("($module, hexstr, /)")]
    fn unhexlify(cx: &mut Cx, hexstr: Value) -> PyResult<&'static Bytes> {
        from_hex(cx, hexstr)
    }
    /// Hexadecimal representation of binary data.
    ///
    ///   sep
    ///     An optional single character or byte to separate hex bytes.
    ///   bytes_per_sep
    ///     How many bytes between separators.  Positive values count from the
    ///     right, negative values count from the left.
    ///
    /// The return value is a bytes object.  This function is also
    /// available as "hexlify()".
    ///
    /// Example:
    /// >>> binascii.b2a_hex(b'\xb9\x01\xef')
    /// b'b901ef'
    /// >>> binascii.hexlify(b'\xb9\x01\xef', ':')
    /// b'b9:01:ef'
    /// >>> binascii.b2a_hex(b'\xb9\x01\xef', b'_', 2)
    /// b'b9_01ef'
    #[py("($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn b2a_hex(cx: &mut Cx, data: Held, sep: Option<Value>, bytes_per_sep: Option<i32>) -> PyResult<&'static Bytes> {
        to_hex(cx, &data, sep, bytes_per_sep)
    }
    /// Hexadecimal representation of binary data.
    ///
    ///   sep
    ///     An optional single character or byte to separate hex bytes.
    ///   bytes_per_sep
    ///     How many bytes between separators.  Positive values count from the
    ///     right, negative values count from the left.
    ///
    /// The return value is a bytes object.  This function is also
    /// available as "b2a_hex()".
    #[py("($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hexlify(cx: &mut Cx, data: Held, sep: Option<Value>, bytes_per_sep: Option<i32>) -> PyResult<&'static Bytes> {
        to_hex(cx, &data, sep, bytes_per_sep)
    }
    /// Compute CRC-CCITT incrementally.
    #[py("($module, data, crc, /)")]
    fn crc_hqx(cx: &mut Cx, data: Held, crc: Value) -> PyResult<i64> {
        let mut crc = low_word(cx, crc)? as u16;
        for b in data.bytes() {
            crc ^= u16::from(*b) << 8;
            for _ in 0..8 {
                crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
            }
        }
        Ok(crc.into())
    }
    /// Compute CRC-32 incrementally.
    #[py("($module, data, crc=0, /)")]
    fn crc32(cx: &mut Cx, data: Held, crc: Option<Value>) -> PyResult<i64> {
        let start = crc.map_or(Ok(0), |v| low_word(cx, v))?;
        Ok(crc32(start, data.bytes()).into())
    }
    /// Decode a string of qp-encoded data.
    #[py("($module, /, data, header=False)")]
    fn a2b_qp(cx: &mut Cx, data: Value, header: Option<bool>) -> PyResult<&'static Bytes> {
        let text = ascii_buffer(cx, data)?;
        let out = decode_qp(&text, header.unwrap_or(false));
        Ok(Bytes::new(cx, &out))
    }
    /// Encode a string using quoted-printable encoding.
    ///
    /// On encoding, when istext is set, newlines are not encoded, and white
    /// space at end of lines is.  When istext is not set, \r and \n (CR/LF)
    /// are both encoded.  When quotetabs is set, space and tabs are encoded.
    #[py("($module, /, data, quotetabs=False, istext=True, header=False)")]
    fn b2a_qp(
        cx: &mut Cx,
        data: Held,
        quotetabs: Option<bool>,
        istext: Option<bool>,
        header: Option<bool>,
    ) -> &'static Bytes {
        let options = QpOptions {
            quote_tabs: quotetabs.unwrap_or(false),
            is_text: istext.unwrap_or(true),
            header: header.unwrap_or(false),
        };
        let out = encode_qp(data.bytes(), &options);
        Bytes::new(cx, &out)
    }
}

/// The lowest 32 bits of an int argument.
fn low_word(cx: &mut Cx, v: Value) -> PyResult<u32> {
    let n = number::index(cx, v)?;
    let w = int::view(n).expect("an int");
    let digit = |i: usize| u64::from(w.digits().get(i).copied().unwrap_or(0));
    let low = (digit(0) | digit(1) << 30) as u32;
    Ok(if w.negative { low.wrapping_neg() } else { low })
}

fn to_hex(cx: &mut Cx, data: &Held, sep: Option<Value>, group: Option<i32>) -> PyResult<&'static Bytes> {
    let sep = hex_separator(cx, sep)?;
    let out = byte_ops::hex(data.bytes(), sep, group.unwrap_or(1));
    Ok(Bytes::new(cx, &out))
}

fn from_hex(cx: &mut Cx, v: Value) -> PyResult<&'static Bytes> {
    let text = ascii_buffer(cx, v)?;
    if !text.len().is_multiple_of(2) {
        return error(cx, "Odd-length string");
    }
    let filled = Bytes::build(cx, text.len() / 2, |out| {
        let mut seen = 0;
        for (pair, place) in text.chunks_exact(2).zip(out) {
            let (high, low) = (HEX_VALUES[pair[0] as usize], HEX_VALUES[pair[1] as usize]);
            seen |= high | low;
            *place = high << 4 | low & 15;
        }
        if seen < 16 { Ok(()) } else { Err(()) }
    })?;
    match filled {
        Ok(bytes) => Ok(bytes),
        Err(()) => error(cx, "Non-hexadecimal digit found"),
    }
}

// ---- base64 ----------------------------------------------------------------------------------------

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The two symbols of each group of twelve bits.
static PAIRS: [[u8; 2]; 4096] = {
    let mut pairs = [[0; 2]; 4096];
    let mut i = 0;
    while i < 4096 {
        pairs[i] = [ALPHABET[i >> 6], ALPHABET[i & 63]];
        i += 1;
    }
    pairs
};

/// Fills the first bytes of `out`, which has room for the symbols.
fn encode_base64(data: &[u8], out: &mut [u8]) {
    let chunks = data.chunks_exact(3);
    let rest = chunks.remainder();
    let mut places = out.chunks_exact_mut(4);
    for (chunk, place) in chunks.zip(&mut places) {
        let word = usize::from(chunk[0]) << 16 | usize::from(chunk[1]) << 8 | usize::from(chunk[2]);
        place[..2].copy_from_slice(&PAIRS[word >> 12]);
        place[2..].copy_from_slice(&PAIRS[word & 4095]);
    }
    let word = rest.iter().fold(0, |w, b| w << 8 | usize::from(*b)) << (8 * (3 - rest.len()));
    if let Some(place) = places.next().filter(|_| !rest.is_empty()) {
        place[..2].copy_from_slice(&PAIRS[word >> 12]);
        place[2] = if rest.len() == 2 { ALPHABET[word >> 6 & 63] } else { b'=' };
        place[3] = b'=';
    }
}

/// The value of each base64 symbol, 64 for other bytes.
const VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

fn bad_count(n: usize) -> String {
    format!("Invalid base64-encoded string: number of data characters ({n}) cannot be 1 more than a multiple of 4")
}

/// Values of the symbol in each place of a group of four, shifted there; the highest bit tells other bytes.
static PLACED: [[u32; 256]; 4] = {
    let mut placed = [[1 << 31; 256]; 4];
    let mut i = 0;
    while i < 64 {
        let mut place = 0;
        while place < 4 {
            placed[place][ALPHABET[i] as usize] = (i as u32) << (18 - 6 * place);
            place += 1;
        }
        i += 1;
    }
    placed
};

/// Decodes whole groups of four symbols up to the first that is not; the number of symbols.
fn decode_quads(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut done = 0;
    for quad in text.chunks_exact(4) {
        let word = PLACED[0][quad[0] as usize]
            | PLACED[1][quad[1] as usize]
            | PLACED[2][quad[2] as usize]
            | PLACED[3][quad[3] as usize];
        if word >> 31 != 0 {
            break;
        }
        out.extend_from_slice(&word.to_be_bytes()[1..]);
        done += 4;
    }
    done
}

fn decode_base64(text: &[u8], strict: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let plain = decode_quads(text, &mut out);
    let (mut quad, mut left, mut pads, mut symbols) = (0, 0u8, 0, plain);
    for (i, b) in text.iter().enumerate().skip(plain) {
        if *b == b'=' {
            if strict {
                match quad {
                    0 if i == 0 => return Err("Leading padding not allowed".into()),
                    0 => return Err("Excess padding not allowed".into()),
                    1 => return Err(bad_count(symbols)),
                    _ if quad + pads >= 4 => return Err("Excess padding not allowed".into()),
                    _ => {}
                }
            }
            pads += 1;
            continue;
        }
        let v = VALUES[usize::from(*b)];
        if v == 64 {
            if strict {
                return Err("Only base64 data is allowed".into());
            }
            continue;
        }
        if strict && pads > 0 {
            let complete = quad + pads >= 4;
            return Err(if complete { "Excess data after padding" } else { "Discontinuous padding not allowed" }.into());
        }
        pads = 0;
        symbols += 1;
        match quad {
            0 => left = v,
            1 => {
                out.push(left << 2 | v >> 4);
                left = v & 15;
            }
            2 => {
                out.push(left << 4 | v >> 2);
                left = v & 3;
            }
            _ => out.push(left << 6 | v),
        }
        quad = (quad + 1) % 4;
    }
    match quad {
        1 => Err(bad_count(symbols)),
        2 | 3 if quad + pads < 4 => Err("Incorrect padding".into()),
        _ => Ok(out),
    }
}

// ---- uuencode --------------------------------------------------------------------------------------

fn decode_uu(text: &[u8]) -> Result<Vec<u8>, String> {
    let Some((first, rest)) = text.split_first() else { return Err("Missing length byte".into()) };
    let n = usize::from(first.wrapping_sub(b' ') & 0x3f);
    let mut out = Vec::with_capacity(n);
    let (mut word, mut bits, mut i) = (0u32, 0, 0);
    while out.len() < n {
        let value = match rest.get(i) {
            // Spaces at the end of a line may have been eaten.
            None | Some(b'\n' | b'\r') => 0,
            Some(b @ b' '..=b'`') => u32::from(b - b' ') & 0x3f,
            Some(_) => return Err("Illegal char".into()),
        };
        i += 1;
        word = word << 6 | value;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    let trailing = rest.get(i..).unwrap_or(&[]);
    if trailing.iter().any(|b| !matches!(b, b' ' | b'`' | b'\n' | b'\r')) {
        return Err("Trailing garbage".into());
    }
    Ok(out)
}

fn encode_uu(data: &[u8], backtick: bool) -> Result<Vec<u8>, String> {
    if data.len() > 45 {
        return Err("At most 45 bytes at once".into());
    }
    let symbol = |v: u32| if backtick && v == 0 { b'`' } else { b' ' + v as u8 };
    let mut out = vec![symbol(data.len() as u32)];
    for chunk in data.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        out.extend((0..4).map(|i| symbol(word >> (18 - 6 * i) & 63)));
    }
    out.push(b'\n');
    Ok(out)
}

// ---- quoted-printable ------------------------------------------------------------------------------

fn decode_qp(text: &[u8], header: bool) -> Vec<u8> {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let (mut out, mut i) = (Vec::with_capacity(text.len()), 0);
    while i < text.len() {
        match text[i] {
            b'=' => {
                i += 1;
                match text.get(i) {
                    None => break,
                    Some(b'\n' | b'\r') => {
                        // A soft line break.
                        i = text[i..].iter().position(|b| *b == b'\n').map_or(text.len(), |n| i + n + 1);
                    }
                    Some(b'=') => {
                        out.push(b'=');
                        i += 1;
                    }
                    high => match (digit(high), digit(text.get(i + 1))) {
                        (Some(high), Some(low)) => {
                            out.push((high << 4 | low) as u8);
                            i += 2;
                        }
                        _ => out.push(b'='),
                    },
                }
            }
            b'_' if header => {
                out.push(b' ');
                i += 1;
            }
            b => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
}

struct QpOptions {
    quote_tabs: bool,
    is_text: bool,
    header: bool,
}

const LINE_LIMIT: usize = 76;

impl QpOptions {
    fn must_quote(&self, b: u8, next: Option<u8>, line_len: usize) -> bool {
        match b {
            127.. | b'=' => true,
            b'_' => self.header,
            b'.' => line_len == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0)),
            b'\r' | b'\n' => !self.is_text,
            b'\t' | b' ' => next.is_none() || self.quote_tabs,
            _ => b < 33,
        }
    }
}

fn push_quoted(b: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([b'=', DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
}

fn encode_qp(data: &[u8], options: &QpOptions) -> Vec<u8> {
    let crlf = memchr::memchr(b'\n', data).is_some_and(|i| i > 0 && data[i - 1] == b'\r');
    let line_end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let (mut out, mut line_len, mut i) = (Vec::with_capacity(data.len()), 0, 0);
    let soft_break = |out: &mut Vec<u8>| {
        out.push(b'=');
        out.extend_from_slice(line_end);
    };
    while i < data.len() {
        let (b, next) = (data[i], data.get(i + 1).copied());
        if options.must_quote(b, next, line_len) {
            if line_len + 3 >= LINE_LIMIT {
                soft_break(&mut out);
                line_len = 0;
            }
            push_quoted(b, &mut out);
            line_len += 3;
            i += 1;
        } else if options.is_text && (b == b'\n' || b == b'\r' && next == Some(b'\n')) {
            line_len = 0;
            // Whitespace may not end a line.
            if let Some(last @ (b' ' | b'\t')) = out.last().copied() {
                out.pop();
                push_quoted(last, &mut out);
            }
            out.extend_from_slice(line_end);
            i += if b == b'\r' { 2 } else { 1 };
        } else {
            if next.is_some_and(|n| n != b'\n') && line_len + 1 >= LINE_LIMIT {
                soft_break(&mut out);
                line_len = 0;
            }
            line_len += 1;
            out.push(if options.header && b == b' ' { b'_' } else { b });
            i += 1;
        }
    }
    out
}

// ---- CRC-32 ----------------------------------------------------------------------------------------

/// Table `k` advances a CRC by a byte and `k` zero bytes after it.
const CRC_TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let (mut c, mut bit) = (i as u32, 0);
        while bit < 8 {
            c = if c & 1 != 0 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 };
            bit += 1;
        }
        tables[0][i] = c;
        i += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut i = 0;
        while i < 256 {
            let previous = tables[k - 1][i];
            tables[k][i] = previous >> 8 ^ tables[0][(previous & 0xff) as usize];
            i += 1;
        }
        k += 1;
    }
    tables
};

/// The CRC-32 of zlib, continuing from `crc`.
pub fn crc32(crc: u32, data: &[u8]) -> u32 {
    let mut crc = !crc;
    let mut chunks = data.chunks_exact(8);
    for chunk in &mut chunks {
        let low = crc ^ u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        let high = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let byte = |word: u32, i: u32| (word >> (8 * i) & 0xff) as usize;
        crc = CRC_TABLES[7][byte(low, 0)]
            ^ CRC_TABLES[6][byte(low, 1)]
            ^ CRC_TABLES[5][byte(low, 2)]
            ^ CRC_TABLES[4][byte(low, 3)]
            ^ CRC_TABLES[3][byte(high, 0)]
            ^ CRC_TABLES[2][byte(high, 1)]
            ^ CRC_TABLES[1][byte(high, 2)]
            ^ CRC_TABLES[0][byte(high, 3)];
    }
    for b in chunks.remainder() {
        crc = crc >> 8 ^ CRC_TABLES[0][(crc as u8 ^ b) as usize];
    }
    !crc
}
