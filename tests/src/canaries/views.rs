//! A content with its escapes taken away, layer by layer.

/// How many layers of escapes are taken away.
const LAYERS: usize = 2;

/// The content as it is and under each layer of percent-encoding and of backslashes.
pub(super) fn of(content: &[u8]) -> Vec<Vec<u8>> {
    let mut views = vec![content.to_vec()];
    let mut last = content.to_vec();
    for _ in 0..LAYERS {
        let percent = percent_decoded(&last);
        let both = unescaped(&percent);
        for view in [unescaped(&last), percent, both.clone()] {
            if !views.contains(&view) {
                views.push(view);
            }
        }
        last = both;
    }
    views
}

/// `%xx` as its byte.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let escaped = if text[at] == b'%' { number(text.get(at + 1..at + 3)) } else { None };
        plain.push(escaped.map_or(text[at], |byte| byte as u8));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    plain
}

/// The escapes of JSON and of Rust's `Debug` as what they stand for. What is no escape stays.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    // Halves of a pair that JSON makes of characters beyond the first plane.
    let mut high = None;
    while at < text.len() {
        if text[at] != b'\\' {
            plain.push(text[at]);
            at += 1;
            continue;
        }
        let (byte, length) = match text.get(at + 1) {
            Some(b'n') => (Some(b'\n'), 2),
            Some(b'r') => (Some(b'\r'), 2),
            Some(b't') => (Some(b'\t'), 2),
            Some(b'0') => (Some(0), 2),
            Some(quoted @ (b'"' | b'\'' | b'\\' | b'/')) => (Some(*quoted), 2),
            Some(b'x') => match number(text.get(at + 2..at + 4)) {
                Some(byte) => (Some(byte as u8), 4),
                None => (Some(b'\\'), 1),
            },
            Some(b'u') => match unicode(&text[at + 2..]) {
                Some((unit, length)) => {
                    push_unit(&mut plain, &mut high, unit);
                    (None, length + 2)
                }
                None => (Some(b'\\'), 1),
            },
            _ => (Some(b'\\'), 1),
        };
        plain.extend(byte);
        at += length;
    }
    plain
}

/// The number after `\u`, as `00e9` or `{e9}`, and how long it is.
fn unicode(rest: &[u8]) -> Option<(u32, usize)> {
    if rest.first() != Some(&b'{') {
        return Some((number(rest.get(..4))?, 4));
    }
    let end = rest.iter().take(8).position(|byte| *byte == b'}')?;
    Some((number(rest.get(1..end))?, end + 1))
}

fn push_unit(plain: &mut Vec<u8>, high: &mut Option<u32>, unit: u32) {
    let scalar = match (high.take(), unit) {
        (_, 0xd800..0xdc00) => {
            *high = Some(unit);
            return;
        }
        (Some(high), 0xdc00..0xe000) => 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
        (_, unit) => unit,
    };
    let letter = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
    plain.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

fn number(digits: Option<&[u8]>) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    let good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
