//! Counters a collection leaves behind.

/// Totals since the heap was created, and figures of the last collection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Minor collections.
    pub minor: u64,
    /// Major collections.
    pub major: u64,
    /// Nanoseconds spent in collections.
    pub total_pause_ns: u64,
    /// Nanoseconds of the longest collection.
    pub max_pause_ns: u64,
    /// Nanoseconds of the last collection.
    pub last_pause_ns: u64,
    /// Bytes handed out to allocation, counted a free run at a time.
    pub bytes_allocated: u64,
    /// Bytes of the cells that survived the last collection.
    pub live_bytes: usize,
    /// Bytes reported through `note_external` and not yet taken back.
    pub external_bytes: usize,
    /// Bytes of address space made readable; what is resident is less.
    pub committed_bytes: usize,
    /// Old objects whose references the last minor collection visited again.
    pub remembered: usize,
    /// Objects marked by the last collection.
    pub marked: usize,
    /// Present allocation budget between collections.
    pub nursery_bytes: usize,
    /// Heap size at which the next collection is a major one.
    pub major_at_bytes: usize,
}
