//! The database's own rules: the leader alone writes a run, and success needs proof.

mod lost;
mod success;

use end_to_end::{HttpAnswer, eventually, post};
use futures::future::join_all;
use local_stack::{LocalStack, StackOptions};
use serde_json::{Value, json};

struct Database {
    stack: LocalStack,
    client: tokio_postgres::Client,
}

impl Database {
    async fn start() -> Self {
        let stack = LocalStack::start(StackOptions::database_only())
            .await
            .expect("the database starts");
        let client = end_to_end::connect(stack.database_url()).await;
        Self { stack, client }
    }

    async fn rpc(&self, function: &str, arguments: Value) -> HttpAnswer {
        let url = format!("{}/rest/v1/rpc/{function}", self.stack.supabase_url());
        post(&url, self.stack.secret_key(), &arguments).await
    }

    async fn lead(&self, arguments: Value) -> Value {
        let answer = self.rpc("media_sync_lead_run", arguments).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        answer.body
    }

    /// Begins a full run, and gives it.
    async fn lead_full(&self) -> Value {
        self.lead(json!({"p_mode": "full"})).await["run"].clone()
    }

    /// Writes a step.
    async fn apply(&self, step: Value) -> HttpAnswer {
        self.rpc("media_sync_apply", step).await
    }

    /// Ends a run, and gives it.
    async fn finish(&self, run: &Value) -> Value {
        self.rpc("media_sync_finish_run", finish(run)).await.body
    }

    async fn sql(&self, sql: &str) {
        self.client
            .batch_execute(sql)
            .await
            .expect("the SQL is good");
    }

    /// Calls a function several times at once: a lock keeps all of them from what it covers, until they wait together.
    async fn at_once(&self, lock: &str, function: &str, calls: &[Value]) -> Vec<Value> {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
        self.sql(&format!("begin; {lock}")).await;
        let answers = calls
            .iter()
            .map(|arguments| self.rpc(function, arguments.clone()));
        let release = async {
            eventually("all of them wait", async || {
                // A transaction looks once only, if nobody makes it forget.
                self.sql("select pg_stat_clear_snapshot()").await;
                self.value(waiting).await == calls.len()
            })
            .await;
            self.sql("commit").await;
        };
        let (answers, ()) = tokio::join!(join_all(answers), release);
        answers
            .into_iter()
            .map(|answer| {
                assert!(answer.status.is_success(), "{}", answer.body);
                answer.body
            })
            .collect()
    }

    async fn value(&self, sql: &str) -> Value {
        let row = self
            .client
            .query_one(&format!("select to_jsonb(({sql}))"), &[])
            .await;
        row.expect("one row").get(0)
    }
}

fn row(number: u32, clocks: Value, deleted_at: Value) -> Value {
    json!({
        "id": uuid(number), "cloudinary_asset_id": format!("{number:032x}"), "cloudinary_public_id": format!("mug-{number}"),
        "resource_type": "image", "delivery_type": "upload", "folder": "", "tags": [], "context": {}, "metadata": {},
        "sync_status": "synced", "sync_retry_count": 0, "clocks": clocks, "deleted_at": deleted_at, "revision": 0,
    })
}

fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A step of this run that inserts these rows and has seen these assets.
fn step(run: &Value, rows: &[Value], listed: &[u32]) -> Value {
    let listed: Vec<_> = listed
        .iter()
        .map(|number| format!("{number:032x}"))
        .collect();
    json!({"p_change": {"inserts": rows, "updates": [], "notifications": [], "audit": [], "checkpoint": {
        "run_id": run["id"], "lease": run["lease"], "lease_seconds": 120, "step": run["step"], "state": {"stage": "done"},
        "counters": {}, "started_clock": 1_000, "floor_clock": 900, "asset_ids": listed,
    }}})
}

fn finish(run: &Value) -> Value {
    json!({"p_run_id": run["id"], "p_lease": run["lease"], "p_status": "succeeded"})
}

#[tokio::test]
async fn two_starts_at_once_are_one_run() {
    let database = Database::start().await;
    let url = format!(
        "{}/rest/v1/rpc/media_sync_lead_run",
        database.stack.supabase_url()
    );
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (url, key) = (url.clone(), database.stack.secret_key().to_owned());
        starts.spawn(async move { post(&url, &key, &json!({"p_mode": "full"})).await.body });
    }
    let mut led = 0;
    for answer in starts.join_all().await {
        match answer["outcome"].as_str() {
            Some("started") => led += 1,
            other => assert_eq!(other, Some("busy"), "{answer}"),
        }
    }
    assert_eq!(led, 1);
    assert_eq!(
        database
            .value("select count(*) from public.sync_runs")
            .await,
        1
    );
    database.stack.stop().await;
}

