//! The help texts and usage errors, as they are shown: `TRYCMD=overwrite cargo test -p mediasync help`
//! writes them anew.

#[test]
fn help_and_usage_errors_are_as_recorded() {
    trycmd::TestCases::new()
        .case("tests/command/recorded/*.trycmd")
        .env("NO_COLOR", "1")
        .env("DATABASE_URL", "")
        .env("CLOUDINARY_URL", "")
        .env("SUPABASE_URL", "")
        .env("SUPABASE_SECRET_KEY", "")
        .env("AWS_REGION", "")
        .env("AWS_DEFAULT_REGION", "")
        .env("AWS_CONFIG_FILE", "no/such/file");
}
