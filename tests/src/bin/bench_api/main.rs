//! Measures `GET /api/cloudinary/media` beside the bare PostgREST requests that return the same rows.
//!
//! `bench_api PROGRAM ROWS` starts PostgreSQL, PostgREST and the gateway, fills a library of so many rows, and runs the
//! function's own program. Both sides take turns, so that other work of the machine meets both.

mod bare;
mod list;
mod patterns;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use local_stack::{LocalStack, StackOptions, TokenClaims};

use bare::Bare;
use list::List;
use patterns::Pattern;

/// Measurements of each side, at most: by number, and by time for slow ones.
const MOST: usize = 200;
const LONGEST: Duration = Duration::from_secs(10);
const FEWEST: usize = 5;

/// A user who has uploaded a moderate share of the library.
const UPLOADER: &str = "select (md5('user100')::uuid)::text";

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: bench_api PROGRAM ROWS";
    let program = PathBuf::from(arguments.next().context(usage)?);
    let rows: i64 = arguments.next().context(usage)?.parse().context(usage)?;

    let stack = LocalStack::start(StackOptions::database_only()).await?;
    let begun = Instant::now();
    end_to_end::library::fill(stack.database_url(), rows).await;
    eprintln!(
        "bench: {rows} rows made in {:.0} s",
        begun.elapsed().as_secs_f32()
    );
    let token = stack.token(&TokenClaims::user("bench@example.com"));
    let bare = Bare::new(&stack, token.clone())?;
    let mut list = List::start(&program, &stack, token).await;
    let uploader = end_to_end::value(stack.database_url(), UPLOADER).await;
    let patterns = patterns::all(&mut list, uploader.as_str().context("a UUID")?).await?;

    head(rows);
    let mut worst: Option<(f64, &str)> = None;
    for pattern in &patterns {
        let found = patterns::check(pattern, &mut list, &bare).await?;
        let measured = measure(pattern, &mut list, &bare).await?;
        let ratio = line(pattern, found, &measured);
        if worst.is_none_or(|(known, _)| ratio > known) {
            worst = Some((ratio, pattern.name));
        }
    }
    if let Some((ratio, name)) = worst {
        eprintln!("bench: the largest ratio of p95 is {ratio:.2}, of `{name}`");
    }
    drop(list);
    stack.stop().await;
    Ok(())
}

/// Times of the function, of the bare request, and of the bare request that also tells a total.
type Measured = [Vec<Duration>; 3];

async fn measure(pattern: &Pattern, list: &mut List, bare: &Bare) -> Result<Measured> {
    let mut measured = Measured::default();
    let begun = Instant::now();
    for round in 0..MOST {
        if round >= FEWEST && begun.elapsed() > LONGEST {
            break;
        }
        // Nobody always goes first.
        for turn in 0..3 {
            let side = (round + turn) % 3;
            let took = match side {
                0 => list.page(&pattern.ours).await?.1,
                _ => bare.list(&pattern.bare, side == 2).await?.0,
            };
            measured[side].push(took);
        }
    }
    measured.iter_mut().for_each(|times| times.sort_unstable());
    Ok(measured)
}

#[expect(clippy::print_stdout, reason = "what the command is for")]
fn head(rows: i64) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{rows} rows, {cores} cores; milliseconds, and ratios of p95\n");
    println!(
        "| query | rows | p50 | p95 | bare p50 | bare p95 | ratio | bare with total p95 | ratio | times |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
}

/// Prints a line, and returns the ratio to the bare request without a total.
#[expect(clippy::print_stdout, reason = "what the command is for")]
fn line(pattern: &Pattern, (found, ended): (usize, bool), measured: &Measured) -> f64 {
    let [ours, bare, with_total] = measured;
    let (p95, bare_p95, total_p95) = (
        quantile(ours, 95),
        quantile(bare, 95),
        quantile(with_total, 95),
    );
    println!(
        "| {}{} | {found} | {:.1} | {p95:.1} | {:.1} | {bare_p95:.1} | {:.2} | {total_p95:.1} | {:.2} | {} |",
        pattern.name,
        if ended { "" } else { " (bare: stopped)" },
        quantile(ours, 50),
        quantile(bare, 50),
        p95 / bare_p95,
        p95 / total_p95,
        ours.len(),
    );
    p95 / bare_p95
}

/// Of sorted times, in milliseconds.
fn quantile(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times
        .get(index)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}
