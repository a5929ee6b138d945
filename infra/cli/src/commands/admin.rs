//! `mediasync admin`: grants and revokes roles, lists those who have one, and transfers assets.

use clap::{Args, Subcommand, ValueEnum};
use media_sync::user_role::UserRole;
use serde_json::{Value, json};

use super::admin_transfer;
use super::admin_users::{entry, find};
use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::users::{ProjectUser, ProjectUsers};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user an administrator, an editor or a reader
    ///
    /// It sets app_metadata.role and keeps the rest. The role comes with the user's next token.
    Grant(GrantArguments),
    /// Take the role from an administrator, an editor or a reader
    ///
    /// Tokens that were issued before keep it until they expire, after an hour unless the project says otherwise.
    Revoke(RevokeArguments),
    /// List the administrators, editors and readers
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
    /// The role: an admin may do everything, an editor edits every asset, a reader writes nothing
    #[arg(long, value_enum, default_value_t = GrantedRole::Admin)]
    role: GrantedRole,
    /// Invite the address by mail if no user has it
    #[arg(long)]
    invite: bool,
    #[command(flatten)]
    source: ConfigurationSource,
}

/// A role that can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GrantedRole {
    Admin,
    Editor,
    Reader,
}

impl From<GrantedRole> for UserRole {
    fn from(role: GrantedRole) -> Self {
        match role {
            GrantedRole::Admin => Self::Admin,
            GrantedRole::Editor => Self::Editor,
            GrantedRole::Reader => Self::Reader,
        }
    }
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
    let role = UserRole::from(arguments.role);
    let users = users(&arguments.source).await?;
    let email = arguments.email.trim();
    let all = users.all().await?;
    let administrators = all.iter().filter(|user| user.is_admin()).count();
    let known = find(all, email)?;
    let invited = known.is_none();
    let user = match known {
        Some(user) => user,
        None => invite(&users, email, arguments.invite, output).await?,
    };
    if user.role() == role {
        output.say(&format!("{} is {} already", user.name(), noun(role)));
        report_change(&user, false, invited, output);
        return Ok(Exit::Ok);
    }
    keep_the_last(&user, administrators, output)?;
    let user = users.set_role(&user, role).await?;
    if user.role() != role {
        return Err(Failure::new(
            Exit::Failed,
            format!("Supabase Auth did not keep the role of {}", user.name()),
        ));
    }
    if role != UserRole::Reader && !invited && !user.is_confirmed() {
        output.warn(&format!(
            "nobody has confirmed the address {} yet: make sure that the right person signed up with it",
            user.name()
        ));
    }
    output.say(&format!(
        "{} is {} from the next token on: sign out and in again, or refresh the session",
        user.name(),
        noun(role)
    ));
    report_change(&user, true, invited, output);
    Ok(Exit::Ok)
}

fn noun(role: UserRole) -> &'static str {
    match role {
        UserRole::Admin => "an administrator",
        UserRole::Editor => "an editor",
        UserRole::Reader => "a reader",
        UserRole::User => "an ordinary user",
        UserRole::Anonymous => "an anonymous user",
    }
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
    let role = user.role();
    if role == UserRole::User {
        output.say(&format!("{} is no administrator", user.name()));
        report_change(&user, false, false, output);
        return Ok(Exit::Ok);
    }
    keep_the_last(&user, administrators, output)?;
    let user = users.set_role(&user, UserRole::User).await?;
    let former = noun(role).split_once(' ').map_or("", |(_, word)| word);
    output.say(&format!(
        "{} is no {former} from the next token on: a token that is out already keeps the role until it expires",
        user.name()
    ));
    report_change(&user, true, false, output);
    Ok(Exit::Ok)
}

/// Asks before the last administrator gets another role, or none.
fn keep_the_last(
    user: &ProjectUser,
    administrators: usize,
    output: &Output,
) -> Result<(), Failure> {
    if !user.is_admin() || administrators > 1 {
        return Ok(());
    }
    output.warn(&format!("{} is the last administrator", user.name()));
    if output.agrees("Take the role all the same?") {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        "the role was not taken, because nobody would be left to run the mirror",
    )
    .mend("grant it to somebody else first, or repeat the command with --yes"))
}

fn report_change(user: &ProjectUser, changed: bool, invited: bool, output: &Output) {
    let value = json!({"user": entry(user), "changed": changed, "invited": invited});
    output.data(&value, &[]);
}

async fn list(arguments: &ListArguments, output: &Output) -> Result<Exit, Failure> {
    let all = users(&arguments.source).await?.all().await?;
    let with =
        |role| -> Vec<&ProjectUser> { all.iter().filter(|user| user.role() == role).collect() };
    let administrators = with(UserRole::Admin);
    let (editors, readers) = (with(UserRole::Editor), with(UserRole::Reader));
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
        "editors": entries(&editors),
        "readers": entries(&readers),
        "powerless": entries(&powerless),
    });
    let all = [administrators, editors, readers].concat();
    output.data(&value, &table(&all));
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
            noun(user.role())
                .rsplit(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            confirmed.to_owned(),
            user.last_sign_in_at
                .clone()
                .unwrap_or_else(|| "never".to_owned()),
            user.id.clone(),
        ]
    };
    let rows: Vec<_> = users.iter().map(row).collect();
    output::table(["EMAIL", "ROLE", "ADDRESS", "LAST SIGN-IN", "ID"], &rows)
}
