//! Failures that repeat are counted in one entry of the trail; every change keeps its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::{Value, json};
use tokio_postgres::Client;

const MUG: &str = "0123456789abcdef0123456789abcdef";
const CUP: &str = "fedcba9876543210fedcba9876543210";

struct Trail {
    stack: LocalStack,
    client: Client,
    admin: DataApiCaller,
}

impl Trail {
    async fn start() -> Self {
        let stack = LocalStack::start(StackOptions::database_only())
            .await
            .unwrap();
        Self {
            client: database::connect(stack.database_url()).await,
            admin: DataApiCaller::user(&stack, &TokenClaims::admin("admin@example.com")),
            stack,
        }
    }

    /// Writes entries as a worker does, each by a call of its own, at one moment.
    async fn write(&self, entries: &[Value]) {
        self.client.batch_execute("begin").await.unwrap();
        for entry in entries {
            let change = json!({"audit": [entry]});
            let apply = "select public.media_sync_apply($1)";
            self.client.execute(apply, &[&change]).await.unwrap();
        }
        self.client.batch_execute("commit").await.unwrap();
    }

    /// The repeats of each entry about an asset, the newest first, as administrators read them.
    async fn repeats(&self, asset: &str) -> Vec<(String, i64)> {
        let query = json!({"p_query": {"asset_id": asset, "limit": 200}});
        let told = self.admin.rpc("media_audit", &query).await.body;
        let items = told["items"].as_array().unwrap().iter();
        let told = items.map(|item| {
            assert!(item.get("repeated_at").is_none(), "{item}");
            let repeats = item["repeats"].as_i64().unwrap();
            assert_eq!(item["last_repeated_at"].is_null(), repeats == 0, "{item}");
            let code = item["error_code"].as_str();
            let word = code.or(item["operation"].as_str()).unwrap();
            (word.to_owned(), repeats)
        });
        told.collect()
    }
}

fn failure(asset: &str, code: &str) -> Value {
    json!({
        "operation": "edit", "status": "failed", "source": "outbound", "cloudinary_asset_id": asset,
        "cloudinary_public_id": "shop/mug", "resource_type": "image", "error_code": code, "error_message": "no answer",
        "processing_time_ms": 7,
    })
}

fn change(asset: &str) -> Value {
    json!({"operation": "updated", "source": "webhook", "cloudinary_asset_id": asset})
}

fn told(entries: &[(&str, i64)]) -> Vec<(String, i64)> {
    let owned = entries
        .iter()
        .map(|(word, repeats)| ((*word).to_owned(), *repeats));
    owned.collect()
}

#[tokio::test]
async fn what_fails_as_before_is_counted_and_whatever_happens_between_ends_the_count() {
    let trail = Trail::start().await;
    let (server, quota) = (failure(MUG, "server"), failure(MUG, "quota"));
    let mut slower = server.clone();
    slower["processing_time_ms"] = json!(9000);
    trail
        .write(&[
            server.clone(),
            failure(CUP, "server"),
            slower,
            server.clone(),
        ])
        .await;
    assert_eq!(trail.repeats(MUG).await, told(&[("server", 2)]));
    assert_eq!(trail.repeats(CUP).await, told(&[("server", 0)]));

    let mut otherwise = server.clone();
    otherwise["error_message"] = json!("another answer");
    let by_somebody = {
        let mut entry = server.clone();
        entry["actor"] = json!("00000000-0000-4000-8000-000000000001");
        entry
    };
    let entries = [
        quota,
        server.clone(),
        otherwise,
        by_somebody,
        change(MUG),
        change(MUG),
        server,
    ];
    trail.write(&entries).await;
    let expected = told(&[
        ("server", 0),
        ("updated", 0),
        ("updated", 0),
        ("server", 0),
        ("server", 0),
        ("server", 0),
        ("quota", 0),
        ("server", 2),
    ]);
    assert_eq!(trail.repeats(MUG).await, expected);
    trail.stack.stop().await;
}

