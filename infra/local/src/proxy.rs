//! Passes a request on and the answer back, byte for byte, in streams.

use axum::body::Body;
use http::header::{CONNECTION, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Request, Response, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;

pub(crate) type ProxyClient = Client<HttpConnector, Body>;

pub(crate) fn client() -> ProxyClient {
    Client::builder(TokioExecutor::new()).build(connector())
}

/// For a server that ends kept connections at any moment: a request in a stream cannot be sent again.
pub(crate) fn client_without_kept_connections() -> ProxyClient {
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector())
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

/// Where a request goes instead.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Address and port to connect to.
    pub(crate) authority: String,
    /// The `Host` header, by which the receiver tells its tenants apart.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
}

/// These speak of one connection and must not be passed on.
const HOP_BY_HOP: [HeaderName; 4] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Everything else of request and answer stays as it is.
pub(crate) async fn forward(
    client: &ProxyClient,
    mut request: Request<Body>,
    target: &Target,
) -> Result<Response<Body>, Error> {
    let uri = format!("http://{}{}", target.authority, target.path);
    *request.uri_mut() = uri
        .parse::<Uri>()
        .expect("a path that was parsed once, behind an address of ours");
    let host = HeaderValue::from_str(&target.host).expect("host names of the stack are plain text");
    for name in HOP_BY_HOP {
        request.headers_mut().remove(name);
    }
    request.headers_mut().insert(HOST, host);
    let mut response = client.request(request).await?;
    for name in HOP_BY_HOP {
        response.headers_mut().remove(name);
    }
    Ok(response.map(Body::new))
}
