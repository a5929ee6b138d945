//! The audit trail is append-only, is read through indexes, and is shortened by retention alone.

use end_to_end::{RunningFunction, post};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls, Transaction};

use crate::searching::encoded;
use crate::searching::hostile::TEXTS;

async fn connect(stack: &LocalStack) -> Client {
    let (client, connection) = tokio_postgres::connect(stack.database_url(), NoTls)
        .await
        .expect("the database answers");
    tokio::spawn(connection);
    client
}

const FILL: &str = "
    insert into public.media_sync_log (
        occurred_at, operation, status, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id,
        resource_type, actor, run_id, error_code
    )
    select
        now() - n * interval '40 seconds',
        (array['created', 'updated', 'renamed', 'deleted', 'edit_confirmed'])[1 + n % 5],
        case when n % 40 = 0 then 'failed' else 'success' end,
        case when n % 50 = 0 then 'database' else (array['webhook', 'reconcile', 'outbound'])[1 + n % 3] end,
        gen_random_uuid(), md5((n % 20000)::text), 'shop/mug-' || n % 20000, 'image',
        case when n % 30 = 0 then md5((n % 7)::text)::uuid end,
        case when n % 3 = 1 then md5((n / 1000)::text)::uuid end,
        case when n % 40 = 0 then (array['cloudinary_server', 'cloudinary_quota'])[1 + n % 2] end
    from generate_series(1, 100000) n;
    insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type)
    select md5(n::text), 'shop/mug-' || n, 'image' from generate_series(0, 19999) n;
    insert into public.media_notifications (digest, signature_timestamp, received_at, verdict, body, asset_ids)
    select n::text, now(), now(), 'applied', '{}', array[md5(n::text)] from generate_series(0, 19999) n;
    analyze public.media_sync_log, public.media_assets, public.media_notifications";

/// Calls a function as an administrator of the Data API, in a transaction of its own, and counts
/// the tables that were read from end to end meanwhile.
async fn scans_of(client: &mut Client, function: &str, arguments: &Value) -> (Value, Vec<String>) {
    let claims = json!({
        "role": "authenticated", "sub": "00000000-0000-4000-8000-000000000001", "app_metadata": {"role": "admin"},
    });
    let transaction = client
        .transaction()
        .await
        .expect("the question is answered");
    transaction
        .execute(
            "select set_config('request.jwt.claims', $1, true)",
            &[&claims.to_string()],
        )
        .await
        .expect("the question is answered");
    transaction
        .batch_execute("set local role authenticated")
        .await
        .expect("the question is answered");
    let before = scans(&transaction).await;
    let call = format!("select {function}");
    let answer = transaction
        .query_one(&call, &[arguments])
        .await
        .expect("the question is answered")
        .get(0);
    let mut scanned = scans(&transaction).await;
    scanned.retain(|table| !before.contains(table));
    (
        answer,
        scanned.into_iter().map(|(table, _)| table).collect(),
    )
}

/// Counts the reads of each table from end to end, in this transaction and perhaps before.
async fn scans(transaction: &Transaction<'_>) -> Vec<(String, i64)> {
    let scans = "select relname::text, seq_scan from pg_stat_xact_user_tables
        where relname in ('media_sync_log', 'media_assets', 'media_notifications')";
    let scans = transaction.query(scans, &[]).await;
    let scans = scans.expect("the question is answered");
    let counted = scans.iter().map(|row| (row.get(0), row.get(1)));
    counted.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn every_question_about_the_trail_is_answered_from_an_index() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let mut client = connect(&stack).await;
    client.batch_execute(FILL).await.unwrap();
    let all = "(select to_jsonb(count(*)) from public.media_sync_log where $1::jsonb = '{}')";
    let (_, scanned) = scans_of(&mut client, all, &json!({})).await;
    assert_eq!(scanned, ["media_sync_log"], "a scan would be seen");
    let known = KnownEntry::read(&client).await;
    for mut question in questions(&known) {
        question["limit"] = json!(50);
        let (answer, scanned) = scans_of(&mut client, "public.media_audit($1)", &question).await;
        assert_eq!(scanned, [""; 0], "{question}");
        assert_entries_are_those_asked_for(&question, &answer);
        if question.get("error_trends").is_some() {
            let days = answer["error_trends"].as_array().unwrap().len();
            assert!(
                (30..=62).contains(&days),
                "two codes in thirty days: {days}"
            );
        }
    }
    let series = "public.media_audit_series(($1::jsonb ->> 'hours')::integer)";
    let (told, scanned) = scans_of(&mut client, series, &json!({"hours": 168})).await;
    assert_eq!(scanned, [""; 0]);
    assert_eq!(
        told["hours"][0]["applied"], 90,
        "one entry in forty seconds"
    );
    let by_id = json!({"id": known.asset});
    let one = "public.media_get(p_asset_id => $1::jsonb ->> 'id')";
    let (told, scanned) = scans_of(&mut client, one, &by_id).await;
    assert_eq!(scanned, [""; 0]);
    assert_eq!(told["audit"].as_array().unwrap().len(), 5);
    assert_eq!(told["notifications"].as_array().unwrap().len(), 1);
    stack.stop().await;
}

