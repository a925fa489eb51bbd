//! The digest algorithms behind one type; the crates do the work.

use sha3::Digest;
use shake::{ExtendableOutput, Update, XofReader};

/// A fixed set of algorithms as an enum with the operations they share.
macro_rules! engines {
    ($($variant:ident($ty:ty) $name:literal $block:literal $size:literal),* $(,)?) => {
        /// An algorithm and what it has been fed.
        #[derive(Clone)]
        pub enum Engine {
            $(#[doc = $name] $variant($ty),)*
            /// shake_128.
            Shake128(Box<shake::Shake128>),
            /// shake_256.
            Shake256(Box<shake::Shake256>),
            /// blake2b, with all its parameters.
            Blake2b(Box<blake2b_simd::State>, u8),
            /// blake2s, with all its parameters.
            Blake2s(Box<blake2s_simd::State>, u8),
        }

        impl Engine {
            /// The algorithm of this name.
            pub fn new(name: &str) -> Option<Engine> {
                Some(match name {
                    $($name => Engine::$variant(<$ty>::new()),)*
                    "shake_128" => Engine::Shake128(Box::default()),
                    "shake_256" => Engine::Shake256(Box::default()),
                    "blake2b" => Engine::Blake2b(Box::new(blake2b_simd::State::new()), 64),
                    "blake2s" => Engine::Blake2s(Box::new(blake2s_simd::State::new()), 32),
                    _ => return None,
                })
            }

            /// Its name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Engine::$variant(_) => $name,)*
                    Engine::Shake128(_) => "shake_128",
                    Engine::Shake256(_) => "shake_256",
                    Engine::Blake2b(..) => "blake2b",
                    Engine::Blake2s(..) => "blake2s",
                }
            }

            /// Bytes of a block.
            pub fn block_size(&self) -> usize {
                match self {
                    $(Engine::$variant(_) => $block,)*
                    Engine::Shake128(_) => 168,
                    Engine::Shake256(_) => 136,
                    Engine::Blake2b(..) => 128,
                    Engine::Blake2s(..) => 64,
                }
            }

            /// Bytes of a digest; 0 if it can have any length.
            pub fn digest_size(&self) -> usize {
                match self {
                    $(Engine::$variant(_) => $size,)*
                    Engine::Shake128(_) | Engine::Shake256(_) => 0,
                    Engine::Blake2b(_, n) | Engine::Blake2s(_, n) => *n as usize,
                }
            }

            /// Feeds it.
            pub fn update(&mut self, data: &[u8]) {
                match self {
                    $(Engine::$variant(state) => Digest::update(state, data),)*
                    Engine::Shake128(state) => Update::update(&mut **state, data),
                    Engine::Shake256(state) => Update::update(&mut **state, data),
                    Engine::Blake2b(state, _) => { state.update(data); }
                    Engine::Blake2s(state, _) => { state.update(data); }
                }
            }

            /// The digest, of `len` bytes if the algorithm leaves that open.
            pub fn digest(&self, len: usize) -> Vec<u8> {
                match self {
                    $(Engine::$variant(state) => state.clone().finalize().to_vec(),)*
                    Engine::Shake128(state) => squeeze((**state).clone(), len),
                    Engine::Shake256(state) => squeeze((**state).clone(), len),
                    Engine::Blake2b(state, _) => state.finalize().as_bytes().to_vec(),
                    Engine::Blake2s(state, _) => state.finalize().as_bytes().to_vec(),
                }
            }
        }
    };
}

engines! {
    Md5(md5::Md5) "md5" 64 16,
    Sha1(sha1::Sha1) "sha1" 64 20,
    Sha224(sha2::Sha224) "sha224" 64 28,
    Sha256(sha2::Sha256) "sha256" 64 32,
    Sha384(sha2::Sha384) "sha384" 128 48,
    Sha512(sha2::Sha512) "sha512" 128 64,
    Sha512x224(sha2::Sha512_224) "sha512_224" 128 28,
    Sha512x256(sha2::Sha512_256) "sha512_256" 128 32,
    Sha3x224(sha3::Sha3_224) "sha3_224" 144 28,
    Sha3x256(sha3::Sha3_256) "sha3_256" 136 32,
    Sha3x384(sha3::Sha3_384) "sha3_384" 104 48,
    Sha3x512(sha3::Sha3_512) "sha3_512" 72 64,
}

fn squeeze(state: impl ExtendableOutput, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    state.finalize_xof().read(&mut out);
    out
}

impl Engine {
    /// Digests may have any length.
    pub fn is_extendable(&self) -> bool {
        matches!(self, Engine::Shake128(_) | Engine::Shake256(_))
    }
}

/// HMAC (RFC 2104) with any of the algorithms.
#[derive(Clone)]
pub struct Hmac {
    inner: Engine,
    outer: Engine,
}

