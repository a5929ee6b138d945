//! The copies of functions that an account may run.

use serde_json::Value;

use super::Account;
use super::calls::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// The path at which Lambda tells the limits.
pub(crate) const ACCOUNT_SETTINGS: &str = "/2016-08-19/account-settings";

/// Copies that stay for everything else where nobody has said how many are reserved.
const LEFT_TO_OTHERS: u64 = 100;

/// Copies for the webhook where nobody has said how many: some 500 requests a second.
pub(crate) const USUAL_RESERVATION: u64 = 50;

/// The copies of functions that an account may run at once in one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountConcurrency {
    /// Copies of all functions together.
    pub limit: u64,
    /// Copies that no function has reserved.
    pub unreserved: u64,
}

impl AccountConcurrency {
    /// Reads Lambda's account settings (pure).
    pub(crate) fn read(settings: &Value) -> Option<Self> {
        let number = |name: &str| settings["AccountLimit"][name].as_u64();
        Some(Self {
            limit: number("ConcurrentExecutions")?,
            unreserved: number("UnreservedConcurrentExecutions")?,
        })
    }

    /// The copies that one function may reserve, of which it holds some already (pure).
    pub(crate) const fn reservable(self, held: u64) -> u64 {
        let available = self.unreserved.saturating_add(held);
        available.saturating_sub(kept_unreserved(self.limit))
    }

    /// The webhook's reservation where nobody has said how many (pure). It is all or nothing: a few copies would
    /// turn away Cloudinary's own bursts.
    pub(crate) const fn usual_reservation(self) -> u64 {
        if self.unreserved >= USUAL_RESERVATION + LEFT_TO_OTHERS {
            USUAL_RESERVATION
        } else {
            0
        }
    }
}

/// Asks for the account's limits.
pub(crate) async fn concurrency(account: &Account) -> Result<AccountConcurrency, Failure> {
    let doing = "reading Lambda's account settings";
    let call = Call {
        service: "lambda",
        path: ACCOUNT_SETTINGS,
        ..Call::default()
    };
    let reply = account.calls()?.send(call).await;
    let reply = reply.map_err(|error| error.failure(doing))?;
    if !reply.is_success() {
        return Err(reply.refused().failure(doing));
    }
    AccountConcurrency::read(&reply.json()).ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            format!("{doing} failed: the answer cannot be read"),
        )
    })
}

/// Copies that AWS keeps unreserved in an account of this limit (pure).
const fn kept_unreserved(limit: u64) -> u64 {
    if limit > 100 { 100 } else { 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservation_leaves_what_lambda_keeps_free() {
        for (limit, unreserved, held, expected) in [
            (10, 10, 0, 0),
            (20, 20, 0, 10),
            (1_000, 1_000, 0, 900),
            (1_000, 150, 0, 50),
            (1_000, 100, 50, 50),
            (1_000, 40, 0, 0),
        ] {
            let limits = AccountConcurrency { limit, unreserved };
            assert_eq!(limits.reservable(held), expected, "{limits:?} {held}");
        }
    }

    #[test]
    fn usual_reservation_leaves_a_hundred_copies_to_others() {
        for (limit, unreserved, expected) in [
            (10, 10, 0),
            (100, 100, 0),
            (149, 149, 0),
            (150, 150, 50),
            (1_000, 1_000, 50),
            (1_000, 149, 0),
        ] {
            let limits = AccountConcurrency { limit, unreserved };
            assert_eq!(limits.usual_reservation(), expected, "{limits:?}");
        }
    }
}
