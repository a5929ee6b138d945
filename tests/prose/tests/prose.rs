//! The project's English: short sentences that begin with the actor.

use prose::sources::{self, SourceFile};
use prose::{
    count_words, doc_comments, opens_with_a_question_word, p90, question_nouns, sentences,
};

/// Nine sentences of ten have fewer words.
const P90: usize = 28;

/// Texts with fewer words are labels: cells of tables, names of fields.
const LABEL: usize = 5;

/// No sentence has more words.
const LONGEST: usize = 36;

/// Of a thousand words, fewer are "what" or "who" outside of questions.
const QUESTION_NOUNS: usize = 6;

/// Of a hundred doc comments, fewer open with a question word.
const QUESTION_OPENERS: usize = 1;

/// Offenders that a failure shows, unless `PROSE_SHOWN` asks for more.
const SHOWN: usize = 10;

/// Pages that tests and commands write. Their texts are in the sources.
const GENERATED: [&str; 6] = [
    "docs/operate/cost.md",
    "docs/operate/doctor.md",
    "docs/operate/metrics.md",
    "docs/reference/api.md",
    "docs/reference/errors.md",
    "docs/reference/permissions.md",
];

struct Sentence {
    place: String,
    text: String,
}

fn parted(path: &str, first: usize, text: &str) -> Vec<Sentence> {
    let place = |line: usize| format!("{path}:{}", first + line - 1);
    let parted = sentences(text).into_iter();
    parted
        .map(|(line, text)| Sentence {
            place: place(line),
            text,
        })
        .collect()
}

fn of_pages() -> Vec<Sentence> {
    let mut pages = sources::files("docs", "md");
    pages.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(sources::file));
    pages.retain(|(path, _)| !GENERATED.contains(&path.as_str()));
    pages
        .iter()
        .flat_map(|(path, text)| parted(path, 1, text))
        .collect()
}

fn rust_sources() -> Vec<SourceFile> {
    ["shared", "functions", "infra", "tests"]
        .into_iter()
        .flat_map(|folder| sources::files(folder, "rs"))
        .collect()
}

/// Each doc comment of the project, as its sentences.
fn of_comments() -> Vec<Vec<Sentence>> {
    let mut found = Vec::new();
    for (path, text) in rust_sources() {
        let comments = doc_comments(&text).into_iter();
        found.extend(comments.map(|(line, comment)| parted(&path, line, &comment)));
    }
    found
}

/// The sentences with the largest measures, one a line.
fn worst(sentences: &[Sentence], measure: impl Fn(&str) -> usize) -> String {
    let mut measured: Vec<_> = sentences
        .iter()
        .map(|it| (measure(&it.text), it))
        .filter(|(measure, _)| *measure > 0)
        .collect();
    measured.sort_by_key(|(measure, it)| (std::cmp::Reverse(*measure), &it.place));
    let wanted = std::env::var("PROSE_SHOWN")
        .ok()
        .and_then(|it| it.parse().ok());
    let lines = measured.iter().take(wanted.unwrap_or(SHOWN));
    lines
        .map(|(measure, it)| format!("{measure:>4}  {}: {}", it.place, it.text))
        .collect::<Vec<_>>()
        .join("\n")
}

fn assert_short(sentences: &[Sentence]) {
    let lengths = sentences.iter().map(|it| count_words(&it.text));
    let lengths: Vec<usize> = lengths.filter(|words| *words >= LABEL).collect();
    let longest = lengths.iter().max().copied().unwrap_or(0);
    let p90 = p90(lengths);
    assert!(
        p90 < P90 && longest <= LONGEST,
        "nine of ten sentences have up to {p90} words, the longest has {longest}:\n{}",
        worst(sentences, count_words)
    );
}

fn assert_named(sentences: &[Sentence]) {
    let words: usize = sentences.iter().map(|it| count_words(&it.text)).sum();
    let nouns: usize = sentences.iter().map(|it| question_nouns(&it.text)).sum();
    assert!(
        nouns * 1_000 < QUESTION_NOUNS * words,
        "{nouns} of {words} words are a what or a who that has a name:\n{}",
        worst(sentences, question_nouns)
    );
}

#[test]
fn sentences_of_pages_are_short() {
    assert_short(&of_pages());
}

#[test]
fn sentences_of_doc_comments_are_short() {
    let comments: Vec<_> = of_comments().into_iter().flatten().collect();
    assert_short(&comments);
}

#[test]
fn pages_call_things_and_people_by_their_names() {
    assert_named(&of_pages());
}

#[test]
fn doc_comments_call_things_and_people_by_their_names() {
    let comments: Vec<_> = of_comments().into_iter().flatten().collect();
    assert_named(&comments);
}

#[test]
fn doc_comments_open_with_a_verb_or_a_noun() {
    let comments = of_comments();
    let all = comments.len();
    let opening = comments
        .into_iter()
        .filter_map(|comment| comment.into_iter().next());
    let offenders: Vec<_> = opening
        .filter(|it| opens_with_a_question_word(&it.text))
        .collect();
    assert!(
        offenders.len() * 100 < QUESTION_OPENERS * all || offenders.is_empty(),
        "{} of {all} doc comments open with a question word:\n{}",
        offenders.len(),
        worst(&offenders, |_| 1)
    );
}
