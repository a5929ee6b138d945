//! HTTP answers, problems, authentication and typed requests.
