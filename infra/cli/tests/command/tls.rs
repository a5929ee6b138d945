//! TLS as libpq's `sslmode` has it, against a server that takes the login and refuses it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::support::{Run, run};

/// Speaks as much of PostgreSQL's protocol as comes before the login, for one connection after the other.
struct Server {
    port: u16,
    folder: tempfile::TempDir,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// With a certificate for `localhost`; `None` takes no TLS.
    fn start(tls: bool, code: &'static str, message: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(certificates(&folder));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusal = refusal(code, message);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                // An ended handshake is the client's right.
                let config = tls.then(|| Arc::clone(&config));
                if serve(stream.unwrap(), config, &refusal).is_none() {
                    return;
                }
            }
        });
        Self {
            port,
            folder,
            thread: Some(thread),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn migrate(&self, host: &str, parameters: &str) -> Run {
        let port = self.port;
        let url = format!("postgres://u:hunter2@{host}:{port}/d?{parameters}");
        run(&["migrate"], &[("DATABASE_URL", &url)])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A connection that says nothing ends it.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Writes an authority, and another that has signed nothing.
fn certificates(folder: &tempfile::TempDir) -> ServerConfig {
    let authority = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        std::fs::write(folder.path().join(name), pem).unwrap();
        Issuer::new(params, key)
    };
    authority("other.pem");
    let issuer = authority("ca.pem");
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// `None` when nothing was said.
fn serve(mut socket: TcpStream, tls: Option<Arc<ServerConfig>>, refusal: &[u8]) -> Option<()> {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut first = [0; 8];
    socket.read_exact(&mut first).ok()?;
    if first != SSL_REQUEST {
        let _ = socket.write_all(refusal);
        return Some(());
    }
    socket
        .write_all(if tls.is_some() { b"S" } else { b"N" })
        .ok()?;
    let mut startup = [0; 4];
    if let Some(config) = tls {
        let mut connection = ServerConnection::new(config).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        if stream.read_exact(&mut startup).is_ok() {
            let _ = stream.write_all(refusal).and_then(|()| stream.flush());
        }
    } else if socket.read_exact(&mut startup).is_ok() {
        let _ = socket.write_all(refusal);
    }
    Some(())
}

fn refusal(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
}

#[test]
fn certificate_is_verified_as_far_as_the_mode_says() {
    const SAID: &str = "Tenant or user not found";
    let server = Server::start(true, "XX000", SAID);
    let ca = format!("sslrootcert={}", server.file("ca.pem").display());
    let other = format!("sslrootcert={}", server.file("other.pem").display());
    for (host, parameters, code, words) in [
        ("localhost", String::new(), 4, SAID),
        ("127.0.0.1", "sslmode=require".to_owned(), 4, SAID),
        ("127.0.0.1", format!("sslmode=verify-ca&{ca}"), 4, SAID),
        ("localhost", format!("sslmode=verify-full&{ca}"), 4, SAID),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&{ca}"),
            1,
            "not valid for name",
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&{other}"),
            1,
            "invalid peer certificate",
        ),
        (
            "localhost",
            format!("sslmode=require&{other}"),
            1,
            "invalid peer certificate",
        ),
        ("localhost", other, 1, "invalid peer certificate"),
        (
            "localhost",
            "sslmode=verify-full".to_owned(),
            2,
            "needs the certificate of an authority",
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=/no/file".to_owned(),
            2,
            "no certificate",
        ),
    ] {
        let run = server.migrate(host, &parameters);
        assert_eq!(run.code, Some(code), "{host} {parameters}: {run:?}");
        assert!(run.stderr.contains(words), "{host} {parameters}: {run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
}

#[test]
fn only_a_mode_that_allows_it_goes_on_without_tls() {
    const SAID: &str = "password authentication failed";
    let server = Server::start(false, "28P01", SAID);
    for (parameters, code, words) in [
        ("", 4, SAID),
        ("sslmode=disable", 4, SAID),
        ("sslmode=prefer", 4, SAID),
        ("sslmode=require", 1, "does not support TLS"),
    ] {
        let run = server.migrate("127.0.0.1", parameters);
        assert_eq!(run.code, Some(code), "{parameters}: {run:?}");
        assert!(run.stderr.contains(words), "{parameters}: {run:?}");
    }
}
