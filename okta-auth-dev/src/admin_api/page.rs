//! The administrator's page: users and their sessions, with a button that signs a user out everywhere.

use crate::endpoint::page::{escape, page};
use crate::logout_delivery::Delivery;
use crate::okta_session::OktaSession;
use crate::org_state::OrgState;
use crate::user::User;

pub(super) const PATH: &str = "admin/universal-logout";

pub(super) struct Admin<'a> {
    pub(super) org: &'a OrgState,
    pub(super) users: &'a [User],
    pub(super) sessions: &'a [OktaSession],
    /// The user who was just signed out, with the responses of the apps.
    pub(super) done: Option<(&'a str, &'a [Delivery])>,
}

impl Admin<'_> {
    /// Renders the page: users with a session first.
    pub(super) fn html(&self) -> String {
        let done = self.done.map(|(login, deliveries)| outcome(login, deliveries)).unwrap_or_default();
        let (here, away): (Vec<&User>, Vec<&User>) = self.users.iter().partition(|user| self.is_signed_in(user));
        let present: String = here.iter().map(|user| self.present(user)).collect();
        let present = if present.is_empty() { "<p class=\"soft\">No sessions.</p>".to_owned() } else { present };
        let absent: String = away.iter().map(|user| absent(user)).collect();
        let absent = if absent.is_empty() { absent } else { format!("<h2>Not signed in</h2><ul>{absent}</ul>") };
        let body = format!(
            "<h1>People and sessions</h1><p class=\"soft\">at this org</p>{done}<h2>Signed in</h2>{present}{absent}\
             <p class=\"way-on\"><a href=\"/\">How to connect an app</a></p>"
        );
        page("People and sessions", &self.org.name, &body)
    }

    fn sessions(&self, user: &User) -> impl Iterator<Item = &OktaSession> {
        self.sessions.iter().filter(|session| session.login.eq_ignore_ascii_case(&user.login))
    }

    fn is_signed_in(&self, user: &User) -> bool {
        self.sessions(user).next().is_some()
    }

    fn present(&self, user: &User) -> String {
        let sessions: String = self.sessions(user).map(|session| self.session(session)).collect();
        format!(
            "<section><h3>{name} <span>{groups}</span></h3><ul>{sessions}</ul>\
             <form method=\"post\" action=\"/{PATH}\"><input type=\"hidden\" name=\"login\" value=\"{login}\">\
             <button type=\"submit\">Sign {login} out everywhere</button></form></section>",
            name = escape(&user.full_name()),
            groups = escape(&user.groups.join(", ")),
            login = escape(&user.login),
        )
    }

    fn session(&self, session: &OktaSession) -> String {
        let names = session.apps.iter().map(|id| self.org.client(id).map_or_else(|| id.clone(), |app| app.name));
        let apps = names.collect::<Vec<_>>().join(", ");
        let apps = if apps.is_empty() { "no app yet".to_owned() } else { apps };
        format!("<li><code>{}</code><span> {}</span></li>", escape(&session.sid), escape(&apps))
    }
}

fn absent(user: &User) -> String {
    format!("<li>{} <span>{}</span></li>", escape(&user.full_name()), escape(&user.login))
}

fn outcome(login: &str, deliveries: &[Delivery]) -> String {
    let items: String = deliveries.iter().map(item).collect();
    let apps = if items.is_empty() { "<li>No app has an endpoint for it.</li>".to_owned() } else { items };
    format!("<div role=\"status\" id=\"done\"><h2>{} is signed out</h2><ul>{apps}</ul></div>", escape(login))
}

fn item(delivery: &Delivery) -> String {
    let answer = match (delivery.status, &delivery.problem) {
        (Some(status), _) => status.to_string(),
        (None, problem) => problem.clone().unwrap_or_default(),
    };
    format!("<li><code>{}</code><span> {}</span></li>", escape(&delivery.uri), escape(&answer))
}
