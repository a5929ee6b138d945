//! Users as arguments name them, and as data shows them (pure).

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::users::ProjectUser;

/// Finds the one user of that name. Users of single sign-on may share an address with others.
pub(super) fn find(users: Vec<ProjectUser>, name: &str) -> Result<Option<ProjectUser>, Failure> {
    let mut found: Vec<ProjectUser> = users
        .into_iter()
        .filter(|user| user.is_called(name))
        .collect();
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|user| user.id.as_str()).collect();
        return Err(Failure::new(
            Exit::Failed,
            format!("{} users have the address {name}", ids.len()),
        )
        .detail("ids", Some(ids.join(", ")))
        .mend("repeat the command with the id of one of them"));
    }
    Ok(found.pop())
}

/// A user, as data.
pub(super) fn entry(user: &ProjectUser) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "administrator": user.is_admin(),
        "role": user.role(),
        "confirmed": user.is_confirmed(),
        "last_sign_in_at": user.last_sign_in_at,
    })
}
