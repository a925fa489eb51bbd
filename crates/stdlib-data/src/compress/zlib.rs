//! `zlib` over libz-rs-sys (zlib-rs): the stream, the module and its functions.

use std::ffi::CStr;

use libz_rs_sys as z;
use taipan_macros::pymethods;
use taipan_runtime::protocol::buffer::Held;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Raised, Value, exceptions, raise};
use taipan_stdlib::host;

use super::zlib_objects::{self, COMPRESS, DECOMPRESS, ZLIB_DECOMPRESSOR};
use super::{CHUNK, Step, drain};

/// `zlib.error`.
pub static ERROR: Type = Type::new(&ERROR_SPEC);
static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "zlib.error",
    base: Some(&exceptions::Exception_),
    flags: flags::BASETYPE | flags::BASE_EXC | flags::HAVE_GC,
    ..TypeSpec::DEFAULT
};

/// A stream of the library; boxed, because the library keeps its address.
pub struct Stream {
    native: Box<z::z_stream>,
    compresses: bool,
}

/// How a stream compresses.
#[derive(Clone, Copy)]
pub struct Settings {
    /// -1 to 9.
    pub level: i32,
    /// Always 8.
    pub method: i32,
    /// Window and container.
    pub wbits: i32,
    /// 1 to 9.
    pub mem_level: i32,
    /// `Z_DEFAULT_STRATEGY` and the like.
    pub strategy: i32,
}

impl Stream {
    /// A compressor, or the error code.
    pub fn compressor(s: Settings) -> Result<Stream, i32> {
        let mut native: Box<z::z_stream> = Box::default();
        let size = std::mem::size_of::<z::z_stream>() as i32;
        // SAFETY: a fresh stream.
        let code = unsafe {
            let version = z::zlibVersion();
            z::deflateInit2_(&mut *native, s.level, s.method, s.wbits, s.mem_level, s.strategy, version, size)
        };
        if code == z::Z_OK { Ok(Stream { native, compresses: true }) } else { Err(code) }
    }

    /// A decompressor, or the error code.
    pub fn decompressor(wbits: i32) -> Result<Stream, i32> {
        let mut native: Box<z::z_stream> = Box::default();
        let size = std::mem::size_of::<z::z_stream>() as i32;
        // SAFETY: a fresh stream.
        let code = unsafe { z::inflateInit2_(&mut *native, wbits, z::zlibVersion(), size) };
        if code == z::Z_OK { Ok(Stream { native, compresses: false }) } else { Err(code) }
    }

    /// An independent copy.
    pub fn try_clone(&mut self) -> Result<Stream, i32> {
        let mut native: Box<z::z_stream> = Box::default();
        // SAFETY: an initialised stream is copied to a fresh one.
        let code = unsafe {
            match self.compresses {
                true => z::deflateCopy(&mut *native, &mut *self.native),
                false => z::inflateCopy(&mut *native, &*self.native),
            }
        };
        if code == z::Z_OK { Ok(Stream { native, compresses: self.compresses }) } else { Err(code) }
    }

    /// One step: the library's code, bytes read, bytes written.
    pub fn run(&mut self, input: &[u8], out: &mut [u8], flush: i32) -> (i32, usize, usize) {
        let (given, room) = (input.len().min(u32::MAX as usize), out.len().min(u32::MAX as usize));
        let native = &mut *self.native;
        (native.next_in, native.avail_in) = (input.as_ptr(), given as u32);
        (native.next_out, native.avail_out) = (out.as_mut_ptr(), room as u32);
        // Only the last part of an input too large for the library may be finished.
        let flush = if given < input.len() { z::Z_NO_FLUSH } else { flush };
        // SAFETY: an initialised stream with valid buffers.
        let code = unsafe {
            match self.compresses {
                true => z::deflate(native, flush),
                false => z::inflate(native, flush),
            }
        };
        let result = (code, given - native.avail_in as usize, room - native.avail_out as usize);
        (native.next_in, native.avail_in) = (std::ptr::null(), 0);
        (native.next_out, native.avail_out) = (std::ptr::null_mut(), 0);
        result
    }

