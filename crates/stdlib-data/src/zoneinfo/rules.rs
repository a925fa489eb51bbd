//! What a zone says about moments: the transitions of a zone file, and the rule of a TZ string for the time after.

use std::cmp::Ordering;

/// Days from 0001-01-01 to 1970-01-01, the first being day 1.
const EPOCH_ORDINAL: i64 = 719_163;

/// Seconds since 1970 of a local date and time.
pub fn local_seconds(ordinal: i64, hour: i32, minute: i32, second: i32) -> i64 {
    (ordinal - EPOCH_ORDINAL) * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
}

/// An offset with its name; the name is number `id` of the zone's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Seconds east of UTC.
    pub offset: i64,
    /// Seconds of it that are daylight saving.
    pub dst: i64,
    /// Number in the zone's list of values.
    pub id: usize,
}

/// The day of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// Day of the year from 0.
    OfYear(i64),
    /// Day of the year from 1, 29 February not counted.
    Julian(i64),
    /// Weekday `day` (0: Sunday) of week `week` (5: the last) in `month`.
    OfMonth { month: i64, week: i64, day: i64 },
}

/// When the offset changes each year, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    day: Day,
    /// Seconds after midnight.
    time: i64,
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_before_year(year: i64) -> i64 {
    let y = year - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + 1 - EPOCH_ORDINAL
}

impl Change {
    fn seconds(self, year: i64) -> i64 {
        const BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
        let start = days_before_year(year);
        let days = match self.day {
            // As CPython counts: day 0 is the last day of the year before.
            Day::OfYear(n) => start + n - 1,
            Day::Julian(n) => start + n - 1 + i64::from(n >= 59 && is_leap(year)),
            Day::OfMonth { month, week, day } => {
                let leap = |month: i64| i64::from(month > 2 && is_leap(year));
                let first = start + BEFORE[month as usize - 1] + leap(month);
                let length = BEFORE[month as usize] + leap(month + 1) - BEFORE[month as usize - 1] - leap(month);
                // 1970-01-01 was a Thursday, day 4.
                let weekday = (first + 4).rem_euclid(7);
                let mut number = (day - weekday).rem_euclid(7) + (week - 1) * 7;
                if number >= length {
                    number -= 7;
                }
                first + number
            }
        };
        days * 86_400 + self.time
    }
}

/// What holds after the last transition of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// One offset.
    Fixed(Info),
    /// Two that take turns.
    Yearly { std: Info, dst: Info, start: Change, end: Change },
}

fn between(ts: i64, start: i64, end: i64) -> bool {
    if start < end { start <= ts && ts < end } else { !(end <= ts && ts < start) }
}

/// The transitions of a zone.
#[derive(Debug)]
pub struct Zone {
    /// Moments of the transitions.
    pub utc: Vec<i64>,
    /// The same in local time, for fold 0 and fold 1.
    pub local: [Vec<i64>; 2],
    /// What holds after each.
    pub infos: Vec<Info>,
    /// What holds before the first.
    pub before: Option<Info>,
    /// What holds after the last.
    pub after: After,
    /// The offset never changes.
    pub is_fixed: bool,
}

impl Zone {
    /// What holds at a local time.
    pub fn at_local(&self, ts: i64, year: i64, fold: bool) -> Option<Info> {
        let times = &self.local[usize::from(fold)];
        match (times.first(), times.last()) {
            (Some(first), _) if ts < *first => self.before,
            (Some(_), Some(last)) if ts <= *last => {
                let i = times.partition_point(|t| *t <= ts);
                Some(self.infos[i - 1])
            }
            _ => Some(self.after.at_local(ts, year, fold)),
        }
    }

