//! The trigger that makes intents of people's changes, against its model in `tests/chaos`. The
//! stories played there rely on that model.

use chaos::cloud::{CloudLibrary, LibraryChange};
use chaos::database::SimulatedDatabase;
use chaos::people;
use end_to_end::post;
use local_stack::{LocalStack, StackOptions, TokenClaims};
use media_sync::observation::ObservedState;
use media_sync::row::AssetRow;
use media_sync::time::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

const ASSETS: usize = 4;
const DECISIONS: usize = 250;

#[tokio::test]
async fn the_database_decides_as_its_model_does() {
    let seed = rand::random::<u32>();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed.into());
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let mut model = some_assets(&mut rng);
    let apply = format!("{}/rest/v1/rpc/media_sync_apply", stack.supabase_url());
    let inserts: Vec<&AssetRow> = model.rows.values().collect();
    let change = json!({"p_change": {"inserts": inserts, "updates": []}});
    let answer = post(&apply, stack.secret_key(), &change).await;
    assert!(answer.status.is_success(), "{}", answer.body);

    let client = reqwest::Client::new();
    let token = stack.token(&TokenClaims::admin("admin@example.com"));
    let (mut taken, mut asked) = (0, 0);
    for number in 0..DECISIONS {
        let row = people::row(&mut rng, &model).unwrap().clone();
        let decision = match number % 10 {
            0 if row.is_live() => people::asking_again(&row),
            _ => people::decision(&mut rng, &row),
        };
        let expected = model.decide(row.id, &decision, Timestamp::now());
        let url = format!(
            "{}/rest/v1/media_assets?id=eq.{}",
            stack.supabase_url(),
            row.id
        );
        let caller = Caller {
            client: &client,
            key: stack.publishable_key(),
            token: &token,
        };
        let body = match decision.item(row.id) {
            Some(item) => {
                asked += 1;
                let request = format!("{}/rest/v1/rpc/media_request_edit", stack.supabase_url());
                caller
                    .ask(Method::POST, &request, &json!({"p_items": [item]}))
                    .await
                    .unwrap();
                caller.ask(Method::GET, &url, &json!({})).await
            }
            None => caller.ask(Method::PATCH, &url, &decision.columns()).await,
        };
        assert_eq!(body.is_ok(), expected, "{decision:?} on {row:?}: {body:?}");
        if !expected {
            continue;
        }
        taken += 1;
        let [found]: [AssetRow; 1] = serde_json::from_str(&body.unwrap()).unwrap();
        assert_eq!(
            comparable(&found),
            comparable(&model.rows[&row.id]),
            "after {decision:?} on {row:?}"
        );
    }
    assert!(taken > DECISIONS / 2, "most decisions are possible");
    assert!(asked > 0, "some ask for tags that the row has");
    stack.stop().await;
}

/// An administrator of the Data API.
struct Caller<'a> {
    client: &'a reqwest::Client,
    key: &'a str,
    token: &'a str,
}

impl Caller<'_> {
    /// The answer, or a refusal.
    async fn ask(&self, method: Method, url: &str, body: &Value) -> Result<String, String> {
        let request = self.client.request(method, url);
        let answer = request
            .header("apikey", self.key)
            .header("prefer", "return=representation")
            .bearer_auth(self.token)
            .json(body)
            .send()
            .await
            .expect("the Data API answers");
        let status = answer.status();
        let body = answer.text().await.expect("the answer has an end");
        if status.is_success() {
            Ok(body)
        } else {
            Err(format!("{status} {body}"))
        }
    }
}

/// Assets as they were observed, with values of every kind.
fn some_assets(rng: &mut StdRng) -> SimulatedDatabase {
    let mut cloud = CloudLibrary::default();
    cloud.now = 1_800_000_000_000_000;
    while cloud.alive().count() < ASSETS {
        let change = people::change(rng, &cloud);
        if !matches!(change, LibraryChange::Delete(_)) {
            let _answer = cloud.apply(&change);
        }
    }
    let (seen, _) = cloud.list(None, ASSETS + 1);
    let mut model = SimulatedDatabase::default();
    for (number, seen) in (1..).zip(seen) {
        assert!(matches!(seen.fact, ObservedState::Seen(_)));
        let row = AssetRow::first(uuid::Uuid::from_u128(number), &seen)
            .expect("a sighting names its asset");
        model.rows.insert(row.id, row);
    }
    model
}

/// All that a decision touches, except its moment and its author.
fn comparable(row: &AssetRow) -> Value {
    let mut value = json!({
        "public_id": row.editable.public_id, "folder": row.editable.folder, "display_name": row.editable.display_name,
        "tags": row.editable.tags, "context": row.editable.context, "metadata": row.editable.metadata, "observed": row.observed,
        "intent": row.intent, "intent_revision": row.intent_revision, "status": row.sync.status,
        "is_deleted": row.deleted_at.is_some(), "is_due": row.sync.next_attempt_at.is_some(),
        "revision": row.revision,
    });
    forget_when_and_who(&mut value);
    value
}

fn forget_when_and_who(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("at");
            map.remove("by");
            map.values_mut().for_each(forget_when_and_who);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_when_and_who),
        _ => {}
    }
}
