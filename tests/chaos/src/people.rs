//! People's actions on both sides, drawn from a seed: few names, keys and values, so that they
//! often meet.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

use crate::cloud::{CloudLibrary, LibraryChange};
use crate::database::{SimulatedDatabase, UserDecision};
use media_sync::row::AssetRow;

const NAMES: [&str; 5] = ["mug", "cup", "jar", "pot", "pan"];
const FOLDERS: [&str; 3] = ["shop", "sale", "shop/new"];
const TAGS: [&str; 4] = ["red", "blue", "new", "old"];
const KEYS: [&str; 3] = ["alt", "owner", "caption"];

fn pick<'a>(rng: &mut impl Rng, from: &[&'a str]) -> &'a str {
    from.choose(rng).copied().unwrap_or_default()
}

/// A value that nobody has used before, so that it can be told where it came from.
fn value(rng: &mut impl Rng, side: &str) -> String {
    format!("{side}-{}", rng.random_range(0..1_000_000))
}

/// A value of a structured field: the same number may be said as a number or as text.
fn field(rng: &mut impl Rng, side: &str) -> Value {
    let number = rng.random_range(0..1_000_000);
    match rng.random_range(0..3) {
        0 => json!(number),
        1 => json!(number.to_string()),
        _ => json!(value(rng, side)),
    }
}

fn tags(rng: &mut impl Rng) -> Vec<String> {
    let mut tags: Vec<String> = TAGS.map(str::to_owned).to_vec();
    tags.retain(|_| rng.random_bool(0.4));
    tags
}

/// Something that somebody does in Cloudinary.
pub fn change(rng: &mut impl Rng, cloud: &CloudLibrary) -> LibraryChange {
    let alive: Vec<_> = cloud.alive().collect();
    let Some(asset) = alive.choose(rng) else {
        return upload(rng);
    };
    let names = vec![asset.public_id.clone()];
    match rng.random_range(0..20) {
        0..4 => upload(rng),
        4..6 => LibraryChange::Delete(asset.id.clone()),
        6..7 => {
            let trash: Vec<_> = cloud.assets.values().filter(|one| !one.alive).collect();
            let again = trash.choose(rng).map(|one| one.id.clone());
            LibraryChange::Restore(again.unwrap_or_else(|| asset.id.clone()))
        }
        7..9 => LibraryChange::Rename {
            from: asset.public_id.clone(),
            to: pick(rng, &NAMES).to_owned(),
        },
        9..11 => LibraryChange::AddTags(names, vec![pick(rng, &TAGS).to_owned()]),
        11..13 => LibraryChange::RemoveTags(names, vec![pick(rng, &TAGS).to_owned()]),
        13..16 => {
            let removes = rng.random_bool(0.2);
            let value = if removes {
                String::new()
            } else {
                value(rng, "theirs")
            };
            LibraryChange::MergeContext(names, [(pick(rng, &KEYS).to_owned(), value)].into())
        }
        16..17 => {
            let field = (pick(rng, &KEYS).to_owned(), field(rng, "theirs"));
            LibraryChange::SetMetadata(names, Map::from_iter([field]))
        }
        17..19 => LibraryChange::Update {
            id: asset.id.clone(),
            folder: rng.random_bool(0.6).then(|| pick(rng, &FOLDERS).to_owned()),
            display_name: rng.random_bool(0.6).then(|| value(rng, "theirs")),
        },
        _ => LibraryChange::RenameFolder {
            from: pick(rng, &FOLDERS).to_owned(),
            to: pick(rng, &FOLDERS).to_owned(),
        },
    }
}

fn upload(rng: &mut impl Rng) -> LibraryChange {
    let context = (pick(rng, &KEYS).to_owned(), value(rng, "theirs"));
    LibraryChange::Upload {
        public_id: pick(rng, &NAMES).to_owned(),
        tags: tags(rng),
        context: if rng.random_bool(0.5) {
            [context].into()
        } else {
            BTreeMap::new()
        },
    }
}

/// Something that somebody decides here, about one row.
pub fn decision(rng: &mut impl Rng, row: &AssetRow) -> UserDecision {
    if !row.is_live() {
        return UserDecision {
            deleted: Some(false),
            ..UserDecision::default()
        };
    }
    let mut decision = UserDecision::default();
    match rng.random_range(0..10) {
        0 | 1 => decision.deleted = Some(true),
        2 => decision.public_id = Some(pick(rng, &NAMES).to_owned()),
        3 => decision.folder = Some(pick(rng, &FOLDERS).to_owned()),
        4 => decision.display_name = Some(value(rng, "ours")),
        5 | 6 => want_tags(&mut decision, tags(rng), row),
        7 | 8 => {
            let mut context = row.editable.context.clone();
            let key = pick(rng, &KEYS).to_owned();
            if rng.random_bool(0.2) {
                context.remove(&key);
            } else {
                context.insert(key, json!(value(rng, "ours")));
            }
            decision.context = Some(context);
        }
        _ => {
            let mut metadata = row.editable.metadata.clone();
            metadata.insert(pick(rng, &KEYS).to_owned(), field(rng, "ours"));
            decision.metadata = Some(metadata);
        }
    }
    decision
}

/// Wants these tags and no other. Where the row has them already, each is asked for by itself: it may be otherwise in
/// Cloudinary.
fn want_tags(decision: &mut UserDecision, tags: Vec<String>, row: &AssetRow) {
    if row.editable.tags.iter().eq(BTreeSet::from_iter(&tags)) {
        *decision = asking_again(row);
    } else {
        decision.tags = Some(tags);
    }
}

/// Asks for the row's own tags one by one, and that it has no other.
pub fn asking_again(row: &AssetRow) -> UserDecision {
    let has = |tag: &str| row.editable.tags.iter().any(|own| own == tag);
    let asked = TAGS.map(|tag| (tag.to_owned(), has(tag)));
    UserDecision {
        asked_tags: asked.into(),
        ..UserDecision::default()
    }
}

/// A row to decide about.
pub fn row<'a>(rng: &mut impl Rng, database: &'a SimulatedDatabase) -> Option<&'a AssetRow> {
    let rows: Vec<&AssetRow> = database.rows.values().collect();
    rows.choose(rng).copied()
}
