//! Collections and uses cost no budget: one request of a user at a time changes them, and all of them have bounds.

use end_to_end::{HttpAnswer, database, eventually};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::join;

use super::shelf::Shelf;

#[tokio::test]
async fn a_user_changes_collections_and_uses_one_request_at_a_time() {
    let shelf = Shelf::start().await;
    let mut holder = database::connect(shelf.stack.database_url()).await;
    let holder = holder.transaction().await.unwrap();
    let turn = "select media_sync.take_turn('public.media_collections', $1::text::uuid)";
    holder
        .query(turn, &[&shelf.user_id.to_string()])
        .await
        .unwrap();
    // Whoever waits holds no row: else each of two would hold what the other waits for.
    let rows_are_free = async {
        let waiting =
            "select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted";
        eventually("somebody waits", async || {
            database::rows(&shelf.client, waiting, &[]).await[0]["waiting"] != 0
        })
        .await;
        let rows = "select from public.media_collections for update nowait";
        holder.query(rows, &[]).await.unwrap();
    };
    let (answers, ()) = join!(join_all(shelf.changes()), rows_are_free);
    for answer in answers {
        answer.assert_refused(StatusCode::CONFLICT, "PT409");
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains("still running"), "{message}");
    }
    holder.rollback().await.unwrap();
    for change in shelf.changes() {
        let answer = change.await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    shelf.stack.stop().await;
}

/// Of every table that users may write.
#[tokio::test]
async fn every_change_of_a_user_takes_a_turn() {
    let shelf = Shelf::start().await;
    // The bits of pg_trigger.tgtype: 2 before, 1 each row; 4 insert, 8 delete, 16 update.
    let without_turn = "select table_name, privilege_type
        from information_schema.column_privileges
        where grantee = 'authenticated' and table_schema = 'public' and privilege_type in ('INSERT', 'UPDATE')
        union
        select table_name, privilege_type from information_schema.table_privileges
        where grantee = 'authenticated' and table_schema = 'public' and privilege_type in ('INSERT', 'UPDATE', 'DELETE')
        except
        select c.relname, happening.name from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
        join (values ('INSERT', 4), ('DELETE', 8), ('UPDATE', 16)) happening (name, bit) on t.tgtype & bit <> 0
        where t.tgname = 'take_turns' and t.tgtype & 3 = 2 and t.tgenabled = 'O'";
    let found = database::rows(&shelf.client, without_turn, &[]).await;
    assert!(found.is_empty(), "{found:?}");
    let turns = "select count(*) as turns from pg_trigger where tgname = 'take_turns'";
    assert_eq!(
        database::rows(&shelf.client, turns, &[]).await[0]["turns"],
        4
    );
    shelf.stack.stop().await;
}

#[tokio::test]
async fn the_collections_of_a_user_have_a_bound_together() {
    let shelf = Shelf::start().await;
    let fill = format!(
        "insert into public.media_assets (id, cloudinary_asset_id, cloudinary_public_id, resource_type)
        select md5('full ' || n)::uuid, md5('full ' || n), 'full/' || n, 'image' from generate_series(1, 10000) n;
        insert into public.media_collections (name, owner) select 'Full ' || n, '{}' from generate_series(1, 10) n;
        insert into public.media_collection_items (collection_id, asset_id)
        select c.id, md5('full ' || n)::uuid from public.media_collections c, generate_series(1, 10000) n
        where c.name like 'Full %'",
        shelf.user_id
    );
    shelf.client.batch_execute(&fill).await.unwrap();
    let item = json!({"p_collection": shelf.collection, "p_assets": [shelf.assets[0]]});
    let refused = shelf.user.rpc("media_collection_add", &item).await;
    refused.assert_refused(StatusCode::UNPROCESSABLE_ENTITY, "PT422");
    let room = "delete from public.media_collection_items where ctid = (select ctid from public.media_collection_items limit 1)";
    shelf.client.execute(room, &[]).await.unwrap();
    shelf.user.rpc("media_collection_add", &item).await.ok();
    shelf.stack.stop().await;
}

#[tokio::test]
async fn the_view_of_a_collections_assets_is_only_read() {
    let shelf = Shelf::start().await;
    let path = "/media_collection_assets?position=eq.1";
    let row = json!({"position": 2});
    for method in [Method::POST, Method::PATCH, Method::DELETE] {
        let answer = shelf.user.call(method, path, &[], Some(&row)).await;
        answer.assert_refused(StatusCode::FORBIDDEN, "42501");
    }
    shelf.stack.stop().await;
}

impl Shelf {
    /// In every way that there is.
    fn changes(&self) -> impl Iterator<Item = impl Future<Output = HttpAnswer>> {
        let (collection, asset) = (&self.collection, &self.assets[0]);
        let item = json!({"collection_id": collection, "asset_id": self.assets[1]});
        let one = json!({"p_collection": collection, "p_assets": [asset]});
        let usage = json!({"usage_type": "cover", "table_name": "articles", "record_id": "1", "asset_id": asset});
        let used = json!({
            "p_assets": [asset], "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "2",
        });
        let dropped = json!({"p_table_name": "articles", "p_record_id": "2"});
        let items = "/media_collection_items?position=gte.0";
        [
            (
                Method::POST,
                "/media_collections",
                json!({"name": "Winter"}),
            ),
            (
                Method::PATCH,
                "/media_collections?name=eq.Winter",
                json!({"name": "Snow"}),
            ),
            (Method::DELETE, "/media_collections?name=eq.Snow", json!({})),
            (Method::POST, "/media_collection_items", item),
            (Method::PATCH, items, json!({"position": 7})),
            (Method::DELETE, items, json!({})),
            (Method::POST, "/media_usage", usage),
            (Method::DELETE, "/media_usage?record_id=eq.1", json!({})),
            (Method::POST, "/rpc/media_collection_add", one.clone()),
            (Method::POST, "/rpc/media_collection_reorder", one.clone()),
            (Method::POST, "/rpc/media_collection_remove", one),
            (Method::POST, "/rpc/media_usage_record", used),
            (Method::POST, "/rpc/media_usage_drop", dropped),
        ]
        .into_iter()
        .map(move |(method, path, body)| async move {
            self.user.call(method, path, &[], Some(&body)).await
        })
    }
}