    /// Sets the preset dictionary; gives the library's code.
    pub fn set_dictionary(&mut self, data: &[u8]) -> i32 {
        let n = data.len().min(u32::MAX as usize) as u32;
        // SAFETY: an initialised stream and data of the length said.
        unsafe {
            match self.compresses {
                true => z::deflateSetDictionary(&mut *self.native, data.as_ptr(), n),
                false => z::inflateSetDictionary(&mut *self.native, data.as_ptr(), n),
            }
        }
    }

    /// The library's explanation of the last error.
    pub fn message(&self) -> Option<String> {
        let text = self.native.msg;
        // SAFETY: null or a static C string.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    /// Compresses all of the input; the whole is flushed in the given way.
    pub fn pack(&mut self, data: &[u8], flush: i32) -> Result<Vec<u8>, i32> {
        drain(data, |input, out| {
            let room = out.len();
            let (code, read, written) = self.run(input, out, flush);
            if code == z::Z_STREAM_ERROR {
                return Err(code);
            }
            let end = match flush {
                z::Z_FINISH => code == z::Z_STREAM_END,
                _ => read == input.len() && written < room,
            };
            Ok(Step { read, written, end })
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: initialised by the constructors.
        unsafe {
            match self.compresses {
                true => z::deflateEnd(&mut *self.native),
                false => z::inflateEnd(&mut *self.native),
            }
        };
    }
}

/// Raises `zlib.error` "Error -3 while decompressing data: incorrect header check".
pub fn raise_code(cx: &mut Cx, code: i32, message: Option<String>, doing: &str) -> Raised {
    if code == z::Z_MEM_ERROR {
        return cx.memory_error();
    }
    let known = match code {
        z::Z_VERSION_ERROR => Some("library version mismatch".to_string()),
        _ => message,
    };
    let explained = known.or_else(|| {
        Some(
            match code {
                z::Z_BUF_ERROR => "incomplete or truncated stream",
                z::Z_STREAM_ERROR => "inconsistent stream state",
                z::Z_DATA_ERROR => "invalid input data",
                _ => return None,
            }
            .to_string(),
        )
    });
    let text = match explained {
        Some(explained) => format!("Error {code} {doing}: {explained}"),
        None => format!("Error {code} {doing}"),
    };
    cx.raise_text(&ERROR, &text)
}

/// Raises what the constructors' codes mean.
pub fn raise_init(cx: &mut Cx, code: i32, doing: &str) -> Raised {
    match code {
        z::Z_STREAM_ERROR => {
            let result: PyResult<()> = raise!(cx, ValueError, "Invalid initialization option");
            result.err().unwrap_or(Raised)
        }
        code => raise_code(cx, code, None, doing),
    }
}

struct Functions;

fn checksum_start(v: Option<Value>, default: u32) -> u32 {
    match v.and_then(int::view) {
        None => default,
        Some(view) => {
            // Modulo 2**32, as in two's complement.
            let digits = view.digits();
            let low = digits.first().map_or(0, |d| u64::from(*d)) | digits.get(1).map_or(0, |d| u64::from(*d)) << 30;
            if view.negative { (low as u32).wrapping_neg() } else { low as u32 }
        }
    }
}

#[pymethods]
impl Functions {
    /// Compute an Adler-32 checksum of data.
    ///
    ///   value
    ///     Starting value of the checksum.
    ///
    /// The returned checksum is an integer.
    #[py("($module, data, value=1, /)")]
    fn adler32(cx: &mut Cx, data: Held, value: Option<Value>) -> PyResult<u64> {
        let value = value.map(|v| taipan_runtime::protocol::number::index(cx, v)).transpose()?;
        let mut sum = simd_adler32::Adler32::from_checksum(checksum_start(value, 1));
        sum.write(data.bytes());
        Ok(sum.finish() as u64)
    }

    /// Compute a CRC-32 checksum of data.
    ///
    ///   value
    ///     Starting value of the checksum.
    ///
    /// The returned checksum is an integer.
    #[py("($module, data, value=0, /)")]
    fn crc32(cx: &mut Cx, data: Held, value: Option<Value>) -> PyResult<u64> {
        let value = value.map(|v| taipan_runtime::protocol::number::index(cx, v)).transpose()?;
        let mut sum = crc32fast::Hasher::new_with_initial(checksum_start(value, 0));
        sum.update(data.bytes());
        Ok(sum.finalize() as u64)
    }

    /// Returns a bytes object containing compressed data.
    ///
    ///   data
    ///     Binary data to be compressed.
    ///   level
    ///     Compression level, in 0-9 or -1.
    ///   wbits
    ///     The window buffer size and container format.
    #[py("($module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)")]
    fn compress(cx: &mut Cx, data: Held, level: Option<i32>, wbits: Option<i32>) -> PyResult<&'static Bytes> {
        let settings =
            Settings { level: level.unwrap_or(-1), method: 8, wbits: wbits.unwrap_or(15), mem_level: 8, strategy: 0 };
        let mut stream = match Stream::compressor(settings) {
            Ok(stream) => stream,
            Err(z::Z_STREAM_ERROR) => return Err(cx.raise_text(&ERROR, "Bad compression level")),
            Err(code) => return Err(raise_code(cx, code, None, "while compressing data")),
        };
        let input = data.bytes();
        let out = cx.allow_threads(|| stream.pack(input, z::Z_FINISH));
        match out {
            Ok(out) => Ok(Bytes::new(cx, &out)),
            Err(code) => Err(raise_code(cx, code, stream.message(), "while compressing data")),
        }
    }

    /// Returns a bytes object containing the uncompressed data.
    ///
    ///   data
    ///     Compressed data.
    ///   wbits
    ///     The window buffer size and container format.
    ///   bufsize
    ///     The initial output buffer size.
    #[py("($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)")]
    fn decompress(cx: &mut Cx, data: Held, wbits: Option<i32>, bufsize: Option<isize>) -> PyResult<&'static Bytes> {
        if bufsize.is_some_and(|n| n < 0) {
            return raise!(cx, ValueError, "bufsize must be non-negative");
        }
        let doing = "while decompressing data";
        let mut stream = match Stream::decompressor(wbits.unwrap_or(15)) {
            Ok(stream) => stream,
            Err(code) => return Err(raise_code(cx, code, None, "while preparing to decompress data")),
        };
        let mut input = data.bytes();
        let result = cx.allow_threads(|| {
            let mut out = Vec::new();
            loop {
                let start = out.len();
                out.resize(start + CHUNK.max(start), 0);
                let (code, read, written) = stream.run(input, &mut out[start..], z::Z_SYNC_FLUSH);
                out.truncate(start + written);
                input = &input[read..];
                match code {
                    z::Z_STREAM_END => return Ok(out),
                    z::Z_OK if read > 0 || written > 0 => {}
                    z::Z_OK | z::Z_BUF_ERROR => return Err(z::Z_BUF_ERROR),
                    code => return Err(code),
                }
            }
        });
        match result {
            Ok(out) => Ok(Bytes::new(cx, &out)),
            Err(code) => {
                let message = stream.message().filter(|_| code != z::Z_BUF_ERROR);
                Err(raise_code(cx, code, message, doing))
            }
        }
    }

    /// Return a compressor object.
    ///
    ///   level
    ///     The compression level (an integer in the range 0-9 or -1; default is
    ///     currently equivalent to 6).  Higher compression levels are slower,
    ///     but produce smaller results.
    ///   method
    ///     The compression algorithm.  If given, this must be DEFLATED.
    ///   zdict
    ///     The predefined compression dictionary - a sequence of bytes
    ///     containing subsequences that are likely to occur in the input data.
    #[py(
        "($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED, wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL, strategy=Z_DEFAULT_STRATEGY, zdict=None)"
    )]
    fn compressobj(
        cx: &mut Cx,
        level: Option<i32>,
        method: Option<i32>,
        wbits: Option<i32>,
        mem_level: Option<i32>,
        strategy: Option<i32>,
        zdict: Option<Held>,
    ) -> PyResult<Value> {
        let settings = Settings {
            level: level.unwrap_or(-1),
            method: method.unwrap_or(8),
            wbits: wbits.unwrap_or(15),
            mem_level: mem_level.unwrap_or(8),
            strategy: strategy.unwrap_or(0),
        };
        zlib_objects::new_compress(cx, settings, zdict.as_ref().map(|d| d.bytes()))
    }

    /// Return a decompressor object.
    ///
    ///   wbits
    ///     The window buffer size and container format.
    ///   zdict
    ///     The predefined compression dictionary.  This must be the same
    ///     dictionary as used by the compressor that produced the input data.
    #[py("($module, /, wbits=MAX_WBITS, zdict=b'')")]
    fn decompressobj(cx: &mut Cx, wbits: Option<i32>, zdict: Option<Value>) -> PyResult<Value> {
        zlib_objects::new_decompress(cx, wbits.unwrap_or(15), zdict)
    }
}

