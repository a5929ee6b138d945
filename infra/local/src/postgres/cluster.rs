//! Data folders on the disk: made by `initdb`, and ended in an orderly way.

use std::path::{Path, PathBuf};

use super::server::{DatabaseServer, unprivileged};
use crate::StackError;
use crate::supervisor::{Launch, Supervisor, path_text};

/// The letters that trigrams know. Where the system has no such locale, searches in other scripts are slow.
const LETTERS: &str = if cfg!(target_os = "linux") {
    "C.UTF-8"
} else {
    "C"
};

/// The installed distribution, or a copy of it when the checkout lies where the server's user may not look.
pub(super) async fn readable_distribution(
    supervisor: &Supervisor,
    installed: &Path,
) -> Result<PathBuf, StackError> {
    if !supervisor.has_unprivileged_user() {
        return Ok(installed.to_owned());
    }
    let probe = supervisor
        .spawn(unprivileged(
            "postgres-probe",
            installed.join("bin/postgres"),
            vec!["--version".into()],
        ))
        .await;
    if let Ok(probe) = probe
        && probe.exited().await? == 0
    {
        return Ok(installed.to_owned());
    }
    let copy = supervisor.folder().join("postgres-copy");
    let arguments = vec!["-RP".into(), path_text(installed), path_text(&copy)];
    let copying = supervisor
        .spawn(Launch {
            unprivileged: false,
            ..unprivileged("copy", "/bin/cp".into(), arguments)
        })
        .await?;
    match copying.exited().await? {
        0 => Ok(copy),
        code => Err(copying.problem(format!("copying PostgreSQL ended with {code}"))),
    }
}

/// A new cluster, owned by `supabase_admin`: the one superuser of a hosted project.
pub(super) async fn init(
    supervisor: &Supervisor,
    distribution: &Path,
    data: &Path,
    password: &str,
) -> Result<(), StackError> {
    // Readable by the server's user because it lies in that user's own, closed folder.
    let password_file = supervisor.unprivileged_folder().join("password");
    std::fs::write(&password_file, password).map_err(StackError::file(&password_file))?;
    let arguments = [
        format!("--pgdata={}", path_text(data)),
        format!("--pwfile={}", path_text(&password_file)),
        "--username=supabase_admin".to_owned(),
        "--auth=scram-sha-256".to_owned(),
        "--encoding=UTF8".to_owned(),
        // As at Supabase: letters of all scripts have their two cases, and names are sorted by code point.
        "--locale=C".to_owned(),
        "--locale-provider=builtin".to_owned(),
        "--builtin-locale=C.UTF-8".to_owned(),
        format!("--lc-ctype={LETTERS}"),
        "--no-sync".to_owned(),
    ];
    let initdb = supervisor
        .spawn(unprivileged(
            "initdb",
            distribution.join("bin/initdb"),
            arguments.into(),
        ))
        .await?;
    let code = initdb.exited().await?;
    std::fs::remove_file(&password_file).map_err(StackError::file(&password_file))?;
    if code == 0 {
        Ok(())
    } else {
        Err(initdb.problem(format!("initdb ended with {code}")))
    }
}

/// Ends a server so that its files are whole: a copy of them starts without recovery.
pub(super) async fn end(
    supervisor: &Supervisor,
    server: &DatabaseServer,
) -> Result<(), StackError> {
    let arguments = [
        "stop",
        "--wait",
        "--mode=fast",
        "-D",
        &path_text(&server.data),
    ];
    let stopping = supervisor
        .spawn(unprivileged(
            "pg_ctl",
            server.distribution.join("bin/pg_ctl"),
            arguments.map(str::to_owned).into(),
        ))
        .await?;
    match stopping.exited().await? {
        0 => Ok(()),
        code => Err(stopping.problem(format!("pg_ctl ended with {code}"))),
    }
}
