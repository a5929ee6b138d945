//! `chaos --seeds N [--from SEED] [--trace]`: plays that many stories, and sums their events up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use chaos::simulation::play;
use chaos::totals::StoryTotals;

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn main() -> ExitCode {
    let Arguments { seeds, from, trace } = match read_arguments() {
        Ok(arguments) => arguments,
        Err(reason) => {
            println!("{reason}\nusage: chaos --seeds N [--from SEED] [--trace]");
            return ExitCode::from(2);
        }
    };
    println!("chaos: seeds {from} to {}", from + seeds - 1);
    let tell = trace.then_some(print as fn(&str));
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (totals, failures) = thread::scope(|scope| {
        let work = || {
            let mut totals = StoryTotals::default();
            let mut failures = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= seeds {
                    return (totals, failures);
                }
                let seed = from + index;
                match catch_unwind(AssertUnwindSafe(|| play(seed, tell))) {
                    Ok(story) => totals.add(&story),
                    Err(_) => failures.push(seed),
                }
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut totals = StoryTotals::default();
        let mut failures = Vec::new();
        for worker in workers {
            let (some, failed) = worker.join().unwrap_or_default();
            totals.add(&some);
            failures.extend(failed);
        }
        (totals, failures)
    });
    println!("{totals}");
    if failures.is_empty() {
        println!("chaos: {seeds} seeds, 0 failures");
        return ExitCode::SUCCESS;
    }
    for seed in &failures {
        println!("chaos: seed {seed} failed; again: make chaos SEEDS=1 FROM={seed}");
    }
    println!("chaos: {seeds} seeds, {} failures", failures.len());
    ExitCode::FAILURE
}

struct Arguments {
    seeds: u64,
    from: u64,
    trace: bool,
}

fn read_arguments() -> Result<Arguments, String> {
    let mut read = Arguments {
        seeds: 1000,
        from: 1,
        trace: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            value
                .parse()
                .map_err(|_| format!("{name} is a number, not `{value}`"))
        };
        match name.as_str() {
            "--seeds" => read.seeds = number()?,
            "--from" => read.from = number()?,
            "--trace" => read.trace = true,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(read)
}

#[expect(clippy::print_stdout, reason = "the output of the program")]
fn print(event: &str) {
    println!("{event}");
}
