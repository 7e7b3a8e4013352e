//! Reads values from the org's own pages by string search. This is not an HTML parser and does not handle pages of
//! other servers.

use serde_json::{Map, Value};

pub(super) fn field(html: &str, name: &str) -> Option<String> {
    inputs(html).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Returns the text of the element with this id, which must not contain elements.
pub(super) fn text(html: &str, id: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!(" id=\"{id}\""))?;
    let (_, content) = rest.split_once('>')?;
    content.split('<').next().map(unescape)
}

/// Returns the target and the fields of a form that submits itself.
pub(super) fn self_submitting_form(html: &str) -> Option<(String, Vec<(String, String)>)> {
    if !html.contains("document.forms[0].submit()") {
        return None;
    }
    let (_, form) = html.split_once("<form ")?;
    Some((attribute(form, "action")?, inputs(form)))
}

/// Returns the message that a page posts to its opener, and the origin that may receive it.
pub(super) fn message(html: &str) -> Option<(Map<String, Value>, String)> {
    let (_, rest) = html.split_once(".postMessage(")?;
    let (arguments, _) = rest.split_once(")</script>")?;
    serde_json::from_str(&format!("[{arguments}]")).ok()
}

/// Returns the URLs of a page's frames, in order.
pub(super) fn frames(html: &str) -> Vec<String> {
    html.split("<iframe ").skip(1).filter_map(|tag| attribute(tag, "src")).collect()
}

pub(super) fn link(html: &str, id: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("<a id=\"{id}\""))?;
    attribute(rest, "href")
}

/// Returns names and values of all inputs, in order.
fn inputs(html: &str) -> Vec<(String, String)> {
    let tags = html.split("<input ").skip(1).filter_map(|rest| rest.split('>').next());
    tags.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next().map(unescape)
}

/// Reverses the escaping. The ampersand comes last, because every entity contains one.
fn unescape(text: &str) -> String {
    let quotes = text.replace("&quot;", "\"").replace("&#39;", "'");
    quotes.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::page::escape;

    #[test]
    fn escaped_values_are_read_back_unchanged() {
        let nasty = "<\"&'>&amp;";
        let html = format!("<form action=\"{0}\"><input type=\"hidden\" name=\"a\" value=\"{0}\">", escape(nasty));
        assert_eq!(field(&html, "a").unwrap(), nasty);
        assert_eq!(attribute(&html, "action").unwrap(), nasty);
        assert_eq!(text(&format!("<p class=\"a\" id=\"b\">{}</p>", escape(nasty)), "b").unwrap(), nasty);
    }
}
