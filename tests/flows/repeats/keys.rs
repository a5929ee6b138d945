//! Idempotency keys: one effect for each, and an end.

use end_to_end::{HttpAnswer, World, id_of};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{MEDIA, RESTORE, transaction, upload};

/// A stack with two assets.
pub(super) struct Shop<'a> {
    pub(super) world: &'a World,
    pub(super) mug: CloudinaryResource,
    pub(super) cup: CloudinaryResource,
}

pub(super) fn is_replay(answer: &HttpAnswer) -> bool {
    answer.headers.contains_key("idempotent-replay")
}

impl<'a> Shop<'a> {
    pub(super) async fn open(world: &'a World) -> Self {
        Self {
            mug: upload(world, "shop/mug", ResourceType::Image, "upload").await,
            cup: upload(world, "shop/cup", ResourceType::Image, "upload").await,
            world,
        }
    }

    /// Gives the mug one tag.
    async fn tag(&self, key: &str, token: &str, tag: &str) -> HttpAnswer {
        let body = json!({"asset_id": id_of(&self.mug), "tags": [tag]});
        self.patch(key, token, body).await
    }

    pub(super) async fn patch(&self, key: &str, token: &str, body: Value) -> HttpAnswer {
        let world = self.world;
        world
            .call_once(key, Method::PATCH, MEDIA, token, body)
            .await
    }

    pub(super) async fn kept_keys(&self) -> u64 {
        let sql = "select count(*) from media_sync.idempotency_keys";
        self.world.count(sql).await
    }

    /// Both the trail and the mug's row count that many edits.
    async fn assert_edits(&self, count: u64) {
        let sql = "select count(*) from public.media_sync_log where operation = 'edit_requested'";
        let told = self.world.count(sql).await;
        let row = self.world.row_of(&self.mug).await;
        assert_eq!((told, &row["intent_revision"]), (count, &json!(count)));
    }

    pub(super) async fn a_repeat_has_the_first_answer(&self) {
        let admin = &self.world.admin;
        let first = self.tag("k-1", admin, "one").await;
        assert_eq!(first.body["updated"], json!(["shop/mug"]), "{}", first.body);
        assert!(!is_replay(&first));
        // A repeat asks for the same, whatever its bytes.
        let id = id_of(&self.mug).as_str().to_uppercase();
        let body = json!({"items": [{"tags": ["one"], "asset_id": id}]});
        let repeat = self.patch("k-1", admin, body).await;
        assert_eq!((repeat.status, &repeat.body), (first.status, &first.body));
        assert!(is_replay(&repeat));
        self.assert_edits(1).await;
    }

    /// The same key for something else, or elsewhere; and of somebody else.
    pub(super) async fn a_key_is_good_for_one_request_of_one_user(&self) {
        let world = self.world;
        let other = self.tag("k-1", &world.admin, "two").await;
        other.assert_refused(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
        for (method, path) in [(Method::DELETE, MEDIA), (Method::POST, RESTORE)] {
            let body = json!({"asset_ids": [id_of(&self.mug)]});
            let elsewhere = world
                .call_once("k-1", method, path, &world.admin, body)
                .await;
            let code = &elsewhere.body["code"];
            assert_eq!(code, "idempotency_key_reused", "{}", elsewhere.body);
        }
        let users = self.tag("k-1", &world.user, "one").await;
        let code = &users.body["failed"][0]["code"];
        assert_eq!(code, "forbidden", "{}", users.body);
        let repeat = self.tag("k-1", &world.user, "one").await;
        assert!(is_replay(&repeat), "{}", repeat.body);
        assert_eq!(repeat.body, users.body);
        self.assert_edits(1).await;
    }

    /// One carries it out, the others have its answer.
    pub(super) async fn of_many_at_once_one_is_carried_out(&self) {
        let calls = (0..6).map(|_| self.tag("k-2", &self.world.admin, "three"));
        let answers = futures::future::join_all(calls).await;
        for answer in &answers {
            assert_eq!(
                (answer.status, &answer.body),
                (StatusCode::OK, &answers[0].body)
            );
        }
        let first = answers.iter().filter(|answer| !is_replay(answer));
        assert_eq!(first.count(), 1);
        self.assert_edits(2).await;
    }

    pub(super) async fn a_long_request_is_not_waited_for(&self) {
        let admin = &self.world.admin;
        let held = transaction(
            self.world,
            "insert into media_sync.idempotency_keys (user_id, key, operation, fingerprint)
             select user_id, 'k-3', operation, fingerprint from media_sync.idempotency_keys where key = 'k-2'",
        )
        .await;
        let busy = self.tag("k-3", admin, "four").await;
        busy.assert_refused(StatusCode::CONFLICT, "request_in_progress");
        assert_eq!(busy.headers["retry-after"], "1");
        drop(held);
        Self::assert_carried_out(&self.tag("k-3", admin, "four").await);
    }

    fn assert_carried_out(answer: &HttpAnswer) {
        let is_first = answer.status == StatusCode::OK && !is_replay(answer);
        assert!(is_first, "{} {}", answer.status, answer.body);
    }

    /// The Data API shows them to no role.
    pub(super) async fn nobody_reads_keys(&self) {
        for function in ["earlier_answer", "request"] {
            let admin = &self.world.admin;
            let answer = self.world.request(function, admin, json!({})).await;
            answer.assert_status(StatusCode::NOT_FOUND);
        }
        let readers =
            "select bool_or(has_table_privilege(r, 'media_sync.idempotency_keys', 'select'))
            from unnest(array['anon', 'authenticated', 'service_role']) r";
        assert_eq!(self.world.value(readers).await, false);
    }

    pub(super) async fn keys_end_after_a_day(&self) {
        let age = "update media_sync.idempotency_keys set created_at = now() - interval '25 hours' returning key";
        assert_eq!(self.world.rows(age, &[]).await.len(), 5);
        Self::assert_carried_out(&self.tag("k-1", &self.world.admin, "five").await);
        let purged = self.world.reconcile(json!({"action": "purge"})).await;
        assert_eq!(purged["idempotency_keys"], 4, "{purged}");
        assert_eq!(self.kept_keys().await, 1);
    }
}
