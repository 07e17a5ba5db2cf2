//! The spellings in which a leak is planted. Written apart from the search: what one of them gets wrong
//! the other does not hide.

use std::fmt::Write;

use data_encoding::{
    BASE32, BASE32_NOPAD, BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding, HEXLOWER,
    HEXUPPER,
};

/// Every spelling of `secret` with its name.
pub(crate) fn all(secret: &str) -> Vec<(String, String)> {
    let bytes = secret.as_bytes();
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, text: String| all.push((name.to_owned(), text));

    add("plain", secret.to_owned());
    add("upper case", secret.to_ascii_uppercase());
    add("lower case", secret.to_ascii_lowercase());
    if secret.len() >= 32 {
        add("first part", secret.chars().take(20).collect::<String>() + "...");
        let last: Vec<_> = secret.chars().rev().take(20).collect();
        add("last part", format!("...{}", last.iter().rev().collect::<String>()));
    }

    add("hex, lower case", HEXLOWER.encode(bytes));
    add("hex, upper case", HEXUPPER.encode(bytes));
    add("hex, colons", each(bytes, |byte| format!("{byte:02X}:")));
    add("hex, blanks", each(bytes, |byte| format!("{byte:02x} ")));
    add("hex, Debug", format!("{bytes:02x?}"));
    add("hex, prefixed", each(bytes, |byte| format!("{byte:#04x}, ")));
    add("bytes, Debug", format!("{bytes:?}"));
    add("bytes, Debug over lines", format!("{bytes:#?}"));

    add("percent, lower case", each(bytes, |byte| format!("%{byte:02x}")));
    add("percent, upper case", each(bytes, |byte| format!("%{byte:02X}")));
    let reserved = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    add("percent, reserved", each(bytes, reserved));
    let twice = each(bytes, reserved).replace('%', "%25");
    add("percent, twice", twice);

    let units = |write: fn(&mut String, u16)| {
        secret.encode_utf16().fold(String::new(), |mut text, unit| {
            write(&mut text, unit);
            text
        })
    };
    add("JSON, lower case", units(|text, unit| _ = write!(text, "\\u{unit:04x}")));
    add("JSON, upper case", units(|text, unit| _ = write!(text, "\\u{unit:04X}")));
    let json = serde_json::to_string(secret).expect("a text");
    add("JSON in JSON", serde_json::to_string(&json).expect("a text"));
    add("JSON", json);
    add("JSON, slashes", secret.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/"));

    add("Rust, Debug", format!("{secret:?}"));
    add("Rust, Debug of Debug", format!("{:?}", format!("{secret:?}")));
    add("Rust, \\x", each(bytes, |byte| format!("\\x{byte:02x}")));
    add("Rust, \\u", secret.escape_unicode().to_string());
    add("Rust, ASCII", secret.bytes().map(|byte| byte.escape_ascii().to_string()).collect());

    for before in ["", "a", "ab"] {
        let whole = format!("{before}{secret}, and more");
        for (name, encoding) in [
            ("base64", BASE64),
            ("base64, no padding", BASE64_NOPAD),
            ("base64url", BASE64URL),
            ("base64url, no padding", BASE64URL_NOPAD),
        ] {
            add(&format!("{name} after {}", before.len()), encoding.encode(whole.as_bytes()));
            add(&format!("{name} after {}, last", before.len()), ended(&encoding, before, secret));
        }
    }
    let lines = BASE64.encode(format!("user:{secret}").as_bytes());
    let lines: Vec<_> = lines.as_bytes().chunks(20).map(String::from_utf8_lossy).collect();
    add("base64, in lines", lines.join("\r\n"));
    let basic = BASE64.encode(format!("kim:{secret}").as_bytes());
    add("base64, percent", basic.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
    for before in ["", "a", "ab", "abc", "abcd"] {
        let n = before.len();
        add(&format!("base32 after {n}"), ended(&BASE32, before, secret));
        add(&format!("base32, no padding, after {n}"), ended(&BASE32_NOPAD, before, secret));
        let lower = ended(&BASE32, before, secret).to_ascii_lowercase();
        add(&format!("base32, lower case, after {n}"), lower);
    }
    all
}

fn each(bytes: &[u8], write: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| write(*byte)).collect()
}

fn ended(encoding: &Encoding, before: &str, secret: &str) -> String {
    encoding.encode(format!("{before}{secret}").as_bytes())
}
