//! The port and the public address of the example.

use std::{env, io};

/// `PORT`, or 8080.
pub(crate) fn port() -> Result<u16, String> {
    let Ok(port) = env::var("PORT") else { return Ok(8080) };
    port.parse().map_err(|_| format!("`{port}` is not a port; set PORT to a number up to 65535, such as PORT=8088"))
}

/// The message if the port cannot be used.
pub(crate) fn taken(port: u16) -> impl Fn(io::Error) -> String {
    let other = if port == 8088 { 8089 } else { 8088 };
    move |error| match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is in use; set another one, such as PORT={other}"),
        _ => format!("port {port} cannot be used ({error}); set another one, such as PORT={other}"),
    }
}

/// `OKTA_BASE_URL`, or else localhost with the port.
pub(crate) fn base(port: u16) -> String {
    let own = env::var("OKTA_BASE_URL").ok().filter(|own| !own.trim().is_empty());
    own.unwrap_or_else(|| format!("http://localhost:{port}"))
}
