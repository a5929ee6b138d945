//! Cloudinary's triggers repair themselves: once a day they are compared with those that should be there.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::World;
use local_stack::StackOptions;
use media_sync::cloudinary::triggers::Trigger;
use serde_json::{Value, json};

const AUDITED: &str =
    "select details from public.media_sync_log where operation = 'triggers_repaired' order by id";

async fn errand(world: &World) -> Value {
    let event = json!({"action": "triggers"});
    let invoked = world.stack.invoke("MaintenanceFunctionName", &event).await;
    let invoked = invoked.expect("the emulator answers");
    assert!(invoked.error.is_none(), "{invoked:?}");
    invoked.payload
}

async fn triggers(world: &World) -> Vec<Trigger> {
    world.cloud.api().list_triggers(None).await.unwrap().value
}

async fn ours(world: &World, webhook: &str) -> Vec<Trigger> {
    let mut all = triggers(world).await;
    all.retain(|trigger| trigger.uri == webhook);
    all
}

#[tokio::test]
async fn trigger_that_was_removed_or_changed_is_back_and_those_of_others_stay() {
    let world = World::start().await;
    // The stack's own leads to its front door, which is no door of the webhook as the template knows them.
    let foreign = triggers(&world).await;
    let webhook = world.stack.outputs()["WebhookUrl"].clone();

    let first = errand(&world).await;
    assert_eq!(
        (&first["webhook_url"], &first["created"]),
        (&json!(webhook), &json!(true))
    );
    assert_eq!(first["others"][0]["owner"], "foreign", "{first}");
    let made = ours(&world, &webhook).await;
    assert_eq!(made.len(), 1);
    assert_eq!(
        (made[0].event_type.as_str(), made[0].additive),
        ("all", Some(true))
    );
    let second = errand(&world).await;
    assert_eq!(
        (&second["created"], &second["removed"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(
        world.rows(AUDITED, &[]).await.len(),
        1,
        "only a change is recorded"
    );

    // Somebody narrows it to one event.
    let api = world.cloud.api();
    api.delete_trigger(&made[0].id).await.unwrap();
    api.create_trigger(&webhook, "upload").await.unwrap();
    let mended = errand(&world).await;
    assert_eq!(
        mended["removed"][0]["faults"],
        json!(["not_all_events"]),
        "{mended}"
    );
    let made = ours(&world, &webhook).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].event_type, "all");
    let audited = world.rows(AUDITED, &[]).await;
    assert_eq!(audited.len(), 2);
    assert_eq!(audited[1]["details"]["created"], true, "{audited:?}");
    let log = world.stack.function_log("Maintenance").await.unwrap();
    assert!(log.contains("triggers_repaired"), "{log}");
    for trigger in foreign {
        assert!(triggers(&world).await.contains(&trigger), "{trigger:?}");
    }
    world.stack.stop().await;
}

#[tokio::test]
async fn trigger_for_an_address_of_ones_own_is_kept_and_no_other_made() {
    let address = "http://127.0.0.1:9/hook";
    let parameters = [("WebhookAddress".to_owned(), address.to_owned())];
    let options = StackOptions {
        parameters: parameters.into(),
        ..StackOptions::default()
    };
    let world = World::start_with(options).await;
    let first = errand(&world).await;
    assert_eq!(
        (&first["webhook_url"], &first["created"]),
        (&json!(address), &json!(true))
    );
    assert_eq!(ours(&world, address).await.len(), 1);
    let webhook = world.stack.outputs()["WebhookUrl"].clone();
    assert_eq!(ours(&world, &webhook).await.len(), 0);
    world.stack.stop().await;
}
