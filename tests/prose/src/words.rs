//! Words of a sentence.

/// Question words that stand for a thing or a person outside of questions: "what was seen".
const NOUNS: [&str; 5] = ["what", "whatever", "who", "whoever", "whom"];

/// People. A "who" after one of them is a relative pronoun: "a user who asks".
const PEOPLE: [&str; 20] = [
    "administrator",
    "administrators",
    "anybody",
    "caller",
    "callers",
    "developers",
    "engineers",
    "everybody",
    "nobody",
    "one",
    "operators",
    "owner",
    "owners",
    "people",
    "reviewers",
    "somebody",
    "stranger",
    "those",
    "user",
    "users",
];

/// Words that open a question, and should open no comment.
const OPENERS: [&str; 9] = [
    "what", "whatever", "who", "whoever", "whom", "whose", "whether", "how", "why",
];

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(|word| {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            bare.to_lowercase()
        })
}

/// The number of a sentence's words.
pub fn count_words(sentence: &str) -> usize {
    words(sentence).count()
}

/// Tells a question by its mark.
pub fn is_question(sentence: &str) -> bool {
    sentence
        .trim_end_matches(['"', '”', ')', '*'])
        .ends_with('?')
}

/// The number of question words that a sentence uses as nouns. A question has none, and relative
/// pronouns are none.
pub fn question_nouns(sentence: &str) -> usize {
    if is_question(sentence) {
        return 0;
    }
    let words: Vec<String> = words(sentence).collect();
    let before = std::iter::once("").chain(words.iter().map(String::as_str));
    before
        .zip(&words)
        .filter(|(before, word)| {
            let is_relative = *word == "who" && PEOPLE.contains(before);
            NOUNS.contains(&word.as_str()) && !is_relative
        })
        .count()
}

/// Tells a text that opens like a question and is none.
pub fn opens_with_a_question_word(sentence: &str) -> bool {
    !is_question(sentence)
        && words(sentence)
            .next()
            .is_some_and(|word| OPENERS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_no_words_and_code_is_one() {
        for (text, expected) in [
            ("", 0),
            ("– · →", 0),
            ("One, two.", 2),
            ("It's a mother-in-law", 3),
            ("`Store` writes", 2),
        ] {
            assert_eq!(count_words(text), expected, "{text}");
        }
    }

    #[test]
    fn question_words_are_nouns_outside_of_questions() {
        for (text, expected) in [
            ("What was seen is written by whoever saw it.", 2),
            ("What was seen?", 0),
            ("Any user who asks.", 0),
            ("It tells who asks, and of whom.", 2),
            ("Somewhat wholesome.", 0),
        ] {
            assert_eq!(question_nouns(text), expected, "{text}");
        }
    }

    #[test]
    fn comments_open_with_a_verb_or_a_noun() {
        for (text, expected) in [
            ("What was seen.", true),
            ("Whether it is.", true),
            ("Why it failed.", true),
            ("Tells why it failed.", false),
            ("Who asks?", false),
            ("When it is late, it ends.", false),
        ] {
            assert_eq!(opens_with_a_question_word(text), expected, "{text}");
        }
    }
}
