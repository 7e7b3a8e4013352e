//! Splits one sealed text over several cookies, because a browser accepts 4096 bytes for each (RFC 6265 §6.1).
//!
//! The first cookie has the plain name and begins with the number of parts: `3.AbC...`; the others are `name.1`,
//! `name.2`. The parts are one sealed text, so a part that is changed, missing, swapped or from an older value makes
//! the whole text unreadable. Parts beyond the number are ignored.
//!
//! A browser sends several cookies of one name if another application on the host has set some for a path of its own.
//! Each combination is a candidate, up to [`CANDIDATES`] of them, and the one that opens counts.

use std::borrow::Cow;
use std::io::Write as _;

use http::HeaderValue;

use super::request::RequestCookies;
use super::settings::{self, CookieSettings};
use crate::base64url;
use crate::error::{Code, Error, Result};

/// The bytes of value in one cookie; name and attributes fit in the rest of 4096.
const PART: usize = 3_800;

/// An upper bound for the bytes of the part numbers and of `Max-Age`.
const EXTRA: usize = 48;

/// The maximum number of parts, given the total header size that servers and proxies commonly accept.
const MOST: usize = 5;

/// The maximum number of combinations of cookies that are tried.
const CANDIDATES: usize = 16;

#[derive(Debug)]
pub(crate) struct Chunks {
    settings: CookieSettings,
    name: String,
}

