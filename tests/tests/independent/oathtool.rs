//! Codes as OATH Toolkit computes them.

use std::process::Command;
use std::time::Duration;

use countersign_core::totp::{SecretEncoding, Totp};
use countersign_core::{SecretString, Timestamp};
use data_encoding::BASE32;

use crate::support::{left_out, ok};

const CASES: usize = 40;

#[test]
#[ignore = "needs oathtool, run by cargo xtask independent"]
fn codes_equal_those_of_oathtool() {
    let Ok(program) = std::env::var("COUNTERSIGN_OATHTOOL") else {
        return left_out("oathtool", "codes", "it is not installed");
    };
    for case in 0..CASES {
        // Any length from 80 bits, the shortest that vendors give; the seconds since 1970 up to 2106.
        let mut random = [0; 64];
        getrandom::fill(&mut random).unwrap();
        let key = &random[4..4 + 10 + case % 40];
        let seconds = u32::from_le_bytes([random[0], random[1], random[2], random[3]]);
        let period = [30, 60, 2][case % 3];
        let secret = BASE32.encode(key);

        let output = Command::new(&program)
            .args(["--totp=sha1", "--base32", "--digits=6"])
            .arg(format!("--time-step-size={period}s"))
            .arg(format!("--now=@{seconds}"))
            .arg(&secret)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs = String::from_utf8(output.stdout).unwrap();

        // As people type it: lower case, in groups, without padding.
        let typed = if case % 2 == 0 { secret.clone() } else { sloppy(&secret) };
        let period = Duration::from_secs(period);
        let totp = Totp::new(&SecretString::new(typed), SecretEncoding::Base32, period).unwrap();
        let raw = SecretString::new(secret);
        let step = totp.step_at(Timestamp::from_seconds(seconds.into()));
        assert_eq!(totp.code(step).expose(), theirs.trim(), "{raw:?} at {seconds}");
    }
    ok(
        "oathtool",
        "codes",
        &format!("{CASES} random secrets and times, periods of 2, 30 and 60 s"),
    );
}

fn sloppy(secret: &str) -> String {
    let lower = secret.trim_end_matches('=').to_lowercase();
    let groups: Vec<_> = lower.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}
