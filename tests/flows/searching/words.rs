//! A search is about words: each may stand in another value of the asset, and in any order.

use super::{Lister, encoded};

const MUG: &str = "insert into public.media_assets
    (cloudinary_public_id, resource_type, display_name, tags, context, description, alt_text)
    values ('shop/mug-0012', 'image', 'Blue Mug', '{Bestseller,half price}',
        '{\"alt\": \"A cup on a table\", \"caption\": \"Morning\", \"material\": \"stoneware\"}', 'Holds 300 ml', 'Becher')";

const OTHERS: &str = "insert into public.media_assets (cloudinary_public_id, resource_type, display_name, context)
    select 'other-' || n, 'image', 'Blue Plate', '{\"alt\": \"a plate\"}' from generate_series(1, 5) n";

#[tokio::test]
async fn each_word_is_found_in_any_value_and_every_word_must_be() {
    let mut lister = Lister::start().await;
    lister.run(MUG).await;
    lister.run(OTHERS).await;
    for (search, count) in [
        ("mug blue", 1),
        ("  BLUE   mug ", 1),
        ("blue", 6),
        ("bestseller", 1),
        ("price best 0012 becher", 1),
        ("cup morning", 1),
        ("stoneware 300", 1),
        // In another order than it stands, and only a part of each word.
        ("tab cup", 1),
        ("mu bl", 1),
        ("mug plate", 0),
        ("mug nowhere", 0),
        // Keys of the context are no values, and no match spans two values.
        ("caption", 0),
        ("mugshop", 0),
        ("   ", 6),
    ] {
        assert_eq!(found(&mut lister, search).await, count, "{search:?}");
    }
    what_is_written_is_found_at_once(&mut lister).await;
    lister.stop().await;
}

async fn what_is_written_is_found_at_once(lister: &mut Lister) {
    for (sql, before, after) in [
        (
            "update public.media_assets set display_name = 'Red Mug' where alt_text = 'Becher'",
            "blue mug",
            "red mug",
        ),
        (
            "update public.media_assets set tags = '{sale}' where alt_text = 'Becher'",
            "bestseller",
            "sale red",
        ),
        (
            "update public.media_assets set context = '{\"alt\": \"Tasse\"}' where alt_text = 'Becher'",
            "stoneware",
            "tasse mug",
        ),
        (
            "update public.media_assets set display_name = 'Red Bowl' where cloudinary_public_id = 'other-1'",
            "blue other-1",
            "bowl other-1",
        ),
    ] {
        assert_eq!(found(lister, before).await, 1, "{before:?}");
        lister
            .run(&format!("set media_sync.observing = 'on'; {sql}"))
            .await;
        assert_eq!(found(lister, before).await, 0, "{before:?}");
        assert_eq!(found(lister, after).await, 1, "{after:?}");
    }
    lister
        .run("delete from public.media_assets where alt_text = 'Becher'")
        .await;
    let kept = "select to_jsonb(count(*)) from media_sync.asset_search";
    let kept = end_to_end::value(lister.stack.database_url(), kept).await;
    assert_eq!(kept, 5, "the text goes with its row");
}

async fn found(lister: &mut Lister, search: &str) -> u64 {
    let page = lister
        .page(&encoded(&[("search", search.to_owned())]))
        .await;
    page["pagination"]["total"].as_u64().unwrap()
}
