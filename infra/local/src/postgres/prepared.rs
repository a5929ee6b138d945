//! A project's data, prepared once for each kind of project and copied for each stack.
//!
//! Making a cluster and pushing the migrations takes seconds, copying the folder a tenth of one.

use std::fs::File;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::cluster;
use super::push::push;
use super::server::{DatabaseServer, connect, passwords};
use crate::StackError;
use crate::folders;
use crate::kept::forget_old;
use crate::supervisor::Supervisor;
use crate::tools::Tools;

/// Kinds of projects, and states of the migrations, whose data are kept: more than one run of the tests uses.
const KEPT: usize = 8;

/// Which kind of Supabase project the database is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Project {
    /// Realtime's server has been there.
    pub(crate) realtime: bool,
    /// Made before 2026-10-30: new objects in `public` are everybody's.
    pub(crate) open_grants: bool,
    /// Our migrations are applied.
    pub(crate) migrated: bool,
}

impl Project {
    /// The files that make one, in order; `supabase_admin` runs them.
    fn sql(self, tools: &Tools) -> Vec<PathBuf> {
        let optional = |wanted: bool, name| wanted.then_some(name);
        [
            Some("supabase_base.sql"),
            Some("supabase_auth.sql"),
            optional(self.realtime, "supabase_realtime.sql"),
            optional(self.open_grants, "supabase_open_grants.sql"),
        ]
        .into_iter()
        .flatten()
        .map(|name| tools.project_sql(name))
        .collect()
    }

    /// A name for everything that the data depend on.
    pub(crate) fn key(self, tools: &Tools) -> Result<String, StackError> {
        let mut files = vec![tools.npm_lock()];
        files.extend(self.sql(tools));
        if self.migrated {
            files.extend(sorted_files(&tools.migrations())?);
        }
        let mut digest = Context::new(&SHA256);
        for file in files {
            let content = std::fs::read(&file).map_err(StackError::file(&file))?;
            for part in [
                file.file_name().unwrap_or_default().as_encoded_bytes(),
                &content,
            ] {
                digest.update(&(part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        let name = digest.finish().as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(name)
    }
}

/// A complete data folder that nobody's server uses, and the password of its roles.
#[derive(Debug)]
pub(super) struct Prepared {
    folder: PathBuf,
}

impl Prepared {
    pub(super) async fn copy_to(&self, data: &Path) -> Result<(), StackError> {
        folders::copy(&self.folder.join("data"), data).await
    }

    pub(super) fn password(&self) -> Result<String, StackError> {
        let file = self.password_file();
        std::fs::read_to_string(&file).map_err(StackError::file(&file))
    }

    /// Written last.
    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }
}

/// The project's data, made now unless somebody has made them before; of several at once, one makes them.
pub(super) async fn prepare(
    supervisor: &Supervisor,
    tools: &Tools,
    distribution: &Path,
    project: Project,
) -> Result<Prepared, StackError> {
    let cache = tools.database_cache();
    std::fs::create_dir_all(&cache).map_err(StackError::file(&cache))?;
    let key = project.key(tools)?;
    let prepared = Prepared {
        folder: cache.join(&key),
    };
    let _lock = lock(&cache.join(format!("{key}.lock"))).await?;
    if !prepared.password_file().is_file() {
        let password = uuid::Uuid::new_v4().simple().to_string();
        let made = make(supervisor, tools, distribution, project, &password).await?;
        keep(&prepared, &made, &password).await?;
        forget_old(&cache, KEPT);
    }
    Ok(prepared)
}

async fn lock(path: &Path) -> Result<File, StackError> {
    let file = File::create(path).map_err(StackError::file(path))?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    locked
        .await
        .map_err(|panic| StackError::Supervisor(panic.to_string()))?
        .map_err(StackError::file(path))
}

async fn make(
    supervisor: &Supervisor,
    tools: &Tools,
    distribution: &Path,
    project: Project,
    password: &str,
) -> Result<PathBuf, StackError> {
    let data = supervisor.unprivileged_folder().join("prepared");
    cluster::init(supervisor, distribution, &data, password).await?;
    let server =
        DatabaseServer::start(supervisor, "postgres-prepared", distribution, &data).await?;
    let admin = connect(&server.url("supabase_admin", password)).await?;
    for file in project.sql(tools) {
        let sql = std::fs::read_to_string(&file).map_err(StackError::file(&file))?;
        let doing = format!("running {}", file.display());
        admin
            .batch_execute(&sql)
            .await
            .map_err(StackError::database(&doing))?;
    }
    admin
        .batch_execute(&passwords(password))
        .await
        .map_err(StackError::database("giving the roles their passwords"))?;
    if project.migrated {
        let url = server.url("postgres", password);
        push(supervisor, tools, &tools.migrations(), &url).await?;
    }
    cluster::end(supervisor, &server).await?;
    Ok(data)
}

async fn keep(prepared: &Prepared, made: &Path, password: &str) -> Result<(), StackError> {
    // Left by a preparation that did not finish.
    if prepared.folder.exists() {
        std::fs::remove_dir_all(&prepared.folder).map_err(StackError::file(&prepared.folder))?;
    }
    std::fs::create_dir(&prepared.folder).map_err(StackError::file(&prepared.folder))?;
    folders::copy(made, &prepared.folder.join("data")).await?;
    std::fs::remove_dir_all(made).map_err(StackError::file(made))?;
    let file = prepared.password_file();
    std::fs::write(&file, password).map_err(StackError::file(&file))
}

fn sorted_files(folder: &Path) -> Result<Vec<PathBuf>, StackError> {
    let entries = std::fs::read_dir(folder).map_err(StackError::file(folder))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Ok(files)
}
