//! Filters by place, kind, context and metadata.

use super::Lister;

const ASSETS: &str = r#"insert into public.media_assets
    (cloudinary_public_id, resource_type, delivery_type, format, folder, context, metadata)
    values
    ('a', 'image', 'upload', 'png', 'shop/mugs', '{"alt": "x", "season": "winter"}',
        '{"season": 2, "colours": ["red", "blue"], "name": "Mug"}'),
    ('b', 'image', 'private', 'jpg', 'shop', '{"alt": "y"}', '{"season": "2"}'),
    ('c', 'video', 'upload', 'mp4', 'shop-old', '{}', '{"price": 2.5}'),
    ('d', 'raw', 'upload', null, 'shop/mugs/old', '{}', '{"colours": ["red"]}'),
    ('e', 'raw', 'authenticated', null, 'shop0', '{"a.b": "c"}', '{}')"#;

#[tokio::test]
async fn each_filter_finds_its_assets() {
    let mut lister = Lister::start().await;
    lister.run(ASSETS).await;
    for (query, expected) in [
        ("below=shop", "a b d"),
        ("below=/shop/mugs/", "a d"),
        ("below=/", "a b c d e"),
        ("below=sho", ""),
        ("below=shop&folder=shop", "b"),
        ("resource_type=image,raw", "a b d e"),
        ("resource_type=video", "c"),
        ("format=png,mp4", "a c"),
        ("format=PNG", "a"),
        ("delivery_type=private,authenticated", "b e"),
        ("delivery_type=upload&resource_type=raw", "d"),
        ("context.alt=x", "a"),
        ("context.alt=x&context.season=winter", "a"),
        ("context.alt=x&context.season=summer", ""),
        ("context.a.b=c", "e"),
        ("metadata.season=2", "a b"),
        ("metadata.colours=red", "a d"),
        ("metadata.colours=red&metadata.name=Mug", "a"),
        ("metadata.price=2.50", "c"),
        ("metadata.price=2", ""),
    ] {
        let page = lister
            .page(&format!("{query}&sort_by=public_id&sort_order=asc"))
            .await;
        let items = page["items"].as_array().unwrap();
        let found: Vec<_> = items
            .iter()
            .map(|item| item["cloudinary_public_id"].as_str().unwrap())
            .collect();
        assert_eq!(found.join(" "), expected, "{query}");
        assert_eq!(page["pagination"]["total"], found.len(), "{query}");
    }
    for (query, parameter) in [
        ("context.=x".to_owned(), "context."),
        (format!("metadata.{}=x", "k".repeat(256)), ""),
        (
            (0..21)
                .map(|number| format!("&context.k{number}=v"))
                .collect(),
            "context.KEY",
        ),
    ] {
        let refused = lister.get(&query).await;
        assert_eq!(refused.status, 400, "{query}");
        let told = refused.body["parameter"].as_str().unwrap();
        assert!(told.starts_with(parameter), "{query}: {told}");
    }
    lister.stop().await;
}
