//! `mediasync fence`: shows to whom the library belongs, marks it, or takes it over.

use clap::{Args, ValueEnum};
use media_sync::sync::clients::SyncClients;
use media_sync::sync::fence::LibraryFence;
use media_sync::sync::marker::{FenceStanding, FenceState, LibraryOwner, MARKER_NAME};
use media_sync::sync::settle::SettleError;
use media_sync::sync::store::MirrorStore;
use serde_json::json;

use crate::configuration::{
    CLOUDINARY_URL, Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL,
};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::Output;

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[arg(value_enum, default_value_t = Action::Show, hide_default_value = true)]
    action: Action,
    #[command(flatten)]
    source: ConfigurationSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Show to whom the library belongs (the default)
    Show,
    /// Mark the library as this deployment's, if it has no marker
    Mark,
    /// Put this deployment's marker in the place of another's
    Take,
}

const TAKE: &str = "mediasync fence take, if this deployment is to write there; the other one only reads from then on";

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let needed = [CLOUDINARY_URL, SUPABASE_URL, SUPABASE_SECRET_KEY];
    let configuration = Configuration::find(&arguments.source, &[], &needed).await?;
    let clients = SyncClients {
        cloudinary: configuration.cloudinary()?,
        store: MirrorStore::new(configuration.supabase()?),
    };
    let fence = LibraryFence { clients: &clients };
    let state = match arguments.action {
        Action::Show => fence.look().await?,
        Action::Mark => fence.mark(false).await?,
        Action::Take => take(fence, output).await?,
    };
    let value = json!({
        "standing": state.standing, "owner": state.owner,
        "own": {"id": state.id, "address": clients.store.address()}, "marker": MARKER_NAME,
    });
    output.data(&value, &[describe(&state)]);
    match state.stranger() {
        None => Ok(Exit::Ok),
        Some(_) if arguments.action == Action::Show => {
            output.say(&format!("to write there: {TAKE}"));
            Ok(Exit::Difference)
        }
        Some(owner) => Err(belongs_to(owner)),
    }
}

async fn take(fence: LibraryFence<'_>, output: &Output) -> Result<FenceState, Failure> {
    let state = fence.look().await?;
    if let Some(owner) = state.stranger() {
        let question = format!(
            "The library belongs to {}, which only reads from then on. Take it over?",
            owner.words()
        );
        if !output.confirms(&question) {
            return Err(Failure::new(
                Exit::Failed,
                "nothing was changed, as you said",
            ));
        }
    }
    Ok(fence.mark(true).await?)
}

fn describe(state: &FenceState) -> String {
    match state.standing {
        FenceStanding::Ours => "the library belongs to this deployment".to_owned(),
        FenceStanding::Strangers => {
            let owner = state.owner.clone().unwrap_or_default();
            format!(
                "the library belongs to {}: this deployment only reads",
                owner.words()
            )
        }
        FenceStanding::Missing => {
            "this deployment's marker is gone; the next drain places it again".to_owned()
        }
        FenceStanding::Free | FenceStanding::Unknown => {
            "nobody has marked the library: mediasync fence mark".to_owned()
        }
    }
}

fn belongs_to(owner: &LibraryOwner) -> Failure {
    let message = format!("the library belongs to {}", owner.words());
    Failure::new(Exit::NotAllowed, message).mend(TAKE)
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Look(source) => source.into(),
            SettleError::Store(source) => source.into(),
            other => Self::new(Exit::TryAgain, chain(&other)),
        }
    }
}
