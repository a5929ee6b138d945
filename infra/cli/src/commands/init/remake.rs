//! Asks before a half-made stack is deleted.

use super::installation::Installation;
use crate::aws::formation::Standing;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// A stack that was half made can only be deleted, which nobody has asked for by calling the command.
pub(super) fn allow_remake(installation: &Installation, output: &Output) -> Result<(), Failure> {
    if installation.standing() != Standing::Broken {
        return Ok(());
    }
    let name = &installation.answers.stack_name;
    let status = installation
        .world
        .stack
        .as_ref()
        .map_or("", |stack| stack.status.as_str());
    let question = format!(
        "The stack {name} is half made ({status}) and can only be deleted. Delete it and make it anew?"
    );
    if output.agrees(&question) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        format!("the stack {name} is half made ({status}) and can only be deleted"),
    )
    .detail("state", Some("nothing was made or changed"))
    .mend("repeat the command with --yes, which deletes it and makes it anew; database, library and secret stay"))
}
