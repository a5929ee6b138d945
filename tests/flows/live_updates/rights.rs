//! Rights on messages, and messages that cannot be kept.

use end_to_end::database;
use serde_json::json;
use tokio_postgres::Client;

use super::change;
use super::told::Stage;

/// As Realtime asks row level security for leave: in the name of the joining user, in that topic.
pub(super) async fn signed_in_users_listen_and_nobody_sends(client: &Client) {
    client
        .batch_execute("select realtime.send('{}', 'REFRESH', 'media_sync:assets')")
        .await
        .unwrap();
    let listen = async |role: &str, topic: &str| -> i64 {
        let sql = format!(
            "begin; set local role {role}; select set_config('realtime.topic', '{topic}', true)"
        );
        client.batch_execute(&sql).await.unwrap();
        let row = client
            .query_one("select count(*) from realtime.messages", &[])
            .await
            .unwrap();
        client.batch_execute("rollback").await.unwrap();
        row.get(0)
    };
    assert!(listen("authenticated", "media_sync:assets").await > 0);
    assert!(listen("authenticated", "media_sync:runs").await > 0);
    assert_eq!(listen("authenticated", "something_else").await, 0);
    assert_eq!(listen("anon", "media_sync:assets").await, 0);
    let send = "begin; set local role authenticated; select set_config('realtime.topic', 'media_sync:assets', true);
        insert into realtime.messages (topic, extension, event) values ('media_sync:assets', 'broadcast', 'REFRESH')";
    let error = client.batch_execute(send).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501");
    client.batch_execute("rollback").await.unwrap();
}

pub(super) async fn a_message_that_cannot_be_kept_undoes_nothing(stage: &Stage) {
    stage
        .server
        .batch_execute("drop table realtime.messages_default")
        .await
        .unwrap();
    change(&stage.admin, 200, &json!({"alt_text": "A mug"})).await;
    let found = database::rows(
        &stage.client,
        "select alt_text from public.media_assets where alt_text is not null",
        &[],
    )
    .await;
    assert_eq!(found, [json!({"alt_text": "A mug"})]);
}

/// As in older and self-hosted projects.
pub(super) async fn a_message_that_raises_undoes_nothing(stage: &Stage) {
    let edit = "set realtime.raises = 'on';
        update public.media_assets set description = 'Blue' where alt_text is not null;
        reset realtime.raises";
    stage.client.batch_execute(edit).await.unwrap();
    let found = "select description from public.media_assets where alt_text is not null";
    let found = database::rows(&stage.client, found, &[]).await;
    assert_eq!(found, [json!({"description": "Blue"})]);
}
