//! The traffic meanwhile: people list and edit, Cloudinary changes, and somebody forges notifications.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use end_to_end::{CloudinaryAccount, World, eventually, now};
use futures::future::join_all;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// As many assets as a listing needs to have pages.
const ASSETS: usize = 4;

/// Traffic of all kinds, its outcomes, and its faults.
pub(super) struct Traffic {
    cloud: Mutex<CloudinaryAccount>,
    assets: Vec<CloudinaryResource>,
    first_secret: String,
    has_ended: AtomicBool,
    pages: AtomicU64,
    edits: AtomicU64,
    changes: AtomicU64,
    forgeries: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Traffic {
    pub(super) async fn begin(world: &World) -> Self {
        let mut assets = Vec::new();
        for number in 0..ASSETS {
            let name = format!("rotation/{number}");
            assets.push(world.cloud.upload(&name, 1).await);
        }
        for asset in &assets {
            world
                .row_becomes("the upload arrives", asset, |_| true)
                .await;
        }
        let url = world.stack.cloudinary_url().unwrap();
        Self {
            cloud: Mutex::new(world.cloud.clone()),
            assets,
            first_secret: url.split(['@', ':']).nth(2).unwrap().to_owned(),
            has_ended: AtomicBool::new(false),
            pages: AtomicU64::new(0),
            edits: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            forgeries: AtomicU64::new(0),
            wrong: Mutex::default(),
        }
    }

    /// The secret that Cloudinary's account began with.
    pub(super) fn first_secret(&self) -> &str {
        &self.first_secret
    }

    /// People use Cloudinary with another key from now on.
    pub(super) fn use_cloud(&self, cloud: CloudinaryAccount) {
        *self.cloud.lock().unwrap() = cloud;
    }

    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
    }

    /// Waits until people's doings have been done twice more, since one that began before may have ended only now.
    /// Waits also for another forgery, which is made to wait.
    pub(super) async fn goes_on(&self) {
        let counts = || {
            [&self.pages, &self.edits, &self.changes, &self.forgeries]
                .map(|count| count.load(Ordering::SeqCst))
        };
        let before = counts();
        eventually("traffic goes on", async || {
            let pairs = std::iter::zip(before, counts());
            let more = std::iter::zip([2, 2, 2, 1], pairs);
            more.into_iter()
                .all(|(more, (before, after))| after >= before + more)
        })
        .await;
    }

    pub(super) async fn run(&self, world: &World) {
        tokio::join!(
            self.repeat(&self.pages, || self.list(world)),
            self.repeat(&self.edits, || self.edit(world)),
            self.repeat(&self.changes, || self.change()),
            self.repeat(&self.forgeries, || self.forge(world)),
        );
    }

    pub(super) fn assert_nothing_went_wrong(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    async fn repeat<F: Future<Output = ()>>(&self, count: &AtomicU64, act: impl Fn() -> F) {
        while !self.has_ended.load(Ordering::SeqCst) {
            act().await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Two pages: the second by the cursor of the first, which an older key may have sealed.
    async fn list(&self, world: &World) {
        let first = world.get("/api/cloudinary/media?limit=2").await;
        self.expect(StatusCode::OK, first.status, &first.body);
        let cursor = first.body["pagination"]["next_cursor"].as_str();
        let Some(cursor) = cursor else { return };
        let path = format!("/api/cloudinary/media?limit=2&cursor={cursor}");
        let second = world.get(&path).await;
        self.expect(StatusCode::OK, second.status, &second.body);
    }

    async fn edit(&self, world: &World) {
        let count = self.edits.load(Ordering::SeqCst);
        let id = self.assets[0].asset_id.as_ref().unwrap();
        let body = json!({"asset_id": id, "tags": [format!("edit-{count}")]});
        let admin = Some(world.admin.as_str());
        let path = "/api/cloudinary/media";
        let answer = world.call(Method::PATCH, path, admin, Some(body)).await;
        self.expect(StatusCode::OK, answer.status, &answer.body);
    }

    /// Several at once, so that several copies of the webhook are at work; and no more before these have been told.
    /// Otherwise minutes of notifications would gather, and the end of the test would wait for them.
    async fn change(&self) {
        let count = self.changes.load(Ordering::SeqCst);
        let cloud = self.cloud.lock().unwrap().clone();
        let (cloud, tag) = (&cloud, &format!("change-{count}"));
        let changed = (1..ASSETS).map(|number| async move {
            cloud.add_tag(&format!("rotation/{number}"), tag).await;
        });
        join_all(changed).await;
        cloud.quiet().await;
    }

    async fn forge(&self, world: &World) {
        let count = self.forgeries.load(Ordering::SeqCst);
        let body = json!({"notification_type": "upload", "public_id": count}).to_string();
        let headers = World::sign_with("forged", &body, now());
        let answer = world.notify(body, &headers).await;
        self.expect(StatusCode::UNAUTHORIZED, answer.status, &answer.body);
    }

    fn expect(&self, expected: StatusCode, status: StatusCode, body: &Value) {
        // The emulator, not a function, has closed a connection that was to be used again.
        let is_emulators = body
            .as_str()
            .is_some_and(|text| text.contains("AWS emulator"));
        if status != expected && !is_emulators {
            let mut wrong = self.wrong.lock().unwrap();
            wrong.push(format!("{status} instead of {expected}: {body}"));
        }
    }
}
