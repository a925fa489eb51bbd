//! The module `itertools`.

mod combine;
mod group;
mod infinite;
mod select;
mod tee;

use taipan_runtime::Cx;
use taipan_runtime::types::module::Module;

use crate::support;

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = support::module(cx, "itertools", DOC, tee::Functions::METHODS);
    for class in [
        &select::ACCUMULATE,
        &group::BATCHED,
        &infinite::CHAIN,
        &combine::COMBINATIONS,
        &combine::COMBINATIONS_WITH_REPLACEMENT,
        &select::COMPRESS,
        &infinite::COUNT,
        &infinite::CYCLE,
        &select::DROPWHILE,
        &select::FILTERFALSE,
        &group::GROUPBY,
        &group::GROUPER,
        &select::ISLICE,
        &group::PAIRWISE,
        &combine::PERMUTATIONS,
        &combine::PRODUCT,
        &infinite::REPEAT,
        &select::STARMAP,
        &select::TAKEWHILE,
        &tee::TEE,
        &tee::TEE_DATA,
        &group::ZIP_LONGEST,
    ] {
        module.add_type(cx, class);
    }
    module
}

const DOC: &str = "Functional tools for creating and using iterators.\n\nInfinite iterators:\ncount(start=0, step=1) --> start, start+step, start+2*step, ...\ncycle(p) --> p0, p1, ... plast, p0, p1, ...\nrepeat(elem [,n]) --> elem, elem, elem, ... endlessly or up to n times\n\nIterators terminating on the shortest input sequence:\naccumulate(p[, func]) --> p0, p0+p1, p0+p1+p2\nbatched(p, n) --> [p0, p1, ..., p_n-1], [p_n, p_n+1, ..., p_2n-1], ...\nchain(p, q, ...) --> p0, p1, ... plast, q0, q1, ...\nchain.from_iterable([p, q, ...]) --> p0, p1, ... plast, q0, q1, ...\ncompress(data, selectors) --> (d[0] if s[0]), (d[1] if s[1]), ...\ndropwhile(predicate, seq) --> seq[n], seq[n+1], starting when predicate fails\ngroupby(iterable[, keyfunc]) --> sub-iterators grouped by value of keyfunc(v)\nfilterfalse(predicate, seq) --> elements of seq where predicate(elem) is False\nislice(seq, [start,] stop [, step]) --> elements from\n       seq[start:stop:step]\npairwise(s) --> (s[0],s[1]), (s[1],s[2]), (s[2], s[3]), ...\nstarmap(fun, seq) --> fun(*seq[0]), fun(*seq[1]), ...\ntee(it, n=2) --> (it1, it2 , ... itn) splits one iterator into n\ntakewhile(predicate, seq) --> seq[0], seq[1], until predicate fails\nzip_longest(p, q, ...) --> (p[0], q[0]), (p[1], q[1]), ...\n\nCombinatoric generators:\nproduct(p, q, ... [repeat=1]) --> cartesian product\npermutations(p[, r])\ncombinations(p, r)\ncombinations_with_replacement(p, r)\n";
