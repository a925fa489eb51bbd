//! Operations on doubles that compiled code calls; see their rows in `helpers.rs`.

use taipan_runtime::Cx;
use taipan_runtime::types::float;

/// `x ** y` of doubles.
pub extern "C" fn pow(_: &mut Cx, x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// `x ** 2.0` as [`pow`] gives it: the double nearest to the square, unless that is nearly as far as the second nearest. Then
/// libm's errs now and then.
pub extern "C" fn square(_: &mut Cx, x: f64) -> f64 {
    squared(x)
}

fn squared(x: f64) -> f64 {
    /// Of the distance between neighbouring doubles: so near a square is to its nearest double where libm's errors, which are
    /// below 0.55, cannot lead elsewhere.
    const NEAR: f64 = 0.44;
    const EXPONENT: u64 = 0x7ff << 52;
    let p = x * x;
    let error = x.mul_add(x, -p);
    let exponent = p.to_bits() & EXPONENT;
    // Not where results are tiny or infinite, and not at powers of two, below which doubles lie closer.
    if (200 << 52..1800 << 52).contains(&exponent) {
        let distance = f64::from_bits(exponent - (52 << 52));
        if error == 0.0 || error.abs() < NEAR * distance && p.to_bits() != exponent {
            return p;
        }
    }
    x.powf(2.0)
}

/// `hypot(x, y)` of doubles.
pub extern "C" fn hypot(_: &mut Cx, x: f64, y: f64) -> f64 {
    x.hypot(y)
}

/// The bits of `hypot(x, y)` of doubles with these bits.
pub extern "C" fn hypot_bits(_: &mut Cx, x: u64, y: u64) -> u64 {
    f64::from_bits(x).hypot(f64::from_bits(y)).to_bits()
}

/// Functions of `math` on doubles, as that module computes them.
macro_rules! elementary {
    ($($name:ident = $method:ident),* $(,)?) => {
        $(
            #[doc = concat!("`math.", stringify!($name), "(x)` of doubles.")]
            pub extern "C" fn $name(_: &mut Cx, x: f64) -> f64 {
                x.$method()
            }
        )*
    };
}

elementary! {
    sin = sin, cos = cos, tan = tan, asin = asin, acos = acos, atan = atan, tanh = tanh, exp = exp, log = ln, log2 = log2, log10 = log10,
}

/// The sine and the cosine of a double.
#[repr(C)]
pub struct SineAndCosine(f64, f64);

/// Both of one number, as [`sin`] and [`cos`] give them, in about the time of one.
pub extern "C" fn sin_cos(_: &mut Cx, x: f64) -> SineAndCosine {
    let (sine, cosine) = both(x);
    SineAndCosine(sine, cosine)
}

#[cfg(target_os = "linux")]
fn both(x: f64) -> (f64, f64) {
    unsafe extern "C" {
        fn sincos(x: f64, sine: *mut f64, cosine: *mut f64);
    }
    let (mut sine, mut cosine) = (0.0, 0.0);
    // SAFETY: libm's function writes to these two.
    unsafe { sincos(x, &raw mut sine, &raw mut cosine) };
    (sine, cosine)
}

#[cfg(not(target_os = "linux"))]
fn both(x: f64) -> (f64, f64) {
    (x.sin(), x.cos())
}

/// `math.atan2(y, x)` of doubles.
pub extern "C" fn atan2(_: &mut Cx, y: f64, x: f64) -> f64 {
    y.atan2(x)
}

/// `x % y` of doubles.
pub extern "C" fn modulo(_: &mut Cx, x: f64, y: f64) -> f64 {
    float::floor_mod(x, y)
}

/// `x // y` of doubles.
pub extern "C" fn floor_div(_: &mut Cx, x: f64, y: f64) -> f64 {
    float::floor_div(x, y)
}

/// Whether two doubles have the same bits, as 0 or 1.
pub extern "C" fn same(_: &mut Cx, a: f64, b: f64) -> u64 {
    (a.to_bits() == b.to_bits()) as u64
}

#[cfg(test)]
mod tests {
    #[test]
    fn sines_and_cosines_are_those_of_libm() {
        let mut seed = 88172645463325252u64;
        for i in 0..2_000_000u64 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            // Of all exponents, and many from below 1 to some thousands.
            let x =
                if i % 4 == 0 { f64::from_bits(seed) } else { (seed >> 20) as f64 / (1u64 << (32 + i % 13)) as f64 };
            if x.is_finite() {
                let (sine, cosine) = super::both(x);
                assert_eq!((sine.to_bits(), cosine.to_bits()), (x.sin().to_bits(), x.cos().to_bits()), "{x:?}");
            }
        }
    }

    #[test]
    fn squares_are_those_of_libm() {
        let mut seed = 88172645463325252u64;
        for i in 0..2_000_000u64 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            // Of all exponents, and many near 1.
            let bits = if i % 2 == 0 { seed } else { seed >> 12 | 0x3ff << 52 };
            let x = f64::from_bits(bits);
            if !x.is_nan() {
                assert_eq!(super::squared(x).to_bits(), x.powf(2.0).to_bits(), "{x:?}");
            }
        }
    }
}
