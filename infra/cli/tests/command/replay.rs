//! `mediasync replay` on a whole stack.

use local_stack::StackOptions;
use serde_json::json;

use crate::deployed::Deployed;

#[tokio::test(flavor = "multi_thread")]
async fn recorded_notifications_are_applied_again() {
    let deployed = Deployed::start(StackOptions::default()).await;
    let nothing = deployed.expect(&["replay", "--since", "1h"], 0);
    assert_eq!(
        (&nothing["notifications"], &nothing["replayed"]),
        (&json!(0), &json!(false))
    );
    let mug = deployed.upload("mug").await;
    deployed.upload("cup").await;
    let live = "select count(*) from public.media_assets where deleted_at is null";
    deployed.becomes(live, "2").await;
    let replays = "select coalesce(sum(replays), 0) from public.media_notifications";

    let counted = deployed.expect(&["replay", "--since", "1h", "--dry-run"], 0);
    assert_eq!(counted["notifications"], 2);
    assert_eq!(deployed.value(replays).await, "0");

    // Somebody has damaged a row.
    deployed
        .value("delete from public.media_assets where cloudinary_public_id = 'mug'; select 1")
        .await;
    let id = mug.asset_id.unwrap();
    let one = deployed.expect(&["replay", "--asset", id.as_str()], 0);
    assert_eq!(
        (&one["notifications"], &one["parked"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(deployed.value(live).await, "2");
    assert_eq!(deployed.value(replays).await, "1");

    let row = deployed
        .value("select id from public.media_assets where cloudinary_public_id = 'mug'")
        .await;
    deployed.expect(&["replay", "--asset", &row, "--since", "1d"], 0);
    let all = deployed.run(&["replay", "--since", "1h"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(all.stderr, "replayed 2 notifications\n");
    deployed.becomes(replays, "4").await;

    for arguments in [
        &["replay"][..],
        &["replay", "--since", "yesterday"],
        &["replay", "--asset", "mug"],
    ] {
        assert_eq!(deployed.run(arguments).code, Some(2), "{arguments:?}");
    }
    deployed.stack.stop().await;
}
