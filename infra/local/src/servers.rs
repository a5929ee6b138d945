//! The thread that serves the gateway and the front door, independent of the caller's runtime: a stack kept
//! in a static must survive the test that started it.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::StackError;

#[derive(Debug)]
pub(crate) struct Servers {
    runtime: Handle,
    /// Dropping it ends the thread.
    _end: oneshot::Sender<()>,
}

impl Servers {
    pub(crate) fn start() -> Result<Self, StackError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("stack-servers")
            .enable_all()
            .build()
            .map_err(|error| {
                StackError::Supervisor(format!("no threads for the gateway: {error}"))
            })?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            // Ends by an error: nothing is ever sent, the sender is dropped.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        });
        Ok(Self {
            runtime: handle,
            _end: end,
        })
    }

    /// Runs until the stack ends, or until the work ends by itself.
    pub(crate) fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Serves on the usual port of 127.0.0.1, or else on a free one, until the stack ends; returns the address.
    pub(crate) async fn serve(
        &self,
        usual: Option<u16>,
        router: Router,
    ) -> Result<SocketAddr, StackError> {
        let serving = self.runtime.spawn(async move {
            let usual = TcpListener::bind((Ipv4Addr::LOCALHOST, usual.unwrap_or(0))).await;
            let listener = match usual {
                Ok(listener) => listener,
                Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
            };
            let address = listener.local_addr()?;
            let listener = listener.tap_io(at_once);
            tokio::spawn(async move { axum::serve(listener, router).await });
            Ok::<_, std::io::Error>(address)
        });
        let bound = serving
            .await
            .map_err(std::io::Error::other)
            .and_then(|bound| bound);
        bound.map_err(|error| StackError::Supervisor(format!("no port for the gateway: {error}")))
    }
}

/// Without it an answer of more than one packet waits 40 ms for the receiver's word about the first.
fn at_once(connection: &mut TcpStream) {
    // A connection that refuses is gone already.
    let _ = connection.set_nodelay(true);
}
