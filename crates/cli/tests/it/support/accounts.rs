//! Accounts whose secrets are in files, as services have them.

use std::os::unix::fs::PermissionsExt;

use super::{Home, Simulated};

/// A password that follows every provider's rules.
pub(crate) const CHOSEN: &str = "Canary-Ch0sen-Pass!";

/// A profile `it` whose password is in a file.
pub(crate) fn home(server: &Simulated, keys: &str) -> Home {
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"{}\"\nidentity = \"{}\"\npassword = \"file:pw\"\n{keys}",
        server.value("provider"),
        server.value("identity"),
    ))
    .with("CHOSEN", CHOSEN);
    home.write("pw", server.value("password"), 0o600);
    home
}

/// Where its API is, as a line of a profile.
pub(crate) fn url(server: &Simulated) -> String {
    let base = format!("{}{}", server.value("url"), server.value_or("base_path", ""));
    format!("base_url = \"{base}\"\n")
}

/// What a file of the home holds, which is open to its owner only.
pub(crate) fn read(home: &Home, name: &str) -> String {
    let path = home.path(name);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::read_to_string(path).unwrap()
}

/// The lines of a profile that name a pool and its client.
pub(crate) fn pool_keys(pool: &Simulated) -> String {
    format!(
        "endpoint = \"{0}\"\napi_origins = [\"{0}\"]\nuser_pool_id = \"{1}\"\nclient_id = \"{2}\"\n\
         client_secret = \"file:secret\"\n",
        pool.value("url"),
        pool.value("user_pool_id"),
        pool.value("client_id"),
    )
}
