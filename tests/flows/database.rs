//! Refusals by the database itself.

use end_to_end::{DataApiCaller, database, post};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::json;

#[tokio::test]
async fn a_plan_made_from_stale_rows_is_refused_at_once_and_whole() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let apply = format!("{}/rest/v1/rpc/media_sync_apply", stack.supabase_url());
    let row = json!({
        "id": "00000000-0000-4000-8000-000000000001", "cloudinary_asset_id": "0123456789abcdef0123456789abcdef",
        "cloudinary_public_id": "mug", "resource_type": "image", "delivery_type": "upload", "folder": "",
        "tags": [], "context": {}, "metadata": {}, "sync_status": "synced", "sync_retry_count": 0, "clocks": {},
        "revision": 7,
    });
    let other = json!({"id": "00000000-0000-4000-8000-000000000002", "cloudinary_asset_id": "1123456789abcdef0123456789abcdef"});
    let mut inserted = row.clone();
    inserted
        .as_object_mut()
        .unwrap()
        .extend(other.as_object().unwrap().clone());
    let stale = json!({"p_change": {"inserts": [inserted], "updates": [row]}});
    let answer = post(&apply, stack.secret_key(), &stale).await;
    assert_eq!(answer.status, 412, "{}", answer.body);
    assert_eq!(answer.body["code"], "PT412");
    assert_eq!(
        stack
            .gateway_counts()
            .of("POST /rest/v1/rpc/media_sync_apply"),
        1
    );

    let good = json!({"p_change": {"inserts": [row], "updates": []}});
    let answer = post(&apply, stack.secret_key(), &good).await;
    assert!(
        answer.status.is_success(),
        "the refused insert left nothing behind: {}",
        answer.body
    );
    let answer = post(&apply, stack.secret_key(), &good).await;
    assert_eq!(answer.status, 412, "an asset has one row: {}", answer.body);

    // Two who have read the same row: only the first of them may write it.
    let mut read = row.clone();
    read["revision"] = json!(0);
    read["folder"] = json!("first");
    let first = json!({"p_change": {"inserts": [], "updates": [read]}});
    read["folder"] = json!("second");
    let second = json!({"p_change": {"inserts": [], "updates": [read]}});
    let answer = post(&apply, stack.secret_key(), &first).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    let answer = post(&apply, stack.secret_key(), &second).await;
    assert_eq!(answer.status, 412, "the row has changed: {}", answer.body);

    let answer = post(&apply, stack.publishable_key(), &good).await;
    assert_eq!(answer.status, 401, "only workers apply: {}", answer.body);
    stack.stop().await;
}

/// Two workers may see the asset of one upload, and an upload may begin between a worker's reading and its writing.
#[tokio::test]
async fn a_plan_that_does_not_know_an_open_upload_of_its_names_is_refused() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let service = DataApiCaller::service(&stack);
    let uploader = "00000000-0000-4000-8000-00000000000a";
    let upload = "00000000-0000-4000-8000-000000000002";
    let begun = json!({"p_upload": {
        "id": upload, "kind": "signed", "uploader": uploader, "role": "editor", "public_id": "mug", "overwrite": false,
        "since_version": 100, "until_version": 200, "open_seconds": 600, "most_open": 10,
    }});
    let begun = service.rpc("media_sync_begin_upload", &begun).await;
    assert_eq!(begun.body["outcome"], "begun", "{}", begun.body);

    let row = json!({
        "id": "00000000-0000-4000-8000-000000000001", "cloudinary_asset_id": "0123456789abcdef0123456789abcdef",
        "cloudinary_public_id": "mug", "cloudinary_version": 150, "resource_type": "image", "delivery_type": "upload",
        "folder": "", "tags": [], "context": {}, "metadata": {}, "sync_status": "synced", "sync_retry_count": 0,
        "clocks": {}, "deleted_at": null, "uploaded_by": uploader,
    });
    let ending = json!({"id": upload, "outcome": "stored", "asset_row_id": row["id"]});
    let apply = async |change| {
        let change = json!({"p_change": change});
        let answer = service.rpc("media_sync_apply", &change).await;
        answer.status.as_u16()
    };
    let unknowing = json!({"inserts": [row], "known_uploads": []});
    assert_eq!(apply(unknowing).await, 412);
    let knowing = json!({"inserts": [row], "known_uploads": [upload], "uploads": [ending]});
    assert_eq!(apply(knowing).await, 204);
    let again = json!({"known_uploads": [upload], "uploads": [ending]});
    assert_eq!(apply(again).await, 412, "it has ended already");

    let client = database::connect(stack.database_url()).await;
    let sql =
        "select outcome, asset_row_id::text from public.media_uploads where id = $1::text::uuid";
    let kept = client.query_one(sql, &[&upload]).await.unwrap();
    let (outcome, asset_row): (&str, &str) = (kept.get(0), kept.get(1));
    assert_eq!(outcome, "stored");
    assert_eq!(asset_row, row["id"]);
    stack.stop().await;
}

