//! The script of the browser kit. `npm run build` in `browser/` writes it from TypeScript, and a test compares the two.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::sha256;

/// The script, minified: one ES module.
pub(crate) const SCRIPT: &[u8] = include_bytes!("okta-auth.js");

/// The start of the hash of the script, in hexadecimal digits.
pub(crate) static VERSION: LazyLock<String> =
    LazyLock::new(|| sha256(SCRIPT).iter().take(8).map(|byte| format!("{byte:02x}")).collect());

/// The hash of the script for the attribute `integrity` (Subresource Integrity §3.5).
pub(crate) static INTEGRITY: LazyLock<String> = LazyLock::new(|| format!("sha256-{}", STANDARD.encode(sha256(SCRIPT))));

#[cfg(test)]
mod tests {
    use super::SCRIPT;

    /// The limit that the documentation promises.
    #[test]
    fn the_script_is_small() {
        assert!(SCRIPT.len() <= 6 * 1024, "the script has {} bytes", SCRIPT.len());
    }
}
