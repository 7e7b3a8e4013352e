//! Lists the users and the groups of an org by Okta's own API. Without `OKTA_*` variables it starts a development org.

mod org;

use okta_auth::okta_api::{ErrorResponse, OktaApi};
use okta_auth::outgoing::Outgoing;
use serde::Deserialize;

/// The members that this program needs; Okta sends more.
#[derive(Deserialize)]
struct User {
    id: String,
    status: String,
    profile: UserProfile,
}

#[derive(Deserialize)]
struct UserProfile {
    login: String,
}

#[derive(Deserialize)]
struct Group {
    profile: GroupProfile,
}

#[derive(Deserialize)]
struct GroupProfile {
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let builder = Outgoing::builder().from_env();
    // A variable of another Okta library is an error that names the right one, and starts no org.
    let org = if builder.names_an_org() { None } else { Some(org::start().await?) };
    let (builder, page) = match &org {
        Some(org) => (org.configure(builder)?, "3"),
        None => (builder, "200"),
    };
    let api = OktaApi::new(&builder.build()?, ["okta.users.read", "okta.groups.read"])?;

    let mut users = api.get(["users"]).query("limit", page).list::<User>();
    let mut first = None;
    while let Some(user) = users.next().await.transpose()? {
        println!("user {} {}", user.profile.login, user.status);
        first.get_or_insert(user);
    }
    let mut groups = api.get(["groups"]).query("limit", page).list::<Group>();
    while let Some(group) = groups.next().await.transpose()? {
        println!("group {}", group.profile.name);
    }
    if let Some(user) = first {
        let groups: Vec<Group> = api.get(["users", &user.id, "groups"]).json().await?;
        let names: Vec<&str> = groups.iter().map(|group| group.profile.name.as_str()).collect();
        println!("{} is in {}", user.profile.login, names.join(", "));
    }
    if let Err(error) = api.get(["users", "missing@example.test"]).json::<User>().await {
        let Some(response) = ErrorResponse::of(&error) else { return Err(error.into()) };
        println!("missing@example.test: {} {}", response.status(), response.code().unwrap_or_default());
    }
    Ok(())
}
