//! Free ports for the parts that are processes of their own.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use rand::Rng as _;

use crate::StackError;

/// Below the ports that Linux (32768) and macOS (49152) hand out to outgoing connections: a part that is started again
/// must find its port unused.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Starts a part on a free port, and on another when it ends at once: somebody took the port before the part could.
/// Looking again would not tell. A port whose last connections are still closing is free for us, since we bind with
/// SO_REUSEADDR, and taken for a part that does not.
pub(crate) async fn on_a_free_port<T>(
    start: impl AsyncFn(u16) -> Result<T, StackError>,
) -> Result<T, StackError> {
    for _ in 1..ATTEMPTS {
        match start(pick()).await {
            Err(StackError::Part { ended: true, .. }) => {}
            other => return other,
        }
    }
    start(pick()).await
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