/// Otherwise one user's signatures would make every page with their assets plan again, until it gives up.
#[tokio::test]
async fn a_signature_for_an_asset_that_is_there_refuses_plans_with_new_content_only() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let service = DataApiCaller::service(&stack);
    let uploader = "00000000-0000-4000-8000-00000000000a";
    let row = json!({
        "id": "00000000-0000-4000-8000-000000000001", "cloudinary_asset_id": "0123456789abcdef0123456789abcdef",
        "cloudinary_public_id": "mug", "cloudinary_version": 150, "cloudinary_etag": "x", "resource_type": "image",
        "delivery_type": "upload", "folder": "", "tags": [], "context": {}, "metadata": {}, "sync_status": "synced",
        "sync_retry_count": 0, "clocks": {}, "deleted_at": null, "uploaded_by": uploader, "revision": 0,
    });
    let apply = async |change| {
        let change = json!({"p_change": change});
        let answer = service.rpc("media_sync_apply", &change).await;
        answer.status.as_u16()
    };
    assert_eq!(
        apply(json!({"inserts": [row], "known_uploads": []})).await,
        204
    );
    let signed = json!({"p_upload": {
        "id": "00000000-0000-4000-8000-000000000002", "kind": "signed", "uploader": uploader, "role": "editor",
        "public_id": "mug", "overwrite": true, "since_version": 100, "until_version": 200, "open_seconds": 600,
        "most_open": 10,
    }});
    let signed = service.rpc("media_sync_begin_upload", &signed).await;
    assert_eq!(signed.body["outcome"], "begun", "{}", signed.body);

    let changed = |field: &str, value: serde_json::Value| {
        let mut row = row.clone();
        row[field] = value;
        json!({"updates": [row], "known_uploads": []})
    };
    for (field, value) in [
        ("cloudinary_version", json!(151)),
        ("cloudinary_etag", json!("y")),
    ] {
        assert_eq!(apply(changed(field, value)).await, 412, "{field}");
    }
    assert_eq!(apply(changed("tags", json!(["sale"]))).await, 204);
    let ownerless = "update public.media_assets set uploaded_by = null, revision = 0";
    client.batch_execute(ownerless).await.unwrap();
    let mut again = row.clone();
    again["revision"] = json!(2);
    let plan = json!({"updates": [again], "known_uploads": []});
    assert_eq!(apply(plan).await, 412, "it may bring the proof");
    let known =
        json!({"updates": [again], "known_uploads": ["00000000-0000-4000-8000-000000000002"]});
    assert_eq!(apply(known).await, 204);
    stack.stop().await;
}

#[tokio::test]
async fn column_that_is_added_to_the_table_and_its_list_is_written_and_shown() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let service = DataApiCaller::service(&stack);
    let user = DataApiCaller::user(&stack, &TokenClaims::user("user@example.com"));
    let apply = async |change| {
        let answer = service
            .rpc("media_sync_apply", &json!({"p_change": change}))
            .await;
        assert!(answer.status.is_success(), "{}", answer.body);
    };
    let mut row = json!({
        "id": "00000000-0000-4000-8000-000000000001", "cloudinary_asset_id": "0123456789abcdef0123456789abcdef",
        "cloudinary_public_id": "mug", "resource_type": "image", "delivery_type": "upload", "folder": "",
        "tags": [], "context": {}, "metadata": {}, "sync_status": "synced", "sync_retry_count": 0, "clocks": {},
        "revision": 0, "colour_space": "pending",
    });
    // Sessions that know the former list.
    apply(json!({"inserts": [row]})).await;

    client
        .batch_execute(
            "alter table public.media_assets add column colour_space text;
             do $$ begin execute format(
                'create or replace function media_sync.mirrored_columns() returns text[] language sql stable as %L',
                format('select %L::text[]', media_sync.mirrored_columns() || '{colour_space}')
             ); end $$;
             select media_sync.make_list_view(), media_sync.offer_live_updates()",
        )
        .await
        .unwrap();
    let list = json!({"p_query": {"sort_by": "created_at", "sort_order": "asc", "limit": 2}});
    let shown = async || user.rpc("media_list", &list).await.body["items"].clone();
    row["colour_space"] = json!("approved");
    apply(json!({"updates": [row]})).await;
    assert_eq!(shown().await[0]["colour_space"], "approved");
    row["id"] = json!("00000000-0000-4000-8000-000000000002");
    row["cloudinary_asset_id"] = json!("1123456789abcdef0123456789abcdef");
    row["cloudinary_public_id"] = json!("cup");
    row["colour_space"] = json!("rejected");
    apply(json!({"inserts": [row]})).await;
    assert_eq!(shown().await[1]["colour_space"], "rejected");
    stack.stop().await;
}
