//! placeholder until the compiler branch is merged
use crate::Position;
/// Decodes positions.
pub fn decode(_bytes: &[u8]) -> impl Iterator<Item = Position> {
    std::iter::empty()
}
