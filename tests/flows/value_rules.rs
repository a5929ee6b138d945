//! The rules of values are the same in the library and in the database.

use end_to_end::database;
use local_stack::{LocalStack, StackOptions};
use media_sync::value_rules::{PAIRS_SIZE, SIZE_RULES, SizeRule, TAGS_SIZE, TEXT_RULES, TextRule};
use serde_json::{Value, json};

/// Characters of every kind that some rule treats in its own way, and their neighbours.
fn characters() -> impl Iterator<Item = char> {
    let ranges = [1..=0x17f, 0x1680..=0x1681, 0x1fff..=0x2070, 0x2fff..=0x3001];
    let others = [
        '\u{feff}',
        '\u{180e}',
        '\u{e000}',
        '\u{1f600}',
        '\u{10ffff}',
    ];
    ranges
        .into_iter()
        .flatten()
        .filter_map(char::from_u32)
        .chain(others)
}

/// Texts in which every character stands at each kind of place, and texts about each limit.
fn texts() -> Vec<String> {
    let placed = characters().flat_map(|c| {
        [
            format!("{c}"),
            format!("{c}a"),
            format!("a{c}"),
            format!("a{c}b"),
            format!("a/{c}b"),
            format!("a{c}/b"),
        ]
    });
    let paths = [
        "", "/", "a//b", "/a", "a/", ".", "..", "a/../b", "a/./b", "...", "a/..b",
    ];
    let lengths = TEXT_RULES
        .iter()
        .flat_map(|rule| [rule.longest, rule.longest + 1])
        .flat_map(|length| {
            [
                "x".repeat(length),
                "ß".repeat(length),
                "\u{1f600}".repeat(length),
            ]
        });
    placed
        .chain(paths.map(str::to_owned))
        .chain(lengths)
        .collect()
}

#[tokio::test]
async fn every_text_has_the_same_fault_in_the_library_and_in_the_database() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let texts = texts();
    for rule in TEXT_RULES {
        let told = database::rows(
            &client,
            "select media_sync.fault_of_text($1, text) as fault from unnest($2::text[]) with ordinality as t (text, place)
             order by place",
            &[&rule.rule, &texts],
        )
        .await;
        let found: Vec<Value> = texts
            .iter()
            .map(|text| json!(rule.fault_of(text)))
            .collect();
        let told: Vec<Value> = told.iter().map(|row| row["fault"].clone()).collect();
        let differs = texts.iter().zip(found.iter().zip(&told));
        let differs: Vec<_> = differs
            .filter(|(_, (ours, theirs))| ours != theirs)
            .collect();
        assert_eq!(found.len(), told.len());
        assert!(
            differs.is_empty(),
            "{}: {:?}",
            rule.rule,
            &differs[..differs.len().min(5)]
        );
        assert!(
            found.iter().any(|fault| !fault.is_null()),
            "{} refuses nothing",
            rule.rule
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn both_hold_one_table_of_rules() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let told = database::rows(&client, "select * from media_sync.text_rules()", &[]).await;
    let ours: Vec<Value> = TEXT_RULES
        .iter()
        .map(|rule: &&TextRule| json!(rule))
        .collect();
    assert_eq!(ours, told);
    let told = database::rows(&client, "select * from media_sync.size_rules()", &[]).await;
    let ours: Vec<Value> = SIZE_RULES
        .iter()
        .map(|rule: &&SizeRule| json!(rule))
        .collect();
    assert_eq!(ours, told);
    stack.stop().await;
}

/// Values about the bound: of letters, of bytes, and of what JSON escapes.
fn sizes() -> Vec<usize> {
    let steps = [1, 2, 6].map(|width| TAGS_SIZE.most_bytes / width);
    let near = |middle: usize| middle.saturating_sub(12)..middle + 3;
    steps.into_iter().flat_map(near).collect()
}

#[tokio::test]
async fn every_whole_value_has_the_same_fault_in_the_library_and_in_the_database() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let is_refused = async |call: &str, value: &Value| -> bool {
        let sql = format!("select media_sync.fault_of_size({call}) is not null as refused");
        let rows = database::rows(&client, &sql, &[value]).await;
        rows[0]["refused"].as_bool().unwrap_or_default()
    };
    let tags = "'tags', media_sync.bytes_of_tags(array(select jsonb_array_elements_text($1)))";
    let pairs = "'pairs', octet_length(($1::jsonb)::text)";
    for unit in ["x", "ß", "\"", "\u{1}"] {
        for size in sizes() {
            let (first, second) = (unit.repeat(size / 2), unit.repeat(size - size / 2));
            let listed = json!([first, second]);
            let ours = TAGS_SIZE.fault_of(&listed).is_some();
            assert_eq!(is_refused(tags, &listed).await, ours, "{unit:?} {size}");
            let paired = json!({"a": first, "ä\n": second});
            let ours = PAIRS_SIZE.fault_of(&paired).is_some();
            assert_eq!(is_refused(pairs, &paired).await, ours, "{unit:?} {size}");
        }
    }
    stack.stop().await;
}
