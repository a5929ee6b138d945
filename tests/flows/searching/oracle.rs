//! Answers are those that filtering and sorting all rows by hand gives, for any combination of parameters.

use std::cmp::Ordering;

use end_to_end::{connect, library};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use super::{Lister, encoded, ids};

const ROWS: i64 = 20_000;
const QUERIES: usize = 120;

type Parameters = Vec<(&'static str, String)>;

#[tokio::test]
async fn any_combination_of_filters_finds_what_a_look_at_every_row_finds() {
    let mut lister = Lister::start().await;
    library::fill(lister.stack.database_url(), ROWS).await;
    let rows = live_rows(&lister).await;
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut seen = SeenKinds::default();
    for _ in 0..QUERIES {
        let mut query = Query::random(&mut random, &rows, seed);
        let first = query.first_page(&mut lister).await;
        let pagination = &first["pagination"];
        match query.total_is_exact(pagination) {
            true => seen.exact += 1,
            false => seen.estimated += 1,
        }
        if let Some(cursor) = pagination["next_cursor"].as_str() {
            seen.several_pages += 1;
            query.second_page(&mut lister, cursor).await;
            query.any_page(&mut lister, &mut random).await;
        }
    }
    assert!(
        seen.exact > 20 && seen.estimated > 5 && seen.several_pages > 30,
        "the queries were of all kinds: {seen:?}"
    );
    lister.stop().await;
}

/// Queries by what came of them.
#[derive(Debug, Default)]
struct SeenKinds {
    exact: usize,
    estimated: usize,
    several_pages: usize,
}

/// A query, and the ids that belong into its whole answer.
struct Query {
    filters: Parameters,
    asked: Parameters,
    limit: usize,
    expected: Vec<String>,
    /// Names it in failures.
    told: String,
}

impl Query {
    fn random(random: &mut StdRng, rows: &[Value], seed: u64) -> Self {
        let filters = filters(random, rows);
        let (sort, ascending) = (*SORTS.choose(random).unwrap(), random.random_bool(0.5));
        let limit = random.random_range(1..=60);
        let order = if ascending { "asc" } else { "desc" };
        let mut asked = filters.clone();
        asked.push(("sort_by", sort.to_owned()));
        asked.push(("sort_order", order.to_owned()));
        asked.push(("limit", limit.to_string()));
        Self {
            expected: expected(rows, &filters, sort, ascending),
            told: format!("seed {seed}: {}", encoded(&asked)),
            filters,
            asked,
            limit,
        }
    }

    /// Asks with one more parameter.
    async fn ask(&mut self, lister: &mut Lister, name: &'static str, value: String) -> Value {
        self.asked.push((name, value));
        let answer = lister.page(&encoded(&self.asked)).await;
        self.asked.pop();
        answer
    }

    async fn first_page(&self, lister: &mut Lister) -> Value {
        let first = lister.page(&encoded(&self.asked)).await;
        let (expected, limit, told) = (&self.expected, self.limit, &self.told);
        assert_eq!(ids(&first), expected[..limit.min(expected.len())], "{told}");
        let has_more = &first["pagination"]["has_more"];
        assert_eq!(*has_more, expected.len() > limit, "{told}");
        first
    }

    /// An exact total is right, and only large ones are estimated.
    fn total_is_exact(&self, pagination: &Value) -> bool {
        let (expected, limit, told) = (&self.expected, self.limit, &self.told);
        let total = usize::try_from(pagination["total"].as_u64().unwrap()).unwrap();
        if pagination["total_is_exact"] == true {
            assert_eq!(total, expected.len(), "{told}");
            return true;
        }
        assert!(
            expected.len() > limit && total > limit,
            "{told}: {total} of {}",
            expected.len()
        );
        // The planner knows words from a sample of a hundred rows.
        let least = match &self.filters[..] {
            [("search", _)] => 500,
            [_] => 1000,
            _ => 0,
        };
        assert!(expected.len() > least, "{told}: only {}", expected.len());
        false
    }

    async fn second_page(&mut self, lister: &mut Lister, cursor: &str) {
        let second = self.ask(lister, "cursor", cursor.to_owned()).await;
        let end = self.expected.len().min(2 * self.limit);
        let slice = &self.expected[self.limit..end];
        assert_eq!(ids(&second), slice, "{}, by cursor", self.told);
    }

    /// A page by its number, the one behind the last included.
    async fn any_page(&mut self, lister: &mut Lister, random: &mut StdRng) {
        let (count, limit) = (self.expected.len(), self.limit);
        let page = random.random_range(1..=count.div_ceil(limit) + 1);
        let far = self.ask(lister, "page", page.to_string()).await;
        let (start, end) = ((page - 1) * limit, page * limit);
        let slice = &self.expected[start.min(count)..end.min(count)];
        assert_eq!(ids(&far), slice, "{}, page {page}", self.told);
    }
}

const SORTS: [&str; 6] = [
    "created_at",
    "updated_at",
    "cloudinary_created_at",
    "file_size",
    "display_name",
    "public_id",
];

async fn live_rows(lister: &Lister) -> Vec<Value> {
    // Some without what most have.
    lister
        .run(
            "set media_sync.observing = 'on';
            update public.media_assets set file_size = null where abs(hashtext(id::text)) % 50 = 0;
            update public.media_assets set display_name = null where abs(hashtext(id::text)) % 50 = 1;
            update public.media_assets set cloudinary_created_at = null where abs(hashtext(id::text)) % 50 = 2;
            analyze public.media_assets",
        )
        .await;
    let client = connect(lister.stack.database_url()).await;
    let sql = "select jsonb_build_object(
            'id', id, 'resource_type', resource_type, 'sync_status', sync_status, 'folder', folder, 'tags', tags,
            'file_size', coalesce(file_size, 0), 'uploaded_by', uploaded_by, 'display_name', coalesce(display_name, ''),
            'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),
            'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),
            'cloudinary_created_at',
                to_char(coalesce(cloudinary_created_at, created_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),
            'public_id', cloudinary_public_id,
            'texts', jsonb_build_array(cloudinary_public_id, coalesce(display_name, ''), coalesce(original_filename, ''),
                coalesce(description, ''), coalesce(alt_text, ''), array_to_string(tags, ' '),
                coalesce(context ->> 'caption', ''), coalesce(context ->> 'alt', ''))
        ) from public.media_assets where deleted_at is null";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// One to three filters, most of them with values that some row has.
fn filters(random: &mut StdRng, rows: &[Value]) -> Parameters {
    let mut filters = Parameters::new();
    for _ in 0..random.random_range(1..=3) {
        let row = rows.choose(random).unwrap();
        for (name, value) in filter(random, row) {
            if filters.iter().all(|(given, _)| *given != name) {
                filters.push((name, value));
            }
        }
    }
    // What ends before it begins is refused.
    let given = |name: &str| {
        let given = filters.iter().find(|(given, _)| *given == name);
        given.map(|(_, value)| value.clone())
    };
    let size = |name| given(name).map(|value| value.parse::<i64>().unwrap());
    let sizes = size("min_size").zip(size("max_size"));
    let dates = given("date_from").zip(given("date_to"));
    if sizes.is_some_and(|(min, max)| min > max) || dates.is_some_and(|(from, to)| from > to) {
        filters.retain(|(name, _)| !matches!(*name, "max_size" | "date_to"));
    }
    filters
}

fn filter(random: &mut StdRng, row: &Value) -> Parameters {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    match random.random_range(0..10) {
        0 => vec![("resource_type", text("resource_type"))],
        1 => vec![("sync_status", text("sync_status"))],
        2 => vec![("folder", text("folder"))],
        3 => row["uploaded_by"]
            .as_str()
            .map(|user| ("uploaded_by", user.to_owned()))
            .into_iter()
            .collect(),
        4 => vec![("min_size", row["file_size"].to_string())],
        5 => vec![("max_size", row["file_size"].to_string())],
        6 | 7 => {
            let tags: Vec<_> = row["tags"].as_array().unwrap().iter().take(2).collect();
            let tags: Vec<_> = tags.iter().filter_map(|tag| tag.as_str()).collect();
            let how = *["all", "any"].choose(random).unwrap();
            if tags.is_empty() {
                return Parameters::new();
            }
            vec![("tags", tags.join(",")), ("tags_match", how.to_owned())]
        }
        8 => {
            let field = *["created_at", "updated_at", "cloudinary_created_at"]
                .choose(random)
                .unwrap();
            let moment = format!("{}Z", text(field));
            let end = *["date_from", "date_to"].choose(random).unwrap();
            vec![("date_field", field.to_owned()), (end, moment)]
        }
        _ => vec![("search", words(random, &row["texts"]))],
    }
}

/// One or two pieces of the row's texts.
fn words(random: &mut StdRng, texts: &Value) -> String {
    let first = piece(random, texts);
    if random.random_bool(0.3) {
        format!("{first} {}", piece(random, texts))
    } else {
        first
    }
}

/// A piece of one of the row's texts, of one to twelve characters, in any case.
fn piece(random: &mut StdRng, texts: &Value) -> String {
    let texts = texts.as_array().unwrap();
    let text: Vec<char> = texts
        .choose(random)
        .unwrap()
        .as_str()
        .unwrap()
        .chars()
        .collect();
    let text = if text.is_empty() { vec!['e'] } else { text };
    let start = random.random_range(0..text.len());
    let end = (start + random.random_range(1..=12)).min(text.len());
    let piece: String = text[start..end].iter().collect();
    if random.random_bool(0.3) {
        piece.to_uppercase()
    } else {
        piece
    }
}

fn expected(rows: &[Value], filters: &Parameters, sort: &str, ascending: bool) -> Vec<String> {
    let mut found: Vec<_> = rows.iter().filter(|row| matches(row, filters)).collect();
    found.sort_by(|a, b| {
        let order = compare(&a[sort], &b[sort]).then_with(|| compare(&a["id"], &b["id"]));
        if ascending { order } else { order.reverse() }
    });
    found
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_str().unwrap().cmp(b.as_str().unwrap()),
    }
}

fn matches(row: &Value, filters: &Parameters) -> bool {
    let given = |name: &str| {
        filters
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    };
    let date = row[given("date_field").unwrap_or("created_at")]
        .as_str()
        .unwrap();
    filters.iter().all(|(name, value)| match *name {
        "search" => {
            let texts = row["texts"].as_array().unwrap();
            let texts: Vec<_> = texts
                .iter()
                .map(|text| text.as_str().unwrap().to_lowercase())
                .collect();
            let value = value.to_lowercase();
            let holds = |word: &str| texts.iter().any(|text| text.contains(word));
            value.split_whitespace().all(holds)
        }
        "tags" => {
            let has = |tag: &str| row["tags"].as_array().unwrap().iter().any(|own| own == tag);
            match given("tags_match") {
                Some("any") => value.split(',').any(has),
                _ => value.split(',').all(has),
            }
        }
        "date_from" => date >= value.trim_end_matches('Z'),
        "date_to" => date <= value.trim_end_matches('Z'),
        "min_size" => row["file_size"].as_i64().unwrap() >= value.parse().unwrap(),
        "max_size" => row["file_size"].as_i64().unwrap() <= value.parse().unwrap(),
        "date_field" | "tags_match" => true,
        _ => row[*name] == value.as_str(),
    })
}
