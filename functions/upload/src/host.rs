//! Looks up the addresses of a remote file's host.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use media_sync::upload::UploadRefusal;
use media_sync::upload::remote::RemoteFile;

/// The longest wait for a host's addresses.
const LOOK_UP: Duration = Duration::from_secs(4);

/// Asks for the host's addresses, unless the rules name the very address.
///
/// # Errors
/// When the rules refuse one of them, or there is none.
pub(crate) async fn look_up(file: &RemoteFile) -> Result<(), UploadRefusal> {
    let Some(host) = file.host.clone() else {
        return Ok(());
    };
    let port = file.port;
    let asked = tokio::task::spawn_blocking(move || (host.as_str(), port).to_socket_addrs());
    let addresses: Vec<IpAddr> = match tokio::time::timeout(LOOK_UP, asked).await {
        Ok(Ok(Ok(found))) => found.map(|socket| socket.ip()).collect(),
        _ => Vec::new(),
    };
    file.check_addresses(&addresses)
}
