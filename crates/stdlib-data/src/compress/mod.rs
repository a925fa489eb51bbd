//! Compression: `zlib`, `_bz2`, `_lzma`.
//!
//! The three libraries have the same kind of interface: a stream that is given input and room for output, step by
//! step. [`Decoder`] is that interface for decompression, [`Unpacker`] what Python's decompressor objects make of it.

mod bz2;
mod lzma;
mod zlib;
mod zlib_objects;

pub use bz2::module as bz2_module;
pub use lzma::module as lzma_module;
pub use zlib::module as zlib_module;

use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::{Cx, PyResult, Raised, raise};

/// Output of at most this many bytes is asked for at a time.
const CHUNK: usize = 64 * 1024;

/// What a step has done.
struct Step {
    /// Bytes of input that were used.
    read: usize,
    /// Bytes of output that were made.
    written: usize,
    /// The stream is complete.
    end: bool,
}

/// A decompressor of a library. Errors are raised by [`Decoder::raise`].
trait Decoder {
    type Error;
    /// One step.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Self::Error>;
    /// Raises an error.
    fn raise(cx: &mut Cx, error: Self::Error) -> Raised;
}

/// The state of a decompressor object: a decoder, and input that waits.
struct Unpacker<D> {
    decoder: D,
    /// Input not used yet because the output was limited.
    waiting: Vec<u8>,
    unused: Vec<u8>,
    eof: bool,
    needs_input: bool,
}

impl<D: Decoder> Unpacker<D> {
    fn new(decoder: D) -> Unpacker<D> {
        Unpacker { decoder, waiting: Vec::new(), unused: Vec::new(), eof: false, needs_input: true }
    }

    /// Decompresses to at most `max` bytes, or all there is if that is negative.
    fn decompress(&mut self, cx: &mut Cx, data: &[u8], max: isize) -> PyResult<&'static Bytes> {
        if self.eof {
            return raise!(cx, EOFError, "End of stream already reached");
        }
        let joined;
        let input = if self.waiting.is_empty() {
            data
        } else {
            self.waiting.extend_from_slice(data);
            joined = std::mem::take(&mut self.waiting);
            &joined
        };
        let limit = usize::try_from(max).unwrap_or(usize::MAX);
        let (mut out, mut at) = (Vec::new(), 0);
        let mut full;
        loop {
            let room = CHUNK.min(limit - out.len());
            let start = out.len();
            out.resize(start + room, 0);
            let step = match self.decoder.step(&input[at..], &mut out[start..]) {
                Ok(step) => step,
                Err(error) => return Err(D::raise(cx, error)),
            };
            out.truncate(start + step.written);
            at += step.read;
            self.eof = step.end;
            full = out.len() == limit;
            // No progress although there was room: more input is needed.
            let stuck = step.read == 0 && step.written == 0;
            if self.eof || full || stuck || (at == input.len() && step.written < room) {
                break;
            }
        }
        let rest = input[at..].to_vec();
        if self.eof {
            self.unused = rest;
            self.needs_input = false;
        } else {
            // With the output full there may be more in the decoder, even without input.
            self.needs_input = rest.is_empty() && !full;
            self.waiting = rest;
        }
        Ok(Bytes::new(cx, &out))
    }
}

/// Declares the object layout and type of a decompressor over [`Unpacker`].
macro_rules! stream_object {
    ($(#[$doc:meta])* $object:ident($state:ty), $class:ident, $spec:ident = $name:literal, $drop:ident, { $($more:tt)* }) => {
        $(#[$doc])*
        #[repr(C)]
        pub struct $object {
            header: ::taipan_runtime::object::Header,
            state: ::std::cell::UnsafeCell<$state>,
        }
        ::taipan_runtime::object!($object, $class);

        unsafe fn $drop(object: *mut ::taipan_runtime::object::Header) {
            // SAFETY: a dead object; its state is dropped once.
            unsafe { ::std::ptr::drop_in_place((*object.cast::<$object>()).state.get()) };
        }

        $(#[$doc])*
        pub static $class: ::taipan_runtime::typeobj::Type = ::taipan_runtime::typeobj::Type::new(&$spec);
        static $spec: ::taipan_runtime::typeobj::TypeSpec = ::taipan_runtime::typeobj::TypeSpec {
            name: $name,
            basicsize: ::std::mem::size_of::<$object>(),
            trace: Some($crate::compress::trace_nothing),
            drop: Some($drop),
            methods: &[$object::METHODS],
            $($more)*
            ..::taipan_runtime::typeobj::TypeSpec::DEFAULT
        };

        impl $object {
            /// A new object. May collect.
            fn make(
                cx: &mut ::taipan_runtime::Cx,
                class: &'static ::taipan_runtime::typeobj::Type,
                state: $state,
            ) -> &'static $object {
                cx.ready_type(class);
                let header = ::taipan_runtime::object::Header::fresh(class);
                cx.alloc_of(class, $object { header, state: ::std::cell::UnsafeCell::new(state) })
            }

            #[allow(clippy::mut_from_ref)]
            fn state(&self) -> &mut $state {
                // SAFETY: the GIL is held, and nothing that uses the state runs Python code.
                unsafe { &mut *self.state.get() }
            }
        }
    };
}
use stream_object;

unsafe fn trace_nothing(_: *mut taipan_runtime::object::Header, _: &mut taipan_gc::Marker) {}

/// Runs an encoder until it makes no more output. `step` is given the rest of the input and room; it returns what was
/// read and written and whether it is done.
fn drain<E>(mut input: &[u8], mut step: impl FnMut(&[u8], &mut [u8]) -> Result<Step, E>) -> Result<Vec<u8>, E> {
    let mut out = Vec::new();
    loop {
        let start = out.len();
        out.resize(start + CHUNK.min(1024.max(input.len()).max(start)), 0);
        let done = step(input, &mut out[start..])?;
        out.truncate(start + done.written);
        input = &input[done.read..];
        if done.end {
            return Ok(out);
        }
    }
}
