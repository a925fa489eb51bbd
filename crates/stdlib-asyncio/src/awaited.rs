//! Who awaits a future: for `asyncio.capture_call_graph`.

use taipan_runtime::types::set::{FROZENSET, Set};
use taipan_runtime::{Cx, PyResult, Value};

use crate::future::Future;

/// Records that `future` is awaited by `waiter`; only for futures of this module.
#[inline]
pub fn add(cx: &mut Cx, future: Value, waiter: Value) -> PyResult<()> {
    let (Some(this), Some(_)) = (future.downcast::<Future>(), waiter.downcast::<Future>()) else { return Ok(()) };
    match this.awaited_by.get() {
        None => {
            this.awaited_by.set(Some(waiter));
            cx.barrier(this);
        }
        Some(v) => match v.exact::<Set>() {
            Some(set) => {
                set.add(cx, waiter)?;
            }
            None => {
                // A second one: from now on a set.
                let set = Set::new(cx);
                set.add(cx, v)?;
                set.add(cx, waiter)?;
                this.awaited_by.set(Some(Value::of(set)));
                cx.barrier(this);
            }
        },
    }
    Ok(())
}

/// Takes the record back.
#[inline]
pub fn discard(cx: &mut Cx, future: Value, waiter: Value) -> PyResult<()> {
    let Some(this) = future.downcast::<Future>() else { return Ok(()) };
    match this.awaited_by.get() {
        Some(v) if v == waiter => this.awaited_by.set(None),
        Some(v) => {
            if let Some(set) = v.exact::<Set>() {
                let hash = taipan_runtime::protocol::hash::hash(cx, waiter)?;
                set.discard_hashed(cx, waiter, hash)?;
            }
        }
        None => {}
    }
    Ok(())
}

/// `_asyncio_awaited_by`: a frozenset, or None for nobody.
pub fn listed(cx: &mut Cx, this: &'static Future) -> PyResult<Option<Value>> {
    let Some(v) = this.awaited_by.get() else { return Ok(None) };
    let all = Set::new_of(cx, &FROZENSET);
    match v.exact::<Set>() {
        Some(set) if set.is_empty() => return Ok(None),
        Some(set) => all.merge(cx, set)?,
        None => {
            all.add(cx, v)?;
        }
    }
    Ok(Some(Value::of(all)))
}