/// Ids that stand in some of the entries.
struct KnownEntry {
    actor: String,
    run: String,
    asset: String,
}

impl KnownEntry {
    async fn read(client: &Client) -> Self {
        let ids = "select md5('0')::uuid::text, md5('7')::uuid::text, md5('77')";
        let ids = client.query_one(ids, &[]).await.expect("ids");
        Self {
            actor: ids.get(0),
            run: ids.get(1),
            asset: ids.get(2),
        }
    }
}

fn questions(known: &KnownEntry) -> [Value; 15] {
    [
        json!({}),
        json!({"operation": "renamed"}),
        json!({"operation": "no_such_thing"}),
        json!({"status": "failed"}),
        json!({"source": "database"}),
        json!({"source": "webhook"}),
        json!({"actor": known.actor}),
        json!({"asset_id": known.asset}),
        json!({"public_id": "shop/mug-77"}),
        json!({"run_id": known.run}),
        json!({"error_code": "cloudinary_server"}),
        json!({"date_from": "2020-01-01T00:00:00Z", "date_to": "2020-02-01T00:00:00Z"}),
        json!({"operation": "created", "after": {"occurred_at": "2999-01-01T00:00:00Z", "id": 5}}),
        json!({"error_trends": true}),
        json!({"activity": true}),
    ]
}

/// There are some, unless nothing can be found, and each has the value in question.
fn assert_entries_are_those_asked_for(question: &Value, answer: &Value) {
    for (name, field) in [
        ("operation", "operation"),
        ("source", "source"),
        ("actor", "actor"),
        ("run_id", "run_id"),
        ("error_code", "error_code"),
        ("asset_id", "cloudinary_asset_id"),
    ] {
        let Some(wanted) = question.get(name) else {
            continue;
        };
        let items = answer["items"].as_array().expect("items");
        assert!(
            items.iter().all(|item| item[field] == *wanted),
            "{question}"
        );
        assert!(!items.is_empty() || wanted == "no_such_thing", "{question}");
    }
}

#[tokio::test]
async fn nobody_changes_the_trail_and_retention_spares_what_is_young() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = connect(&stack).await;
    let entries = "insert into public.media_sync_log (occurred_at, operation, source)
        select now() - days * interval '1 day', 'created', 'webhook' from unnest(array[1, 80, 100, 399, 401, 500]) days";
    client.batch_execute(entries).await.unwrap();

    // Not the table's owner, and still less a project's default privileges.
    for change in [
        "update public.media_sync_log set operation = 'nothing'",
        "delete from public.media_sync_log",
        "truncate public.media_sync_log",
        "set media_sync.purging = 'on'; delete from public.media_sync_log",
        "set media_sync.purging = 'on'; grant all on public.media_sync_log to service_role; set role service_role;
         delete from public.media_sync_log where occurred_at < now() - interval '400 days'",
    ] {
        let error = client.batch_execute(change).await.unwrap_err();
        let code = error.as_db_error().map(|error| error.code().code());
        assert_eq!(code, Some("42501"), "{change}: {error:?}");
        client.batch_execute("reset role; reset media_sync.purging").await.unwrap();
    }
    for role in ["anon", "authenticated", "service_role"] {
        for privilege in ["insert", "update", "delete", "truncate"] {
            let may = "select has_table_privilege($1::text, 'public.media_sync_log', $2::text)";
            let may: bool = client
                .query_one(may, &[&role, &privilege])
                .await
                .unwrap()
                .get(0);
            assert!(!may, "{role} may {privilege}");
        }
    }

    let purge = format!("{}/rest/v1/rpc/media_sync_purge", stack.supabase_url());
    let arguments = |days: u32| json!({"p_days": 30, "p_limit": 1000, "p_audit_days": days});
    let refused = post(&purge, stack.publishable_key(), &arguments(400)).await;
    assert!(refused.status.is_client_error(), "{}", refused.body);
    let refused = post(&purge, stack.secret_key(), &arguments(89)).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let purged = post(&purge, stack.secret_key(), &arguments(400)).await;
    assert_eq!(
        purged.body,
        json!({"notifications": 0, "runs": 0, "uploads": 0, "audit": 2, "idempotency_keys": 0}),
        "only what is older"
    );
    let left =
        "select count(*), (array_agg(details order by id desc))[1] from public.media_sync_log";
    let left = client.query_one(left, &[]).await.unwrap();
    let (count, entry): (i64, Value) = (left.get(0), left.get(1));
    assert_eq!(count, 5, "four, and the purge's own entry");
    assert_eq!(entry["audit"], 2, "{entry}");
    let again = post(&purge, stack.secret_key(), &arguments(400)).await;
    assert_eq!(again.body["audit"], 0, "{}", again.body);
    stack.stop().await;
}

