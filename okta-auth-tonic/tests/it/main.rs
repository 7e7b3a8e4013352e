//! gRPC calls over real sockets, with tonic's client and tokens of the development org.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod calls;
mod channel;
mod dpop;
mod support;
