//! What can be known to be wrong before it is sent: an attempt at the service is worth something.

use countersign_core::{Answers, Error, ErrorKind, FieldError, PasswordPolicy, SecretString};

/// Attributes that every pool has and a client may set (OpenID Connect Core §5.1).
pub(crate) const ATTRIBUTES: &[&str] = &[
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];
const LONGEST_ATTRIBUTE: usize = 32;
const LONGEST_VALUE: usize = 2048;

/// How long the digits of a code are.
#[derive(Clone, Copy)]
pub(crate) enum Digits {
    /// A software token has six, always.
    Six,
    /// A code that was sent has six or eight today.
    SixOrMore,
}
/// Longer than any code that is sent.
const MOST_DIGITS: usize = 12;

/// The answer `name`, which must be there.
pub(crate) fn given<'a>(answers: &'a Answers, name: &str) -> Result<&'a SecretString, Error> {
    answers.get(name).filter(|value| !value.is_empty()).ok_or_else(|| missing([name]))
}

/// An error that names what is missing.
pub(crate) fn missing<'a>(names: impl IntoIterator<Item = &'a str>) -> Error {
    Error::new(ErrorKind::InvalidRequest)
        .with_fields(names.into_iter().map(|name| FieldError::new(name, "missing")))
        .hint("answers are missing that are wanted here")
}

/// The answer `code`, without the spaces and hyphens that people write into it.
pub(crate) fn code(answers: &Answers, digits: Digits) -> Result<SecretString, Error> {
    let plain = compact(given(answers, "code")?);
    let length = plain.len();
    let fits = match digits {
        Digits::Six => length == 6,
        Digits::SixOrMore => (6..=MOST_DIGITS).contains(&length),
    };
    let numeric = plain.expose().bytes().all(|b| b.is_ascii_digit());
    if fits && numeric {
        return Ok(plain);
    }
    let (code, hint) = match digits {
        _ if !numeric => ("no digits", "a code has digits only; nothing was sent"),
        Digits::Six => {
            ("not six digits", "the code of a software token has six digits; nothing was sent")
        }
        Digits::SixOrMore => (
            "too short or too long",
            "a code that was sent has at least six digits; nothing was sent",
        ),
    };
    Err(refused("code", code, hint))
}

/// A confirmation code, whose form is nowhere promised.
pub(crate) fn confirmation_code(code: &SecretString) -> Result<SecretString, Error> {
    let plain = compact(code);
    if plain.is_empty() {
        return Err(missing(["code"]));
    }
    if plain.expose().bytes().all(|b| b.is_ascii_digit()) && plain.len() < 6 {
        let hint = "a code that was sent has at least six digits; nothing was sent";
        return Err(refused("code", "too short", hint));
    }
    Ok(plain)
}

/// Digits in groups lose what stands between them; any other text loses its margins.
fn compact(code: &SecretString) -> SecretString {
    let text = code.expose();
    let between = |c: char| c.is_whitespace() || c == '-';
    if text.chars().all(|c| c.is_ascii_digit() || between(c)) {
        let mut digits = String::with_capacity(text.len());
        digits.extend(text.chars().filter(|c| !between(*c)));
        SecretString::new(digits)
    } else {
        SecretString::new(text.trim())
    }
}

/// Holds a new password against the rules of the pool, where they are known.
pub(crate) fn new_password(
    password: &SecretString,
    policy: Option<PasswordPolicy>,
) -> Result<(), Error> {
    let broken = policy.map(|policy| policy.broken_by(password.expose())).unwrap_or_default();
    if broken.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::PasswordRefused)
        .hint(format!("the new password needs {}; nothing was sent", broken.join(", "))))
}

/// Checks an attribute that the pool has not asked for by name.
pub(crate) fn attribute(name: &str, value: &SecretString) -> Result<(), Error> {
    let own = name.strip_prefix("custom:").is_some_and(|own| {
        !own.is_empty() && !own.chars().any(|c| c.is_whitespace() || c.is_control())
    });
    if name.len() > LONGEST_ATTRIBUTE || !(own || ATTRIBUTES.contains(&name)) {
        let hint = "no pool has an attribute of this name; one of your own is spelled custom:NAME";
        return Err(refused(name, "unknown attribute", hint));
    }
    value_of(name, value)
}

/// Checks the value of an attribute.
pub(crate) fn value_of(name: &str, value: &SecretString) -> Result<(), Error> {
    let text = value.expose();
    if text.chars().count() > LONGEST_VALUE {
        return Err(refused(name, "too long", "an attribute has 2048 characters at most"));
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name {
        "email" => email(name, value),
        "phone_number" => {
            let number = text.strip_prefix('+').is_some_and(|n| digits(n) && n.len() <= 15);
            let hint = "a phone number is + and digits with the country's code, as +4930123456";
            if number { Ok(()) } else { Err(refused(name, "malformed", hint)) }
        }
        "birthdate" => {
            let parts: Vec<&str> = text.split('-').collect();
            let form = parts.iter().map(|part| part.len()).eq([4, 2, 2]);
            let hint = "a birthdate is YYYY-MM-DD";
            if form && parts.iter().all(|part| digits(part)) {
                Ok(())
            } else {
                Err(refused(name, "malformed", hint))
            }
        }
        "updated_at" if !digits(text) => {
            Err(refused(name, "malformed", "updated_at is a number of seconds"))
        }
        _ => Ok(()),
    }
}

/// Whether `value` can be an e-mail address.
pub(crate) fn email(name: &str, value: &SecretString) -> Result<(), Error> {
    let text = value.expose();
    let sides = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if sides && !text.chars().any(char::is_whitespace) {
        return Ok(());
    }
    Err(refused(name, "malformed", "this is no e-mail address; nothing was sent"))
}

/// An error about the input `name`.
pub(crate) fn refused(name: &str, code: &str, hint: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_fields([FieldError::new(name, code)]).hint(hint)
}
