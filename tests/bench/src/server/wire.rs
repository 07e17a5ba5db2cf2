//! As much of HTTP/1.1 as the servers and clients of a measurement speak (RFC 9112): heads that fit
//! into one buffer, bodies with a length, connections that stay.

/// The head of a message, and where its body lies.
pub(crate) struct Head<'a> {
    /// The first line: of a request, or of an answer.
    pub(crate) line: &'a str,
    /// Where the body begins.
    pub(crate) body_at: usize,
    pub(crate) body_length: usize,
}

impl Head<'_> {
    /// The target of a request.
    pub(crate) fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> &str {
        self.target()
    }

    /// Where the message ends.
    pub(crate) const fn end(&self) -> usize {
        self.body_at + self.body_length
    }
}

/// The head at the beginning of `bytes`; `None` if it is not whole yet, or no text.
pub(crate) fn head_of(bytes: &[u8]) -> Option<Head<'_>> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some(Head { line, body_at: end + 4, body_length: length.unwrap_or_default() })
}

/// An answer.
pub(crate) fn reply(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::{head_of, reply};

    #[test]
    fn a_message_is_known_when_its_head_is_whole() {
        let text = "POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
        for cut in 0..text.len() - 3 {
            assert!(head_of(&text.as_bytes()[..cut]).is_none());
        }
        let head = head_of(text.as_bytes()).unwrap();
        assert_eq!((head.target(), head.end()), ("/token", text.len()));
        let answer = reply(400, "{}");
        let head = head_of(answer.as_bytes()).unwrap();
        assert_eq!((head.status(), head.end()), ("400", answer.len()));
    }
}
