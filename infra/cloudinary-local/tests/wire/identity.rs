//! Identity over an asset's life: overwrite, rename, delete, restore, return; and the switches.

use serde_json::{Value, json};

use super::support::{Receiver, local};

#[tokio::test]
async fn overwrite_keeps_identity_and_wipes_unless_told_to_retain() {
    for retain in [false, true] {
        let server = local(json!({"overwrite_retains": retain, "any_metadata_field": true})).await;
        let first = server
            .pixel(
                "a",
                json!({"tags": "t", "context": "k=v", "metadata": "m=1"}),
            )
            .await;
        let second = server.pixel("a", json!({})).await;
        assert_eq!(second["overwritten"], true);
        assert_eq!(first["asset_id"], second["asset_id"]);
        assert_ne!(first["version_id"], second["version_id"]);
        assert_eq!(first["created_at"], second["created_at"]);
        assert_eq!(
            second["tags"],
            if retain { json!(["t"]) } else { json!([]) }
        );
        assert_eq!(second.get("context").is_some(), retain);
        assert_eq!(second.get("metadata").is_some(), retain);
    }
}

#[tokio::test]
async fn created_at_of_an_overwritten_asset_is_a_switch() {
    for kept in [false, true] {
        let server = local(json!({"created_at_kept_on_overwrite": kept})).await;
        let first = server.pixel("a", json!({})).await;
        server
            .control("PUT", "clock", json!({"advance_ms": 60_000}))
            .await
            .ok();
        let second = server.pixel("a", json!({})).await;
        assert_eq!(first["created_at"] == second["created_at"], kept);
    }
}

#[tokio::test]
async fn a_name_that_comes_back_reuses_its_id_only_from_the_backup() {
    for (backups, reuse) in [(true, true), (true, false), (false, true)] {
        let server =
            local(json!({"backups": backups, "asset_id_reused_after_backup": reuse})).await;
        let first = server.pixel("a", json!({"tags": "old"})).await;
        assert_eq!(
            server
                .upload_api("image/destroy", json!({"public_id": "a"}))
                .await
                .ok()["result"],
            "ok"
        );
        let one = server
            .admin("GET", "resources/image/upload/a", Value::Null)
            .await;
        if backups {
            assert_eq!(
                (&one.body["placeholder"], &one.body["bytes"]),
                (&json!(true), &json!(0))
            );
        } else {
            assert_eq!((one.status, one.message()), (404, "Resource not found - a"));
        }
        let by_ids = format!(
            "resources/by_asset_ids?asset_ids[]={}",
            first["asset_id"].as_str().unwrap()
        );
        assert_eq!(server.get(&by_ids).await["resources"], json!([]));
        let second = server.pixel("a", json!({})).await;
        assert_eq!(first["asset_id"] == second["asset_id"], backups && reuse);
        assert_eq!(second["tags"], json!([]));
        assert!(
            second.get("overwritten").is_none(),
            "nothing was there to overwrite"
        );
    }
}

