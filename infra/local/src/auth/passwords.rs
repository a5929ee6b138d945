//! The rules for new passwords, and their hashes: bcrypt, as GoTrue stores them.

use bcrypt::Version;

use super::errors::Refusal;

/// Supabase's least length, unless a project sets another.
const MIN_LENGTH: usize = 6;
/// bcrypt looks at no more.
const MAX_LENGTH: usize = 72;
/// GoTrue's cost.
const COST: u32 = 10;

/// Both lengths are counted in bytes.
pub(super) fn check(password: &str) -> Result<(), Refusal> {
    if password.len() > MAX_LENGTH {
        return Err(Refusal::invalid(format!(
            "Password cannot be longer than {MAX_LENGTH} characters"
        )));
    }
    if password.len() < MIN_LENGTH {
        return Err(Refusal::WeakPassword {
            weakness: vec![format!(
                "Password should be at least {MIN_LENGTH} characters."
            )],
            reasons: vec!["length"],
        });
    }
    Ok(())
}

/// Takes tens of milliseconds of computing, off the threads that serve.
pub(super) async fn hash(password: String) -> Result<String, Refusal> {
    let hashed = compute(move || bcrypt::hash_with_result(password, COST)).await?;
    let parts = hashed.map_err(|_| Refusal::Internal)?;
    Ok(parts.format_for_version(Version::TwoA))
}

/// No password fits a hash that cannot be read.
pub(super) async fn fits(password: String, hash: String) -> Result<bool, Refusal> {
    let fits = compute(move || bcrypt::verify(password, &hash)).await?;
    Ok(fits.unwrap_or(false))
}

/// Checks a hash that an administrator brought.
pub(super) fn check_hash(hash: &str) -> Result<(), Refusal> {
    match hash.parse::<bcrypt::HashParts>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::Internal),
    }
}

async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Refusal::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_have_a_least_and_a_greatest_length() {
        assert!(matches!(check("short"), Err(Refusal::WeakPassword { .. })));
        assert!(check("longer").is_ok() && check(&"x".repeat(72)).is_ok());
        assert!(matches!(check(&"x".repeat(73)), Err(Refusal::Invalid(_))));
    }

    #[tokio::test]
    async fn hash_fits_its_password_alone() {
        let hashed = hash("correct horse".to_owned()).await.unwrap();
        assert!(hashed.starts_with("$2a$10$") && check_hash(&hashed).is_ok());
        let fits_with = async |password: &str| fits(password.to_owned(), hashed.clone()).await;
        assert!(fits_with("correct horse").await.unwrap());
        assert!(!fits_with("battery staple").await.unwrap());
        assert!(!fits("x".to_owned(), "no hash".to_owned()).await.unwrap());
    }
}
