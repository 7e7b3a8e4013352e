//! Forms, uploads and an event stream with htmx. Without `OKTA_ISSUER_URI` it starts a development org.

mod notes;
mod pages;
mod port;
mod settings;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Multipart, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Form, Router};
use futures_util::{Stream, StreamExt as _, stream};
use notes::Notes;
use okta_auth::axum::{RouterExt, User};
use serde::Deserialize;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // shows why a sign-in failed
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let (auth, _org) = settings::okta(port).await?;

    let app = Router::new()
        .route("/", get(home)) // public
        .route("/notes", get(list).post(add)) // htmx without a session gets 401 with `HX-Redirect`
        .route("/files", post(upload))
        .route("/events", get(events))
        .route("/signed-in", get(signed_in)) // the window that signs in ends here
        .route("/htmx.js", get(|| script(pages::HTMX)))
        .route("/app.js", get(|| script(pages::SCRIPT)))
        .with_state(Notes::new())
        .okta_auth(&auth);

    println!("Open {} in your browser.", auth.config().base_url());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home(user: Option<User>) -> impl IntoResponse {
    (pages::HEADERS, Html(pages::home(user.as_ref())))
}

async fn list(user: User, State(notes): State<Notes>) -> impl IntoResponse {
    (pages::HEADERS, Html(pages::notes(&user, &notes.of(user.subject()))))
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

async fn add(user: User, State(notes): State<Notes>, Form(new): Form<NewNote>) -> Html<String> {
    let item = pages::item(&new.text);
    notes.add(user.subject(), new.text);
    Html(item)
}

/// `User` comes before the body, so an upload without a session is refused before it is read.
async fn upload(
    user: User,
    State(notes): State<Notes>,
    mut form: Multipart,
) -> Result<Html<String>, axum::response::Response> {
    let mut items = String::new();
    while let Some(field) = form.next_field().await.map_err(IntoResponse::into_response)? {
        let name = field.file_name().unwrap_or("a file").to_owned();
        let size = field.bytes().await.map_err(IntoResponse::into_response)?.len();
        let text = format!("{name}, {size} bytes");
        items.push_str(&pages::item(&text));
        notes.add(user.subject(), text);
    }
    Ok(Html(items))
}

/// The number of notes, whenever it changes, until the session ends.
async fn events(user: User, State(notes): State<Notes>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (ended, subject) = (user.session_ended(), user.subject().to_owned());
    let counts = stream::unfold((notes.changes(), notes), move |(mut changes, notes)| {
        let subject = subject.clone();
        async move {
            changes.changed().await.ok()?;
            let count = notes.of(&subject).len().to_string();
            Some((Ok(Event::default().data(count).retry(Duration::from_millis(500))), (changes, notes)))
        }
    });
    Sse::new(counts.take_until(ended)).keep_alive(KeepAlive::default())
}

async fn signed_in(user: User) -> impl IntoResponse {
    (pages::HEADERS, Html(pages::signed_in(&user)))
}

async fn script(text: &'static str) -> impl IntoResponse {
    ([("content-type", "text/javascript"), ("cache-control", "no-cache")], text)
}
