//! The proof of a password: the signature over the server's block, the pool's names and the time.

use countersign_core::{Ambient, Error, ErrorKind, SecretString, Timestamp};
use data_encoding::BASE64_NOPAD;
use jiff::tz::TimeZone;

use crate::pending::Verifier;
use crate::srp::{Client, Party};
use crate::wire::Parameters;

/// The members of an answer that prove `password`. `purpose` names the ephemeral of this exchange whose
/// public half was sent.
pub(crate) fn proof(
    purpose: &str,
    party: Party<'_>,
    password: &SecretString,
    verifier: &Verifier,
    ambient: &Ambient<'_>,
) -> Result<Parameters<'static>, Error> {
    let block = decoded(&verifier.block)?;
    let timestamp = timestamp(ambient.now)?;
    let key = Client::new(ambient.seed, purpose)?.key(
        party,
        password,
        &verifier.salt,
        &verifier.srp_b,
    )?;
    let signature = key.sign(party, &block, &timestamp);
    Ok(Parameters::default()
        .with("PASSWORD_CLAIM_SECRET_BLOCK", &verifier.block)
        .with_secret("PASSWORD_CLAIM_SIGNATURE", Some(signature))
        .with("TIMESTAMP", &timestamp))
}

/// `Tue Mar 4 09:05:07 UTC 2025`: English, and the day without padding.
pub(crate) fn timestamp(now: Timestamp) -> Result<String, Error> {
    let instant = jiff::Timestamp::from_millisecond(now.as_millis()).map_err(|_| {
        Error::new(ErrorKind::Internal).hint("the clock shows a time that cannot be written")
    })?;
    Ok(instant.to_zoned(TimeZone::UTC).strftime("%a %b %-d %H:%M:%S UTC %Y").to_string())
}

/// The server's block; the URL-safe alphabet and missing padding are taken too.
fn decoded(block: &str) -> Result<Vec<u8>, Error> {
    let plain: String = block
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let mut lenient = BASE64_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let bytes = lenient.encoding().ok().and_then(|base64| base64.decode(plain.as_bytes()).ok());
    bytes.ok_or_else(|| {
        Error::new(ErrorKind::Protocol).hint("the SECRET_BLOCK of the challenge is no base64")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p24_the_day_is_not_padded_and_the_rest_is() {
        for (at, text) in [
            (1_741_079_107, "Tue Mar 4 09:05:07 UTC 2025"),
            (1_735_689_600, "Wed Jan 1 00:00:00 UTC 2025"),
            (1_709_251_199, "Thu Feb 29 23:59:59 UTC 2024"),
            (1_766_620_799, "Wed Dec 24 23:59:59 UTC 2025"),
            (0, "Thu Jan 1 00:00:00 UTC 1970"),
        ] {
            assert_eq!(timestamp(Timestamp::from_seconds(at)).unwrap(), text);
        }
        assert!(timestamp(Timestamp::MAX).is_err());
    }

    #[test]
    fn a_block_is_read_in_either_alphabet() {
        for text in ["+/+/aA==", "-_-_aA==", "-_-_aA", "+/+/aB"] {
            assert_eq!(decoded(text).unwrap(), [0xfb, 0xff, 0xbf, 0x68], "{text}");
        }
        assert!(decoded("a").is_err());
    }
}
