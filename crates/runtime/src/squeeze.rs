//! The bytes of a session at rest: numbers, texts, and tokens in six bits a character.

use countersign_core::session::Status;
use countersign_core::{ErrorKind, SecretBytes, SecretString, Timestamp};

use crate::status::{Cause, Ring, Step};

/// The alphabet of base64url (RFC 4648 §5), in which JWTs and most opaque tokens are written.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A character that is not in it.
const OTHER: u8 = 64;

/// Where each character stands in it.
const PLACES: [u8; 256] = {
    let mut places = [OTHER; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        places[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    places
};

/// As many dots as a token of three or five parts has (RFC 7519 §3, RFC 7516 §3.1) are kept aside.
const MOST_DOTS: usize = 4;

/// Bytes of a transition, and how many of its bits are not its instant.
const STEP: usize = 8;
const REST: u32 = 18;

/// What stands for no failure in five bits.
const NO_FAILURE: u64 = 31;

const _: () = assert!(Status::ALL.len() <= 16 && Cause::ALL.len() <= 32);
const _: () = assert!(ErrorKind::ALL.len() <= NO_FAILURE as usize);

/// How a token is written: with so many dots in six bits a character, as it is, or not at all.
const AS_IT_IS: u8 = 0xfe;
const NONE: u8 = 0xff;

pub(crate) fn put<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.extend_from_slice(&bytes);
}

/// A token that is about to be written: what it takes is known before.
pub(crate) struct Packed<'a> {
    token: &'a [u8],
    /// How many dots stand in it; `None` if it is written as it is.
    n_dots: Option<usize>,
}

impl<'a> Packed<'a> {
    /// `None` if it is too long to be a token.
    pub(crate) fn of(token: &'a str) -> Option<Self> {
        let token = token.as_bytes();
        u16::try_from(token.len()).ok()?;
        // All of them, many at a time, and one look at the end.
        let n_dots: usize = token.iter().map(|byte| usize::from(*byte == b'.')).sum();
        let plain = token.iter().fold(true, |all, byte| all & is_plain(*byte));
        Some(Self { token, n_dots: Some(n_dots).filter(|_| plain && n_dots <= MOST_DOTS) })
    }

    /// So many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        match self.n_dots {
            None => 3 + self.token.len(),
            Some(n_dots) => {
                3 + 2 * n_dots + self.parts().map(|part| six_bits_each(part.len())).sum::<usize>()
            }
        }
    }

    fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        self.token.split(|byte| *byte == b'.')
    }

    fn push(&self, out: &mut Vec<u8>) {
        out.push(self.n_dots.map_or(AS_IT_IS, |n_dots| n_dots as u8));
        // It was seen to fit.
        put(out, (self.token.len() as u16).to_le_bytes());
        let Some(n_dots) = self.n_dots else { return out.extend_from_slice(self.token) };
        let mut at = 0;
        for part in self.parts().take(n_dots) {
            at += part.len();
            put(out, (at as u16).to_le_bytes());
            at += 1;
        }
        self.parts().for_each(|part| pack(part, out));
    }
}

/// So many bytes so many characters take.
const fn six_bits_each(characters: usize) -> usize {
    (6 * characters).div_ceil(8)
}

/// Appends characters of the alphabet, six bits each: whole groups of eight are six bytes.
fn pack(part: &[u8], out: &mut Vec<u8>) {
    let bits = |characters: &[u8]| {
        characters.iter().fold(0, |bits, byte| bits << 6 | u64::from(PLACES[usize::from(*byte)]))
    };
    let (eights, rest) = part.as_chunks::<8>();
    for eight in eights {
        let [_, _, six @ ..] = bits(eight).to_be_bytes();
        put(out, six);
    }
    if !rest.is_empty() {
        let last = (bits(rest) << (64 - 6 * rest.len())).to_be_bytes();
        out.extend_from_slice(&last[..six_bits_each(rest.len())]);
    }
}

