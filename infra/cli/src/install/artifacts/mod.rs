//! The functions' code: prebuilt zips with their checksums and template, or built from the checkout.

mod architecture;
mod checkout;
mod manifest;
mod options;
mod package;
mod source;

pub(crate) use self::options::CodeOptions;
pub(crate) use self::source::Source;
