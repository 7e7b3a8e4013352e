//! Parses `Accept-Language` (RFC 9110 §12.5.4).

/// How many language ranges are read; browsers send fewer.
const MAX_RANGES: usize = 16;

/// A language range with its weight in thousandths.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range<'a> {
    pub(super) tag: &'a str,
    pub(super) weight: u16,
}

/// Returns the language ranges of a header, by descending weight. Ranges of the same weight stay in their order, which
/// users take for their preference. Malformed members are skipped.
pub(super) fn parse(header: &str) -> Vec<Range<'_>> {
    let mut ranges: Vec<Range<'_>> = header.split(',').take(MAX_RANGES).filter_map(range).collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.weight));
    ranges
}

fn range(member: &str) -> Option<Range<'_>> {
    let mut parts = member.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| *tag == "*" || is_tag(tag))?;
    let weight = match (parts.next(), parts.next()) {
        (None, _) => 1000,
        (Some(parameter), None) => weight(parameter)?,
        _ => return None,
    };
    Some(Range { tag, weight })
}

/// Reads `q=` with up to three decimals (RFC 9110 §12.4.2).
fn weight(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// Whether the text has the form of a language tag: subtags of one to eight letters or digits, the first of two or
/// three letters (RFC 5646 §2.1).
pub(super) fn is_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let is_language = |tag: &str| matches!(tag.len(), 2 | 3) && tag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag = |tag: &str| matches!(tag.len(), 1..=8) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 35 && subtags.next().is_some_and(is_language) && subtags.all(is_subtag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<(&str, u16)> {
        parse(header).into_iter().map(|range| (range.tag, range.weight)).collect()
    }

    #[test]
    fn ranges_are_sorted_by_weight_and_then_by_position() {
        assert_eq!(
            read("da, en-GB;q=0.8, en;q=0.7, fr ; q=0.8, *;q=0.001"),
            [("da", 1000), ("en-GB", 800), ("fr", 800), ("en", 700), ("*", 1)]
        );
    }

    #[test]
    fn malformed_members_are_skipped() {
        for wrong in [
            "en;q=1.1",
            "en;q=1.001",
            "en;q=-1",
            "en;q=.5",
            "en;q=0.5x",
            "en;q=0.1234",
            "en;q=1e0",
            "en;q=+1",
            "en;q=0.+1",
            "en;q",
            "en;level=1",
            "en;q=1;q=1",
            "e",
            "english language",
            "en_US",
            "1a",
            "<script>",
            "",
            ",,;",
        ] {
            assert_eq!(read(&format!("{wrong},ja;q=0.5")), [("ja", 500)], "{wrong}");
        }
    }

    #[test]
    fn a_long_header_is_read_in_part() {
        let header = "en,".repeat(100_000);
        assert_eq!(parse(&header).len(), MAX_RANGES);
    }
}
