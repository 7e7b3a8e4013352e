//! Escapes text from servers for a single log line.

/// The maximum length in characters. Okta's descriptions have less than 300.
const MAX_CHARACTERS: usize = 500;

/// Escapes characters that could forge log lines or hide text (line breaks, terminal escapes, direction marks), and
/// truncates long text.
///
/// Quotes are not escaped, because Okta's descriptions contain many of them and the log format quotes values itself.
pub(crate) fn escaped(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MAX_CHARACTERS));
    let mut characters = text.chars();
    for character in characters.by_ref().take(MAX_CHARACTERS) {
        match character {
            '\'' | '"' => kept.push(character),
            other => kept.extend(other.escape_debug()),
        }
    }
    if characters.next().is_some() {
        kept.push_str(" (cut)");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_and_is_bounded() {
        assert_eq!(escaped("The 'sub' of \"J\u{fc}rgen\" is bad."), "The 'sub' of \"J\u{fc}rgen\" is bad.");
        let hostile = "a\r\nERROR forged \u{1b}[2J \0 \u{2028}\u{202e}\u{85}\u{200b} \\n";
        let shown = escaped(hostile);
        assert_eq!(shown, r"a\r\nERROR forged \u{1b}[2J \0 \u{2028}\u{202e}\u{85}\u{200b} \\n");
        let long = escaped(&"\n".repeat(100_000));
        assert_eq!((long.len(), long.ends_with("\\n (cut)")), (1_006, true));
    }
}
