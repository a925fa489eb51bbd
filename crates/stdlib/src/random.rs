//! The module `_random`: the Mersenne Twister.
//!
//! Source: M. Matsumoto and T. Nishimura, "Mersenne Twister" (MT19937), with initialisation by array (2002).

use std::cell::{Cell, UnsafeCell};

use taipan_macros::pymethods;
use taipan_num::big;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{hash, number, sequence};
use taipan_runtime::slots::Slots;
use taipan_runtime::typeobj::{Type, TypeSpec, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise};

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(cx, "_random", "Module implements the Mersenne Twister random number generator.", &[]);
    module.add_type(cx, &RANDOM);
    module
}

const N: usize = 624;
const M: usize = 397;

/// A generator.
#[repr(C)]
pub struct Random {
    header: Header,
    state: UnsafeCell<[u32; N]>,
    index: Cell<usize>,
}
taipan_runtime::object!(Random, RANDOM);

/// The type `_random.Random`.
pub static RANDOM: Type = Type::new(&RANDOM_SPEC);
static RANDOM_SPEC: TypeSpec = TypeSpec {
    name: "_random.Random",
    basicsize: std::mem::size_of::<Random>(),
    flags: flags::BASETYPE,
    slots: Slots { new: Some(new), init: Some(init_slot), ..Slots::NONE },
    methods: &[Random::METHODS],
    doc: "Random() -> create a random number generator with its own internal state.",
    ..TypeSpec::DEFAULT
};

fn new(cx: &mut Cx, class: &'static Type, _: Args) -> PyResult<Value> {
    let random = Random { header: Header::fresh(class), state: UnsafeCell::new([0; N]), index: Cell::new(N) };
    Ok(Value::of(cx.alloc_of(class, random)))
}

fn init_slot(cx: &mut Cx, v: Value, args: Args) -> PyResult<()> {
    // SAFETY: the slot of generators.
    let this = unsafe { v.cast::<Random>() };
    if args.kwnames().is_some() && sequence::refuses_keywords(v.class(), &RANDOM) {
        return raise!(cx, TypeError, "Random() takes no keyword arguments");
    }
    match args.pos() {
        [] => this.seed(cx, None),
        [n] => this.seed(cx, Some(*n)),
        more => raise!(cx, TypeError, "Random expected at most 1 argument, got {}", more.len()),
    }
}

/// Seed words from the operating system.
fn entropy() -> Vec<u32> {
    let mut bytes = [0u8; N * 4];
    // SAFETY: the buffer has that length. Requests above 256 bytes may be cut short; zeros then remain.
    unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    bytes.chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}

/// The magnitude of an int as 32-bit words, least significant first.
fn words_of(v: Value) -> Vec<u32> {
    let Some(w) = int::view(v) else { return vec![0] };
    let (mut words, mut acc, mut bits) = (Vec::new(), 0u64, 0);
    for digit in w.digits() {
        acc |= u64::from(*digit) << bits;
        bits += 30;
        if bits >= 32 {
            words.push(acc as u32);
            acc >>= 32;
            bits -= 32;
        }
    }
    if acc != 0 || words.is_empty() {
        words.push(acc as u32);
    }
    words
}

impl Random {
    #[allow(clippy::mut_from_ref)]
    fn state(&self) -> &mut [u32; N] {
        // SAFETY: the GIL gives exclusive access; no caller keeps the reference across calls.
        unsafe { &mut *self.state.get() }
    }

    fn init_with(&self, seed: u32) {
        let state = self.state();
        state[0] = seed;
        for i in 1..N {
            let previous = state[i - 1];
            state[i] = 1812433253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        self.index.set(N);
    }

    fn init_by_array(&self, key: &[u32]) {
        self.init_with(19650218);
        let state = self.state();
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1664525);
            state[i] = (state[i] ^ mixed).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 1..N {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1566083941);
            state[i] = (state[i] ^ mixed).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
    }

    fn seed(&self, cx: &mut Cx, n: Option<Value>) -> PyResult<()> {
        let Some(n) = n.filter(|n| !n.is_none()) else {
            self.init_by_array(&entropy());
            return Ok(());
        };
        let n = if n.is_small() || n.exact_class(&int::INT) {
            n
        } else {
            let h = hash::hash(cx, n)?;
            cx.int_u64(h as u64)
        };
        self.init_by_array(&words_of(n));
        Ok(())
    }

