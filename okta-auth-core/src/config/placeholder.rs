//! Detects values that were copied from documentation, or copied together with their quotes.

/// Placeholders in documentation, in lower case and without separators.
const PLACEHOLDERS: [&str; 6] = ["yourokta", "yourdomain", "yourclient", "yourorg", "yourcompany", "yourtenant"];

/// Whether a value still has to be filled in.
pub(super) fn is_placeholder(value: &str) -> bool {
    let plain: String = value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let marked = value.contains(['{', '}', '<', '>', '…']) || value.contains("YOUR_") || value.contains("...");
    marked || PLACEHOLDERS.iter().any(|word| plain.contains(word))
}

/// Whether a value is in quotes that a shell would have removed.
pub(super) fn is_quoted(value: &str) -> bool {
    ['"', '\''].iter().any(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote))
}
