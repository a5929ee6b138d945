//! `mediasync fence`, beside a deployed stack.

use local_stack::StackOptions;
use media_sync::sync::marker::{LibraryPlace, marker_upload};
use uuid::Uuid;

use crate::deployed::Deployed;

const OTHER: &str = "https://other.supabase.co";

#[tokio::test(flavor = "multi_thread")]
async fn library_is_marked_lost_to_another_and_taken_over() {
    let deployed = Deployed::start(StackOptions::default()).await;
    let free = deployed.expect(&["fence"], 0);
    assert_eq!(free["standing"], "free");
    let marked = deployed.expect(&["fence", "mark"], 0);
    assert_eq!(marked["standing"], "ours");
    assert_eq!(deployed.expect(&["fence"], 0), marked);
    assert_eq!(deployed.expect(&["fence", "take"], 0), marked);

    let place = LibraryPlace::new(&OTHER.parse().unwrap(), "demo");
    let (source, options) = marker_upload(Uuid::from_u128(7), &place, true);
    deployed
        .cloudinary()
        .upload(source, &options)
        .await
        .unwrap();
    let lost = deployed.expect(&["fence"], 3);
    assert_eq!(lost["owner"]["address"], OTHER);
    let refused = deployed.run(&["fence", "mark"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(
        refused.stderr.contains("mediasync fence take"),
        "{refused:?}"
    );
    doctor_finds(&deployed);

    assert_eq!(deployed.expect(&["fence", "take"], 0)["standing"], "ours");
    let told = deployed.run(&["doctor", "--only", "cld-shared", "--json"]);
    assert_eq!(told.json()["findings"][0]["grade"], "ok", "{told:?}");
    deployed.stack.stop().await;
}

fn doctor_finds(deployed: &Deployed) {
    let told = deployed.run(&["doctor", "--only", "cld-shared", "--json"]);
    let finding = &told.json()["findings"][0];
    assert_eq!(finding["grade"], "failure", "{told:?}");
    assert!(
        finding["seen"].as_str().unwrap().contains(OTHER),
        "{finding}"
    );
}
