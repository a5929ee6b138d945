//! Names the mend of a connection that failed, from the facts about it.
//!
//! The pooler's words are those of supabase/supavisor, of its newer releases (a code in brackets) and of older ones.

use tokio_postgres::error::SqlState;

use super::address::{DatabaseAddress, DatabasePlace};
use crate::exit::Exit;
use crate::failure::Failure;

/// A failed connection, by its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionTrouble {
    /// The host's name does not resolve: the resolver's words.
    Name(String),
    /// Nobody answered in time.
    Timeout,
    /// The network did not carry it.
    Network {
        /// True when there is no way to the address at all.
        unreachable: bool,
        /// The system's words.
        message: String,
    },
    /// TLS failed: the reason.
    Tls(String),
    /// The login failed on our side: the reason.
    Login(String),
    /// The server refused.
    Refused {
        /// Its SQLSTATE.
        code: String,
        /// Its words.
        message: String,
    },
}

/// The kinds of IP addresses that the host's name has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostResolution {
    /// At least one of version 4.
    pub ipv4: bool,
    /// At least one of version 6.
    pub ipv6: bool,
}

const SESSION_POOLER: &str =
    "use the session pooler's address (dashboard: Connect, Session pooler)";
const PASSWORD: &str = "check the database's password (dashboard: Database, Settings, Reset database password); it is no API key";
const CERTIFICATE: &str = "download the certificate (dashboard: Database, Settings, SSL Configuration) and name it with sslrootcert=FILE";

/// Turns facts into the text that is shown.
pub fn diagnose(
    address: &DatabaseAddress,
    resolution: HostResolution,
    trouble: &ConnectionTrouble,
) -> Failure {
    let host = &address.host;
    match trouble {
        ConnectionTrouble::Name(words) => unresolved(address, words),
        ConnectionTrouble::Timeout if only_ipv6(address, resolution) => no_ipv6(host),
        ConnectionTrouble::Network {
            unreachable: true, ..
        } if only_ipv6(address, resolution) => no_ipv6(host),
        ConnectionTrouble::Timeout => Failure::new(Exit::TryAgain, format!("{host} does not answer"))
            .mend("check host and port; a firewall, or the project's network restrictions, may swallow the connection"),
        ConnectionTrouble::Network {
            unreachable: true,
            message,
        } => Failure::new(Exit::Failed, format!("{host} cannot be reached: {message}"))
            .mend("check this machine's network"),
        ConnectionTrouble::Network { message, .. } => Failure::new(
            Exit::TryAgain,
            format!("{host}:{} did not take the connection: {message}", address.port),
        )
        .mend("check that the database runs and that the port is right, then try again"),
        ConnectionTrouble::Tls(words) => tls(host, words),
        ConnectionTrouble::Login(words) => login(words),
        ConnectionTrouble::Refused { code, message } => refused(address, code, message),
    }
}

/// A project's own host has an IPv4 address only with an add-on.
fn only_ipv6(address: &DatabaseAddress, resolution: HostResolution) -> bool {
    matches!(address.place(), DatabasePlace::Direct { .. }) && !resolution.ipv4
}

fn no_ipv6(host: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("{host} has an IPv6 address only, and this network does not reach it"),
    )
    .mend(SESSION_POOLER)
}

fn unresolved(address: &DatabaseAddress, words: &str) -> Failure {
    let exit = if words.contains("Temporary failure") {
        Exit::TryAgain
    } else {
        Exit::Failed
    };
    let host = &address.host;
    let failure = Failure::new(exit, format!("the name {host} does not resolve: {words}"));
    match address.place() {
        DatabasePlace::Direct { project } => failure.mend(format!(
            "check the project's reference, {project}, and that the project is not paused (dashboard); \
             where the network has no IPv6, {SESSION_POOLER}"
        )),
        DatabasePlace::SessionPooler => failure.mend(
            "check the region in the host's name (dashboard: Connect, Session pooler), and this machine's network",
        ),
        _ => failure.mend("check the host's name"),
    }
}

fn tls(host: &str, words: &str) -> Failure {
    let failure = Failure::new(Exit::Failed, format!("TLS with {host} failed: {words}"));
    if words.contains("does not support TLS") {
        failure.mend("if nobody can listen in between, add sslmode=disable to the address")
    } else if words.contains("NotValidForName") || words.contains("not valid for name") {
        failure.mend("the certificate is for another host: check the host's name")
    } else if words.contains("certificate") {
        failure.mend(CERTIFICATE)
    } else {
        failure
    }
}

