//! The page that tells other apps about a sign-out.

use super::{escape, page};
use crate::tenant::Tenant;

/// How long the page waits for the frames, in milliseconds. An app that hangs must not
/// keep anybody.
const PATIENCE: u32 = 5000;

/// The page with a hidden frame for each address, on its way to the next one if there
/// is any.
///
/// `nonce` is the one the policy allows a script with. The script comes before the
/// frames, so that it hears of each.
pub(in crate::endpoint) fn front_channel(tenant: &Tenant, frames: &[&str], next: Option<&str>, nonce: &str) -> String {
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
        "<h1>Signed out</h1><p class=\"soft\">Your session here has ended. Other apps are told.</p>{}{frames_html}",
        way_on.unwrap_or_default()
    );
    page("Signed Out", &tenant.name, &body)
}

/// Goes on when every frame has loaded, however it went.
fn script(frames: usize, nonce: &str) -> String {
    format!(
        "<script nonce=\"{nonce}\">\
         let left={frames};\
         const go=()=>location.replace(document.getElementById('next').href);\
         document.addEventListener('load',event=>{{if(event.target.tagName==='IFRAME'&&--left===0)go()}},true);\
         setTimeout(go,{PATIENCE})</script>"
    )
}
