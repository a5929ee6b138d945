//! Cloudinary: credentials, signatures, wire types and the client.
