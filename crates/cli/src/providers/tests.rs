//! Profiles make the adapters that they describe, or say what is missing.

use std::path::Path;
use std::time::Duration;

use countersign_core::{RefreshSupport, RevokeSupport};

use super::*;
use crate::profile::ProfileFile;

fn build(text: &str) -> Result<Built, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, format!("[profiles.it]\n{text}")).unwrap();
    ProfileFile::read(Path::new(&path))?.profile(None)?.build()
}

fn refused(text: &str) -> String {
    build(text).unwrap_err().lines()
}

const HUB: &str = "provider = \"ibex\"\nbase_url = \"http://127.0.0.1:4001\"\nidentity = \"kim\"\n";
const OAUTH: &str = "provider = \"ibex\"\nflow = \"client_credentials\"\n\
    base_url = \"http://127.0.0.1:4001\"\nissuer = \"http://127.0.0.1:4002\"\n\
    audience = \"https://hub\"\nclient_id = \"1example\"\n";
const POOL: &str = "provider = \"cognito\"\nendpoint = \"http://127.0.0.1:5003\"\n\
    user_pool_id = \"eu-west-1_AbC\"\nclient_id = \"1example\"\nidentity = \"kim\"\n\
    password = \"env:P\"\n";
const IBANERA: &str = "provider = \"ibanera\"\nbase_url = \"http://127.0.0.1:4003\"\n\
    identity = \"kim\"\npassword = \"env:P\"\ntotp_secret = \"env:T\"\n";

#[test]
fn ibex_takes_either_flow() {
    let hub = build(&format!("{HUB}password = \"env:P\"\nrefresh_lifetime = \"2d\"")).unwrap();
    assert_eq!(hub.adapter.realm().auth_origin.to_string(), "http://127.0.0.1:4001");
    let lives = hub.adapter.capabilities().fallback_lifetimes;
    assert_eq!(lives.refresh, Some(Duration::from_secs(172_800)));

    let oauth = build(&format!("{OAUTH}client_secret = \"env:S\"")).unwrap();
    assert_eq!(oauth.adapter.realm().auth_origin.to_string(), "http://127.0.0.1:4002");
    assert_eq!(oauth.adapter.realm().api_origins[0].to_string(), "http://127.0.0.1:4001");
    assert_eq!(&*oauth.adapter.realm().audience, "https://hub");
}

#[test]
fn ibanera_takes_period_and_encoding() {
    let api = build(&format!("{IBANERA}totp_period = \"2s\"\ntotp_encoding = \"raw\"")).unwrap();
    assert_eq!(api.adapter.capabilities().code_per_request, Some(Duration::from_secs(2)));
    assert!(refused(&format!("{IBANERA}totp_period = \"1500ms\"")).contains("whole second"));
}

#[test]
fn cognito_takes_rotation_and_other_origins() {
    let keys =
        "rotation = \"on\"\nrotation_grace = \"20s\"\napi_origins = [\"http://127.0.0.1:8080\"]";
    let pool = build(&format!("{POOL}{keys}")).unwrap();
    let grace = Duration::from_secs(20);
    assert_eq!(pool.adapter.capabilities().refresh, RefreshSupport::Rotating { grace });
    assert_eq!(pool.api_origins[0].to_string(), "http://127.0.0.1:8080");
    assert!(refused(&format!("{POOL}rotation_grace = \"20s\"")).contains("without rotation"));
}

#[test]
fn cognito_takes_the_rules_of_its_pool_for_passwords() {
    let policy = |keys: &str| {
        build(&format!("{POOL}{keys}")).unwrap().adapter.capabilities().password_policy
    };
    assert_eq!(policy(""), None);
    let long = policy("password_length = 12").unwrap();
    assert_eq!((long.min_length, long.upper, long.symbol), (12, true, true));
    let lax = policy("password_needs = [\"lower\", \"digit\"]").unwrap();
    assert_eq!(
        (lax.min_length, lax.lower, lax.digit, lax.upper, lax.symbol),
        (8, true, true, false, false)
    );
    let unknown = refused(&format!("{POOL}password_needs = [\"diggit\"]"));
    assert!(unknown.contains("did you mean \"digit\"?"), "{unknown}");
}

#[test]
fn p12_igny8_takes_its_paths_and_has_a_documented_address() {
    let keys = "provider = \"igny8\"\nidentity = \"kim\"\npassword = \"env:P\"\n";
    let api = build(keys).unwrap();
    assert_eq!(api.adapter.realm().auth_origin.to_string(), "https://api.igny8.com");
    let api = build(&format!("{keys}logout_path = \"/auth/logout/\"\nrotation = \"off\"")).unwrap();
    assert_eq!(api.adapter.capabilities().refresh, RefreshSupport::Reusable);
    assert_eq!(api.adapter.capabilities().revoke, RevokeSupport::RefreshToken);
    assert!(refused(&format!("{keys}login_path = \"auth/\"")).contains("start it with a slash"));
}

#[test]
fn p16_wikimedia_takes_its_budget() {
    let keys = "provider = \"wikimedia\"\nidentity = \"Kim\"\npassword = \"env:P\"\n";
    let api = build(&format!("{keys}refresh_budget = 3")).unwrap();
    assert_eq!(api.adapter.capabilities().refresh_budget, Some(3));
}

#[test]
fn a_missing_secret_source_is_named_with_its_form() {
    let lines = refused(HUB);
    assert!(lines.contains("profile `it`: `password` is missing"), "{lines}");
    assert!(lines.contains("password = \"env:NAME\""), "{lines}");
    assert!(refused(OAUTH).contains("`client_secret` is missing"));
}

#[test]
fn a_wrong_or_unsafe_address_is_refused_by_its_key() {
    let with = |url: &str| {
        refused(&format!(
            "provider = \"ibex\"\nidentity = \"k\"\npassword = \"env:P\"\nbase_url = \"{url}\""
        ))
    };
    assert!(with("http://hub.example").contains("`base_url` cannot be used"));
    assert!(with("http://hub.example").contains("plain http is allowed only"));
    assert!(with("https://kim:canary@hub.example").contains("user name or password"));
    assert!(!with("https://kim:canary@hub.example").contains("canary"));
    assert!(
        refused(&format!("{POOL}api_origins = [\"http://api.example\"]")).contains("`api_origins`")
    );
    let issuer = OAUTH.replace("http://127.0.0.1:4002", "ftp://x");
    assert!(refused(&issuer).contains("`issuer` cannot be used"));
}

#[test]
fn what_a_flow_does_not_use_is_refused() {
    assert!(
        refused(&format!("{OAUTH}client_secret = \"env:S\"\npassword = \"env:P\""))
            .contains("`password` is not used")
    );
    assert!(
        refused(&format!("{HUB}password = \"env:P\"\naudience = \"x\""))
            .contains("not used by this flow")
    );
}