#[tokio::test]
async fn an_entry_counts_the_repeats_of_its_day_and_sums_count_each_at_its_time() {
    let trail = Trail::start().await;
    let entry = failure(MUG, "server");
    trail.write(&vec![entry.clone(); 103]).await;
    let counted = told(&[("server", 1), ("server", 100)]);
    assert_eq!(trail.repeats(MUG).await, counted, "a hundred at most");
    let query = json!({"p_query": {"limit": 1, "error_trends": true}});
    let sums = trail.admin.rpc("media_audit", &query).await.body;
    assert_eq!(sums["error_trends"][0]["count"], 103, "{sums}");

    let yesterday = "alter table public.media_sync_log disable trigger append_only;
        update public.media_sync_log set occurred_at = occurred_at - interval '1 day',
            repeated_at = array(select moment - interval '1 day' + interval '1 minute' from unnest(repeated_at) moment);
        alter table public.media_sync_log enable trigger append_only";
    trail.client.batch_execute(yesterday).await.unwrap();
    trail.write(&[entry]).await;
    let counted = told(&[("server", 0), ("server", 1), ("server", 100)]);
    assert_eq!(trail.repeats(MUG).await, counted);
    let range = json!({"p_hours": 48});
    let hours = trail.admin.rpc("media_audit_series", &range).await.body;
    let hours = hours["hours"].as_array().unwrap().iter();
    let failed: i64 = hours.map(|hour| hour["failed"].as_i64().unwrap()).sum();
    assert_eq!(failed, 104);
    trail.stack.stop().await;
}

/// Updates of an entry that has failed, beside the one that passes: with and without the mark of a repeat.
const REFUSED: [(&str, &str); 8] = [
    ("", ALLOWED),
    (FOLDING, "repeated_at = repeated_at || now() || now()"),
    (
        FOLDING,
        "repeated_at = repeated_at || now() - interval '1 hour'",
    ),
    (FOLDING, "repeated_at = '{}', error_code = 'quota'"),
    (
        FOLDING,
        "repeated_at = repeated_at || now(), error_message = 'other'",
    ),
    (
        FOLDING,
        "repeated_at = repeated_at || now(), occurred_at = now()",
    ),
    (
        FOLDING,
        "repeated_at = repeated_at || now(), actor = gen_random_uuid()",
    ),
    (
        FOLDING,
        "repeated_at = repeated_at || now(), details = '{}'",
    ),
];
const ALLOWED: &str = "repeated_at = repeated_at || now()";
const FOLDING: &str = "set media_sync.folding = 'on'";

#[tokio::test]
async fn nothing_but_the_moment_of_a_repeat_is_added_to_the_trail() {
    let trail = Trail::start().await;
    trail.write(&[change(CUP), failure(MUG, "server")]).await;
    let update = |mark: &str, set: &str, asset: &str| {
        format!(
            "{mark}; update public.media_sync_log set {set} where cloudinary_asset_id = '{asset}'"
        )
    };
    let of_change = update(FOLDING, ALLOWED, CUP);
    let of_failure = REFUSED.map(|(mark, set)| update(mark, set, MUG));
    for sql in of_failure.iter().chain([&of_change]) {
        let error = trail.client.batch_execute(sql).await.unwrap_err();
        let code = error.as_db_error().map(|error| error.code().code());
        assert_eq!(code, Some("42501"), "{sql}: {error:?}");
        let reset = "reset media_sync.folding";
        trail.client.batch_execute(reset).await.unwrap();
    }
    let sql = update(FOLDING, ALLOWED, MUG);
    trail.client.batch_execute(&sql).await.unwrap();
    let emptied = update(FOLDING, "repeated_at = '{}'", MUG);
    trail.client.batch_execute(&emptied).await.unwrap_err();
    let as_server =
        format!("grant all on public.media_sync_log to service_role; set role service_role; {sql}");
    trail.client.batch_execute(&as_server).await.unwrap_err();
    trail.stack.stop().await;
}