impl Chunks {
    pub(crate) fn new(settings: CookieSettings, name: &str) -> Self {
        let name = settings.name(name);
        Self { settings, name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the candidate texts, reassembled from their parts. Usually there is one, and it is not copied.
    pub(crate) fn candidates<'a>(&'a self, cookies: &'a RequestCookies) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let firsts = cookies.unchecked_values(&self.name).filter_map(split_count);
        let texts = firsts.flat_map(|(count, first)| {
            let (whole, combined) = match count {
                1 => (Some(first), Vec::new()),
                _ => (None, self.combinations(cookies, count, first)),
            };
            whole.map(Cow::Borrowed).into_iter().chain(combined.into_iter().map(Cow::Owned))
        });
        texts.take(CANDIDATES)
    }

    /// Returns the texts that one cookie has completely, at most [`CANDIDATES`]. It serves for short texts, which are
    /// never divided.
    pub(crate) fn undivided<'a>(&'a self, cookies: &'a RequestCookies) -> impl Iterator<Item = &'a [u8]> {
        let firsts = cookies.unchecked_values(&self.name).filter_map(split_count);
        firsts.filter_map(|(count, text)| (count == 1).then_some(text)).take(CANDIDATES)
    }

    /// Joins the first part with each combination of the others.
    fn combinations(&self, cookies: &RequestCookies, count: usize, first: &[u8]) -> Vec<Vec<u8>> {
        let values = |at| cookies.unchecked_values(&self.part(at)).take(CANDIDATES).collect();
        let parts: Vec<Vec<&[u8]>> = (1..count).map(values).collect();
        let number = parts.iter().fold(1_usize, |number, values| number.saturating_mul(values.len()));
        let combination = |mut number: usize| {
            let mut pieces = vec![first];
            for values in &parts {
                pieces.extend(values.get(number % values.len()));
                number /= values.len();
            }
            pieces.concat()
        };
        (0..number.min(CANDIDATES)).map(combination).collect()
    }

    /// Returns the text of the first cookie if it is the only part.
    ///
    /// The text is not verified. It serves as the key for the cookie cache, which usually has the session.
    pub(crate) fn first<'a>(&self, cookies: &'a RequestCookies) -> Option<&'a [u8]> {
        let (count, first) = split_count(cookies.first(&self.name)?)?;
        (count == 1).then_some(first)
    }

    /// Returns the `Set-Cookie` values that store the text, and that delete the surplus parts of a longer one.
    ///
    /// # Errors
    /// [`Code::SessionTooLarge`] if it does not fit.
    pub(crate) fn write(
        &self,
        cookies: &RequestCookies,
        sealed: &[u8],
        max_age: std::time::Duration,
    ) -> Result<Vec<HeaderValue>> {
        let count = base64url::encoded_len(sealed).div_ceil(PART);
        if count > MOST {
            let message = format!(
                "the session has {} bytes and does not fit the cookies of a browser: keep sessions in a store \
                 (OKTA_SESSION_STORE=redis://.. or memory), or request fewer groups and claims from Okta (a group filter \
                 on the claim), or store less data in the session at sign-in",
                base64url::encoded_len(sealed)
            );
            return Err(Error::new(Code::SessionTooLarge, message));
        }
        let mut set = Vec::with_capacity(count);
        // Three bytes encode to four characters, so the bytes can be split before encoding.
        for (at, part) in sealed.chunks(PART / 4 * 3).enumerate() {
            set.push(self.set(at, count, part, max_age)?);
        }
        set.extend(self.removals(cookies, count));
        Ok(set)
    }

    /// Builds the `Set-Cookie` value of one part. It encodes directly into the result, which has kilobytes.
    fn set(&self, at: usize, count: usize, part: &[u8], max_age: std::time::Duration) -> Result<HeaderValue> {
        let attributes = self.settings.attributes();
        let room = [self.name.len(), base64url::encoded_len(part), attributes.len(), EXTRA];
        let mut cookie = Vec::with_capacity(room.into_iter().fold(0, usize::saturating_add));
        cookie.extend_from_slice(self.name.as_bytes());
        // Writing to a vector of bytes cannot fail.
        let _ = if at == 0 { write!(cookie, "={count}.") } else { write!(cookie, ".{at}=") };
        base64url::append_bytes(part, &mut cookie);
        cookie.extend_from_slice(attributes.as_bytes());
        let _ = write!(cookie, "; Max-Age={}", max_age.as_secs());
        settings::header(cookie)
    }

    /// Deletes every part that the browser holds, and the first one in any case.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        let mut removed = vec![self.settings.remove(&self.name)];
        removed.extend(self.removals(cookies, 1));
        removed
    }

    /// Deletes the parts from number `from` on that the browser holds. Numbers above the maximum are never ours and are
    /// ignored, so that the response stays small.
    fn removals(&self, cookies: &RequestCookies, from: usize) -> Vec<HeaderValue> {
        let numbers = cookies.names_with_prefix(&self.name).filter_map(|name| {
            let number = name.get(self.name.len()..)?.strip_prefix('.')?;
            (from..MOST).find(|at| number.len() == 1 && number.parse() == Ok(*at))
        });
        let mut stale: Vec<usize> = numbers.collect();
        stale.sort_unstable();
        stale.dedup();
        stale.into_iter().map(|at| self.settings.remove(&self.part(at))).collect()
    }

    /// The ids of other tenants that the browser has cookies of, without duplicates. They are untrusted text. Pending
    /// logins are excluded: their names have one more `_`.
    pub(crate) fn others<'a>(&'a self, cookies: &'a RequestCookies) -> Vec<&'a str> {
        let Some((family, own)) = self.name.rsplit_once('_') else { return Vec::new() };
        let rests = cookies.names_with_prefix(family).filter_map(|name| name.strip_prefix(family)?.strip_prefix('_'));
        let ids = rests.map(|rest| rest.split_once('.').map_or(rest, |(id, _)| id));
        let mut ids: Vec<&str> = ids.filter(|id| !id.is_empty() && !id.contains('_') && *id != own).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub(crate) fn clear_other(&self, cookies: &RequestCookies, id: &str) -> Vec<HeaderValue> {
        let Some((family, _)) = self.name.rsplit_once('_') else { return Vec::new() };
        let (settings, name) = (self.settings.clone(), format!("{family}_{id}"));
        Self { settings, name }.clear(cookies)
    }

    fn part(&self, at: usize) -> String {
        if at == 0 { self.name.clone() } else { format!("{}.{at}", self.name) }
    }
}

/// Splits off the number of parts, from 1 to [`MOST`]. Only a single digit is accepted.
fn split_count(text: &[u8]) -> Option<(usize, &[u8])> {
    let [digit, b'.', rest @ ..] = text else { return None };
    let number = usize::from(digit.checked_sub(b'0')?);
    (1..=MOST).contains(&number).then_some((number, rest))
}
