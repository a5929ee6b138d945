//! The console in a real browser: what people do there, texts of strangers, and pictures of each page.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use end_to_end::{
    CloudinaryAccount, DataApiCaller, World, add_person, database, eventually, id_of, now,
};
use local_stack::StackOptions;
use media_sync::cloudinary::upload::UploadOptions;
use media_sync::queue::{NotificationMessage, RawBody, encode};
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const STORIES: [&str; 13] = [
    "stories.mjs",
    "browser.mjs",
    "states.mjs",
    "work.mjs",
    "large.mjs",
    "asset.mjs",
    "care.mjs",
    "live.mjs",
    "menus.mjs",
    "sign-in.mjs",
    "collections.mjs",
    "events.mjs",
    "gallery.mjs",
];

const PASSWORD: &str = "a long enough password";

#[tokio::test]
async fn every_page_looks_right_in_every_state() {
    let world = with_something_to_look_at().await;
    play(&world, "looks").await;
    world.stack.stop().await;
}

#[tokio::test]
async fn people_do_their_work_and_both_sides_end_equal() {
    let world = with_something_to_look_at().await;
    play(&world, "work").await;
    // All stories together end with both sides equal, one by itself need not.
    if std::env::var_os("STORY").is_none() {
        // What the stories have had tried again is sent by the minute's drain.
        world.drain().await;
        world.settle().await;
        world.assert_mirrored().await;
    }
    world.stack.stop().await;
}

/// The rows alone: the page draws what the database tells, and no picture comes.
#[tokio::test]
async fn a_library_of_a_hundred_thousand_assets_scrolls() {
    let world = World::start().await;
    add_people(&world).await;
    let many = "insert into public.media_assets (
            cloudinary_asset_id, cloudinary_public_id, resource_type, format, display_name, folder, file_size, tags,
            cloudinary_created_at, created_at
        )
        select md5(n::text), 'many/' || n, 'image', 'jpg', 'Library asset ' || n, 'many/' || n % 100, n, array['many'],
            moment, moment
        from generate_series(1, 100000) n, lateral (select now() - interval '1 day' + n * interval '1 ms') at (moment);
        analyze public.media_assets";
    let client = database::connect(world.stack.database_url()).await;
    client.batch_execute(many).await.unwrap();
    play(&world, "large").await;
    world.stack.stop().await;
}

async fn with_something_to_look_at() -> World {
    let world = World::start_with(StackOptions {
        other_sign_in: true,
        ..StackOptions::default()
    })
    .await;
    fill(&world.cloud).await;
    let run = world.sync(json!({})).await;
    assert_eq!(run.status, StatusCode::OK, "{}", run.body);
    add_people(&world).await;
    one_is_used(&world).await;
    some_get_lost(&world).await;
    some_go(&world).await;
    one_is_erased(&world).await;
    some_fail(&world).await;
    one_cannot_be_read(&world).await;
    one_is_given_up(&world).await;
    world
}

async fn add_people(world: &World) {
    for (email, role) in [
        ("admin@example.com", Some("admin")),
        ("editor@example.com", Some("editor")),
        ("reader@example.com", Some("reader")),
        ("user@example.com", None),
    ] {
        let role = json!({ "role": role });
        let person = json!({"email": email, "password": PASSWORD, "app_metadata": role});
        add_person(&world.stack, person).await;
    }
}

/// A library like a shop's, and an asset whose texts would act if a page let them.
async fn fill(cloud: &CloudinaryAccount) {
    for (count, folder) in [
        (90, "products/mugs"),
        (40, "campaigns/summer"),
        (30, "archive/lost"),
        (30, "archive/held"),
    ] {
        cloud.seed_folder(count, folder).await;
    }
    cloud.seed(6, &["video", "raw"], "brand_").await;
    let hostile = UploadOptions {
        display_name: Some("<img src=x onerror=alert(1)> \u{202e}gpj.exe".to_owned()),
        tags: vec![
            "<script>alert(2)</script>".to_owned(),
            "javascript:alert(3)".to_owned(),
        ],
        ..UploadOptions::default()
    };
    let name = "javascript:alert(4)";
    cloud.upload_with(name, 9, hostile).await;
    let context = [
        ("alt", "<svg onload=alert(5)>"),
        ("caption", "\"><img src=x onerror=alert(6)>"),
    ];
    cloud.merge_context(name, &context).await;
}

