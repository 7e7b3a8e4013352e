//! A list of Okta's API as a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;
use http::{Method, Response};
use serde::de::DeserializeOwned;
use url::Url;

use super::body::parse;
use super::link::next_page;
use super::sender::{ApiCall, Sender};
use crate::error::Result;
use crate::secret::SecretBytes;

/// The entries of a list, page by page. It is a [`Stream`], and [`next`](Self::next) needs no other crate.
///
/// Each page is a request. After an error the list ends.
#[must_use]
pub struct List<T> {
    sender: Sender,
    /// The call for the next page; `None` after the last one.
    next: Option<Result<ApiCall>>,
    running: Option<RunningPage>,
    entries: vec::IntoIter<T>,
}

/// A page, and the link to the one after it.
type Page = (Response<SecretBytes>, Option<Result<Url>>);

type RunningPage = Pin<Box<dyn Future<Output = Result<Page>> + Send>>;

impl<T: DeserializeOwned> List<T> {
    pub(super) fn new(sender: Sender, call: Result<ApiCall>) -> Self {
        Self { sender, next: Some(call), running: None, entries: Vec::new().into_iter() }
    }
}

impl<T: DeserializeOwned + Unpin> List<T> {
    /// Returns the next entry; `None` after the last one.
    ///
    /// # Errors
    /// As for [`ApiRequest::json`](super::ApiRequest::json), and
    /// [`Code::ProviderResponse`](crate::error::Code::ProviderResponse) if the link to the next page leads out of the
    /// org's API.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<T: DeserializeOwned + Unpin> Stream for List<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Poll::Ready(Some(Ok(entry)));
            }
            if self.running.is_none() {
                match self.next.take() {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Ok(call)) => self.running = Some(Box::pin(page(self.sender.clone(), call))),
                }
            }
            let Some(running) = &mut self.running else { continue };
            let result = ready!(running.as_mut().poll(context));
            self.running = None;
            match result.and_then(|(response, next)| Ok((parse::<Vec<T>>(&response)?, next))) {
                Err(error) => return Poll::Ready(Some(Err(error))),
                Ok((entries, next)) => {
                    self.entries = entries.into_iter();
                    self.next = next.map(|url| url.map(|url| ApiCall { method: Method::GET, url, body: None }));
                }
            }
        }
    }
}

async fn page(sender: Sender, call: ApiCall) -> Result<Page> {
    let response = sender.send(&call).await?;
    // An invalid link is an error after the entries of this page.
    let next = next_page(&call.url, response.headers()).transpose();
    Ok((response, next))
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("sender", &self.sender).finish_non_exhaustive()
    }
}
