//! Lists of names that fit into one call each (pure).

use crate::cloudinary::admin::MAX_PUBLIC_IDS;
use crate::cloudinary::name_lists::may_be_split;

/// Bytes of names in one address: many servers and proxies take 8 kB of it.
const MAX_QUERY: usize = 6_000;

/// Cuts names into lists that fit into an address each. A name that a list may be split within is
/// alone.
pub(super) fn cut(names: &[String]) -> Vec<&[String]> {
    // A byte may take three when it is escaped; `&public_ids%5B%5D=` comes before each.
    let length = |name: &String| name.len() * 3 + 18;
    let mut calls = Vec::new();
    let mut rest = names;
    while !rest.is_empty() {
        let mut total = 0;
        let fitting = rest.iter().take(MAX_PUBLIC_IDS).take_while(|name| {
            total += length(name);
            total <= MAX_QUERY && !may_be_split(name)
        });
        let (call, others) = rest.split_at(fitting.count().max(1));
        calls.push(call);
        rest = others;
    }
    calls
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn calls_hold_every_name_once_and_fit_into_an_address(
            lengths in prop::collection::vec(1..=255_usize, 0..250)
        ) {
            let names: Vec<String> = lengths.into_iter().map(|length| "n".repeat(length)).collect();
            let calls = cut(&names);
            for call in &calls {
                prop_assert!((1..=MAX_PUBLIC_IDS).contains(&call.len()));
                let bytes: usize = call.iter().map(|name| name.len() * 3 + 18).sum();
                prop_assert!(bytes <= MAX_QUERY);
            }
            prop_assert_eq!(calls.concat(), names);
        }
    }

    #[test]
    fn a_name_with_a_comma_is_alone() {
        let names = ["a", "b", "c,d", "e,f", "g"].map(str::to_owned);
        let calls: [&[String]; 4] = [&names[..2], &names[2..3], &names[3..4], &names[4..]];
        assert_eq!(cut(&names), calls);
    }

    #[test]
    fn short_names_take_one_call() {
        let names: Vec<String> = (0..100).map(|number| format!("mug-{number}")).collect();
        assert_eq!(cut(&names).len(), 1);
    }
}
