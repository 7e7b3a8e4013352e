//! The page that notifies other apps of a sign-out.

use super::layout::{escape, page};
use crate::org_state::OrgState;

/// The timeout for the frames, in milliseconds, so that an app that hangs does not block the browser.
const PATIENCE: u32 = 5000;

/// Renders a hidden frame for each URI, and continues to `next` if it is set.
///
/// `nonce` allows the script in the content security policy. The script comes before the frames, so that it receives
/// all their load events.
pub(in crate::endpoint) fn front_channel(org: &OrgState, frames: &[&str], next: Option<&str>, nonce: &str) -> String {
    let frame = |uri: &&str| format!("<iframe hidden title=\"Sign-out\" src=\"{}\"></iframe>", escape(uri));
    let frames_html: String = frames.iter().map(frame).collect();
    let way_on = next.map(|next| {
        format!(
            "<p class=\"soft\"><a id=\"next\" href=\"{}\">Continue</a></p>{}",
            escape(next),
            script(frames.len(), nonce)
        )
    });
    let body = format!(
        "<h1>Signed out</h1><p class=\"soft\">Your session here has ended. Other apps are being notified.</p>\
         {}{frames_html}",
        way_on.unwrap_or_default()
    );
    page("Signed Out", &org.name, &body)
}

/// Continues when every frame has loaded, successfully or not.
fn script(frames: usize, nonce: &str) -> String {
    format!(
        "<script nonce=\"{nonce}\">\
         let left={frames};\
         const go=()=>location.replace(document.getElementById('next').href);\
         document.addEventListener('load',event=>{{if(event.target.tagName==='IFRAME'&&--left===0)go()}},true);\
         setTimeout(go,{PATIENCE})</script>"
    )
}
