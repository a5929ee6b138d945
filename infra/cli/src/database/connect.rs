//! Connects, and names the mend when that fails.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverMode};
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{ChannelBinding, DatabaseAddress, SslMode};
use super::diagnosis::{ConnectionTrouble, HostResolution, diagnose};
use super::tls::{self, TlsError};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::Output;

/// For TLS and the login; the pooler lets some refusals wait.
const LOGIN_LIMIT: Duration = Duration::from_secs(30);

const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// Connects to the database. Warnings that it sends later are passed on.
///
/// # Errors
/// The failure names the fault and its mend.
pub async fn connect(address: &DatabaseAddress, output: &Output) -> Result<Client, Failure> {
    if !address.ignored.is_empty() {
        output.say(&format!(
            "ignoring in the address: {}",
            address.ignored.join(", ")
        ));
    }
    let tls = tls::config(address).map_err(failure_of_tls)?;
    output.say(&format!("connecting to {address}"));
    let resolved = resolve(address)
        .await
        .map_err(|trouble| diagnose(address, HostResolution::default(), &trouble))?;
    let resolution = HostResolution {
        ipv4: resolved.iter().any(SocketAddr::is_ipv4),
        ipv6: resolved.iter().any(SocketAddr::is_ipv6),
    };
    log_in(address, tls, output)
        .await
        .map_err(|trouble| diagnose(address, resolution, &trouble))
}

async fn resolve(address: &DatabaseAddress) -> Result<Vec<SocketAddr>, ConnectionTrouble> {
    let looking = tokio::net::lookup_host((address.host.as_str(), address.port));
    match timeout(RESOLVE_LIMIT, looking).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(ConnectionTrouble::Name(error.to_string())),
        Err(_) => Err(ConnectionTrouble::Timeout),
    }
}

async fn log_in(
    address: &DatabaseAddress,
    tls: ClientConfig,
    output: &Output,
) -> Result<Client, ConnectionTrouble> {
    let (attempt, direct) = (config(address), MakeRustlsConnect::new(tls));
    if address.ssl_mode == SslMode::Disable {
        return attempt_once(&attempt, NoTls, output).await;
    }
    match attempt_once(&attempt, direct, output).await {
        // libpq's `prefer` tries again without.
        Err(ConnectionTrouble::Tls(_)) if address.ssl_mode == SslMode::Prefer => {
            attempt_once(&attempt, NoTls, output).await
        }
        other => other,
    }
}

fn config(address: &DatabaseAddress) -> Config {
    let mut config = Config::new();
    config
        .host(&address.host)
        .port(address.port)
        .user(&address.user)
        .dbname(&address.database)
        .application_name("mediasync")
        .connect_timeout(address.connect_timeout)
        .ssl_mode(match address.ssl_mode {
            SslMode::Disable => DriverMode::Disable,
            SslMode::Prefer => DriverMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
        })
        .channel_binding(match address.channel_binding {
            ChannelBinding::Disable => DriverBinding::Disable,
            ChannelBinding::Prefer => DriverBinding::Prefer,
            ChannelBinding::Require => DriverBinding::Require,
        });
    if let Some(password) = &address.password {
        config.password(password.reveal());
    }
    if let Some(options) = &address.options {
        config.options(options);
    }
    config
}

async fn attempt_once<T>(
    config: &Config,
    tls: T,
    output: &Output,
) -> Result<Client, ConnectionTrouble>
where
    T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = timeout(LOGIN_LIMIT, config.connect(tls))
        .await
        .map_err(|_| ConnectionTrouble::Timeout)?
        .map_err(|error| ConnectionTrouble::of(&error))?;
    tokio::spawn(drive(connection, output.clone()));
    Ok(client)
}

/// Ends with the client; the client's next call says why it ended early.
async fn drive<S, T>(mut connection: Connection<S, T>, output: Output)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(Ok(message)) =
        std::future::poll_fn(|context| connection.poll_message(context)).await
    {
        if let AsyncMessage::Notice(notice) = message
            && notice.parsed_severity() == Some(Severity::Warning)
        {
            output.warn(notice.message());
        }
    }
}

impl ConnectionTrouble {
    /// Sorts the driver's error, whose own kinds are private.
    fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            return Self::Refused {
                code: refusal.code().code().to_owned(),
                message: refusal.message().to_owned(),
            };
        }
        let source = std::error::Error::source(error);
        let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
        let inner = io.and_then(std::io::Error::get_ref);
        let is_tls = error.to_string().contains("TLS")
            || inner.is_some_and(|inner| inner.is::<rustls::Error>());
        match io {
            _ if is_tls => Self::Tls(source.map_or_else(|| error.to_string(), chain)),
            Some(io) if io.kind() == std::io::ErrorKind::TimedOut => Self::Timeout,
            Some(io) => Self::Network {
                unreachable: matches!(
                    io.kind(),
                    std::io::ErrorKind::NetworkUnreachable
                        | std::io::ErrorKind::HostUnreachable
                        | std::io::ErrorKind::AddrNotAvailable
                ),
                message: io.to_string(),
            },
            None if error.is_closed() => Self::Network {
                unreachable: false,
                message: "the server closed the connection".to_owned(),
            },
            None => Self::Login(source.map_or_else(|| error.to_string(), chain)),
        }
    }
}

fn failure_of_tls(error: TlsError) -> Failure {
    let failure = Failure::new(Exit::Usage, chain(&error));
    match error {
        TlsError::WithoutAuthority(_) => failure.mend(
            "download the certificate (dashboard: Database, Settings, SSL Configuration) and add sslrootcert=FILE to \
             the address; sslrootcert=system takes the system's authorities",
        ),
        _ => failure,
    }
}
