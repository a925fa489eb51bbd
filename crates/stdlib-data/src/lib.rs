//! Native modules about data: numbers, dates, tables, compression, digests, queues.
//!
//! A crate of its own so that changes here rebuild little; the binary registers its modules with
//! [`taipan_stdlib::register`].

mod cmath;
mod compress;
mod csv;
mod datetime;
mod hash;
mod lsprof;
mod pickle;
mod queue;
mod sysconfig;
mod uuid;
mod zoneinfo;

/// The modules of this crate.
pub const MODULES: taipan_stdlib::Table = &[
    ("_blake2", hash::blake2_module),
    ("_bz2", compress::bz2_module),
    ("_csv", csv::module),
    ("_datetime", datetime::module),
    ("_hashlib", hash::hashlib_module),
    ("_hmac", hash::hmac_module),
    ("_lsprof", lsprof::module),
    ("_lzma", compress::lzma_module),
    ("_md5", hash::md5_module),
    ("_pickle", pickle::module),
    ("_queue", queue::module),
    ("_sha1", hash::sha1_module),
    ("_sha2", hash::sha2_module),
    ("_sha3", hash::sha3_module),
    ("_sysconfig", sysconfig::module),
    ("_uuid", uuid::module),
    ("_zoneinfo", zoneinfo::module),
    ("cmath", cmath::module),
    ("zlib", compress::zlib_module),
];