    /// What holds at a moment, and whether the local time has been before.
    pub fn at_utc(&self, ts: i64, year: i64) -> (Option<Info>, bool) {
        let n = self.utc.len();
        if n > 0 && ts < self.utc[0] {
            return (self.before, false);
        }
        if n == 0 || ts > self.utc[n - 1] {
            match self.after {
                After::Yearly { .. } => return self.after.at_utc(ts, year),
                After::Fixed(info) if n == 0 => return (Some(info), false),
                After::Fixed(_) => {}
            }
        }
        let i = self.utc.partition_point(|t| *t <= ts);
        let (previous, info) = if n > 1 && ts >= self.utc[1] {
            (Some(self.infos[i - 2]), self.infos[i - 1])
        } else if ts > self.utc[n - 1] {
            (self.infos.last().copied(), self.after.first())
        } else {
            (self.before, self.infos[0])
        };
        let shift = previous.map_or(0, |p| p.offset - info.offset);
        (Some(info), shift > ts - self.utc[i - 1])
    }
}

impl After {
    /// The offset, or that of standard time.
    pub fn first(&self) -> Info {
        match self {
            After::Fixed(info) => *info,
            After::Yearly { std, .. } => *std,
        }
    }

    fn at_local(&self, ts: i64, year: i64, fold: bool) -> Info {
        let After::Yearly { std, dst, start, end } = *self else { return self.first() };
        let (mut start, mut end) = (start.seconds(year), end.seconds(year));
        let difference = dst.offset - std.offset;
        // With fold 0 the time with the smaller offset begins at the end of the gap and ends at that of the fold.
        if fold == (difference >= 0) {
            end -= difference;
        } else {
            start += difference;
        }
        if between(ts, start, end) { dst } else { std }
    }

    fn at_utc(&self, ts: i64, year: i64) -> (Option<Info>, bool) {
        let After::Yearly { std, dst, start, end } = *self else { return (Some(self.first()), false) };
        let (start, end) = (start.seconds(year) - std.offset, end.seconds(year) - dst.offset);
        let difference = dst.offset - std.offset;
        let info = if between(ts, start, end) { dst } else { std };
        let (from, to) = if difference > 0 { (end, end + difference) } else { (start, start - difference) };
        (Some(info), from <= ts && ts < to)
    }
}

/// The daylight saving part of each offset, which the file does not tell: the difference to a neighbour.
pub fn dst_parts(order: &[usize], offsets: &[i64], is_dst: &[bool]) -> Vec<i64> {
    let mut parts = vec![0; is_dst.len()];
    let wanted = is_dst.iter().filter(|d| **d).count();
    let mut found = 0;
    for i in 1..order.len() {
        if found == wanted {
            return parts;
        }
        let at = order[i];
        if !is_dst[at] || parts[at] != 0 {
            continue;
        }
        let mut part = 0;
        if !is_dst[order[i - 1]] {
            part = offsets[at] - offsets[order[i - 1]];
        }
        if part == 0 && at + 1 < is_dst.len() && i + 1 < order.len() {
            if is_dst[order[i + 1]] {
                continue;
            }
            part = offsets[at] - offsets[order[i + 1]];
        }
        if part != 0 {
            found += 1;
            parts[at] = part;
        }
    }
    // An hour is a better guess than nothing.
    for (part, _) in parts.iter_mut().zip(is_dst).filter(|(part, dst)| **dst && **part == 0) {
        *part = 3600;
    }
    parts
}

/// The transitions in local time, for fold 0 and fold 1.
pub fn local_times(order: &[usize], utc: &[i64], offsets: &[i64]) -> [Vec<i64>; 2] {
    let mut local = [utc.to_vec(), utc.to_vec()];
    let mut previous = offsets.first().copied().unwrap_or(0);
    for (i, at) in order.iter().enumerate() {
        let next = offsets[*at];
        let next_or_only = if offsets.len() > 1 { next } else { previous };
        local[0][i] += previous.max(next_or_only);
        local[1][i] += previous.min(next_or_only);
        previous = next;
    }
    local
}

// ---- TZ strings ----------------------------------------------------------------------------------------

/// A TZ string: names, offsets, and the changes if there is daylight saving.
#[derive(Debug, PartialEq, Eq)]
pub struct TzString {
    /// Name and offset of standard time.
    pub std: (String, i64),
    /// Name and offset of daylight saving time, its start and end.
    pub dst: Option<(String, i64, Change, Change)>,
}

struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn take(&mut self, n: usize) -> &'a str {
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head
    }

    fn run(&mut self, f: impl Fn(u8) -> bool) -> &'a str {
        let n = self.0.bytes().take_while(|b| f(*b)).count();
        self.take(n)
    }

    fn eat(&mut self, b: u8) -> bool {
        let found = self.0.as_bytes().first() == Some(&b);
        if found {
            self.take(1);
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        if self.eat(b'<') {
            let name = self.run(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-');
            return (self.eat(b'>') && !name.is_empty()).then(|| name.to_string());
        }
        let name = self.run(|b| b.is_ascii_alphabetic());
        (!name.is_empty()).then(|| name.to_string())
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
        let text = self.run(|b| b.is_ascii_digit());
        if digits.contains(&text.len()) { text.parse().ok() } else { None }
    }

    /// `[+-]h[hh][:mm[:ss]]` in seconds, with hours up to `most`.
    fn time(&mut self, most: i64) -> Option<i64> {
        let negative = self.eat(b'-');
        if !negative {
            self.eat(b'+');
        }
        let hours = self.number(1..=3).filter(|h| *h <= most)?;
        let (mut minutes, mut seconds) = (0, 0);
        if self.eat(b':') {
            minutes = self.number(2..=2)?;
            if self.eat(b':') {
                seconds = self.number(2..=2)?;
            }
        }
        let total = hours * 3600 + minutes * 60 + seconds;
        Some(if negative { -total } else { total })
    }

    fn change(&mut self) -> Option<Change> {
        let day = if self.eat(b'M') {
            let month = self.number(1..=2).filter(|m| (1..=12).contains(m))?;
            let week = self.eat(b'.').then(|| self.number(1..=1))?.filter(|w| (1..=5).contains(w))?;
            let day = self.eat(b'.').then(|| self.number(1..=1))?.filter(|d| (0..=6).contains(d))?;
            Day::OfMonth { month, week, day }
        } else if self.eat(b'J') {
            Day::Julian(self.number(1..=3).filter(|d| (1..=365).contains(d))?)
        } else {
            Day::OfYear(self.number(1..=3).filter(|d| (0..=365).contains(d))?)
        };
        let time = if self.eat(b'/') { self.time(167)? } else { 7200 };
        Some(Change { day, time })
    }
}

/// Parses a TZ string; the error is a message with the text as `shown`.
pub fn parse_tz(text: &str, shown: &str) -> Result<TzString, String> {
    let invalid = || format!("Malformed TZ string: {shown}");
    let mut rest = Text(text);
    let std_name = rest.name().ok_or_else(invalid)?;
    // A positive number means west.
    let bad_std = || format!("Invalid STD offset in {shown}");
    let std = (std_name, -rest.time(24).ok_or_else(bad_std)?);
    if rest.0.is_empty() {
        return Ok(TzString { std, dst: None });
    }
    if rest.0.starts_with(',') {
        return Err(format!("Extraneous characters at end of TZ string: {shown}"));
    }
    let dst_name = rest.name().ok_or_else(invalid)?;
    let dst_offset = match rest.0.as_bytes().first() {
        None | Some(b',') => std.1 + 3600,
        _ => -rest.time(24).ok_or_else(|| format!("Invalid DST offset in {shown}"))?,
    };
    if rest.0.is_empty() {
        return Err(format!("Missing transition rules in TZ string: {shown}"));
    }
    let bad_rule = || format!("Malformed transition rule in TZ string: {shown}");
    if !rest.eat(b',') {
        return Err(invalid());
    }
    let start = rest.change().ok_or_else(bad_rule)?;
    if !rest.eat(b',') {
        return Err(bad_rule());
    }
    let end = rest.change().ok_or_else(bad_rule)?;
    match rest.0.len().cmp(&0) {
        Ordering::Equal => Ok(TzString { std, dst: Some((dst_name, dst_offset, start, end)) }),
        _ => Err(bad_rule()),
    }
}
