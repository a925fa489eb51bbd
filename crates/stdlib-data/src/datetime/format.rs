//! `strftime` and `isoformat`.

use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::types::bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

use super::calendar::{Clock, offset_text};
use super::tzinfo;

/// Replaces what the C library does not know: `%z`, `%:z`, `%Z`, `%f`; then calls `time.strftime`.
pub fn strftime(
    cx: &mut Cx,
    v: Value,
    zone: Option<Value>,
    zone_arg: Value,
    micro: i32,
    format: &'static Str,
    tuple: Value,
) -> PyResult<Value> {
    let text = format.to_code_points();
    let mut out: Vec<u32> = Vec::with_capacity(text.len());
    let push = |out: &mut Vec<u32>, text: &str| out.extend(text.chars().map(u32::from));
    let mut i = 0;
    while i < text.len() {
        let c = text[i];
        let next = text.get(i + 1).copied().and_then(char::from_u32);
        if c != u32::from('%') || next.is_none() {
            out.push(c);
            i += 1;
            continue;
        }
        let colon = next == Some(':') && text.get(i + 2).copied() == Some(u32::from('z'));
        match next {
            Some('z') => {
                let offset = tzinfo::offset_of(cx, zone, zone_arg)?;
                push(&mut out, &offset.map_or(String::new(), |o| offset_text(o, "")));
                i += 2;
            }
            Some(':') if colon => {
                let offset = tzinfo::offset_of(cx, zone, zone_arg)?;
                push(&mut out, &offset.map_or(String::new(), |o| offset_text(o, ":")));
                i += 3;
            }
            Some('Z') => {
                let name = tzinfo::name_of(cx, zone, zone_arg)?;
                if let Some(name) = name.downcast::<Str>() {
                    for c in name.chars() {
                        // A percent sign must survive the C library.
                        out.extend(std::iter::repeat_n(c, if c == u32::from('%') { 2 } else { 1 }));
                    }
                }
                i += 2;
            }
            Some('f') => {
                push(&mut out, &format!("{micro:06}"));
                i += 2;
            }
            Some('Y' | 'G') => {
                // The C library does not pad years; Python does.
                let year = year_of(cx, v, next == Some('G'))?;
                push(&mut out, &format!("{year:04}"));
                i += 2;
            }
            Some('F') => {
                let year = year_of(cx, v, false)?;
                push(&mut out, &format!("{year:04}-%m-%d"));
                i += 2;
            }
            Some('C') => {
                let year = year_of(cx, v, false)?;
                push(&mut out, &format!("{:02}", year / 100));
                i += 2;
            }
            _ => {
                out.extend_from_slice(&text[i..i + 2]);
                i += 2;
            }
        }
    }
    let format = Value::of(Str::from_code_points(cx, &out));
    let f = import_attr(cx, "time", "strftime")?;
    cx.call(f, &[format, tuple])
}

/// The year, or the ISO year, of what is formatted; 1900 for times.
fn year_of(_: &mut Cx, v: Value, iso: bool) -> PyResult<i32> {
    match v.downcast::<super::date::Date>() {
        None => Ok(1900),
        Some(date) => {
            let (y, m, d) = date.ymd();
            Ok(if iso { super::calendar::iso_calendar(y, m, d).0 } else { y })
        }
    }
}

/// The text of a time of day with the precision that `timespec` names.
pub fn clock_text(cx: &mut Cx, clock: Clock, timespec: Option<&'static Str>) -> PyResult<String> {
    let Clock { hour, minute, second, micro } = clock;
    let spec = timespec.map_or("auto".to_string(), |s| s.to_string_lossy());
    Ok(match (spec.as_str(), micro) {
        ("auto", 0) | ("seconds", _) => format!("{hour:02}:{minute:02}:{second:02}"),
        ("auto" | "microseconds", _) => format!("{hour:02}:{minute:02}:{second:02}.{micro:06}"),
        ("hours", _) => format!("{hour:02}"),
        ("minutes", _) => format!("{hour:02}:{minute:02}"),
        ("milliseconds", _) => format!("{hour:02}:{minute:02}:{second:02}.{:03}", micro / 1000),
        _ => return raise!(cx, ValueError, "Unknown timespec value"),
    })
}

/// The offset behind a time, or nothing.
pub fn zone_text(cx: &mut Cx, zone: Option<Value>, arg: Value) -> PyResult<String> {
    Ok(tzinfo::offset_of(cx, zone, arg)?.map_or(String::new(), |o| offset_text(o, ":")))
}

/// The hash of state bytes.
pub fn hash_bytes(data: &[u8]) -> i64 {
    let _ = bytes::data_of;
    taipan_runtime::types::str::hash_bytes(data)
}
