//! Every way in which a name or a folder is given, in the database.

use serde_json::{Value, json};

use super::{Boundary, FOREIGN, OUTSIDE, OWN, asset_id, outcome, patch, request};
use end_to_end::DataApiCaller;

#[tokio::test]
async fn nobody_names_an_asset_outside_the_prefix_whichever_way_it_is_tried() {
    let boundary = Boundary::draw(None).await;
    for (column, field, value) in outside(&boundary.own) {
        let user = boundary.as_user();
        let before = boundary.place(OWN).await;
        let answer = patch(&boundary, &user, OWN, json!({column: value})).await;
        assert_eq!(answer.status, 403, "{column} {value}: {}", answer.body);
        let code = request(&boundary, &user, OWN, json!({field: value})).await;
        assert_eq!(code, "outside_prefix", "{field} {value}");
        let sql = as_authenticated(
            &boundary,
            &format!(
                "update public.media_assets set {column} = '{value}' where cloudinary_asset_id = md5('{OWN}')"
            ),
        );
        assert_eq!(boundary.sql(&sql).await, Err("PT403".to_owned()), "{value}");
        assert_eq!(boundary.place(OWN).await, before);
    }
    a_batch_does_what_is_inside(&boundary).await;
    nothing_is_restored_under_a_name_outside(&boundary).await;
    boundary.stack.stop().await;
}

/// Names and folders that look like the prefix, or lead out of it.
fn outside(own: &str) -> Vec<(&'static str, &'static str, String)> {
    let names = [
        "logo".to_owned(),
        "users/b/avatar".to_owned(),
        "users".to_owned(),
        own.to_owned(),
        format!("{own}x/mug"),
        format!("{own}\u{2215}mug"),
        format!("x/{own}/mug"),
        own.to_uppercase() + "/mug",
    ];
    let folders = [
        String::new(),
        "users/b".to_owned(),
        "users".to_owned(),
        format!("{own}x"),
        format!("{own}\u{ff0f}shop"),
    ];
    let names = names.map(|name| ("cloudinary_public_id", "public_id", name));
    let folders = folders.map(|folder| ("folder", "folder", folder));
    names.into_iter().chain(folders).collect()
}

/// A statement as PostgREST would run it for the user.
fn as_authenticated(boundary: &Boundary, statement: &str) -> String {
    let claims = json!({"sub": boundary.user.sub, "role": "authenticated"});
    format!(
        "begin; select set_config('request.jwt.claims', '{claims}', true); set local role authenticated; {statement}; commit"
    )
}

async fn a_batch_does_what_is_inside(boundary: &Boundary) {
    let items = json!([
        {"asset_id": asset_id(boundary, OWN).await, "public_id": "users/b/avatar", "tags": ["lost"]},
        {"asset_id": asset_id(boundary, OUTSIDE).await, "tags": ["kept"]},
    ]);
    let items = json!({"p_items": items});
    let answer = boundary.as_user().rpc("media_request_edit", &items).await;
    let answer = answer.body;
    assert_eq!(answer["failed"][0]["code"], "outside_prefix", "{answer}");
    assert_eq!(answer["failed"].as_array().unwrap().len(), 1);
    assert_eq!(answer["done"][0]["public_id"], "shop/cup", "{answer}");
}

async fn nothing_is_restored_under_a_name_outside(boundary: &Boundary) {
    let user = boundary.as_user();
    let deleted = patch(boundary, &user, OWN, json!({"deleted_at": "2026-01-01"})).await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    let both = json!({"deleted_at": null, "cloudinary_public_id": "users/b/avatar"});
    let refused = patch(boundary, &user, OWN, both).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let inside =
        json!({"deleted_at": null, "cloudinary_public_id": format!("{}/cup", boundary.own)});
    let restored = patch(boundary, &user, OWN, inside).await;
    assert_eq!(restored.status, 200, "{}", restored.body);
}

