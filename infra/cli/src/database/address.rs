//! Parses a database's address, and recognises those that Supabase gives out.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::exit::Exit;
use crate::failure::Failure;

/// A database's address. Its texts never show the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseAddress {
    /// A name or an IP address without brackets.
    pub host: String,
    /// 5432 unless the address says otherwise.
    pub port: u16,
    /// The role to log in as; a pooler's has the project's reference behind a dot.
    pub user: String,
    /// The database's name.
    pub database: String,
    /// From the address or from `PGPASSWORD`.
    pub password: Option<DatabasePassword>,
    /// libpq's `sslmode`.
    pub ssl_mode: SslMode,
    /// libpq's `sslrootcert`.
    pub root_certificate: Option<RootCertificate>,
    /// libpq's `channel_binding`: whether the server has to prove that nobody sits in between.
    pub channel_binding: ChannelBinding,
    /// libpq's `options`.
    pub options: Option<String>,
    /// libpq's `connect_timeout`, for each IP address.
    pub connect_timeout: Duration,
    /// Parameters that other programs put there, which mean nothing here.
    pub ignored: Vec<String>,
}

/// A password that no text shows.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabasePassword(String);

impl DatabasePassword {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabasePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Encryption of the connection, and verification of the server's certificate, as libpq has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS where it works, without verifying.
    Prefer,
    /// TLS without verifying.
    Require,
    /// TLS, and an authority that we trust has signed the certificate.
    VerifyCa,
    /// The same, and the certificate is for this host.
    VerifyFull,
}

/// The authorities that may have signed the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificate {
    /// Those of a PEM file.
    File(PathBuf),
    /// Those that the system trusts.
    System,
}

/// Binding of the password's proof to the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server offers it.
    Prefer,
    /// Always.
    Require,
}

/// The kinds of addresses that need different advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabasePlace {
    /// A project's own host.
    Direct {
        /// The project's reference.
        project: String,
    },
    /// Supabase's pooler, a connection for each session.
    SessionPooler,
    /// Supabase's pooler, a connection for each transaction only.
    TransactionPooler,
    /// Anything else.
    Elsewhere,
}

/// A text that is no usable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin with `postgres://` or `postgresql://`.
    #[error("the database's address has to begin with postgresql://")]
    Scheme,
    /// It is not a URL.
    #[error("the database's address is no URL: {0}")]
    Url(url::ParseError),
    /// A part is missing.
    #[error("the database's address names no {0}")]
    Without(&'static str),
    /// The dashboard's placeholder is still there.
    #[error("the database's address still has a placeholder for the password")]
    Placeholder,
    /// A parameter has a value that it cannot have.
    #[error("the database's address has a parameter {name} that is not {expected}")]
    Parameter {
        /// Which one.
        name: String,
        /// The values that it may have.
        expected: &'static str,
    },
    /// A parameter that would make the connection safer is not known here.
    #[error("the parameter {0} of the database's address is not supported")]
    Unsupported(String),
    /// It leads to the transaction pooler.
    #[error(
        "the database's address leads to the transaction pooler, which does not keep a session"
    )]
    TransactionPooler {
        /// The same address with the session pooler's port.
        instead: String,
    },
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

