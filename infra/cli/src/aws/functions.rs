//! Lambda, as far as `init` calls it.

use reqwest::Method;
use serde_json::Value;

use super::signed::Call;
use super::{Account, SignedCalls};
use crate::exit::Exit;
use crate::failure::Failure;

/// The copies of functions that an account may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concurrency {
    pub(crate) limit: u64,
    pub(crate) unreserved: u64,
}

/// Asks for the account's limits.
pub(crate) async fn concurrency(account: &Account) -> Result<Concurrency, Failure> {
    let doing = "reading Lambda's account settings";
    let call = Call {
        method: &Method::GET,
        path: "/2016-08-19/account-settings/",
        headers: &[],
        body: b"",
    };
    let reply = calls(account)?.send(doing, call).await?;
    if reply.status != 200 {
        return Err(reply.refusal(doing));
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let number = |name: &str| body["AccountLimit"][name].as_u64();
    let (limit, unreserved) = (
        number("ConcurrentExecutions"),
        number("UnreservedConcurrentExecutions"),
    );
    limit
        .zip(unreserved)
        .map(|(limit, unreserved)| Concurrency { limit, unreserved })
        .ok_or_else(|| {
            Failure::new(
                Exit::Failed,
                format!("{doing} failed: the answer cannot be read"),
            )
        })
}

/// Starts a function and does not wait for its end.
pub(crate) async fn start(account: &Account, function: &str, event: &Value) -> Result<(), Failure> {
    let doing = format!("starting {function}");
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let event = event.to_string();
    let call = Call {
        method: &Method::POST,
        path: &path,
        headers: &[("x-amz-invocation-type", "Event")],
        body: event.as_bytes(),
    };
    let reply = calls(account)?.send(&doing, call).await?;
    match reply.status {
        200..=299 => Ok(()),
        _ => Err(reply.refusal(&doing)),
    }
}

fn calls(account: &Account) -> Result<SignedCalls, Failure> {
    SignedCalls::new(&account.sdk, "lambda", &account.region)
}

/// Copies that AWS keeps unreserved in an account of this limit (pure).
pub(crate) const fn kept_unreserved(limit: u64) -> u64 {
    if limit > 100 { 100 } else { 10 }
}
