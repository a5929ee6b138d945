//! Libraries of any size, made within the database: effects that need a large library show here.

use tokio_postgres::Client;

use crate::database;

const LIBRARY: &str = include_str!("library.sql");

/// Indexes that serve no constraint.
const INDEXES: &str = "
    select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    from pg_index i
    where i.indrelid in ('public.media_assets'::regclass, 'media_sync.asset_search'::regclass)
        and not exists (select from pg_constraint where conindid = i.indexrelid)";

/// Fills an empty `media_assets` with that many rows, as years of work leave them, and tells the
/// planner. Statistics are kept by the triggers, as always; indexes are made again at the end, which
/// takes a fraction of the time.
pub async fn fill(database_url: &str, rows: i64) {
    let client = database::connect(database_url).await;
    run(
        &client,
        "set maintenance_work_mem = '512MB'; set synchronous_commit = off",
    )
    .await;
    let indexes: Vec<(String, String)> = client
        .query(INDEXES, &[])
        .await
        .expect("the catalogue can be read")
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    for (name, _) in &indexes {
        run(&client, &format!("drop index {name}")).await;
    }
    client
        .execute(LIBRARY, &[&rows])
        .await
        .unwrap_or_else(|error| panic!("filling the library: {error:?}"));
    for (_, definition) in &indexes {
        run(&client, definition).await;
    }
    run(
        &client,
        "vacuum analyze public.media_assets, media_sync.asset_search",
    )
    .await;
}

async fn run(client: &Client, sql: &str) {
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}