impl DatabaseAddress {
    /// Parses an address; `password` is used where it has none (`PGPASSWORD`).
    ///
    /// # Errors
    /// It is no address, or one that cannot work. Nothing of the address is repeated in the error.
    pub fn parse(text: &str, password: Option<String>) -> Result<Self, AddressError> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(AddressError::Scheme);
        }
        let url = Url::parse(text).map_err(AddressError::Url)?;
        let mut address = Self::without_parameters(&url, password)?;
        for (name, value) in url.query_pairs() {
            address.set(&name, &value)?;
        }
        address.settle_ssl_mode(&url);
        if address.place() == DatabasePlace::TransactionPooler {
            return Err(AddressError::TransactionPooler {
                instead: Self {
                    port: 5432,
                    ..address
                }
                .to_string(),
            });
        }
        Ok(address)
    }

    /// The kind of address, by Supabase's names for hosts.
    pub fn place(&self) -> DatabasePlace {
        let host = self.host.to_ascii_lowercase();
        let is_pooler = host.ends_with(".pooler.supabase.com");
        let project = host
            .strip_prefix("db.")
            .and_then(|rest| rest.strip_suffix(".supabase.co"));
        match (is_pooler, project) {
            (false, None) => DatabasePlace::Elsewhere,
            _ if self.port == 6543 => DatabasePlace::TransactionPooler,
            (_, Some(project)) => DatabasePlace::Direct {
                project: project.to_owned(),
            },
            (true, None) => DatabasePlace::SessionPooler,
        }
    }

    fn without_parameters(url: &Url, password: Option<String>) -> Result<Self, AddressError> {
        let host = decoded(url.host_str().unwrap_or_default());
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(AddressError::Without("host"));
        }
        if url.username().is_empty() {
            return Err(AddressError::Without("user"));
        }
        let password = url.password().map(decoded).or(password);
        let password = password.filter(|password| !password.is_empty());
        let has_placeholder = |text: &str| {
            let text = text.to_ascii_uppercase();
            text.contains("[YOUR-PASSWORD]")
                || text.contains("[YOUR_PASSWORD]")
                || text == "YOUR-PASSWORD"
        };
        if password.as_deref().is_some_and(has_placeholder) {
            return Err(AddressError::Placeholder);
        }
        let user = decoded(url.username());
        let database = decoded(url.path().trim_start_matches('/'));
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(5432),
            database: if database.is_empty() {
                user.clone()
            } else {
                database
            },
            user,
            password: password.map(DatabasePassword),
            ssl_mode: SslMode::Require,
            root_certificate: None,
            channel_binding: ChannelBinding::Prefer,
            options: None,
            connect_timeout: DEFAULT_TIMEOUT,
            ignored: Vec::new(),
        })
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), AddressError> {
        let wrong = |expected| AddressError::Parameter {
            name: name.to_owned(),
            expected,
        };
        match name {
            "sslmode" => self.ssl_mode = ssl_mode(value).ok_or_else(|| wrong(SSL_MODES))?,
            "sslrootcert" => self.root_certificate = root_certificate(value),
            "channel_binding" => {
                self.channel_binding =
                    channel_binding(value).ok_or_else(|| wrong("disable, prefer or require"))?;
            }
            "options" => self.options = Some(value.to_owned()),
            "connect_timeout" => {
                let seconds = value.parse().map_err(|_| wrong("a number of seconds"))?;
                // As libpq has it, 0 is no limit; a command that hangs helps nobody.
                if seconds > 0 {
                    self.connect_timeout = Duration::from_secs(seconds);
                }
            }
            name if name.starts_with("ssl") => {
                return Err(AddressError::Unsupported(name.to_owned()));
            }
            name => self.ignored.push(name.to_owned()),
        }
        Ok(())
    }

    /// Decides where the address leaves `sslmode` open. An authority that it names is always asked.
    fn settle_ssl_mode(&mut self, url: &Url) {
        let is_named = url.query_pairs().any(|(name, _)| name == "sslmode");
        self.ssl_mode = match (&self.root_certificate, self.ssl_mode) {
            (Some(RootCertificate::System), _) if !is_named => SslMode::VerifyFull,
            (Some(RootCertificate::File(_)), _) if !is_named => SslMode::VerifyCa,
            // As libpq has it.
            (Some(_), SslMode::Require) => SslMode::VerifyCa,
            (None, _) if !is_named && self.is_loopback() => SslMode::Prefer,
            (_, mode) => mode,
        };
    }

    /// True when the address stays on this machine.
    pub fn is_loopback(&self) -> bool {
        let ip = self.host.parse::<IpAddr>();
        self.host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            user,
            database,
            ..
        } = self;
        if host.contains(':') {
            write!(f, "postgresql://{user}@[{host}]:{port}/{database}")
        } else {
            write!(f, "postgresql://{user}@{host}:{port}/{database}")
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

const SSL_MODES: &str = "disable, prefer, require, verify-ca or verify-full";

fn ssl_mode(value: &str) -> Option<SslMode> {
    Some(match value {
        "disable" => SslMode::Disable,
        // `allow` begins without TLS and takes it where it must: `prefer` reaches the same servers.
        "allow" | "prefer" => SslMode::Prefer,
        "require" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" => SslMode::VerifyFull,
        _ => return None,
    })
}

fn root_certificate(value: &str) -> Option<RootCertificate> {
    match value {
        "" => None,
        "system" => Some(RootCertificate::System),
        path => Some(RootCertificate::File(path.into())),
    }
}

fn channel_binding(value: &str) -> Option<ChannelBinding> {
    Some(match value {
        "disable" => ChannelBinding::Disable,
        "prefer" => ChannelBinding::Prefer,
        "require" => ChannelBinding::Require,
        _ => return None,
    })
}

impl From<AddressError> for Failure {
    fn from(error: AddressError) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match error {
            AddressError::Scheme | AddressError::Without(_) => failure.mend(
                "take it from the dashboard: Connect, Session pooler; \
                 it looks like postgresql://postgres.PROJECT@aws-0-REGION.pooler.supabase.com:5432/postgres",
            ),
            AddressError::Url(_) => failure.mend(
                "in the address a password needs %2F for /, %3F for ?, %23 for #, %40 for @; or leave it out and set PGPASSWORD",
            ),
            AddressError::Placeholder => {
                failure.mend("put the database's password there, or leave it out and set PGPASSWORD")
            }
            AddressError::TransactionPooler { instead } => {
                failure.mend(format!("use the session pooler, port 5432 of the same host: {instead}"))
            }
            AddressError::Parameter { .. } | AddressError::Unsupported(_) => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DatabaseAddress {
        DatabaseAddress::parse(text, None).unwrap()
    }

    #[test]
    fn parts_of_an_address_are_decoded() {
        let address = parse(
            "postgresql://postgres.abc:p%40ss%2F@aws-0-eu-west-1.pooler.supabase.com:5432/postgres",
        );
        assert_eq!(address.user, "postgres.abc");
        assert_eq!(address.password.as_ref().unwrap().reveal(), "p@ss/");
        assert_eq!(address.database, "postgres");
        assert_eq!(
            parse("postgres://me@[::1]:5555").to_string(),
            "postgresql://me@[::1]:5555/me"
        );
        assert_eq!(
            parse("postgres://me:a@b@host/db")
                .password
                .unwrap()
                .reveal(),
            "a@b"
        );
    }

    #[test]
    fn places_are_recognised_by_host_and_port() {
        let direct = DatabasePlace::Direct {
            project: "abcdefgh".into(),
        };
        for (host, place) in [
            ("db.abcdefgh.supabase.co:5432", direct.clone()),
            ("DB.abcdefgh.supabase.co", direct),
            (
                "aws-0-eu-west-1.pooler.supabase.com",
                DatabasePlace::SessionPooler,
            ),
            ("localhost:6543", DatabasePlace::Elsewhere),
            ("db.example.com", DatabasePlace::Elsewhere),
            ("supabase.co.example.com", DatabasePlace::Elsewhere),
        ] {
            assert_eq!(
                parse(&format!("postgres://u@{host}/d")).place(),
                place,
                "{host}"
            );
        }
    }

    #[test]
    fn transaction_pooler_is_refused_with_the_address_to_use() {
        for host in [
            "aws-0-eu-west-1.pooler.supabase.com",
            "db.abcdefgh.supabase.co",
        ] {
            let text =
                format!("postgres://postgres.abc:secret@{host}:6543/postgres?pgbouncer=true");
            let error = DatabaseAddress::parse(&text, None).unwrap_err();
            let instead = format!("postgresql://postgres.abc@{host}:5432/postgres");
            assert_eq!(error, AddressError::TransactionPooler { instead });
        }
    }

    #[test]
    fn ssl_modes_are_those_of_libpq_and_remote_hosts_are_encrypted() {
        for (address, mode) in [
            ("db.example.com/d", SslMode::Require),
            ("localhost/d", SslMode::Prefer),
            ("127.0.0.1/d", SslMode::Prefer),
            ("[::1]/d", SslMode::Prefer),
            ("localhost/d?sslmode=require", SslMode::Require),
            ("db.example.com/d?sslmode=disable", SslMode::Disable),
            (
                "db.example.com/d?sslmode=prefer&sslrootcert=ca.pem",
                SslMode::Prefer,
            ),
            (
                "db.example.com/d?sslmode=require&sslrootcert=ca.pem",
                SslMode::VerifyCa,
            ),
            ("db.example.com/d?sslrootcert=ca.pem", SslMode::VerifyCa),
            ("db.example.com/d?sslrootcert=system", SslMode::VerifyFull),
            (
                "db.example.com/d?sslmode=verify-full&sslrootcert=ca.pem",
                SslMode::VerifyFull,
            ),
        ] {
            let parsed = parse(&format!("postgres://u@{address}"));
            assert_eq!(parsed.ssl_mode, mode, "{address}");
        }
    }

    #[test]
    fn password_comes_from_the_address_or_else_from_the_environment_and_is_never_shown() {
        let given = DatabaseAddress::parse("postgres://u:own@h/d", Some("env".into())).unwrap();
        assert_eq!(given.password.as_ref().unwrap().reveal(), "own");
        let absent = DatabaseAddress::parse("postgres://u@h/d", Some("hunter2".into())).unwrap();
        assert_eq!(absent.password.as_ref().unwrap().reveal(), "hunter2");
        assert!(!format!("{absent:?} {absent}").contains("hunter2"));
        assert_eq!(parse("postgres://u@h/d").password, None);
    }

    #[test]
    fn what_cannot_be_an_address_is_refused_without_repeating_it() {
        for text in [
            "host=localhost user=hunter2",
            "mysql://hunter2@h/d",
            "postgres://u:hun#ter2@h/d",
            "postgres://u:hun/ter2@h/d",
            "postgres:///hunter2",
            "postgres://h/hunter2",
            "postgres://u:[YOUR-PASSWORD]@h/d",
            "postgres://u:hunter2@h/d?sslmode=yes",
            "postgres://u:hunter2@h/d?sslcert=hunter2",
            "postgres://u:hunter2@h/d?connect_timeout=hunter2",
        ] {
            let failure = Failure::from(DatabaseAddress::parse(text, None).unwrap_err());
            assert_eq!(failure.exit, Exit::Usage);
            let shown = format!("{failure:?}");
            assert!(!shown.contains("hun") && !shown.contains("ter2"), "{shown}");
        }
    }

    #[test]
    fn parameters_of_other_programs_are_told_and_ignored() {
        let address = parse(
            "postgres://u@h/d?pgbouncer=true&connect_timeout=3&options=reference%3Dabc&channel_binding=require",
        );
        assert_eq!(address.ignored, ["pgbouncer"]);
        assert_eq!(address.connect_timeout, Duration::from_secs(3));
        assert_eq!(address.options.as_deref(), Some("reference=abc"));
        assert_eq!(address.channel_binding, ChannelBinding::Require);
    }
}