#[tokio::test]
async fn who_has_lost_the_lease_writes_nothing() {
    let database = Database::start().await;
    let first = database.lead_full().await;
    lost::a_lease_that_holds_is_not_taken(&database, &first).await;
    lost::a_step_renews_the_lease_and_is_written_once(&database, &first).await;
    let second = lost::another_takes_over_from_a_silent_leader(&database, &first).await;
    lost::the_late_leader_writes_nothing(&database, &first, &second).await;
    lost::the_new_leader_writes_and_ends(&database, &second).await;
    database.stack.stop().await;
}

#[tokio::test]
async fn run_without_a_leader_is_given_to_one_of_those_who_ask_at_once() {
    let database = Database::start().await;
    database.lead(json!({"p_mode": "full"})).await;
    database
        .sql("update media_sync.run_progress set lease_until = now() - interval '1 second'")
        .await;
    let calls = [json!({}), json!({}), json!({})];
    let lock = "select from public.sync_runs for update";
    let answers = database.at_once(lock, "media_sync_lead_run", &calls).await;
    let outcomes = |outcome: &str| {
        answers
            .iter()
            .filter(|answer| answer["outcome"] == outcome)
            .count()
    };
    assert_eq!((outcomes("resumed"), outcomes("busy")), (1, 2));
    database.stack.stop().await;
}

#[tokio::test]
async fn row_that_many_claim_at_once_has_one_holder() {
    let database = Database::start().await;
    database
        .sql(
            "insert into public.media_assets
                (id, cloudinary_asset_id, cloudinary_public_id, resource_type, sync_status, intent)
             select lpad(n::text, 32, '0')::uuid, lpad(n::text, 32, '0'), 'mug-' || n, 'image', 'pending', '{\"at\": 1}'
             from generate_series(1, 3) n",
        )
        .await;
    let ids = database
        .value("select array_agg(id order by id) from public.media_assets")
        .await;
    let claim = |number| json!({"p_ids": ids, "p_claim": uuid(number), "p_seconds": 60});
    let lock = "select from public.media_assets for update";
    let claims = [claim(1), claim(2), claim(3)];
    let answers = database
        .at_once(lock, "media_sync_claim_intents", &claims)
        .await;
    let taken: Vec<&Value> = answers
        .iter()
        .flat_map(|answer| answer["rows"].as_array().unwrap())
        .collect();
    assert_eq!(taken.len(), 3, "each row has one holder: {answers:?}");
    let holder = taken[0]["intent_claim"].clone();
    assert!(taken.iter().all(|row| row["intent_claim"] == holder));
    let busy = answers.iter().filter(|answer| answer["busy"] == ids);
    assert_eq!(busy.count(), 2, "the others are told: {answers:?}");

    // The holder falls silent. Another one takes the rows, and what the first has planned is refused.
    database
        .sql("update media_sync.intent_claims set claim_until = now() - interval '1 second'")
        .await;
    let next = database.rpc("media_sync_claim_intents", claim(4)).await;
    assert_eq!(next.body["busy"], json!([]));
    let update = |row: &Value| {
        let mut row = row.clone();
        row["intent"] = Value::Null;
        row["intent_claim"] = Value::Null;
        row["sync_status"] = json!("synced");
        json!({"p_change": {"updates": [row]}})
    };
    let late = database.rpc("media_sync_apply", update(taken[0])).await;
    assert_eq!(late.body["code"], "PT412", "{}", late.body);
    let claimed = next.body["rows"].as_array().unwrap();
    let last = claimed.iter().find(|row| row["id"] == taken[0]["id"]);
    let ended = database
        .rpc("media_sync_apply", update(last.unwrap()))
        .await;
    assert!(ended.status.is_success(), "{}", ended.body);
    let left = "select count(*) from media_sync.intent_claims where claim is not null";
    assert_eq!(database.value(left).await, 2, "a plan ends its claim");
    database.stack.stop().await;
}

#[tokio::test]
async fn success_is_granted_only_where_both_sides_count_the_same() {
    let database = Database::start().await;
    success::every_difference_that_is_explained_is_counted(&database).await;
    success::a_live_row_that_nobody_has_seen_is_a_suspect(&database).await;
    success::assets_without_a_live_row_are_unaccounted(&database).await;
    let good = "select count(*) from public.sync_runs where is_good";
    assert_eq!(database.value(good).await, 1);
    database.stack.stop().await;
}

#[tokio::test]
async fn to_allow_a_mass_delete_is_an_act_with_a_name() {
    let database = Database::start().await;
    let who = uuid(9);
    let options = json!({"allow_mass_delete": true});
    let start =
        json!({"p_mode": "full", "p_trigger": "api", "p_requested_by": who, "p_options": options});
    let run = database.lead(start).await["run"].clone();
    let audited = "select row(actor, run_id, source) from public.media_sync_log where operation = 'mass_delete_allowed'";
    let entry = database.value(audited).await;
    assert_eq!(entry, json!({"f1": who, "f2": run["id"], "f3": "api"}));
    database.stack.stop().await;
}
