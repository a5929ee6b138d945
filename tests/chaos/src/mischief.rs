//! The state of mischief that outlasts a call. It has numbers of its own, and happens in stories of odd seeds only: a
//! story of an even seed is always the same.

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::jobs::WaitingMessage;

/// The state of a story's mischief.
#[derive(Debug)]
pub struct Mischief {
    /// None where the story has no such mischief.
    pub rng: Option<StdRng>,
    /// The end of the hour without quota.
    pub quota_back_at: i64,
    /// Messages that the queue holds back, and until when.
    pub held_back: Vec<(i64, WaitingMessage)>,
}

impl Mischief {
    pub fn of_seed(seed: u64) -> Self {
        let is_odd = seed % 2 == 1;
        Self {
            rng: is_odd.then(|| StdRng::seed_from_u64(!seed)),
            quota_back_at: 0,
            held_back: Vec::new(),
        }
    }
}
