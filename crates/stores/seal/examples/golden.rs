//! Prints a golden record of the current format: for the author of a new format, once. The tests compare
//! with the files under `tests/golden` and never write them.
//!
//! ```text
//! cargo run -p countersign-seal --example golden -- session < tests/golden/session-1.hex
//! ```
//!
//! What is printed holds what the given record of an older format holds, sealed with the test key (the bytes
//! 0 to 31, id 1; for readers the bytes 32 to 63, id 1) for the test account.

use std::io::Read;

use countersign_core::{
    Error, ErrorKind, Origin, ProviderId, Realm, SealKeys, SecretBytes, SessionKey,
};
use countersign_seal::{Sealer, SessionRecord};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut hex = String::new();
    std::io::stdin().read_to_string(&mut hex)?;
    let digits: String = hex.split_whitespace().collect();
    let old = data_encoding::HEXLOWER.decode(digits.as_bytes())?;
    let sealed = again(&kind, &old)?;
    for line in data_encoding::HEXLOWER.encode(sealed.expose_bytes()).as_bytes().chunks(100) {
        #[expect(clippy::print_stdout, reason = "the purpose of this tool")]
        {
            println!("{}", std::str::from_utf8(line)?);
        }
    }
    Ok(())
}

fn again(kind: &str, old: &[u8]) -> Result<SecretBytes, Error> {
    let keys = SealKeys::new(1, SecretBytes::new((0..32).collect()))
        .also_for_readers(1, SecretBytes::new((32..64).collect()));
    let sealer = Sealer::new(keys)?;
    let realm = Realm::new(Origin::parse("https://auth.example")?);
    let kim = SessionKey::new(ProviderId::new("acme"), &realm, "kim@example.org");
    match (kind, sealer.readers()) {
        ("session", _) => sealer.seal_session(&kim, &sealer.open_session(&kim, old)?),
        ("account", _) => {
            sealer.seal_account(kim.account(), &sealer.open_account(kim.account(), old)?)
        }
        // A refresh that was about to be sent, and nothing that settles it.
        ("journal", _) => {
            let SessionRecord { tokens, journal, counter, .. } = sealer.open_session(&kim, old)?;
            let record = SessionRecord { tokens, journal, counter, ..SessionRecord::default() };
            sealer.seal_session(&kim, &record)
        }
        ("readers", Some(readers)) => readers.seal(&kim, &sealer.open_session(&kim, old)?),
        _ => Err(Error::new(ErrorKind::Configuration)
            .hint("name what is printed: session, account, journal or readers")),
    }
}
