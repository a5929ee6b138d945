//! The steps as they would be, for `--dry-run`.

use super::installation::Installation;
use crate::aws::formation::Standing;
use crate::aws::secret::{State, is_same};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::users::ProjectUsers;

/// A line for each step.
pub(super) async fn describe(installation: &Installation) -> Result<Vec<String>, Failure> {
    let answers = &installation.answers;
    let pending = &installation.world.pending;
    let migrations = match pending.len() {
        0 => "nothing to apply".to_owned(),
        count => format!("apply {count}: {}", pending.join(", ")),
    };
    let secret = match &installation.world.secret {
        State::Missing => format!("make {}", installation.secret_name),
        State::Deleted => format!("restore and write {}", installation.secret_name),
        State::There { text, .. } if is_same(text, answers.settings.as_map()) => {
            format!("{} is as it should be", installation.secret_name)
        }
        State::There { .. } => format!("write {} anew", installation.secret_name),
    };
    let stack = match installation.standing() {
        Standing::Absent => "make the stack",
        Standing::Broken => {
            "delete the half-made stack (after a question, or --yes) and make it anew"
        }
        Standing::Busy => "wait for the change that is going on, then change the stack",
        Standing::Ready | Standing::Stuck => "change the stack, if anything differs",
    };
    Ok(vec![
        format!("database: {migrations}"),
        format!("secret: {secret}"),
        format!(
            "deployment: {stack} {}, with {}; {}",
            answers.stack_name,
            installation.source.describe(),
            installation.world.reservation.describe()
        ),
        "webhook: register it with Cloudinary for all events, if it is not".to_owned(),
        format!("administrator: {}", administrator(installation).await?),
        match installation.no_import {
            true => "import: left out; mark the library, if nobody has".to_owned(),
            false => "import: a full run, if none has succeeded; mark the library, if nobody has"
                .to_owned(),
        },
        "doctor: look at everything".to_owned(),
    ])
}

async fn administrator(installation: &Installation) -> Result<String, Failure> {
    let answers = &installation.answers;
    let users = users(installation)?.all().await?;
    let user = users.iter().find(|user| user.is_called(&answers.admin));
    Ok(match user {
        Some(user) if user.is_admin() => format!("{} is one already", answers.admin),
        Some(_) => format!("grant the role to {}", answers.admin),
        None => format!("invite {} by mail and grant the role", answers.admin),
    })
}

fn users(installation: &Installation) -> Result<ProjectUsers, Failure> {
    use media_sync::config::{ServiceConfig, from_map, http_client};
    let service: ServiceConfig = from_map(installation.answers.settings.as_map())
        .map_err(|error| Failure::new(Exit::Usage, chain(&error)))?;
    let http = http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
    Ok(ProjectUsers::new(&service.url, service.secret_key, http))
}
