//! Passes the compiler's version and the date to `sys.version`.

use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok();
    let version = version.and_then(|o| String::from_utf8(o.stdout).ok()).unwrap_or_default();
    let short: Vec<&str> = version.split_whitespace().take(2).collect();
    println!("cargo::rustc-env=TAIPAN_RUSTC={}", short.join(" "));
    println!("cargo::rustc-env=TAIPAN_BUILD_DATE={}", date());
    println!("cargo::rerun-if-changed=build.rs");
}

/// Today, or the day of `SOURCE_DATE_EPOCH`, as CPython writes it: `Nov  3 2026, 12:00:00`.
fn date() -> String {
    let now = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse::<u64>().ok()).unwrap_or_else(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs())
    });
    let (days, seconds) = (now / 86400, now % 86400);
    // Days from 0000-03-01 (Howard Hinnant's civil_from_days).
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {day:2} {year}, {hour:02}:{minute:02}:{second:02}", names[month as usize - 1])
}
