//! The languages that an application offers.

use std::borrow::Cow;
use std::sync::Arc;

use super::accept_language::{is_tag, parse};
use super::english::ENGLISH;
use super::french::FRENCH;
use super::german::GERMAN;
use super::japanese::JAPANESE;
use super::spanish::SPANISH;
use super::text::{Text, Texts};

/// The languages of the library. The first is the default.
static OWN: [Language; 5] = [
    Language::new(Cow::Borrowed("en"), &ENGLISH),
    Language::new(Cow::Borrowed("de"), &GERMAN),
    Language::new(Cow::Borrowed("fr"), &FRENCH),
    Language::new(Cow::Borrowed("es"), &SPANISH),
    Language::new(Cow::Borrowed("ja"), &JAPANESE),
];

/// The primary subtags of languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 9] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ur", "yi"];

/// One language: the texts of the application take precedence over those of the library.
#[derive(Clone, Debug)]
pub(crate) struct Language {
    tag: Cow<'static, str>,
    texts: &'static Texts,
    own: Vec<(Text, Arc<str>)>,
}

/// The languages that pages are offered in. The first is for requests that accept none of the others.
#[derive(Clone, Debug)]
pub(crate) struct Languages(Cow<'static, [Language]>);

/// A mistake in the settings of languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LanguageProblem {
    /// Not a language tag (RFC 5646).
    Tag(String),
    /// A text that no page has.
    Text(String),
    /// A language without any texts.
    WithoutTexts(String),
}

impl Language {
    const fn new(tag: Cow<'static, str>, texts: &'static Texts) -> Self {
        Self { tag, texts, own: Vec::new() }
    }

    /// A language that the library does not have.
    fn added(tag: &str) -> Self {
        Self::new(Cow::Owned(tag.to_owned()), &ENGLISH)
    }

    /// The language tag (RFC 5646).
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// The direction of the script, as HTML writes it.
    pub(crate) fn direction(&self) -> &'static str {
        let primary = self.tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        if RIGHT_TO_LEFT.contains(&primary.as_str()) { "rtl" } else { "ltr" }
    }

    /// Returns a text. A language that the application added has English texts where it has none of its own.
    pub(crate) fn text(&self, text: Text) -> &str {
        let own = self.own.iter().rev().find(|(known, _)| *known == text);
        own.map_or_else(|| self.texts.of(text), |(_, own)| own)
    }

    fn is(&self, tag: &str) -> bool {
        self.tag.eq_ignore_ascii_case(tag)
    }
}

/// Texts of an application: the language tag, and each text with its name.
pub(crate) type AppTexts = (String, Vec<(String, Arc<str>)>);

impl Text {
    /// The text in English, without the texts of an application: for messages that are no page.
    pub(crate) fn english(self) -> &'static str {
        ENGLISH.of(self)
    }
}

impl Default for Languages {
    fn default() -> Self {
        Self(Cow::Borrowed(&OWN))
    }
}

impl Languages {
    /// Adds the texts of an application to the library's languages, and limits the languages to `offered` unless that
    /// is empty. The first of them is the default.
    pub(crate) fn new(texts: &[AppTexts], offered: &[String]) -> (Self, Vec<LanguageProblem>) {
        if texts.is_empty() && offered.is_empty() {
            return (Self::default(), Vec::new());
        }
        let mut all = OWN.to_vec();
        let mut problems = Vec::new();
        for (tag, texts) in texts {
            if !is_tag(tag) {
                problems.push(LanguageProblem::Tag(tag.clone()));
                continue;
            }
            let mut language = take(&mut all, tag).unwrap_or_else(|| Language::added(tag));
            for (name, text) in texts {
                match Text::named(name) {
                    Some(name) => language.own.push((name, Arc::clone(text))),
                    None => problems.push(LanguageProblem::Text(name.clone())),
                }
            }
            all.push(language);
        }
        // English stays the default, although its texts may have been replaced.
        let english = all.iter().position(|language| language.is("en"));
        all.get_mut(..=english.unwrap_or_default()).into_iter().for_each(|start| start.rotate_right(1));
        if !offered.is_empty() {
            let pick = |tag: &String| {
                let language = take(&mut all, tag);
                if language.is_none() {
                    problems.push(LanguageProblem::WithoutTexts(tag.clone()));
                }
                language
            };
            all = offered.iter().filter_map(pick).collect();
        }
        (Self(Cow::Owned(all)), problems)
    }

    /// Whether the language of a page depends on the request.
    pub(crate) fn is_choice(&self) -> bool {
        self.0.len() > 1
    }

    /// Returns the default language.
    pub(crate) fn default_language(&self) -> &Language {
        let [english, ..] = &OWN;
        self.0.first().unwrap_or(english)
    }

