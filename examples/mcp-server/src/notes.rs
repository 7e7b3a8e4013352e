//! The tools: notes of the user for whom the client calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::request::Parts;
use okta_auth::axum::AccessToken;
use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::{self, JsonSchema};
use rmcp::{ErrorData, ServerHandler, tool, tool_handler, tool_router};

use crate::scopes;

/// The notes of each user. A key has the issuer, because a user id alone is unique only there.
type NotesOfUsers = HashMap<(String, String), Vec<String>>;

#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<NotesOfUsers>>);

#[derive(serde::Deserialize, JsonSchema)]
pub(crate) struct NewNote {
    /// The text of the note.
    text: String,
}

#[tool_router]
impl Notes {
    #[tool(description = "Lists the user's notes.")]
    async fn list_notes(&self, Extension(parts): Extension<Parts>) -> Result<CallToolResult, ErrorData> {
        let user = user(&parts, "list_notes").await?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = all.get(&user).into_iter().flatten();
        Ok(CallToolResult::success(notes.map(|note| ContentBlock::text(note.clone())).collect()))
    }

    #[tool(description = "Adds a note.")]
    async fn add_note(
        &self,
        Parameters(note): Parameters<NewNote>,
        Extension(parts): Extension<Parts>,
    ) -> Result<CallToolResult, ErrorData> {
        let user = user(&parts, "add_note").await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(user).or_default().push(note.text);
        Ok(CallToolResult::success(vec![ContentBlock::text("added")]))
    }
}

#[tool_handler]
impl ServerHandler for Notes {}

/// Returns the user of a call that has the scopes of the tool.
async fn user(parts: &Parts, tool: &str) -> Result<(String, String), ErrorData> {
    let refused = |_| ErrorData::invalid_request("the call has no access token", None);
    let token = AccessToken::<()>::from_extensions(&parts.extensions).await.map_err(refused)?;
    if !token.decide(&scopes::policy(tool)).await.is_allowed() {
        return Err(ErrorData::invalid_request("insufficient_scope", None));
    }
    let id = token.user_id().unwrap_or(token.client_id());
    Ok((token.issuer().to_owned(), id.to_owned()))
}