static CONSTANTS: &[(&str, i64)] = &[
    ("DEFLATED", 8),
    ("DEF_BUF_SIZE", 16384),
    ("DEF_MEM_LEVEL", 8),
    ("MAX_WBITS", 15),
    ("Z_BEST_COMPRESSION", 9),
    ("Z_BEST_SPEED", 1),
    ("Z_BLOCK", 5),
    ("Z_DEFAULT_COMPRESSION", -1),
    ("Z_DEFAULT_STRATEGY", 0),
    ("Z_FILTERED", 1),
    ("Z_FINISH", 4),
    ("Z_FIXED", 4),
    ("Z_FULL_FLUSH", 3),
    ("Z_HUFFMAN_ONLY", 2),
    ("Z_NO_COMPRESSION", 0),
    ("Z_NO_FLUSH", 0),
    ("Z_PARTIAL_FLUSH", 1),
    ("Z_RLE", 3),
    ("Z_SYNC_FLUSH", 2),
    ("Z_TREES", 6),
];

const DOC: &str = "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU zip.\n\nadler32(string[, start]) -- Compute an Adler-32 checksum.\ncompress(data[, level]) -- Compress data, with compression level 0-9 or -1.\ncompressobj([level[, ...]]) -- Return a compressor object.\ncrc32(string[, start]) -- Compute a CRC-32 checksum.\ndecompress(string,[wbits],[bufsize]) -- Decompresses a compressed string.\ndecompressobj([wbits[, zdict]]) -- Return a decompressor object.\n\n'wbits' is window buffer size and container format.\nCompressor objects support compress() and flush() methods; decompressor\nobjects support decompress() and flush().";

/// Makes the module. May collect.
pub fn module(cx: &mut Cx) -> PyResult<&'static Module> {
    let module = taipan_stdlib::make(cx, "zlib", DOC, Functions::METHODS);
    module.add_type(cx, &ERROR);
    cx.ready_type(&COMPRESS);
    cx.ready_type(&DECOMPRESS);
    module.add_type(cx, &ZLIB_DECOMPRESSOR);
    host::add_ints(cx, module, CONSTANTS);
    // The interface that zlib-rs implements.
    let version = cx.str("1.3.1");
    module.set(cx, "ZLIB_VERSION", version);
    module.set(cx, "ZLIB_RUNTIME_VERSION", version);
    let own = cx.str("1.0");
    module.set(cx, "__version__", own);
    Ok(module)
}
