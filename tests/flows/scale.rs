//! The memory of the function `reconcile` while it walks a large library. `make scale
//! ASSETS=200000` walks a larger one.

use std::time::Duration;

use end_to_end::World;
use serde_json::{Value, json};

/// Enough pages for something that grows with each to show.
const ASSETS: u64 = 10_000;

/// Memory that allocators keep and let go of as they please, in KiB.
const SLACK_KIB: u64 = 8 * 1024;

/// A run's progress, and the resident memory of the function that works on it.
#[derive(Debug, Clone, Copy)]
struct Sample {
    listed: u64,
    resident_kib: u64,
}

#[tokio::test]
async fn a_run_holds_the_same_memory_however_large_the_library() {
    let asked = std::env::var("SCALE_ASSETS").ok();
    let assets = asked.map_or(ASSETS, |text| {
        text.parse().expect("SCALE_ASSETS is a number")
    });
    let world = World::start().await;
    // Such a library's quota is larger than what a test may wait for.
    world.cloud.set(json!({"rate_limit": 1_000_000})).await;
    world.cloud.seed(assets, &["image"], "image-").await;

    let schedule = json!({"mode": "full"});
    let invocation = world.stack.invoke("ReconcileFunctionName", &schedule);
    let (invoked, samples) = tokio::join!(invocation, sample(&world, assets));
    assert!(invoked.expect("the emulator answers").error.is_none());

    println!("  assets listed    resident");
    for sample in &samples {
        println!("{:15} {:7} KiB", sample.listed, sample.resident_kib);
    }
    let early = samples.iter().filter(|sample| sample.listed <= assets / 4);
    let early = early.map(|sample| sample.resident_kib).max();
    let late = samples.iter().map(|sample| sample.resident_kib).max();
    let (early, late) = (early.expect("a sample"), late.expect("a sample"));
    assert!(
        late <= early + SLACK_KIB,
        "it grew from {early} to {late} KiB"
    );

    let counted = world
        .value("select count(*) from public.media_assets")
        .await;
    assert_eq!(counted, assets);
    world.stack.stop().await;
}

/// A sample for every tenth of the library, until the run has succeeded.
async fn sample(world: &World, assets: u64) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    loop {
        let runs = world
            .rows(
                "select status, counters, error_message from public.sync_runs",
                &[],
            )
            .await;
        let run = runs.first().unwrap_or(&Value::Null);
        assert!(
            matches!(run["status"].as_str(), None | Some("running" | "succeeded")),
            "{run}"
        );
        let listed = run["counters"]["listed"].as_u64().unwrap_or_default();
        let tenth = |listed: u64| listed * 10 / assets;
        if listed > 0
            && samples
                .last()
                .is_none_or(|last| tenth(last.listed) < tenth(listed))
        {
            let resident_kib = resident_kib(world);
            samples.push(Sample {
                listed,
                resident_kib,
            });
        }
        if run["status"] == "succeeded" {
            return samples;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The largest resident memory of the processes that run the function, as Linux tells it.
fn resident_kib(world: &World) -> u64 {
    let name = &world.stack.outputs()["ReconcileFunctionName"];
    let ours = [
        format!("AWS_LAMBDA_FUNCTION_NAME={name}"),
        format!(
            "AWS_ENDPOINT_URL={}",
            world.stack.aws_endpoint().expect("it runs")
        ),
    ];
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let ours = processes.filter(|process| {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let variables = environment.split(|byte| *byte == 0);
        ours.iter().all(|wanted| {
            variables
                .clone()
                .any(|variable| variable == wanted.as_bytes())
        })
    });
    let resident = ours.filter_map(|process| {
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    });
    resident.max().expect("the function's process")
}