/// So many bytes a token takes, or that there is none.
pub(crate) fn token_length(token: Option<&Packed<'_>>) -> usize {
    token.map_or(1, Packed::len)
}

/// Appends a token, or that there is none.
pub(crate) fn push_token(out: &mut Vec<u8>, token: Option<&Packed<'_>>) {
    match token {
        Some(token) => token.push(out),
        None => out.push(NONE),
    }
}

/// Whether a character is in the alphabet, or a dot.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')
}

/// So many bytes a text takes.
pub(crate) fn text_length(text: Option<&str>) -> usize {
    text.map_or(1, |text| 3 + text.len())
}

/// Appends a text of at most 64 KiB.
pub(crate) fn push_text(out: &mut Vec<u8>, text: Option<&str>) -> Option<()> {
    let Some(text) = text else {
        out.push(NONE);
        return Some(());
    };
    out.push(AS_IT_IS);
    put(out, u16::try_from(text.len()).ok()?.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}

/// So many bytes the last transitions take.
pub(crate) const RING: usize = 1 + Ring::ROOM * STEP;

/// Appends the last transitions, eight bytes each; `None` if an instant is before 1970 or two thousand years after.
///
/// There is room for as many as are remembered, however many there are: so a session that wakes and rests
/// again takes a piece as large as the one that it left, and the allocator has a use for each hole.
pub(crate) fn push_ring(out: &mut Vec<u8>, ring: &Ring) -> Option<()> {
    out.push(u8::try_from(ring.steps().len()).ok()?);
    for step in ring.steps() {
        put(out, packed(step)?.to_le_bytes());
    }
    let unused = Ring::ROOM.checked_sub(ring.steps().len())?;
    out.resize(out.len() + unused * STEP, 0);
    Some(())
}

/// From the lowest bit: both states (4 bits each), the cause and the failure (5 each), milliseconds (46).
fn packed(step: &Step) -> Option<u64> {
    let place = |at: Option<usize>| u64::try_from(at?).ok();
    let state = |status| place(Status::ALL.iter().position(|known| *known == status));
    let cause = place(Cause::ALL.iter().position(|known| *known == step.cause))?;
    let failure = match step.failure {
        Some(failure) => place(ErrorKind::ALL.iter().position(|known| *known == failure))?,
        None => NO_FAILURE,
    };
    let at = u64::try_from(step.at.as_millis()).ok().filter(|at| *at < 1 << (u64::BITS - REST))?;
    Some(at << REST | failure << 13 | cause << 8 | state(step.to)? << 4 | state(step.from)?)
}

fn unpacked(step: u64) -> Option<Step> {
    let place = |from: u32, bits: u32| (step >> from & ((1 << bits) - 1)) as usize;
    Some(Step {
        at: Timestamp::from_millis(i64::try_from(step >> REST).ok()?),
        from: *Status::ALL.get(place(0, 4))?,
        to: *Status::ALL.get(place(4, 4))?,
        cause: *Cause::ALL.get(place(8, 5))?,
        failure: ErrorKind::ALL.get(place(13, 5)).copied(),
    })
}

/// Reads what was put, in the same order; `None` at whatever was not.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn instant(&mut self) -> Option<Timestamp> {
        Some(Timestamp::from_millis(i64::from_le_bytes(self.take()?)))
    }

    /// A token; the inner `None` if there was none.
    pub(crate) fn token(&mut self) -> Option<Option<SecretString>> {
        let [form] = self.take()?;
        if form == NONE {
            return Some(None);
        }
        let length = self.length()?;
        if form == AS_IT_IS {
            let text = std::str::from_utf8(self.bytes(length)?).ok()?;
            return Some(Some(SecretString::new(text)));
        }
        let mut ends = [length; MOST_DOTS + 1];
        let n_dots = usize::from(form);
        for end in ends.get_mut(..n_dots)? {
            *end = self.length()?;
        }
        let mut text = Vec::with_capacity(length);
        for end in &ends[..=n_dots] {
            self.unpack(end.checked_sub(text.len())?, &mut text)?;
            if *end < length {
                text.push(b'.');
            }
        }
        SecretString::from_bytes(SecretBytes::new(text)).map(Some)
    }

    /// Appends so many characters that were packed.
    fn unpack(&mut self, characters: usize, text: &mut Vec<u8>) -> Option<()> {
        let spread = |bits: u64| {
            let place = |at: u32| ALPHABET[(bits >> (58 - 6 * at) & 63) as usize];
            [place(0), place(1), place(2), place(3), place(4), place(5), place(6), place(7)]
        };
        let (whole, rest) = self.bytes(six_bits_each(characters))?.split_at(characters / 8 * 6);
        for [a, b, c, d, e, f] in whole.as_chunks().0 {
            put(text, spread(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, 0, 0])));
        }
        let mut last = [0; 8];
        last.get_mut(..rest.len())?.copy_from_slice(rest);
        text.extend_from_slice(&spread(u64::from_be_bytes(last))[..characters % 8]);
        Some(())
    }

    /// A text; the inner `None` if there was none.
    pub(crate) fn text(&mut self) -> Option<Option<&'a str>> {
        let [form] = self.take()?;
        if form == NONE {
            return Some(None);
        }
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).ok().map(Some)
    }

    pub(crate) fn ring(&mut self) -> Option<Ring> {
        let [n] = self.take()?;
        let mut steps = Input(self.bytes(Ring::ROOM * STEP)?);
        let mut ring = Ring::with_room();
        for _ in 0..n {
            ring.push(unpacked(u64::from_le_bytes(steps.take()?))?);
        }
        Some(ring)
    }

    fn length(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes(self.take()?)))
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(token: &str) -> Vec<u8> {
        let (mut out, token) = (Vec::new(), Packed::of(token).unwrap());
        push_token(&mut out, Some(&token));
        assert_eq!(out.len(), token.len());
        out
    }

    #[test]
    fn every_token_comes_back_as_it_was() {
        let long = "a-_Z9".repeat(205);
        // Parts of every length, so that a dot comes at every place in a group of eight.
        let part = |n: usize| &long[..n];
        for n in 0..512 {
            let token = format!("{}.{}.{}", part(n % 8), part(n / 8 % 8), part(n / 64));
            let token = token.as_str();
            let out = pushed(token);
            assert_eq!(Input(&out).token().unwrap().unwrap().expose(), token);
        }
        let cases = [
            "a",
            "ab",
            "abc",
            "abcd",
            "abcde",
            "e30.e30.sig",
            "..",
            ".a.b.c.",
            "1.2.3.4.5.6.7",
            "with~other/characters+=",
            &long,
        ];
        for token in cases {
            let mut out = pushed(token);
            push_token(&mut out, None);
            push_text(&mut out, Some(token)).unwrap();
            let mut input = Input(&out);
            assert_eq!(input.token().unwrap().unwrap().expose(), token);
            assert!(input.token().unwrap().is_none());
            assert_eq!(input.text(), Some(Some(token)));
            assert!(input.0.is_empty() && input.text().is_none());
        }
    }

    #[test]
    fn a_token_of_base64url_takes_six_bits_a_character() {
        assert_eq!(pushed(&"a".repeat(1024)).len(), 768 + 3);
        assert!(Packed::of(&"a".repeat(70_000)).is_none());
    }

    #[test]
    fn transitions_come_back_as_they_were() {
        let mut ring = Ring::default();
        for (n, cause) in Cause::ALL.iter().enumerate() {
            let failure = ErrorKind::ALL.get(n).copied().filter(|_| n % 2 == 0);
            let (from, to) = (Status::ALL[n % 11], Status::ALL[(n + 1) % 11]);
            let at = Timestamp::from_seconds(n as i64);
            ring.push(Step { at, from, to, cause: *cause, failure });
        }
        let mut out = Vec::new();
        push_ring(&mut out, &ring).unwrap();
        let read = Input(&out).ring().unwrap();
        assert_eq!(read.to_vec(), ring.to_vec());
    }
}
