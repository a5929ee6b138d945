//! The option for the database of a command.

use clap::Args;
use tokio_postgres::Client;

use crate::database::{self, DatabaseAddress};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// The database of a command.
#[derive(Debug, Args)]
pub(super) struct DatabaseOption {
    /// Address of the database: postgresql://USER@HOST:PORT/DATABASE
    ///
    /// Take it from the dashboard of the Supabase project: Connect, Session pooler. The password may stand in it
    /// (percent-encoded) or in PGPASSWORD. As with libpq, `sslmode` decides about TLS. The default is `require`
    /// (`prefer` on this machine), which encrypts and does not verify; `sslmode=verify-full&sslrootcert=FILE` verifies
    /// with the certificate that the dashboard offers.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl DatabaseOption {
    /// The address, if one is given.
    pub(super) fn address(&self) -> Result<Option<DatabaseAddress>, Failure> {
        let given = self.database_url.as_deref().filter(|url| !url.is_empty());
        let password = std::env::var("PGPASSWORD").ok();
        let address = given
            .map(|url| DatabaseAddress::parse(url, password))
            .transpose()?;
        Ok(address)
    }

    /// Connects to the address.
    ///
    /// # Errors
    /// When none is given, or the connection fails.
    pub(super) async fn connect(&self, output: &Output) -> Result<Client, Failure> {
        let address = self.address()?.ok_or_else(|| {
            Failure::new(Exit::Usage, "no database is named").mend(
                "give --database-url or set DATABASE_URL (dashboard of the project: Connect, Session pooler)",
            )
        })?;
        database::connect(&address, output).await
    }
}