#[tokio::test]
async fn what_was_lost_and_who_is_at_work_is_read_beside_the_row() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let mut client = connect(&stack).await;
    let id = "0123456789abcdef0123456789abcdef";
    let row = format!(
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type) values ('{id}', 'mug', 'image')"
    );
    client.batch_execute(&row).await.unwrap();
    let entry = |operation: &str, days: u32, winner: &str| {
        format!(
            "insert into public.media_sync_log (occurred_at, operation, source, cloudinary_asset_id, details)
             values (now() - {days} * interval '1 day', '{operation}', 'outbound', '{id}',
                '{{\"collisions\": [{{\"field\": \"context\", \"key\": \"alt\", \"winner\": \"{winner}\"}}]}}')"
        )
    };
    let steps = [
        (entry("conflict", 8, "cloudinary"), json!([])),
        (entry("conflict", 6, "here"), json!([])),
        (entry("conflict", 5, "cloudinary"), json!(["context.alt"])),
        (entry("edit_confirmed", 4, "here"), json!(["context.alt"])),
        (entry("edit_requested", 3, "here"), json!([])),
    ];
    let get = "public.media_get(p_asset_id => $1::jsonb ->> 'id')";
    for (step, lost) in steps {
        client.batch_execute(&step).await.unwrap();
        let (told, _) = scans_of(&mut client, get, &json!({"id": id})).await;
        assert_eq!(told["standing"]["landmark"]["lost"], lost, "{step}");
    }
    for (until, is_claimed) in [("1 minute", true), ("-1 minute", false)] {
        let claim = format!(
            "set media_sync.observing = 'on'; update public.media_assets set sync_status = 'pending',
             intent = '{{\"at\": 1}}';
             insert into media_sync.intent_claims select id, gen_random_uuid(), now() + interval '{until}' from public.media_assets
             on conflict (asset_id) do update set claim_until = excluded.claim_until"
        );
        client.batch_execute(&claim).await.unwrap();
        let (told, _) = scans_of(&mut client, get, &json!({"id": id})).await;
        assert_eq!(told["standing"]["is_claimed"], is_claimed);
        assert!(!told.to_string().contains("intent_claim"), "{told}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn whatever_is_asked_of_the_trail_is_a_value() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = connect(&stack).await;
    for text in TEXTS {
        let entry = "insert into public.media_sync_log (operation, source, cloudinary_public_id, error_code)
            values ($1, 'api', $1, $1)";
        client.execute(entry, &[&text]).await.unwrap();
    }
    let mut audit = RunningFunction::start(&RunningFunction::built("audit"), &stack).await;
    let admin = stack.token(&TokenClaims::admin("admin@example.com"));
    let mut ask = async |name: &str, text: &str| {
        let query = encoded(&[(name, text.to_owned()), ("limit", "200".to_owned())]);
        audit.get("/api/cloudinary/audit", &query, &admin).await
    };
    for text in TEXTS {
        for (name, field) in [
            ("public_id", "cloudinary_public_id"),
            ("error_code", "error_code"),
        ] {
            let answer = ask(name, text).await;
            assert_eq!(answer.status, 200, "{name}={text:?}: {}", answer.body);
            let items = answer.body["items"].as_array().unwrap();
            let found: Vec<_> = items.iter().map(|item| &item[field]).collect();
            assert_eq!(found, [text], "{name}={text:?}");
        }
        for name in [
            "operation",
            "status",
            "source",
            "actor",
            "asset_id",
            "run_id",
            "date_from",
            "date_to",
            "cursor",
        ] {
            let answer = ask(name, text).await;
            assert_eq!(answer.status, 400, "{name}={text:?}: {}", answer.body);
            assert_eq!(answer.body["parameter"], name, "{name}={text:?}");
        }
    }
    let left = client
        .query_one("select count(*) from public.media_sync_log", &[])
        .await;
    let left: i64 = left.unwrap().get(0);
    assert_eq!(left, TEXTS.len() as i64, "nothing has changed");
    drop(audit);
    stack.stop().await;
}
