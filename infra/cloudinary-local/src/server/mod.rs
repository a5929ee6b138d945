//! The HTTP server: accepts connections, and sends each request to the API, the control plane or
//! delivery.

mod auth;
mod body;
mod browser;
mod call;
mod route;
mod v2;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::account::Account;
use crate::app::App;
use crate::model::Change;
use crate::notify::Deliverer;
use crate::settings::ServerSettings;
use crate::store::{Files, JournalError, Store};
use crate::traffic::Traffic;
use crate::{control, delivery};
use call::Dropped;

/// The options of a server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where everything is kept; made when it does not exist.
    pub data: PathBuf,
    pub cloud: String,
    pub api_key: String,
    pub api_secret: String,
    /// Origin of `url` and `secure_url`; the server's own address when not given.
    pub delivery_base: Option<String>,
    /// The account's settings when `data` is new. Later the recorded ones hold.
    pub settings: ServerSettings,
}

impl ServerConfig {
    /// A server on a free port of 127.0.0.1 that keeps its account in `data`.
    #[must_use]
    pub fn local(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: data.into(),
            cloud: "demo".to_owned(),
            api_key: "614335564976464".to_owned(),
            api_secret: "local-secret".to_owned(),
            delivery_base: None,
            settings: ServerSettings::default(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("could not listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("could not prepare the data directory {path}")]
    Data {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("could not build the HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("could not record the first settings")]
    Settings,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    account: Account,
    tasks: JoinSet<()>,
}

impl Server {
    /// Replays what `config.data` holds, then serves.
    ///
    /// # Errors
    /// When the address is taken, or the data directory is in use, damaged or not writable.
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let data = |source| StartError::Data {
            path: config.data.clone(),
            source,
        };
        std::fs::create_dir_all(&config.data).map_err(data)?;
        let files = Files::open(&config.data).map_err(data)?;
        let (store, known) = Store::open(&config.data)?;
        if !known {
            first_settings(&store, &config.settings)?;
        }
        let listener = TcpListener::bind(config.listen).await;
        let listen = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let listener = listener.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let account = Account {
            cloud: config.cloud,
            api_key: config.api_key,
            api_secret: config.api_secret,
            delivery_base: config.delivery_base.map_or_else(
                || format!("http://{address}"),
                |base| base.trim_end_matches('/').to_owned(),
            ),
        };
        let store = Arc::new(store);
        let client = client()?;
        let deliverer = Deliverer::new(Arc::clone(&store), account.clone(), client.clone());
        let app = Arc::new(App {
            account: account.clone(),
            store,
            files,
            client,
            traffic: Traffic::default(),
            deliverer: Arc::clone(&deliverer),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(deliverer.run());
        tasks.spawn(accept(listener, app));
        Ok(Self {
            address,
            account,
            tasks,
        })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `CLOUDINARY_URL` that points a client here.
    #[must_use]
    pub fn cloudinary_url(&self) -> String {
        let Account {
            cloud,
            api_key,
            api_secret,
            ..
        } = &self.account;
        format!(
            "cloudinary://{api_key}:{api_secret}@{cloud}?upload_prefix={}",
            self.url()
        )
    }

    /// Serves until the process ends.
    pub async fn wait(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends every connection and lets go of the data directory.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

fn first_settings(store: &Store, settings: &ServerSettings) -> Result<(), StartError> {
    let settings = serde_json::to_value(settings).map_err(|_| StartError::Settings)?;
    let change = Change::Settings {
        settings: Box::new(settings),
    };
    store.record(vec![change]).map_err(|_| StartError::Settings)
}

/// Redirects are not followed: an address that answers a notification with one has not taken it,
/// and a file behind one is named by its real address. Proxies of the machine are for the outside;
/// the stand-in talks to local addresses.
fn client() -> Result<reqwest::Client, StartError> {
    // Somebody else in the process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(std::time::Duration::from_secs(10))
        .build()
        .map_err(StartError::Client)
}

async fn accept(listener: TcpListener, app: Arc<App>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let app = Arc::clone(&app);
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let app = Arc::clone(&app);
                async move { answer(&app, request.map(Body::new)).await }
            });
            let served = hyper::server::conn::http1::Builder::new()
                // Idle connections stay: a client must not meet one that just closed.
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

async fn answer(app: &App, request: Request<Body>) -> Result<Response, Dropped> {
    let path = request.uri().path().to_owned();
    let mut response = if let Some(rest) = path.strip_prefix("/_control/") {
        control::handle(app, rest, request).await
    } else if let Some(rest) = path.strip_prefix("/v1_1/") {
        let is_upload = browser::is_upload(&path);
        let preflight = is_upload
            .then(|| browser::answer_preflight(&request))
            .flatten();
        let mut response = match preflight {
            Some(response) => response,
            None => call::handle(app, rest, request).await?,
        };
        if is_upload {
            browser::let_pages_read(&mut response);
        }
        response
    } else if let Some(rest) = path.strip_prefix("/v2/") {
        v2::handle(app, rest, request).await
    } else {
        delivery::handle(app, &path, request).await
    };
    if let Ok(date) = app.now().http_date().parse() {
        response.headers_mut().insert(http::header::DATE, date);
    }
    Ok(response)
}