fn login(words: &str) -> Failure {
    if words.contains("password missing") {
        return Failure::new(Exit::NotAllowed, "the database asks for a password")
            .mend("set PGPASSWORD, or put it into the address");
    }
    let failure = Failure::new(Exit::NotAllowed, format!("the login failed: {words}"));
    if words.contains("channel binding") {
        failure.mend("the server, or the pooler, does not offer it: leave channel_binding out of the address")
    } else {
        failure
    }
}

fn refused(address: &DatabaseAddress, code: &str, message: &str) -> Failure {
    let said = |exit| Failure::new(exit, format!("{} refuses: {message}", address.host));
    let has = |words: &[&str]| {
        let message = message.to_ascii_lowercase();
        words.iter().any(|word| message.contains(word))
    };
    if has(&[
        "tenant or user not found",
        "(enotfound)",
        "(etenantnotfound)",
        "(enoidentifier)",
    ]) {
        return said(Exit::NotAllowed).mend(unknown_tenant(address));
    }
    if has(&[
        "(ecircuitbreaker)",
        "circuit breaker open",
        "too many authentication errors",
    ]) {
        return said(Exit::TryAgain).mend(format!(
            "too many attempts have failed: wait ten minutes; meanwhile {PASSWORD}"
        ));
    }
    if has(&["allow_list", "(eaddrnotallowed)"]) {
        return said(Exit::NotAllowed).mend(
            "allow this machine's address (dashboard: Database, Settings, Network Restrictions)",
        );
    }
    if has(&[
        "ssl connection is required",
        "(esslrequired)",
        "no encryption",
    ]) {
        return said(Exit::NotAllowed).mend("take sslmode=disable out of the address");
    }
    if has(&[
        "max clients",
        "max client connections",
        "(emax",
        "(echeckouttimeout)",
        "check out process",
    ]) {
        return said(Exit::TryAgain).mend(
            "every connection is taken: try again when others have ended, or raise the pool's size",
        );
    }
    if has(&["(ebanned)", "tenant is banned"]) {
        return said(Exit::NotAllowed)
            .mend("look at the project in the dashboard: Supabase has suspended it");
    }
    let state = SqlState::from_code(code);
    let failure = said(Exit::of_sql_state(&state));
    match state {
        SqlState::INVALID_PASSWORD => failure.mend(wrong_password(address)),
        SqlState::INVALID_CATALOG_NAME => {
            failure.mend("check the database's name: a Supabase project's is `postgres`")
        }
        SqlState::CANNOT_CONNECT_NOW => failure.mend("the database starts: try again in a minute"),
        // Whatever else the pooler tells of itself is about its way to the database.
        SqlState::INTERNAL_ERROR if address.place() == DatabasePlace::SessionPooler => Failure {
            exit: Exit::TryAgain,
            ..failure
        }
        .mend(
            "the pooler does not reach the database: check in the dashboard that the project runs",
        ),
        _ => failure,
    }
}

fn unknown_tenant(address: &DatabaseAddress) -> String {
    let paused = "a paused project answers so too: restore it in the dashboard";
    if address.user.contains('.') {
        format!(
            "check project and region (dashboard: Connect, Session pooler): the user is postgres.PROJECT, and the \
             host that of the project's region; {paused}"
        )
    } else {
        format!(
            "the pooler's user is {}.PROJECT, with the project's reference (dashboard: Connect, Session pooler); {paused}",
            address.user
        )
    }
}

