//! The proleptic Gregorian calendar, and the texts of ISO 8601. No Python here.

/// First year.
pub const MIN_YEAR: i32 = 1;
/// Last year.
pub const MAX_YEAR: i32 = 9999;
/// Ordinal of 9999-12-31.
pub const MAX_ORDINAL: i64 = 3_652_059;
/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;
/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;

pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
pub const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const BEFORE_MONTH: [i32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_year(year: i32) -> i64 {
    let y = i64::from(year) - 1;
    y * 365 + y / 4 - y / 100 + y / 400
}

/// Days of the year before a date.
pub fn days_before_month(year: i32, month: i32) -> i32 {
    BEFORE_MONTH[month as usize] + i32::from(month > 2 && is_leap(year))
}

/// Ordinal of a date; 0001-01-01 is 1.
pub fn ordinal(year: i32, month: i32, day: i32) -> i64 {
    days_before_year(year) + i64::from(days_before_month(year, month) + day)
}

/// The date of an ordinal.
pub fn from_ordinal(ordinal: i64) -> (i32, i32, i32) {
    let n = ordinal - 1;
    let (n400, n) = (n.div_euclid(146_097), n.rem_euclid(146_097));
    let (n100, n) = (n / 36_524, n % 36_524);
    let (n4, n) = (n / 1461, n % 1461);
    let (n1, n) = (n / 365, n % 365);
    let year = (n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1) as i32;
    if n1 == 4 || n100 == 4 {
        return (year - 1, 12, 31);
    }
    let n = n as i32;
    let mut month = (n + 50) >> 5;
    if days_before_month(year, month) > n {
        month -= 1;
    }
    (year, month, n - days_before_month(year, month) + 1)
}

/// Monday is 0.
pub fn weekday(year: i32, month: i32, day: i32) -> i32 {
    ((ordinal(year, month, day) + 6) % 7) as i32
}

/// Ordinal of the Monday of the first ISO week.
pub fn iso_week1(year: i32) -> i64 {
    let first = ordinal(year, 1, 1);
    let day = (first + 6) % 7;
    let monday = first - day;
    if day > 3 { monday + 7 } else { monday }
}

/// ISO year, week, day.
pub fn iso_calendar(year: i32, month: i32, day: i32) -> (i32, i32, i32) {
    let today = ordinal(year, month, day);
    let (mut year, mut first) = (year, iso_week1(year));
    if today < first {
        year -= 1;
        first = iso_week1(year);
    } else if today >= iso_week1(year + 1) {
        year += 1;
        first = iso_week1(year);
    }
    let n = (today - first) as i32;
    (year, n / 7 + 1, n % 7 + 1)
}

/// What is wrong with an ISO week date.
pub enum IsoError {
    Year,
    Week,
    Day,
}

/// The ordinal of an ISO week date.
pub fn from_iso_calendar(year: i64, week: i64, day: i64) -> Result<i64, IsoError> {
    if !(1..=9999).contains(&year) {
        return Err(IsoError::Year);
    }
    let year = year as i32;
    if !(1..=52).contains(&week) {
        let first = weekday(year, 1, 1);
        let is_long = first == 3 || (first == 2 && is_leap(year));
        if week != 53 || !is_long {
            return Err(IsoError::Week);
        }
    }
    if !(1..=7).contains(&day) {
        return Err(IsoError::Day);
    }
    Ok(iso_week1(year) + (week - 1) * 7 + day - 1)
}

/// `n / d` rounded to the nearest, halves to even; `d` is not 0.
pub fn divide_nearest(n: i128, d: i128) -> i128 {
    let (mut q, mut r) = (n.div_euclid(d), n.rem_euclid(d));
    if d < 0 {
        // div_euclid rounds away from the floor for negative divisors.
        if r != 0 {
            q -= 1;
            r += d;
        }
        r = -r;
    }
    let twice = 2 * r.unsigned_abs();
    let size = d.unsigned_abs();
    if twice > size || (twice == size && q & 1 != 0) { q + 1 } else { q }
}

// ---- texts -----------------------------------------------------------------------------------------

/// `+HH:MM[:SS[.ffffff]]`, with this separator.
pub fn offset_text(micros: i64, separator: &str) -> String {
    let (sign, micros) = if micros < 0 { ('-', -micros) } else { ('+', micros) };
    let (seconds, fraction) = (micros / SECOND, micros % SECOND);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{sign}{h:02}{separator}{m:02}");
    if s != 0 || fraction != 0 {
        text += &format!("{separator}{s:02}");
    }
    if fraction != 0 {
        text += &format!(".{fraction:06}");
    }
    text
}

/// A time of day as parsed.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub micro: i32,
}

