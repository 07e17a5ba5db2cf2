//! A session with a partner's API that is signed in, stays signed in, and never leaks or loses its secrets