/// The asset with the hostile texts is a page's cover, and in a collection.
async fn one_is_used(world: &World) {
    let id = "select id::text from public.media_assets where cloudinary_public_id = 'javascript:alert(4)'";
    let asset = world.value(id).await;
    let service = DataApiCaller::service(&world.stack);
    let used = json!({
        "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "<b>42</b>", "p_assets": [asset],
    });
    service.rpc("media_usage_record", &used).await.ok();
    let owner = DataApiCaller::with_token(&world.stack, world.admin.clone());
    let summer = json!({"name": "<i>Summer</i> صيف", "is_public": true});
    let answer = [("prefer", "return=representation")];
    let made = owner.call(Method::POST, "/media_collections", &answer, Some(&summer));
    let collection = made.await.body[0]["id"].clone();
    let added = json!({"p_collection": collection, "p_assets": [asset]});
    owner.rpc("media_collection_add", &added).await.ok();
}

/// Most of a folder goes in Cloudinary, and no notification tells of it.
async fn some_get_lost(world: &World) {
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let lost = "select cloudinary_asset_id as id from public.media_assets where folder = 'archive/lost' limit 28";
    for row in world.rows(lost, &[]).await {
        world.cloud.destroy_id(row["id"].as_str().unwrap()).await;
    }
    world.cloud.quiet().await;
    world.cloud.chaos(json!({"drop": 0.0})).await;
}

/// Assets for the trash: a person has deleted one, and somebody in Cloudinary another.
async fn some_go(world: &World) {
    let here = world
        .mirrored(
            "old/a-long-name-of-a-picture-that-nobody-needs-any-more",
            11,
        )
        .await;
    let there = world.mirrored("old/صورة قديمة", 12).await;
    let path = format!("/api/cloudinary/media?asset_ids={}", id_of(&here));
    let admin = Some(world.admin.as_str());
    world.call(Method::DELETE, &path, admin, None).await.ok();
    world.cloud.destroy(&there).await;
    for asset in [&here, &there] {
        let is_gone = |row: &Value| row["deleted_at"].is_string() && row["sync_status"] == "synced";
        world.row_becomes("it is gone", asset, is_gone).await;
    }
}

/// An asset that was deleted, and forgotten an hour later.
async fn one_is_erased(world: &World) {
    let asset = world.mirrored("old/forgotten", 15).await;
    world.cloud.destroy(&asset).await;
    let is_gone = |row: &Value| row["deleted_at"].is_string() && row["sync_status"] == "synced";
    world.row_becomes("it is gone", &asset, is_gone).await;
    let client = database::connect(world.stack.database_url()).await;
    let id = id_of(&asset);
    let an_hour_passes = format!(
        "begin; set local media_sync.observing = 'on';
         update public.media_assets set deleted_at = now() - interval '2 hours'
         where cloudinary_asset_id = '{id}'; commit"
    );
    client.batch_execute(&an_hour_passes).await.unwrap();
    let admin = DataApiCaller::with_token(&world.stack, world.admin.clone());
    let which = json!({ "p_asset": id });
    admin.rpc("media_sync_forget", &which).await.ok();
}

