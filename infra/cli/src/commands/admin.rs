//! `mediasync admin`: grants and revokes the role of administrator, lists those who have it, and transfers assets.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin_transfer;
use super::admin_users::{entry, find};
use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::users::{ADMIN, ProjectUser, ProjectUsers};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user an administrator
    ///
    /// It sets app_metadata.role to admin and keeps the rest. The role comes with the user's next token.
    Grant(GrantArguments),
    /// Take the role from an administrator
    ///
    /// Tokens that were issued before keep it until they expire, after an hour unless the project says otherwise.
    Revoke(RevokeArguments),
    /// List the administrators
    List(ListArguments),
    /// Give all assets of one user to another, for instance of a user who has left
    ///
    /// Deleted assets are among them, so that the new owner can restore them. Each asset has its entry in the audit trail.
    /// A transfer that broke off goes on when the command is repeated.
    Transfer(admin_transfer::Arguments),
}

#[derive(Debug, Args)]
pub(super) struct GrantArguments {
    /// The user's e-mail address, or id
    email: String,
    /// Invite the address by mail if no user has it
    #[arg(long)]
    invite: bool,
    #[command(flatten)]
    source: ConfigurationSource,
}

#[derive(Debug, Args)]
pub(super) struct RevokeArguments {
    /// The user's e-mail address, or id
    email: String,
    #[command(flatten)]
    source: ConfigurationSource,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    source: ConfigurationSource,
}

pub(super) async fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Grant(arguments) => grant(&arguments, output).await,
        Command::Revoke(arguments) => revoke(&arguments, output).await,
        Command::List(arguments) => list(&arguments, output).await,
        Command::Transfer(arguments) => admin_transfer::run(&arguments, output).await,
    }
}

async fn users(source: &ConfigurationSource) -> Result<ProjectUsers, Failure> {
    let configuration =
        Configuration::find(source, &[], &[SUPABASE_URL, SUPABASE_SECRET_KEY]).await?;
    let (url, key) = (configuration.supabase_url()?, configuration.secret_key()?);
    Ok(ProjectUsers::new(&url, key, configuration.http().clone()))
}

async fn grant(arguments: &GrantArguments, output: &Output) -> Result<Exit, Failure> {
    let users = users(&arguments.source).await?;
    let email = arguments.email.trim();
    let known = find(users.all().await?, email)?;
    let invited = known.is_none();
    let user = match known {
        Some(user) => user,
        None => invite(&users, email, arguments.invite, output).await?,
    };
    if user.is_admin() {
        output.say(&format!("{} is an administrator already", user.name()));
        report_change(&user, false, invited, output);
        return Ok(Exit::Ok);
    }
    let user = users.set_role(&user, Some(ADMIN)).await?;
    if !user.is_admin() {
        return Err(Failure::new(
            Exit::Failed,
            format!("Supabase Auth did not keep the role of {}", user.name()),
        ));
    }
    if !invited && !user.is_confirmed() {
        output.warn(&format!(
            "nobody has confirmed the address {} yet: make sure that the right person signed up with it",
            user.name()
        ));
    }
    output.say(&format!(
        "{} is an administrator from the next token on: sign out and in again, or refresh the session",
        user.name()
    ));
    report_change(&user, true, invited, output);
    Ok(Exit::Ok)
}

async fn invite(
    users: &ProjectUsers,
    email: &str,
    wanted: bool,
    output: &Output,
) -> Result<ProjectUser, Failure> {
    let question = format!("No user has the address {email}. Invite it by mail?");
    if !wanted && !output.agrees(&question) {
        return Err(
            Failure::new(Exit::Failed, format!("no user has the address {email}"))
                .mend("let the person sign up first, or repeat the command with --invite"),
        );
    }
    let user = users.invite(email).await?;
    output.say(&format!("invited {email} by mail"));
    Ok(user)
}

async fn revoke(arguments: &RevokeArguments, output: &Output) -> Result<Exit, Failure> {
    let users = users(&arguments.source).await?;
    let email = arguments.email.trim();
    let all = users.all().await?;
    let administrators = all.iter().filter(|user| user.is_admin()).count();
    let user = find(all, email)?.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("no user has the address {email}"))
            .mend("`mediasync admin list` shows the administrators")
    })?;
    if !user.is_admin() {
        output.say(&format!("{} is no administrator", user.name()));
        report_change(&user, false, false, output);
        return Ok(Exit::Ok);
    }
    if administrators == 1 {
        output.warn(&format!("{} is the last administrator", user.name()));
        if !output.agrees("Take the role all the same?") {
            return Err(Failure::new(
                Exit::Failed,
                "the role was not taken, because nobody would be left to run the mirror",
            )
            .mend("grant it to somebody else first, or repeat the command with --yes"));
        }
    }
    let user = users.set_role(&user, None).await?;
    output.say(&format!(
        "{} is no administrator from the next token on: a token that is out already keeps the role until it expires",
        user.name()
    ));
    report_change(&user, true, false, output);
    Ok(Exit::Ok)
}

fn report_change(user: &ProjectUser, changed: bool, invited: bool, output: &Output) {
    let value = json!({"user": entry(user), "changed": changed, "invited": invited});
    output.data(&value, &[]);
}

async fn list(arguments: &ListArguments, output: &Output) -> Result<Exit, Failure> {
    let all = users(&arguments.source).await?.all().await?;
    let administrators: Vec<&ProjectUser> = all.iter().filter(|user| user.is_admin()).collect();
    let powerless: Vec<&ProjectUser> = all
        .iter()
        .filter(|user| user.claims_to_be_admin())
        .collect();
    if administrators.is_empty() {
        output.say("there is no administrator; `mediasync admin grant EMAIL` makes one");
    }
    for user in &powerless {
        output.warn(&format!(
            "{} has the role in user_metadata, which users write themselves: it permits nothing",
            user.name()
        ));
    }
    let entries =
        |users: &[&ProjectUser]| -> Vec<Value> { users.iter().map(|user| entry(user)).collect() };
    let value = json!({
        "administrators": entries(&administrators),
        "powerless": entries(&powerless),
    });
    output.data(&value, &table(&administrators));
    Ok(Exit::Ok)
}

fn table(users: &[&ProjectUser]) -> Vec<String> {
    let row = |user: &&'_ ProjectUser| {
        let confirmed = if user.is_confirmed() {
            "confirmed"
        } else {
            "not confirmed"
        };
        [
            user.name().to_owned(),
            confirmed.to_owned(),
            user.last_sign_in_at
                .clone()
                .unwrap_or_else(|| "never".to_owned()),
            user.id.clone(),
        ]
    };
    let rows: Vec<_> = users.iter().map(row).collect();
    output::table(["EMAIL", "ADDRESS", "LAST SIGN-IN", "ID"], &rows)
}
