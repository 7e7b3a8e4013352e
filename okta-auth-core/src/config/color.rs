//! Colours, and their contrast (WCAG 2.2, "relative luminance" and "contrast ratio").

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color([u8; 3]);

impl Color {
    pub(super) const BLACK: Self = Self([0, 0, 0]);
    pub(super) const WHITE: Self = Self([255, 255, 255]);

    pub(super) const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Parses `#rrggbb` or `#rgb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        match digits.len() {
            6 => Some(Self([red, green, blue])),
            3 => Some(Self([green & 15, blue >> 4, blue & 15].map(|digit| digit * 17))),
            _ => None,
        }
    }

    /// The colour as CSS writes it.
    pub(crate) fn css(self) -> String {
        let Self([red, green, blue]) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Returns black or white, whichever is easier to read on this colour. Its contrast is at least 4.58:1.
    pub(crate) fn text(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The contrast ratio of two colours, from 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let Self(channels) = self;
        let [red, green, blue] = channels.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_colours_are_parsed() {
        assert_eq!(Color::parse("#1452cc"), Some(Color::new(0x14, 0x52, 0xcc)));
        assert_eq!(Color::parse("#1Af").map(Color::css).as_deref(), Some("#11aaff"));
        for other in ["1452cc", "#1452c", "#1452cc80", "#12", "red", "#+12345", "#", "", "#fff;}", "url(x)", "#é12"] {
            assert_eq!(Color::parse(other), None, "{other}");
        }
    }

    #[test]
    fn contrast_and_readable_text() {
        let ratio = |one, two| (Color::contrast(one, two) * 100.0).round() / 100.0;
        assert_eq!(ratio(Color::BLACK, Color::WHITE), 21.0);
        assert_eq!(ratio(Color::new(0x76, 0x76, 0x76), Color::WHITE), 4.54);
        for gray in 0..=255 {
            let color = Color::new(gray, gray, gray);
            assert!(color.contrast(color.text()) >= 4.5, "{gray}");
        }
        assert_eq!(Color::parse("#ffd400").map(Color::text), Some(Color::BLACK));
    }
}
