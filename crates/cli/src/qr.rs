//! A QR code of characters, for a phone held before the terminal.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// `text` as lines of half blocks, light on dark as terminals are; `None` if it is too long for a code.
pub(crate) fn draw(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let drawn =
        code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_square_and_a_novel_does_not() {
        let address =
            format!("otpauth://totp/cognito:kim?secret={}&issuer=cognito", "A".repeat(52));
        let drawn = draw(&address).unwrap();
        let lines: Vec<&str> = drawn.lines().collect();
        assert!(lines.iter().all(|line| line.chars().all(|c| " ▀▄█".contains(c))), "{drawn}");
        let wide = lines[0].chars().count();
        assert!(wide.abs_diff(lines.len() * 2) <= 1 && wide < 80, "{wide} by {}", lines.len());
        assert_eq!(draw(&"x".repeat(5000)), None);
    }
}
