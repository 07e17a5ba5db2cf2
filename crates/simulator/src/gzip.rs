//! A body that is small on the wire and large when it is decompressed (RFC 1951, RFC 1952).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::wire;

/// The most that one code of DEFLATE repeats.
const RUN: u64 = 258;

/// The most that a [`bomb`] becomes. Its body is built in one piece, of 7 MB for this size.
pub(crate) const MOST: u64 = 1 << 30;

/// An answer of status 200 whose body becomes at least `total` spaces, and [`MOST`] at most.
///
/// Its checksum is wrong: a reader that gets there has read too much already.
pub(crate) fn bomb(total: u64) -> Response<Bytes> {
    let mut response = wire::empty(StatusCode::OK);
    *response.body_mut() = spaces(total.min(MOST)).into();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// How many bytes the body of a [`bomb`] becomes, to the nearest run.
pub(crate) fn unpacked(body: &[u8]) -> u64 {
    let bits = (body.len() as u64).saturating_sub(18).saturating_mul(8);
    1 + bits.saturating_sub(18) / 13 * RUN
}

fn spaces(total: u64) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], filled: 8 };
    // The last block, with the fixed codes.
    bits.push(0b1, 1);
    bits.push(0b10, 2);
    // The literal of a space: 8 bits from 0x30 up.
    bits.push(0x30 + u32::from(b' '), 8);
    for _ in 0..total.div_ceil(RUN) {
        // Length 258 is code 285, the distance of 1 is code 0.
        bits.push(0b1100_0101, 8);
        bits.push(0, 5);
    }
    // The end of the block.
    bits.push(0, 7);
    bits.bytes.extend_from_slice(&[0; 8]);
    bits.bytes
}

/// Bits into bytes from the lowest bit up; codes with their highest bit first, as DEFLATE packs its codes.
struct Bits {
    bytes: Vec<u8>,
    filled: u32,
}

impl Bits {
    fn push(&mut self, code: u32, width: u32) {
        for shift in (0..width).rev() {
            if self.filled == 8 {
                self.bytes.push(0);
                self.filled = 0;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(code >> shift & 1 == 1) << self.filled;
            }
            self.filled += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{spaces, unpacked};

    #[test]
    fn the_size_that_it_becomes_is_known_to_the_nearest_run() {
        for total in [516, 1 << 20, 5_000_000] {
            assert!(unpacked(&spaces(total)).abs_diff(total) <= 258, "{total}");
        }
    }

    #[test]
    fn the_stream_is_what_the_format_says() {
        // 517 spaces: the literal and two runs. Read back once by zlib.
        let stream = data_encoding::HEXLOWER.encode(&spaces(516));
        assert_eq!(stream, "1f8b08000000000000ff531805a300000000000000000000");
    }
}
