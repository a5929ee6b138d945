//! Supabase: keys, tokens and PostgREST.
