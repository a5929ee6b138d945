//! `mediasync admin transfer`: gives the assets of one user to another.

use clap::Args;
use serde_json::json;

use super::admin_users::{entry, find};
use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::transfer::{self, OwnedAssets};
use crate::users::{ProjectUser, ProjectUsers};

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The owner until now: an e-mail address, or the id, also of a user who is gone
    from: String,
    /// The owner from now on: an e-mail address, or an id
    to: String,
    /// Transfer the user's collections too
    #[arg(long)]
    collections: bool,
    /// Only count
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: ConfigurationSource,
}

pub(super) async fn run(arguments: &Arguments, output: &Output) -> Result<Exit, Failure> {
    let needed = [SUPABASE_URL, SUPABASE_SECRET_KEY];
    let configuration = Configuration::find(&arguments.source, &[], &needed).await?;
    let (url, key) = (configuration.supabase_url()?, configuration.secret_key()?);
    let users = ProjectUsers::new(&url, key, configuration.http().clone());
    let all = users.all().await?;
    let to = find(all.clone(), arguments.to.trim())?.ok_or_else(|| unknown(&arguments.to))?;
    let from = owner_until_now(all, arguments.from.trim())?;
    if from == to.id {
        return Err(Failure::new(
            Exit::Usage,
            "the old and the new owner are the same user",
        ));
    }
    let supabase = configuration.supabase()?;
    let mut owned = transfer::count(&from, &supabase).await?;
    if !arguments.collections {
        owned.collections = 0;
    }
    let question = format!("Make {} the owner of {}?", to.name(), words(owned));
    if arguments.dry_run {
        output.say(&format!(
            "would make {} the owner of {}",
            to.name(),
            words(owned)
        ));
        report(&from, &to, owned, true, output);
        return Ok(Exit::Ok);
    }
    if owned != OwnedAssets::default() && !output.confirms(&question) {
        return Err(Failure::new(
            Exit::Failed,
            "nothing was transferred, as you said",
        ));
    }
    let mut so_far = OwnedAssets::default();
    let moved = transfer::transfer((&from, &to.id), arguments.collections, &supabase, |sum| {
        so_far = sum;
    })
    .await;
    let moved = moved.map_err(|failure| broken(failure, so_far))?;
    output.say(&format!("{} owns {} more", to.name(), words(moved)));
    report(&from, &to, moved, false, output);
    Ok(Exit::Ok)
}

/// A user who has left may be gone from Auth; then only the id names the assets.
fn owner_until_now(all: Vec<ProjectUser>, name: &str) -> Result<String, Failure> {
    match find(all, name)? {
        Some(user) => Ok(user.id),
        None => uuid::Uuid::parse_str(name)
            .map(|id| id.to_string())
            .map_err(|_| unknown(name)),
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("no user has the address or id {name}"),
    )
    .mend("for a user that is gone, give the id from uploaded_by of the assets")
}

fn broken(failure: Failure, so_far: OwnedAssets) -> Failure {
    let exit = failure.exit;
    let failure = failure.detail("done", Some(format!("{} before that", words(so_far))));
    match exit {
        Exit::TryAgain => failure.mend("run the same command again: it goes on with the rest"),
        _ => failure,
    }
}

fn words(owned: OwnedAssets) -> String {
    let plural = |count: u64, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let assets = plural(owned.assets, "asset");
    match owned.collections {
        0 => assets,
        count => format!("{assets} and {}", plural(count, "collection")),
    }
}

fn report(from: &str, to: &ProjectUser, owned: OwnedAssets, dry_run: bool, output: &Output) {
    let value = json!({
        "from": from,
        "to": entry(to),
        "assets": owned.assets,
        "collections": owned.collections,
        "dry_run": dry_run,
    });
    output.data(&value, &[]);
}