#[tokio::test]
async fn an_owner_keeps_a_name_outside_and_may_move_it_in() {
    let boundary = Boundary::draw(None).await;
    let user = boundary.as_user();
    let edit = |which, edit: Value| request(&boundary, &user, which, edit);
    assert_eq!(edit(OUTSIDE, json!({"tags": ["sale"]})).await, "done");
    assert_eq!(
        edit(OUTSIDE, json!({"public_id": "shop/cup"})).await,
        "done"
    );
    let deleted = patch(
        &boundary,
        &user,
        OUTSIDE,
        json!({"deleted_at": "2026-01-01"}),
    )
    .await;
    assert_eq!(deleted.status, 200);
    let item = json!({"p_items": [{"asset_id": asset_id(&boundary, OUTSIDE).await}]});
    let restored = user.rpc("media_request_restore", &item).await;
    assert_eq!(outcome(&restored), "done", "{}", restored.body);

    assert_eq!(
        edit(OUTSIDE, json!({"public_id": "shop/bowl"})).await,
        "outside_prefix"
    );
    assert_eq!(
        edit(OUTSIDE, json!({"folder": "sale"})).await,
        "outside_prefix"
    );
    let inside = json!({"public_id": format!("{}/a/cup", boundary.own), "folder": format!("/{}/a/", boundary.own)});
    assert_eq!(edit(OUTSIDE, inside).await, "done");
    assert_eq!(edit(OUTSIDE, json!({"folder": boundary.own})).await, "done");
    assert_eq!(
        edit(OUTSIDE, json!({"folder": "shop"})).await,
        "outside_prefix",
        "no way back"
    );
    boundary.stack.stop().await;
}

#[tokio::test]
async fn editors_administrators_and_servers_name_assets_anywhere_and_users_only_where_it_is_asked_for()
 {
    let boundary = Boundary::draw(None).await;
    for (role, name) in [("editor", "shop/pot"), ("admin", "shop/jug")] {
        let caller = boundary.with_role(role);
        let code = request(&boundary, &caller, FOREIGN, json!({"public_id": name})).await;
        assert_eq!(code, "done", "{role}");
    }
    // Any other word is none of these roles.
    for caller in [boundary.as_user(), boundary.with_role("superuser")] {
        let code = request(&boundary, &caller, FOREIGN, json!({"tags": ["x"]})).await;
        assert_eq!(code, "forbidden");
    }
    let by_server = format!(
        "update public.media_assets set folder = '' where cloudinary_asset_id = md5('{FOREIGN}')"
    );
    assert_eq!(boundary.sql(&by_server).await, Ok(()));
    uploads_are_held_to_it(&boundary).await;
    boundary.stack.stop().await;

    let open = Boundary::draw(Some(json!({"prefix": ""}))).await;
    let edit = json!({"public_id": "logo", "folder": ""});
    assert_eq!(request(&open, &open.as_user(), OWN, edit).await, "done");
    open.stack.stop().await;
}

/// The functions record an upload in its uploader's name before they sign or send it.
async fn uploads_are_held_to_it(boundary: &Boundary) {
    let begin = async |role: &str, public_id: &str, folder: &str, row: Value| {
        let upload = json!({
            "row": row,
            "id": uuid::Uuid::new_v4(), "kind": "signed", "uploader": boundary.user.sub, "role": role,
            "public_id": public_id, "folder": folder, "overwrite": false, "since_version": 1, "until_version": 2,
            "open_seconds": 60, "most_open": 100,
        });
        let service = DataApiCaller::service(&boundary.stack);
        let answer = service
            .rpc("media_sync_begin_upload", &json!({"p_upload": upload}))
            .await;
        let words = [&answer.body["outcome"], &answer.body["code"]];
        let word = words.iter().find_map(|word| word.as_str());
        word.unwrap_or_default().to_owned()
    };
    let own = &boundary.own;
    for (role, public_id, folder, outcome) in [
        ("user", "logo", own.as_str(), "outside_prefix"),
        ("user", &format!("{own}/logo"), "", "outside_prefix"),
        ("user", &format!("{own}/logo"), own, "begun"),
        ("editor", "logo", "", "begun"),
        ("admin", "icon", "", "begun"),
        ("reader", &format!("{own}/icon"), own, "PT403"),
    ] {
        assert_eq!(
            begin(role, public_id, folder, Value::Null).await,
            outcome,
            "{role} {public_id} {folder:?}"
        );
    }
    let name = format!("{own}/file");
    let row = json!({"folder": "brand"});
    assert_eq!(begin("user", &name, own, row).await, "outside_prefix");
}
