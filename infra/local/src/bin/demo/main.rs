//! `make run` and `make demo`: the main job of media-sync, shown on real components and real input.
//!
//! A library that existed before is imported. Then both sides change, by people and behind the mirror's back. At the
//! end both are compared record by record. Nothing here is a recorded result: every number that is printed was just
//! read from one of the two sides.

mod answer;
mod arriving;
mod ending;
mod gallery;
mod leaving;
mod library;
mod missed;
mod people;
mod screen;
mod waiting;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use local_stack::{LocalStack, StackOptions};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use screen::Screen;
use world::World;

const USAGE: &str = "\
usage: demo [--exit | --keep]

Starts a whole local stack, shows media-sync at work and compares both sides at the end.
Stays up until Ctrl-C, or with --exit ends; fails when a step fails or anything differs.
With --keep it keeps the data at the end, in .stack/kept, and goes on from them the next time.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Stay,
    StayAndKeep,
    Exit,
}

#[tokio::main]
async fn main() -> ExitCode {
    let screen = Screen::new();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ending = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => Ending::Stay,
        ["--keep"] => Ending::StayAndKeep,
        ["--exit"] => Ending::Exit,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&screen, ending).await {
        Ok(code) => code,
        Err(error) => {
            screen.failure(&error, &[]);
            ExitCode::FAILURE
        }
    }
}

async fn run(screen: &Screen, ending: Ending) -> Result<ExitCode> {
    let kept = (ending == Ending::StayAndKeep).then(local_stack::kept_folder);
    let goes_on = kept.as_ref().is_some_and(|folder| folder.exists());
    let end = end_signal()?;
    tokio::pin!(end);
    let starting = screen.step(
        "Start PostgreSQL, PostgREST, AWS and Cloudinary, and deploy",
        start(screen, kept.clone()),
    );
    let world = tokio::select! {
        world = starting => world?,
        () = &mut end => return Ok(interrupted(screen)),
    };
    let shown = tokio::select! {
        shown = show(&world, screen), if !goes_on => Some(shown),
        () = std::future::ready(()), if goes_on => Some(Ok(())),
        () = &mut end => None,
    };
    let code = match shown {
        None => interrupted(screen),
        Some(Err(error)) => {
            screen.failure(&error, &world.explain().await);
            ExitCode::FAILURE
        }
        Some(Ok(())) if ending != Ending::Exit => {
            ending::invite(&world, screen)?;
            end.await;
            local_stack::forget_environment();
            if let Some(folder) = &kept {
                world.stack.keep(folder).await?;
                screen.line(format!(
                    "Kept in {}: remove it to begin anew.",
                    folder.display()
                ));
            }
            ExitCode::SUCCESS
        }
        Some(Ok(())) => ExitCode::SUCCESS,
    };
    screen.line("Stopping everything.");
    world.stack.stop().await;
    Ok(code)
}

async fn start(screen: &Screen, kept: Option<PathBuf>) -> Result<World> {
    let options = StackOptions {
        verbose: true,
        // A worker may fail once, as in production; its message need not wait as long as there.
        // Pages of any address may try the API.
        parameters: BTreeMap::from([
            ("RetrySeconds".to_owned(), "20".to_owned()),
            ("CorsOrigins".to_owned(), "*".to_owned()),
        ]),
        // The stand-in delivers from this machine, over http.
        settings: BTreeMap::from([(
            "UPLOAD_RULES".to_owned(),
            json!({"remote_hosts": ["127.0.0.1:*", "localhost:*"], "remote_http": true}),
        )]),
        realtime: true,
        usual_ports: true,
        kept,
        ..StackOptions::default()
    };
    let stack = LocalStack::start(options).await?;
    let world = World::of(stack).await?;
    screen.line(format!(
        "The front door is {}.",
        world.stack.front_door_url()
    ));
    Ok(world)
}

async fn show(world: &World, screen: &Screen) -> Result<()> {
    screen
        .step(
            "Fill Cloudinary with a library that existed before the mirror",
            library::seed(world, screen),
        )
        .await?;
    screen
        .step(
            "Import it: POST /api/cloudinary/sync",
            library::import(world, screen),
        )
        .await?;
    screen
        .step(
            "Upload a picture to Cloudinary and wait for its row",
            arriving::upload(world, screen),
        )
        .await?;
    screen
        .step(
            "Edit in Cloudinary: tags, context, a rename",
            arriving::edit(world, screen),
        )
        .await?;
    screen
        .step(
            "Delete through the API, and one in Cloudinary",
            leaving::delete(world, screen),
        )
        .await?;
    screen
        .step(
            "Change Cloudinary while its notifications get lost, then reconcile",
            missed::repair(world, screen),
        )
        .await?;
    screen
        .step(
            "Upload through the API, collect, and throw one away",
            gallery::fill(world, screen),
        )
        .await?;
    screen
        .step(
            "Compare both sides record by record",
            ending::compare(world, screen),
        )
        .await?;
    screen
        .step(
            "Ask for an edit that Cloudinary refuses",
            gallery::trouble(world, screen),
        )
        .await
}

fn interrupted(screen: &Screen) -> ExitCode {
    screen.line("Interrupted.");
    // As a shell counts a program that Ctrl-C has ended.
    ExitCode::from(130)
}

/// Ctrl-C, or a service manager's signal. Listens from the moment it is called.
fn end_signal() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).context("listening to signals");
    let mut interrupted = listen(SignalKind::interrupt())?;
    let mut terminated = listen(SignalKind::terminate())?;
    let mut hung_up = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    })
}