    fn refill(&self) {
        let state = self.state();
        for i in 0..N {
            let y = (state[i] & 0x8000_0000) | (state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if y & 1 != 0 { 0x9908_b0df } else { 0 };
            state[i] = state[(i + M) % N] ^ (y >> 1) ^ odd;
        }
        self.index.set(0);
    }

    #[inline]
    fn next_u32(&self) -> u32 {
        if self.index.get() >= N {
            self.refill();
        }
        let i = self.index.get();
        let mut y = self.state()[i];
        self.index.set(i + 1);
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }
}

#[pymethods]
impl Random {
    /// random() -> x in the interval [0, 1).
    #[py("($self, /)")]
    fn random(_cx: &mut Cx, this: &'static Random) -> f64 {
        let (a, b) = (this.next_u32() >> 5, this.next_u32() >> 6);
        (f64::from(a) * 67108864.0 + f64::from(b)) * (1.0 / 9007199254740992.0)
    }

    /// seed([n]) -> None.
    ///
    /// Defaults to use urandom and falls back to a combination
    /// of the current time and the process identifier.
    #[py("($self, n=None, /)", name = "seed")]
    fn py_seed(cx: &mut Cx, this: &'static Random, n: Option<Value>) -> PyResult<()> {
        this.seed(cx, n)
    }

    /// getrandbits(k) -> x.  Generates an int with k random bits.
    #[py("($self, k, /)")]
    fn getrandbits(cx: &mut Cx, this: &'static Random, k: Value) -> PyResult<Value> {
        let k = number::index(cx, k)?;
        if int::view(k).is_some_and(|w| w.negative) {
            return raise!(cx, ValueError, "Cannot convert negative int");
        }
        let k = match int::as_i64(k) {
            Some(k) if (k as u64) < 1 << 40 => k as u64,
            _ => return Err(cx.memory_error()),
        };
        if k == 0 {
            return Ok(Value::small(0));
        }
        if k <= 32 {
            return Ok(Value::small(i64::from(this.next_u32() >> (32 - k))));
        }
        cx.check_room::<u32>((k / 16) as usize)?;
        let (mut digits, mut acc, mut bits, mut left) = (Vec::new(), 0u64, 0u32, k);
        while left > 0 {
            let mut word = this.next_u32();
            if left < 32 {
                word >>= 32 - left;
            }
            left = left.saturating_sub(32);
            acc |= u64::from(word) << bits;
            bits += 32;
            while bits >= big::SHIFT {
                digits.push(acc as u32 & big::MASK);
                acc >>= big::SHIFT;
                bits -= big::SHIFT;
            }
        }
        digits.push(acc as u32);
        big::normalize(&mut digits);
        Ok(cx.int_from_digits(false, &digits))
    }

    /// getstate() -> tuple containing the current state.
    #[py("($self, /)")]
    fn getstate(cx: &mut Cx, this: &'static Random) -> &'static Tuple {
        let items = List::with_capacity(cx, N + 1);
        for word in *this.state() {
            items.push(cx, Value::small(i64::from(word)));
        }
        items.push(cx, Value::small(this.index.get() as i64));
        Tuple::new(cx, items.items())
    }

    /// setstate(state) -> None.  Restores generator state.
    #[py("($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &'static Random, state: Value) -> PyResult<()> {
        let Some(state) = state.downcast::<Tuple>() else {
            return raise!(cx, TypeError, "state vector must be a tuple");
        };
        if state.len() != N + 1 {
            return raise!(cx, ValueError, "state vector is the wrong size");
        }
        let mut new = [0; N];
        for (slot, item) in new.iter_mut().zip(state.items()) {
            let word = number::index(cx, *item)?;
            match int::as_i64(word) {
                Some(i) if i >= 0 => *slot = i as u32,
                _ if int::view(word).is_some_and(|w| w.negative) => {
                    return raise!(cx, OverflowError, "can't convert negative value to unsigned int");
                }
                _ => return raise!(cx, OverflowError, "Python int too large to convert to C unsigned long"),
            }
        }
        let index = number::to_i64(cx, state.items()[N])?;
        if !(0..=N as i64).contains(&index) {
            return raise!(cx, ValueError, "invalid state");
        }
        *this.state() = new;
        this.index.set(index as usize);
        Ok(())
    }
}
