# Shorthands. Each is one line that also works without `just`.

# Run the demo.
demo:
    cargo demo

# Start two replicas behind a proxy, with Redis.
replicas:
    cargo run -p replicas

# Run the tests that need only Rust and a C compiler.
test:
    cargo test

# Run all checks.
ci:
    .ci/run

# Show the book of docs/ in a browser. Needs `cargo install mdbook`.
book:
    mdbook serve --open

# Run the benchmarks.
bench:
    cargo bench -p okta-auth
