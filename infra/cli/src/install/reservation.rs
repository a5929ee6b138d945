//! The copies of functions that an installation reserves for the webhook.
//!
//! Only a reservation bounds the webhook's function URL. New accounts have nothing to reserve.

use std::collections::BTreeMap;

use crate::aws::Account;
use crate::aws::formation::{Stack, Standing};
use crate::aws::functions::{self, AccountConcurrency};
use crate::exit::Exit;
use crate::failure::Failure;

/// The parameter that reserves them.
pub(crate) const RESERVED: &str = "WebhookConcurrency";

/// The number that the deployment gets, with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reservation {
    /// The user has said it.
    Given(u64),
    /// The stack has it.
    Kept(u64),
    /// The account allows it.
    Chosen { copies: u64, limit: u64 },
    /// Nobody has said it, and the limits may not be read.
    Unknown,
}

/// The number before the account is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Given { copies: u64, held: u64 },
    Kept(u64),
    Open,
}

impl Reservation {
    /// The parameter's value.
    pub(crate) const fn copies(self) -> u64 {
        match self {
            Self::Given(copies) | Self::Kept(copies) | Self::Chosen { copies, .. } => copies,
            Self::Unknown => 0,
        }
    }

    /// Adds the parameter to those of a change.
    pub(crate) fn add_to(self, parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = parameters.clone();
        all.insert(RESERVED.to_owned(), self.copies().to_string());
        all
    }

    /// The number in words.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Given(0) => "no copy is reserved for the webhook, as given".to_owned(),
            Self::Given(copies) => {
                format!("{copies} copies are reserved for the webhook, as given")
            }
            Self::Kept(0) => "no copy is reserved for the webhook, as the stack has it".to_owned(),
            Self::Kept(copies) => format!("{copies} copies stay reserved for the webhook"),
            Self::Chosen { copies: 0, limit } => {
                format!("no copy is reserved for the webhook: the account's {limit} allow none")
            }
            Self::Chosen { copies, limit } => {
                format!("{copies} of the account's {limit} copies are reserved for the webhook")
            }
            Self::Unknown => {
                "no copy is reserved for the webhook: lambda:GetAccountSettings is refused"
                    .to_owned()
            }
        }
    }
}

/// Finds the number. The account is asked only where the answer depends on it.
pub(crate) async fn find(
    given: Option<&str>,
    stack: Option<&Stack>,
    account: &Account,
) -> Result<Reservation, Failure> {
    match wish(given, stack)? {
        Wish::Given { copies: 0, .. } => Ok(Reservation::Given(0)),
        Wish::Given { copies, held } => allow(copies, held, functions::concurrency(account).await?),
        Wish::Kept(copies) => Ok(Reservation::Kept(copies)),
        Wish::Open => match functions::concurrency(account).await {
            Ok(limits) => Ok(Reservation::Chosen {
                copies: limits.usual_reservation(),
                limit: limits.limit,
            }),
            // A flood's bound is no reason to refuse an installation.
            Err(failure) if failure.exit == Exit::NotAllowed => Ok(Reservation::Unknown),
            Err(failure) => Err(failure),
        },
    }
}

/// The user's word counts first, then the stack's, unless the stack has to be made anew (pure).
fn wish(given: Option<&str>, stack: Option<&Stack>) -> Result<Wish, Failure> {
    let lives = |stack: &&Stack| {
        !matches!(
            Standing::of(&stack.status),
            Standing::Absent | Standing::Broken
        )
    };
    let deployed = stack.filter(lives);
    let deployed = deployed.and_then(|stack| stack.parameters.get(RESERVED)?.parse().ok());
    match (given, deployed) {
        (Some(text), held) => {
            let copies = text.trim().parse().map_err(|_| {
                Failure::new(Exit::Usage, format!("{RESERVED} is no number of copies"))
                    .mend(format!("--parameter {RESERVED}=50, or 0 for none"))
            })?;
            let held = held.unwrap_or(0);
            Ok(Wish::Given { copies, held })
        }
        (None, Some(copies)) => Ok(Wish::Kept(copies)),
        (None, None) => Ok(Wish::Open),
    }
}