    /// Chooses the language for an `Accept-Language` header (lookup, RFC 4647 §3.4). A range without a matching
    /// language is shortened: `de-AT` is satisfied by `de`. `pt` is also satisfied by `pt-BR`.
    pub(crate) fn select(&self, accept_language: Option<&[u8]>) -> &Language {
        let header = accept_language.and_then(|header| std::str::from_utf8(header).ok()).unwrap_or_default();
        let ranges = parse(header);
        let refused = |language: &&Language| !ranges.iter().any(|range| range.weight == 0 && language.is(range.tag));
        let offered = || self.0.iter().filter(refused);
        let accepted = ranges.iter().filter(|range| range.weight > 0);
        let mut best = accepted.filter_map(|range| match range.tag {
            "*" => offered().next(),
            tag => shortened(tag)
                .find_map(|tag| offered().find(|language| language.is(tag)))
                .or_else(|| offered().find(|language| is_prefix(tag, &language.tag))),
        });
        best.next().unwrap_or_else(|| self.default_language())
    }
}

fn take(languages: &mut Vec<Language>, tag: &str) -> Option<Language> {
    let found = languages.iter().position(|language| language.is(tag))?;
    Some(languages.remove(found))
}

/// Returns the tag, and then the tag without its last subtags.
fn shortened(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| tag.rsplit_once('-').map(|(rest, _)| rest))
}

fn is_prefix(range: &str, tag: &str) -> bool {
    tag.split_at_checked(range.len())
        .is_some_and(|(start, rest)| start.eq_ignore_ascii_case(range) && rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(tags: &[&str], offered: &[&str]) -> (Languages, Vec<LanguageProblem>) {
        let texts = tags.iter().map(|tag| ((*tag).to_owned(), vec![("home".to_owned(), (*tag).into())]));
        let offered: Vec<String> = offered.iter().map(|tag| (*tag).to_owned()).collect();
        Languages::new(&texts.collect::<Vec<_>>(), &offered)
    }

    #[test]
    fn the_language_with_the_highest_weight_is_chosen() {
        let (languages, problems) = with(&["pt-BR", "nl"], &[]);
        assert_eq!(problems, []);
        for (header, expected) in [
            ("de", "de"),
            ("DE-at", "de"),
            ("zh-Hant-TW, fr-CH-1996;q=0.9, en;q=0.8", "fr"),
            ("en;q=0.5, ja;q=0.9", "ja"),
            ("es, de", "es"),
            ("de;q=0.7, es;q=0.70", "de"),
            ("pt", "pt-BR"),
            ("pt-PT, nl;q=0.1", "nl"),
            ("it", "en"),
            ("it, *;q=0.1", "en"),
            ("*, en;q=0", "de"),
            ("en;q=0, it", "en"),
            ("de;q=0, de-DE, fr;q=0.2", "fr"),
            ("de;q=0", "en"),
            ("", "en"),
            ("de;q=2, fr", "fr"),
            ("deu", "en"),
            ("\"de\"", "en"),
        ] {
            assert_eq!(languages.select(Some(header.as_bytes())).tag(), expected, "{header}");
        }
        assert_eq!(languages.select(None).tag(), "en");
        assert_eq!(languages.select(Some(b"de\xff")).tag(), "en");
    }

    #[test]
    fn an_application_limits_the_languages_and_chooses_the_default() {
        let (languages, problems) = with(&["nl"], &["nl", "de"]);
        assert!(problems.is_empty() && languages.is_choice());
        for (header, expected) in [("en", "nl"), ("de", "de"), ("fr, de;q=0.1", "de")] {
            assert_eq!(languages.select(Some(header.as_bytes())).tag(), expected);
        }
        let (languages, problems) = with(&[], &["en"]);
        assert!(problems.is_empty() && !languages.is_choice());
        assert_eq!(languages.select(Some(b"de")).tag(), "en");
    }

    #[test]
    fn texts_of_the_application_take_precedence_and_english_fills_the_gaps() {
        let (languages, _) = with(&["nl", "EN", "ar"], &[]);
        let nl = languages.select(Some(b"nl"));
        assert_eq!((nl.text(Text::Home), nl.text(Text::SignedOut)), ("nl", "You are signed out"));
        assert_eq!(languages.default_language().text(Text::Home), "EN");
        assert_eq!(languages.select(Some(b"de")).text(Text::Home), "Startseite");
        assert_eq!((languages.select(Some(b"ar-EG")).direction(), nl.direction()), ("rtl", "ltr"));
    }

    #[test]
    fn mistakes_are_reported() {
        let (_, problems) = with(&["english", "x", "<b>"], &["xx", "de"]);
        let tags = ["english", "x", "<b>"].map(|tag| LanguageProblem::Tag(tag.to_owned()));
        assert_eq!(problems, [&tags[..], &[LanguageProblem::WithoutTexts("xx".to_owned())]].concat());
        let texts = [("de".to_owned(), vec![("heim".to_owned(), "x".into())])];
        assert_eq!(Languages::new(&texts, &[]).1, [LanguageProblem::Text("heim".to_owned())]);
    }

    #[test]
    fn every_translation_has_a_text_of_its_own() {
        for Language { tag, texts, .. } in &OWN[1..] {
            for (text, name) in Text::ALL {
                let (english, other) = (ENGLISH.of(*text), texts.of(*text));
                // "Code:" is the same word in some languages.
                assert!(english != other || *text == Text::CodeLabel, "{tag}: {name}");
                let ends = |text: &str| text.ends_with(['.', '。']);
                assert_eq!(ends(english), ends(other), "{tag}: {name}");
                assert!(!other.contains(['<', '>', '&']) && other.trim() == other, "{tag}: {name}");
            }
        }
    }
}
