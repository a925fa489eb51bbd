//! Tests on a toy object model: a node has an id and a counted array of tagged references.
//!
//! Every unsafe block here relies on the same thing: what it touches is a node made by `node`, kept
//! alive by the world's roots or, in what the test is about, by the stack.
#![allow(clippy::undocumented_unsafe_blocks)]

use crate::*;
use std::collections::{HashMap, HashSet};
use std::sync::mpsc;

#[repr(C)]
struct Node {
    header: Header,
    id: u64,
    count: u64,
}

#[repr(C, align(16))]
struct Desc(u64);
static NODE: Desc = Desc(1);
const MIB: usize = 1 << 20;

impl Node {
    unsafe fn refs(this: *mut Node) -> *mut u64 {
        unsafe { this.add(1) as *mut u64 }
    }
}

/// What the hooks see: precise roots, weak references, ids with a finaliser.
#[derive(Default)]
struct World {
    roots: Vec<u64>,
    weak: Vec<*mut Header>,
    finalisable: Vec<*mut Header>,
    to_finalise: Vec<*mut Header>,
    dropped: Vec<u64>,
    watched: Vec<*mut Header>,
    finished: usize,
}

unsafe fn trace(obj: *mut Header, marker: &mut Marker) {
    unsafe {
        let node = obj as *mut Node;
        assert_eq!((*obj).ty, &raw const NODE as *const ());
        marker.mark_range(Node::refs(node), (*node).count as usize);
    }
}

unsafe fn roots(ctx: *mut (), marker: &mut Marker) {
    let world = unsafe { &*(ctx as *mut World) };
    unsafe { marker.mark_range(world.roots.as_ptr(), world.roots.len()) };
    world.to_finalise.iter().for_each(|&obj| marker.mark_object(obj));
}

unsafe fn after_mark(ctx: *mut (), marker: &mut Marker, _kind: Kind) {
    let world = unsafe { &mut *(ctx as *mut World) };
    world.weak.retain(|&obj| marker.is_marked(obj));
    let (alive, dead): (Vec<_>, Vec<_>) = world.finalisable.iter().partition(|&&obj| marker.is_marked(obj));
    world.finalisable = alive;
    for &obj in &dead {
        marker.mark_object(obj);
    }
    world.to_finalise.extend(dead);
    marker.drain();
    let (alive, dead): (Vec<_>, Vec<_>) = world.watched.iter().partition(|&&obj| marker.is_marked(obj));
    world.watched = alive;
    world.dropped.extend(dead.iter().map(|&obj| unsafe { (*(obj as *mut Node)).id }));
}

unsafe fn finished(ctx: *mut (), _stats: &Stats) {
    unsafe { (*(ctx as *mut World)).finished += 1 };
}

unsafe fn shortage(_ctx: *mut ()) {}

fn make(config: Config) -> (Box<Heap>, *mut World) {
    let world = Box::into_raw(Box::new(World::default()));
    let hooks = Hooks { ctx: world as *mut (), trace, roots, after_mark, finished, shortage };
    (Heap::new(config, hooks).unwrap(), world)
}

fn precise() -> Config {
    Config { scan_stacks: false, reserve_bytes: 8 << 30, ..Config::default() }
}

fn node(heap: &mut Heap, id: u64, count: usize) -> *mut Node {
    let node = heap.alloc(size_of::<Node>() + 8 * count) as *mut Node;
    init(node, id, count);
    node
}

fn init(node: *mut Node, id: u64, count: usize) {
    unsafe {
        assert_eq!((*node).header.ty, std::ptr::null(), "alloc must return zeroed memory");
        (*node).header.ty = &raw const NODE as *const ();
        (*node).id = id;
        (*node).count = count as u64;
        for i in 0..count {
            assert_eq!(*Node::refs(node).add(i), 0, "alloc must return zeroed memory");
        }
    }
}

