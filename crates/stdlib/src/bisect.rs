//! The module `_bisect`.

use taipan_macros::pymethods;
use taipan_runtime::protocol::compare::{self, CmpOp};
use taipan_runtime::protocol::{number, object};
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::{Cx, PyResult, Value, raise};

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    support::module(
        cx,
        "_bisect",
        "Bisection algorithms.\n\nThis module provides support for maintaining a list in sorted order without\nhaving to sort the list after each insertion. For long lists of items with\nexpensive comparison operations, this can be an improvement over the more\ncommon approach.\n",
        Bisect::METHODS,
    )
}

/// Position of `x`: behind equal items, or before them if `left`.
fn search(
    cx: &mut Cx,
    a: Value,
    x: Value,
    (low, high): (Option<isize>, Option<Value>),
    key: Option<Value>,
    left: bool,
) -> PyResult<usize> {
    let low = low.unwrap_or(0);
    if low < 0 {
        return raise!(cx, ValueError, "lo must be non-negative");
    }
    let mut low = low as usize;
    let mut high = match high.filter(|h| !h.is_none()) {
        Some(h) => match number::to_isize(cx, h)? {
            -1 => object::len(cx, a)?,
            h => h.max(0) as usize,
        },
        None => object::len(cx, a)?,
    };
    let key = key.filter(|k| !k.is_none());
    while low < high {
        let middle = low + (high - low) / 2;
        let mut item = match a.exact::<List>().and_then(|l| l.get(middle)) {
            Some(item) => item,
            None => {
                let index = cx.int(middle as i64);
                object::get_item(cx, a, index)?
            }
        };
        if let Some(f) = key {
            item = cx.call(f, &[item])?;
        }
        let go_right = if left {
            compare::rich_bool(cx, item, x, CmpOp::Lt)?
        } else {
            !compare::rich_bool(cx, x, item, CmpOp::Lt)?
        };
        if go_right {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn insort(
    cx: &mut Cx,
    a: Value,
    x: Value,
    range: (Option<isize>, Option<Value>),
    key: Option<Value>,
    left: bool,
) -> PyResult<()> {
    let wanted = match key.filter(|k| !k.is_none()) {
        Some(f) => cx.call(f, &[x])?,
        None => x,
    };
    let at = search(cx, a, wanted, range, key, left)?;
    if let Some(list) = a.exact::<List>() {
        list.insert(cx, at.min(list.len()), x);
        return Ok(());
    }
    let (name, at) = (cx.names().insert, cx.int(at as i64));
    cx.call_method(a, name, &[at, x])?;
    Ok(())
}

struct Bisect;

#[pymethods]
impl Bisect {
    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e <= x, and all e in
    /// a[i:] have e > x.  So if x already appears in the list, a.insert(i, x)
    /// will insert just after the rightmost x already there.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    #[py("($module, /, a, x, lo=0, hi=None, *, key=None)")]
    fn bisect_right(
        cx: &mut Cx,
        a: Value,
        x: Value,
        lo: Option<isize>,
        hi: Option<Value>,
        key: Option<Value>,
    ) -> PyResult<i64> {
        Ok(search(cx, a, x, (lo, hi), key, false)? as i64)
    }

    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e < x, and all e in
    /// a[i:] have e >= x.  So if x already appears in the list, a.insert(i, x)
    /// will insert just before the leftmost x already there.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    #[py("($module, /, a, x, lo=0, hi=None, *, key=None)")]
    fn bisect_left(
        cx: &mut Cx,
        a: Value,
        x: Value,
        lo: Option<isize>,
        hi: Option<Value>,
        key: Option<Value>,
    ) -> PyResult<i64> {
        Ok(search(cx, a, x, (lo, hi), key, true)? as i64)
    }

    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the right of the rightmost x.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    #[py("($module, /, a, x, lo=0, hi=None, *, key=None)")]
    fn insort_right(
        cx: &mut Cx,
        a: Value,
        x: Value,
        lo: Option<isize>,
        hi: Option<Value>,
        key: Option<Value>,
    ) -> PyResult<()> {
        insort(cx, a, x, (lo, hi), key, false)
    }

    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the left of the leftmost x.
    ///
    /// Optional args lo (default 0) and hi (default len(a)) bound the
    /// slice of a to be searched.
    ///
    /// A custom key function can be supplied to customize the sort order.
    #[py("($module, /, a, x, lo=0, hi=None, *, key=None)")]
    fn insort_left(
        cx: &mut Cx,
        a: Value,
        x: Value,
        lo: Option<isize>,
        hi: Option<Value>,
        key: Option<Value>,
    ) -> PyResult<()> {
        insort(cx, a, x, (lo, hi), key, true)
    }
}
