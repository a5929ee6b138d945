//! The console in a real browser: what people do there, texts of strangers, and pictures of each page.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use end_to_end::{CloudinaryAccount, World};
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};

const STORIES: [&str; 4] = ["stories.mjs", "browser.mjs", "states.mjs", "work.mjs"];

const PASSWORD: &str = "a long enough password";

#[tokio::test]
async fn the_console_does_what_people_ask_of_it() {
    let world = World::start().await;
    fill(&world.cloud).await;
    let run = world.sync(json!({})).await;
    assert_eq!(run.status, StatusCode::OK, "{}", run.body);
    for (email, role) in [
        ("admin@example.com", Some("admin")),
        ("reader@example.com", Some("reader")),
        ("user@example.com", None),
    ] {
        add_person(&world, email, role).await;
    }
    play(&world).await;
    world.settle().await;
    world.stack.stop().await;
}

/// A library like a shop's, and an asset whose texts would act if a page let them.
async fn fill(cloud: &CloudinaryAccount) {
    for (count, folder) in [(90, "products/mugs"), (40, "campaigns/summer")] {
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

async fn add_person(world: &World, email: &str, role: Option<&str>) {
    let url = format!("{}/auth/v1/admin/users", world.stack.supabase_url());
    let mut person = json!({"email": email, "password": PASSWORD, "email_confirm": true});
    if let Some(role) = role {
        person["app_metadata"] = json!({ "role": role });
    }
    let answer: Value = end_to_end::post(&url, world.stack.secret_key(), &person)
        .await
        .ok();
    assert_eq!(answer["email"], email);
}

/// Runs the stories with node; the browser comes from npm.
async fn play(world: &World) {
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
        .env("PICTURES", &pictures)
        .current_dir(&folder)
        .arg("stories.mjs");
    // The front door runs in this process meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&told)
    );
    renew_documentation(&root, &pictures);
}

/// Only `make pictures` renews the picture of the documentation.
fn renew_documentation(root: &Path, pictures: &Path) {
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        let picture = "library-wide-light.png";
        let kept = root.join("docs/pictures").join(picture);
        std::fs::copy(pictures.join(picture), kept).unwrap();
    }
}
