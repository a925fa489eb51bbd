//! Pure path computations.

use taipan_macros::pymethods;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::host;

/// Path functions.
pub struct Paths;

/// A path argument's code points or bytes; NULs are allowed here.
enum Text {
    Str(&'static Str, Vec<u32>),
    Bytes(&'static Bytes),
}

fn text_of(cx: &mut Cx, v: Value, function: &str, name: &str) -> PyResult<Text> {
    let path = match host::fspath(cx, v) {
        Ok(path) => path,
        Err(_) if cx.exception_matches(&taipan_runtime::exceptions::TypeError) => {
            cx.take_exception();
            let got = v.class().tp_name();
            return raise!(cx, TypeError, "{function}: {name} should be string, bytes or os.PathLike, not {got}");
        }
        Err(raised) => return Err(raised),
    };
    Ok(match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
        (Some(s), _) => Text::Str(s, s.to_code_points()),
        (_, Some(b)) => Text::Bytes(b),
        _ => unreachable!("fspath gives str or bytes"),
    })
}

fn normalize<T: Copy + PartialEq + From<u8>>(path: &[T]) -> Vec<T> {
    let (slash, dot) = (T::from(b'/'), T::from(b'.'));
    let leading = path.iter().take_while(|c| **c == slash).count();
    let root = match leading {
        0 => 0,
        2 => 2,
        _ => 1,
    };
    let mut parts: Vec<&[T]> = Vec::new();
    for part in path.split(|c| *c == slash) {
        if part.is_empty() || part == [dot] {
            continue;
        }
        let is_up = part == [dot, dot];
        if !is_up || root == 0 && parts.last().is_none_or(|last| *last == [dot, dot]) {
            parts.push(part);
        } else {
            parts.pop();
        }
    }
    let mut out = vec![slash; root];
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push(slash);
        }
        out.extend_from_slice(part);
    }
    if out.is_empty() {
        out.push(dot);
    }
    out
}

/// Length of the root: "//" when there are exactly two slashes.
fn root_length<T: Copy + PartialEq + From<u8>>(path: &[T]) -> usize {
    match path.iter().take_while(|c| **c == T::from(b'/')).count() {
        0 => 0,
        2 => 2,
        _ => 1,
    }
}

#[pymethods]
impl Paths {
    /// Normalize path, eliminating double slashes, etc.
    #[py("($module, /, path)")]
    fn _path_normpath(cx: &mut Cx, path: Value) -> PyResult<Value> {
        Ok(match text_of(cx, path, "_path_normpath", "path")? {
            Text::Str(s, points) => {
                let new = normalize(&points);
                if new == points { Value::of(s) } else { Value::of(Str::from_code_points(cx, &new)) }
            }
            Text::Bytes(b) => Value::of(Bytes::new(cx, &normalize(b.data()))),
        })
    }
    /// Split a pathname into drive, root and tail.
    ///
    /// The tail contains anything after the root.
    #[py("($module, /, p)")]
    fn _path_splitroot_ex(cx: &mut Cx, p: Value) -> PyResult<Value> {
        let parts = match text_of(cx, p, "_path_splitroot_ex", "path")? {
            Text::Str(s, points) => {
                let n = root_length(&points);
                let drive = Value::of(cx.names().empty);
                [drive, Value::of(s.slice(cx, 0, n)), Value::of(s.slice(cx, n, s.len()))]
            }
            Text::Bytes(b) => {
                let n = root_length(b.data());
                [b"", &b.data()[..n], &b.data()[n..]].map(|part| Value::of(Bytes::new(cx, part)))
            }
        };
        Ok(Value::of(Tuple::new(cx, &parts)))
    }
    /// Return the file system path representation of the object.
    ///
    /// If the object is str or bytes, then allow it to pass through as-is. If the
    /// object defines __fspath__(), then return the result of that method. All other
    /// types raise a TypeError.
    #[py("($module, /, path)")]
    fn fspath(cx: &mut Cx, path: Value) -> PyResult<Value> {
        host::fspath(cx, path)
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn normal_paths() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"", b"."),
            (b"a/./b//c/../d", b"a/b/d"),
            (b"../../a", b"../../a"),
            (b"/../a", b"/a"),
            (b"//x", b"//x"),
            (b"///x", b"/x"),
            (b"a/..", b"."),
            (b"a/../../b", b"../b"),
        ];
        for (path, expected) in cases {
            assert_eq!(normalize(*path), *expected);
        }
    }
}
