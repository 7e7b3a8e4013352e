//! The program over HTTP. Examples for axum and actix-web share these tests, which are in `tests/examples`.

example_tests::multi_tenant!(env!("CARGO_BIN_EXE_multi-tenant-actix"));