fn digits(text: &[u8], n: usize) -> Option<(i32, &[u8])> {
    let (head, rest) = text.split_at_checked(n)?;
    let mut value = 0;
    for b in head {
        value = value * 10 + i32::from(char::from(*b).to_digit(10)? as u8);
    }
    Some((value, rest))
}

/// What a date text means: a date or an ISO week date.
pub enum DateText {
    Plain(i32, i32, i32),
    Week(i32, i32, i32),
}

/// A date without anything after it.
pub fn parse_date(text: &[u8]) -> Option<DateText> {
    if !matches!(text.len(), 7 | 8 | 10) {
        return None;
    }
    let (year, rest) = digits(text, 4)?;
    let separated = rest.first() == Some(&b'-');
    let rest = if separated { &rest[1..] } else { rest };
    if rest.first() == Some(&b'W') {
        let (week, rest) = digits(&rest[1..], 2)?;
        return match rest {
            [] => Some(DateText::Week(year, week, 1)),
            [b'-', rest @ ..] if separated => only(digits(rest, 1)?, |d| DateText::Week(year, week, d)),
            rest if !separated => only(digits(rest, 1)?, |d| DateText::Week(year, week, d)),
            _ => None,
        };
    }
    let (month, rest) = digits(rest, 2)?;
    let rest = match (separated, rest) {
        (true, [b'-', rest @ ..]) => rest,
        (false, rest) => rest,
        _ => return None,
    };
    only(digits(rest, 2)?, |day| DateText::Plain(year, month, day))
}

fn only<T>((value, rest): (i32, &[u8]), make: impl FnOnce(i32) -> T) -> Option<T> {
    rest.is_empty().then(|| make(value))
}

/// `HH[:MM[:SS[.f+]]]` or the same without colons.
fn parse_clock(text: &[u8]) -> Option<Clock> {
    let mut clock = Clock::default();
    let (hour, mut rest) = digits(text, 2)?;
    clock.hour = hour;
    let separated = rest.first() == Some(&b':');
    for is_second in [false, true] {
        if rest.is_empty() {
            return Some(clock);
        }
        if separated {
            rest = rest.strip_prefix(b":")?;
        }
        let (value, after) = digits(rest, 2)?;
        rest = after;
        *(if is_second { &mut clock.second } else { &mut clock.minute }) = value;
    }
    if rest.is_empty() {
        return Some(clock);
    }
    if !matches!(rest[0], b'.' | b',') {
        return None;
    }
    let fraction = &rest[1..];
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(6)];
    let (value, _) = digits(kept, kept.len())?;
    clock.micro = value * 10i32.pow(6 - kept.len() as u32);
    Some(clock)
}

/// A zone as parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zone {
    None,
    Utc,
    /// Microseconds east.
    Offset(i64),
}

/// A time with or without a zone; None for errors.
pub fn parse_time(text: &[u8]) -> Option<(Clock, Zone)> {
    let at = text.iter().position(|b| matches!(b, b'+' | b'-' | b'Z'));
    let Some(at) = at else { return Some((parse_clock(text)?, Zone::None)) };
    let clock = parse_clock(&text[..at])?;
    let zone = &text[at + 1..];
    if text[at] == b'Z' {
        return zone.is_empty().then_some((clock, Zone::Utc));
    }
    let offset = parse_clock(zone)?;
    // What follows is no clock time, but its parts must be.
    if offset.minute > 59 || offset.second > 59 {
        return None;
    }
    let seconds = i64::from(offset.hour) * 3600 + i64::from(offset.minute) * 60 + i64::from(offset.second);
    let micros = seconds * SECOND + i64::from(offset.micro);
    let zone = match micros {
        0 => Zone::Utc,
        n if text[at] == b'-' => Zone::Offset(-n),
        n => Zone::Offset(n),
    };
    Some((clock, zone))
}

/// Where the date ends in a date and time.
pub fn date_end(text: &[u8]) -> usize {
    let len = text.len();
    if len == 7 {
        return 7;
    }
    let at = |i: usize| text.get(i).copied().unwrap_or(0);
    if at(4) == b'-' {
        if at(5) == b'W' {
            if len > 8 && at(8) == b'-' {
                // "YYYY-Www-D", or "YYYY-Www" and a time after "-".
                if len > 10 && at(10).is_ascii_digit() { 8 } else { 10 }
            } else {
                8
            }
        } else {
            10
        }
    } else if at(4) == b'W' {
        let end = (7..len).find(|i| !text[*i].is_ascii_digit()).unwrap_or(len);
        match end {
            end if end < 9 => end,
            end if end % 2 == 0 => 7,
            _ => 8,
        }
    } else {
        8
    }
}
