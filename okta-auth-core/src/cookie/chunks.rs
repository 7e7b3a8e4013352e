//! One sealed text over several cookies, because a browser takes 4096 bytes for each
//! (RFC 6265 §6.1).
//!
//! The first cookie has the plain name and begins with the number of parts: `3.AbC...`;
//! the others are `name.1`, `name.2`. The parts are one sealed text, so a part that is
//! changed, missing, swapped or of another generation makes all of it unreadable, and
//! one beyond the number is not looked at.
//!
//! A browser sends several cookies of one name if another application on the host has set
//! some for a path of its own. Each combination is a candidate, up to [`CANDIDATES`] of
//! them, and the one that opens counts.

use std::borrow::Cow;
use std::io::Write as _;

use http::HeaderValue;

use super::request::RequestCookies;
use super::settings::{self, CookieSettings};
use crate::base64url;
use crate::error::{Code, Error, Result};

/// Bytes of value in one cookie; name and attributes fit in what is left of 4096.
const PART: usize = 3_800;

/// More bytes than the numbers and the name of the lifetime have.
const EXTRA: usize = 48;

/// The most parts of one value: what servers and proxies commonly accept as headers in
/// all.
const MOST: usize = 5;

/// So many combinations of the values of one name are tried.
const CANDIDATES: usize = 16;

/// A value that may need several cookies.
#[derive(Debug)]
pub(crate) struct Chunks {
    settings: CookieSettings,
    name: String,
    /// What follows a value; written with each session, and always the same.
    attributes: String,
}

impl Chunks {
    /// For the cookie of this name, to which the settings may add a prefix.
    pub(crate) fn new(settings: CookieSettings, name: &str) -> Self {
        let (name, attributes) = (settings.name(name), settings.attributes());
        Self { settings, name, attributes }
    }

    /// The name of the first cookie, and the name under which the value is sealed.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The texts that the cookies may be, put together again. Nearly always it is one.
    pub(crate) fn candidates<'a>(&self, cookies: &'a RequestCookies) -> Vec<Cow<'a, [u8]>> {
        let mut texts = Vec::new();
        for (count, first) in cookies.values(&self.name).filter_map(split_count) {
            if count == 1 {
                texts.push(Cow::Borrowed(first));
            } else {
                self.append_combinations(cookies, count, first, &mut texts);
            }
            if texts.len() >= CANDIDATES {
                break;
            }
        }
        texts.truncate(CANDIDATES);
        texts
    }

    /// The texts of several parts that begin with `first`.
    fn append_combinations(
        &self,
        cookies: &RequestCookies,
        count: usize,
        first: &[u8],
        texts: &mut Vec<Cow<'_, [u8]>>,
    ) {
        let mut combined = vec![first.to_owned()];
        for at in 1..count {
            let name = self.part(at);
            let values: Vec<&[u8]> = cookies.values(&name).take(CANDIDATES).collect();
            let next = |text: Vec<u8>| values.iter().map(move |value| [text.as_slice(), value].concat()).collect();
            combined = combined.into_iter().flat_map(|text| -> Vec<Vec<u8>> { next(text) }).take(CANDIDATES).collect();
        }
        texts.extend(combined.into_iter().map(Cow::Owned));
    }

    /// The text of the first cookie as it came, if that says that it is all.
    ///
    /// It may be anything: for a look at what is known already, which is nearly always
    /// all there is to do.
    pub(crate) fn first<'a>(&self, cookies: &'a RequestCookies) -> Option<&'a [u8]> {
        let (count, first) = split_count(cookies.first(&self.name)?)?;
        (count == 1).then_some(first)
    }

    /// Sets the text of bytes, and deletes the parts that an earlier, longer one left.
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
                 (OKTA_SESSION_STORE=redis://.. or memory), or ask Okta for fewer groups and claims (a group filter on \
                 the claim), or put less into the session at sign-in",
                base64url::encoded_len(sealed)
            );
            return Err(Error::new(Code::SessionTooLarge, message));
        }
        let mut set = Vec::with_capacity(count);
        // Every three bytes are four characters, so the text can be cut where the bytes are.
        for (at, part) in sealed.chunks(PART / 4 * 3).enumerate() {
            set.push(self.set(at, count, part, max_age)?);
        }
        set.extend(self.removals(cookies, count));
        Ok(set)
    }

    /// The `Set-Cookie` value of one part, encoded where it will stay: it has
    /// kilobytes.
    fn set(&self, at: usize, count: usize, part: &[u8], max_age: std::time::Duration) -> Result<HeaderValue> {
        let room = [self.name.len(), base64url::encoded_len(part), self.attributes.len(), EXTRA];
        let mut cookie = Vec::with_capacity(room.into_iter().fold(0, usize::saturating_add));
        cookie.extend_from_slice(self.name.as_bytes());
        // To a vector of bytes writing cannot fail.
        let _ = if at == 0 { write!(cookie, "={count}.") } else { write!(cookie, ".{at}=") };
        base64url::append_bytes(part, &mut cookie);
        cookie.extend_from_slice(self.attributes.as_bytes());
        let _ = write!(cookie, "; Max-Age={}", max_age.as_secs());
        settings::header(cookie)
    }

    /// Deletes every part that the browser holds, and the first one in any case.
    pub(crate) fn clear(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        let mut removed = vec![self.settings.remove(&self.name)];
        removed.extend(self.removals(cookies, 1));
        removed
    }

    /// Deletes the parts of these numbers and beyond that the browser holds. Numbers that
    /// no part of ours has are not looked for, so that an answer stays small.
    fn removals(&self, cookies: &RequestCookies, from: usize) -> Vec<HeaderValue> {
        let stale = (from..MOST).map(|at| self.part(at)).filter(|name| cookies.values(name).next().is_some());
        stale.map(|name| self.settings.remove(&name)).collect()
    }

    /// The ids of other tenants of which the browser has a cookie, each once. They may be
    /// any text. The name of a pending sign-in has one more `_`, and is left out.
    pub(crate) fn others<'a>(&'a self, cookies: &'a RequestCookies) -> Vec<&'a str> {
        let Some((family, own)) = self.name.rsplit_once('_') else { return Vec::new() };
        let rests = cookies.names_with_prefix(family).filter_map(|name| name.strip_prefix(family)?.strip_prefix('_'));
        let ids = rests.map(|rest| rest.split_once('.').map_or(rest, |(id, _)| id));
        let mut ids: Vec<&str> = ids.filter(|id| !id.is_empty() && !id.contains('_') && *id != own).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Deletes the cookies of another tenant.
    pub(crate) fn clear_other(&self, cookies: &RequestCookies, id: &str) -> Vec<HeaderValue> {
        let Some((family, _)) = self.name.rsplit_once('_') else { return Vec::new() };
        let (settings, name) = (self.settings.clone(), format!("{family}_{id}"));
        Self { settings, name, attributes: String::new() }.clear(cookies)
    }

    /// The name of a part: the plain one for the first, numbered for the others.
    fn part(&self, at: usize) -> String {
        if at == 0 { self.name.clone() } else { format!("{}.{at}", self.name) }
    }
}

/// The number of parts in front of the first one, from 1 to [`MOST`], in its one
/// spelling.
fn split_count(text: &[u8]) -> Option<(usize, &[u8])> {
    let [digit, b'.', rest @ ..] = text else { return None };
    let number = usize::from(digit.checked_sub(b'0')?);
    (1..=MOST).contains(&number).then_some((number, rest))
}
