//! product, permutations, combinations, combinations_with_replacement: tuples of items of pools, chosen by indices.

use std::cell::Cell;

use taipan_runtime::buffer::RawBuffer;
use taipan_runtime::native::bind;
use taipan_runtime::object::Header;
use taipan_runtime::protocol::{iter, number};
use taipan_runtime::typeobj::{Type, flags};
use taipan_runtime::types::int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value, raise, trace_values};

use crate::support::{slice_of, words};
use crate::{iterator_class, params};

/// State of all four iterators.
#[repr(C)]
pub struct Choice {
    header: Header,
    /// The pool; for product the tuple of pools.
    pool: &'static Tuple,
    /// Indices of the last result, then for permutations the cycles.
    indices: &'static RawBuffer,
    /// Items of a result.
    size: usize,
    /// The pool is a tuple of pools.
    nested: bool,
    started: Cell<bool>,
    finished: Cell<bool>,
}
trace_values!(trace_choice, Choice, |t| [Value::of(t.pool), Value::of(t.indices)]);

macro_rules! choice_class {
    ($(#[$meta:meta])* $name:ident, $layout:ident, $text:literal, $new:expr, $advance:expr, $signature:literal, $doc:expr) => {
        /// Layout of this type.
        #[repr(C)]
        pub struct $layout(Choice);
        iterator_class! {
            $(#[$meta])*
            $name: $layout = $text, flags::BASETYPE, trace_choice, Some($new), |cx, v| {
                // SAFETY: the slot of this class.
                let this = unsafe { &v.cast::<$layout>().0 };
                this.step(cx, $advance)
            }, &[], $signature, $doc
        }
        impl $layout {
            fn make(
                cx: &mut Cx,
                class: &'static Type,
                pool: &'static Tuple,
                indices: &'static RawBuffer,
                size: usize,
                finished: bool,
            ) -> Value {
                let (started, finished) = (Cell::new(false), Cell::new(finished));
                let nested = std::ptr::eq(&$name, &PRODUCT);
                let choice = Choice { header: Header::fresh(class), pool, indices, size, nested, started, finished };
                Value::of(cx.alloc_of(class, $layout(choice)))
            }
        }
    };
}

impl Choice {
    /// The next result; `advance` moves the indices on, false at the end.
    fn step(&self, cx: &mut Cx, advance: fn(&Choice) -> bool) -> PyResult<Option<Value>> {
        if self.finished.get() {
            return Ok(None);
        }
        if self.started.replace(true) && !advance(self) {
            self.finished.set(true);
            return Ok(None);
        }
        const ON_STACK: usize = 16;
        if self.size <= ON_STACK {
            let mut items = [Value::none(); ON_STACK];
            for (i, item) in items[..self.size].iter_mut().enumerate() {
                *item = self.item(i);
            }
            return Ok(Some(Value::of(Tuple::new(cx, &items[..self.size]))));
        }
        let items = List::with_capacity(cx, self.size);
        for i in 0..self.size {
            let item = self.item(i);
            items.push(cx, item);
        }
        Ok(Some(Value::of(Tuple::new(cx, items.items()))))
    }

    fn item(&self, i: usize) -> Value {
        let index = slice_of(self.indices, self.size)[i];
        if self.nested { self.sub_pool(i).items()[index] } else { self.pool.items()[index] }
    }

    fn sub_pool(&self, i: usize) -> &'static Tuple {
        // SAFETY: the pools of a product are tuples.
        unsafe { self.pool.items()[i].cast::<Tuple>() }
    }
}

choice_class! {
    /// The type `itertools.product`.
    PRODUCT, Product, "itertools.product", new_product, |this| {
        let indices = slice_of(this.indices, this.size);
        for i in (0..this.size).rev() {
            indices[i] += 1;
            if indices[i] < this.sub_pool(i).len() {
                return true;
            }
            indices[i] = 0;
        }
        false
    }, "(*iterables, repeat=1)", "Cartesian product of input iterables.  Equivalent to nested for-loops.\n\nFor example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).\nThe leftmost iterators are in the outermost for-loop, so the output tuples\ncycle in a manner similar to an odometer (with the rightmost element changing\non every iteration).\n\nTo compute the product of an iterable with itself, specify the number\nof repetitions with the optional repeat keyword argument. For example,\nproduct(A, repeat=4) means the same as product(A, A, A, A).\n\nproduct('ab', range(3)) --> ('a',0) ('a',1) ('a',2) ('b',0) ('b',1) ('b',2)\nproduct((0,1), (0,1), (0,1)) --> (0,0,0) (0,0,1) (0,1,0) (0,1,1) (1,0,0) ..."
}

choice_class! {
    /// The type `itertools.combinations`.
    COMBINATIONS, Combinations, "itertools.combinations", |cx, class, args| {
        let (pool, size) = pool_and_size(cx, params!("combinations", ["iterable", "r"], 2, []), args)?;
        let finished = size > pool.len();
        let indices = words(cx, if finished { 0 } else { size })?;
        if !finished {
            slice_of(indices, size).iter_mut().enumerate().for_each(|(i, x)| *x = i);
        }
        Ok(Combinations::make(cx, class, pool, indices, size, finished))
    }, |this| {
        let (n, r) = (this.pool.len(), this.size);
        let indices = slice_of(this.indices, r);
        let Some(i) = (0..r).rev().find(|i| indices[*i] != i + n - r) else { return false };
        indices[i] += 1;
        for j in i + 1..r {
            indices[j] = indices[j - 1] + 1;
        }
        true
    }, "(iterable, r)", "Return successive r-length combinations of elements in the iterable.\n\ncombinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)"
}

choice_class! {
    /// The type `itertools.combinations_with_replacement`.
    COMBINATIONS_WITH_REPLACEMENT, WithReplacement, "itertools.combinations_with_replacement", |cx, class, args| {
        let params = params!("combinations_with_replacement", ["iterable", "r"], 2, []);
        let (pool, size) = pool_and_size(cx, params, args)?;
        let indices = words(cx, size)?;
        let finished = pool.is_empty() && size > 0;
        Ok(WithReplacement::make(cx, class, pool, indices, size, finished))
    }, |this| {
        let last = this.pool.len().wrapping_sub(1);
        let indices = slice_of(this.indices, this.size);
        let Some(i) = (0..this.size).rev().find(|i| indices[*i] != last) else { return false };
        let next = indices[i] + 1;
        indices[i..].fill(next);
        true
    }, "(iterable, r)", "Return successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats.\n\ncombinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), ('B','C'), ('C','C')"
}

choice_class! {
    /// The type `itertools.permutations`.
    PERMUTATIONS, Permutations, "itertools.permutations", new_permutations, |this| {
        let (n, r) = (this.pool.len(), this.size);
        let (indices, cycles) = slice_of(this.indices, n + r).split_at_mut(n);
        for i in (0..r).rev() {
            cycles[i] -= 1;
            if cycles[i] == 0 {
                indices[i..].rotate_left(1);
                cycles[i] = n - i;
            } else {
                indices.swap(i, n - cycles[i]);
                return true;
            }
        }
        false
    }, "(iterable, r=None)", "Return successive r-length permutations of elements in the iterable.\n\npermutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)"
}

fn pool_and_size(
    cx: &mut Cx,
    params: &'static taipan_runtime::native::ParamSpec,
    args: Args,
) -> PyResult<(&'static Tuple, usize)> {
    let mut bound = [None; 2];
    bind(cx, params, args, &mut bound)?;
    let size = number::to_isize(cx, bound[1].expect("required"))?;
    let pool = iter::to_tuple(cx, bound[0].expect("required"))?;
    if size < 0 {
        return raise!(cx, ValueError, "r must be non-negative");
    }
    Ok((pool, size as usize))
}

fn new_permutations(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut bound = [None; 2];
    bind(cx, params!("permutations", ["iterable", "r"], 1, []), args, &mut bound)?;
    let pool = iter::to_tuple(cx, bound[0].expect("required"))?;
    let n = pool.len();
    let size = match bound[1].filter(|r| !r.is_none()) {
        None => n,
        Some(r) if !int::check(r) => return raise!(cx, TypeError, "Expected int as r"),
        Some(r) => match number::to_isize(cx, r)? {
            r if r < 0 => return raise!(cx, ValueError, "r must be non-negative"),
            r => r as usize,
        },
    };
    let finished = size > n;
    let indices = words(cx, if finished { 0 } else { n + size })?;
    if !finished {
        let (first, cycles) = slice_of(indices, n + size).split_at_mut(n);
        first.iter_mut().enumerate().for_each(|(i, x)| *x = i);
        cycles.iter_mut().enumerate().for_each(|(i, x)| *x = n - i);
    }
    Ok(Permutations::make(cx, class, pool, indices, size, finished))
}

fn new_product(cx: &mut Cx, class: &'static Type, args: Args) -> PyResult<Value> {
    let mut repeat = 1;
    if args.kw_len() > 1 {
        let given = args.kw_len();
        return raise!(cx, TypeError, "product() takes at most 1 keyword argument ({given} given)");
    }
    for (name, value) in args.keywords() {
        if !name.eq_rust("repeat") {
            return raise!(cx, TypeError, "product() got an unexpected keyword argument '{name}'");
        }
        repeat = number::to_isize(cx, value)?;
    }
    if repeat < 0 {
        return raise!(cx, ValueError, "repeat argument cannot be negative");
    }
    let sources = if repeat == 0 { &[][..] } else { args.pos() };
    let size = sources.len().saturating_mul(repeat as usize);
    let indices = words(cx, size)?;
    let pools = List::with_capacity(cx, size);
    for source in sources {
        let pool = iter::to_tuple(cx, *source)?;
        pools.push(cx, Value::of(pool));
    }
    for i in 0..size.saturating_sub(sources.len()) {
        let pool = pools.items()[i];
        pools.push(cx, pool);
    }
    let pool = Tuple::new(cx, pools.items());
    let finished = pool.items().iter().any(|p| p.exact::<Tuple>().is_some_and(|t| t.is_empty()));
    Ok(Product::make(cx, class, pool, indices, size, finished))
}
