//! `mediasync admin transfer`: gives the assets of one user, or of nobody, to another.

use clap::Args;
use media_sync::supabase::DataApi;
use serde_json::json;

use super::admin_users::{entry, find};
use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::transfer::{self, OwnedAssets};
use crate::users::{ProjectUser, ProjectUsers};

/// Names the assets that nobody owns, such as those of an import.
const NOBODY: &str = "nobody";

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The owner until now: an e-mail address, the id, also of a user who is gone, or `nobody`
    from: String,
    /// The owner from now on: an e-mail address, or an id
    to: String,
    /// Of what nobody owns, only assets in this folder and beneath it
    #[arg(long, value_name = "FOLDER")]
    below: Option<String>,
    /// Transfer the user's collections too
    #[arg(long)]
    collections: bool,
    /// Only count
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: ConfigurationSource,
}

/// The assets to be transferred.
enum FormerOwner {
    User(String),
    Nobody { below: Option<String> },
}

pub(super) async fn run(arguments: &Arguments, output: &Output) -> Result<Exit, Failure> {
    let needed = [SUPABASE_URL, SUPABASE_SECRET_KEY];
    let configuration = Configuration::find(&arguments.source, &[], &needed).await?;
    let (url, key) = (configuration.supabase_url()?, configuration.secret_key()?);
    let users = ProjectUsers::new(&url, key, configuration.http().clone());
    let all = users.all().await?;
    let to = find(all.clone(), arguments.to.trim())?.ok_or_else(|| unknown(&arguments.to))?;
    let from = former_owner(arguments, all)?;
    if matches!(&from, FormerOwner::User(id) if *id == to.id) {
        return Err(usage("the old and the new owner are the same user"));
    }
    let supabase = configuration.supabase()?;
    let mut owned = from.count(&supabase).await?;
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
    let moved = from
        .give(&to.id, arguments.collections, &supabase, |sum| so_far = sum)
        .await;
    let moved = moved.map_err(|failure| broken(failure, so_far))?;
    output.say(&format!("{} owns {} more", to.name(), words(moved)));
    report(&from, &to, moved, false, output);
    Ok(Exit::Ok)
}

impl FormerOwner {
    async fn count(&self, supabase: &DataApi) -> Result<OwnedAssets, Failure> {
        match self {
            Self::User(id) => transfer::count(id, supabase).await,
            Self::Nobody { below } => transfer::count_unowned(below.as_deref(), supabase).await,
        }
    }

    async fn give(
        &self,
        to: &str,
        collections: bool,
        supabase: &DataApi,
        told: impl FnMut(OwnedAssets),
    ) -> Result<OwnedAssets, Failure> {
        match self {
            Self::User(id) => transfer::transfer((id, to), collections, supabase, told).await,
            Self::Nobody { below } => {
                transfer::assign_unowned(to, below.as_deref(), supabase, told).await
            }
        }
    }
}

fn former_owner(arguments: &Arguments, all: Vec<ProjectUser>) -> Result<FormerOwner, Failure> {
    let name = arguments.from.trim();
    let below = arguments
        .below
        .as_deref()
        .map(|folder| folder.trim_matches('/'));
    if name == NOBODY {
        if arguments.collections {
            return Err(usage(
                "every collection has an owner: leave --collections out",
            ));
        }
        let below = below.filter(|folder| !folder.is_empty()).map(str::to_owned);
        return Ok(FormerOwner::Nobody { below });
    }
    if below.is_some() {
        return Err(usage(
            "--below goes with `nobody` only: a user's assets are transferred as a whole",
        ));
    }
    owner_until_now(all, name).map(FormerOwner::User)
}

fn usage(problem: &str) -> Failure {
    Failure::new(Exit::Usage, problem)
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

fn report(
    from: &FormerOwner,
    to: &ProjectUser,
    owned: OwnedAssets,
    dry_run: bool,
    output: &Output,
) {
    let from = match from {
        FormerOwner::User(id) => id,
        FormerOwner::Nobody { .. } => NOBODY,
    };
    let value = json!({
        "from": from,
        "to": entry(to),
        "assets": owned.assets,
        "collections": owned.collections,
        "dry_run": dry_run,
    });
    output.data(&value, &[]);
}
