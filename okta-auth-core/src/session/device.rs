//! Names a browser and its system in two words, for a page on which users see where they are signed in. The browser's
//! own claim is never used to recognize a user.

/// Parts of `User-Agent` and the browser that each stands for. The first match wins, because a browser also names the
/// browsers that it imitates.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// Likewise for systems.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Returns for example `Firefox on Linux` for a `User-Agent` header (RFC 9110 §10.1.5), or `None` if neither browser
/// nor system is recognized.
pub(crate) fn device(user_agent: &str) -> Option<String> {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn browsers_are_distinguished_from_those_that_they_imitate() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        assert_eq!(
            device(&format!("{windows} Chrome/156.0 Safari/537.36 Edg/156.0")).as_deref(),
            Some("Edge on Windows")
        );
        assert_eq!(device(&format!("{windows} Chrome/156.0 Safari/537.36")).as_deref(), Some("Chrome on Windows"));
        let iphone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1";
        assert_eq!(device(iphone).as_deref(), Some("Safari on iPhone"));
        assert_eq!(device("curl/8.5.0").as_deref(), Some("curl"));
        assert_eq!(device("<script>alert(1)</script>"), None);
    }
}