#[tokio::test]
async fn restore_brings_back_the_same_asset_and_says_so_as_configured() {
    for (emits, wanted) in [
        ("none", None),
        ("upload", Some("upload")),
        ("restore_asset_version", Some("restore_asset_version")),
    ] {
        let hooks = Receiver::start().await;
        let server = local(json!({"restore_emits": emits})).await;
        let first = server.pixel("a", json!({"tags": "t"})).await;
        server
            .upload_api("image/destroy", json!({"public_id": "a"}))
            .await
            .ok();
        server
            .admin(
                "POST",
                "triggers",
                json!({"uri": hooks.url, "event_type": "all"}),
            )
            .await
            .ok();
        let restored = server
            .admin(
                "POST",
                "resources/image/upload/restore",
                json!({"public_ids": ["a"]}),
            )
            .await
            .ok();
        assert_eq!(restored["a"]["asset_id"], first["asset_id"]);
        assert_eq!(restored["a"]["tags"], json!(["t"]));
        server.quiet().await;
        assert_eq!(
            hooks.kinds(),
            wanted.into_iter().map(str::to_owned).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn restore_reports_each_failure_within_a_success() {
    let server = local(json!({"backups": false})).await;
    server.pixel("a", json!({})).await;
    let id = server.get("resources/image/upload/a").await["asset_id"]
        .as_str()
        .unwrap()
        .to_owned();
    server
        .upload_api("image/destroy", json!({"public_id": "a"}))
        .await
        .ok();
    let answer = server
        .admin("POST", "resources/restore", json!({"asset_ids": [id]}))
        .await
        .ok();
    assert_eq!(answer[&id], json!({"error": "no_backup"}));
}

#[tokio::test]
async fn an_older_version_is_restored_by_its_id() {
    let server = local(json!({})).await;
    let upload = |text: &str| json!({"public_id": "r", "file": format!("data:text/plain,{text}")});
    let old = server.upload_api("raw/upload", upload("old")).await.ok();
    server.upload_api("raw/upload", upload("new")).await.ok();
    let request = json!({"asset_ids": [old["asset_id"]], "versions": [old["version_id"]]});
    let restored = server
        .admin("POST", "resources/restore", request)
        .await
        .ok();
    let asset = &restored[old["asset_id"].as_str().unwrap()];
    assert_eq!(asset["etag"], old["etag"]);
    let text = server
        .http
        .get(asset["url"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(text, "old");
}

#[tokio::test]
async fn rename_over_another_asset_announces_its_delete_as_configured() {
    for announced in [true, false] {
        let hooks = Receiver::start().await;
        let server = local(json!({"rename_overwrite_emits_delete": announced})).await;
        server.pixel("a", json!({})).await;
        let victim = server.pixel("b", json!({})).await;
        server
            .admin(
                "POST",
                "triggers",
                json!({"uri": hooks.url, "event_type": "all"}),
            )
            .await
            .ok();
        let rename = json!({"from_public_id": "a", "to_public_id": "b", "overwrite": "1"});
        server.upload_api("image/rename", rename).await.ok();
        server.quiet().await;
        let hooks = hooks.hooks();
        let deleted: Vec<&Value> = hooks
            .iter()
            .filter(|hook| hook.kind() == "delete")
            .map(|hook| &hook.event)
            .collect();
        assert_eq!(deleted.len(), usize::from(announced));
        if let Some(event) = deleted.first() {
            assert_eq!(event["resources"][0]["asset_id"], victim["asset_id"]);
        }
        let rename = hooks.iter().find(|hook| hook.kind() == "rename").unwrap();
        assert_eq!(
            (
                &rename.event["from_public_id"],
                &rename.event["to_public_id"]
            ),
            (&json!("a"), &json!("b"))
        );
        assert!(rename.event.get("public_id").is_none() && rename.event.get("version").is_none());
        let count = server.get("resources/image").await["resources"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(count, 1);
    }
}

#[tokio::test]
async fn explicit_bumps_the_version_and_announces_as_configured() {
    for (bumps, emits, wanted) in [
        (true, "changes", "resource_tags_changed"),
        (false, "upload", "upload"),
    ] {
        let hooks = Receiver::start().await;
        let server = local(json!({"explicit_bumps_version": bumps, "explicit_emits": emits})).await;
        let before = server.pixel("a", json!({})).await;
        server
            .control("PUT", "clock", json!({"advance_ms": 5000}))
            .await
            .ok();
        let params =
            json!({"public_id": "a", "type": "upload", "tags": "x", "notification_url": hooks.url});
        let after = server.upload_api("image/explicit", params).await.ok();
        assert_eq!(before["version"] != after["version"], bumps);
        server.quiet().await;
        assert_eq!(hooks.kinds(), [wanted]);
    }
}

#[tokio::test]
async fn update_replaces_tags_and_merges_context_as_configured() {
    for merges in [false, true] {
        let server = local(json!({"update_context_merges": merges})).await;
        server
            .pixel("a", json!({"tags": "x,y", "context": "k=1|l=2"}))
            .await;
        let body = json!({"tags": "z", "context": "k=9|new=3"});
        let after = server
            .admin("POST", "resources/image/upload/a", body)
            .await
            .ok();
        assert_eq!(after["tags"], json!(["z"]));
        let wanted = if merges {
            json!({"k": "9", "l": "2", "new": "3"})
        } else {
            json!({"k": "9", "new": "3"})
        };
        assert_eq!(after["context"]["custom"], wanted);
        assert!(after["last_updated"]["context_updated_at"].is_string());
        assert!(after["last_updated"].get("metadata_updated_at").is_none());
    }
}

#[tokio::test]
async fn bulk_delete_by_asset_ids_is_keyed_as_configured() {
    for key in ["public_id", "asset_id"] {
        let server = local(json!({"delete_by_asset_ids_key": key})).await;
        let asset = server.pixel("a", json!({})).await;
        let missing = "0".repeat(32);
        let body = json!({"asset_ids": [asset["asset_id"], missing]});
        let answer = server.admin("DELETE", "resources", body).await.ok();
        assert_eq!(answer["deleted"][asset[key].as_str().unwrap()], "deleted");
        assert_eq!(answer["deleted"][&missing], "not_found");
        assert_eq!(answer["partial"], false);
    }
}

#[tokio::test]
async fn placeholders_show_in_listings_only_when_switched_on() {
    for shown in [false, true] {
        let server = local(json!({"placeholder_in_listings": shown})).await;
        server.pixel("a", json!({})).await;
        server
            .upload_api("image/destroy", json!({"public_id": "a"}))
            .await
            .ok();
        let listed = server.get("resources/image").await;
        assert_eq!(
            listed["resources"].as_array().unwrap().len(),
            usize::from(shown)
        );
        if shown {
            assert_eq!(listed["resources"][0]["placeholder"], true);
        }
    }
}

#[tokio::test]
async fn deleting_a_whole_type_goes_on_in_parts() {
    let server = local(json!({})).await;
    server
        .control("POST", "seed", json!({"count": 1500}))
        .await
        .ok();
    let first = server
        .admin("DELETE", "resources/image/upload", json!({"all": true}))
        .await
        .ok();
    assert_eq!(
        (
            first["deleted"].as_object().unwrap().len(),
            &first["partial"]
        ),
        (1000, &json!(true))
    );
    let body = json!({"all": true, "next_cursor": first["next_cursor"]});
    let second = server
        .admin("DELETE", "resources/image/upload", body)
        .await
        .ok();
    assert_eq!(
        (
            second["deleted"].as_object().unwrap().len(),
            &second["partial"]
        ),
        (500, &json!(false))
    );
}

#[tokio::test]
async fn a_delete_token_deletes_once_and_not_after_ten_minutes() {
    let server = local(json!({})).await;
    for late in [false, true] {
        let asset = server.pixel("a", json!({"return_delete_token": "1"})).await;
        let token = json!({"token": asset["delete_token"]});
        if late {
            server
                .control("PUT", "clock", json!({"advance_ms": 601_000}))
                .await
                .ok();
        }
        let answer = server.admin("POST", "delete_by_token", token).await;
        assert_eq!(
            answer.status,
            if late { 400 } else { 200 },
            "{}",
            answer.body
        );
    }
    assert_eq!(
        server
            .admin("POST", "delete_by_token", json!({"token": "forged"}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn folder_modes_differ_in_keys_and_in_what_they_allow() {
    let dynamic = local(json!({})).await;
    let asset = dynamic.pixel("a", json!({"folder": "shop/mugs"})).await;
    assert_eq!(asset["public_id"], "shop/mugs/a");
    assert_eq!(
        (&asset["asset_folder"], &asset["display_name"]),
        (&json!("shop/mugs"), &json!("a"))
    );
    assert!(asset.get("folder").is_none());
    dynamic
        .admin("PUT", "folders/shop", json!({"to_folder": "store"}))
        .await
        .ok();
    let moved = dynamic.get("resources/image/upload/shop/mugs/a").await;
    assert_eq!(moved["asset_folder"], "store/mugs");
    assert_eq!(
        dynamic
            .admin("DELETE", "folders/store", Value::Null)
            .await
            .message(),
        "Folder is not empty"
    );

    let fixed = local(json!({"folder_mode": "fixed"})).await;
    let asset = fixed
        .pixel(
            "a",
            json!({"folder": "shop/mugs", "asset_folder": "ignored", "display_name": "no"}),
        )
        .await;
    assert_eq!(
        (&asset["public_id"], &asset["folder"]),
        (&json!("shop/mugs/a"), &json!("shop/mugs"))
    );
    assert!(asset.get("asset_folder").is_none() && asset.get("display_name").is_none());
    assert_eq!(
        fixed
            .admin("PUT", "folders/shop", json!({"to_folder": "store"}))
            .await
            .status,
        400
    );
    let folders = fixed.get("folders/shop").await;
    assert_eq!(folders["folders"][0]["path"], "shop/mugs");
}
