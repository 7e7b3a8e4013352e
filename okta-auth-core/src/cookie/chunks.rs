//! One sealed text over several cookies, because a browser takes 4096 bytes for each
//! (RFC 6265 §6.1).
//!
//! The first cookie has the plain name and begins with the number of parts: `3.AbC...`;
//! the others are `name.1`, `name.2`. The parts are one sealed text, so a part that is
//! changed, missing, swapped or of another generation makes all of it unreadable, and
//! one beyond the number is not looked at.

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

    /// The text, put together again; `None` if a part is missing or the number makes no
    /// sense.
    pub(crate) fn read<'a>(&self, cookies: &'a RequestCookies) -> Option<Cow<'a, [u8]>> {
        let (count, first) = split_count(cookies.value(&self.name)?)?;
        if count == 1 {
            return Some(Cow::Borrowed(first));
        }
        let mut text = first.to_owned();
        for at in 1..count {
            text.extend_from_slice(cookies.value(&self.part(at))?);
        }
        Some(Cow::Owned(text))
    }

    /// The text of the first cookie as it came, if that says that it is all.
    ///
    /// It may be anything: for a look at what is known already, which is nearly always
    /// all there is to do.
    pub(crate) fn first<'a>(&self, cookies: &'a RequestCookies) -> Option<&'a [u8]> {
        let (count, first) = split_count(cookies.first(&self.name)?)?;
        (count == 1).then_some(first)
    }

    /// Whether the browser holds anything under this name.
    pub(crate) fn present(&self, cookies: &RequestCookies) -> bool {
        self.names(cookies).next().is_some()
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
            let message = "the session does not fit into the cookies of a browser: ask Okta for fewer groups and claims \
                           (a group filter on the claim), or put less into it at sign-in";
            return Err(Error::new(Code::SessionTooLarge, message));
        }
        let mut set = Vec::with_capacity(count);
        // Every three bytes are four characters, so the text can be cut where the bytes are.
        for (at, part) in sealed.chunks(PART / 4 * 3).enumerate() {
            set.push(self.set(at, count, part, max_age)?);
        }
        let used: Vec<String> = (0..count).map(|at| self.part(at)).collect();
        let stale = self.names(cookies).filter(|name| !used.iter().any(|used| used == name));
        set.extend(stale.map(|name| self.settings.remove(name)));
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
        let others = self.names(cookies).filter(|name| *name != self.name);
        let mut removed = vec![self.settings.remove(&self.name)];
        removed.extend(others.map(|name| self.settings.remove(name)));
        removed
    }

    /// Deletes the cookies of other tenants.
    pub(crate) fn clear_others(&self, cookies: &RequestCookies) -> Vec<HeaderValue> {
        self.of_others(cookies).map(|(name, _)| self.settings.remove(name)).collect()
    }

    /// The ids of the tenants whose cookies those are, each once.
    pub(crate) fn others<'a>(&'a self, cookies: &'a RequestCookies) -> Vec<&'a str> {
        let mut ids: Vec<&str> =
            self.of_others(cookies).map(|(_, rest)| rest.split_once('.').map_or(rest, |(id, _)| id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The cookies of other tenants, with what comes after the last `_`: an id, which
    /// has none in it, and the number of a part. Pending sign-ins have one more `_`, and
    /// are left out.
    fn of_others<'a>(&'a self, cookies: &'a RequestCookies) -> impl Iterator<Item = (&'a str, &'a str)> {
        let family = self.name.rsplit_once('_').map(|(family, _)| family);
        let all =
            family.into_iter().flat_map(|family| cookies.names_with_prefix(family).map(move |name| (family, name)));
        all.filter_map(|(family, name)| {
            let rest = name.strip_prefix(family)?.strip_prefix('_')?;
            let other = !rest.is_empty() && !rest.contains('_') && self.names(cookies).all(|own| own != name);
            other.then_some((name, rest))
        })
    }

    /// The name of a part: the plain one for the first, numbered for the others.
    fn part(&self, at: usize) -> String {
        if at == 0 { self.name.clone() } else { format!("{}.{at}", self.name) }
    }

    /// The parts in a request: the plain name, and the name with a dot and a number.
    fn names<'a>(&'a self, cookies: &'a RequestCookies) -> impl Iterator<Item = &'a str> {
        cookies.names_with_prefix(&self.name).filter(|name| {
            let rest = name.strip_prefix(&self.name).unwrap_or_default();
            let number = rest.strip_prefix('.').unwrap_or_default();
            rest.is_empty() || (!number.is_empty() && number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()))
        })
    }
}

/// The number of parts in front of the first one, from 1 to [`MOST`], in its one
/// spelling.
fn split_count(text: &[u8]) -> Option<(usize, &[u8])> {
    let [digit, b'.', rest @ ..] = text else { return None };
    let number = usize::from(digit.checked_sub(b'0')?);
    (1..=MOST).contains(&number).then_some((number, rest))
}
