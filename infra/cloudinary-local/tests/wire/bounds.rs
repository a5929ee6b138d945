//! The bounds of tags, moderation and lists, just kept and just exceeded.

use serde_json::{Value, json};

use super::support::{Local, PIXEL, local};

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

async fn tag(server: &Local, command: &str, tags: &str, ids: Vec<String>) -> (u16, Value) {
    let call = json!({"command": command, "tag": tags, "public_ids": ids});
    let answer = server.upload_api("image/tags", call).await;
    (answer.status, answer.body)
}

async fn tags_of(server: &Local) -> usize {
    let asset = server.get("resources/image/upload/a").await;
    asset["tags"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn tags_have_255_characters_and_an_asset_has_a_thousand() {
    let server = local(json!({})).await;
    server.pixel("a", json!({})).await;
    let ids = || vec!["a".to_owned()];
    for (length, status) in [(255, 200), (256, 400)] {
        let long = "\u{e9}".repeat(length);
        assert_eq!(
            tag(&server, "add", &long, ids()).await.0,
            status,
            "{length}"
        );
        let upload = json!({"file": PIXEL, "public_id": "b", "tags": long});
        assert_eq!(
            server.upload_api("image/upload", upload).await.status,
            status
        );
        let update = json!({"tags": long});
        let answer = server
            .admin("POST", "resources/image/upload/a", update)
            .await;
        assert_eq!(answer.status, status, "{length}");
    }
    assert_eq!(
        tag(&server, "replace", &numbered(1000).join(","), ids())
            .await
            .0,
        200
    );
    assert_eq!(tag(&server, "add", "one-more", ids()).await.0, 400);
    assert_eq!(
        tag(&server, "replace", &numbered(1001).join(","), ids())
            .await
            .0,
        400
    );
    assert_eq!(tags_of(&server).await, 1000);
    assert_eq!(tag(&server, "add", "7", ids()).await.0, 200);
    assert_eq!(tag(&server, "remove_all", "", ids()).await.0, 200);
    assert_eq!(tags_of(&server).await, 0);
}

#[tokio::test]
async fn one_call_takes_ten_thousand_pairs_of_tag_and_asset() {
    let server = local(json!({})).await;
    server.pixel("a", json!({})).await;
    let named = |count: usize| {
        let mut ids = numbered(count - 1);
        ids.push("a".to_owned());
        ids
    };
    let eleven = numbered(11).join(",");
    for command in ["add", "replace", "remove"] {
        let (status, body) = tag(&server, command, &eleven, named(910)).await;
        assert_eq!(status, 400, "{body}");
    }
    assert_eq!(tags_of(&server).await, 0);
    let (status, body) = tag(&server, "add", &eleven, named(909)).await;
    assert_eq!((status, &body["public_ids"]), (200, &json!(["a"])));
    assert_eq!(
        tag(&server, "remove_all", &eleven, named(1000)).await.0,
        200
    );
}

#[tokio::test]
async fn moderation_is_for_kinds_of_files_and_manual_comes_last() {
    let server = local(json!({})).await;
    for (path, moderation, status) in [
        ("image/upload", "manual", 200),
        ("raw/upload", "manual", 200),
        ("image/upload", "aws_rek", 420),
        ("image/upload", "perception_point|manual", 420),
        ("raw/upload", "perception_point", 420),
        ("image/upload", "duplicate:0.8", 420),
        ("auto/upload", "webpurify", 420),
        ("image/upload", "manual|perception_point", 400),
        ("image/upload", "duplicate:1.5", 400),
        ("image/upload", "duplicate", 400),
        ("image/upload", "aws_rek_video", 400),
        ("raw/upload", "webpurify", 400),
        ("video/upload", "aws_rek", 400),
        ("image/upload", "nobody", 400),
    ] {
        let upload = json!({"file": PIXEL, "public_id": "a", "moderation": moderation});
        let answer = server.upload_api(path, upload).await;
        assert_eq!(
            answer.status, status,
            "{path} {moderation}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn lists_grow_only_where_their_field_says_so_and_nothing_invalid_is_cleared() {
    let server = local(json!({})).await;
    for (id, grows) in [("open", true), ("closed", false)] {
        let field = json!({
            "external_id": id, "label": id, "type": "set", "allow_dynamic_list_values": grows,
            "datasource": {"values": [{"external_id": "red", "value": "Red"}]},
        });
        server.admin("POST", "metadata_fields", field).await.ok();
    }
    server.pixel("a", json!({})).await;
    let write = async |metadata: &str| {
        let call = json!({"metadata": metadata, "public_ids": ["a"], "clear_invalid": "1"});
        server.upload_api("image/metadata", call).await.status
    };
    assert_eq!(write("open=[\"red\",\"green\"]").await, 200);
    assert_eq!(write("closed=[\"red\",\"green\"]").await, 400);
    let many = json!(numbered(3001)).to_string();
    assert_eq!(write(&format!("open={many}")).await, 400);
    for (id, options) in [
        ("open", json!(["red", "green"])),
        ("closed", json!(["red"])),
    ] {
        let field = server.get(&format!("metadata_fields/{id}")).await;
        let values = field["datasource"]["values"].as_array().unwrap().iter();
        let known: Vec<&Value> = values.map(|value| &value["external_id"]).collect();
        assert_eq!(json!(known), options, "{id}");
    }
}