impl Hmac {
    /// Keyed; None for algorithms without a digest size.
    pub fn new(algorithm: &str, key: &[u8]) -> Option<Hmac> {
        let mut inner = Engine::new(algorithm).filter(|e| !e.is_extendable())?;
        let mut outer = inner.clone();
        let mut block = vec![0u8; inner.block_size()];
        if key.len() > block.len() {
            let mut hashed = inner.clone();
            hashed.update(key);
            let digest = hashed.digest(0);
            block[..digest.len()].copy_from_slice(&digest);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        inner.update(&block.iter().map(|b| b ^ 0x36).collect::<Vec<u8>>());
        outer.update(&block.iter().map(|b| b ^ 0x5c).collect::<Vec<u8>>());
        Some(Hmac { inner, outer })
    }

    /// The algorithm.
    pub fn engine(&self) -> &Engine {
        &self.inner
    }

    /// Feeds it.
    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    /// The code of what it was fed.
    pub fn digest(&self) -> Vec<u8> {
        let mut outer = self.outer.clone();
        outer.update(&self.inner.digest(0));
        outer.digest(0)
    }
}

/// PBKDF2 (RFC 8018) with HMAC; None for algorithms that have no HMAC.
pub fn pbkdf2(algorithm: &str, password: &[u8], salt: &[u8], rounds: u32, len: usize) -> Option<Vec<u8>> {
    let keyed = Hmac::new(algorithm, password)?;
    let mut out = Vec::with_capacity(len);
    let mut block = 1u32;
    while out.len() < len {
        let mut first = keyed.clone();
        first.update(salt);
        first.update(&block.to_be_bytes());
        let mut last = first.digest();
        let mut sum = last.clone();
        for _ in 1..rounds {
            let mut next = keyed.clone();
            next.update(&last);
            last = next.digest();
            sum.iter_mut().zip(&last).for_each(|(a, b)| *a ^= b);
        }
        let missing = (len - out.len()).min(sum.len());
        out.extend_from_slice(&sum[..missing]);
        block = block.wrapping_add(1);
    }
    Some(out)
}

/// scrypt (RFC 7914) for `n` a power of two.
pub fn scrypt(password: &[u8], salt: &[u8], n: usize, r: usize, p: usize, len: usize) -> Vec<u8> {
    let mut blocks = pbkdf2("sha256", password, salt, 1, p * 128 * r).unwrap_or_default();
    for part in blocks.chunks_exact_mut(128 * r) {
        let mut words: Vec<u32> = part.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        mix_rom(&mut words, n);
        for (bytes, word) in part.as_chunks_mut::<4>().0.iter_mut().zip(&words) {
            *bytes = word.to_le_bytes();
        }
    }
    pbkdf2("sha256", password, &blocks, 1, len).unwrap_or_default()
}

fn mix_rom(x: &mut Vec<u32>, n: usize) {
    let size = x.len();
    let mut table = Vec::with_capacity(n * size);
    let mut scratch = vec![0u32; size];
    for _ in 0..n {
        table.extend_from_slice(x);
        mix_blocks(x, &mut scratch);
    }
    for _ in 0..n {
        let last = size - 16;
        let j = (u64::from(x[last]) | u64::from(x[last + 1]) << 32) as usize & (n - 1);
        x.iter_mut().zip(&table[j * size..]).for_each(|(a, b)| *a ^= b);
        mix_blocks(x, &mut scratch);
    }
}

/// scryptBlockMix.
fn mix_blocks(x: &mut Vec<u32>, out: &mut Vec<u32>) {
    let count = x.len() / 16;
    let mut block: [u32; 16] = std::array::from_fn(|i| x[x.len() - 16 + i]);
    for i in 0..count {
        block.iter_mut().zip(&x[i * 16..]).for_each(|(a, b)| *a ^= b);
        salsa20_8(&mut block);
        // Even blocks first, then odd ones.
        let at = if i % 2 == 0 { i / 2 } else { count / 2 + i / 2 };
        out[at * 16..at * 16 + 16].copy_from_slice(&block);
    }
    std::mem::swap(x, out);
}

fn salsa20_8(block: &mut [u32; 16]) {
    let mut x = *block;
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    };
    for _ in 0..4 {
        quarter(0, 4, 8, 12);
        quarter(5, 9, 13, 1);
        quarter(10, 14, 2, 6);
        quarter(15, 3, 7, 11);
        quarter(0, 1, 2, 3);
        quarter(5, 6, 7, 4);
        quarter(10, 11, 8, 9);
        quarter(15, 12, 13, 14);
    }
    block.iter_mut().zip(&x).for_each(|(a, b)| *a = a.wrapping_add(*b));
}