/// Lambda keeps some copies free (pure).
fn allow(copies: u64, held: u64, limits: AccountConcurrency) -> Result<Reservation, Failure> {
    let most = limits.reservable(held);
    if copies <= most {
        return Ok(Reservation::Given(copies));
    }
    Err(Failure::new(
        Exit::Failed,
        format!(
            "{RESERVED} is {copies}, and this account can reserve {most}: it may run {} functions at once, and Lambda \
             keeps some of them free",
            limits.limit
        ),
    )
    .mend(format!(
        "--parameter {RESERVED}=0, or ask AWS for a higher limit (Service Quotas, Lambda, Concurrent executions)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(status: &str, copies: Option<&str>) -> Stack {
        let parameters = copies.map(|copies| (RESERVED.to_owned(), copies.to_owned()));
        Stack {
            status: status.to_owned(),
            parameters: parameters.into_iter().collect(),
            ..Stack::default()
        }
    }

    #[test]
    fn users_word_counts_first_and_then_the_stacks() {
        let ready = "UPDATE_COMPLETE";
        for (given, deployed, expected) in [
            (None, None, Wish::Open),
            (None, Some((ready, None)), Wish::Open),
            (None, Some((ready, Some("50"))), Wish::Kept(50)),
            (None, Some((ready, Some("0"))), Wish::Kept(0)),
            (
                None,
                Some(("CREATE_IN_PROGRESS", Some("50"))),
                Wish::Kept(50),
            ),
            (None, Some(("ROLLBACK_COMPLETE", Some("50"))), Wish::Open),
            (None, Some(("REVIEW_IN_PROGRESS", Some("50"))), Wish::Open),
            (Some("7"), None, Wish::Given { copies: 7, held: 0 }),
            (
                Some("0"),
                Some((ready, Some("50"))),
                Wish::Given {
                    copies: 0,
                    held: 50,
                },
            ),
            (
                Some("60"),
                Some((ready, Some("50"))),
                Wish::Given {
                    copies: 60,
                    held: 50,
                },
            ),
        ] {
            let deployed = deployed.map(|(status, copies)| stack(status, copies));
            let found = wish(given, deployed.as_ref()).unwrap();
            assert_eq!(found, expected, "{given:?} {deployed:?}");
        }
        assert_eq!(wish(Some("many"), None).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn given_number_is_held_to_what_the_account_can_give() {
        for (limit, unreserved, held, copies, good) in [
            (10, 10, 0, 1, false),
            (20, 20, 0, 10, true),
            (1_000, 150, 0, 51, false),
            // The stack's own reservation is there for it.
            (150, 100, 50, 50, true),
            (150, 100, 50, 51, false),
        ] {
            let limits = AccountConcurrency { limit, unreserved };
            let found = allow(copies, held, limits);
            assert_eq!(found.is_ok(), good, "{limits:?} {held} {copies}");
        }
    }

    #[test]
    fn number_is_passed_on_and_said() {
        for (reservation, copies, words) in [
            (
                Reservation::Given(0),
                "0",
                "no copy is reserved for the webhook, as given",
            ),
            (
                Reservation::Given(5),
                "5",
                "5 copies are reserved for the webhook, as given",
            ),
            (
                Reservation::Kept(0),
                "0",
                "no copy is reserved for the webhook, as the stack has it",
            ),
            (
                Reservation::Kept(20),
                "20",
                "20 copies stay reserved for the webhook",
            ),
            (
                Reservation::Chosen {
                    copies: 0,
                    limit: 10,
                },
                "0",
                "no copy is reserved for the webhook: the account's 10 allow none",
            ),
            (
                Reservation::Chosen {
                    copies: 50,
                    limit: 1_000,
                },
                "50",
                "50 of the account's 1000 copies are reserved for the webhook",
            ),
            (
                Reservation::Unknown,
                "0",
                "no copy is reserved for the webhook: lambda:GetAccountSettings is refused",
            ),
        ] {
            assert_eq!(reservation.describe(), words);
            assert_eq!(reservation.add_to(&BTreeMap::new())[RESERVED], copies);
        }
    }
}
