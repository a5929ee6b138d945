//! The API, with the default rules: clear refusals, and uploads of every kind.

use end_to_end::{HttpAnswer, World, id_of, picture};
use local_stack::TokenClaims;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const UPLOAD: &str = "/api/cloudinary/upload";
const MEDIA: &str = "/api/cloudinary/media";

#[tokio::test]
async fn the_api_refuses_names_outside_the_prefix_and_readers_altogether() {
    let world = World::start().await;
    let own = format!("users/{}", world.user_id);
    a_renamed_asset_does_not_take_a_name_from_its_owner(&world, &own).await;
    uploads_of_every_kind_stay_inside(&world, &own).await;
    an_editor_is_bound_by_no_prefix(&world).await;
    a_reader_is_told_so(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The hole: the bytes would be delivered under another's name, and the other's upload would get 409.
async fn a_renamed_asset_does_not_take_a_name_from_its_owner(world: &World, own: &str) {
    let asset = world.mirrored(&format!("{own}/avatar"), 1).await;
    world.give(&asset, &world.user_id).await;
    let edit = |edit: Value| {
        let mut edit = edit;
        edit["asset_id"] = json!(id_of(&asset));
        world.call(Method::PATCH, MEDIA, Some(&world.user), Some(edit))
    };
    for change in [
        json!({"public_id": "users/b/avatar"}),
        json!({"folder": "users/b"}),
    ] {
        let answer = edit(change).await.ok();
        assert_eq!(answer["failed"][0]["code"], "outside_prefix", "{answer}");
        let told = answer["failed"][0]["error"].as_str().unwrap();
        assert!(told.contains(own), "{told}");
    }
    let inside = edit(json!({"public_id": format!("{own}/me"), "tags": ["me"]}));
    assert_eq!(inside.await.ok()["failed"], json!([]));
    world.settle().await;
}

async fn uploads_of_every_kind_stay_inside(world: &World, own: &str) {
    let rules = world
        .call(Method::GET, UPLOAD, Some(&world.user), None)
        .await;
    let prefix = &rules.ok()["limits"]["public_id_prefix"];
    assert_eq!(*prefix, format!("{own}/"), "by default");
    for (public_id, folder) in [("logo", own), (&format!("{own}/logo"), "brand")] {
        let sign = json!({"paramsToSign": {"public_id": public_id, "folder": folder}});
        let signed = world.call(Method::POST, UPLOAD, Some(&world.user), Some(sign));
        let fields = [("public_id", public_id), ("folder", folder)];
        let posted = post(world, &world.user, &fields);
        for refused in [signed.await, posted.await] {
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
            assert_eq!(refused.body["code"], "outside_prefix");
        }
    }
    let chosen = post(world, &world.user, &[]).await;
    let chosen = chosen.body_with(StatusCode::CREATED);
    assert_eq!(
        chosen["item"]["folder"], own,
        "the folder that was left out"
    );
}

async fn an_editor_is_bound_by_no_prefix(world: &World) {
    let claims = TokenClaims::with_role("editor@example.com", "editor");
    let editor = world.stack.token(&claims);
    let uploaded = post(world, &editor, &[("public_id", "brand/logo")]).await;
    uploaded.assert_status(StatusCode::CREATED);
    let asset = world.mirrored("shop/mug", 3).await;
    let edit = json!({"asset_id": id_of(&asset), "public_id": "sale/mug", "folder": "sale"});
    let edited = world.call(Method::PATCH, MEDIA, Some(&editor), Some(edit));
    assert_eq!(edited.await.ok()["updated"], json!(["sale/mug"]));
    let audit = world.call(Method::GET, "/api/cloudinary/audit", Some(&editor), None);
    audit.await.assert_status(StatusCode::FORBIDDEN);
    world.settle().await;
}

async fn a_reader_is_told_so(world: &World) {
    let claims = TokenClaims::with_role("reader@example.com", "reader");
    let reader = world.stack.token(&claims);
    let list = world.call(Method::GET, MEDIA, Some(&reader), None).await;
    list.assert_status(StatusCode::OK);
    let edit = json!({"asset_id": "0".repeat(32), "tags": []});
    let sign = json!({"paramsToSign": {}});
    let ids = json!({"asset_ids": ["0".repeat(32)]});
    let restore = "/api/cloudinary/media/restore";
    for (method, path, body) in [
        (Method::PATCH, MEDIA, edit),
        (Method::DELETE, MEDIA, ids.clone()),
        (Method::POST, restore, ids),
        (Method::POST, UPLOAD, sign),
    ] {
        let refused = world.call(method, path, Some(&reader), Some(body)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert_eq!(refused.body["code"], "forbidden", "{path}");
        let told = refused.body["detail"].as_str().unwrap();
        assert!(told.contains("reader"), "{told}");
    }
}

/// Posts a picture with these fields.
async fn post(world: &World, token: &str, fields: &[(&'static str, &str)]) -> HttpAnswer {
    let form = fields.iter().fold(Form::new(), |form, (name, value)| {
        form.text(*name, (*value).to_owned())
    });
    let part = Part::bytes(picture(7)).file_name("picture.gif");
    let http = media_sync::config::http_client().unwrap();
    let url = format!("{}{UPLOAD}", world.stack.front_door_url());
    let request = http.post(url).bearer_auth(token);
    HttpAnswer::read(request.multipart(form.part("file", part))).await
}
