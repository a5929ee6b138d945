//! Requests about one asset: the address names it, and the status tells its outcome.

use end_to_end::{HttpAnswer, World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{MEDIA, settled};

const UNKNOWN: &str = "00000000000000000000000000000007";

/// A mug of the user, and a jug of nobody that a page shows.
pub(super) struct Desk<'a> {
    world: &'a World,
    mug: CloudinaryResource,
    jug: CloudinaryResource,
}

impl<'a> Desk<'a> {
    pub(super) async fn open(world: &'a World) -> Self {
        let mug = world.mirrored("desk/mug", 1).await;
        let jug = world.mirrored("desk/jug", 2).await;
        world.give(&mug, &world.user_id).await;
        let refer = "insert into public.media_usage (asset_id, usage_type, table_name, record_id)
            select id, 'hero', 'pages', '1' from public.media_assets where cloudinary_public_id = 'desk/jug' returning id";
        world.rows(refer, &[]).await;
        Self { world, mug, jug }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> HttpAnswer {
        self.world
            .call(method, &format!("{MEDIA}/{path}"), Some(token), body)
            .await
    }

    async fn edit(&self, id: &str, token: &str, body: Value) -> HttpAnswer {
        self.ask(Method::PATCH, id, token, Some(body)).await
    }

    /// The tag of the mug's state, as a reader is told it.
    async fn state(&self) -> String {
        let told = self
            .ask(
                Method::GET,
                id_of(&self.mug).as_str(),
                &self.world.user,
                None,
            )
            .await;
        let header = told.headers["etag"].to_str().expect("text").to_owned();
        assert_eq!(
            header,
            format!("\"{}\"", told.body["etag"].as_str().expect("a tag"))
        );
        header
    }

    pub(super) async fn an_edit_answers_the_row(&self) {
        let (id, user) = (id_of(&self.mug).as_str(), &self.world.user);
        let before = self.state().await;
        let answer = self.edit(id, user, json!({"add_tags": ["sale"]})).await;
        answer.assert_status(StatusCode::ACCEPTED);
        assert_eq!(answer.body["asset"]["tags"], json!(["sale"]));
        assert_eq!(answer.body["asset"]["sync_status"], "pending");
        assert_eq!(
            answer.body["message"],
            "1 updated here; Cloudinary follows."
        );
        let after = answer.headers["etag"].to_str().expect("text").to_owned();
        assert_ne!(after, before);
        settled(self.world, "Cloudinary has the tag", &self.mug, true).await;
        assert_eq!(self.state().await, after, "what workers note is no change");

        let row = self.world.row_of(&self.mug).await["id"].clone();
        let row = row.as_str().expect("a UUID");
        let answer = self
            .edit(row, user, json!({"description": "Only here"}))
            .await;
        answer.assert_status(StatusCode::OK);
        assert_eq!(answer.body["asset"]["description"], "Only here");
    }

    pub(super) async fn what_has_changed_since_is_left_alone(&self) {
        let (world, user) = (self.world, &self.world.user);
        let path = format!("{MEDIA}/{}", id_of(&self.mug));
        let edit = Some(json!({"display_name": "Mine"}));
        let stale = self.state().await;
        let answer = world
            .call_if(&stale, Method::PATCH, &path, user, edit.clone())
            .await;
        answer.assert_status(StatusCode::ACCEPTED);
        for (method, body) in [(Method::PATCH, edit.clone()), (Method::DELETE, None)] {
            let answer = world.call_if(&stale, method, &path, user, body).await;
            answer.assert_refused(StatusCode::PRECONDITION_FAILED, "precondition_failed");
            assert_eq!(
                self.state().await,
                format!("\"{}\"", answer.body["etag"].as_str().expect("a tag"))
            );
        }
        let either = format!("{stale}, {}", self.state().await);
        let answer = world
            .call_if(&either, Method::PATCH, &path, user, edit.clone())
            .await;
        assert!(answer.status.is_success(), "{}", answer.body);
        let answer = world
            .call_if("stale", Method::PATCH, &path, user, edit.clone())
            .await;
        answer.assert_refused(StatusCode::BAD_REQUEST, "invalid_parameter");

        let many = Some(json!({"asset_id": id_of(&self.mug), "tags": ["never"]}));
        let answer = world.call_if("*", Method::PATCH, MEDIA, user, many).await;
        answer.assert_refused(StatusCode::BAD_REQUEST, "invalid_parameter");
        let stale = stale.trim_matches('"');
        let item = json!({"asset_id": id_of(&self.mug), "if_match": stale, "tags": ["never"]});
        let answer = world
            .call(Method::PATCH, MEDIA, Some(user.as_str()), Some(item))
            .await
            .ok();
        assert_eq!(
            answer["failed"][0]["code"], "precondition_failed",
            "{answer}"
        );
    }

    pub(super) async fn a_refusal_has_a_status_of_its_own(&self) {
        let (user, admin) = (&self.world.user, &self.world.admin);
        let (mug, jug) = (id_of(&self.mug).as_str(), id_of(&self.jug).as_str());
        let tags = || json!({"tags": ["never"]});
        for (id, token, body, status, code) in [
            (UNKNOWN, admin, tags(), 404, "not_found"),
            (
                "00000000-0000-4000-8000-000000000007",
                admin,
                tags(),
                404,
                "not_found",
            ),
            ("mug", admin, tags(), 400, "invalid_parameter"),
            (jug, user, tags(), 403, "forbidden"),
            (
                mug,
                user,
                json!({"folder": "elsewhere"}),
                403,
                "outside_prefix",
            ),
            (
                mug,
                admin,
                json!({"public_id": "desk/jug"}),
                409,
                "name_taken",
            ),
            (
                mug,
                admin,
                json!({"context": {"media_sync_upload": "x"}}),
                422,
                "invalid",
            ),
        ] {
            let answer = self.edit(id, token, body).await;
            answer.assert_refused(StatusCode::from_u16(status).expect("a status"), code);
        }
        let answer = self
            .ask(Method::POST, &format!("{mug}/restore"), user, None)
            .await;
        answer.assert_refused(StatusCode::CONFLICT, "not_deleted");
        assert_eq!(answer.body["public_id"], "desk/mug");
        let answer = self.ask(Method::DELETE, jug, admin, None).await;
        answer.assert_refused(StatusCode::CONFLICT, "in_use");
        assert_eq!(answer.body["reference_count"], 1);
        assert_eq!(
            self.world.row_of(&self.jug).await["deleted_at"],
            Value::Null
        );
    }

    pub(super) async fn a_delete_and_its_undoing_answer_so_too(&self) {
        let admin = &self.world.admin;
        let jug = id_of(&self.jug).as_str();
        let answer = self
            .ask(Method::DELETE, &format!("{jug}?force=true"), admin, None)
            .await;
        answer.assert_status(StatusCode::ACCEPTED);
        assert!(
            answer.body["asset"]["deleted_at"].is_string(),
            "{}",
            answer.body
        );
        let answer = self.ask(Method::DELETE, jug, admin, None).await;
        answer.assert_refused(StatusCode::CONFLICT, "deleted");
        settled(self.world, "Cloudinary has deleted it", &self.jug, false).await;
        let answer = self
            .ask(
                Method::POST,
                &format!("{jug}/restore"),
                admin,
                Some(json!({})),
            )
            .await;
        answer.assert_status(StatusCode::ACCEPTED);
        assert_eq!(answer.body["asset"]["deleted_at"], Value::Null);
        settled(self.world, "it is back", &self.jug, true).await;
    }

    pub(super) async fn what_has_no_route_is_told_the_routes(&self) {
        let answer = self
            .world
            .call(Method::GET, "/api/cloudinary/medias", None, None)
            .await;
        answer.assert_refused(StatusCode::NOT_FOUND, "not_found");
        let routes = answer.body["routes"].as_array().expect("a list");
        assert!(routes.contains(&json!("PATCH /api/cloudinary/media/{asset_id}")));
        let answer = self.world.call(Method::PUT, MEDIA, None, None).await;
        answer.assert_refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "DELETE, GET, PATCH");
        let answer = self.ask(Method::GET, "", &self.world.user, None).await;
        answer.assert_refused(StatusCode::NOT_FOUND, "not_found");
        let detail = answer.body["detail"].as_str().expect("a sentence");
        assert!(detail.contains("slash"), "{detail}");
    }
}
