//! Statistics are kept beside the rows. They are exact under concurrent writes, and in nobody's way.

use end_to_end::{connect, library};
use local_stack::{LocalStack, StackOptions};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

const WRITERS: usize = 24;
const TRANSACTIONS: usize = 30;

/// Empty when the kept numbers equal a recount.
const DIFFERENCES: &str = "
    select coalesce(jsonb_agg(to_jsonb(d)), '[]') from (
        (select resource_type, sync_status, deleted_at is null as live, count(*) as assets,
            coalesce(sum(file_size), 0) as bytes
        from public.media_assets group by 1, 2, 3)
        except
        (select resource_type, sync_status, live, sum(assets), sum(bytes) from public.media_stats group by 1, 2, 3)
    ) d";
const SUM: &str = "select to_jsonb(
    (select sum(assets) from public.media_stats) - (select count(*) from public.media_assets))";

#[tokio::test]
async fn statistics_are_exact_and_no_writer_waits_for_another() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let url = stack.database_url().to_owned();
    library::fill(&url, 2_000).await;

    // More writers at once than there are shards; a deadlock would fail one.
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let writers = (0..WRITERS).map(|number| tokio::spawn(write(url.clone(), seed, number)));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(
        end_to_end::value(&url, DIFFERENCES).await,
        json!([]),
        "seed {seed}"
    );
    assert_eq!(end_to_end::value(&url, SUM).await, json!(0), "seed {seed}");

    // One holds its changes back; another makes the like meanwhile.
    let (first, second) = (connect(&url).await, connect(&url).await);
    let insert = "insert into public.media_assets (cloudinary_public_id, resource_type, file_size)
        values ('held-' || gen_random_uuid(), 'image', 7)";
    first
        .batch_execute(&format!("begin; {insert}"))
        .await
        .unwrap();
    second
        .batch_execute(&format!("set lock_timeout = '5s'; {insert}"))
        .await
        .expect("the second writer does not wait for the first");
    first.batch_execute("rollback").await.unwrap();
    assert_eq!(end_to_end::value(&url, DIFFERENCES).await, json!([]));

    let shown = "select public.media_statistics()";
    let counted = "select jsonb_build_object(
            'total_assets', count(*), 'total_images', count(*) filter (where resource_type = 'image'),
            'total_videos', count(*) filter (where resource_type = 'video'),
            'total_raw', count(*) filter (where resource_type = 'raw'), 'total_size', sum(file_size),
            'synced_assets', count(*) filter (where sync_status = 'synced'),
            'pending_assets', count(*) filter (where sync_status = 'pending'),
            'error_assets', count(*) filter (where sync_status = 'error'))
        from public.media_assets where deleted_at is null";
    assert_eq!(
        end_to_end::value(&url, shown).await,
        end_to_end::value(&url, counted).await
    );
    stack.stop().await;
}

/// Several statements in each transaction, over classes in any order, and some of it rolled back.
async fn write(url: String, seed: u64, number: usize) {
    let client = connect(&url).await;
    let mut random = StdRng::seed_from_u64(seed ^ ((number as u64) << 32));
    client
        .batch_execute("set media_sync.observing = 'on'")
        .await
        .unwrap();
    for _ in 0..TRANSACTIONS {
        let mut transaction = vec!["begin".to_owned()];
        for _ in 0..random.random_range(1..4) {
            transaction.push(statement(&mut random, number));
        }
        let end = if random.random_bool(0.2) {
            "rollback"
        } else {
            "commit"
        };
        transaction.push(end.to_owned());
        client
            .batch_execute(&transaction.join(";"))
            .await
            .unwrap_or_else(|error| panic!("seed {seed}: {transaction:?}: {error:?}"));
    }
}

/// Each writer changes rows of its own, as workers do that hold claims.
fn statement(random: &mut StdRng, number: usize) -> String {
    let kind = ["image", "video", "raw"][random.random_range(0..3)];
    let size = random.random_range(0..5000);
    let mine = format!("abs(hashtext(cloudinary_public_id)) % {WRITERS} = {number}");
    let some = format!("{mine} and random() < 0.2");
    match random.random_range(0..5) {
        0 => format!(
            "insert into public.media_assets (cloudinary_public_id, resource_type, file_size)
             select 'new-' || gen_random_uuid(), '{kind}', nullif({size}, 0) from generate_series(1, {})",
            random.random_range(1..9)
        ),
        1 => format!("update public.media_assets set file_size = {size} where {some}"),
        2 => format!(
            "update public.media_assets set deleted_at = case when deleted_at is null then now() end where {some}"
        ),
        3 => format!("update public.media_assets set sync_status = 'pending' where {some}"),
        _ => format!("delete from public.media_assets where {mine} and random() < 0.02"),
    }
}
