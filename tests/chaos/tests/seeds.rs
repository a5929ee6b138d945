//! A fixed and a random share of the stories. `make chaos SEEDS=10000` plays more of them.

#![expect(
    clippy::print_stdout,
    reason = "seeds and totals are what these tests report"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use chaos::simulation::play;
use chaos::totals::StoryTotals;

/// In these, stamps alone do not tell what was seen first, and it matters.
const WITHIN_MOMENTS: [u64; 3] = [405_850, 406_434, 408_848];

fn play_all(seeds: impl Iterator<Item = u64>) {
    let mut totals = StoryTotals::default();
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| play(seed, None))) {
            Ok(story) => totals.add(&story),
            Err(_) => panic!("seed {seed} failed; again: make chaos SEEDS=1 FROM={seed}"),
        }
    }
    println!("{totals}");
    let mischief = [
        totals.conflicts,
        totals.crashes,
        totals.lost,
        totals.floods,
        totals.hours_without_quota,
    ];
    assert!(
        mischief.iter().all(|times| *times > 0),
        "the stories have to be hard"
    );
}

#[test]
fn the_same_stories_as_always_end_well() {
    play_all((1..=300).chain(WITHIN_MOMENTS));
}

#[test]
fn stories_that_nobody_has_heard_end_well() {
    let from = u64::from(rand::random::<u32>()) << 8;
    println!("seeds {from} to {}", from + 299);
    play_all(from..from + 300);
}

#[test]
fn a_seed_tells_the_same_story_again() {
    for seed in 1..20 {
        assert_eq!(play(seed, None), play(seed, None), "{seed}");
    }
}
