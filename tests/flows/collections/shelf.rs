//! A collection of many assets, its owner, and others.

use end_to_end::{DataApiCaller, HttpAnswer, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::add_assets;

/// All functions that change a collection.
const CHANGES: [&str; 3] = [
    "media_collection_add",
    "media_collection_remove",
    "media_collection_reorder",
];

/// A private collection, still empty, and the assets for it.
pub(super) struct Shelf {
    pub(super) stack: LocalStack,
    pub(super) client: Client,
    pub(super) assets: Vec<String>,
    pub(super) collection: String,
    pub(super) user: DataApiCaller,
    pub(super) user_id: uuid::Uuid,
    admin: DataApiCaller,
    other: DataApiCaller,
    other_id: uuid::Uuid,
}

impl Shelf {
    pub(super) async fn start() -> Self {
        let stack = LocalStack::start(StackOptions::database_only())
            .await
            .unwrap();
        let (owner, other) = (
            TokenClaims::user("user@example.com"),
            TokenClaims::user("o@x.org"),
        );
        let names: Vec<String> = (0..24).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let user = DataApiCaller::user(&stack, &owner);
        Self {
            client: database::connect(stack.database_url()).await,
            assets: add_assets(&stack, &owner, &names).await,
            collection: add_collection(&user).await,
            admin: DataApiCaller::user(&stack, &TokenClaims::admin("admin@example.com")),
            other: DataApiCaller::user(&stack, &other),
            other_id: other.sub,
            user,
            user_id: owner.sub,
            stack,
        }
    }

    async fn listed(&self, caller: &DataApiCaller) -> Vec<String> {
        let path = format!(
            "/media_collection_assets?select=asset_id&collection_id=eq.{}&order=position",
            self.collection
        );
        let answer = caller.call(Method::GET, &path, &[], None).await;
        let items = answer.body.as_array().unwrap();
        items
            .iter()
            .map(|item| item["asset_id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn update(&self, columns: &Value) -> HttpAnswer {
        let path = format!("/media_collections?id=eq.{}", self.collection);
        self.user
            .call(Method::PATCH, &path, &[], Some(columns))
            .await
    }

    async fn set_deleted(&self, id: &str, when: &str) {
        let sql = format!("update public.media_assets set deleted_at = {when} where id = '{id}'");
        assert_eq!(self.client.execute(&sql, &[]).await.unwrap(), 1);
    }

    fn item(&self, asset: &str) -> Value {
        json!({"p_collection": self.collection, "p_assets": [asset]})
    }

    /// At the beginning and at the end; gives the order. As many requests as may wait for their turn.
    pub(super) async fn everybody_adds_at_once(&self) -> Vec<String> {
        let adding: Vec<_> = self
            .assets
            .chunks(4)
            .enumerate()
            .map(|(number, four)| {
                let place = (number % 2 == 0).then_some(1);
                let body =
                    json!({"p_collection": self.collection, "p_assets": four, "p_position": place});
                let user = self.user.clone();
                tokio::spawn(async move { user.rpc("media_collection_add", &body).await })
            })
            .collect();
        for added in adding {
            assert_done(&added.await.unwrap(), 4);
        }
        let order = self.listed(&self.user).await;
        assert_eq!(order.len(), 24);
        order
    }

    pub(super) async fn no_two_items_have_the_same_position(&self) {
        let places = "select count(distinct position) from public.media_collection_items";
        let rows = database::rows(&self.client, places, &[]).await;
        assert_eq!(rows[0]["count"], 24);
    }

    /// Where no room is left, all are counted anew.
    pub(super) async fn moves_write_little_until_no_room_is_left(&self) {
        let mut writes = Vec::new();
        for round in 0..60 {
            let moved = &self.assets[round % 2];
            writes.push(self.written(moved, 12).await);
            assert_eq!(self.listed(&self.user).await[11], *moved);
        }
        let alone = writes.iter().filter(|rows| **rows == 1).count();
        assert!(alone > 50, "{writes:?}");
        assert!(writes.iter().any(|rows| *rows > 1), "{writes:?}");
    }

    pub(super) async fn odd_positions_are_in_nobodys_way(&self) {
        for position in ["'infinity'", "'nan'", "1e300"] {
            let sql = format!(
                "update public.media_collection_items set position = {position} where asset_id = '{}'",
                self.assets[5]
            );
            self.client.execute(&sql, &[]).await.unwrap();
            self.written(&self.assets[6], 100).await;
            let listed = self.listed(&self.user).await;
            assert_eq!(listed.last(), Some(&self.assets[6]), "{position}");
        }
    }

    /// The rows whose position a move changes.
    async fn written(&self, asset: &str, place: i32) -> usize {
        let sql =
            "select asset_id::text, position::text from public.media_collection_items order by 1";
        let before = database::rows(&self.client, sql, &[]).await;
        let mut body = self.item(asset);
        body["p_position"] = json!(place);
        self.user.rpc("media_collection_reorder", &body).await.ok();
        let after = database::rows(&self.client, sql, &[]).await;
        before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after)
            .count()
    }

    pub(super) fn what_was_added_together_stands_together(&self, order: &[String]) {
        for four in self.assets.chunks(4) {
            let first = order.iter().position(|listed| *listed == four[0]).unwrap();
            assert_eq!(order[first..first + 4], *four);
        }
    }

    /// A place is counted as people see the list.
    pub(super) async fn a_deleted_asset_is_not_counted_and_keeps_its_place(
        &self,
        order: &[String],
    ) {
        self.set_deleted(&order[0], "now()").await;
        let mut body = self.item(&order[23]);
        body["p_position"] = json!(1);
        self.user.rpc("media_collection_reorder", &body).await;
        let mut expected = order.to_vec();
        let moved = expected.pop().unwrap();
        expected[0] = moved.clone();
        assert_eq!(self.listed(&self.user).await, expected);
        self.set_deleted(&order[0], "null").await;
        let first_two = [order[0].clone(), moved];
        assert_eq!(self.listed(&self.user).await[..2], first_two);
    }

    async fn assert_others_change_nothing(&self, asset: &str, status: StatusCode) {
        for function in CHANGES {
            let answer = self.other.rpc(function, &self.item(asset)).await;
            assert_eq!(answer.status, status);
        }
    }

    pub(super) async fn a_private_collection_is_not_there(&self, asset: &str) {
        self.assert_others_change_nothing(asset, StatusCode::NOT_FOUND)
            .await;
        assert!(self.listed(&self.other).await.is_empty());
    }

    pub(super) async fn a_public_collection_is_only_seen(&self, asset: &str) {
        self.update(&json!({"is_public": true})).await;
        assert_eq!(self.listed(&self.other).await.len(), 24);
        self.assert_others_change_nothing(asset, StatusCode::FORBIDDEN)
            .await;
    }

    pub(super) async fn only_administrators_give_collections_away(&self) {
        let given_away = self.update(&json!({"owner": self.other_id})).await;
        assert_eq!(given_away.status, StatusCode::FORBIDDEN);
    }

    pub(super) async fn nobody_tells_the_time(&self, asset: &str) {
        let time = "2001-01-01";
        let item = json!({"collection_id": self.collection, "asset_id": asset, "added_at": time});
        for (path, row) in [
            (
                "/media_collections",
                json!({"name": "Old", "created_at": time}),
            ),
            ("/media_collection_items", item),
        ] {
            let answer = self.user.call(Method::POST, path, &[], Some(&row)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
        let changed = self.update(&json!({"created_at": time})).await;
        changed.assert_status(StatusCode::FORBIDDEN);
    }

    pub(super) async fn administrators_change_any(&self, asset: &str) {
        let item = self.item(asset);
        assert_done(&self.admin.rpc("media_collection_remove", &item).await, 1);
    }

    pub(super) async fn bad_requests_are_told(&self, asset: &str) {
        let many = vec![asset; 1001];
        for wrong in [
            json!({"p_collection": self.collection, "p_assets": many}),
            json!({"p_collection": self.collection, "p_assets": [asset], "p_position": 0}),
        ] {
            let answer = self.user.rpc("media_collection_add", &wrong).await;
            answer.assert_status(StatusCode::BAD_REQUEST);
        }
    }

    pub(super) async fn uses_are_recorded_once_and_dropped(&self, asset: &str) {
        let mut used = json!({"p_assets": [asset], "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "1"});
        self.user.rpc("media_usage_record", &used).await;
        let twice = self.admin.rpc("media_usage_record", &used).await.body;
        assert_eq!(twice["failed"], json!([]), "known is as good as new");
        assert_done(&self.user.rpc("media_usage_drop", &used).await, 1);
        used["p_record_id"] = json!("");
        let empty = self.user.rpc("media_usage_record", &used).await;
        empty.assert_status(StatusCode::BAD_REQUEST);
    }
}

#[track_caller]
fn assert_done(answer: &HttpAnswer, count: usize) {
    let done = answer.body["done"].as_array().map(Vec::len);
    assert_eq!(done, Some(count), "{}", answer.body);
}

async fn add_collection(caller: &DataApiCaller) -> String {
    let answer = caller
        .call(
            Method::POST,
            "/media_collections",
            &[("prefer", "return=representation")],
            Some(&json!({"name": "Summer"})),
        )
        .await;
    answer.body[0]["id"].as_str().unwrap().to_owned()
}
