//! Reads encoded fields one after another.
//!
//! `postcard` encodes a struct as its fields in order, without anything between them. A derived `Deserialize` passes
//! each field through two layers of `Result` and `Option`, which takes longer than decoding it. Every request decodes a
//! session, so the records and tokens of sessions are read field by field.

use postcard::de_flavors::Slice;
use serde::Deserialize;

pub(super) struct Reader<'a>(postcard::Deserializer<'a, Slice<'a>>);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(postcard::Deserializer::from_bytes(bytes))
    }

    /// Reads the next field. Returns `None` if it does not decode.
    pub(super) fn next<T: Deserialize<'a>>(&mut self) -> Option<T> {
        T::deserialize(&mut self.0).ok()
    }

    /// Returns the bytes after the last field that was read.
    pub(super) fn rest(self) -> Option<&'a [u8]> {
        self.0.finalize().ok()
    }
}
