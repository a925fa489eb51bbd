//! Operations on sets that are done only if they certainly run no Python code: None where items would have to be compared by it. The
//! order of results is that of the operations in `set_methods.rs`.

use crate::cx::Cx;
use crate::protocol::compare::CmpOp;
use crate::types::set::{Place, Set};
use crate::types::set_methods::{FROZENSET, SET};
use crate::value::Value;

/// An operator on two sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetOp {
    /// `a & b`
    And,
    /// `a | b`
    Or,
    /// `a ^ b`
    Xor,
    /// `a - b`
    Sub,
}

/// The set, if `v` is one and of no Python class.
pub fn exact_set(v: Value) -> Option<&'static Set> {
    let class = v.as_object()?.class();
    let is_set = std::ptr::eq(class, &SET) || std::ptr::eq(class, &FROZENSET);
    // SAFETY: the types share the layout.
    is_set.then(|| unsafe { v.cast() })
}

/// A new set of the class of `a`, which is a set or frozenset.
fn new_like(cx: &mut Cx, a: &'static Set) -> &'static Set {
    let class = if std::ptr::eq(Value::of(a).class(), &FROZENSET) { &FROZENSET } else { &SET };
    Set::new_of(cx, class)
}

/// A copy of `other` with the class of `a`.
fn copy_like(cx: &mut Cx, a: &'static Set, other: &'static Set) -> Option<&'static Set> {
    let new = new_like(cx, a);
    // An empty set takes the items without comparing them.
    new.merge(cx, other).ok()?;
    Some(new)
}

/// `a op b`. May collect.
pub fn binary(cx: &mut Cx, a: &'static Set, b: &'static Set, op: SetOp) -> Option<Value> {
    let new = match op {
        SetOp::And => intersection(cx, a, b)?,
        SetOp::Sub => difference(cx, a, b)?,
        SetOp::Or => {
            let new = copy_like(cx, a, a)?;
            if !std::ptr::eq(a, b) && !b.is_empty() {
                new.merge_known(cx, b)?;
            }
            new
        }
        SetOp::Xor => {
            let new = copy_like(cx, a, b)?;
            for (key, hash) in a.known_items() {
                match new.find_known(key, hash)? {
                    Place::Found(at) => new.delete(at),
                    Place::Free(at) => new.put(cx, at, key, hash),
                }
            }
            new
        }
    };
    Some(Value::of(new))
}

fn intersection(cx: &mut Cx, a: &'static Set, b: &'static Set) -> Option<&'static Set> {
    if std::ptr::eq(a, b) {
        return copy_like(cx, a, a);
    }
    let new = new_like(cx, a);
    let (small, large) = if b.len() > a.len() { (a, b) } else { (b, a) };
    for (key, hash) in small.known_items() {
        if large.contains_known(key, hash)? {
            new.add_new(cx, key, hash);
        }
    }
    Some(new)
}

fn difference(cx: &mut Cx, a: &'static Set, b: &'static Set) -> Option<&'static Set> {
    if a.len() >> 2 > b.len() {
        let new = copy_like(cx, a, a)?;
        for (key, hash) in b.known_items() {
            if let Place::Found(at) = new.find_known(key, hash)? {
                new.delete(at);
            }
        }
        new.clean(cx);
        return Some(new);
    }
    let new = new_like(cx, a);
    for (key, hash) in a.known_items() {
        if !b.contains_known(key, hash)? {
            new.add_new(cx, key, hash);
        }
    }
    Some(new)
}

/// `a op b`.
pub fn compare(a: &Set, b: &Set, op: CmpOp) -> Option<bool> {
    match op {
        CmpOp::Eq => equal(a, b),
        CmpOp::Ne => equal(a, b).map(|e| !e),
        CmpOp::Le => is_subset(a, b),
        CmpOp::Ge => is_subset(b, a),
        CmpOp::Lt => {
            if a.len() < b.len() {
                is_subset(a, b)
            } else {
                Some(false)
            }
        }
        CmpOp::Gt => {
            if a.len() > b.len() {
                is_subset(b, a)
            } else {
                Some(false)
            }
        }
    }
}

fn equal(a: &Set, b: &Set) -> Option<bool> {
    if a.len() == b.len() { is_subset(a, b) } else { Some(false) }
}

fn is_subset(a: &Set, b: &Set) -> Option<bool> {
    if a.len() > b.len() {
        return Some(false);
    }
    for (key, hash) in a.known_items() {
        if !b.contains_known(key, hash)? {
            return Some(false);
        }
    }
    Some(true)
}
