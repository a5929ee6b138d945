//! A text that two systems write in two ways is found by either.

use serde_json::Value;

use super::{Lister, encoded};

/// `ü` as one character, and as a letter with its dots behind it.
const SPELLINGS: [&str; 2] = ["Men\u{fc}", "Menu\u{308}"];

#[tokio::test]
async fn names_tags_and_folders_are_found_by_either_spelling() {
    let mut lister = Lister::start().await;
    for text in SPELLINGS {
        let insert = format!(
            "insert into public.media_assets (cloudinary_public_id, resource_type, folder, tags)
             values ('{text}-card', 'image', '{text}', '{{{text},sale}}')"
        );
        lister.run(&insert).await;
    }
    lister
        .run("insert into public.media_assets (cloudinary_public_id, resource_type, tags) values ('menu', 'image', '{sale}')")
        .await;
    for text in SPELLINGS {
        let both = format!("{text},none");
        for query in [
            &[("search", text)][..],
            &[("search", &text.to_uppercase())],
            &[("folder", text)],
            &[("tags", text)],
            &[("tags", &format!("{text},sale"))],
            &[("tags", &both), ("tags_match", "any")],
            &[("folder", text), ("search", text), ("tags", text)],
        ] {
            assert_eq!(found(&mut lister, query).await, 2, "{query:?}");
        }
        assert_eq!(found(&mut lister, &[("tags", &both)]).await, 0);
    }
    assert_eq!(found(&mut lister, &[("search", "menu")]).await, 1);
    assert_eq!(found(&mut lister, &[("tags", "sale")]).await, 3);
    lister.stop().await;
}

/// The number of rows found, which the total tells too.
async fn found(lister: &mut Lister, query: &[(&str, &str)]) -> usize {
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let page = lister.page(&encoded(&query)).await;
    let items: &Vec<Value> = page["items"].as_array().unwrap();
    assert_eq!(page["pagination"]["total"], items.len(), "{page}");
    items.len()
}
