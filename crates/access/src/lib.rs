//! People, roles, clearances, permits, sessions, tokens, second factor.
