//! Reading the archive that `build.rs` writes: one zlib stream of
//! `path length: u32, content length: u32, path, content`.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lib.zz"));

/// A file of the library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Path below `lib/python3.14`, with `/`.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// The files of the library, decompressed one after the other.
pub struct Entries(ZlibDecoder<&'static [u8]>);

/// All files, sorted by path.
pub fn entries() -> Entries {
    Entries(ZlibDecoder::new(ARCHIVE))
}

impl Entries {
    fn read_entry(&mut self) -> io::Result<Option<Entry>> {
        let mut lengths = [0; 8];
        if self.0.read(&mut lengths[..1])? == 0 {
            return Ok(None);
        }
        self.0.read_exact(&mut lengths[1..])?;
        let length = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| lengths[at + i])) as usize;
        let mut path = vec![0; length(0)];
        let mut content = vec![0; length(4)];
        self.0.read_exact(&mut path)?;
        self.0.read_exact(&mut content)?;
        let path = String::from_utf8(path).map_err(io::Error::other)?;
        Ok(Some(Entry { path, content }))
    }
}

impl Iterator for Entries {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        self.read_entry().transpose()
    }
}
