//! Every kind of query, as the API takes it and as PostgREST takes it for the same rows.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::bare::Bare;
use crate::list::List;

/// One kind of query.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) name: &'static str,
    pub(crate) ours: String,
    pub(crate) bare: String,
}

const NEWEST: &str = "order=created_at.desc,id.desc&limit=50";

/// A word in any of the searched texts. A bare request cannot look into tags; they hold none of the words.
fn like(word: &str) -> String {
    let texts = [
        "original_filename",
        "display_name",
        "cloudinary_public_id",
        "description",
        "alt_text",
        "context->>alt",
        "context->>caption",
    ];
    let conditions = texts.map(|text| format!("{text}.ilike.*{word}*"));
    format!("or=({})&{NEWEST}", conditions.join(","))
}

pub(crate) async fn all(list: &mut List, uploader: &str) -> Result<Vec<Pattern>> {
    let mut patterns = simple(uploader);
    patterns.extend(pages(list).await?);
    Ok(patterns)
}

fn simple(uploader: &str) -> Vec<Pattern> {
    let newest = |filter: &str| format!("{filter}&{NEWEST}");
    let order = |order: &str| {
        format!(
            "order={order},id.{}&limit=50",
            if order.ends_with("desc") {
                "desc"
            } else {
                "asc"
            }
        )
    };
    [
        ("newest", "limit=50".into(), NEWEST.to_owned()),
        ("type", "resource_type=video".into(), newest("resource_type=eq.video")),
        ("status", "sync_status=error".into(), newest("sync_status=eq.error")),
        ("folder, large", "folder=area-0/folder-0".into(), newest("folder=eq.area-0/folder-0")),
        ("folder, small", "folder=area-29/folder-59".into(), newest("folder=eq.area-29/folder-59")),
        ("uploader", format!("uploaded_by={uploader}"), newest(&format!("uploaded_by=eq.{uploader}"))),
        ("a month", "date_from=2024-03-01&date_to=2024-03-31".into(),
            newest("created_at=gte.2024-03-01&created_at=lt.2024-04-01")),
        ("size from", "min_size=1500000".into(), newest("file_size=gte.1500000")),
        ("tag, common", "tags=tag-0".into(), newest("tags=cs.{tag-0}")),
        ("tag, rare", "tags=tag-399".into(), newest("tags=cs.{tag-399}")),
        ("two tags", "tags=tag-0,tag-7".into(), newest("tags=cs.{tag-0,tag-7}")),
        ("any of two tags", "tags=tag-300,tag-399&tags_match=any".into(), newest("tags=ov.{tag-300,tag-399}")),
        ("word, common", "search=harbour".into(), like("harbour")),
        ("words, rare", "search=harbour-dawn".into(), like("harbour-dawn")),
        ("two words", "search=harbour+lantern".into(),
            format!("{}&{}", like("lantern").replace(&format!("&{NEWEST}"), ""), like("harbour"))),
        ("one name", "search=0123456".into(), like("0123456")),
        ("word that is nowhere", "search=nowhere".into(), like("nowhere")),
        ("two letters, common", "search=ou".into(), like("ou")),
        ("two letters, by size", "search=ou&sort_by=file_size".into(),
            like("ou").replace(NEWEST, &order("file_size.desc"))),
        ("by change", "sort_by=updated_at".into(), order("updated_at.desc")),
        ("by size", "sort_by=file_size".into(), order("file_size.desc")),
        ("by display name", "sort_by=display_name&sort_order=asc".into(), order("display_name.asc")),
        ("by public id", "sort_by=public_id&sort_order=asc".into(), order("cloudinary_public_id.asc")),
        ("folder by size", "folder=area-3/folder-7&sort_by=file_size".into(),
            format!("folder=eq.area-3/folder-7&{}", order("file_size.desc"))),
        ("type, folder, tag, date", "resource_type=image&folder=area-0/folder-0&tags=tag-2&date_from=2024-01-01".into(),
            newest("resource_type=eq.image&folder=eq.area-0/folder-0&tags=cs.{tag-2}&created_at=gte.2024-01-01")),
    ]
    .map(|(name, ours, bare)| Pattern { name, ours, bare })
    .into()
}

/// The farthest page of 50 that has a number.
const FARTHEST: i64 = 100_000 / 50 + 1;

/// Near and far pages, and where their cursors lead.
async fn pages(list: &mut List) -> Result<Vec<Pattern>> {
    let mut patterns = Vec::new();
    let total = list.page("limit=1").await?.0["pagination"]["total"]
        .as_i64()
        .context("a total")?;
    for (page_name, cursor_name, page) in [
        ("page 10", "cursor, near", 10),
        (
            "page far behind",
            "cursor, far behind",
            (total / 100).clamp(1, FARTHEST),
        ),
    ] {
        let ours = format!("page={page}&limit=50");
        let answer = list.page(&ours).await?.0;
        patterns.push(Pattern {
            name: page_name,
            ours,
            bare: format!("{NEWEST}&offset={}", (page - 1) * 50),
        });
        let Some(cursor) = answer["pagination"]["next_cursor"].as_str() else {
            continue;
        };
        let last = answer["items"]
            .as_array()
            .and_then(|items| items.last())
            .context("a full page")?;
        let moment = last["created_at"]
            .as_str()
            .context("a moment")?
            .replace('+', "%2B");
        let id = last["id"].as_str().context("an id")?;
        patterns.push(Pattern {
            name: cursor_name,
            ours: format!("cursor={cursor}&limit=50"),
            bare: format!(
                "created_at=lte.{moment}&or=(created_at.lt.\"{moment}\",id.lt.{id})&{NEWEST}"
            ),
        });
    }
    Ok(patterns)
}

/// Both sides return the same rows in the same order, or the comparison means nothing. How many, and
/// whether the bare request came to an end.
pub(crate) async fn check(
    pattern: &Pattern,
    list: &mut List,
    bare: &Bare,
) -> Result<(usize, bool)> {
    let ours = list.page(&pattern.ours).await?.0;
    let ours = ids(ours["items"].as_array().context("items")?);
    let theirs = bare.list(&pattern.bare, false).await?.1;
    if let Some(theirs) = &theirs {
        anyhow::ensure!(ours == ids(theirs), "{}: the rows differ", pattern.name);
    }
    Ok((ours.len(), theirs.is_some()))
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["id"].as_str()).collect()
}
