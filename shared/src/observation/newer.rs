//! The rule by which newer news replace older ones (pure).

/// Takes in a value that was told at a moment. At equal moments the greater value stays, so that the
/// order of arrival does not matter.
pub fn replace_if_newer<T: Clone + Ord>(
    field: &mut T,
    clock: &mut Option<i64>,
    at: i64,
    told: &Option<T>,
) {
    if let Some(told) = told {
        if (*clock, &*field) < (Some(at), told) {
            field.clone_from(told);
        }
        *clock = (*clock).max(Some(at));
    }
}