fn store(heap: &mut Heap, node: *mut Node, slot: usize, value: u64) {
    heap.write_barrier(node as *mut Header);
    unsafe { *Node::refs(node).add(slot) = value };
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

struct Rng(u64);
impl Rng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// Mutates a random graph and compares what the collector keeps with a model of it.
fn random_graph(config: Config, seed: u64, steps: usize) {
    let is_stress = config.stress;
    let (mut heap, world) = make(config);
    let heap = &mut *heap;
    let world_roots = unsafe { &mut (*world).roots };
    world_roots.resize(32, 0);
    let mut rng = Rng(seed);
    let mut model: HashMap<u64, (u64, Vec<u64>)> = HashMap::new(); // address -> id, references
    let mut next_id = 1;
    for step in 0..steps {
        match rng.below(100) {
            0..50 => {
                let count = match rng.below(40) {
                    0 => rng.below(600),
                    1 if rng.below(8) == 0 => 2000 + rng.below(200_000),
                    _ => rng.below(8),
                };
                let is_old = rng.below(50) == 0;
                let node = if is_old {
                    let node = heap.alloc_old(size_of::<Node>() + 8 * count) as *mut Node;
                    init(node, next_id, count);
                    node
                } else {
                    node(heap, next_id, count)
                };
                let mut refs = vec![0; count];
                for (slot, entry) in refs.iter_mut().enumerate().take(8) {
                    let value = world_roots[rng.below(32)];
                    if is_old {
                        store(heap, node, slot, value);
                    } else {
                        unsafe { *Node::refs(node).add(slot) = value };
                    }
                    *entry = value;
                }
                model.insert(node as u64, (next_id, refs));
                world_roots[rng.below(32)] = node as u64;
                next_id += 1;
            }
            50..90 => {
                let (target, value) = (world_roots[rng.below(32)], world_roots[rng.below(32)]);
                let Some((_, refs)) = model.get_mut(&target) else {
                    continue;
                };
                if !refs.is_empty() {
                    let slot = rng.below(refs.len());
                    // Walk one step down, so that objects deep in the graph change too.
                    let value = if rng.below(3) == 0 { value | 1 } else { value };
                    refs[slot] = value;
                    store(heap, target as *mut Node, slot, value);
                }
            }
            90..96 => {
                let from = world_roots[rng.below(32)];
                let Some((_, refs)) = model.get(&from) else {
                    continue;
                };
                if let Some(&child) = refs.iter().find(|&&r| r != 0 && r & 1 == 0) {
                    world_roots[rng.below(32)] = child;
                }
            }
            96..99 => world_roots[rng.below(32)] = 0,
            _ if is_stress || rng.below(20) == 0 => {
                let kind = if rng.below(3) == 0 { Kind::Major } else { Kind::Minor };
                check_graph(heap, world_roots, &mut model, kind);
            }
            _ => {}
        }
        if step % 4096 == 0 {
            check_graph(heap, world_roots, &mut model, Kind::Major);
        }
    }
    drop(unsafe { Box::from_raw(world) });
}

fn check_graph(heap: &mut Heap, roots: &[u64], model: &mut HashMap<u64, (u64, Vec<u64>)>, kind: Kind) {
    heap.collect(kind);
    let mut reached: HashSet<u64> = HashSet::new();
    let mut todo: Vec<u64> = roots.to_vec();
    while let Some(addr) = todo.pop() {
        if addr != 0 && addr & 1 == 0 && reached.insert(addr) {
            let (id, refs) = &model[&addr];
            let node = addr as *mut Node;
            unsafe {
                assert_eq!((*node).id, *id);
                assert_eq!((*node).count as usize, refs.len());
                let stored = std::slice::from_raw_parts(Node::refs(node), refs.len());
                assert!(stored == &refs[..], "references of {id}");
            }
            todo.extend(refs);
        }
    }
    let mut found = HashSet::new();
    let mut bytes = 0;
    heap.for_each_object(|obj| {
        assert!(found.insert(obj as u64));
        bytes += unsafe { heap.usable_size(obj as *const u8) };
        assert_eq!(heap.find_object(obj as usize + 17), Some(obj));
    });
    assert!(found.is_superset(&reached));
    assert_eq!(heap.stats().live_bytes, bytes);
    assert_eq!(heap.live_bytes(), bytes);
    if kind == Kind::Major {
        assert_eq!(found.len(), reached.len());
    }
    model.retain(|addr, _| found.contains(addr));
}

#[test]
fn random_graphs_keep_what_is_reachable() {
    for seed in 1..=6 {
        let config = Config { nursery_min_bytes: MIB / 2, nursery_max_bytes: MIB / 2, ..precise() };
        random_graph(config, seed * 7919, 60_000);
    }
}

#[test]
fn random_graphs_under_stress() {
    for (seed, stress_interval) in [(3, 1), (5, 2), (11, 7)] {
        random_graph(Config { stress: true, stress_interval, ..precise() }, seed * 104_729, 3_000);
    }
}

#[test]
fn interior_pointers_on_the_stack_are_roots() {
    let (mut heap, _world) = make(Config { scan_stacks: true, ..precise() });
    heap.register_thread();
    let small = node(&mut heap, 1, 4);
    let inner = std::hint::black_box(small as usize + 40);
    let large = node(&mut heap, 2, 300_000);
    let inner_large = std::hint::black_box(large as usize + 1_200_000);
    for kind in [Kind::Minor, Kind::Major, Kind::Major] {
        heap.collect(kind);
        for i in 0..10_000 {
            node(&mut heap, i, 4);
        }
        assert_eq!(unsafe { (*((inner - 40) as *mut Node)).id }, 1);
        assert_eq!(unsafe { (*((inner_large - 1_200_000) as *mut Node)).id }, 2);
    }
    std::hint::black_box((inner, inner_large));
}

#[test]
fn corpses_and_free_cells_are_not_found() {
    let (mut heap, world) = make(precise());
    let world = unsafe { &mut *world };
    let nodes: Vec<_> = (0..1000).map(|i| node(&mut heap, i, 2) as u64).collect();
    world.roots = nodes.iter().copied().step_by(2).collect();
    heap.collect(Kind::Minor);
    for (i, &addr) in nodes.iter().enumerate() {
        assert_eq!(heap.find_object(addr as usize + 8).is_some(), i % 2 == 0);
    }
    world.roots.truncate(1);
    heap.collect(Kind::Minor);
    assert!(heap.find_object(nodes[2] as usize).is_some(), "old objects outlive a minor collection");
    heap.collect(Kind::Major);
    assert!(heap.find_object(nodes[2] as usize).is_none());
    assert!(heap.find_object(nodes[0] as usize).is_some());
    let young = heap.alloc(48) as usize;
    assert_eq!(heap.find_object(young), None, "a cell without a header is no object");
    assert_ne!(heap.alloc(0), heap.alloc(0));
    assert!(!heap.alloc(0).is_null());
    assert_eq!(heap.find_object(usize::MAX - 3), None);
    assert_eq!(heap.find_object(heap.reservation().0), None);
}

#[test]
fn large_objects() {
    let (mut heap, world) = make(precise());
    let world = unsafe { &mut *world };
    for round in 0..30 {
        let bytes = 100_000_000 + round * 1000;
        let block = heap.alloc(bytes);
        let node = block as *mut Node;
        init(node, 7, 3);
        unsafe {
            assert_eq!(*block.add(bytes - 1), 0);
            *block.add(bytes - 1) = 1;
            assert!(heap.usable_size(block) >= bytes);
        }
        assert_eq!(heap.find_object(block as usize + bytes - 1), Some(node as *mut Header));
        world.roots = vec![node as u64];
    }
    assert!(heap.stats().committed_bytes < 450 << 20);
    world.roots.clear();
    heap.collect(Kind::Major);
    assert_eq!(heap.live_bytes(), 0);
    assert!(heap.try_alloc(1 << 45).is_null());
    assert!(heap.try_alloc(usize::MAX).is_null());
    for size in [8193, 16384, 16385, MIB - 16384, MIB - 16383, MIB, 3 * MIB + 5] {
        let block = heap.alloc(size);
        assert_eq!(block as usize % 16, 0);
        unsafe {
            assert!((0..size).all(|i| *block.add(i) == 0));
            block.write_bytes(0xFF, size);
            init_raw(block);
        }
    }
    let young = node(&mut heap, 9, 40_000);
    world.roots = vec![young as u64];
    heap.collect(Kind::Minor);
    let child = node(&mut heap, 10, 0) as u64;
    store(&mut heap, young, 39_999, child);
    heap.collect(Kind::Minor);
    assert!(heap.is_marked(child as *const Header));
}

fn init_raw(block: *mut u8) {
    let node = block as *mut Node;
    unsafe {
        (*node).header.ty = &raw const NODE as *const ();
        (*node).count = 0;
    }
}

#[test]
fn churn_stays_small() {
    let (mut heap, world) = make(precise());
    let before = resident_bytes();
    let keep = node(&mut heap, 0, 100) as u64;
    unsafe { (*world).roots = vec![keep] };
    let mut bytes = 0;
    let mut i = 0;
    while bytes < 1 << 30 {
        let count = i % 9;
        let fresh = node(&mut heap, i as u64, count) as u64;
        if i % 1000 == 0 {
            store(&mut heap, keep as *mut Node, i / 1000 % 100, fresh);
        }
        bytes += 32 + 8 * count;
        i += 1;
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(heap.stats().committed_bytes < 40 * MIB, "{:?}", heap.stats());
    // Other tests run in this process at the same time, hence the margin.
    assert!(grown < 1 << 30, "{grown}");
}

#[test]
fn empty_blocks_go_back_to_the_system() {
    let config = Config { nursery_min_bytes: 4 * MIB, nursery_max_bytes: 4 * MIB, ..precise() };
    let (mut heap, world) = make(config);
    let world = unsafe { &mut *world };
    for i in 0..1_000_000 {
        let fresh = node(&mut heap, i, 4) as u64;
        world.roots.push(fresh);
    }
    assert!(heap.live_bytes() >= 60 << 20);
    world.roots.clear();
    heap.collect(Kind::Major);
    assert!(heap.space.free_dirty * 16384 <= 20 << 20);
    let blocks = &heap.space.blocks;
    assert_eq!(heap.space.free_dirty, blocks.iter().filter(|block| block.dirty).count());
}

#[test]
fn long_lists() {
    let (mut heap, world) = make(precise());
    let world = unsafe { &mut *world };
    world.roots = vec![0];
    let count = if cfg!(debug_assertions) { 3_000_000 } else { 10_000_000 };
    for i in 0..count {
        let fresh = node(&mut heap, i, 1);
        unsafe { *Node::refs(fresh) = world.roots[0] };
        world.roots[0] = fresh as u64;
    }
    heap.collect(Kind::Major);
    assert_eq!(heap.stats().marked, count as usize);
    let mut at = world.roots[0] as *mut Node;
    let mut seen = 0;
    while !at.is_null() {
        seen += 1;
        at = unsafe { *Node::refs(at) } as *mut Node;
    }
    assert_eq!(seen, count);
}

#[test]
fn weak_references_finalisers_and_drops() {
    for kind in [Kind::Minor, Kind::Major] {
        let (mut heap, world) = make(precise());
        let world = unsafe { &mut *world };
        let child = node(&mut heap, 1, 0) as u64;
        let parent = node(&mut heap, 2, 1);
        unsafe { *Node::refs(parent) = child };
        let kept = node(&mut heap, 3, 0) as u64;
        let lost = node(&mut heap, 4, 0) as u64;
        world.roots = vec![kept];
        world.weak = vec![child as _, kept as _, lost as _];
        world.finalisable = vec![parent as _];
        world.watched = vec![child as _, parent as _, lost as _];
        heap.collect(kind);
        assert_eq!(world.weak, vec![kept as *mut Header], "weak references go before finalisers run");
        assert_eq!(world.to_finalise, vec![parent as *mut Header]);
        assert_eq!(world.dropped, vec![4], "the finaliser's object keeps its child");
        assert_eq!(unsafe { (*(child as *mut Node)).id }, 1);
        world.to_finalise.clear();
        heap.collect(Kind::Major);
        world.dropped.sort();
        assert_eq!(world.dropped, vec![1, 2, 4]);
        assert_eq!(world.finished, 2);
    }
}

#[test]
fn external_memory_hastens_collections() {
    let (mut heap, world) = make(precise());
    node(&mut heap, 1, 0);
    heap.note_external(100 << 20);
    assert_eq!(unsafe { (*world).finished }, 0);
    node(&mut heap, 2, 0);
    assert_eq!(heap.stats().minor, 1);
    heap.request_collection();
    node(&mut heap, 3, 0);
    assert_eq!(heap.stats().major, 1, "100 MiB of old external memory ask for a major collection");
    heap.note_external(-(100 << 20));
    heap.disable();
    heap.request_collection();
    node(&mut heap, 4, 0);
    heap.enable();
    assert_eq!(heap.stats().minor + heap.stats().major, 2);
    assert_eq!(heap.stats().external_bytes, 0);
}

#[test]
fn relaxed_heaps_collect_seldom() {
    let (mut heap, _) = make(precise());
    let allocate = |heap: &mut Heap, mebibytes: usize| (0..mebibytes * 16).for_each(|_| init_raw(heap.alloc(65_536)));
    heap.relax(true);
    allocate(&mut heap, 31);
    assert_eq!(heap.stats().minor + heap.stats().major, 0);
    allocate(&mut heap, 100);
    let seldom = heap.stats().minor + heap.stats().major;
    assert!((2..=4).contains(&seldom), "{seldom}");
    heap.relax(false);
    allocate(&mut heap, 100);
    assert!(heap.stats().minor + heap.stats().major > 2 * seldom);
}

#[test]
fn memory_limit_gives_null() {
    let (mut heap, world) = make(Config { max_bytes: 32 * MIB, ..precise() });
    let world = unsafe { &mut *world };
    loop {
        let block = heap.try_alloc(1000);
        if block.is_null() {
            break;
        }
        init_raw(block);
        world.roots.push(block as u64);
    }
    assert!(world.roots.len() > 28_000, "{}", world.roots.len());
    // What cannot fail still gets memory, and the embedder is told.
    assert!(!heap.take_shortage());
    init_raw(heap.alloc(1000));
    assert!(heap.is_short() && heap.take_shortage() && !heap.take_shortage());
    assert!(heap.foresee(MIB));
    world.roots.clear();
    assert!(!heap.take_shortage(), "there is room again");
    assert!(!heap.try_alloc(20 * MIB).is_null());
}

struct Shared(*mut Heap);
unsafe impl Send for Shared {}

/// A thread that holds its only reference in its own frame while it is parked.
fn parked_thread(use_park_while: bool) {
    let (mut heap, _world) = make(Config { scan_stacks: true, ..precise() });
    let heap_ptr: *mut Heap = &mut *heap;
    let main = heap.register_thread();
    let shared = Shared(heap_ptr);
    let (parked_tx, parked_rx) = mpsc::channel();
    let (resume_tx, resume_rx) = mpsc::channel::<()>();
    heap.park(main);
    let thread = std::thread::spawn(move || {
        let shared = shared;
        let heap = shared.0;
        unsafe {
            let id = (*heap).register_thread();
            let hidden = std::hint::black_box(node(&mut *heap, 77, 2));
            let block = || {
                parked_tx.send(hidden as usize ^ 0xFFFF_0000_0000_0000).unwrap();
                resume_rx.recv().unwrap();
            };
            if use_park_while {
                Heap::park_while(heap, id, block);
            } else {
                (*heap).park(id);
                block();
                (*heap).unpark(id);
            }
            assert_eq!((*std::hint::black_box(hidden)).id, 77);
            (*heap).unregister_thread(id);
        }
    });
    let disguised = parked_rx.recv().unwrap();
    heap.unpark(main);
    for kind in [Kind::Minor, Kind::Major, Kind::Minor] {
        heap.collect(kind);
        for i in 0..5000 {
            node(&mut heap, i, 2);
        }
    }
    let addr = std::hint::black_box(disguised) ^ 0xFFFF_0000_0000_0000;
    assert!(heap.find_object(addr).is_some());
    heap.park(main);
    resume_tx.send(()).unwrap();
    thread.join().unwrap();
    heap.unpark(main);
}

#[test]
fn parked_threads_are_roots() {
    parked_thread(false);
    parked_thread(true);
}

#[test]
fn every_size_is_zeroed_aligned_and_apart() {
    let (mut heap, world) = make(precise());
    let world = unsafe { &mut *world };
    for round in 0..20 {
        for size in (24..10_000).step_by(7) {
            let block = heap.alloc(size);
            assert_eq!(block as usize % 16, 0);
            assert!(unsafe { (0..size / 8).all(|i| *(block as *const u64).add(i) == 0) }, "{size}");
            let count = size.saturating_sub(size_of::<Node>()) / 8;
            init(block as *mut Node, (size + round) as u64, count);
            unsafe { (0..count).for_each(|i| *Node::refs(block as *mut Node).add(i) = !0) };
            if size % 5 == 0 {
                world.roots.push(block as u64);
            }
        }
        for &addr in &world.roots {
            let node = addr as *mut Node;
            unsafe { (0..(*node).count as usize).for_each(|i| assert_eq!(*Node::refs(node).add(i), !0)) };
        }
        heap.collect(if round % 3 == 2 { Kind::Major } else { Kind::Minor });
        let mut index = 0;
        world.roots.retain(|_| (index += 1, index % 3 != 0).1);
    }
}

#[test]
#[ignore = "ends the process: run by a_missing_root_is_reported"]
fn lose_a_root() {
    let (mut heap, world) = make(Config { stress: true, ..precise() });
    let world = unsafe { &mut *world };
    world.roots = vec![node(&mut heap, 1, 0) as u64];
    let lost = node(&mut heap, 2, 0) as u64;
    let other = node(&mut heap, 3, 9);
    unsafe { *Node::refs(other) = lost };
    world.roots.push(other as u64);
    heap.collect(Kind::Major);
}

#[test]
fn a_missing_root_is_reported() {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--exact", "--nocapture", "tests::lose_a_root"];
    let output = std::process::Command::new(program).args(arguments).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("freed or never allocated"), "{text}");
}

#[test]
fn made_old_and_looked_into() {
    let (mut heap, world) = make(precise());
    let child = node(&mut heap, 1, 0) as u64;
    let parent = node(&mut heap, 2, 5000);
    store(&mut heap, parent, 3, child);
    store(&mut heap, parent, 4, 17);
    store(&mut heap, parent, 4999, (&raw const NODE) as u64);
    let mut references = unsafe { heap.references_of(parent as *mut Header) };
    references.sort();
    let mut expected = vec![child as *mut Header, (&raw const NODE) as *mut Header];
    expected.sort();
    assert_eq!(references, expected);
    heap.make_old(parent as *mut Header);
    heap.make_old(parent as *mut Header);
    heap.collect(Kind::Minor);
    assert!(heap.is_marked(child as *const Header), "old parents keep their children");
    assert!(heap.find_object(parent as usize).is_some());
    let late = node(&mut heap, 3, 0) as u64;
    store(&mut heap, parent, 0, late);
    heap.collect(Kind::Minor);
    assert!(heap.is_marked(late as *const Header));
    unsafe { (*world).roots.clear() };
    heap.collect(Kind::Major);
    assert_eq!(heap.live_bytes(), 0);
}

#[test]
fn layout_for_compiled_code() {
    let (heap, _) = make(precise());
    let address = &raw const *heap as usize;
    assert_eq!(&raw const heap.bumps as usize, address);
    assert_eq!(size_of::<Bump>(), 16);
    assert_eq!(size_of::<Header>(), 16);
}
