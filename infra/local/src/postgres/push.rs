//! Migrates a database with the real Supabase CLI, by the command that users are told.

use std::path::{Path, PathBuf};

use crate::StackError;
use crate::folders;
use crate::supervisor::{Launch, Supervisor, path_text};
use crate::tools::Tools;

/// `supabase db push --db-url …` as `postgres`; returns the CLI's words.
///
/// The CLI writes beside the migrations, so it works on a copy of them, in the stack's folder.
pub(crate) async fn push(
    supervisor: &Supervisor,
    tools: &Tools,
    migrations: &Path,
    url: &str,
) -> Result<String, StackError> {
    let run = uuid::Uuid::new_v4().simple().to_string();
    let workdir = workdir(supervisor, migrations, &run).await?;
    let name = format!("supabase-push-{run}");
    let arguments = [
        "--workdir",
        &path_text(&workdir),
        "db",
        "push",
        "--db-url",
        &format!("{url}?sslmode=disable"),
        "--yes",
    ];
    let pushing = supervisor
        .spawn(Launch {
            name: &name,
            program: tools.supabase()?,
            arguments: arguments.map(str::to_owned).into(),
            environment: Vec::new(),
            unprivileged: false,
            stop: "KILL",
        })
        .await?;
    match pushing.exited().await? {
        0 => {
            let log = supervisor.logs().join(format!("{name}.log"));
            std::fs::read_to_string(&log).map_err(StackError::file(&log))
        }
        code => Err(pushing.problem(format!("`supabase db push` ended with {code}"))),
    }
}

async fn workdir(
    supervisor: &Supervisor,
    migrations: &Path,
    run: &str,
) -> Result<PathBuf, StackError> {
    let workdir = supervisor.folder().join("push").join(run);
    let project = workdir.join("supabase");
    std::fs::create_dir_all(&project).map_err(StackError::file(&project))?;
    folders::copy(migrations, &project.join("migrations")).await?;
    Ok(workdir)
}
