//! What the embedder gives the collector: the object header, tunables and hooks.

use crate::{Marker, Stats};

/// The first 16 bytes of every object.
///
/// The collector reads only `ty`: a free cell has a type word that is zero or odd.
#[repr(C)]
pub struct Header {
    /// Reference count and flags; the collector never looks at it.
    pub word0: u64,
    /// The object's type: non-null and even in every allocated object.
    pub ty: *const (),
}

/// Which collection is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only objects allocated since the last collection can die.
    Minor,
    /// Every object can die.
    Major,
}

/// Tunables; `Config::default()` is what the runtime uses.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address space to try to reserve, in bytes; halved until the system agrees.
    pub reserve_bytes: usize,
    /// Most bytes the heap may hold; 0 means physical memory and swap together.
    pub max_bytes: usize,
    /// Smallest allocation budget between two collections, in bytes.
    pub nursery_min_bytes: usize,
    /// Largest allocation budget for small heaps; a quarter of the live bytes if that is more.
    /// Equal to `nursery_min_bytes` it makes the collector independent of the clock.
    pub nursery_max_bytes: usize,
    /// The heap is not collected fully before it holds this many bytes.
    pub major_min_bytes: usize,
    /// A full collection is due when the heap is this many percent of what the last one left.
    pub major_growth_percent: usize,
    /// Empty blocks kept for reuse after a collection, in bytes, before memory goes back to the system.
    pub keep_free_bytes: usize,
    /// Ask for 2-MiB pages beyond the first 64 MiB: a third less time to fill a large heap where the
    /// system has such pages at hand, more than twice the time where a hypervisor must find them.
    pub huge_pages: bool,
    /// Scan native stacks; tests with precise roots only switch it off.
    pub scan_stacks: bool,
    /// Collect every `stress_interval`-th allocation, poison what dies, check every reference.
    pub stress: bool,
    /// Allocations from one stress collection to the next; at least 1.
    pub stress_interval: u32,
}

impl Default for Config {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Config {
            reserve_bytes: 256 << 30,
            max_bytes: 0,
            nursery_min_bytes: 2 * MIB,
            nursery_max_bytes: 64 * MIB,
            major_min_bytes: 8 * MIB,
            major_growth_percent: 200,
            keep_free_bytes: 8 * MIB,
            huge_pages: false,
            scan_stacks: true,
            stress: false,
            stress_interval: 1,
        }
    }
}

/// The embedder's side of a collection.
///
/// No hook may allocate, store through the heap or unwind; `after_mark` and `finished` queue what
/// must run Python code, and the runtime runs the queue once the allocation has returned.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Passed to every hook but `trace`.
    pub ctx: *mut (),
    /// Reports every outgoing reference of `obj` to the marker.
    pub trace: unsafe fn(obj: *mut Header, marker: &mut Marker),
    /// Reports every root that is not on a native stack, statics included.
    pub roots: unsafe fn(ctx: *mut (), marker: &mut Marker),
    /// Called once all that is reachable is marked: clears weak references, resurrects objects with
    /// finalisers (`mark_object`, then `drain`) and drops what native memory dead objects own.
    pub after_mark: unsafe fn(ctx: *mut (), marker: &mut Marker, kind: Kind),
    /// Called at the end of a collection.
    pub finished: unsafe fn(ctx: *mut (), stats: &Stats),
    /// Called when there is something for [`Heap::take_shortage`](crate::Heap::take_shortage) to say; the one hook that is not
    /// called in a collection.
    pub shortage: unsafe fn(ctx: *mut ()),
}
