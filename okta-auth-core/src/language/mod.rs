//! The texts of the library's pages in several languages, and the choice of one for a request.
//!
//! | file | content |
//! |---|---|
//! | `text` | the names of all texts |
//! | `english`, `german`, `french`, `spanish`, `japanese` | the texts |
//! | `accept_language` | the choice by `Accept-Language` (RFC 9110 §12.5.4, RFC 4647 §3.4) |
//!
//! A language of the library is a struct with one field for each text, so the compiler finds a missing translation.

mod accept_language;
mod english;
mod french;
mod german;
mod japanese;
mod languages;
mod spanish;
mod text;

pub(crate) use languages::{AppTexts, Language, LanguageProblem, Languages};
pub(crate) use text::Text;
