//! Where the example listens, and under which address people know it.

use std::{env, io};

/// `PORT`, or 8080.
pub(crate) fn port() -> Result<u16, String> {
    let Ok(port) = env::var("PORT") else { return Ok(8080) };
    port.parse().map_err(|_| format!("`{port}` is no port; PORT takes a number up to 65535, such as PORT=8088"))
}

/// What to say when the port cannot be had.
pub(crate) fn taken(port: u16) -> impl Fn(io::Error) -> String {
    let other = if port == 8088 { 8089 } else { 8088 };
    move |error| match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is in use; PORT={other} takes another"),
        _ => format!("port {port} cannot be used ({error}); PORT={other} takes another"),
    }
}

/// `OKTA_BASE_URL`, or else this machine at the port.
pub(crate) fn base(port: u16) -> String {
    let own = env::var("OKTA_BASE_URL").ok().filter(|own| !own.trim().is_empty());
    own.unwrap_or_else(|| format!("http://localhost:{port}"))
}
