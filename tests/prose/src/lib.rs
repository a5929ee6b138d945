//! Measures of English prose in pages and doc comments (pure but for [`sources`]).
//!
//! The limits are those of `tests/prose.rs`. A sentence counts its words; a piece of code counts
//! as one word. Blocks of code and headings are no sentences. A cell of a table is a text of its own.

mod comments;
mod markdown;
pub mod sources;
mod words;

pub use self::comments::doc_comments;
pub use self::markdown::sentences;
pub use self::words::{count_words, is_question, opens_with_a_question_word, question_nouns};

/// The number that nine of ten are not above.
pub fn p90(mut counts: Vec<usize>) -> usize {
    counts.sort_unstable();
    let at = (counts.len() * 9).div_ceil(10);
    counts.get(at.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::p90;

    #[test]
    fn nine_of_ten_are_not_above_it() {
        assert_eq!(p90(vec![]), 0);
        assert_eq!(p90(vec![7]), 7);
        assert_eq!(p90((1..=10).rev().collect()), 9);
        assert_eq!(p90((1..=11).collect()), 10);
    }
}
