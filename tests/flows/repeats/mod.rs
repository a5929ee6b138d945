//! Requests that come twice, that could mean several assets, or that mean harm.

mod crash;
mod harm;
mod keys;
mod names;

use end_to_end::World;
use media_sync::asset::ResourceType;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::{UploadOptions, UploadSource};
use tokio_postgres::Client;

const MEDIA: &str = "/api/cloudinary/media";
const RESTORE: &str = "/api/cloudinary/media/restore";

#[tokio::test]
async fn a_request_with_a_key_is_carried_out_once() {
    let world = World::start().await;
    let shop = keys::Shop::open(&world).await;
    shop.a_repeat_has_the_first_answer().await;
    shop.a_key_is_good_for_one_request_of_one_user().await;
    shop.of_many_at_once_one_is_carried_out().await;
    shop.a_long_request_is_not_waited_for().await;
    crash::a_crash_leaves_neither_effect_nor_key(&shop).await;
    shop.nobody_reads_keys().await;
    shop.keys_end_after_a_day().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn what_could_mean_several_assets_or_harm_touches_none() {
    let world = World::start().await;
    let twins = names::Twins::upload(&world).await;
    let mug = upload(&world, "shop/mug", ResourceType::Image, "upload").await;
    world.settle().await;
    let before = harm::others(&world, &mug).await;
    harm::harmful_ids_name_nothing(&world).await;
    assert_eq!(harm::others(&world, &mug).await, before);
    harm::harmful_values_are_values(&world, &mug).await;
    assert_eq!(harm::others(&world, &mug).await, before);
    twins.a_shared_name_is_ambiguous().await;
    assert_eq!(harm::others(&world, &mug).await, before);
    twins.a_full_name_deletes_one().await;
    twins.several_deleted_ones_are_ambiguous_too().await;
    twins.the_one_that_still_has_the_name_comes_back().await;
    world.stack.stop().await;
}

async fn upload(
    world: &World,
    public_id: &str,
    kind: ResourceType,
    delivery_type: &str,
) -> CloudinaryResource {
    let options = UploadOptions {
        resource_type: Some(kind),
        delivery_type: Some(delivery_type.to_owned()),
        public_id: Some(public_id.to_owned()),
        ..UploadOptions::default()
    };
    let asset = match kind {
        ResourceType::Raw => upload_file(world, &options).await,
        _ => world.cloud.upload_with(public_id, 9, options).await,
    };
    world.arrives(&asset).await;
    asset
}

async fn upload_file(world: &World, options: &UploadOptions) -> CloudinaryResource {
    let source = UploadSource::Bytes {
        data: b"a file".to_vec().into(),
        filename: "file".to_owned(),
    };
    let uploaded = world.cloud.api().upload(source, options).await;
    uploaded.expect("the upload is taken").value
}

/// Somebody at work in a transaction of the database.
async fn transaction(world: &World, sql: &str) -> Client {
    let client = end_to_end::connect(world.stack.database_url()).await;
    let begun = client.batch_execute(&format!("begin; {sql}")).await;
    begun.expect("nobody is in the way");
    client
}
