//! Times the integer and float kernels: `cargo run --release -p taipan-num --example bench`.

use std::hint::black_box;
use std::time::Instant;
use taipan_num::{big, float};

fn number(digits: usize, seed: u32) -> Vec<u32> {
    let mut x = seed;
    let mut step = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 2) | 1
    };
    (0..digits).map(|_| step()).collect()
}

fn time(name: &str, mut f: impl FnMut()) {
    let mut n = 1u32;
    loop {
        let start = Instant::now();
        (0..n).for_each(|_| f());
        let t = start.elapsed();
        if t.as_millis() > 60 {
            println!("{name:28} {:10.1} ns", t.as_secs_f64() * 1e9 / f64::from(n));
            return;
        }
        n *= 2;
    }
}

fn main() {
    let (mut q, mut r) = (Vec::new(), Vec::new());
    for n in [1, 2, 4, 10, 30, 100, 300, 1000, 10000] {
        let (a, b) = (number(n, 1), number(n, 2));
        let wide = number(2 * n, 3);
        time(&format!("add {n}"), || _ = black_box(big::add(false, black_box(&a), false, &b, &mut q)));
        time(&format!("mul {n}"), || _ = black_box(big::mul(false, black_box(&a), false, &b, &mut q)));
        time(&format!("divmod {}/{n}", 2 * n), || {
            _ = black_box(big::divmod(false, black_box(&wide), false, &b, &mut q, &mut r))
        });
        time(&format!("gcd {n}"), || big::gcd(black_box(&a), &b, &mut q));
        let mut s = String::new();
        time(&format!("to_decimal {n}"), || {
            s.clear();
            big::to_decimal(black_box(&a), &mut s);
        });
        time(&format!("from_decimal {n}"), || _ = black_box(big::from_decimal(s.as_bytes(), &mut q)));
    }
    for x in [0.1, 1.0 / 3.0, 1e22, 12.5, 3.0] {
        time(&format!("repr {x}"), || _ = black_box(float::repr(black_box(x))));
    }
    time("format .2f", || _ = black_box(float::format(black_box(3.25159), 'f', 2, float::Flags::default())));
    time("parse", || _ = black_box(float::parse(black_box(b"3.14159265358979"))));
    time("round 2", || _ = black_box(float::round(black_box(3.25159), 2)));
}