/// Cloudinary refuses two renames, until a story says otherwise.
async fn some_fail(world: &World) {
    let words = json!({ "error": { "message": "not <b>now</b>" } });
    let refusal = json!({ "operation": "rename", "status": 400, "body": words });
    world.cloud.fault(refusal).await;
    for (name, colour) in [("refused-1", 13), ("refused-2", 14)] {
        let asset = world.mirrored(name, colour).await;
        let edit = json!({ "cloudinary_public_id": format!("renamed/{name}") });
        world.edit(&asset, &world.admin, edit).await;
        let fails = |row: &Value| row["sync_status"] == "error";
        world.drain().await;
        world.row_becomes("it is refused", &asset, fails).await;
    }
}

/// A notification that is no JSON, and one that a stranger has signed.
async fn one_cannot_be_read(world: &World) {
    let body = "{<b>half a notification</b>";
    world.notify(body, &world.sign(body, now())).await;
    let strange = World::sign_with("guessed", "{}", now());
    world.notify("{}", &strange).await;
    eventually("it is parked", async || {
        let parked = "select digest from public.media_notifications where verdict = 'parked'";
        !world.rows(parked, &[]).await.is_empty()
    })
    .await;
}

/// A notification that came twice, and failed the second time until it was given up.
async fn one_is_given_up(world: &World) {
    let told = "select to_jsonb(body) from media_notifications where verdict = 'applied' limit 1";
    let body = world.value(told).await.as_str().unwrap().to_owned();
    let now = Timestamp::now();
    let message = encode(&NotificationMessage {
        received_at: now,
        signature_timestamp: now,
        replayed: false,
        algorithm: None,
        body: RawBody::new(body.into_bytes()),
    });
    let queue = "NotificationDeadLetterQueue";
    let sent = world.stack.send_message(queue, &message).await;
    sent.unwrap();
}

/// Runs a book of stories with node; the browser comes from npm.
async fn play(world: &World, book: &'static str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let modules = root.join(".tools/node/node_modules");
    assert!(
        modules.join("@sparticuz/chromium").exists(),
        "the browser is missing: run `make setup`"
    );
    let folder = world.stack.logs().join("console");
    std::fs::create_dir(&folder).unwrap();
    symlink(modules.canonicalize().unwrap(), folder.join("node_modules")).unwrap();
    for name in STORIES {
        let program = root.join("tests/flows/console").join(name);
        std::fs::copy(program, folder.join(name)).unwrap();
    }
    let pictures = root.join("target/console-pictures");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut command = Command::new("node");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        // The browser is unpacked there, and it keeps a profile.
        .env("TMPDIR", &folder)
        .env("HOME", &folder)
        .env(
            "CONSOLE",
            format!("{}/console", world.stack.front_door_url()),
        )
        .env("PASSWORD", PASSWORD)
        .env("CONTROL", world.stack.cloudinary_control().unwrap())
        .env(
            "MAILS",
            format!("{}/_control/mails", world.stack.supabase_url()),
        )
        .env("PICTURES", &pictures)
        .env("BOOK", book)
        .env("STORY", std::env::var_os("STORY").unwrap_or_default())
        .env("DEPTH", std::env::var_os("DEPTH").unwrap_or_default())
        .current_dir(&folder)
        .arg("stories.mjs");
    // The front door runs in this process meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let told = [output.stdout, output.stderr].concat();
    std::fs::write(pictures.join(format!("{book}.txt")), &told).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&told)
    );
    if book == "looks" {
        renew_documentation(&root, &pictures);
    }
}

/// Pictures that the README and the guides show.
const SHOWN: [&str; 5] = [
    "library-wide-light.png",
    "library-wide-dark.png",
    "asset-wide-light.png",
    "issues-wide-light.png",
    "sync-wide-light.png",
];

/// Only `make pictures` renews the pictures of the documentation.
fn renew_documentation(root: &Path, pictures: &Path) {
    if std::env::var_os("UPDATE_PICTURES").is_none() {
        return;
    }
    for picture in SHOWN {
        let kept = root.join("docs/pictures").join(picture);
        std::fs::copy(pictures.join(picture), kept).unwrap();
    }
}
