# Shorthands; each is one line that works without `just` as well.

# Run the demo.
demo:
    cargo run -p axum-app

# Two replicas behind a proxy, with Redis.
replicas:
    cargo run -p replicas

# The tests that need nothing but Rust and a C compiler.
test:
    cargo test

# The whole gate.
ci:
    .ci/run

# The figures.
bench:
    cargo bench -p okta-auth
