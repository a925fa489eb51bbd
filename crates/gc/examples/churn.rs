//! Prints what allocation and collection cost: `cargo run --release -p taipan-gc --example churn`.

use std::time::Instant;
use taipan_gc::{Config, Header, Heap, Hooks, Kind, Marker, Stats};

#[repr(C, align(16))]
struct Desc(u64);
static LEAF: Desc = Desc(0);
static NODE: Desc = Desc(1);

#[repr(C)]
struct Node {
    header: Header,
    count: u64,
    refs: [u64; 1],
}

unsafe fn trace(obj: *mut Header, marker: &mut Marker) {
    // SAFETY: every object of this program is a leaf or a node.
    unsafe {
        if (*obj).ty == &raw const NODE as *const () {
            let node = obj as *mut Node;
            marker.mark_range((&raw const (*node).refs).cast(), (*node).count as usize);
        }
    }
}
unsafe fn roots(ctx: *mut (), marker: &mut Marker) {
    // SAFETY: `ctx` is the one root word of this program.
    unsafe { marker.mark_value(*(ctx as *const u64)) };
}
unsafe fn after_mark(_: *mut (), _: &mut Marker, _: Kind) {}
unsafe fn finished(_: *mut (), _: &Stats) {}

#[inline(always)]
fn leaf(heap: &mut Heap, size: usize) -> u64 {
    let obj = heap.alloc(size) as *mut Header;
    // SAFETY: a fresh cell of at least 16 bytes.
    unsafe { obj.write(Header { word0: 1, ty: &raw const LEAF as *const () }) };
    obj as u64
}

#[inline(always)]
fn node(heap: &mut Heap, refs: &[u64]) -> u64 {
    let obj = heap.alloc(24 + 8 * refs.len()) as *mut Node;
    // SAFETY: a fresh cell with room for the references.
    unsafe {
        (*obj).header = Header { word0: 1, ty: &raw const NODE as *const () };
        (*obj).count = refs.len() as u64;
        std::ptr::copy_nonoverlapping(refs.as_ptr(), (&raw mut (*obj).refs).cast(), refs.len());
    }
    obj as u64
}

fn set(heap: &mut Heap, obj: u64, slot: usize, value: u64) {
    heap.write_barrier(obj as *mut Header);
    // SAFETY: callers stay within the node's count.
    unsafe { *(&raw mut (*(obj as *mut Node)).refs).cast::<u64>().add(slot) = value };
}

fn tree(heap: &mut Heap, depth: u32) -> u64 {
    if depth == 0 {
        return node(heap, &[0, 0]);
    }
    let left = tree(heap, depth - 1);
    let right = tree(heap, depth - 1);
    node(heap, &[left, right])
}

unsafe fn shortage(_ctx: *mut ()) {}

/// Runs `body` on a fresh heap and prints what it cost for each of `count` allocations.
fn measure(name: &str, count: u64, body: impl FnOnce(&mut Heap, *mut u64)) {
    if std::env::args().nth(1).is_some_and(|part| !name.contains(&part)) {
        return;
    }
    let root = Box::into_raw(Box::new(0u64));
    let hooks = Hooks { ctx: root as *mut (), trace, roots, after_mark, finished, shortage };
    let mut config = Config::default();
    if let Some(mib) = std::env::var("NURSERY_MIB").ok().and_then(|text| text.parse::<usize>().ok()) {
        config.nursery_min_bytes = mib << 20;
    }
    let mut heap = Heap::new(config, hooks).expect("address space");
    heap.register_thread();
    let start = Instant::now();
    body(&mut heap, root);
    let ns = start.elapsed().as_nanos() as f64;
    let stats = heap.stats();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    println!(
        "{name:24} {:6.2} ns/alloc  gc {:4.1} %  minor {:4} major {:3}  max pause {:7.2} ms  live {:5} MiB  rss {:5} MiB",
        ns / count as f64,
        100.0 * stats.total_pause_ns as f64 / ns,
        stats.minor,
        stats.major,
        stats.max_pause_ns as f64 / 1e6,
        stats.live_bytes >> 20,
        pages >> 8,
    );
}

fn main() {
    measure("empty", 1, |_, _| {});
    for size in [16, 32, 64, 256, 1024, 100_000] {
        let count = (4u64 << 30) / size.max(32);
        measure(&format!("churn {size} bytes"), count, |heap, _| {
            for _ in 0..count {
                std::hint::black_box(leaf(heap, size as usize));
            }
        });
    }
    measure("churn mixed sizes", 100_000_000, |heap, _| {
        for i in 0..100_000_000usize {
            std::hint::black_box(leaf(heap, 16 + ((i * 7) & 127)));
        }
    });
    measure("list of 10M leaves", 10_000_000, |heap, root| {
        let list = node(heap, &vec![0; 10_000_000]);
        // SAFETY: the root word lives as long as the program.
        unsafe { *root = list };
        for i in 0..10_000_000 {
            let item = leaf(heap, 24);
            set(heap, list, i, item);
        }
    });
    measure("binary trees, depth 16", 40 * 131_071 + 2_097_151, |heap, root| {
        let long_lived = tree(heap, 20);
        // SAFETY: as above.
        unsafe { *root = long_lived };
        for _ in 0..40 {
            std::hint::black_box(tree(heap, 16));
        }
    });
    measure("queue of 1M nodes", 20_000_000, |heap, root| {
        let ring = node(heap, &vec![0; 1_000_000]);
        // SAFETY: as above.
        unsafe { *root = ring };
        for i in 0..20_000_000 {
            let item = leaf(heap, 40);
            let entry = node(heap, &[item, i as u64 * 2 + 1]);
            set(heap, ring, i % 1_000_000, entry);
        }
    });
    measure("shuffled graph, 10 majors", 20_000_000, |heap, root| {
        let all = node(heap, &vec![0; 2_000_000]);
        // SAFETY: as above.
        unsafe { *root = all };
        let mut random = 1u64;
        let mut nodes: Vec<u64> = Vec::new();
        for i in 0..2_000_000 {
            let fresh = node(heap, &[0; 4]);
            set(heap, all, i, fresh);
            nodes.push(fresh);
        }
        for &from in &nodes {
            for slot in 0..4 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                set(heap, from, slot, nodes[(random >> 33) as usize % nodes.len()]);
            }
        }
        // Now the graph is reached through one node only.
        for i in 1..2_000_000 {
            set(heap, all, i, 0);
        }
        drop(nodes);
        for _ in 0..10 {
            heap.collect(Kind::Major);
        }
    });
    measure("tree in order, 10 majors", 20_971_510, |heap, root| {
        let top = tree(heap, 20);
        // SAFETY: as above.
        unsafe { *root = top };
        for _ in 0..10 {
            heap.collect(Kind::Major);
        }
    });
}