fn wrong_password(address: &DatabaseAddress) -> String {
    match address.place() {
        DatabasePlace::Direct { .. } if address.user.contains('.') => {
            let user = address.user.split('.').next().unwrap_or_default();
            format!(
                "at the project's own host the user is {user}, without the reference; otherwise {PASSWORD}"
            )
        }
        DatabasePlace::Elsewhere => "check user and password".to_owned(),
        _ => PASSWORD.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOLER: &str =
        "postgres://postgres.abc:hunter2@aws-0-eu-west-1.pooler.supabase.com/postgres";
    const DIRECT: &str = "postgres://postgres:hunter2@db.abc.supabase.co/postgres";
    const OTHER: &str = "postgres://postgres:hunter2@db.example.com/postgres";
    const BOTH: HostResolution = HostResolution {
        ipv4: true,
        ipv6: true,
    };
    const IPV6: HostResolution = HostResolution {
        ipv4: false,
        ipv6: true,
    };

    fn refused(code: &str, message: &str) -> ConnectionTrouble {
        ConnectionTrouble::Refused {
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    fn network(unreachable: bool) -> ConnectionTrouble {
        ConnectionTrouble::Network {
            unreachable,
            message: "Network is unreachable".to_owned(),
        }
    }

    #[test]
    fn every_known_fault_has_its_exit_code_and_its_mend() {
        let cases: Vec<(&str, HostResolution, ConnectionTrouble, Exit, &str)> = vec![
            (
                POOLER,
                BOTH,
                refused("XX000", "Tenant or user not found"),
                Exit::NotAllowed,
                "paused project",
            ),
            (
                POOLER,
                BOTH,
                refused("XX000", "(ENOTFOUND) tenant/user postgres.abc not found"),
                Exit::NotAllowed,
                "project and region",
            ),
            (
                "postgres://postgres@aws-0-eu-west-1.pooler.supabase.com/postgres",
                BOTH,
                refused(
                    "XX000",
                    "(ENOIDENTIFIER) no tenant identifier provided (external_id or sni_hostname required)",
                ),
                Exit::NotAllowed,
                "postgres.PROJECT",
            ),
            (
                POOLER,
                BOTH,
                refused(
                    "28P01",
                    "password authentication failed for user \"postgres\"",
                ),
                Exit::NotAllowed,
                "Reset database password",
            ),
            (
                "postgres://postgres.abc@db.abc.supabase.co/postgres",
                BOTH,
                refused(
                    "28P01",
                    "password authentication failed for user \"postgres.abc\"",
                ),
                Exit::NotAllowed,
                "the user is postgres, without",
            ),
            (
                POOLER,
                BOTH,
                refused("XX000", "(ECIRCUITBREAKER) Too many authentication errors"),
                Exit::TryAgain,
                "ten minutes",
            ),
            (
                POOLER,
                BOTH,
                refused(
                    "XX000",
                    "(EMAXCLIENTSESSION) max clients reached in session mode",
                ),
                Exit::TryAgain,
                "every connection is taken",
            ),
            (
                POOLER,
                BOTH,
                refused(
                    "XX000",
                    "Address not in tenant allow_list: {203, 0, 113, 9}",
                ),
                Exit::NotAllowed,
                "Network Restrictions",
            ),
            (
                POOLER,
                BOTH,
                refused("XX000", "SSL connection is required"),
                Exit::NotAllowed,
                "sslmode=disable",
            ),
            (
                POOLER,
                BOTH,
                refused("XX000", "(EBANNED) tenant is banned: abuse"),
                Exit::NotAllowed,
                "suspended",
            ),
            (
                POOLER,
                BOTH,
                refused("XX000", "DbHandler exited"),
                Exit::TryAgain,
                "project runs",
            ),
            (
                OTHER,
                BOTH,
                refused(
                    "28000",
                    "no pg_hba.conf entry for host \"203.0.113.9\", user \"postgres\", no encryption",
                ),
                Exit::NotAllowed,
                "sslmode=disable",
            ),
            (
                OTHER,
                BOTH,
                refused("3D000", "database \"x\" does not exist"),
                Exit::Failed,
                "`postgres`",
            ),
            (
                OTHER,
                BOTH,
                refused("57P03", "the database system is starting up"),
                Exit::TryAgain,
                "in a minute",
            ),
            (DIRECT, IPV6, network(true), Exit::Failed, "session pooler"),
            (
                DIRECT,
                IPV6,
                ConnectionTrouble::Timeout,
                Exit::Failed,
                "session pooler",
            ),
            (DIRECT, IPV6, network(false), Exit::TryAgain, "port"),
            (
                DIRECT,
                BOTH,
                ConnectionTrouble::Timeout,
                Exit::TryAgain,
                "firewall",
            ),
            (OTHER, IPV6, network(true), Exit::Failed, "network"),
            (OTHER, BOTH, network(false), Exit::TryAgain, "port"),
            (
                DIRECT,
                HostResolution::default(),
                ConnectionTrouble::Name("Name or service not known".into()),
                Exit::Failed,
                "not paused",
            ),
            (
                POOLER,
                HostResolution::default(),
                ConnectionTrouble::Name("Temporary failure in name resolution".into()),
                Exit::TryAgain,
                "region",
            ),
            (
                OTHER,
                BOTH,
                ConnectionTrouble::Tls("server does not support TLS".into()),
                Exit::Failed,
                "sslmode=disable",
            ),
            (
                OTHER,
                BOTH,
                ConnectionTrouble::Tls("invalid peer certificate: UnknownIssuer".into()),
                Exit::Failed,
                "sslrootcert",
            ),
            (
                OTHER,
                BOTH,
                ConnectionTrouble::Login("password missing".into()),
                Exit::NotAllowed,
                "PGPASSWORD",
            ),
        ];
        for (text, resolution, trouble, exit, mend) in cases {
            let address = DatabaseAddress::parse(text, None).unwrap();
            let failure = diagnose(&address, resolution, &trouble);
            assert_eq!(failure.exit, exit, "{failure:?}");
            assert!(
                failure.mend.as_ref().is_some_and(|one| one.contains(mend)),
                "{failure:?}"
            );
            assert!(!format!("{failure:?}").contains("hunter2"));
        }
    }
}
