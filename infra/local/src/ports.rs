//! Free ports for the parts that are processes of their own.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use rand::Rng as _;

use crate::StackError;

/// Below the ports that Linux (32768) and macOS (49152) hand out to outgoing connections: a part that is started again
/// must find its port unused.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
/// The ports of a stack that asks for them: bookmarks and files of settings stay good from one start to the next.
pub(crate) const FRONT_DOOR: u16 = 20_400;
pub(crate) const SUPABASE: u16 = 20_401;
pub(crate) const CLOUDINARY: u16 = 20_402;

const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Starts a part on a free port, and on another when it ends at once: somebody took the port before the part could.
/// Looking again would not tell. A port whose last connections are still closing is free for us, since we bind with
/// SO_REUSEADDR, and taken for a part that does not.
pub(crate) async fn on_a_free_port<T>(
    start: impl AsyncFn(u16) -> Result<T, StackError>,
) -> Result<T, StackError> {
    on_its_usual_port(None, start).await
}

/// The same, on the usual port if that is free.
pub(crate) async fn on_its_usual_port<T>(
    usual: Option<u16>,
    start: impl AsyncFn(u16) -> Result<T, StackError>,
) -> Result<T, StackError> {
    let mut port = usual.filter(|port| is_free(*port)).unwrap_or_else(pick);
    for _ in 1..ATTEMPTS {
        match start(port).await {
            Err(StackError::Part { ended: true, .. }) => port = pick(),
            other => return other,
        }
    }
    start(port).await
}

/// Starts a part again on the port that it had. A search for a free port takes each for a moment: then the part ends
/// at once, and is started once more.
pub(crate) async fn on_its_port(
    mut start: impl AsyncFnMut() -> Result<(), StackError>,
) -> Result<(), StackError> {
    for _ in 1..ATTEMPTS {
        match start().await {
            Err(StackError::Part { ended: true, .. }) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
    start().await
}

fn pick() -> u16 {
    let mut random = rand::rng();
    std::iter::repeat_with(|| random.random_range(RANGE))
        .find(|port| is_free(*port))
        .expect("an endless iterator ends only by finding")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::error::LogTail;

    #[tokio::test]
    async fn usual_port_is_taken_if_it_is_free() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = taken.local_addr().map(|address| (taken, address.port()));
        let (held, port) = taken.unwrap();
        let started = on_its_usual_port(Some(port), async |port| Ok(port)).await;
        assert_ne!(started.unwrap(), port);
        drop(held);
        let started = on_its_usual_port(Some(port), async |port| Ok(port)).await;
        assert_eq!(started.unwrap(), port);
    }

    #[tokio::test]
    async fn part_that_ends_is_started_on_another_port_though_the_first_looks_free() {
        let tried = RefCell::new(Vec::new());
        let started = on_a_free_port(async |port| {
            tried.borrow_mut().push(port);
            match tried.borrow().len() {
                1 => Err(StackError::Part {
                    part: "postgrest".to_owned(),
                    problem: "ended with 1 before ready".to_owned(),
                    ended: true,
                    log: LogTail::of(std::path::Path::new("/no/such/log")),
                }),
                _ => Ok(port),
            }
        })
        .await;
        assert_eq!(started.unwrap(), tried.borrow()[1]);
    }
}
