//! The Cloudinary stand-in.
