//! The page of the administrator: who is signed in, and a button that signs somebody
//! out everywhere.

use super::{escape, page};
use crate::notice::Delivery;
use crate::org::OktaSession;
use crate::tenant::Tenant;
use crate::user::User;

/// Where the button leads.
pub(crate) const PATH: &str = "admin/universal-logout";

/// The page of the administrator.
pub(crate) struct Admin<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) users: &'a [User],
    pub(crate) sessions: &'a [OktaSession],
    /// Who was signed out just now, and what the apps answered.
    pub(crate) done: Option<(&'a str, &'a [Delivery])>,
}

impl Admin<'_> {
    /// The whole page.
    pub(crate) fn html(&self) -> String {
        let done = self.done.map(|(login, deliveries)| outcome(login, deliveries)).unwrap_or_default();
        let users: String = self.users.iter().map(|user| self.user(user)).collect();
        let body = format!("<h1>People</h1><p class=\"soft\">and their sessions at this org</p>{done}{users}");
        page("Administration", &self.tenant.name, &body)
    }

    /// A person: sessions, and the button.
    fn user(&self, user: &User) -> String {
        let theirs = self.sessions.iter().filter(|session| session.login.eq_ignore_ascii_case(&user.login));
        let sessions: String = theirs.map(|session| self.session(session)).collect();
        let sessions = if sessions.is_empty() { "<li><span>not signed in</span></li>".to_owned() } else { sessions };
        format!(
            "<section><h2>{name}</h2><ul>{sessions}</ul><form method=\"post\" action=\"/{PATH}\">\
             <input type=\"hidden\" name=\"login\" value=\"{login}\">\
             <button type=\"submit\">Sign {login} out everywhere</button></form></section>",
            name = escape(&user.full_name()),
            login = escape(&user.login),
        )
    }

    /// A session and the apps that were used in it.
    fn session(&self, session: &OktaSession) -> String {
        let names = session.apps.iter().map(|id| self.tenant.client(id).map_or_else(|| id.clone(), |app| app.name));
        let apps = names.collect::<Vec<_>>().join(", ");
        format!("<li><code>{}</code><span> {}</span></li>", escape(&session.sid), escape(&apps))
    }
}

/// What became of the last click.
fn outcome(login: &str, deliveries: &[Delivery]) -> String {
    let items: String = deliveries.iter().map(item).collect();
    let apps = if items.is_empty() { "<li>No app has an endpoint for it.</li>".to_owned() } else { items };
    format!("<div role=\"status\" id=\"done\"><h2>{} is signed out</h2><ul>{apps}</ul></div>", escape(login))
}

/// What an app answered.
fn item(delivery: &Delivery) -> String {
    let answer = match (delivery.status, &delivery.problem) {
        (Some(status), _) => status.to_string(),
        (None, problem) => problem.clone().unwrap_or_default(),
    };
    format!("<li><code>{}</code><span> {}</span></li>", escape(&delivery.uri), escape(&answer))
}
