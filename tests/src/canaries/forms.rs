//! The forms that a secret can have, as texts to look for.

use std::borrow::Cow;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, Encoding, HEXLOWER};

/// From this length on a secret is also looked for cut off.
const LONG: usize = 32;

/// How much of a long secret counts.
const CUT: usize = 16;

/// How a text is smoothed before it is searched, so that one needle stands for many spellings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fold {
    /// In lower case: for the clear text and base32.
    Lower,
    /// In lower case without blanks, colons and `0x`: for hexadecimal and lists of numbers.
    Dense,
    /// In the standard alphabet and without line ends: for base64.
    SixtyFour,
}

/// A text to look for.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    pub(super) text: Vec<u8>,
    pub(super) secret: usize,
    pub(super) form: &'static str,
    /// It counts as a whole number only.
    whole: bool,
}

impl Fold {
    pub(super) const ALL: [Self; 3] = [Self::Lower, Self::Dense, Self::SixtyFour];

    pub(super) fn apply(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Lower => text.to_ascii_lowercase().into(),
            Self::Dense => dense(text).into(),
            Self::SixtyFour => {
                let kept = text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n'));
                let standard = kept.map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => *other,
                });
                standard.collect::<Vec<u8>>().into()
            }
        }
    }
}

impl Needle {
    pub(super) fn is_at(&self, text: &[u8], at: usize) -> bool {
        let end = at + self.text.len();
        text.get(at..end) == Some(&*self.text) && (!self.whole || is_whole(text, at, end))
    }
}

fn is_whole(text: &[u8], at: usize, end: usize) -> bool {
    let before = at.checked_sub(1).map(|place| text[place]);
    let fraction = before == Some(b'.') && at >= 2 && text[at - 2].is_ascii_digit();
    let word = |byte: u8| byte.is_ascii_alphanumeric();
    !before.is_some_and(word) && !fraction && !text.get(end).copied().is_some_and(word)
}

fn dense(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b':' => {}
            b'0' if matches!(bytes.peek(), Some(b'x' | b'X')) => _ = bytes.next(),
            other => kept.push(other.to_ascii_lowercase()),
        }
    }
    kept
}

/// Tells every needle of `secret`, the one with the number `number`.
pub(super) fn needles(secret: &[u8], number: usize, tell: &mut dyn FnMut(Fold, Needle)) {
    let mut add = |fold, form, text: Vec<u8>, whole| {
        tell(fold, Needle { text, secret: number, form, whole });
    };
    let code = secret.len() < 12 && secret.iter().all(u8::is_ascii_digit);
    add(Fold::Lower, "plain", secret.to_ascii_lowercase(), code);
    if secret.len() >= LONG {
        for part in [&secret[..CUT], &secret[secret.len() - CUT..]] {
            add(Fold::Lower, "plain, cut off", part.to_ascii_lowercase(), false);
        }
    }
    for text in aligned(&BASE64_NOPAD, secret) {
        add(Fold::SixtyFour, "base64", text.into_bytes(), false);
    }
    for text in aligned(&BASE32_NOPAD, secret) {
        add(Fold::Lower, "base32", text.to_ascii_lowercase().into_bytes(), false);
    }
    add(Fold::Dense, "hexadecimal", HEXLOWER.encode(secret).into_bytes(), false);
    let pairs: Vec<_> = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    add(Fold::Dense, "hexadecimal list", pairs.join(",").into_bytes(), false);
    let numbers: Vec<_> = secret.iter().map(u8::to_string).collect();
    add(Fold::Dense, "decimal list", numbers.join(",").into_bytes(), false);
}

/// What `secret` looks like inside of something longer that was encoded whole, at every alignment: the
/// characters that come from its own bits alone.
fn aligned(encoding: &Encoding, secret: &[u8]) -> Vec<String> {
    let bits = encoding.bit_width();
    // A block is as many bytes as come out in whole characters: three of base64, five of base32.
    let block = if bits == 6 { 3 } else { 5 };
    let at = |before: usize| {
        let mut whole = vec![0; before];
        whole.extend_from_slice(secret);
        let (first, last) = ((before * 8).div_ceil(bits), whole.len() * 8 / bits);
        encoding.encode(&whole)[first..last].to_owned()
    };
    (0..block).map(at).collect()
}
